"""The built site, for the tests: up to date, with links to a repository or without, served as a host would serve it."""

import contextlib
import gzip
import http.server
import os
import re
import shutil
import threading
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

import build
import nbformat
import pytest
import yaml
from filelock import FileLock

SOURCES = (
    "_config.yml",
    "_toc.yml",
    "references.bib",
    "CITATION.cff",
    "CHANGELOG.md",
    "book",
    "notebooks",
    "assignments",
    "locale",
    "experiments/results/reach.json",
    "experiments/results/replications.json",
)
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".txt", ".xml")
NOWHERE = {}
FAILED = []  # what a build said that came to nothing: who asks again in this process is told the same, at once
HOSTED = {  # what a hosted workflow sets, and publish.yml beside it
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "ada/dropout",
    "GITHUB_REF_NAME": "main",
    "BOOK_SITE_URL": "https://ada.example.org/dropout",
}


def build_with(variables, source=build.ROOT, output=None):
    """tools/build.py's build(), where of the variables that tell about a repository only `variables` are set."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("BOOK_", "GITHUB_")):
                patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        return build.build(source, output)


def lock():
    build.HTML.parent.mkdir(exist_ok=True)
    return FileLock(build.HTML.parent / "site.lock")  # held for a whole build; who waits has no limit


def is_newer(folder, files):
    """Whether the site in `folder` was built after the last change of `files`."""
    built = folder / "robots.txt"  # written last
    return built.exists() and built.stat().st_mtime >= max(file.stat().st_mtime for file in files)


def sources(root=build.ROOT):
    """The files that the site is made of, without what ruff and Python leave among them."""
    found = [file for name in SOURCES for file in [root / name, *(root / name).rglob("*")]]
    return [f for f in found if f.is_file() and not {"__pycache__", ".ruff_cache"} & {*f.relative_to(root).parts}]


def site():
    """The folder of the site as `make book` builds it; builds it first where that is needed."""
    with lock():
        if not is_newer(build.HTML, sources()):
            assert not FAILED, FAILED[0]
            ok, printed = build.build()
            if not ok:
                FAILED.append(printed)
            assert ok, printed
    return build.HTML


def variant(name, variables):
    """The folder of the whole site as it is built with `variables`: _build/NAME/_build/html."""
    output, newest = build.HTML.parent / name, site() / "robots.txt"
    html = output / "_build" / "html"
    with lock():
        if not is_newer(html, [newest, Path(__file__)]):
            ok, printed = build_with(variables, output=output)
            assert ok, printed
    return html


def root_of(folder):
    """The path that the site in `folder` is published at: / where it does not know, else such as /dropout/."""
    sitemap = re.search(r"^Sitemap: (.*)sitemap\.xml$", (folder / "robots.txt").read_text(), re.MULTILINE)
    return urlsplit(sitemap[1]).path if sitemap else "/"


def is_linked(folder):
    """Whether the site in `folder` knows its repository or its own address."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    return "/edit/" in text or 'rel="canonical"' in text


def known():
    return variant("known", HOSTED)


def unknown():
    return variant("unknown", NOWHERE) if is_linked(site()) else site()


def other():
    """The site in the state that `make book` did not build here: links known, or unknown."""
    return unknown() if is_linked(site()) else known()


STATES = {"site": site, "other": other}
EACH_STATE = ["site", pytest.param("other", marks=pytest.mark.slow)]  # to build it takes as long as many tests


# ---------------------------------------------------------------- its pages


def documents():
    """The book's pages, as files below the root, in reading order."""
    toc = yaml.safe_load((build.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    names = [toc["root"]] + [entry["file"] for chapter in chapters for entry in (chapter, *chapter.get("sections", ()))]
    return [next(f"{n}{e}" for e in (".ipynb", ".md") if (build.ROOT / f"{n}{e}").exists()) for n in names]


def address(document):
    name = document.rpartition(".")[0]
    return "index.html" if name == "book/index" else f"{name}.html"


DOCUMENTS = documents()
# The chapters, then the homework.
NOTEBOOKS = sorted((name for name in DOCUMENTS if name.endswith(".ipynb")), key=lambda name: name[0], reverse=True)
CHAPTERS = [address(document) for document in NOTEBOOKS if document.startswith("notebooks/")]
PAGES = [address(document) for document in DOCUMENTS] + ["search.html", "404.html"]
WEIGHT = 350_000  # bytes of a page with all it loads, compressed

# A page of each kind: a chapter, a homework, prose, tables, forms.
KINDS = [
    "index.html", CHAPTERS[0], CHAPTERS[0].replace("notebooks", "assignments"), "book/claims.html",
    "book/glossary.html", "book/teach.html", "search.html", "404.html",
]  # fmt: skip
SAMPLE = CHAPTERS[::12]  # `make test` reads these in a browser, `make test-all` every chapter


def some(names, often):
    """`names` as parameters: all but those of `often` carry the mark slow."""
    return [pytest.param(name, marks=() if name in often else pytest.mark.slow) for name in names]


def visits(often, other=PAGES, pages=PAGES):
    """(state, page) of the `pages` as they are built here, and of the `other` ones in the other state, as parameters:
    all but `often` in the first carry the mark slow."""
    return [
        pytest.param(
            (state, name), id=f"{state}-{name}", marks=() if state == "site" and name in often else pytest.mark.slow
        )
        for state, names in zip(STATES, (pages, other))
        for name in names
    ]


# ---------------------------------------------------------------- small books


def scratch_book(folder, pages, notebooks=None):
    """A small book in `folder`, of `pages`, {file in book/: text}, index.md among them, and {file: notebook}."""
    for name in ("_config.yml", "references.bib"):
        shutil.copy(build.ROOT / name, folder / name)
    for name in ("_ext", "_static", "_theme"):
        shutil.copytree(
            build.ROOT / "book" / name, folder / "book" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name, text in pages.items():
        (folder / "book" / name).write_text(text, encoding="utf-8")
    for name, nb in (notebooks or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        nbformat.write(nb, folder / name)
    files = [f"book/{name}" for name in pages if name != "index.md"] + [*(notebooks or ())]
    toc = {"format": "jb-book", "root": "book/index", "chapters": [{"file": f.rpartition(".")[0]} for f in files]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    return folder


compressed = cache(gzip.compress)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves text compressed, and 404.html for what is missing, as a host of static pages does."""

    def __init__(self, *args, root, **options):
        self.root = root
        super().__init__(*args, **options)

    def find(self):
        """The file at the address asked for; None where there is none."""
        if not self.path.startswith(self.root):
            return None
        path = Path(self.translate_path("/" + self.path.removeprefix(self.root)))
        path = path / "index.html" if path.is_dir() else path
        return path if path.is_file() else None

    def do_GET(self):
        found = self.find()
        path = found or Path(self.directory, "404.html")
        body = path.read_bytes()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", self.guess_type(path))
        if path.suffix in COMPRESSED:
            body = compressed(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a browser that leaves a page asks for no more
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(folder):
    """Serve `folder` on a free port of this machine, below the path that it is published at.

    Returns (server, address). End it with server.shutdown().
    """
    root = root_of(folder)
    handler = partial(Handler, directory=str(folder), root=root)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}{root}"

"""The built site, for the tests: up to date, and served as a host would serve it."""

import gzip
import http.server
import os
import shutil
import threading
from functools import partial
from pathlib import Path

import build
from filelock import FileLock

SOURCES = ("_config.yml", "_toc.yml", "references.bib", "book", "notebooks", "assignments")
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".txt", ".xml")


def is_fresh():
    """Whether the site was built after the last change to what it is built from."""
    built = build.HTML / "search.json"  # written last
    files = [file for name in SOURCES for file in [build.ROOT / name, *(build.ROOT / name).rglob("*")]]
    changed = (file.stat().st_mtime for file in files if file.is_file() and "__pycache__" not in file.parts)
    return built.exists() and built.stat().st_mtime >= max(changed)


def site():
    """The folder of the built site; builds it first where that is needed."""
    build.HTML.parent.mkdir(exist_ok=True)
    with FileLock(build.HTML.parent / "site.lock"):
        if not is_fresh():
            ok, printed = build.build()
            assert ok, printed
    return build.HTML


def scratch_book(folder, environment, monkeypatch):
    """A copy of the book's sources in `folder`, and an environment that holds of our variables only `environment`."""
    for name in [*os.environ]:
        if name.startswith(("BOOK_", "GITHUB_")):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in SOURCES:
        source, target = build.ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy(source, target)
    return folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves text compressed, and 404.html for what is missing, as a host of static pages does."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        status = 200 if path.is_file() else 404
        path = path if status == 200 else Path(self.directory, "404.html")
        body = path.read_bytes()
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(path))
        if path.suffix in COMPRESSED:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(folder):
    """Serve `folder` on a free port of this machine; return (server, address). End it with server.shutdown()."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"

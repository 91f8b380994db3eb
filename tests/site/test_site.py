"""The built site, without a browser. Each check returns the faults it finds; planted faults show that it finds them."""

import gzip
import os
import re
import time
from functools import cache, lru_cache
from urllib.parse import unquote, urljoin, urlsplit

import build
import built
import html5lib
import nbformat
import pytest
from book_take import FILES
from built import DOCUMENTS, NOTEBOOKS, PAGES, WEIGHT, address, visits

TITLE = "Dropout, Executed"
LOADED = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "input": "src", "link": "href", "object": "data",
    "script": "src", "source": "src", "track": "src", "video": "src", "form": "action", "base": "href",
}  # fmt: skip


@lru_cache(maxsize=80)
def parsed(text):
    """The tree of a page, and what a strict HTML5 parser finds wrong with it."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    return parser.parse(text), parser.errors


def parse(text):
    return parsed(text)[0]


def within(address, name, root="/"):
    """(path, anchor) in the site that `address` on page `name` leads to; None where it leads out of the site.

    root: the path that the site is published at. A path on the same host that is not below it is returned whole.
    """
    parts = urlsplit(urljoin(f"http://site{root}{name}", address))
    if parts.netloc != "site":
        return None
    return unquote(parts.path).removeprefix(root) or "index.html", unquote(parts.fragment)


# ---------------------------------------------------------------- checks of one page


def markup_faults(text):
    return [f"line {line}: {code}" for (line, _), code, _ in parsed(text)[1]]


def id_faults(text):
    ids = [element.get("id") for element in parse(text).iter() if element.get("id")]
    return [f"id {i} occurs {ids.count(i)} times" for i in sorted({i for i in ids if ids.count(i) > 1})]


def head_faults(text):
    page = parse(text)
    meta = {m.get("name") or m.get("property"): m.get("content") or "" for m in page.iter("meta")}
    links = {rel for link in page.iter("link") for rel in (link.get("rel") or "").split()}
    title = page.findtext("head/title") or ""
    faults = [] if page.get("lang") == "en" else ["no lang=en"]
    faults += [] if TITLE in title and len(title) < 100 else [f"title {title!r}"]
    faults += [] if 20 <= len(meta.get("description", "")) <= 160 else [f"description {meta.get('description')!r}"]
    faults += [] if "icon" in links else ["no favicon"]
    needed = ("og:title", "og:description", "og:type", "og:image", "og:image:alt", "twitter:card", "viewport")
    return faults + [f"no {name}" for name in needed if not meta.get(name)]


def heading_faults(text):
    levels = [int(e.tag[1]) for e in parse(text).iter() if isinstance(e.tag, str) and re.fullmatch(r"h[1-6]", e.tag)]
    faults = [] if levels.count(1) == 1 and levels[0] == 1 else [f"{levels.count(1)} h1"]
    return faults + [f"h{a} is followed by h{b}" for a, b in zip(levels, levels[1:]) if b > a + 1]


def figure_faults(text):
    faults = []
    for img in parse(text).iter("img"):
        if len((img.get("alt") or "").split()) < 4:
            faults.append(f"{img.get('src')}: alt text {img.get('alt')!r}")
        if not all(re.fullmatch(r"[1-9]\d*", img.get(side) or "") for side in ("width", "height")):
            faults.append(f"{img.get('src')}: no width and height")
    return faults


def foreign_faults(text):
    """Resources that the page would load from another host."""
    loaded = []
    for element in parse(text).iter():
        if element.tag in LOADED:
            if element.tag == "link" and element.get("rel") in ("canonical", "license", "alternate"):
                continue
            loaded.append(element.get(LOADED[element.tag]) or "")
        loaded += re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", element.get("style") or "")
        loaded += (element.get("srcset") or "").split()
    loaded += style_addresses("".join(e.text or "" for e in parse(text).iter("style")))
    return [address for address in loaded if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc]


def style_addresses(css):
    return re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", css)


def script_faults(text):
    """Scripts other than ours."""
    faults = []
    for script in parse(text).iter("script"):
        name = urlsplit(script.get("src") or "").path.rpartition("/")[2]
        inline = script.text or ""
        if (
            name not in ("", "book.js", "predict.js", "search.js", "explore.js", "popovers.js", "grids.js")
            or len(inline) > 200
        ):
            faults.append(name or inline)
    return faults


def visible_text(element):
    """The text a reader sees, without code and without the TeX source that KaTeX keeps for copying."""
    if str(element.tag).rpartition("}")[2] in ("pre", "code", "annotation", "script", "style", "svg", "head"):
        return ""
    return (element.text or "") + "".join(visible_text(child) + (child.tail or "") for child in element)


def math_faults(text):
    """Math that was not rendered, and KaTeX's style sheet missing where it is needed or there where it is not."""
    page = parse(text)
    raw = re.findall(r"\$[^$\n]{1,80}\$|\\\(|\\\[|\\(?:frac|sum|mathbb|tilde)\b", visible_text(page))
    classes = [c for element in page.iter() for c in (element.get("class") or "").split()]
    styled = any("katex" in (link.get("href") or "") for link in page.iter("link"))
    faults = [f"not rendered: {piece}" for piece in raw]
    faults += ["KaTeX error"] if "katex-error" in classes else []
    return faults + (["KaTeX style sheet"] if styled != ("katex" in classes) else [])


def markdown_faults(text):
    """Markdown that shows as raw text."""
    seen = visible_text(parse(text).find("body"))
    return re.findall(r"\*\*\S[^*\n]*\*\*|^\s*\|.*\|.*\|\s*$|^#{1,6} |^:::|\{[a-z-]+\}`", seen, re.MULTILINE)


def quantity_faults(text):
    """A quantity that a line end can split."""
    return re.findall(r"\d %|\d [×±] \d", visible_text(parse(text).find("body")))


# ---------------------------------------------------------------- checks of the whole site


def link_faults(texts, files, root="/"):
    """Links and loaded resources that lead to nothing in the site, which is published at the path `root`."""
    pages = {name: parse(text) for name, text in texts.items()}
    ids = {name: {e.get("id") for e in page.iter() if e.get("id")} for name, page in pages.items()}
    faults = []
    for name, page in pages.items():
        for element in page.iter():
            for link in filter(None, (element.get("href"), element.get("src"), element.get("action"))):
                target = within(link, name, root)
                if element.tag == "use" or target is None:
                    continue
                path, anchor = target
                if path not in files:
                    faults.append(f"{name}: {link} leads nowhere")
                elif anchor and path in ids and anchor not in ids[path]:
                    faults.append(f"{name}: {link} has no such anchor")
    return faults


def file_faults(files, docs):
    """Files of the site that are neither a page of the book nor what pages load."""
    names = {doc.rpartition(".")[0] or doc for doc in docs}
    pages = {"index.html", "404.html", "search.html"} | {f"{name}.html" for name in names} - {"book/index.html"}
    sources = {f"_sources/{doc}" for doc in docs}
    alone = (
        r"feed\.xml|robots\.txt|diagnose\.py|sitemap\.xml|search/(index|\d+)\.js|objects\.inv|\.buildinfo|\.nojekyll"
        rf"|take/({'|'.join(map(re.escape, FILES))})"
    )
    other = rf"_static/.*|_images/\w{{64}}\.webp|zh/.*|{alone}"  # of zh/, test_zh.py tells more
    strange = [name for name in files if name not in pages | sources and not re.fullmatch(other, name)]
    missing = [name for name in pages if name not in files]
    return [f"{name}: not of the book" for name in strange] + [f"{name}: missing" for name in missing]


def weight(name, texts, folder, root="/"):
    """Compressed bytes of a page and of all that it loads, but for fonts that only some formulas need."""
    loaded, files = {name}, files_of(folder)
    for element in parse(texts[name]).iter():
        if element.tag in ("script", "img", "link") and element.get("rel") not in (
            "canonical",
            "alternate",
            "apple-touch-icon",
        ):
            target = within(element.get(LOADED[element.tag]) or "", name, root)
            loaded |= {target[0]} if target and target[0] in files else set()
    return sum(transferred(folder / path) for path in loaded)


def transferred(path):
    content = path.read_bytes()
    return len(gzip.compress(content)) if path.suffix in built.COMPRESSED else len(content)


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- the site


@pytest.fixture(scope="module")
def folder():
    return built.site()


@pytest.fixture(scope="module")
def texts(folder):
    return texts_of(folder)


@cache
def texts_of(folder):
    return {name: (folder / name).read_text(encoding="utf-8") for name in PAGES}


PAGE_CHECKS = [
    markup_faults, id_faults, head_faults, heading_faults, figure_faults, foreign_faults, script_faults, math_faults,
    markdown_faults, quantity_faults,
]  # fmt: skip


@pytest.mark.parametrize("check", PAGE_CHECKS)
@pytest.mark.parametrize("page", visits(PAGES))
def test_page(page, check):
    state, name = page
    assert check(texts_of(built.STATES[state]())[name]) == []


PLANTED = [
    (markup_faults, "<!DOCTYPE html><title>t</title><p><div></p>"),
    (markup_faults, "<!DOCTYPE html><title>t</title><b><i>x</b></i>"),
    (id_faults, "<p id=a></p><p id=a></p>"),
    (head_faults, "<html lang=en><title>Dropout, Executed</title>"),
    (head_faults, "<html><title>x</title><link rel=icon href=x>"),
    (heading_faults, "<h1>a</h1><h3>b</h3>"),
    (heading_faults, "<h1>a</h1><h1>b</h1>"),
    (figure_faults, "<img src=a.png width=1 height=1 alt='_images/a.png'>"),
    (figure_faults, "<img src=a.png alt='what the figure shows, in words'>"),
    (foreign_faults, "<script src='https://cdn.example.org/x.js'></script>"),
    (foreign_faults, "<link rel=stylesheet href='//fonts.example.org/css'>"),
    (foreign_faults, "<p style='background: url(https://example.org/a.png)'>"),
    (foreign_faults, "<style>@import 'https://example.org/a.css'</style>"),
    (script_faults, "<script src='_static/scripts/bootstrap.js'></script>"),
    (math_faults, "<p>the mean $x^2$ stays</p>"),
    (math_faults, r"<p>the mean \(x\) stays</p>"),
    (math_faults, "<span class=katex>x</span>"),
    (math_faults, "<link rel=stylesheet href='katex.min.css'><p>no math</p>"),
    (math_faults, "<link rel=stylesheet href='katex.min.css'><i class=katex><i class=katex-error>x</i></i>"),
    (markdown_faults, "<p>| a | b |\n| --- | --- |\n</p>"),
    (markdown_faults, "<p>a **bold** word</p>"),
    (markdown_faults, "<p>{doc}`x`</p>"),
    (quantity_faults, "<p>an error of 5 %</p>"),
    (quantity_faults, "<p>an 8 × 8 image</p>"),
]


@pytest.mark.parametrize("check, text", PLANTED)
def test_planted_fault_is_found(check, text):
    assert check(text)


@pytest.mark.parametrize("state", built.EACH_STATE)
def test_links_resolve(state):
    folder = built.STATES[state]()
    assert link_faults(texts_of(folder), files_of(folder), built.root_of(folder)) == []


BROKEN = [
    "<a href=gone.html>",
    "<a href='#gone'>",
    "<a href='b.html#gone'>",
    "<img src=gone.png>",
    "<a href='/b.html'>",
]


@pytest.mark.parametrize("link", BROKEN)
def test_broken_link_is_found(link):
    assert link_faults({"a.html": link, "b.html": "<p id=here>"}, {"a.html", "b.html"}, "/book/")


@pytest.mark.parametrize("state", built.EACH_STATE)
def test_only_the_book_is_in_the_site(state):
    assert file_faults(files_of(built.STATES[state]()), DOCUMENTS) == []


STRAY = [
    "homework/02-mask-math.html",
    "take/homework.zip",
    "_sources/homework/02-mask-math.ipynb",
    "book/draft.html",
    "notes.md",
]


@pytest.mark.parametrize("name", STRAY)
def test_a_stray_file_is_found(name):
    assert file_faults([*(address(d) for d in DOCUMENTS), "search.html", "404.html", name], DOCUMENTS)


@pytest.mark.parametrize("name", PAGES)
def test_weight(texts, folder, name):
    assert weight(name, texts, folder, built.root_of(folder)) <= WEIGHT


def test_weight_counts_what_a_page_loads(tmp_path):
    (tmp_path / "a.html").write_text("<img src=a.png><script src=a.js></script>")
    (tmp_path / "a.png").write_bytes(os.urandom(4000))
    (tmp_path / "a.js").write_bytes(b"x" * 4000)
    texts = {"a.html": (tmp_path / "a.html").read_text()}
    assert 4000 < weight("a.html", texts, tmp_path) < 4200


def test_styles_load_nothing_foreign(folder):
    for path in folder.rglob("*.css"):
        for found in style_addresses(path.read_text(encoding="utf-8")):
            assert (path.parent / found).is_file(), f"{path.name}: {found}"


@pytest.mark.parametrize("document", NOTEBOOKS)
def test_a_chapter_shows_its_notebook(texts, folder, document):
    page, text = parse(texts[address(document)]), texts[address(document)]
    nb = nbformat.read(build.ROOT / document, 4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    tags = [tag for cell in code for tag in cell.metadata.get("tags", [])]
    ids = [element.get("id") for element in page.iter()]
    for claim in (tag for tag in tags if tag.startswith("claim-")):
        assert ids.count(claim) == 1, claim
    pictures = sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    assert len(list(page.iter("img"))) == pictures
    classes = [(element.get("class") or "").split() for element in page.iter()]
    assert sum("cell_input" in names for names in classes) == len(code)
    assert text.count('<details class="hidden-code">') == tags.count("hide-input")
    trained = [cell for cell in code if "nbval-ignore-output" in cell.metadata.get("tags", []) and cell.outputs]
    assert sum("trained" in names for names in classes) == len(trained)
    downloads = [a.get("href") for a in page.iter("a") if a.get("download") is not None]
    programs = ["diagnose.py"] * ("diagnose" in tags)
    assert [within(link, address(document))[0] for link in downloads] == [f"_sources/{document}", *programs]
    assert (folder / "_sources" / document).read_bytes() == (build.ROOT / document).read_bytes()


def test_the_promise_is_the_description(texts):
    for document in NOTEBOOKS:
        first = nbformat.read(build.ROOT / document, 4).cells[0].source.split("\n\n")[1]
        start = re.sub(r"\W+", " ", first.split("$")[0])[:40].strip()
        described = re.search(r'name="description" content="([^"]*)"', texts[address(document)])[1]
        assert re.sub(r"\W+", " ", described).startswith(start)


def test_first_page(texts):
    page = parse(texts["index.html"])
    images = list(page.iter("img"))
    assert [image.get("loading") for image in images] == [None, "lazy"]
    links = [within(a.get("href"), "index.html") for a in page.find(".//main").iter("a")]
    targets = {link[0] for link in links if link}
    assert {address(document) for document in NOTEBOOKS if document.startswith("notebooks/")} <= targets
    assert "book/how-to-use.html" in targets
    lists = [items for items in page.iter("ul") if items.get("class") == "chapters"]
    promises = ["".join(item.findall("p")[1].itertext()) for items in lists for item in items.findall("li")]
    assert promises and not [text for text in promises if "his chapter you" in text or not text[0].isupper()]


def test_copyright_year(texts, folder):
    """That of the day of the build, or of the day that stands for it."""
    days = [(folder / "index.html").stat().st_mtime, int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))]
    years = {time.gmtime(day).tm_year for day in days}
    assert all(any(f"© {year} " in text for year in years) for text in texts.values())


def test_without_a_repository_there_are_no_links_to_one():
    html = built.unknown()
    for name in PAGES:
        text = (html / name).read_text(encoding="utf-8")
        assert "colab" not in text.replace("Colab", "") and "/edit/" not in text and 'rel="canonical"' not in text, name
    assert not (html / "sitemap.xml").exists()
    assert 'src="/_static/book.js' in (html / "404.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_hosted_workflow_names_its_repository_and_its_site():
    html = built.known()
    for document in DOCUMENTS:
        text = (html / address(document)).read_text(encoding="utf-8")
        colab = f'href="https://colab.research.google.com/github/ada/dropout/blob/main/{document}"'
        assert (colab in text) == document.endswith(".ipynb")
        source = document.replace("assignments/", "homework/")  # the master of what students get
        assert f'href="https://github.com/ada/dropout/edit/main/{source}"' in text
        url = "https://ada.example.org/dropout/" + address(document).replace("index.html", "")
        assert f'<link rel="canonical" href="{url}">' in text
        card = "social.png" if document == "book/index.md" else r"cards/\w{8}\.png"
        assert re.search(rf'content="https://ada\.example\.org/dropout/_static/{card}"', text)
        assert f"<loc>{url}</loc>" in (html / "sitemap.xml").read_text(encoding="utf-8")
    missing = (html / "404.html").read_text(encoding="utf-8")
    links = re.findall(r'\b(?:href|src)="([^"]*)"', missing)
    inside = [link for link in links if not link.startswith(("https://", "#"))]
    assert inside and all(link.startswith("/dropout/") for link in inside)
    assert "Sitemap: https://ada.example.org/dropout/sitemap.xml" in (html / "robots.txt").read_text()


def test_pages_for_robots(texts):
    hidden = [name for name, text in texts.items() if 'content="noindex"' in text]
    assert hidden == ["search.html", "404.html"]

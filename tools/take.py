"""The book to take along, made from the built site: one PDF, an EPUB, a copy to read offline, notebooks and homework.

python tools/take.py [pdf] [epub] [offline] [notebooks] [assignments]

Without a name, all five; they come to _build/take. The PDF is printed by a Chromium; CHROME=/path/to/chrome names one.
BOOK_TAKE=_build/take tools/build.py then builds a site that offers them (book/_ext/book_take.py).
"""

import base64
import html
import io
import os
import posixpath
import re
import subprocess
import sys
import tempfile
import time
import uuid
import xml.etree.ElementTree as ET
import zipfile
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import build
import chromium
import pikepdf
import yaml
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_cards  # noqa: E402
from book_search import plain_math  # noqa: E402
from book_take import FILES, size  # noqa: E402

OUT = ROOT / "_build" / "take"
STYLES = ROOT / "book" / "_take"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What only a screen with scripts has a use for.
FURNITURE = ("headerlink", "buttons", "explore", "no-print", "copy", "filter", "chapters")
FIRST = "notebooks/01-overfitting.html"
CELLS = ("td", "th")
LEFT_OUT = ("preamble", "results", "stored")  # folded cells that are the same in each chapter, or all numbers


# ---------------------------------------------------------------- pages of the site, as trees


class Reader(HTMLParser):
    """Makes a tree of a page of ours, in which each element is closed."""

    def __init__(self):
        super().__init__()
        self.made, self.open = ET.TreeBuilder(), []

    def handle_starttag(self, tag, attributes):
        if tag in CELLS:
            self.end_cell()
        # The one name that is written with a capital, which the parser takes away and an EPUB needs.
        self.made.start(tag, {"viewBox" if name == "viewbox" else name: value or "" for name, value in attributes})
        self.open.append(tag)
        if tag in VOID:
            self.handle_endtag(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def end_cell(self):
        """A cell ends without a tag where the next one or the end of its row comes."""
        if self.open and self.open[-1] in CELLS:
            self.made.end(self.open.pop())

    def handle_endtag(self, tag):
        if tag == "tr":
            self.end_cell()
        if self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes another element")
        self.made.end(tag)

    def handle_data(self, text):
        self.made.data(text)


def tree(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader.made.close()


def classes(element):
    return (element.get("class") or "").split()


def words(element):
    """The text of an element, a formula as it is written."""
    if element.tag == "annotation" or "katex-mathml" in classes(element):
        return ""
    return (element.text or "") + "".join(words(child) + (child.tail or "") for child in element)


def plain(element):
    """The text of an element as one line."""
    return " ".join(words(element).split())


def replace(parent, child, others=()):
    """Put the elements `others` in the place of `child`; the text after it stays."""
    at, tail = list(parent).index(child), child.tail or ""
    parent.remove(child)
    for k, other in enumerate(others):
        parent.insert(at + k, other)
    if others:
        others[-1].tail = (others[-1].tail or "") + tail
    elif at:
        parent[at - 1].tail = (parent[at - 1].tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail


def unwrap(parent, child):
    """Leave what `child` holds and take its tags away."""
    at, inner = list(parent).index(child), child.text or ""
    if at:
        parent[at - 1].tail = (parent[at - 1].tail or "") + inner
    else:
        parent.text = (parent.text or "") + inner
    replace(parent, child, list(child))


def made(tag, attributes=None, *content):
    """A new element; texts and elements as they come."""
    element = ET.Element(tag, attributes or {})
    for each in content:
        if not isinstance(each, str):
            element.append(each)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + each
        else:
            element.text = (element.text or "") + each
    return element


class Page:
    """A page of the book: its address on the site, its part, title, text and sections."""

    def __init__(self, site, name, part):
        self.address, self.part = name, part
        self.key = re.sub(r"\W+", "-", name.removesuffix(".html"))
        text = (site / name).read_text(encoding="utf-8")
        self.article = tree(text[text.index("<article>") : text.index("</article>") + len("</article>")])
        self.tidy()
        heading = self.article.find(".//h1")
        if part is None:  # the first page of the site is about the book
            heading[:], heading.text = [], "About this book"
        self.title = plain(heading)

    def tidy(self):
        for parent in list(self.article.iter()):
            for child in list(parent):
                furniture = child.tag in ("form", "script", "button") or child.get("popover") is not None
                if furniture or any(name in FURNITURE for name in classes(child)):
                    replace(parent, child)
                elif "enlarge" in classes(child):
                    unwrap(parent, child)
        for parent in list(self.article.iter()):
            for child in list(parent):
                if child.tag == "section" and child.get("id") in ("try-it", "chapters") and self.part is None:
                    replace(parent, child)
                elif "heading" in classes(child):
                    unwrap(parent, child)
                elif "hidden-code" in classes(child) and self.leaves_out(parent):
                    lines = words(child[1]).strip("\n").count("\n") + 1
                    line = f"{words(child[0])}: {lines} lines, in the notebook"
                    replace(parent, child, [made("p", {"class": "folded"}, line)])
                elif child.tag == "img":
                    for name in ("loading", "decoding", "fetchpriority", "style"):
                        child.attrib.pop(name, None)

    def leaves_out(self, cell):
        """Whether the code of a folded cell is left to the notebook; the first chapter shows the preamble."""
        kinds = [name.removeprefix("tag_") for name in classes(cell)]
        return any(kind.startswith(LEFT_OUT) for kind in kinds) and not ("preamble" in kinds and self.address == FIRST)

    def sections(self):
        """[(its anchor, its heading), ...]"""
        return [(e.get("id"), heading) for e in self.article[0].iter("section") if (heading := top(e)) is not None]


def top(section):
    """The heading of a section of the first level."""
    for child in section:
        if child.tag == "h2":
            return child
        if len(child) and (child[0].tag == "summary" or "summary" in classes(child[0])):  # a folded section
            return child[0].find("h2")
    return None


def pages(site):
    """The pages of the book in reading order, without the homework."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [Page(site, "index.html", None)]
    for part in toc["parts"]:
        found += [Page(site, f"{entry['file']}.html", part.get("caption", "")) for entry in part["chapters"]]
    return found


def beside(page, path):
    """What `path`, as it stands on `page`, leads to, as a path in the site."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page.address), path))


def relink(found, inside, online):
    """Lead each link to where it belongs: inside(page, anchor) where the book has the page, else to the site's address
    `online`; where that is unknown the link goes and its words stay."""
    known = {page.address: page for page in found}
    for page in found:
        for parent in list(page.article.iter()):
            for link in [child for child in parent if child.tag == "a" and child.get("href") is not None]:
                address = link.get("href")
                if re.match(r"[a-z]+:", address):
                    continue
                path, _, anchor = address.partition("#")
                path = beside(page, path) if path else page.address
                if path in known:
                    link.set("href", inside(known[path], anchor))
                elif online:
                    link.set("href", f"{online}{path}{anchor and '#' + anchor}")
                else:
                    unwrap(parent, link)


@cache
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def authors():
    return ", ".join(a.get("name") or f"{a['given-names']} {a['family-names']}" for a in citation()["authors"])


def facts(site):
    """(title, what stands at the foot of each page as an element, address of the site or "")."""
    text = (site / "index.html").read_text(encoding="utf-8")
    title = html.unescape(re.search(r'property="og:site_name" content="([^"]*)"', text)[1])
    online = re.search(r'rel="canonical" href="([^"]*)"', text)
    foot = tree(re.search(r"<p>(?:(?!<p>).)*</p>(?=\s*</footer>)", text, re.DOTALL)[0])
    return title, foot, html.unescape(online[1]) if online else ""


def today():
    return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)


# ---------------------------------------------------------------- PDF


def browser():
    """Path of the Chromium that prints."""
    if not (found := chromium.find()):
        sys.exit(
            "dropout-book: a Chromium prints the PDF, and none is here; install one, or name it: CHROME=/path/to/it"
        )
    return found


def unfold(page):
    """Open what is folded: solutions, answers and further sections in place, code at the chapter's end, numbered."""
    gathered = []
    for parent in list(page.article.iter()):
        for child in [c for c in parent if c.tag == "details"]:
            summary = child[0]
            if "hidden-code" not in classes(child):
                child.tag = "div"
                child.set("class", f"fold {child.get('class', '')}".strip())
                summary.tag = "div" if len(summary) and summary[0].tag.startswith("h") else "p"
                summary.set("class", "summary")
                continue
            label = words(summary)
            number = len(gathered) // 2 + 1
            here, there = f"place-{number}", f"code-{number}"
            link = made("a", {"id": here, "href": f"#{page.key}--{there}"}, f"{label} [{number}]")
            replace(parent, child, [made("p", {"class": "folded"}, link)])
            back = made("a", {"id": there, "href": f"#{page.key}--{here}"}, f"[{number}] {label}")
            gathered += [made("p", {"class": "folded"}, back), child[1]]
    if gathered:
        heading = made("h2", {}, "Folded code")
        page.article[0].append(made("section", {"id": "folded-code", "class": "gathered"}, heading, *gathered))


def to_print(found, site):
    """The whole book as one page: title, contents and chapters."""
    title, foot, online = facts(site)

    def inside(page, anchor):
        return f"#{page.key}{anchor and '--' + anchor}"

    relink(found, inside, online)
    for page in found:
        unfold(page)
        for element in page.article.iter():
            for name in ("id", "for", "aria-labelledby", "aria-describedby"):
                if element.get(name):
                    element.set(name, f"{page.key}--{element.get(name)}")
            element.attrib.pop("title", None)
            if element.get("src"):
                element.set("src", (site / beside(page, element.get("src"))).as_uri())
            if "katex" in classes(element):
                tex = element.find(".//annotation").text or ""
                said = plain_math(tex)
                element.attrib |= {"role": "img", "aria-label": " ".join(tex.split()) if "…" in said else said}
                replace(element, element[0])
                del element[0].attrib["aria-hidden"]
            elif element.tag == "figure":  # the picture in it has the alternative text
                element.tag = "div"
                element.set("class", "figure")
        page.article.attrib |= {"class": "chapter", "id": page.key, "style": f"page: {page.key}"}

    def line(anchor, heading):
        number = made("span", {"class": "number"}, "000")
        text = made("span", {}, *([heading] if isinstance(heading, str) else copied(heading)))
        return made("a", {"href": f"#{anchor}"}, text, made("span", {"class": "dots"}), number)

    contents, part = made("nav", {"id": "contents"}, made("h1", {}, "Contents")), None
    for page in found:
        if page.part != part and page.part:
            contents.append(made("p", {"class": "part"}, page.part))
        if page.part != part or not len(contents) or contents[-1].tag != "ul":
            contents.append(made("ul"))
        part = page.part
        under = [made("li", {}, line(anchor, heading)) for anchor, heading in page.sections()]
        entry = made("li", {}, line(page.key, page.article.find(".//h1")))
        if under:
            entry.append(made("ul", {}, *under))
        contents[-1].append(entry)
    lead = made("p", {"class": "lead"}, citation()["title"].partition(": ")[2].capitalize() + ".")
    cover = made("div", {"id": "title"}, made("h1", {}, title), lead, made("p", {}, authors()), foot)
    if online:
        cover.append(made("p", {}, made("a", {"href": online}, online)))
    heads = "".join(
        f"@page {page.key} {{ @top-left {{ content: {quoted(page.part or title)} }}"
        f" @top-right {{ content: {quoted(page.title)} }} }}\n"
        for page in found
    )
    links = [site / "_static" / "katex" / "katex.min.css", site / "_static" / "book.css", STYLES / "pdf.css"]
    head = made("head", {}, made("meta", {"charset": "utf-8"}), made("title", {}, title))
    head.extend(made("link", {"rel": "stylesheet", "href": path.as_uri()}) for path in links)
    head.append(made("style", {}, heads))
    body = made("body", {}, cover, contents, *(page.article for page in found))
    body.append(made("script", {}, (STYLES / "fit.js").read_text(encoding="utf-8")))
    whole = made("html", {"lang": "en"}, head, body)
    return "<!DOCTYPE html>\n" + ET.tostring(whole, encoding="unicode", method="html")


def numbered(text, numbers):
    """The page with the `numbers` of pages, {anchor: number}, in its contents."""
    line = re.compile(r'(<a href="#([^"]+)"><span>(?:(?!</a>).)*<span class="number">)000', re.DOTALL)
    return line.sub(lambda m: f"{m[1]}{numbers[m[2]]}", text)


def quoted(text):
    """`text` as a string of CSS within HTML."""
    return '"' + re.sub(r'["\\<>&\n]', lambda m: f"\\{ord(m[0]):x} ", text) + '"'


def copied(heading):
    """What a heading holds, for a line of the contents."""
    copy = deepcopy(heading)
    for parent in list(copy.iter()):
        for child in [c for c in parent if c.tag == "a"]:
            unwrap(parent, child)
    return [copy.text or "", *copy]


def printed(page, to, *options):
    """Print the file `page` with Chromium into the file `to`."""
    with tempfile.TemporaryDirectory() as profile:  # a Chromium that is open keeps its own
        command = [browser(), "--headless", "--disable-gpu", "--no-sandbox", f"--user-data-dir={profile}"]
        command += ["--allow-file-access-from-files", "--virtual-time-budget=60000", "--no-pdf-header-footer"]
        command += ["--font-render-hinting=none"]  # without a window letters would else be as wide as their pixels
        command += [*options, f"--print-to-pdf={to}", page.as_uri()]
        to.unlink(missing_ok=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not to.exists():
        sys.exit(f"dropout-book: {command[0]} printed no PDF; its last words: {done.stdout.strip()[-300:]}")


def places(path):
    """{anchor: the number of its page} of a printed PDF."""
    with pikepdf.open(path) as pdf:
        number = {page.objgen: k for k, page in enumerate(pdf.pages, 1)}
        return {name[1:]: number[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def pdf(site, to):
    """Print twice: to learn on which page each section begins, and with these numbers in the contents."""
    found = pages(site)
    pictures = {" ".join(image.get("alt").split()) for page in found for image in page.article.iter("img")}
    page, text = to.with_suffix(".html"), to_print(found, site)
    page.write_text(text, encoding="utf-8")
    printed(page, to, "--disable-pdf-tagging")
    page.write_text(numbered(text, places(to)), encoding="utf-8")
    printed(page, to, "--generate-pdf-document-outline")
    page.unlink()
    with pikepdf.open(to, allow_overwriting_input=True) as made_pdf:
        with made_pdf.open_metadata() as metadata:
            metadata["dc:title"], metadata["dc:language"] = facts(site)[0], {"en"}
            metadata["dc:creator"] = [authors()]
        made_pdf.docinfo["/Author"] = authors()
        for each in made_pdf.objects:  # what Chromium calls a figure for its alternative text may be a formula
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/Figure" and "/Alt" in each:
                if " ".join(str(each.Alt).split()) not in pictures:
                    each.S = pikepdf.Name.Formula
        made_pdf.save(to, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True)
        return f"{len(made_pdf.pages)} pages"


# ---------------------------------------------------------------- EPUB


XHTML = "http://www.w3.org/1999/xhtml"
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""


def document(title, body, kind=""):
    """A page of the EPUB, as bytes."""
    head = made("head", {}, made("title", {}, title))
    head.append(made("link", {"rel": "stylesheet", "type": "text/css", "href": "epub.css"}))
    names = {"xmlns": XHTML, "xmlns:epub": "http://www.idpf.org/2007/ops", "lang": "en", "xml:lang": "en"}
    page = made("html", names, head, made("body", {"epub:type": kind} if kind else {}, *body))
    return ET.tostring(page, encoding="utf-8", xml_declaration=True)


def as_mathml(formula):
    """The MathML of a formula that KaTeX made, without what the standard does not allow in it."""
    math = formula.find(".//math")
    tex = (math.find(".//annotation").text or "").strip()
    for parent in list(math.iter()):
        for child in list(parent):
            if child.tag in ("annotation", "semantics"):
                unwrap(parent, child) if child.tag == "semantics" else replace(parent, child)
    for annotation in math.findall(".//annotation"):
        replace(math, annotation)
    for element in math.iter():
        if element.tag == "mi" and len(element):  # a name with a space in it
            element.tag = "mrow"
        elif element.tag == "mo" and len(element):
            element[:], element.text = [], words(element)
    math.set("alttext", " ".join(tex.split()))
    return math


def picture(path):
    """A figure as PNG, which every reader shows; plots have few colours."""
    with Image.open(path) as image:
        content = io.BytesIO()
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def cover(title, below):
    """The picture on the cover: the mask of the book's cards, its title and its authors."""
    image = Image.new("RGB", (1200, 1600), book_cards.PAPER)
    drawing = ImageDraw.Draw(image)
    for k in range(48):
        kept = (k * k + k // 8) % 5 < 3
        image.paste(book_cards.dot(kept).resize((90, 90)), (95 + 130 * (k % 8), 640 + 130 * (k // 8)))
    drawing.multiline_text((95, 180), title.replace(", ", ",\n"), book_cards.INK, book_cards.font(130), stroke_width=2)
    drawing.text((95, 1480), below, book_cards.SOFT, book_cards.font(42))
    content = io.BytesIO()
    image.quantize(32, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def to_read(page, site, images):
    """Make the page's article XHTML; `images` gets its figures, {name: content}."""
    for parent in list(page.article.iter()):
        for child in list(parent):
            if "katex" in classes(child):
                replace(parent, child, [as_mathml(child)])
            elif child.tag == "img":
                source = site / beside(page, child.get("src"))
                name = f"{source.stem[:16]}.png"
                images[name] = images.get(name) or picture(source)
                child.set("src", f"images/{name}")
    for element in page.article.iter():
        for name in [n for n in element.attrib if n.startswith("data-") or n in ("title", "style")]:
            del element.attrib[name]
        if element.get("lang"):
            element.set("xml:lang", element.get("lang"))
    page.article.tag = "div"


def epub(site, to):
    found = pages(site)
    title, foot, online = facts(site)
    names = {page.address: f"{page.key}.xhtml" for page in found}
    relink(found, lambda page, anchor: f"{names[page.address]}{anchor and '#' + anchor}", online)
    files, images, spine, contents, part = {}, {}, [], [], None
    front = made("img", {"src": "images/cover.png", "alt": f"The cover: {title}, {authors()}"})
    files["cover.xhtml"] = document(title, [made("p", {"class": "cover"}, front)], "cover")
    files["title.xhtml"] = document(title, [made("h1", {}, title), made("p", {}, authors()), foot], "titlepage")
    images["cover.png"] = cover(title, authors())
    for page in found:
        under = [
            made("li", {}, made("a", {"href": f"{names[page.address]}#{anchor}"}, plain(heading)))
            for anchor, heading in page.sections()
        ]
        entry = made("li", {}, made("a", {"href": names[page.address]}, page.title))
        if under:
            entry.append(made("ol", {}, *under))
        if page.part and page.part != part:
            contents.append(made("li", {}, made("span", {}, page.part), made("ol")))
        part = page.part
        (contents[-1][1] if page.part else contents).append(entry)
        to_read(page, site, images)
        files[names[page.address]] = document(page.title, [page.article])
        spine.append(names[page.address])
    toc = made("nav", {"epub:type": "toc", "role": "doc-toc"}, made("h1", {}, "Contents"), made("ol", {}, *contents))
    marks = [("cover.xhtml", "cover", "Cover"), ("nav.xhtml", "toc", "Contents"), (spine[0], "bodymatter", "Text")]
    landmarks = made("nav", {"epub:type": "landmarks", "hidden": "hidden"}, made("h2", {}, "Landmarks"), made("ol"))
    for name, kind, text in marks:
        landmarks[1].append(made("li", {}, made("a", {"href": name, "epub:type": kind}, text)))
    files["nav.xhtml"] = document("Contents", [toc, landmarks], "frontmatter")
    files["epub.css"] = (STYLES / "epub.css").read_bytes()
    files |= {f"images/{name}": content for name, content in images.items()}
    files["content.opf"] = package(title, files, ["cover.xhtml", "title.xhtml", "nav.xhtml", *spine], online)
    content = {"META-INF/container.xml": CONTAINER.encode()} | {f"book/{name}": each for name, each in files.items()}
    pack(to, content, first={"mimetype": b"application/epub+zip"})
    return f"{len(spine)} pages"


def package(title, files, spine, online):
    """content.opf: what the EPUB is, holds, and in which order one reads it."""
    kinds = {".xhtml": "application/xhtml+xml", ".png": "image/png", ".css": "text/css"}
    items = []
    for name, content in files.items():
        properties = {"nav.xhtml": "nav", "images/cover.png": "cover-image"}.get(name, "")
        for kind, mark in (("mathml", b"<math "), ("svg", b"<svg ")):
            if mark in content and name.endswith(".xhtml"):
                properties = f"{properties} {kind}".strip()
        extra = f' properties="{properties}"' if properties else ""
        items.append(f'<item id="{identifier(name)}" href="{name}" media-type="{kinds[Path(name).suffix]}"{extra}/>')
    cited = citation()
    about = [
        f'<dc:identifier id="book">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, online or cited["title"])}</dc:identifier>',
        f"<dc:title>{html.escape(title)}</dc:title><dc:language>en</dc:language><dc:language>zh-Hans</dc:language>",
        f"<dc:creator>{html.escape(authors())}</dc:creator><dc:date>{cited['date-released']}</dc:date>",
        f"<dc:description>{html.escape(cited['title'])}</dc:description><dc:rights>CC BY 4.0; code MIT</dc:rights>",
        f'<meta property="dcterms:modified">{today():%Y-%m-%dT%H:%M:%SZ}</meta>',
        '<meta name="cover" content="images-cover-png"/>',
    ]
    features = ["structuralNavigation", "tableOfContents", "alternativeText", "MathML", "readingOrder"]
    about += [f'<meta property="schema:accessibilityFeature">{feature}</meta>' for feature in features]
    about += [f'<meta property="schema:accessMode">{mode}</meta>' for mode in ("textual", "visual")]
    about += [
        '<meta property="schema:accessModeSufficient">textual</meta>',
        '<meta property="schema:accessibilityHazard">none</meta>',
        '<meta property="schema:accessibilitySummary">Figures have alternative texts and formulas are MathML.</meta>',
    ]
    order = "".join(f'<itemref idref="{identifier(name)}"/>' for name in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="book" xml:lang="en">\n<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        + "\n".join(about) + "\n</metadata>\n<manifest>\n" + "\n".join(items)
        + f"\n</manifest>\n<spine>{order}</spine>\n</package>\n"
    ).encode()  # fmt: skip


def identifier(name):
    return "f-" + re.sub(r"\W+", "-", name) if name[0].isdigit() else re.sub(r"\W+", "-", name)


# ---------------------------------------------------------------- zips


def pack(to, files, first=None):
    """Write `files`, {name: content}, as a zip that is the same each time; `first` come first and uncompressed."""
    with zipfile.ZipFile(to, "w") as archive:
        for name, content in [*(first or {}).items(), *sorted(files.items())]:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            stored = name in (first or ()) or name.endswith((".png", ".webp", ".woff2"))
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=9)


def data_address(module):
    """A module of a living figure with all that it imports, as an address that needs no file."""
    text = module.read_text(encoding="utf-8")
    text = re.sub(r'(?<=from )"\./([\w.]+)"', lambda m: f'"{data_address(module.parent / m[1])}"', text)
    return "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()


HOSTED = re.compile(r"404\.html|feed\.xml|robots\.txt|sitemap\.xml|objects\.inv|\.|take/|_static/(cards/|social|apple)")
ABOUT = re.compile(
    r'<(?:link rel="(?:preload|alternate|canonical|apple-touch-icon)"|meta (?:property="og:|name="twitter:))[^>]*>\n?'
)
MODULE = re.compile(r'(src|data-module|data-d3)="([^"?]*_static/explore/\w+\.js)[^"]*"')


def at_home(text, folder):
    """A page of `folder` as it works when it is opened from the file system, where a file may not import another as a
    module; and without what only a host needs."""
    text = re.sub(r'<details class="take">.*?</details>\n?', "", text, flags=re.DOTALL)
    return MODULE.sub(lambda m: f'{m[1]}="{data_address(folder / m[2])}"', ABOUT.sub("", text))


def offline(site, to):
    files = {}
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_file() and not HOSTED.match(name):
            content = path.read_bytes()
            if path.suffix == ".html":
                content = at_home(content.decode(), path.parent).encode()
            files[f"dropout-book/{name}"] = content
    pack(to, files)
    return f"open dropout-book/index.html; {len(files)} files"


def listed(folder):
    """The notebooks of `folder` that are in the book, and what allows one to use them."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    names = sorted(set(re.findall(rf"\b{folder}/[\w-]+", toc)))
    files = {f"{name}.ipynb": (ROOT / f"{name}.ipynb").read_bytes() for name in names}
    return files | {f"{folder}/LICENSE": (ROOT / "LICENSE").read_bytes()}


def notebooks(site, to):
    pack(to, files := listed("notebooks"))
    return f"{len(files) - 1} notebooks"


def assignments(site, to):
    """What students get; the masters, in homework/, are never in it."""
    pack(to, files := listed("assignments"))
    return f"{len(files) - 1} notebooks"


MAKERS = dict(zip(("pdf", "epub", "offline", "notebooks", "assignments"), (pdf, epub, offline, notebooks, assignments)))


def take(kind, site=build.HTML, folder=OUT):
    """Make one of MAKERS; return (its path, what there is to say of it)."""
    folder.mkdir(parents=True, exist_ok=True)
    to = folder / list(FILES)[list(MAKERS).index(kind)]
    return to, MAKERS[kind](site, to)


def main():
    wanted = sys.argv[1:] or [*MAKERS]
    if not set(wanted) <= set(MAKERS):
        sys.exit(__doc__)
    if not (build.HTML / "index.html").exists():
        sys.exit("dropout-book: the site is not built yet; make book builds it")
    for kind in wanted:
        started = time.perf_counter()
        path, said = take(kind)
        seconds = time.perf_counter() - started
        print(f"{os.path.relpath(path)}: {size(path.stat().st_size)}, {said} ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()

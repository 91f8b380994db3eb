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
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import xml.etree.ElementTree as ET
import zipfile
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import build
import pikepdf
import yaml
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_cards  # noqa: E402
from book_take import FILES, size  # noqa: E402

OUT = ROOT / "_build" / "take"
STYLES = ROOT / "book" / "_take"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What only a screen with scripts has a use for.
FURNITURE = ("headerlink", "buttons", "explore", "no-print", "copy", "filter", "chapters")
FIRST = "notebooks/01-overfitting.html"
LEFT_OUT = ("preamble", "results", "stored")  # folded cells that are the same in each chapter, or all numbers


# ---------------------------------------------------------------- pages of the site, as trees


class Reader(HTMLParser):
    """Makes a tree of a page of ours, in which each element is closed."""

    def __init__(self):
        super().__init__()
        self.made, self.open = ET.TreeBuilder(), []

    def handle_starttag(self, tag, attributes):
        self.made.start(tag, {name: value or "" for name, value in attributes})
        self.open.append(tag)
        if tag in VOID:
            self.handle_endtag(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
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
        self.title = " ".join(words(heading).split())

    def tidy(self):
        for parent in list(self.article.iter()):
            for child in list(parent):
                if child.tag in ("form", "script", "button") or any(name in FURNITURE for name in classes(child)):
                    replace(parent, child)
                elif "enlarge" in classes(child):
                    unwrap(parent, child)
        for parent in list(self.article.iter()):
            for child in list(parent):
                if child.tag == "section" and child.get("id") == "chapters" and self.part is None:
                    replace(parent, child)
                elif "heading" in classes(child):
                    unwrap(parent, child)
                elif child.tag == "img":
                    for name in ("loading", "decoding", "fetchpriority", "style"):
                        child.attrib.pop(name, None)

    def sections(self):
        """[(its anchor, its heading), ...]"""
        return [(e.get("id"), heading) for e in self.article[0].iter("section") if (heading := top(e)) is not None]


def top(section):
    """The heading of a section of the first level."""
    for child in section:
        if child.tag == "h2":
            return child
        if child.tag == "details" and child[0].tag == "summary":
            return child[0].find("h2")
    return None


def pages(site):
    """The pages of the book in reading order, without the homework."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [Page(site, "index.html", None)]
    for part in toc["parts"]:
        found += [Page(site, f"{entry['file']}.html", part.get("caption", "")) for entry in part["chapters"]]
    return found


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
                path = posixpath.normpath(posixpath.join(posixpath.dirname(page.address), path)) if path else page.address
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


def chromium():
    """Path of a Chromium or Chrome."""
    on_path = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome")]
    elsewhere = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    ]
    found = [path for path in [os.environ.get("CHROME"), *on_path, *elsewhere] if path and Path(path).exists()]
    if not found:
        sys.exit("dropout-book: a Chromium or Chrome prints the PDF, and none is here; install one, or name it: CHROME=…")
    return found[0]


def unfold(page):
    """Open what is folded. Folded code stands at the chapter's end, numbered; what is the same in each chapter, or all
    numbers, is left to the notebook, but for the preamble of the first."""
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
            label, kinds = words(summary), " ".join(classes(parent))
            if re.search(rf"tag_({'|'.join(LEFT_OUT)})", kinds) and not (
                "preamble" in kinds and page.address == FIRST
            ):
                lines = words(child[1]).strip("\n").count("\n") + 1
                replace(parent, child, [made("p", {"class": "folded"}, f"{label}: {lines} lines, in the notebook")])
                continue
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
                path = posixpath.normpath(posixpath.join(posixpath.dirname(page.address), element.get("src")))
                element.set("src", (site / path).as_uri())
            if "katex" in classes(element):
                spoken = element.find(".//annotation")
                element.attrib |= {"role": "img", "aria-label": " ".join((spoken.text or "").split())}
                replace(element, element[0])
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
    """What a heading holds, without links, for a line of the contents."""
    copy = tree(ET.tostring(heading, encoding="unicode", method="html").partition("</" + heading.tag)[0] + f"</{heading.tag}>")
    for parent in list(copy.iter()):
        for child in [c for c in parent if c.tag == "a"]:
            unwrap(parent, child)
    return [copy.text or "", *copy]


def printed(page, to, *options):
    """Print the file `page` with Chromium into the file `to`."""
    with tempfile.TemporaryDirectory() as profile:  # a Chromium that is open keeps its own
        command = [chromium(), "--headless", "--disable-gpu", "--no-sandbox", f"--user-data-dir={profile}"]
        command += ["--allow-file-access-from-files", "--virtual-time-budget=60000", "--no-pdf-header-footer"]
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
    page, text = to.with_suffix(".html"), to_print(pages(site), site)
    page.write_text(text, encoding="utf-8")
    printed(page, to, "--disable-pdf-tagging")
    page.write_text(numbered(text, places(to)), encoding="utf-8")
    printed(page, to, "--generate-pdf-document-outline")
    with pikepdf.open(to, allow_overwriting_input=True) as made_pdf:
        with made_pdf.open_metadata() as metadata:
            metadata["dc:title"], metadata["dc:language"] = facts(site)[0], {"en"}
            metadata["dc:creator"] = [authors()]
        made_pdf.docinfo["/Author"] = authors()
        made_pdf.save(to, object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True)
        return f"{len(made_pdf.pages)} pages"

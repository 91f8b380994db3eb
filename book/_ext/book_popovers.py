"""What a link leads to, beside the link: terms, works, claims, figures, chapters and their sections.

A page ends with one box for each thing that its text links, hidden; popovers.js shows a box on hover, on focus and on a
first tap, and makes it the description of its link for those who hear the page. Boxes are added when a page is written:
neither the search nor what counts words sees them. Without scripts links are links.
"""

import html
import posixpath
import re
import zlib
from pathlib import Path

import book_glossary
import book_numbers
import book_references
from book_directives import without_chapter
from book_page import shorten
from book_search import node_text
from docutils import nodes
from pybtex.richtext import Text
from sphinx import addnodes

ITSELF = ""  # the page, among what its anchors lead to
AUTHORS = 6  # at most, by name
# Links in these are no part of the running text, or stand beside what a box would say.
PASSED = re.compile(
    r'<(h[1-6]|summary|figcaption|pre)\b.*?</\1>|<ul class="chapters[^"]*">.*?</ul>'
    r'|<a\b(?=[^>]*class="(?:headerlink|enlarge|button)\b)[^>]*>|(<a\b[^>]*?\bhref="([^"]*)"[^>]*)>',
    re.DOTALL,
)
BESIDE = {"book/glossary": "term", "book/claims": "claim", "book/references": "work"}
MENTION = re.compile(r"\bChapter\s(\d{1,2})\b|\b[Cc]laim\s(\d\d)\b|\bFigure\s(\d{1,2}\.\d{1,2})\b")
UNLINKED = ("book/changes", "book/claims", "book/glossary", "book/references")
# Of what the chapters say about a work, what tells of a part of it or refers to the chapter comes last, after what is
# but a word or two.
PARTIAL = re.compile(r"\b(?:sections?|tables?|appendix|this chapter)\b", re.IGNORECASE)


def words(node):
    """The text of a node in one line; a space that does not break stays."""
    return re.sub(r"[ \t\r\n]+", " ", node_text(node)).strip()


# ---------------------------------------------------------------- what a page can say


def first_paragraph(section):
    """Its first paragraph; "" where a formula of it is no text in a line."""
    paragraph = next((child for child in section.children if isinstance(child, nodes.paragraph)), None)
    text = words(paragraph) if paragraph is not None else ""
    return "" if "…" in text else text


def sections(doctree):
    for section in doctree.findall(nodes.section):
        title, text = words(section.next_node(nodes.title)), first_paragraph(section)
        if section.parent is doctree:
            yield ITSELF, dict(kind="chapter", title=title, text=without_chapter(text))
        else:
            about = dict(kind="section", title=title, text=re.sub("[,;:]…$", "…", shorten(text)))
            yield from ((anchor, about) for anchor in section["ids"])


def figures(doctree):
    for figure in doctree.findall(nodes.figure):
        caption = figure.next_node(nodes.caption)
        name, _, text = words(caption).partition(". ") if caption else ("", "", "")
        yield from ((anchor, dict(kind="figure", title=name.rstrip("."), text=text)) for anchor in figure["ids"])


def terms(doctree):
    for glossary in doctree.findall(addnodes.glossary):
        for *names, definition in (item.children for item in glossary[0]):
            sentence, chapter = definition[0], definition[0].children[-1]
            said = [child for child in sentence.children if child is not chapter or isinstance(child, nodes.Text)]
            text = re.sub(r"\s+", " ", "".join(node_text(child) for child in said)).strip()
            about = dict(kind="term", title=names[0].astext(), other=" ".join(n.astext() for n in names[1:]), text=text)
            yield names[0]["ids"][0], about


def claims(doctree):
    """From the list of a chapter's claims: "**Claim 16** — *sentence* **Holds.** why"."""
    for paragraph in doctree.findall(nodes.paragraph):
        parts = [child for child in paragraph.children if isinstance(child, nodes.strong | nodes.emphasis)]
        number = re.fullmatch(r"Claim (\d\d)", parts[0].astext()) if parts else None
        verdict = next((part for part in parts[2:] if isinstance(part, nodes.strong)), None)
        if number and verdict is not None and isinstance(parts[1], nodes.emphasis):
            about = dict(kind="claim", title=number[0], text=words(parts[1]), verdict=verdict.astext().rstrip("."))
            yield f"claim-{number[1]}", about


def readings(doctree):
    """(address, what the chapter says of the work) of its further reading, where a line is about one work."""
    section = next((s for s in doctree.findall(nodes.section) if s[0].astext() == "Further reading"), None)
    for paragraph in section.findall(nodes.paragraph) if section else ():
        line = ""
        for child in paragraph.children:
            uri = child.get("refuri", "") if isinstance(child, nodes.reference) else ""
            title = isinstance(child, nodes.emphasis) and line.endswith(", ")
            line += f"<{uri}>" if uri else f"*{words(child)}*" if title else node_text(child)
        for part in re.split(r";\s+(?=<)", " ".join(line.split())):
            found = re.fullmatch(r"<([^<>]+)>(?:, \*[^*]*\*)?[:,] ([^<>*]+)", part)
            if found:
                yield found[1], found[2].rstrip(".") + "."


def collect(app, doctree):
    """Keep of a page what links to it will say."""
    kept = {}
    for found in (sections, figures, terms, claims):
        kept |= dict(found(doctree))
    app.env.metadata[app.env.docname]["popovers"] = kept
    app.env.metadata[app.env.docname]["readings"] = list(readings(doctree))


def kept(env, docname):
    return env.metadata[docname].get("popovers", {})


# ---------------------------------------------------------------- works


def plain(latex):
    return str(Text.from_latex(latex))


def named(entry):
    """Authors and year: at most AUTHORS of them."""
    people = entry.persons.get("author", [])
    names = [
        plain(" ".join([*p.first_names, *p.middle_names, *p.prelast_names, *p.last_names, *p.lineage_names]))
        for p in people
    ]
    if "others" in names or len(names) > AUTHORS:
        names = [*names[: min(AUTHORS, len(names)) - 1], "others"]
    *before, last = names or [""]
    return f"{', '.join(before)}{' and ' if before else ''}{last}, {entry.fields['year']}"


def works(app):
    """{address: what is said of the work} of all that the book cites."""
    if not hasattr(app, "book_works"):
        env, said, found = app.env, {}, {}
        for docname in sorted(env.found_docs):
            for address, line in env.metadata[docname].get("readings", ()):
                said.setdefault(address, []).append((bool(PARTIAL.search(line)), line.count(" ") < 2, docname, line))
        for entry in env.get_domain("cite").bibdata.data.entries.values():
            about = dict(kind="work", title=plain(entry.fields["title"]), by=named(entry), text="")
            addresses = book_references.addresses(entry.fields)
            if lines := [line for address in addresses for line in said.get(address, ())]:
                *_, docname, line = min(lines, key=lambda row: row[:3])
                about["text"] = f"{book_references.name_of(app, docname)}: {line}"
            found |= dict.fromkeys(addresses, about)
        app.book_works = found
    return app.book_works


# ---------------------------------------------------------------- links to what is only named


def link_mentions(app, doctree, docname):
    """ "Chapter 4", "claim 16" and "Figure 2.1" in the running text become links, but to the chapter that one reads."""
    env = app.env
    if not docname.startswith(("notebooks/", "book/")) or docname in UNLINKED:
        return
    chapters = {int(m[1]): m.string for m in map(re.compile(r"notebooks/(\d\d)-.*").match, env.found_docs) if m}
    anchors = {anchor: name for name in chapters.values() for anchor in kept(env, name)}
    for _, text in list(book_glossary.texts(doctree)):
        pieces, end = [], 0
        for found in MENTION.finditer(text) if not isinstance(text.parent, nodes.strong) else ():
            chapter, claim, figure = found.groups()
            anchor = f"claim-{claim}" if claim else f"figure-{figure.replace('.', '-')}" if figure else ""
            name = anchors.get(anchor) if anchor else chapters.get(int(chapter))
            if not name or (name == docname and not anchor):
                continue
            uri = app.builder.get_relative_uri(docname, name) if name != docname else ""
            uri += anchor and f"#{anchor}"
            link = nodes.reference("", found[0], refuri=uri, internal=True)
            pieces += [nodes.Text(text[end : found.start()]), link]
            end = found.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


# ---------------------------------------------------------------- boxes


def leads_to(app, page, href, names):
    """What a box says of the thing that `href` on `page` leads to; None where there is no box for it."""
    path, _, anchor = href.partition("#")
    if "://" in path:
        found = works(app).get(href)
    else:
        here = app.builder.get_target_uri(page)
        docname = names.get(posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here)
        found = kept(app.env, docname).get(anchor) if docname else None
        if not found or (found["kind"] in ("chapter", "section") and not docname.startswith("notebooks/")):
            return None
        if docname == page and not anchor:
            return None
        if found["kind"] == "section" and docname != page:
            found = found | dict(of=kept(app.env, docname)[ITSELF]["title"])
    return None if not found or found["kind"] == BESIDE.get(page) else found


def paragraphs(found, link):
    """(lines above, lines that are the description of the link) of a box, as HTML."""
    said = {name: html.escape(value, quote=False) for name, value in found.items()}
    text = [said["text"]] if said["text"] else []
    match found["kind"]:
        case "term":
            return [f'{link} <span lang="zh-Hans">{said["other"]}</span>'], text
        case "work":
            soft = [f"<small>{line}</small>" for line in text]
            return [said["by"]], [link, *soft]
        case "claim":
            return [link], [f'{said["text"]} <span class="verdict">{said["verdict"]}</span>']
        case "figure":
            return [link], text
        case "section":
            return [], [link, *text, *([f"<small>{said['of']}</small>"] if "of" in said else [])]
    return [], [link, *text]


def box(number, found, href):
    """The box, hidden until popovers.js shows it. Its link is for a finger: the keyboard is at the other one."""
    title = found["title"] if found["kind"] != "work" else re.sub(r"(?<![.?!])$", ".", found["title"])
    link = f'<a href="{href}" tabindex="-1">{html.escape(title, quote=False)}</a>'
    above, lines = ([f"<p>{line}</p>\n" for line in part] for part in paragraphs(found, link))
    verdict = f" {found['verdict'].lower()}" if "verdict" in found else ""
    described = f'<div id="peek-{number}">\n{"".join(lines)}</div>\n' if lines else ""
    return f'<div class="peek {found["kind"]}{verdict}" popover>\n{"".join(above)}{described}</div>\n'


def describe(app, pagename, templatename, context, doctree):
    """Tie the links of a page's text to boxes, which the template puts below it."""
    context["popovers"] = ""
    if not doctree or app.builder.name != "html":
        return
    names = {app.builder.get_target_uri(name): name for name in app.env.found_docs}
    numbers, boxes = {}, []

    def tie(match):
        tag, href = match[2], match[3]
        found = leads_to(app, pagename, html.unescape(href), names) if tag else None
        if not found:
            return match[0]
        if href not in numbers:
            made = box(len(boxes) + 1, found, href)
            if "id=" not in made:
                return match[0]
            boxes.append(made)
            numbers[href] = len(boxes)
        return f'{tag} data-peek="{numbers[href]}">'

    context["body"] = PASSED.sub(tie, context["body"])
    context["popovers"] = book_numbers.marked("".join(boxes))


def begin(app, env):
    vars(app).pop("book_works", None)


def setup(app):
    app.connect("doctree-read", collect, priority=900)
    app.connect("env-updated", begin)
    app.connect("doctree-resolved", link_mentions, priority=600)
    app.connect("html-page-context", describe, priority=900)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

"""The glossary: its Chinese, in the order of pinyin, and links to it from where the chapters first use its terms."""

import json
import re
import zlib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

GLOSSARY = "book/glossary"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
logger = logging.getLogger(__name__)


# ---------------------------------------------------------------- its Chinese

# The first level of GB 2312 is in the order of pinyin. These are its first characters, by letter.
INITIALS = dict(zip("啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝", "ABCDEFGHJKLMNOPQRSTWXYZ", strict=True))
FIRST, LAST = "啊".encode("gb18030"), "座".encode("gb18030")
SOUNDS_LIKE = {"校": "叫"}  # not of the first level, or filed there under another reading


def spelling(term):
    """(initial of its pinyin, what to sort it by) of a Chinese term; ValueError where the order does not tell."""
    term = "".join(SOUNDS_LIKE.get(character, character) for character in term)
    code = term.encode("gb18030")
    if re.match("[A-Za-z]", term):
        return term[0].upper(), code
    if not FIRST <= code[:2] <= LAST:
        raise ValueError(f"{term!r}: name in SOUNDS_LIKE a common character that sounds like its first")
    return max(
        (first.encode("gb18030"), letter) for first, letter in INITIALS.items() if first.encode("gb18030") <= code
    )[1], code


class pinyin(nodes.General, nodes.Element):
    """Where {pinyin} stands until the page is read."""


class Pinyin(SphinxDirective):
    """`{pinyin}`: the Chinese terms of the page's glossaries in the order of their pinyin, each a link to its entry."""

    def run(self):
        return [pinyin()]


def read_glossary(app, doctree):
    """Mark the Chinese terms of a page as Chinese, lead links to them to the English term, and fill {pinyin}."""
    objects, found = app.env.get_domain("std").objects, []
    for item in doctree.findall(nodes.definition_list_item):
        if not isinstance(item.parent.parent, addnodes.glossary):
            continue
        terms = list(item.findall(nodes.term))
        for term in terms[1:]:
            if CHINESE.search(term.astext()):
                # Its own address would be a serial number, which changes with the terms before it.
                objects["term", term.astext()] = app.env.docname, terms[0]["ids"][0]
                term["ids"].clear()
                term["classes"].append("language-zh-Hans")  # docutils makes a lang attribute of it
                names = re.sub("（.*?）", "", term.astext()).split("、")
                try:
                    found += [(*spelling(name), name, terms[0]["ids"][0]) for name in names if CHINESE.search(name)]
                except ValueError as error:
                    logger.warning("%s", error, location=term)
    for node in list(doctree.findall(pinyin)):
        items, letter = [], ""
        for initial, _, name, target in sorted(found):
            if initial != letter:
                items.append(nodes.definition_list_item("", nodes.term("", initial), nodes.definition()))
                items[-1][1] += nodes.paragraph(classes=["language-zh-Hans"])
                letter = initial
            else:
                items[-1][1][0] += nodes.Text(" · ")
            items[-1][1][0] += nodes.reference("", name, refid=target, internal=True)
        node.replace_self(nodes.definition_list("", *items, classes=["pinyin"]))


# ---------------------------------------------------------------- links from the chapters

# No term is linked in these, nor in what a cell puts out, in a question that takes an answer, or in a folded title.
SILENT = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)
SILENT += (nodes.figure, nodes.comment)


def entries(env, docname):
    """{form: (anchor, sentence)} of the terms that a page links, by the glossary and the lists in its front matter."""
    listed, found = env.metadata[GLOSSARY], {}
    forms, homonyms = (json.loads(listed.get(name, "null")) for name in ("forms", "homonyms"))
    forms, homonyms = dict(forms or {}), list(homonyms or [])
    for glossary in env.get_doctree(GLOSSARY).findall(addnodes.glossary):
        for first, *_, definition in (item.children for item in glossary[0]):
            *said, chapter = definition[0].children  # a sentence, and a link to the chapter of the entry
            term, entry = first.astext(), (first["ids"][0], " ".join("".join(n.astext() for n in said).split()))
            others = forms.pop(term, [])
            target = getattr(chapter, "attributes", {}).get("reftarget", "")
            if term not in homonyms or Path(target).stem == Path(docname).stem:
                found |= dict.fromkeys([term, *others], entry)
            homonyms = [name for name in homonyms if name != term]
    for name in [*forms, *homonyms]:
        logger.warning("the front matter names %r, which is no term", name, location=GLOSSARY)
    return found


def finder(forms):
    """A pattern that finds the longest of `forms` as whole words, with a small or large first letter, and plurals."""

    def pattern(form):
        first, rest = form[0], r"\s+".join(map(re.escape, form[1:].split(" ")))
        return f"[{first.lower()}{first.upper()}]{rest}(?:s|es)?"

    longest = sorted(forms, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(pattern, longest))})(?![\w-])")


def form_of(words, forms):
    """Which of `forms` the pattern found."""
    words = " ".join(words.split())
    return next(
        form
        for ending in ("", "s", "es")
        for form in forms
        if words.endswith(ending) and words.removesuffix(ending)[1:] == form[1:] and words[0].lower() == form[0].lower()
    )


def texts(node, folded=False):
    """(whether it is folded away, text) of the text below a node, but for what is SILENT."""
    folded = folded or (isinstance(node, nodes.section) and node[0].astext().startswith("Further: "))
    for child in node.children:
        if isinstance(child, nodes.Text):
            yield folded, child
        elif not (
            isinstance(child, SILENT)
            or child.get("nb_element") == "cell_code"
            or "predict" in child.get("classes", ())
            or "check-yourself" in child.get("ids", ())
        ):
            yield from texts(child, folded)


def link_terms(app, doctree, docname):
    """In a chapter, the first use of a term in view links to its entry, or else the first in what is folded."""
    if not docname.startswith("notebooks/") or GLOSSARY not in app.env.found_docs:
        return
    forms, seen = entries(app.env, docname), set()
    found, page = finder(forms), app.builder.get_relative_uri(docname, GLOSSARY)
    for _, text in sorted(texts(doctree), key=lambda row: row[0]):
        pieces, end = [], 0
        for match in found.finditer(text):
            anchor, sentence = forms[form_of(match[0], forms)]
            if anchor in seen:
                continue
            seen.add(anchor)
            link = nodes.reference("", match[0], refuri=f"{page}#{anchor}", reftitle=sentence, internal=True)
            link["classes"].append("term")
            pieces += [nodes.Text(text[end : match.start()]), link]
            end = match.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


def setup(app):
    app.add_node(pinyin)
    app.add_directive("pinyin", Pinyin)
    app.connect("doctree-read", read_glossary)
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

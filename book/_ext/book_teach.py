"""For the teaching page: objectives, time and prerequisites, read from the chapters. For the glossary: its Chinese."""

import re
import zlib
from pathlib import Path

import nbformat
from book_record import Record, claims, markdown
from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

WORDS_PER_MINUTE = 100  # of a text with code and figures, in which one stops to predict
CHINESE = re.compile(r"[\u4e00-\u9fff]")
logger = logging.getLogger(__name__)


# ---------------------------------------------------------------- the teaching page


def number(document):
    """5 for notebooks/05-mlp."""
    return int(re.search(r"(\d\d)-[\w-]+$", document)[1])


def frame(nb, name):
    """What a chapter says of itself: a dict with prerequisites, needs, objectives, words, seconds and exercises.

    needs: the numbers of the chapters linked in the first sentence of its prerequisites; what follows that sentence
    points elsewhere in the book. words: those of the text up to the exercises. exercises: the stars of each.
    ValueError where the chapter does not say.
    """
    text = "\n".join(markdown(nb))
    opening = text.partition("## In this chapter\n")[2].partition("\n## ")[0]
    said = re.search(r"^(?:\*\*)?Prerequisites:(?:\*\*)? (.+)$", opening, re.MULTILINE)
    objectives = re.findall(r"^- (.+)$", opening, re.MULTILINE)
    if not said or not objectives:
        raise ValueError(f"{name}: 'In this chapter' needs a list of objectives and a line of prerequisites")
    first = said[1].split(". ")[0]
    needs = [int(linked) for linked in re.findall(r"\]\((\d\d)-[\w-]+\.ipynb", first)]
    if any(needed >= number(name) for needed in needs):
        raise ValueError(f"{name}: its prerequisites name Chapter {max(needs)}, which does not come before it")
    stars = re.findall(r"^### Exercise \d+ (★+)$", text, re.MULTILINE)
    if not stars or "seconds" not in nb.metadata.get("executed", {}):
        raise ValueError(f"{name}: no exercises, or no stored run")
    return {
        "prerequisites": said[1],
        "needs": sorted(needs),
        "objectives": objectives,
        "words": len(text.split("\n## Exercises")[0].split()),
        "seconds": nb.metadata.executed.seconds,
        "exercises": stars,
    }


def questions(lines):
    """{chapter: its questions} of lines such as `5. What would you print in place of 0.5?`; ValueError for others."""
    asked = {}
    for line in filter(str.strip, lines):
        found = re.fullmatch(r"(\d+)\. (.+)", line)
        if not found:
            raise ValueError(f"a question starts with the number of its chapter and a dot, not with {line[:40]!r}")
        asked.setdefault(int(found[1]), []).append(found[2])
    return asked


def here(text):
    """Links between notebooks, as a page in book/ has to write them."""
    return re.sub(r"\]\((\d\d-[\w-]+\.ipynb)", r"](../notebooks/\1", text)


class Prerequisites(Record):
    """`{prerequisites}`: a table, for each chapter the chapters it needs and those that need it."""

    def run(self):
        try:
            found = [(document, title, frame(nb, document)["needs"]) for document, title, nb in self.chapters()]
        except ValueError as error:
            raise self.error(str(error)) from error
        lines = ["| Chapter | Needs | Needed by |", "|:--|:--|:--|"]
        for document, title, needs in found:
            opens = [number(other) for other, _, needed in found if number(document) in needed]
            numbers = (", ".join(map(str, row)) or "—" for row in (needs, opens))
            lines.append(f"| [{title}](../{document}.ipynb) | {' | '.join(numbers)} |")
        return [self.parsed("\n".join(lines), "needs")]


def homework(nb):
    """(number of questions, points, minutes) of a homework, as its first cell and its titles say."""
    opening, *others = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    said = [re.search(rf"(\d+) {what}", opening) for what in ("points", "minutes")]
    asked = sum(text.startswith("## ") for text in others)
    if not all(said) or not asked:
        raise ValueError("a homework says its points and minutes in its first cell, and has questions")
    return asked, *(int(found[1]) for found in said)


class Objectives(Record):
    """`{objectives}`: each chapter's time, prerequisites, objectives, misconceptions and questions to discuss.

    The content holds the questions, one to a line behind the number of its chapter. All else is the chapter's own.
    """

    def run(self):
        try:
            asked = questions(self.content)
            sections = [self.chapter(*row, asked.pop(number(row[0]), [])) for row in self.chapters()]
        except ValueError as error:
            raise self.error(str(error)) from error
        if asked:
            raise self.error(f"questions for a chapter that is not in the book: {', '.join(map(str, asked))}")
        rule = (
            f"Reading times count the words up to the exercises, at {WORDS_PER_MINUTE} a minute. Seconds are those of "
            "the stored run. Stars tell how hard an exercise is."
        )
        return [self.parsed(rule), *sections]

    def homework(self, document):
        """A sentence that links the chapter's homework, "" where there is none."""
        name = document.replace("notebooks/", "assignments/")
        if name not in self.env.found_docs:
            return ""
        path = self.env.doc2path(name)
        self.env.note_dependency(path)
        asked, points, minutes = homework(nbformat.read(path, 4))
        return f"[{asked} questions](../{name}.ipynb), {points} points, about {minutes} minutes"

    def chapter(self, document, title, nb, asked):
        if not asked:
            raise ValueError(f"no question to discuss for {document}")
        facts, path = frame(nb, document), f"../{document}.ipynb"
        stars = facts["exercises"]
        kinds = ", ".join(f"{stars.count(kind)} {kind}" for kind in sorted({*stars}))
        minutes = max(5, 5 * round(facts["words"] / WORDS_PER_MINUTE / 5))
        wrong = [
            f"*{claim['sentence']}* **{claim['verdict'].capitalize()}.** {claim['why']} "
            f"[Claim {claim['number']}]({path}#claim-{claim['number']})"
            for claim in claims(nb, document)
            if claim["verdict"] in ("false", "depends")
        ]
        time = (
            f"About {minutes} minutes to read, {facts['seconds']} s to run; {len(stars)} exercises ({kinds}). "
            f"[Open Chapter {number(document)}]({path})"
        )
        said = {
            "Time": time,
            "Homework": self.homework(document),
            "Prerequisites": facts["prerequisites"][0].upper() + facts["prerequisites"][1:],
            "Students will be able to": facts["objectives"],
            "Said, and not so, or not always": wrong,
            "To discuss": asked,
        }
        lines = []
        for name, what in said.items():
            if what:
                points = [what] if isinstance(what, str) else [f"- {point}" for point in what]
                lines += [name, ": " + "\n  ".join(map(here, points)), ""]
        box = self.parsed("\n".join(lines), "lesson")
        return nodes.section("", nodes.title("", title), box, ids=[f"chapter-{number(document)}"])


# ---------------------------------------------------------------- the glossary

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


def setup(app):
    app.add_node(pinyin)
    app.add_directive("prerequisites", Prerequisites)
    app.add_directive("objectives", Objectives)
    app.add_directive("pinyin", Pinyin)
    app.connect("doctree-read", read_glossary)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

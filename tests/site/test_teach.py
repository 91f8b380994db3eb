"""The teaching page and the order of Chinese terms: read from their sources, and stopped by bad ones."""

import re
from functools import cache

import build
import built
import html5lib
import nbformat
import pytest
from book_record import claims
from book_teach import frame, questions

BOOKS = {path.stem: nbformat.read(path, 4) for path in sorted((build.ROOT / "notebooks").glob("*.ipynb"))}


@cache
def shown(page):
    """The pieces of text of a built page, without tags and punctuation, lower case."""
    text = (built.site() / page).read_text(encoding="utf-8")
    found = html5lib.parse(text, namespaceHTMLElements=False).find(".//main")
    return " ".join(re.findall(r"[a-z]{3,}", " ".join(found.itertext()).lower()))


def plain(markdown):
    """The words of a piece of Markdown, without math, code and addresses."""
    return " ".join(re.findall(r"[a-z]{3,}", re.sub(r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)", " ", markdown).lower()))


@pytest.mark.parametrize("name", BOOKS)
def test_the_teaching_page_has_what_the_chapter_says(name):
    page, said = shown("book/teach.html"), frame(BOOKS[name], name)
    wanted = said["objectives"] + [
        c["sentence"] for c in claims(BOOKS[name], name) if c["verdict"] in ("false", "depends")
    ]
    for text in wanted:
        if plain(text) and not re.search(r"[$`]", text):
            assert plain(text) in page, text


def test_each_chapter_has_two_questions():
    text = (build.ROOT / "book" / "teach.md").read_text(encoding="utf-8")
    asked = questions(re.search(r"^```\{objectives\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1].split("\n"))
    assert {f"{number:02d}": len(found) for number, found in asked.items()} == dict.fromkeys((n[:2] for n in BOOKS), 2)


def test_only_the_first_sentence_of_the_prerequisites_is_needed():
    assert frame(BOOKS["01-overfitting"], "01-overfitting")["needs"] == []
    assert frame(BOOKS["13-field-guide"], "13-field-guide")["needs"] == [2, 3, 8]


def changed(old, new):
    nb = nbformat.from_dict(BOOKS["05-mlp"])
    nb.cells = [nbformat.from_dict({**cell, "source": re.sub(old, new, cell.source)}) for cell in nb.cells]
    return nb


BROKEN = {
    "a line of prerequisites": (r"\*\*Prerequisites:\*\*", "Before:"),
    "needs a list of objectives": (r"(?m)^- ", ""),
    "does not come before it": (r"\(02-mask-math\.ipynb\), paired", "(08-batchnorm.ipynb), paired"),
    "no exercises": (r"### Exercise", "### Task"),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_chapter_that_does_not_say_is_found(message):
    with pytest.raises(ValueError, match=message):
        frame(changed(*BROKEN[message]), "05-mlp")


def test_a_line_that_is_no_question_is_found():
    assert questions(["1. Why?", "", "1. How?", "12. When?"]) == {1: ["Why?", "How?"], 12: ["When?"]}
    with pytest.raises(ValueError, match="starts with the number"):
        questions(["- Why?"])

"""The teaching page and the order of Chinese terms: read from their sources, and stopped by bad ones."""

import re
from functools import cache

import build
import built
import html5lib
import nbformat
import pytest
from book_record import claims
from book_teach import frame, questions, spelling

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


def test_the_order_of_pinyin():
    by_letter = {"A": "Alpha", "B": "标签", "D": "调度", "J": "校准", "N": "奈特", "S": "随机", "Z": "暂退法"}
    assert {term: spelling(term)[0] for term in by_letter.values()} == {term: a for a, term in by_letter.items()}
    assert sorted(["子网络", "过拟合", "暂退法", "方差", "反向"], key=spelling) == [
        "反向",
        "方差",
        "过拟合",
        "暂退法",
        "子网络",
    ]
    with pytest.raises(ValueError, match="SOUNDS_LIKE"):
        spelling("熵")


def test_chinese_terms_are_marked_and_listed():
    text = (built.site() / "book" / "glossary.html").read_text(encoding="utf-8")
    page = html5lib.parse(text, namespaceHTMLElements=False)
    terms = ["".join(dt.itertext()) for dt in page.iter("dt") if re.search("[\u4e00-\u9fff]", "".join(dt.itertext()))]
    marked = ["".join(dt.itertext()) for dt in page.iter("dt") if dt.get("lang") == "zh-Hans"]
    assert terms == marked and len(terms) >= 70
    listed = {"".join(a.itertext()) for p in page.iter("p") if p.get("lang") == "zh-Hans" for a in p.iter("a")}
    names = {
        name for term in terms for name in re.sub("（.*?）", "", term).split("、") if re.search("[\u4e00-\u9fff]", name)
    }
    assert listed == names

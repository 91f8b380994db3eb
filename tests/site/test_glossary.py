"""The glossary: English and Chinese, one sentence, a chapter that uses the term. Planted faults show what is found."""

import re

import build
import built
import html5lib
import nbformat
import pytest
import searching
from book_glossary import finder, form_of, spelling
from built import CHAPTERS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

GLOSSARY = build.ROOT / "book" / "glossary.md"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LINK = re.compile(r"\[Chapter (\d+)\]\(\.\./(notebooks/(\d\d)-[\w-]+\.ipynb)\)$")


def entries(text):
    """The lines of each entry: English, Chinese, definition."""
    blocks = "\n\n".join(re.findall(r"^```\{glossary\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    return [[line.strip() for line in entry.split("\n")] for entry in re.split(r"\n\s*\n", blocks.strip())]


def said(path):
    """What a chapter says: its text and what its cells put in sentences."""
    cells = nbformat.read(build.ROOT / path, 4).cells
    shown = (o.get("data", {}).get("text/markdown", "") for c in cells for o in c.get("outputs", []))
    return "\n".join([*(c.source for c in cells if c.cell_type == "markdown"), *shown])


def uses(text, term):
    words = r"\s+".join(map(re.escape, term.split()))
    return re.search(rf"(?<![\w-]){words}(?:s|es)?(?!\w)", text, re.IGNORECASE) is not None


def entry_faults(entry):
    """What is wrong with the three lines of one entry."""
    if len(entry) != 3:
        return [f"{entry[0]}: not three lines, but {len(entry)}"]
    english, chinese, definition = entry
    faults = []
    if CHINESE.search(english) or not re.match(r"[A-Za-z]", english):
        faults.append(f"{english}: the first line is not the English term")
    if not CHINESE.search(chinese):
        faults.append(f"{english}: {chinese!r} is not Chinese")
    link = LINK.search(definition)
    if not link or int(link[1]) != int(link[3]) or not (build.ROOT / link[2]).is_file():
        return [*faults, f"{english}: does not end with the link [Chapter N](../notebooks/NN-name.ipynb) to a chapter"]
    sentence = definition[: link.start()].rstrip()
    if len(re.findall(r"[.!?](?=\s|$)", sentence)) != 1 or not re.fullmatch(r"[A-Z].*\.", sentence):
        faults.append(f"{english}: {sentence!r} is not one sentence")
    if not uses(said(link[2]), english):
        faults.append(f"{english}: {link[2]} does not use the term")
    return faults


def list_faults(found):
    """Terms that occur twice, in either language, and terms out of order."""
    english = [entry[0].lower() for entry in found]
    chinese = [name for entry in found for name in re.sub("（.*?）", "", entry[1]).split("、") if CHINESE.search(name)]
    faults = [f"{term}: twice" for names in (english, chinese) for term in {*names} if names.count(term) > 1]
    keys = [term.replace("-", " ") for term in english]
    return faults + [f"{b}: belongs before {a}" for a, b in zip(keys, keys[1:]) if b < a]


ENTRIES = entries(GLOSSARY.read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[0])
def test_entry(entry):
    assert entry_faults(entry) == []


def test_no_term_twice_and_all_in_order():
    assert len(ENTRIES) >= 70
    assert list_faults(ENTRIES) == []


def test_a_term_stands_under_its_letter():
    text = GLOSSARY.read_text(encoding="utf-8")
    for first, last, block in re.findall(
        r"^## ([A-Z])(?:–([A-Z]))?\n(.*?)(?=^## |^\(|\Z)", text, re.MULTILINE | re.DOTALL
    ):
        assert all(first <= entry[0][0].upper() <= (last or first) for entry in entries(block)), first


GOOD = ["mask", "掩码", "Zeros and ones, one for each unit. [Chapter 2](../notebooks/02-mask-math.ipynb)"]


def test_a_good_entry_passes():
    assert entry_faults(GOOD) == []


FAULTS = {
    "not three lines": GOOD[:1] + GOOD[2:],
    "not the English term": ["掩码", *GOOD[1:]],
    "is not Chinese": ["mask", "yanma", GOOD[2]],
    "is not one sentence": [*GOOD[:2], GOOD[2].replace("ones, one", "ones. One")],
    "does not end with the link": [*GOOD[:2], "Zeros and ones, one for each unit."],
    "link [Chapter N]": [*GOOD[:2], GOOD[2].replace("Chapter 2", "Chapter 3")],
    "to a chapter": [*GOOD[:2], GOOD[2].replace("02-mask-math", "02-gone")],
    "does not use the term": ["perplexity", *GOOD[1:]],
}


@pytest.mark.parametrize("message", FAULTS)
def test_a_faulty_entry_is_found(message):
    assert message in " ".join(entry_faults(FAULTS[message]))


@pytest.mark.parametrize(
    "pair",
    [(GOOD, ["Mask", "面具", GOOD[2]]), (GOOD, ["masking", "掩码（动作）", GOOD[2]]), (["unit", "单元", ""], GOOD)],
    ids=["English twice", "Chinese twice", "order"],
)
def test_a_faulty_list_is_found(pair):
    assert list_faults(pair)


# ---------------------------------------------------------------- its Chinese


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


# ---------------------------------------------------------------- links from the chapters


FORMS = {"mask", "overfitting", "overfits", "early stopping", "variance", "variance shift", "SELU", "penalties"}
FOUND = {
    "Masks and a mask": ["mask"],
    "a variance shift, a variance": ["variance shift", "variance"],
    "Early\nstopping": ["early stopping"],
    "it overfits": ["overfits"],
    "penalties": ["penalties"],
    "the mask's": ["mask"],
    "unmask, masked, mask-free, selu": [],
}


@pytest.mark.parametrize("text", FOUND)
def test_a_term_is_found_as_whole_words_and_the_longest_wins(text):
    found = [form_of(match[0], FORMS) for match in finder(FORMS).finditer(text)]
    assert list(dict.fromkeys(found)) == FOUND[text]


PAGE = """---
description: A small glossary.
forms: {overfitting: [overfits]}
homonyms: [seed]
---
# Glossary

A paragraph.

```{glossary}
mask
掩码
  Which units are *kept*. [Chapter 1](../notebooks/01-overfitting.ipynb)

overfitting
过拟合
  Having a rival. [Chapter 1](../notebooks/01-overfitting.ipynb)

seed
随机种子
  A number. [Chapter 2](../notebooks/02-mask-math.ipynb)

unit
单元
  One number. [Chapter 1](../notebooks/01-overfitting.ipynb)
```
"""
SECTIONS = [  # what a chapter says; the terms with a star become links
    "# 1. Mask\n\nA [mask](02-mask-math.ipynb), `mask` and $mask$.",
    "## Further: a unit\n\nA unit, in a folded section, which *overfits* first.",
    "## Check yourself\n\nA unit?",
    "## Then\n\n> **Predict.** One unit?\n>\n> - (a) mask\n\n**Answer: (a).** A seed.\n\nIt *overfits*; its **masks**.",
]


def test_the_first_use_in_view_links(tmp_path):
    shown = new_output("display_data", {"text/markdown": "A mask.", "text/plain": ""})
    cells = [new_markdown_cell(text) for text in SECTIONS]
    cells.insert(1, new_code_cell("mask = 1", outputs=[shown]))
    python = {"language_info": {"name": "python"}}
    other = [new_markdown_cell("# 2. Other\n\nA seed is a seed.")]
    books = {
        "notebooks/01-overfitting.ipynb": new_notebook(cells=cells, metadata=python),
        "notebooks/02-mask-math.ipynb": new_notebook(cells=other, metadata=python),
    }
    book = built.scratch_book(tmp_path, {"index.md": "# Title\n\nA mask.\n", "glossary.md": PAGE}, books)
    ok, printed = built.build_with(built.NOWHERE, book)
    assert ok, printed

    def links(page):
        text = (book / "_build" / "html" / page).read_text(encoding="utf-8")
        return re.findall(r'<a class="[^"]*\bterm\b[^"]*" href="([^"]*)" title="([^"]*)">([^<]*)</a>', text)

    where = "../book/glossary.html#term-"
    assert links("notebooks/01-overfitting.html") == [
        (f"{where}unit", "One number.", "unit"),
        (f"{where}overfitting", "Having a rival.", "overfits"),
        (f"{where}mask", "Which units are kept.", "masks"),
    ]
    assert links("notebooks/02-mask-math.html") == [(f"{where}seed", "A number.", "seed")]
    assert links("index.html") == links("book/glossary.html") == []
    texts = [text for *_, text in searching.records(book / "_build" / "html")]
    assert sum("Having a rival." in text for text in texts) == 1  # not again with each link

    page = PAGE.replace("[seed]", "[gone]")
    (book / "book" / "glossary.md").write_text(page, encoding="utf-8")
    ok, printed = built.build_with(built.NOWHERE, book)
    assert not ok and "'gone', which is no term" in printed


def linked(name):
    """[(anchor, words)] of the links to terms on a page, in their order."""
    text = (built.site() / name).read_text(encoding="utf-8")
    found = re.findall(r'<a class="[^"]*\bterm\b[^"]*" href="[^"#]*#([^"]*)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return [(anchor, re.sub("<[^>]+>", "", words)) for anchor, words in found]


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_chapter_links_a_term_once(name):
    found = linked(name)
    anchors = [anchor for anchor, _ in found]
    assert len(anchors) == len({*anchors}) >= 10
    assert not [words for _, words in found if not words.strip() or len(words) > 40]


def test_other_pages_and_the_index_have_no_links_to_terms():
    assert not [name for name in built.PAGES if name not in CHAPTERS and linked(name)]
    records = searching.records(built.site())
    for english, _, definition in ENTRIES:
        sentence = LINK.sub("", definition).strip()
        if not re.search(r"[`*$\['\"]", sentence):  # what a page shows in another way
            assert sum(sentence in record[3] for record in records) == 1, english

"""The glossary: English and Chinese, one sentence, a chapter that uses the term. Planted faults show what is found."""

import re

import build
import nbformat
import pytest

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

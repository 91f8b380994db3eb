"""The questions and answers: three sentences and a link to a section each, found by the site's own search."""

import re

import build
import html5lib
import pytest
from built import site
from searching import Search

PAGE = build.ROOT / "book" / "faq.md"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LINK = re.compile(r"\[((?:\\.|[^\[\]\\])*)\]\(([^)\s]+)\)")
SPAN = re.compile(r"\[(.*)\]\{\.language-zh-Hans\}", re.DOTALL)
LINKS_TO_CELLS = re.compile(r"\.\./(notebooks/\d\d-[\w-]+\.ipynb)#([\w-]+)")
FIRST = 3  # among so many hits an answer must be


def entries(text):
    """[(question, answer, what stands under "Asked as")] of the page's third-level sections."""
    found = []
    for part in re.split(r"^#{2,3} ", text, flags=re.MULTILINE)[1:]:
        question, _, body = part.partition("\n")
        if re.search(rf"^### {re.escape(question)}$", text, re.MULTILINE):
            paragraphs = [paragraph.strip() for paragraph in body.strip().split("\n\n")]
            plain = SPAN.sub(r"\1", question), SPAN.sub(r"\1", paragraphs[0])
            found.append((*plain, "\n\n".join(paragraphs[1:])))
    return found


def titles(asked):
    """The titles of the reports under "Asked as", as a reader sees them."""
    return [re.sub(r"\\(.)", r"\1", title).replace("`", "") for title, _ in LINK.findall(asked)]


def sentences(answer):
    """How many sentences an answer has; code and addresses do not count."""
    text = re.sub(r"`[^`]*`", "code", LINK.sub(r"\1", answer))
    return len(re.findall(r"[。！？]" if CHINESE.search(text) else r"[.!?](?=\s|$)", text))


def entry_faults(question, answer, asked):
    """What is wrong with one question and its answer."""
    faults = [] if question.endswith(("?", "？")) else ["not a question"]
    faults += [] if sentences(answer) == 3 else [f"{sentences(answer)} sentences, not three"]
    targets = [LINKS_TO_CELLS.fullmatch(target) for _, target in LINK.findall(answer)]
    if not any(targets):
        faults.append("no link to a section of a chapter")
    faults += [f"{t[1]} is not there" for t in targets if t and not (build.ROOT / t[1]).is_file()]
    if asked and not (asked.startswith("Asked as: ") and titles(asked) and "\n\n" not in asked):
        faults.append(f"more than an answer and who asked: {asked[:30]!r}")
    return [f"{question}: {fault}" for fault in faults]


ENTRIES = entries(PAGE.read_text(encoding="utf-8"))
ENGLISH = [entry for entry in ENTRIES if not CHINESE.search(entry[0])]


def test_26_questions_and_five_of_them_in_chinese():
    assert (len(ENGLISH), len(ENTRIES)) == (26, 31)
    assert len({question.lower() for question, *_ in ENTRIES}) == 31
    answered = {target for _, answer, _ in ENGLISH for _, target in LINK.findall(answer)}
    chinese = [target for entry in ENTRIES if entry not in ENGLISH for _, target in LINK.findall(entry[1])]
    assert set(chinese) <= answered


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[0])
def test_entry(entry):
    assert entry_faults(*entry) == []


@pytest.fixture(scope="module")
def sections():
    """{question: (id, the addresses that its section on the built page links to)}."""
    page = html5lib.parse((site() / "book" / "faq.html").read_text(encoding="utf-8"), namespaceHTMLElements=False)
    found = {}
    for part in page.iter("section"):
        heading = part.find("div[@class='heading']/h3")
        if heading is not None:
            question = "".join(heading.itertext()).removesuffix("#").strip()
            found[question] = part.get("id"), [a.get("href") for a in part.iter("a")]
    return found


def test_links_lead_to_a_section(sections):
    assert set(sections) == {question.replace("`", "") for question, *_ in ENTRIES}
    for question, (_, addresses) in sections.items():
        led = [re.fullmatch(r"\.\./(notebooks/[\w-]+\.html)#([\w-]+)", address) for address in addresses]
        assert any(led), question
        for match in filter(None, led):
            text = (site() / match[1]).read_text(encoding="utf-8")
            assert re.search(rf'<(section|span)[^>]* id="{match[2]}"', text), (question, match[0])


@pytest.mark.parametrize(
    "words", [lambda question, asked: [question], lambda question, asked: titles(asked)],
    ids=["its own words", "titles of reports"],
)  # fmt: skip
def test_each_question_is_found(sections, words):
    """By its own words, and by the titles of the public reports under "Asked as"."""
    search, missed = Search(site()), []
    for question, _, asked in ENTRIES:
        where = f"book/faq.html#{sections[question.replace('`', '')][0]}"
        missed += [query for query in words(question, asked) if where not in search(query)[:FIRST]]
    assert missed == []
    assert search("Zwölf Boxkämpfer") == []


# ---------------------------------------------------------------- planted faults

GOOD = (
    "Why does my `F.dropout` drop?",
    "It has no mode. [Chapter 13](../notebooks/13-field-guide.ipynb#which-symptom-do-you-have) says it. Call `eval()`.",
    "Asked as: [\\[BUG\\] it drops](https://github.com/ada/dropout/issues/1)",
)
FAULTS = {
    "not a question": ("Dropout drops.", *GOOD[1:]),
    "2 sentences": (GOOD[0], GOOD[1].replace(" says it.", " says it:"), GOOD[2]),
    "4 sentences": (GOOD[0], GOOD[1] + " And more.", GOOD[2]),
    "no link": (GOOD[0], GOOD[1].replace("#which-symptom-do-you-have", ""), GOOD[2]),
    "is not there": (GOOD[0], GOOD[1].replace("13-field-guide", "13-field-trip"), GOOD[2]),
    "more than an answer": (*GOOD[:2], GOOD[2] + "\n\nAnd another paragraph."),
    "who asked": (*GOOD[:2], "See also the glossary."),
}


def test_a_good_entry_passes():
    assert entry_faults(*GOOD) == []
    assert titles(GOOD[2]) == ["[BUG] it drops"]
    text = "# Page\n\nIntro.\n\n## Group\n\n### {}\n\n{}\n\n{}\n\n## Other\n\nText.\n".format(*GOOD)
    assert entries(text) == [GOOD]
    chinese = ("为什么？", "一。[第 13 章](../notebooks/13-field-guide.ipynb#which-symptom-do-you-have)。三。", "")
    assert entry_faults(*chinese) == []
    spans = [f"[{text}]{{.language-zh-Hans}}" for text in chinese[:2]]
    assert entries("## 中文\n\n### {}\n\n{}\n".format(*spans)) == [chinese]


@pytest.mark.parametrize("message", FAULTS)
def test_a_faulty_entry_is_found(message):
    assert message in " ".join(entry_faults(*FAULTS[message]))

"""The second language, without a browser: what a translation keeps, and that the published pages are whole."""

import calendar
import re

import book_translate
import build
import built
import nbformat
import pytest
import translate
from book_translate import CONTENTS, faults, mask, missing_terms, script_faults
from docutils import nodes

FILES = translate.files()
PUBLISHED = book_translate.published(build.ROOT)
FIGURES = {figure for page in PUBLISHED for figure in book_translate.figures_of(build.ROOT).get(page, ())}


@pytest.fixture(scope="module")
def found():
    """{page: its messages} of all pages that are translated or begun, as the built site has them."""
    pages = [name for name in FILES if name not in book_translate.BY_HAND]
    return translate.extract(pages, built.site().parent / ".doctrees")


# ---------------------------------------------------------------- what is published


@pytest.mark.parametrize("page", [*PUBLISHED, CONTENTS, *sorted(FIGURES)])
def test_a_published_page_is_translated_as_it_stands(found, page):
    left, wrong = translate.standing(page, found[page])
    assert not left, f"{page}: English has changed or is new; make translate, then translate: {left}"
    assert not wrong, f"{page}: {wrong}"


@pytest.mark.parametrize("page", [*PUBLISHED, CONTENTS, *sorted(FIGURES), *book_translate.BY_HAND])
def test_no_published_message_is_fuzzy(page):
    assert [message.id for message in translate.read_po(FILES[page]) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("page", FILES)
def test_what_is_translated_keeps_what_it_must(page):
    """Of pages that are begun, too: numbers, formulas, code, links, terms."""
    by_hand, pairs = page in book_translate.BY_HAND, translate.terms()
    look = script_faults if by_hand or page.startswith("explore/") else faults
    wrong = {}
    for source, said in book_translate.catalog(build.ROOT, page).items():
        if told := look(source, said) + translate.missing(source, said, {} if by_hand else pairs):
            wrong[source] = told
    assert wrong == {}


def test_published_pages_are_pages_of_the_book():
    assert PUBLISHED and {*PUBLISHED} <= {name.rpartition(".")[0] for name in built.DOCUMENTS}


def test_terms_are_those_of_the_glossary():
    """Each English term that must correspond is in the glossary, or is said in general machine learning."""
    text = (build.ROOT / "book" / "glossary.md").read_text(encoding="utf-8").lower()
    general = {"learning rate", "test set", "training set"}
    assert {term for term in translate.terms() if term.lower() not in text} <= general


def unsaid(messages):
    """Messages that no template, module or script of the site says: whole literals, or words."""
    kinds = ("_theme/*.html", "_ext/*.py", "_static/**/*.js")
    sources = [path for kind in kinds for path in (build.ROOT / "book").glob(kind) if path.stem != "book_translate"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    known = {word.lower() for word in re.findall(r"[A-Za-z]+", code)}

    def said(message):
        words = re.findall(r"[a-z]+", re.sub(r"⟦\d+⟧|\{\}", " ", message).lower())
        return message in code or ("${" not in message and {*words} <= known | MONTHS)

    return [message for message in messages if not said(message)]


MONTHS = {name.lower() for name in calendar.month_name if name}


def test_words_of_the_site_are_still_said():
    assert unsaid(book_translate.catalog(build.ROOT, book_translate.SITE)) == []
    gone = ["Overtake", "${nameOf(gone)}, scrolls sideways"]
    assert unsaid(gone) == gone


# ---------------------------------------------------------------- the checks can fail


def test_numbers_are_masked_and_names_are_not():
    text = "**Claim 09 — holds.** At p = 0.5, 10,000 masks: [2, 4] in 1/4 of 16 runs, −0.3 ± 0.2 nats, 95 % "
    masked, numbers = mask(text + "(1−p, ResNet-18)")
    assert masked == (
        "**Claim 09 — holds.** At p = ⟦1⟧, ⟦2⟧ masks: ⟦3⟧ in ⟦4⟧ of ⟦5⟧ runs, ⟦6⟧ ± ⟦7⟧ nats, ⟦8⟧ % (1−p, ResNet-18)"
    )
    assert numbers == ["0.5", "10,000", "[2, 4]", "1/4", "16", "−0.3", "0.2", "95"]
    assert mask("[Chapter 3](03-x.ipynb#claim-16), `x[0]` and Figure 2.1")[1] == ["0"]


SOURCE = "With ⟦1⟧ % of 16 runs, $p^2$ is `p ** 2` and *not* [here](a.md#b): see {term}`mask`."
FINE = "在 16 次运行中有 ⟦1⟧%，$p^2$ 即 `p ** 2`，*而不是*[这里](a.md#b)：见{term}`掩码 <mask>`。"
FAULTY = {
    "a lost number": FINE.replace("⟦1⟧", ""),
    "a number twice": FINE.replace("⟦1⟧", "⟦1⟧⟦1⟧"),
    "a number that is typed": FINE.replace("⟦1⟧", "⟦1⟧ 75"),
    "another formula": FINE.replace("p^2", "p^3"),
    "a lost formula": FINE.replace("$p^2$", ""),
    "another code": FINE.replace("p ** 2", "p * 2"),
    "another link": FINE.replace("#b", "#c"),
    "another term": FINE.replace("<mask>", "<unit>"),
    "a tag": FINE + "<b>",
    "a lost emphasis": FINE.replace("*而不是*", "而不是"),
    "a list": "- " + FINE,
    "two lines": FINE.replace("，", "，\n", 1),
    "half width": FINE.replace(" 即 ", " 即, "),
}


def test_a_fine_translation_has_no_fault():
    assert faults(SOURCE, FINE) == []


@pytest.mark.parametrize("fault", FAULTY)
def test_a_planted_fault_is_found(fault):
    assert faults(SOURCE, FAULTY[fault])


def test_a_term_that_is_not_used_is_found():
    pairs = {"mask": ["掩码"], "dropout": ["Dropout"]}
    assert missing_terms("Two masks, under dropout, and `mask`.", "两个掩码，用 Dropout。", pairs) == []
    assert missing_terms("Two masks, under dropout.", "两个面具，用 Dropout。", pairs) == ["mask"]
    assert missing_terms("A {term}`mask`", "{term}`面具 <mask>`", pairs) == ["mask"]
    assert missing_terms("A {term}`mask`", "{term}`掩码 <mask>`", pairs) == []
    assert missing_terms("A `mask` of [this](mask.md) unmasked kind", "这种", pairs) == []


SCRIPT = "${n} of ${all} ${n > 1 ? `masks` : `mask`}"


def test_a_translated_literal_is_code():
    assert script_faults(SCRIPT, "${all} 个掩码中的 ${n} 个") == []
    for said in ("${gone} 个", "个", "${n 个", "${n} ` ${all}"):
        assert script_faults(SCRIPT, said), said
    assert script_faults("Draw", '抽"') and script_faults("⟦1⟧ rows", "行") and script_faults("Link to: {}", "链接")


def test_literals_of_a_script_are_found_and_replaced():
    code = 'a("One"); // "Two"\nb(/["`]/, `x ${f(`${"y"}`)} z`, "\\"q");'
    assert [code[start:end] for start, end in book_translate.literals(code)] == ["One", 'x ${f(`${"y"}`)} z', '\\"q']
    assert book_translate.said_in(code, {"One": "一", "Two": "二"}) == code.replace("One", "一")


def test_a_placeholder_that_is_lost_or_twice_is_a_warning(monkeypatch):
    told = []
    monkeypatch.setattr(book_translate.logger, "warning", lambda text, *values, **_: told.append(text % values))
    message = book_translate.Message(nodes.paragraph(), "text", "⟦1⟧ of ⟦2⟧", ["3", "16"])
    filled = book_translate.fill([nodes.Text("⟦2⟧ 次中的 ⟦1⟧ 次")], message, "page")
    assert filled[0].astext() == "16次中的3次" and told == []
    for said in ("⟦2⟧ 次中的几次", "⟦2⟧ 次中的 ⟦1⟧⟦1⟧ 次", "⟦3⟧ 次中的 ⟦1⟧ 次"):
        book_translate.fill([nodes.Text(said)], message, "page")
    assert len(told) == 3


def test_words_of_the_site_keep_numbers_and_what_is_open():
    words = book_translate.Words(
        {"⟦1⟧ min": "⟦1⟧ 分钟", "Link to: {}": "链接到：{}", "Search": "搜索", "Figure ⟦1⟧": "图 ⟦1⟧"}
    )
    assert words.get("12\xa0min") == "12 分钟"
    assert words.get("Link to: Search") == "链接到：搜索" and words.get("Link to: Figure 2.1") == "链接到：图 2.1"
    assert words.get("Searching") is None
    page = '<p title="Search">Search <code>Search</code></p><script>Search</script>'
    assert book_translate.localise(page, words) == (
        '<p title="搜索">搜索 <code>Search</code></p><script>Search</script>'
    )


def test_what_is_not_published_is_linked_in_english():
    there = {"book/notation.html": "", "search.html": "", "_static/book.js": "?v=2"}
    page = '<a href="notation.html#x"></a><a href="faq.html?a#b"></a><img src="../_images/a.webp"><a href="#x"></a>'
    page += '<script src="../_static/book.js?v=1"></script>'
    assert book_translate.relink(page, "book/other.html", there) == (
        '<a href="notation.html#x"></a><a href="../../book/faq.html?a#b" hreflang="en"></a>'
        '<img src="../../_images/a.webp"><a href="#x"></a><script src="../_static/book.js?v=2"></script>'
    )


# ---------------------------------------------------------------- a changed English message

PAGE = "# Notes\n\nDropout drops **units**.\n\nThis sentence is new.\n\n$x$\n\n"
PAGE += "```{cell-output} notebooks/01-small said\n```\n"
PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
SMALL = {"Notes": "笔记", "Dropout drops **units**.": "Dropout 丢弃**单元**。", "⟦1⟧ of ⟦2⟧": "⟦2⟧ 分之 ⟦1⟧"}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small book with a published page of which one sentence is not translated, as it is built."""
    cell = nbformat.v4.new_code_cell("1", metadata={"tags": ["said"]})
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/markdown": "3 of 16"})]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 1. Small\n\nA paragraph.\n"), cell])
    pages = {"index.md": "# Dropout\n\nA paragraph.\n", "notes.md": PAGE}
    nb.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}
    folder = built.scratch_book(tmp_path_factory.mktemp("small"), pages, {"notebooks/01-small.ipynb": nb})
    home = book_translate.home(folder)
    (home / "LC_MESSAGES" / "book").mkdir(parents=True)
    text = "".join(f'msgid "{source}"\nmsgstr "{said}"\n\n' for source, said in SMALL.items())
    (home / "LC_MESSAGES" / "book" / "notes.po").write_text(PO + text, encoding="utf-8")
    (home / "published.txt").write_text("book/notes\n", encoding="utf-8")
    (home / "terms.toml").write_text("", encoding="utf-8")
    ok, printed = built.build_with({"BOOK_SITE_URL": "https://example.org/"}, folder)
    assert ok, printed
    return folder


def test_a_changed_sentence_stays_english_and_is_marked(small):
    page = (small / "_build" / "html" / "zh" / "book" / "notes.html").read_text(encoding="utf-8")
    assert re.search(r'<p class="[^"]*\buntranslated\b[^"]*" lang="en">This sentence is new.</p>', page)
    assert "Dropout丢弃<strong>单元</strong>。" in page and page.count('class="untranslated') == 1
    assert "16分之3" in page and '<html lang="zh-Hans">' in page and "<title>笔记 — " in page
    assert '<link rel="canonical" href="https://example.org/zh/book/notes.html">' in page
    assert '<link rel="alternate" hreflang="en" href="https://example.org/book/notes.html">' in page
    html = small / "_build" / "html"
    assert "<loc>https://example.org/zh/book/notes.html</loc>" in (html / "sitemap.xml").read_text(encoding="utf-8")
    assert sorted(p.name for p in (html / "zh").rglob("*.html")) == ["notes.html", "search.html"]
    assert 'href="zh/' not in (html / "index.html").read_text(encoding="utf-8")


def test_a_changed_sentence_is_named(small):
    found = translate.extract(["book/notes"], small / "_build" / ".doctrees", small)
    assert translate.standing("book/notes", found["book/notes"], small) == (["This sentence is new."], {})


def test_typed_spaces_between_scripts_are_closed_up():
    for typed in ("一个 mask 有 16 种，**对。** 用 `x` 时", "一个mask有16种，**对。**用`x`时"):
        box = nodes.paragraph()
        for part in re.split(r"(\*\*.*?\*\*|`.*?`)", typed):
            kind = {"*": nodes.strong, "`": nodes.literal}.get(part[:1], nodes.Text)
            box += nodes.Text(part) if kind is nodes.Text else kind("", part.strip("*`"))
        book_translate.close_up(box)
        assert box.astext() == "一个mask有16种，对。用x时"

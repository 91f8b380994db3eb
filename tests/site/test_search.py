"""The search: what its records hold, what it finds first, what a query costs; and in a browser, its keys and marks.

queries.toml holds what readers type and the sections that it must lead to. They are asked of the ranking itself, in
QuickJS, in milliseconds.
"""

import re
import tomllib
from pathlib import Path
from urllib.parse import quote

import book_search
import built
import pytest
import searching
from browsers import axe
from built import CHAPTERS, DOCUMENTS, address
from docutils import nodes

QUERIES = tomllib.loads(Path(__file__).with_name("queries.toml").read_text(encoding="utf-8"))
FIRST, RATE, BYTES = 3, 0.95, 126_000
PHONE = {"width": 320, "height": 640}
DEBRIS = {
    "markup": r"</?[A-Za-z][^<>]*>|&\w+;|\]\(|\*\*\w[^*]*\*\*|```",
    "a repr": r"<[\w.]+(?: object)?(?: at 0x)?[^<]*>|\b0x[0-9a-f]{6,}|IPython\.core|\barray\(|\btensor\(",
    "TeX": r"\\[A-Za-z]+|\$[^$]+\$|[_^]\{",
}


def debris(text):
    """What stands in a text of the search that no reader should see."""
    return [f"{kind}: {m[0]}" for kind, pattern in DEBRIS.items() for m in re.finditer(pattern, text)]


@pytest.fixture(scope="module")
def folder():
    return built.site()


@pytest.fixture(scope="module")
def records(folder):
    return searching.records(folder)


@pytest.fixture(scope="module")
def search(folder):
    return searching.Search(folder)


# ---------------------------------------------------------------- records


def test_each_page_has_records_and_each_record_a_place(folder, records):
    assert {where.partition("#")[0] for where, *_ in records} == {address(document) for document in DOCUMENTS}
    assert len({where for where, *_ in records}) == len(records) > 500
    texts = {}
    for where, _, heading, _ in records:
        path, _, anchor = where.partition("#")
        if path not in texts:
            texts[path] = (folder / path).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in texts[path], where
        assert heading


def test_records_hold_what_pages_show(records):
    everything = " ".join(text for *_, text in records)
    assert "Mitchell" in everything and "nn.Dropout" in everything
    assert "def log_loss" not in everything  # code is searched, and not shown
    assert re.search(r"\[\d[^]]*\d\] images|± \d", everything)  # what cells put out as Markdown
    for term, entry in {"过拟合": "overfitting", "暂退法": "dropout"}.items():
        assert f"book/glossary.html#term-{entry}" in [where for where, _, heading, _ in records if term in heading]


def test_no_record_holds_debris(records):
    assert [(where, found) for where, _, heading, text in records if (found := debris(f"{heading} {text}"))] == []


PLANTED = {
    "markup": "a <b>bold</b> word", "a repr": "<IPython.core.display.Markdown object>", "TeX": r"where \bar q is",
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_debris_is_found(kind):
    assert any(found.startswith(kind) for found in debris(PLANTED[kind]))
    assert debris("p < 0.5 and q > 1, x[2] (the third), nn.Dropout(p=0.5), {type: Unconfined}, **options") == []


@pytest.mark.parametrize(
    "latex, shown",
    [
        (r"1 - p", "1 − p"),
        (r"y = \operatorname{relu}(a) \cdot m / (1-p)", "y = relu(a) · m / (1−p)"),
        (r"0.5 \pm 0.1\,\%", "0.5 ± 0.1 %"),
        (r"\frac{p}{q}", "p/q"),
        (r"\sigma^2", "σ2"),
        (r"\log \bar q(c) = \mathbb{E}_D[\log q_D(c)]", "…"),
        (r"\frac{1+p}{1-p}", "…"),
    ],
)
def test_formulas_are_shown_as_text_or_left_out(latex, shown):
    assert book_search.plain_math(latex) == shown


def test_code_gives_names_and_no_preamble():
    source = "x = F.dropout(h, 0.5)  # not torch.nothing\ndef masked(x):\n    raise ValueError('no')"
    box = nodes.container("", nodes.literal_block(source, source))
    assert book_search.code_words(box).split() == ["F.dropout", "masked", "ValueError"]
    box["classes"].append("tag_preamble")
    assert book_search.code_words(box) == ""


# ---------------------------------------------------------------- ranking


def test_queries_lead_to_their_sections(records, search):
    places = {where for where, *_ in records}
    assert len(QUERIES) >= 60 and sum(bool(re.search("[\u4e00-\u9fff]", query)) for query in QUERIES) >= 8
    assert [(query, where) for query, right in QUERIES.items() for where in right if where not in places] == []
    missed = {
        query: search(query)[:FIRST] for query, right in QUERIES.items() if not {*search(query)[:FIRST]} & {*right}
    }
    assert len(missed) <= (1 - RATE) * len(QUERIES), missed


ALIKE = [
    ("val loss", "validation loss"), ("dropping", "dropped"), ("regularization", "regularisation"),
    ("drop path", "DropPath"), ("batch norm", "batchnorm"), ("max norm", "max-norm"), ("dropuot mask", "dropout mask"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", ALIKE)
def test_spellings_find_the_same(search, one, other):
    assert {*search(one)[:FIRST]} & {*search(other)[:FIRST]}


@pytest.mark.parametrize(
    "query, first",
    [
        ("inverted dropout", "book/glossary.html#term-inverted-dropout notebooks/03-inverted-dropout.html"),
        ("field guide", "notebooks/13-field-guide.html"),
        ("随机失活", "book/glossary.html#term-dropout"),
        ("homework 3", "assignments/03-inverted-dropout.html"),
    ],
)
def test_a_name_comes_first(search, query, first):
    assert search(query)[0] in first.split()


@pytest.mark.parametrize("query", ["qwxzqwxz", "Zwölf Boxkämpfer", "?!", "", "the of and", "<img src=x>", "(["])
def test_nonsense_is_harmless(search, query):
    assert not search(query) or query == "<img src=x>"


def test_neighbours_count(search):
    """Of two sections with the same words, the one in which they stand together comes first."""
    rank = book_search.engine()
    texts = [
        "early words, and much later in another place stopping words " + "x y z " * 9,
        "here early stopping is named",
    ]
    made = [dict(where=f"p#{i}", page="p", heading="h", kind="chapter", text=t, code="") for i, t in enumerate(texts)]
    rank("prepare", rank("make", made), made)
    assert rank("first", "early stopping") == ["p#1", "p#0"]
    search.__init__(search.folder)  # the engine is shared: hand it the book again


def test_what_a_query_fetches(search):
    heaviest = max((search.fetched(query), query) for query in QUERIES)
    assert heaviest[0] <= BYTES, heaviest


# ---------------------------------------------------------------- in a browser


def ask(page, query):
    page.keyboard.press("/")
    page.keyboard.type(query)
    # All of it, and not what was typed so far: the sentence names the whole field.
    page.wait_for_function("found.textContent.includes(`“${document.querySelector('[type=search]').value}”`)")


@pytest.mark.browser
def test_keys_lead_from_a_page_to_a_section_where_the_words_stand_out(visit):
    page, faults = visit(CHAPTERS[4])
    ask(page, "dropuot before batchnorm")
    said = page.locator("#found[role=status]").inner_text()
    assert re.fullmatch(r"\d+ sections with “dropuot before batchnorm”; the best 10\.", said)
    focused = "[...document.querySelectorAll('#results a')].indexOf(document.activeElement)"
    field = "document.activeElement.name === 'q'"
    page.keyboard.press("ArrowUp")
    assert page.evaluate(field)
    for key, where in [("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", -1), ("ArrowDown", 0)]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == where
    link = page.locator("#results a").first
    assert link.locator("span").inner_text() == "Questions and answers" and "BatchNorm" in link.inner_text()
    assert page.locator("#results li").first.locator("p mark").count() >= 1
    page.keyboard.press("Escape")
    assert page.evaluate(field) and not page.locator(".panel").is_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(field)
    ask(page, "x")  # a slash in the field is a slash
    assert page.get_by_role("searchbox").input_value() == "dropuot before batchnorm/x"
    page.get_by_role("searchbox").fill("dropuot before batchnorm")
    page.wait_for_function("found.textContent.includes('batchnorm”')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/faq.html?find=*#should-dropout-come-before-or-after-batchnorm")
    page.wait_for_function("CSS.highlights.get('found')")
    words = page.evaluate("[...CSS.highlights.get('found')].map((range) => range.toString().toLowerCase())")
    assert {"dropout", "batchnorm"} <= {*words}
    section = "document.getElementById('should-dropout-come-before-or-after-batchnorm')"
    inside = f"[...CSS.highlights.get('found')].every((range) => {section}.contains(range.startContainer))"
    assert page.evaluate(inside)
    page.keyboard.press("Escape")
    assert page.evaluate("!CSS.highlights.get('found')")
    assert faults == []


@pytest.mark.browser
def test_enter_in_the_field_shows_all_results(visit):
    page, faults = visit(CHAPTERS[-1])
    ask(page, "Mitchell")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Mitchell")
    page.wait_for_selector("#results li")
    links = page.eval_on_selector_all("#results a", "links => links.map((link) => link.getAttribute('href'))")
    assert any("01-overfitting" in link for link in links)
    page.get_by_role("searchbox").fill("dropout")
    page.wait_for_function("found.textContent.includes('“dropout”')")
    assert page.url.endswith("search.html?q=dropout")
    assert page.locator("#results li").count() == 10
    page.get_by_role("button", name="More results").click()
    page.wait_for_function("results.children.length === 20")
    assert page.evaluate("results.children[10].contains(document.activeElement)")
    page.get_by_role("searchbox").fill("")
    page.wait_for_function("!found.textContent && !results.children.length")
    page.get_by_role("searchbox").fill("Mitchell")
    page.wait_for_selector("#results li")
    page.locator("#results a").first.click()
    page.wait_for_url(lambda url: "search.html" not in url)
    page.wait_for_selector("article h1")
    assert faults == []


@pytest.mark.browser
def test_the_key_can_be_switched_off(visit):
    page, faults = visit("search.html")
    field = "document.activeElement.name === 'q'"
    page.keyboard.press("/")
    assert page.evaluate(field)
    page.get_by_role("checkbox").uncheck()
    page.keyboard.press("/")
    assert not page.evaluate(field)
    page.goto(page.url.replace("search.html", CHAPTERS[0]))
    page.keyboard.press("/")
    assert not page.evaluate(field) and not page.locator(".search kbd").is_visible()
    assert page.locator("[aria-keyshortcuts]").count() == 0
    page.go_back()
    assert not page.get_by_role("checkbox").is_checked()
    page.get_by_role("checkbox").check()
    page.keyboard.press("/")
    assert page.evaluate(field)
    assert faults == []


@pytest.mark.browser
def test_what_is_said_of_a_query(visit):
    """Nothing found, some words found, straight quotes for the page's curled ones, what looks like markup."""
    page, _ = visit("search.html")
    for query, said in {
        "qwxzqwxz": "Nothing found for “qwxzqwxz”",
        "qwxzqwxz mitchell": "with some words of “qwxzqwxz mitchell”",
        "model's": "with “model's”",
        "<img src=x onerror=alert(1)> ([*": "of “<img src=x onerror=alert(1)> ([*”",
    }.items():
        page.goto(f"{page.url.partition('?')[0]}?q={quote(query)}")
        page.wait_for_function("said => found.textContent.includes(said)", arg=said)
        assert page.locator("article img").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_results_on_a_phone_and_for_a_screen_reader(visit, scheme):
    page, faults = visit("book/notation.html", viewport=PHONE, color_scheme=scheme)
    page.get_by_role("searchbox").focus()
    assert page.get_by_role("searchbox").bounding_box()["width"] > 280
    page.keyboard.type("随机失活 dropout")
    page.wait_for_function("found.textContent.includes('dropout”')")
    wide = (
        "Math.max(document.documentElement.scrollWidth, document.querySelector('.panel').getBoundingClientRect().right)"
    )
    assert page.evaluate(wide) <= PHONE["width"]
    assert axe(page, ".top") == []
    page.get_by_role("link", name="All results").click()
    page.wait_for_url("**/search.html?q=*")
    page.wait_for_selector("#results li")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert axe(page) == []
    assert faults == []


@pytest.mark.browser
def test_search_works_in_a_copy_opened_from_the_file_system(browser, folder):
    page = browser.new_page()
    page.goto((folder / "book" / "faq.html").as_uri())
    ask(page, "过拟合")
    assert "term-overfitting" in page.locator("#results a").first.get_attribute("href")
    page.close()


@pytest.mark.browser
def test_search_without_javascript_says_so(visit):
    page, _ = visit("search.html", java_script_enabled=False)
    assert page.get_by_text("Search needs JavaScript").is_visible()
    assert not page.locator(".search kbd").is_visible()

"""The Chinese pages of the site: the bars of the English ones, the same numbers and anchors, links between the two."""

import re
from types import SimpleNamespace

import book_translate
import build
import built
import pytest
import test_access
import test_site as checks
from browsers import painted
from built import WEIGHT
from searching import Search, records
from test_site import parse, within

FOLDER = book_translate.FOLDER
PUBLISHED = [
    built.address(document) for document in built.DOCUMENTS
    if document.rpartition(".")[0] in book_translate.published(build.ROOT)
]  # fmt: skip
HAN = re.compile(r"[\u4e00-\u9fff]")
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")  # with the marks of full width
CLOSING = "，。、；：？！）》」』”’％%"


@pytest.fixture(scope="module")
def folder():
    return built.site()


def read(folder, name):
    return (folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def texts(folder):
    return {f"{FOLDER}/{name}": read(folder, f"{FOLDER}/{name}") for name in [*PUBLISHED, "search.html"]}


# ---------------------------------------------------------------- the bars of the English pages


def head_faults(text):
    """As of an English page; a description is shorter."""
    head = text.partition("</head>")[0]
    found = checks.head_faults(head.replace(f'<html lang="{book_translate.TAG}">', '<html lang="en">', 1))
    return [fault for fault in found if not fault.startswith("description")]


def figure_faults(text):
    """Alt texts are counted in characters."""
    short = [img.get("alt") for img in parse(text).iter("img") if len(HAN.findall(img.get("alt"))) < 12]
    return short + [fault for fault in checks.figure_faults(text) if "alt text" not in fault]


def description_faults(text):
    said = re.search(r'name="description" content="([^"]*)"', text)
    return [] if said and HAN.search(said[1]) and len(said[1]) <= 160 else [said]


OWN = {checks.head_faults: head_faults, checks.figure_faults: figure_faults}
CHECKS = [*(OWN.get(check, check) for check in checks.PAGE_CHECKS), description_faults]


@pytest.mark.parametrize("check", CHECKS)
def test_page(texts, check):
    assert {name: found for name, text in texts.items() if (found := check(text))} == {}


@pytest.mark.slow
def test_links_lead_somewhere(texts, folder):
    led = {target[0] for name, text in texts.items() for e in parse(text).iter() if (target := to(e, name))}
    english = {name: read(folder, name) for name in led if name.endswith(".html") and not name.startswith(FOLDER)}
    found = checks.link_faults(texts | english, checks.files_of(folder), built.root_of(folder))
    assert [fault for fault in found if fault.startswith(f"{FOLDER}/")] == []


def to(element, name):
    return within(element.get("href"), name) if element.get("href") else None


def test_weight(texts, folder):
    for name in texts:
        assert checks.weight(name, texts, folder, built.root_of(folder)) <= WEIGHT, name


def test_only_what_belongs_there_is_there(folder):
    files = {path.relative_to(folder / FOLDER).as_posix() for path in (folder / FOLDER).rglob("*") if path.is_file()}
    strange = {name for name in files if not re.fullmatch(r"_static/[\w/]+\.js|search/(\d\d|index)\.js", name)}
    assert strange == {*PUBLISHED, "search.html"}


# ---------------------------------------------------------------- the same page in two languages


def ids(text):
    found = {element.get("id") or "" for element in parse(text).find(".//main").iter()}
    return {name for name in found if name and not name.startswith("peek-")}  # boxes are numbered


def numbers(text):
    """The numbers of each output, in no order: a sentence may have them in another one."""
    outputs = [e for e in parse(text).iter("div") if "cell_output" in (e.get("class") or "").split()]
    return [sorted(re.findall(r"\d[\d.,]*\d|\d", output_text(output))) for output in outputs]


def output_text(element):
    """What a cell has computed: without captions and formulas as text."""
    if element.tag in ("figcaption", "caption", "annotation", "summary", "pre"):
        return element.tail or ""
    return (element.text or "") + "".join(map(output_text, element)) + (element.tail or "")


@pytest.mark.parametrize("name", PUBLISHED)
def test_both_languages_have_the_same_anchors_and_numbers(texts, folder, name):
    chinese, english = texts[f"{FOLDER}/{name}"], read(folder, name)
    assert ids(chinese) == ids(english)
    assert numbers(chinese) == numbers(english)


@pytest.mark.parametrize("name", PUBLISHED)
def test_both_languages_lead_to_each_other(texts, folder, name):
    for here, there in ((name, f"{FOLDER}/{name}"), (f"{FOLDER}/{name}", name)):
        page = parse(texts.get(here) or read(folder, here))
        (switch,) = [a for a in page.iter("a") if a.get("class") == "language"]
        assert within(switch.get("href"), here)[0] == there


@pytest.mark.parametrize("name", ["index.html", "notebooks/x.html"])
def test_alternates_have_whole_addresses_or_are_not_there(name):
    page = '<head>\n</head><form class="search">'
    config, builder = SimpleNamespace(book_site=""), SimpleNamespace(get_target_uri=lambda _: name)
    app = SimpleNamespace(config=config, builder=builder)
    assert "hreflang" not in book_translate.both(app, "x", page, True).partition("</head>")[0]
    config.book_site = "https://x.org/b/"
    for inside in (True, False):
        head = book_translate.both(app, "x", page, inside).partition("</head>")[0]
        place = name.removesuffix("index.html")
        wanted = {"en": place, book_translate.TAG: f"{FOLDER}/{place}", "x-default": place}
        found = dict(re.findall(r'<link rel="alternate" hreflang="(.*?)" href="(.*?)">', head))
        assert found == {tag: f"https://x.org/b/{path}" for tag, path in wanted.items()}


def test_what_is_not_published_has_no_switch(folder):
    for name in {*built.PAGES} - {*PUBLISHED}:
        text = read(folder, name)
        assert 'class="language"' not in text and f"{FOLDER}/" not in re.sub(r"hreflang", "", text), name


def test_english_pages_have_nothing_else_new(folder):
    """Without the switch and the alternates an English page says nothing of another language."""
    for name in PUBLISHED:
        text = re.sub(r'<a class="language".*?</a>\n *|<link rel="alternate" hreflang.*\n', "", read(folder, name))
        assert 'href="zh' not in text and "/zh/" not in text, name


PHRASE = re.compile(r"[A-Za-z]+(?:[ ,’'-]+[a-z]{2,}){3,}")
FREE = {"pre", "code", "script", "style", "annotation", "em", "cite", "a", "svg"}  # names and titles of works


def english(element):
    """What a reader sees of a page in several English words."""
    if element.tag in FREE or element.get("lang") == "en" or "katex" in (element.get("class") or ""):
        return []
    said = [element.text or "", *(child.tail or "" for child in element)]
    said += [element.get(name) or "" for name in ("title", "aria-label", "placeholder", "alt")]
    found = [text.strip() for text in said if PHRASE.search(text) and not CHINESE.search(text)]
    return found + [text for child in element for text in english(child)]


def test_no_english_is_left(texts):
    left = {name: found for name, text in texts.items() if (found := english(parse(text).find("body")))}
    assert left == {}
    assert english(parse("<body><p>This has been left here</p>").find("body"))


def starred(element):
    """The text outside code and formulas that shows a * of Markdown, which a mark of full width keeps from closing."""
    if element.tag in {"pre", "code", "script", "style", "annotation", "svg"} or "katex" in (
        element.get("class") or ""
    ):
        return []
    inside = [element.text, *(child.tail for child in element)]
    return [text for text in inside if text and "*" in text] + [t for child in element for t in starred(child)]


def test_no_mark_of_markdown_is_left(texts):
    found = {name: starred(parse(text).find(".//article")) for name, text in texts.items()}
    assert {name: marks for name, marks in found.items() if marks} == {}
    assert starred(parse("<article><p>*《a》*b <code>2 * 3</code></p></article>")) == ["*《a》*b "]


def test_nothing_is_marked_as_untranslated(texts):
    assert [name for name, text in texts.items() if "untranslated" in text] == []


# ---------------------------------------------------------------- the search


def test_search_finds_chinese(folder):
    chinese = folder / FOLDER
    assert any(where == "book/notation.html" for where, *_ in records(chinese))
    for query in ("一物一名", "一物一名，正文与代码一致"):
        assert Search(chinese)(query)[0].startswith("book/notation.html")


# ---------------------------------------------------------------- in a browser

LINES = """
  (closing) => {
    const found = [];
    const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      if (node.parentElement.closest("pre")) continue; // there % is an operator
      for (let i = 1; i < node.data.length; i++) {
        if (!closing.includes(node.data[i])) continue;
        const [a, b] = [i - 1, i].map((k) => {
          const range = document.createRange();
          range.setStart(node, k);
          range.setEnd(node, k + 1);
          return range.getBoundingClientRect();
        });
        if (a.height && b.height && b.top > a.bottom - 2) found.push(node.data.slice(Math.max(0, i - 6), i + 1));
      }
    }
    return found;
  }
"""


@pytest.mark.browser
@pytest.mark.parametrize("name", built.some(PUBLISHED, ("book/notation.html",)))
def test_on_a_phone(visit, name):
    """Nothing scrolls sideways, no line begins with a closing mark, nothing fails, the marks have full width."""
    page, complaints = visit(f"{FOLDER}/{name}", viewport={"width": 360, "height": 740})
    painted(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(LINES, CLOSING) == []
    assert complaints == []
    page.evaluate("document.querySelector('article p').textContent = '一，二三，四五六，七八九十，'.repeat(30)")
    page.evaluate("document.documentElement.style.lineBreak = 'anywhere'")
    painted(page)
    assert page.evaluate(LINES, CLOSING)


@pytest.mark.browser
@pytest.mark.parametrize("name", built.some([*PUBLISHED, "search.html"], ("index.html",)))
def test_axe_finds_no_violation(browser, base, name):
    seen = test_access.Visit(browser, base, f"{FOLDER}/{name}", reduced_motion="reduce")
    seen.unfold()
    for scheme in ("light", "dark"):
        seen.wear(scheme)
        assert (test_access.violations(seen) if scheme == "light" else []) + test_access.contrasts(seen) == []
    seen.close()


@pytest.mark.browser
def test_the_switch_leads_to_the_same_section(visit):
    page, _ = visit("book/notation.html#seeds-and-intervals")
    click = "document.querySelector('.language').click()"  # the driver's own click scrolls the page
    page.wait_for_selector("#menu a.in-view[href='#seeds-and-intervals']")
    page.evaluate(click)
    page.wait_for_url(f"**/{FOLDER}/book/notation.html#seeds-and-intervals")
    page.wait_for_selector("#menu a.in-view[href='#seeds-and-intervals']")
    page.evaluate(click)
    page.wait_for_url(lambda url: f"/{FOLDER}/" not in url and url.endswith("#seeds-and-intervals"))


@pytest.mark.browser
def test_a_reader_searches_in_chinese(visit):
    page, complaints = visit(f"{FOLDER}/book/notation.html")
    page.fill("input[name=q]", "噪声比")
    page.wait_for_selector("#results li")
    assert HAN.search(page.text_content("#found")) and "section" not in page.text_content("#found")
    link = page.get_attribute("#results a", "href")
    assert f"/{FOLDER}/" in link and complaints == []


@pytest.mark.browser
def test_a_living_figure_speaks_chinese(visit):
    page, complaints = visit(f"{FOLDER}/index.html")
    page.locator(".stage").scroll_into_view_if_needed()
    page.wait_for_selector(".stage.live .says")
    said = page.text_content(".stage.live")
    assert "掩码" in said and not PHRASE.search(said) and complaints == []


@pytest.mark.browser
def test_on_paper_the_chinese_font_is_there(visit):
    page, _ = visit(f"{FOLDER}/book/notation.html")
    if not page.evaluate("document.fonts.check('12px \"Noto Sans CJK SC\"', '掩')"):
        pytest.skip("no fonts-noto-cjk")
    assert b"CJK" in page.pdf()

"""For those who hear a page, touch it, or print it: names of links, buttons, tables and boxes; whole numbers; paper.

Each check returns the faults it finds in a page; planted faults show that it finds them.
"""

import re
from collections import Counter

import book_numbers
import pytest
from browsers import Visit, axe, planted
from built import CHAPTERS, some

pytestmark = pytest.mark.browser
OTHERS = ["assignments/07-transformer.html", "book/notation.html", "book/glossary.html", "book/claims.html"]


def permalink_faults(page):
    """Links to headings that are part of the heading, that have no name of their own, or are missing."""
    return page.evaluate(
        """(() => {
             const inside = document.querySelectorAll(":is(h1, h2, h3, h4, h5, h6, summary) .headerlink");
             const links = [...document.querySelectorAll("article .headerlink")];
             const names = links.map((a) => a.getAttribute("aria-label") ?? "");
             const bare = [...document.querySelectorAll("article section section > :is(h2, h3, h4)")];
             return [...[...inside].map((a) => `in a heading: ${a.hash}`),
               ...bare.map((e) => `no link: ${e.textContent}`),
               ...links.filter((a, i) => !/^Link to: .+/.test(names[i])).map((a) => `no name: ${a.hash}`)];
           })()"""
    )


def hidden_faults(page):
    """What a finger needs, and is not seen: links to headings and buttons to copy."""
    return page.evaluate(
        """[...document.querySelectorAll("article .headerlink, article .copy")].filter((e) => e.checkVisibility() &&
             !e.closest("details:not([open]) > :not(summary)") && getComputedStyle(e).opacity !== "1")
           .map((e) => e.className)"""
    )


def copy_faults(page):
    """Cells without a button of their own name, and buttons that cover code."""
    return page.evaluate(
        """[...document.querySelectorAll(
              ".cell_input .highlight, details > .highlight-python .highlight")].flatMap((box) => {
             const button = box.querySelector(":scope > .copy"), name = button?.textContent;
             const cell = box.closest(".cell"), number = [...document.querySelectorAll(".cell")].indexOf(cell) + 1;
             if (cell && name !== `Copy code of cell ${number}`) return [`${name} for cell ${number}`];
             if (!/^Copy code of (cell|solution to Exercise|answer to question) \\d+$/.test(name)) return [`${name}`];
             const [at, code] = [button, box.querySelector("pre")].map((e) => e.getBoundingClientRect());
             return at.bottom > code.top + 1 && at.height ? [`${name} covers code`] : [];
           })"""
    )


def disclosure_faults(page):
    """Solutions and answers that do not say of what."""
    texts = page.locator("article summary").evaluate_all("(all) => all.map((e) => e.textContent.trim())")
    named = [text for text in texts if re.match("Solution|Answer", text)]
    wrong = [text for text in named if not re.fullmatch(r"Solution to Exercise \d+|Answer to question \d+", text)]
    return wrong + [f"{text}, {n} times" for text, n in Counter(named).items() if n > 1]


def table_faults(page):
    """Tables without a caption, headers without a scope, rows without a header."""
    return page.evaluate(
        """[...document.querySelectorAll("article table")].flatMap((table) => {
             const name = table.caption?.textContent.trim(), faults = name ? [] : ["no caption"];
             const heads = [...table.querySelectorAll("thead th")];
             const rows = [...table.tBodies].flatMap((b) => [...b.rows]);
             if (!heads.length || heads.some((th) => th.scope !== "col")) faults.push(`${name}: columns`);
             const first = rows.map((row) => row.cells[0]);
             if (first.every((cell) => cell.textContent.trim()) && rows[0]?.cells.length > 1 &&
                 first.some((cell) => cell.tagName !== "TH" || cell.scope !== "row")) faults.push(`${name}: rows`);
             return faults;
           })"""
    )


def number_faults(page):
    """Tables of a chapter that are not numbered in order."""
    said = page.locator("article caption strong").evaluate_all("(all) => all.map((e) => e.textContent)")
    chapter = int(re.search(r"/(\d\d)-", page.url)[1])
    wanted = [f"Table\xa0{chapter}.{i + 1}" for i in range(page.locator("article table:not(.explore table)").count())]
    return [] if [text.rstrip(".") for text in said] == wanted else [f"{said}"]


def box_faults(page):
    """Boxes that scroll and cannot be reached, have no name or show no edge; others that cost a Tab."""
    return page.evaluate(
        """[...document.querySelectorAll("pre, .table, .katex-display")].flatMap((box) => {
             const name = box.getAttribute("aria-label"), role = box.getAttribute("role");
             const scrolls = box.scrollWidth > box.clientWidth + 1;
             if (!scrolls) return box.tabIndex < 0 && !name ? [] : [`${name} does not scroll`];
             const edge = getComputedStyle(box).backgroundImage.includes("gradient");
             const sound = box.tabIndex === 0 && role === "group" && name && edge;
             return sound ? [] : [`${box.className}: ${role}, ${name}`];
           })"""
    )


def landmark_faults(page):
    return page.evaluate(
        """(() => {
             const [main, footer] = ["main", "footer"].map((name) => document.querySelectorAll(name));
             return main.length === 1 && footer.length === 1 && !footer[0].closest("main") ? [] : ["footer"];
           })()"""
    )


# A number with its sign, what it is written with, and what it is of.
WHOLE = r"(?<![\w.])[-−+]?\d[\d.]*(?:e[-−+]?\d+)?(?:\s?(?:[×±]\s[-−+]?\d[\d.]*|[%★]))?"


def broken_faults(page):
    """Numbers that stand on two lines."""
    return page.evaluate(
        """(whole) => {
             const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
             const faults = [], range = document.createRange();
             while (walker.nextNode()) {
               const node = walker.currentNode;
               if (!/\\d/.test(node.data) || !node.parentElement.checkVisibility()) continue;
               if (node.parentElement.closest(".katex, .spoken, details:not([open]) > :not(summary)")) continue;
               for (const found of node.data.matchAll(new RegExp(whole, "g"))) {
                 range.setStart(node, found.index);
                 range.setEnd(node, found.index + found[0].length);
                 const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top / 6)));
                 if (lines.size > 1) faults.push(node.data.slice(Math.max(0, found.index - 20), range.endOffset + 5));
               }
             }
             return faults;
           }""",
        WHOLE,
    )


CHECKS = [permalink_faults, copy_faults, disclosure_faults, table_faults, box_faults, landmark_faults]


@pytest.fixture(scope="module", params=some([*CHAPTERS, *OTHERS], often=[CHAPTERS[1]]))
def opened(request, browser, served):
    visit = Visit(browser, served("site"), request.param, reduced_motion="reduce")
    visit.unfold()
    visit.settle()
    yield visit
    visit.close()


def test_all_is_named(opened):
    assert [fault for check in CHECKS for fault in check(opened.page)] == []
    if opened.name in CHAPTERS:
        assert number_faults(opened.page) == []
    opened.resize(360)
    assert box_faults(opened.page) == [] and broken_faults(opened.page) == []


PLANTED = [
    (permalink_faults, "const h = $('article .heading'); h.firstChild.append(h.lastChild)"),
    (permalink_faults, "$('.headerlink').ariaLabel = '#'"),
    (permalink_faults, "$('.heading').replaceWith($('.heading').firstChild)"),
    (copy_faults, "$('.copy').remove()"),
    (copy_faults, "$('.copy').textContent = 'Copy'"),
    (copy_faults, "$('.copy').style.bottom = 'auto'; $('.copy').closest('details').open = true"),
    (disclosure_faults, "$('#exercises summary').textContent = 'Solution'"),
    (disclosure_faults, "$('#exercises summary').textContent = 'Solution to Exercise 2'"),
    (table_faults, "$('caption').remove()"),
    (table_faults, "$('thead th').removeAttribute('scope')"),
    (table_faults, "$('tbody th').removeAttribute('scope')"),
    (number_faults, "$('caption strong').textContent = 'Table 2.7'"),
    (box_faults, "$('.table').tabIndex = 0"),
    (box_faults, "$('pre').style.whiteSpace = 'pre'; $('pre').textContent = 'x'.repeat(400)"),
    (landmark_faults, "$('main').append($('footer'))"),
    (broken_faults, "$('article p').textContent = '1234.5678'; $('article p').style = 'width: 2em'"),
    (broken_faults, "$('article p').textContent = '5 %'; $('article p').style.width = '1px'"),
]  # fmt: skip


@pytest.mark.parametrize("check, change", PLANTED)
def test_planted_fault_is_found(visit, check, change):
    page, _ = visit(CHAPTERS[1])
    assert planted(page, check, f"const $ = (selector) => document.querySelector(selector); {change}")


NUMBERS = {
    "<pre>f(x)  # the half-width of its 95 % interval</pre>": ["95 %"],
    "<pre>an output of one number and one more −0.003 ± 0.002</pre>": ["−0.003 ± 0.002"],
    "<pre>short: 95 %</pre>": [],
    '<pre><span class="c1"># smaller than 1e-12 in each of the rows</span></pre>': ["1e-12"],
    '<p>at 1.5e-05 <img alt="at 1.5e-05 is less"></p>': ["1.5e-05"],
    "<p>x<annotation>1e-05</annotation> and a1e-05</p>": [],
    '<code><span class="pre">1e-12</span> <span class="pre">model</span></code>': ["1e-12"],
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_marked(text):
    made = book_numbers.marked(text)
    assert re.findall(r'class="(?:pre )?whole">([^<]*)<', made) == NUMBERS[text]
    assert re.sub("<[^>]*>", "", made) == re.sub("<[^>]*>", "", text) and made.count("alt=") == text.count("alt=")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_all_is_seen(visit, scheme):
    options = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    page, faults = visit(CHAPTERS[1], **options, color_scheme=scheme, reduced_motion="reduce")
    assert page.evaluate("matchMedia('(hover: none)').matches")
    page.evaluate("document.querySelectorAll('details').forEach((e) => (e.open = true))")
    assert hidden_faults(page) == [] and copy_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = axe(page, runOnly=["color-contrast", "target-size", "link-name", "button-name", "region"])
    assert [v["id"] for v in found] == [] and faults == []
    page.locator(".headerlink").first.evaluate("(e) => (e.style.opacity = 0)")
    assert hidden_faults(page)


def test_copying_is_answered_in_speech(visit, base):
    page, _ = visit(CHAPTERS[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    said = page.locator("main > .spoken[role=status]")
    assert said.text_content() == ""
    button = page.locator(".cell_input:visible .copy").first
    name = button.text_content()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('main > .spoken').textContent !== ''")
    assert said.text_content() == name.replace("Copy", "Copied") and button.text_content() == said.text_content()
    page.wait_for_function("document.querySelector('main > .spoken').textContent === ''")
    assert button.text_content() == name


def test_without_javascript_names_are_there(visit):
    page, _ = visit(CHAPTERS[1], java_script_enabled=False)
    assert page.locator("caption", has_text=re.compile(r"^Table\s2\.1\s")).count() == 1
    assert page.locator("summary", has_text="Solution to Exercise 1").is_visible()
    assert page.get_by_role("link", name="Link to: Summary").count() == 1
    assert page.locator("footer").evaluate("(e) => !e.closest('main')")


# ---------------------------------------------------------------- paper


def paper_faults(page):
    """Running heads and page numbers, the targets of links, and cells that a page's end may split."""
    title = page.locator("h1").text_content()
    return page.evaluate(
        """(title) => {
             const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
             const pages = rules.filter((rule) => rule instanceof CSSPageRule);
             const boxes = pages.flatMap((page) => [...page.cssRules].map((box) => box.cssText)).join("\\n");
             const faults = ["counter(page)", "Dropout, Executed", title].filter((text) => !boxes.includes(text));
             for (const a of document.querySelectorAll("article a[href^=http]")) {
               const shown = getComputedStyle(a, "::after").content;
               if (!shown.includes("attr(href)") && !shown.includes(a.getAttribute("href"))) faults.push(a.href);
             }
             for (const e of document.querySelectorAll(".cell_input > div > .highlight"))
               if (e.checkVisibility() && getComputedStyle(e).breakInside !== "avoid") faults.push("a cell is split");
             for (const e of document.querySelectorAll("pre"))
               if (getComputedStyle(e).orphans < 2 || getComputedStyle(e).widows < 2) faults.push("one line alone");
             for (const e of document.querySelectorAll("article a:not([href^=http])"))
               if (getComputedStyle(e, "::after").content !== "none" && !e.matches("[class]")) faults.push(e.outerHTML);
             return faults;
           }""",
        title,
    )


ON_PAPER = [
    "[...document.querySelectorAll('head style')].forEach((e) => e.remove())",
    "document.head.insertAdjacentHTML('beforeend', '<style>a::after { content: none !important }</style>')",
    "document.querySelector('.cell_input > div > .highlight').style.breakInside = 'auto'",
    "document.querySelector('pre').style.orphans = 1",
]


@pytest.mark.parametrize("name", some([CHAPTERS[1], "book/faq.html"], often=[CHAPTERS[1]]))
def test_on_paper(visit, name):
    page, _ = visit(name)
    page.emulate_media(media="print")
    assert paper_faults(page) == []
    assert not page.locator("footer .about").is_visible() and not page.locator("footer .cite").is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("change", ON_PAPER)
def test_a_fault_on_paper_is_found(visit, change):
    page, _ = visit(CHAPTERS[1])
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('.hidden-code').forEach((e) => (e.style = 'display: block !important'))")
    page.evaluate(change + "; 0")
    assert paper_faults(page)

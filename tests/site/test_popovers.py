"""What a link leads to, beside the link: which links have a box, what it says, and how it comes, stays and goes.

Each check returns the faults it finds; planted faults show that it finds them.
"""

import gzip
import html
import re
from functools import cache

import book_record
import build
import built
import nbformat
import pytest
import searching
from browsers import Visit, axe, planted
from built import CHAPTERS, PAGES
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import expect
from pybtex.database import parse_file
from test_glossary import ENTRIES, LINK

pytestmark = pytest.mark.browser
ROOM = 10_000  # bytes that boxes may add to a page, compressed
BOX = re.compile(r'<div class="peek (\w+)([^"]*)" popover>\n(.*?)</div>\n(?=<div class="peek|</main>)', re.DOTALL)
TIED = re.compile(r'<a\b[^>]*href="([^"]*)"[^>]* data-peek="(\d+)">')
ANY = re.compile(r'<a\b(?![^>]*class="(?:headerlink|enlarge|button)\b)[^>]*href="([^"]*)"[^>]*>')
CHAPTER = CHAPTERS[2]


@cache
def page(name):
    return (built.site() / name).read_text(encoding="utf-8")


def article(text):
    return re.search("<article>(.*)</article>", text, re.DOTALL)[1]


def plain(text):
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", text))).strip()


def boxes(text):
    """{id: (kind, its classes, its text)} of a page."""
    return {
        re.search('id="(peek-[^"]*)"', made)[1]: (kind, more, plain(made)) for kind, more, made in BOX.findall(text)
    }


def said(text):
    """{address: (kind, classes, text of its box)} of the links of a page."""
    found = boxes(text)
    return {html.unescape(href): found[f"peek-{number}"] for href, number in TIED.findall(article(text))}


# ---------------------------------------------------------------- which links, and what their boxes say


def tie_faults(text):
    """Boxes that no link names, links that name none, one thing in two boxes, and boxes in the text."""
    named, found = {f"peek-{number}" for _, number in TIED.findall(article(text))}, boxes(text)
    addresses = [re.search('href="([^"]*)"', made)[1] for *_, made in BOX.findall(text)]
    faults = [f"no link names {name}" for name in found.keys() - named] + [
        f"no {name}" for name in named - found.keys()
    ]
    faults += [f"{address} twice" for address in {*addresses} if addresses.count(address) > 1]
    faults += ["popover in the text"] if " popover>" in article(text) else []
    return faults + [
        f"a Tab stop: {made}" for *_, made in BOX.findall(text) if made.count("<a ") != made.count('tabindex="-1"')
    ]


def bare_faults(text, name, known):
    """Links of the running text to a term, a claim, a chapter or a work that have no box."""
    body = re.sub(
        r'<(h[1-6]|summary|figcaption|pre)\b.*?</\1>|<ul class="chapters.*?</ul>', "", article(text), flags=re.DOTALL
    )
    what = r"glossary\.html#term-.|(?:^|/)\d\d-[\w-]+\.html(?:$|#claim-)|#claim-"
    with_box = {href for href, _ in TIED.findall(body)}
    return sorted(
        href
        for href in {html.unescape(href) for href in ANY.findall(body)}
        if html.escape(href) not in with_box
        and not href.startswith("../assignments/")
        and (href in known or ("://" not in href and re.search(what, href)))
    )


@pytest.fixture(scope="module")
def works():
    """{address: entry} of references.bib."""
    entries = parse_file(str(build.ROOT / "references.bib"), bib_format="bibtex").entries.values()
    known = [("https://doi.org/", "doi"), ("https://arxiv.org/abs/", "eprint"), ("", "url")]
    return {start + e.fields[name]: e for e in entries for start, name in known if name in e.fields}


@pytest.mark.parametrize("name", PAGES)
def test_each_link_has_its_box(name, works):
    assert tie_faults(page(name)) == []
    if name not in ("book/claims.html", "book/glossary.html", "book/references.html"):
        assert bare_faults(page(name), name, works) == []


PLANTED = [
    (lambda t: t.replace('id="peek-3"', 'id="peek-x"')),
    (lambda t: t.replace(' data-peek="3"', "")),
    (lambda t: t.replace("</article>", "<div popover></div></article>")),
    (lambda t: re.sub(r'(class="peek.*?) tabindex="-1"', r"\1", t, count=1, flags=re.DOTALL)),
    (lambda t: t.replace("</main>", BOX.search(t)[0] + "</main>")),
]


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault):
    assert tie_faults(fault(page(CHAPTER)))


def test_a_link_without_its_box_is_found(works):
    found = said(page(CHAPTER))
    for kind in ("term", "work", "chapter", "claim"):
        href = next(href for href, about in found.items() if about[0] == kind)
        text = re.sub(rf'(href="{re.escape(html.escape(href))}"[^>]*) data-peek="\d+"', r"\1", page(CHAPTER))
        assert bare_faults(text, CHAPTER, works) == [href]


def content_faults(name, works):
    """Boxes that do not say what the glossary, references.bib, the claims and the chapters say."""
    faults = []
    for href, (kind, more, text) in said(page(name)).items():
        if kind == "term":
            entry = TERMS[href.partition("#term-")[2].lower()]
            wanted = [entry[0], entry[1], re.sub("`", "", LINK.sub("", entry[2]).strip().replace("'", "’"))]
        elif kind == "work":
            entry = works[href]
            people = [person.last_names[-1] for person in entry.persons["author"]]
            wanted = [re.sub("[{}]", "", entry.fields["title"]), entry.fields["year"], people[0]]
        elif kind == "claim":
            sentence, verdict = CLAIMS[href[-2:]]
            text = re.sub("[“”]", '"', text)
            wanted = [f"Claim {href[-2:]}", re.sub("`", "", sentence).replace("'", "’"), verdict.capitalize()]
            faults += [] if more == f" {verdict}" else [f"{href}: {more}"]
        elif kind == "chapter":
            wanted = [plain(re.search("<h1>(.*?)</h1>", page(f"notebooks/{href.rpartition('/')[2]}"))[1])]
        else:
            wanted = []
        faults += [f"{href}: {part!r} is not in {text!r}" for part in wanted if part not in text]
        faults += [f"{href}: {text}"] if not 8 < len(text) < 480 else []
    return faults


def all_claims():
    for document in built.NOTEBOOKS:
        if document.startswith("notebooks/"):
            for row in book_record.claims(nbformat.read(build.ROOT / document, 4), document):
                yield row["number"], (row["sentence"], row["verdict"])


TERMS = {entry[0].replace(" ", "-").lower(): entry for entry in ENTRIES}
CLAIMS = dict(all_claims())


@pytest.mark.parametrize("name", [*CHAPTERS, "book/teach.html", "book/notation.html"])
def test_a_box_says_what_the_book_says(name, works):
    assert content_faults(name, works) == []


def test_every_claim_and_work_is_somewhere(works):
    """So no kind of box is lost without notice."""
    found = {href.rpartition("#")[2]: about for name in PAGES for href, about in said(page(name)).items()}
    kinds = [about[0] for about in found.values()]
    assert {f"claim-{number}" for number in CLAIMS} <= found.keys()
    assert {kind: kinds.count(kind) > 10 for kind in kinds} == dict.fromkeys(
        ("term", "work", "claim", "chapter", "section"), True
    )
    with_words = [
        text for href, (kind, _, text) in found.items() if kind == "work" and re.search(r"Chapter \d+: ", text)
    ]
    assert len(with_words) >= 30


@pytest.mark.parametrize("name", PAGES)
def test_bytes(name):
    without = BOX.sub("", re.sub(r' data-peek="\d+"', "", page(name)))
    assert len(gzip.compress(page(name).encode())) - len(gzip.compress(without.encode())) <= ROOM
    assert ("popovers.js" in page(name)) == ('class="peek' in page(name))


FIRST = """# 1. Overfitting

In this chapter you overfit.

A mask, claim 02 of Chapter 2, Figure 2.1, Chapter 1, **Chapter 2** and Chapter 9.

## Further reading

- [Hinton et al. 2012](https://arxiv.org/abs/1207.0580), *Improving*: section 3 on $p$.
- [Gal and Ghahramani 2016](https://arxiv.org/abs/1506.02142): samples; [Wan et al. 2013](URL): weights.
"""
SECOND = """# 2. Masks

You draw masks: 5 % of them.

## A formula

Here is $\\frac{a+b}{c}$, and `claim 02`.

## Claims tested here

- **Claim 02** — *Masks are `0` or 1.* in `code` **Holds.** They are.

## Further reading

- [Hinton et al. 2012](https://arxiv.org/abs/1207.0580), the first paper.
"""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_a_small_book(tmp_path):
    picture = new_output("display_data", {"image/png": PIXEL, "text/plain": ""})
    alt = {"mystnb": {"image": {"alt": "a single dot on white"}, "figure": {"caption": "One dot, 5 % grey."}}}
    shown = new_output("display_data", {"text/markdown": "**Claim 02 — holds.** Yes.", "text/plain": ""})
    cells = [new_code_cell("draw()", outputs=[picture], metadata=alt)]
    cells += [new_code_cell("assert True", outputs=[shown], metadata={"tags": ["claim-02"]})]
    python = {"language_info": {"name": "python"}}
    url = next(a for a in re.findall(r"url = \{(.*?)\}", (build.ROOT / "references.bib").read_text()) if "wan13" in a)
    books = {
        "notebooks/01-overfitting.ipynb": new_notebook(
            cells=[new_markdown_cell(FIRST.replace("URL", url))], metadata=python
        ),
        "notebooks/02-mask-math.ipynb": new_notebook(cells=[new_markdown_cell(SECOND), *cells], metadata=python),
    }
    index = "# Title\n\nText.\n\n[a formula](../notebooks/02-mask-math.ipynb#a-formula)\n"
    book = built.scratch_book(tmp_path, {"index.md": index}, books)
    ok, printed = built.build_with(built.NOWHERE, book)
    assert ok, printed

    site = book / "_build" / "html"
    first, second, start = (
        said((site / name).read_text(encoding="utf-8"))
        for name in ("notebooks/01-overfitting.html", "notebooks/02-mask-math.html", "index.html")
    )
    texts = {href: text for href, (_, _, text) in first.items()}
    assert texts.pop("https://arxiv.org/abs/1207.0580").endswith("Chapter 2: the first paper.")  # not of section 3
    assert texts.pop("https://arxiv.org/abs/1506.02142").endswith("Chapter 1: samples.")
    assert texts.pop(url).endswith("Chapter 1: weights.")
    assert texts == {
        "02-mask-math.html#claim-02": "Claim 02 Masks are 0 or 1. Holds",
        "02-mask-math.html": "2. Masks Draw masks: 5 % of them.",
        "02-mask-math.html#figure-2-1": "Figure 2.1 One dot, 5 % grey.",
    }
    assert second.keys() == {"#claim-02", "https://arxiv.org/abs/1207.0580"}  # the mark above its output
    assert start == {"notebooks/02-mask-math.html#a-formula": ("section", "", "A formula 2. Masks")}
    records = searching.records(site)
    assert sum("Masks are 0 or 1" in record[3] for record in records) == 1


# ---------------------------------------------------------------- how a box comes, stays and goes


def open_box(page):
    """The classes of the open box; "" where there is none."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("document.querySelector('.peek:popover-open')?.className ?? ''")


def place_faults(page):
    """Boxes that leave the window, cover their link, or do not come when the keyboard is at it."""
    page.keyboard.press("Shift")  # so that what a script focuses counts as reached by the keyboard
    return page.evaluate(
        """(async () => {
             const faults = [], [width, height] = [document.documentElement.clientWidth, innerHeight];
             for (const link of document.querySelectorAll("article a[data-peek]")) {
               if (!link.checkVisibility({ visibilityProperty: true })) continue;
               link.scrollIntoView({ block: ["start", "center", "end"][faults.length % 3] });
               link.focus();
               const box = document.querySelector(".peek:popover-open");
               if (box?.querySelector("[id]").id !== link.getAttribute("aria-describedby")) {
                 faults.push(`no box: ${link.href}`);
                 continue;
               }
               const at = box.getBoundingClientRect(), lines = [...link.getClientRects()];
               if (at.left < 0 || at.top < 0 || at.right > width || at.bottom > height || at.width < 100)
                 faults.push(`${link.href}: ${at.left}, ${at.top}, ${at.right}, ${at.bottom}`);
               const [line] = lines, apart = line.bottom <= at.top || line.top >= at.bottom;
               if (height > 600 && lines.length === 1 && !apart && line.right > at.left && line.left < at.right)
                 faults.push(`covered: ${link.href}`);
             }
             document.activeElement.blur();
             const wide = document.documentElement.scrollWidth;
             return wide > innerWidth ? [...faults, `${wide} px wide`] : faults;
           })()"""
    )


@pytest.fixture(scope="module")
def opened(browser, served):
    visit = Visit(browser, served("site"), CHAPTER, reduced_motion="reduce")
    yield visit
    visit.close()


def test_a_pointer_that_rests_opens_and_one_that_leaves_closes(opened):
    page = opened.page
    term, work = page.locator("article a.term").nth(1), page.locator("article a[href*='srivastava14a']").first
    assert term.get_attribute("title") is None  # no second box, the browser's own
    term.scroll_into_view_if_needed()
    at = term.bounding_box()
    x, y = at["x"] + 5, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    assert open_box(page) == ""  # it waits
    page.wait_for_selector(".peek.term:popover-open")
    box = page.locator(".peek:popover-open")
    over = box.bounding_box()
    page.mouse.move(over["x"] + 10, over["y"] + 10, steps=4)
    page.wait_for_timeout(400)
    assert open_box(page) == "peek term"  # it stays while the pointer is on it
    page.mouse.move(5, 500)
    page.wait_for_selector(".peek:popover-open", state="hidden")
    page.mouse.move(x, y)
    page.wait_for_selector(".peek:popover-open")
    page.keyboard.press("Escape")  # the pointer stays where it is
    assert open_box(page) == ""
    work.scroll_into_view_if_needed()
    work.hover()
    page.wait_for_selector(".peek.work:popover-open")
    assert page.locator(".peek:popover-open").count() == 1
    term.hover()
    page.wait_for_selector(".peek.term:popover-open")
    assert page.locator(".peek:popover-open").count() == 1
    page.mouse.move(5, 500)
    page.wait_for_selector(".peek:popover-open", state="hidden")
    assert opened.faults == []


def test_a_link_that_scrolls_under_a_pointer_at_rest_opens_nothing(opened):
    page, over = opened.page, "([x, y]) => document.elementFromPoint(x, y).closest('a.term') !== null"
    term = page.locator("article a.term").nth(1)
    term.scroll_into_view_if_needed()
    at = term.bounding_box()
    place = [at["x"] + 5, at["y"] + at["height"] / 2]
    page.evaluate("scrollBy(0, 300)")
    page.mouse.move(*place)
    page.evaluate("scrollBy(0, -300)")
    page.wait_for_timeout(700)  # the browser has told the page what the pointer is over, and a box would have come
    assert page.evaluate(over, place) and open_box(page) == ""
    page.mouse.move(place[0] + 1, place[1])
    page.wait_for_selector(".peek.term:popover-open")
    page.mouse.move(5, 500)
    page.wait_for_selector(".peek:popover-open", state="hidden")


def test_the_keyboard_opens_it_and_passes_it(opened):
    page = opened.page
    links = page.locator("article a.term")
    page.keyboard.press("Tab")
    links.nth(1).focus()
    assert open_box(page) == "peek term"
    expect(links.nth(1)).to_have_accessible_description(re.compile("^An array of zeros and ones that says .*kept\\.$"))
    expect(links.nth(1)).to_have_accessible_name("mask")
    page.keyboard.press("Escape")
    assert open_box(page) == "" and page.evaluate("document.activeElement.textContent") == "mask"
    links.nth(1).blur()
    links.nth(1).focus()
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.peek')")
    page.evaluate("document.activeElement.blur()")
    assert open_box(page) == ""


OPEN_ALL = """
  ["term", "work", "chapter", "claim"].forEach((kind, i) => {
    const box = document.querySelector(`.peek.${kind}`);
    box.popover = "manual";
    box.style.top = `${scrollY + 190 * i}px`;
    box.showPopover();
  });
"""
CLOSE_ALL = "for (const box of document.querySelectorAll('.peek')) box.popover = 'auto'; 0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_open_boxes(opened, scheme):
    opened.wear(scheme)
    opened.page.evaluate(OPEN_ALL)
    assert opened.page.locator(".peek:popover-open").count() == 4
    only = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
    found = axe(opened.page, ".peek:popover-open", **only)
    opened.page.evaluate(CLOSE_ALL)
    assert [violation["id"] for violation in found] == []


@pytest.mark.parametrize("width, height", [(1280, 800), (320, 640), (320, 256)])
def test_it_stays_in_the_window(opened, width, height):
    opened.resize(width, height)
    assert place_faults(opened.page) == []


@pytest.mark.slow
@pytest.mark.parametrize("change", ["max-width: none; width: 100rem", "translate: 0 -3rem", "display: none !important"])
def test_a_box_out_of_place_is_found(visit, change):
    page, _ = visit(CHAPTER, reduced_motion="reduce")
    assert planted(
        page,
        place_faults,
        f"document.head.insertAdjacentHTML('beforeend', '<style>.peek[popover] {{ {change} }}</style>')",
    )


def test_on_paper_there_is_none(opened):
    page = opened.page
    page.keyboard.press("Tab")
    page.locator("article a.term").nth(1).focus()
    assert open_box(page)
    page.emulate_media(media="print")
    assert not page.locator(".peek:visible").count()
    page.emulate_media(media="screen")
    page.evaluate("document.activeElement.blur()")


def test_a_first_tap_opens_and_a_second_follows(visit):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    page, faults = visit(CHAPTER, **phone, reduced_motion="reduce")
    term, other = page.locator("article a.term").nth(1), page.locator("article a[href='02-mask-math.html']").first
    here = page.url
    term.tap()
    assert open_box(page) == "peek term" and page.url == here
    link = page.locator(".peek:popover-open a")
    assert link.bounding_box()["height"] >= 44 and link.get_attribute("href") == term.get_attribute("href")
    other.tap()
    assert open_box(page) == "peek chapter" and page.url == here
    page.locator("h1").tap()
    assert open_box(page) == "" and page.url == here
    term.tap()
    term.tap()
    page.wait_for_url("**/book/glossary.html#term-mask")
    page.go_back()
    term.tap()
    page.locator(".peek:popover-open a").tap()
    page.wait_for_url("**/book/glossary.html#term-mask")
    assert faults == []


def test_without_javascript_a_link_is_a_link(visit):
    page, _ = visit(CHAPTER, java_script_enabled=False)
    term = page.locator("article a.term").nth(1)
    term.hover()
    assert not page.locator(".peek:visible").count() and term.get_attribute("title").startswith("An array of zeros")
    term.click()
    page.wait_for_url("**/book/glossary.html#term-mask")


def test_it_opens_in_a_copy_on_the_disk(browser):
    page = browser.new_page()
    page.goto((built.site() / CHAPTER).as_uri())
    page.locator("article a.term").nth(1).hover()
    page.wait_for_selector(".peek.term:popover-open")
    page.close()

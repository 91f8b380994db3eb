"""Where one is in the book: contents that show it, progress, one column, what follows, and where one stopped.

Each check returns the faults it finds in a page; planted faults show that it finds them.
"""

import re

import browsers
import built
import pytest
from browsers import Visit, planted
from built import CHAPTERS, some

pytestmark = pytest.mark.browser
LAST = CHAPTERS[-1]
HOMEWORK = LAST.replace("notebooks/", "assignments/")


def homework_of(name):
    return name.replace("notebooks/", "assignments/")


def path_of(page, selector):
    """The path that the one link leads to; None where there is none."""
    links = page.locator(selector).evaluate_all("(links) => links.map((a) => new URL(a.href).pathname.slice(1))")
    return links[0] if len(links) == 1 else None


def contents_faults(page):
    """The current entry, or the section that is read, out of sight in the contents."""
    return page.evaluate(
        """(() => {
             const menu = document.getElementById("menu");
             const here = menu.querySelector("a.in-view") ?? menu.querySelector("[aria-current=page]");
             if (!here) return ["no current entry"];
             const [box, at] = [menu, here].map((e) => e.getBoundingClientRect());
             return at.top >= box.top && at.bottom <= Math.min(box.bottom, innerHeight) ? [] : [here.textContent];
           })()"""
    )


def homework_faults(page, name):
    """A homework that is not in the contents once, named by its topic, in the entry of its chapter."""
    entries = page.evaluate(
        """(name) => [...document.querySelectorAll("#menu a")]
             .filter((a) => new URL(a.href).pathname.endsWith(name) && !a.hash.slice(1).match(/./) ||
                            a.hash === "#main" && location.pathname.endsWith(name))
             .map((a) => [a.textContent, a.closest("ul")?.closest("li")?.querySelector("a").textContent ?? ""])""",
        homework_of(name),
    )
    sound = [
        (text, above)
        for text, above in entries
        if text.startswith("Homework: ") and text.removeprefix("Homework: ") == re.sub(r"^\d+\. ", "", above)
    ]
    return [] if len(entries) == len(sound) == 1 else [f"{name}: {entries}"]


def column_faults(page):
    """Text, code and figures that do not begin at one edge, that are wider than the column, or a strip at the right."""
    return page.evaluate(
        """(() => {
             const main = document.getElementById("main"), style = getComputedStyle(main);
             const box = main.getBoundingClientRect(), faults = [];
             const left = box.left + parseFloat(style.paddingLeft);
             const right = box.right - parseFloat(style.paddingRight);
             const parts =
               "article > section > section > :is(p, ul, .cell), .cell > :is(.cell_input, details, .cell_output)";
             const outputs = ".cell:not([id^=claim]) > .cell_output > :is(figure, p:not(.marks))";
             for (const e of document.querySelectorAll(`${parts}, ${outputs}`)) {
               if (!e.checkVisibility() || e.closest("details:not(.hidden-code)")) continue;
               const at = e.getBoundingClientRect();
               if (at.width && (Math.abs(at.left - left) > 1 || Math.abs(at.right - right) > 1))
                 faults.push(`${e.className || e.tagName}: ${at.left - left} to ${at.right - right}`);
             }
             const before = left - document.getElementById("menu").getBoundingClientRect().right;
             const after = document.documentElement.clientWidth - right;
             const strip = Math.abs(before - after) > 2;
             return faults.concat(strip ? [`${before} px at the left, ${after} at the right`] : []);
           })()"""
    )


def end_faults(page, name):
    """The end of a chapter: its homework, then the next chapter; that of a homework: the next chapter."""
    chapter = name.replace("assignments/", "notebooks/")
    i = CHAPTERS.index(chapter)
    wanted = {"a[rel=next]": CHAPTERS[i + 1] if i + 1 < len(CHAPTERS) else "book/claims.html"}
    wanted["a[rel=prev]"] = chapter if name != chapter else CHAPTERS[i - 1] if i else "book/how-to-use.html"
    wanted["a.homework"] = homework_of(name) if name == chapter else None
    found = {selector: path_of(page, f".turn {selector}") for selector in wanted}
    return [f"{selector}: {found[selector]}" for selector in wanted if found[selector] != wanted[selector]]


def pace_faults(page):
    """Minutes that are not given for each section, or do not add up to those at the head of the page."""
    given, sections, said = page.evaluate(
        """[document.getElementById("main").dataset.minutes ?? "",
            [...document.querySelectorAll("article > section > section")].filter(
              (e) => !e.querySelector(":scope > .further")).length,
            document.querySelector(".bar .part span")?.textContent ?? ""]"""
    )
    given, whole = [float(part) for part in given.split()], re.match(r"(\d+) min", said)
    faults = [] if len(given) == sections + 1 else [f"{len(given)} times for {sections} sections"]
    return faults + ([] if whole and abs(sum(given) - int(whole[1])) < 0.6 else [f"{sum(given)} of {said}"])


@pytest.fixture(scope="module", params=some([*CHAPTERS, HOMEWORK], often=[LAST]))
def opened(request, browser, served):
    visit = Visit(browser, served("site"), request.param, reduced_motion="reduce")
    yield visit
    visit.close()


def test_a_page_says_where_one_is(opened):
    page, name = opened.page, opened.name
    opened.settle()
    assert contents_faults(page) == [] and opened.faults == []
    assert [fault for each in CHAPTERS for fault in homework_faults(page, each)] == []
    assert column_faults(page) == [] and end_faults(page, name) == []
    if name in CHAPTERS:
        assert pace_faults(page) == []
        page.locator("#summary").scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('#menu a.in-view')")
        opened.settle()
        assert contents_faults(page) == []


EACH_LOOK = [pytest.param(1280, "light", marks=pytest.mark.slow), pytest.param(1280, "dark", marks=pytest.mark.slow)]
EACH_LOOK += [(360, "light"), pytest.param(360, "dark", marks=pytest.mark.slow)]
PLANTED = [
    (contents_faults, "menu.scrollTop = menu.scrollHeight"),
    (contents_faults, "menu.innerHTML = menu.textContent"),
    (column_faults, "document.querySelector('article section section > p').style.maxWidth = '30rem'"),
    (column_faults, "document.querySelector('article .cell').style.marginRight = '-3rem'"),
    (column_faults, "main.style.marginLeft = '0'"),
    (pace_faults, "main.dataset.minutes = '3 4'"),
    (pace_faults, "main.dataset.minutes = main.dataset.minutes.replace(/^/, '1')"),
    (lambda page: homework_faults(page, LAST), "menu.append(...menu.querySelectorAll('li.homework'))"),
    (lambda page: end_faults(page, CHAPTERS[1]), "document.querySelector('.turn .homework').remove()"),
    (lambda page: end_faults(page, CHAPTERS[1]), "document.querySelector('[rel=next]').href = '../index.html'"),
]  # fmt: skip


@pytest.mark.parametrize("check, change", PLANTED)
def test_planted_fault_is_found(visit, check, change):
    page, _ = visit(CHAPTERS[1])
    named = "const main = document.getElementById('main'), menu = document.getElementById('menu')"
    assert planted(page, check, f"{named}; {change}")


@pytest.mark.parametrize("width, scheme", EACH_LOOK)
def test_how_far_one_has_read(visit, width, scheme):
    page, faults = visit(
        CHAPTERS[1], viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    place = page.locator(".where")
    assert not place.is_visible() and progress(page) == 0
    heads = page.locator("article > section > section:not(:has(> .further))")
    left = [int(re.search(r"(\d+) min", page.locator(".bar .part span").inner_text())[1])]
    for i in (1, 5, heads.count() - 1):
        heads.nth(i).evaluate("(e) => e.scrollIntoView()")
        page.wait_for_function(
            "(text) => document.querySelector('.where').textContent.startsWith(text)", arg=f"Section {i + 1} of"
        )
        said = re.fullmatch(
            rf"Section {i + 1} of {heads.count()} (?:about (\d+) minutes?|less than a minute) left Back to top",
            place.text_content(),
        )
        left.append(int(said[1] or 0))
        box = place.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] <= 56
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert left == sorted(left, reverse=True) and len({*left}) == 4
    assert 0.8 < progress(page) <= 1
    assert axe(page) == [] and faults == []
    place.click()
    page.wait_for_function("scrollY < 200")
    assert page.evaluate("document.activeElement.id") == "main" and not place.is_visible()


def progress(page):
    """The part of the line below the header that is drawn."""
    return page.evaluate("parseFloat(getComputedStyle(document.querySelector('.read')).scale)")


def axe(page):
    return [violation["id"] for violation in browsers.axe(page, ".top, .turn, .hero, footer")]


@pytest.mark.parametrize("width, scheme", EACH_LOOK)
def test_the_first_page_offers_to_go_on(visit, base, width, scheme):
    page, faults = visit(
        "index.html", viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    assert page.locator(".continue").count() == 0
    page.goto(base + CHAPTERS[2])
    page.locator("article > section > section").nth(4).evaluate("(e) => e.scrollIntoView()")
    page.wait_for_selector(".where:visible")
    page.goto(base + "index.html")
    link = page.get_by_role("link", name="Continue where you stopped")
    said = page.locator(".continue span").inner_text()
    assert said.startswith("3. Inverted dropout · ") and "#" not in said
    assert page.evaluate("shiftObserver.takeRecords().forEach((e) => (shifts += e.value)); shifts") < 0.02
    assert axe(page) == []
    link.click()
    page.wait_for_url("**/notebooks/03-inverted-dropout.html#*")

    page.evaluate("scrollTo(0, document.body.scrollHeight)")  # read to the end: the next one
    page.wait_for_function("document.querySelector('.where').textContent.includes('less than a minute')")
    page.goto(base + "index.html")
    assert page.locator(".continue span").inner_text() == "4. Why it works"
    assert link.get_attribute("href") == base + CHAPTERS[3] and faults == []


@pytest.mark.parametrize(
    "kept",
    some(["{", "null", '{"page": "javascript:alert(1)//.html", "title": "x"}', '{"page": "//x.org/a.html"}'], ["{"]),
)
def test_a_place_that_is_none_is_not_offered(visit, kept):
    page, faults = visit("404.html")
    page.evaluate("(kept) => (localStorage.place = kept)", kept)
    page.goto(page.url.replace("404.html", "index.html"))
    assert page.get_by_role("link", name="Start reading").is_visible()
    assert page.locator(".continue").count() == 0 and faults == []


def test_the_contents_of_a_phone_open_at_the_chapter(visit):
    page, _ = visit(LAST, viewport={"width": 360, "height": 740})
    page.get_by_role("button", name="Contents").click()
    page.wait_for_function("document.getElementById('menu').scrollTop > 0")
    assert contents_faults(page) == []


def test_without_javascript(visit):
    page, _ = visit(CHAPTERS[1], java_script_enabled=False)
    assert not page.locator(".where").is_visible() and not page.locator(".continue").count()
    assert page.get_by_role("navigation", name="Contents").get_by_role("link", name="Homework: Mask").is_visible()
    assert end_faults_of(built.site() / CHAPTERS[1]) == []
    page.locator("footer").get_by_role("link", name="Back to top").click()
    page.wait_for_url("**#main")


def end_faults_of(path):
    """As end_faults, in the page's text."""
    text = path.read_text(encoding="utf-8")
    turn = re.search('<nav class="turn".*?</nav>', text, re.DOTALL)[0]
    return (
        []
        if re.findall(r'href="([^"]*)"', turn)[1:] == [f"../{homework_of(CHAPTERS[1])}", CHAPTERS[2][10:]]
        else [turn]
    )

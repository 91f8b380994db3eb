"""Every page in a browser, loaded once: what it loads, how it fits, whether its figures are legible, does it jump."""

import re

import built
import pytest
from browsers import Visit
from built import CHAPTERS, KINDS, WEIGHT, visits

pytestmark = pytest.mark.browser


OFTEN = ["index.html", CHAPTERS[0], "book/claims.html", "search.html"]


@pytest.fixture(scope="module", params=visits(OFTEN, KINDS))
def opened(request, browser, served):
    """Four kinds of pages; with -m slow every page, and those of each kind in the other state of the site's links."""
    state, name = request.param
    visit = Visit(browser, served(state), name, fresh=True)  # all it needs comes over the wire
    visit.load_everything()
    yield visit
    visit.close()


def test_nothing_fails_and_nothing_comes_from_elsewhere(opened):
    assert opened.faults == []


def test_bytes_on_the_wire(opened):
    assert 0 < sum(opened.bytes) <= WEIGHT


def test_nothing_jumps_while_a_page_loads(opened):
    shifts = "shiftObserver.takeRecords().forEach((e) => (shifts += e.value)); shifts"
    assert opened.page.evaluate(shifts) < 0.02


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_legible(opened, scheme, tmp_path):
    """The corner of a figure has the colour of the page, and somewhere in it stands ink that contrasts with it."""
    from PIL import Image

    opened.unfold()
    figure = opened.page.locator("article img:not(.stage img):visible").first  # living ones take the others' place
    if not figure.count():
        assert opened.name not in CHAPTERS
        return
    opened.wear(scheme)
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    figure.scroll_into_view_if_needed()
    opened.settle()
    figure.screenshot(path=tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as shot:
        colors = shot.convert("RGB").getcolors(1 << 24)
    background = max(colors)[1]
    expected = [int(part) for part in re.findall(r"\d+", paper)[:3]]
    assert all(abs(a - b) <= 3 for a, b in zip(background, expected)), (background, expected)
    levels = [luminance(str(color)) + 0.05 for _, color in colors]
    assert max(levels) / min(levels) > 10


def luminance(color):
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(opened, width):
    opened.unfold()
    opened.resize(width)
    assert scrolled(opened.page) <= width, "wider than the screen"
    assert opened.page.locator("input[type=search]").count() == 1, "not one search field"


def scrolled(page):
    return page.evaluate("document.documentElement.scrollWidth")


# ---------------------------------------------------------------- planted faults


@pytest.fixture
def faulty(browser, served):
    """faulty(HTML) -> a visit to the missing-page page with the HTML in its text."""
    visit = Visit(browser, served("site"), "404.html")

    def faulty(text):
        visit.page.evaluate("(text) => document.querySelector('article').insertAdjacentHTML('beforeend', text)", text)
        return visit

    yield faulty
    visit.close()


@pytest.mark.slow
def test_links_in_a_line_that_cannot_break_are_found(browser, served):
    """As the four of a hosted site once stood at the head of each chapter."""
    state = next(state for state, site in built.STATES.items() if built.is_linked(site()))
    visit = Visit(browser, served(state), CHAPTERS[1])
    assert visit.page.locator(".actions a").count() >= 4
    visit.page.add_style_tag(content=".actions { flex-wrap: nowrap !important }")
    visit.resize(360)
    assert scrolled(visit.page) > 360
    visit.close()


def test_what_comes_from_elsewhere_is_found(faulty):
    visit = faulty("<img src='http://127.0.0.1:9/gone.png'><img src='gone.png'>")
    visit.page.wait_for_function("[...document.images].every((image) => image.complete)")
    for _ in range(1000):
        if not visit.running:
            break
        visit.page.wait_for_timeout(20)
    assert any("from elsewhere" in fault for fault in visit.faults)
    assert any("404" in fault for fault in visit.faults)


def test_a_page_that_jumps_is_found(faulty):
    visit = faulty("")
    visit.page.evaluate("document.querySelector('article').insertAdjacentHTML('afterbegin', '<p style=height:300px>')")
    visit.settle()
    visit.settle()
    assert visit.page.evaluate("shiftObserver.takeRecords().forEach((e) => (shifts += e.value)); shifts") >= 0.02

"""The built site in a browser: what a reader with a mouse, a keyboard, a phone or no JavaScript finds.

Skipped where there is no Chromium, unless REQUIRE_BROWSER=1, which makes a missing one a failure.
CHROME names the browser where it is not on the PATH.
"""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import built
import pytest
from playwright.sync_api import sync_playwright
from test_site import NOTEBOOKS, PAGES, WEIGHT, address

pytestmark = pytest.mark.browser

CHAPTERS = [address(document) for document in NOTEBOOKS if document.startswith("notebooks/")]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)


def find_browser():
    """Path of a Chromium or Chrome; "" where there is none."""
    named = [os.environ.get("CHROME")]
    on_path = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome")]
    return next((path for path in [*named, *on_path, *PLACES] if path and Path(path).exists()), "")


@pytest.fixture(scope="module")
def browser():
    path = find_browser()
    if not path:
        missing = "no Chromium found; install one, or name it: CHROME=/path/to/chrome"
        pytest.fail(missing) if os.environ.get("REQUIRE_BROWSER") else pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def base():
    server, base = built.serve(built.site())
    yield base
    server.shutdown()


@pytest.fixture
def visit(browser, base):
    """visit(page, **options of the browser context) -> (page, what the console and the network complained of)."""
    contexts = []

    def visit(name, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        page, faults = context.new_page(), []
        page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: faults.append(r.url) if not r.url.startswith((base, "data:")) else None)
        # Leaving a page aborts what it was still fetching: that is no fault of the page.
        page.on("requestfailed", lambda r: r.failure == "net::ERR_ABORTED" or faults.append(f"failed: {r.url}"))
        page.goto(base + name, wait_until="load")
        return page, faults

    yield visit
    for context in contexts:
        context.close()


def load_everything(page):
    page.evaluate("document.querySelectorAll('img').forEach((image) => (image.loading = 'eager'))")
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_fails_and_nothing_comes_from_elsewhere(visit, name):
    page, faults = visit(name)
    load_everything(page)
    assert faults == []


@pytest.mark.parametrize("name", PAGES)
def test_bytes_on_the_wire(visit, base, name):
    page, _ = visit("robots.txt")
    sizes = []
    page.on("requestfinished", lambda r: sizes.append(r.sizes()["responseBodySize"] + r.sizes()["responseHeadersSize"]))
    page.goto(base + name)
    load_everything(page)
    assert 0 < sum(sizes) <= WEIGHT


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(visit, name, width):
    page, _ = visit(name, viewport={"width": width, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    load_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("query, chapter", [("Mitchell", "01-overfitting"), ("masks expectation", "02-mask-math")])
def test_search_finds(visit, query, chapter):
    page, faults = visit(CHAPTERS[-1])
    page.keyboard.press("Tab")
    page.get_by_role("searchbox").fill(query)
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_selector("#results li")
    links = page.eval_on_selector_all("#results a", "links => links.map((link) => link.getAttribute('href'))")
    assert any(chapter in link for link in links)
    page.locator("#results a").first.click()
    page.wait_for_selector("article h1")
    assert faults == []


def test_search_says_when_there_is_nothing(visit):
    page, _ = visit("search.html?q=qwxzqwxz")
    page.wait_for_function("document.getElementById('found').textContent.startsWith('Nothing found')")


def test_search_shows_a_query_as_text(visit):
    page, _ = visit("search.html?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20(%5B*")
    page.wait_for_function("document.getElementById('found').textContent.startsWith('Nothing found')")
    assert page.locator("article img").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_there_is_one_search_field(visit, name):
    for width in (360, 1280):
        page, _ = visit(name, viewport={"width": width, "height": 740})
        assert page.locator("input[type=search]").count() == 1


def test_search_on_a_phone(visit):
    page, _ = visit(CHAPTERS[0], viewport={"width": 360, "height": 740})
    page.get_by_role("searchbox").focus()
    assert page.get_by_role("searchbox").bounding_box()["width"] > 300
    page.keyboard.type("Mitchell\n")
    page.wait_for_selector("#results li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_mode_switch(visit, base, scheme):
    page, _ = visit(CHAPTERS[0], color_scheme=scheme)
    button = page.get_by_role("button", name="Dark mode")
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    assert button.get_attribute("aria-pressed") == str(scheme == "dark").lower()
    button.click()
    switched = page.evaluate(paper)
    assert switched != before and button.get_attribute("aria-pressed") == str(scheme == "light").lower()
    page.goto(base + "index.html")
    assert page.evaluate(paper) == switched  # the choice holds on the next page
    page.get_by_role("button", name="Dark mode").click()
    assert page.evaluate(paper) == before and not page.evaluate("localStorage.theme")  # back with the system


def luminance(color):
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", CHAPTERS)
def test_figures_are_legible(visit, name, scheme, tmp_path):
    """The corner of a figure has the colour of the page, and somewhere in it stands ink that contrasts with it."""
    from PIL import Image

    page, _ = visit(name, color_scheme=scheme, reduced_motion="reduce")
    load_everything(page)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    figure = page.locator("article img").first
    figure.scroll_into_view_if_needed()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")  # painted
    figure.screenshot(path=tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as shot:
        colors = shot.convert("RGB").getcolors(1 << 24)
    background = max(colors)[1]
    expected = [int(part) for part in re.findall(r"\d+", paper)[:3]]
    assert all(abs(a - b) <= 3 for a, b in zip(background, expected)), (background, expected)
    levels = [luminance(str(color)) + 0.05 for _, color in colors]
    assert max(levels) / min(levels) > 10


@pytest.mark.parametrize("name", PAGES)
def test_keyboard_reaches_everything(visit, name):
    page, _ = visit(name)
    page.wait_for_timeout(100)  # for the boxes that scroll to be found
    total = page.evaluate(
        """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")].filter(
             (e) => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex >= 0 &&
               !e.closest("details:not([open]) > :not(summary)")).length"""
    )
    seen, hidden = set(), []
    for step in range(total + 5):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                 e.dataset.seen ??= Math.random();
                 return [e.tagName, e.dataset.seen, s.outlineStyle, parseFloat(s.outlineWidth), e.textContent] }"""
        )
        if state[0] == "BODY":
            break
        if step == 0:
            assert state[4].startswith("Skip to")
        seen.add(state[1])
        hidden += [state] if state[2] == "none" or state[3] < 1 else []
    assert hidden == [] and len(seen) == total


def test_skip_link(visit):
    page, _ = visit(CHAPTERS[0])
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("java_script", [True, False])
def test_contents_on_a_phone(visit, java_script):
    page, _ = visit(CHAPTERS[0], viewport={"width": 360, "height": 740}, java_script_enabled=java_script)
    menu = page.get_by_role("navigation", name="Contents")
    assert not menu.is_visible()
    page.get_by_role("button", name="Contents").click()
    menu.get_by_role("link", name="Notation").click()
    page.wait_for_url("**/notation.html")


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_javascript(visit, name):
    page, _ = visit(name, java_script_enabled=False)
    assert page.get_by_role("navigation", name="Contents").is_visible()
    assert page.locator(".katex-html").first.is_visible()
    assert page.locator(".katex-error").count() == 0
    solution = page.locator("details", has_text="Solution").first
    solution.locator("summary").click()
    assert solution.locator("p, pre, .math").first.is_visible()
    assert not page.get_by_role("button", name="Dark mode").is_visible()
    following = page.locator("[rel=next]").get_attribute("href")
    page.locator("[rel=next]").click()
    page.wait_for_url("**/" + following.split("/")[-1])
    page.locator("h1").wait_for()


def test_search_without_javascript_says_so(visit):
    page, _ = visit("search.html", java_script_enabled=False)
    assert page.get_by_text("Search needs JavaScript").is_visible()


@pytest.mark.parametrize(
    "choice", [{"verdict": "false"}, {"source": "said-1"}, {"verdict": "holds", "source": "said-0"}]
)
def test_the_ledger_is_filtered(visit, choice):
    page, faults = visit("book/claims.html")
    rows = page.locator(".ledger > li")
    expected = rows.and_(page.locator("".join(f".{name}" for name in choice.values()))).count()
    for name, value in choice.items():
        page.locator(f".filter select[name={name}]").select_option(value)
    visible = page.locator(".ledger > li:visible")
    assert 0 < visible.count() == expected < rows.count() == 48
    assert page.locator(".filter output").inner_text() == f"{expected} of 48 claims"
    page.reload()  # the address holds the choice
    assert visible.count() == expected and faults == []


def test_the_ledger_without_javascript(visit):
    page, _ = visit("book/claims.html", java_script_enabled=False)
    assert page.locator(".ledger > li:visible").count() == 48
    assert not page.locator(".filter").is_visible()


def test_copy_button(visit, base):
    page, _ = visit(CHAPTERS[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    block = page.locator(".cell_input:visible .highlight").first
    block.hover()
    block.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()").strip() == block.locator("pre").inner_text().strip()


@pytest.mark.parametrize("name", CHAPTERS)
def test_nothing_jumps_while_a_chapter_loads(visit, name):
    page, _ = visit(name)
    shift = page.evaluate(
        """() => new Promise((done) => { let sum = 0;
             new PerformanceObserver((list) => list.getEntries().forEach((e) => (sum += e.value)))
               .observe({ type: "layout-shift", buffered: true });
             setTimeout(() => done(sum), 500) })"""
    )
    assert shift < 0.02


def test_print_opens_solutions_and_drops_the_furniture(visit):
    page, _ = visit(CHAPTERS[0])
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not(.hidden-code):not([open])").count() == 0
    for part in (".top", "#menu", ".bar", ".turn"):
        assert not page.locator(part).is_visible(), part
    assert page.pdf().startswith(b"%PDF")


def test_a_missing_page_is_answered_in_the_book(visit, base):
    page, _ = visit("no/such/page.html")
    assert page.locator("h1").is_visible()
    # Styled, however deep the address.
    assert page.evaluate("getComputedStyle(document.querySelector('.top')).position") == "sticky"
    if not urlsplit(os.environ.get("BOOK_SITE_URL", "")).path.strip("/"):
        page.get_by_role("link", name="To the first page").click()
        page.wait_for_url(base + "index.html")

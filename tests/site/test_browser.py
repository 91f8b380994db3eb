"""The built site in a browser: what a reader does with a mouse, a keyboard, a phone or without JavaScript."""

import pytest
from built import CHAPTERS, some

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
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


@pytest.mark.parametrize("name", some(CHAPTERS, CHAPTERS[:1]))
def test_without_javascript(visit, name):
    page, _ = visit(name, java_script_enabled=False)
    assert page.get_by_role("navigation", name="Contents").is_visible()
    assert page.locator(".katex-html").first.is_visible()
    assert page.locator(".katex-error").count() == 0
    summary = page.locator("summary", has_text="Solution").first
    solution = summary.locator("xpath=..")
    summary.click()
    assert solution.locator("p, pre, .math").first.is_visible()
    assert not page.get_by_role("button", name="Dark mode").is_visible()
    following = page.locator("[rel=next]").get_attribute("href")
    page.locator("[rel=next]").click()
    page.wait_for_url("**/" + following.split("/")[-1])
    page.locator("h1").wait_for()


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
    page.evaluate("navigator.clipboard.writeText('')")
    block.hover()
    block.get_by_role("button", name="Copy").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text !== '')")
    assert page.evaluate("navigator.clipboard.readText()").strip() == block.locator("pre").inner_text().strip()


SLOW = pytest.mark.slow
LOOKS = [(360, 740, "dark"), pytest.param(1280, 800, "light", marks=SLOW)]
LOOKS += [pytest.param(1280, 800, "dark", marks=SLOW), pytest.param(360, 740, "light", marks=SLOW)]


def enlarged(page):
    return page.locator("dialog.enlarged[open]")


@pytest.mark.parametrize("width, height, scheme", LOOKS)
def test_a_figure_enlarges(visit, width, height, scheme):
    page, faults = visit(CHAPTERS[1], viewport={"width": width, "height": height}, color_scheme=scheme)
    link = page.locator("article .enlarge").first
    shown = link.locator("img").bounding_box()["width"]
    for press in (link.click, lambda: link.press("Enter"), lambda: link.press(" ")):
        press()
        dialog, picture = enlarged(page), enlarged(page).locator("img")
        assert picture.get_attribute("alt") == link.locator("img").get_attribute("alt")
        assert dialog.get_attribute("aria-label").startswith("Figure")
        assert picture.bounding_box()["width"] > 1.3 * shown
        assert ("invert" in picture.evaluate("e => getComputedStyle(e).filter")) == (scheme == "dark")
        assert page.evaluate("document.activeElement.textContent") == "Close"
        page.keyboard.press("Escape")
        assert enlarged(page).count() == 0 and link.evaluate("e => e === document.activeElement")
    for part in ("button", "img"):
        link.click()
        enlarged(page).locator(part).click(position={"x": 40, "y": 20})
        assert enlarged(page).count() == 0
    assert page.url.endswith(CHAPTERS[1]) and faults == []


def test_a_tall_figure_enlarges_too(visit):
    page, _ = visit(CHAPTERS[1])
    link = page.locator("article .enlarge").first
    link.locator("img").evaluate("(image) => (image.height = 3 * image.width)")
    link.click()
    assert enlarged(page).locator("img").bounding_box()["width"] > 1.3 * link.locator("img").bounding_box()["width"]


def test_a_figure_without_javascript_is_a_link_to_its_picture(visit):
    page, _ = visit(CHAPTERS[1], java_script_enabled=False)
    page.locator("article .enlarge").first.click()
    page.wait_for_url("**/_images/*.webp")
    assert page.locator("img").evaluate("(image) => image.naturalWidth") > 400


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
    page.get_by_role("link", name="To the first page").click()
    page.wait_for_url(base + "index.html")

"""For the keyboard and for screen readers: where the Tab key leads, and what axe-core finds on a page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsers import Visit
from built import KINDS, visits

pytestmark = pytest.mark.browser

FOCUSED = """
  window.focused = [];
  document.addEventListener("focusin", ({ target }) => {
    const style = getComputedStyle(target);
    focused.push([target, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1]);
  });
"""


@pytest.fixture(scope="module", params=visits(KINDS))
def opened(request, browser, served):
    """One page of each kind, and some in the other state of the site's links; all others with -m slow."""
    state, name = request.param
    visit = Visit(browser, served(state), name, reduced_motion="reduce")
    yield visit
    visit.close()


def walk(visit):
    """Press Tab until all was reached: (what could be reached, what was, first text, without outline, where it ends).

    Elements count once; those folded away or hidden cannot be reached.
    """
    page = visit.page
    visit.settle()  # for the boxes that scroll to be found
    total = page.evaluate(
        """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")].filter(
             (e) => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex >= 0 &&
               !e.closest("details:not([open]) > :not(summary)")).length"""
    )
    page.evaluate(FOCUSED)
    for _ in range(total + 1):
        page.keyboard.press("Tab")
    return total, *page.evaluate(
        """[new Set(focused.map(([e]) => e)).size, focused[0][0].textContent,
            focused.filter(([, outlined]) => !outlined).map(([e]) => e.outerHTML.slice(0, 80)),
            document.activeElement.tagName]"""
    )


def test_keyboard_reaches_everything(opened):
    total, reached, first, without_outline, end = walk(opened)
    assert first.startswith("Skip to")
    assert without_outline == []
    assert (reached, end) == (total, "BODY")  # after the last element, out of the page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, scheme):
    opened.wear(scheme)
    opened.unfold()  # what is folded away must be sound too
    options = {"resultTypes": ["violations"]}  # to list all that is in order takes longer than to find what is not
    if scheme == "dark":
        options["runOnly"] = ["color-contrast"]  # all that the colours change
    violations = Axe().run(opened.page, options=options).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations] == []


# ---------------------------------------------------------------- planted faults


@pytest.fixture
def faulty(browser, served):
    visit = Visit(browser, served("site"), "404.html", reduced_motion="reduce")

    def faulty(text):
        visit.page.evaluate("(text) => document.querySelector('main').insertAdjacentHTML('beforeend', text)", text)
        return visit

    yield faulty
    visit.close()


def test_axe_finds_a_planted_violation(faulty):
    violations = Axe().run(faulty("<img src=_static/social.png>").page).response["violations"]
    assert "image-alt" in [violation["id"] for violation in violations]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_text_without_contrast(faulty, scheme):
    visit = faulty(f"<p style='color: {'#bbb' if scheme == 'light' else '#444'}'>Hardly to be seen.</p>")
    visit.wear(scheme)
    violations = Axe().run(visit.page, options={"runOnly": ["color-contrast"]}).response["violations"]
    assert "color-contrast" in [violation["id"] for violation in violations]


def test_a_link_out_of_reach_is_found(faulty):
    total, reached, *_ = walk(faulty("<a href=# onfocus='this.blur()'>a</a><a href=#>b</a>"))
    assert reached != total


def test_a_link_without_an_outline_is_found(faulty):
    _, _, _, without_outline, _ = walk(faulty("<a href=# style='outline: none'>a</a>"))
    assert len(without_outline) == 1

"""For the keyboard and for screen readers: where the Tab key leads, and what axe-core finds on a page."""

import browsers
import pytest
from browsers import Visit
from built import CHAPTERS, PAGES, visits

pytestmark = pytest.mark.browser

FOCUSED = """
  if (!window.focused) document.addEventListener("focusin", ({ target }) => {
    const style = getComputedStyle(target);
    focused.push([target, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1]);
  });
  window.focused = [];
"""


# The colours of code and the drawing of a formula, thousands of elements, tell nothing to who does not see them.
PLAIN = 'for (const e of document.querySelectorAll(".highlight span, .katex-html *")) e.replaceWith(...e.childNodes)'

# Of what has the same colour, size and place on the same grounds, the contrast is the same: three stay, and what holds
# nothing but others goes whole.
THIN = """
  const grounds = new Map(), kinds = new Map(), seen = {};
  for (const e of document.querySelectorAll("*")) {
    const style = getComputedStyle(e);
    const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.position].join();
    const below = grounds.get(e.parentElement) || "";
    grounds.set(e, own === "rgba(0, 0, 0, 0),none,1,static" ? below : below + ">" + own);
    kinds.set(e, [grounds.get(e), style.color, style.fontSize, style.fontWeight, style.display].join());
  }
  const known = (e) => seen[kinds.get(e)] > 2 && [...e.children].every(known);
  const thin = (e) => {
    if (known(e)) return e.remove();
    seen[kinds.get(e)] = (seen[kinds.get(e)] || 0) + 1;
    [...e.children].forEach(thin);
  };
  thin(document.body);
"""


# All homework has the same parts: every sixth stands for the others.
ALIKE = [name for name in PAGES if name.startswith("assignments/")]
WALKED = [name for name in PAGES if name not in ALIKE or name in ALIKE[::6]]


@pytest.fixture(scope="module", params=visits([CHAPTERS[0]], other=["index.html", CHAPTERS[0]], pages=WALKED))
def opened(request, browser, served):
    """A chapter; with -m slow all pages but homework like other, and two where the site's links are known or
    unknown."""
    state, name = request.param
    # fresh, since on a page that Tab has left once before, its first press may go to the browser's own buttons
    visit = Visit(browser, served(state), name, fresh=True, reduced_motion="reduce")
    yield visit
    visit.close()


def walk(visit):
    """Press Tab until all was reached: (what could be reached, what was, first text, without outline, where it ends).

    Elements count once, and so do the radio buttons of a question; those folded away or hidden cannot be reached.
    """
    page = visit.page
    for stage in page.locator(".stage:has(.explore):visible").all():  # or its controls would come behind the walk
        stage.scroll_into_view_if_needed()
        page.wait_for_function("(stage) => stage.classList.contains('live')", arg=stage.element_handle())
    page.evaluate("scrollTo(0, 0)")
    visit.settle()  # for the boxes that scroll to be found
    page.evaluate(
        """reachable = () =>
             [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")].filter(
               (e) => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex >= 0 &&
                 (e.type !== "radio" || e === document.getElementsByName(e.name)[0]) &&
                 !e.closest("details:not([open]) > :not(summary)"))"""
    )
    total = page.evaluate("(before = reachable()).length")
    page.evaluate(FOCUSED)
    session = page.context.new_cdp_session(page)  # one message a press, where Playwright takes two and waits for both
    tab = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    for _ in range(total + 1):
        session.send("Input.dispatchKeyEvent", tab)
    while page.evaluate("document.activeElement.tagName") != "BODY" and total < page.evaluate("reachable().length"):
        session.send("Input.dispatchKeyEvent", tab)  # a box that was found to scroll when it came into view
        total += 1
    return page.evaluate(
        """(() => { const reached = new Set(focused.map(([e]) => e));
             return [new Set([...before, ...reachable().filter((e) => reached.has(e))]).size, reached.size,
               focused[0][0].textContent,
               focused.filter(([, outlined]) => !outlined).map(([e]) => e.outerHTML.slice(0, 80)),
               document.activeElement.tagName]; })()"""
    )


def test_keyboard_reaches_everything(opened):
    total, reached, first, without_outline, end = walk(opened)
    assert first.startswith("Skip to")
    assert without_outline == []
    assert (reached, end) == (total, "BODY")  # after the last element, out of the page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, scheme):
    def look():
        opened.wear(scheme)
        opened.unfold()  # what is folded away must be sound too
        found = violations(opened) if scheme == "light" else []
        return found + contrasts(opened)  # all that the colours change

    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in opened.patiently(look)] == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_no_violation_in_an_enlarged_figure(browser, served, scheme):
    visit = Visit(browser, served("site"), "index.html", color_scheme=scheme, reduced_motion="reduce")
    visit.page.locator("article .enlarge:visible").first.click()
    assert visit.page.locator("dialog[open] img").is_visible()
    assert [v["id"] for v in contrasts(visit)] == []  # all that the colours change
    if scheme == "light":
        assert [v["id"] for v in violations(visit)] == []
        visit.page.locator("dialog[open] img").evaluate("(image) => image.removeAttribute('alt')")
        assert [v["id"] for v in violations(visit)] == ["image-alt"]
    visit.close()


def violations(visit):
    """What axe-core finds on the page, with all its rules but that for contrast."""
    return axe(visit, PLAIN, rules={"color-contrast": {"enabled": False}})


def contrasts(visit):
    """The text that axe-core finds hard to see."""
    return axe(visit, THIN, runOnly=["color-contrast"])


def axe(visit, change, **options):
    """What axe-core finds on the changed page, which is then as it was. To list all that is in order takes long."""
    visit.page.evaluate("whole = document.body.cloneNode(true)")
    visit.page.evaluate(change)
    found = browsers.axe(visit.page, **options)
    formula = "(selector) => document.querySelector(selector).querySelector('math') !== null"
    for each in found:  # axe takes a head that is a formula, in MathML, for one without text
        if each["id"] == "empty-table-header":
            each["nodes"] = [node for node in each["nodes"] if not visit.page.evaluate(formula, node["target"][0])]
    visit.page.evaluate("document.body.replaceWith(whole)")
    return [each for each in found if each["nodes"]]


# ---------------------------------------------------------------- planted faults


@pytest.fixture(scope="module")
def blank(browser, served):
    visit = Visit(browser, served("site"), "404.html", reduced_motion="reduce")
    yield visit
    visit.close()


@pytest.fixture
def faulty(blank):
    def faulty(text):
        text = f"<div id=planted>{text}</div>"
        blank.page.evaluate("(text) => document.querySelector('main').insertAdjacentHTML('beforeend', text)", text)
        return blank

    yield faulty
    blank.page.evaluate("planted.remove()")


def test_a_browser_that_stands_still_costs_one_page(browser, served, monkeypatch):
    visit = Visit(browser, served("site"), "404.html")
    still = visit.page
    still.evaluate("setTimeout(() => { while (true); })")

    def look():
        with monkeypatch.context() as patch:
            if visit.page is still:
                patch.setattr(browsers, "PATIENCE", 1000)
            return browsers.axe(visit.page)

    assert visit.patiently(look) == [] and still.is_closed() and visit.page is not still
    visit.close()


def test_axe_finds_a_planted_violation(faulty):
    found = violations(faulty("<img src=_static/social.png>"))
    assert "image-alt" in [violation["id"] for violation in found]


HARDLY_SEEN = {
    "text": "<p style='color: {}'>Hardly to be seen.</p>",
    "code": "<style>.highlight .hard {{ color: {} }}</style><div class=highlight><pre>"
    + "<span class=hard>hardly</span> <span class=n>to</span> " * 5
    + "</pre></div>",
}


@pytest.mark.parametrize("where", HARDLY_SEEN)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_text_without_contrast(faulty, scheme, where):
    visit = faulty(HARDLY_SEEN[where].format("#bbb" if scheme == "light" else "#444"))
    visit.wear(scheme)
    assert [violation["id"] for violation in contrasts(visit)] == ["color-contrast"]


def test_a_link_out_of_reach_is_found(faulty):
    total, reached, *_ = walk(faulty("<a href=# onfocus='this.blur()'>a</a><a href=#>b</a>"))
    assert reached != total


def test_a_link_without_an_outline_is_found(faulty):
    _, _, _, without_outline, _ = walk(faulty("<a href=# style='outline: none'>a</a>"))
    assert len(without_outline) == 1

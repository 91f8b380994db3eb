"""What holds for every living figure: by keyboard, on phones, in the dark, in print, without scripts, by address."""

import build
import living
import nbformat
import pytest
from browsers import Visit
from built import scratch_book
from living import NAMES, WIDTHS, awaken, settled

pytestmark = pytest.mark.browser

# {name: the state that answers its question, as in an address}
ANSWERS = {
    "masks": "masks.p=0.2",
    "painter": "painter.block=4",
    "ridge": "ridge.method=plain&ridge.p=0.07",
    "switches": "switches.p=0.7&switches.scale=0.5",
    "train": "train.step=50",
    "power": "power.effect=1.2",
    "schedules": "schedules.rate=0",
    "sharing": "sharing.member=DropBlock",
    "block": "block.place=1",
    "shift": "shift.p=0.3",
}
# {name: other states, which fit, and one that does not}
STATES = {
    "masks": ("masks.p=0.25&masks.mask=0111&masks.scaling=both", "masks.p=7&masks.mask=01&masks.scaling=no"),
    "painter": (
        "painter.kind=map&painter.block=5&painter.p=0.25&painter.gamma=exact&painter.draw=2",
        "painter.kind=row&painter.block=9&painter.p=0.55&painter.gamma=mine&painter.draw=0",
    ),
    "ridge": ("ridge.p=0.1&ridge.method=plain&ridge.units=mmol", "ridge.p=0.11&ridge.method=lasso&ridge.units=mg"),
    "switches": (
        "switches.p=0.3&switches.scale=1.5&switches.of=2&switches.mask=111111111110",
        "switches.p=0.33&switches.scale=3&switches.of=4&switches.mask=11",
    ),
    "train": (
        "train.step=100&train.p=0.3&train.width=32&train.noise=0.2&train.n=60&train.seed=7",
        "train.step=105&train.p=1&train.width=65&train.noise=1&train.n=10&train.seed=0.5",
    ),
    "block": (
        "block.place=5&block.texts=2000&block.end=early&block.last=true&block.seed=3",
        "block.place=8&block.texts=100&block.end=never&block.last=maybe&block.seed=0",
    ),
    "shift": (
        "shift.p=0.2&shift.activation=tanh&shift.norm=refreshed&shift.depth=3",
        "shift.p=0.9&shift.activation=gelu&shift.norm=none&shift.depth=7",
    ),
    "power": (
        "power.effect=2.1&power.sd=0.5&power.images=2000&power.seeds=7&power.game=4&power.drawn=3&power.guess=B",
        "power.effect=9&power.sd=0.55&power.images=7&power.seeds=1&power.game=0&power.drawn=-1&power.guess=C",
    ),
    "schedules": (
        "schedules.first=rising&schedules.second=falling&schedules.steps=100&schedules.rate=2",
        "schedules.first=early&schedules.second=none&schedules.steps=200&schedules.rate=7",
    ),
    "sharing": (
        "sharing.member=DropBlock&sharing.p=0.2&sharing.first=0&sharing.second=95&sharing.draw=7",
        "sharing.member=none&sharing.p=1&sharing.first=96&sharing.second=0.5&sharing.draw=0",
    ),
}


# One stands for all in the quick suite: what holds for each by itself is in a file of its own.
SHOWN = [pytest.param(name, marks=() if name == "masks" else pytest.mark.slow) for name in NAMES]


@pytest.fixture(scope="module", params=SHOWN)
def alive(request, browser, base):
    """A figure that lives, on a page of its own: (its name, its locator)."""
    name = request.param
    visit = Visit(browser, base, living.tagged(name)[0], reduced_motion="reduce")
    yield name, awaken(visit.page, name)
    visit.close()
    assert visit.faults == []


def test_there_is_a_test_for_each():
    assert set(ANSWERS) == set(STATES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_weighs_less_than_a_photograph(name):
    assert living.weight(f"{name}.js") <= 12_000
    assert living.weight(*living.SHARED) <= 25_000


def test_it_comes_in_place(alive):
    """It stands within the room that was kept for it, moves nothing, and fits on every width."""
    _, box = alive
    page = box.page
    assert page.evaluate("shifts") < 0.01
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        kept = box.evaluate("(box) => parseFloat(getComputedStyle(box.parentElement).minHeight)")
        taken = box.evaluate("(box) => box.offsetHeight")
        assert taken <= kept, width
        assert taken >= 0.75 * kept or width not in (1280, 360), f"{width}: it leaves {kept - taken} px empty"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 800})


def test_by_keyboard(alive):
    """Every control is reached by Tab and moved by keys, and the figure says in a sentence what came of it."""
    _, box = alive
    before = settled(box)
    assert before.endswith(".")
    for control in box.locator(
        ".controls :is(input[type=range], input[type=radio]:not(:checked), input[type=checkbox])"
    ).all():
        control.focus()
        assert box.page.evaluate("document.activeElement.matches('.explore input')")
        box.page.keyboard.press("ArrowRight" if control.get_attribute("type") == "range" else "Space")
    assert settled(box) not in (before, "")
    assert box.locator(".says").first.get_attribute("role") == "status"
    box.get_by_role("button", name="Reset").click()
    assert settled(box) == before


def test_its_numbers_can_be_read(alive):
    _, box = alive
    box.locator(".numbers summary").click()
    table = box.locator(".numbers table")
    assert table.locator("caption").inner_text() and table.locator("thead th").count() >= 2
    assert table.locator("tbody tr").count() >= 2


def test_axe_as_it_comes_and_after_use(alive):
    name, box = alive
    for scheme in ("light", "dark"):
        box.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert living.violations(box.page, name) == []
        for button in box.locator(":is(.buttons, .question) button").all():
            button.click()
        settled(box)
    assert living.violations(box.page, name) == []


def test_print_shows_the_static_figure(alive):
    name, box = alive
    picture = box.page.locator(f".stage:has([data-explore={name}]) .enlarge img")
    assert box.is_visible() and not picture.is_visible()
    box.page.emulate_media(media="print")
    assert picture.is_visible() and not box.is_visible()
    box.page.emulate_media(media="screen")


@pytest.mark.parametrize("name", SHOWN)
def test_without_scripts_the_static_figure_stands(visit, name):
    page, _ = visit(living.tagged(name)[0], java_script_enabled=False)
    stage = page.locator(f".stage:has([data-explore={name}])")
    assert stage.locator(".enlarge img").is_visible() and not stage.locator(".explore").is_visible()
    assert stage.bounding_box()["height"] <= 1.1 * stage.locator(".enlarge").bounding_box()["height"]


@pytest.mark.parametrize("name", SHOWN)
def test_it_can_be_touched(visit, name):
    page, faults = visit(living.tagged(name)[0], viewport={"width": 360, "height": 740}, has_touch=True)
    box = awaken(page, name)
    small = box.locator(":is(button, label:has(input), summary, input[type=range]):visible").evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == faults == []


@pytest.mark.parametrize("name", SHOWN)
def test_the_address_holds_its_state_and_its_question_is_checked(visit, name):
    fits, not_fitting = STATES[name]
    page, faults = visit(f"{living.tagged(name)[0]}?{ANSWERS[name]}")
    box = awaken(page, name)
    check, verdict = box.get_by_role("button", name="Check"), box.locator(".question .says")
    check.click()
    assert verdict.inner_text().startswith("Right.")
    box.get_by_role("button", name="Reset").click()
    start = settled(box)
    assert "?" not in page.url
    check.click()
    assert verdict.inner_text().startswith("Not yet.")

    page.goto(f"{page.url}?{fits}")
    box = awaken(page, name)
    shown = settled(box)
    assert shown != start
    for pair in fits.split("&"):
        assert pair in page.url
    page.goto(f"{page.url.partition('?')[0]}?{not_fitting}")
    assert settled(awaken(page, name)) == start
    assert faults == []


@pytest.mark.slow
def test_a_changed_notebook_fails_the_build(tmp_path):
    """A figure whose cell, or a function that it calls, has changed is stale; a comment changes nothing."""
    page, cell_id = living.tagged("masks")
    file = page.replace(".html", ".ipynb")
    nb = nbformat.read(build.ROOT / file, 4)
    before = "".join(cell.source for cell in nb.cells if "def dropout_forward" in cell.source)
    assert before

    def built(old, new):
        changed = nbformat.read(build.ROOT / file, 4)
        keep = [
            cell
            for cell in changed.cells
            if cell.cell_type == "code" and (cell.id == cell_id or "\ndef " in "\n" + cell.source)
        ]
        for cell in keep:
            cell.source = cell.source.replace(old, new)
        changed.cells = [nbformat.v4.new_markdown_cell("# Masks"), *keep]
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        scratch_book(folder, {"index.md": "# Home\n\nText."}, {file: changed})
        return build.build(folder)

    ok, printed = built("  # p = 1 keeps nothing", "  # as before")
    assert ok, printed
    ok, printed = built("keep or 1", "keep + 0 or 1")
    assert not ok and "explore/masks.js was made for other code" in printed

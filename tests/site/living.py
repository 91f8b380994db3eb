"""Living figures in the browser, for their tests: which there are, how one comes alive, what its functions give."""

import gzip

import nbformat
from browsers import axe, painted
from build import ROOT
from built import CHAPTERS

EXPLORE = ROOT / "book" / "_static" / "explore"
SHARED = ("explore.js", "explore.css", "numbers.js", "d3.js")
NAMES = sorted(path.stem for path in EXPLORE.glob("*.js") if path.name not in SHARED)
# From a wide window to the narrowest phone, on both sides of where the room that is kept changes (34rem).
WIDTHS = (1280, 560, 540, 360, 320)


def tagged(name):
    """(page, id of the cell) of the living figure `name`."""
    for page in CHAPTERS:
        for cell in nbformat.read(ROOT / page.replace(".html", ".ipynb"), 4).cells:
            if f"explore-{name}" in cell.metadata.get("tags", []):
                return page, cell.id
    raise LookupError(f"no cell is tagged explore-{name}")


def weight(*names):
    return sum(len(gzip.compress((EXPLORE / name).read_bytes())) for name in names)


def awaken(page, name):
    """Uncover all answers, scroll to the figure and wait until it lives: its locator. `shifts` counts from there."""
    page.evaluate("document.querySelectorAll('.predict button[type=button]').forEach((button) => button.click())")
    box = page.locator(f".explore[data-explore={name}]")
    painted(page)
    page.evaluate("shifts = 0")
    page.locator(".stage", has=box).scroll_into_view_if_needed()
    page.wait_for_function("(name) => document.querySelector(`.stage.live .explore[data-explore=${name}]`)", arg=name)
    return box


def settled(box):
    """The sentence that the figure says, once it says one that holds for what it now shows."""
    box.page.wait_for_function("(box) => !('busy' in box.dataset)", arg=box.element_handle())
    return box.locator(".says").first.inner_text().replace("\N{NO-BREAK SPACE}", " ")


def violations(page, name):
    """What axe-core finds in the figure as it now is."""
    found = axe(page, f".explore[data-explore={name}]")
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]

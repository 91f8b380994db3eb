"""The block's masks are those of Chapter 7's code, and its effects those of the chapter's stored runs and tables."""

import re

import living
import numpy as np
import pytest
from browsers import Visit

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
PLACES = range(1, 7)
PAPER = [1, 3, 5]
ENDS = {48: (60, 180, "stopped"), 2000: (60, 120, "stopped")}


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("07-transformer")


@pytest.fixture(scope="module")
def stored(browser, base):
    """What the page hands the figure."""
    visit = Visit(browser, base, living.tagged("block")[0])
    yield visit.page.evaluate("JSON.parse(document.querySelector('[data-explore=block]').dataset.stored)")
    visit.close()


def printed(word):
    """The text of the outputs of the chapter's cells whose code contains `word`."""
    cells = [cell for cell in notebook.read("07-transformer").cells if cell.cell_type == "code" and word in cell.source]
    parts = [output for cell in cells for output in cell.outputs]
    return "\n".join(part.get("text") or part.get("data", {}).get("text/markdown", "") for part in parts)


def test_places_and_shapes(pure, chapter):
    """The shapes of the chapter's table, and of the masks that its block draws."""
    text = "\n".join(cell.source for cell in notebook.read("07-transformer").cells if cell.cell_type == "markdown")
    table = re.findall(r"^\| (\d) \| ([\w -]+) \| .+ \| \((.+)\) \|$", text, re.MULTILINE)
    assert [name for _, name, _ in table] == list(chapter.PLACES)
    named = {"batch": "batch", "time": "time", "d": "d", "hidden": "4d", "heads": "heads"}
    for place, _, axes in table:
        assert ", ".join(map(str, pure("block", "shapeOf", int(place), named))) == axes

    torch = chapter.torch
    sizes, found = {"batch": 3, "time": 5, "d": 8, "hidden": 32, "heads": 2}, {}
    block = chapter.Block(8, 2, dict.fromkeys(chapter.PLACES, 0.2)).train()
    for name, module in block.drop.items():
        module.register_forward_hook(lambda _module, _given, output, name=name: found.update({name: output.shape}))
    block(torch.rand(3, 5, 8))
    for place, name in enumerate(chapter.PLACES, 1):
        if name in found:
            assert pure("block", "shapeOf", place, sizes) == list(found[name])
    assert len(found) == 4
    path = chapter.drop_path(torch.ones(50, 5, 8), 0.5, generator=torch.Generator().manual_seed(0))
    assert {tuple(text.unique().tolist()) for text in path} == {(0,), (2,)}  # one draw for a text, as in (batch, 1, 1)


def test_random_numbers_for_a_text(pure, chapter):
    sizes = {"time": chapter.LENGTH, "d": 24, "hidden": 96, "heads": 2}
    lines = re.findall(r"^(\w[\w -]+?) +(\d+)$", printed("tossed["), re.MULTILINE)
    assert [name for name, _ in lines] == list(chapter.PLACES)
    assert [pure("block", "draws", place, sizes, 2) for place in PLACES] == [int(number) for _, number in lines]


def test_effects_are_those_of_the_stored_runs(pure, chapter, stored):
    """Each seed's difference and the interval over them, in every place and training."""
    runs = chapter.TRANSFORMER_PLACES
    arms = {(setting["n_texts"], tuple(setting["p"])): row for setting, row in runs}
    assert stored["TRANSFORMER_PLACES"] == [[setting, row] for setting, row in runs]
    for n, ends in ENDS.items():
        for end in ends:
            for place in range(1, 8):
                names = tuple(chapter.PLACES[k - 1] for k in (PAPER if place == 7 else [place]))
                for what in ("loss", "error"):
                    expected = np.subtract(arms[n, names][f"{what} {end}"], arms[n, ()][f"{what} {end}"])
                    found = pure("block", "changes", stored["TRANSFORMER_PLACES"], n, end, place, what)
                    assert np.allclose(found, expected, rtol=0, atol=1e-9)
                    assert np.allclose(pure("numbers", "meanCi", found), chapter.mean_ci(expected), rtol=1e-9)


def test_its_numbers_are_those_of_the_chapters_tables(visit):
    """The rows of both tables and of the table of effects, letter by letter."""
    tables = {what: printed(f'two_tables("{what}') for what in ("log-loss", "error in points")}
    page, faults = visit(living.tagged("block")[0])
    box = living.awaken(page, "block")
    box.locator(".numbers summary").click()
    effects = re.findall(r"^\| Transformer, ([\d,]+) [^|]+ \| (.+?) \| (.+?) \|", printed("effects ="), re.MULTILINE)
    for n, columns in ((48, ("60", "180 or 120", "stopped")), (2000, ("60", "180 or 120"))):
        box.get_by_label(f"{n:,} texts").check()
        for column, label in enumerate(columns):
            box.get_by_label(label, exact=True).check()
            assert f"{n:,} texts" in living.settled(box)
            rows = box.locator(".numbers tbody tr").evaluate_all(
                "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
            )
            for name, _, *found in rows:
                name = re.sub(r"^[\d +]+,? ?", "", name).replace("’", "'")
                for what, value in zip(tables, found):
                    part = tables[what].split("\n\n")[n == 2000]
                    line = next(line for line in part.splitlines() if line.startswith(f"| {name} |"))
                    assert value == line.replace("*", "").replace("±", "± ").split("|")[2 + column].strip()
                if column == 1:
                    long = next(v for texts, where, v in effects if (texts, where) == (f"{n:,}", name))
                    assert (
                        abs(float(found[0].split(" ±")[0].replace("−", "-")) - float(long.replace("−", "-"))) < 0.0051
                    )
    assert faults == []


def test_what_a_draw_cuts_is_drawn(visit):
    """In place 6 a text loses a branch or keeps it; in place 2 no letter sees a later one; badges choose places."""
    page, faults = visit(f"{living.tagged('block')[0]}?block.place=6")
    box = living.awaken(page, "block")
    kept, dropped = box.locator(".mask .kept"), box.locator(".mask .dropped")
    for _ in range(5):
        assert kept.count() + dropped.count() == 2 * 2 * 16 and dropped.count() % 16 == 0
        box.get_by_role("button", name="New masks").click()
        living.settled(box)
    for number, cells, badges in ((2, 2 * 2 * 10, 1), (4, 2 * 64, 1), (1, 2 * 16, 1), (3, 2 * 16, 1), (6, 64, 2)):
        box.locator(".plan .badge", has_text=str(number)).first.click()
        assert f"Place {number}, " in living.settled(box)
        assert kept.count() + dropped.count() == cells
        assert box.locator(".plan .badge.here").count() == badges
        assert box.locator(".effects .effect.here .seed").count() == 2 * 10
    box.locator(".effects .row").last.click()
    assert "The paper’s three places" in living.settled(box) and box.locator(".plan .badge.here").count() == 3
    box.get_by_label("draw the norm last").check()
    assert living.settled(box).endswith("Measured with the norm first.")
    assert faults == []

"""The ridge path's arithmetic is Chapter 2's, from what the chapter stored."""

import json

import living
import numpy as np
import pytest

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
P = (0, 0.001, 0.005, 0.01, 0.03, 0.07, 0.1, 0.2, 0.5, 0.9)
PATHS = (("dropout", "mgdl"), ("dropout", "mmol"), ("plain", "mgdl"), ("plain", "mmol"))


@pytest.fixture(scope="module")
def chapter():
    """The chapter's functions, its data in both systems, and what it printed below the figure's code."""
    module = notebook.load("02-mask-math")
    module.X, module.y = module.diabetes()
    cells = notebook.read("02-mask-math").cells
    exec(next(cell.source for cell in cells if "boston, london = " in cell.source), module.__dict__)
    module.printed = next(c.outputs[0].text for c in cells if "explore-ridge" in c.metadata.get("tags", []))
    return module


@pytest.fixture
def data(visit, pure):
    page, _ = visit(living.tagged("ridge")[0])
    stored = page.locator("[data-explore=ridge]").get_attribute("data-stored")
    return pure("ridge", "read", json.loads(stored))


def fitted(chapter, method, units, p):
    """Predictions (442,) and weights in points per sd (10,), by the notebook's own functions."""
    inputs = chapter.boston if units == "mgdl" else chapter.london
    if method == "dropout":
        w = chapter.dropout_ridge(inputs, chapter.y, p)
    else:
        w = chapter.plain_ridge(inputs, chapter.y, p / (1 - p) * chapter.strength)
    return inputs @ w, w * inputs.std(0)


def test_weights_and_differences(pure, chapter, data):
    assert data["names"] == chapter.NAMES
    for p in P:
        guesses = {}
        for method, units in PATHS:
            guesses[method, units], w = fitted(chapter, method, units, p)
            assert np.allclose(pure("ridge", "weights", data, method, p, units), w, atol=2e-3), (method, units, p)
        for method in ("dropout", "plain"):
            gap = np.sqrt(np.mean((guesses[method, "mgdl"] - guesses[method, "mmol"]) ** 2))
            assert abs(pure("ridge", "apart", data, method, p) - gap) < 2e-3, (method, p)


def test_what_the_chapter_prints(pure, chapter, data):
    """Of the four weights it names, at p = 0 and at p = 0.1, every digit."""
    lines = chapter.printed.splitlines()
    assert [line.split(":")[0] for line in lines] == ["p = 0", "p = 0.1"]
    for line in lines:
        p, found = float(line.split(":")[0].removeprefix("p = ")), line.split(":")[1].split()
        w = dict(zip(data["names"], pure("ridge", "weights", data, "dropout", p, "mgdl"), strict=True))
        assert [f"{w[name]:.1f}" for name in found[::2]] == found[1::2]


def test_large_weights_of_opposite_sign_shrink_first(pure, data):
    """Under dropout ridge; plain ridge leaves them large in mg/dL, and nothing of them in mmol/L."""
    start = np.array(pure("ridge", "weights", data, "dropout", 0))
    tc, ldl, bmi = (data["names"].index(name) for name in ("TC", "LDL", "BMI"))
    at = {path: np.array(pure("ridge", "weights", data, path[0], 0.1, path[1])) for path in PATHS}
    for units in ("mgdl", "mmol"):
        shares = abs(at["dropout", units] / start)
        assert max(shares[tc], shares[ldl]) < 0.2 and shares[bmi] > 0.9
    assert min(abs(at["plain", "mgdl"][[tc, ldl]])) > 20 > 1 > max(abs(at["plain", "mmol"][[tc, ldl]]))
    assert pure("ridge", "apart", data, "dropout", 0.1) == 0 < 20 < pure("ridge", "apart", data, "plain", 0.1)


def test_the_paths_are_a_slider_too(visit):
    """A press on the drawing moves p to the nearest stop, as the slider's keys do."""
    page, faults = visit(living.tagged("ridge")[0])
    box = living.awaken(page, "ridge")
    assert "p = 0.01 " in living.settled(box)
    for p in ("0.1", "0.5", "0.001"):
        x = box.locator("svg text", has_text=p).evaluate_all(
            "(all, p) => all.find((e) => e.textContent === p).getAttribute('x')", p
        )
        box.locator(".canvas").click(position={"x": float(x), "y": 150})
        assert f"p = {p} " in living.settled(box)
    assert faults == []

"""What trains in the page is Chapter 4's network, with the same numbers."""

import re
from itertools import islice

import living
import numpy as np
import pytest

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
GRID = [
    {"p": p, "width": width, "noise": noise, "n": n, "seed": seed}
    for p, width, noise, n, seed in (
        (0, 64, 0.15, 80, 2),
        (0.5, 64, 0.15, 80, 2),
        (0.9, 64, 0.4, 200, 1),
        (0.2, 4, 0, 20, 3),
        (0.75, 32, 0.25, 140, 998),
    )
]


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("04-why-it-works")


def data(chapter, noise, n, seed, **_):
    draw = chapter.mulberry32(seed)
    return chapter.crescents(400, noise, draw), chapter.crescents(n, noise, draw)


def flat(weights):
    return np.concatenate([np.ravel(each) for each in weights])


def measures(chapter, weights, points, labels):
    """Log-loss and error of the chapter's network."""
    z = chapter.one_hidden(weights, points)[1]
    return np.logaddexp(0, np.where(labels, -z, z)).mean(), ((z > 0) != labels).mean()


def test_points_weights_and_masks_are_drawn_alike(pure, chapter):
    for setting in GRID:
        found = pure("train", "data", setting)
        for name, (points, labels) in zip(("heldOut", "seen"), data(chapter, **setting), strict=True):
            assert np.allclose(found[name]["points"], points, rtol=0, atol=1e-14)
            assert found[name]["labels"] == labels.tolist()
            assert np.array_equal(found[name]["wrong"], labels != np.arange(len(labels)) % 2)
        width, seed, p = (setting[key] for key in ("width", "seed", "p"))
        start = flat(chapter.start_weights(width, chapter.mulberry32(seed + 1000)))
        assert np.allclose(pure("train", "startWeights", width, seed), start, rtol=1e-15, atol=0)
        drawn = chapter.mulberry32(seed + 2000)
        masks = [(chapter.uniform(drawn, width) >= p).tolist() for _ in range(100)]
        for step in (1, 2, 100):
            assert pure("train", "maskOf", step, p, width, seed) == masks[step - 1]


@pytest.mark.parametrize("setting", GRID)
def test_the_first_twenty_steps_and_the_end_of_a_run(pure, chapter, setting):
    held_out, seen = data(chapter, **setting)
    p, width, seed = (setting[key] for key in ("p", "width", "seed"))
    weights = list(islice(chapter.watched(*seen, p, width, seed), 501))
    found = pure("train", "follow", setting, 500)
    for step in range(21):
        assert np.allclose(found["weights"][step], flat(weights[step]), rtol=1e-9, atol=1e-11), step
    for step in (0, 10, 20, 500):
        expected = [*measures(chapter, weights[step], *seen), *measures(chapter, weights[step], *held_out)]
        # after 500 steps rounding has grown
        assert np.allclose(found["records"][step // 10], expected, rtol=1e-10 if step <= 20 else 1e-3, atol=1e-12)


def test_the_border_lies_where_the_logit_is_zero(pure):
    """Of a plane that is zero at column 1.5, and of one point above all its neighbours."""
    plane = [c - 1.5 for _ in range(3) for c in range(4)]
    assert pure("train", "border", plane, 4, 3) == "M1.5 0.0L1.5 1.0M1.5 1.0L1.5 2.0"
    hill = [-1, -1, -1, -1, 1, -1, -1, -1, -1]
    ends = set(re.findall(r"[\d.]+ [\d.]+", pure("train", "border", hill, 3, 3)))
    assert ends == {"1.0 0.5", "1.5 1.0", "1.0 1.5", "0.5 1.0"}


def test_the_figure_shows_what_the_chapter_draws(visit, chapter):
    """As it comes, at the step and the seed of the static picture; and it says that it is one run."""
    page, faults = visit(living.tagged("train")[0], reduced_motion="reduce")
    box = living.awaken(page, "train")
    said = living.settled(box)
    (held_out, seen), counts = data(chapter, noise=0.15, n=80, seed=2), []
    for p in (0, 0.5):
        weights = next(islice(chapter.watched(*seen, p, seed=2), 500, None))
        counts += [round(len(y) * measures(chapter, weights, x, y)[1]) for x, y in (seen, held_out)]
    plain, _, dropped = said.partition("; ")
    for part, (on_seen, on_held_out) in ((plain, counts[:2]), (dropped, counts[2:])):
        assert f"{on_seen} of 80 points wrong, {on_held_out} of 400 held out" in part
    assert "One run (seed 2)" in said

    kept = box.locator("circle.on").count()
    assert f"trains {kept} of 64 hidden units" in box.locator("svg").nth(2).text_content() and 0 < kept < 64
    step = box.get_by_label("Training step")
    step.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert living.settled(box).startswith("Step 530,")
    box.get_by_role("button", name="Train / pause").click()  # with reduced motion, a hundred steps at once
    assert living.settled(box).startswith("Step 630,")
    assert faults == []


def test_it_trains_when_asked_and_stops_when_asked(visit):
    page, faults = visit(f"{living.tagged('train')[0]}?train.step=0")
    box = living.awaken(page, "train")
    step = box.get_by_label("Training step")
    box.get_by_role("button", name="Train / pause").click()
    page.wait_for_function("() => Number(document.querySelector('.explore[data-explore=train] input').value) >= 50")
    box.get_by_role("button", name="Train / pause").click()
    living.settled(box)
    stopped = int(step.input_value())
    page.wait_for_timeout(300)
    assert int(step.input_value()) == stopped < 1000
    assert f"train.step={stopped}" in page.url
    assert faults == []

"""Who shares a random number, and what that ties: as Chapter 11's functions have it."""

import math

import living
import numpy as np
import pytest
import torch

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
SHAPE = (2, 3, 4, 4)
COUNT = math.prod(SHAPE)
PS = (0.05, 0.2, 0.5, 0.75, 0.9)


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("11-variants")


@pytest.fixture(scope="module")
def names(chapter):
    return list(chapter.FAMILY)


def test_members_and_their_draws(pure, chapter, names, visit):
    assert list(SHAPE) == pure("sharing", "draws", "standard")
    for name in names:
        assert tuple(pure("sharing", "draws", name)) == chapter.FAMILY[name].draws(*SHAPE)
    page, _ = visit(living.tagged("sharing")[0])
    offered = living.awaken(page, "sharing").locator("fieldset label").all_inner_texts()
    assert {text.strip() for text in offered} == set(names)


def test_who_is_reached_by_which_number(pure, chapter):
    """The chapter's matrix is one example's: the second example's numbers follow those of the first."""
    for name in chapter.COINS:
        fall = chapter.reach(name, *SHAPE[1:])
        for unit in range(COUNT):
            example, here = divmod(unit, COUNT // 2)
            expected = np.flatnonzero(fall[:, here]) + example * len(fall)
            assert pure("sharing", "owners", name, unit) == expected.tolist(), (name, unit)


@pytest.mark.parametrize("p", PS)
def test_exact_probabilities_and_correlations(pure, chapter, p):
    assert math.isclose(pure("sharing", "seedRate", p), chapter.seed_rate(p, 4, 4), rel_tol=1e-12)
    firsts = (0, 5, 6, 15, 40)
    for name in chapter.COINS:
        mean, covariance = chapter.noise_moments(name, p, *SHAPE[1:])
        spread = np.sqrt(np.diag(covariance))
        for first in firsts:
            assert math.isclose(pure("sharing", "dropped", name, first, p), 1 - mean[first] * (1 - p), abs_tol=1e-12)
            for second in (*range(0, 20), 31, 47):
                found = pure("sharing", "correlation", name, first, second, p)
                exact = covariance[first, second] / (spread[first] * spread[second])
                assert math.isclose(found, exact, abs_tol=1e-9), (name, first, second)
            assert pure("sharing", "correlation", name, first, first + 48, p) == 0


@pytest.mark.parametrize("p", (0.1, 0.5, 0.75))
def test_outputs_are_those_of_drop(pure, chapter, names, p, monkeypatch):
    """From the same random numbers, on ones; of the scheduled member the first example is at a fifth of p."""
    u = torch.rand(COUNT, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", lambda size, **kind: u[: math.prod(size)].reshape(size))
    for name in names:
        ones = torch.ones(SHAPE, dtype=torch.float64)
        expected = chapter.drop(ones, name, p).flatten()
        if name == "scheduled":
            expected[:48] = chapter.drop(ones, name, p / 5).flatten()[:48]
        numbers = u[: math.prod(chapter.FAMILY[name].draws(*SHAPE))].tolist()
        found = [pure("sharing", "output", name, unit, numbers, p) for unit in range(COUNT)]
        assert np.allclose(found, expected.numpy(), rtol=1e-6, atol=1e-9), name


def test_correlations_and_chances_of_draws(chapter, pure, names):
    """Of all ten members, as the chapter draws them: also where the noise is no coin."""
    p, generator = 0.5, torch.Generator().manual_seed(0)
    batch = torch.ones(2 * 4000, *SHAPE[1:])
    for name in names:
        y = chapter.drop(batch, name, p, generator).reshape(4000, COUNT).numpy()
        seen = np.corrcoef(y.T)
        for first, second in ((5, 6), (5, 9), (5, 10), (0, 17), (5, 53)):
            found = pure("sharing", "correlation", name, first, second, p)
            assert abs(found - seen[first, second]) < 0.08, (name, first, second)
        low = y[:, 53] < (0 if name in ("Gaussian", "AlphaDropout") else 1)  # of the second example
        assert abs(pure("sharing", "dropped", name, 53, p) - low.mean()) < 0.04, name


def test_choosing_and_drawing(visit, pure):
    """A click chooses a unit as the sliders do; drawn pairs come near the exact correlation."""
    page, faults = visit(f"{living.tagged('sharing')[0]}?sharing.member=DropBlock")
    box = living.awaken(page, "sharing")
    one, two = box.locator("svg").all()
    one.locator("[data-unit='21']").click()
    two.locator("[data-unit='26']").click()
    for _ in range(5):
        box.get_by_role("button", name="Draw 1,000").click()
    says = living.settled(box)
    assert "The first (example 1, map 2, row 2, column 2)" in says
    assert "the second (example 1, map 2, row 3, column 3) share 1 of 4 numbers" in says
    exact = pure("sharing", "correlation", "DropBlock", 21, 26, 0.5)
    drawn = float(says.rpartition("in 5,000 draws ")[2].rstrip("."))
    assert f"correlation {exact:.3f}".rstrip("0") in says and abs(drawn - exact) < 0.06
    assert faults == []

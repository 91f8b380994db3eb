"""The figure of what seeds can see computes as Chapter 9 does, and its game is fair."""

import math
from statistics import NormalDist

import living
import numpy as np
import pytest
from scipy import stats

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("09-choosing-p")


def test_power_over_the_grid_of_its_controls(pure, chapter):
    """Eight digits as the chapter's sum over 8,000 points, six where it has no more; nine as scipy."""
    for n in (2, 3, 4, 5, 8, 12, 17, 25, 40):
        t = stats.t.ppf(0.975, n - 1)
        assert math.isclose(pure("power", "critical", n), t, rel_tol=1e-10)
        assert math.isclose(chapter.critical(n), t, rel_tol=1e-5 if n < 4 else 1e-7)
        for d in (0, 0.05, 0.25, 0.5, 0.745, 1, 1.5, 2, 3):
            found, shift = pure("power", "power", d, n), d * n**0.5
            assert math.isclose(found, chapter.power(d, n), abs_tol=2e-6 if n < 4 else 1e-8), (d, n)
            exact = stats.nct.sf(t, n - 1, shift) + stats.nct.cdf(-t, n - 1, shift)
            assert math.isclose(found, exact, abs_tol=1e-9) or math.isnan(exact)


def test_what_the_chapter_prints(pure, chapter):
    assert f"{pure('power', 'power', 1, 12):.3f}" == "0.883" == f"{chapter.power(1, 12):.3f}"
    assert pure("power", "seedsNeeded", 0.5) == 34 == chapter.seeds_needed(0.5)
    for d in (2, 1, 0.25, 0.1):
        for wanted in (0.5, 0.8, 0.95):
            assert pure("power", "seedsNeeded", d, wanted) == chapter.seeds_needed(d, wanted)
    for x in (-9, -3, -1, 0, 0.25, 0.5, 1, 2, 5):
        assert math.isclose(pure("power", "normal", x), NormalDist().cdf(x), abs_tol=1e-15)


def test_spread_of_seeds_and_images(pure, chapter):
    """What one seed can show, of the chapter's `detectable`, over the 2.8 standard deviations that it stands for."""
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    for images in (100, 500, 2000, 10_000):
        for sd in (0, 0.5, 1, 3):
            expected = chapter.detectable(1, images, seed=sd**2) / z
            assert math.isclose(pure("power", "spread", sd, images), expected, rel_tol=1e-12)


def test_interval(pure, chapter):
    """The preamble's, from the five seeds on for which its t is good."""
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 12, 40):
        values = rng.normal(0.5, 2, n)
        mean, half = pure("power", "interval", values.tolist())
        assert math.isclose(mean, values.mean(), rel_tol=1e-12)
        assert math.isclose(half, chapter.critical(n) * values.std(ddof=1) / n**0.5, rel_tol=1e-5)
        assert n < 5 or math.isclose(half, chapter.mean_ci(values)[1], rel_tol=3e-3)


def test_the_game_is_fair(pure):
    """Signs are a coin, noise is normal, and the arm ahead after k seeds is the better one as often as it says."""
    rng, d, k = np.random.default_rng(0), 0.5, 4
    games = [pure("power", "game", rng.random(81).tolist()) for _ in range(600)]
    signs, noise = (np.array([game[key] for game in games]) for key in ("sign", "noise"))
    assert noise.shape == (600, 40) and set(signs) == {-1, 1} and abs(signs.mean()) < 0.13
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02 and abs((noise**4).mean() - 3) < 0.2
    assert abs(np.corrcoef(noise.T)[~np.eye(40, dtype=bool)]).mean() < 0.05
    right = (signs * (signs[:, None] * d + noise)[:, :k].mean(1) > 0).mean()
    assert abs(right - pure("power", "normal", d * k**0.5)) < 0.05


def uniform(seed):
    """The random numbers of explore.js, mulberry32."""
    while True:
        seed = (seed + 0x6D2B79F5) % 2**32
        t = (seed ^ seed >> 15) * (1 | seed) % 2**32
        t = (t + (t ^ t >> 7) * (61 | t)) % 2**32 ^ t
        yield (t ^ t >> 14) / 2**32


def test_a_game_is_played(visit, pure):
    """The seeds come one by one, the first choice counts, and the score is that of the hidden signs."""
    page, faults = visit(living.tagged("power")[0])
    box = living.awaken(page, "power")

    def press(name, times=1):
        for _ in range(times):
            box.get_by_role("button", name=name).click()

    right = 0
    for number in (1, 2, 3):
        numbers = [value for value, _ in zip(uniform(number), range(81))]
        secret = pure("power", "game", numbers)
        sigma = math.sqrt(1 + 0.8)
        press("Train one seed", 5)
        values = [secret["sign"] + sigma * z for z in secret["noise"][:5]]
        mean, half = pure("power", "interval", values)
        says = living.settled(box)
        assert f"After 5 seeds {'A' if mean < 0 else 'B'} is ahead by {abs(mean):.2f}".rstrip("0") in says
        assert f"zero is {'outside' if abs(mean) > half else 'inside'}" in says
        press("A is better")
        press("B is better")  # too late
        right += secret["sign"] < 0
        says = living.settled(box)
        assert f"You chose A: {'right' if secret['sign'] < 0 else 'wrong'}." in says
        assert f"{right} of {number} games right." in says
        press("New game")
    press("Train one seed", 13)
    assert "After 12 seeds" in (says := living.settled(box)) and "The seeds have run out: decide." in says
    assert faults == []

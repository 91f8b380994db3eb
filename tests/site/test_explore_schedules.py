"""Schedules against learning rates: the stored runs of Chapter 10, compared as the chapter compares them."""

import json

import living
import numpy as np
import pytest

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
KINDS = ("late", "rising", "falling", "constant")


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("10-underfitting")


@pytest.fixture(scope="module")
def stored(chapter):
    """The notebook's results as JSON has them."""
    return json.loads(json.dumps(chapter.SCHEDULES))


def name_of(kind):
    return f"{kind}, p = {0.25 if kind == 'constant' else 0.5}"


def test_the_page_holds_the_stored_results(visit, stored):
    page, _ = visit(living.tagged("schedules")[0])
    held = page.locator(".explore[data-explore=schedules]").get_attribute("data-stored")
    assert json.loads(held) == {"SCHEDULES": stored}


def test_schedules(pure, chapter):
    """p over the training, with one mean."""
    for kind in KINDS:
        peak = 0.25 if kind == "constant" else 0.5
        for step in (0, 1, 99, 199, 200, 300, 399):
            assert np.isclose(pure("schedules", "rateOf", kind, step / 400), chapter.schedule(kind, step, 400, peak))


def test_interval(pure, chapter):
    for n in (5, 10, 12):
        values = np.random.default_rng(n).normal(0, 1, n)
        assert np.allclose(pure("numbers", "meanCi", values.tolist()), chapter.mean_ci(values), rtol=1e-12)


@pytest.mark.parametrize("steps", (100, 400))
def test_comparisons(pure, chapter, stored, steps):
    """At each rate at which both ran, and with each at its own: log-loss and error, all pairs."""
    found = chapter.arms(chapter.SCHEDULES, steps)
    for first in KINDS:
        a, (lr, _) = found[name_of(first)], chapter.tuned(found[name_of(first)])
        assert pure("schedules", "best", stored, steps, first) == lr
        for second in KINDS:
            b = found[name_of(second)]
            for metric in ("loss", "error"):
                for rate in (0.0075, 0.015, 0.03, 0.06, 0.12, 0.24):
                    shown = pure("schedules", "differences", stored, steps, first, second, rate, metric)
                    if rate in a and rate in b:
                        assert np.allclose(shown, a[rate][metric] - b[rate][metric])
                    else:
                        assert shown is None
                tuned = chapter.against(chapter.SCHEDULES, steps, name_of(first), name_of(second), metric)
                assert np.allclose(pure("schedules", "differences", stored, steps, first, second, None, metric), tuned)


def test_what_it_says(visit, chapter):
    """At 0.12 late is better by what the chapter's table says; with tuned rates nothing is left of it."""
    page, faults = visit(living.tagged("schedules")[0])
    box = living.awaken(page, "schedules")
    found = chapter.arms(chapter.SCHEDULES, 400)
    at, own = (
        chapter.mean_ci(values)
        for values in (
            found[name_of("late")][0.12]["loss"] - found[name_of("constant")][0.12]["loss"],
            chapter.against(chapter.SCHEDULES, 400, name_of("late"), name_of("constant"), "loss"),
        )
    )
    says = living.settled(box).replace("\N{MINUS SIGN}", "-")
    assert f"Both at 0.12: {at[0]:.3f} ± {at[1]:.3f}: late is better." in says and at[0] < -at[1]
    assert f"{own[0]:+.3f} ± {own[1]:.3f}: no difference shows." in says and abs(own[0]) < own[1]
    box.locator("input[type=range]").press("End")
    assert "Both at" not in living.settled(box)
    assert faults == []

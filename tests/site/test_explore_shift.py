"""The variance shift is Chapter 8's: its ratio, its stack of norms, and what its table and figure say."""

import living
import numpy as np
import pytest

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
PS = [k / 20 for k in range(17)]


@pytest.fixture(scope="module")
def chapter():
    """Chapter 8, with a stack that any activation may stand in, in place of relu."""
    old = "train_x, eval_x = train_z.relu(), eval_z.relu()"
    return notebook.load("08-batchnorm", {old: "train_x, eval_x = relu(train_z), relu(eval_z)"})


@pytest.fixture(scope="module")
def drawn(chapter):
    """{activation: (mean, variance)} of a million draws, as the chapter draws them."""
    z = np.random.default_rng(0).standard_normal(1_000_000)
    return {name: (f(z).mean(), f(z).var()) for name, f in chapter.ACTIVATIONS.items()}


def test_moments_and_ratios(pure, chapter, drawn):
    closed = 1 / np.sqrt(2 * np.pi), 1 / 2 - 1 / (2 * np.pi)
    assert np.allclose(pure("shift", "moments", "ReLU"), closed, rtol=1e-4)
    for name, moments in drawn.items():
        found = pure("shift", "moments", name)
        assert np.allclose(found, moments, rtol=0.005, atol=0.002)
        for p in PS:
            ratio = pure("shift", "varianceRatio", *found, p)
            assert np.isclose(ratio, chapter.variance_ratio(*found, p), rtol=1e-12)
            first = pure("shift", "layers", name, p, "batch")[0]
            assert np.isclose(first["variance"], ratio, rtol=1e-9, atol=1e-12) and first["off"] == 0


def test_moments_of_any_normal_variable(pure, chapter):
    z = np.random.default_rng(1).standard_normal(1_000_000)
    for name, activation in chapter.ACTIVATIONS.items():
        for mean, variance in ((-0.7, 0.3), (0.4, 0.02), (1.2, 1.0)):
            h = activation(mean + variance**0.5 * z)
            assert np.allclose(pure("shift", "moments", name, mean, variance), (h.mean(), h.var()), atol=0.003)


def test_what_the_issue_lists(pure):
    ratios = [pure("shift", "layers", name, 0.5, "batch")[0]["variance"] for name in ("ReLU", "tanh", "sigmoid")]
    assert np.allclose(ratios, (0.405, 0.500, 0.129), rtol=0, atol=0.0005)


@pytest.mark.parametrize("activation", ["ReLU", "tanh", "sigmoid"])
@pytest.mark.parametrize("p", [0.2, 0.5])
def test_each_norm_against_the_chapters_stack(pure, chapter, monkeypatch, activation, p):
    """Infinitely many units and examples against 256 and 2,000: a few percent, and a mean good to 1/2,000."""
    monkeypatch.setattr(chapter, "relu", chapter.ACTIVATIONS[activation])
    training, evaluation = chapter.stack(chapter.BatchNorm, p, depth=6)
    found = pure("shift", "layers", activation, p, "batch")
    for k, (t, e, layer) in enumerate(zip(training, evaluation, found), 1):
        assert abs(t.var(0).mean() - 1) < 0.01
        assert np.isclose(e.var(0).mean(), layer["variance"], rtol=0.02 * k)
        off = (e.mean(0) - t.mean(0)).square().mean()
        assert np.isclose(off, layer["off"], rtol=0.25, atol=0.002)
        assert np.isclose(e.square().mean(), layer["variance"] + layer["off"], rtol=0.03 * k, atol=0.001)


def test_the_points_of_the_static_figure(pure, chapter):
    """Four norms multiply by r; then the ratio is above the power, by as much as the chapter asserts."""
    for p, low, high in ((0.2, 1.1, 1.3), (0.5, 1.9, 2.2)):
        found = [layer["variance"] for layer in pure("shift", "layers", "ReLU", p, "batch")]
        over = [variance / found[0] ** k for k, variance in enumerate(found, 1)]
        assert all(0.85 < ratio < 1.2 for ratio in over[:4])
        assert low < over[5] < high


@pytest.mark.parametrize("activation", ["ReLU", "tanh", "sigmoid"])
def test_the_repair_and_the_other_norm_have_no_shift(pure, chapter, monkeypatch, activation):
    """Statistics of evaluation itself; and LayerNorm, over the units of an example."""
    monkeypatch.setattr(chapter, "relu", chapter.ACTIVATIONS[activation])
    refreshed = chapter.stack(chapter.BatchNorm, 0.0, depth=6)[1]
    layer_normed = chapter.stack(chapter.GroupNorm, 0.5, depth=6)
    for norm, outputs, over in (("refreshed", [refreshed], 0), ("layer", layer_normed, 1)):
        found = pure("shift", "layers", activation, 0.5, norm)
        assert found == [{"variance": 1, "off": 0}] * 6
        for part in outputs:
            assert all(abs(z.var(over, correction=0).mean() - 1) < 0.01 for z in part)


def test_what_it_says_and_draws(visit):
    page, faults = visit(f"{living.tagged('shift')[0]}?shift.depth=1")
    box = living.awaken(page, "shift")
    assert (
        "after 1 batchnorm evaluation has 0.41 of the variance of training; this is r." in living.settled(box).lower()
    )
    assert box.locator(".evaluation").count() == 1
    page.get_by_label("depth, norms passed").press("End")
    assert "After 6 BatchNorms evaluation has 1/116 of the variance" in living.settled(box)
    assert box.locator(".evaluation").count() == 1 + 5 * 5 and box.locator(".bar").count() == 6
    page.get_by_label("refreshed").check()
    assert "evaluation has the variance 1 again" in living.settled(box)
    assert faults == []

"""The mask explorer's arithmetic is Chapter 2's."""

from fractions import Fraction

import living
import numpy as np
import pytest

import notebook

pytestmark = pytest.mark.browser
X, G = [2, 4, 6, 8], [1, 2, 3, 4]


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("02-mask-math")


def test_outputs_gradients_and_moments(pure, chapter):
    masks = chapter.all_masks(4).astype(int).tolist()
    assert pure("masks", "allMasks", 4) == masks
    for p in [Fraction(k, 20) for k in range(19)]:
        for mask in masks:
            outputs, gradients = (pure("masks", "through", values, mask, float(p)) for values in (X, G))
            assert np.allclose(outputs, chapter.dropout_forward(np.array(X, float), mask, float(p)), rtol=1e-12)
            assert np.allclose(gradients, chapter.dropout_backward(np.array(G, float), mask, float(p)), rtol=1e-12)
        found = pure("masks", "moments", X, float(p))
        mean, covariance = chapter.moments(X, p)
        assert np.allclose(found["mean"], [float(v) for v in mean], rtol=1e-12)
        assert np.allclose(found["variance"], [float(v) for v in np.diag(covariance)], rtol=1e-9, atol=1e-9)


def test_what_the_chapter_prints(pure):
    assert pure("masks", "through", X, [1, 0, 1, 0], 0.5) == [4, 0, 12, 0]
    assert pure("masks", "through", G, [1, 0, 1, 0], 0.5) == [2, 0, 6, 0]
    assert np.allclose(pure("masks", "moments", X, 0.2)["variance"], [1, 4, 9, 16])


@pytest.mark.parametrize("scaling, right", [("none", False), ("train", True), ("test", True), ("both", False)])
def test_one_scaling_makes_training_and_evaluation_agree(pure, scaling, right):
    mean = pure("masks", "moments", X, 0.5, scaling)["mean"]
    factor = pure("masks", "factors", scaling, 0.5)[1]
    assert np.allclose(mean, np.multiply(X, factor)) == right


def test_many_draws_come_near_the_exact_ones(visit):
    page, faults = visit(living.tagged("masks")[0])
    box = living.awaken(page, "masks")
    for _ in range(4):
        box.get_by_role("button", name="Draw 1,000").click()
    assert "4,000 masks drawn" in living.settled(box)
    rows = box.locator(".units tbody tr").evaluate_all("rows => rows.map(r => [...r.cells].map(c => c.textContent))")
    drawn = {head: [float(v) for v in values] for head, *values in rows if "drawn" in head}
    spreads = {"mean, drawn": (X, 5 * np.array(X) / 4000**0.5), "var., drawn": (np.square(X), np.square(X) / 10)}
    for head, (exact, spread) in spreads.items():
        assert (abs(np.subtract(drawn[head], exact)) <= spread).all()
    assert faults == []

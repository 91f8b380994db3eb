"""The twelve switches' arithmetic is Chapter 4's."""

import living
import numpy as np
import pytest

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
GRID = [(p, scale) for p in (0, 0.05, 0.3, 0.5, 0.9) for scale in (0, 0.5, 1, 2)]


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("04-why-it-works")


@pytest.fixture(scope="module")
def drawn():
    """x, weight and bias as the chapter draws them."""
    rng = np.random.default_rng(0)
    return rng.random((1, 12)), 6 * rng.random((12, 3)) - 3, rng.random(3)


@pytest.fixture(scope="module")
def layer(pure):
    return pure("switches", "layer")


def test_the_layer_is_the_chapter_s(layer, drawn):
    """To the last bit: the module repeats numpy's generator."""
    source = "".join(cell.source for cell in notebook.read("04-why-it-works").cells)
    assert "rng = np.random.default_rng(0)\nx, weight = rng.random((1, 12)), 6 * rng.random((12, 3)) - 3\n" in source
    assert "layer = [(weight, rng.random(3), True)]" in source
    for name, values in zip(("x", "weight", "bias"), drawn, strict=True):
        assert layer[name] == np.squeeze(values).tolist()


@pytest.mark.parametrize("p, scale", GRID)
def test_sub_networks_and_their_averages(pure, chapter, layer, drawn, p, scale):
    x, weight, bias = drawn
    layers = [(weight, bias, True)]
    logits, probability = chapter.sub_networks(scale * x, layers, p)
    answers = chapter.log_softmax(logits)[:, 0]
    assert np.allclose(pure("switches", "subNetworks", layer, p, scale), answers, rtol=1e-10, atol=1e-12)
    assert np.allclose(pure("switches", "chances", p), probability, rtol=1e-12, atol=0)

    found = pure("switches", "averages", layer, p, scale)
    log_q, disagreement = chapter.geometric_mean(logits, probability)
    scaled = np.exp(chapter.log_softmax(chapter.scaled_pass(scale * x, layers)))[0]
    expected = {
        "arithmetic": probability @ np.exp(answers),
        "geometric": np.exp(log_q[0]),
        "scaled": scaled,
        "member": -probability @ answers,
        "disagreement": disagreement[0],
    }
    for name, value in expected.items():
        assert np.allclose(found[name], value, rtol=1e-10, atol=1e-12), name
    assert np.allclose(found["geometric"], found["scaled"], rtol=0, atol=1e-12)
    assert np.allclose(np.subtract(found["member"], found["disagreement"]), -np.log(scaled), rtol=0, atol=1e-10)

    first = np.exp(answers[:, 0])
    bars = np.histogram(first, bins=40, range=(0, 1), weights=probability)[0]
    shares = pure("switches", "histogram", first.tolist(), probability.tolist())
    # an answer within rounding of an edge may fall on either side of it
    assert np.allclose(np.cumsum(shares), np.cumsum(bars), atol=1e-9) or scale == 0


def test_what_the_chapter_prints(pure, layer):
    found = pure("switches", "averages", layer, 0.5)
    assert found["scaled"][0] == pytest.approx(0.928947578430, abs=1e-12)
    assert found["geometric"][0] == pytest.approx(0.928947578430, abs=1e-12)
    assert found["arithmetic"][0] == pytest.approx(0.631744606314, abs=1e-12)
    assert found["disagreement"] == pytest.approx(1.001042, abs=1e-6)
    assert found["member"] == pytest.approx([1.074745, 5.723955, 3.779034], abs=1e-6)
    first = np.exp(pure("switches", "subNetworks", layer, 0.5))[:, 0]
    assert ((first > 0.9).sum(), (first < 0.1).sum()) == (1729, 727)


def test_a_switch_changes_the_marked_sub_network_alone(visit, chapter, drawn):
    """The sentence says what the chapter's functions say of that sub-network; the averages stay."""
    page, faults = visit(living.tagged("switches")[0], reduced_motion="reduce")
    box = living.awaken(page, "switches")
    x, weight, bias = drawn
    before = living.settled(box)
    for unit in (1, 8):
        box.get_by_role("button", name=f"Drop unit {unit}:").click()
    mask = np.array([button.get_attribute("aria-pressed") == "false" for button in box.locator(".twelve button").all()])
    assert mask[[0, 7]].all()
    own = np.exp(chapter.log_softmax((mask * x / 0.5) @ weight + bias))[0, 0]
    after = living.settled(box)
    assert f": {own:.3f} for class 1." in after
    assert after.partition("All 4,096")[2] == before.partition("All 4,096")[2] != ""
    assert faults == []

"""Chapter 6: masks of feature maps, seeds folded into channels, and dropped layers; planted faults are seen."""

import functools
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook import load, refused

NAME = "06-cnn"
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
clean = functools.cache(lambda: load(NAME))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def squares(seeds, block, h, w):
    """Which units of an h x w map fall, straight from the definition: some seed's square covers them."""
    fallen = np.zeros((h, w), bool)
    for i, j in np.argwhere(seeds):
        fallen[i : i + block, j : j + block] = True
    return fallen


# The rate at which DropBlock drops, by enumeration of all sets of seeds.


def check_rates(ns):
    for block, h, w in ((1, 2, 3), (2, 3, 3), (2, 4, 3), (3, 4, 5), (3, 3, 3)):
        places = (h - block + 1, w - block + 1)
        gamma, total = 0.3, np.zeros((h, w))
        for bits in product((0, 1), repeat=places[0] * places[1]):
            seeds = np.array(bits).reshape(places)
            total += gamma ** sum(bits) * (1 - gamma) ** (len(bits) - sum(bits)) * squares(seeds, block, h, w)
        np.testing.assert_allclose(ns.drop_rate(gamma, block, h, w), total, atol=1e-12)
    for block, h, w, p in product((1, 2, 3, 4), (4, 7), (4, 5), (0, 1e-3, 0.25, 0.5, 0.99, 1)):
        exact = ns.exact_gamma(p, block, h, w)
        np.testing.assert_allclose(ns.drop_rate(exact, block, h, w).mean(), p, atol=1e-9)
        assert ns.paper_gamma(p, block, h, w) <= exact + 1e-12
        np.testing.assert_allclose(
            ns.paper_gamma(p, block, h, w) * block**2 * (h - block + 1) * (w - block + 1), p * h * w, atol=1e-12
        )


# The masks themselves.


def check_masks(ns):
    rng = np.random.default_rng(0)
    for block, h, w in ((1, 5, 4), (2, 5, 4), (3, 5, 4), (4, 5, 4)):
        seeds = rng.random((3, 2, h - block + 1, w - block + 1)) < 0.2
        before = torch.tensor(seeds)
        grown = ns.grow(before, block).numpy()
        assert (before.numpy() == seeds).all()
        for n, c in product(range(3), range(2)):
            assert (grown[n, c] == squares(seeds[n, c], block, h, w)).all()
    shape = (400, 5, 6, 6)
    for kind, p in product(ns.KINDS, (0, 0.3, 1)):
        mask = ns.feature_mask(shape, p, kind, generator=generator())
        assert mask.dtype == torch.bool
        assert mask.shape == shape
        assert p not in (0, 1) or (mask == (p == 0)).all()
        assert abs(1 - mask.double().mean() - p) < 0.03  # at least 2000 independent draws
        assert torch.equal(mask, ns.feature_mask(shape, p, kind, generator=generator()))
    unit, whole = (ns.feature_mask(shape, 0.3, kind, generator=generator()) for kind in ("unit", "map"))
    assert (whole == whole[:, :, :1, :1]).all()
    assert len(torch.unique(whole[:, :, 0, 0], dim=0)) > 25  # examples and channels have coins of their own
    assert len(torch.unique(unit.flatten(1), dim=0)) == 400
    for block, other in ((1, "unit"), (6, "map")):
        same = ns.feature_mask(shape, 0.3, "block", block, generator())
        assert torch.equal(same, ns.feature_mask(shape, 0.3, other, generator=generator()))
    refused("p must be in [0, 1], got 1.2", ns.feature_mask, shape, 1.2)
    refused("p must be in [0, 1], got nan", ns.feature_mask, shape, float("nan"), "map")
    refused("block must be a whole number from 1 to 6 on a 6 x 6 map, got 7", ns.feature_mask, shape, 0.5, "block", 7)
    refused("got 2.5", ns.feature_mask, shape, 0.5, "block", 2.5)
    refused("(n, c, h, w)", ns.feature_mask, shape[1:], 0.5)


def check_layer(ns):
    x = torch.randn(300, 4, 6, 6, generator=generator())
    for kind, dtype in product(ns.KINDS, FLOATS):
        given_x = x.to(dtype)
        before = given_x.clone()
        for p in (0, 0.25, np.float64(0.25), 1):
            layer = ns.FeatureDropout(p, kind, 3, generator())
            y, still = layer(given_x), layer.eval()(given_x)
            assert torch.equal(given_x, before)
            assert y.dtype == dtype
            assert y.shape == x.shape
            assert torch.equal(still, given_x)
            assert all(a.data_ptr() != given_x.data_ptr() for a in (y, still))
            kept = y != 0
            expected = torch.where(kept, given_x, 0).double() / (1 - p if p < 1 else 1)
            torch.testing.assert_close(y.double(), expected, rtol=4 * torch.finfo(dtype).eps, atol=0)
            assert p not in (0, 1) or kept.all() == (p == 0)
            assert p != 1 or not kept.any()
    y = torch.stack([ns.FeatureDropout(0.25, "map")(torch.ones(500, 4, 2, 2)) for _ in range(4)])
    assert abs(y.mean() - 1) < 0.05
    leaf = torch.ones(8, 4, 6, 6, requires_grad=True)
    y = ns.FeatureDropout(0.5, "block", 2)(leaf)
    y.sum().backward()
    assert torch.equal(leaf.grad, (y != 0) * 2.0)
    for p in (-0.1, 1.2, float("nan")):
        refused(f"p must be in [0, 1], got {p}", ns.FeatureDropout, p)
    refused("block must be a whole number", ns.FeatureDropout(0.5, "block", 0), x)
    refused("block must be a whole number from 1 to 2", ns.FeatureDropout(0.5, "block", 3), torch.ones(1, 1, 2, 5))
    refused("kind", ns.FeatureDropout, 0.5, "row")
    for wrong in (x[0], x.int(), x > 0):
        refused("maps (n, c, h, w) of floats", ns.FeatureDropout(0.5), wrong)
        refused("maps (n, c, h, w) of floats", ns.FeatureDropout(0.5).eval(), wrong)


# Stochastic depth.


def check_depth(ns):
    assert ns.linear_decay(Fraction(1, 2), 4) == [Fraction(k, 8) for k in (1, 2, 3, 4)]
    for p, n in ((0.5, 1), (0, 3), (1, 5)):
        assert ns.linear_decay(p, n)[-1] == p
        assert len(ns.linear_decay(p, n)) == n
    for wrong in ((1.2, 3), (float("nan"), 3), (0.5, 0), (0.5, 2.5)):
        refused("p must be in [0, 1] and n_blocks", ns.linear_decay, *wrong)
    x = torch.randn(4000, 6, 2, 2, generator=generator()) + 10
    for dtype, p in product(FLOATS, (0, 0.25, 1)):
        given_x = x[:50].to(dtype)
        before, layer = given_x.clone(), ns.DropPath(p, 3, generator())
        y = layer(given_x)
        assert y.dtype == dtype
        assert torch.equal(given_x, before)
        assert torch.equal(layer.eval()(given_x), given_x)
        assert layer(given_x).data_ptr() != given_x.data_ptr()
        assert p != 0 or torch.equal(y, given_x)
        assert p != 1 or (y == 0).all()
    y = ns.DropPath(0.25, 3, generator())(x)
    kept = (y != 0).unflatten(1, (3, 2)).flatten(2)
    assert (kept == kept[..., :1]).all()  # a branch falls as a whole,
    assert len(torch.unique(kept[..., 0], dim=0)) == 8  # for each example and group by itself
    torch.testing.assert_close(y[y != 0], x[y != 0] / 0.75)
    assert abs(kept.double().mean() - 0.75) < 0.03
    for p, groups in ((-0.1, 1), (1.2, 1), (float("nan"), 1), (0.5, 0)):
        refused("p must be in [0, 1] and groups", ns.DropPath, p, groups)
    for wrong in (x[0], x.int(), x[:, :5]):
        refused("maps of floats in 3 groups", ns.DropPath(0.5, 3), wrong)


# Seeds folded into channels: each seed's network is untouched by the others, masks and shifts included.


def check_seeds(ns):
    x = torch.rand(3, 10, 64, generator=generator())
    maps = ns.ToMaps()(x)
    assert maps.shape == (10, 3, 8, 8)
    assert torch.equal(maps[4, 1].flatten(), x[1, 4])
    assert torch.equal(ns.ToRows(3)(maps), x)
    for place in (None, *ns.KINDS, "flatten", "fc"):
        for norm in (False, True):
            model = ns.cnn(place, 0.5, norm=norm, shift=True, n_seeds=3)
            torch.manual_seed(1)
            first = model(x)
            changed = x.clone()
            changed[1] = 0
            torch.manual_seed(1)
            second = model(changed)
            assert first.shape == (3, 10, 10)
            assert [torch.allclose(a, b, atol=1e-5) for a, b in zip(first, second, strict=True)] == [True, False, True]
            assert torch.equal(model.eval()(x), model(x))
            weights = torch.nn.utils.parameters_to_vector(ns.cnn(None, norm=norm, n_seeds=3).parameters())
            assert torch.equal(torch.nn.utils.parameters_to_vector(model.parameters()), weights)
    refused("unknown place", ns.cnn, "before", 0.5)
    model = ns.resnet(0.5, 3, n_seeds=3)
    assert [block.drop.p for block in model if hasattr(block, "drop")] == pytest.approx([1 / 6, 1 / 3, 1 / 2])
    assert model(x).shape == (3, 10, 10)


def check_shift(ns):
    digit = torch.arange(64.0).reshape(8, 8)
    framed = torch.nn.functional.pad(digit, (1, 1, 1, 1))
    nine = {framed[i : i + 8, j : j + 8].flatten() for i, j in product(range(3), repeat=2)}
    x = digit.reshape(1, 1, 64).repeat(2, 900, 1)
    torch.manual_seed(0)
    y = ns.Shift()(x).flatten(0, 1)
    counts = [(y == shifted).all(1).sum().item() for shifted in nine]
    assert sum(counts) == 1800
    assert min(counts) > 120
    assert torch.equal(x, digit.reshape(1, 1, 64).repeat(2, 900, 1))
    assert torch.equal(ns.Shift().eval()(x), x)
    refused("(n_seeds, n, 64)", ns.Shift(), x[0])


# What the chapter measures with.


def check_measures(ns):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4000, 6, 7))
    blurred = noise.copy()
    blurred[:, :, 1:] += noise[:, :, :-1]
    blurred[:, 1:] += blurred[:, :-1].copy()
    assert abs(ns.correlation_at(noise, 1)) < 0.02
    assert abs(ns.correlation_at(blurred, 1) - 0.5) < 0.08  # 1/2 inside, a little more at the border
    assert abs(ns.correlation_at(blurred, 2)) < 0.02
    assert ns.correlation_at(np.repeat(noise[:, :1], 6, 1).swapaxes(1, 2).repeat(2, 2), 1) > 0.3
    for wrong in ((noise, 6), (noise, 0), (noise[0], 1)):
        refused("1 <= d < min(h, w)", ns.correlation_at, *wrong)

    kept = rng.random((6, 7)) < 0.5
    filled = ns.fill_in(blurred[2000:], kept, blurred[:2000])
    assert (filled[:, kept] == blurred[2000:, kept]).all()
    error = ((filled - blurred[2000:])[:, ~kept] ** 2).mean() / blurred[:, ~kept].var(0).mean()
    assert 0.1 < error < 0.9
    nothing = ns.fill_in(blurred[2000:], np.zeros((6, 7), bool), blurred[:2000])
    np.testing.assert_allclose(nothing, np.broadcast_to(blurred[:2000].mean(0), nothing.shape))

    x = rng.normal(size=(3, 2000, 2))
    half = x[..., 0] + rng.normal(size=(3, 2000))
    assert abs(ns.explained(half, x, 1000) - 0.5) < 0.06
    for (w, filter9), (_, patch) in product(ns.FILTERS.items(), ns.PATCHES.items()):
        terms = np.array(filter9) * np.array(patch)
        assert ns.variances(filter9, patch) == ((terms**2).sum(), terms.sum() ** 2), w


def check_study(ns):
    """One arm trains as the preamble's `train` does, and early stopping takes the best record of each seed."""
    data = ns.digits(50, 2, 0.2)
    ours, theirs = ns.cnn("unit", 0.5, n_seeds=2), ns.cnn("unit", 0.5, n_seeds=2)
    assert list(ns.course(ours, data, 8e-3, (2, 3))) == [2, 3]
    ns.train(theirs, data, steps=3, lr=8e-3, batch_size=40, every=100)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters()))
    numbers = ns.study(budgets=(20, 40), n_train=50, n_seeds=2)
    assert (numbers["val_stop"] == np.minimum(numbers["val_20"], numbers["val_40"])).all()
    assert numbers["val_stop"].shape == (2,)
    assert {name.split("_")[0] for name in numbers} == {"val", "test", "error"}


def check_alexnet(ns):
    counts = {name: fan_in * units + units for name, (fan_in, units) in ns.ALEXNET.items()}
    assert sum(counts.values()) == 60_965_224
    assert counts["conv 1"] == 34_944
    assert counts["fc 6"] == 37_752_832


CHECKS = [
    check_rates,
    check_masks,
    check_layer,
    check_depth,
    check_seeds,
    check_shift,
    check_measures,
    check_study,
    check_alexnet,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
def test_chapter(check):
    check(clean())


GUARD = """
        if not self.training:
            return x.clone()
"""
KEEP = "        keep = 1 - self.p\n        return"
FAULTS = {
    "a border forgotten in the count": (check_rates, "min(i + 1, size - i, block,", "min(i + 1, block,"),
    "the paper's gamma for the exact one": (check_rates, "low, high = 0.0", "return paper_gamma(p, block, h, w) #"),
    "halving the wrong half": (check_rates, "else (low, middle))\n    ret", "else (middle, high))\n    ret"),
    "no correction for the border": (check_rates, "h * w / ((h - block + 1) * (w - block + 1))", "1"),
    "blocks one too small": (check_masks, "i, j in product(range(block),", "i, j in product(range(max(1, block - 1)),"),
    "blocks cut to crosses": (check_masks, "j:j + w] |= seeds", "j:j + w] |= seeds & (i * j == 0)"),
    "seeds overwritten": (check_masks, "    return dropped\n", "    seeds |= True\n    return dropped\n"),
    "seeds at rate p": (check_masks, "drawn < exact_gamma(p, block, h, w)", "drawn < p"),
    "keep for drop": (check_masks, "(drawn >= p).expand", "(drawn < p).expand"),
    "> for >=": (check_masks, "(drawn >= p).expand", "(drawn > p + (p == 0)).expand"),
    "one coin for all examples": (check_masks, "torch.rand((n, *places, c)", "torch.rand((1, *places, c)"),
    "one coin for all channels": (check_masks, "torch.rand((n, *places, c)", "torch.rand((n, *places, 1)"),
    "the generator ignored": (check_masks, "places, c), generator=generator,\n", "places, c),\n"),
    "p = NaN accepted": (check_masks, """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be in [0, 1], got {p}")
    if block""", "\n    if block"),
    "blocks larger than the map": (check_masks, "if block not in range(1, min(h, w) + 1):", "if block < 1:"),
    "no rescaling": (check_layer, "self.generator, x.device) / (keep or 1)", "self.generator, x.device)"),
    "scaled twice": (check_layer, "x.device) / (keep or 1)", "x.device) / (keep or 1) ** 2"),
    "NaN at p = 1": (check_layer, "x.device) / (keep or 1)", "x.device) / torch.tensor(keep, dtype=x.dtype)"),
    "float32 leaks": (check_layer, "x.device) / (keep or 1)", "x.device).float() / (keep or 1)"),
    "active in evaluation": (check_layer, GUARD + KEEP, "\n" + KEEP),
    "the input itself in evaluation": (check_layer, GUARD + KEEP, GUARD.replace(".clone()", "") + KEEP),
    "in place": (check_layer, "return x * feature_mask(", "return x.mul_(2) * feature_mask("),
    "integers accepted": (check_layer, "if x.ndim != 4 or not x.is_floating_point():", "if x.ndim != 4:"),
    "constant p in depth": (check_depth, "p_last * block / n_blocks", "p_last"),
    "survival for dropping": (check_depth, "p_last * block / n_blocks", "1 - p_last * block / n_blocks"),
    "a path's coin for the whole batch": (check_depth, "torch.rand((len(x), self.g", "torch.rand((1, self.g"),
    "a path's coin for all groups": (check_depth, "torch.rand((len(x), self.groups)", "torch.rand((len(x), 1)"),
    "groups interleaved wrongly": (check_depth, "repeat_interleave(x.shape[1] // self.groups, 1)",
                                   "repeat(1, x.shape[1] // self.groups)"),
    "a path not rescaled": (check_depth, ":, :, None, None] / (keep or 1)", ":, :, None, None]"),
    "seeds that touch": (check_seeds, "padding=1, groups=n_seeds)", "padding=1)"),
    "seeds and examples swapped": (check_seeds, "unflatten(2, (8, 8)).transpose(0, 1)",
                                   "reshape(x.shape[1], x.shape[0], 8, 8)"),
    "channels as seeds": (check_seeds, "x.unflatten(1, (self.n_seeds, -1)).tr",
                          "x.unflatten(1, (-1, self.n_seeds)).transpose(1, 2).tr"),
    "arms with other weights": (check_seeds, "    torch.manual_seed(0)\n    def convolution", "    def convolution"),
    "a draw while it is built": (check_seeds, "check_block(p, 1, 1, 1)", "feature_mask((1, 1, 9, 9), p)"),
    "one shift for all": (check_shift, "(2, *x.shape[:2], 1, 1)", "(2, 1, 1, 1, 1)"),
    "shifts only down": (check_shift, "[:, None]) + left\n", "[:, None]) + 1\n"),
    "shifts in evaluation": (check_shift, GUARD + "        framed", "\n        framed"),
    "rows only": (check_measures, "(maps - maps.mean(0)).swapaxes(1, 2)):", ")[:1]:"),
    "kept pixels guessed too": (check_measures, "np.where(k, flat, mean)", "np.where(False, flat, mean)"),
    "scored against the wrong sum": (check_measures, "/ (y[:, n_fit:] ** 2).sum()", "/ (y**2).sum()"),
    "masks of another seed": (check_study, "torch.manual_seed(seed)                                     # for",
                              "torch.manual_seed(9)  # for"),
    "the worst record": (check_study, "looked[:, 0].argmin(0)", "looked[:, 0].argmax(0)"),
    "AlexNet on one GPU": (check_alexnet, '"conv 2": (5 * 5 * 48, 256)', '"conv 2": (5 * 5 * 96, 256)'),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(fault):
    check, old, new = FAULTS[fault]
    faulty = load(NAME, {old: new})
    with pytest.raises((AssertionError, RuntimeError, ValueError, IndexError)):
        check(faulty)


def test_every_check_is_shown_to_bite():
    assert {check for check, *_ in FAULTS.values()} == set(CHECKS)


@settings(max_examples=30, deadline=None)
@given(h=st.integers(1, 6), w=st.integers(1, 6), data=st.data(), p=st.floats(0, 1))
def test_any_block_on_any_map_drops_p_on_average(h, w, data, p):
    ns, block = clean(), data.draw(st.integers(1, min(h, w)))
    rate = ns.drop_rate(ns.exact_gamma(p, block, h, w), block, h, w)
    assert rate.shape == (h, w)
    assert rate.mean() == pytest.approx(p, abs=1e-9)
    assert rate == pytest.approx(rate[::-1, ::-1], abs=1e-12)  # borders are alike on all sides
    mask = ns.feature_mask((2000, 1, h, w), p, "block", block, generator(1)).double().mean((0, 1)).numpy()
    assert (np.abs(1 - mask - rate) < 6 * np.sqrt(rate * (1 - rate) / 2000) + 2e-3).all()

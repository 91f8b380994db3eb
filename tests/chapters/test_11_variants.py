"""The functions of chapter 11: each member's mean, variance and sharing, its limits, and faults that are caught."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from notebook import load, refused

NAME = "11-variants"
BAD_P = (-0.1, 1.2, math.nan)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COINS = ("standard", "DropBlock", "sequence", "spatial", "DropPath")


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def check_noises(ns):
    """Mean and variance of the four noises; which side is dropped; the coin as the limit of the relaxed one."""
    assert ns.ALPHA == pytest.approx(-1.7580993408473766, abs=1e-12)
    u = torch.tensor([0.1, 0.3, 0.6, 0.9], dtype=torch.float64)
    assert ns.coin(u, 0.3).tolist() == [0, 1 / 0.7, 1 / 0.7, 1 / 0.7]  # u = p is kept
    for p in (0.1, 0.25, 0.5, 0.8):
        ratio = p / (1 - p)
        for noise in (ns.coin, ns.gaussian):
            assert ns.unit_moments(noise, p) == pytest.approx((1, ratio), rel=1e-4)
        assert torch.allclose(ns.relaxed(u, p + 0.04, 1e-4), ns.coin(u, p + 0.04), atol=1e-9)
        assert (ns.relaxed(u, p).diff() >= 0).all()
        mean, variance, one = ns.alpha_moments(p)
        assert (mean, variance) == pytest.approx((0, 1), abs=1e-9)
        assert 0 < one < 1
    assert ns.unit_moments(ns.relaxed, 0.5)[0] == pytest.approx(1, abs=1e-6)
    for noise, dtype in product((ns.coin, ns.gaussian, ns.relaxed, ns.alpha), (torch.float32, torch.float64)):
        assert noise(torch.rand(5, dtype=dtype), 0.3).dtype == dtype
        assert (noise(torch.tensor([0.0, 0.5, 1 - 2**-24], dtype=dtype), 0) == 1).all()


def check_blocks(ns):
    """DropBlock: squares as drawn by hand, the share p on average, and the other two masks at its ends."""
    for size, h, w in ((1, 3, 4), (2, 3, 4), (2, 5, 5), (3, 3, 4)):
        for p in (0, 0.2, 0.5, 1):
            gamma = ns.seed_rate(p, h, w, size)
            seeds = torch.rand(400, 2, h - size + 1, w - size + 1, generator=seeded())
            fallen = np.zeros((400, 2, h, w), bool)
            for i, j in product(range(h - size + 1), range(w - size + 1)):
                fallen[:, :, i : i + size, j : j + size] |= (seeds[:, :, i, j] < gamma).numpy()[..., None, None]
            if p < 1:
                assert ((ns.block(seeds, p, size) == 0).numpy() == fallen).all()
            assert abs(fallen.mean() - p) < 0.05
    assert ns.seed_rate(0.3, 4, 4, 1) == pytest.approx(0.3)
    assert ns.seed_rate(0.3, 4, 4, 4) == pytest.approx(0.3)


def check_shapes(ns):
    """Who shares a draw: the axes along which a member's noise is equal, and how many numbers it takes."""
    expected = {"standard": (120, ""), "DropBlock": (60, ""), "sequence": (24, "h"), "spatial": (6, "hw"),
                "concrete": (6, "hw"), "DropPath": (2, "chw"), "Gaussian": (120, ""), "AlphaDropout": (120, ""),
                "DropConnect": (120, ""), "scheduled": (120, "")}  # fmt: skip
    assert set(expected) == set(ns.FAMILY)
    for name, (count, shared) in expected.items():
        assert math.prod(ns.FAMILY[name].draws(2, 3, 5, 4)) == count + 12 * (name == "DropBlock")
        y = ns.drop(torch.ones(200, 3, 5, 4), name, 0.5, seeded())
        assert "".join(ns.fingerprint(y)[1]) == shared
        assert len(y.flatten(1).unique(dim=0)) >= 2  # examples draw for themselves
        torch.manual_seed(3)
        first = ns.noise(name, (2, 3, 5, 4), 0.5, seeded(1))
        torch.manual_seed(4)
        assert torch.equal(first, ns.noise(name, (2, 3, 5, 4), 0.5, seeded(1)))


def check_drop(ns):
    """dtype, no mutation, both ends of p, evaluation, moments by sampling, the library's values, bad input."""
    x = torch.randn(2, 3, 4, 4, generator=seeded())
    for name, dtype in product(ns.FAMILY, FLOATS):
        given = x.to(dtype)
        before = given.clone()
        for p in (0, 0.3, np.float64(0.3), 1):
            y = ns.drop(given, name, p, seeded())
            assert y.dtype == dtype
            assert y.shape == x.shape
            assert y.isfinite().all()
            assert y.data_ptr() != given.data_ptr()
            assert p != 0 or torch.equal(y, given)
            assert p != 1 or (y == 0).all()
        assert torch.equal(given, before)
    for name in ("standard", "Gaussian", "sequence", "spatial", "DropPath", "DropConnect", "scheduled"):
        y = ns.drop(torch.full((20_000, 2, 2, 2), 3.0), name, 0.2, seeded())
        assert (y.mean((0, 2, 3)) - 3).abs().max() < 0.1
        assert (y.var(0) / 9 - 0.25).abs().max() < 0.03
    z = torch.randn(40_000, 1, 2, 2, generator=seeded(5))
    y = ns.drop(z, "AlphaDropout", 0.3, seeded())
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.03
    for name, layer in (("standard", nn.Dropout(0.3)), ("spatial", nn.Dropout2d(0.3)),
                        ("AlphaDropout", nn.AlphaDropout(0.3))):  # fmt: skip
        ones = torch.ones(50, 4, 3, 3)
        assert ns.fingerprint(ns.drop(ones, name, 0.3)) == ns.fingerprint(layer(ones))
    for p in BAD_P:
        refused(f"p must be in [0, 1], got {p}", ns.drop, x, "standard", p)
        refused("p must be in [0, 1]", ns.Drop, "spatial", p)
    refused("x must hold floats", ns.drop, x.int(), "standard", 0.5)
    refused("shape must be (n, c, h, w)", ns.drop, x[0], "standard", 0.5)
    refused("name must be one of", ns.drop, x, "cutout", 0.5)
    refused("name must be one of", ns.Drop, "cutout", 0.5)
    refused("does not fit", ns.drop, x[..., :1], "DropBlock", 0.5)


def check_moments(ns):
    """The exact covariances against an enumeration of all draws, and what the chapter reads off them."""
    for name, p in product(COINS, (0.1, 0.5, 0.9)):
        pairs = zip(ns.noise_moments(name, p, 2, 2, 3), ns.enumerate_moments(name, p, 2, 2, 3), strict=True)
        assert all(np.allclose(a, b, atol=1e-9) for a, b in pairs)
        mean, covariance = ns.noise_moments(name, p)
        assert mean.mean() == pytest.approx(1)
        if name != "DropBlock":
            assert np.allclose(mean, 1)
            assert np.allclose(np.diag(covariance), p / (1 - p))
            assert covariance.mean() == pytest.approx(p / (1 - p) / len(ns.reach(name)))
    for name, size in zip(COINS, (1, 4, 4, 16, 128), strict=True):
        assert (ns.reach(name).sum(1) == size).all()


def check_concrete(ns):
    """The price and its gradient, the layer's shape of noise, p by seed, the identity in evaluation, learning."""
    p = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64, requires_grad=True)
    entropy = -(p * p.log() + (1 - p) * (1 - p).log())
    assert torch.allclose(ns.price(p, 30, 10), -3 * entropy)
    layer = ns.Concrete(2, 6, 0.3)
    assert layer.logit.sigmoid().tolist() == pytest.approx([0.3, 0.3])
    with torch.no_grad():
        layer.logit.copy_(torch.tensor([-4.0, 0.0]))
    torch.manual_seed(0)
    for rest in ((), (3, 2)):
        y = layer(torch.ones(3000, 2, 6, *rest))
        flat = y.reshape(3000, 2, 6, -1)
        assert (flat == flat[..., :1]).all()
        assert torch.allclose(
            (flat[..., 0] < 0.5).double().mean((0, 2)), torch.sigmoid(layer.logit).double(), atol=0.03
        )
        assert layer(torch.ones(4, 2, 6, *rest).half()).dtype == torch.float16
        y.square().sum().backward()
        assert (layer.logit.grad != 0).all()
    x = torch.rand(4, 2, 6)
    assert torch.equal(layer.eval()(x), x)
    data = {"train": (torch.rand(2, 40, 64), torch.randint(10, (2, 40)))}
    learned = []
    for priced in (False, True):
        model = ns.ConcreteMLP(2)
        ns.train_concrete(model, data, steps=120, lr=5e-3, batch_size=20, priced=priced)
        learned.append(model.drop.logit.sigmoid().mean().item())
    assert learned[0] < 0.15 < 0.3 < learned[1] < 0.55


def check_training(ns):
    """Without a price the loop is the preamble's; a member's losses are read off the records; widened intervals."""
    data, records = ns.digits(60, 2), []
    for act in (F.relu, F.selu):
        models = [ns.ResNet(None, 0, act, n_seeds=2, c=2) for _ in range(2)]
        records = ns.train_concrete(models[0], data, 20, 8e-3, 20, every=10)
        history = ns.train(models[1], data, 20, lr=8e-3, batch_size=20, every=10)
        assert np.allclose([val for val, *_ in records], history["val_loss"], atol=1e-4)
        assert np.allclose(records[-1][1:], ns.evaluate(models[1], *data["test"]), atol=1e-3)
    found = ns.member_losses("none", 0, steps=64, n_train=60, n_seeds=5)
    assert set(found) == {f"{metric} {look}" for metric in ("val", "test", "error") for look in ns.LOOKS}
    assert (found["test end"] != found["test early"]).all()
    assert (found["val stopped"] <= np.minimum(found["val early"], found["val end"])).all()
    assert (0 <= found["error end"]).all() and (found["error end"] <= 1).all()
    tried = []

    def run(name, p, lr):
        tried.append(lr)
        best = {"early": 1.6e-2, "end": 2e-3, "stopped": 8e-3}
        return {f"{metric} {look}": np.full(3, abs(math.log(lr / rate))) for look, rate in best.items()
                for metric in ("val", "test")}  # fmt: skip

    arm = ns.member_arm("none", 0, run)
    assert [arm[f"rate {look}"][0] for look in ns.LOOKS] == [1.6e-2, 2e-3, 8e-3]
    assert all((arm[f"test {look}"] == 0).all() for look in ns.LOOKS)
    assert sorted(tried) == [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2]
    for sign in (1, -1):  # the best rate at an end of the ladder
        refused("a rate at the end of LADDER is the best", ns.member_arm, "none", 0,
                lambda name, p, lr, sign=sign: {f"val {look}": np.full(3, sign * lr) for look in ns.LOOKS})  # fmt: skip
    assert "p" in ns.member_losses("concrete", 0.2, steps=16, n_train=60, n_seeds=5)
    assert (ns.learned_p(60, steps=5, n_seeds=2)["p"] > 0.05).all()
    assert ns.widen(1) == 1
    assert ns.widen(5, n_seeds=12) == pytest.approx(3.1058 / 2.2010, rel=1e-3)


def check_schedule(ns):
    """The schedule rises from 0 to p, and the layer follows it, in training only."""
    ps = [ns.rising(0.6)(step) for step in range(0, 400, 20)]
    assert ps[0] == 0
    assert all(a < b for a, b in pairwise(ps))
    assert ps[-1] == pytest.approx(0.6, abs=1e-3)
    layer, x = ns.Drop("scheduled", lambda step: step / 10), torch.ones(20, 20, 10, 10)
    assert torch.equal(layer.eval()(x), x)
    layer.train()
    assert [round((layer(x) == 0).double().mean().item(), 1) for _ in range(11)] == [i / 10 for i in range(11)]


def check_network(ns):
    """Equal weights for all arms, seeds that do not touch, the branch by hand, DropConnect on weights only."""
    flat, x = nn.utils.parameters_to_vector, torch.rand(3, 6, 64, generator=seeded())
    changed = x.clone()
    changed[1] = 0
    for name in (None, *ns.FAMILY):
        model = ns.ResNet(name, 0.5, n_seeds=3, c=4)
        weights = [w for key, w in model.named_parameters() if "logit" not in key]
        assert torch.equal(flat(weights), flat(ns.ResNet(n_seeds=3, c=4).parameters()))
        outputs = []
        for images in (x, changed):
            torch.manual_seed(1)
            outputs.append(model.train()(images))
        assert outputs[0].shape == (3, 6, 10)
        assert [torch.allclose(a, b, atol=1e-5) for a, b in zip(*outputs, strict=True)] == [True, False, True]
        torch.manual_seed(2)
        assert torch.allclose(model(x), outputs[0]) == (name is None)
        assert torch.equal(model.eval()(x), model(x))
    branch = ns.Branch(2, 3, "DropPath", 0.5, F.relu)
    images = torch.rand(400, 6, 4, 4, generator=seeded()) + 0.1
    added = (branch(images) - images).unflatten(1, (2, 3)).flatten(2)
    whole = (branch.eval()(images) - images).unflatten(1, (2, 3)).flatten(2)
    kept = (added.abs() > 1e-6).any(2, keepdim=True)  # each example of each seed keeps its branch or loses it
    assert torch.allclose(added, 2 * kept * whole, atol=1e-5)
    assert len(kept.flatten(1).unique(dim=0)) == 4
    branch = ns.Branch(1, 3, "DropConnect", 0.5, F.relu)
    one = images[:1, :3].expand(5, 3, 4, 4)
    assert torch.allclose(branch(one)[0], branch(one)[0]) is False
    y = branch(one)
    assert torch.allclose(y, y[:1].expand_as(y), atol=1e-6)  # the batch shares the weights' mask


CHECKS = [check_noises, check_blocks, check_shapes, check_drop, check_moments, check_concrete, check_schedule,
          check_training, check_network]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


COIN = "return (u >= p).to(u.dtype) / (1 - p)"
FAULTS = {
    "an early loss that is the last": (check_training, "np.array(records[4])", "np.array(records[-1])"),
    "each seed stopped at the first record": (check_training, "[:, 0].argmin(0)", "[:, 0].argmin(0) * 0"),
    "a rate at the edge": (check_training, "first < min(best.values()) and max(best.values()) < last", "True"),
    "one rate for all looks": (check_training, 'runs[k][f"val {look}"]', 'runs[k]["val end"]'),
    "no correction for many rows": (check_training, "t(1 - 0.025 / rows)", "t(1 - 0.025)"),
    "keep for drop": (check_noises, COIN, "return (u < p).to(u.dtype) / (1 - p)"),
    "> for >=": (check_noises, COIN, "return (u > p + 1e-12).to(u.dtype) / (1 - p)"),
    "no rescaling": (check_noises, COIN, "return (u >= p).to(u.dtype)"),
    "variance for standard deviation": (check_noises, "1 + math.sqrt(p / (1 - p)) *", "1 + p / (1 - p) *"),
    "Gaussian of mean zero": (check_noises, "return 1 + math.sqrt", "return math.sqrt"),
    "an infinite quantile": (check_noises, "ndtri(\n        u.clamp(1e-6, 1 - 1e-6))", "ndtri(u)"),
    "soft coin reversed": (check_noises, "torch.logit(u, 1e-6) - logit_p)", "logit_p - torch.logit(u, 1e-6))"),
    "soft coin not rescaled": (check_noises, "- logit_p) / temperature) / (1 - p)", "- logit_p) / temperature)"),
    "alpha's factor upside down": (check_noises, "(1 + p * ALPHA**2)) ** -0.5", "(1 + p * ALPHA**2)) ** 0.5"),
    "the wrong alpha": (check_noises, "F.selu(torch.tensor(-100.0,", "F.elu(torch.tensor(-100.0,"),
    "seeds at rate p": (check_blocks, "low, high = 0.0, 1.0", "return p\n    low, high = 0.0, 1.0"),
    "a border forgotten": (check_blocks, "min(i + 1, n - i, size,", "min(i + 1, size,"),
    "blocks one too small": (check_blocks, "F.max_pool2d(seeds, size, stride=1)",
                             "F.max_pool2d(seeds, size - 1 or 1, stride=1)[..., :h, :w]"),
    "time and features confused": (check_shapes, "return n, c, 1, w", "return n, c, h, 1"),
    "one coin for all maps": (check_shapes, "return n, c, 1, 1", "return n, 1, 1, 1 "),
    "one coin for the batch": (check_shapes, "\n    return n, 1, 1, 1\n", "\n    return 1, 1, 1, 1\n"),
    "the generator ignored": (check_shapes, "draws(*shape), generator=generator, **kind)", "draws(*shape), **kind)"),
    "nan at p = 1": (check_drop, " if p < 1 else torch.zeros(shape, **kind)", ""),
    "p unchecked": (check_drop, "if not 0 <= p <= 1:", "if False:"),
    "rank unchecked": (check_drop, "if len(shape) != 4:", "if len(shape) < 3:"),
    "integers accepted": (check_drop, "if not x.is_floating_point():", "if False:"),
    "dtype promoted": (check_drop, "return y.to(x.dtype)", "return y"),
    "in place": (check_drop, "    y = x * s\n", "    y = x.mul_(s.to(x.dtype))\n"),
    "dropped to zero in AlphaDropout": (check_drop, "if member.centre and p < 1:", "if False:"),
    "pairs counted twice": (check_moments, "single - fall.T @ fall)", "single)"),
    "p for the seeds' rate": (check_moments, 'q = 1 - (seed_rate(p, h, w) if name == "DropBlock" else p)', "q = 1 - p"),
    "a fine in place of a pay": (check_concrete, "return inputs / n * (p", "return -inputs / n * (p"),
    "the price of another n": (check_concrete, "return inputs / n * (p", "return inputs / n**2 * (p"),
    "a coin for each unit": (check_concrete, "extent = (1,) * (x.ndim - 3)", "extent = x.shape[3:]"),
    "seeds' p exchanged": (check_concrete, "self.logit.sigmoid().reshape", "self.logit.sigmoid().flip(0).reshape"),
    "p not learned": (check_concrete, "u, self.logit.sigmoid()", "u, self.logit.detach().sigmoid()"),
    "the price not added": (check_concrete, "for layer in layers if priced else ():", "for layer in ():"),
    "a schedule that falls": (check_schedule, "p * (1 - math.exp(-rate * step))", "p * math.exp(-rate * step)"),
    "steps not counted": (check_schedule, "self.step += 1", "self.step += 0"),
    "arms with other weights": (check_network, "        torch.manual_seed(0)\n        self.stem", "        self.stem"),
    "seeds that touch": (check_network, "F.conv2d(a, weight, padding=1, groups=self.n_seeds)",
                         "F.conv2d(a, weight.repeat(1, self.n_seeds, 1, 1), padding=1)"),
    "one draw for all seeds": (check_network, "a.reshape(len(a) * self.n_seeds, -1, *a.shape[2:])", "a"),
    "DropConnect on units": (check_network, 'if self.name == "DropConnect":', 'if self.name == "dropconnect":'),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_seen(fault):
    check, old, new = FAULTS[fault]
    faulty = load(NAME, {old: new})
    with pytest.raises((AssertionError, RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError)):
        check(faulty)


def test_every_check_is_shown_to_bite():
    assert {check for check, *_ in FAULTS.values()} == set(CHECKS)

"""Chapter 5: copies of units, masked worlds, per-layer p, max-norm as a projection; planted faults are seen."""

import functools
import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook import load, refused

NAME = "05-mlp"
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
clean = functools.cache(lambda: load(NAME))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Copies of hidden units, and the noise that they leave.


def check_copies(ns):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 4))
    for k, dtype in product((1, 2, np.int64(5)), (np.float32, np.float64)):
        w_in, w_out = rng.standard_normal((4, 3)).astype(dtype), rng.standard_normal((3, 2)).astype(dtype)
        before = w_in.copy(), w_out.copy()
        wide_in, wide_out = ns.copies(w_in, w_out, k)
        assert wide_in.shape == (4, 3 * k)
        assert wide_out.shape == (3 * k, 2)
        assert wide_in.dtype == wide_out.dtype == dtype
        assert (w_in == before[0]).all()
        assert (w_out == before[1]).all()
        np.testing.assert_allclose(ns.relu_net(x, wide_in, wide_out), ns.relu_net(x, w_in, w_out), atol=1e-5)
    w_in, w_out = np.ones((4, 3)), np.ones((3, 2))
    for k in (0, -1, 1.5, 2.0, True, math.nan):
        refused("k must be a whole number >= 1", ns.copies, w_in, w_out, k)
    refused("w_in must be (d, h) and w_out (h, o), got (4, 3) and (2, 2)", ns.copies, w_in, w_out[:2], 2)
    refused("matrices of floats", ns.copies, w_in.astype(int), w_out, 2)
    refused("matrices of floats", ns.copies, w_in, w_out[:, 0], 2)


def check_equal_noise(ns):
    for p, k in product((Fraction(0), Fraction(1, 5), Fraction(3, 4)), (Fraction(1, 16), 1, 3)):
        q = ns.equal_noise_p(p, k)
        assert q / (1 - q) == k * p / (1 - p)
        assert ns.equal_noise_p(q, 1 / Fraction(k)) == p
    assert ns.equal_noise_p(1, 3) == 1
    assert ns.equal_noise_p(0.0, 3) == 0
    for p in (-0.1, 1.2, math.nan):
        refused("p must be in [0, 1], got", ns.equal_noise_p, p, 2)
        refused("p must be in [0, 1], got", ns.output_moments, [1, 2], p)
        refused("p must be in [0, 1], got", ns.views, ns.WORLDS["one pixel decides"], p)
    for k in (0, -1, math.nan, math.inf):
        refused("k must be a positive number", ns.equal_noise_p, 0.5, k)


def check_moments(ns):
    for p in (Fraction(0), Fraction(1, 3), Fraction(4, 5)):
        terms = [2, -3, Fraction(1, 2)]
        assert ns.output_moments(terms, p) == (sum(terms), p / (1 - p) * sum(t**2 for t in terms))


# The best rule under masks on the input.


def check_worlds(ns):
    for name, world in ns.WORLDS.items():
        for p in (Fraction(0), Fraction(1, 3), Fraction(1)):
            seen = ns.views(world, p)
            assert sum(map(sum, seen.values())) == 1
            assert all(set(view) <= {-1, 0, 1} for view in seen)
            assert 0 <= ns.best_error(world, p) <= Fraction(1, 2)
        assert ns.best_error(world, Fraction(0)) == 0
        assert ns.best_error(world, Fraction(1)) == Fraction(1, 2)
        errors = [ns.best_error(world, Fraction(i, 8)) for i in range(9)]
        assert errors == sorted(errors), name
    always = [((1, -1), 1), ((1, 1), 1)]  # nothing to know, nothing to lose
    assert ns.best_error(always, Fraction(1, 2)) == 0
    for k, p in product((1, 2), (Fraction(1, 4), Fraction(1, 2))):
        assert ns.copied_error(k, p) == p**k / 2


# Networks with a p for each layer.


def check_network(ns):
    x = torch.rand(ns.N_SEEDS, 6, 64, generator=generator())
    plain = ns.network((64, 12, 8, 10), (0, 0, 0))
    for ps in ((0.3, 0, 0), (0, 0.3, 0), (0.1, 0.2, 0.3), (0, 0, 1)):
        model = ns.network((64, 12, 8, 10), ps)
        before = x.clone()
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))
        assert model(x).shape == (ns.N_SEEDS, 6, 10)
        assert not torch.equal(model(x), plain(x))
        assert torch.equal(model.eval()(x), plain.eval()(x))
        assert torch.equal(x, before)
        assert [layer.p for layer in model if isinstance(layer, torch.nn.Dropout)] == list(ps)
        plain.train()
    torch.manual_seed(1)
    dropped = ns.network((64, 12, 10), (0.25, 0))[0](torch.ones(ns.N_SEEDS, 400, 64))
    assert abs((dropped == 0).double().mean() - 0.25) < 0.01
    assert (ns.network((64, 8, 10), (0, 1))(x) == ns.network((64, 8, 10), (0, 1))(2 * x)).all()
    refused("3 sizes need 2 drop probabilities, got 3", ns.network, (64, 8, 10), (0, 0, 0))
    for p in (-0.1, 1.1, math.nan):
        refused("p must be in [0, 1], got", ns.network, (64, 8, 10), (0, p))
        refused("p must be in [0, 1], got", ns.network, (64, 8, 10), (p, 0))
        refused("p must be in [0, 1], got", ns.small_cnn, "fc", p)
        refused("p must be in [0, 1], got", ns.small_cnn, "conv", 0, p)
    assert ns.n_parameters(64, 12, 8, 10) * ns.N_SEEDS == sum(w.numel() for w in plain.parameters())


def check_fit(ns):
    data = ns.digits(40, ns.N_SEEDS, 0.2)
    for ps in ((0, 0), (0.3, 0.5)):
        run = ns.fit(ns.network((64, 8, 10), ps), data, lr=1e-2, steps=20, every=10)
        model = ns.network((64, 8, 10), ps)
        history = ns.train(model, data, steps=20, lr=1e-2, batch_size=32, every=10)  # the preamble's loop
        assert list(run) == [10, 20]
        np.testing.assert_allclose([row[0] for row in run.values()], history["val_loss"][1:], rtol=1e-5)
        np.testing.assert_allclose(run[20][1:], ns.evaluate(model, *data["test"]), rtol=1e-5)


def check_outcome(ns):
    """Runs whose best rate is known: rate 5 of RATES at step 50, rate 1 at step 100, and seeds that stop apart."""
    asked = []

    def run(rate):
        k = ns.RATES.index(rate)
        asked.append(k)
        early, late = np.full(10, abs(k - 5) + 1.5), np.full(10, abs(k - 1) + 1.0)
        early[0] = -9  # this seed's best step is the first
        return {50: np.array([early, early + k, early]), 100: np.array([late, late + k, late])}

    found = ns.outcome(run, (50, 100))
    assert sorted(asked) == list(range(7))  # the grid grew on both sides until no best rate was at its edge
    assert set(found["rate 50"]) == {ns.RATES[5]}
    assert set(found["rate 100"]) == set(found["rate stopped"]) == {ns.RATES[1]}
    assert found["loss 50"][1] == found["val 50"][1] + 5
    assert found["error 100"][1] == 100 * found["val 100"][1]
    assert found["val stopped"].tolist() == [-9] + [1.0] * 9
    fixed = ns.outcome(run, (50,), rate=ns.RATES[3])
    assert set(fixed) == {f"{what} {end}" for what in ("val", "loss", "error", "rate") for end in (50, "stopped")}
    assert fixed["val 50"][1] == 3.5
    refused("a rate at the end of RATES is the best", ns.outcome, lambda rate: {50: np.full((3, 10), -rate)}, (50,))


def check_arms(ns):
    arm = ns.mlp_arm((64, 8, 10), (0, 0.5), budgets=(50,), rate=1e-2, n_train=40)
    again = ns.fit(ns.network((64, 8, 10), (0, 0.5)), ns.digits(40, ns.N_SEEDS, 0.2), lr=1e-2, steps=50)[50]
    assert np.array_equal(arm["loss 50"], again[1])
    cnn = ns.cnn_arm("fc", 0, 0.5, budgets=(50,), rate=1e-2, n_train=40)
    again = ns.fit(ns.small_cnn("fc", 0, 0.5), ns.digits(40, ns.N_SEEDS, 0.2), lr=1e-2, steps=50)[50]
    assert np.array_equal(cnn["loss 50"], again[1])
    short = ns.bounded_arm(0, 1, 3e-2, budgets=(50,), n_train=40)
    long = ns.bounded_arm(0, 0, 3e-2, budgets=(50,), n_train=40)
    assert (short["longest"] < 1.2).all() and (long["longest"] > 1.2).all()


def check_cnn(ns):
    x = torch.rand(ns.N_SEEDS, 6, 64, generator=generator())
    for heavy in ("fc", "conv"):
        model = ns.small_cnn(heavy, 0.5, 0.5)
        widths = []
        for layer in model:
            if isinstance(layer, torch.nn.Dropout):
                layer.register_forward_pre_hook(lambda _, given, widths=widths: widths.append(given[0][0, 0].numel()))
        assert model(x).shape == (ns.N_SEEDS, 6, 10)
        assert widths == [128, 128]
        sizes = {kind: sum(w.numel() for layer in model if isinstance(layer, kind) for w in layer.parameters())
                 for kind in (ns.Conv, ns.Linear)}  # fmt: skip
        assert (sizes[ns.Conv] > 2 * sizes[ns.Linear]) if heavy == "conv" else (sizes[ns.Linear] > 2 * sizes[ns.Conv])
    assert [type(layer) for layer in ns.small_cnn("fc")] == [type(layer) for layer in ns.small_cnn("conv")]
    conv, theirs = ns.Conv(2, 3, 5), torch.nn.Conv2d(3, 5, 3, 2, 1)
    theirs.weight.data = conv.linear.weight[0].T.unflatten(1, (3, 3, 3))
    theirs.bias.data = conv.linear.bias[0, 0]
    maps = torch.rand(2, 4, 8, 6, 3, generator=generator())
    torch.testing.assert_close(conv(maps)[0], theirs(maps[0].movedim(3, 1)).movedim(1, 3))
    refused("heavy must be 'fc' or 'conv'", ns.small_cnn, "rnn")
    assert ns.conv_parameters(3, 3, 5) == sum(w.numel() for w in theirs.parameters())


# Max-norm.


def check_max_norm(ns):
    for dtype, c in product(FLOATS, (0.5, 2, 1e3)):
        weight = (3 * torch.randn(4, 7, 9, generator=generator())).to(dtype)
        weight[0, :, 0] = 0
        before = weight.clone()
        short, eps = ns.max_norm(weight, c), 8 * torch.finfo(dtype).eps
        assert torch.equal(weight, before)
        assert short.dtype == dtype
        assert short.data_ptr() != weight.data_ptr()
        length, new = (w.double().norm(dim=1) for w in (weight, short))
        assert torch.isfinite(short).all()
        assert (new <= c * (1 + eps)).all()
        assert torch.equal(short.mT[length < c * (1 - eps)], weight.mT[length < c * (1 - eps)])
        long = length > c * (1 + eps)
        torch.testing.assert_close(new[long], torch.full_like(new[long], c), rtol=eps, atol=0)
        torch.testing.assert_close(
            short.double() * length[:, None], weight.double() * new[:, None], rtol=eps, atol=1e-3 * eps
        )
        assert torch.equal(short[2], ns.max_norm(weight[2], c))  # each matrix of the stack by itself
    for c in (0, -1, math.nan, math.inf):
        refused("c must be a positive number", ns.max_norm, torch.ones(2, 2), c)
    for weight in (torch.ones(3), torch.ones(2, 2).long(), np.ones((2, 2)), 1.0):
        refused("weight must be a tensor of floats", ns.max_norm, weight, 1.0)


def check_max_norm_layer(ns):
    x = torch.rand(ns.N_SEEDS, 6, 64, generator=generator())
    model = ns.network((64, 5, 10), (0, 0), ns.max_norm_linear(0.4))
    plain = ns.network((64, 5, 10), (0, 0))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))
    model(x).square().sum().backward()
    for layer in (model[1], model[-1]):
        assert (layer.weight.norm(dim=1) <= 0.4 * (1 + 1e-5)).all()
        assert layer.weight.grad.any()
    assert not torch.equal(model[1].weight, plain[1].weight)
    loose = ns.network((64, 5, 10), (0, 0), ns.max_norm_linear(100))
    assert torch.equal(loose(x), plain(x))


CHECKS = [
    check_copies,
    check_equal_noise,
    check_moments,
    check_worlds,
    check_network,
    check_fit,
    check_outcome,
    check_arms,
    check_cnn,
    check_max_norm,
    check_max_norm_layer,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(check):
    check(clean())


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.integers(0, 2**31), st.floats(0.01, 100))
def test_max_norm_is_the_nearest_point(seed, c):
    rng = np.random.default_rng(seed)
    weight, other = (torch.tensor(rng.normal(0, 10 ** rng.uniform(-2, 2), (5, 1))) for _ in range(2))
    near = clean().max_norm(weight, c)
    other = other * min(1, c / other.norm().item())
    assert (weight - near).norm() <= (weight - other).norm() * (1 + 1e-9)


FAULTS = [
    (check_copies, "np.repeat(w_out, k, axis=0) / np.asarray(k, w_out.dtype)", "np.repeat(w_out, k, axis=0)"),
    (check_copies, "np.repeat(w_in, k, axis=1)", "np.tile(w_in, k)"),
    (check_copies, "/ np.asarray(k, w_out.dtype)", "/ np.float64(k)"),
    (check_copies, "isinstance(k, bool) or ", ""),
    (check_equal_noise, "return k * check_p(p) / (1 - p + k * p)", "return 1 - (1 - check_p(p)) / k"),
    (check_equal_noise, "if not 0 < k < math.inf:", "if k <= 0:"),
    (check_equal_noise, "if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    (
        check_moments,
        "z = sum(m * t for m, t in zip(mask, terms)) / (1 - p)",
        "z = sum(m * t for m, t in zip(mask, terms))",
    ),
    (check_worlds, "return sum(map(min, views(world, p).values()))", "return sum(map(max, views(world, p).values()))"),
    (check_worlds, "tuple(a * m for a, m in zip(x, mask))", "tuple(a for a, m in zip(x, mask))"),
    (check_network, "layers = [nn.Dropout(check_p(ps[0])), linear", "layers = [nn.Dropout(0.0), linear"),
    (check_network, "in zip(ps[1:], sizes[1:], sizes[2:])", "in zip(ps, sizes[1:], sizes[2:])"),
    (check_network, "    if len(ps) != len(sizes) - 1:", "    if len(ps) < len(sizes) - 1:"),
    (check_fit, 'for part in ("val", "test"))\n            found', 'for part in ("test", "val"))\n            found'),
    (check_fit, "found[step] = np.array([val[0], *test])", "found[step] = np.array([val[1], *test])"),
    (check_outcome, "if first < min(places) and max(places) < last:", "if True:"),
    (check_outcome, "steps[:, :1].argmin(0", "steps[:, :1].argmax(0"),
    (check_outcome, "at(runs[rate], end)[0].mean()", "at(runs[rate], end)[1].mean()"),
    (check_outcome, "runs, best = {rate: run(rate)}, dict.fromkeys(ends, rate)", "runs, best = best_rates(run, ends)"),
    (check_arms, "fit(network(sizes, ps), data, lr,", "fit(network(sizes, ps[::-1]), data, lr,"),
    (check_arms, "fit(small_cnn(heavy, *ps), data, lr,", "fit(small_cnn(heavy, *ps[::-1]), data, lr,"),
    (check_arms, "max_norm_linear(c) if c else Linear, {}", "Linear, {}"),
    (check_cnn, '{"fc": (8, 96), "conv": (48, 16)}', '{"conv": (8, 96), "fc": (48, 16)}'),
    (check_cnn, ".unfold(2, 3, 2).unfold(3, 3, 2)", ".unfold(3, 3, 2).unfold(2, 3, 2)"),
    (check_cnn, "return kernel**2 * c_in * c_out + extra * c_out", "return kernel**2 * c_in * c_out + extra"),
    (check_max_norm, ".square().sum(-2, keepdim=True)", ".square().sum(-1, keepdim=True)"),
    (check_max_norm, "c / length.clamp(min=c)", "c / length"),
    (check_max_norm, "(weight * (c / length.clamp(min=c))).to(weight.dtype)", "weight * (c / length.clamp(min=c))"),
    (check_max_norm, "if not 0 < c < math.inf:", "if c <= 0:"),
    (check_max_norm_layer, "self.weight.copy_(max_norm(self.weight, c))", "max_norm(self.weight, c)"),
]


IDS = [f"{check.__name__}-{i}" for i, (check, _, _) in enumerate(FAULTS)]


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=IDS)
def test_planted_faults_are_seen(check, old, new):
    with pytest.raises((AssertionError, ValueError, IndexError, RuntimeError, TypeError)):
        check(load(NAME, {old: new}))

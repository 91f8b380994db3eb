"""The functions of chapter 8: exact where they claim to be, strict about bad input, and faults in them are caught."""

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from notebook import load

NAME = "08-batchnorm"
BAD_P = (-0.1, 1.2, math.nan)


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


def check_batch_norm(chapter):
    """Three seeds against three nn.BatchNorm1d: outputs, gradients and running statistics, training and evaluation."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = chapter.BatchNorm(3, 4), [nn.BatchNorm1d(4) for _ in range(3)]
    for step in range(6):
        x = 5 * torch.rand(3, 7, 4, generator=generator) + 1
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        for layer in (ours, *theirs):
            layer.train(step < 4)
        y, z = ours(a), torch.stack([layer(row) for layer, row in zip(theirs, b)])
        y.square().sum().backward(), z.square().sum().backward()
        assert torch.allclose(y, z, atol=1e-4)
        assert torch.allclose(a.grad, b.grad, atol=1e-3)
        for name in ("running_mean", "running_var"):
            assert torch.allclose(getattr(ours, name)[:, 0], torch.stack([getattr(t, name) for t in theirs]), atol=1e-5)
    for shape in ((3, 1, 4), (2, 7, 4), (3, 7, 5), (7, 4)):
        with pytest.raises(ValueError, match="x must be"):
            ours.train()(torch.rand(shape))
    assert ours.eval()(torch.rand(3, 1, 4)).shape == (3, 1, 4)


def check_ratio(chapter):
    """The closed form against enumeration in fractions, and its bounds."""
    for values in ((1, 2, 5), (-3, 0, 1, 1), (0, 7)):
        column = [(v,) for v in values]
        m, v = chapter.unit_moments(column, (1,), Fraction(0))
        assert (float(m), float(v)) == pytest.approx((np.mean(values), np.var(values)))
        for p in (Fraction(0), Fraction(1, 3), Fraction(9, 10)):
            mean, trained = chapter.unit_moments(column, (1,), p)
            assert mean == m
            assert chapter.variance_ratio(m, v, p) == v / trained
            assert chapter.variance_ratio(m, v, p) <= 1 - p
    assert chapter.variance_ratio(0.3, 0.5, 0) == 1
    assert chapter.variance_ratio(0.3, 0.5, 1) == 0
    for arguments in [*((0.4, 0.3, p) for p in BAD_P), (0.4, 0.0, 0.5), (0.4, -1, 0.5), (math.nan, 1, 0.5)]:
        with pytest.raises(ValueError, match="got"):
            chapter.variance_ratio(*arguments)


def check_dropout(chapter):
    """Inverted dropout on arrays: values, mean, dtype, no mutation, both ends of p, bad input."""
    x = np.random.default_rng(0).random((200, 300)) + 1
    for p in (0.1, 0.5, 0.8):
        before, y = x.copy(), chapter.dropout(x, p, np.random.default_rng(1))
        assert (x == before).all()
        assert abs((y == 0).mean() - p) < 0.01
        assert np.allclose(y[y != 0], (x / (1 - p))[y != 0])
        assert abs(y.mean() / x.mean() - 1) < 0.02
    for dtype in (np.float16, np.float32, np.float64):
        assert chapter.dropout(x.astype(dtype), np.float64(0.3), np.random.default_rng(1)).dtype == dtype
    assert (chapter.dropout(x, 0, np.random.default_rng(1)) == x).all()
    assert (chapter.dropout(x, 1, np.random.default_rng(1)) == 0).all()
    for p in BAD_P:
        with pytest.raises(ValueError, match="p must be"):
            chapter.dropout(x, p, np.random.default_rng(1))
    with pytest.raises(ValueError, match="floats"):
        chapter.dropout(np.arange(4), 0.5, np.random.default_rng(1))


def check_alpha_dropout(chapter):
    """AlphaDropout: PyTorch's two values, exact moments, identity in evaluation, dtype, no mutation, bad input."""
    assert chapter.ALPHA == pytest.approx(-1.7580993408473766, abs=1e-12)
    x = torch.full((2000,), 0.3)
    for p in (0.05, 0.5, 0.9):
        ours = chapter.alpha_dropout(x, p, generator=torch.Generator().manual_seed(0))
        assert torch.allclose(ours.unique(), nn.AlphaDropout(p)(x).unique(), atol=1e-5)
        assert abs((ours == ours.min()).double().mean() - p) < 0.05
        a, b = chapter.affine(p)
        cases = [((1 - p) / 2, -a + b), ((1 - p) / 2, a + b), (p, a * chapter.ALPHA + b)]
        assert sum(c * y for c, y in cases) == pytest.approx(0, abs=1e-12)
        assert sum(c * y * y for c, y in cases) == pytest.approx(1, abs=1e-12)
    assert (x == 0.3).all()
    assert chapter.alpha_dropout(x, 0.5, training=False).equal(x)
    assert torch.allclose(chapter.alpha_dropout(x, 0), x)
    assert (chapter.alpha_dropout(x, 1) == 0).all()
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert chapter.alpha_dropout(x.to(dtype), 0.3).dtype == dtype
    for p in BAD_P:
        with pytest.raises(ValueError, match="p must be"):
            chapter.alpha_dropout(x, p)
    for bad in (torch.arange(4), [0.1, 0.2]):
        with pytest.raises(ValueError, match="floats"):
            chapter.alpha_dropout(bad, 0.5)


def check_norms(chapter):
    """GroupNorm against PyTorch's, and what the chapter says of BatchNorm and LayerNorm through `stack`."""
    x = torch.rand(2, 5, 16, generator=torch.Generator().manual_seed(0))
    for groups in (1, 4, 8):
        theirs = nn.GroupNorm(groups, 16)
        assert torch.allclose(chapter.GroupNorm(2, 16, groups)(x)[1], theirs(x[1]), atol=1e-5)
    with pytest.raises(ValueError, match="multiple"):
        chapter.GroupNorm(2, 16, 3)
    ratio = chapter.variance_ratio(1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi), 0.5)
    for power, (trained, evaluated) in enumerate(zip(*chapter.stack(chapter.BatchNorm, 0.5, depth=3)), 1):
        assert (evaluated.var(0).mean() / trained.var(0).mean()).item() == pytest.approx(ratio**power, rel=0.15)
    for trained, evaluated in zip(*chapter.stack(chapter.GroupNorm, 0.5, depth=3)):
        assert (evaluated.square().mean() / trained.square().mean()).item() == pytest.approx(1, abs=1e-3)


def check_refresh(chapter):
    """`refresh` changes statistics only: without masks they are exact, with masks larger; the model stays as it was."""
    model = chapter.blocks(after=range(2), depth=2, width=32)
    before, x = copy.deepcopy(model.state_dict()), torch.rand(chapter.N_SEEDS, 200, 64)
    off, on = (chapter.refresh(model, x, masks) for masks in (False, True))
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    for copied in (off, on):
        assert not any(layer.training for layer in copied.modules())
        assert all(a.equal(b) for a, b in zip(copied.parameters(), model.parameters()))
    first, second = ([layer for layer in m if isinstance(layer, chapter.BatchNorm)] for m in (off, on))
    z = off[0](x)
    assert torch.allclose(first[0].running_mean, z.mean(1, keepdim=True), atol=1e-5)
    assert torch.allclose(first[0].running_var, z.var(1, keepdim=True), atol=1e-5)
    assert torch.allclose(second[0].running_var, first[0].running_var, atol=1e-5)  # no dropout before the first
    assert (second[1].running_var.mean() / first[1].running_var.mean()).item() > 1.5


def check_study(chapter):
    """An arm trains as the preamble's `train` does, and early stopping takes the best record of each seed."""
    data = chapter.digits(50, 2, 0.2)
    ours, theirs = (chapter.blocks(after=(0,), width=8, n_seeds=2) for _ in range(2))
    copies = chapter.snapshots(ours, data, 3e-3, records=(2, 3))
    chapter.train(theirs, data, steps=3, lr=3e-3, every=100)
    assert list(copies) == [2, 3]
    assert all(a.equal(b) for a, b in zip(copies[3].parameters(), theirs.parameters()))
    assert not all(a.equal(b) for a, b in zip(copies[2].parameters(), theirs.parameters()))
    numbers = chapter.study("after each", n_train=50, width=8, budgets=(10, 20), n_seeds=2)
    assert (numbers["val_stop"] == np.minimum(numbers["val_10"], numbers["val_20"])).all()
    assert {"test_stop", "error_stop", "mended_10", "ratio"} < set(numbers)
    assert "ratio" not in chapter.study("none", n_train=50, width=8, budgets=(10,), n_seeds=2, norm=chapter.GroupNorm)


CHECKS = [check_batch_norm, check_ratio, check_dropout, check_alpha_dropout, check_norms, check_refresh, check_study]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_batch_norm, "x, 1, correction=0", "x, 1, correction=1"),
    (check_batch_norm, "var.detach() * n / (n - 1)", "var.detach()"),
    (check_batch_norm, "momentum=0.1, eps=1e-5", "momentum=0.9, eps=1e-5"),
    (check_batch_norm, "n < 1 + self.training", "n < 1"),
    (check_batch_norm, "(var + self.eps).sqrt()) + self.bias", "(var + self.eps)) + self.bias"),
    (check_ratio, "(variance + p * mean**2)", "(variance + p * mean)"),
    (check_ratio, "return total, square - total**2", "return total, square"),
    (check_ratio, "if not (variance > 0 and", "if not (variance > -2 and"),
    (check_dropout, "1 / float(1 - p) if p < 1 else 0.0", "1.0"),
    (check_dropout, "(rng.random(x.shape) >= p) * scale", "(rng.random(x.shape) < p) * scale"),
    (check_dropout, "* scale).astype(x.dtype)", "* scale).astype(float)"),
    (check_dropout, "* scale).astype(x.dtype)", "* scale).astype(x.dtype) if p < 1 else x"),
    (check_alpha_dropout, "torch.where(mask, x, ALPHA) * a + b", "torch.where(mask, x, 0.0) * a + b"),
    (check_alpha_dropout, "torch.where(mask, x, ALPHA) * a + b", "torch.where(mask, x, ALPHA)"),
    (check_alpha_dropout, "return a, -a * p * ALPHA", "return a, a * p * ALPHA"),
    (check_alpha_dropout, "    if not training:\n        return x\n", ""),
    (check_norms, "x.unflatten(-1, (self.groups, -1))", "x.unflatten(-1, (-1, self.groups))"),
    (check_norms, "layer.momentum = 1.0  #", "layer.momentum = 0.1  #"),
    (check_refresh, "model = copy.deepcopy(model).eval()", "model = model.eval()"),
    (check_refresh, "if masks and isinstance(layer, nn.Dropout)", "if isinstance(layer, nn.Dropout)"),
    (check_refresh, "layer.momentum = 1 / (k + 1)", "layer.momentum = 0.1"),
    (check_refresh, "return model.eval()", "return model"),
    (check_study, "copies[step] = copy.deepcopy(model)", "copies[step] = model"),
    (check_study, "torch.manual_seed(seed)  # fixes", "torch.manual_seed(9)  # for"),
    (check_study, "looked[:, 0].argmin(0)", "looked[:, 0].argmax(0)"),
]


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    with pytest.raises((AssertionError, ValueError, RuntimeError, ZeroDivisionError, pytest.fail.Exception)):
        check(load(NAME, {old: new}))


def test_the_two_orders_are_one_network(chapter):
    """BatchNorm, dropout, ReLU and BatchNorm, ReLU, dropout agree to the bit under the same mask."""
    z, mask = torch.randn(5, 8), torch.rand(5, 8) >= 0.5
    assert (z * mask / 0.5).relu().equal(z.relu() * mask / 0.5)

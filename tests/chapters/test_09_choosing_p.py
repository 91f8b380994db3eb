"""The functions of chapter 9: exact where they claim to be, strict about bad input, and faults in them are caught."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from notebook import load

NAME = "09-choosing-p"
BAD_P = (-0.1, 1.2, math.nan)


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


def check_arm_dropout(chapter):
    """Arm by arm the formula on shared dice: values, nesting, dtype, no mutation, evaluation, both ends, bad input."""
    x = torch.tensor(np.random.default_rng(0).random((6, 200, 30)) + 1)
    before, layer = x.clone(), chapter.ArmDropout([0.1, 0.5, 0.8])
    torch.manual_seed(0)
    y = layer(x)
    assert x.equal(before)
    torch.manual_seed(0)
    dice = torch.rand(2, 200, 30)
    for arm, p in enumerate((0.1, 0.5, 0.8)):
        assert torch.allclose(y[2 * arm : 2 * arm + 2], torch.where(dice >= p, x[2 * arm : 2 * arm + 2] / (1 - p), 0))
    assert abs(y[:2].mean() / x[:2].mean() - 1) < 0.02
    assert layer.eval()(x).equal(x)
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert chapter.ArmDropout([0.3])(x.to(dtype)).dtype == dtype
    assert chapter.ArmDropout([0.0])(x).equal(x)
    zeros = chapter.ArmDropout([1.0, 0.0])(x)
    assert (zeros[:3] == 0).all()
    assert zeros[3:].equal(x[3:])
    leaf = torch.ones(1, 50, 40, requires_grad=True)
    out = chapter.ArmDropout([0.5])(leaf)
    out.sum().backward()
    assert leaf.grad.equal(out.detach())
    for p in BAD_P:
        with pytest.raises(ValueError, match="p must be in"):
            chapter.ArmDropout([0.1, p])
    for bad in (x[:5], x[0], x.long()):
        with pytest.raises(ValueError, match="x must be"):
            layer.train()(bad)


def check_study(chapter):
    """An arm does not notice its neighbours; the record keeps the best; the hooks are called."""
    data = chapter.digits(100, chapter.N_SEEDS)
    calls = []
    record = chapter.study(
        data, [0.0, 0.5], (64, 8, 10), steps=80, before=lambda m: calls.append(0), after=lambda m: calls.append(1)
    )
    assert calls == [0, 1] * 80
    assert record.step == [0, 40, 80]
    assert record.val_loss.shape == record.val_error.shape == (3, 2, chapter.N_SEEDS)
    assert np.allclose(record.val_loss[0, 0], record.val_loss[0, 1])
    assert not np.allclose(record.val_loss[2, 0], record.val_loss[2, 1])
    assert np.allclose(chapter.scores(record.best, data["val"])[0], record.val_loss.min(0), atol=1e-5)
    assert np.allclose(chapter.scores(record.last, data["val"])[1], record.val_error[-1])
    alone = chapter.study(data, [0.5], (64, 8, 10), steps=80)
    assert np.allclose(alone.val_loss[:, 0], record.val_loss[:, 1], atol=1e-3)
    shapes = []
    chapter.study(data, [0.0], (64, 8, 10), steps=3, inputs=lambda x: shapes.append(tuple(x.shape)) or x)
    assert shapes == [(chapter.N_SEEDS, 32, 64)] * 3
    still = chapter.study(data, [0.5], (64, 8, 10), steps=40, loss=lambda logits, y: 0 * logits.sum(-1))
    assert np.allclose(still.val_loss[0], still.val_loss[1])
    record = chapter.Record(chapter.stacked([0.0], (64, 8, 10)), data["val"])
    record.take(0)
    with torch.no_grad():
        record.last[0].weight[0] *= 100  # seed 0 gets worse, and is not kept
    record.take(1)
    assert record.val_loss[1, 0, 0] > record.val_loss[0, 0, 0]
    assert np.allclose(chapter.scores(record.best, data["val"])[0], record.val_loss[0])


def check_rivals(chapter):
    """Weight decay is AdamW's, max-norm torch.renorm, smoothing F.cross_entropy's, L1 a soft threshold."""
    rng = np.random.default_rng(0)
    w = nn.Parameter(torch.tensor(rng.standard_normal((7, 5))))
    w.grad, ours = torch.tensor(rng.standard_normal((7, 5))), chapter.shrink(w.detach(), decay=0.3, lr=0.01)
    step = w.grad.sign()
    torch.optim.AdamW([w], lr=0.01, weight_decay=0.3, eps=1e-12).step()
    assert torch.allclose(w.detach(), ours - 0.01 * step)
    assert chapter.shrink(torch.tensor([-0.8, 0.3, 0.6]), l1=50, lr=0.01).tolist() == pytest.approx([-0.3, 0, 0.1])
    assert torch.allclose(chapter.shrink(w.detach(), l1=40, lr=0.01), F.softshrink(w.detach(), 0.4))
    bounded = chapter.max_norm(ours, 1.5)
    assert torch.allclose(bounded, torch.renorm(ours, p=2, dim=1, maxnorm=1.5), atol=1e-6)
    assert (chapter.max_norm(torch.zeros(4, 2), 1.0) == 0).all()
    assert chapter.max_norm(ours, math.inf).equal(ours)
    logits, y = torch.tensor(rng.standard_normal((2, 6, 10))), torch.tensor(rng.integers(0, 10, (2, 6)))
    for smoothing in (0.0, 0.2, 1.0):
        for arm in (0, 1):
            theirs = F.cross_entropy(logits[arm], y[arm], label_smoothing=smoothing, reduction="none")
            assert torch.allclose(chapter.smoothed(logits, y, smoothing)[arm], theirs)


def check_shifted(chapter):
    """Every shift is one pixel in one of eight directions with zeros coming in; chance 0 changes nothing."""
    x = torch.rand(2, 300, 64, generator=torch.Generator().manual_seed(0)) + 0.1
    before = x.clone()
    out = chapter.shifted(x, [0.0, 1.0, 0.5], torch.Generator().manual_seed(0)).unflatten(0, (3, 2))
    assert x.equal(before)
    assert out[0].equal(x)
    images, seen = F.pad(x.unflatten(-1, (8, 8)), (1, 1, 1, 1)), set()
    for seed, k in np.ndindex(2, 300):
        found = [
            (dy, dx)
            for dy, dx in np.ndindex(3, 3)
            if images[seed, k, dy : dy + 8, dx : dx + 8].flatten().equal(out[1, seed, k])
        ]
        assert len(found) == 1
        seen |= set(found)
    assert seen == set(np.ndindex(3, 3)) - {(1, 1)}
    moved = (out[2] != x).any(-1)
    assert 0.4 < moved.double().mean() < 0.6
    assert out[2][moved].equal(out[1][moved])
    for bad, chance in ((x, [1.2]), (x, [math.nan]), (x[..., :63], [0.5]), (x[0], [0.5])):
        with pytest.raises(ValueError, match="x must be"):
            chapter.shifted(bad, chance, None)


def check_power(chapter):
    """Known critical values and sample sizes of the t test; monotone; false alarms at the level; bad input."""
    for n in (2, 3, 5, 12, 100):
        assert chapter.power(0, n) == pytest.approx(0.05, abs=1e-5)
        assert chapter.power(0, n, 0.01) == pytest.approx(0.01, abs=1e-5)
    for n, t in ((2, 12.706), (3, 4.303), (12, 2.201), (31, 2.042)):
        assert chapter.verdict_rate(0, n, t) == pytest.approx(0.05, abs=1e-4)
        assert chapter.critical(n) == pytest.approx(t, abs=1e-3)
    assert chapter.critical(10, 0.001) == pytest.approx(4.781, abs=1e-3)
    assert {d: chapter.seeds_needed(d) for d in (1, 0.8, 0.5, 0.2)} == {1: 10, 0.8: 15, 0.5: 34, 0.2: 199}
    assert chapter.power(0.5, 34) >= 0.8 > chapter.power(0.5, 33)
    assert chapter.seeds_needed(0.5, 0.9) > 34
    assert chapter.power(-0.5, 20) == pytest.approx(chapter.power(0.5, 20))
    for call in (lambda: chapter.power(1, 1), lambda: chapter.power(1, 2.5), lambda: chapter.power(1, 5, 0),
                 lambda: chapter.critical(1), lambda: chapter.seeds_needed(0), lambda: chapter.seeds_needed(1, 1),
                 ):  # fmt: skip
        with pytest.raises(ValueError, match="need"):
            call()


def check_luck(chapter):
    """Expected maxima, Wilson intervals and the sign test against known values; bad input."""
    expected = (0, 1 / math.sqrt(math.pi), 1.5 / math.sqrt(math.pi), 1.0293753730)
    for m, value in enumerate(expected, 1):
        assert chapter.best_of_normals(m) == pytest.approx(value, abs=1e-8)
    with pytest.raises(ValueError, match="m must be"):
        chapter.best_of_normals(0)
    assert chapter.error_sd(0.5, 100) == pytest.approx(0.05)
    for k, n in ((0, 10), (15, 500), (500, 500)):
        z = 1.959963984540054
        low, high = chapter.wilson(k, n)
        assert 0 <= low + 1e-12
        assert high <= 1 + 1e-12
        for edge in (low, high):  # the ends solve (k/n - q)**2 = z**2 q (1 - q) / n
            assert (k / n - edge) ** 2 == pytest.approx(z**2 * edge * (1 - edge) / n, abs=1e-9)
    assert chapter.sign_test(6, 4) == pytest.approx(772 / 1024)
    assert chapter.sign_test(4, 6) == chapter.sign_test(6, 4)
    assert chapter.sign_test(5, 5) == chapter.sign_test(0, 0) == 1
    assert chapter.sign_test(9, 1) == pytest.approx(22 / 1024)
    for call in (lambda: chapter.wilson(5, 4), lambda: chapter.wilson(0, 0), lambda: chapter.sign_test(-1, 3)):
        with pytest.raises(ValueError, match="got"):
            call()


def check_terms(chapter):
    """Analysis of variance: nothing left over in additive data, unbiased on made data; one test set for all seeds."""
    rng = np.random.default_rng(1)
    seeds, images = rng.standard_normal((7, 1)), rng.standard_normal(30)
    seed, image, both = chapter.variance_terms(seeds + images)
    assert (seed, image, both) == pytest.approx((seeds.var(ddof=1), images.var(ddof=1), 0))
    made = [chapter.variance_terms(0.5 * rng.standard_normal((8, 1)) + 0.5 * rng.standard_normal(200)
                                   + rng.standard_normal((8, 200))) for _ in range(400)]  # fmt: skip
    assert np.mean(made, 0) == pytest.approx((0.25, 0.25, 1), rel=0.1)
    assert chapter.detectable(1, 500, image=0.04, both=0) > chapter.detectable(1000, 500, image=0.04, both=0) > 2.5
    assert chapter.detectable(1000, 500, image=0, both=0.04) < 0.2
    data = chapter.one_test_set(100, wrong=0.3)
    for part in ("val", "test"):
        assert (data[part][0] == data[part][0][:1]).all()
    rows = [{tuple(row) for row in data["train"][0][seed].tolist()} for seed in (0, 1)]
    assert len(rows[0] & rows[1]) < 50
    assert not rows[0] & {tuple(row) for row in data["test"][0][0].tolist()}
    clean = {tuple(row): y for row, y in zip(*(part[0].tolist() for part in chapter.digits(997, 1)["train"]))}
    wrong = [clean[tuple(row)] != y for row, y in zip(*(part[0].tolist() for part in data["train"]))]
    assert sum(wrong) == 30


def check_tuned(chapter):
    """Each seed takes the rate and strength that its own validation log-loss likes best, and no test score."""
    rng, (rates, grid, strengths) = np.random.default_rng(2), (3, 2, 4)
    made = {part: rng.random((rates, 2, grid * strengths, chapter.N_SEEDS)) for part in ("val", "test")}
    right, chapter.scores = chapter.scores, lambda model, part: made[part][model]
    try:
        best = chapter.best_of(range(rates), {"val": "val", "test": "test"}, strengths)
    finally:
        chapter.scores = right
    for p, seed in np.ndindex(grid, chapter.N_SEEDS):
        tries = {(rate, k): made["val"][rate, 0, p * strengths + k, seed] for rate, k in np.ndindex(rates, strengths)}
        rate, k = min(tries, key=tries.get)
        assert best["choice"][p, seed] == pytest.approx(rate + k / 10)
        assert best["val_loss"][p, seed] == tries[rate, k]
        assert best["loss"][p, seed] == made["test"][rate, 0, p * strengths + k, seed]
        assert best["error"][p, seed] == 100 * made["test"][rate, 1, p * strengths + k, seed]
    names = ("val_loss", "loss", "error", "choice")
    rows = {f"{name} {p}": rng.random(chapter.N_SEEDS) for name in names for p in (0, 1)}
    picked = chapter.pick(rows, (0, 1))
    assert (picked["p"] == np.where(rows["val_loss 1"] < rows["val_loss 0"], 1, 0)).all()
    assert (picked["error"] == np.where(picked["p"], rows["error 1"], rows["error 0"])).all()


def check_contest(chapter):
    """Arms side by side are arms alone: weight decay, L1, max-norm, smoothing and shifts each reach their own arm."""
    data = chapter.digits(60, chapter.N_SEEDS)
    arms = [{"p": 0.2, **more} for more in ({}, {"decay": 3}, {"l1": 1}, {"radius": 0.5}, {"smoothing": 0.5})]
    side, plain = chapter.contest(data, arms, 8, 40), chapter.contest(data, arms[:1], 8, 40)
    assert np.allclose(side.val_loss[:, 0], plain.val_loss[:, 0], atol=1e-3)
    for arm in range(1, 5):
        assert not np.allclose(side.val_loss[1, arm], plain.val_loss[1, 0], atol=1e-3)
        alone = chapter.contest(data, arms[arm : arm + 1], 8, 40)
        assert np.allclose(side.val_loss[1, arm], alone.val_loss[1, 0], atol=1e-3)
    lengths = side.last[0].weight.norm(dim=1).unflatten(0, (5, -1)).amax((1, 2))
    assert lengths[3] < 0.5001 < lengths[0]
    moved = chapter.contest(data, [{"p": 0.2}, {"p": 0.2, "chance": 1.0}], 8, 40)
    assert np.allclose(moved.val_loss[:, 0], plain.val_loss[:, 0], atol=1e-3)
    assert not np.allclose(moved.val_loss[1, 1], plain.val_loss[1, 0], atol=1e-2)


CHECKS = [check_arm_dropout, check_study, check_rivals, check_shifted, check_power, check_luck,
          check_terms, check_tuned, check_contest]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_arm_dropout, "torch.rand(arms.shape[1:], device", "torch.rand(arms.shape, device"),
    (check_arm_dropout, "device=x.device) >= self.p.float()", "device=x.device) < self.p.float()"),
    (check_arm_dropout, "torch.where(self.p < 1, 1 / (1 - self.p), 0)", "torch.where(self.p < 1, 1 / self.p, 0)"),
    (check_arm_dropout, "torch.where(self.p < 1, 1 / (1 - self.p), 0)", "1 / (1 - self.p)"),
    (check_arm_dropout, "self.scale.to(x.dtype)", "self.scale"),
    (check_arm_dropout, "        if not self.training:\n            return x\n", ""),
    (check_arm_dropout, "if not 0 <= value <= 1:", "if value < 0 or value > 1:"),
    (check_study, "values.detach().repeat(len(p), 1, 1)", "torch.rand_like(values.repeat(len(p), 1, 1))"),
    (check_study, "(loss < self.val_loss).all(0)", "(loss > self.val_loss).all(0)"),
    (check_study, "copy.deepcopy(model), part", "model, part"),
    (check_study, "        after(model)\n", ""),
    (check_study, "batch = inputs(x[rows, i]) if inputs else", "batch ="),
    (check_rivals, "weight * (1 - lr * decay)", "weight - lr * decay"),
    (check_rivals, "(weight.abs() - lr * l1).clamp(min=0)", "(weight.abs() - lr * l1)"),
    (check_rivals, "weight.norm(dim=-2, keepdim=True)", "weight.norm(dim=-1, keepdim=True)"),
    (check_rivals, ".clamp(min=1e-12)).clamp(max=1)", ".clamp(min=1e-12))"),
    (check_rivals, "smoothing * F.log_softmax(logits, -1).mean(-1)", "smoothing * F.log_softmax(logits, -1).sum(-1)"),
    (check_shifted, "(which + (which >= 4))", "which"),
    (check_shifted, "(dice < chance.view(-1, 1, 1))", "(dice >= chance.view(-1, 1, 1))"),
    (check_shifted, "((0 <= chance) & (chance <= 1)).all()", "((0 <= chance) | (chance <= 1)).all()"),
    (check_power, "    v = n - 1\n    constant", "    v = n\n    constant"),
    (check_power, "for sign in (1, -1))\n    return", "for sign in (1,))\n    return"),
    (check_power, "if above else (low, middle)", "if not above else (low, middle)"),
    (check_power, "while power(d, high) < wanted:", "while power(d, high) < 0.5:"),
    (check_luck, "BELOW**(m - 1)", "BELOW**m"),
    (check_luck, "(n + z**2), (center + spread)", "n, (center + spread)"),
    (check_luck, "range(max(a, b), a + b + 1)", "range(max(a, b) + 1, a + b + 1)"),
    (check_luck, "min(1.0, 2 * tail)", "2 * tail"),
    (check_terms, "seeds.var(ddof=1) - both / m", "seeds.var(ddof=1) - both / n"),
    (check_terms, "images.var(ddof=1) - both / n, both", "images.var(ddof=1), both"),
    (check_terms, "((n - 1) * (m - 1))", "(n * m) / 2"),
    (check_terms, "(image / m + both / (n * m))", "(image + both) / m"),
    (check_terms, "y[:, :flips] = (y[:, :flips] + shifts) % 10", "pass"),
    (check_tuned, "tries[0].argmin(1)", "tries[2].argmin(1)"),
    (check_tuned, "scored.transpose(1, 2, 0, 3, 4)", "scored.transpose(1, 3, 0, 2, 4)"),
    (check_tuned, "best % n_strengths / 10", "best // n_strengths / 10"),
    (check_tuned, "values[0].argmin(0), np", "values[1].argmin(0), np"),
    (check_contest, ".repeat_interleave(N_SEEDS)", ".repeat(N_SEEDS)"),
    (check_contest, "before if (decay + l1).any() else leave", "leave"),
    (check_contest, "smoothed(logits, y, smoothing[:, 0])", "smoothed(logits, y, 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    with pytest.raises((AssertionError, ValueError, RuntimeError, TypeError, IndexError, pytest.fail.Exception)):
        check(load(NAME, {old: new}))

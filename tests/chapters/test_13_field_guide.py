"""Chapter 13: its functions, and faults in them; the inspector has a file of its own."""

import copy
import math
import random
from contextlib import nullcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from notebook import load

NAME = "13-field-guide"


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


def check_modes(chapter):
    """evaluating() and mc_dropout(): the right modes inside, the old ones afterwards, also after an error."""
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.2)))
    model[1].eval()
    before = [m.training for m in model.modules()]
    for error in (None, KeyError):
        try:
            with chapter.evaluating(model) as inner:
                assert inner is model
                assert not any(m.training for m in model.modules())
                if error:
                    raise error
        except KeyError:
            pass
        assert [m.training for m in model.modules()] == before
    assert chapter.mc_dropout(model, torch.ones(4, 16)) is model
    assert {type(m) for m in model.modules() if not m.training} == {nn.BatchNorm1d}


def check_floor(chapter):
    """The floor is the enumerated loss of a sure network, is under all others, and refuses bad input."""
    rng = np.random.default_rng(0)
    for p, classes in product((0.1, 0.5, 0.8), (2, 3, 6)):
        for logits in (rng.normal(0, 1, classes), np.r_[300.0, np.full(classes - 1, -300.0)]):
            enumerated = 0.0
            for mask in product((0, 1), repeat=classes):
                z = torch.tensor(np.array(mask) * logits / (1 - p))
                enumerated += p ** mask.count(0) * (1 - p) ** mask.count(1) * -z.log_softmax(0)[0].item()
            assert chapter.mean_loss(logits, p) == pytest.approx(enumerated)
        assert chapter.loss_floor(p, classes) == pytest.approx(enumerated)  # the last logits were sure
        assert min(chapter.mean_loss(rng.normal(0, 20, classes), p) for _ in range(40)) > enumerated - 1e-12
    assert chapter.loss_floor(0, 10) == 0
    assert chapter.loss_floor(1, 10) == pytest.approx(math.log(10))
    for bad in ((1.2, 10), (-0.1, 10), (math.nan, 10), (0.5, 1), (0.5, 2.5)):
        with pytest.raises(ValueError, match="need p in"):
            chapter.loss_floor(*bad)


def check_gradients(chapter):
    """Against autograd over all masks; with redrawn masks the mean is that of least squares."""
    x, y = torch.tensor(chapter.ROWS).double(), torch.tensor(chapter.TARGETS).double()
    for p in (Fraction(0), Fraction(1, 5), Fraction(1, 2)):
        total = torch.zeros(2, dtype=torch.double)
        for mask in product((0, 1), repeat=2):
            w = torch.tensor([float(v) for v in chapter.WEIGHTS], dtype=torch.double, requires_grad=True)
            ((x * torch.tensor(mask) / float(1 - p) @ w - y) ** 2).sum().backward()
            total += float(p ** mask.count(0) * (1 - p) ** mask.count(1)) * w.grad
        assert total.tolist() == pytest.approx([float(g) for g in chapter.mean_gradient(p, False)])
        assert chapter.mean_gradient(p, True) == chapter.mean_gradient(Fraction(0), False)


def check_decisions(chapter):
    """Helps, harms, trade or unclear; log-loss widened and a rise of error not; every row is kept, none is picked."""
    for numbers, expected in {
        (-1, 0.5, -1, 2): "helps", (-1, 0.5, 1, 2): "helps", (-1, 0.5, 1, 0.5): "trade", (1, 0.5, 0, 1): "harms",
        (1, 0.5, -1, 0.5): "trade", (-0.5, 0.5, -9, 1): "unclear", (0.1, 0.5, 9, 1): "unclear"}.items():  # fmt: skip
        assert chapter.verdict(*numbers) == expected
    assert chapter.verdict(-1, 0.6, 0, 1, 2) == "unclear"  # the gain must survive the widening,
    assert chapter.verdict(-1, 0.4, 1, 0.6, 2) == "trade"  # the rise of error need not
    for bad in ((1, -0.1), (math.nan, 1), (1, math.nan)):
        with pytest.raises(ValueError, match="need a number and half >= 0"):
            chapter.sign(*bad)
    for judged, t in ((1, 2.262157), (10, 3.689662), (50, 4.780913)):  # at 0.05 / judged, 9 degrees of freedom
        assert chapter.widening(judged) == pytest.approx(t / 2.262157, rel=1e-4)
    assert chapter.widening(64, 16) < chapter.widening(64, 10)
    for bad in ((0, 10), (5, 2)):
        with pytest.raises(ValueError, match="need judged >= 1 and n >= 3"):
            chapter.widening(*bad)
    rows = [
        ("05-a", "A", "one", -0.2, 0.1, 0, 1), ("06-b", "B", "x", 0.1, 0.2, 0, 1),
        ("05-a", "A", "two", -0.4, 0.1, 2, 1), ("07-c", "A", "n", 0.3, 0.1, 0, 1)]  # fmt: skip
    assert [(key, [kind for _, kind in group]) for key, group in chapter.decide(rows).items()] == [
        (("05-a", "A"), ["helps", "trade"]), (("06-b", "B"), ["unclear"]), (("07-c", "A"), ["harms"])]  # fmt: skip
    assert [row for group in chapter.decide(rows).values() for row, _ in group] == [rows[i] for i in (0, 2, 1, 3)]
    assert [kind for group in chapter.decide(rows, 3).values() for _, kind in group] == [
        "unclear", "trade", "unclear", "unclear"]  # fmt: skip


class Inside(nn.Module):
    """Functional dropout two modules deep, beside a BatchNorm."""

    def __init__(self, always=False):
        super().__init__()
        self.norm, self.always = nn.BatchNorm1d(16), always

    def forward(self, x):
        return F.dropout(self.norm(x), 0.5, self.training and not self.always)


SAMPLED = {
    "encoder layer": (lambda: nn.TransformerEncoderLayer(16, 4, 32, 0.3, batch_first=True), 1),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, 0.3, batch_first=True), 2), 1),
    "attention": (lambda: nn.MultiheadAttention(16, 4, 0.3, batch_first=True), 3),
    "LSTM": (lambda: nn.LSTM(16, 8, 2, dropout=0.3, batch_first=True), 1),
    "GRU": (lambda: nn.GRU(16, 8, 2, dropout=0.3, batch_first=True), 1),
}


def check_sampling(chapter):
    """Passes differ, whatever draws; normalisation keeps its mode and statistics; silence is refused."""
    x = torch.rand(3, 5, 16)
    for make, inputs in SAMPLED.values():
        model = make()
        assert chapter.mc_dropout(model, *[x] * inputs) is model
        assert chapter.spread(model, *[x] * inputs) > 0.001
    model = nn.Sequential(Inside(), nn.InstanceNorm1d(5, track_running_stats=True), nn.LayerNorm(16)).eval()
    kept = copy.deepcopy(model.state_dict())
    chapter.mc_dropout(model, x[0])
    assert chapter.spread(model, x[0]) > 0.001
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    for silent in (nn.Linear(16, 4), Inside(always=True), nn.Dropout(0.0), nn.LSTM(16, 8, 1, batch_first=True)):
        with pytest.raises(ValueError, match="all passes agree"):
            chapter.mc_dropout(silent.train(), x[0])
        assert not any(module.training for module in silent.modules())


def check_redraws(chapter):
    """Checkpointing with the state of the layer's own generator; twice backward; the generator goes on."""
    layer = chapter.SeededInside(once=True)
    output, gradient = chapter.passes(layer)
    assert output != gradient
    how = {"context_fn": lambda: (nullcontext(), chapter.SameDraws(layer.generator))}
    seen = [chapter.passes(layer, **how) for _ in range(5)]
    assert all(output == gradient for output, gradient in seen)
    assert len({tuple(output) for output, _ in seen}) > 1
    generator = torch.Generator().manual_seed(1)
    torch.rand(3, generator=generator)
    again = chapter.SameDraws(generator)
    first, second = (torch.rand(2, generator=generator) for _ in range(2))
    for expected in ((first, second), (first,)):  # however much is drawn inside
        with again:
            assert all(torch.rand(2, generator=generator).equal(draw) for draw in expected)
    fresh = torch.Generator().manual_seed(1)
    torch.rand(3, generator=fresh), torch.rand(2, generator=fresh), torch.rand(2, generator=fresh)
    assert torch.rand(2, generator=generator).equal(torch.rand(2, generator=fresh))


def check_data(chapter):
    """The made vowels and the letters: shapes, classes, repeatable; a vowel is loud where its formants are."""
    x, y = chapter.vowels(300, np.random.default_rng(3), spread=0.0)
    again, _ = chapter.vowels(300, np.random.default_rng(3), spread=0.0)
    assert x.shape == (300, 64)
    assert np.array_equal(x, again)
    assert set(y) == set(range(10))
    assert abs(x.mean()) < 0.2
    assert abs(x.std() - 1) < 0.2
    for k in range(10):
        mean, centre = x[y == k].mean(0), (np.arange(64) + 0.5) * 62.5
        low, high = mean[centre < 850], mean[(centre > 850) & (centre < 2200)]
        assert abs(centre[centre < 850][low.argmax()] - chapter.F1[k % 5]) < 130
        assert abs(centre[(centre > 850) & (centre < 2200)][high.argmax()] - chapter.F2[k // 5]) < 130
    context, following = chapter.letters(np.random.default_rng(0), context=3)
    assert context.shape == (len(following), 84)
    assert (context.reshape(-1, 3, 28).sum(2) == 1).all()
    parts = chapter.splits(x=np.arange(1000)[:, None], y=np.arange(1000), n_train=200)
    for seed in range(chapter.N_SEEDS):
        ids = [set(parts[name][1][seed].tolist()) for name in ("train", "val", "test")]
        assert list(map(len, ids)) == [200, 300, 500]
        assert len(set.union(*ids)) == 1000
    for call in (lambda: chapter.vowels(0, np.random.default_rng(0)), lambda: chapter.splits(x, y, 1)):
        with pytest.raises(ValueError, match="got"):
            call()


def check_exhibits(chapter):
    """What each exhibit shows, and its mend."""
    x = chapter.X
    for bad, good in (("Functional", "FunctionalMended"), ("Listed", "ListedMended"), ("Attention", "AttentionMended")):
        assert not chapter.agree(getattr(chapter, bad)().eval(), x)
        assert chapter.agree(getattr(chapter, good)().eval(), x)
        assert not chapter.agree(getattr(chapter, good)().train(), x)
    assert chapter.mean_ratio(chapter.ByHand(0.2, 1.25)) == pytest.approx(1, abs=0.02)
    assert chapter.mc_symptoms(chapter.mc_dropout, 0.5) == (True, True, True)
    assert chapter.mc_symptoms(chapter.layers_alone, 0.5) == (True, True, True)
    assert chapter.mc_symptoms(lambda model, x: model.train(), 0.5) == (True, False, False)
    assert chapter.dropped_share(False)[1:] == [0, 0, 0]
    assert min(chapter.dropped_share(True)) > 0.4
    assert [chapter.distinct(chapter.SeededInside(once=once)) for once in (False, True)] == [1, 100]
    for p in (0.0, 1.0):
        layer = chapter.SeededInside(p, once=True)
        assert layer(x).equal(x if p == 0 else 0 * x)
        assert layer.eval()(x).equal(x)
    assert chapter.noise_of_mean(8, True) == chapter.noise_of_mean(1, True)
    assert chapter.noise_of_mean(8, False) == pytest.approx(1 / 8, rel=0.1)
    assert chapter.noise_of_mean(8, False, p=0.2) == pytest.approx(0.25 / 8, rel=0.1)


CHECKS = [check_modes, check_floor, check_gradients, check_decisions, check_data,
          check_exhibits, check_sampling, check_redraws]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_modes, "        for module, mode in modes:\n            module.training = mode", "        model.train()"),
    (check_modes, "    try:\n        yield model\n    finally:", "    yield model\n    if True:"),
    (check_floor, "math.log(1 + b) for b", "math.log(2 + b) for b"),
    (check_floor, "    return p * sum(math.comb", "    return sum(math.comb"),
    (check_floor, "np.asarray(logits) / (1 - p)", "np.asarray(logits) * p"),
    (check_gradients, "* back[j] * x[j] / (1 - p)", "* back[j] * x[j]"),
    (check_gradients, "repeat=2) if redrawn else [m]:", "repeat=2) if not redrawn else [m]:"),
    (check_decisions, "int(effect > half) - int(effect < -half)", "int(effect > 0) - int(effect < 0)"),
    (check_decisions, "sign(points, points_half)", "sign(points, widen * points_half)"),
    (check_decisions, "sign(loss, widen * loss_half)", "sign(loss, loss_half)"),
    (check_decisions, "if less * more < 0:", "if False:"),
    (check_decisions, "groups.setdefault(row[:2], [])", "groups.setdefault(row[1], [])"),
    (check_decisions, "1 - 0.05 / judged]", "1 - 0.05 * judged]"),
    (check_decisions, "np.cos(angle) ** (n - 2)", "np.cos(angle) ** (n - 1)"),
    (check_data, "F1[y % 5], F2[y // 5]", "F1[y % 5], F2[y % 2]"),
    (check_data, "\"train\": order[:, 800:]}", "\"train\": order[:, 700:900]}"),
    (check_exhibits, "F.dropout(self.inner(x), 0.5, self.training)", "F.dropout(self.inner(x), 0.5)"),
    (check_exhibits, "dropout_p=0.5 if self.training else 0.0", "dropout_p=0.5"),
    (check_exhibits, "        if not self.once:\n", "        if True:\n"),
    (check_exhibits, "/ (1 - self.p or 1) if self.training", "/ (1 - self.p) if self.training"),
    (check_exhibits, "if isinstance(module, nn.modules.dropout._DropoutNd):", "if True:"),
    (check_sampling, "not isinstance(module, nn.modules.batchnorm._NormBase)", "True"),
    (check_sampling, "not isinstance(module, nn.modules.batchnorm._NormBase)",
     "isinstance(module, nn.modules.dropout._DropoutNd)"),
    (check_sampling, "if all(agree(model, *inputs) for _ in range(10)):", "if False:"),
    (check_sampling, "        model.eval()\n        raise ValueError", "        raise ValueError"),
    (check_redraws, "self.generator.set_state(self.state)", "pass"),
    (check_redraws, "self.generator.set_state(self.now)", "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    faulty = load(NAME, {old: new})
    dice = random.getstate()
    try:
        with pytest.raises((Exception, pytest.fail.Exception)):
            check(faulty)
    finally:
        random.setstate(dice)

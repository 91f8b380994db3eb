"""Chapter 13: its functions, and faults in them; the inspector has a file of its own."""

import copy
import math
import random
from contextlib import nullcontext
from fractions import Fraction
from functools import cache
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


class Function(nn.Module):
    """A model of one function of its inputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Path(nn.Module):
    """Stochastic depth, one draw for each example."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        keep = torch.rand((len(x),) + (1,) * (x.ndim - 1)) >= self.p
        return x * keep / (1 - self.p) if self.training else x


class OwnNorm(nn.Module):
    """A normalisation layer of one's own, which is no BatchNorm of the library's: statistics of the batch, kept."""

    def __init__(self):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(16))

    def forward(self, x):
        if self.training:
            self.running_mean = x.detach().reshape(-1, 16).mean(0)
        return x - self.running_mean


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
    model = nn.Sequential(OwnNorm(), nn.Dropout(0.5))
    chapter.mc_dropout(model, x)
    assert not model[0].training
    assert not model[0].running_mean.any()
    rare = nn.Sequential(nn.Linear(16, 16), Path(0.1))  # one draw a pass: it must not be taken for silence
    for seed in range(20):
        torch.manual_seed(seed)
        chapter.mc_dropout(rare, x[:1])
    for silent in (
        nn.Linear(16, 4),
        Function(lambda *_: torch.full((2,), math.nan)),
        Inside(always=True),
        nn.Dropout(0.0),
        nn.LSTM(16, 8, 1, batch_first=True),
    ):
        with pytest.raises(ValueError, match="all passes agree"):
            chapter.mc_dropout(silent.train(), x[0])
        assert not any(module.training for module in silent.modules())


@cache
def own_layers():
    """{name: (layer, its input)}: the dropout layers that Chapters 6 and 11 build."""
    cnn, family = load("06-cnn"), load("11-variants")
    maps = torch.rand(4, 3, 8, 8)
    found = {f"FeatureDropout {kind}": (cnn.FeatureDropout(0.3, kind), maps) for kind in cnn.KINDS}
    found["DropPath"] = (cnn.DropPath(0.3), maps)
    found |= {f"Drop {name}": (family.Drop(name, 0.3), maps) for name in family.FAMILY if name != "concrete"}
    found["Drop by schedule"] = (family.Drop("scheduled", lambda step: 0.3), maps)
    found["Concrete"] = (family.Concrete(3, 8), maps)
    found["ConcreteMLP"] = (family.ConcreteMLP(2), torch.rand(2, 5, 64))
    found["residual CNN"] = (cnn.resnet(0.5, 2, 1), torch.rand(1, 6, 64))
    return found


def check_own_layers(chapter):
    """mc_dropout wakes every layer of the book's own behind a BatchNorm that was in evaluation, and not the norm."""
    for name, (layer, x) in own_layers().items():
        norm = nn.BatchNorm2d(x.shape[1]) if x.ndim == 4 else nn.Identity()
        model = nn.Sequential(norm, copy.deepcopy(layer)).eval()
        kept = copy.deepcopy(norm.state_dict())
        assert chapter.spread(model, x) == 0, name
        with torch.no_grad():
            chapter.mc_dropout(model, x)
        assert chapter.spread(model, x) > 0.001, name
        assert norm.training == isinstance(norm, nn.Identity), name
        assert all(torch.equal(kept[key], value) for key, value in norm.state_dict().items()), name


def check_outputs(chapter):
    """The first tensor of what models return; two passes of NaN agree."""
    x = torch.ones(2)
    for output in (x, (x, None), [x], ((x, 0), 1)):
        assert chapter.first(output) is x
    assert chapter.agree(Function(lambda *_: torch.full((2,), math.nan)))
    assert not chapter.agree(Function(lambda *_: {"logits": torch.rand(5)}))


def check_modes_of_parts(chapter):
    """A firm owner keeps its teacher in evaluation through train(), also as a part itself; graphs keep their mode."""
    for firm in (False, True):
        whole = nn.Sequential(chapter.Guided(firm)).train()
        assert whole[0].student.training and whole[0].training
        assert whole[0].teacher.training == (not firm)
        assert not any(p.requires_grad for p in whole[0].teacher.parameters())
        assert not any(module.training for module in whole.eval().modules())
    assert not chapter.from_pretrained(chapter.Plain().state_dict()).training
    assert chapter.recorded("torch.jit.trace", nn.Dropout(0.5), True) == ["fresh masks", "still drops"]
    assert chapter.recorded("torch.jit.trace", nn.Dropout(0.5), False) == ["drops nothing", "silent"]
    assert chapter.recorded("torch.jit.trace", chapter.NumpyMask(), True) == ["one mask for ever", "still drops"]


def check_axes(chapter):
    """Which axes share a mask, against the library's three layers and one that shares all."""
    assert chapter.shared_axes(nn.Dropout(0.5), 20, 30) == []
    assert chapter.shared_axes(nn.Dropout1d(0.5), 20, 30, 4) == [2]
    assert chapter.shared_axes(nn.Dropout2d(0.5), 20, 30, 4, 5) == [2, 3]
    assert chapter.shared_axes(nn.Dropout3d(0.5), 20, 30, 4, 5, 6) == [2, 3, 4]
    assert chapter.shared_axes(Function(lambda x: x * (torch.rand(x.shape[1:]) >= 0.5)), 20, 30) == [0]
    assert chapter.shared_axes(Path(0.5), 40, 3, 4) == [1, 2]


def check_shift(chapter):
    """The mean over masks of the regression's smallest case: by Fractions; linear without shift; p = 0 the same."""
    for p in (Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        for relu in (False, True):
            mean = Fraction(0)
            for mask in product((0, 1), repeat=2):
                kept = [m * int(h) / (1 - p) for m, h in zip(mask, chapter.HIDDEN)]
                sums = [sum(h * int(w) for h, w in zip(kept, column)) for column in chapter.INNER.T]
                output = sum(max(z, 0) if relu else z for z in sums)
                mean += p ** mask.count(0) * (1 - p) ** mask.count(1) * output
            assert chapter.mean_and_scaled(float(p), relu) == pytest.approx((float(mean), 6))


def check_regression(chapter):
    """Splits that do not overlap, of variance 1; dropout where the place says; a short run gives finite numbers."""
    for kind, d in (("diabetes", 10), ("friedman", 10)):
        data = chapter.regression_task(kind)
        assert data["train"][0].shape == (chapter.N_SEEDS, 200, d)
        assert data["val"][1].shape == (chapter.N_SEEDS, 100, 1)
        whole = torch.cat([y for _, y in data.values()], 1)
        assert torch.allclose(whole.var(1, correction=0), torch.ones(chapter.N_SEEDS, 1), atol=1e-4)
        assert whole.sort(1).values.allclose(whole[:1].sort(1).values, atol=1e-5)  # each split holds every row once
    for place, expected in {"none": [0, 0], "hidden": [0.3, 0], "last": [0, 0.3]}.items():
        layers = list(chapter.regressor(5, place, 0.3))
        drops = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Dropout)]
        assert [layers[i].p for i in drops] == expected
        assert [type(layers[i + 1]) for i in drops] == 2 * [chapter.Linear]
        assert isinstance(layers[drops[0] + 2], nn.ReLU) and layers[drops[1] + 1] is layers[-1]
    none = chapter.regression("diabetes", "none", 3, rates=(1e-3, 3e-3))
    assert (none["scaled"] == pytest.approx(none["sampled"], abs=1e-4)) and not none["shift"].any()
    last = chapter.regression("diabetes", "last", 3, ps=(0.5,), rates=(1e-3,))
    assert set(last["p"]) == {0.5} and np.isfinite(last["scaled"]).all()
    assert (last["scaled"] < last["sampled"] + 0.1).all() and last["shift"].any()


def check_loss_parts(chapter):
    """The parts of reported - validation loss add up, and each is zero where its cause is taken away."""
    parts = chapter.loss_parts(0.5, (1, 2), decay=1e-3, n=100)
    assert list(parts) == [1, 2]
    for found in parts.values():
        whole = sum(found[name] for name in ("penalty", "running average", "mode", "overfitting"))
        assert whole == pytest.approx(chapter.reported_gap(found), abs=1e-6)
        assert found["reported"] - found["validation"] == pytest.approx(chapter.reported_gap(found))
        assert (found["penalty"] > 0).all() and found["mode"].mean() > 0
    plain = chapter.loss_parts(0.0, (1,), decay=0.0, n=100)[1]
    assert not plain["penalty"].any() and abs(plain["mode"]).max() < 1e-6
    assert (plain["running average"] > 0).all()


def check_accumulation(chapter):
    """Parts of a batch draw what the whole draws; a seed in forward does not."""
    whole = chapter.accumulated(1, chapter.Drawn())
    assert all(torch.allclose(whole, chapter.accumulated(n, chapter.Drawn()), atol=1e-6) for n in (2, 4, 8))
    assert torch.allclose(chapter.accumulated(1, nn.Identity()), chapter.accumulated(8, nn.Identity()), atol=1e-6)
    assert not torch.allclose(whole, chapter.accumulated(1, nn.Identity()), atol=1e-3)


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
          check_exhibits, check_sampling, check_own_layers, check_outputs, check_modes_of_parts, check_axes,
          check_shift, check_regression, check_loss_parts, check_accumulation, check_redraws]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_modes, "        for module, mode in modes:\n            module.training = mode", "        model.train()"),
    (check_modes, "    try:\n        yield model\n    finally:", "    yield model\n    if True:"),
    (check_floor, "math.log(1 + b)", "math.log(2 + b)"),
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
    (check_sampling, "module.training = not (norm or", "module.training = not (False and"),
    (check_sampling, "module.training = not (norm or hasattr(module, \"running_mean\"))", "module.training = not norm"),
    (check_sampling, "module.training = not (norm or hasattr(module, \"running_mean\"))",
     "module.training = isinstance(module, nn.modules.dropout._DropoutNd)"),
    (check_own_layers, "module.training = not (norm or hasattr(module, \"running_mean\"))",
     "module.training = isinstance(module, nn.modules.dropout._DropoutNd)"),
    (check_own_layers, "module.training = not (norm or", "module.training = not (False and"),
    (check_sampling, "if all(agree(model, *inputs) for _ in range(50)):", "if False:"),
    (check_sampling, "if all(agree(model, *inputs) for _ in range(50)):", "if agree(model, *inputs):"),
    (check_outputs, "list(y.values()) if isinstance(y, dict) else y", "y"),
    (check_outputs, "torch.equal(one.nan_to_num(), two.nan_to_num())", "torch.equal(one, two)"),
    (check_modes_of_parts, "        if self.firm:", "        if False:"),
    (check_modes_of_parts, "self.teacher = Plain().requires_grad_(False).eval()", "self.teacher = Plain().eval()"),
    (check_modes_of_parts, "    return model.eval()\n\nfor remembers", "    return model\n\nfor remembers"),
    (check_modes_of_parts, "one.equal(two)", "False"),
    (check_axes, "y.narrow(axis, 0, 1)", "y.narrow(0, 0, 1)"),
    (check_shift, "masks * HIDDEN / (1 - p)", "masks * HIDDEN"),
    (check_shift, "np.maximum(z, 0) if relu", "np.maximum(z, 0) if not relu"),
    (check_shift, "np.where(masks, 1 - p, p).prod(1)\n    return chances @ output",
     "np.where(masks, p, 1 - p).prod(1)\n    return chances @ output"),
    (check_regression, "((2, \"hidden\"), (5, \"last\"))", "((5, \"hidden\"), (2, \"last\"))"),
    (check_regression, "(y - y.mean()) / y.std()\n    rng", "y - y.mean()\n    rng"),
    (check_regression, "order[:, :200], \"val\": order[:, 200:300]", "order[:, :200], \"val\": order[:, 100:200]"),
    (check_loss_parts, "\"running average\": running - masked", "\"running average\": masked - running"),
    (check_loss_parts, "ask(model.train(), x, y)[0] for", "ask(model.eval(), x, y)[0] for"),
    (check_loss_parts, "decay * sum(", "1e-3 * sum("),
    (check_loss_parts, "return parts[\"reported\"] - parts[\"validation\"]", "return parts[\"mode\"]"),
    (check_accumulation, "(F.mse_loss(model(x), y) / parts)", "F.mse_loss(model(x), y)"),
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

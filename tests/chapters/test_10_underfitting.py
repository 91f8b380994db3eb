"""The functions of chapter 10: exact where they claim to be, strict about bad input, and faults in them are caught."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from torch import nn

from notebook import load

NAME = "10-underfitting"
BAD_P = (-0.1, 1.2, math.nan)


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


def check_schedule(chapter):
    """Values and exact means of every schedule, Morerio's formula, and bad input."""
    steps, p = 1000, 0.4
    q = dict(zip(chapter.KINDS, chapter.rates(chapter.KINDS, steps, p).T))
    assert set(q) == {"none", "constant", "early", "late", "rising", "falling", "curriculum"}
    t = np.arange(steps) / steps
    assert (q["none"] == 0).all() and (q["constant"] == p).all()
    assert np.allclose(q["early"], p * np.clip(1 - 2 * t, 0, None))
    assert np.allclose(q["late"], p * (t >= 0.5)) and np.allclose(q["rising"], p * t)
    assert np.allclose(q["falling"], p * (1 - t))
    assert np.allclose(1 - q["curriculum"], p * np.exp(-10 * t) + 1 - p)
    for kind, mean in {"early": p / 4, "late": p / 2, "rising": p / 2, "falling": p / 2}.items():
        assert abs(q[kind].mean() - mean) < 1e-3
    assert chapter.schedule("early", 10, 100, p, share=0.2) == pytest.approx(p / 2)
    assert chapter.schedule("late", 19, 100, p, share=0.2) == 0 and chapter.schedule("late", 20, 100, p, share=0.2) == p
    assert chapter.schedule("curriculum", 10, 100, p, gamma=5) == pytest.approx(p * (1 - math.exp(-0.5)))
    for bad in [*(("constant", 0, 10, value) for value in BAD_P), ("warm", 0, 10, p), ("late", 10, 10, p)]:
        with pytest.raises(ValueError, match="got"):
            chapter.schedule(*bad)
    for options in ({"share": 0}, {"share": 1.5}, {"gamma": -1}, {"gamma": math.nan}):
        with pytest.raises(ValueError, match="got"):
            chapter.schedule("early", 0, 10, p, **options)


def check_dropout(chapter):
    """Values, nesting in p, one p for each network, dtype, gradient, no mutation, both ends of p, bad input."""
    generator = torch.Generator().manual_seed(0)
    x, u = torch.rand(4, 500, 8, generator=generator) + 1, torch.rand(4, 500, 8, generator=generator)
    before, kept = x.clone(), {}
    for p in (0.0, 0.1, 0.5, 0.9, 1.0):
        y = chapter.dropout(x, u, p)
        kept[p] = y != 0
        assert kept[p].equal(u >= p) and abs(kept[p].double().mean() - (1 - p)) < 0.02
        assert torch.allclose(y[kept[p]], (x / (1 - p or 1))[kept[p]])
    assert all((kept[a] >= kept[b]).all() for a, b in zip(list(kept), list(kept)[1:]))
    each = chapter.dropout(x, u, torch.tensor([0.0, 0.1, 0.5, 1.0]).view(4, 1, 1))
    for row, p in zip(range(4), (0.0, 0.1, 0.5, 1.0)):
        assert torch.allclose(each[row], chapter.dropout(x[row], u[row], p))
    assert x.equal(before) and chapter.dropout(x, u, 0.5, training=False).equal(x)
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert chapter.dropout(x.to(dtype), u, 0.3).dtype == dtype
    leaf = x.clone().requires_grad_()
    chapter.dropout(leaf, u, 0.5).sum().backward()
    assert leaf.grad.equal((u >= 0.5) / 0.5)
    for p in (*BAD_P, torch.tensor([0.5, 1.5]).view(2, 1, 1)):
        with pytest.raises(ValueError, match="p must be in"):
            chapter.dropout(x, u, p)
    for bad, match in (
        ((torch.ones(3, dtype=torch.int64), u[0, 0, :3], 0.5), "floats"),
        ((x, u[:, :3], 0.5), "u must"),
        ((x[0, 0], u, 0.5), "u must"),
        ((x, u, torch.full((3, 1, 1), 0.5)), "p must broadcast"),
    ):
        with pytest.raises(ValueError, match=match):
            chapter.dropout(*bad)


def check_layer(chapter):
    """Drop shares its luck between arms, keeps groups whole, is the identity in evaluation; stack starts arms alike."""
    layer, x = chapter.Drop(3, group=4), torch.ones(6, 200, 8)
    layer.p = torch.tensor([0.2, 0.6])
    a, b = (layer.train()(x) > 0).unflatten(0, (2, 3))
    assert (a >= b).all() and not a.equal(b) and not a[0].equal(a[1])
    whole = a.unflatten(2, (2, 4))
    assert (whole == whole[..., :1]).all() and abs(a.double().mean() - 0.8) < 0.06
    assert layer.eval()(x).equal(x)
    assert chapter.Drop(1).train()(x).equal(x)  # p is 0 until it is set
    for bad in (torch.ones(6, 8), torch.ones(5, 2, 8), torch.ones(6, 2, 6), torch.ones(6, 2, 8, dtype=torch.int64)):
        with pytest.raises(ValueError, match="x must hold floats"):
            layer(bad)
    layer.p = torch.tensor([0.2, 1.6])
    with pytest.raises(ValueError, match="p must be in"):
        layer.train()(x)
    model = chapter.stack(2, 3, (64, 8, 8, 10))
    assert [type(part).__name__ for part in model] == ["Linear", "ReLU", "Drop", "Linear", "ReLU", "Drop", "Linear"]
    torch.manual_seed(0)
    for ours, theirs in zip(model.parameters(), chapter.mlp(3, (64, 8, 8, 10)).parameters()):
        assert ours.unflatten(0, (2, 3))[0].equal(theirs) and ours.unflatten(0, (2, 3))[1].equal(theirs)


def check_fit(chapter):
    """fit is torch's SGD with momentum, network by network, with a learning rate for each arm and step."""
    data, steps = chapter.digits(100, 2), 6
    lr = torch.tensor([0.05, 0.2]).expand(steps, 2).clone()
    lr[3:, 1] = 0.1
    seen, ours = [], chapter.stack(2, 2, (64, 6, 10))
    chapter.fit(ours, data, np.zeros((steps, 2)), lr, batch_size=16, watch=seen.append)
    assert seen == list(range(steps + 1))
    for arm in (0, 1):
        theirs, batches = chapter.stack(1, 2, (64, 6, 10)), torch.Generator().manual_seed(0)
        optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = lr[step, arm].item()
            rows, i = torch.arange(2)[:, None], torch.randint(100, (2, 16), generator=batches)
            optimizer.zero_grad()
            x, y = (a[rows, i] for a in data["train"])
            chapter.log_loss(theirs.train(), x, y).mean(1).sum().backward()
            optimizer.step()
        for a, b in zip(ours.parameters(), theirs.parameters()):
            assert torch.allclose(a.unflatten(0, (2, 2))[arm], b, atol=1e-5)
    pair = chapter.stack(2, 2, (64, 6, 10))
    chapter.fit(pair, data, np.full((steps, 2), 0.5), 0.1, batch_size=16)
    assert all(w[:2].equal(w[2:]) for w in pair.parameters())  # equal arms stay equal: they share masks and batches


def check_measures(chapter):
    """Direction variance and error against loops over pairs and known cases; the alignment of unbiased noise."""
    rng = np.random.default_rng(0)
    g, full = torch.tensor(rng.standard_normal((2, 5, 3)) + 0.5), torch.tensor(rng.standard_normal((2, 3)))
    variance, error = chapter.direction_variance(g), chapter.direction_error(g, full)

    def cosine(a, b):
        return (a @ b / (a.norm() * b.norm())).item()

    for i in range(2):
        pairs = [1 - cosine(g[i, j], g[i, k]) for j, k in product(range(5), repeat=2) if j != k]
        assert variance[i].item() == pytest.approx(np.mean(pairs)) == chapter.by_pairs(g[i])
        assert error[i].item() == pytest.approx(np.mean([1 - cosine(row, full[i]) for row in g[i]]))
    eye = torch.eye(3, dtype=torch.float64)
    assert chapter.direction_variance(eye).item() == pytest.approx(1)
    assert chapter.direction_variance(torch.stack([eye[0], -9 * eye[0]])).item() == pytest.approx(2)
    assert chapter.direction_error(7 * eye[:1], eye[0]).item() == pytest.approx(0)
    assert chapter.alignment(0.5, 1 - 0.5**0.5) == pytest.approx(1)
    for bad in (eye[:1], eye[0], torch.zeros(2, 3), eye.float() * math.inf, torch.ones(2, 3, dtype=torch.int64)):
        with pytest.raises(ValueError, match=r"gradients must|g must"):
            chapter.direction_variance(bad)
    for bad in ((eye, eye[:2]), (eye[0], eye[0]), (eye, eye[0, :2])):
        with pytest.raises(ValueError, match="need g"):
            chapter.direction_error(*bad)


def check_noise(chapter):
    """The variance of a sum under groups, and the noise level that variational dropout learns."""
    for group in (1, 2, 3, 6):
        terms = np.array([1.0, -2, 3, 4, 0, 5])
        exact = (terms.reshape(-1, group).sum(1) ** 2).sum()
        assert chapter.sum_variance(terms, group, 0.5) == pytest.approx(exact)
        assert chapter.sum_variance(terms, group, 0.2) == pytest.approx(exact / 4)
    assert chapter.learned_alpha(1000.0) == pytest.approx(1 / 2000, rel=0.01)  # 1 / (2 S) for a large signal S
    assert chapter.learned_alpha(10.0) > chapter.learned_alpha(20.0)


def check_bias_variance(chapter):
    """Unbiased over all samples of three from a small world, exact in each; shapes; bad input."""
    rng = np.random.default_rng(0)
    world, y = rng.dirichlet(np.ones(4), size=(3, 2)), np.array([1, 3])
    truth = np.eye(4)[y]
    bias = ((world.mean(0) - truth) ** 2).sum(1).mean()
    variance = ((world - world.mean(0)) ** 2).sum(2).mean()
    drawn = np.array([chapter.bias_variance(world[list(sets)], y) for sets in product(range(3), repeat=3)])
    assert np.allclose(drawn[:, 0], drawn[:, 1] + drawn[:, 2])
    assert np.allclose(drawn.mean(0), (bias + variance, bias, variance))
    many = rng.dirichlet(np.ones(4), size=(5, 6, 2))
    for whole, each in zip(
        chapter.bias_variance(many, np.tile(y, (5, 1))), zip(*(chapter.bias_variance(q, y) for q in many))
    ):
        assert whole.shape == (5,) and np.allclose(whole, each)
    for bad in ((world[:1], y), (world, y[:1]), (world[0], y), (world[0, 0], y)):
        with pytest.raises(ValueError, match="need q"):
            chapter.bias_variance(*bad)


def check_split(chapter):
    """Error, bias² and variance against loops over all samples of three from a small world; shapes; bad input."""
    rng = np.random.default_rng(1)
    world, truth = rng.standard_normal((4, 5)), rng.standard_normal(5)
    bias = ((world.mean(0) - truth) ** 2).sum()
    variance = ((world - world.mean(0)) ** 2).sum(1).mean()
    drawn = np.array([chapter.split(world[list(some)], truth) for some in product(range(4), repeat=3)])
    assert np.allclose(drawn[:, 0], drawn[:, 1] + drawn[:, 2])
    assert np.allclose(drawn.mean(0), (bias + variance, bias, variance))
    many, truths = rng.standard_normal((2, 6, 5)), rng.standard_normal((2, 5))
    for whole, each in zip(chapter.split(many, truths), zip(*map(chapter.split, many, truths))):
        assert np.allclose(whole, each)
    for bad in ((world[:1], truth), (world, truth[:4]), (truth, truth), (many, truth)):
        with pytest.raises(ValueError, match="need estimates"):
            chapter.split(*bad)


def check_path(chapter):
    """Without masks the three records are one; with them only the weights are shared; measuring changes no training."""
    assert [name for name in chapter.STAGES] == ["first", "middle", "last"]
    assert sum(chapter.STAGES.values(), ()) == chapter.MARKS[1:]
    small = {"n_seeds": 2, "sizes": (64, 6, 10), "n_train": 80}
    still, moved = chapter.path(0.0, 0.05, **small), chapter.path(0.5, 0.05, **small)
    assert moved.shape == (len(chapter.MARKS), 3, 6, 2)
    assert np.allclose(still[:, 0], still[:, 1]) and np.allclose(still[:, 0], still[:, 2])
    assert np.allclose(still[:, 0], moved[:, 0])
    assert np.allclose(moved[:, 2, 1], moved[:, 0, 1]) and not np.allclose(moved[1:, 1, 1], moved[1:, 0, 1])
    assert np.allclose(moved[0, 1], moved[0, 2]) and (moved[:, 2, 5] > moved[:, 0, 5]).all()
    found = chapter.measures(0.5, 0.05, **small)
    assert len(found) == 3 * 9
    assert np.allclose(found["last_own_distance"], (moved[-3:, 1, 1] - moved[-3:, 0, 1]).mean(0), atol=1e-3)
    assert np.allclose(found["first_same_bias"], (moved[1:5, 2, 4] - moved[1:5, 0, 4]).mean(0), atol=1e-3)


def check_study(chapter):
    """One arm of study is that arm of a stack; stopped early, each seed stands where its validation loss is lowest."""
    knobs = {"sizes": (64, 16, 10), "n_train": 60, "wrong": 0.4, "n_seeds": 3}
    data, steps, marks = chapter.digits(60, 3, wrong=0.4), 200, {}
    pair = chapter.stack(2, 3, (64, 16, 10))

    def watch(step):
        if step % 10 == 0:
            parts = [chapter.evaluate(pair, *(a.repeat(2, *[1] * (a.ndim - 1)) for a in data[k])) for k in data]
            marks[step] = {k: [a[3:] for a in part] for k, part in zip(data, parts)}

    chapter.fit(pair, data, chapter.rates(("none", "late"), steps, 0.5), 0.3, watch=watch)
    end = chapter.study("late", 0.5, 0.3, steps, **knobs)
    for metric, part, i, scale in (("val", "val", 0, 1), ("train", "train", 0, 1), ("loss", "test", 0, 1),
                                   ("error", "test", 1, 100)):  # fmt: skip
        assert np.allclose(end[metric], scale * marks[steps][part][i], atol=2e-3 * scale)
    stopped = chapter.study("late", 0.5, 0.3, steps, stop=True, **knobs)
    losses = {part: np.array([mark[part][0] for mark in marks.values()]) for part in data}
    best = losses["val"].argmin(0)
    assert (best < len(marks) - 1).any() and (best != losses["test"].argmin(0)).any()
    for metric, part in (("val", "val"), ("train", "train"), ("loss", "test")):
        assert np.allclose(stopped[metric], losses[part][best, range(3)], atol=2e-3)


def check_brier(chapter):
    """brier_split is the split of the networks that it trains, on the digits that it names."""
    data = chapter.training_sets(0.2, 2)
    assert data["train"][0].shape == (16, 120, 64) and data["test"][0].shape == (2, 500, 64)
    found = chapter.brier_split("constant", 0.5, 0.1, 20, 0.2, (64, 8, 10), n_splits=2)
    model = chapter.stack(1, 16, (64, 8, 10))
    chapter.fit(model, data, np.full((20, 1), 0.5), 0.1, batch_size=32)
    for part, names in (("val", {0: "val"}), ("test", {1: "bias", 2: "variance"})):
        x, y = data[part]
        with torch.no_grad():
            q = torch.softmax(model.eval()(x.repeat_interleave(8, 0)).double(), -1).reshape(2, 8, len(y[0]), 10)
        parts = chapter.bias_variance(q.numpy(), y.numpy())
        assert all(np.allclose(found[name], parts[i], atol=1e-3) for i, name in names.items())


def check_reading(chapter):
    """Stored rows are read by arm and rate, tuned on what is asked; corrected intervals are Bonferroni's."""
    rows = [
        ({"kind": "late", "p": 0.5, "lr": lr, "steps": steps}, {"val": [lr * steps, 0], "loss": [1 - lr, steps]})
        for lr in (0.1, 0.2)
        for steps in (10, 20)
    ] + [({"kind": "none", "p": 0.0, "stop": True, "lr": 0.1, "steps": 10}, {"val": [3, 3], "loss": [4, 5]})]
    found = chapter.arms(rows, 10)
    assert {arm: [*by] for arm, by in found.items()} == {"late, p = 0.5": [0.1, 0.2], "none, stopped early": [0.1]}
    lr, here = chapter.tuned(found["late, p = 0.5"])
    assert lr == 0.1 and here["val"].tolist() == [1, 0]
    assert chapter.against(rows, 10, "late, p = 0.5", "none, stopped early", "loss").tolist() == [0.9 - 4, 5]
    assert chapter.marked([1.0, 1.1, 1.2, 0.9, 1.1], 2, 1) == "+1.1 ± 0.1 *"
    assert chapter.marked([1.0, 3.0, -2.0, 0.0, 1.0], 2, 1) == "+0.6 ± 2.2"
    setting = {"kind": "constant", "p": 0.1, "share": 0.2, "group": 4}
    assert chapter.name_of(setting) == "constant, p = 0.1, off after a sixth, groups of 4"
    values = np.random.default_rng(0).standard_normal((3, 10))
    for n_rows in (1, 20, 100):
        mean, half = chapter.corrected(values, n_rows)
        exact = student.ppf(1 - 0.025 / n_rows, 9) * values.std(1, ddof=1) / 10**0.5
        assert np.allclose(mean, values.mean(1)) and np.allclose(half, exact, rtol=0.02)


CHECKS = [
    check_schedule, check_dropout, check_layer, check_fit, check_measures, check_noise, check_bias_variance,
    check_split, check_path, check_study, check_brier, check_reading,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_schedule, "max(0.0, 1 - t / share)", "max(0.0, 1 - t)"),
    (check_schedule, "float(t >= share)", "float(t > share)"),
    (check_schedule, "1 - math.exp(-gamma * t)}", "math.exp(-gamma * t)}"),
    (check_schedule, "if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    (check_schedule, "0 <= step < steps and", "0 <= step <= steps and"),
    (check_dropout, "u >= drop, x /", "u < drop, x /"),
    (check_dropout, "x / torch.where(drop < 1, 1 - drop, 1)", "x"),
    (check_dropout, "torch.where(drop < 1, 1 - drop, 1)", "(1 - drop / 2)"),
    (check_dropout, "1 - drop, 1), 0) if training else x", "1 - drop, 1), 0)"),
    (check_dropout, "if not ((drop >= 0) & (drop <= 1)).all():", "if (drop < 0).any() or (drop > 1).any():"),
    (check_dropout, "torch.as_tensor(p, dtype=x.dtype, device=x.device)", "torch.as_tensor(p, dtype=torch.float64)"),
    (check_layer, "repeat_interleave(self.group, -1)", "repeat(1, 1, self.group)"),
    (check_layer, "        if not self.training:\n            return x\n        u = ", "        u = "),
    (check_layer, "w.detach().repeat(n_arms, 1, 1)", "w.detach().repeat_interleave(n_arms, 0)"),
    (check_fit, "velocity = momentum * velocity + g", "velocity = momentum * velocity + (1 - momentum) * g"),
    (check_fit, "repeat_interleave(n_seeds, 1)[:, :, None]", "repeat(1, n_seeds)[:, :, None]"),
    (check_fit, "rate[step] * velocity", "rate[0] * velocity"),
    (check_measures, "return k / (k - 1) * (1 - resultant)", "return 1 - resultant"),
    (check_measures, "directions(g).mean(-2).square()", "g.mean(-2).square()"),
    (check_measures, ".mean(-2) * directions(full)).sum(-1)", ".mean(-2) * full).sum(-1)"),
    (check_measures, "(length > 0) & length.isfinite()", "(length >= 0)"),
    (check_noise, "np.reshape(terms, (-1, group)).sum(1)", "np.reshape(terms, (group, -1)).sum(0)"),
    (check_noise, "kl = -a / 2 + ", "kl = -a + "),
    (check_bias_variance, "part / n for part", "part for part"),
    (check_split, "variance = scatter * k / (k - 1)", "variance = scatter"),
    (check_split, ".sum(-1) - variance / k", ".sum(-1)"),
    (check_path, "[p, p], start)[:, 0]", "[p, p], start)[:, 1]"),
    (check_path, "torch.random.set_rng_state(masks)", "masks"),
    (check_path, "(part[arm] - part[0])", "part[arm]"),
    (check_study, "record[:, 0].argmin(0)", "record[:, 2].argmin(0)"),
    (check_study, "steps or (stop and step", "steps or (False and step"),
    (check_study, "100 * parts[2][1]", "parts[2][1]"),
    (check_brier, '"bias": parts["test"][1]', '"bias": parts["val"][1]'),
    (check_reading, "lr = min(by_rate, key", "lr = max(by_rate, key"),
    (check_reading, 'if setting["steps"] == steps:', "if True:"),
    (check_reading, "(0.05, 0.05 / n_rows)", "(0.05, 0.05)"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    with pytest.raises(
        (AssertionError, ValueError, RuntimeError, IndexError, ZeroDivisionError, pytest.fail.Exception)
    ):
        check(load(NAME, {old: new}))


def test_a_schedule_on_nn_dropout_is_one_assignment(chapter):
    """nn.Dropout reads p at each call, as the chapter says."""
    layer, x = nn.Dropout(0.0).train(), torch.ones(10_000)
    for step in (0, 40, 80):
        layer.p = chapter.schedule("rising", step, 100, 0.5)
        assert abs((layer(x) == 0).double().mean() - 0.5 * step / 100) < 0.03

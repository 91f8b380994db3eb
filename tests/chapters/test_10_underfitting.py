"""The functions of chapter 10: exact where they claim to be, strict about bad input, and faults in them are caught."""

import math
from itertools import product

import numpy as np
import pytest
import torch
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


CHECKS = [check_schedule, check_dropout, check_layer, check_fit, check_measures, check_noise, check_bias_variance]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_schedule, "max(0.0, 1 - t / share)", "max(0.0, 1 - t)"),
    (check_schedule, "float(t >= share)", "float(t > share)"),
    (check_schedule, "1 - math.exp(-gamma * t)}", "math.exp(-gamma * t)}"),
    (check_schedule, "if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    (check_schedule, "0 <= step < steps and", "0 <= step <= steps and"),
    (check_dropout, "torch.where(u >= drop, x /", "torch.where(u < drop, x /"),
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
    (check_bias_variance, "(n_sets - 1)\n", "n_sets\n"),
    (check_bias_variance, ".mean(-1) - variance / n_sets", ".mean(-1)"),
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

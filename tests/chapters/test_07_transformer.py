"""The functions of chapter 7 as the notebook defines them, and faults planted in them that these checks catch."""

import hashlib
import math

import numpy as np
import pytest
import torch

from notebook import load

NAME = "07-transformer"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def raises(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except ValueError as error:
        return str(error)
    raise AssertionError("no ValueError")


def check_masks(m):
    x = torch.rand(400, 3, 6, generator=seeded()) + 0.5
    for drop in (m.drop_path, m.sequence_dropout):
        before = x.clone()
        y = drop(x, 0.2, generator=seeded(1))
        assert torch.equal(x, before)
        assert torch.equal(y, drop(x, 0.2, generator=seeded(1)))
        kept = y != 0
        assert torch.allclose(y[kept], (x / 0.8)[kept])
        assert (kept == kept[:, :1]).all()  # one fate for all times
        assert 0.74 < kept.float().mean() < 0.86
        assert (kept[0] != kept).any() and (kept[1] != kept).any()  # sequences differ
        assert torch.equal(drop(x, 0.2, training=False), x)
        assert torch.equal(drop(x, 0.0), x)
        assert torch.equal(drop(x, 1.0), torch.zeros_like(x))
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            for p in (0.0, 0.3, np.float64(0.3), 1.0):
                y = drop(x.to(dtype), p)
                assert y.dtype == dtype and y.shape == x.shape and y.isfinite().all()
        for bad in (-0.1, 1.2, math.nan, math.inf):
            assert raises(drop, x, bad) == f"p must be in [0, 1], got {bad}"
            raises(drop, x, bad, training=False)
        for wrong in (x[0], x[None], x.int(), x > 1):
            assert "x must be floats of shape (batch, time, features)" in raises(drop, wrong, 0.2)
    assert ((m.drop_path(x, 0.2, generator=seeded()) != 0).flatten(1).float().std(1) == 0).all()
    features = m.sequence_dropout(x, 0.2, generator=seeded())[:, 0] != 0
    assert (features.float().std(1) > 0).any()


def check_block(m):
    torch.manual_seed(0)
    four = {place: 0.4 for place in m.PLACES[1:5]}
    pair = m.twins(four, 0.4)
    assert m.largest_gap(*pair, False, n=4) < 1e-5 and m.largest_gap(*pair, True, n=8) < 1e-5
    reached = m.reaches(m.Block(8, 2, {}))
    sequence, time = torch.arange(12) // 4, torch.arange(12) % 4
    assert torch.equal(reached, (sequence[:, None] == sequence) & (time[:, None] <= time))
    path = m.Block(8, 2, {"whole branches": 0.5}).train()
    x = torch.rand(64, 5, 8, generator=seeded())
    changed = (path(x) != x).flatten(1)
    assert 0.05 < (~changed.any(1)).float().mean() < 0.5  # about a quarter lose both branches
    assert torch.equal(m.Block(8, 2, {"whole branches": 1.0}).train()(x), x)
    assert "p must name places from PLACES, got ['embedding']" == raises(m.Block, 8, 2, {"embedding": 0.1})


def check_heads(m):
    for weights, values, p in (([0.7, 0.2, 0.1], [1, 2, 3], 0.2), ([1.0], [2.0], 0.5), ([0.5] * 2, [1, -1], 0.0)):
        mean, sd = m.head_moments(weights, values, p)
        w, v = np.array(weights), np.array(values)
        assert math.isclose(mean, w @ v, abs_tol=1e-12)
        assert math.isclose(sd**2, p / (1 - p) * (w**2 @ v**2), abs_tol=1e-12)
    raises(m.head_moments, [1.0], [1.0], 1.0)
    raises(m.head_moments, [1.0], [1.0], math.nan)
    raises(m.head_moments, [1.0, 0.0], [1.0], 0.5)


def check_memory(m):
    for steps in (1, 3, 9):
        alive, mean, sd = m.memory(0.4, steps, fresh=True)
        assert math.isclose(alive, 0.6**steps) and math.isclose(mean, 1)
        assert math.isclose(sd, math.sqrt(0.6**-steps - 1))
        alive, mean, sd = m.memory(0.4, steps, fresh=False)
        assert math.isclose(alive, 0.6) and math.isclose(mean, 0.6 ** (1 - steps))
        assert math.isclose(sd / mean, math.sqrt(0.4 / 0.6))
    raises(m.memory, 1.0, 3, True)
    raises(m.memory, 0.5, 0, False)


def check_texts(m):
    assert hashlib.sha256("\n".join(m.TEXTS).encode()).hexdigest().startswith("a42c1a2fe7020566")
    data = m.split_texts(50, n_seeds=3)
    assert {part: texts.shape for part, texts in data.items()} == {
        "train": (3, 50, 17), "val": (3, 120, 17), "test": (3, 120, 17)}  # fmt: skip
    for train, val, test in zip(*(data[part].tolist() for part in ("train", "val", "test"))):
        assert len({*map(tuple, train), *map(tuple, val), *map(tuple, test)}) == 290  # nothing twice, nothing in two
        for text in train[:5]:
            assert text[0] == 0 and "".join(m.ALPHABET[i] for i in text[1:]) in m.TEXTS
    assert not torch.equal(data["val"][0], data["val"][1])
    raises(m.split_texts, 0)
    raises(m.split_texts, 2001)


def check_tutorial(m):
    torch.manual_seed(0)
    across = torch.arange(12)[:, None] // 4 != torch.arange(12) // 4
    assert (m.reaches(m.TutorialBlock(8, 2, 16)) & across).sum() == 24
    repaired = m.reaches(m.TutorialBlock(8, 2, 16, batch_first=True))
    assert torch.equal(repaired, ~across)


def check_training(m):
    data = m.split_texts(12, n_seeds=3)
    plain, dropped = (m.fit(data, p, steps=6, every=3, batch=4) for p in ({}, {"embeddings": 0.5}))
    assert plain["val_loss"].shape == (3, 3)
    assert np.array_equal(plain["val_loss"][0], dropped["val_loss"][0])  # the same initial weights
    assert (plain["val_loss"][-1] != dropped["val_loss"][-1]).all()
    assert (plain["val_loss"][-1] < plain["val_loss"][0]).all()
    assert len(set(plain["val_loss"][-1])) == 3  # seeds differ
    torch.manual_seed(5)
    again = m.fit(data, {"embeddings": 0.5}, steps=6, every=3, batch=4)
    assert np.allclose(again["val_loss"], dropped["val_loss"])
    arm = m.text_arm(12, {"embeddings": 0.5}, budgets=(4,), rate=8e-3, every=2, n_seeds=3)
    record = m.fit(data, {"embeddings": 0.5}, steps=4, every=2)
    assert np.array_equal(arm["val 4"], record["val_loss"][-1])
    assert np.array_equal(arm["loss 4"], record["test_loss"][-1])
    assert np.array_equal(arm["error 4"], 100 * record["test_error"][-1])
    assert len(set(np.array(list(record.values()))[:, -1].mean(1))) == 6  # three parts, two figures each


def check_outcome(m):
    """Runs whose best rate is known: rate 5 of RATES at step 50, rate 1 at step 100, and seeds that stop apart."""
    asked = []

    def run(rate):
        k = m.RATES.index(rate)
        asked.append(k)
        early, late = np.full(10, abs(k - 5) + 1.5), np.full(10, abs(k - 1) + 1.0)
        early[0] = -9  # this seed's best step is the first
        return {50: np.array([early, early + k, early]), 100: np.array([late, late + k, late])}

    found = m.outcome(run, (50, 100))
    assert sorted(asked) == list(range(7))  # the grid grew on both sides until no best rate was at its edge
    assert set(found["rate 50"]) == {m.RATES[5]}
    assert set(found["rate 100"]) == set(found["rate stopped"]) == {m.RATES[1]}
    assert found["loss 50"][1] == found["val 50"][1] + 5
    assert found["val stopped"].tolist() == [-9] + [1.0] * 9
    assert m.outcome(run, (50,), rate=m.RATES[3])["val 50"][1] == 3.5
    assert "the end of RATES" in raises(m.outcome, lambda rate: {50: np.full((3, 10), -rate)}, (50,))


def check_rnn(m):
    x = torch.rand(2, 30, 64, generator=seeded())
    torch.manual_seed(0)
    nets = {one: m.RowRNN(2, 0.5, one) for one in (False, True)}
    nets[True].load_state_dict(nets[False].state_dict())
    assert torch.equal(nets[True].eval()(x), nets[False].eval()(x))
    calls = {one: [] for one in nets}
    for one, net in nets.items():
        net.drop.register_forward_hook(lambda _, __, out, one=one: calls[one].append(out.clone()))
        assert not torch.equal(net.train()(x), net.eval()(x))
    masks = {one: [c for c in found if (c != 1).any()] for one, found in calls.items()}
    assert len(masks[True]) == 1 and len(masks[False]) == 8
    assert not torch.equal(masks[False][0], masks[False][1])
    assert masks[True][0].unique().tolist() == [0, 2]
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(4, 8, num_layers=2, batch_first=True)
    first, second = m.single_layers(lstm)
    y = torch.rand(3, 7, 4, generator=seeded())
    assert torch.allclose(second(first(y)[0])[0], lstm(y)[0], atol=1e-6)
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(4, 8, num_layers=2, dropout=0.5)
    first, second = m.single_layers(lstm)
    between = first(y)[0]
    assert between.is_contiguous()  # so that every torch draws the same mask for it
    torch.manual_seed(1)
    expected = lstm(y)[0]
    torch.manual_seed(1)
    assert torch.allclose(second(torch.nn.functional.dropout(between, 0.5))[0], expected, atol=1e-6)
    arm = m.rnn_arm(0.25, True, budgets=(2, 3), rate=1e-2, n_train=20, n_seeds=2)
    data, model = m.digits(20, 2, 0.2), None
    for steps in (2, 3):
        torch.manual_seed(0)
        model = m.RowRNN(2, 0.25, True)
        m.train(model, data, steps, 1e-2, 32, every=steps)
        loss, error = m.evaluate(model, *data["test"])
        assert np.array_equal(arm[f"loss {steps}"], loss) and np.array_equal(arm[f"error {steps}"], 100 * error)
        assert np.array_equal(arm[f"val {steps}"], m.evaluate(model, *data["val"])[0])


CHECKS = (
    check_masks,
    check_block,
    check_heads,
    check_memory,
    check_texts,
    check_tutorial,
    check_training,
    check_outcome,
    check_rnn,
)


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_chapter(check, chapter):
    check(chapter)


FAULTS = [
    (check_masks, "device=x.device) < p", "device=x.device) >= p"),
    (check_masks, "(x / (1 - p or 1)).masked_fill", "x.masked_fill"),
    (check_masks, "(x / (1 - p or 1)).masked_fill", "(x / (1 - p)).mul(0).masked_fill"),
    (check_masks, ".masked_fill(dropped, 0)", ".masked_fill_(dropped, 0).double()"),
    (check_masks, "if not training or p == 0:", "if p == 0:"),
    (check_masks, "if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    (check_masks, "if x.ndim != 3 or not x.is_floating_point():", "if x.ndim != 3:"),
    (check_masks, "masked(x, p, (batch, 1, 1), ", "masked(x, p, (1, 1, 1), "),
    (check_masks, "masked(x, p, (batch, 1, 1), ", "masked(x, p, x.shape, "),
    (check_masks, "masked(x, p, (batch, 1, features), ", "masked(x, p, (1, 1, features), "),
    (check_masks, "masked(x, p, (batch, 1, features), ", "masked(x, p, (batch, 1, 1), "),
    (check_block, "x.shape[1], dtype=torch.bool).triu(1)", "x.shape[1], dtype=torch.bool).triu(2)"),
    (check_block, "/ q.shape[-1]**0.5).masked_fill", "/ q.shape[-1]).masked_fill"),
    (check_block, '["attention weights"](scores.softmax(-1))', '["attention weights"](scores).softmax(-1)'),
    (check_block, "(self.attention(self.norm1(x)))", "(self.norm1(self.attention(x)))"),
    (check_block, 'torch.relu(self.up(self.norm2(x)))', 'torch.relu(self.up(x))'),
    (check_block, 'drop_path(self.drop["after feed-forward"](self.down(hidden)),', "drop_path(self.down(hidden),"),
    (check_block, "x = x + drop_path(branch, self.p_path, self.training)", "x = x + branch"),
    (check_block, "if unknown := set(p) - set(PLACES):", "if unknown := set():"),
    (check_heads, "output = masks @ (weights * values) / (1 - p)", "output = masks @ (weights * values)"),
    (check_memory, "(masks / (1 - p)).prod(1) if fresh", "masks.prod(1) if fresh"),
    (check_memory, "(masks[:, 0] / (1 - p))**steps", "masks[:, 0] / (1 - p)"),
    (check_texts, "slice(120, 120 + n_texts)", "slice(119, 119 + n_texts)"),
    (check_texts, "slice(2120, 2240)", "slice(100, 220)"),
    (check_texts, "rng.permutation(len(TEXTS)) for _", "np.arange(len(TEXTS)) for _"),
    (check_tutorial, "other[position] = torch.rand", "x[position] = torch.rand"),
    (check_training, "    torch.manual_seed(0)\n    models =", "    models ="),
    (check_training, "            model.eval()\n", ""),
    (check_training, "texts)[0].sum().backward()", "texts)[0].neg().sum().backward()"),
    (check_training, '("val_loss", "test_loss", "test_error"))', '("test_loss", "val_loss", "test_error"))'),
    (check_training, 'parts = data["train"][:, :FEW], data["val"], data["test"]',
     'parts = data["train"][:, :FEW], data["val"], data["val"]'),
    (check_outcome, "if first < min(places) and max(places) < last:", "if True:"),
    (check_outcome, "steps[:, :1].argmin(0", "steps[:, :1].argmax(0"),
    (check_outcome, "at(runs[rate], end)[0].mean()", "at(runs[rate], end)[1].mean()"),
    (check_rnn, "model = RowRNN(n_seeds, p, one_mask)", "model = RowRNN(n_seeds, p, not one_mask)"),
    (check_rnn, "batch_first=lstm.batch_first)", "batch_first=True)"),
    (check_rnn, "if t == 0 or not self.one_mask:", "if t == 0 or self.one_mask:"),
    (check_rnn, 'name.replace("l0", f"l{i}")', "name"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=range(len(FAULTS)))
def test_planted_fault_is_caught(check, old, new):
    faulty = load(NAME, {old: new})
    with pytest.raises((AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError)):
        check(faulty)

"""The functions that state a chapter's comparison for the stress plans give the chapter's numbers where their arguments
are its own, and see what is planted."""

import functools

import numpy as np
import pytest
import torch

from notebook import load

chapter = functools.cache(load)


def check_since(ns):
    """What it gives is `since_best` of the two runs, and all of it is 0 for a network that is best at the end."""
    setting = dict(n=40, wrong=0.4, width=16, steps=60, lr=2e-2, n_seeds=5)
    found = ns.since_study(**setting)
    val, test = ns.run(**setting), ns.run(**setting, watch="test")
    best = val["val_loss"].argmin(0), np.arange(5)
    assert (found["train_loss"] == val["train_loss"][-1] - val["train_loss"][best]).all()
    assert (found["test_loss"] == test["val_loss"][-1] - test["val_loss"][best]).all()
    assert (found["test_error"] == test["val_error"][-1] - test["val_error"][best]).all()
    assert (found["train_loss"] < 0).all() and (found["test_loss"] > 0).all()


def check_shuffle(ns):
    """A gap after training and none before; one shuffle cannot be told apart, a shift can."""
    found = ns.shuffle_study(n=200, wrong=0.4, steps=400, lr=1e-2, n_seeds=8)
    assert abs(found["before"].mean()) < 0.06 and abs(found["same"].mean()) < 0.06
    assert found["after"].min() > 0.2 and found["moved"].min() > 0.3
    early = ns.shuffle_study(n=200, wrong=0.4, steps=60, lr=3e-3, n_seeds=8)  # the wrong labels are not learnt yet
    assert early["after"].mean() > -0.03


def check_form(ns):
    """The last records of `train_sgd`; the converted rate makes of one form the other, with Adam too."""
    arms = ns.three_arms(0.5, 0.3, 40)
    for form, (history, _) in zip(("original", "inverted", "converted"), arms):
        assert np.allclose(ns.form_study(form, steps=40)["val"], history[-1], atol=1e-6)
    few = dict(p=0.75, steps=25, n_train=60, wrong=0.2, width=16)
    for optimizer in ("SGD", "Adam"):
        one, two, three = (ns.form_study(form, optimizer=optimizer, **few)
                           for form in ("original", "inverted", "converted"))  # fmt: skip
        for part in ("val", "test"):
            assert np.allclose(one[part], three[part], atol=1e-4) and abs(one[part] - two[part]).mean() > 1e-3
    data = ns.digits(60, ns.N_SEEDS)
    twice = [torch.cat([part, part], 1) for part in data["val"]]
    _, logits = ns.train_sgd(1, 0.5, 1, 1, steps=1, data={**data, "val": twice})  # after a step, not a record
    assert torch.allclose(logits[:, :300], logits[:, 300:], atol=1e-6)


def check_closeness(ns):
    """Zero distance where nothing is dropped, more with more masks; the second layer's width costs no masks."""
    few = dict(steps=40, n_train=60, widths=(5, 24))
    exact, less, more = (ns.closeness(0.5, masks=p, **few) for p in (0.0, 0.2, 0.6))
    assert exact["worst"].max() < 1e-9 and exact["kl"].max() < 1e-9
    assert (0 < less["logits"]).all() and (less["logits"] < more["logits"]).all()
    assert (exact["val"] == more["val"]).all()
    assert (ns.closeness(0.0, **few)["val"] != exact["val"]).all()


def check_sparsity(ns):
    """Shares of zeros and of variance; neighbours that are copies explain all, the untrained network's maps too."""
    found = ns.sparsity_study(rate=2e-3, steps=5, n_train=40, norm=True, shift=True)
    assert all(values.shape == (ns.N_SEEDS,) for values in found.values())
    assert all(0 <= found[f"zeros in {name}"].min() <= found[f"zeros in {name}"].max() < 1
               for name in ("conv 1", "conv 2", "fc"))  # fmt: skip
    draw = np.random.default_rng(0)
    maps = np.repeat(draw.random((2, 600, 1, 1, 8)), 8, 3).repeat(8, 2)  # rows of one kind in every map
    units = draw.random((2, 600, 32))
    shares = ns.readable(maps, units)
    assert shares["its 8 neighbours"].min() > 0.99 and shares["the 7 other maps"].min() > 0.99
    assert abs(shares["fc: 8 other units"]).max() < 0.1


def check_texts(ns):
    """`text_arm` at one rate where no letter is wrong; wrong letters are in the training texts alone."""
    where = {"embeddings": 0.5}
    arm = ns.text_arm(12, where, budgets=(4,), rate=8e-3, every=2, n_seeds=3)
    study = ns.text_study(12, where, steps=4, lr=8e-3, every=2, n_seeds=3)
    for ours, theirs in (("val", "val 4"), ("loss", "loss 4"), ("error", "error 4"), ("stopped loss", "loss stopped")):
        assert np.array_equal(study[ours], arm[theirs])
    seen = {}
    kept, ns.fit = ns.fit, lambda data, *rest: seen.update(data) or kept(data, *rest)
    try:
        ns.text_study(200, where, steps=2, lr=8e-3, wrong=0.4, every=2, n_seeds=3)
    finally:
        ns.fit = kept
    right = ns.split_texts(200, 3)
    assert torch.equal(seen["val"], right["val"]) and torch.equal(seen["test"], right["test"])
    assert abs((seen["train"] != right["train"])[:, :, 1:].float().mean() - 0.4) < 0.02
    assert (seen["train"][:, :, 0] == 0).all() and (seen["train"][:, :, 1:] > 0).all()
    assert seen["train"].max() < len(ns.ALPHABET)


def check_fields(ns):
    """The chapter's task where the arguments are its own, wrong labels in training alone, a rate as `trial` has it."""
    for kind, n_train, wrong in (("images", 300, 0.2), ("sound", 300, 0.0), ("language", 500, 0.0)):
        ours, theirs = ns.spoilt_task(kind, n_train, wrong), ns.task(kind)
        assert all(torch.equal(*pair) for part in ours for pair in zip(ours[part], theirs[part]))
    right, spoilt = ns.spoilt_task("sound", 100, 0.0), ns.spoilt_task("sound", 100, 0.4)
    differ = right["train"][1] != spoilt["train"][1]
    assert (differ.sum(1) == 40).all() and spoilt["train"][1].max() < 10 and spoilt["train"][1].min() >= 0
    assert all(torch.equal(right[part][1], spoilt[part][1]) for part in ("val", "test"))
    found = ns.field_study("sound", 0.5, 40, 8e-3, 100, 0.4)
    model, history = ns.arm(spoilt, 0.5, 40, 8e-3)
    assert np.array_equal(found["val"], history["val_loss"][-1])
    assert np.array_equal(found["stopped_val"], history["val_loss"].min(0))
    assert np.allclose(found["loss"], ns.evaluate(model, *spoilt["test"])[0])
    assert (found["forgotten_loss"] > found["loss"]).all()
    plain = ns.field_study("sound", 0.0, 20, 8e-3, 100, 0.4)  # nothing to forget
    assert np.allclose(plain["forgotten_loss"], plain["loss"])


FAULTS = {
    "01-overfitting": [
        (check_since, 'run(**setting, watch="test"))\n    return dict(zip', 'run(**setting))\n    return dict(zip'),
        (check_shuffle, 'noisy_error(ends["val_error"], wrong)', 'ends["val_error"]'),
        (check_shuffle, "(side, side)).roll(1, dims=-1)", "(side, side)).roll(0, dims=-1)"),
        (check_shuffle, "(0.5 - tell_apart(", "(1 - tell_apart("),
    ],
    "03-inverted-dropout": [
        (check_form, "keep if adam else keep**2)", "keep**2)"),
        (check_form, "each[:, :n_val]", "each[:, n_val:]"),
        (check_form, "np.array(history), model.eval()(", "np.array(history), model("),
    ],
    "04-why-it-works": [
        (check_closeness, "seed, (0, 1, 0), masks, x[seed])", "seed, (0, 1, 0), p, x[seed])"),
        (check_closeness, "(64, *widths, 10), p, steps, lr, data)", "(64, *widths, 10), 0.5, steps, lr, data)"),
    ],
    "06-cnn": [
        (check_sparsity, "[explained(*other_maps(a)) for a in conv1]", "[explained(*around(0 * a, 1)) for a in conv1]"),
        (check_sparsity, "[explained(a.T, b) for a, b", "[explained(a.T, a.T[..., None]) for a, b"),
    ],
    "07-transformer": [
        (check_texts, "(right - 1 + shift) % n + 1, right)", "(right + shift) % n, right)"),
        (check_texts, 'data["train"][:, :, 1:] = torch.where(', 'data["test"][:, :200, 1:] = 1 + 0 * torch.where('),
        (check_texts, "generator=generator) < wrong", "generator=generator) < wrong / 2"),
    ],
    "13-field-guide": [
        (check_fields, "(rng.integers(1, n_classes, labels", "(rng.integers(0, n_classes, labels"),
        (check_fields, '{f"stopped_{name}": curve[best]', '{f"stopped_{name}": curve[0]'),
        (check_fields, '*data["test"])\n    return ({name', '*data["val"])\n    return ({name'),
        (check_fields, '(model.train(), *data["test"])\n    return (', '(model.eval(), *data["test"])\n    return ('),
    ],
}  # fmt: skip
CHECKS = [(name, check) for name, faults in FAULTS.items() for check in dict.fromkeys(fault[0] for fault in faults)]


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[check.__name__ for _, check in CHECKS])
def test_comparison(name, check):
    check(chapter(name))


PLANTED = [(name, *fault) for name, faults in FAULTS.items() for fault in faults]


@pytest.mark.parametrize(
    ("name", "check", "old", "new"), PLANTED, ids=[f"{name[:2]} {new}" for name, _, _, new in PLANTED]
)
def test_a_planted_fault_is_seen(name, check, old, new):
    with pytest.raises((AssertionError, IndexError, RuntimeError)):
        check(load(name, {old: new}))

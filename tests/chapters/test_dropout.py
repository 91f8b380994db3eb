"""Every dropout function of the book, taken out of its notebook, keeps dropout's contract; planted faults do not."""

import functools
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from notebook import NAMES, code_of, definitions, load, read

chapter = functools.cache(load)

# One shape for all: make(p) gives f(x, rng, training), from array to array; rng.random(shape) is all its randomness.


def forward(ns):
    """Chapter 2: a mask, then the forward pass with it. It has no training flag."""
    return lambda p: lambda x, rng, training=True: ns.dropout_forward(x, ns.bernoulli_mask(x.shape, p, rng), p)


def function(ns):
    """Chapter 3 in NumPy."""
    return lambda p: lambda x, rng, training=True: ns.dropout(x, p, rng, training)


def module(ns):
    """Chapter 3 in torch, on memory shared with the array, with torch.rand drawing from rng."""

    def make(p):
        layer = ns.Dropout(p)

        def f(x, rng, training=True):
            with mock.patch.object(torch, "rand", lambda shape, **_: torch.as_tensor(rng.random(tuple(shape)))):
                return layer.train(training)(torch.from_numpy(x)).numpy()

        return f

    return make


def specimen(ns):
    """Chapter 3's tutorial code, faults and all."""

    def f(p, x, rng):
        with mock.patch.object(np.random, "rand", lambda *shape: rng.random(shape)), np.errstate(invalid="ignore"):
            return ns.tutorial_dropout(x, p)

    return lambda p: lambda x, rng, training=True: f(p, x, rng)


def textbook(ns):
    """Chapter 3's textbook layer, faults and all."""

    def f(p, x, rng):
        with mock.patch.object(torch, "rand", lambda shape: torch.as_tensor(rng.random(tuple(shape)))):
            return ns.dropout_layer(torch.from_numpy(x), p).numpy()

    return lambda p: lambda x, rng, training=True: f(p, x, rng)


BUILDERS = {forward: "02-mask-math", function: "03-inverted-dropout", module: "03-inverted-dropout"}

# The contract. Each check takes make, a float array x without zeros in it, p in [0, 1] and a seed.


def drawing(values):
    """A stand-in for a generator, which draws exactly these values."""
    return SimpleNamespace(random=lambda shape: np.broadcast_to(np.asarray(values, float), shape).copy())


def from_mask(mask):
    """A stand-in for a generator, whose draws keep just what mask keeps (for 0 < p < 1, or a full mask)."""
    return drawing(np.where(mask, np.nextafter(1, 0), 0.0))


def mean_and_variance(make, x, p, seed):
    """Exactly, over all masks of at most three elements: the mean is x, the variance p / (1 - p) * x**2."""
    x, p = x.ravel()[:3].astype(float), min(max(p, 0.01), 0.99)
    masks = np.array(list(product((0, 1), repeat=x.size)), bool).reshape(2**x.size, x.size)
    weight = np.where(masks, 1 - p, p).prod(1)
    y = np.array([make(p)(x.copy(), from_mask(mask)) for mask in masks])
    np.testing.assert_allclose(weight @ y, x, rtol=1e-9)
    np.testing.assert_allclose(weight @ (y - x) ** 2, p / (1 - p) * x**2, rtol=1e-9)


def share_kept(make, x, p, seed):
    """Of 4096 ones about a share 1 - p is kept: within five standard deviations, and five more."""
    kept = (make(p)(np.ones(4096), np.random.default_rng(seed)) != 0).mean()
    assert abs(kept - (1 - p)) <= 5 * (p * (1 - p) / 4096) ** 0.5 + 5 / 4096


def shape_and_dtype(make, x, p, seed):
    """Both are kept, also when p is a NumPy number, which promotes where a Python one does not."""
    for number in (p, np.float64(p)):
        y = make(number)(x.copy(), np.random.default_rng(seed))
        assert type(y) is np.ndarray
        assert (y.shape, y.dtype) == (x.shape, x.dtype)


def input_untouched(make, x, p, seed):
    """The input keeps its values, and the result is other memory, so that writing to it is safe."""
    for training in (True, False):
        given_x = x.copy()
        y = make(p)(given_x, np.random.default_rng(seed), training)
        assert np.array_equal(given_x, x)
        assert not np.shares_memory(given_x, y)


def identity_in_evaluation(make, x, p, seed):
    assert np.array_equal(make(p)(x.copy(), np.random.default_rng(seed), training=False), x)


def fresh_masks(make, x, p, seed):
    """Two calls, and two generators, draw two masks."""
    f, rng, x = make(0.5), np.random.default_rng(seed), np.ones(64)
    first, second, other = f(x.copy(), rng), f(x.copy(), rng), f(x.copy(), np.random.default_rng(seed + 1))
    assert len({y.tobytes() for y in (first, second, other)}) == 3


def own_mask_for_each_example(make, x, p, seed):
    """The rows of a batch differ, and its columns."""
    y = make(0.5)(np.ones((32, 64)), np.random.default_rng(seed))
    assert len({row.tobytes() for row in y}) == 32
    assert len({column.tobytes() for column in y.T}) == 64


def edges(make, x, p, seed):
    """An element is kept just when its draw u in [0, 1) is >= p: p = 0 keeps all, p = 1 none, p itself is kept."""
    for u in (0.0, p, np.nextafter(1, 0)):
        expected = x / (1 - p) if u >= p and p < 1 else 0 * x
        y = make(p)(x.copy(), drawing(min(u, np.nextafter(1, 0))))
        np.testing.assert_allclose(y.astype(float), expected.astype(float), rtol=4 * np.finfo(x.dtype).eps)


def agreement_with_torch(make, x, p, seed):
    """Given the mask that F.dropout drew, the result is F.dropout's."""
    torch.manual_seed(seed)
    mask = F.dropout(torch.ones(x.shape, dtype=torch.from_numpy(x).dtype), p) != 0
    torch.manual_seed(seed)
    theirs = F.dropout(torch.from_numpy(x), p).numpy()
    ours = make(p)(x.copy(), from_mask(mask.numpy()))
    np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=4 * np.finfo(x.dtype).eps)


def refusals(make, x, p, seed):
    """A p outside [0, 1], NaN too, and integers: each is a ValueError with one sentence."""
    cases = [(x, wrong, re.escape(f"p must be in [0, 1], got {wrong}")) for wrong in (-0.1, 1.001 + p, np.nan, np.inf)]
    for wrong in (np.asarray(x.astype(int)), np.asarray(x != 0)):
        cases.append((wrong, p, rf"x must (be floating point|hold floats), got (torch\.)?{wrong.dtype}"))
    for x, p, sentence in cases:
        try:
            result = make(p)(x, np.random.default_rng(seed))
        except ValueError as error:
            result = str(error)
        assert isinstance(result, str)
        assert re.fullmatch(sentence, result)


CHECKS = [mean_and_variance, share_kept, shape_and_dtype, input_untouched, identity_in_evaluation,
          fresh_masks, own_mask_for_each_example, edges, agreement_with_torch, refusals]  # fmt: skip

X = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    elements=st.sampled_from([-8.0, -1.0, -0.125, 0.5, 1.0, 3.0]),
)
P = st.sampled_from([0, 1, 0.25, 0.5]) | st.floats(0, 0.99)


def hold(check, make):
    """Run one check on many inputs; raise what it raises."""
    phases = (Phase.explicit, Phase.generate)  # the first failure is enough: no time for shrinking it

    @settings(phases=phases, report_multiple_bugs=False, database=None)
    @given(x=X, p=P, seed=st.integers(0, 2**31))
    def run(x, p, seed):
        check(make, x, p, seed)

    run()


NOT_FOR = {(forward, identity_in_evaluation)}  # chapter 2's forward pass has no evaluation mode
PAIRS = [pair for pair in product(BUILDERS, CHECKS) if pair not in NOT_FOR]


@pytest.mark.parametrize(("build", "check"), PAIRS, ids=lambda f: f.__name__)
def test_contract(build, check):
    hold(check, build(chapter(BUILDERS[build])))


def gradients(two, three):
    """By hand and by autograd: zero where an element was dropped, 1 / (1 - p) where it was kept."""

    def check(make, x, p, seed):
        mask = np.asarray(np.random.default_rng(seed).random(x.shape) >= p)
        t = torch.from_numpy(x).requires_grad_()
        three.Dropout(p)(t, torch.from_numpy(mask)).sum().backward()
        for gradient in (t.grad.numpy(), two.dropout_backward(np.ones_like(x), mask, p)):
            assert gradient.dtype == x.dtype
            np.testing.assert_allclose(gradient.astype(float), mask / ((1 - p) or 1), rtol=4 * np.finfo(x.dtype).eps)

    return check


def test_gradients():
    hold(gradients(chapter("02-mask-math"), chapter("03-inverted-dropout")), None)


def test_wrong_gradients_are_seen():
    two = load("02-mask-math", {"return dropout_forward(grad, mask, p)": "return floats(grad, 'grad') * mask"})
    three = load("03-inverted-dropout", {"masked_fill(~mask, 0)": "masked_fill(~mask, 0).detach() + x * 0.0"})
    for pair in ((two, chapter("03-inverted-dropout")), (chapter("02-mask-math"), three)):
        with pytest.raises(AssertionError):
            hold(gradients(*pair), None)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_module_with_torchs_own_draws(dtype):
    """dtype and device are kept ("meta" is a device without data), and a generator makes the draw repeatable."""
    ns, x = chapter("03-inverted-dropout"), torch.ones(1000, dtype=dtype)
    y, again = (ns.Dropout(0.5, torch.Generator().manual_seed(1))(x) for _ in range(2))
    assert torch.equal(y, again)
    assert y.dtype == dtype
    assert set(y.tolist()) == {0, 2}
    assert ns.Dropout(0.5)(x.to("meta")).device.type == "meta"
    assert ns.Dropout(0.5).eval()(x.to("meta")).device.type == "meta"
    assert (ns.Dropout(0.3)(x, ns.torch_mask(x.shape, 0.3, dtype, seed=0)) != 0).float().mean().sub(0.7).abs() < 0.1


@settings(max_examples=20)
@given(n=st.integers(0, 6), p=st.floats(0, 1))
def test_enumerations_list_each_mask_once_with_its_probability(n, p):
    two, three, four = (chapter(name) for name in ("02-mask-math", "03-inverted-dropout", "04-why-it-works"))
    masks, probability = three.every_mask(n, p)
    np.testing.assert_allclose(four.mask_probability(four.all_masks(n), p).sum(), 1)
    np.testing.assert_allclose(probability.sum(), 1)
    np.testing.assert_allclose(probability @ masks, np.full(n, 1 - p), atol=1e-12)
    for listed in (masks, two.all_masks(n), four.all_masks(n)):
        assert {tuple(map(int, mask)) for mask in listed} == set(product((0, 1), repeat=n))
        assert listed.shape == (2**n, n)
    np.testing.assert_allclose(four.mask_probability(masks, p), probability)
    for wrong in (-0.1, 1.2, np.nan):
        with pytest.raises(ValueError, match=rf"p must be in \[0, 1\], got {wrong}"):
            three.every_mask(n, wrong)
        with pytest.raises(ValueError, match=rf"p must be in \[0, 1\], got {wrong}"):
            four.mask_probability(masks, wrong)


@settings(max_examples=20)
@given(p=st.floats(0, 0.9), seed=st.integers(0, 2**31))
def test_dropconnect_and_ridge_have_the_exact_expectation(p, seed):
    ns, rng = chapter("02-mask-math"), np.random.default_rng(seed)
    x, weight = rng.normal(size=(3, 2)), rng.normal(size=(2, 2))
    before = weight.copy()
    masks = ns.all_masks(weight.size).reshape(-1, *weight.shape)
    probability = np.where(masks, 1 - p, p).prod((1, 2))
    outputs = np.array([ns.dropconnect(x, weight, mask, p) for mask in masks])
    np.testing.assert_allclose(np.tensordot(probability, outputs, 1), x @ weight, atol=1e-9)
    assert np.array_equal(weight, before)
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\], got nan"):
        ns.dropconnect(x, weight, masks[0], np.nan)

    y, masks = rng.normal(size=3), ns.all_masks(2)
    probability = np.where(masks, 1 - p, p).prod(1)
    w = ns.dropout_ridge(x, y, p)

    def gradient(mask):
        dropped = mask * x / (1 - p)
        return dropped.T @ (dropped @ w - y)

    assert np.abs(sum(q * gradient(mask) for q, mask in zip(probability, masks, strict=True))).max() < 1e-6


# Faults planted in the notebooks' own code, and the check that must see each.

SEEN_BY = {
    "no rescaling": mean_and_variance,
    "scaled by p": mean_and_variance,
    "scaled twice": mean_and_variance,
    "one mask for the whole run": fresh_masks,
    "> for >=": edges,
    "active in evaluation": identity_in_evaluation,
    "in place": input_untouched,
    "one mask for the batch": own_mask_for_each_example,
    "float64 leaks": shape_and_dtype,
    "p = NaN accepted": refusals,
}
RUN = "self.last = mask = self.last if hasattr(self, 'last') and self.last.shape == x.shape else torch.rand("
FAULTS = {
    forward: {
        "no rescaling": ("x / np.float64(keep or 1)", "x"),
        "scaled by p": ("x / np.float64(keep or 1)", "x * p"),
        "scaled twice": ("x / np.float64(keep or 1)", "x / np.float64(keep or 1) ** 2"),
        "one mask for the whole run": ("rng.random(shape) >= check", "np.random.default_rng(0).random(shape) >= check"),
        "> for >=": (">= check_p(p)", "> check_p(p)"),
        "in place": ("np.where(alive, x / np.float64(keep or 1), 0).astype(x.dtype)",
                     "np.divide(alive * x, keep or 1, out=x, casting='unsafe')"),
        "one mask for the batch": ("rng.random(shape) >= check", "rng.random(shape[1:]) >= check"),
        "float64 leaks": ("0).astype(x.dtype)", "0)"),
        "p = NaN accepted": ("if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    },
    function: {
        "no rescaling": ("np.where(mask, x / (keep or 1), 0)", "np.where(mask, x, 0)"),
        "scaled by p": ("np.where(mask, x / (keep or 1), 0)", "np.where(mask, x * p, 0)"),
        "scaled twice": ("np.where(mask, x / (keep or 1), 0)", "np.where(mask, x / (keep or 1) ** 2, 0)"),
        "one mask for the whole run": ("mask = rng.random(x.shape)", "mask = np.random.default_rng(0).random(x.shape)"),
        "> for >=": ("rng.random(x.shape) >= p", "rng.random(x.shape) > p"),
        "active in evaluation": ("if not training:", "if False:"),
        "in place": ("np.where(mask, x / (keep or 1), 0)", "np.copyto(x, np.where(mask, x / (keep or 1), 0)) or x"),
        "one mask for the batch": ("mask = rng.random(x.shape)", "mask = rng.random(x.shape[1:])"),
        "float64 leaks": ("1 - float(p)", "1 - np.float64(p)"),
        "p = NaN accepted": ("x = np.asarray(x)\n    if not 0 <= p <= 1:", "x = np.asarray(x)\n    if p < 0 or p > 1:"),
    },
    module: {
        "no rescaling": ("(x / (keep or 1)).masked_fill", "x.masked_fill"),
        "scaled by p": ("(x / (keep or 1)).masked_fill", "(x * self.p).masked_fill"),
        "scaled twice": ("(x / (keep or 1)).masked_fill", "(x / (keep or 1) ** 2).masked_fill"),
        "one mask for the whole run": ("mask = torch.rand(", RUN),
        "> for >=": ("device=x.device) >= self.p", "device=x.device) > self.p"),
        "active in evaluation": ("if not self.training:\n            return x.clone()", "if False:\n            pass"),
        "in place": ("(x / (keep or 1)).masked_fill(", "x.div_(keep or 1).masked_fill_("),
        "one mask for the batch": ("torch.rand(x.shape, ", "torch.rand(x.shape[1:], "),
        "float64 leaks": ("(x / (keep or 1)).masked_fill", "(x.double() / (keep or 1)).masked_fill"),
        "p = NaN accepted": ("__()\n        if not 0 <= p <= 1:", "__()\n        if p < 0 or p > 1:"),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("build", "fault"),
    [(build, fault) for build, faults in FAULTS.items() for fault in faults],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_planted_fault_is_seen(build, fault):
    old, new = FAULTS[build][fault]
    faulty = build(load(BUILDERS[build], {old: new}))
    with pytest.raises(AssertionError):
        hold(SEEN_BY[fault], faulty)


def test_every_fault_is_planted_everywhere():
    assert set(FAULTS) == set(BUILDERS)
    assert {build.__name__: set(SEEN_BY) - set(faults) for build, faults in FAULTS.items()} == {
        "forward": {"active in evaluation"},  # it has no evaluation mode
        "function": set(),
        "module": set(),
    }


def test_the_specimens_of_chapter_3_fail_where_it_says():
    seen = {build: set() for build in (specimen, textbook)}
    for build, check in product(seen, CHECKS):
        try:
            hold(check, build(chapter("03-inverted-dropout")))
        except Exception:
            seen[build].add(check)
    # The first is right in two dimensions. The second draws with >, promotes, and may return its very input.
    assert seen[specimen] == set(CHECKS) - {own_mask_for_each_example}
    assert seen[textbook] == {edges, shape_and_dtype, input_untouched, identity_in_evaluation, refusals}


# Nothing with "dropout" or "mask" in its name stays untested.

COVERED = {
    "02-mask-math": {"bernoulli_mask", "dropout_forward", "dropout_backward", "all_masks", "dropconnect",
                     "dropout_ridge"},
    "03-inverted-dropout": {"dropout", "Dropout", "every_mask", "torch_mask", "tutorial_dropout", "dropout_layer"},
    "04-why-it-works": {"all_masks", "mask_probability"},
}  # fmt: skip
EXEMPT = {  # {("NN-chapter", "name"): "why it is not covered by its name"}
    ("02-mask-math", "hidden_dropout_loss"): "an exact sum over masks, equal to its closed form in the cell itself",
    ("05-mlp", "cost_of_masks"): "measures what a network loses under nn.Dropout, and makes no mask itself",
    ("06-cnn", "with_masks"): "copies a network with its masks switched on, and makes no mask itself",
    **{
        ("13-field-guide", name): "part of the inspector, makes no mask: tested, and broken, in test_13_inspector.py"
        for name in ("from_mask", "turned_mask", "same_masks", "shared_masks")
    },
    ("13-field-guide", "OneMask"): "a fault, planted for the inspector to find",
    ("07-transformer", "masked"): "what drop_path and sequence_dropout are made of: tested, and broken, through these",
}


def to_cover(code):
    """The functions and classes at the top level of `code` whose names speak of dropout or a mask."""
    names = [getattr(node, "name", "") for node in definitions(code).body]
    return {name for name in names if re.search("dropout|dropconnect|mask", name, re.IGNORECASE)}


def covered_elsewhere(name, function):
    """Whether the chapter has a test file of its own, and that takes the function from the notebook."""
    file = Path(__file__).with_name(f"test_{name.replace('-', '_')}.py")
    return file.exists() and re.search(rf"\.{function}\b", file.read_text(encoding="utf-8")) is not None


def test_registry():
    assert to_cover("def f(): pass\nclass MyDropout2d: pass\ndef new_mask(): pass") == {"MyDropout2d", "new_mask"}
    named = {(name, function) for name in NAMES for function in to_cover(code_of(read(name)))}
    covered = {(name, function) for name, functions in COVERED.items() for function in functions}
    missing = {pair for pair in named - covered - set(EXEMPT) if not covered_elsewhere(*pair)}
    assert missing == set(), "cover these here or in the chapter's own test file, or say in EXEMPT why not"
    assert (covered | set(EXEMPT)) - named == set(), "these are no longer in the notebooks"
    assert not covered_elsewhere("08-batchnorm", "no_such_function") and not covered_elsewhere("99-none", "dropout")

"""The functions of chapter 12: exact probabilities, exact factors, exact replay; and faults in them are caught."""

import functools
import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import notebooks as tool
from notebook import load, read

NAME = "12-speed"
BAD_P = (-0.1, 1.2, math.nan)


@pytest.fixture(scope="module")
def chapter():
    return loaded()


def unpacked(bits, n):
    return np.unpackbits(bits, bitorder="little")[:n].astype(bool)


def check_keep_probability(chapter):
    """Nearest multiple, exact ends, and no silent rounding to 0 or 1."""
    for digits in (1, 4, 8, 16, 52):
        for p in (0.5, 0.3, 0.25, 0.77):
            if 2 ** -(digits + 1) < p < 1 - 2 ** -(digits + 1) and digits > 1:
                keep = Fraction(chapter.keep_probability(p, digits))
                assert (keep * 2**digits).denominator == 1
                assert abs(keep - (1 - Fraction(p))) <= Fraction(1, 2 ** (digits + 1))
        assert chapter.keep_probability(0, digits) == 1
        assert chapter.keep_probability(1, digits) == 0
    assert chapter.keep_probability(0.1) == 230 / 256
    for p in (0.001, 0.999, 1e-20):
        with pytest.raises(ValueError, match="needs more than 8 digits"):
            chapter.keep_probability(p)
    for p in BAD_P:
        with pytest.raises(ValueError, match="p must be"):
            chapter.keep_probability(p)
    for digits in (0, 53, 8.5, -1):
        with pytest.raises(ValueError, match="digits must be"):
            chapter.keep_probability(0.5, digits)


def check_bits(chapter):
    """Every keep of eight digits by enumeration; lengths; fresh words for each digit; no dependence on neighbours."""
    for k in range(257):
        bits = chapter.keep_bits(256, k / 256, chapter.EveryWay())
        assert np.unpackbits(bits).sum() == k
    for n in (0, 1, 7, 8, 9, 63, 64, 65, 1000):
        for keep in (0.0, 0.25, 1.0):
            bits = chapter.keep_bits(n, keep, np.random.default_rng(0))
            assert bits.shape == (-(-n // 8),)
            assert bits.dtype == np.uint8
            assert keep not in (0, 1) or (unpacked(bits, n) == keep).all()
    for keep in (1 / 8, 0.5, 230 / 256):
        for generator in (np.random.PCG64, np.random.SFC64, np.random.MT19937):
            bits = chapter.keep_bits(2**18, keep, np.random.Generator(generator(5)))
            assert abs(unpacked(bits, 2**18).mean() - keep) < 4 * math.sqrt(keep * (1 - keep) / 2**18)
            assert all(abs(chapter.joint_surprise(bits, keep, d)) < 4.5 for d in (1, 8, 63, 64, 65))
    for n, keep in ((-1, 0.5), (8, 1.1), (8, -0.1), (8, math.nan)):
        with pytest.raises(ValueError, match="need n >= 0"):
            chapter.keep_bits(n, keep, np.random.default_rng(0))


def check_apply(chapter):
    """Bits times x times scale, over block borders, in any shape, type and layout; strict about bits and out."""
    rng, big = np.random.default_rng(0), chapter.BLOCK
    for shape in ((), (0,), (9,), (3, 5, 7), (big + 3,), (2 * big,)):
        for dtype in (np.float16, np.float32, np.float64):
            x = rng.standard_normal(shape).astype(dtype)
            before, n = x.copy(), x.size
            bits = chapter.keep_bits(n, 0.5, rng)
            wanted = np.where(unpacked(bits, n).reshape(shape), x * dtype(1.25), 0)
            for out in (None, np.full(shape, np.nan, dtype)):
                y = chapter.apply_bits(x, bits, 1.25, out)
                assert y.dtype == dtype
                assert y.shape == shape
                assert (y == wanted).all()
                assert out is None or y is out
            assert (x == before).all()
    x = rng.standard_normal((40, 30)).astype(np.float32)
    bits = chapter.keep_bits(x.size, 0.5, rng)
    assert (chapter.apply_bits(x.T, bits, 2.0) == chapter.apply_bits(x.T.copy(), bits, 2.0)).all()
    expected = chapter.apply_bits(x, bits, 2.0)
    assert chapter.apply_bits(x, bits, 2.0, out=x) is x
    assert (x == expected).all()
    for bad in (bits[:-1], np.append(bits, bits[:1]), bits.astype(int)):
        with pytest.raises(ValueError, match="bytes of bits"):
            chapter.apply_bits(x, bad, 2.0)
    for out in (np.empty((30, 40), "f"), np.empty((40, 30), "d"), np.empty((30, 40), "f").T):
        with pytest.raises(ValueError, match="out must be"):
            chapter.apply_bits(x, bits, 2.0, out)
    with pytest.raises(ValueError, match="floats"):
        chapter.apply_bits(np.arange(8), bits[:1], 2.0)


def check_dropout(chapter):
    """Inverted dropout with the p that was really used: values, mean, ends of p, evaluation, dtype, no mutation."""
    x = np.random.default_rng(0).random((200, 301)).astype(np.float32) + 1
    before = x.copy()
    for p in (0.1, 0.25, 0.8):
        keep = chapter.keep_probability(p)
        y = chapter.fast_dropout(x, p, np.random.default_rng(1))
        assert np.allclose(y[y != 0], x[y != 0] / keep)
        assert abs((y == 0).mean() - (1 - keep)) < 4 * math.sqrt(keep * (1 - keep) / x.size)
        assert not (y[0] == y[1]).all()
        assert y.dtype == x.dtype
    fine = chapter.fast_dropout(np.ones(2**20), 0.001, np.random.default_rng(1), digits=20)
    assert abs((fine == 0).mean() - 0.001) < 2e-4
    for training in (True, False):
        assert (chapter.fast_dropout(x, 0, np.random.default_rng(1), training) == x).all()
    for p in (0.3, 1):
        y = chapter.fast_dropout(x, p, np.random.default_rng(1), training=False)
        assert (y == x).all()
        assert not np.shares_memory(x, y)
    assert (chapter.fast_dropout(x, 1, np.random.default_rng(1)) == 0).all()
    for dtype in (np.float16, np.float32, np.float64):
        assert chapter.fast_dropout(x.astype(dtype), np.float64(0.3), np.random.default_rng(1)).dtype == dtype
    assert (x == before).all()
    for p in BAD_P:
        for training in (True, False):
            with pytest.raises(ValueError, match="p must be"):
                chapter.fast_dropout(x, p, np.random.default_rng(1), training)
    with pytest.raises(ValueError, match="floats"):
        chapter.fast_dropout(np.arange(4), 0.5, np.random.default_rng(1))


def check_autograd(chapter):
    """Both functions: gradients by finite differences, the same factors both ways, bytes kept, both ends of p."""
    makers = {
        "bits": lambda x, p: chapter.BitDropout.apply(x, p, np.random.default_rng(3)),
        "replay": lambda x, p: chapter.ReplayDropout.apply(x, p, 5, 2),
    }
    for name, f in makers.items():
        x = torch.linspace(1, 2, 60, dtype=torch.float64).reshape(3, 20).requires_grad_()
        for p in (0.1, 0.5):
            assert torch.autograd.gradcheck(lambda a, f=f, p=p: f(a, p), x)
            y = f(x, p)
            (grad,) = torch.autograd.grad(y.sum(), x)
            assert torch.allclose(y, x * grad)
            assert 0 < (grad == 0).sum() < 60
        assert f(x, 0).equal(x)
        for p in (0, 1):
            (grad,) = torch.autograd.grad(f(x, p).sum(), x)
            assert (grad == 1 - p).all()
            assert (f(x, p) == (1 - p) * x).all()
        million = torch.ones(2**20, requires_grad=True)
        assert chapter.saved_bytes(lambda a, f=f: f(a, 0.1), million) == {"bits": 2**17, "replay": 0}[name]
        assert f(torch.ones(5, dtype=torch.float16), 0.5).dtype == torch.float16
        for bad in BAD_P:
            with pytest.raises(ValueError, match="p must be"):
                f(x, bad)
        with pytest.raises(ValueError, match="floats"):
            f(torch.arange(4), 0.5)
    ones = torch.ones(4096)
    masks = [chapter.replay_dropout(ones, 0.5, key, call) for key, call in ((1, 0), (1, 1), (2, 0))]
    for i, a in enumerate(masks):
        for b in masks[i + 1 :]:
            assert abs((a * b).mean() - 1) < 0.1  # independent: E[a b] = 1


def check_philox(chapter):
    """Our Philox is numpy's, for wide keys and counters too."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        key, counter = (rng.integers(2**64 - 1, size=n, dtype=np.uint64) for n in (2, 4))
        words = np.random.Philox(key=key, counter=counter).random_raw(4).tolist()
        after = sum(int(c) << 64 * i for i, c in enumerate(counter)) + 1
        split = [after >> 64 * i & 2**64 - 1 for i in range(4)]
        assert chapter.philox(tuple(map(int, key)), split) == words


def check_measures(chapter):
    """crossing interpolates in log-loss, split_variance is unbiased, the rungs of the ladder are dropout."""
    steps = np.arange(0, 101, 10)
    taus = np.array([7.0, 20.0, 33.3])
    decay = 2 * np.exp(-steps[:, None] / taus)
    assert np.allclose(chapter.crossing(steps, decay, 0.5), taus * math.log(4))
    bumpy = np.array([[2.0], [0.4], [3.0], [0.1]])
    assert 0 < chapter.crossing(range(4), bumpy, 0.5)[0] < 1  # the first time counts
    with pytest.raises(ValueError, match="start above"):
        chapter.crossing(range(4), np.full((4, 1), 0.1), 0.5)
    assert chapter.crossing(range(4), np.linspace(2, 1, 4)[:, None], 0.5) == math.inf
    rng = np.random.default_rng(1)
    made = rng.standard_normal((400, 1, 40)) + 3 * rng.standard_normal((400, 5, 40))
    masks, batches = chapter.split_variance(made)
    assert masks.mean() == pytest.approx(9, rel=0.03)
    assert batches.mean() == pytest.approx(1, rel=0.15)
    for shape in ((1, 5, 3), (5, 1, 3), (5,)):
        with pytest.raises(ValueError, match="at least two"):
            chapter.split_variance(np.zeros(shape))
    x = np.ones(2**18 + 77, np.float32)
    for name in ("usual", "float32_uniforms", "random_bytes", "unpacked_bits", "random_bytes_in_blocks"):
        extra = [np.empty_like(x)] if name.endswith("blocks") else []
        for keep in (0.25, 230 / 256):
            y = getattr(chapter, name)(x, keep, np.random.default_rng(2), *extra)
            assert y.dtype == np.float32
            assert abs((y > 0).mean() - keep) < 0.005
            assert np.allclose(y[y > 0], 1 / keep)


def check_counts(chapter):
    """Count sees an operation's bytes and draws once, also in place, and no views; rungs draw what their names say."""
    torch.manual_seed(0)
    ones = torch.ones(10, 20)
    for run, wanted in (
        (lambda: ones + ones.t().t(), (1, 3 * 800, 0)),
        (lambda: ones.clone().mul_(2), (2, 2 * 800 + 800, 0)),
        (lambda: torch.rand(50), (1, 200, 50)),
        (lambda: torch.nn.functional.dropout(ones, 0.5), (3, 5 * 800, 200)),
    ):
        assert tuple(chapter.count(run).values()) == wanted
    places = np.empty(2**22), np.empty(2**22, bool)
    found = {name: chapter.drawn_and_held(f) for name, f in chapter.rungs(0.1, *places).items()}
    assert [round(bits) for bits, _ in found.values()] == [64, 64, 32, 8, 7, 8, 7, 7]
    assert found["usual line"][1] > 8
    assert all(found[name][1] < 2 for name in ("usual, in place", "bytes, in blocks", "ours"))
    x, out = np.arange(1000, dtype=np.float32), np.full(1000, np.nan, np.float32)
    wanted = chapter.usual(x, 0.5, np.random.default_rng(3))
    assert (
        chapter.usual_in_place(x, 0.5, np.random.default_rng(3), out, np.ones(1000), np.ones(1000, bool)) == wanted
    ).all()
    times = chapter.race({"a": lambda: None, "b": lambda: None}, rounds=3)
    assert {name: t.shape for name, t in times.items()} == {"a": (3,), "b": (3,)}
    assert chapter.spread(np.array([1.0, 2, 5])) == "2.0 (1.0–5.0)"


def check_steps(chapter):
    """Held masks repeat, averaged ones differ, masks do nothing at p = 0; widened intervals; noise of fixed weights."""
    small = {"lr": 0.03, "width": 16, "n_train": 60, "n_seeds": 2, "limit": 60}
    runs = {
        settings: chapter.steps_to_target(settings[0], target=1.5, hold=settings[1], masks=settings[2], **small)
        for settings in ((0, 1, 1), (0, 4, 1), (0, 1, 3), (0.5, 1, 1), (0.5, 4, 1), (0.5, 1, 3))
    }
    assert all(set(found) == {"train", "val", "test"} for found in runs.values())
    train = {settings: found["train"] for settings, found in runs.items()}
    assert np.allclose(train[0, 1, 1], train[0, 4, 1])
    assert np.allclose(train[0, 1, 1], train[0, 1, 3], atol=0.1)
    assert not np.allclose(train[0.5, 1, 1], train[0.5, 4, 1])
    assert not np.allclose(train[0.5, 1, 1], train[0.5, 1, 3])
    late = chapter.steps_to_target(0, target=1e-9, **small)
    assert all((steps == 60).all() for steps in late.values())
    noise = {p: chapter.loss_noise(p, target=1.5, **small) for p in (0, 0.5)}
    assert (noise[0]["masks"] < 1e-9).all()
    assert np.allclose(noise[0]["batches"], noise[0]["no masks"], rtol=1e-3)
    assert (noise[0.5]["masks"] > 0).all()
    assert chapter.widen(1) == 1
    assert chapter.widen(5) == pytest.approx(3.1058 / 2.2010, rel=1e-3)


CHECKS = [
    check_keep_probability,
    check_bits,
    check_apply,
    check_dropout,
    check_autograd,
    check_philox,
    check_measures,
    check_counts,
    check_steps,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_keep_probability, "round((1 - float(p)) * 2**digits)", "math.floor((1 - float(p)) * 2**digits)"),
    (check_keep_probability, "if keep in (0, 1) and p not in (0, 1):", "if False:"),
    (check_keep_probability, "if not 0 <= p <= 1:", "if p < 0 or p > 1:"),
    (check_bits, "(np.bitwise_or if k >> j & 1 else np.bitwise_and)(words, fair", "np.bitwise_and(words, fair"),
    (check_bits, "for j in range(denominator.bit_length() - 1):",
     "for j in reversed(range(denominator.bit_length() - 1)):"),
    (check_bits, "2**64 - 1 if keep == 1 else 0, np.uint64", "0, np.uint64"),
    (check_bits, "                            endpoint=True)\n        (np.bitwise_or",
     "                            endpoint=True)[::-1].repeat(2)[:len(words)]\n        (np.bitwise_or"),
    (check_bits, "words.view(np.uint8)[:-(-n // 8)]", "words.view(np.uint8)"),
    (check_apply, "(ROWS * np.float64(scale)).astype(x.dtype)", "ROWS.astype(x.dtype)"),
    (check_apply, ", axis=1,\n                     bitorder=\"little\")  # (256, 8)", ", axis=1)  # (256, 8)"),
    (check_apply, "part, block = bits[i // 8:(i + BLOCK) // 8]", "part, block = bits[:BLOCK // 8]"),
    (check_apply, "\n            or not out.flags.c_contiguous", ""),
    (check_apply, "bits.shape != (-(-size // 8),) or bits.dtype != np.uint8", "len(bits) < -(-size // 8)"),
    (check_dropout, "1 / keep if keep and training else 1.0, out", "1 / (1 - p) if p < 1 and training else 1.0, out"),
    (check_dropout, "keep if training else 1.0, rng", "keep, rng"),
    (check_dropout, "keep_probability(p, digits)\n", "keep_probability(p)\n"),
    (check_autograd, "apply_bits(grad.numpy(), bits.numpy(), ctx.scale)",
     "apply_bits(grad.numpy(), bits.numpy(), 1.0)"),
    (check_autograd, "ctx.mask = p, key, call", "ctx.mask = p, key, call + 1"),
    (check_autograd, "Philox(key=key, counter=call << 64)", "Philox(key=key, counter=0)"),
    (check_autograd, "Philox(key=key, counter=call << 64)", "Philox(key=0, counter=call << 64)"),
    (check_autograd, "kept.pop(x.untyped_storage().data_ptr(), None)", "return 1"),
    (check_philox, "rounds=10", "rounds=7"),
    (check_philox, "b >> 64 ^ c1 ^ k0", "b >> 64 ^ c3 ^ k0"),
    (check_philox, "k1 + 0xBB67AE8584CAA73B & low", "k1 & low"),
    (check_measures, "np.log(losses[after, column]), np.log(losses[after - 1, column])",
     "losses[after, column], losses[after - 1, column]"),
    (check_measures, "- masks / losses.shape[1]", "- masks"),
    (check_measures, "losses.var(1, ddof=1).mean(0)", "losses.var(1).mean(0)"),
    (check_measures, "np.multiply(kept, np.float32(1 / keep), out=factors)",
     "np.multiply(kept, np.float32(1), out=factors)"),
    (check_counts, "{id(t): t.nbytes for t in (*inputs, *new) if torch.is_tensor(t)}",
     "{i: t.nbytes for i, t in enumerate((*inputs, *new)) if torch.is_tensor(t)}"),
    (check_counts, "and not operation.is_view and", "and"),
    (check_counts, "if (any(size.values()) and not operation.is_view and\n                \"empty\" not in "
     "str(operation)):", "if not operation.is_view:"),
    (check_counts, "if random else 0", "if not random else 0"),
    (check_steps, "torch.manual_seed(step // hold);", "torch.manual_seed(step);"),
    (check_steps, ".repeat(1, masks)", ""),
    (check_steps, "np.minimum(found, limit)", "found"),
    (check_counts, "np.less(rng.random(out=u), keep, out=kept)", "np.less(rng.random(len(u)), keep, out=kept)"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    with pytest.raises((AssertionError, ValueError, RuntimeError, TypeError, IndexError, pytest.fail.Exception)):
        check(load(NAME, {old: new}))


CUDA_BUILD = """
import torch
torch.cuda._is_compiled, torch.cuda.is_available, torch.version.cuda = (lambda: True), (lambda: False), "12.8"
{filter}
import torch.utils.cpp_extension
assert torch.utils.cpp_extension.CUDA_HOME
torch.utils.cpp_extension.logger.warning("another line")
"""


@pytest.mark.parametrize("quiet", [True, False])
def test_a_cuda_build_without_a_gpu_is_quiet(quiet, tmp_path):
    """The chapter's filter leaves out that line and no other; without it the line is there."""
    source = next(cell.source for cell in tool.code_cells(read(NAME)) if "def not_about_cuda" in cell.source)
    done = subprocess.run(
        [sys.executable, "-c", CUDA_BUILD.format(filter=source if quiet else "")],
        env={**os.environ, "CUDA_HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ("No CUDA runtime is found" in done.stderr) is not quiet
    assert "another line" in done.stderr


@functools.cache
def loaded():
    return load(NAME)


@given(st.integers(0, 2**12), st.integers(0, 300), st.integers(0, 2**32))
def test_any_keep_of_twelve_digits(k, n, seed):
    """As many words are drawn as keep has digits in lowest terms, and the ends are certain."""
    chapter = loaded()
    drawn = []

    class Counting:
        def integers(self, high, size, dtype, endpoint):
            drawn.append(size)
            return np.random.default_rng(seed + len(drawn)).integers(high, size=size, dtype=dtype, endpoint=endpoint)

    bits = unpacked(chapter.keep_bits(n, k / 2**12, Counting()), n)
    assert drawn == [-(-n // 64)] * (Fraction(k, 2**12).denominator.bit_length() - 1)
    assert (k not in (0, 2**12)) or (bits == (k > 0)).all()

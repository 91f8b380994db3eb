"""Chapter 2: what its functions refuse, and with which words; what the chapter once showed cell by cell."""

import numpy as np
import pytest

from notebook import load, refused

CHAPTER = load("02-mask-math")
X = np.array([2.0, 4, 6, 8])
NOT_FINITE = "X and y must be finite"
MASK = "mask must hold only 0 and 1"
REFUSED = [
    ("dropout_forward", (X, [1, 0, 1, 0], 1.2), "p must be in [0, 1], got 1.2"),
    ("dropout_forward", (X, [1, 0, 1, 0], np.nan), "p must be in [0, 1], got nan"),
    ("dropout_forward", ([2, 4, 6, 8], [1, 0, 1, 0], 0.5), "x must hold floats, got int"),
    ("dropout_forward", (X, [1, 0, 2, 0], 0.5), MASK),
    ("dropout_forward", (X, [1, 0, 0.5, 0], 0.5), MASK),
    ("dropout_backward", (X, [1, 0, -1, 0], 0.5), MASK),
    ("bernoulli_mask", (4, -0.1, np.random.default_rng(0)), "p must be in [0, 1], got -0.1"),
    ("all_masks", (17,), "from 0 to 16, got 17"),
    ("all_masks", (2.5,), "from 0 to 16, got 2.5"),
    ("expect", (lambda m: 1, 4, 1.5), "p must be in [0, 1], got 1.5"),
    ("expected_distinct", (0, 64), "need n >= 1 and 0 < p < 1, got 0 and 0.5"),
    ("expected_distinct", (4, 64, 1), "need n >= 1 and 0 < p < 1, got 4 and 1"),
    ("dropconnect", (np.ones(2), np.ones((2, 3), int), np.ones((2, 3)), 0.5), "weight must hold floats, got int"),
    ("dropconnect", (np.ones(2), np.ones((2, 3)), 2 * np.ones((2, 3)), 0.5), MASK),
    ("dropout_ridge", (np.ones((3, 2)), np.ones(4), 0.5), "got (3, 2) and (4,)"),
    ("dropout_ridge", (np.ones((3, 2), int), np.ones(3), 0.5), "X must hold floats, got int"),
    ("dropout_ridge", (np.ones((3, 2)), np.array([1, np.nan, 2]), 0.5), NOT_FINITE),
    ("dropout_ridge", (np.full((3, 2), np.inf), np.ones(3), 0.5), NOT_FINITE),
    ("dropout_ridge", (np.ones((3, 2)), np.ones(3), 1.01), "p must be in [0, 1], got 1.01"),
]


@pytest.mark.parametrize(("name", "arguments", "sentence"), REFUSED)
def test_bad_input_gets_one_sentence(name, arguments, sentence):
    refused(sentence, getattr(CHAPTER, name), *arguments)


def test_a_check_that_is_gone_is_seen():
    faulty = load("02-mask-math", {"if not np.isin(a, (0, 1)).all():": "if False:"})
    with pytest.raises(AssertionError, match="not refused"):
        refused(MASK, faulty.dropout_forward, X, [1, 0, 2, 0], 0.5)


def test_half_precision_stays_and_p_1_drops_all():
    half = CHAPTER.dropout_forward(X.astype(np.float16), [1, 0, 1, 0], p=0.1)
    assert half.dtype == np.float16 and half[0] == np.float16(2 / 0.9)
    assert (CHAPTER.dropout_forward(X, [1, 1, 1, 1], p=1) == 0).all()


def test_ridge_edges():
    """p = 1 gives zeros, a column of zeros the weight 0, several targets a column of weights each."""
    rng = np.random.default_rng(0)
    data, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    assert (CHAPTER.dropout_ridge(data, y, 1) == 0).all()
    data[:, 1] = 0
    both = CHAPTER.dropout_ridge(data, y, 0.3)
    assert both.shape == (3, 2) and np.allclose(both[1], 0)
    assert np.allclose(both[:, 0], CHAPTER.dropout_ridge(data, y[:, 0], 0.3))
    assert CHAPTER.dropout_ridge(data.astype(np.float32), y.astype(np.float32), 0.3).dtype == np.float32

"""Chapter 1: what its functions refuse, and with which words; what the chapter once showed cell by cell."""

from fractions import Fraction

import numpy as np
import pytest

from notebook import load, refused

CHAPTER = load("01-overfitting")
NAN = float("nan")
DOTS = np.arange(15), np.zeros(15, bool)
REFUSED = [
    ("overfits", ([], []), "need two curves of one length >= 1, got shapes (0,) and (0,)"),
    ("overfits", ([0.1, 0.2], [0.3]), "got shapes (2,) and (1,)"),
    ("overfits", ([0.1, NAN], [0.2, 0.3]), "errors must be numbers, got NaN"),
    ("rivals", ([[0.1]], [[0.2]]), "got shapes (1, 1) and (1, 1)"),
    ("rivals", ([0.1, 0.2], [0.2, NAN]), "errors must be numbers, got NaN"),
    ("neighbours", (2, *DOTS), "k must be odd and in [1, 15], got 2"),
    ("neighbours", (17, *DOTS), "k must be odd and in [1, 15], got 17"),
    ("least_squares", (5, 6), "need 0 <= d <= n and n >= 1, got d = 6, n = 5"),
    ("least_squares", (0, 0), "need 0 <= d <= n and n >= 1, got d = 0, n = 0"),
    ("best_of", (0, 100), "m and n must be at least 1, got 0 and 100"),
    ("early_stop", ([], 2), "need at least one loss, no NaN, and patience >= 1, got 0 losses and 2"),
    ("early_stop", ([1.0, NAN], 2), "got 2 losses and 2"),
    ("early_stop", ([1.0, 2.0], 0), "got 2 losses and 0"),
]


@pytest.mark.parametrize(("name", "arguments", "sentence"), REFUSED)
def test_bad_input_gets_one_sentence(name, arguments, sentence):
    refused(sentence, getattr(CHAPTER, name), *arguments)


def test_a_check_that_is_gone_is_seen():
    faulty = load("01-overfitting", {"if np.isnan(train).any() or np.isnan(true).any():": "if False:"})
    with pytest.raises(AssertionError, match="not refused"):
        refused("got NaN", faulty.overfits, [0.1, NAN], [0.2, 0.3])


def test_a_rival_has_strictly_more_training_error_and_strictly_less_true_error():
    assert CHAPTER.rivals([0.4, 0.3, 0.1, 0.1], [0.2, 0.3, 0.1, 0.3]) == [0]
    assert CHAPTER.rivals([0.0], [0.9]) == []


def test_patience_counts_from_the_last_minimum():
    bumpy = [3.0, 2.0, 1.0, 1.5, 1.4, 1.2, 0.8, 0.9]
    assert [CHAPTER.early_stop(bumpy, patience) for patience in (1, 2, 3, 4)] == [(3, 2), (4, 2), (5, 2), (7, 6)]
    assert CHAPTER.early_stop([3, 2, 1], 1) == (2, 2)  # a curve that only falls never stops it
    assert CHAPTER.early_stop([1.0, 1.0, 1.0], 2) == (2, 0)  # no new minimum is none


def test_more_questions_make_the_best_guess_worse_and_never_fair():
    shares = [CHAPTER.best_of(100, n) for n in (50, 100, 300, 1000)]
    assert shares == sorted(shares, reverse=True) and shares[-1] > 0.53
    assert CHAPTER.best_of(1, 100) == pytest.approx(0.5) and CHAPTER.best_of(3, 2) == pytest.approx(100 / 128)


def test_the_closed_form_of_least_squares_is_that_of_a_projection():
    data = np.random.default_rng(0).standard_normal((12, 4))
    hat = data @ np.linalg.pinv(data)
    errors = [np.trace((np.eye(12) - hat) @ (np.eye(12) - hat).T) / 12, 1 + np.trace(hat.T @ hat) / 12]
    assert np.allclose(errors, [float(e) for e in CHAPTER.least_squares(12, 4)])
    assert CHAPTER.least_squares(60, 15, noise=2) == (Fraction(3, 2), Fraction(5, 2))


def test_noisy_labels_keep_the_order_of_two_models():
    """The error on noisy labels, by going through the nine wrong labels, rises with the error on clean ones."""
    w, e = Fraction(1, 5), Fraction(1, 10)
    right = (1 - w) * (1 - e) + w * e / 9  # the label is right and hit, or wrong and hit by chance
    assert CHAPTER.noisy_error(e, w) == 1 - right
    assert CHAPTER.noisy_error(Fraction(1, 4), w) > CHAPTER.noisy_error(e, w)

"""Chapter 14: the design, what is said of one setting, which knob decides; the tools that read grids use the same."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notebook import ROOT, load

sys.path.append(str(ROOT / "experiments"))

import reach
import stress

CHAPTER = load("14-reach")
DESIGN = stress.design()


def test_the_design_is_the_one_that_the_grids_have():
    assert sorted(map(tuple, CHAPTER.design().tolist())) == sorted(DESIGN)


def test_the_grids_are_read_with_the_chapters_functions(monkeypatch):
    effect = {"mean": [1.0, -1.0, 0.0], "half": [0.5] * 3, "sign": 1}
    assert reach.judged(["a"], list("012"), effect)["verdicts"] == "hru"
    monkeypatch.setitem(reach.chapter(), "verdict", lambda *_: "reversed")
    assert reach.judged(["a"], list("012"), effect)["verdicts"] == "rrr"
    assert reach.judged(["a"], list("012"), effect)["tally"]["reversed"] == 3
    monkeypatch.setitem(reach.chapter(), "mean_ci", lambda values: ("the", "chapter's"))
    assert reach.interval([1.0]) == ("the", "chapter's")


def test_verdicts_and_their_counts():
    said = [CHAPTER.verdict(*one) for one in ((1, 0.5, 1), (1, 0.5, -1), (-1, 0.5, -1), (0.5, 0.5, 1), (0, 0, 1))]
    assert said == ["holds", "reversed", "holds", "unseen", "unseen"]
    assert CHAPTER.verdict(float("nan"), float("nan"), 1) == "unseen"
    found = CHAPTER.tally([1, -1, 0.1, 0], [0.5, 0.5, 0.4, 0.2], -1)
    assert [found[word] for word in CHAPTER.WORDS] == [1, 1, 2]
    assert found["least"] == 0.4 and found["typical"] == pytest.approx(0.3)
    none = CHAPTER.tally([1, 1], [0.5, 0.5], 1)
    assert none["unseen"] == none["least"] == none["typical"] == 0


@given(st.lists(st.floats(-9, 9), min_size=9, max_size=9))
def test_shares_of_planted_main_effects_are_exact_and_add_up(planted):
    columns, size = np.array(DESIGN).T[:3], np.array(planted).reshape(3, 3)
    values = 7 + sum(size[k, column] for k, column in enumerate(columns))
    centred = size - size.mean(1, keepdims=True)
    total = (centred**2).sum()
    if total > 1e-6:
        shares = [CHAPTER.explained(column, values) for column in columns]
        assert np.allclose(shares, (centred**2).sum(1) / total, atol=1e-9) and sum(shares) == pytest.approx(1)


def test_no_knob_decides_by_chance_more_often_than_one_time_in_twenty():
    rng, knobs, levels = np.random.default_rng(0), list("abcdefgh"), np.array(DESIGN).T
    noise = rng.standard_normal((300, 27))
    assert np.mean([CHAPTER.decides(knobs, levels, one, 500) is not None for one in noise]) < 0.09
    pull = 2 * (levels[3] == 2)
    assert np.mean([CHAPTER.decides(knobs, levels, one + pull, 500) == "d" for one in noise]) > 0.8


def test_levels_are_read_from_digits():
    assert CHAPTER.columns(["012", "210"]).tolist() == [[0, 2], [1, 1], [2, 0]]
    assert CHAPTER.ranks([3.0, -1.0, 2.0]).tolist() == [2, 0, 1]

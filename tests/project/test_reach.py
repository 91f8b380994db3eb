"""The stored grids in one file: experiments/results/reach.json is what today's results and chapter 14 give."""

import copy
import json
import sys

import numpy as np
import pytest

from notebook import ROOT

sys.path.append(str(ROOT / "experiments"))

import reach
import run
import stress

FILE = ROOT / "experiments" / "results" / "reach.json"


def differences(stored, made, where=""):
    """Where two values from JSON differ; numbers may in their fourth digit, which processors do not share."""
    if isinstance(stored, dict) and isinstance(made, dict) and list(stored) == list(made):
        return [found for key in stored for found in differences(stored[key], made[key], f"{where}/{key}")]
    if isinstance(stored, list) and isinstance(made, list) and len(stored) == len(made):
        return [found for k, pair in enumerate(zip(stored, made)) for found in differences(*pair, f"{where}/{k}")]
    if isinstance(stored, float) and isinstance(made, float):
        return [] if np.isclose(stored, made, rtol=1e-3, atol=1e-6, equal_nan=True) else [where]
    return [] if stored == made else [where]


@pytest.fixture(scope="module")
def stored():
    return json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_stored_grids_give(stored):
    made = json.loads(reach.stored_text())
    assert [grid["plan"] for grid in stored] == [grid["plan"] for grid in made], "python experiments/reach.py --store"
    assert differences(stored, made) == [], "python experiments/reach.py --store"


def test_a_planted_fault_is_found(stored, monkeypatch):
    """A file that is older than a stored row, and one in which somebody has typed."""
    shortest = min(stored, key=lambda grid: len(run.rows(f"stress/{grid['plan']}")))
    name = f"stress/{shortest['plan']}"
    assert differences(shortest, reach.grid(name)) == []
    rows = run.rows(name)
    for row in rows:
        row["result"] = {
            metric: [value * (1 + k) for k, value in enumerate(row["result"][metric])] for metric in row["result"]
        }
    with monkeypatch.context() as patch:
        patch.setattr(run, "rows", lambda _: rows)
        assert differences(shortest, reach.grid(name))
    effect = shortest["effects"][0]
    for key, other in (("says", "x"), ("decides", "x"), ("verdicts", effect["verdicts"][::-1] + "h"), ("mean", [])):
        typed = copy.deepcopy(shortest)
        typed["effects"][0][key] = other
        assert differences(shortest, typed), key
    typed = copy.deepcopy(shortest)
    typed["effects"][0]["mean"][3] *= 1.01
    assert differences(shortest, typed) == ["/effects/0/mean/3"]


def test_of_a_plan_that_is_not_whole_the_settings_are_told_that_all_effects_have(stored, monkeypatch):
    name, whole = next(
        (name, grid)
        for grid in stored
        for name in [f"stress/{grid['plan']}"]
        if len({str(stress.arms_of(effect)) for effect in run.plan(name)["effects"]}) > 1
    )
    asked, rows = run.plan(name), run.rows(name)
    for k in range(0, len(rows), 5):
        monkeypatch.setattr(run, "rows", lambda _, k=k: rows[:k] + rows[k + 5 :])
        have = run.there(name, asked)
        done = [len(reach.measured(asked, effect, have)) for effect in asked["effects"]]
        if len(set(done)) > 1:
            break
    assert len(set(done)) > 1
    part, told = reach.grid(name), reach.summary(name)
    assert set(part["settings"]) < set(whole["settings"]) and len(part["settings"]) <= min(done)
    counts = [line["settings"] for line in told] + [len(one["mean"]) for one in part["effects"]]
    assert set(counts) == {len(part["settings"])}
    assert all(reach.told(line) for line in told)


def test_what_is_stored_of_an_effect_is_what_its_numbers_say(stored):
    """Counted here once more, without the chapter."""
    for grid in stored:
        assert len(grid["settings"]) == len({*grid["settings"]}) >= 24
        for effect in grid["effects"]:
            seen = [abs(m) > h for m, h in zip(effect["mean"], effect["half"])]
            said = ["u" if not s else "h" if m * effect["sign"] > 0 else "r" for s, m in zip(seen, effect["mean"])]
            assert "".join(said) == effect["verdicts"] and len(said) == len(grid["settings"])
            counts = {word: said.count(word[0]) for word in ("holds", "reversed", "unseen")}
            assert {word: effect["tally"][word] for word in counts} == counts
            unseen = [h for s, h in zip(seen, effect["half"]) if not s]
            assert effect["tally"]["typical"] == pytest.approx(np.median(unseen or [0]), rel=1e-4)
            assert effect["decides"] in (None, *grid["knobs"]) and list(effect["levels"]) == list(grid["knobs"])
            for i, (knob, means) in enumerate(effect["levels"].items()):
                for level, mean in enumerate(means):
                    own = [m for m, at in zip(effect["mean"], grid["settings"]) if at[i] == str(level)]
                    assert mean is None if not own else mean == pytest.approx(np.mean(own), rel=1e-3), knob


def test_the_knob_that_is_planted_decides():
    settings = ["".join(map(str, row[:5])) for row in stress.design()]
    mean = [0.1 * (int(at[2]) - 1) + 0.001 * k for k, at in enumerate(settings)]
    found = reach.judged(list("abcde"), settings, {"mean": mean, "half": [0.05] * 27, "sign": -1})
    assert found["decides"] == "c" and found["levels"]["c"] == pytest.approx([-0.087, 0.013, 0.113], abs=0.002)
    assert found["verdicts"] == "".join("hur"[int(at[2])] for at in settings)
    repeated = [at.replace("1", "0") for at in settings]
    assert (
        reach.judged(list("abcde"), repeated, {"mean": mean, "half": [0.05] * 27, "sign": 1})["levels"]["a"][1] is None
    )
    few = reach.judged(["a"], ["0"], {"mean": [0.3], "half": [0.1], "sign": 1})
    assert (few["verdicts"], few["decides"], few["levels"]) == ("h", None, {})

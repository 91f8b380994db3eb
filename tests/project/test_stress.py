"""Stress runs: the design is balanced, each arm is tuned, a killed run goes on, the summary finds what is planted."""

import collections
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import distributed
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from notebook import NAMES, ROOT, load, read

sys.path.append(str(ROOT / "experiments"))

import reach
import run
import stress

PLANS = sorted((ROOT / "experiments" / "stress").glob("*.toml"))
TABLES = sorted((ROOT / "experiments" / "replicate").glob("*.toml"))
DESIGN = stress.design()
# No plan: what is counted, listed or computed exactly is the same in every setting; and 27, what a training step costs,
# is a time. It belongs to the machine it was taken on, and no time is ever asserted.
EXACT = {9, 10, 11, 12, 13, 14, 16, 19, 20, 22, 24, 45, 47}
TIMED = {27}


def test_the_design_is_balanced_and_begins_with_the_chapter():
    columns = np.array(DESIGN).T
    assert columns.shape == (8, 27) and len(set(DESIGN)) == 27 and set(DESIGN[0]) == {1}
    for one in columns:
        for block in one.reshape(3, 9):
            assert np.bincount(block).tolist() == [3, 3, 3]
    for one, other in itertools.combinations(columns, 2):
        assert np.bincount(3 * one + other).tolist() == 9 * [3]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_can_be_run_and_asks_for_enough(path):
    asked = stress.plan(path)
    settings = [json.dumps(at) for at in asked["design"]]
    assert len(settings) == 27 and len(set(settings)) >= 24
    definitions = run.needed(asked["notebook"], asked["function"])
    named = next(node for node in definitions if getattr(node, "name", "") == asked["function"]).args
    known = {arg.arg for arg in (*named.args, *named.kwonlyargs)}
    for at, arm in itertools.product(asked["design"], asked["arms"]):
        call = stress.arguments(asked, at, arm)
        assert set(call) - {"data"} <= known or named.kwarg
    for level in asked["knobs"].get("data", ()):
        assert level == "digits" or level in asked["on"]
    if "rates" in asked:
        rates = asked["rates"]
        assert (
            rates["values"] == sorted(rates["values"]) and 0 < rates["first"] < rates["last"] < len(rates["values"]) - 1
        )
    for effect in asked["effects"]:
        assert 1 <= effect["claim"] <= 48 and effect["says"]


def test_every_claim_that_a_training_decides_has_a_plan():
    planned = {effect["claim"] for path in PLANS for effect in stress.plan(path)["effects"]}
    assert planned == set(range(1, 49)) - EXACT - TIMED
    cells = [cell.metadata.get("tags", []) for name in NAMES for cell in read(name).cells]
    trained = {int(tag[6:]) for tags in cells for tag in tags if tag[:6] == "claim-" and "nbval-ignore-output" in tags}
    assert not trained & EXACT and trained >= TIMED


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_names_what_was_published_and_opens_the_test_set_last(path):
    asked = stress.plan(path)
    assert set(asked["published"]) == set(asked["arms"]) and len(asked["finally"]["seed"]) >= 5
    assert asked["always"]["seed"] not in asked["finally"]["seed"]
    for arm in asked["arms"]:
        assert not any("test" in call for call in stress.tried(asked, {}, arm, {}))


@pytest.mark.parametrize("path", [*PLANS, *TABLES], ids=lambda path: path.stem)
def test_stored_results_are_whole_and_of_todays_code(path):
    name = f"{path.parent.name}/{path.stem}"
    if run.rows(name):
        kept, missing = run.current(name)
        assert missing == [] and len(kept) == len(run.rows(name))
        if path in PLANS:
            assert all(len(values) >= 10 for row in kept for values in row["result"].values())


def test_no_results_without_a_plan():
    stored = {path.stem for path in (ROOT / "experiments" / "results" / "stress").glob("*")}
    assert stored <= {path.stem for path in PLANS}


TINY = """
notebook = "01-tiny"
function = "study"
[rates]
argument = "rate"
values = [1, 2, 4, 8, 16]
first = 1
last = 3
[always]
n_seeds = 10
[knobs]
best = [1, 4, 16]
n = [3, 6, 9]
wrong = [0.0, 0.2, 0.4]
[arms]
none = { p = 0.0 }
dropout = { p = 0.5, n = "=n // 3" }
[[effects]]
claim = 99
says = "dropout adds two and takes ten times the share"
more = "dropout.loss"
less = "none.loss"
sign = 1
choose = "val"
"""
CODE = """import os
import time
def study(best, n, wrong, p, rate, n_seeds):
    with open(os.environ["TINY_CALLS"], "a") as calls:
        calls.write(f"{best} {n} {wrong} {p} {rate}\\n")
    time.sleep(0.05)
    miss = abs(rate - best)
    shift = 2 - 10 * wrong if p else 0
    return {"val": [miss + seed / 100 for seed in range(n_seeds)],
            "loss": [miss + seed / 100 + shift + (p > 0) * (-1) ** seed / 10 for seed in range(n_seeds)]}
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with a notebook and one stress plan, in use here."""
    (tmp_path / "experiments" / "stress").mkdir(parents=True)
    (tmp_path / "experiments" / "stress" / "tiny.toml").write_text(TINY)
    nbformat.write(new_notebook(cells=[new_code_cell(CODE)]), tmp_path / "01-tiny.ipynb")
    monkeypatch.setenv("TINY_CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(run, "PLANS", tmp_path / "experiments")
    monkeypatch.setattr(run.tool, "NOTEBOOKS", tmp_path)
    run.definitions.cache_clear()
    yield tmp_path
    run.definitions.cache_clear()


def by_hand(name, order=iter):
    """Run what is wanted until nothing is, in this process, in some order; {setting as JSON: row}."""
    asked, have = run.plan(name), {}
    while todo := [call for call in run.wanted(asked, have) if json.dumps(call) not in have]:
        for call in order(todo):
            row = run.work(run.job(asked["notebook"], asked["function"], call, asked))
            have[json.dumps(call)] = row
    return asked, have


def test_each_arm_climbs_or_descends_to_its_best_rate_in_any_order(tiny, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    asked, have = by_hand("stress/tiny")
    for at, arm in itertools.product(asked["design"], asked["arms"]):
        rates = [call["rate"] for call in stress.tried(asked, at, arm, have)]
        assert rates == {1: [1, 2, 4, 8], 4: [2, 4, 8], 16: [2, 4, 8, 16]}[at["best"]]
        row, edge = reach.chosen(asked, at, arm, "val", have)
        assert row["setting"]["rate"] == at["best"] and edge == (at["best"] != 4)
    _, other = by_hand("stress/tiny", lambda todo: reversed(todo[:3]))
    assert run.wanted(asked, other) == run.wanted(asked, have) and other.keys() == have.keys()


def test_the_summary_finds_what_is_planted(tiny, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    have = by_hand("stress/tiny")[1]
    monkeypatch.setattr(run, "there", lambda name, asked: have)
    (line,) = reach.summary("stress/tiny")
    assert line["settings"] == 27 and line["edges"] == 18 and line["decides"] == "wrong labels"
    assert (line["holds"], line["reversed"], line["unseen"]) == (9, 9, 9)  # 2 ± 0.08, 0 ± 0.08, -2 ± 0.08
    assert 0.8 < line["knobs"]["wrong labels"]["share"] <= 1  # ranks: 27 of them, in three groups


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[arms]", "[elsewhere]"), "tiny.toml: needs arms"),
        (("n = [3, 6, 9]", "n = [3, 6]"), "of three levels each"),
        (('"none.loss"', '"nothing.loss"'), "no arm for nothing.loss"),
        (('choose = "val"', ""), "choose where rates are tuned"),
    ],
)
def test_a_faulty_plan_is_one_sentence(tiny, change, sentence):
    (run.PLANS / "stress" / "tiny.toml").write_text(TINY.replace(*change))
    with pytest.raises(ValueError, match=sentence):
        run.plan("stress/tiny")
    with pytest.raises(ValueError, match="no stress plan tests CLAIM=98"):
        (run.PLANS / "stress" / "tiny.toml").write_text(TINY)
        run.chosen("98")


def test_without_other_data_the_settings_on_the_digits_are_run(tiny, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.delenv("DROPOUT_DATA", raising=False)
    text = TINY.replace("[arms]", 'data = ["digits", "digits", "nowhere"]\n[arms]\n') + "[on.nowhere]\n"
    (run.PLANS / "stress" / "tiny.toml").write_text(text)
    with distributed.Client(processes=False, n_workers=1, dashboard_address="127.0.0.1:0") as client:
        assert not run.make("stress/tiny", client)
    missing = run.current("stress/tiny")[1]
    assert missing and all(call["data"] == "nowhere" for call in missing)
    assert (len(reach.summary("stress/tiny")), reach.summary("stress/tiny")[0]["settings"]) == (1, 18)
    monkeypatch.setenv("DROPOUT_DATA", str(tiny))
    with distributed.Client(processes=False, n_workers=1, dashboard_address="127.0.0.1:0") as client:
        with pytest.raises(ValueError, match=r"nowhere: .*train-images-idx3-ubyte\.gz is missing"):
            run.make("stress/tiny", client)


def test_a_table_is_tuned_with_one_seed_and_tested_with_others(tiny, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    (tiny / "experiments" / "replicate").mkdir()
    table = TINY.replace("n_seeds = 10", "n_seeds = 2\nn = 9\nbest = 16\nwrong = 0.2")
    table = table[: table.index("[knobs]")] + "[knobs]\n" + table[table.index("[arms]") :]
    table += '[finally]\nchoose = "val"\nn_seeds = [3, 4]\n[published]\nnone = 1.5\n'
    (tiny / "experiments" / "replicate" / "tiny.toml").write_text(table)
    asked, have = by_hand("replicate/tiny")
    monkeypatch.setattr(run, "there", lambda name, asked: have)
    assert len(have) == 2 * (4 + 2)
    for arm, published, values in reach.replicated("replicate/tiny", "loss"):
        assert published == {"none": 1.5}.get(arm) and len(values) == 3 + 4  # two calls, at the best rate
        assert max(values) < 0.2
    asked["finally"]["n_seeds"] = [3, 5]
    assert len([call for call in run.wanted(asked, have) if json.dumps(call) not in have]) == 2


DRIVER = """
import sys
sys.path.insert(0, {experiments!r})
from pathlib import Path
import run
run.PLANS, run.tool.NOTEBOOKS = Path({folder!r}) / "experiments", Path({folder!r})
if __name__ == "__main__":
    with run.cluster(sys.argv[1] if len(sys.argv) > 1 else None, 2) as client:
        print("done" if run.make("stress/tiny", client) else "not done", flush=True)
"""


def driver(folder, *args):
    """A process that runs the tiny plan, over two processes of its own or on a cluster."""
    (folder / "driver.py").write_text(DRIVER.format(experiments=str(ROOT / "experiments"), folder=str(folder)))
    return subprocess.Popen([sys.executable, str(folder / "driver.py"), *args], stdout=subprocess.PIPE, text=True)


def without_the_clock(rows):
    """What a run gave, as bytes, without when and how long."""
    clock = {"seconds", "cpu_seconds", "date"}
    return json.dumps([{key: row[key] for key in row if key not in clock} for row in rows]).encode()


@pytest.mark.slow
def test_a_killed_run_goes_on_and_does_nothing_twice(tiny):
    calls, stored = tiny / "calls", tiny / "experiments" / "results" / "stress" / "tiny.json"
    first = driver(tiny)
    while first.poll() is None and not (stored.exists() and len(run.rows("stress/tiny")) >= 30):
        time.sleep(0.02)
    assert first.poll() is None
    first.kill()
    first.wait()
    before, kept = stored.read_text(), run.rows("stress/tiny")
    last = len(calls.read_text().splitlines())
    while True:  # its workers end by themselves
        time.sleep(2)
        if len(calls.read_text().splitlines()) == last:
            break
        last = len(calls.read_text().splitlines())
    calls.unlink()
    assert driver(tiny).communicate()[0].strip() == "done"
    rows = run.rows("stress/tiny")
    made = collections.Counter(calls.read_text().splitlines())
    names = ("best", "n", "wrong", "p", "rate")
    old, every = ({" ".join(str(row["setting"][key]) for key in names) for row in some} for some in (kept, rows))
    assert set(made) == every - old and set(made.values()) == {1}
    lines, after = ({line.rstrip(",") for line in text.splitlines()} for text in (before, stored.read_text()))
    assert lines <= after
    asked, have = by_hand("stress/tiny")  # never interrupted, and on no cluster
    assert without_the_clock(rows) == without_the_clock(have[json.dumps(call)] for call in run.wanted(asked, have))
    assert run.current("stress/tiny")[1] == []


@pytest.mark.slow
def test_on_a_cluster_whose_workers_know_nothing_of_the_book(tiny):
    dask = str(Path(sys.executable).parent / "dask")
    file = tiny / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tiny}
    here = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([dask, "scheduler", *here, "--port", "0", "--scheduler-file", str(file)], **quiet)
    worker = None
    try:
        while not file.exists():
            assert scheduler.poll() is None
            time.sleep(0.05)
        worker = subprocess.Popen(
            [dask, "worker", "--scheduler-file", str(file), *here, "--no-nanny", "--nthreads", "1"],
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"}, **quiet,
        )  # fmt: skip
        address = json.loads(file.read_text())["address"]
        assert driver(tiny, address).communicate()[0].strip() == "done"
        with run.cluster(address) as client:
            assert run.make("stress/tiny", client)
    finally:
        for process in filter(None, (worker, scheduler)):
            process.terminate()
            process.wait()


def test_no_scheduler_is_one_sentence_and_a_spent_budget_begins_nothing(tiny, monkeypatch):
    monkeypatch.setattr("grading.grade.PATIENCE", 1)
    with pytest.raises(ValueError, match="no Dask scheduler answers at SCHEDULER=tcp://"):
        with run.cluster("tcp://127.0.0.1:1"):
            pass

    with distributed.Client(processes=False, n_workers=1, dashboard_address="127.0.0.1:0") as client:
        assert not run.make("stress/tiny", client, ends=0)
    assert not (tiny / "calls").exists()

"""Stored experiments: what stands in experiments/results is what today's notebooks give; a changed function is seen."""

import importlib.util
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import notebooks as tool
from notebook import NAMES, ROOT, read

SPEC = importlib.util.spec_from_file_location("experiments_run", ROOT / "experiments" / "run.py")
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)
STORED = sorted(path.stem for path in (ROOT / "experiments").glob("*.toml"))


@pytest.mark.parametrize("name", STORED)
def test_results_are_complete_and_of_todays_code(name):
    kept, missing = run.current(name)
    assert missing == []
    assert len(kept) == len(run.rows(name))
    assert all(len(values) >= 10 for row in kept for values in row["result"].values())


def test_every_experiment_is_shown_and_every_stored_cell_has_one():
    elsewhere = {"zoo", "dropblock-libraries", "onnx-exports"}  # made by tools/zoo.py; tests/project/test_zoo.py
    shown = {tag[7:] for name in NAMES for cell in read(name).cells for tag in cell.metadata.get("tags", [])
             if tag.startswith("stored-")}  # fmt: skip
    grids = {"reach", "replications"}  # tests/project/test_reach.py, test_stress.py
    assert shown == {*STORED, *elsewhere, *grids, "reach-counts"}
    assert {*STORED, *elsewhere, *grids} == {path.stem for path in (ROOT / "experiments" / "results").glob("*.json")}


CODE = """import math
SCALE = 2
def helper(x):
    return SCALE * x
def other(x):
    return x
def study(rate=1, n_seeds=10):
    return {"loss": [helper(rate) + math.sqrt(seed) for seed in range(n_seeds)]}
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder of experiments with one, on a notebook of its own; write(code) changes the notebook."""
    for module, name, value in [
        (run, "PLANS", tmp_path / "experiments"),
        (tool, "NOTEBOOKS", tmp_path),
        (tool, "EXPERIMENTS", tmp_path / "experiments" / "results"),
    ]:
        monkeypatch.setattr(module, name, value)
    (tmp_path / "experiments").mkdir()
    plan = 'notebook = "01-tiny"\nfunction = "study"\n[grid]\nrate = [1, 2]\nn_seeds = [10]\n'
    (tmp_path / "experiments" / "rates.toml").write_text(plan)

    def write(code):
        run.definitions.cache_clear()
        nbformat.write(new_notebook(cells=[new_code_cell(code)]), tmp_path / "01-tiny.ipynb")

    write(CODE)
    yield write
    run.definitions.cache_clear()


def by_hand(name):
    """Run what has no result, in this process."""
    asked, (kept, todo) = run.plan(name), run.current(name)
    run.store(name, kept + [run.run(asked["notebook"], asked["function"], setting) for setting in todo])
    return todo


def test_a_run_goes_on_where_it_was_stopped_and_sees_changed_code(tiny):
    assert len(by_hand("rates")) == 2 and by_hand("rates") == []
    run.store("rates", run.rows("rates")[:1])
    assert by_hand("rates") == [{"rate": 2, "n_seeds": 10}]
    assert [row["result"]["loss"][0] for row in run.rows("rates")] == [2, 4]
    tiny(CODE + "# a remark\ndef more(x):\n    return x\n")
    assert run.current("rates")[1] == []
    tiny("from threadpoolctl import threadpool_limits\n" + CODE)
    assert run.current("rates")[1] == []
    tiny("from math import sqrt\n" + CODE)
    assert len(run.current("rates")[1]) == 2
    tiny(CODE.replace("SCALE = 2", "SCALE = 3"))
    assert len(run.current("rates")[1]) == 2


def test_no_string_of_a_stored_cell_is_broken(tiny):
    tiny(CODE.replace('{"loss"', '{("loss after a hundred steps " * 6).strip()'))
    by_hand("rates")
    space = {}
    exec(tool.stored_code("rates"), space)
    assert [list(result) for _, result in space["RATES"]] == 2 * [[("loss after a hundred steps " * 6).strip()]]


def test_the_stored_cell_is_what_the_results_say(tiny):
    by_hand("rates")
    space = {}
    exec(tool.stored_code("rates"), space)
    assert [setting for setting, _ in space["RATES"]] == [{"rate": 1, "n_seeds": 10}, {"rate": 2, "n_seeds": 10}]
    assert space["RATES"][1][1]["loss"][:2] == [4, 5]
    with pytest.raises(ValueError, match="no stored results called nothing"):
        tool.stored_code("nothing")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "needs notebook, function and"), ('notebook = "01-tiny"\nfunction = "none"\n[grid]\n', "defines no none")],
)
def test_a_faulty_plan_is_one_sentence(tiny, text, sentence):
    (run.PLANS / "faulty.toml").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        run.current("faulty")
    with pytest.raises(ValueError, match="no experiment called nothing; there are: faulty, rates"):
        run.plan("nothing")


def test_results_are_lines_of_json(tiny):
    by_hand("rates")
    text = (run.PLANS / "results" / "rates.json").read_text("utf-8")
    assert len(json.loads(text)) == 2 and len(text.splitlines()) == 4

"""The zoo: what is stored is what today's inspector says of the models, it is complete, and it reaches the bars."""

import sys

import nbformat
import pytest
import zoo

from notebook import ROOT, read

sys.path.append(str(ROOT / "tests" / "zoo"))

import faults
import models

ROWS = zoo.stored("zoo")
SOUND = [row for row in ROWS if "found" not in row["result"]]
PLANTED = [row for row in ROWS if "found" in row["result"]]


INSPECTOR = any("diagnose" in cell.metadata.get("tags", []) for cell in read("13-field-guide").cells)
needs_inspector = pytest.mark.skipif(not INSPECTOR, reason="no cell of the field guide carries the tag diagnose")


@needs_inspector
def test_the_stored_results_are_of_todays_code():
    assert zoo.stale() == [], "run make zoo"


def test_it_holds_every_library_and_every_kind():
    assert [row["setting"]["library"] for row in ROWS if "library" in row["setting"]] == list(models.MODELS)
    assert [row["models"] for row in ROWS if "library" in row["setting"]] == list(map(list, models.MODELS.values()))
    assert [row["setting"]["sound"] for row in ROWS if "sound" in row["setting"]] == list(faults.TWINS)
    assert [row["setting"]["planted"] for row in PLANTED] == list(faults.FAULTS)
    assert all(len(values) == len(row["models"]) for row in ROWS for values in row["result"].values())
    assert sum(map(len, models.MODELS.values())) >= 60 and len(faults.FAULTS) >= 20
    assert all(len(row["models"]) >= 4 for row in PLANTED)
    assert {"torch", "transformers", "torch_geometric", "monai", "timm"} <= set(ROWS[0]["versions"])


def test_sound_models_raise_no_alarm_and_no_error_and_stay_as_they_were():
    for row in SOUND:
        for what in ("alarms", "error", "touched"):
            wrong = [name for name, value in zip(row["models"], row["result"].get(what, [])) if value]
            assert wrong == [], (row["setting"], what)
        assert max(row["result"].get("passes", [0])) <= 12


def test_nine_planted_faults_of_ten_are_found():
    found = [value for row in PLANTED for value in row["result"]["found"]]
    assert sum(found) >= 0.9 * len(found)
    assert sum(any(row["result"]["found"]) for row in PLANTED) >= 0.9 * len(PLANTED)


@pytest.mark.parametrize("kind", [*faults.FAULTS, *faults.TWINS])
def test_each_kind_can_be_planted(kind):
    planter = (faults.FAULTS.get(kind) or [faults.TWINS.get(kind)])[0]
    assert any(faults.plant(planter, *build()) for build in models.MODELS["torch"].values())


def test_a_planted_layer_that_does_not_run_is_no_place():
    model, args, kwargs = models.MODELS["torch"]["mnist_2020"]()
    assert faults.plant(lambda *given: model, model, args, kwargs) is None


def test_changed_code_is_seen(monkeypatch):
    monkeypatch.setattr(zoo, "inspector", lambda notebook: "def diagnose(model):\n    return []\n")
    code = zoo.zoo_code(None)
    today = {"zoo": code, "dropblock-libraries": zoo.dropblock_code(), "onnx-exports": zoo.onnx_code()}
    monkeypatch.setattr(zoo, "stored", lambda name: [{"code": today[name]}])
    assert zoo.stale() == []
    monkeypatch.setattr(zoo, "inspector", lambda notebook: "# a remark\ndef diagnose(model): return []\n")
    assert zoo.stale() == []
    monkeypatch.setattr(zoo, "inspector", lambda notebook: "def diagnose(model):\n    return [model]\n")
    assert zoo.stale() == ["zoo"]
    monkeypatch.setattr(zoo, "chapter_dropblock", lambda: "def feature_mask(): pass")
    assert zoo.stale() == ["zoo", "dropblock-libraries"]
    monkeypatch.setattr(zoo, "ONNX_PINS", zoo.PINS)
    assert zoo.stale() == ["zoo", "dropblock-libraries", "onnx-exports"]


def said(*findings, error=None):
    return {"findings": [list(one) for one in findings], "error": error, "touched": False, "passes": 5, "seconds": 0.5}


def test_the_table_tells_found_from_missed_and_from_alarms():
    there = {
        "models": {"a": ["x", "y"]},
        "faults": {"bad": ["output"]},
        "twins": ["odd"],
        "published": [["a", "y", "p"]],
    }
    found = {
        ("a", "nothing"): {"x": said(("l", "drops")), "y": said(("l", "P = 1"))},
        ("a", "odd"): {"x": said(error="ValueError: no")},
        ("a", "bad"): {"x": said(("l", "the OUTPUT"), ("l", "more")), "y": said(("l", "other"))},
    }
    lines = [{"setting": setting, "result": result} for setting, result, *_ in zoo.rows(found, there)]
    nothing, odd, bad = [row["result"] for row in lines]
    assert nothing["alarms"] == [1, 0] and odd["error"] == [1] and odd["alarms"] == [0]
    assert bad["found"] == [1, 0] and bad["more"] == [1, 1]
    table = [line.split()[-5:] for line in zoo.confusion(lines)]
    assert (
        table[1][-3:] == ["2", "1", "0"] and table[2][-3:] == ["1", "0", "1"] and table[3] == ["2", "1", "1", "2", "0"]
    )


@needs_inspector
def test_a_chapter_without_tagged_cells_is_one_sentence(tmp_path, monkeypatch, capsys):
    empty = tmp_path / "empty.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), empty)
    monkeypatch.setattr(zoo.sys, "argv", ["zoo.py", "--check", "--notebook", str(empty)])
    with pytest.raises(SystemExit, match=r"^dropout-book: no cell is tagged 'diagnose'$"):
        zoo.main()

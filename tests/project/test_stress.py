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
import torch
from nbformat.v4 import new_code_cell, new_notebook

from notebook import NAMES, ROOT, read

sys.path.append(str(ROOT / "experiments"))

import reach
import replications
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
    assert set(asked["knobs"]) <= set(reach.KNOBS)
    assert len({reach.KNOBS[knob] for knob in asked["knobs"]}) == len(asked["knobs"])
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
    definitions = run.needed(asked["notebook"], asked["function"])
    named = next(node for node in definitions if getattr(node, "name", "") == asked["function"]).args
    last = {name: values for name, values in asked["finally"].items() if name != "choose"}
    assert len(asked["finally"]["seed"]) >= (10 if path.stem == "liu2023" else 5)
    assert len({len(values) for values in last.values()}) == 1 and all(last["test"])
    assert asked["always"]["seed"] not in asked["finally"]["seed"]
    for arm in asked["arms"]:
        for call in stress.tried(asked, {}, arm, {}):
            assert "test" not in call and set(call) | set(last) <= {arg.arg for arg in named.args}
    for key, table in asked["tables"].items():
        assert {"source", "link", "metric", "says", "differs"} <= set(table), key
        arms = {arm for effect in asked["effects"] if effect["table"] == key for arm in stress.arms_of(effect)}
        assert arms and set(table.get("published", {})) <= set(asked["arms"])
        assert table["metric"] in stress.metrics(asked)


def test_a_published_difference_has_the_sign_that_is_asked_for():
    """Of each effect between arms whose numbers were published, in the unit of the metric, or turned round."""
    compared = 0
    for path in TABLES:
        asked = stress.plan(path)
        for effect in asked["effects"]:
            table = asked["tables"][effect["table"]]
            named = {name for side in ("more", "less") for _, names in stress.sides_of(effect, side) for name in names}
            was = reach.difference(
                effect, {arm: dict.fromkeys(named, value) for arm, value in table.get("published", {}).items()}
            )
            if len(stress.arms_of(effect)) < 2:  # of one arm, in two metrics: nothing was published
                continue
            if was is not None and not effect.get("margin"):
                turned = -1 if "accuracy" in table.get("unit", "") else 1
                assert np.sign(was) == turned * effect["sign"], (path.stem, effect["says"])
                compared += 1
            elif was is not None:
                assert -effect["margin"] <= effect["sign"] * was, (path.stem, effect["says"])
    assert compared >= 14


@pytest.mark.parametrize("path", [*PLANS, *TABLES], ids=lambda path: path.stem)
def test_stored_results_are_of_todays_code_and_told_when_they_are_whole(path):
    """A run that was stopped keeps its rows, for the next one to go on from; nothing is said of it yet."""
    name, told = f"{path.parent.name}/{path.stem}", "reach" if path in PLANS else "replications"
    kept, missing = run.current(name)
    assert len(kept) == len(run.rows(name)), "make stress or make replicate"
    found = json.loads((ROOT / "experiments" / "results" / f"{told}.json").read_text(encoding="utf-8"))
    assert (path.stem in {one["plan"] for one in found}) == (not missing), "python experiments/reach.py --store"
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
    reach.chapter()  # from the chapter, and not from this folder
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
    # 2 ± 0.08, 0 ± 0.08, -2 ± 0.08
    assert [line["tally"][word] for word in ("holds", "reversed", "unseen")] == [9, 9, 9]
    assert 0.8 < line["shares"]["wrong labels"] <= 1  # ranks: 27 of them, in three groups


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


TABLE = """
[finally]
choose = "val"
n_seeds = [3, 4]
[tables.one]
source = "Nobody"
link = "#one"
differs = "all"
says = "less"
metric = "loss"
published = { none = 1.5, dropout = 1.0 }
[tables.two]
source = "Nobody, turned"
link = "#two"
differs = "all"
says = "more"
metric = "loss"
unit = "share right"
published = { none = 1.5 }
[[effects]]
table = "one"
says = "dropout takes away a fifth"
short = "a fifth"
more = "dropout.loss"
less = ["none.loss"]
sign = -1
[[effects]]
table = "two"
says = "dropout adds something"
short = "something"
more = "dropout.loss"
less = "none.loss"
sign = 1
"""


@pytest.fixture
def tables(tiny, monkeypatch):
    """A function that writes a plan of two published tables, changed by what it is told, and runs it here."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    (tiny / "experiments" / "replicate").mkdir()

    def ran(*changes):
        text = TINY.replace("n_seeds = 10", "n_seeds = 2\nn = 9\nbest = 16\nwrong = 0.22")
        text = text[: text.index("[knobs]")] + "[knobs]\n" + text[text.index("[arms]") : text.index("[[effects]]")]
        text += TABLE
        for change in changes:
            assert text.count(change[0]) == 1
            text = text.replace(*change)
        (tiny / "experiments" / "replicate" / "tiny.toml").write_text(text)
        asked, have = by_hand("replicate/tiny")
        monkeypatch.setattr(run, "there", lambda name, asked: have)
        return asked, have

    return ran


def test_a_table_is_tuned_with_one_seed_and_tested_with_others(tables):
    asked, have = tables()
    assert len(have) == 2 * (4 + 2)
    one, two = reach.replicated("replicate/tiny")
    assert [row["published"] for row in one["rows"]] == [1.5, 1.0]
    for row in one["rows"]:
        assert row["rate"] == 16 and row["edge"] and len(row["here"]["loss"]) == 3 + 4  # two calls, at the best rate
    assert one["effects"][0]["was"] == pytest.approx(-0.5) and two["effects"][0]["was"] is None
    assert one["effects"][0]["values"] == pytest.approx([-0.1, -0.3, -0.1, -0.1, -0.3, -0.1, -0.3])
    text = reach.table(one)
    assert "one: replicated" in text and "published   1.50" in text and "published -0.50, here -0.186 ± 0.099" in text
    assert "two: not replicated" in reach.table(two) and "(reversed)" in reach.table(two)
    asked["finally"]["n_seeds"] = [3, 5]
    assert len([call for call in run.wanted(asked, have) if json.dumps(call) not in have]) == 2


def test_a_table_that_is_half_run_has_no_standing(tables):
    asked, have = tables()
    for call in stress.finals(asked, {}, "none", have)[1:]:
        del have[json.dumps(call)]
    one, two = reach.replicated("replicate/tiny")
    assert one["standing"] == two["standing"] == "not run" and one["effects"][0]["values"] is None
    assert [bool(row["here"]) for row in one["rows"]] == [False, True] and "not run" in reach.table(one)


def test_what_is_stored_of_a_table(tables, monkeypatch):
    asked, have = tables(("notebook = ", 'beside = ["val"]\nnotebook = '))
    monkeypatch.setattr(run, "rows", lambda name: [*have.values()])
    one, two = json.loads(reach.published_text())
    assert [row["published"] for row in one["rows"]] == [1.5, 1.0] and one["seeds"] == 7
    first, second = one["effects"][0], two["effects"][0]
    assert (first["was"], first["mean"], first["half"]) == (-0.5, *reach.rounded([-0.1] * 4 + [-0.3] * 3).values())
    assert (first["word"], one["standing"], first["short"], first["margin"]) == ("holds", "replicated", "a fifth", 0.0)
    assert second["was"] is None and two["unit"] == "share right"  # no difference of numbers in another unit
    for row, arm in zip(one["rows"], asked["arms"]):
        values = reach.final_runs(asked, have)[arm]
        assert row["mean"] == pytest.approx(np.mean(values["loss"]), rel=1e-4)
        assert row["beside"] == {"val": reach.rounded(values["val"])}
    with monkeypatch.context() as patch:  # nothing is told of a plan that is not whole, of whole tables in it neither
        patch.setattr(run, "current", lambda name: ([], ["a setting"]))
        assert reach.published() == []
    have.popitem()
    assert reach.published() == []


def test_published_tables_are_told_by_year_and_number():
    in_order = ["A 2012", "B 2014, Tables 2 and 9", "B 2014, Figure 9a", "B 2014, Figure 10"]
    in_order += [f"C 2016, {net}" for net in ("p = 0.25, 40 epochs", "p = 0.25, 80 epochs", "p = 0.5, 40 epochs")]
    in_order += ["D 2023, 400 steps", "D 2023, 1,600 steps"]
    assert sorted(reversed(in_order), key=reach.numbers_in) == in_order


def test_what_the_rest_needs_and_what_lies_within_the_margin(tables):
    margin = ("sign = 1\n", "sign = 1\nmargin = 0.4\n")  # -0.186 ± 0.099 is no more than 0.4 on the other side
    assert [found["standing"] for found in (tables(margin), reach.replicated("replicate/tiny"))[1]] == 2 * [
        "replicated"
    ]
    narrow = ("sign = 1\n", "sign = 1\nmargin = 0.2\n")
    tables(narrow)
    assert reach.replicated("replicate/tiny")[1]["effects"][0]["word"] == "unseen"
    tables(("sign = 1\n", "sign = 1\nneeds = true\n"))
    assert reach.replicated("replicate/tiny")[1]["standing"] == "not comparable"


@pytest.mark.parametrize(
    ("words", "needed", "standing"),
    [
        (["holds", "holds"], [], "replicated"),
        (["holds", "unseen"], [], "replicated in part"),
        (["unseen", "unseen"], [], "not replicated"),
        (["holds", "reversed"], [], "not replicated"),
        (["holds", None], [], "not run"),
        ([], [], "not run"),
        (["holds", "holds"], ["unseen"], "not comparable"),
        (["unseen"], ["holds"], "not replicated"),
        (["holds"], ["holds"], "replicated"),
    ],
)
def test_what_becomes_of_a_published_result(words, needed, standing):
    effects = [{"word": word} for word in words] + [{"word": word, "needs": True} for word in needed]
    assert reach.standing(effects) == standing


def test_an_effect_of_no_table_is_one_sentence(tables):
    with pytest.raises(ValueError, match="needs the table that it is of"):
        tables(('table = "two"\n', ""))
    with pytest.raises(ValueError, match="no arm for"):
        tables(('["none.loss"]', '["none.loss", "nothing.loss"]'))


@pytest.fixture
def little(monkeypatch):
    """600 training images in which one row of pixels says the label, 60 others; the parts that were opened."""
    opened = []

    def images(name, part="train"):
        opened.append(part)
        y = np.random.default_rng(len(part)).integers(0, 10, {"train": 600, "t10k": 60}[part])
        x = np.zeros((len(y), 28, 28), np.uint8)
        x[np.arange(len(y)), 2 * y + 3] = 255
        return x, y

    monkeypatch.setattr(replications, "images", images, raising=False)
    return opened


def test_what_is_held_out_is_not_learned_from(little):
    x, _, val, train = replications.parts(3, 500)
    assert x.shape == (600, 784) and len(val) == 100 and sorted([*val.tolist(), *train.tolist()]) == [*range(600)]
    assert sorted(replications.parts(3, 600)[3].tolist()) == [*range(600)]
    assert not torch.equal(replications.parts(4, 500)[2], val)


@pytest.mark.parametrize(
    ("function", "knobs"),
    [
        ("digit_perceptron", {"lr": 0.1, "p_in": 0.2, "p_hidden": 0.5, "longest": 2.0, "width": 32, "epochs": 6}),
        ("digit_transformer", {"lr": 0.01, "kind": "early", "d": 16, "steps": 40}),
    ],
)
def test_digits_are_learned_and_the_test_images_opened_only_when_asked(little, function, knobs):
    study = getattr(replications, function)
    found = study(seed=1, n_train=500, **knobs)
    assert set(little) == {"train"} and "test_error" not in found and found["val_error"][0] < 40
    again = study(seed=1, n_train=500, test=True, **knobs)
    assert "val_error" not in study(seed=1, n_train=501, **knobs)
    assert again["val_loss"] == found["val_loss"] and again["test_error"][0] < 40 and set(little) == {"train", "t10k"}


def test_max_norm_shortens_what_is_longer_and_nothing_else():
    model = replications.perceptron((3, 2, 10), 0.0, 0.5)
    model[0].weight.data = torch.tensor([[3.0, 4.0, 0.0], [0.6, 0.0, 0.8]])
    replications.bound(model, 2.0)
    assert torch.allclose(model[0].weight, torch.tensor([[1.2, 1.6, 0.0], [0.6, 0.0, 0.8]]))
    assert [type(layer).__name__ for layer in model] == ["Linear", "ReLU", "Dropout", "Linear"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("none", 6 * [0.0]), ("standard", 6 * [0.1]), ("early", [0.1, 0.2 / 3, 0.1 / 3, 0, 0, 0])],
)
def test_early_dropout_falls_to_nothing_and_stays_there(little, monkeypatch, kind, expected):
    seen = []
    forward = replications.VisionTransformer.forward

    def watched(model, x):
        if model.training:
            seen.append([layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)])
        return forward(model, x)

    monkeypatch.setattr(replications.VisionTransformer, "forward", watched)
    replications.digit_transformer(0.01, 0, kind, share=0.5, d=16, depth=1, steps=6, n_train=500)
    assert seen == [4 * [pytest.approx(p)] for p in expected]


def test_an_image_is_cut_into_sixteen_patches():
    model = replications.VisionTransformer(8, 0, 2, 0.0)
    seen = []
    model.patch.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    image = torch.arange(784.0).view(28, 28)
    model(image.view(1, 784))
    assert torch.equal(seen[0][0, 6].view(7, 7), image[7:14, 14:21])


def test_the_letter_model_is_an_lstm_and_its_masks_are_what_they_are_called(monkeypatch):
    torch.manual_seed(0)
    draw = replications.LetterLSTM.mask
    letters = torch.randint(0, 9, (5, 7))
    for masks in ("each step", "state too", "one"):
        model = replications.LetterLSTM(9, 16, 2, masks, 0.0)
        x = model.letter(letters.T)
        for layer in model.layers:
            x = layer(x)[0]
        assert torch.allclose(model(letters), model.read_out(x).transpose(0, 1), atol=1e-6)
        model.drop.p = 0.5
        drawn = []
        monkeypatch.setattr(replications.LetterLSTM, "mask", lambda *given: drawn.append(draw(*given)) or drawn[-1])  # noqa: B023
        model(letters)
        assert len(drawn) == {"each step": 3, "state too": 5, "one": 5}[masks]  # two layers and what is read out
        for mask in drawn:
            assert mask.shape == (7, 5, 16) and set(mask.unique().tolist()) == {0.0, 2.0}
            assert torch.equal(mask, mask[:1].expand_as(mask)) == (masks == "one")
        first = drawn[1] if masks == "each step" else drawn[2]
        assert not torch.equal(first, drawn[0])
        assert torch.equal(model.eval()(letters), model(letters))


def test_the_end_of_a_name_counts_and_what_follows_it_does_not():
    guess = torch.log(torch.tensor([0.5, 0.3, 0.2]))
    texts = torch.tensor([[0, 1, 2, 0, 0, 0], [0, 2, 2, 1, 1, 0]])

    def model(letters):
        return guess.expand(*letters.shape, 3)

    expected = -(guess[[1, 2, 0]].sum() + guess[[2, 2, 1, 1, 0]].sum()) / 8
    assert replications.next_letter(model, texts).item() == pytest.approx(expected.item())


def test_names_are_told_apart_by_their_letters():
    texts, letters = replications.names(40)
    assert texts.shape == (10304, 42) and texts.max() == letters - 1 and not texts[:, [0, -1]].any()
    assert len({tuple(text) for text in texts.tolist()}) > 10000


def test_an_lstm_is_kept_as_it_was_when_it_was_best():
    found = replications.letter_lstm(0.1, 0, width=16, n_train=20, batch_size=10, epochs=20, longest=10, test=True)
    assert 1 <= found["epoch"][0] < 20 and found["val_perplexity"][0] < found["val_last"][0]  # it overfits
    assert abs(found["test_perplexity"][0] - found["val_perplexity"][0]) < 3


def test_names_need_no_folder_of_images_and_digits_do(monkeypatch):
    monkeypatch.delenv("DROPOUT_DATA", raising=False)
    asked = run.plan("replicate/gal2016")
    assert "idx" not in run.job("replications.py", "letter_lstm", {"lr": 0.1}, asked)
    with pytest.raises(ValueError, match="set DROPOUT_DATA"):
        run.job("replications.py", "digit_perceptron", {"lr": 0.1}, asked)


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

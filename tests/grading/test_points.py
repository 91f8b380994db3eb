"""Points for the parts of a probe, and the seconds of a question: that they add up."""

import csv
import io
import json
import statistics

import pytest
from small import SMALL, check, data, handed_in, written

from grading import grade as gr
from grading import homework as hw
from grading import judge, sandbox

PARTS = SMALL | {
    "intro-text": "# Homework: Small\n\n30 minutes, 11 points.",
    "q1-question": "## 1 · Scaled (5 points)\nScale by $1/(1 - p)$.",
    "q1-check": check(
        "assert len(scaled([1.0], 0.5)) == 1",
        'row = [1.5, -2.25, 4.0]\nprobe("three numbers", scaled(row, P), points=1, hint="Which factor?")\n'
        'probe("two ways", [sum(scaled(row, P)), scaled([], P), scaled(row * N, 0.5)[-1]], points=(1, 2, 1), hint="?")',
    ),
}
ANSWERS = {  # of question 1: the points of its probes
    "def scaled(x, p):\n    return [v / (1 - p) for v in x]": (1, 4),
    "def scaled(x, p):\n    return [v / (1 - p) for v in x] or [0]": (1, 2),  # all but the middle part
    "def scaled(x, p):\n    return [2 * v for v in x]": (0, 3),  # p is not looked at
    "def scaled(x, p):\n    return [v / (1 - p) for v in x[:3]]": (1, 4),  # right for these inputs
    "def scaled(x, p):\n    return [v for v in x]": (0, 2),  # only the empty row
    "def scaled(x, p):\n    return [v / (1 - p) for v in x] if x else 1 / 0": (1, 0),  # one part fails, and all is lost
    "def scaled(x, p):\n    return None": (0, 0),
}


@pytest.fixture
def parts(tmp_path, sandbox_here):
    """A folder with a submission for each of these answers and one that cannot be read, and its homework."""
    homework, text = hw.read(written(tmp_path, PARTS))
    (tmp_path / "in").mkdir()
    for number, answer in enumerate(ANSWERS):
        book = handed_in(text, PARTS, ["q2"], q1=answer)
        (tmp_path / "in" / f"s{number}.ipynb").write_bytes(data(book))
    (tmp_path / "in" / "t.ipynb").write_bytes(b"no notebook")
    return homework, tmp_path / "in", tmp_path / "out"


def rows(file):
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))


def test_each_right_part_gives_its_points_and_all_sums_agree(parts):
    homework, _, out = parts
    assert homework.points == 11 and [probe.points for probe in homework.probes][:2] == [1, 4]
    assert hw.Homework.load(homework.dump()).probes == homework.probes
    results, _ = gr.grade(*parts)
    for result, points in zip(results, ANSWERS.values(), strict=False):
        assert tuple(test["score"] for test in result["tests"][:2]) == points, result["slug"]
        assert [test["status"] == "passed" for test in result["tests"][:2]] == [points[0] == 1, points[1] == 4]
    for result in results:
        assert result["score"] == sum(test["score"] for test in result["tests"])
        assert sum(test["max_score"] for test in result["tests"]) == result["extra_data"]["max_score"] == 11
    grades, told, probes = (rows(out / f"{name}.csv") for name in ("grades", "statistics", "probes"))
    means = {row["of"]: float(row["mean"]) for row in told}
    assert means["score"] == pytest.approx(sum(means[label] for label in homework.questions))
    assert means["score"] == pytest.approx(sum(float(row["mean"]) for row in probes), abs=1e-3)
    assert means["score"] == pytest.approx(statistics.mean(float(row["score"]) for row in grades))
    assert float(probes[1]["passed"]) == 2 / 8 and float(probes[1]["mean"]) == (4 + 2 + 3 + 4 + 2) / 8
    page = (out / "feedback" / "s1.html").read_text("utf-8")
    assert "right in part" in page and "2 of 4" in page
    assert "right in part" not in (out / "feedback" / "s0.html").read_text("utf-8")


@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0, 4.0], [1.0], 1.0, {"0": 1.0, "1": 2.0}, "12", [], None, True])
def test_a_value_of_another_shape_gives_nothing(value):
    probe = hw.Probe("q1", "a", 3, "", 1e-6, "1", [1, 2])
    assert judge.reached(probe, value, [1.0, 2.0]) == 0
    assert judge.reached(probe, [1.0, 5.0], [1.0, 2.0]) == 1 and judge.reached(probe, [5, 2], [1.0, 2.0]) == 2


@pytest.mark.parametrize("points", ["(1,)", "()", "(1, 0)", "(1, -2)", "(1, 'a')", "[1, 2]", "0", "(1, (2, 3))"])
def test_points_that_make_no_sense_are_refused(tmp_path, points):
    cells = PARTS | {"q1-check": PARTS["q1-check"].replace("(1, 2, 1)", points)}
    with pytest.raises(hw.Fault, match="a probe is probe"):
        hw.read(written(tmp_path, cells))


def test_a_master_whose_value_has_other_parts_is_refused(tmp_path, sandbox_here):
    cells = PARTS | {"q1-check": PARTS["q1-check"].replace("(1, 2, 1)", "(1, 2)")}
    homework, _ = hw.read(written(tmp_path, cells))
    with pytest.raises(hw.Fault, match=r"^q1, two ways: points for 2 parts, and its value is no list of 2$"):
        gr.expected(homework)


def test_private_probes_may_have_parts(tmp_path):
    (tmp_path / "key").write_text("key")
    (tmp_path / "01-small.py").write_text('# %% q2\nprobe("ours", [summed([N]), N], points=(1, 2), hint="?")\n')
    homework, text = hw.read(written(tmp_path, PARTS), "a", tmp_path)
    assert homework.points == 14 and "(6 points)" in text and "14 points" in text


BUSY = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end:\n    pass\n"
WORK = """import time


def summed(x):
    end = time.process_time() + 0.6
    while time.process_time() < end:
        pass
    return sum(v * v for v in x)
"""


def test_seconds_are_those_of_the_question_that_took_them(tmp_path, parts, timed):
    homework, where, out = parts
    for file in where.iterdir():
        file.unlink()
    text = hw.read(written(tmp_path, PARTS))[1]
    slow = handed_in(text, PARTS, None, q2=WORK)
    slow["cells"].append({"cell_type": "code", "source": BUSY.format(0.3), "metadata": {}})
    (where / "slow.ipynb").write_bytes(data(slow))
    (where / "quick.ipynb").write_bytes(data(handed_in(text, PARTS)))
    (where / "none.ipynb").write_bytes(b"no notebook")
    results, _ = gr.grade(*parts)
    took = {result["slug"]: result["extra_data"].get("seconds") for result in results}
    assert took["none"] is None
    assert {"cells", *homework.questions} == took["slow"].keys() == took["quick"].keys()
    more = {what: took["slow"][what] - took["quick"][what] for what in took["slow"]}
    assert more["q2"] == pytest.approx(0.6, abs=0.15) and more["cells"] == pytest.approx(0.3, abs=0.15)
    assert abs(more["q1"]) < 0.1 and abs(more["q3"]) < 0.1  # the last one, too, which ends the program
    told = {row["of"]: row for row in rows(out / "statistics.csv")}
    parts_of = [f"seconds, {what}" for what in ("cells", *homework.questions)]
    total = sum(float(told[what]["mean"]) for what in parts_of)
    assert float(told["seconds, all"]["mean"]) == pytest.approx(total) and total > 0.45
    assert [told[what]["submissions"] for what in (*parts_of, "score")] == ["2"] * 4 + ["3"]
    # A second run keeps them, since it runs nothing.
    before = (out / "statistics.csv").read_bytes()
    gr.grade(*parts)
    assert (out / "statistics.csv").read_bytes() == before


def test_the_last_probe_is_timed(sandbox_here):
    spin = (
        "(lambda end: sum(0 for _ in iter(lambda: time.process_time() < end, False)))(time.process_time() + 0.5) or 7"
    )
    blocks = [["import time", [[0, "1"], [1, spin]]]]
    run = sandbox.run({"cells": ["x = 1"], "blocks": blocks})
    assert run["values"][0] == 1 and run["seconds"][1] == pytest.approx(0.5, abs=0.1)
    assert json.dumps(sorted(run["seconds"], key=str)) in ("[0, 1, null]", "[1, null]")


def test_a_class_of_which_nothing_ran_has_no_seconds(parts):
    homework, where, out = parts
    for file in where.glob("s*"):
        file.unlink()
    gr.grade(*parts)
    assert [row["of"] for row in rows(out / "statistics.csv")] == ["score", *homework.questions]

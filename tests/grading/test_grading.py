"""The grader on honest work: every accident gets its result, and what is written about them.

What students try on purpose is in test_hostile.py, stopped runs in test_stops.py, other machines in test_cluster.py.
"""

import csv
import io
import json
import math
import re
import statistics
from functools import cache

import html5lib
import jsonschema
import numpy as np
import psutil
import pytest
from homeworks import can_sandbox, read, solved
from hypothesis import example, given
from hypothesis import strategies as st
from small import MASTER, NAME, NO_NOTEBOOK, VALUES, added, data, label_of, master_cells, spoiled, stripped, without

from grading import grade as gr
from grading import judge, report, sandbox

# Of processor time little, so that what never ends is soon seen to; on the clock much, for a busy machine.
QUICK = {"step": 1.5, "wait": 20, "whole": 600, "memory": 800 * sandbox.MB}
RAISED, ENDED = "raised an exception", "was stopped: it used too much, or ended the program"
LATE = r"it took longer than (1\.5|20) s"  # of processor time or, on a busy machine, on the clock


# ---------------------------------------------------------------- agreement of values

WORDS = st.recursive(
    st.none() | st.booleans() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner, max_size=2),
    max_leaves=5,
)


@given(VALUES)
@example(10**400)
@example([-(10**400), {"a": [float("nan"), float("-inf"), -0.0]}])
def test_every_value_agrees_with_itself(value):
    assert judge.agrees(value, value, 1e-6)
    assert judge.agrees(json.loads(json.dumps(value)), value, 0)


@given(VALUES, VALUES, st.floats(0, 1))
@example(1e308, 10**400, 0.5)
@example(10**400, 1e308, 0.5)
@example(10**400, float("inf"), 0.5)
@example(float("inf"), 10**400, 0.5)
def test_any_two_values_can_be_compared(value, expected, tolerance):
    assert judge.agrees(value, expected, tolerance) in (True, False)


@given(WORDS, WORDS)
def test_what_is_no_number_must_be_the_same(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert judge.agrees(one, other, 0.9) == judge.agrees(other, one, 0.9) == same


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 0.5), st.sampled_from([-1, 1]))
def test_a_number_may_be_off_by_the_tolerance_and_no_more(expected, tolerance, side):
    room = tolerance * (1 + abs(expected))
    assert judge.agrees(expected + side * room * 0.99, expected, tolerance)
    assert not judge.agrees(expected + side * room * 1.01 + side * 1e-6, expected, tolerance)


NAN, INF, HUGE = float("nan"), float("inf"), 10**400
APART = [
    (True, 1), (1, True), (False, 0), (0, False), (1.0, True), (None, 0), (0, None), (None, False), ("", None),
    ("1", 1), (1, "1"), ("a", "A"), ("nan", NAN), (NAN, 1.0), (1.0, NAN), (None, NAN), (True, NAN), (INF, 1e308),
    (1e308, INF), (-INF, INF), (NAN, INF), (INF, NAN), (HUGE, 1.0), (1.0, HUGE), (HUGE, -HUGE), (HUGE, INF),
    (HUGE, HUGE * 2), ([], None), ([], {}), ({}, []), ([1.0], 1.0), (1.0, [1.0]), ([[1.0]], [1.0]), ([1.0, 2.0], [1.0]),
    ([1.0], [1.0, 2.0]), ([2.0, 1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), ({"a": 1.0}, {}),
    ({"a": 1.0, "b": 1.0}, {"a": 1.0}), ({"a": [1.0, True]}, {"a": [1.0, 1]}), ("abc", ["a", "b", "c"]),
]  # fmt: skip
ALIKE = [(2, 2.0), (2.0, 2), (-0.0, 0), ([1, [2.004, {}]], [1.0, [2, {}]]), ({}, {}), (NAN, NAN), ([-INF], [-INF])]


def test_what_agrees_and_what_does_not():
    assert [pair for pair in APART if judge.agrees(*pair, 0.01)] == []
    assert [pair for pair in ALIKE if not judge.agrees(*pair, 0.01)] == []


def test_deep_values_are_compared():
    deep, other = 0.5, 0.6
    for _ in range(200):
        deep, other = [deep], {"a": other} if len(str(other)) % 2 else [other]
    assert judge.agrees(json.loads(json.dumps(deep)), deep, 0) and not judge.agrees(other, deep, 0.5)


# ---------------------------------------------------------------- all accidents, in one run


def replaced(label, text):
    """A right submission with one code cell replaced, label and all."""
    book = spoiled()
    book["cells"] = [cell | {"source": text} if label_of(cell) == label else cell for cell in book["cells"]]
    return book


def accidents():
    """{student: (file's bytes, questions that are right, pattern of the remark, pattern of the failed probes)}"""
    full, every, none = spoiled(), {*read(NAME)[0].questions}, set()
    but = lambda question: every - {question}  # noqa: E731
    q4 = master_cells(MASTER)["q4-solve"]
    head = "def to_inverted(recipe, p):\n    "
    all_of = "return dict.fromkeys([*recipe, 'bias_lr'], "

    def q4_is(body, why, before=""):
        return spoiled(q4=before + head + body), but("q4"), "", why

    def with_outputs(size):
        cells = [dict(cell) for cell in full["cells"]]
        cells[1] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x" * size}]}
        return full | {"cells": cells}

    def fine(book, remark=""):
        return book, every, remark, ""

    def refused(content, sentence):
        return content, none, re.escape(sentence), "not run"

    cell, unmade = r"code cell \d+: ", f"{RAISED}|gives another value"
    checks = [label for label in master_cells(MASTER) if label.endswith("check")]
    table = {
        "right": fine(full),
        "stubs": (json.loads(read(NAME)[1]), none, "", unmade),
        "not-a-notebook": refused(b"Dear Sir, here is my homework.", NO_NOTEBOOK),
        "truncated": refused(data(full)[: len(data(full)) * 2 // 3], NO_NOTEBOOK),
        "empty": refused(b"", "the file is empty"),
        "mb50": refused(
            with_outputs(50_000_000), "the file is larger than 20 MB; clear the outputs and hand it in again"
        ),
        "mb3": fine(with_outputs(3_000_000)),
        "wrong-chapter": refused(read("01-overfitting")[1].encode(), "this is the homework of another chapter"),
        "no-code": ({"cells": []}, none, "no cell of this homework was recognised;.*", unmade),
        "q2-missing": (without(full, "q2-solve"), but("q2"), "", RAISED),
        "checks-missing": fine(without(full, *checks)),
        "given-missing": fine(without(full, *read(NAME)[0].given)),
        "text-missing": fine(full | {"cells": [one for one in full["cells"] if one["cell_type"] == "code"]}),
        "twice": fine(full | {"cells": full["cells"] * 2}),
        "stripped": fine(stripped(full)),
        "constants-overwritten": fine(added("P, SEED = 0.5, 1\nfor WIDTH in range(3):\n    pass")),
        "import-added": fine(replaced("imports-given", "import numpy as np\nimport math as m")),
        "given-changed": fine(replaced("constants-given", "P = 0.5\nWIDTH, DROPPED, SEED = 2, 1, 0")),
        "check-broken": fine(replaced("q1-check", "assert False, (")),
        "syntax-error": (
            spoiled(q2="def fixed_count(x, k)\n    return 1"),
            but("q2"),
            cell + "SyntaxError in line 1",
            RAISED,
        ),
        "indentation": (
            spoiled(q2="x = 1\n  y = 2"),
            but("q2"),
            cell + "IndentationError in line 2",
            RAISED,
        ),
        "null-byte": (spoiled(q2="x = 1\0"), but("q2"), cell + r"\w+Error( in line 1)?", RAISED),
        "lone-surrogate": (spoiled(q2="x = '\ud800'"), but("q2"), "", RAISED),
        "tabs": fine(spoiled(q4=q4.replace("    ", "\t"))),
        "crlf": fine(spoiled(q4=q4.replace("\n", "\r\n"))),
        "bom": fine(b"\xef\xbb\xbf" + data(full)),
        "wrong": q4_is("return {}", RAISED),
        "none": q4_is("pass", RAISED),
        "another-value": q4_is(all_of + "-1.5)", "gives another value"),
        "another-type": q4_is(all_of + "object)", RAISED),
        "loop": q4_is("while True:\n        pass", "took too long"),
        "waits": q4_is("while True:\n        time.sleep(1)", "took too long", "import time\n"),
        "waits-in-cell": fine(added("import time\ntime.sleep(1000)"), cell + LATE),
        "loop-in-cell": (spoiled(q4="while True:\n    pass\n" + q4), but("q4"), cell + LATE, RAISED),
        "os-exit": q4_is("os._exit(0)", ENDED, "import os\n"),
        "os-exit-in-cell": fine(added("import os\nos._exit(0)"), cell + "it ended the program"),
        "os-exit-first": fine(added("import os\nos._exit(1)", first=True), cell + "it ended the program"),
        "crash": q4_is("ctypes.string_at(0)", ENDED, "import ctypes\n"),
        "sys-exit": fine(
            added("import sys\nsys.exit()", "quit()"), f"{cell}SystemExit in line 2\n{cell}SystemExit in line 1"
        ),
        "flood": fine(
            added("import os\nprint('x' * 10**8)\nos.system('yes | head -c 40000000; yes | head -c 40000000 >&2')")
        ),
        "flood-in-question": q4_is("while True:\n        print('x' * 10**5)", "took too long"),
        "long-value": q4_is(all_of + "'x' * 10**7)", RAISED),
        "recursion": q4_is("return to_inverted(recipe, p)", RAISED),
        "endless-value": q4_is("r = []\n    r.append(r)\n    " + all_of + "r)", RAISED),
        "memory": q4_is("return np.ones(10**12)", RAISED),
        "hoards": fine(
            added("hoard = []\nwhile True:\n    hoard.append(np.ones(10**7))"),
            cell + f"(it used more than 800 MB of memory|{LATE})",
        ),
        "exceptions": q4_is("raise Mine(42.4242)", RAISED, "class Mine(ArithmeticError):\n    pass\n"),
        "magics": fine(spoiled(q4="%%time\n%matplotlib inline\n!pip install numpy\n" + q4)),
        "magic-in-block": fine(spoiled(q4="if True:\n    !pip install numpy\n" + q4)),
        "colab": fine(
            added("from google.colab import drive\ndrive.mount('/content/drive')"),
            cell + "ModuleNotFoundError in line 1",
        ),
        "asks": fine(added("answer = input('Your name?')\nfloat(answer)"), cell + "ValueError in line 2"),
        "shows": fine(added("display(P)", "from IPython.display import display\ndisplay(1)")),
        "writes": fine(added("np.savetxt('mine.csv', np.ones(3))\nassert open('mine.csv').read()")),
        "reads": fine(added("np.loadtxt('/content/mine.csv')"), cell + "FileNotFoundError in line 1"),
        "threads": fine(added("import threading, time\nthreading.Thread(target=time.sleep, args=[1000]).start()")),
        "main": fine(added("assert __name__ == '__main__'")),
        "Zoë Müller, B.Sc. (3)": fine(full),
    }
    return {name: (book if isinstance(book, bytes) else data(book), *rest) for name, (book, *rest) in table.items()}


ACCIDENTS = accidents()
RARE = {  # the like of what `make test` tries anyway
    "mb3", "text-missing", "twice", "import-added", "indentation", "lone-surrogate", "tabs", "bom", "none",
    "another-type", "waits", "os-exit-in-cell", "crash", "flood-in-question", "endless-value", "magic-in-block",
    "shows", "reads", "main", "no-code", "checks-missing", "constants-overwritten", "memory", "asks", "threads",
    "given-missing", "check-broken", "null-byte", "long-value", "os-exit-first", "sys-exit", "exceptions", "stripped",
}  # fmt: skip
PARTS = {"common": ACCIDENTS.keys() - RARE, "rare": RARE | {"right"}}
MARKS = {"common": (), "rare": pytest.mark.slow}


class Run:
    """A folder of submissions, graded."""

    def __init__(self, folder, chosen):
        self.chosen = chosen
        self.homework, self.wanted = read(NAME)[0], solved(NAME)["values"]
        self.submissions, self.out = folder / "in", folder / "out"
        self.submissions.mkdir()
        for name in chosen:
            (self.submissions / f"{name}.ipynb").write_bytes(ACCIDENTS[name][0])
        nested = self.submissions / "in a folder" / "of mine"
        nested.mkdir(parents=True)
        (nested / "homework (1).ipynb").write_bytes(ACCIDENTS["right"][0])
        (self.submissions / "empty folder").mkdir()
        self.results, self.failed = gr.grade(self.homework, self.submissions, self.out, workers=4)
        self.of = {result["extra_data"]["student"]: result for result in self.results}

    def file(self, student, folder="results", suffix="json"):
        return self.out / folder / f"{self.of[student]['slug']}.{suffix}"

    def pages(self):
        return sorted((self.out / "feedback").iterdir())


@pytest.fixture(scope="module")
def grading(tmp_path_factory):
    """A part of the accidents -> its Run, made once."""

    @cache
    def one(part):
        can_sandbox()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in QUICK.items():
                patch.setitem(sandbox.LIMITS, name, value)
            before = psutil.Process().children(recursive=True)
            run = Run(tmp_path_factory.mktemp("accidents"), PARTS[part])
            assert psutil.Process().children(recursive=True) == before  # no sandbox outlives its submission
        return run

    return one


@pytest.fixture(params=[pytest.param(part, marks=MARKS[part]) for part in PARTS])
def graded(request, grading):
    return grading(request.param)


@pytest.mark.parametrize(
    "graded, name",
    [pytest.param(part, name, marks=MARKS[part]) for part, chosen in PARTS.items() for name in sorted(chosen)],
    indirect=["graded"],
)
def test_an_accident_costs_its_own_question_only(graded, name):
    _, right, remark, why = ACCIDENTS[name]
    result = graded.of[name]
    for test, probe in zip(result["tests"], graded.homework.probes, strict=True):
        passed = probe.question in right
        # A wrong answer may still be right in one thing, but what is right is right in all.
        assert test["status"] == ("passed" if passed else "failed"), f"{probe.question}, {probe.name}: {test['output']}"
        assert passed or re.fullmatch(rf"({why})\. {re.escape(probe.hint)}", test["output"]), test["output"]
    assert result["score"] == sum(probe.points for probe in graded.homework.probes if probe.question in right)
    if not remark and why:  # where it is more than a wrong value, the page says so
        remark = rf"question \d: ({why})"
        remark = f"({remark})?" if "gives another value" in why else remark
    said = re.sub(r"^no answer was found for [\w, ]+(\n|$)", "", result["output"], flags=re.M).rstrip("\n")
    assert re.fullmatch(remark, said) or (said != result["output"] and not said), result["output"]


def test_everybody_has_one_result(graded):
    assert graded.failed == 0
    assert sorted(graded.of) == sorted([*graded.chosen, "in a folder", "empty folder"])
    assert len(graded.results) == len(graded.of) == len([*(graded.out / "results").iterdir()]) == len(graded.pages())
    assert graded.of["in a folder"]["score"] == graded.homework.points
    assert graded.of["in a folder"]["extra_data"]["file"] == "in a folder/of mine/homework (1).ipynb"
    assert graded.of["empty folder"]["score"] == 0 and "holds 0 notebooks" in graded.of["empty folder"]["output"]
    assert {path.name for path in graded.out.iterdir()} == {
        "results",
        "feedback",
        "grades.csv",
        "probes.csv",
        "statistics.csv",
        "class.html",
    }
    assert not [*graded.out.rglob("*.part")]


NUMBER, TEXT = {"type": "number", "minimum": 0}, {"type": "string"}
SEEN = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
# https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score", "output", "visibility", "tests"],
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": TEXT,
        "output_format": TEXT,
        "visibility": SEEN,
        "stdout_visibility": SEEN,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "number", "score", "max_score", "status", "output"],
                "properties": {
                    "name": TEXT | {"minLength": 1},
                    "number": {"type": "string", "pattern": r"^\d+\.\d+$"},
                    "score": NUMBER,
                    "max_score": NUMBER,
                    "status": {"enum": ["passed", "failed"]},
                    "output": TEXT,
                    "output_format": TEXT,
                    "tags": {"type": "array"},
                    "visibility": SEEN,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}


def test_results_are_in_gradescopes_format(graded):
    for student in graded.of:
        text = graded.file(student).read_text("utf-8")
        result = json.loads(text, parse_constant=pytest.fail)  # NaN is no JSON
        jsonschema.validate(result, GRADESCOPE)
        assert result == {key: value for key, value in graded.of[student].items() if key != "slug"}
        assert result["score"] == sum(test["score"] for test in result["tests"]) <= graded.homework.points
        assert (
            result["extra_data"]["max_score"]
            == sum(test["max_score"] for test in result["tests"])
            == graded.homework.points
        )
        assert len({test["number"] for test in result["tests"]}) == len(graded.homework.probes)
        assert result["visibility"] == "visible" and result["stdout_visibility"] == "hidden"


@pytest.mark.parametrize(
    "fault", [{"score": -1}, {"tests": []}, {"visibility": "all"}, {"points": 3}, {"output": None}]
)
def test_a_result_in_another_format_is_noticed(graded, fault):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(graded.file("right").read_text()) | fault, GRADESCOPE)


# ---------------------------------------------------------------- pages and tables


def markup_faults(text):
    parser = html5lib.HTMLParser()
    parser.parse(text)
    return [f"line {line}: {code}" for (line, _), code, _ in parser.errors]


def shown(text):
    """The words of a page, without its style."""
    page = html5lib.parse(text, namespaceHTMLElements=False)
    for parent in page.iter():
        for child in [child for child in parent if child.tag in ("style", "script")]:
            parent.remove(child)
    return " ".join(" ".join(page.itertext()).split())


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else []


def telling(number):
    """The first four digits of a number, rounded and cut, where it has as many."""
    rounded, text = f"{abs(number):.4g}", f"{abs(number):.12f}"
    if len(rounded.replace(".", "").strip("0")) < 4 or "e" in rounded:
        return set()
    ends = (end for end in range(len(text)) if len(text[:end].replace(".", "").lstrip("0")) == 4)
    return {rounded, text[: next(ends)]}


def hidden_in(text, homework, wanted):
    """Expressions and expected values (by their first four digits) that a text shows."""
    lines = [line.strip() for probe in homework.probes for line in probe.expression.split("\n")]
    lines += [line.strip() for setup, _, _ in homework.blocks for line in setup.split("\n")]
    digits = tuple({digit for value in wanted.values() for n in numbers_in(value) for digit in telling(n)})
    shown = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![a-z])", text)
    return [line for line in lines if len(line) > 12 and line in text] + [n for n in shown if n.startswith(digits)]


def test_feedback_is_a_page_with_every_probe(graded):
    for student, result in graded.of.items():
        text = graded.file(student, "feedback", "html").read_text("utf-8")
        assert markup_faults(text) == []
        page = html5lib.parse(text, namespaceHTMLElements=False)
        rows = [["".join(cell.itertext()) for cell in row.iter("td")] for row in page.iter("tr")]
        rows = [row for row in rows if row]
        assert len(rows) == len(result["tests"])
        for row, test, probe in zip(rows, result["tests"], graded.homework.probes, strict=True):
            failed = test["status"] == "failed"
            assert row[0].startswith(probe.name) and row[-1] == f"{test['score']:g} of {probe.points:g}"
            assert row[1].startswith("not right" if failed else "right")
            assert (probe.hint in row[0] + row[1]) == (test["output"] in row[0] + row[1] and failed) == failed
        words = shown(text)
        assert f"{result['score']:g} of {graded.homework.points:g} points" in words and student in words
        assert [title for title in graded.homework.questions.values() if title not in words] == []
        assert " ".join(result["output"].split()) in words


def test_no_hidden_value_is_in_what_students_get(graded):
    for path in [*graded.pages(), *(graded.out / "results").iterdir()]:
        assert hidden_in(path.read_text("utf-8"), graded.homework, graded.wanted) == [], path


def test_a_hidden_value_would_be_found(graded):
    text = graded.file("right", "feedback", "html").read_text("utf-8")
    numbers = [n for value in graded.wanted.values() for n in numbers_in(value) if telling(n)]
    assert len(numbers) > 40
    for number in numbers:
        for told in filter(lambda text: telling(float(text)), (str(number), f"{number:.4g}", f"{number:.6g}")):
            assert hidden_in(f"{text}<p>{told}</p>", graded.homework, graded.wanted), told
    assert hidden_in(text + graded.homework.probes[0].expression, graded.homework, graded.wanted)
    assert markup_faults(text.replace("</table>", "", 1) + "<b>")


def test_the_table_of_grades(graded):
    rows = list(csv.DictReader(io.StringIO((graded.out / "grades.csv").read_text("utf-8-sig"))))
    labels = list(graded.homework.questions)
    assert list(rows[0]) == ["student", "file", "score", "of", *labels, "remark"]
    assert [row["student"] for row in rows] == list(graded.of)
    for row in rows:
        result = graded.of[row["student"]]
        assert float(row["score"]) == result["score"] == sum(float(row[label]) for label in labels)
        assert float(row["of"]) == graded.homework.points
        assert row["remark"] == result["output"].replace("\n", "; ") and "\n" not in row["remark"]
        for label in labels:
            right = row["student"] == "in a folder" or label in ACCIDENTS.get(row["student"], (b"", ()))[1]
            assert float(row[label]) == right * sum(p.points for p in graded.homework.probes if p.question == label)


def recomputed(scores):
    low, middle, high = np.quantile(scores, [0.25, 0.5, 0.75])
    spread = np.std(scores, ddof=1) if len(scores) > 1 else 0
    facts = {"submissions": len(scores), "mean": np.mean(scores), "standard deviation": spread, "least": min(scores)}
    return facts | {"lower quartile": low, "median": middle, "upper quartile": high, "most": max(scores)}


@pytest.mark.parametrize("scores", [[7], [0, 28], [3, 1, 2], [0, 1.5, 5, 6, 13, 20, 28, 28]])
def test_the_statistics_are_numpys(scores):
    assert report.statistics(scores) == pytest.approx(recomputed(scores))


def test_the_statistics_are_those_of_the_table(graded):
    rows = list(csv.DictReader(io.StringIO((graded.out / "grades.csv").read_text("utf-8-sig"))))
    scores = sorted(float(row["score"]) for row in rows)
    text = (graded.out / "class.html").read_text("utf-8")
    assert markup_faults(text) == []
    words = shown(text)

    facts = recomputed(scores)
    for name, value in facts.items():
        shown_value = float(re.search(rf"\b{name} ([\d.]+)", words)[1])
        assert shown_value == pytest.approx(value, rel=6e-3), name
    told = list(csv.DictReader(io.StringIO((graded.out / "statistics.csv").read_text("utf-8"))))
    points = ["score", *graded.homework.questions]
    seconds = [f"seconds, {what}" for what in ("cells", *graded.homework.questions, "all")]
    assert [row["of"] for row in told] == points + seconds
    for row in told[: len(points)]:
        column = recomputed(sorted(float(one[row["of"]]) for one in rows))
        assert {name: float(row[name]) for name in column} == pytest.approx(column)
    page = html5lib.parse(text, namespaceHTMLElements=False)
    links = {a.get("href"): a.text for a in page.iter("a")}
    assert links == {f"feedback/{result['slug']}.html": student for student, result in graded.of.items()}
    assert all((graded.out / link).exists() for link in links)


def test_the_table_of_probes(graded):
    rows = list(csv.DictReader(io.StringIO((graded.out / "probes.csv").read_text("utf-8"))))
    for number, (row, probe) in enumerate(zip(rows, graded.homework.probes, strict=True)):
        share = statistics.mean(result["tests"][number]["status"] == "passed" for result in graded.results)
        assert (row["question"], row["probe"]) == (probe.question, probe.name)
        assert float(row["points"]) == probe.points and float(row["passed"]) == pytest.approx(share, abs=1e-4)
    mean = statistics.mean(result["score"] for result in graded.results)
    assert sum(float(row["mean"]) for row in rows) == pytest.approx(mean, abs=1e-4 * len(rows))


@pytest.mark.parametrize("scores, most", [([0, 0, 3, 28], 28), ([5], 24), ([0.5, 29, 29], 29), ([7, 8] * 9, 15)])
def test_the_histogram_counts_everybody_and_says_what_it_shows(scores, most, monkeypatch):
    import matplotlib.axes

    counted = []
    real = matplotlib.axes.Axes.hist
    monkeypatch.setattr(matplotlib.axes.Axes, "hist", lambda *a, **k: counted.append(real(*a, **k)) or counted[-1])
    svg = report.histogram(scores, most)
    counts, edges, _ = counted[0]
    assert sum(counts) == len(scores) and edges[0] < 0 and edges[-1] >= most
    page = html5lib.parse(f"<!doctype html><title>a</title>{svg}", namespaceHTMLElements=False)
    figure = page.find(".//{http://www.w3.org/2000/svg}svg")
    words = figure.get("aria-label").split()
    assert figure.get("role") == "img" and len(words) > 6
    assert {str(len(scores)), f"{min(scores):g}", f"{max(scores):g}", f"{most:g}"} <= {*words}
    assert markup_faults(f"<!doctype html><title>a</title>{svg}") == []
    assert svg == report.histogram(scores, most)  # and the same picture each time


def test_a_class_of_one(tmp_path, small):
    homework, _ = small
    one = judge.refused(homework, "the file is empty", student="Ann", file="a.ipynb") | {"slug": "Ann"}
    report.write_all(homework, [one], tmp_path, gr.write)
    assert "submissions 1 " in shown((tmp_path / "class.html").read_text("utf-8"))
    assert markup_faults((tmp_path / "class.html").read_text("utf-8")) == []


def test_a_class_of_thousands(small):
    page = report.pages().render(
        homework=small[0], results=[], facts=report.statistics([7] * 12_345), probes=[], figure=""
    )
    assert "submissions 12345 " in shown(page)

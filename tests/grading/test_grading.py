"""The grader on honest work: every accident gets its result, a stopped run goes on, a class has its own answers.

What students try on purpose is in test_hostile.py, other machines in test_cluster.py.
"""

import collections
import contextlib
import csv
import io
import json
import math
import os
import re
import runpy
import signal
import statistics
import subprocess
import sys
import time

import build
import html5lib
import jsonschema
import nbformat
import numpy as np
import psutil
import pytest
from homeworks import CLASS, MASTERS, can_sandbox, read, solved
from hypothesis import example, given
from hypothesis import strategies as st

from grading import grade as gr
from grading import homework as hw
from grading import judge, report, sandbox

NAME = "03-inverted-dropout"
MASTER = MASTERS[NAME]
SENTENCE = r"[^\n]{10,240}"
QUICK = {"step": 1.5, "wait": 5, "whole": 60, "memory": 800 * sandbox.MB}
LATE = r"it took longer than (1\.5|5) s"  # of processor time or, on a busy machine, on the clock


@pytest.fixture
def sandbox_here():
    can_sandbox()


@pytest.fixture
def quick(monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setitem(sandbox.LIMITS, name, value)


# ---------------------------------------------------------------- notebooks, made here


def notebook(*cells):
    """A notebook in nbgrader's format from (grade_id, source)."""
    made = []
    for label, source in cells:
        kind = label.rpartition("-")[2]
        info = {"schema_version": 3, "grade_id": label, "task": False, "solution": kind == "solve"}
        info |= {"grade": kind == "check", "locked": kind != "solve"} | ({"points": 1} if kind == "check" else {})
        cell = nbformat.v4.new_markdown_cell if kind in ("text", "question") else nbformat.v4.new_code_cell
        made.append(cell(source, id=label, metadata={"nbgrader": info}))
        if kind == "teacher":
            made[-1].metadata["tags"] = ["teacher"]
    return nbformat.v4.new_notebook(cells=made)


def solution(head, body):
    return f"{head}\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"


def check(seen, hidden):
    return f"{seen}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"


# A homework without numpy, so that it is graded in a tenth of a second.
SMALL = {
    "intro-text": "# Homework: Small\n\n30 minutes, 10 points.",
    "imports-given": "import math",
    "constants-given": "P = 0.3  # drawn from 0.15, 0.2, 0.35, 0.4\nN = 7  # drawn from 11..90",
    "notes-teacher": "def probe(*_, **__):\n    pass",
    "q1-question": "## 1 · Scaled (4 points)\nScale by $1/(1 - p)$.",
    "q1-solve": solution("def scaled(x, p):", "return [v / (1 - p) for v in x]"),
    "q1-check": check(
        "assert len(scaled([1.0], 0.5)) == 1, 'one number for each'",
        'row = [1.5, -2.25, 4.0]\nprobe("three numbers", scaled(row, P), points=3, hint="Which factor?")\n'
        'probe("a long row", [\n    sum(scaled(row * N, 0.75)),\n    N,\n], points=1, hint="Does it take any length?")',
    ),
    "data-given": "DATA = [math.sqrt(N + i) for i in range(5)]",
    "q2-question": "## 2 · Summed (3 points)\nThe sum of the squares.",
    "q2-solve": solution("def summed(x):", "return sum(v * v for v in x)"),
    "q2-check": check(
        "assert summed([2]) == 4", 'probe("of the data", summed(DATA), points=3, hint="Squares, not numbers?")'
    ),
    "q3-question": "## 3 · Named (3 points)\nA dictionary.",
    "q3-solve": solution("def named(n):", 'return {"square": n * n, "cube": n**3}'),
    "q3-check": check(
        "named(1)",
        'probe("the powers", named(N), points=2, hint="Look at the names.")\n'
        'probe("of a negative number", named(-N - 2), points=1, hint="Mind the sign.")',
    ),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(Homework, the student version as text) of the small homework."""
    return hw.read(written(tmp_path_factory.mktemp("small"), SMALL))


def written(folder, cells, name="01-small"):
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook(*cells.items()), path)
    return path


def master_cells(path):
    """{grade_id: source} of a master."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return {cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"]) for cell in cells}


def handed_in(text, solutions, right=None, **other):
    """A student's notebook, as a dict: the student version with right answers to `right`, and q2=source for others."""
    book = json.loads(text)
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
        question, _, kind = cell["metadata"]["nbgrader"]["grade_id"].rpartition("-")
        if kind == "solve" and (right is None or question in right):
            cell["source"] = solutions[f"{question}-solve"]
        if kind == "solve" and question in other:
            cell["source"] = other[question]
    return book


def label_of(cell):
    return cell["metadata"]["nbgrader"]["grade_id"]


def data(book):
    return json.dumps(book).encode()


def code(source, **metadata):
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None}


def sources(book, homework):
    return hw.submitted(data(book), homework)[0]


def ran(cells):
    """The namespace after these cells, in this process."""
    scope = {"__name__": "cells"}
    for source in cells:
        exec(source, scope)
    return scope


# ---------------------------------------------------------------- agreement of values

NUMBERS = st.integers() | st.floats() | st.integers(-(10**400), 10**400)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
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


# ---------------------------------------------------------------- masters


def changed(**cells):
    """The small master with other cells; None leaves one out."""
    made = SMALL | {name.replace("_", "-"): text for name, text in cells.items()}
    return {name: text for name, text in made.items() if text is not None}


def with_probe(text):
    return changed(q2_check=check("pass", text))


GOOD = 'probe("a", summed(DATA), points=3, hint="b")'
FAULTY = {
    "hidden tests that are no Python": (with_probe("probe(" + GOOD), "no Python"),
    "no hidden tests": (changed(q2_check="assert summed([2]) == 4"), "q2-check.*hidden tests"),
    "hidden tests without an end": (changed(q2_check="### BEGIN HIDDEN TESTS\n" + GOOD), "hidden tests"),
    "no probe in hidden tests": (with_probe("x = 1"), "q2-check.*no probe"),
    "a probe without points": (with_probe('probe("a", 2, hint="b")'), "q2-check.*a probe is"),
    "a probe without a hint": (with_probe('probe("a", 2, points=1)'), "a probe is"),
    "a hint that is no text": (with_probe('probe("a", 2, points=1, hint=3)'), "a probe is"),
    "a probe of no points": (with_probe('probe("a", 2, points=0, hint="b")'), "a probe is"),
    "points that are no number": (with_probe('probe("a", 2, points="1", hint="b")'), "a probe is"),
    "points that are computed": (with_probe('probe("a", 2, points=N, hint="b")'), "a probe is"),
    "a computed name": (with_probe('probe(f"{N}", 2, points=1, hint="b")'), "a probe is"),
    "a probe of two values": (with_probe('probe("a", 2, 3, points=1, hint="b")'), "a probe is"),
    "a misspelt tolerance": (with_probe('probe("a", 2, points=1, hint="b", tolerence=1)'), "a probe is"),
    "a tolerance that is no number": (with_probe('probe("a", 2, points=1, hint="b", tolerance="1")'), "a probe is"),
    "a negative tolerance": (with_probe('probe("a", 2, points=1, hint="b", tolerance=-1)'), "a probe is"),
    "unpacked words": (with_probe('probe("a", 2, **{"points": 1, "hint": "b"})'), "a probe is"),
    "a check without its question": (changed(q2_question=None), "q2"),
    "a question without a check": (changed(q2_check=None), "q2"),
    "a question without a title": (changed(q2_question="The sum of squares."), "q2"),
    "no title": (changed(intro_text="Ten points."), "title"),
    "a solution without an end": (changed(q2_solve="def summed(x):\n    ### BEGIN SOLUTION\n    return 1"), "SOLUTION"),
    "nothing to draw from": (changed(constants_given="N = 7  # drawn from 9..2"), "N"),
    "an empty choice": (changed(constants_given="N = 7  # drawn from 9, "), "N"),
    "a choice that is no Python": (changed(constants_given="N = 7  # drawn from 9, 1 0"), "N"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_faulty_master_is_named_in_one_sentence(tmp_path, case):
    cells, pattern = FAULTY[case]
    path = written(tmp_path, cells)
    with pytest.raises(hw.Fault, match=rf"^(?=.*({pattern})){SENTENCE}$") as caught:
        hw.read(path, CLASS)
    assert "01-small" in str(caught.value) or str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [1]}', "not JSON", '{"cells": [{}]}', '{"cells": []}']
)
def test_a_file_that_is_no_master(tmp_path, text):
    (tmp_path / "01-small.ipynb").write_text(text)
    with pytest.raises(hw.Fault, match=rf"^{SENTENCE}$"):
        hw.read(tmp_path / "01-small.ipynb")


@pytest.mark.parametrize("label", ["", "given", 3])
def test_a_cell_without_a_label(tmp_path, label):
    book = notebook(*SMALL.items())
    book.cells[1].metadata = {"nbgrader": {"grade_id": label}} if label else {}
    nbformat.write(book, tmp_path / "01-small.ipynb")
    if label == "given":
        assert hw.read(tmp_path / "01-small.ipynb")[0].given["given"] == "import math"
    else:
        with pytest.raises(hw.Fault, match=rf"^{SENTENCE}$"):
            hw.read(tmp_path / "01-small.ipynb")


def test_a_master_that_fails_its_own_probes_grades_nobody(tmp_path, sandbox_here):
    cells = changed(q2_solve=solution("def summed(x):", "return x.total"))
    homework, text = hw.read(written(tmp_path, cells))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ipynb").write_text(text)
    with pytest.raises(hw.Fault, match=r"^the master's own solution fails: q2, of the data: raised AttributeError$"):
        gr.grade(homework, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_read_of_a_master(small):
    homework, text = small
    assert (
        homework.title == "Homework: Small" and homework.points == 10 and list(homework.questions) == ["q1", "q2", "q3"]
    )
    assert [probe.points for probe in homework.probes] == [3, 1, 3, 2, 1]
    assert list(homework.given) == ["imports-given", "constants-given", "data-given"]
    assert homework.probes[1].expression.startswith("([") and homework.blocks[0][0].endswith("row = [1.5, -2.25, 4.0]")
    made = nbformat.reads(text, as_version=4)
    nbformat.validate(made)
    labels = [cell.metadata.nbgrader.grade_id for cell in made.cells]
    assert labels == [label for label in SMALL if label != "notes-teacher"]
    assert all(raises_not_implemented(cell.source) for cell in made.cells if cell.metadata.nbgrader.solution)
    assert hw.Homework.load(homework.dump()) == homework


def raises_not_implemented(source):
    return "raise NotImplementedError()" in source and "return" not in source


@pytest.mark.parametrize("chapter", ["03", "3", NAME])
def test_a_chapter_has_three_names(chapter):
    assert hw.chapter_file(MASTER.parent, chapter) == MASTER


@pytest.mark.parametrize("chapter", ["", "99", "3.0", "03-inverted", "../03", "²", "-3", "x"])
def test_a_chapter_that_is_not_there(chapter):
    with pytest.raises(hw.Fault, match=rf"^there is no homework for CHAPTER={re.escape(chapter)}; there is .*03.*$"):
        hw.chapter_file(MASTER.parent, chapter)


def test_a_folder_without_chapters(tmp_path):
    with pytest.raises(hw.Fault, match=r"^there is no homework for CHAPTER=3; there is one for: none$"):
        hw.chapter_file(tmp_path, "3")


# ---------------------------------------------------------------- classes

KEYS = st.binary(min_size=1, max_size=40)
NAMES = st.text("abcXYZ0129_-", min_size=1, max_size=12)


@given(KEYS, NAMES, NAMES, st.lists(st.integers(-9, 9) | st.floats(0, 1), min_size=1, max_size=6))
def test_a_drawn_value_is_one_of_the_choices(key, class_, name, choices):
    value = hw.draw(key, class_, "03-x", name, ", ".join(map(str, choices)))
    assert value in map(str, choices)
    assert value == hw.draw(key, class_, "03-x", name, ", ".join(map(str, choices)))


@given(KEYS, NAMES, st.integers(-99, 99), st.integers(0, 99))
def test_a_drawn_whole_number_is_in_its_span(key, class_, low, more):
    assert low <= int(hw.draw(key, class_, "03-x", "N", f"{low}..{low + more}")) <= low + more


def test_classes_keys_chapters_and_names_draw_apart():
    one = ("2027a", "03-x", "SEED")
    others = [("2027b", "03-x", "SEED"), ("2027a", "05-x", "SEED"), ("2027a", "03-x", "SEED_2")]
    drawn = [hw.draw(b"key", *these, "0..999999") for these in [one, *others]] + [hw.draw(b"yek", *one, "0..999999")]
    assert len(set(drawn)) == 5
    counts = collections.Counter(hw.draw(b"key", str(number), "03-x", "P", "1..5") for number in range(2000))
    assert sorted(counts) == list("12345") and min(counts.values()) > 320  # 4 standard deviations below 400


def test_a_class_changes_the_constants_alike_for_students_and_grader(small, tmp_path):
    path = written(tmp_path, SMALL)
    for class_ in ("2027a", "2027b"):
        homework, text = hw.read(path, class_)
        scope = ran(
            ["".join(cell["source"]) for cell in json.loads(text)["cells"] if label_of(cell) == "constants-given"]
        )
        assert scope["P"] in (0.15, 0.2, 0.35, 0.4) and 11 <= scope["N"] <= 90
        assert homework.given["constants-given"] in homework.solution
        assert f"N = {scope['N']} " in homework.given["constants-given"]
        assert json.loads(text)["metadata"]["book"] == {"homework": "01-small", "class": class_}
        assert homework.class_ == class_ and homework.points == 10
    assert hw.read(path) == small  # and the public version stays as the master is


def test_the_key_is_made_once_and_kept_from_others(tmp_path):
    path, private = written(tmp_path, SMALL), tmp_path / "private"
    private.mkdir()
    first = hw.read(path, CLASS, private)
    key = (private / "key").read_bytes()
    assert len(key.strip()) == 64 and (private / "key").stat().st_mode & 0o777 == 0o600
    assert hw.read(path, CLASS, private) == first and (private / "key").read_bytes() == key
    assert key.strip().decode() not in first[1] + first[0].dump()
    (private / "key").write_text("another\n")
    assert hw.read(path, CLASS, private) != first
    with pytest.raises(hw.Fault, match=rf"^HOMEWORK_PRIVATE=\S+ {SENTENCE}$"):
        hw.read(path, CLASS, tmp_path / "nowhere")


EXTRA = """# A teacher's own probes.
# %% q1
long = [2.5] * 40_000
probe("a very long row", sum(scaled(long, P)) * N,
    points=3, tolerance=0.001, hint="And if there are many?")
# %% q3 and one more
probe("of a large number", [named(987_654 + N)[name] for name in ("cube", "square")], points=2, hint="Any size?")
"""


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private")
    (folder / "key").write_text("a key for the tests\n")
    (folder / "01-small.py").write_text(EXTRA)
    return folder


def test_private_probes_add_points_and_say_so(small, private, tmp_path):
    homework, text = hw.read(written(tmp_path, SMALL), CLASS, private)
    assert homework.points == small[0].points + 5
    assert [(probe.question, probe.points) for probe in homework.probes[5:]] == [("q1", 3), ("q3", 2)]
    assert list(homework.questions.values()) == [
        "1 · Scaled (7 points)",
        "2 · Summed (3 points)",
        "3 · Named (5 points)",
    ]
    sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    assert sources[0] == "# Homework: Small\n\n30 minutes, 15 points."
    assert all(any(f"## {title}\n" in source for source in sources) for title in homework.questions.values())
    about = [cell["metadata"]["nbgrader"] for cell in json.loads(text)["cells"]]
    points = {info["grade_id"]: info["points"] for info in about if info["grade"]}
    assert points == {"q1-check": 7, "q2-check": 3, "q3-check": 5}
    for secret in ("very long", "40_000", "large number", "987_654", "And if there", "Any size"):
        assert secret not in text


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("# %% q9\n" + GOOD, "q9.*no such question.*q1, q2"),
        ("# %% q1\nprobe(", "q1.*no Python"),
        ("# %% q1\nx = 2\n", "q1.*no probe"),
        (GOOD, "%% q1|before"),  # probes that belong to no question
    ],
)
def test_faulty_private_probes(tmp_path, text, pattern):
    path = written(tmp_path, SMALL)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "01-small.py").write_text(text)
    with pytest.raises(hw.Fault, match=rf"^(?=.*01-small\.py)(?=.*({pattern})){SENTENCE}$"):
        hw.read(path, "", tmp_path / "private")


LITERAL = """
_{name} = iter({said})
def {name}(*_, **__):
    value = next(_{name})
    if isinstance(value, type):
        raise value()
    return value
"""


def spelt(value):
    """A value as Python source."""
    if hasattr(value, "tolist"):
        return f"np.array({value.tolist()})" if getattr(value, "shape", ()) else repr(value.item())
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {spelt(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(spelt, value))}]"
    return repr(value)


def by_heart(homework):
    """{grade_id: source}: answers that repeat what the solution gives to this homework's probes, in their order.

    Functions that give much are left as they are.
    """
    scope, said, depth = ran(homework.solution), {}, [0]
    cells = {source: [*re.findall(r"^def (\w+)", source, re.M)] for source in homework.solution}
    own = [name for source, names in cells.items() if "BEGIN SOLUTION" in source for name in names]

    def noted(name, right):
        said[name] = []

        def f(*arguments, **words):
            depth[0] += 1
            try:
                value = right(*arguments, **words)
            except Exception as error:
                if depth[0] == 1:
                    said[name].append(type(error).__name__)
                raise
            else:
                if depth[0] == 1:  # and not a call from another answer
                    said[name].append(spelt(value))
                return value
            finally:
                depth[0] -= 1

        return f

    scope |= {name: noted(name, scope[name]) for name in own}
    for setup, first, end in homework.blocks:
        here = dict(scope)
        exec(setup, here)
        for probe in homework.probes[first:end]:
            eval(probe.expression, here)
    learned = {}
    for source, names in cells.items():
        text = "".join(LITERAL.format(name=name, said=f"[{', '.join(said[name])}]") for name in names if name in own)
        learned[source] = text if text and len(text) < 20_000 else source
    return learned


def judged(homework, cells):
    """{(question, probe): passed} of these cells."""
    entries = judge.entries(homework, gr.expected(homework), sandbox.run(homework.job(cells)))
    return {(entry["question"], entry["name"]): entry["passed"] for entry in entries}


@pytest.mark.parametrize("which", ["small", NAME])
def test_literal_answers_fail_in_another_class_and_general_code_passes(which, private, tmp_path, sandbox_here):
    path = MASTER if which == NAME else written(tmp_path, SMALL)
    public, text = hw.read(path)
    other, other_text = hw.read(path, CLASS, private)
    learned, solutions = by_heart(public), master_cells(path)
    replaced = [label for label, source in solutions.items() if learned.get(source, source) != source]
    assert len(replaced) >= 3
    student = handed_in(text, {label: learned.get(source, source) for label, source in solutions.items()})

    then, now = judged(public, sources(student, public)), judged(other, sources(student, other))
    assert all(then.values())  # last year it was all right
    assert then.keys() <= now.keys() and len(now) == len(then) + 2 * (which == "small")
    lost = {question for (question, _), passed in now.items() if not passed}
    assert lost == {label.removesuffix("-solve") for label in replaced}  # nothing learned by heart is full marks
    assert not any(passed for probe, passed in now.items() if probe not in then and probe[0] in lost)

    general = handed_in(text, solutions)  # the public version with its solutions, handed in to this class
    assert all(judged(other, sources(general, other)).values())
    assert hw.submitted(data(general), other)[2].startswith("this is another class's version")
    assert hw.submitted(data(handed_in(other_text, solutions)), other)[2] == ""


# ---------------------------------------------------------------- what a submission holds


@pytest.fixture
def right(small):
    """A right submission of the small homework, as a dict."""
    return handed_in(small[1], SMALL)


def without(book, *labels):
    return book | {"cells": [cell for cell in book["cells"] if label_of(cell) not in labels]}


def stripped(book):
    """Without any metadata and ids, as some tools leave it."""
    cells = [{k: v for k, v in cell.items() if k != "id"} | {"metadata": {}} for cell in book["cells"]]
    return book | {"cells": cells, "metadata": {}, "nbformat_minor": 4}


def test_all_code_cells_run_in_order_but_checks(small, right):
    cells, names, remark = hw.submitted(data(right), small[0])
    assert cells == small[0].solution and remark == ""
    assert names == [f"code cell {n}" for n in (1, 2, 3, 5, 6, 8)]


def test_stubs_do_not_run(small):
    assert sources(json.loads(small[1]), small[0]) == list(small[0].given.values())
    assert sources(stripped(json.loads(small[1])), small[0]) == list(small[0].given.values())


def test_stripped_metadata_and_ids_are_no_loss(small, right):
    assert hw.submitted(data(stripped(right)), small[0])[::2] == (small[0].solution, "")


def test_source_as_a_list_of_lines(small, right):
    lines = [cell | {"source": cell["source"].splitlines(keepends=True)} for cell in right["cells"]]
    assert sources(right | {"cells": lines}, small[0]) == small[0].solution


@pytest.mark.parametrize("label", ["imports-given", "constants-given", "data-given", "all"])
@pytest.mark.parametrize("strip", [False, True])
def test_given_cells_that_were_deleted_come_back_in_order(small, right, label, strip):
    given_ = list(small[0].given.values())
    book = without(right, *(small[0].given if label == "all" else [label]))
    cells, names, _ = hw.submitted(data(stripped(book) if strip else book), small[0])
    assert [source for source in cells if source in given_] == given_
    assert [s for s in cells if s not in given_] == [s for s in small[0].solution if s not in given_]
    assert names.count("a given cell") == (3 if label == "all" else 1)
    assert ran(cells)["DATA"][0] == math.sqrt(7)


@pytest.mark.parametrize("place", ["in it", "in a copy of it", "in a copy above it"])
def test_given_cells_that_were_changed_are_restored_and_what_was_added_runs(small, right, place):
    cells = []
    for cell in right["cells"]:
        if label_of(cell) != "constants-given":
            cells.append(cell)
            continue
        mine = cell | {"source": "import statistics\nP = 0.5\nN = 1"}
        cells += {"in it": [mine], "in a copy of it": [cell, mine], "in a copy above it": [mine, cell]}[place]
    scope = ran(sources(right | {"cells": cells}, small[0]))
    assert "statistics" in scope and scope["DATA"]
    assert place == "in a copy of it" or (scope["P"], scope["N"]) == (0.3, 7)


def test_hidden_tests_go_by_the_constants_as_given(small, sandbox_here):
    """A student may use the names for something else: `for N in range(3)` in a cell of one's own."""
    homework, text = small
    book = handed_in(text, SMALL)
    book["cells"].append(code("P = 0.9\nfor N in range(3):\n    pass"))
    wanted = gr.expected(homework)
    values = sandbox.run(homework.job(sources(book, homework)))["values"]
    assert [values[number] for number in (0, 1, 3, 4)] == [wanted[number] for number in (0, 1, 3, 4)]


def test_duplicated_cells(small, right):
    """Given cells run once, a student's as often as they are there: the last one counts."""
    book = right | {"cells": [cell for cell in right["cells"] for _ in range(2)]}
    given_, own = list(small[0].given.values()), [s for s in small[0].solution if s not in small[0].given.values()]
    assert collections.Counter(sources(book, small[0])) == collections.Counter(given_ + own + own)
    wrong = handed_in(small[1], SMALL, [], q2="def summed(x):\n    return 0")
    twice = sources(wrong | {"cells": wrong["cells"] + right["cells"]}, small[0])
    assert ran(twice)["summed"]([3]) == 9
    back = sources(wrong | {"cells": right["cells"] + wrong["cells"]}, small[0])
    assert ran(back)["summed"]([3]) == 0 and ran(back)["named"](2)["cube"] == 8  # stubs below do not undo an answer


def test_cells_of_ones_own_and_answers_elsewhere(small, right):
    wanted = {"q2-solve": next(c["source"] for c in right["cells"] if label_of(c) == "q2-solve")}
    book = without(right, "q2-solve")
    book["cells"] += [code("half = 0.5"), code(wanted["q2-solve"])]
    cells, names, remark = hw.submitted(data(book), small[0])
    assert cells[-2:] == ["half = 0.5", wanted["q2-solve"]] and ran(cells)["summed"]([3]) == 9
    assert remark == "" and names[-1] == "code cell 10"


def test_a_notebook_of_ones_own(small):
    cells, _, remark = hw.submitted(
        data({"cells": [code("def scaled(x, p):\n    return [v / (1 - p) for v in x]")]}), small[0]
    )
    assert cells[:-1] == list(small[0].given.values()) and "no cell of this homework was recognised" in remark


NO_NOTEBOOK = "the file is no notebook, or only a part of one"
BROKEN = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "text": ("Dear Sir, §".encode(), NO_NOTEBOOK),
    "picture": (bytes(range(256)) * 20, NO_NOTEBOOK),
    "zip": (b"PK\x03\x04" + bytes(500), NO_NOTEBOOK),
    "UTF-16": ('{"cells": []}'.encode("utf-16"), NO_NOTEBOOK),
    "a list": (b"[1, 2]", NO_NOTEBOOK),
    "a number": (b"3", NO_NOTEBOOK),
    "null": (b"null", NO_NOTEBOOK),
    "an old format": (b'{"worksheets": [{"cells": []}], "nbformat": 3}', NO_NOTEBOOK),
    "cells that are none": (b'{"cells": [1, "a", null]}', NO_NOTEBOOK),
    "cells that are a word": (b'{"cells": "abc"}', NO_NOTEBOOK),
    "cells: null": (b'{"cells": null}', NO_NOTEBOOK),
    "source: null": (b'{"cells": [{"cell_type": "code", "source": null}]}', NO_NOTEBOOK),
    "source of numbers": (b'{"cells": [{"cell_type": "code", "source": [1]}]}', NO_NOTEBOOK),
    "deep": (b'{"cells": ' + b"[" * 100_000, NO_NOTEBOOK),
    "a long number": (b'{"cells": [], "a": ' + b"9" * 10_000 + b"}", NO_NOTEBOOK),
    "too many cells": (
        data({"cells": [code("1")] * (hw.MANY + 1)}),
        f"the notebook has more than {hw.MANY} code cells",
    ),
    "another chapter": (
        data({"cells": [], "metadata": {"book": {"homework": "04-x"}}}),
        "this is the homework of another chapter",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_graded(small, case):
    with pytest.raises(hw.Fault) as caught:
        hw.submitted(BROKEN[case][0], small[0])
    assert str(caught.value) == BROKEN[case][1]


@pytest.mark.parametrize("size", range(0, 2001, 250))
def test_a_truncated_file_is_never_taken_for_a_whole_one(small, right, size):
    whole = data(right)
    with pytest.raises(hw.Fault):
        hw.submitted(whole[: len(whole) * size // 2001], small[0])


@given(VALUES)
def test_no_json_surprises_the_reader(small, value):
    about = {"book": {"homework": value, "class": value}}
    for book in (
        value,
        {"cells": value},
        {"cells": [value]},
        {"cells": [{"cell_type": "code", "source": value}]},
        {"cells": [code("1") | {"metadata": value}], "metadata": value},
        {"cells": [code("1", nbgrader={"grade_id": value})], "metadata": about},
    ):
        with contextlib.suppress(hw.Fault):
            cells, names, _ = hw.submitted(json.dumps(book).encode(), small[0])
            assert all(isinstance(source, str) for source in cells) and len(cells) == len(names)


# ---------------------------------------------------------------- the folder of submissions


def found(folder):
    return {(one.student, one.file): one for one in gr.found(folder, NAME)}


def test_flat_files_and_folders_of_students(tmp_path):
    files = f"""ann.ipynb, bo/x.ipynb, cy/{NAME}.ipynb, cy/notes.ipynb, di/deep/er/y.ipynb, di/notes.txt, ed/a.ipynb,
        ed/b.ipynb, flo/readme.txt, gus/.ipynb_checkpoints/x.ipynb, gus/x.ipynb, hal/__MACOSX/._x.ipynb, hal/x.ipynb,
        notes.txt, .hidden, .git/x.ipynb, Zoë Ü.ipynb"""
    for file in re.split(r",\s+", files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "ivy").symlink_to(tmp_path / "ann.ipynb")
    (tmp_path / "jo").mkdir()
    (tmp_path / "jo" / "x.ipynb").symlink_to(tmp_path / "ann.ipynb")
    (tmp_path / "kim.ipynb").mkdir()
    os.mkfifo(tmp_path / "leo.ipynb")
    needed = f"the folder holds {{}} notebooks, and one is needed, named {NAME}.ipynb"
    wanted = {
        ("ann", "ann.ipynb"): "",
        ("bo", "bo/x.ipynb"): "",
        ("cy", f"cy/{NAME}.ipynb"): "",
        ("di", "di/deep/er/y.ipynb"): "",
        ("ed", "ed"): needed.format(2),
        ("flo", "flo"): needed.format(0),
        ("gus", "gus/x.ipynb"): "",
        ("hal", "hal/x.ipynb"): "",
        ("notes.txt", "notes.txt"): "",
        ("Zoë Ü", "Zoë Ü.ipynb"): "",
        ("ivy", "ivy"): "a link, which is not followed",
        ("kim", "kim.ipynb"): needed.format(0),
        ("leo", "leo.ipynb"): "no file",
    }
    got = {key: one.fault for key, one in found(tmp_path).items()}
    assert got.pop(("jo", "jo"))
    assert got == wanted
    assert all((one.path is None) == bool(one.fault) for one in found(tmp_path).values())


def test_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(hw.Fault, match=rf"^SUBMISSIONS={path} is no folder$"):
            gr.found(path, NAME)


@given(st.lists(st.text(min_size=1, max_size=80) | st.text("aA b.-", min_size=1, max_size=3), max_size=20))
@example(["a b", "a b"])  # a folder and a file
@example(["A", "a", "a"])
@example(["a-b-" + gr.slug("a.b", set())[-8:], "a.b"])
def test_two_students_never_share_a_name(students):
    taken = set()
    slugs = [gr.slug(student, taken) for student in students]
    assert len({slug.lower() for slug in slugs}) == len(students)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", slug) and not slug.startswith("-") for slug in slugs)


def test_a_folder_and_a_file_of_one_name_are_two_submissions(tmp_path, small, sandbox_here):
    homework, text = small
    (tmp_path / "in" / "Ann Lee").mkdir(parents=True)
    (tmp_path / "in" / "Ann Lee" / "x.ipynb").write_text(json.dumps(handed_in(text, SMALL, ["q1"])))
    (tmp_path / "in" / "Ann Lee.ipynb").write_text(json.dumps(handed_in(text, SMALL)))
    results, _ = gr.grade(homework, tmp_path / "in", tmp_path / "out")
    assert {result["extra_data"]["file"]: result["score"] for result in results} == {
        "Ann Lee/x.ipynb": 4,
        "Ann Lee.ipynb": 10,
    }
    assert len([*(tmp_path / "out" / "results").iterdir()]) == 2


# ---------------------------------------------------------------- all accidents, in one run


def spoiled(**other):
    return handed_in(read(NAME)[1], master_cells(MASTER), None, **other)


def added(*cells, first=False):
    book, more = spoiled(), [code(source) for source in cells]
    book["cells"] = more + book["cells"] if first else book["cells"] + more
    return book


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

    cell, unmade = r"code cell \d+: ", "raised N(otImplementedError|ameError)|gives another value"
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
        "q2-missing": (without(full, "q2-solve"), but("q2"), "", "raised NameError"),
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
            "raised NameError",
        ),
        "indentation": (
            spoiled(q2="x = 1\n  y = 2"),
            but("q2"),
            cell + "IndentationError in line 2",
            "raised NameError",
        ),
        "null-byte": (spoiled(q2="x = 1\0"), but("q2"), cell + r"\w+Error( in line 1)?", "raised NameError"),
        "lone-surrogate": (spoiled(q2="x = '\ud800'"), but("q2"), "", "raised NameError"),
        "tabs": fine(spoiled(q4=q4.replace("    ", "\t"))),
        "crlf": fine(spoiled(q4=q4.replace("\n", "\r\n"))),
        "bom": fine(b"\xef\xbb\xbf" + data(full)),
        "wrong": q4_is("return {}", "raised KeyError"),
        "none": q4_is("pass", "raised TypeError"),
        "another-value": q4_is(all_of + "-1.5)", "gives another value"),
        "another-type": q4_is(all_of + "object)", "raised TypeError"),
        "loop": q4_is("while True:\n        pass", f"stopped: {LATE}"),
        "waits": q4_is("while True:\n        time.sleep(1)", f"stopped: {LATE}", "import time\n"),
        "loop-in-cell": (spoiled(q4="while True:\n    pass\n" + q4), but("q4"), cell + LATE, "raised NameError"),
        "os-exit": q4_is("os._exit(0)", "stopped: it ended the program", "import os\n"),
        "os-exit-in-cell": fine(added("import os\nos._exit(0)"), cell + "it ended the program"),
        "os-exit-first": fine(added("import os\nos._exit(1)", first=True), cell + "it ended the program"),
        "crash": q4_is("ctypes.string_at(0)", "stopped: it ended the program", "import ctypes\n"),
        "sys-exit": fine(
            added("import sys\nsys.exit()", "quit()"), f"{cell}SystemExit in line 2\n{cell}SystemExit in line 1"
        ),
        "flood": fine(
            added("import os\nprint('x' * 10**8)\nos.system('yes | head -c 40000000; yes | head -c 40000000 >&2')")
        ),
        "flood-in-question": q4_is("while True:\n        print('x' * 10**5)", f"stopped: {LATE}"),
        "long-value": q4_is(all_of + "'x' * 10**7)", "raised ValueError"),
        "recursion": q4_is("return to_inverted(recipe, p)", "raised RecursionError"),
        "endless-value": q4_is("r = []\n    r.append(r)\n    " + all_of + "r)", "raised RecursionError"),
        "memory": q4_is("return np.ones(10**12)", "raised MemoryError"),
        "hoards": fine(
            added("hoard = []\nwhile True:\n    hoard.append(np.ones(10**7))"),
            cell + f"(it used more than 800 MB of memory|{LATE})",
        ),
        "exceptions": q4_is(
            "raise Mine(42.4242)", "raised ArithmeticError", "class Mine(ArithmeticError):\n    pass\n"
        ),
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


class Run:
    """A folder of submissions, graded."""

    def __init__(self, folder):
        self.homework, self.wanted = read(NAME)[0], solved(NAME)["values"]
        self.submissions, self.out = folder / "in", folder / "out"
        self.submissions.mkdir()
        for name, (content, *_) in ACCIDENTS.items():
            (self.submissions / f"{name}.ipynb").write_bytes(content)
        nested = self.submissions / "in a folder" / "of mine"
        nested.mkdir(parents=True)
        (nested / "homework (1).ipynb").write_bytes(ACCIDENTS["right"][0])
        (self.submissions / "empty folder").mkdir()
        began = time.monotonic()
        self.results, self.failed = gr.grade(self.homework, self.submissions, self.out)
        self.seconds = time.monotonic() - began
        self.of = {result["extra_data"]["student"]: result for result in self.results}

    def file(self, student, folder="results", suffix="json"):
        return self.out / folder / f"{self.of[student]['slug']}.{suffix}"

    def pages(self):
        return sorted((self.out / "feedback").iterdir())


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    can_sandbox()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setitem(sandbox.LIMITS, name, value)
        before = psutil.Process().children(recursive=True)
        run = Run(tmp_path_factory.mktemp("accidents"))
        assert psutil.Process().children(recursive=True) == before  # no sandbox outlives its submission
        yield run


@pytest.mark.parametrize("name", ACCIDENTS)
def test_an_accident_costs_its_own_question_only(graded, name):
    _, right, remark, why = ACCIDENTS[name]
    result = graded.of[name]
    for test, probe in zip(result["tests"], graded.homework.probes, strict=True):
        passed = probe.question in right
        # A wrong answer may still be right in one thing, but what is right is right in all.
        assert test["status"] == ("passed" if passed else "failed"), f"{probe.question}, {probe.name}: {test['output']}"
        assert passed or re.fullmatch(rf"({why})\. {re.escape(probe.hint)}", test["output"]), test["output"]
    assert result["score"] == sum(probe.points for probe in graded.homework.probes if probe.question in right)
    assert re.fullmatch(remark, result["output"]), result["output"]


def test_everybody_has_one_result(graded):
    assert graded.failed == 0
    assert sorted(graded.of) == sorted([*ACCIDENTS, "in a folder", "empty folder"])
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
    rows = list(csv.DictReader(io.StringIO((graded.out / "grades.csv").read_text("utf-8"))))
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
    rows = list(csv.DictReader(io.StringIO((graded.out / "grades.csv").read_text("utf-8"))))
    scores = sorted(float(row["score"]) for row in rows)
    text = (graded.out / "class.html").read_text("utf-8")
    assert markup_faults(text) == []
    words = shown(text)

    facts = recomputed(scores)
    for name, value in facts.items():
        shown_value = float(re.search(rf"\b{name} ([\d.]+)", words)[1])
        assert shown_value == pytest.approx(value, rel=6e-3), name
    told = list(csv.DictReader(io.StringIO((graded.out / "statistics.csv").read_text("utf-8"))))
    assert [row["of"] for row in told] == ["score", *graded.homework.questions]
    for row in told:
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


# ---------------------------------------------------------------- stopped runs

CALLS = []


def counting(job):
    CALLS.append(job)
    return REAL(job)


def failing(job):
    raise AssertionError("graded again")


REAL = sandbox.run


@pytest.fixture
def calls(monkeypatch):
    """The jobs that went to the sandbox, the master's included."""
    CALLS.clear()
    monkeypatch.setattr(sandbox, "run", counting)
    return CALLS


def tree(folder):
    """{path: bytes} of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def some(tmp_path, small, sandbox_here):
    """A folder of eight submissions to the small homework, two of which cannot be graded."""
    homework, text = small
    (tmp_path / "in").mkdir()
    for number in range(6):
        book = handed_in(text, SMALL, [["q1"], ["q2"], ["q1", "q3"]][number % 3])
        (tmp_path / "in" / f"s{number}.ipynb").write_bytes(data(book))
    (tmp_path / "in" / "t.ipynb").write_bytes(b"")
    (tmp_path / "in" / "u.txt").write_bytes(b"hello")
    return homework, tmp_path / "in", tmp_path / "out"


SCORES = [4, 3, 7, 4, 3, 7, 0, 0]


def test_a_second_run_grades_nothing_and_changes_nothing(some, monkeypatch):
    results, _ = gr.grade(*some)
    before = tree(some[2])
    assert [result["score"] for result in results] == SCORES
    monkeypatch.setattr(sandbox, "run", failing)
    again, failed = gr.grade(*some)
    assert again == results and failed == 0 and tree(some[2]) == before


def test_only_a_changed_submission_is_graded_again(some, small, calls):
    gr.grade(*some)
    before = tree(some[2])
    assert len(calls) == 1 + 6
    calls.clear()
    (some[1] / "s1.ipynb").write_bytes(data(handed_in(small[1], SMALL)))
    (some[1] / "t.ipynb").write_bytes(data(handed_in(small[1], SMALL, ["q3"])))
    results, _ = gr.grade(*some)
    assert len(calls) == 1 + 2
    assert [result["score"] for result in results] == [4, 10, 7, 4, 3, 7, 3, 0]
    after = tree(some[2])
    moved = {path for path in after if after[path] != before.get(path)}
    assert moved == {"grades.csv", "probes.csv", "statistics.csv", "class.html"} | {
        f"{folder}.{suffix}"
        for name in ("s1", "t")
        for folder, suffix in ((f"results/{name}", "json"), (f"feedback/{name}", "html"))
    }


def test_a_spoiled_result_is_made_anew(some, calls):
    gr.grade(*some)
    before = tree(some[2])
    calls.clear()
    (some[2] / "results" / "s0.json").write_bytes(before["results/s0.json"][:100])
    (some[2] / "results" / "s1.json").write_bytes(b"")
    (some[2] / "results" / "s2.json").unlink()
    (some[2] / "results" / "s3.json").write_text("[]")
    (some[2] / "feedback" / "s4.html").unlink()
    gr.grade(*some)
    assert len(calls) == 1 + 4 and tree(some[2]) == before


def test_another_class_or_other_probes_are_another_result(some, tmp_path, calls):
    gr.grade(*some)
    calls.clear()
    path = written(tmp_path, SMALL)
    results, _ = gr.grade(hw.read(path, CLASS)[0], *some[1:])
    assert len(calls) == 1 + 6 and all(result["extra_data"].get("class", CLASS) == CLASS for result in results)
    calls.clear()
    gr.grade(
        hw.read(written(tmp_path, SMALL | {"q3-check": SMALL["q3-check"].replace("-N - 2", "-N - 3")}))[0], *some[1:]
    )
    assert len(calls) == 1 + 6


@pytest.mark.parametrize("kept", [1, 3])
def test_an_interrupted_run_loses_nothing(some, calls, kept):
    def bar(total, done):
        assert total == 6
        for number, one in enumerate(done):
            if number == kept:
                raise KeyboardInterrupt
            yield one

    with pytest.raises(KeyboardInterrupt):
        gr.grade(*some, bar=bar)
    before = tree(some[2])
    finished = [path for path in before if path.startswith("results/s")]
    assert len(finished) == kept and "grades.csv" not in before
    calls.clear()
    results, _ = gr.grade(*some)
    assert len(calls) == 1 + 6 - kept
    assert [result["score"] for result in results] == SCORES
    after = tree(some[2])
    assert all(after[path] == before[path] for path in finished)


def test_what_no_worker_could_finish_is_counted_and_tried_again(some, calls, monkeypatch):
    monkeypatch.setattr(sandbox, "run", stumbling)
    results, failed = gr.grade(*some)
    assert failed == 2 and len(results) == 6 and "s0" not in {result["slug"] for result in results}
    monkeypatch.setattr(sandbox, "run", counting)
    calls.clear()
    results, failed = gr.grade(*some)
    assert failed == 0 and len(calls) == 1 + 2 and [result["score"] for result in results] == SCORES


def stumbling(job):
    """Fails for s0 and s3, the two with the first question alone, and not for the master."""
    solved = [source.startswith("def") for source in job["cells"]]
    if sum(solved) == 1 and "scaled" in job["cells"][solved.index(True)]:
        raise OSError("no more processes")
    return REAL(job)


@pytest.fixture
def slow_class(tmp_path, sandbox_here):
    """Twelve submissions that take half a second each."""
    (tmp_path / "in").mkdir()
    for number in range(12):
        book = added(f"import time\ntime.sleep(0.4)\nme = {number}")
        (tmp_path / "in" / f"s{number:02}.ipynb").write_bytes(data(book))
    return tmp_path / "in", tmp_path / "out"


def started(submissions, out):
    """The command in a process of its own, and all processes below it once `n` results are there."""
    command = [
        sys.executable,
        "-m",
        "grading",
        "grade",
        "--chapter",
        "3",
        "--submissions",
        str(submissions),
        "--out",
        str(out),
    ]
    return subprocess.Popen(command, cwd=build.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def results_after(process, out, number, seconds=40):
    """{file: bytes} of the results once there are `number`, and all processes seen below it."""
    below, until = set(), time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        below |= {*psutil.Process(process.pid).children(recursive=True)}
        if len([*(out / "results").glob("*.json")]) >= number:
            return below
        time.sleep(0.02)
    pytest.fail(f"no {number} results in {seconds} s: {process.communicate()[1][-300:]}")


def test_stopped_twice_and_taken_up_again(slow_class, calls):
    submissions, out = slow_class
    process = started(submissions, out)
    below = results_after(process, out, 3)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1 and time.monotonic() - asked < 10, told
    assert told.strip().split("\n")[-1].startswith("dropout-book: stopped; ") and "Traceback" not in told
    assert "/12" in told and "submission" in told  # the progress bar
    assert psutil.wait_procs(below, 5)[1] == []
    kept = tree(out / "results")
    assert 3 <= len(kept) < 12

    process = started(submissions, out)
    below = results_after(process, out, len(kept) + 2)
    process.kill()
    process.communicate(timeout=30)
    assert psutil.wait_procs(below, 5)[1] == []  # the sandboxes end with the grader
    after = tree(out / "results")
    whole = {path: text for path, text in after.items() if path.endswith(".json")}
    assert whole.items() >= kept.items() and len(kept) + 2 <= len(whole) < 12
    assert all(json.loads(text)["score"] == read(NAME)[0].points for text in whole.values())

    results, failed = gr.grade(read(NAME)[0], submissions, out)
    assert failed == 0 and len(results) == 12 and len(calls) == 1 + 12 - len(whole)
    assert tree(out / "results").items() >= whole.items() and not [*out.rglob("*.part")]
    assert {result["score"] for result in results} == {read(NAME)[0].points}


def test_a_sandbox_ends_with_its_grader(sandbox_here):
    """Also one that neither reads nor writes, and so would not notice."""
    job = {"cells": ["import time\ntime.sleep(60)"], "blocks": [["", [[0, "1"]]]]}
    grader = subprocess.Popen(
        [sys.executable, "-c", f"from grading import sandbox\nsandbox.run({job})"], cwd=build.ROOT
    )
    until = time.monotonic() + 20
    while len(below := psutil.Process(grader.pid).children(recursive=True)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)  # the cell runs by now
    below = psutil.Process(grader.pid).children(recursive=True)
    grader.kill()
    grader.wait()
    left = psutil.wait_procs(below, 5)[1]
    for process in left:
        process.kill()
    assert below and left == []


# ---------------------------------------------------------------- the command, and where there is no sandbox


def command(monkeypatch, *words, **environment):
    """Run python -m grading here; returns what it exits with."""
    for name in ("CHAPTER", "CLASS", "HOMEWORK_PRIVATE", "SUBMISSIONS", "OUT", "SCHEDULER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["grading", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("grading", run_name="__main__")
    return caught.value.code


def test_wrong_words_on_the_command_line(monkeypatch, tmp_path, sandbox_here):
    """One sentence, which sys.exit writes to standard error with exit status 1; nothing is written."""
    here, out = tmp_path / "in", tmp_path / "out"
    here.mkdir()
    file = tmp_path / "file"
    file.touch()
    full = tmp_path / "full"
    full.mkdir()
    (full / "a.ipynb").write_bytes(b"")
    there = ", ".join(name[:2] for name in MASTERS)
    inside = "OUT lies inside SUBMISSIONS; name a folder outside it"
    wrong = [
        ({"CHAPTER": "99"}, f"there is no homework for CHAPTER=99; there is one for: {there}"),
        ({"CHAPTER": "²"}, f"there is no homework for CHAPTER=²; there is one for: {there}"),
        ({"CHAPTER": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({"SUBMISSIONS": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({"OUT": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({}, f"SUBMISSIONS={here} holds no submission"),
        ({"SUBMISSIONS": tmp_path / "none"}, f"SUBMISSIONS={tmp_path / 'none'} is no folder"),
        ({"SUBMISSIONS": file}, f"SUBMISSIONS={file} is no folder"),
        ({"SUBMISSIONS": full, "OUT": full / "out"}, inside),
        ({"SUBMISSIONS": full, "OUT": full}, inside),
        ({"SUBMISSIONS": full, "OUT": full / ".." / "full" / "a"}, inside),
        ({"SUBMISSIONS": full, "OUT": file}, rf"[^\n]*{file}[^\n]*"),
        ({"CLASS": "a/b"}, "CLASS=a/b: use letters, digits, - and _"),
        ({"CLASS": "../x"}, r"CLASS=\.\./x: use letters, digits, - and _"),
        ({"CLASS": "a b"}, "CLASS=a b: use letters, digits, - and _"),
        ({"CLASS": "-"}, "CLASS=-: use letters, digits, - and _"),
        ({"CLASS": "a", "HOMEWORK_PRIVATE": tmp_path / "none"}, rf"HOMEWORK_PRIVATE={tmp_path / 'none'} is no folder"),
    ]
    for words, sentence in wrong:
        said = command(monkeypatch, "grade", **{"CHAPTER": "03", "SUBMISSIONS": here, "OUT": out} | words)
        assert re.fullmatch(f"dropout-book: {sentence}", said), said
        assert not out.exists() and not (full / "out").exists()


def test_the_command_as_make_gives_it(tmp_path):
    """Exit status, standard error without a traceback."""
    environment = os.environ | {"CHAPTER": "99", "SUBMISSIONS": str(tmp_path), "OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "-m", "grading", "grade"], cwd=build.ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch("dropout-book: there is no homework for CHAPTER=99; [^\n]*\n", done.stderr)


BWRAPS = {
    "missing": (None, r"{}"),
    "old": ('echo "bubblewrap 0.6.2"', "grading needs bubblewrap 0.7 or newer, and this is bubblewrap 0.6.2"),
    "strange": ("echo hello", f"grading needs bubblewrap 0.7 or newer, {SENTENCE}"),
    "refused": (
        '[ "$1" = --version ] && echo "bubblewrap 0.8.0" && exit\n'
        'echo "first line" >&2; echo "bwrap: No permissions to create new namespace" >&2; exit 1',
        r"bubblewrap cannot make a sandbox here \(bwrap: No permissions to create new namespace\), so nothing .*",
    ),
    "silent": (
        '[ "$1" = --version ] && echo "bubblewrap 0.8.0"; exit 0',
        r"bubblewrap cannot make a sandbox here \(no reason given\), so nothing was graded",
    ),
}


@pytest.mark.parametrize("case", BWRAPS)
def test_without_a_sandbox_nothing_runs(some, monkeypatch, tmp_path, case):
    script, sentence = BWRAPS[case]
    folder = tmp_path / "bin"
    folder.mkdir()
    if script:
        (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bwrap").chmod(0o755)
    else:
        sentence = "grading runs students' code in a sandbox, which needs bubblewrap: .*apt install bubblewrap.*"
    monkeypatch.setenv("PATH", str(folder))
    sandbox._command.cache_clear()
    try:
        with pytest.raises(sandbox.NoSandbox, match=f"^{sentence}$"):
            gr.grade(*some)
        with pytest.raises(sandbox.NoSandbox, match=f"^{sentence}$"):
            sandbox.run({"cells": ["open('/tmp/ran', 'w')"], "blocks": [["", [[0, "1"]]]]})
        said = command(monkeypatch, "grade", CHAPTER="03", SUBMISSIONS=some[1], OUT=some[2])
        assert re.fullmatch(f"dropout-book: {sentence}", said)
    finally:
        sandbox._command.cache_clear()
    assert not some[2].exists()


def test_on_other_systems_it_says_where_to_grade(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    sandbox._command.cache_clear()
    try:
        with pytest.raises(
            sandbox.NoSandbox, match=rf"^{SENTENCE}on macOS and Windows, grade in a Linux virtual machine$"
        ):
            sandbox.check()
    finally:
        monkeypatch.undo()
        sandbox._command.cache_clear()


HANGS = {"sleeps": "import time\ntime.sleep(100)", "works": "while True:\n    pass"}


@pytest.mark.parametrize("where", ["probes", "setup"])
@pytest.mark.parametrize("how", HANGS)
def test_a_question_that_hangs_leaves_time_for_the_others(sandbox_here, how, where):
    """With the limits in the proportion that they have, and as many probes as a question may have."""
    counts = [collections.Counter(probe.question for probe in read(name)[0].probes) for name in MASTERS]
    most = max(count for one in counts for count in one.values())
    cells = ["def f():\n    " + HANGS[how].replace("\n", "\n    "), "def g():\n    return 7"]
    setup, probe = ("f()", "1") if where == "setup" else ("", "f()")
    blocks = [[setup, [[number, probe] for number in range(most)]], ["", [[most, "g()"]]]]
    parts = {name: sandbox.LIMITS[name] / 8 for name in ("step", "wait", "whole")}
    run = sandbox.run({"cells": cells, "blocks": blocks}, sandbox.LIMITS | parts)
    assert run["values"] == {most: 7} and sorted(run["stopped"]) == list(range(most))
    assert all("longer than" in why for why in run["stopped"].values())


def test_a_probe_that_hangs_leaves_those_of_its_question(sandbox_here):
    cells = ["def f(n):\n    while n == 1:\n        pass\n    return n"]
    blocks = [["", [[number, f"f({number})"] for number in range(4)]]]
    run = sandbox.run({"cells": cells, "blocks": blocks}, sandbox.LIMITS | {"step": 0.4, "wait": 2})
    assert run["values"] == {0: 0, 2: 2, 3: 3} and list(run["stopped"]) == [1]

"""The quality of the homework: every right answer passes all probes of its question, every wrong one fails one.

`make answers` runs it: some hundred submissions, each in its sandbox.
"""

import json
from collections import Counter

import pytest
from homeworks import CLASS, MASTERS, answers, read, sandboxed, solved

from grading import judge

pytestmark = pytest.mark.slow

ALL = [(name, *answer) for name in MASTERS for answer in answers(name)]
RIGHT = [case for case in ALL if case[2] == "right"]


def passed(name, question, code, class_=""):
    """(whether each probe of the question passes, what the visible check raised) with this code as its answer."""
    homework, text = read(name, class_)
    part = homework.only(question)
    numbers = [number for number, probe in enumerate(homework.probes) if probe.question == question]
    expected = {place: solved(name, class_)["values"][number] for place, number in enumerate(numbers)}
    made = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in json.loads(text)["cells"]}
    place = [label for label, cell in made.items() if cell["cell_type"] == "code" and not label.endswith("-check")]
    place = place.index(f"{question}-solve")
    cells = [*homework.solution[:place], code, *homework.solution[place + 1 :]]
    run = sandboxed(part.job([*cells, "".join(made[f"{question}-check"]["source"])]))
    entries = judge.entries(part, expected, run)
    return [entry["passed"] for entry in entries], run["cells"].get(len(cells))


@pytest.mark.parametrize("name", MASTERS)
def test_there_are_enough_of_both(name):
    count = Counter(case[:2] for case in answers(name))
    for question in read(name)[0].questions:
        assert count[question, "right"] >= 2 and count[question, "wrong"] >= 4, question
    codes = [code.strip() for _, _, _, code in answers(name)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("class_", ["", CLASS])
@pytest.mark.parametrize("name, question, kind, what, code", RIGHT, ids=[f"{c[0]} {c[1]} {c[3]}" for c in RIGHT])
def test_a_right_answer_passes(name, question, kind, what, code, class_):
    probes, in_view = passed(name, question, code, class_)
    assert all(probes) and in_view is None


WRONG = [case for case in ALL if case[2] == "wrong"]


@pytest.mark.parametrize("name, question, kind, what, code", WRONG, ids=[f"{c[0]} {c[1]} {c[3]}" for c in WRONG])
def test_a_wrong_answer_fails(name, question, kind, what, code):
    probes, _ = passed(name, question, code)
    assert not all(probes)

"""The quality of the homework: every right answer passes all probes of its question, every wrong one fails one.

`make answers` runs it: some hundred submissions, each in its sandbox.
"""

import json
from collections import Counter

import pytest
from homeworks import CLASS, MASTERS, answers, read, sandboxed, solved

from grading import judge

pytestmark = pytest.mark.slow

CASES = [(name, *answer) for name in MASTERS for answer in answers(name)]
# As many submissions as a question has right answers at most, each question answered in one of its ways.
TURNS = [
    (name, turn)
    for name in MASTERS
    for turn in range(max(Counter(case[1] for case in CASES if case[0] == name and case[2] == "right").values()))
]


def passed(name, codes, class_=""):
    """{question: (whether each of its probes passes, what its visible check raised)} with codes, {question: code}, as
    the answers and the master's own to the other questions."""
    homework, text = read(name, class_)
    numbers = [number for number, probe in enumerate(homework.probes) if probe.question in codes]
    made = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in json.loads(text)["cells"]}
    places = [label for label, cell in made.items() if cell["cell_type"] == "code" and not label.endswith("-check")]
    cells = list(homework.solution)
    for question, code in codes.items():
        cells[places.index(f"{question}-solve")] = code
    checks = ["".join(made[f"{question}-check"]["source"]) for question in codes]
    part = homework.only(*codes)
    run = sandboxed(part.job([*cells, *checks]))
    expected = {place: solved(name, class_)["values"][number] for place, number in enumerate(numbers)}
    entries = judge.entries(part, expected, run)
    return {
        question: ([e["passed"] for e in entries if e["question"] == question], run["cells"].get(len(cells) + i))
        for i, question in enumerate(codes)
    }


@pytest.mark.parametrize("name", MASTERS)
def test_there_are_enough_of_both(name):
    count = Counter(case[:2] for case in answers(name))
    for question in read(name)[0].questions:
        assert count[question, "right"] >= 2 and count[question, "wrong"] >= 4, question
    codes = [code.strip() for _, _, _, code in answers(name)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("class_", ["", CLASS])
@pytest.mark.parametrize("name, turn", TURNS, ids=[f"{name} {turn + 1}" for name, turn in TURNS])
def test_right_answers_pass(name, turn, class_):
    right = {}
    for question, kind, what, code in answers(name):
        if kind == "right":
            right.setdefault(question, []).append((what, code))
    chosen = {question: each[turn % len(each)] for question, each in right.items()}
    found = passed(name, {question: code for question, (_, code) in chosen.items()}, class_)
    failed = [chosen[question][0] for question, (probes, raised) in found.items() if not all(probes) or raised]
    assert len(found) == len(read(name)[0].questions) and failed == []


WRONG = [case for case in CASES if case[2] == "wrong"]


@pytest.mark.parametrize("name, question, kind, what, code", WRONG, ids=[f"{c[0]} {c[1]} {c[3]}" for c in WRONG])
def test_a_wrong_answer_fails(name, question, kind, what, code):
    probes, _ = passed(name, {question: code})[question]
    assert probes and not all(probes)

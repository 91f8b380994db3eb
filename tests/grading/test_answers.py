"""The quality of the homework: every right answer passes all probes of its question, every wrong one fails one.

`make answers` runs it: some hundred submissions, each in its sandbox.
"""

import ast
import json
from collections import Counter

import pytest
from homeworks import CLASS, MASTERS, answers, read, sandboxed, solved

from grading import judge

pytestmark = pytest.mark.slow

CASES = [(name, *answer) for name in MASTERS for answer in answers(name)]
# As many submissions as a question has answers of a kind at most, each question answered in one of its ways.
TURNS = {
    kind: [
        (name, turn)
        for name in MASTERS
        for turn in range(max(Counter(case[1] for case in CASES if case[0] == name and case[2] == kind).values()))
    ]
    for kind in ("right", "wrong")
}


def ids(kind):
    return [f"{name} {turn + 1}" for name, turn in TURNS[kind]]


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


def in_turn(name, kind, turn):
    """{question: (what is so about an answer, its code)} of those questions that have so many of a kind; right ones go
    round."""
    each = {}
    for question, _, what, code in (answer for answer in answers(name) if answer[1] == kind):
        each.setdefault(question, []).append((what, code))
    return {
        question: cases[turn % len(cases)] for question, cases in each.items() if kind == "right" or turn < len(cases)
    }


def defined(code):
    """The names that code gives to functions, classes and values, outside of them."""
    body = ast.parse(code).body
    values = (part for node in body if isinstance(node, ast.Assign) for part in ast.walk(node))
    found = {part.id for part in values if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return found | {node.name for node in body if hasattr(node, "name")}


def used(code):
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def apart(name):
    """Questions whose answer or probes use what the answer to another defines, and which may be wrong with it."""
    homework, text = read(name)
    made = [
        cell["metadata"]["nbgrader"]["grade_id"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"
    ]
    cells = zip((label for label in made if not label.endswith("-check")), homework.solution)
    solved_by = {label.removesuffix("-solve"): code for label, code in cells if label.endswith("-solve")}
    read_by = {question: used(code) for question, code in solved_by.items()}
    for probe in homework.probes:
        read_by[probe.question] |= used(probe.expression)
    return {
        question
        for question in solved_by
        for other, code in solved_by.items()
        if question != other and read_by[question] & defined(code)
    }


@pytest.mark.parametrize("class_", ["", CLASS])
@pytest.mark.parametrize("name, turn", TURNS["right"], ids=ids("right"))
def test_right_answers_pass(name, turn, class_):
    chosen = in_turn(name, "right", turn)
    found = passed(name, {question: code for question, (_, code) in chosen.items()}, class_)
    failed = [chosen[question][0] for question, (probes, raised) in found.items() if not all(probes) or raised]
    assert len(found) == len(read(name)[0].questions) and failed == []


@pytest.mark.parametrize("name, turn", TURNS["wrong"], ids=ids("wrong"))
def test_wrong_answers_fail(name, turn):
    """Handed in together, but for questions that lean on another one."""
    chosen, alone = in_turn(name, "wrong", turn), apart(name)
    found = {}
    for group in ({*chosen} - alone, *({question} for question in {*chosen} & alone)):
        found |= passed(name, {question: chosen[question][1] for question in group}) if group else {}
    assert found.keys() == chosen.keys() and all(probes for probes, _ in found.values())
    assert [chosen[question][0] for question, (probes, _) in found.items() if all(probes)] == []


def test_every_wrong_answer_is_handed_in():
    taken = [code for name, turn in TURNS["wrong"] for _, code in in_turn(name, "wrong", turn).values()]
    assert sorted(taken) == sorted(code for _, _, kind, _, code in CASES if kind == "wrong")


def test_a_question_that_leans_on_another_is_known():
    assert {name: apart(name) for name in MASTERS if apart(name)} == {"07-transformer": {"q3"}}

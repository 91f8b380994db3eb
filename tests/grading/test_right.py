"""Right answers are never lost: Jupyter's own language, names that hide Python's own, files in other shapes."""

import pytest
from homeworks import can_sandbox
from small import SMALL, code, data, handed_in

from grading import homework as hw
from grading import judge, sandbox

RIGHT = SMALL["q2-solve"]


@pytest.fixture(scope="module")
def judged(small):
    """Bytes of a submission -> (points, remark, run): each in a sandbox."""
    can_sandbox()
    homework, _ = small
    wanted = sandbox.run(homework.job(homework.solution))["values"]

    def one(content):
        cells, names, remark = hw.submitted(content, homework)
        run = sandbox.run(homework.job(cells))
        result = judge.graded(homework, wanted, run, names, remark)
        return result["score"], result["output"], run

    return one


def with_answer(text, q2, *more):
    """A right submission with another second answer, and cells of one's own below."""
    book = handed_in(text, SMALL, None, q2=q2)
    return data(book | {"cells": book["cells"] + [code(source) for source in more]})


# In one cell each, followed by the right answer to a question: the cell is Python to IPython.
LANGUAGE = {
    "output of a command": "x = !ls\nassert list(x) == []",
    "a timing": "t = %timeit -o sum(range(9))\nassert t.average >= 0",
    "help": "len?\nlen??\n?len",
    "a timed statement": "%time x = 2\nassert x == 2",
    "a timed value": "x = %time 1 + 1\nassert x == 2",
    "the shell": "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('ls')",
    "await": "import asyncio\n\nasync def two():\n    await asyncio.sleep(0)\n    return 2\n\nx = await two()\nassert x == 2",
    "install without a sign": "pip install numpy",
    "in a block": "if True:\n    %time y = 3\n    z = !ls\nassert y == 3",
    "prompts": ">>> x = 1",
}


def test_jupyters_own_language_is_python_to_the_grader(small, judged):
    """All in one submission, a cell each: no cell fails."""
    answers = [f"{source}\n" for source in LANGUAGE.values()]
    points, remark, _ = judged(with_answer(small[1], RIGHT, *answers))
    assert (points, remark) == (10, "")


@pytest.mark.parametrize("magic", ["%%time", "%%timeit", "%%capture out", "%time x = 2", "x = !ls", "sum?"])
def test_an_answer_in_a_cell_with_magic_counts(small, judged, magic):
    assert judged(with_answer(small[1], f"{magic}\n{RIGHT}"))[:2] == (10, "")


def test_a_fault_below_magic_has_its_line(small, judged):
    _, remark, _ = judged(with_answer(small[1], RIGHT, "%%time\nx = 1\n1 / 0", "x = !ls\n1 / 0"))
    assert [line.partition(": ")[2] for line in remark.split("\n")] == [
        "ZeroDivisionError in line 3",
        "ZeroDivisionError in line 2",
    ]


def test_commands_and_other_languages_do_not_run(small, judged):
    points, remark, _ = judged(with_answer(small[1], RIGHT, "%%bash\nls (", "%%html\n<b>", "%run x.py", "!false"))
    assert (points, remark) == (10, "")


LOOP = "def summed(x):\n    total = 0\n    for v in x:\n        total += v * v\n    return total"


@pytest.mark.parametrize(
    "answer, source",
    [
        (RIGHT, "list = [1, 2, 3]\nstr = 'a'\nlen = sum = max = 7"),  # below an answer that calls sum
        (LOOP, "def sum(x):\n    return 3"),  # which a probe calls
        (RIGHT, "from math import *\ndel pow"),
    ],
)
def test_names_that_hide_pythons_own_break_no_probe(small, judged, answer, source):
    assert judged(with_answer(small[1], answer, source))[:2] == (10, "")


def test_an_answer_may_use_a_name_of_its_own_in_place_of_pythons(small, judged):
    mine = "sum = 2\ndef max(x, y):\n    return 0\ndef summed(x):\n    total = max(1, 2)\n    for v in x:\n"
    mine += "        total += v ** sum\n    return total"
    assert judged(with_answer(small[1], mine))[:2] == (10, "")

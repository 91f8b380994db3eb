"""A small homework, and submissions to it and to chapter 3's, for the tests."""

import json

import nbformat
from homeworks import MASTERS, read
from hypothesis import strategies as st

from grading import homework as hw

NAME = "03-inverted-dropout"
MASTER = MASTERS[NAME]
SENTENCE = r"[^\n]{10,240}"
NO_NOTEBOOK = "the file is no notebook, or only a part of one"


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


def without(book, *labels):
    return book | {"cells": [cell for cell in book["cells"] if label_of(cell) not in labels]}


def stripped(book):
    """Without any metadata and ids, as some tools leave it."""
    cells = [{k: v for k, v in cell.items() if k != "id"} | {"metadata": {}} for cell in book["cells"]]
    return book | {"cells": cells, "metadata": {}, "nbformat_minor": 4}


def spoiled(**other):
    return handed_in(read(NAME)[1], master_cells(MASTER), None, **other)


def added(*cells, first=False):
    book, more = spoiled(), [code(source) for source in cells]
    book["cells"] = more + book["cells"] if first else book["cells"] + more
    return book


def tree(folder):
    """{path: bytes} of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# JSON values.
NUMBERS = st.integers() | st.floats() | st.integers(-(10**400), 10**400)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

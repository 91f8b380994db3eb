"""Right answers are never lost: Jupyter's own language, names that hide Python's own, files in other shapes."""

import io
import json
import re
import time
import zipfile

import pytest
from homeworks import can_sandbox
from small import SENTENCE, SMALL, check, code, data, handed_in, label_of, stripped, written

from grading import grade as gr
from grading import homework as hw
from grading import judge, reading, sandbox

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
    "await": "import asyncio\nasync def two():\n    await asyncio.sleep(0)\n    return 2\nx = await two()\nx + 1",
    "install without a sign": "pip install numpy",
    "in a block": "if True:\n    %time y = 3\n    z = !ls\nassert y == 3",
    "prompts": ">>> x = 1",
    "the shell, imported": "from IPython import get_ipython as g\ng().run_line_magic('matplotlib', 'inline')\n"
    "assert g() is get_ipython() and 'IPKernelApp' not in g().config and list(g().events.callbacks) == []",
    "the shell, from where it is": "import IPython\nfrom IPython.core.getipython import get_ipython as g\n"
    "assert g() is IPython.get_ipython() is get_ipython()",
    "what asks for the shell": "import matplotlib.pyplot as plt\nfrom IPython.display import display, Markdown\n"
    "plt.plot([1])\nplt.show()\ndisplay(Markdown('a'))\nimport copy\ncopy.copy(get_ipython().config)",
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


@pytest.mark.parametrize(
    "answer, source, points",
    [
        (RIGHT, "sum = 7", 3),
        (RIGHT, "sum = 7\nrange = enumerate = zip = None\ndef print():\n    pass", 3),
        ("def summed(x):\n    return 1 / 0", "sum = 7", 0),
        ("def summed(x):\n    return max(x)", "max = sum\nlen = 3", 0),
    ],
)
def test_names_that_hide_pythons_own_break_no_preparation_of_probes(tmp_path, sandbox_here, answer, source, points):
    """What stands before the probes calls the answer."""
    asked = 'found = [summed(DATA), len(DATA)]\nprobe("of the data", found, points=3, hint="Squares?")'
    homework, text = hw.read(written(tmp_path, SMALL | {"q2-check": check("assert summed([2]) == 4", asked)}))
    cells, names, remark = hw.submitted(with_answer(text, answer, source), homework)
    run = sandbox.run(homework.job(cells))
    result = judge.graded(homework, gr.expected(homework), run, names, remark)
    assert result["score"] == 7 + points


def test_an_answer_may_use_a_name_of_its_own_in_place_of_pythons(small, judged):
    mine = "sum = 2\ndef max(x, y):\n    return 0\ndef summed(x):\n    total = max(1, 2)\n    for v in x:\n"
    mine += "        total += v ** sum\n    return total"
    assert judged(with_answer(small[1], mine))[:2] == (10, "")


# ---------------------------------------------------------------- files in other shapes


@pytest.fixture
def right(small):
    return handed_in(small[1], SMALL)


def zipped(files, method=zipfile.ZIP_DEFLATED):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def format3(book):
    cells = [dict(cell) for cell in book["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    return {"worksheets": [{"cells": cells}], "nbformat": 3, "nbformat_minor": 0, "metadata": {}}


def script(book, mark, text=None):
    parts = [(cell["cell_type"] == "code", cell["source"]) for cell in book["cells"]]

    def hidden(source):
        return "\n".join(f"# {text or ''}{line}" for line in source.split("\n"))

    return "\n".join(f"{mark(is_code)}\n{source if is_code else hidden(source)}\n" for is_code, source in parts)


def conflict(book, other):
    """Git's merge of two notebooks, in the form of text."""
    mine, yours = (json.dumps(one, indent=1).split("\n") for one in (book, other))
    start = next(n for n, (a, b) in enumerate(zip(mine, yours, strict=False)) if a != b)
    end = next(n for n, (a, b) in enumerate(zip(mine[::-1], yours[::-1], strict=False)) if a != b)
    two = [mine[start : len(mine) - end], yours[start : len(yours) - end]]
    middle = ["<<<<<<< HEAD", *two[0], "=======", *two[1], ">>>>>>> main"]
    return "\n".join(mine[:start] + middle + mine[len(mine) - end :]).encode()


def counted(book, number):
    cells = [cell | {"execution_count": number} if cell["cell_type"] == "code" else cell for cell in book["cells"]]
    return book | {"cells": cells}


SHAPES = {
    "format 3": lambda book: data(format3(book)),
    "UTF-16": lambda book: json.dumps(book, ensure_ascii=False).encode("utf-16"),
    "UTF-16 without its mark": lambda book: json.dumps(book).encode("utf-16-le"),
    "Latin-1": lambda book: json.dumps(book | {"author": "Zoë"}, ensure_ascii=False).encode("latin-1"),
    "a zip": lambda book: zipped({"a/b/my homework.ipynb": data(book), "a/data.csv": b"1", "__MACOSX/._x.ipynb": b""}),
    "a zip in a zip": lambda book: zipped({"in.zip": zipped({"X.IPYNB": data(book)})}),
    "a zip that leaves its folder": lambda book: zipped({"../../x.ipynb": data(book)}),
    "a zip of two": lambda book: zipped({"01-small.ipynb": data(book), "notes.ipynb": b""}),
    "a zip of versions": lambda book: zipped(
        {"01-small.ipynb": b"", "01-small (10).ipynb": data(book), "01-small-2.ipynb": b""}
    ),
    "a conflict in what is no code": lambda book: conflict(counted(book, 3), counted(book, 4)),
    "Databricks": lambda book: "# Databricks notebook source\n"
    + script(book, lambda _: "\n# COMMAND ----------\n", "MAGIC "),
    "VS Code": lambda book: script(book, lambda is_code: "# %%" if is_code else "# %% [markdown]"),
    "nbconvert": lambda book: "#!/usr/bin/env python\n" + script(book, lambda _: "# In[1]:\n"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_notebook_in_another_shape_is_read(small, right, shape):
    made = SHAPES[shape](right)
    cells, _, remark = hw.submitted(made.encode() if isinstance(made, str) else made, small[0])
    own = [
        [cell.strip() for cell in some if not cell.startswith(("assert", "named(1)"))]
        for some in (cells, small[0].solution)
    ]
    assert [cell for cell in own[0] if cell and not cell.startswith("#")] == own[1]
    assert remark == ""


def test_a_plain_script_is_run(small):
    cells, _, _ = hw.submitted(SMALL["q2-solve"].encode(), small[0])
    assert SMALL["q2-solve"] in cells


UNREADABLE = {
    "PDF": (b"%PDF-1.7 ...", "a PDF"),
    "picture": (b"\x89PNG\r\n...", "a picture"),
    "page": (b"<!DOCTYPE html><html>", "a web page"),
    "document": (zipped({"word/document.xml": b""}), "a text document"),
    "archive": (b"Rar!\x1a", "an archive that is no zip"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "an empty zip": (zipped({"a.txt": b""}), "holds 0 notebooks"),
    "a zip of many": (zipped({f"{n}.ipynb": b"{}" for n in range(3)}), "holds 3 notebooks"),
    "a broken zip": (b"PK\x03\x04" + bytes(500), "zip cannot be opened"),
    "a zip packed otherwise": (zipped({"a.ipynb": b"{}"}, zipfile.ZIP_LZMA), "zip cannot be opened"),
    "a bomb": (zipped({"a.ipynb": bytes(40 * 2**20)}), "larger than 20 MB"),
    "a zip of thousands": (zipped({f"{n}": b"" for n in range(11_000)}), "more than 10,000 files"),
    "zips in zips": (zipped({"a.zip": zipped({"a.zip": zipped({"a.zip": zipped({"a.zip": b"PK"})})})}), "notebook"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_named_and_says_what_to_do(small, case):
    content, words = UNREADABLE[case]
    with pytest.raises(hw.Fault, match=rf"^(?=.*{words}){SENTENCE}$"):
        hw.submitted(content, small[0])


def test_a_zip_with_a_password(small):
    made = bytearray(zipped({"a.ipynb": b"{}"}))
    made[6] |= 1  # in its entry and in its directory: encrypted
    made[made.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(hw.Fault, match="without a password"):
        hw.submitted(bytes(made), small[0])


def test_a_conflict_of_two_answers_is_named(small, right):
    other = handed_in(small[1], SMALL, None, q2="def summed(x):\n    return 1")
    with pytest.raises(hw.Fault, match=r"^the file holds a merge conflict of git .* hand it in again$"):
        hw.submitted(conflict(right, other), small[0])


def test_a_long_row_of_marks_takes_no_time(small):
    began = time.process_time()
    for line in (b"<<<<<<< a\n", b"```\n", b"# %%\n", b"=======\n", b"x" * 99 + b"\n"):
        with pytest.raises(hw.Fault):
            hw.submitted(b"<<<<<<< a\n" + line * 50_000, small[0])
    assert time.process_time() - began < 5


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("fenced", [False, True])
def test_an_answer_in_a_cell_that_is_no_code_counts(small, right, kind, strip, fenced):
    for cell in right["cells"]:
        if label_of(cell) == "q2-solve":
            cell["cell_type"] = kind
            cell["source"] = f"My answer:\n```python\n{cell['source']}\n```\n" if fenced else cell["source"]
    cells, _, remark = hw.submitted(data(stripped(right) if strip else right), small[0])
    assert [cell.strip() for cell in cells] == small[0].solution
    assert re.fullmatch(r"summed stands in a (Markdown|raw) cell; it was read as code", remark)


def test_an_old_attempt_in_a_raw_cell_stays_out(small, right):
    right["cells"].append({"cell_type": "raw", "source": "def summed(x):\n    return 0", "metadata": {}})
    assert hw.submitted(data(right), small[0])[::2] == (small[0].solution, "")


def test_two_attempts_are_named(small, right):
    right["cells"].append(code("def summed(x):\n    return 0"))
    remark = hw.submitted(data(right), small[0])[2]
    assert remark == "summed is defined in code cells 6 and 10; the last counts"


def test_a_remark_is_one_line(small):
    book = handed_in(small[1], SMALL, ["q2"])
    book["cells"].append(code("def summed(x):\n    return 0"))
    assert hw.submitted(data(stripped(book)), small[0])[2] == (
        "summed is defined in code cells 6 and 10; the last counts; no answer was found for scaled, named"
    )


def test_what_was_not_answered_is_named(small):
    assert hw.submitted(small[1].encode(), small[0])[2] == "no answer was found for any question"
    one = data(handed_in(small[1], SMALL, ["q2"]))
    assert hw.submitted(one, small[0])[2] == "no answer was found for scaled, named"


def test_lost_points_have_a_reason(small, sandbox_here):
    """Where it is more than a wrong value, and nothing else was said."""
    for q2, reason in {
        "return x.all": r"question 2: raised \w+( exception)?",
        "return 0": "",
        "return sum(v * v for v in x)": "",
    }.items():
        cells, names, remark = hw.submitted(with_answer(small[1], f"def summed(x):\n    {q2}"), small[0])
        run = sandbox.run(small[0].job(cells))
        result = gr.explained(judge.graded(small[0], gr.expected(small[0]), run, names, remark))
        assert re.fullmatch(reason, result["output"])


# ---------------------------------------------------------------- when time runs short


def test_cells_of_ones_own_take_no_answer_its_time(small, tmp_path, sandbox_here, monkeypatch):
    """All answers right, and cells of one's own that take longer than a submission may: once 0 points, now all."""
    homework, text = small
    monkeypatch.setitem(sandbox.LIMITS, "whole", 4)
    helper = "import math\n\n\ndef square(v):\n    return v * v"
    using = "def summed(x):\n    return sum(square(v) for v in x)"
    book = handed_in(text, SMALL, None, q2=using)
    slow = [code(f"import time\nfor n in range(9):\n    time.sleep({n + 1} / 9)") for n in range(4)]
    book["cells"] = [*slow, code(helper), *book["cells"], *slow]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna.ipynb").write_bytes(data(book))
    results, failed = gr.grade(homework, tmp_path / "in", tmp_path / "out", workers=1)
    assert (results[0]["score"], failed) == (10, 0), results[0]["output"]
    assert gr.AGAIN in results[0]["output"]


def test_what_is_needed_of_a_submission(small):
    mine = ["x = [n for n in range(10**9)]", "import math\n\n# a\n@cache\ndef f(\n    x,\n):\n    return 1", "f(3)"]
    assert reading.needed([*mine, *small[0].solution], small[0]) == [mine[1], *small[0].solution]


def test_two_runs_are_one_result():
    first = {
        "values": {0: 1},
        "faults": {1: "KeyError"},
        "stopped": {2: "all of it", 3: "all of it"},
        "cells": {4: ["a", 1]},
        "seconds": {None: 0.5, 1: 0.25},
    }
    second = {
        "values": {0: 5, 1: 6, 2: 7},
        "faults": {},
        "stopped": {3: "late"},
        "cells": {},
        "seconds": {None: 1, 3: 2},
    }
    made = gr.merged(first, second)
    assert made["values"] == {0: 1, 1: 6, 2: 7} and made["faults"] == {} and made["stopped"] == {3: "late"}
    assert made["seconds"] == {None: 1.5, 1: 0.25, 3: 2}
    assert made["cells"] == first["cells"] and gr.out_of_time(first) and not gr.out_of_time(second)

"""Whatever is handed in and whatever comes back, one sentence or one result: notebooks, lines of the channel, folders.

2,100 inputs in `make test`; FUZZ=100000 for as many of each kind.
"""

import ast
import json
import os
import pickle
import re
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import SMALL, data, handed_in, written

from grading import grade, judge, sandbox
from grading import homework as hw

FUZZ = int(os.environ.get("FUZZ", 700))
much = settings(max_examples=FUZZ, deadline=None, database=None, suppress_health_check=list(HealthCheck))
# An input is made by a generator of random numbers that hypothesis seeds: ten times the inputs in the same time.
CHANCE = st.randoms(use_true_random=True)
NAMED = ["cells", "cell_type", "source", "metadata", "nbgrader", "grade_id", "book", "class", "homework", "code", "id"]
NAMED += ["q1-solve", "q2-check", "constants-given", "worksheets", "outputs", "points", "def scaled(x, p): return x"]
ATOMS = [None, True, False, 0, -1, 1, 3, 10**400, 1e308, float("nan"), float("inf"), "", "é", "\ud800", "\0", "\u2028"]


def word(chance):
    return chance.choice(NAMED) if chance.random() < 0.8 else "".join(map(chr, chance.choices(range(1, 999), k=4)))


def value(chance, levels=3):
    kind = chance.random() if levels else 0
    if kind < 0.5:
        return chance.choice([*ATOMS, word(chance)])
    parts = [value(chance, levels - 1) for _ in range(chance.randrange(4))]
    return parts if kind < 0.75 else {word(chance): part for part in parts}


def broken(chance, whole):
    """A right hand-in with a part of it put elsewhere, left out or replaced."""
    place, length = chance.randrange(len(whole)), chance.randrange(40)
    return whole[:place] + chance.randbytes(chance.choice([0, 0, 1, 9])) + whole[place + length :]


def swapped(chance, book):
    """A right hand-in in which some values have become others."""
    book = json.loads(json.dumps(book))
    for _ in range(chance.randrange(1, 4)):
        cells = (
            [cell for cell in book["cells"] if isinstance(cell, dict)] if isinstance(book.get("cells"), list) else []
        )
        inner = [cell.get("metadata") for cell in cells] + [book.get("metadata")]
        here = chance.choice([one for one in [book, *cells, *inner] if one and isinstance(one, dict)])
        here[chance.choice([*here])] = value(chance)
    return json.dumps(book).encode()


def document(chance, book):
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(60))
    if kind == 1:
        return json.dumps({"cells": [value(chance) for _ in range(4)], "metadata": value(chance)}).encode()
    return broken(chance, data(book)) if kind == 2 else swapped(chance, book)


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return hw.read(written(tmp_path_factory.mktemp("fuzz"), SMALL))


@much
@given(chance=CHANCE)
def test_documents(master, chance):
    homework, text = master
    given_ = document(chance, handed_in(text, SMALL))
    try:
        cells, names, remark = hw.submitted(given_, homework)
    except hw.Fault as fault:
        assert "\n" not in str(fault) and len(str(fault)) < 240
        return
    assert len(cells) == len(names) and "\n" not in remark
    assert all(isinstance(cell, str) for cell in cells)
    assert {*homework.given.values()} <= {*cells}
    json.dumps(homework.job(cells)).encode()  # what goes into the sandbox


KINDS = ["cell", "ready", "block", "probe", "value", "value", "fault", "end", "", "x"]


def line(chance):
    """What a submission may write: most of it nearly right."""
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(["[", '{"a":', '["value",0,[']) * chance.randrange(2000)
    if kind < 0.2:
        return "[" * (deep := chance.randrange(2000)) + "1" + "]" * deep
    if kind < 0.3:
        return chance.randbytes(20).decode("latin-1")
    rest = [chance.choice([chance.randrange(-2, 7), value(chance)]), value(chance), value(chance)]
    return json.dumps([chance.choice(KINDS), *rest[: chance.randrange(4)]])


@much
@given(chance=CHANCE)
def test_lines(master, chance):
    homework, _ = master
    ends = [None, "it ended the program", "it took longer than 10 s"]
    attempts = [([line(chance) for _ in range(chance.randrange(12))], chance.choice(ends)) for _ in range(3)]
    left = iter(attempts)

    def attempt(cells, blocks, limits, deadline, spent):
        texts, why = next(left, ([], None))
        for text in texts:
            if said := sandbox._line(text.encode("utf-8", "surrogatepass")):
                yield tuple(said)
        if why:
            yield None, why

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "attempt", attempt)
        run = sandbox.run(homework.job(homework.solution))
    assert repr(pickle.loads(pickle.dumps(run))) == repr(run)
    numbers = {*range(len(homework.probes))}
    assert numbers == run["values"].keys() | run["faults"].keys() | run["stopped"].keys()
    expected = {number: [1.5, {"a": 2}] for number in numbers}
    names = [str(n) for n in range(len(homework.solution))]
    result = judge.graded(homework, expected, run, names, "")
    json.dumps(result).encode()
    assert 0 <= result["score"] <= homework.points
    assert all(re.fullmatch(r"\d+: \w[\w .]*", line) for line in result["output"].splitlines())


NAMES = ["01-small.ipynb", "a.ipynb", ".ipynb", "x", "results", "-", "a b", "é", "e\u0301", "\u202e", "\n", "A", ";=1"]


def tree(chance, levels=3):
    if chance.random() < 0.6 or not levels:
        return chance.choice(["file", "file", "link", "pipe", "loop"])
    return branches(chance, levels)


def branches(chance, levels):
    names = [chance.choice(NAMES) + chance.choice(["", "", ".ipynb", chr(chance.randrange(1, 900)).replace("/", "")])
             for _ in range(chance.randrange(4))]  # fmt: skip
    return {name: tree(chance, levels - 1) for name in names if name not in (".", "..")}


def make(path, tree):
    if isinstance(tree, dict):
        path.mkdir()
        for name, part in tree.items():
            make(path / name, part)
    elif tree == "file":
        path.write_bytes(b"{}")
    elif tree == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path.parent if tree == "loop" else "nowhere")


@much
@given(chance=CHANCE)
def test_folders(chance):
    folder, within = Path(tempfile.mkdtemp()), branches(chance, 4)
    try:
        make(folder / "in", within)
        found = grade.found(folder / "in", "01-small")
        assert len(found) == sum(not name.startswith(".") for name in within)
        slugs = [one.slug for one in found]
        assert len({slug.lower() for slug in slugs}) == len(slugs)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", slug) for slug in slugs)
        for one in found:
            assert (one.path is None) == bool(one.fault) and "\n" not in one.student + one.file + one.fault
            if one.path:
                with suppress(hw.Fault):  # a pipe, which is not opened
                    assert grade.read(one.path) == b"{}"
    finally:
        shutil.rmtree(folder)


def test_nothing_is_parsed_in_threads(master, monkeypatch):
    """CPython 3.11 fails now and then where several threads parse: what a run does in its threads does not."""
    homework, _ = master
    seen = []
    for module, name in ((ast, "parse"), (hw.ast, "literal_eval")):
        real = getattr(module, name)
        noted = lambda *a, real=real, **k: (seen.append(threading.current_thread()), real(*a, **k))[1]  # noqa: E731
        monkeypatch.setattr(module, name, noted)
    monkeypatch.setattr(sandbox, "attempt", lambda *_: iter([("ready",), ("probe", 0), ("value", 0, 1)]))
    threads = [threading.Thread(target=sandbox.run, args=[homework.job(homework.solution)]) for _ in range(3)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert [one for one in seen if one is not threading.main_thread()] == []

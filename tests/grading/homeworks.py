"""The masters, their right and wrong answers, and the grader, for the tests."""

import os
import re
from functools import cache

import build
import pytest

from grading import homework as hw
from grading import sandbox

MASTERS = {path.stem: path for path in sorted((build.ROOT / "homework").glob("*.ipynb"))}
CLASS = "2027a"
HEADER = re.compile(r"^# %% (q\d+) (right|wrong): (.+)\n", re.M)


@cache
def read(name, class_=""):
    """(Homework, the student version as text)."""
    return hw.read(MASTERS[name], class_)


@cache
def can_sandbox():
    """Skip the test where no sandbox can be made; fail it there if REQUIRE_SANDBOX is set, as in CI."""
    try:
        sandbox.check()
    except sandbox.NoSandbox as error:
        (pytest.fail if os.environ.get("REQUIRE_SANDBOX") else pytest.skip)(str(error))


def sandboxed(job):
    can_sandbox()
    return sandbox.run(job)


@cache
def solved(name, class_=""):
    """What the master's own solution gives."""
    homework, _ = read(name, class_)
    return sandboxed(homework.job(homework.solution))


def answers(name):
    """[(question, "right" or "wrong", what it does, code), ...]"""
    text = (build.ROOT / "tests" / "grading" / "answers" / f"{name}.py").read_text("utf-8")
    parts = HEADER.split(text)
    return list(zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True))

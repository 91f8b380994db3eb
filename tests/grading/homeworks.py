"""The masters, their right and wrong answers, and the grader, for the tests."""

import os
import re
from functools import cache
from importlib.util import find_spec

import build
import pytest

from grading import homework as hw
from grading import sandbox

MASTERS = {path.stem: path for path in sorted((build.ROOT / "homework").glob("*.ipynb"))}
CLASS = "2027a"
PATIENT = sandbox.LIMITS | {"wait": 300, "whole": 900}  # for honest work: here no clock decides on a busy machine
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


def can_run(name):
    """Skip the test where the homework needs torch and there is none; fail it there if REQUIRE_TORCH is set."""
    needs = any(re.search(r"^(import|from) torch\b", source, re.M) for source in read(name)[0].solution)
    if needs and not find_spec("torch"):
        (pytest.fail if os.environ.get("REQUIRE_TORCH") else pytest.skip)(f"homework {name} needs torch")


def sandboxed(job):
    can_sandbox()
    return sandbox.run(job, PATIENT)


@cache
def solved(name, class_=""):
    """What the master's own solution gives."""
    can_run(name)
    homework, _ = read(name, class_)
    return sandboxed(homework.job(homework.solution))


def answers(name):
    """[(question, "right" or "wrong", what it does, code), ...]"""
    text = (build.ROOT / "tests" / "grading" / "answers" / f"{name}.py").read_text("utf-8")
    parts = HEADER.split(text)
    return list(zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True))

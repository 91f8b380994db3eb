"""Compares what a submission's probes gave with what the master's gave. Nothing of the submission runs here."""

import math


def agrees(value, expected, tolerance):
    """Whether a JSON value is the expected one: of the same structure, numbers within tolerance · (1 + |expected|).

    True, "text" and None must be the same and of the same type; NaN agrees with NaN.
    """
    if isinstance(expected, list):
        same = isinstance(value, list) and len(value) == len(expected)
        return same and all(agrees(v, e, tolerance) for v, e in zip(value, expected, strict=True))
    if isinstance(expected, dict):
        same = isinstance(value, dict) and value.keys() == expected.keys()
        return same and all(agrees(value[key], expected[key], tolerance) for key in expected)
    if isinstance(expected, (bool, str)) or expected is None:
        return type(value) is type(expected) and value == expected
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if value == expected or (value != value and expected != expected):
        return True
    try:
        return math.isfinite(expected) and abs(value - expected) <= tolerance * (1 + abs(expected))
    except OverflowError:
        return False


def exactly(run, number):
    """In a few words, why a probe failed: never a value. For a master's author, not for students."""
    if number in run["stopped"]:
        return f"stopped: {run['stopped'][number]}"
    if number in run["faults"]:
        return f"raised {run['faults'][number]}"
    return "gives another value"


def why(run, number):
    """One of four: how a probe fails is up to the student's code, which has read the probe and could tell of it so."""
    if number in run["stopped"]:
        late = "took longer than" in run["stopped"][number]
        return "took too long" if late else "was stopped: it used too much, or ended the program"
    return "raised an exception" if number in run["faults"] else "gives another value"


def reached(probe, value, expected):
    """The points that a value is worth: all, or those of its right parts where the probe says what each is worth."""
    if agrees(value, expected, probe.tolerance):
        return probe.points
    if not probe.parts or not isinstance(value, list) or len(value) != len(probe.parts):
        return 0
    three = zip(probe.parts, value, expected, strict=True)
    return sum(points for points, v, e in three if agrees(v, e, probe.tolerance))


def entries(homework, expected, run):
    """One dict per probe, judged: `expected` holds what the master gave, `run` what the submission did."""
    judged = []
    for number, probe in enumerate(homework.probes):
        score = reached(probe, run["values"][number], expected[number]) if number in run["values"] else 0
        passed = score == probe.points
        told = {"why": "" if passed else why(run, number), "passed": passed, "score": score}
        judged.append(told | {key: getattr(probe, key) for key in ("question", "name", "points", "hint")})
    return judged


def result(homework, judged, output, **extra):
    """The result of a submission in Gradescope's format. No expected value, and no word of the student's, is in it."""
    questions = list(homework.questions)
    tests, count = [], dict.fromkeys(questions, 0)
    for entry in judged:
        count[entry["question"]] += 1
        tests.append(
            {
                "name": entry["name"],
                "number": f"{questions.index(entry['question']) + 1}.{count[entry['question']]}",
                "score": entry["score"],
                "max_score": entry["points"],
                "status": "passed" if entry["passed"] else "failed",
                "output": "" if entry["passed"] else f"{entry['why']}. {entry['hint']}",
            }
        )
    return {
        "score": sum(test["score"] for test in tests),
        "output": output,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": extra | {"max_score": homework.points},
    }


NOTHING = {"values": {}, "faults": {}, "stopped": {}, "cells": {}}


def graded(homework, expected, run, names, remark, **extra):
    """The result of a submission that ran; names: what its cells are called."""
    said = [remark] if remark else []
    for number, (fault, line) in sorted(run["cells"].items()):
        if fault != "NotImplementedError":
            said.append(f"{names[number]}: {fault}" + (f" in line {line}" if line else ""))
    return result(homework, entries(homework, expected, run), "\n".join(said), **extra)


def refused(homework, sentence, **extra):
    """The result of a submission that could not run."""
    judged = entries(homework, {}, NOTHING)
    for entry in judged:
        entry["why"] = "not run"
    return result(homework, judged, sentence, **extra)

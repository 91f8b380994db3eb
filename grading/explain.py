"""For a complaint, on the teacher's machine only: what a submission gave to each failed probe, beside what was due.

What the student's code gave is shown as JSON in plain ASCII, so that no sign of it reaches the terminal as a command.
"""

import json

from . import homework as hw
from . import judge, reading, sandbox
from .folder import Roster, look
from .grade import expected, merged, out_of_time, read
from .gradebook import matching

SHOWN = 300  # characters of a value


def explain(homework, submissions, only, roster="", time=1):
    """The lines to print for the submissions of a student."""
    there = look(submissions, homework.name, Roster(roster) if roster else None)
    asked = matching(there.submissions, only)
    if not asked:
        raise hw.Fault(f"ONLY={only}: there is no submission of that name")
    if len(asked) > 1:
        raise hw.Fault(f"ONLY={only} fits {len(asked)}: {', '.join(one.student for one in asked[:9])}")
    one = asked[0]
    yield f"{one.student}: {one.file}"
    if one.fault:
        raise hw.Fault(one.fault)
    cells, names, remark = hw.submitted(read(one.path), homework)
    sandbox.check()
    wanted = expected(homework)
    run = sandbox.run(homework.job(cells), sandbox.longer(time))
    if out_of_time(run):
        run = merged(run, sandbox.run(homework.job(reading.needed(cells, homework)), sandbox.longer(time)))
    result = judge.graded(homework, wanted, run, names, remark)
    if result["output"]:
        yield result["output"]
    for number, (probe, test) in enumerate(zip(homework.probes, result["tests"], strict=True)):
        if test["status"] == "passed":
            continue
        yield ""
        points = f"{test['score']:g} of {probe.points:g} points"
        yield f"{test['number']} {probe.name}: {points}, tolerance {probe.tolerance:g}"
        yield from (f"    {line}" for line in probe.expression.split("\n"))
        if number in run["values"]:
            gave = shown(run["values"][number])
        else:
            gave = run["stopped"].get(number) or f"raised {run['faults'].get(number)}"
        yield f"  gave      {gave}"
        yield f"  expected  {shown(wanted[number])}"
        if number in run["values"] and (place := differs(run["values"][number], wanted[number], probe.tolerance)):
            yield f"  differs   {place}"
    yield ""
    yield f"{result['score']:g} of {homework.points:g} points"


def shown(value):
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} … ({len(text)} characters)"


def differs(value, wanted, tolerance, place=""):
    """Where the first difference is, in words, or ""."""
    if judge.agrees(value, wanted, tolerance):
        return ""
    if isinstance(value, list) and isinstance(wanted, list) and len(value) == len(wanted):
        pairs = list(enumerate(zip(value, wanted, strict=True)))
    elif isinstance(value, dict) and isinstance(wanted, dict) and value.keys() == wanted.keys():
        pairs = [(key, (value[key], wanted[key])) for key in wanted]
    else:
        return f"at {place}: {shown(value)} for {shown(wanted)}" if place else ""
    places = ((a, b, f"{place}[{json.dumps(key)}]") for key, (a, b) in pairs)
    return next(filter(None, (differs(a, b, tolerance, at) for a, b, at in places)), "")

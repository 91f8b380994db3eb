"""The masters of the homework, and what students get from them."""

import ast
import hashlib
import json
import re
import sys

import build
import built
import pytest
from homeworks import CLASS, MASTERS, can_sandbox, read, sandboxed, solved

from grading import homework as hw
from grading import judge, sandbox
from notebook import NAMES

CANARY = "kept from students: 5f0d6c9e2b7a4183"
REGION = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*)")
ALLOWED = {"numpy", "torch", "math", "copy", "itertools", "fractions", "collections", "functools", "statistics"}


def cells(name):
    return json.loads(MASTERS[name].read_text("utf-8"))["cells"]


def student(name):
    """The student version as it is stored."""
    return (build.ROOT / "assignments" / f"{name}.ipynb").read_text("utf-8")


def test_every_chapter_has_a_homework():
    assert sorted(MASTERS) == NAMES


@pytest.mark.parametrize("name", MASTERS)
def test_frame(name):
    homework, _ = read(name)
    opening = "".join(cells(name)[0]["source"])
    minutes = int(re.search(r"(\d+) minutes", opening)[1])
    assert 3 <= len(homework.questions) <= 5 and 45 <= minutes <= 90
    assert f"{homework.points} points" in opening and f"../notebooks/{name}.ipynb" in opening
    for label, title in homework.questions.items():
        points = sum(probe.points for probe in homework.probes if probe.question == label)
        assert re.fullmatch(rf"\d · .+ \({points} points\)", title), title
    drawn = [found for source in homework.given.values() for found in hw.DRAWN.finditer(source)]
    assert drawn, "no constant is drawn for a class"
    for found in drawn:
        options = {hw.draw(bytes([n]), "", "", "", found["choices"]) for n in range(256)}
        assert len(options) > 1, found["name"]
        assert found["value"] in options or ".." in found["choices"], f"{found['name']}: drawn values leave out its own"
    tree = [*ast.walk(ast.parse("\n".join(homework.solution)))]
    imported = {alias.name.split(".")[0] for node in tree if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module.split(".")[0] for node in tree if isinstance(node, ast.ImportFrom)}
    assert imported <= ALLOWED


@pytest.mark.parametrize("name", MASTERS)
def test_students_are_told_the_limits_of_time(name):
    told = "".join(json.loads(student(name))["cells"][0]["source"])
    assert hw.limited() in told
    assert [str(sandbox.LIMITS[limit]) in hw.limited() for limit in ("step", "wait", "whole")] == [True] * 3
    longer = hw.read(MASTERS[name], limits=sandbox.longer(1.5))[1]
    assert hw.limited(sandbox.longer(1.5)) in longer and hw.limited() not in longer
    assert "after 15 seconds of processor time, or 45 on the clock, and the whole notebook after 180:" in longer


def test_make_homework_takes_the_time_that_make_grade_does(tmp_path, monkeypatch):
    from grading import __main__ as command

    for variable, _ in command.OPTIONS.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "argv", ["grading", "homework", "--chapter", "3", "--out", str(tmp_path), "--time", "2.5"])
    command.main()
    [made] = tmp_path.iterdir()
    assert (
        "after 25 seconds of processor time, or 75 on the clock, and the whole notebook after 300:" in made.read_text()
    )


def test_teachers_are_told_the_limits():
    page = (build.ROOT / "book" / "teach.md").read_text("utf-8")
    limits = sandbox.LIMITS
    row = next(line for line in page.split("\n") if line.startswith("| `TIME=2` |"))
    assert re.findall(r"\b\d+\b", row.split("|")[2]) == [str(limits[name]) for name in ("step", "wait", "whole")]
    bounds = (
        f"{limits['memory'] // sandbox.MB:,} MB, {limits['scratch'] // sandbox.MB} MB and {limits['files']:,} files in "
        f"`/tmp`, {limits['step']} s of processor time for a cell or a probe and {limits['whole']} s in all"
    )
    assert bounds in page


@pytest.mark.parametrize("name", MASTERS)
def test_nbgrader_metadata(name):
    """What nbgrader asks of a cell; and each question has its text, a place for the answer, and a check."""
    labels = []
    for cell in cells(name):
        info = cell["metadata"]["nbgrader"]
        assert info["schema_version"] == 3 and not info["task"]
        assert {"grade", "solution", "locked", "grade_id"} <= info.keys()
        assert info["locked"] != info["solution"]
        assert info["grade"] == ("points" in info)
        assert "attachments" not in cell and not cell.get("outputs")
        labels.append(info["grade_id"])
    assert len(labels) == len(set(labels))
    homework, _ = read(name)
    for label in homework.questions:
        kinds = [labels.index(f"{label}-{kind}") for kind in ("question", "solve", "check")]
        assert kinds == sorted(kinds)
    points = {cell["metadata"]["nbgrader"].get("points") for cell in cells(name)} - {None}
    assert (
        sum(cell["metadata"]["nbgrader"].get("points", 0) for cell in cells(name)) == homework.points
        and 0 not in points
    )


def every(*values):
    """The values, for a test that `make test` does with the first and make test-all with each."""
    return [values[0], *(pytest.param(value, marks=pytest.mark.slow) for value in values[1:])]


@pytest.mark.parametrize("class_", every("", CLASS))
@pytest.mark.parametrize("name", MASTERS)
def test_the_solution_answers_its_probes_and_passes_the_checks_in_view(name, class_):
    homework, text = read(name, class_)
    run = solved(name, class_)
    assert run["cells"] == run["faults"] == run["stopped"] == {}
    assert [number for number in range(len(homework.probes)) if number not in run["values"]] == []
    checks = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["metadata"]["nbgrader"]["grade"]]
    with_checks = sandboxed(homework.job([*homework.solution, *checks]))
    assert with_checks["cells"] == {}
    judged = judge.entries(homework, run["values"], with_checks)
    assert [entry["name"] for entry in judged if not entry["passed"]] == []  # and twice the same


@pytest.mark.parametrize("what", every("graded", "all its code"))
@pytest.mark.parametrize("name", every(*MASTERS))
def test_nothing_is_gained_by_handing_in_what_one_got(name, what):
    homework, text = read(name)
    expected = solved(name)["values"]
    cells, names, _ = hw.submitted(text.encode(), homework)
    if what == "all its code":
        cells = names = homework.stubs
    assert judge.graded(homework, expected, sandboxed(homework.job(cells)), names, "")["score"] == 0


@pytest.mark.parametrize("name", MASTERS)
def test_a_probe_cannot_be_guessed(name):
    """Neither a constant nor the probe's own numbers repeated is the value."""
    homework, _ = read(name)
    for number, probe in enumerate(homework.probes):
        expected = solved(name)["values"][number]
        for guess in (True, False, None, 0, 1, -1, 0.5, 2, "", [], {}, [0], [1], float("nan"), "ValueError"):
            assert not judge.agrees(guess, expected, probe.tolerance), probe.name
        assert not isinstance(expected, (bool, str)) and expected is not None, probe.name


@pytest.mark.parametrize("name", MASTERS)
def test_the_stored_student_version_is_the_one_made_now(name):
    assert read(name)[1] == student(name), "run make homework"
    assert hw.read(MASTERS[name])[1] == hw.read(MASTERS[name])[1]


KEPT = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.S)


def leaks(name, text):
    """What of a master's secrets a text shows."""
    sources = ["".join(cell["source"]) for cell in cells(name)]
    in_view = "\n".join(KEPT.sub("", source) for source in sources)  # a given program shares lines with its repair
    secret = {line.strip() for source in sources for kept in KEPT.findall(source) for line in kept.split("\n")}
    found = [line for line in secret if len(line) > 40 and line not in in_view and json.dumps(line)[1:-1] in text]
    return found + [mark for mark in (CANARY, "BEGIN SOLUTION", "BEGIN HIDDEN", "probe(") if mark in text]


@pytest.mark.parametrize("name", MASTERS)
def test_solutions_and_hidden_tests_stay_out(name):
    sources = ["".join(cell["source"]) for cell in cells(name)]
    regions = [first for source in sources for first in REGION.findall(source)]
    assert len(regions) >= 6 and all(CANARY in first for first in regions)
    assert leaks(name, student(name)) == []
    assert leaks(name, hw.read(MASTERS[name], CLASS)[1]) == []


def test_a_leak_is_found():
    name = next(iter(MASTERS))
    assert leaks(name, MASTERS[name].read_text("utf-8"))
    assert leaks(name, student(name).replace("raise NotImplementedError()", "# " + CANARY))


def test_the_canary_is_nowhere_in_what_is_built():
    built.site()
    for file in [*(build.ROOT / "_build").rglob("*"), *(build.ROOT / "assignments").rglob("*")]:
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("name", MASTERS)
def test_the_site_offers_the_student_version(name):
    page = (built.site() / "assignments" / f"{name}.html").read_text("utf-8")
    assert f"_sources/assignments/{name}.ipynb" in page
    offered = built.site() / "_sources" / "assignments" / f"{name}.ipynb"
    stored = build.ROOT / "assignments" / f"{name}.ipynb"
    assert hashlib.sha256(offered.read_bytes()).digest() == hashlib.sha256(stored.read_bytes()).digest()


def test_there_is_a_sandbox_here():
    can_sandbox()  # skips without bubblewrap, and fails where CI requires it
    sandbox.check()

"""Runs that are stopped and go on, questions that hang, wrong words, and machines without a sandbox."""

import collections
import contextlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import build
import psutil
import pytest
from homeworks import CLASS, MASTERS, PATIENT, can_sandbox, read
from small import NAME, SENTENCE, SMALL, added, data, handed_in, tree, written

from grading import grade as gr
from grading import homework as hw
from grading import sandbox

# ---------------------------------------------------------------- stopped runs

CALLS = []


def counting(job):
    CALLS.append(job)
    return REAL(job)


def failing(job):
    raise AssertionError("graded again")


REAL = sandbox.run


@pytest.fixture
def calls(monkeypatch):
    """The jobs that went to the sandbox, the master's included."""
    CALLS.clear()
    monkeypatch.setattr(sandbox, "run", counting)
    return CALLS


@pytest.fixture
def some(tmp_path, small, sandbox_here):
    """A folder of eight submissions to the small homework, two of which cannot be graded."""
    homework, text = small
    (tmp_path / "in").mkdir()
    for number in range(6):
        book = handed_in(text, SMALL, [["q1"], ["q2"], ["q1", "q3"]][number % 3])
        (tmp_path / "in" / f"s{number}.ipynb").write_bytes(data(book))
    (tmp_path / "in" / "t.ipynb").write_bytes(b"")
    (tmp_path / "in" / "u.txt").write_bytes(b"hello")
    return homework, tmp_path / "in", tmp_path / "out"


SCORES = [4, 3, 7, 4, 3, 7, 0, 0]


def test_a_second_run_grades_nothing_and_changes_nothing(some, monkeypatch):
    results, _ = gr.grade(*some)
    before = tree(some[2])
    assert [result["score"] for result in results] == SCORES
    monkeypatch.setattr(sandbox, "run", failing)
    again, failed = gr.grade(*some)
    assert again == results and failed == 0 and tree(some[2]) == before


def test_only_a_changed_submission_is_graded_again(some, small, calls):
    gr.grade(*some)
    before = tree(some[2])
    assert len(calls) == 1 + 6
    calls.clear()
    (some[1] / "s1.ipynb").write_bytes(data(handed_in(small[1], SMALL)))
    (some[1] / "t.ipynb").write_bytes(data(handed_in(small[1], SMALL, ["q3"])))
    results, _ = gr.grade(*some)
    assert len(calls) == 1 + 2
    assert [result["score"] for result in results] == [4, 10, 7, 4, 3, 7, 3, 0]
    after = tree(some[2])
    moved = {path for path in after if after[path] != before.get(path)}
    assert moved == {"grades.csv", "probes.csv", "statistics.csv", "class.html"} | {
        f"{folder}.{suffix}"
        for name in ("s1", "t")
        for folder, suffix in ((f"results/{name}", "json"), (f"feedback/{name}", "html"))
    }


def test_a_spoiled_result_is_made_anew(some, calls):
    gr.grade(*some)
    before = tree(some[2])
    calls.clear()
    (some[2] / "results" / "s0.json").write_bytes(before["results/s0.json"][:100])
    (some[2] / "results" / "s1.json").write_bytes(b"")
    (some[2] / "results" / "s2.json").unlink()
    (some[2] / "results" / "s3.json").write_text("[]")
    (some[2] / "feedback" / "s4.html").unlink()
    gr.grade(*some)
    assert len(calls) == 1 + 4 and tree(some[2]) == before


def test_another_class_or_other_probes_are_another_result(some, tmp_path, calls):
    gr.grade(*some)
    calls.clear()
    path = written(tmp_path, SMALL)
    results, _ = gr.grade(hw.read(path, CLASS)[0], *some[1:])
    assert len(calls) == 1 + 6 and all(result["extra_data"].get("class", CLASS) == CLASS for result in results)
    calls.clear()
    gr.grade(
        hw.read(written(tmp_path, SMALL | {"q3-check": SMALL["q3-check"].replace("-N - 2", "-N - 3")}))[0], *some[1:]
    )
    assert len(calls) == 1 + 6


@pytest.mark.parametrize("kept", [1, 3])
def test_an_interrupted_run_loses_nothing(some, calls, kept):
    def bar(total, done):
        assert total == 6
        for number, one in enumerate(done):
            if number == kept:
                raise KeyboardInterrupt
            yield one

    with pytest.raises(KeyboardInterrupt):
        gr.grade(*some, bar=bar)
    before = tree(some[2])
    finished = [path for path in before if path.startswith("results/s")]
    assert len(finished) == kept and "grades.csv" not in before
    calls.clear()
    results, _ = gr.grade(*some)
    assert len(calls) == 1 + 6 - kept
    assert [result["score"] for result in results] == SCORES
    after = tree(some[2])
    assert all(after[path] == before[path] for path in finished)


def test_what_no_worker_could_finish_is_counted_and_tried_again(some, calls, monkeypatch):
    monkeypatch.setattr(sandbox, "run", stumbling)
    results, failed = gr.grade(*some)
    assert failed == 2 and len(results) == 6 and "s0" not in {result["slug"] for result in results}
    monkeypatch.setattr(sandbox, "run", counting)
    calls.clear()
    results, failed = gr.grade(*some)
    assert failed == 0 and len(calls) == 1 + 2 and [result["score"] for result in results] == SCORES


def stumbling(job):
    """Fails for s0 and s3, the two with the first question alone, and not for the master."""
    solved = [source.startswith("def") for source in job["cells"]]
    if sum(solved) == 1 and "scaled" in job["cells"][solved.index(True)]:
        raise OSError("no more processes")
    return REAL(job)


@pytest.fixture
def slow_class(tmp_path, sandbox_here):
    """Twelve submissions that take more than a second each."""
    (tmp_path / "in").mkdir()
    for number in range(12):
        book = added(f"import time\ntime.sleep(1)\nme = {number}")
        (tmp_path / "in" / f"s{number:02}.ipynb").write_bytes(data(book))
    return tmp_path / "in", tmp_path / "out"


def started(submissions, out):
    """The command in a process of its own, and all processes below it once `n` results are there."""
    command = [
        sys.executable,
        "-m",
        "grading",
        "grade",
        "--chapter",
        "3",
        "--submissions",
        str(submissions),
        "--out",
        str(out),
    ]
    return subprocess.Popen(command, cwd=build.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def results_after(process, out, number):
    """All processes seen below it until there are `number` results; minutes only for a busy machine."""
    below, until = set(), time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        below |= {*psutil.Process(process.pid).children(recursive=True)}
        if len([*(out / "results").glob("*.json")]) >= number:
            return below
        time.sleep(0.1)
    pytest.fail(f"no {number} results: {process.communicate()[1][-300:]}")


@pytest.mark.slow  # a class of twelve, each of whom takes seconds, graded by two commands and here
def test_stopped_twice_and_taken_up_again(slow_class, calls):
    submissions, out = slow_class
    process = started(submissions, out)
    below = results_after(process, out, 3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert told.strip().split("\n")[-1].startswith("dropout-book: stopped; ") and "Traceback" not in told
    assert "/12" in told and "submission" in told  # the progress bar
    assert psutil.wait_procs(below, 300)[1] == []
    kept = tree(out / "results")
    assert 3 <= len(kept) < 12

    process = started(submissions, out)
    below = results_after(process, out, len(kept) + 2)
    process.kill()
    process.communicate(timeout=300)
    assert psutil.wait_procs(below, 300)[1] == []  # the sandboxes end with the grader
    after = tree(out / "results")
    whole = {path: text for path, text in after.items() if path.endswith(".json")}
    assert whole.items() >= kept.items() and len(kept) + 2 <= len(whole) < 12
    assert all(json.loads(text)["score"] == read(NAME)[0].points for text in whole.values())

    results, failed = gr.grade(read(NAME)[0], submissions, out)
    assert failed == 0 and len(results) == 12 and len(calls) == 1 + 12 - len(whole)
    assert tree(out / "results").items() >= whole.items() and not [*out.rglob("*.part")]
    assert {result["score"] for result in results} == {read(NAME)[0].points}


def called(process, name):
    """Whether the kernel has this name for a process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name() == name
    return False


def test_a_sandbox_ends_with_its_grader(sandbox_here):
    """Also one that neither reads nor writes, and so would not notice."""
    code = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'in the cell', 0, 0, 0)\ntime.sleep(600)"
    job = {"cells": [code], "blocks": [["", [[0, "1"]]]]}
    limits = sandbox.LIMITS | {"wait": 600, "whole": 600}
    grader = subprocess.Popen(
        [sys.executable, "-c", f"from grading import sandbox\nsandbox.run({job}, {limits})"], cwd=build.ROOT
    )
    until, below = time.monotonic() + 300, []
    while not any(called(one, "in the cell") for one in below) and time.monotonic() < until:
        time.sleep(0.05)
        below = psutil.Process(grader.pid).children(recursive=True)
    grader.kill()
    grader.wait()
    left = psutil.wait_procs(below, 300)[1]
    for process in left:
        process.kill()
    assert below and left == []


# ---------------------------------------------------------------- the command, and where there is no sandbox


def command(monkeypatch, *words, **environment):
    """Run python -m grading here; returns what it exits with."""
    for name in ("CHAPTER", "CLASS", "HOMEWORK_PRIVATE", "SUBMISSIONS", "OUT", "SCHEDULER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["grading", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("grading", run_name="__main__")
    return caught.value.code


def test_wrong_words_on_the_command_line(monkeypatch, tmp_path, sandbox_here):
    """One sentence, which sys.exit writes to standard error with exit status 1; nothing is written."""
    here, out = tmp_path / "in", tmp_path / "out"
    here.mkdir()
    file = tmp_path / "file"
    file.touch()
    full = tmp_path / "full"
    full.mkdir()
    (full / "a.ipynb").write_bytes(b"")
    there = ", ".join(name[:2] for name in MASTERS)
    inside = "OUT lies inside SUBMISSIONS; name a folder outside it"
    wrong = [
        ({"CHAPTER": "99"}, f"there is no homework for CHAPTER=99; there is one for: {there}"),
        ({"CHAPTER": "²"}, f"there is no homework for CHAPTER=²; there is one for: {there}"),
        ({"CHAPTER": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({"SUBMISSIONS": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({"OUT": ""}, "say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
        ({}, f"SUBMISSIONS={here} holds no submission"),
        ({"SUBMISSIONS": tmp_path / "none"}, f"SUBMISSIONS={tmp_path / 'none'} is no folder"),
        ({"SUBMISSIONS": file}, f"SUBMISSIONS={file} is no folder"),
        ({"SUBMISSIONS": full, "OUT": full / "out"}, inside),
        ({"SUBMISSIONS": full, "OUT": full}, inside),
        ({"SUBMISSIONS": full, "OUT": full / ".." / "full" / "a"}, inside),
        ({"SUBMISSIONS": full, "OUT": file}, rf"[^\n]*{file}[^\n]*"),
        ({"CLASS": "a/b"}, "CLASS=a/b: use letters, digits, - and _"),
        ({"CLASS": "../x"}, r"CLASS=\.\./x: use letters, digits, - and _"),
        ({"CLASS": "a b"}, "CLASS=a b: use letters, digits, - and _"),
        ({"CLASS": "-"}, "CLASS=-: use letters, digits, - and _"),
        ({"CLASS": "a", "HOMEWORK_PRIVATE": tmp_path / "none"}, rf"HOMEWORK_PRIVATE={tmp_path / 'none'} is no folder"),
    ]
    for words, sentence in wrong:
        said = command(monkeypatch, "grade", **{"CHAPTER": "03", "SUBMISSIONS": here, "OUT": out} | words)
        assert re.fullmatch(f"dropout-book: {sentence}", said), said
        assert not out.exists() and not (full / "out").exists()


def test_the_command_as_make_gives_it(tmp_path):
    """Exit status, standard error without a traceback."""
    environment = os.environ | {"CHAPTER": "99", "SUBMISSIONS": str(tmp_path), "OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "-m", "grading", "grade"], cwd=build.ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch("dropout-book: there is no homework for CHAPTER=99; [^\n]*\n", done.stderr)


BWRAPS = {
    "missing": (None, r"{}"),
    "old": ('echo "bubblewrap 0.6.2"', "grading needs bubblewrap 0.7 or newer, and this is bubblewrap 0.6.2"),
    "strange": ("echo hello", f"grading needs bubblewrap 0.7 or newer, {SENTENCE}"),
    "refused": (
        '[ "$1" = --version ] && echo "bubblewrap 0.8.0" && exit\n'
        'echo "first line" >&2; echo "bwrap: No permissions to create new namespace" >&2; exit 1',
        r"bubblewrap cannot make a sandbox here \(bwrap: No permissions to create new namespace\), so nothing .*",
    ),
    "silent": (
        '[ "$1" = --version ] && echo "bubblewrap 0.8.0"; exit 0',
        r"bubblewrap cannot make a sandbox here \(no reason given\), so nothing was graded",
    ),
}


@pytest.mark.parametrize("case", BWRAPS)
def test_without_a_sandbox_nothing_runs(some, monkeypatch, tmp_path, case):
    script, sentence = BWRAPS[case]
    folder = tmp_path / "bin"
    folder.mkdir()
    if script:
        (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bwrap").chmod(0o755)
    else:
        sentence = "grading runs students' code in a sandbox, which needs bubblewrap: .*apt install bubblewrap.*"
    monkeypatch.setenv("PATH", str(folder))
    sandbox._command.cache_clear()
    try:
        with pytest.raises(sandbox.NoSandbox, match=f"^{sentence}$"):
            gr.grade(*some)
        with pytest.raises(sandbox.NoSandbox, match=f"^{sentence}$"):
            sandbox.run({"cells": ["open('/tmp/ran', 'w')"], "blocks": [["", [[0, "1"]]]]})
        said = command(monkeypatch, "grade", CHAPTER="03", SUBMISSIONS=some[1], OUT=some[2])
        assert re.fullmatch(f"dropout-book: {sentence}", said)
    finally:
        sandbox._command.cache_clear()
    assert not some[2].exists()


def test_on_other_systems_it_says_where_to_grade(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    sandbox._command.cache_clear()
    try:
        with pytest.raises(
            sandbox.NoSandbox, match=rf"^{SENTENCE}on macOS and Windows, grade in a Linux virtual machine$"
        ):
            sandbox.check()
    finally:
        monkeypatch.undo()
        sandbox._command.cache_clear()


HANGS = {"sleeps": "import time\ntime.sleep(600)", "works": "while True:\n    pass"}
WAYS = [(how, where) for how in HANGS for where in ("probes", "setup")]


@pytest.fixture(scope="module")
def hung():
    """{way: (how many probes the question has, what its sandbox gave, how often it was started)}, run side by side."""
    can_sandbox()
    counts = [collections.Counter(probe.question for probe in read(name)[0].probes) for name in MASTERS]
    most = max(count for one in counts for count in one.values())
    starts, attempt = collections.Counter(), sandbox.attempt

    def counted(cells, blocks, limits, deadline, spent):
        starts[limits["way"]] += 1
        return attempt(cells, blocks, limits, deadline, spent)

    def one(way):
        how, where = way
        cells = ["def f():\n    " + HANGS[how].replace("\n", "\n    "), "def g():\n    return 7"]
        setup, probe = ("f()", "1") if where == "setup" else ("", "f()")
        blocks = [[setup, [[number, probe] for number in range(most)]], ["", [[most, "g()"]]]]
        limits = sandbox.LIMITS | {"step": 1, "wait": 10, "whole": 600, "way": way}
        return most, sandbox.run({"cells": cells, "blocks": blocks}, limits), starts[way]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(WAYS)) as pool:
        patch.setattr(sandbox, "attempt", counted)
        return dict(zip(WAYS, pool.map(one, WAYS)))


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_question_that_hangs_leaves_time_for_the_others(hung, way):
    """With as many probes as a question may have, it may hang twice, and its setup once; there is time for that."""
    most, run, starts = hung[way]
    assert run["values"] == {most: 7} and sorted(run["stopped"]) == list(range(most))
    assert all("longer than" in why for why in run["stopped"].values())
    assert starts == (2 if way[1] == "setup" else 3) and 3 * sandbox.LIMITS["wait"] < sandbox.LIMITS["whole"]


def test_a_probe_that_hangs_leaves_those_of_its_question(sandbox_here):
    cells = ["def f(n):\n    while n == 1:\n        pass\n    return n"]
    blocks = [["", [[number, f"f({number})"] for number in range(4)]]]
    run = sandbox.run({"cells": cells, "blocks": blocks}, PATIENT | {"step": 1})
    assert run["values"] == {0: 0, 2: 2, 3: 3} and list(run["stopped"]) == [1]


def test_what_was_said_before_the_end_counts(monkeypatch, sandbox_here):
    """However late the first look is: here, after the sandbox has ended."""

    class Late(sandbox._Gauge):
        def __init__(self, process, uid):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            super().__init__(process, uid)

    monkeypatch.setattr(sandbox, "_Gauge", Late)
    cells, before = ["import os\nos._exit(1)", "def f():\n    return 7"], len(os.listdir("/proc/self/fd"))
    run = sandbox.run({"cells": cells, "blocks": [["", [[0, "f()"]]]]}, PATIENT)
    assert run["values"] == {0: 7} and run["cells"] == {0: ["it ended the program", None]}
    assert len(os.listdir("/proc/self/fd")) == before

"""What a teaching assistant asks for: a sentence that adds up, changes by hand, a gradebook, one student again."""

import csv
import io
import json
import re
import runpy
import sys
import types

import distributed
import pytest
from small import SENTENCE, SMALL, data, handed_in, tree

from grading import explain, folder, gradebook, sandbox
from grading import grade as gr
from grading import homework as hw

SID = "12345"


CALLS, KNOWN, REAL = [], {}, sandbox.run


def noted(job, limits=sandbox.LIMITS):
    """As the sandbox does; what it did once with a job it need not do again."""
    CALLS.append(limits)
    key = json.dumps(job)
    if key not in KNOWN:
        KNOWN[key] = REAL(job, limits)
    return KNOWN[key]


@pytest.fixture
def ran(monkeypatch):
    """The limits of each job that went to the sandbox."""
    monkeypatch.setattr(sandbox, "run", noted)
    CALLS.clear()
    return CALLS


@pytest.fixture
def some(tmp_path, small, sandbox_here):
    """A folder as it comes: five students, two files of one, a file that is none, one that cannot be read."""
    homework, text = small
    where = tmp_path / "in"
    where.mkdir()
    right, half = data(handed_in(text, SMALL)), data(handed_in(text, SMALL, ["q1"]))
    files = {
        "meieranna_1_10_01-small.ipynb": half,
        "meieranna_1_20_01-small-1.ipynb": right,
        "oneilbo_LATE_2_11_01-small.ipynb": right,
        "lix_3_12_report.pdf": b"%PDF",
        "Homework_cy_attempt_2026-11-20-14-03-22_01-small.ipynb": right,
        "Thumbs.db": b"",
        "Homework_cy_attempt_2026-11-20-14-03-22.txt": b"",
    }
    for name, content in files.items():
        (where / name).write_bytes(content)
    (tmp_path / "class.csv").write_text(
        "\ufeffStudent,ID,SIS Login ID,Section,01-small (77)\n    Points Possible,,,,9\n"
        '"Meier, Anna",1,ameier,A,\n"O\'Neil, Bo",2,boneil,A,\n"小龙, 李",3,lix,A,\n'
        '"Cy, Cy",4,cy,B,\n"Di, Di",5,di,B,\n',
        encoding="utf-8",
    )
    return homework, where, tmp_path / "out"


def rows(file):
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))


def test_the_sentence_adds_up(some, ran, tmp_path):
    told = []
    gr.grade(*some, say=told.append)
    pdf = "1 where the file is a PDF"
    aside = "2 that are no submission (Homework_cy_attempt_2026-11-20-14-03-22.txt, Thumbs.db)"
    assert told == [f"7 entries: 3 graded, 4 not: {aside}; 1 that a later hand-in replaces; {pdf}"]
    first, rest = re.fullmatch(r"(\d+) entries: (.*)", told[0]).groups()
    graded, out, *parts = map(int, re.findall(r"(?:^|not: |; |, (?=\d+ not))(\d+)", rest))
    assert int(first) == graded + out and out == sum(parts)
    gr.grade(*some, roster=tmp_path / "class.csv", say=told.append)
    assert told[1].startswith(told[0] + ". Of 5 on the roster, 1 handed in nothing")
    page = (some[2] / "class.html").read_text("utf-8")
    assert all(words in page for words in ("Thumbs.db", "Handed in nothing", "Di, Di", "meieranna_1_10_01-small.ipynb"))


def test_the_gradebook_goes_back_to_canvas(some, ran, tmp_path):
    gr.grade(*some, roster=tmp_path / "class.csv")
    text = (some[2] / "gradebook.csv").read_text("utf-8")
    assert text == (
        "\ufeffStudent,ID,SIS Login ID,Section,01-small (77)\n    Points Possible,,,,10\n"
        '"Meier, Anna",1,ameier,A,10\n"O\'Neil, Bo",2,boneil,A,10\n"小龙, 李",3,lix,A,0\n'
        '"Cy, Cy",4,cy,B,10\n"Di, Di",5,di,B,\n'
    )
    assert [row["student"] for row in rows(some[2] / "grades.csv")] == [
        "Cy, Cy",
        "小龙, 李",
        "Meier, Anna",
        "O'Neil, Bo",
    ]


ROSTERS = {
    "Moodle": (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments\n"
        "Participant 1,Anna Meier,a@x.edu,Submitted,,10.00,\nParticipant 9,Di,d@x.edu,No submission,,10.00,\n",
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments\n"
        "Participant 1,Anna Meier,a@x.edu,Submitted,7.5,10.00,late\nParticipant 9,Di,d@x.edu,No submission,,10.00,\n",
    ),
    "Gradescope": (
        "First Name,Last Name,SID,Email\nAnna,Meier,1,a@x.edu\nDi,Do,9,d@x.edu\n",
        "First Name,Last Name,SID,Email,Total Score,Max Points\nAnna,Meier,1,a@x.edu,7.5,10\nDi,Do,9,d@x.edu,,\n",
    ),
    "any other": (
        "name;group\nAnna Meier;A\nDi;B\n",
        "name,group,Score,Max Points,Comments\nAnna Meier,A,7.5,10,late\nDi,B,,,\n",
    ),
}


@pytest.mark.parametrize("platform", ROSTERS)
def test_the_gradebook_of_other_platforms(tmp_path, small, platform):
    before, after = ROSTERS[platform]
    (tmp_path / "class.csv").write_text(before)
    result = {"score": 7.5, "output": "late"}
    assert gradebook.filled(folder.Roster(tmp_path / "class.csv"), small[0], {0: result}) == after


def test_late_and_by_hand_survive_a_second_run(some, ran):
    late = "10 % a day, at most 3, due 2026-11-18 23:59"
    some[2].mkdir()
    (some[2] / "adjust.csv").write_text(
        "student;points;late;comment\nmeieranna;-1,5;;asked in person\noneilbo;;5;\nlix;2;;"
        "by mail\n", encoding="utf-8-sig"
    )  # fmt: skip
    results, _ = gr.grade(*some, late=late)
    before = tree(some[2])
    assert {r["extra_data"]["student"]: r["score"] for r in results} == {
        "cy": 8,
        "lix": 2,
        "meieranna": 8.5,
        "oneilbo": 7,
    }
    table = {row["student"]: row for row in rows(some[2] / "grades.csv")}
    assert table["cy"]["remark"] == "2 days late: -2" and float(table["cy"]["changed"]) == -2
    assert table["meieranna"]["remark"] == "asked in person: -1.5"
    assert "asked in person" in (some[2] / "feedback" / "meieranna.html").read_text("utf-8")
    assert json.loads((some[2] / "results" / "meieranna.json").read_text())["score"] == 10  # the program's own
    ran.clear()
    gr.grade(*some, late=late)
    assert tree(some[2]) == before and ran == []


def test_a_table_by_hand_in_another_encoding(tmp_path):
    one = folder.Submission("Zoë", "zoe", "zoe.ipynb", None)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "adjust.csv").write_text("Student\tPoints\nZoë\t1,5\n", encoding=encoding)
        assert gradebook.Changes("", tmp_path / "adjust.csv", [one]).of(one, 3) == [(1.5, "by hand")]


def test_a_mark_of_lateness_without_days_is_said(some, ran):
    results, _ = gr.grade(*some, late="10 % a day")
    one = next(r for r in results if r["slug"] == "oneilbo")
    assert one["score"] == 10 and "adjust.csv" in one["changes"][0][1]


@pytest.mark.parametrize(
    "text, words",
    [
        ("student,points\nnobody,1\n", "line 2: nobody is called nobody"),
        ("student,points\ncy,many\n", "line 2: points and days late are numbers"),
        ("student,late\ncy,-1\n", "line 2: points and days late are numbers"),
        ("name,points\ncy,1\n", "the first line names the columns"),
        ("", "the first line names the columns"),
        ("student,points\n" + "x" * 200_000 + ",1\n", "is no table"),
    ],
)
def test_a_faulty_adjust_file_is_named(some, text, words):
    some[2].mkdir()
    (some[2] / "adjust.csv").write_text(text)
    with pytest.raises(hw.Fault, match=rf"adjust\.csv.*{words}"):
        gr.grade(*some)
    assert not (some[2] / "results").exists()


@pytest.mark.parametrize("late", ["ten", "10", "10 %, due tomorrow", "10 %, due 2026-13-01", "-5 %"])
def test_a_faulty_policy_is_named(late):
    with pytest.raises(hw.Fault, match=rf"^LATE={re.escape(late)} {SENTENCE}$"):
        gradebook.Changes(late, "none", [])


def test_only_one_is_graded_again(some, ran):
    gr.grade(*some)
    before = tree(some[2])
    ran.clear()
    gr.grade(*some, only="ANNA")
    assert len(ran) == 2 and tree(some[2]) == before  # the master's solution, and hers
    with pytest.raises(hw.Fault, match=r"^ONLY=zoe: there is no submission of that name$"):
        gr.grade(*some, only="zoe")
    (some[1] / "oneilbo_LATE_2_11_01-small.ipynb").write_bytes(b"{}")
    told = []
    results, _ = gr.grade(some[0], some[1], some[2].with_name("new"), only="cy", time=2, say=told.append)
    assert ran[-1]["whole"] == 2 * sandbox.LIMITS["whole"] and ran[-1]["memory"] == sandbox.LIMITS["memory"]
    assert {r["slug"] for r in results} == {"cy", "lix", "oneilbo"} and "1 not asked for" in told[0]


def test_results_of_entries_that_are_gone_are_removed(some, ran):
    told = []
    gr.grade(*some)
    (some[1] / "oneilbo_LATE_2_11_01-small.ipynb").unlink()
    (some[2] / "feedback" / "notes.txt").write_text("mine")
    gr.grade(*some, say=told.append)
    assert {path.stem for path in (some[2] / "results").iterdir()} == {"cy", "lix", "meieranna"}
    assert {path.name for path in (some[2] / "feedback").iterdir()} == {
        "cy.html",
        "lix.html",
        "meieranna.html",
        "notes.txt",
    }
    assert told[0].endswith("Results removed, whose entry is no longer there: 1")


TRIED = []


def stumbling(job):
    """Fails for the first four submissions, and not for the master."""
    TRIED.append(1)
    if 1 < len(TRIED) < 6:
        raise OSError("no more processes")
    return REAL(job)


def test_what_fails_by_the_machines_fault_is_tried_again(some, monkeypatch):
    TRIED.clear()
    monkeypatch.setattr(sandbox, "run", stumbling)
    results, failed = gr.grade(*some, workers=1)
    assert failed == 0 and [result["score"] for result in results] == [10, 0, 10, 10] and len(TRIED) == 8


class Torn(OSError):
    """What a machine says may hold anything."""

    def __str__(self):
        return "no\n\x1b[31mmemory " * 99


REASONS = {
    "no sandbox": (
        sandbox.NoSandbox("this machine can watch no sandbox more: Too many open files"),
        "3 that got no sandbox (this machine can watch no sandbox more: Too many open files)",
    ),
    "a machine": (MemoryError(), "3 that a machine could not run (MemoryError)"),
    "words": (Torn(), "3 that a machine could not run (Torn: no  [31mmemory no"),
    "a lost worker": (
        distributed.KilledWorker("x", types.SimpleNamespace(address="a"), 10),
        "3 that lost their worker",
    ),
}


@pytest.mark.parametrize("what", REASONS)
def test_what_the_machine_could_not_run_is_told_with_its_reason(some, monkeypatch, what):
    error, words = REASONS[what]
    began = []

    def failing(job):
        began.append(1)
        if len(began) > 1:
            raise error
        return REAL(job)

    monkeypatch.setattr(sandbox, "run", failing)
    told = []
    results, failed = gr.grade(*some, workers=1, say=told.append)
    assert failed == 3 and len(results) == 1
    [line] = told
    assert words in line and "\n" not in line and "\x1b" not in line and len(line) < 700
    assert ("lost their worker" in line) == (what == "a lost worker")
    assert line.startswith("7 entries: 0 graded, 7 not: ")
    count = sum(int(n) for n in re.findall(r"(?:not: |; )(\d+) (?:that|where)", line))
    assert count == 7


def test_pages_without_names(some, ran):
    gr.grade(*some)
    gr.grade(*some, anonymous=True)
    codes = {row["result"]: row["page"] for row in rows(some[2] / "anonymous.csv")}
    assert set(codes) == {"cy", "lix", "meieranna", "oneilbo"}
    pages = {path.stem: path.read_text("utf-8") for path in (some[2] / "feedback").iterdir()}
    assert set(pages) == set(codes.values())
    assert not [
        name
        for name in ("meier", "oneil", "01-small.ipynb")
        if name in "".join(pages.values()).replace("itself, 01-small.ipynb", "")
    ]
    gr.grade(*some, anonymous=True)
    assert codes == {row["result"]: row["page"] for row in rows(some[2] / "anonymous.csv")}


def test_a_teacher_sees_both_values(small, tmp_path, sandbox_here):
    homework, text = small
    (tmp_path / "in").mkdir()
    wrong = "def named(n):\n    return {'square': n * n, 'cube': n * n * n + 1, }"
    odd = "def summed(x):\n    return '\\x1b[31m'"
    (tmp_path / "in" / "anna.ipynb").write_bytes(data(handed_in(text, SMALL, None, q3=wrong, q2=odd)))
    told = "\n".join(explain.explain(homework, tmp_path / "in", "anna"))
    assert told.startswith("anna: anna.ipynb\n") and told.endswith("\n4 of 10 points") and "\x1b" not in told
    assert (
        '3.1 the powers: 0 of 2 points, tolerance 1e-06\n    (named(N))\n  gave      {"square": 49, "cube": 344}'
        in told
    )
    assert '  expected  {"square": 49, "cube": 343}\n  differs   at ["cube"]: 344 for 343\n' in told
    assert '  gave      "\\u001b[31m"\n  expected  45.0' in told
    with pytest.raises(hw.Fault, match="no submission of that name"):
        list(explain.explain(homework, tmp_path / "in", "zoe"))


@pytest.mark.parametrize(
    "words, said",
    [
        (["grade", "--time", "no"], r"TIME=no is no number of times, such as 2"),
        (["grade", "--time", "0"], r"TIME=0 is no number of times, such as 2"),
        (["grade", "--roster", "/nowhere.csv"], r"ROSTER=/nowhere\.csv cannot be read"),
        (["grade", "--late", "much"], r"LATE=much is not as in .*"),
        (["grade", "--only", "zoe"], r"ONLY=zoe: there is no submission of that name"),
        (["explain", "--only", "zoe"], r"ONLY=zoe: there is no submission of that name"),
        (["explain"], r"say make explain CHAPTER=03 SUBMISSIONS=folder ONLY=anna"),
        (["alike", "--out", ""], r"say make alike CHAPTER=03 SUBMISSIONS=folder OUT=folder"),
    ],
)
def test_wrong_words_are_named_in_a_sentence(tmp_path, small, monkeypatch, words, said):
    for variable in ("CLASS", "HOMEWORK_PRIVATE", "SCHEDULER", "ROSTER", "ONLY", "LATE", "TIME", "ANONYMOUS"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "anna.ipynb").write_bytes(b"")
    for variable, value in {"CHAPTER": "03", "SUBMISSIONS": tmp_path / "in", "OUT": tmp_path / "out"}.items():
        monkeypatch.setenv(variable, str(value))
    monkeypatch.setattr(hw, "read", lambda *_, **__: small)
    monkeypatch.setattr(sys, "argv", ["grading", *words])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("grading", run_name="__main__")
    assert re.fullmatch(f"dropout-book: {said}", caught.value.code) and not (tmp_path / "out").exists()

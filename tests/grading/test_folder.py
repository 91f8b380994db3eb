"""Folders of submissions as learning platforms make them, rosters, and folders that would do harm."""

import csv
import io
import os
import re
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from small import NAME, SENTENCE, SMALL, data, handed_in

from grading import folder, report
from grading import grade as gr
from grading import homework as hw


def filled(where, *files):
    for file in files:
        path = where / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return where


def looked(where, *files, roster=None):
    """({student: the file that counts}, older, aside) of a folder with these files."""
    there = folder.look(filled(where, *files), NAME, roster)
    assert there.entries == len([entry for entry in os.scandir(where) if entry.name[0] != "."])
    of = {one.student: one.file for one in there.submissions}
    assert len(of) == len(there.submissions)
    return of, sorted(one.entry for one in there.older), there.aside


PLATFORMS = {
    "Moodle, folders": (
        [
            "Anna Meier_12345_assignsubmission_file_/x.ipynb",
            "Anna Meier_12345_assignsubmission_onlinetext_/onlinetext.html",
            "李 小龙_12346_assignsubmission_file/hw.zip",
        ],
        {
            "Anna Meier": "Anna Meier_12345_assignsubmission_file_/x.ipynb",
            "李 小龙": "李 小龙_12346_assignsubmission_file/hw.zip",
        },
        ["Anna Meier_12345_assignsubmission_onlinetext_"],
    ),
    "Moodle, files": (
        ["Anna Meier_12345_assignsubmission_file_x.ipynb", "Bo O'Neil_7_assignsubmission_file_report.pdf"],
        {
            "Anna Meier": "Anna Meier_12345_assignsubmission_file_x.ipynb",
            "Bo O'Neil": "Bo O'Neil_7_assignsubmission_file_report.pdf",
        },
        [],
    ),
    "Canvas": (
        [
            f"meieranna_LATE_123_456_{NAME}-1.ipynb",
            f"meieranna_123_455_{NAME}.ipynb",
            f"meieranna_123_457_{NAME}-10.ipynb",
            "oneilbo_124_460_data.csv",
            f"oneilbo_124_459_{NAME}.ipynb",
            f"meieranna_777_458_{NAME}.IPYNB",
        ],
        {
            "meieranna (123)": f"meieranna_123_457_{NAME}-10.ipynb",
            "meieranna (777)": f"meieranna_777_458_{NAME}.IPYNB",
            "oneilbo": f"oneilbo_124_459_{NAME}.ipynb",
        },
        [f"meieranna_123_455_{NAME}.ipynb", f"meieranna_LATE_123_456_{NAME}-1.ipynb", "oneilbo_124_460_data.csv"],
    ),
    "Blackboard": (
        [
            f"Homework 3_ameier_attempt_2026-11-20-14-03-22_{NAME}.ipynb",
            "Homework 3_ameier_attempt_2026-11-20-14-03-22.txt",
            f"Homework 3_ameier_attempt_2026-11-21-09-00-00_{NAME}.zip",
            "Homework 3_bo_attempt_2026-11-20-14-03-22_x.ipynb",
        ],
        {
            "ameier": f"Homework 3_ameier_attempt_2026-11-21-09-00-00_{NAME}.zip",
            "bo": "Homework 3_bo_attempt_2026-11-20-14-03-22_x.ipynb",
        },
        [f"Homework 3_ameier_attempt_2026-11-20-14-03-22_{NAME}.ipynb"],
    ),
    "Google Classroom": (
        [f"Anna Meier - {NAME}.ipynb", f"Bo - Kopie von {NAME}.ipynb", f"{NAME} - Zoë.ipynb"],
        {
            "Anna Meier": f"Anna Meier - {NAME}.ipynb",
            "Bo": f"Bo - Kopie von {NAME}.ipynb",
            "Zoë": f"{NAME} - Zoë.ipynb",
        },
        [],
    ),
    "Moodle, without names": (
        [f"Participant_{n}_assignsubmission_file_/x.ipynb" for n in (71, 72)],
        {f"Participant ({n})": f"Participant_{n}_assignsubmission_file_/x.ipynb" for n in (71, 72)},
        [],
    ),
    "GitHub Classroom": (
        [
            f"{NAME}-ameier/{NAME}.ipynb",
            f"{NAME}-ameier/.git/x.ipynb",
            f"{NAME}-bo/{NAME}.ipynb",
            f"{NAME}-bo/test.ipynb",
        ],
        {"ameier": f"{NAME}-ameier/{NAME}.ipynb", "bo": f"{NAME}-bo/{NAME}.ipynb"},
        [],
    ),
    "versions in a folder": (
        [f"anna/{NAME}.ipynb", f"anna/{NAME} (2).ipynb", f"anna/old/{NAME}(1).ipynb", "anna/plot.ipynb"],
        {"anna": f"anna/{NAME} (2).ipynb"},
        [],
    ),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platforms_folder(tmp_path, platform):
    files, wanted, older = PLATFORMS[platform]
    of, before, aside = looked(tmp_path, *files)
    assert (of, before) == (wanted, older)
    assert aside == (["Homework 3_ameier_attempt_2026-11-20-14-03-22.txt"] if platform == "Blackboard" else [])


METADATA = """\
submission_101:
  :submitters:
  - :name: Anna Meier
    :sid: '12345'
    :email: anna@example.edu
  :created_at: 2026-11-20 14:03:22.5 Z
submission_102:
  :submitters:
  - :name: Bo
    :sid:
  - :name: 李小龙
    :sid: '9'
  :created_at: 2026-11-21 14:03:22 Z
"""


def test_gradescopes_export(tmp_path):
    (tmp_path / "submission_metadata.yml").write_text(METADATA)
    of, _, aside = looked(tmp_path, f"submission_101/{NAME}.ipynb", "submission_102/x.ipynb")
    assert of == {"Anna Meier": f"submission_101/{NAME}.ipynb", "Bo and 李小龙": "submission_102/x.ipynb"}
    assert aside == ["submission_metadata.yml"]
    (tmp_path / "submission_metadata.yml").write_text("a: [")
    with pytest.raises(hw.Fault, match=rf"submission_metadata\.yml {SENTENCE}$"):
        folder.look(tmp_path, NAME)


def test_what_is_no_submission_is_named_and_no_student(tmp_path):
    names = ["Thumbs.db", "desktop.ini", "grades.csv", "sheet.pdf", "README.md"]
    of, _, aside = looked(tmp_path, *names, "anna.ipynb", "bo.IPYNB", "cy.zip", "Di", ".hidden")
    assert of == {"anna": "anna.ipynb", "bo": "bo.IPYNB", "cy.zip": "cy.zip", "Di": "Di"}
    assert sorted(aside) == sorted(names)


ROWS = [
    ("12345", "Meier", "Anna Maria", "anna.meier@example.edu", "ameier"),
    ("12346", "O'Neil", "Bo", "bo@example.edu", "boneil"),
    ("12347", "小龙", "李", "li@example.edu", "lix"),
    ("12348", "می‌رضا", "زهرا", "z@example.edu", "zmr"),
    ("12349", unicodedata.normalize("NFD", "Lüé"), "Zoë", "zoe@example.edu", "zoel"),
    ("12350", "Lee", "Kim", "kim1@example.edu", "kim1"),
    ("12351", "Lee", "Kim", "kim2@example.edu", "kim2"),
]
TITLES = ("ID", "Last name", "First name", "Email", "Login")
CALLED = {  # entry: row
    "Anna Maria Meier_99_assignsubmission_file_/x.ipynb": 0,
    "meierannamaria_5_456_x.ipynb": 0,
    "a_12345_7_x.ipynb": 0,
    "ameier.ipynb": 0,
    "hw3-ameier/x.ipynb": 0,
    "Homework_ameier_attempt_2026-11-20-14-03-22_x.ipynb": 0,
    "anna.meier.ipynb": 0,
    "oneilbo_5_456_x.ipynb": 1,
    "Bo O’Neil.ipynb": 1,
    "李小龙.ipynb": 2,
    "小龙 李_4_assignsubmission_file_/x.ipynb": 2,
    "زهرا می‌رضا.ipynb": 3,
    "Zoë Lüé.ipynb": 4,
    "zoe lue.ipynb": 4,
    "leekim_5_6_x.ipynb": None,
    "Kim Lee.ipynb": None,
    "kim2.ipynb": 6,
    "nobody.ipynb": None,
}


def roster(path, order=(0, 1, 2, 3, 4), delimiter=",", encoding="utf-8", rows=ROWS):
    held = io.StringIO()
    writer = csv.writer(held, delimiter=delimiter)
    writer.writerows([row[n] for n in order] for row in [TITLES, *rows])
    path.write_bytes(held.getvalue().encode(encoding))
    return folder.Roster(path)


FORMS = [((0, 1, 2, 3, 4), ",", "utf-8"), ((4, 2, 3, 1, 0), ";", "utf-8-sig"), ((3, 0, 2, 4, 1), "\t", "utf-16")]


@pytest.mark.parametrize("form", FORMS)
def test_a_roster_in_any_order_finds_names_in_any_script(tmp_path, form):
    made = roster(tmp_path / "class.csv", *form)
    assert made.names[2] == "李 小龙" and made.names[3] == "زهرا می‌رضا"
    for number, (entry, row) in enumerate(CALLED.items()):
        where = filled(tmp_path / str(number), entry)
        one = folder.look(where, NAME, made).submissions[0]
        assert one.row == row, entry
        assert row is None or one.student == made.names[row]


def test_with_a_roster_the_latest_of_all_that_is_a_students_counts(tmp_path):
    made, where = roster(tmp_path / "class.csv"), filled(tmp_path / "in", "ameier.ipynb", "Anna Maria Meier/x.ipynb")
    os.utime(where / "ameier.ipynb", (2_000_000_000, 2_000_000_000))
    there = folder.look(where, NAME, made)
    assert [(one.student, one.file) for one in there.submissions] == [("Anna Maria Meier", "ameier.ipynb")]
    assert [one.entry for one in there.older] == ["Anna Maria Meier"] and there.absent == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("content", [b"", b"name\n", b"\n\n", None])
def test_no_roster(tmp_path, content):
    if content is not None:
        (tmp_path / "class.csv").write_bytes(content)
    with pytest.raises(hw.Fault, match=rf"^ROSTER=\S+ {SENTENCE}$"):
        folder.Roster(tmp_path / "class.csv")


# ---------------------------------------------------------------- folders that would do harm


@pytest.fixture
def far():
    """A folder that pytest need not remove: it could not, once it is deep."""
    made = Path(tempfile.mkdtemp())
    yield made
    subprocess.run(["rm", "-rf", made], check=True)


def test_folders_in_folders_end_no_run(far, small, sandbox_here):
    """Each of these was once a traceback, and all the class without a result."""
    homework, text = small
    deep = far / "in" / "deep and right" / "junk"
    deep.mkdir(parents=True)
    here = os.open(deep, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    for number in range(200):
        (far / "in" / "wide" / f"{number}").mkdir(parents=True)
    (far / "in" / "deep and right" / "x.ipynb").write_bytes(data(handed_in(text, SMALL)))
    (far / "in" / "surrogate\udcff.ipynb").write_bytes(b"")
    (far / "in" / ("n" * 249 + ".ipynb")).write_bytes(b"[" * 100_000)
    results, failed = gr.grade(homework, far / "in", far / "out", workers=1)
    assert {result["extra_data"]["student"]: result["score"] for result in results} == {
        "deep and right": 10,
        "wide": 0,
        "surrogate\ufffd": 0,
        "n" * 120: 0,
    }
    assert failed == 0 and "holds 0 notebooks" in next(r["output"] for r in results if r["slug"] == "wide")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read(tmp_path):
    filled(tmp_path, "anna/x.ipynb")
    (tmp_path / "anna").chmod(0)
    try:
        assert "holds 0 notebooks" in folder.found(tmp_path, NAME)[0].fault
    finally:
        (tmp_path / "anna").chmod(0o700)


def test_a_file_that_surprises_its_reader_costs_its_own_student_only(tmp_path, small, sandbox_here, monkeypatch):
    homework, text = small
    for name in ("anna", "bo"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.ipynb").write_bytes(data(handed_in(text, SMALL)))
    real, calls = hw.submitted, []

    def surprised(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(hw, "submitted", surprised)
    results, _ = gr.grade(homework, tmp_path / "in", tmp_path / "out", workers=1)
    assert [result["score"] for result in results] == [0, 10] and results[0]["output"] == "the file cannot be read"


BAD = [
    '=1+1', 'x;"=cmd|\'/C calc\'!A0";y', "x;=1", "x,=1", "x\t@SUM(1)", "+1", "-1", "  =1", '"=1', "'=1", ";;=1",
    "a;\u00a0=1",
    "a\u2028=1", "a\r\n=1", "a\u2029b", "a\x85=1", "a\x0b=1", "＝1", "x;＋1", ';"";"=1', ";'=1", 'x"\n"=1', "a\x1c=1",
]  # fmt: skip


def unsafe(text):
    """The cells that a spreadsheet would take for a formula, wherever the table is cut."""
    return [
        (delimiter, quote, cell)
        for delimiter in ",;\t"
        for quote in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
        for row in csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quote)
        for cell in row
        if re.match(r"""["\s]*[=+@＝＋－＠]|["\s]*-(?!\d)""", cell)
    ]


@given(
    st.lists(
        st.sampled_from(BAD) | st.text(" ;,\t\"'=+-@a\n\r\u2028\x85", max_size=12) | st.text(max_size=6),
        min_size=1,
        max_size=4,
    )
)
@example(BAD)
def test_no_name_becomes_a_formula_or_a_row(names):
    text = report.table(["student", "points"], [[name, 3] for name in names])
    assert unsafe(text) == []
    assert len(text.splitlines()) == len(names) + 1  # which also cuts at U+2028
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert [row[1] for row in rows] == ["3"] * len(names)


def test_a_formula_would_be_seen():
    assert all(unsafe(f'student,points\n"{name.replace(chr(34), 2 * chr(34))}",3\n') for name in BAD[:6])

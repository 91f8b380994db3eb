"""What LibreOffice, run without a window, makes of the tables: text and numbers, and never a formula."""

import csv
import io
import random
import re
import shutil
import subprocess

import pytest
from small import SMALL, data, handed_in
from test_folder import BAD

from grading import grade as gr
from grading import report

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = pytest.mark.skipif(not OFFICE, reason="needs LibreOffice")
FORMULA = re.compile(r"table:formula|table:dde|dde-source|xlink:href")
CUTS = {"comma": "44", "semicolon": "59", "tab": "9", "all of them": "44/59/9"}
ALONE = ("comma", "semicolon", "tab")
QUOTES = {"quoted": "34", "apostrophes": "39", "not quoted": "0"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """(files of a folder, how cells end, how they are quoted) -> each sheet as LibreOffice has it, as XML."""
    profile = tmp_path_factory.mktemp("profile").as_uri()

    def all_of(files, cut, quote="34"):
        # Separators, quotation mark, UTF-8, from line 1, no format of columns, the language, text that is quoted may
        # be more, numbers of any kind and dates are looked for: as a hasty teacher clicks.
        words = f"{cut},{quote},76,1,,0,false,true,false"
        out = files[0].parent / f"{cut.replace('/', ' ')} {quote}"
        command = [OFFICE, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "fods"]
        command += [f"--infilter=Text - txt - csv (StarCalc):{words}", "--outdir", out, *files]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return [(out / f"{file.stem}.fods").read_text("utf-8") for file in files]

    return all_of


def hostile(number):
    """Names of signs that begin formulas, separate cells, quote, or end lines."""
    rng = random.Random(13)
    signs = [*";,\t\"'=+-@|%＝＋－＠ \u00a0\r\n\u2028", "=1+1", "SUM(1)", "=cmd|'/C calc'!A0", "a", "7"]
    return BAD + ["".join(rng.choices(signs, k=rng.randint(1, 7))) for _ in range(number)]


@pytest.mark.parametrize("quote", QUOTES)
@pytest.mark.parametrize("cut", [pytest.param(cut, marks=pytest.mark.slow if cut in ALONE else ()) for cut in CUTS])
def test_no_name_becomes_a_formula(opened, tmp_path, cut, quote):
    file = tmp_path / "grades.csv"
    file.write_text(report.table(["student", "points"], [[name, 3] for name in hostile(1500)]), encoding="utf-8")
    (sheet,) = opened([file], CUTS[cut], QUOTES[quote])
    assert sheet.count("<table:table-row") > 500 and not FORMULA.search(sheet)


def test_no_table_of_a_class_holds_one(opened, small, sandbox_here, tmp_path):
    homework, text = small
    (tmp_path / "in").mkdir()
    names = [name.replace("/", "").replace("\0", "") for name in BAD]
    for number, name in enumerate(names):
        (tmp_path / "in" / f"{name}{number}.ipynb").write_bytes(data(handed_in(text, SMALL)) if number < 2 else b"")
    people = io.StringIO()
    csv.writer(people).writerows([["name", "group"], *([f"{name}{n}", name] for n, name in enumerate(names))])
    (tmp_path / "class.csv").write_text(people.getvalue(), encoding="utf-8")
    out = tmp_path / "out"
    gr.grade(homework, tmp_path / "in", out, workers=1, roster=tmp_path / "class.csv", anonymous=True)
    tables = sorted(out.glob("*.csv"))
    assert [file.stem for file in tables] == ["anonymous", "gradebook", "grades", "probes", "statistics"]
    for cut in ("all of them", "comma"):
        for file, sheet in zip(tables, opened(tables, CUTS[cut]), strict=True):
            assert not FORMULA.search(sheet), file.name


@pytest.mark.parametrize("line", ["=1+1,3", 'x;"=2+2",3', 'a,=HYPERLINK("http://a.invalid"),3', "x\t=A1&B1,3"])
def test_a_formula_is_seen(opened, tmp_path, line):
    file = tmp_path / "a.csv"
    file.write_text(f"student,points\n{line}\n", encoding="utf-8")
    assert FORMULA.search(opened([file], CUTS["all of them"])[0])

"""Gradescope's autograder: the zip, and a submission graded where Gradescope would put it; and grading without root."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import build
import pytest
from homeworks import MASTERS, can_sandbox, read

from grading import gradescope, sandbox

NAME = "03-inverted-dropout"
OTHER = "/usr/bin/python3"  # a Python that every user may read, as Gradescope's is
QUESTION = """\
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
"""
HIDDEN = """\
### BEGIN HIDDEN TESTS
numbers = [3.25, -1.5, 7.125]
probe("three numbers", [double(x) for x in numbers], points=3, hint="Twice.")
### END HIDDEN TESTS
"""


def packed(folder, masters, chapter):
    chosen = argparse.Namespace(chapter=chapter, class_="", private="", out=str(folder))
    gradescope.pack(chosen, masters)
    return next(folder.glob("*.zip"))


def small_master(folder):
    """A homework of one question that needs no package."""
    info = {"schema_version": 3, "locked": True, "task": False, "grade": False, "solution": False}
    cells = [
        ("markdown", "top-text", "# Homework: doubling\n\n3 points", {}),
        ("markdown", "q1-question", "## 1 · Twice? (3 points)", {}),
        ("code", "q1-solve", QUESTION, {"solution": True, "locked": False}),
        ("code", "q1-check", HIDDEN, {"grade": True, "points": 3}),
    ]
    made = [
        {"cell_type": kind, "id": name, "source": text, "metadata": {"nbgrader": info | {"grade_id": name} | more}}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for kind, name, text, more in cells
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    (folder / "01-double.ipynb").write_text(
        json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    )
    return folder


def autograder(root, archive, sources, name):
    """Gradescope's folders below `root`, with a submission of these code cells."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(root / "source")
    (root / "submission").mkdir()
    (root / "results").mkdir()
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    (root / "submission" / name).write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    (root / "submission" / "notes.txt").write_text("not a notebook")
    return root


def graded(root, python=sys.executable, **environment):
    done = subprocess.run(
        [python, "-m", "grading.gradescope", str(root)],
        cwd=root / "source",
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((root / "results" / "results.json").read_text("utf-8"))


def test_the_zip_holds_the_grader_and_no_solution(tmp_path, monkeypatch):
    can_sandbox()
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    archive = packed(tmp_path / "a", build.ROOT / "homework", "03")
    assert archive.read_bytes() == packed(tmp_path / "b", build.ROOT / "homework", "03").read_bytes()
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        held = "\n".join(opened.read(name).decode() for name in names if not name.startswith("grading/"))
        assert opened.getinfo("run_autograder").external_attr >> 16 & 0o111
        setup = opened.read("setup.sh").decode()
    assert {"setup.sh", "run_autograder", "homework.json", "expected.json", "grading/inside.py"} <= names
    pins = (build.ROOT / "requirements.txt").read_text().split("\n")
    for package in ("ipython", "matplotlib", "numpy", "pyseccomp", "scikit-learn", "torch"):  # what students may import
        assert next(line for line in pins if line.startswith(f"{package}==")).split(";")[0].strip() in setup
    master = json.loads(MASTERS[NAME].read_text("utf-8"))
    for cell in master["cells"]:
        source = "".join(cell["source"])
        if "### BEGIN SOLUTION" in source:
            solution = source.split("### BEGIN SOLUTION")[1].split("### END")[0].strip().split("\n")
            assert json.dumps("\n".join(solution[1:]))[1:-1] not in held
    assert "kept from students" not in held


def test_a_submission_is_graded_as_at_home(tmp_path):
    can_sandbox()
    archive = packed(tmp_path, build.ROOT / "homework", "03")
    homework, _ = read(NAME)
    solution = [source for source in homework.solution if source not in homework.given.values()]
    result = graded(autograder(tmp_path / "full", archive, solution, f"{NAME}.ipynb"))
    assert result["score"] == result["extra_data"]["max_score"] == homework.points
    result = graded(autograder(tmp_path / "half", archive, solution[:1], "other.ipynb"))
    assert 0 < result["score"] < homework.points
    two = autograder(tmp_path / "two", archive, solution, "a.ipynb")
    shutil.copy(two / "submission" / "a.ipynb", two / "submission" / "b.ipynb")
    result = graded(two)
    assert result["score"] == 0 and result["output"].startswith("the submission holds 2 notebooks")
    packed_up = autograder(tmp_path / "zip", archive, solution, "a.ipynb")
    shutil.make_archive(str(tmp_path / "mine"), "zip", packed_up / "submission", base_dir="a.ipynb")
    (packed_up / "submission" / "a.ipynb").unlink()
    shutil.move(tmp_path / "mine.zip", packed_up / "submission" / "MINE.ZIP")
    assert graded(packed_up)["score"] == homework.points


def seccomp(folder):
    """A folder with the one package that the grader needs, for a Python that is not the book's."""
    import pyseccomp

    source = Path(pyseccomp.__file__)
    if source.name == "__init__.py":
        shutil.copytree(source.parent, folder / "pyseccomp")
    else:
        shutil.copy(source, folder)
    return folder


RIGHT = "def double(x):\n    return x + x"
ATTACK = """\
import os, subprocess
root = {root!r}
for path in ("source/expected.json", "source/homework.json", "results/results.json", "submission"):
    try:
        os.listdir(root) and open(os.path.join(root, path))
        double = lambda x: 2 * x
    except OSError:
        pass
try:
    open(os.path.join(root, "results", "results.json"), "w").write('{{"score": 99}}')
except OSError:
    pass
assert os.getuid() != 0
subprocess.Popen(["/bin/sleep", "54321"], start_new_session=True)
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="a container's grader is root")
@pytest.mark.skipif(not os.path.exists(OTHER), reason="no Python that every user may read")
@pytest.mark.parametrize(
    "answer, score", [("def double(x):\n    return x + x", 3), ("def double(x):\n    return x * x", 0)]
)
def test_in_a_disposable_container_a_user_of_its_own_stands_in_for_bubblewrap(tmp_path, answer, score):
    can_sandbox()
    archive = packed(tmp_path, small_master(tmp_path), "01")
    root = tmp_path / "autograder"
    autograder(root, archive, [answer, ATTACK.format(root=str(root))], "01-double.ipynb")
    root.chmod(0o700)
    result = graded(root, OTHER, PATH="/nowhere", PYTHONPATH=str(seccomp(tmp_path)), **{sandbox.DISPOSABLE: "1"})
    assert result["score"] == score
    assert "AssertionError" not in result["output"]
    commands = [Path("/proc", pid, "cmdline") for pid in os.listdir("/proc") if pid.isdigit()]
    assert not [path for path in commands if path.exists() and b"54321" in path.read_bytes()]


def test_without_bubblewrap_a_container_has_to_say_that_it_is_disposable(tmp_path):
    can_sandbox()
    archive = packed(tmp_path, small_master(tmp_path), "01")
    root = autograder(tmp_path / "autograder", archive, [RIGHT], "01-double.ipynb")
    with pytest.raises(AssertionError, match="needs bubblewrap"):
        graded(root, PATH="/nowhere")


UNPRIVILEGED = """\
import sys
sys.path.insert(0, {folder!r})
from grading import sandbox
code = '''
import os
seen = [os.getuid(), sorted(os.listdir("/tmp")), open("/proc/self/status").read().split("CapEff:")[1].split()[0]]
try:
    open("/usr/mine", "w")
except OSError as error:
    seen.append(type(error).__name__)
'''
bomb = "import os\\nwhile True:\\n    os.fork()"
run = sandbox.run({{"cells": [code, bomb], "blocks": [["", [[0, "seen"]]]]}}, sandbox.LIMITS | {{"step": 3}})
print(run)
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root to become another user")
@pytest.mark.skipif(not os.path.exists(OTHER), reason="no Python that every user may read")
def test_a_teacher_need_not_be_root(tmp_path):
    can_sandbox()
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        shutil.copytree(build.ROOT / "grading", folder / "grading", ignore=shutil.ignore_patterns("__pycache__"))
        seccomp(folder)
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        done = subprocess.run(
            [OTHER, "-c", UNPRIVILEGED.format(folder=str(folder))],
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"},
            cwd="/",
            user=12345,
            group=12345,
            extra_groups=[],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert f"[65534, [], '{'0' * 16}', 'OSError']" in done.stdout
        assert "BlockingIOError" in done.stdout or "took longer" in done.stdout
    finally:
        shutil.rmtree(folder)

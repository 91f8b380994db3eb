"""Gradescope's autograder from the same code: `pack` makes the zip, and in Gradescope's container `main` grades one."""

import json
import os
import sys
import zipfile
from importlib import resources
from pathlib import Path

from . import homework as hw
from . import judge, sandbox

# What students' notebooks may import, whatever the homework needs: an answer is as right there as at home.
INSTALLED = ("pyseccomp", "ipython", "matplotlib", "numpy", "scikit-learn", "torch")
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when the autograder is built.
set -euo pipefail
apt-get update
for python in python3.13 python3.12 python3.11; do
  apt-get install -y "$python" "$python-venv" && break
done
apt-get install -y libseccomp2
apt-get install -y bubblewrap || true
"$python" -m venv /opt/grading
{index}/opt/grading/bin/pip install {packages}
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this as root for each submission, in a container of its own.
set -euo pipefail
chmod 700 /autograder # the student's code runs as another user
cd /autograder/source
GRADING_DISPOSABLE_CONTAINER=1 /opt/grading/bin/python -m grading.gradescope /autograder
"""


def pack(chosen, masters):
    """Write gradescope-NAME.zip: the grader, the homework without its solutions, the values they gave."""
    from .grade import expected

    homework, _ = hw.read(hw.chapter_file(masters, chosen.chapter), chosen.class_, chosen.private or None)
    values = expected(homework)
    pins = (Path(__file__).parent.parent / "requirements.txt").read_text("utf-8").splitlines()
    packages = [pin.split(";")[0].strip() for pin in pins if pin.split("==")[0] in INSTALLED]
    homework.solution = []
    index = os.environ.get("PIP_EXTRA_INDEX_URL", "")  # of torch's CPU build, where the packer uses one
    setup = SETUP.format(packages=" ".join(packages), index=f"export PIP_EXTRA_INDEX_URL='{index}'\n" if index else "")
    files = {"setup.sh": setup, "run_autograder": RUN}
    files |= {"homework.json": homework.dump(), "expected.json": json.dumps(values)}
    for file in resources.files(__package__).iterdir():
        if file.name.endswith(".py"):
            files[f"grading/{file.name}"] = file.read_text("utf-8")
    out = Path(chosen.out or ".")
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"gradescope-{homework.name}{'-' if homework.class_ else ''}{homework.class_}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            about = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))  # so that the same homework gives the same bytes
            about.external_attr = (0o100755 if name in ("setup.sh", "run_autograder") else 0o100644) << 16
            archive.writestr(about, text)
    print(
        f"{os.path.relpath(target)}: upload it to Gradescope as the autograder; students hand in {homework.name}.ipynb"
    )


def main(root):
    """Grade root/submission and write root/results/results.json."""
    from .folder import files
    from .grade import explained, read
    from .reading import chosen

    source = root / "source"
    homework = hw.Homework.load((source / "homework.json").read_text("utf-8"))
    expected = {int(number): value for number, value in json.loads((source / "expected.json").read_text()).items()}
    try:
        file, _ = chosen(files(root / "submission"), homework.name, "the submission")
        if (root / "submission" / file).is_symlink():
            raise hw.Fault("a link, which is not followed")
        cells, names, remark = hw.submitted(read(root / "submission" / file), homework)
        graded = explained(judge.graded(homework, expected, sandbox.run(homework.job(cells)), names, remark))
    except hw.Fault as error:
        graded = judge.refused(homework, str(error))
    results = root / "results" / "results.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(graded, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

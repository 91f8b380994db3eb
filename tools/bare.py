"""Run each notebook in an empty folder, in an environment with nothing but what a chapter may import."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-bare"
PACKAGES = ("torch", "numpy", "matplotlib", "scikit-learn", "ipykernel")


def pins():
    """The lines of requirements.txt for the packages a chapter may count on; pip finds what they need."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.split(r"[=\s]", line)[0] in PACKAGES]


def make_environment():
    """The interpreter of the bare environment, made anew unless it was made from the same pins."""
    python, made = VENV / ("Scripts" if os.name == "nt" else "bin") / "python", VENV / "made.txt"
    wanted = "\n".join([sys.version, *pins()])
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT / "requirements.txt"]
    subprocess.run([*install, *PACKAGES], check=True, stderr=subprocess.DEVNULL)
    made.write_text(wanted, encoding="utf-8")
    return python


def run(paths, python, **options):
    """Run copies of notebooks, each alone in an empty folder, and compare their outputs with the stored ones.

    Returns (pytest, as subprocess.run with `options` gives it; {notebook: files it left behind}).
    """
    with tempfile.TemporaryDirectory() as top:
        kernel = Path(top, "jupyter", "kernels", "bare", "kernel.json")
        kernel.parent.mkdir(parents=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.write_text(json.dumps({"argv": argv, "display_name": "bare", "language": "python"}), encoding="utf-8")
        folders = [Path(top, path.stem) for path in paths]
        for path, folder in zip(paths, folders):
            folder.mkdir()
            shutil.copy(path, folder)
        command = [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--rootdir", top]
        command += ["-p", "no:cacheprovider", "-n", str(os.cpu_count() or 1), "--dist", "loadfile"]
        command += ["-p", "nbval", "--nbval", "--nbval-kernel-name", "bare", *folders]
        env = os.environ | {"JUPYTER_PATH": str(kernel.parents[2])}
        done = subprocess.run(command, cwd=top, env=env, **options)
        left = {folder.name: sorted({*os.listdir(folder)} - {f"{folder.name}.ipynb"}) for folder in folders}
    return done, {name: files for name, files in left.items() if files}


def main():
    done, left = run(sorted((ROOT / "notebooks").glob("*.ipynb")), make_environment())
    for name, files in left.items():
        print(f"{name} left files behind: {', '.join(files)}")
    sys.exit(bool(done.returncode or left))


if __name__ == "__main__":
    main()

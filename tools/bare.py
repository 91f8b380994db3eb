"""Run each notebook in an empty folder, in an environment with nothing but what a chapter may import."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-bare"
PACKAGES = ("torch", "numpy", "matplotlib", "scikit-learn", "ipykernel")


def pins():
    """The lines of requirements.txt for the packages a chapter may count on; pip finds what they need."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.split(r"[=\s]", line)[0] in PACKAGES]


def make_environment():
    """Create the bare environment; return its interpreter."""
    python = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    (VENV / "pins.txt").write_text("\n".join(pins()), encoding="utf-8")
    constraint = ["-c", str(ROOT / "requirements.txt")]
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", VENV / "pins.txt"]
    subprocess.run([*install, *constraint], check=True, stderr=subprocess.DEVNULL)
    return python


def run(path, python):
    """Execute a copy of the notebook at `path`, alone in an empty folder; return the seconds it took."""
    nb = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as empty:
        manager = KernelManager()
        manager.kernel_spec.argv[0] = str(python)
        NotebookClient(nb, km=manager, timeout=600).execute(cwd=empty, stderr=subprocess.DEVNULL)
        left = os.listdir(empty)
    if left:
        sys.exit(f"{path.name} left files behind: {left}")
    return time.perf_counter() - started


def main():
    python = make_environment()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        print(f"{path.name}: runs, {run(path, python):.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""Run each notebook in an empty folder, in an environment with nothing but what a chapter may import."""

import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

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


def run(path, python):
    """Execute a copy of the notebook at `path`, alone in an empty folder; return what is wrong, or the seconds."""
    started = time.perf_counter()
    manager = KernelManager()
    manager.kernel_spec.argv[0] = str(python)
    with tempfile.TemporaryDirectory() as empty:
        try:
            client = NotebookClient(nbformat.read(path, as_version=4), km=manager, timeout=3600)
            client.execute(cwd=empty, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
        finally:
            if manager.has_kernel:  # nbclient leaves a manager that it was given running
                manager.shutdown_kernel(now=True)
        left = os.listdir(empty)
    return f"left files behind: {left}" if left else time.perf_counter() - started


def main():
    python, failed = make_environment(), False
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, said in zip(paths, pool.map(lambda path: run(path, python), paths)):
            failed |= isinstance(said, str)
            print(f"{path.name}: {said if isinstance(said, str) else f'runs, {said:.0f} s'}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

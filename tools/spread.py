"""Measure how far the trained results move on other machines, and store it in book/spread.json.

    python tools/spread.py VECTOR_UNIT:THREADS ... [--notebooks NAME ...]

Each notebook is executed as another processor would run it; every "x ± h" that its trained cells print is compared
with the stored one. A shift is given in half-widths h of the stored interval.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import numpy as np

import notebooks as tool

STORED = tool.ROOT / "book" / "spread.json"
ESTIMATE = re.compile(r"([+−-]?\d+(?:\.\d+)?)\s*±\s*(\d+(?:\.\d+)?)")


def estimates(nb):
    """Every (x, h) that the trained cells of a notebook print, in order: an array (n, 2)."""
    found = []
    for cell in tool.tagged_with(nb, "nbval-ignore-output"):
        for output in cell.get("outputs", []):
            text = output.get("text", "") + output.get("data", {}).get("text/markdown", "")
            found += [(float(x.replace("−", "-")), float(h)) for x, h in ESTIMATE.findall(text)]
    return np.array(found).reshape(-1, 2)


def shifts(stored, other):
    """|change of x| in half-widths of the stored interval, for each estimate; ValueError if their numbers differ.

    An estimate stored as x ± 0 shifts by 0 if it stays and by infinity if it moves.
    """
    if stored.shape != other.shape:
        raise ValueError(f"{len(stored)} estimates stored, {len(other)} in this run")
    change = np.abs(stored[:, 0] - other[:, 0])
    return np.divide(change, stored[:, 1], out=np.where(change > 0, np.inf, 0.0), where=stored[:, 1] > 0)


def measure(path, variant):
    """The shifts of one notebook under one variant, such as "avx2:2"."""
    from nbclient import NotebookClient

    unit, threads = variant.split(":")
    stored, other = nbformat.read(path, 4), nbformat.read(path, 4)
    env = {**os.environ, "ATEN_CPU_CAPABILITY": unit, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    NotebookClient(other, timeout=900, kernel_name="python3").execute(
        cwd=str(tool.NOTEBOOKS), stderr=subprocess.DEVNULL, env=env
    )
    return shifts(estimates(stored), estimates(other))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("variants", nargs="+", metavar="VECTOR_UNIT:THREADS")
    parser.add_argument("--notebooks", nargs="*", help="all chapters, unless named")
    args = parser.parse_args()
    paths = sorted(tool.NOTEBOOKS.glob("*.ipynb"))
    paths = [path for path in paths if not args.notebooks or path.stem in args.notebooks]
    measured = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() and args.notebooks else {}

    def one(job):
        try:
            return *job, measure(*job), ""
        except Exception as error:  # name the notebook and the variant, whatever went wrong in it
            return *job, None, f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"

    failed = False
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, variant, moved, wrong in pool.map(one, itertools.product(paths, args.variants)):
            failed |= bool(wrong)
            print(f"{path.stem}, {variant}: {wrong or f'{len(moved)} estimates'}", flush=True)
            if not wrong and len(moved):
                summary = {"estimates": len(moved), "changed": int((moved > 0).sum()), "largest": round(moved.max(), 3)}
                measured.setdefault(path.stem, {})[variant] = {**summary, "median": round(float(np.median(moved)), 3)}
    STORED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    if failed:
        sys.exit("spread: stored without what failed; name these with --notebooks to measure them alone")


if __name__ == "__main__":
    main()

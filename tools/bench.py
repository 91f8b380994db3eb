"""Measure what the book promises of itself: build, notebooks, pages, and the dropouts of Chapter 12. Times are given as
ratios, too: to one fixed computation timed in the same run, or to each other. Only Lighthouse's bars pass or fail.

    python tools/bench.py [build] [notebooks] [speed] [pages]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build
import nbformat
import numpy as np

from notebooks import code_cells, definitions

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def yardstick():
    """Seconds for one fixed computation: forty products of two 1000 x 1000 matrices, the median of five runs."""
    a = np.random.default_rng(0).random((1000, 1000))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(40):
            a @ a
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def row(what, seconds, unit, bar=""):
    print(f"{what:<44} {seconds:7.1f} s {seconds / unit:7.1f} x  {bar}", flush=True)


def bench_build(unit):
    """The whole site from nothing, and again after one notebook was edited, in a copy of the book."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv*", "_build", "node_modules"))
        started = time.perf_counter()
        ok, printed = build.build(copy)
        if not ok:
            sys.exit(printed)
        row("build from stored outputs", time.perf_counter() - started, unit, "bar: 30 s")
        notebook = copy / "notebooks" / NOTEBOOKS[0].name
        notebook.write_text(notebook.read_text(encoding="utf-8").replace("## Summary", "## In short"), encoding="utf-8")
        started = time.perf_counter()
        build.build(copy)
        row("build after editing one notebook", time.perf_counter() - started, unit, "bar: 10 s")


def bench_notebooks(unit):
    """nbval over each notebook alone, then over all of them side by side."""
    nbval = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
    for paths, options in [*(([path], ["-n0"]) for path in NOTEBOOKS), (NOTEBOOKS, ["-nauto", "--dist=loadfile"])]:
        started = time.perf_counter()
        done = subprocess.run([*nbval, *options, *paths], cwd=ROOT, capture_output=True, text=True)
        what = f"nbval {paths[0].name}" if len(paths) == 1 else f"nbval, all {len(paths)} side by side"
        row(what, time.perf_counter() - started, unit, "bar: 60 s" if len(paths) == 1 else "")
        if done.returncode:
            print(done.stdout[-2000:])


def bench_speed(unit):
    """Chapter 12's numpy dropout against the usual line and the library's: ratios within the rounds of one race."""
    chapter = nbformat.read(ROOT / "notebooks" / "12-speed.ipynb", as_version=4)
    space = {"__name__": "12-speed"}
    exec(compile(definitions("\n\n".join(cell.source for cell in code_cells(chapter))), "<12-speed>", "exec"), space)
    x = np.random.default_rng(0).standard_normal(space["SIZE"], dtype=np.float32)
    space |= {"x": x, "y": np.ones_like(x), "tx": space["torch"].from_numpy(x)}
    for p in (0.1, 0.5):
        times = space["ladder"](p, rounds=7)
        for name, ours, bar in (
            ("usual, in place", "ours", 2.5),
            ("usual line", "ours, fresh output", 2.5),
            ("F.dropout", "ours, fresh output", 4),
        ):
            ratio = np.median(times[name] / times[ours])
            print(f"{f'{name} / {ours}, p = {p}':<44} {ratio:9.1f} times     bar: {bar}", flush=True)


def bench_pages(unit):
    """Lighthouse on every page, over a server that compresses; it needs npm and a Chromium."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if not shutil.which("npm") or not chromium:
        sys.exit("dropout-book: the page measurements need npm and a Chromium on the PATH")
    build.build()
    subprocess.run(["npm", "ci", "--silent", "--prefix", "tests/site/lighthouse"], cwd=ROOT, check=True)
    run = subprocess.run(
        ["node", "tests/site/lighthouse/run.mjs", str(build.HTML)],
        cwd=ROOT,
        env={**os.environ, "CHROME_PATH": chromium},
    )
    sys.exit(run.returncode)


def main():
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts = {"build": bench_build, "notebooks": bench_notebooks, "speed": bench_speed, "pages": bench_pages}
    chosen = sys.argv[1:] or list(parts)
    if unknown := set(chosen) - set(parts):
        sys.exit(f"dropout-book: no measurement called {', '.join(unknown)}; there are {', '.join(parts)}")
    unit = yardstick()
    row("yardstick: 40 products of 1000 x 1000", unit, unit)
    for name in chosen:
        parts[name](unit)


if __name__ == "__main__":
    main()

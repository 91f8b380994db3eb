"""Measure what the book promises of itself: build, notebooks, pages, the dropouts of Chapter 12, and a class graded.
Times are given as ratios, too: to one fixed computation timed in the same run, or to each other. Only Lighthouse's bars
pass or fail.

    python tools/bench.py [build] [notebooks] [speed] [grade] [pages]
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
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


def mixed(folder, text, solutions, name, number):
    """A class as it comes: right, half right and broken notebooks, zips, files named as platforms name them.

    text: of the student version; solutions: {grade_id: source}. Gives the number of entries that hold right answers.
    """

    def book(student, questions, more=""):
        made = json.loads(text)
        for cell in made["cells"]:
            label = cell["metadata"]["nbgrader"]["grade_id"]
            if label in solutions and label.split("-")[0] in questions:
                cell["source"] = f"{solutions[label]}\n# {student}{more}"
        return json.dumps(made).encode()

    every, right = sorted({label.split("-")[0] for label in solutions}), 0
    folder.mkdir(parents=True)
    for student in range(number):
        kind, who = student % 10, f"s{student:04}"
        whole = book(who, every)
        right += kind in (0, 1, 2, 5, 6, 7)
        if kind in (0, 1, 2):
            (folder / f"{who}.ipynb").write_bytes(whole)
        elif kind in (3, 4):
            (folder / f"{who}.ipynb").write_bytes(book(who, every[: len(every) // 2]))
        elif kind == 5:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr(f"my homework/{name}.ipynb", whole)
            (folder / f"{who}.zip").write_bytes(packed.getvalue())
        elif kind == 6:
            below = folder / f"Student {student}_{student + 5000}_assignsubmission_file_"
            below.mkdir()
            (below / f"{name} (1).ipynb").write_bytes(whole)
        elif kind == 7:
            (folder / f"{who}_LATE_{student}_{student + 9000}_{name}-1.ipynb").write_bytes(whole)
        elif kind == 8:
            broken = [b"%PDF", whole[: len(whole) // 2], b"", whole.replace(b"# s", b"( # s", 3)]
            (folder / f"{who}.ipynb").write_bytes(broken[student // 10 % 4])
        else:  # one that fails as it runs, ends the program, or asks for much memory
            worst = ["1 / 0", "import os; os._exit(1)", "held = bytearray(10**9)", "raise SystemExit"][
                student // 10 % 4
            ]
            (folder / f"{who}.ipynb").write_bytes(book(who, every[:1], f"\n{worst}"))
    return right


class Watched(threading.Thread):
    """Looks at a process: [(done, MB of it, MB of all processes below it), ...]; done() tells how far it is."""

    def __init__(self, pid, done):
        import psutil

        super().__init__(daemon=True)
        self.one, self.done, self.seen, self.over, self.gone = (
            psutil.Process(pid),
            done,
            [],
            False,
            psutil.NoSuchProcess,
        )
        self.start()

    def held(self, process):
        try:
            return process.memory_info().rss / 2**20
        except self.gone:
            return 0

    def run(self):
        while not self.over:
            try:
                below = sum(map(self.held, self.one.children(recursive=True)))
            except self.gone:
                return
            if mine := self.held(self.one):
                self.seen.append((self.done(), mine, below))
            time.sleep(0.2)

    def fifths(self, total):
        """(median MB of the process itself, most MB of all together) while each fifth of the total was done."""
        for fifth in range(5):
            seen = [s for s in self.seen if fifth * total <= 5 * s[0] < (fifth + 1) * total and s[0]]
            if seen:
                yield float(np.median([mine for _, mine, _ in seen])), max(mine + below for _, mine, below in seen)


def rate(out):
    """Submissions a minute, by when their results were written."""
    times = sorted(file.stat().st_mtime for file in (out / "results").glob("*.json"))
    return 60 * (len(times) - 1) / (times[-1] - times[0])


def bench_grade(unit):
    """make grade over a class: 500 mixed submissions with numpy, 40 right ones with torch."""
    for name, number in (("03-inverted-dropout", 500), ("07-transformer", 40)):
        cells = json.loads((ROOT / "homework" / f"{name}.ipynb").read_text("utf-8"))["cells"]
        labelled = [(cell["metadata"]["nbgrader"]["grade_id"], "".join(cell["source"])) for cell in cells]
        solutions = {label: source for label, source in labelled if label.endswith("-solve")}
        with tempfile.TemporaryDirectory() as folder:
            where, out = Path(folder) / "in", Path(folder) / "out"
            mixed(where, (ROOT / "assignments" / f"{name}.ipynb").read_text("utf-8"), solutions, name, number)
            command = [
                sys.executable,
                "-m",
                "grading",
                "grade",
                "--chapter",
                name,
                "--submissions",
                where,
                "--out",
                out,
            ]
            run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            watched = Watched(run.pid, lambda out=out: sum(1 for _ in (out / "results").glob("*.json")))
            run.wait()
            bar = "bar: 300" if number == 500 else "bar: 50"
            what = f"grade {name}, {number} mixed, {os.cpu_count()} cores"
            print(f"{what:<52} {rate(out):7.0f} a minute  {bar}", flush=True)
            for fifth, (mine, most) in enumerate(watched.fifths(number), 1):
                print(
                    f"    fifth {fifth}: the grader {mine:5.0f} MB, all its processes at most {most:5.0f} MB",
                    flush=True,
                )


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


PACE = 200  # ms between two presses of a key or a button, as by a hand
EVENTS = """
  window.slowest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) slowest = Math.max(slowest, entry.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def bench_figures(unit):
    """From a key or a click to the next paint, for each control of each living figure, on a processor four times as
    slow; it needs a Chromium. The browser counts in steps of 8 ms."""
    sys.path[:0] = [str(ROOT / "tests" / "site")]
    import browsers
    import built
    import living
    from playwright.sync_api import sync_playwright

    server, base = built.serve(built.site())
    with sync_playwright() as playwright:
        browser = browsers.launch(playwright)
        for name in living.NAMES:
            visit = browsers.Visit(browser, base, living.tagged(name)[0])
            box = living.awaken(visit.page, name)
            visit.page.evaluate(EVENTS)
            visit.context.new_cdp_session(visit.page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
            for control in box.locator("input[type=range]").all():
                control.focus()
                for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
                    visit.page.keyboard.press(key)
                    visit.page.wait_for_timeout(PACE)
            for control in box.locator("label:has([type=radio]), label:has([type=checkbox]), .buttons button").all():
                # Not click(), which asks the page, in its own time, what is hit.
                control.scroll_into_view_if_needed()
                at = control.bounding_box()
                visit.page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
                visit.page.wait_for_timeout(PACE)
                visit.page.mouse.down()
                visit.page.wait_for_timeout(PACE / 2)
                visit.page.mouse.up()
                visit.page.wait_for_timeout(PACE)
            visit.page.wait_for_timeout(500)
            slowest = visit.page.evaluate("slowest")
            print(f"{'living figure ' + name:<52} {slowest:7.0f} ms     bar: 100", flush=True)
            visit.close()
        browser.close()
    server.shutdown()


def main():
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts = {
        "build": bench_build,
        "notebooks": bench_notebooks,
        "speed": bench_speed,
        "grade": bench_grade,
        "figures": bench_figures,
        "pages": bench_pages,
    }
    chosen = sys.argv[1:] or list(parts)
    if unknown := set(chosen) - set(parts):
        sys.exit(f"dropout-book: no measurement called {', '.join(unknown)}; there are {', '.join(parts)}")
    unit = yardstick()
    row("yardstick: 40 products of 1000 x 1000", unit, unit)
    for name in chosen:
        parts[name](unit)


if __name__ == "__main__":
    main()

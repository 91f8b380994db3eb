import os
import re
import shutil
import sys
import time
import zlib

import hypothesis
import matplotlib
import pytest

# The chapters' functions may draw; no test opens a window. (Not MPLBACKEND: the notebooks' kernels would inherit it.)
matplotlib.use("agg")

hypothesis.settings.register_profile("book", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("book")


class Progress:
    """What is running, in place of dots: one line that is written over on a terminal, else one line a minute; and what
    failed, at once."""

    def __init__(self, out):
        self.out, self.live = out, out.isatty()
        self.began = self.said = time.monotonic()
        self.running, self.done, self.failed = {}, 0, 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        if report.passed:
            return ("passed" if report.when == "call" else "", "", "")
        if report.skipped:
            return None if hasattr(report, "wasxfail") else ("skipped", "", "SKIPPED")
        return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")

    def pytest_runtest_logstart(self, nodeid):
        self.running[nodeid] = None
        self.say()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed += 1
            self.out.write(f"\r\x1b[KFAILED {report.nodeid}\n" if self.live else f"FAILED {report.nodeid}\n")
            self.out.flush()

    def pytest_runtest_logfinish(self, nodeid):
        self.running.pop(nodeid, None)
        self.done += 1
        self.say()

    def say(self):
        now = time.monotonic()
        if now - self.said < (0.1 if self.live else 60):
            return
        self.said = now
        minutes, seconds = divmod(int(now - self.began), 60)
        files = dict.fromkeys(nodeid.split("::")[0] for nodeid in self.running)
        text = f"{minutes}:{seconds:02} · {self.done} done, {self.failed} failed · {', '.join(files)}"
        if self.live:
            width = (shutil.get_terminal_size().columns or 80) - 1
            self.out.write("\r" + text[:width].ljust(width))
        else:
            self.out.write(text + "\n")
        self.out.flush()

    def pytest_sessionfinish(self):
        if self.live:
            self.out.write("\r\x1b[K")


def pytest_xdist_auto_num_workers(config):
    """One more than there are processors: some tests wait, for a sandbox, a browser, a time limit."""
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


# The site is built first of all. Then come the notebooks and the files that drive a browser, the longest; after every
# second of them one whose tests wait, so that no core is idle; the rest, whose files are short, comes last.
FIRST = "test_the_book_is_built"
WAITING = [
    "test_stops.py", "test_hostile.py", "test_cluster.py", "test_grading.py", "test_spreadsheet.py", "test_limits.py",
    "test_project.py",
]  # fmt: skip


def in_order(files):
    """The files {path: whether one of its tests drives a browser} in the order in which they are handed out."""
    waiting = [path for name in WAITING for path in files if path.name == name]
    long = [path for path in files if path.suffix == ".ipynb"]
    long += [path for path, browser in files.items() if browser and path not in waiting]
    mixed = []
    for number, path in enumerate(long):
        mixed += [path, *waiting[number // 2 : number // 2 + 1]] if number % 2 else [path]
    mixed += [path for path in waiting if path not in mixed]
    return mixed + [path for path in files if path not in mixed]


# Files that are long and whose tests share no more than a browser or a page: several workers take parts of them.
PARTS = {"test_access.py": r"\[(\w+-.*?\.html)", "test_claims.py": "(.+)", "test_answers.py": r"\[(\d\d-)"}
PARTS["test_build.py"] = f"::({FIRST})$"


def pytest_xdist_make_scheduler(config, log):
    """As --dist loadfile: a file's tests stay in one worker, which keeps its fixtures; but for PARTS."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            part = re.search(PARTS.get(file.rpartition("/")[2], "$^"), nodeid)
            return f"{file}::{zlib.crc32(part[1].encode()) % 6}" if part else file

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


PLANTED = re.compile(r"test_(a_)?(planted_)?faults?(_on_\w+)?_(is|are)_(seen|caught|found)")


@pytest.hookimpl(tryfirst=True)  # before xdist tells what was collected
def pytest_collection_finish(session):
    files = {}
    for item in session.items:
        files[item.path] = files.get(item.path, False) or item.get_closest_marker("browser") is not None
    place = {path: number for number, path in enumerate(in_order(files))}
    session.items.sort(key=lambda item: (item.name != FIRST, place[item.path]))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    """Whether the checks of chapters and pages see planted faults is looked at by `make test-all`."""
    for item in items:
        if item.path.parent.name in ("chapters", "site") and PLANTED.fullmatch(getattr(item, "originalname", "")):
            item.add_marker(pytest.mark.slow)


def pytest_configure(config):
    # A worker of xdist has no terminal; with -v pytest says itself what runs.
    if not hasattr(config, "workerinput") and config.get_verbosity() <= 0:
        config.pluginmanager.register(Progress(sys.__stdout__), "progress-line")

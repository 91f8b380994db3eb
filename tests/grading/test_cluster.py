"""Grading over Dask: a scheduler and workers in processes of their own, which know nothing of this checkout."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed
import psutil
import pytest
from homeworks import MASTERS, can_sandbox, read

from grading import grade as gr
from grading import homework as hw
from grading import sandbox

NAME = "03-inverted-dropout"
STUDENTS = [f"s{number:02}" for number in range(16)]


class Cluster:
    """A scheduler, and the workers that are asked for."""

    def __init__(self, folder):
        self.folder, self.processes, self.names = folder, [], {}
        file = folder / "scheduler.json"
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        self.address = wait_for(lambda: file.exists() and file.read_text() and json.loads(file.read_text())["address"])
        self.client = distributed.Client(self.address, set_as_default=False)

    def start(self, *words, **environment):
        command = [str(Path(sys.executable).with_name("dask")), *words, "--no-dashboard"]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{len(self.processes)}.log").open("w"),
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def worker(self, **environment):
        """A worker of one thread that has joined."""
        before = len(self.joined())
        name = f"worker-{len(self.processes)}"
        words = ["--name", name, "--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder / name)]
        process = self.start("worker", self.address, *words, **environment)
        self.names[process] = name
        wait_for(lambda: len(self.joined()) > before)
        return process

    def joined(self):
        return self.client.scheduler_info(n_workers=-1)["workers"]

    def stored(self, process):
        """How many results lie finished on a worker."""
        address = next(address for address, about in self.joined().items() if about["name"] == self.names[process])
        return len(self.client.has_what()[address])

    def end(self, *processes):
        for process in processes or self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_for(what):
    """What it gives as soon as it is true; minutes only for a busy machine."""
    until = time.monotonic() + 300
    while not (value := what()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    can_sandbox()
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.client.close()
    made.end()


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    """Right, half right and broken ones; each takes a little."""
    folder = tmp_path_factory.mktemp("submissions")
    cells = json.loads(MASTERS[NAME].read_text("utf-8"))["cells"]
    solutions = {cell["metadata"]["nbgrader"]["grade_id"]: cell["source"] for cell in cells}
    for number, student in enumerate(STUDENTS):
        book = json.loads(read(NAME)[1])
        for cell in book["cells"]:
            label = cell["metadata"]["nbgrader"]["grade_id"]
            if label.endswith("solve") and int(label[1]) > number % 4:
                cell["source"] = solutions[label]
        book["cells"].append({"cell_type": "code", "source": "import time\ntime.sleep(0.3)", "metadata": {}})
        (folder / f"{student}.ipynb").write_text(json.dumps(book))
    (folder / "empty.ipynb").touch()
    return folder


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def below(process):
    """All processes below this one."""
    try:
        return {*psutil.Process(process.pid).children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


@pytest.mark.timeout(300)  # it does not wait for workers
def test_a_scheduler_without_workers(cluster, submissions, tmp_path):
    with pytest.raises(hw.Fault, match=rf"^the Dask scheduler at SCHEDULER={cluster.address} has no workers$"):
        gr.grade(read(NAME)[0], submissions, tmp_path / "out", cluster.address)
    assert not [*tmp_path.rglob("s*.json")]


def ended(processes):
    return psutil.wait_procs(processes, 300)[1] == []


def test_workers_are_killed_and_nothing_is_lost_or_doubled(cluster, submissions, tmp_path, monkeypatch):
    homework, _ = read(NAME)
    first, second, third = (cluster.worker() for _ in range(3))
    done, seen, caught = [], set(), []

    def kill(worker):
        left = len(cluster.joined()) - 1
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_for(lambda: len(cluster.joined()) == left)

    def bar(total, results):
        assert total == len(STUDENTS)
        for one in results:
            yield one
            done.append(one[0])
            for worker in (first, second, third):
                seen.update(below(worker))
            if len(done) == 1:
                caught.extend(wait_for(lambda: below(first)))  # it is in the middle of a submission
                assert sorted(path.stem for path in (tmp_path / "out" / "results").glob("s*")) == sorted(done)
                kill(first)
                assert ended(caught)  # its sandbox ended with it
            if len(done) == total // 2:
                wait_for(lambda: cluster.stored(second))  # it has finished one that nobody has read
                kill(second)
                time.sleep(0.5)  # so that the grader knows of the loss before it reads

    results, failed = gr.grade(homework, submissions, tmp_path / "out", cluster.address, bar=bar)
    assert failed == 0 and sorted(done) == STUDENTS  # each once
    assert [result["extra_data"]["student"] for result in results] == ["empty", *STUDENTS]
    assert len(caught) and seen and ended(seen | {*caught})
    assert len(cluster.joined()) == 1

    # The same results as here, byte for byte; with the sleep left out that would be other submissions.
    gr.grade(homework, submissions, tmp_path / "here")
    assert tree(tmp_path / "out") == tree(tmp_path / "here")
    assert len({result["score"] for result in results}) == 5

    # A worker that came later does what is left: here, through the command, three results that went missing.
    fourth = cluster.worker()
    cluster.end(third)
    wait_for(lambda: len(cluster.joined()) == 1)
    for student in STUDENTS[:3]:
        (tmp_path / "out" / "results" / f"{student}.json").unlink()
    words = {"CHAPTER": "3", "SUBMISSIONS": submissions, "OUT": tmp_path / "out", "SCHEDULER": cluster.address}
    for name, value in ({"CLASS": "", "HOMEWORK_PRIVATE": ""} | words).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["grading", "grade"])
    runpy.run_module("grading", run_name="__main__")
    assert tree(tmp_path / "out") == tree(tmp_path / "here") and fourth.poll() is None


def test_the_tree_tells_a_lost_result(tmp_path):
    (tmp_path / "a").write_text("1")
    before = tree(tmp_path)
    (tmp_path / "a").write_text("2")
    assert tree(tmp_path) != before


def test_a_worker_without_a_sandbox_stops_it_in_one_sentence(cluster, submissions, tmp_path):
    bare = cluster.worker(PATH=str(tmp_path / "nowhere"))
    try:
        with pytest.raises(sandbox.NoSandbox, match=r"^on a worker: grading runs students' code in a sandbox, [^\n]*$"):
            gr.grade(read(NAME)[0], submissions, tmp_path / "out", cluster.address)
    finally:
        cluster.end(bare)
    assert not [*tmp_path.rglob("s*.json")]


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "tcp://127.0.0.1", "127.0.0.1:1", "word", "tls://x.invalid:9", "a://b:1"]
)
def test_no_scheduler_at_this_address(submissions, tmp_path, monkeypatch, address):
    """Nor is a client made there: one that cannot start may, at its end, block the start of another for ever."""
    can_sandbox()
    monkeypatch.setattr(gr, "PATIENCE", "0.5s")
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: pytest.fail("a client was made"))
    with pytest.raises(hw.Fault, match=rf"^no Dask scheduler answers at SCHEDULER={address}$"):
        gr.grade(read(NAME)[0], submissions, tmp_path / "out", address)

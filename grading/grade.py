"""Grades a folder of submissions: each in a sandbox, over all cores or a Dask cluster, each result kept at once."""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import re
import secrets
import stat
import tempfile
import unicodedata
import zipfile
from importlib import resources
from pathlib import Path

from . import homework as hw
from . import judge, report, sandbox

WORKED = ("__init__.py", "inside.py", "sandbox.py")  # what a worker needs of this package


@dataclasses.dataclass
class Submission:
    student: str
    slug: str  # of the files of its result
    file: str
    path: Path | None
    fault: str = ""


def found(folder, name):
    """Every entry of the folder as a Submission: a notebook NAME.ipynb, or a folder NAME with one notebook in it.

    Links are not followed, and nothing is opened.
    """
    folder, taken, submissions = Path(folder), set(), []
    if not folder.is_dir():
        raise hw.Fault(f"SUBMISSIONS={folder} is no folder")
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        student = entry.name.removesuffix(".ipynb")
        one = Submission(printable(student), slug(student, taken), printable(entry.name), Path(entry.path))
        if entry.is_symlink():
            one.path, one.fault = None, "a link, which is not followed"
        elif entry.is_dir(follow_symlinks=False):
            _pick(one, name)
        elif not entry.is_file(follow_symlinks=False):
            one.path, one.fault = None, "no file"
        submissions.append(one)
    return submissions


def _pick(one, name):
    """The notebook in a student's folder: the only one, or the one named as the homework is."""
    books = []
    for parent, folders, files in os.walk(one.path):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        books += [Path(parent) / file for file in files if file.endswith(".ipynb") and not file.startswith(".")]
    named = [book for book in books if book.name == f"{name}.ipynb"]
    chosen = books if len(books) == 1 else named
    if len(chosen) == 1 and not chosen[0].is_symlink():
        one.file, one.path = printable(str(chosen[0].relative_to(one.path.parent))), chosen[0]
    else:
        one.path = None
        one.fault = f"the folder holds {len(books)} notebooks, and one is needed, named {name}.ipynb"


def printable(text):
    """A file's name as text that can be shown and stored."""
    text = os.fsencode(text).decode("utf-8", "replace")
    return "".join(c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in text)[:120]


def slug(student, taken):
    """A file name from a student's: letters, digits, - and _ only, and never the same twice."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", student)[:60].strip("-") or "student"
    if plain != student:
        plain += "-" + hashlib.sha256(os.fsencode(student)).hexdigest()[:8]
    others = (f"{plain}-{number}" for number in itertools.count(2))
    plain = next(name for name in itertools.chain([plain], others) if name.lower() not in taken)
    taken.add(plain.lower())
    return plain


def read(path):
    """The bytes of a regular file, no more than can be graded and one."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise hw.Fault("no file")
        return file.read(hw.LARGEST + 1)


def code():
    """This package's own source, as far as a result depends on it."""
    files = resources.files(__package__)
    return "".join(
        files.joinpath(f"{name}.py").read_text("utf-8") for name in ("inside", "sandbox", "judge", "homework")
    )


def expected(homework):
    """{probe: value} that the master's own solution gives. Raises Fault where it does not."""
    run = sandbox.run(homework.job(homework.solution))
    for number, probe in enumerate(homework.probes):
        if number not in run["values"]:
            raise hw.Fault(
                f"the master's own solution fails: {probe.question}, {probe.name}: {judge.exactly(run, number)}"
            )
    return run["values"]


def write(path, text):
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


@contextlib.contextmanager
def cluster(scheduler=None, workers=None):
    """A Dask client: of the cluster at an address, or of one in this process over all cores."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.scheduler.allowed-failures": 10, "distributed.admin.log-format": "%(message)s"})
    with contextlib.ExitStack() as stack:
        if scheduler:
            try:
                client = stack.enter_context(Client(scheduler, timeout="20s"))
            except (OSError, TimeoutError, TypeError, ValueError) as error:
                raise hw.Fault(f"no Dask scheduler answers at SCHEDULER={scheduler}") from error
            _send_code(client)
        else:
            workers = workers or len(os.sched_getaffinity(0))
            here = "127.0.0.1:0"  # or Dask would show its pages to the whole network
            local = LocalCluster(
                n_workers=1, threads_per_worker=workers, processes=False, silence_logs=40,
                dashboard_address=here, worker_dashboard_address=here,
            )  # fmt: skip
            client = stack.enter_context(Client(stack.enter_context(local)))
        yield client


def _send_code(client):
    """Send this package to the workers, which need no checkout of the book, only Python and bubblewrap."""
    with tempfile.TemporaryDirectory() as folder:
        # A name of its own each time: a worker that joins now may be taking the last one, and Python keeps its table.
        path = Path(folder) / f"grading_{secrets.token_hex(4)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in WORKED:
                archive.writestr(f"grading/{name}", resources.files(__package__).joinpath(name).read_text("utf-8"))
        client.upload_file(str(path))


def grade(homework, submissions, out, scheduler=None, workers=None, bar=None):
    """Grade what has no result yet. Gives [result, ...] and the number of submissions that no worker could finish.

    Writes out/results/NAME.json as each is done; what is interrupted is taken up again by the same call.
    """
    out = Path(out)
    if out.resolve().is_relative_to(Path(submissions).resolve()):
        raise hw.Fault("OUT lies inside SUBMISSIONS; name a folder outside it")
    todo = found(submissions, homework.name)
    if not todo:
        raise hw.Fault(f"SUBMISSIONS={submissions} holds no submission")
    sandbox.check()
    results, jobs, about = {}, {}, homework.dump() + code()
    for one in todo:
        file = out / "results" / f"{one.slug}.json"
        try:
            if one.fault:
                raise hw.Fault(one.fault)
            data = read(one.path)
            print_ = hw.fingerprint(about, one.student, data)
            if (old := _finished(file, print_)) is not None:
                results[one.slug] = old
                continue
            cells, names, remark = hw.submitted(data, homework)
        except (hw.Fault, OSError) as error:
            sentence = str(error) if isinstance(error, hw.Fault) else "the file cannot be read"
            results[one.slug] = judge.refused(homework, sentence, student=one.student, file=one.file)
            write(file, json.dumps(results[one.slug], indent=1))
            continue
        jobs[one.slug] = (one, print_, homework.job(cells), names, remark)
    bar = bar or (lambda total, done: iter(done))
    failed = 0
    if jobs:
        wanted = expected(homework)
        for name, run in bar(len(jobs), _runs({name: job[2] for name, job in jobs.items()}, scheduler, workers)):
            one, print_, _, names, remark = jobs[name]
            if run is None:
                failed += 1
                continue
            extra = {"student": one.student, "file": one.file, "class": homework.class_, "fingerprint": print_}
            results[name] = judge.graded(homework, wanted, run, names, remark, **extra)
            write(out / "results" / f"{name}.json", json.dumps(results[name], indent=1))
    ordered = [results[one.slug] | {"slug": one.slug} for one in todo if one.slug in results]
    report.write_all(homework, ordered, out, write)
    return ordered, failed


def _finished(file, print_):
    """A stored result of just this submission, homework and code, or None."""
    try:
        old = json.loads(file.read_text("utf-8"))
        return old if old["extra_data"]["fingerprint"] == print_ else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(jobs, scheduler, workers):
    """Yield (name, what the sandbox gave, or None where no worker could finish) as they end."""
    from distributed import as_completed

    with cluster(scheduler, workers) as client:
        if scheduler:
            said = client.run(sandbox.missing)
            if not said:
                raise hw.Fault(f"the Dask scheduler at SCHEDULER={scheduler} has no workers")
            for sentence in filter(None, said.values()):
                raise sandbox.NoSandbox(f"on a worker: {sentence}")
        waiting = list(jobs.items())
        # A few for each thread at a time, so that a class of thousands does not lie in the scheduler's memory.
        ahead = 4 * max(1, sum(client.nthreads().values()))
        names = {}
        stream = as_completed()
        while waiting or names:
            while waiting and len(names) < ahead:
                name, job = waiting.pop()
                future = client.submit(sandbox.run, job, pure=False)
                names[future.key] = name
                stream.add(future)
            future = next(stream)
            name = names.pop(future.key)
            try:
                # It may be lost again by now, with its worker, and is then done once more: this waits for it.
                run = future.result()
            except Exception:  # NoSandbox, or of Dask: too many workers died, the scheduler is gone
                run = None
            yield name, run

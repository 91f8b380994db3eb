"""Grades a folder of submissions: each in a sandbox, over all cores or a Dask cluster, each result kept at once."""

import asyncio
import collections
import contextlib
import csv
import json
import os
import secrets
import stat
import tempfile
import zipfile
from importlib import resources
from pathlib import Path

from . import homework as hw
from . import judge, reading, report, sandbox
from .folder import Roster, found, look, slug  # noqa: F401
from .gradebook import Changes, filled, matching

WORKED = ("__init__.py", "inside.py", "sandbox.py")  # what a worker needs of this package
PATIENCE = "20s"  # for a scheduler to answer


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
        files.joinpath(f"{name}.py").read_text("utf-8")
        for name in ("inside", "sandbox", "judge", "homework", "reading", "grade")
    )


def expected(homework):
    """{probe: value} that the master's own solution gives. Raises Fault where it does not."""
    run = sandbox.run(homework.job(homework.solution))
    for number, probe in enumerate(homework.probes):
        if number not in run["values"]:
            raise hw.Fault(
                f"the master's own solution fails: {probe.question}, {probe.name}: {judge.exactly(run, number)}"
            )
        value, parts = run["values"][number], probe.parts
        if parts and not (isinstance(value, list) and len(value) == len(parts)):
            said = f"points for {len(parts)} parts, and its value is no list of {len(parts)}"
            raise hw.Fault(f"{probe.question}, {probe.name}: {said}")
    return run["values"]


def explained(result):
    """The result with a reason in its remark, where points were lost for another one than a wrong value."""
    if not result["output"]:
        why = {}
        for test in result["tests"]:
            reason = test["output"].split(". ")[0]
            if test["status"] == "failed" and not reason.startswith("gives another value"):
                why.setdefault(test["number"].split(".")[0], reason)
        result["output"] = "\n".join(f"question {question}: {reason}" for question, reason in why.items())
    return result


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
            client = stack.enter_context(client_of(scheduler))
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


def client_of(scheduler):
    """A Dask client of the cluster at an address; raises Fault where nothing answers. It asks first by a connection: a
    Client that fails to start may block the next one for ever, for its destructor takes the lock under which loops
    start, wherever the garbage collector happens to run."""
    from distributed import Client, Security
    from distributed.comm import connect

    async def reach():
        comm = await connect(scheduler, PATIENCE, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(reach())
        return Client(scheduler, timeout=PATIENCE)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        raise hw.Fault(f"no Dask scheduler answers at SCHEDULER={scheduler}") from error


def _send_code(client):
    """Send this package to the workers, which need no checkout of the book, only Python and bubblewrap."""
    with tempfile.TemporaryDirectory() as folder:
        # A name of its own each time: a worker that joins now may be taking the last one, and Python keeps its table.
        path = Path(folder) / f"grading_{secrets.token_hex(4)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in WORKED:
                archive.writestr(f"grading/{name}", resources.files(__package__).joinpath(name).read_text("utf-8"))
        client.upload_file(str(path))


def grade(
    homework, submissions, out, scheduler=None, workers=None, bar=None,
    *, roster="", only="", late="", time=1, anonymous=False, say=None,
):  # fmt: skip
    """Grade what has no result yet. Gives [result, ...] and the number of submissions that no worker could finish.

    Writes out/results/NAME.json as each is done; what is interrupted is taken up again by the same call. `say` is told
    what became of all entries, in a sentence. With `only` that student is graded, again if need be, and no other.
    """
    out = Path(out)
    if out.resolve().is_relative_to(Path(submissions).resolve()):
        raise hw.Fault("OUT lies inside SUBMISSIONS; name a folder outside it")
    known = Roster(roster) if roster else None
    there = look(submissions, homework.name, known)
    todo = there.submissions
    if not todo:
        raise hw.Fault(f"SUBMISSIONS={submissions} holds no submission")
    asked = matching(todo, only) if only else todo
    if not asked:
        raise hw.Fault(f"ONLY={only}: there is no submission of that name")
    changes = Changes(late, out / "adjust.csv", todo)
    sandbox.check()
    results, jobs, refused, about = {}, {}, {}, homework.dump() + code() + (f"time {time}" if time != 1 else "")
    for one in todo:
        file = out / "results" / f"{one.slug}.json"
        try:
            if one.fault:
                raise hw.Fault(one.fault)
            data = read(one.path)
            print_ = hw.fingerprint(about, one.student, data)
            if not (only and one in asked) and (old := _finished(file, print_)) is not None:
                results[one.slug] = old
                continue
            cells, names, remark = hw.submitted(data, homework)
        except Exception as error:  # whatever a file holds, its student has a result
            refused[one.slug] = str(error) if isinstance(error, hw.Fault) else "the file cannot be read"
            results[one.slug] = judge.refused(homework, refused[one.slug], student=one.student, file=one.file)
            write(file, json.dumps(results[one.slug], indent=1))
            continue
        if one in asked:
            short = reading.needed(cells, homework)
            again = homework.job(short) if len(short) < len(cells) else None
            jobs[one.slug] = (one, print_, (homework.job(cells), again), names, remark)
    bar = bar or (lambda total, done: iter(done))
    lost = collections.Counter()
    if jobs:
        wanted = expected(homework)
        limits = [sandbox.longer(time)] if time != 1 else []
        for name, run in bar(
            len(jobs), _runs({name: job[2] for name, job in jobs.items()}, scheduler, workers, limits)
        ):
            one, print_, _, names, remark = jobs[name]
            if isinstance(run, str):
                lost[run] += 1
                continue
            if run.get("again"):
                remark = "\n".join(filter(None, [remark, AGAIN]))
            extra = {"student": one.student, "file": one.file, "class": homework.class_, "fingerprint": print_}
            extra["seconds"] = seconds(homework, run)
            results[name] = explained(judge.graded(homework, wanted, run, names, remark, **extra))
            write(out / "results" / f"{name}.json", json.dumps(results[name], indent=1))
    ordered = []
    for one in todo:
        if one.slug in results:
            ordered.append(results[one.slug] | {"slug": one.slug})
            if changed := changes.of(one, results[one.slug]["score"]):
                score = max(0, round(results[one.slug]["score"] + sum(points for points, _ in changed), 2))
                ordered[-1] |= {"score": score, "changes": changed}
    failed = lost.total()
    if not ordered:
        if say:
            say(summary(there, known, results, refused, lost, 0)[0])
        return ordered, failed
    codes = anonymized(out / "anonymous.csv", ordered) if anonymous else None
    gone = _gone(out, {result["slug"] for result in ordered}, {*(codes or {}).values()}, only)
    told, beside = summary(there, known, results, refused, lost, gone)
    report.write_all(homework, ordered, out, write, told, beside, codes)
    if known:
        rows = {one.row: result for one in todo for result in ordered if result["slug"] == one.slug}
        rows.pop(None, None)
        write(out / "gradebook.csv", filled(known, homework, rows))
    if say:
        say(told)
    return ordered, failed


LOST = "that lost their worker"
SAID = 300  # characters of what a machine says of itself


def failure(error):
    """What the teacher is told of a submission that a machine could not run, in one line."""
    said = "".join(sign if sign.isprintable() else " " for sign in str(error))[:SAID]
    if isinstance(error, sandbox.NoSandbox):
        return f"that got no sandbox ({said})"
    return f"that a machine could not run ({type(error).__name__}{': ' if said else ''}{said})"


AGAIN = "the time ran out; the given cells and the answers then ran without the rest"


def out_of_time(run):
    return any("all of it" in why for why in run["stopped"].values())


def merged(first, second):
    """What a submission gave, and where its time ran out what its answers gave without the rest."""
    values = second["values"] | first["values"]
    faults = {number: name for number, name in (second["faults"] | first["faults"]).items() if number not in values}
    stopped = {number: why for number, why in second["stopped"].items() if number not in values | faults}
    taken = dict(collections.Counter(first["seconds"]) + collections.Counter(second["seconds"]))
    both = {"values": values, "faults": faults, "stopped": stopped, "cells": first["cells"]}
    return both | {"seconds": taken, "again": True}


def seconds(homework, run):
    """{"cells" or label of a question: seconds of processor time} of a submission: what its cells took, its probes."""
    taken = dict.fromkeys(["cells", *homework.questions], 0.0)
    for number, more in run["seconds"].items():
        taken["cells" if number is None else homework.probes[number].question] += more
    return {what: round(more, 3) for what, more in taken.items()}


def summary(there, roster, results, refused, lost, gone):
    """(what became of all entries, in a sentence that adds up; [(title, [name, ...]), ...] of what has no result)."""
    why = collections.Counter(f"where {sentence.split(';')[0]}" for sentence in refused.values())
    waiting = len(there.submissions) - len(results) - lost.total()
    be = "is" if len(there.aside) == 1 else "are"
    named = ", ".join(there.aside[:4] + ["…"] * (len(there.aside) > 4))
    parts = [
        (len(there.aside), f"that {be} no submission ({named})"),
        (len(there.older), "that a later hand-in replaces"),
        *((number, sentence) for sentence, number in why.most_common(4)),
        (sum(number for _, number in why.most_common()[4:]), "for other reasons"),
        *((number, sentence) for sentence, number in lost.most_common(4)),
        (sum(number for _, number in lost.most_common()[4:]), "that a machine could not run for other reasons"),
        (waiting, "not asked for, and without a result that still holds"),
    ]
    graded = len(results) - len(refused)
    told = f"{there.entries} entries: {graded} graded"
    if there.entries > graded:
        told += f", {there.entries - graded} not: " + "; ".join(f"{number} {what}" for number, what in parts if number)
    absent = [roster.names[row] for row in there.absent] if roster else []
    strangers = [one.student for one in there.submissions if one.row is None] if roster else []
    if roster:
        told += f". Of {len(roster.rows)} on the roster, {len(absent)} handed in nothing"
        told += f"; {len(strangers)} submissions are of nobody on it" if strangers else ""
    if gone:
        told += f". Results removed, whose entry is no longer there: {gone}"
    older = [f"{one.student}: {one.entry}" for one in there.older]
    titles = ("No submissions", "Replaced by a later hand-in", "Handed in nothing", "Not on the roster")
    return told, list(zip(titles, (there.aside, older, absent, strangers), strict=True))


def _gone(out, slugs, codes, only):
    """Remove results and pages that belong to no entry any more, or to an older state of it. Gives their number."""
    number = 0
    if not only:
        for file in (out / "results").glob("*.json"):
            if file.stem not in slugs:
                file.unlink()
                number += 1
    for file in (out / "feedback").glob("*.html"):
        if file.stem not in (codes or slugs) and not (only and not codes):
            file.unlink()
    return number


def anonymized(file, results):
    """{slug: name of a page that says nothing}; the table of them stays with the teacher, and is kept."""
    codes = {}
    if file.exists():
        codes = dict(list(csv.reader(file.read_text("utf-8").splitlines()))[1:])
    for result in results:
        codes.setdefault(result["slug"], secrets.token_hex(6))
    write(file, report.table(["result", "page"], list(codes.items())))
    return codes


def _finished(file, print_):
    """A stored result of just this submission, homework and code, or None."""
    try:
        old = json.loads(file.read_text("utf-8"))
        return old if old["extra_data"]["fingerprint"] == print_ else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(jobs, scheduler, workers, limits=()):
    """Yield (name, what the sandbox gave, or in words why nothing came of it) as they end. What failed by no fault of
    the submission's, such as a machine without processes, is tried twice more, after the others.

    jobs: {name: (job, the same without what takes time, or None)}."""
    from distributed import KilledWorker, as_completed

    with cluster(scheduler, workers) as client:
        if scheduler:
            said = client.run(sandbox.missing)
            if not said:
                raise hw.Fault(f"the Dask scheduler at SCHEDULER={scheduler} has no workers")
            for sentence in filter(None, said.values()):
                raise sandbox.NoSandbox(f"on a worker: {sentence}")
        waiting = collections.deque((name, job) for name, (job, _) in jobs.items())
        tries, first = collections.Counter(), {}
        # A few for each thread at a time, so that a class of thousands does not lie in the scheduler's memory.
        ahead = 4 * max(1, sum(client.nthreads().values()))
        names = {}
        stream = as_completed()
        while waiting or names:
            while waiting and len(names) < ahead:
                name, job = waiting.pop()
                future = client.submit(sandbox.run, job, *limits, pure=False)
                names[future.key] = name
                stream.add(future)
            future = next(stream)
            name = names.pop(future.key)
            try:
                # It may be lost again by now, with its worker, and is then done once more: this waits for it.
                run = future.result()
            except KilledWorker:  # ten workers died of it
                run = LOST
            except Exception as error:  # NoSandbox, or the machine's: no processes, no memory, the scheduler is gone
                tries[name] += 1
                if tries[name] <= 2:
                    waiting.appendleft((name, jobs[name][name in first]))
                    continue
                run = failure(error)
            if isinstance(run, str):
                first.pop(name, None)
            elif name in first:
                run = merged(first.pop(name), run)
            elif out_of_time(run) and jobs[name][1]:
                first[name] = run
                waiting.append((name, jobs[name][1]))
                continue
            yield name, run

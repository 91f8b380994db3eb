"""Homework for students, and grading it: what make homework, make grade and make gradescope call."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from . import homework as hw
from . import sandbox

ROOT = Path(__file__).resolve().parent.parent
MASTERS = ROOT / "homework"
STUDENT = ROOT / "assignments"


OPTIONS = {  # option: (variable of the environment, meaning)
    "chapter": ("CHAPTER", "03, or its whole name; for homework, nothing means all"),
    "class": ("CLASS", "name of a class, whose constants are drawn from a key"),
    "private": ("HOMEWORK_PRIVATE", "folder with this key and a teacher's own probes"),
    "submissions": ("SUBMISSIONS", "folder with a notebook, or a folder, for each student"),
    "out": ("OUT", "folder for what is made; points by hand stand in its adjust.csv"),
    "roster": ("ROSTER", "table of the class, as the platform gives it: names, and a gradebook.csv to give back"),
    "only": ("ONLY", "a student's name, or a part of it, to grade again or to explain"),
    "late": ("LATE", '"10 %% a day, at most 3, due 2026-11-20 23:59"'),
    "time": ("TIME", "2 doubles the limits of seconds, and what a homework says of them"),
    "anonymous": ("ANONYMOUS", "1: pages for students carry a random name; anonymous.csv has the key"),
    "scheduler": ("SCHEDULER", "address of a Dask scheduler, tcp://…; without one, this machine's cores"),
}


def arguments():
    parser = argparse.ArgumentParser(prog="grading", description=__doc__)
    parser.add_argument("what", choices=["homework", "grade", "explain", "alike", "gradescope"])
    for name, (variable, meaning) in OPTIONS.items():
        word = {"dest": "class_"} if name == "class" else {}
        parser.add_argument(f"--{name}", default=os.environ.get(variable, ""), help=f"{meaning} ({variable})", **word)
    return parser.parse_args()


def student(chosen):
    """Write the student versions."""
    out = Path(chosen.out or (STUDENT / chosen.class_))
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(MASTERS.glob("[0-9]*.ipynb"))
    if chosen.chapter:
        files = [hw.chapter_file(MASTERS, chosen.chapter)]
    for file in files:
        limits = sandbox.longer(times(chosen))
        homework, text = hw.read(file, chosen.class_, chosen.private or None, make=True, limits=limits)
        (out / file.name).write_text(text, encoding="utf-8")
        print(f"{os.path.relpath(out / file.name)}: {len(homework.questions)} questions, {homework.points} points")


def times(chosen):
    try:
        time = float(chosen.time or 1)
        if not 0 < time <= 100:
            raise ValueError
    except ValueError:
        raise hw.Fault(f"TIME={chosen.time} is no number of times, such as 2") from None
    return time


def explain(chosen):
    from .explain import explain as lines

    for name in ("chapter", "submissions", "only"):
        if not getattr(chosen, name):
            raise hw.Fault("say make explain CHAPTER=03 SUBMISSIONS=folder ONLY=anna")
    homework, _ = hw.read(hw.chapter_file(MASTERS, chosen.chapter), chosen.class_, chosen.private or None)
    for line in lines(homework, chosen.submissions, chosen.only, chosen.roster, times(chosen)):
        print(line)


def alike(chosen):
    from .alike import alike as compared

    for name in ("chapter", "submissions", "out"):
        if not getattr(chosen, name):
            raise hw.Fault("say make alike CHAPTER=03 SUBMISSIONS=folder OUT=folder")
    homework, _ = hw.read(hw.chapter_file(MASTERS, chosen.chapter), chosen.class_, chosen.private or None)
    number = compared(homework, chosen.submissions, chosen.out, chosen.roster)
    print(
        f"{number} pairs are alike for half of their code or more; see {Path(chosen.out) / 'alike.html'}, a hint only"
    )


def grade(chosen):
    from tqdm import tqdm

    from .grade import grade as run
    from .report import statistics

    for name in ("chapter", "submissions", "out"):
        if not getattr(chosen, name):
            raise hw.Fault("say make grade CHAPTER=03 SUBMISSIONS=folder OUT=folder")
    homework, _ = hw.read(hw.chapter_file(MASTERS, chosen.chapter), chosen.class_, chosen.private or None)
    print(sandbox.in_force(), file=sys.stderr)
    asked = []

    def stop(*_):
        asked.append(True)  # for the bar to see: raised in a destructor, an exception is lost
        logging.disable()  # of what Dask drops now, it would print tracebacks
        raise KeyboardInterrupt

    def bar(total, done):
        for one in tqdm(done, total=total, unit="submission", file=sys.stderr):
            yield one
            if asked:
                raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    results, failed = run(
        homework, chosen.submissions, chosen.out, chosen.scheduler or None, bar=bar, roster=chosen.roster,
        only=chosen.only, late=chosen.late, time=times(chosen), anonymous=chosen.anonymous not in ("", "0"), say=print,
    )  # fmt: skip
    if results:
        facts = statistics([result["score"] for result in results])
        told = "mean {mean:.1f}, median {median:g}, from {least:g} to {most:g}".format(**facts)
        print(f"{told} of {homework.points:g} points; see {Path(chosen.out) / 'class.html'}")
    if failed:
        raise hw.Fault(f"{failed} submissions have no result yet, as said above; run the same command again")


def main():
    chosen = arguments()
    if chosen.class_ and not chosen.class_.replace("-", "").replace("_", "").isalnum():
        raise hw.Fault(f"CLASS={chosen.class_}: use letters, digits, - and _")
    if chosen.what == "gradescope":
        from .gradescope import pack

        pack(chosen, MASTERS)
    else:
        {"homework": student, "grade": grade, "explain": explain, "alike": alike}[chosen.what](chosen)


if __name__ == "__main__":
    try:
        main()
    except (hw.Fault, sandbox.NoSandbox) as error:
        sys.exit(f"dropout-book: {error}")
    except OSError as error:
        sys.exit(f"dropout-book: {error.filename or 'this machine'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("dropout-book: stopped; the results so far are kept, and the same command goes on from there")

"""Run what takes too long for a notebook, one setting after another, and keep each result as it comes.

    python experiments/run.py [--check] [NAME ...]
    CLAIM=26 SCHEDULER=tcp://… BUDGET=2 python experiments/run.py --stress
    TABLE=srivastava2014 DEVICE=cuda python experiments/run.py --replicate

experiments/NAME.toml names a notebook, a function in it, and a grid of the function's arguments: every combination is
a setting. experiments/stress/NAME.toml asks for many settings of one comparison, for the claims that it tests, as
stress.py says. The function is taken out of the notebook, so nothing is written twice; it returns {metric: one number a
seed}. What it gives goes to experiments/results/NAME.json as soon as it is there, with where it came from; a run that
was stopped, by whatever, goes on where it was. Results of a function that has changed since are made again, and --check
names them. Dask runs it: over the cores of this machine, or on the cluster at SCHEDULER, whose workers need torch and
numpy and nothing of the book. BUDGET is in hours; what is running then is finished. The published tables of
experiments/replicate are run in the same way, their networks in replications.py. With DROPOUT_TEXT=file the language
models read that text, and their results go to experiments/results/own.
"""

import argparse
import ast
import contextlib
import hashlib
import itertools
import json
import os
import platform
import re
import sys
import time
import tomllib
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools"), str(ROOT / "experiments")]

import stress  # noqa: E402
import text  # noqa: E402

import notebooks as tool  # noqa: E402

PLANS = ROOT / "experiments"


def plan(name):
    """What experiments/NAME.toml asks for: {"notebook": …, "function": …, "settings": [{argument: value}, …]}; of a
    stress plan, what stress.plan reads."""
    path = PLANS / f"{name}.toml"
    if not path.is_file():
        known = sorted(one.relative_to(PLANS).with_suffix("").as_posix() for one in PLANS.rglob("*.toml"))
        raise ValueError(f"no experiment called {name}; there are: {', '.join(known)}")
    if "/" in name:
        return stress.plan(path)
    asked = tomllib.loads(path.read_text(encoding="utf-8"))
    if not {"notebook", "function", "grid"} <= set(asked):
        raise ValueError(f"{path.name}: needs notebook, function and [grid]")
    grids = asked["grid"] if isinstance(asked["grid"], list) else [asked["grid"]]
    settings = [dict(zip(grid, values)) for grid in grids for values in itertools.product(*grid.values())]
    return {"notebook": asked["notebook"], "function": asked["function"], "settings": settings}


@cache
def definitions(notebook):
    """The top-level definitions of a notebook, or of a module beside this one, as a list of syntax trees."""
    if notebook.endswith(".py"):
        return tool.definitions((ROOT / "experiments" / notebook).read_text(encoding="utf-8")).body
    nb = nbformat.read(tool.NOTEBOOKS / f"{notebook}.ipynb", as_version=4)
    stored = {id(cell) for cell in nb.cells if any(tag.startswith("stored-") for tag in cell.metadata.get("tags", []))}
    code = "\n\n".join(cell.source for cell in tool.code_cells(nb) if id(cell) not in stored)
    return tool.definitions(code).body


def needed(notebook, function):
    """The definitions that `function` rests on, itself included, in their order; imports are always needed, but for
    that of what only sets threads."""
    names = {}
    for node in definitions(notebook):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Assign):
            names |= {part.id: node for target in node.targets for part in ast.walk(target) if hasattr(part, "id")}
    if function not in names:
        raise ValueError(f"{notebook} defines no {function}")
    wanted, todo = set(), [function]
    while todo:
        node = names[todo.pop()]
        if id(node) not in wanted:
            wanted.add(id(node))
            todo += [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in names]

    def counts(node):
        imported = isinstance(node, ast.Import | ast.ImportFrom)
        return id(node) in wanted or (imported and getattr(node, "module", "") != "threadpoolctl")

    return [node for node in definitions(notebook) if counts(node)]


@cache
def elsewhere():
    """What idx.py has to put another data set under a notebook's functions, as text: it decides results, too."""
    tree = ast.parse((ROOT / "experiments" / "idx.py").read_text(encoding="utf-8"))
    decides = {"like_digits", "starting_at", "put_into"}
    return "\n".join(ast.unparse(node) for node in tree.body if getattr(node, "name", "") in decides)


def own_text(notebook, function):
    """The reader's own text, if there is one and the function reads letters; else ""."""
    named = {node.name if hasattr(node, "name") else ast.unparse(node.targets[0]) for node in needed(notebook, function)
             if isinstance(node, ast.FunctionDef | ast.Assign)}  # fmt: skip
    return text.own() if {"TEXTS", "names"} & named else ""


def code_of(notebook, function, data="digits"):
    """A hash of the code that decides the results, and of a text of the reader's own: comments and other definitions
    do not count."""
    code = "\n".join(ast.unparse(node) for node in needed(notebook, function))
    code += "" if data == "digits" else elsewhere()
    code += own_text(notebook, function)
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def job(notebook, function, setting, asked=None):
    """All that a worker must be told of one row; `asked` is the stress plan, if it is one's."""
    code = "\n".join(ast.unparse(node) for node in needed(notebook, function))
    told = {"name": notebook, "code": code, "function": function, "setting": setting}
    data = setting.get("data", "digits") if asked else "digits"
    if notebook.endswith(".py"):
        told["device"] = os.environ.get("DEVICE") or "cpu"
    if data != "digits" or (notebook.endswith(".py") and "images(" in code):
        import idx

        there = idx.folder_of("mnist" if data == "digits" else data)
        told["folder"] = str(there.parent)
        told["idx"] = (ROOT / "experiments" / "idx.py").read_text(encoding="utf-8")
        if data != "digits":
            told["first"] = asked["on"][data].get("first")
    if own := own_text(notebook, function):
        told |= {"text": own, "reader": (ROOT / "experiments" / "text.py").read_text(encoding="utf-8")}
    if asked:
        told["keep"] = stress.metrics(asked)
    return told | {"hash": code_of(notebook, function, data)}


def work(told):
    """One row: the setting, what the function gave for it, and where that came from. Runs on a worker."""
    import torch

    torch.set_num_threads(1)
    space, started, worked = {"__name__": told["name"]}, time.perf_counter(), time.process_time()
    exec(compile(told["code"], f"<{told['name']}>", "exec"), space)
    arguments = dict(told["setting"])
    if "device" in told:
        space["DEVICE"] = told["device"]
    if "idx" in told:
        loader = {"__name__": "idx"}
        exec(compile(told["idx"], "<idx>", "exec"), loader)
        os.environ["DROPOUT_DATA"] = told["folder"]
        space["images"] = loader["images"]
        if "first" in told:
            loader["put_into"](space, arguments.pop("data"), told["first"])
    if "text" in told:
        reader = {"__name__": "text"}
        exec(compile(told["reader"], "<text>", "exec"), reader)
        reader["put_into"](space, told["text"])
    given = space[told["function"]](**arguments)
    if "keep" in told:  # six digits of what is looked at: there are many rows
        given = {metric: [f"{value:.6g}" for value in given[metric]] for metric in told["keep"] if metric in given}
    result = {metric: [float(value) for value in values] for metric, values in given.items()}
    origin = {"code": told["hash"], "seconds": round(time.perf_counter() - started, 1)}
    origin["cpu_seconds"] = round(time.process_time() - worked, 1)
    origin |= {"date": date.today().isoformat(), "python": platform.python_version(), "threads": 1}
    origin |= {library: version(library) for library in ("torch", "numpy")}
    origin["processor"] = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    if told.get("device", "cpu") != "cpu":
        origin["processor"] = torch.cuda.get_device_name()
    return {"setting": told["setting"], "result": result, **origin}


def run(notebook, function, setting):
    """One row, made here."""
    return work(job(notebook, function, setting))


def place(name):
    """The file with the results of an experiment; those on a text of the reader's own lie apart."""
    folder = PLANS / "results"
    if os.environ.get("DROPOUT_TEXT"):
        asked = plan(name)
        if own := own_text(asked["notebook"], asked["function"]):
            folder = folder / "own" / hashlib.sha256(own.encode()).hexdigest()[:8]
    return folder / f"{name}.json"


def rows(name):
    """The rows stored for an experiment."""
    path = place(name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def wanted(asked, have):
    """The settings that a plan asks for; a search for learning rates goes on from the rows that are there."""
    return stress.wanted(asked, have) if "arms" in asked else asked["settings"]


def there(name, asked):
    """{setting as JSON: its row} for the stored rows that today's code gave."""
    function, found = (asked["notebook"], asked["function"]), {}
    codes = {"digits": code_of(*function)}
    for row in rows(name):
        data = row["setting"].get("data", "digits") if "arms" in asked else "digits"
        codes[data] = codes.get(data) or code_of(*function, data)
        if row["code"] == codes[data]:
            found[json.dumps(row["setting"])] = row
    return found


def current(name):
    """(the stored rows that the plan asks for and today's code gave, the settings that still have none)."""
    asked = plan(name)
    have = there(name, asked)
    keys = [json.dumps(setting) for setting in wanted(asked, have)]
    return [have[key] for key in keys if key in have], [json.loads(key) for key in keys if key not in have]


def store(name, kept):
    """Write the rows whole or not at all, a line each."""
    path = place(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "[\n" + ",\n".join(json.dumps(row) for row in kept) + "\n]\n"
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


@contextlib.contextmanager
def cluster(scheduler=None, jobs=None):
    """A Dask client: of the cluster at an address, or of processes on this machine, which end when this one does."""
    import dask
    from distributed import Client, LocalCluster

    # A busy machine may let a worker wait for minutes: that is no failure.
    slow = {"scheduler.worker-ttl": None, "scheduler.allowed-failures": 10}
    slow |= {"comm.timeouts.connect": "900s", "comm.timeouts.tcp": "900s", "admin.log-format": "%(message)s"}
    dask.config.set({f"distributed.{name}": value for name, value in slow.items()})
    work.__module__ = "__main__"  # so that it is sent whole: workers elsewhere could not import this module
    with contextlib.ExitStack() as stack:
        if scheduler:
            from grading.grade import client_of

            client = stack.enter_context(client_of(scheduler))
        else:
            here = "127.0.0.1:0"  # or Dask would show its pages to the whole network
            local = LocalCluster(
                n_workers=jobs or len(os.sched_getaffinity(0)), threads_per_worker=1, processes=True,
                silence_logs=50, dashboard_address=here, worker_dashboard_address=here,
                memory_limit=0, host="127.0.0.1",
            )  # fmt: skip
            client = stack.enter_context(Client(stack.enter_context(local)))
        yield client


def make(name, client, ends=float("inf"), bar=None):
    """Run the settings of one experiment that have no result yet, the first ones first; store each as it comes. After
    `ends`, a time of time.monotonic(), none is begun any more; without DROPOUT_DATA, none on another set of images.
    Returns whether all are there."""
    from distributed import as_completed

    asked = plan(name)
    have, flying, stream = there(name, asked), {}, as_completed(loop=client.loop)
    ahead = max(2, 2 * sum(client.nthreads().values()))
    bar = bar or (lambda done, total: None)
    here = os.environ.get("DROPOUT_DATA")
    while True:
        order = [json.dumps(setting) for setting in wanted(asked, have)]
        kept = [have[key] for key in order if key in have]
        if have and kept != rows(name):
            store(name, kept)
        bar(len(kept), len(order))
        able = [key for key in order if here or "arms" not in asked or "data" not in json.loads(key)]
        for key in able:
            if key not in have and key not in flying.values() and len(flying) < ahead and time.monotonic() < ends:
                told = job(asked["notebook"], asked["function"], json.loads(key), asked if "arms" in asked else None)
                future = client.submit(work, told, pure=False)
                flying[future.key] = key
                stream.add(future)
        if not flying:
            return len(kept) == len(order)
        future = next(stream)
        have[flying.pop(future.key)] = future.result()


def claims(name):
    """The claims that a stress plan tests."""
    return list(dict.fromkeys(effect["claim"] for effect in plan(name)["effects"]))


def chosen(claim="", table="", folder="stress"):
    """The plans of a folder that are to be run: all, those that test one claim, or that of one published table."""
    plans = sorted(f"{folder}/{path.stem}" for path in (PLANS / folder).glob("*.toml"))
    if table:
        plan(f"{folder}/{table}")  # or there is none
        return [f"{folder}/{table}"]
    found = [name for name in plans if not claim or claim.lstrip("0") in map(str, claims(name))]
    if not found:
        known = sorted({claim for name in plans for claim in claims(name)})
        raise ValueError(f"no stress plan tests CLAIM={claim}; there are plans for {', '.join(map(str, known))}")
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all experiments, unless named")
    parser.add_argument("--stress", action="store_true", help="the stress plans, or those of CLAIM")
    parser.add_argument("--replicate", action="store_true", help="the published tables, or TABLE")
    parser.add_argument("--check", action="store_true", help="run nothing; exit with 1 if a run would")
    parser.add_argument("--jobs", type=int, help="processes side by side; as many as there are cores, unless said")
    for name in ("claim", "table", "scheduler", "budget"):
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper(), ""))
    return parser.parse_args()


def main():
    from tqdm import tqdm

    args = arguments()
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        names = args.names or sorted(one.stem for one in PLANS.glob("*.toml"))
        if args.stress or args.replicate:
            names = chosen(args.claim) if args.stress else chosen(table=args.table, folder="replicate")
        for name in names if args.check else ():
            if missing := current(name)[1]:
                sys.exit(f"dropout-book: {name}: {len(missing)} settings have no result of today's code")
        if args.check:
            return
        if args.budget and not re.fullmatch(r"[0-9]*\.?[0-9]+", args.budget):
            raise ValueError(f"BUDGET is a number of hours, got {args.budget}")
        functions = {(asked["notebook"], asked["function"]) for asked in map(plan, names)}
        if os.environ.get("DROPOUT_TEXT") and not any(own_text(*function) for function in functions):
            raise ValueError("DROPOUT_TEXT is set, and nothing of what is to be run reads a text")
        ends = time.monotonic() + 3600 * float(args.budget or "inf")
        with cluster(args.scheduler, args.jobs) as client:
            for name in names:
                with tqdm(unit="run", desc=name, file=sys.stderr) as line:

                    def bar(done, total, line=line):
                        line.n, line.total = done, total
                        line.refresh()

                    make(name, client, ends, bar)
                waiting = sum("data" in setting for setting in current(name)[1]) if "/" in name else 0
                if waiting and not os.environ.get("DROPOUT_DATA"):
                    print(f"{name}: {waiting} runs or more wait for DROPOUT_DATA=folder", file=sys.stderr)
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")


if __name__ == "__main__":
    main()

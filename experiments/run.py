"""Run what takes too long for a notebook, one setting after another, and keep each result as it comes.

    python experiments/run.py [--check] [NAME ...]

experiments/NAME.toml names a notebook, a function in it, and a grid of the function's arguments: every combination is
a setting. The function is taken out of the notebook, so nothing is written twice; it returns {metric: one number a
seed}. What it gives goes to experiments/results/NAME.json as soon as it is there, with where it came from; a run that
was stopped goes on where it was. Results of a function that has changed since are made again, and --check names them.
"""

import argparse
import ast
import hashlib
import itertools
import json
import os
import platform
import sys
import time
import tomllib
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import notebooks as tool  # noqa: E402

PLANS = ROOT / "experiments"


def plan(name):
    """What experiments/NAME.toml asks for: {"notebook": …, "function": …, "settings": [{argument: value}, …]}."""
    path = PLANS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in PLANS.glob("*.toml")))
        raise ValueError(f"no experiment called {name}; there are: {known}")
    asked = tomllib.loads(path.read_text(encoding="utf-8"))
    if not {"notebook", "function", "grid"} <= set(asked):
        raise ValueError(f"{path.name}: needs notebook, function and [grid]")
    grids = asked["grid"] if isinstance(asked["grid"], list) else [asked["grid"]]
    settings = [dict(zip(grid, values)) for grid in grids for values in itertools.product(*grid.values())]
    return {"notebook": asked["notebook"], "function": asked["function"], "settings": settings}


@cache
def definitions(notebook):
    """The top-level definitions of a notebook, as a list of syntax trees."""
    nb = nbformat.read(tool.NOTEBOOKS / f"{notebook}.ipynb", as_version=4)
    stored = {id(cell) for cell in nb.cells if any(tag.startswith("stored-") for tag in cell.metadata.get("tags", []))}
    code = "\n\n".join(cell.source for cell in tool.code_cells(nb) if id(cell) not in stored)
    return tool.definitions(code).body


def needed(notebook, function):
    """The definitions that `function` rests on, itself included, in their order; imports are always needed."""
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
    imports = ast.Import | ast.ImportFrom
    return [node for node in definitions(notebook) if id(node) in wanted or isinstance(node, imports)]


def code_of(notebook, function):
    """A hash of the code that decides the results: comments and other definitions do not count."""
    text = "\n".join(ast.unparse(node) for node in needed(notebook, function))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(notebook, function, setting):
    """One row: the setting, what the function gave for it, and where that came from."""
    import torch

    torch.set_num_threads(1)
    space, started = {"__name__": notebook}, time.perf_counter()
    exec(compile(ast.Module(needed(notebook, function), []), f"<{notebook}>", "exec"), space)
    given = space[function](**setting)
    result = {metric: [float(value) for value in values] for metric, values in given.items()}
    origin = {"code": code_of(notebook, function), "seconds": round(time.perf_counter() - started, 1)}
    origin |= {"date": date.today().isoformat(), "python": platform.python_version(), "threads": 1}
    origin |= {library: version(library) for library in ("torch", "numpy")}
    origin["processor"] = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {"setting": setting, "result": result, **origin}


def rows(name):
    """The rows stored for an experiment."""
    path = PLANS / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def current(name):
    """(the stored rows that the plan asks for and today's code gave, the settings that still have none)."""
    asked = plan(name)
    code = code_of(asked["notebook"], asked["function"])
    fresh = {json.dumps(row["setting"]): row for row in rows(name) if row["code"] == code}
    keys = [json.dumps(setting) for setting in asked["settings"]]
    return [fresh[key] for key in keys if key in fresh], [json.loads(key) for key in keys if key not in fresh]


def store(name, kept):
    """Write the rows whole or not at all, a line each."""
    path = PLANS / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    text = "[\n" + ",\n".join(json.dumps(row) for row in kept) + "\n]\n"
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def make(name, jobs):
    """Run the settings of one experiment that have no result yet."""
    asked = plan(name)
    kept, todo = current(name)
    order = [json.dumps(setting) for setting in asked["settings"]]
    print(f"{name}: {len(kept)} of {len(order)} settings are there", flush=True)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = [pool.submit(run, asked["notebook"], asked["function"], setting) for setting in todo]
        for done in as_completed(waiting):
            kept = sorted([*kept, done.result()], key=lambda row: order.index(json.dumps(row["setting"])))
            store(name, kept)
            print(f"{name}: {len(kept)} of {len(order)}, {done.result()['seconds']} s", flush=True)
    if not todo:
        store(name, kept)  # a plan that asks for less drops what it no longer asks for


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all experiments, unless named")
    parser.add_argument("--check", action="store_true", help="run nothing; exit with 1 if a run would")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes side by side")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        for name in args.names or sorted(path.stem for path in PLANS.glob("*.toml")):
            if not args.check:
                make(name, args.jobs)
            elif missing := current(name)[1]:
                sys.exit(f"dropout-book: {name}: {len(missing)} settings have no result of today's code")
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")


if __name__ == "__main__":
    main()

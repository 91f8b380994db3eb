"""Stamp what notebooks share into them, execute the ones that changed, and store them in one normal form.

    python tools/notebooks.py [--force] [--check] [NOTEBOOK ...]

A notebook is executed when its code differs from the code its stored outputs came from (a hash of it stands
in the notebook's metadata). Ids, key order and metadata are normalised, so a second run changes no byte.
Shared are the preamble, and the effects that chapters measured: a cell tagged `effects` ends in their table,
and a cell tagged `results` in a later chapter receives the rows of all such tables before it. A cell tagged
`stored-NAME` receives what experiments/results/NAME.json holds, too long for a notebook to run.
--check writes and executes nothing; it names the notebooks that a run would change and exits with 1.
"""

import argparse
import ast
import base64
import hashlib
import io
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import nbformat
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
EXPERIMENTS = ROOT / "experiments" / "results"
PREAMBLE = NOTEBOOKS / "preamble.py"
COLUMNS = 80  # of the code in notebooks
WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}
LIBRARIES = ("torch", "numpy", "matplotlib", "scikit-learn")


def code_cells(nb):
    """The code cells of `nb` that hold code, in order."""
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def definitions(code):
    """The imports, functions, classes and UPPERCASE constants at the top level of `code`, as one syntax tree."""

    def kept(node):
        if isinstance(node, ast.Assign):
            names = [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
            return all(name.isupper() for name in names)
        return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)

    return ast.Module([node for node in ast.parse(code).body if kept(node)], type_ignores=[])


def code_hash(nb):
    """A hash of what decides the outputs: the sources of all code cells, in order."""
    return hashlib.sha256("\0".join(cell.source for cell in code_cells(nb)).encode()).hexdigest()[:16]


def tagged_with(nb, tag):
    """The cells of `nb` that carry `tag`."""
    return [cell for cell in nb.cells if tag in cell.metadata.get("tags", [])]


def effects(nb):
    """The rows of the tables in the cells tagged `effects`: (situation, choice, loss, ±, error in points, ±)."""
    rows = []
    for cell in tagged_with(nb, "effects"):
        text = "".join(output.get("data", {}).get("text/markdown", "") for output in cell.outputs)
        lines = [[part.strip() for part in line.strip("| ").split("|")] for line in text.splitlines() if "|" in line]
        rows += [(*row[:2], *(float(number.replace("−", "-")) for number in row[2:])) for row in lines[2:]]
    return rows


def results_code(name):
    """The code of a `results` cell in the notebook `name`: the effects of all chapters before it."""
    rows = [
        ((path.stem, *row[:2]), row[2:])
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        if path.name < name
        for row in effects(nbformat.read(path, as_version=4))
    ]
    told = textwrap.fill(
        "What the chapters before this one measured, copied from their stored results by tools/notebooks.py: "
        "chapter, situation, choice, effect on held-out log-loss, ± 95 %, effect on error in points, ± 95 %.",
        COLUMNS, initial_indent="# ", subsequent_indent="# ", **WHOLE_WORDS,
    )  # fmt: skip
    lines = (filled(f"({', '.join([*map(json_to_python, place), *map(str, numbers)])}),") for place, numbers in rows)
    return "\n".join([told, "RESULTS = [", *lines, "]"])


def stored_names(nb):
    """{id of a cell: NAME} of the cells tagged stored-NAME."""
    tags = ((cell, tag) for cell in nb.cells for tag in cell.metadata.get("tags", []))
    return {id(cell): tag.removeprefix("stored-") for cell, tag in tags if tag.startswith("stored-")}


def stored_code(name):
    """The code of a `stored-NAME` cell: NAME = [(setting, {metric: one number a seed}), ...]."""
    path = EXPERIMENTS / f"{name.removesuffix('-counts')}.json"
    if not path.exists():
        raise ValueError(f"no stored results called {name}: run experiments/run.py {name}")
    rows = json.loads(path.read_text(encoding="utf-8"))
    if path.stem == "replications":
        return published_code(rows)
    if path.stem == "reach":
        return reach_code(rows) if name.endswith("-counts") else grids_code(rows)
    seconds, last = sum(row["seconds"] for row in rows), max(rows, key=lambda row: row["date"])
    head = f"Stored results of {len(rows)} settings,"
    if "versions" in last:  # of libraries that the book does without: tools/zoo.py made the results
        versions = ", ".join(f"{library} {version}" for library, version in last["versions"].items())
        head += f" {seconds:.0f} seconds on one thread, made by make zoo on {last['date']} ({versions})."
    else:
        head += f" {seconds / 60:.0f} minutes on one thread, made with the function above by experiments/run.py"
        head += f" on {last['date']} (torch {last['torch']}, numpy {last['numpy']})."
    head = textwrap.fill(head, COLUMNS, initial_indent="# ", subsequent_indent="# ", **WHOLE_WORDS)
    lines = [head, f"{name.replace('-', '_').upper()} = ["]
    for row in rows:
        results = (
            f"{json_to_python(key)}: [{', '.join(f'{value:.4g}' for value in values)}]"
            for key, values in row["result"].items()
        )
        lines.append(filled(f"({json_to_python(row['setting'])}, {{{', '.join(results)}}}),"))
    return "\n".join([*lines, "]"])


def grids_code(rows):
    """The code of a cell tagged stored-reach: GRIDS = [{"plan": …, "effects": [{…}, …]}, …]."""
    hours, kept = sum(row["hours"] for row in rows), ("claim", "says", "sign", "mean", "half")
    head = (
        f"Stored results of {len(rows)} grids, {hours:.1f} hours on one thread, made with the chapters' functions by "
        "experiments/run.py: of each effect the mean and the 95 % half-width in each setting."
    )
    lines = [textwrap.fill(head, COLUMNS, initial_indent="# ", subsequent_indent="# ", **WHOLE_WORDS), "GRIDS = ["]
    for row in rows:
        plan = {name: row[name] for name in ("plan", "notebook", "seeds", "knobs", "on", "settings")}
        lines.append(filled(json_to_python(plan)[:-1] + ', "effects": ['))
        lines += [filled(json_to_python({name: effect[name] for name in kept}) + ",") for effect in row["effects"]]
        lines.append("    ]},")
    return "\n".join([*lines, "]"])


def published_code(rows):
    """The code of a cell tagged stored-replications: REPLICATIONS = [{"key": …, "numbers": {arm: {"published": …,
    metric: [mean, half], …}}, "effects": [{…}, …]}, …]; "numbers" only where both are in one unit."""
    hours = sum({row["plan"]: row["hours"] for row in rows}.values())
    head = (
        f"Stored results of {len(rows)} published tables and figures, measured again by experiments/run.py --replicate "
        f"in {hours:.1f} hours on one thread."
    )
    lines = [
        textwrap.fill(head, COLUMNS, initial_indent="# ", subsequent_indent="# ", **WHOLE_WORDS),
        "REPLICATIONS = [",
    ]
    for row in rows:
        one = {name: row[name] for name in ("key", "link", "metric", "unit", "seeds")}
        one["numbers"] = {}
        for arm in row["rows"] if row["unit"] is None else ():
            if arm["published"] is not None:
                measured = {row["metric"]: arm} | arm["beside"]
                numbers = {metric: [value["mean"], value["half"]] for metric, value in measured.items()}
                one["numbers"][arm["arm"]] = {"published": arm["published"]} | numbers
        lines.append(filled(json_to_python(one)[:-1] + ', "effects": ['))
        kept = ("says", "short", "sign", "needs", "margin", "was", "mean", "half")
        lines += [filled(json_to_python({name: effect[name] for name in kept}) + ",") for effect in row["effects"]]
        lines.append("    ]},")
    return "\n".join([*lines, "]"])


def reach_code(rows):
    """The code of a cell tagged stored-reach-counts: REACH = [(chapter, claim, words, holds, …), …]."""
    head = (
        "Each effect of the grids in Chapter 14: chapter, claim, its words, the settings in which it holds, is "
        "reversed and is not seen, and the knob that decides, if one does."
    )
    lines = [textwrap.fill(head, COLUMNS, initial_indent="# ", subsequent_indent="# ", **WHOLE_WORDS), "REACH = ["]
    for row in rows:
        for effect in row["effects"]:
            counts = [effect["tally"][word] for word in ("holds", "reversed", "unseen")]
            told = [row["notebook"], effect["claim"], effect["says"], *counts, effect["decides"]]
            lines.append(filled(f"({', '.join(map(json_to_python, told))}),"))
    return "\n".join([*lines, "]"])


def filled(text):
    """A row of a list in as many lines as it takes; NUL stands for a blank at which no line breaks."""
    text = textwrap.fill(text, COLUMNS, initial_indent="    ", subsequent_indent="     ", **WHOLE_WORDS)
    return text.replace("\0", " ")


def json_to_python(value):
    """The Python literal of a value that came from JSON, strings in double quotes; NUL for a blank in a string."""
    if isinstance(value, str):  # in parts that fit a line, so that no line breaks within one
        long = len(value) > COLUMNS - 8
        parts = textwrap.wrap(value, 60, drop_whitespace=False, **WHOLE_WORDS) if long else [value]
        return " ".join(json.dumps(part, ensure_ascii=False).replace(" ", "\0") for part in parts)
    if isinstance(value, list):
        return f"[{', '.join(map(json_to_python, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json_to_python(key)}: {json_to_python(part)}' for key, part in value.items())}}}"
    return repr(value)


def stamp(nb, name=""):
    """Put the preamble into the cell tagged `preamble`, earlier and stored results into those tagged so.

    ValueError unless there is exactly one preamble, before all code.
    """
    for cell in tagged_with(nb, "results"):
        cell.source = results_code(name)
    stored = stored_names(nb)
    for cell in nb.cells:
        if id(cell) in stored:
            cell.source = stored_code(stored[id(cell)])
    tagged = tagged_with(nb, "preamble")
    if len(tagged) != 1 or tagged != [cell for cell in nb.cells if cell.cell_type == "code"][:1]:
        raise ValueError("the first code cell, and only that one, must carry the tag 'preamble'")
    tagged[0].source = PREAMBLE.read_text(encoding="utf-8").rstrip("\n")


def shrink(png):
    """A base64 PNG with its colours counted out into a palette of 256: a third of the bytes, the same to the eye."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "P":
        return png
    small = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def joined(outputs):
    """The outputs with neighbouring pieces of one stream joined: where a kernel cuts a stream is chance."""
    whole = []
    for output in outputs:
        if output.output_type == "stream" and whole and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def normalise(nb):
    """Bring `nb` into the form that is stored: ids from content, only meaningful metadata, small figures."""
    seen = {}
    cells = []
    for cell in nb.cells:
        if not cell.source.strip():
            continue
        cell.source = "\n".join(line.rstrip() for line in cell.source.rstrip().split("\n"))
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, -1) + 1
        cell.id = f"{digest}-{seen[digest]}" if seen[digest] else digest
        kept = {key: cell.metadata[key] for key in ("tags", "mystnb") if cell.metadata.get(key)}
        if "tags" in kept:
            kept["tags"] = sorted(kept["tags"])
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                output.pop("transient", None)
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = shrink(output.data["image/png"])
                if "metadata" in output:
                    output.metadata = nbformat.from_dict({})
        cells.append(cell)
    nb.cells = cells
    nb.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **({"executed": nb.metadata.executed} if "executed" in nb.metadata else {}),
        }
    )
    nb.nbformat, nb.nbformat_minor = 4, 5


def is_stale(nb):
    """Whether the stored outputs came from other code than the notebook now holds."""
    counts = [cell.execution_count for cell in code_cells(nb)]
    stored = nb.metadata.get("executed", {}).get("code")
    return stored != code_hash(nb) or counts != list(range(1, len(counts) + 1))


def outputs(nb):
    """Everything a run produced, for comparison."""
    return [(cell.execution_count, cell.outputs) for cell in code_cells(nb)]


def execute(nb):
    """Run every cell in a fresh kernel on one torch thread and record where the outputs came from."""
    from nbclient import NotebookClient

    started = time.perf_counter()
    NotebookClient(nb, timeout=600, kernel_name="python3", store_widget_state=False).execute(
        cwd=str(NOTEBOOKS), stderr=subprocess.DEVNULL
    )
    nb.metadata.executed = {
        "code": code_hash(nb),
        "seconds": round(time.perf_counter() - started),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def update(path, force=False, check=False):
    """Bring one notebook up to date; return a line that says what was done, or would be (`check`)."""
    text = path.read_text(encoding="utf-8")
    before, nb = (nbformat.reads(text, as_version=4) for _ in range(2))
    stamp(nb, path.name)
    stale = is_stale(nb)
    if not check and (force or stale):
        execute(nb)
    normalise(nb)
    if not stale and outputs(nb) == outputs(before):
        nb.metadata.executed = before.metadata.executed  # same outputs: keep the record, change no byte
    nbformat.validate(nb)
    result = nbformat.writes(nb) + "\n"
    if result == text and not (check and stale):
        return f"{path.name}: unchanged"
    if check:
        return f"{path.name}: {'must be executed' if stale else 'is not in the stored form'}"
    path.write_text(result, encoding="utf-8")
    return (
        f"{path.name}: executed in {nb.metadata.executed.seconds} s" if force or stale else f"{path.name}: normalised"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--force", action="store_true", help="execute even what did not change")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a run would")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    paths = args.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))

    def one(path):
        try:
            return True, update(path, args.force, args.check)
        except FileNotFoundError:
            return False, f"{path}: no such notebook"
        except Exception as error:  # name the notebook, whatever went wrong in it
            message = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            return False, f"{path.name}: {type(error).__name__}: {message}"

    failed = False
    after = [path for path in paths if path.exists() and '"results"' in path.read_text(encoding="utf-8")]
    with ThreadPoolExecutor(1 if args.check else os.cpu_count() or 1) as pool:
        first = pool.map(one, [path for path in paths if path not in after])
        for ok, line in itertools.chain(first, map(one, after)):  # one by one: they read what the others stored
            failed |= not ok or (args.check and not line.endswith("unchanged"))
            print(line, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

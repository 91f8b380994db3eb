"""Take the inspector of the field guide to published architectures of several libraries, and store what it says.

    python tools/zoo.py [--check] [--again] [--notebook PATH] [--kind WORD ...] [dropblock | onnx | inspector]

The libraries stand in an environment of their own, .venv-zoo, made from tests/zoo.txt, and tests/zoo-onnx.txt with
what an export to ONNX takes. The inspector is what the cells tagged `diagnose` hold; the models, and what is planted
in them, are in tests/zoo/. Each answer is kept as it comes in _build/zoo, so that a run that was stopped goes on where
it was; the whole goes to experiments/results/zoo.json. How the libraries' DropBlock differs goes to
dropblock-libraries.json there, and what is left of dropout in an ONNX file to onnx-exports.json. --check runs nothing
and exits with 1 if a run would; --kind shows what is said of some kinds only, and stores nothing.
"""

import argparse
import ast
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date
from importlib import import_module
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "experiments", "book/_ext")]

import setup  # noqa: E402

VENV, PINS, ZOO = ROOT / ".venv-zoo", ROOT / "tests" / "zoo.txt", ROOT / "tests" / "zoo"
ONNX_PINS = ROOT / "tests" / "zoo-onnx.txt"
NOTEBOOK = ROOT / "notebooks" / "13-field-guide.ipynb"
KEPT = ROOT / "_build" / "zoo"
SHOWN = ("transformers", "torch_geometric", "monai", "x-transformers", "timm", "vit-pytorch", "rtdl_revisiting_models",
         "pytorch-tcn", "dropblock")  # fmt: skip


def environment():
    """The interpreter of the zoo's environment; makes it anew unless it was made from the same pins."""
    made = VENV / "made.txt"
    inside = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = "\n".join([sys.version, *(pins.read_text(encoding="utf-8") for pins in (PINS, ONNX_PINS))])
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return str(inside)
    setup.say("Setting up .venv-zoo: the libraries of tests/zoo.txt (some minutes) ...")
    python = setup.environment(str(VENV))
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    # torch first, with what it needs on this system; then the rest, which must bring neither torchvision nor a torch
    for what in (["-c", str(PINS), "torch"], ["--no-deps", "-r", str(PINS), "-r", str(ONNX_PINS)]):
        done, printed = setup.install(*pip, *what)
        if not done:
            sys.stderr.write(printed)
            setup.stop("pip could not install what tests/zoo.txt pins; its own words stand above")
    made.write_text(wanted, encoding="utf-8")
    return python


def inspector(notebook):
    """diagnose.py, made from the cells tagged `diagnose`, as the site offers it."""
    return import_module("book_program").program(nbformat.read(notebook, as_version=4))


def pinned(path):
    """The lines of a file of pins."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def digest(*codes, pins=None):
    """A hash of Python code, in which comments and line breaks do not count, and of pins, those of tests/zoo.txt."""
    pins = pinned(PINS) if pins is None else pins
    parts = [ast.unparse(ast.parse(code)) for code in codes] + pins
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def zoo_code(notebook):
    """A hash of what decides the answers: the inspector, the models, what is planted, and the versions."""
    files = [(ZOO / f"{name}.py").read_text(encoding="utf-8") for name in ("models", "faults", "visit", "absent")]
    return digest(inspector(notebook), *files)


def ask(python, *command, given=""):
    """What a command in the zoo's environment prints, line by line, as it comes."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ZOO)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([python, *map(str, command)], env=env, text=True, **pipes)
    process.stdin.write(given)
    process.stdin.close()
    yield from process.stdout
    process.wait()


def catalogue(python):
    """{"models": {library: [architecture]}, "faults": {kind: words}, "twins": [kind], "published": [[…, word]]}."""
    code = "import json, models, faults; print(json.dumps({'models': {k: list(v) for k, v in models.MODELS.items()}, "
    code += "'faults': {k: v[1] for k, v in faults.FAULTS.items()}, 'twins': list(faults.TWINS), "
    code += "'published': [[*place, word] for place, word in models.PUBLISHED.items()]}))"
    return json.loads("".join(ask(python, "-c", code)))


def answers(python, notebook, there, kinds):
    """{(library, kind): {architecture: what was said}}; asks for what is not kept yet, and keeps it."""
    folder = KEPT / zoo_code(notebook)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "diagnose.py").write_text(inspector(notebook), encoding="utf-8")
    found = {}
    for library in there["models"]:
        path = folder / f"{library}.jsonl"
        kept = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
        found |= {(library, kind): said for kind, said in kept if kind in kinds}
        todo = [kind for kind in kinds if (library, kind) not in found]
        while todo:
            said = ask(python, ZOO / "visit.py", folder / "diagnose.py", library, given="\n".join(todo) + "\n")
            left = list(todo)
            for line in said:
                found[library, left[0]] = json.loads(line)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([left[0], found[library, left[0]]]) + "\n")
                print(f"  {library}: {left.pop(0)}", flush=True)
            if left:  # the process died
                found[library, left[0]] = {"?": {"findings": [], "error": "the process ended"} | EMPTY}
                left.pop(0)
            todo = left
    return found


EMPTY = {"seconds": 0, "passes": 0, "touched": False}


def right(finding, words):
    """Whether a finding says one of the words."""
    return any(word.lower() in finding[1].lower() for word in words)


def alarms(said, words):
    """The findings on a sound model; those that name a fault that it has as published do not count."""
    return [one for one in said["findings"] if not right(one, words)]


def rows(found, there):
    """The stored rows: sound models by library, then twins, then faults; a number each architecture.

    (setting, {"error": …, and "alarms" where all is sound, or "found" and how much "more"}, architectures, seconds)
    """
    known = {(library, name): [word] for library, name, word in there["published"]}
    for library in there["models"]:
        said = found[library, "nothing"]
        result = {"alarms": [len(alarms(one, known.get((library, name), []))) for name, one in said.items()]}
        result |= {key: [int(bool(one[key])) for one in said.values()] for key in ("error", "touched")}
        result |= {key: [one[key] for one in said.values()] for key in ("passes", "seconds")}
        yield {"planted": "nothing", "library": library}, result, list(said), sum(result["seconds"])
    for kind in [*there["twins"], *there["faults"]]:
        said = {f"{library} {name}": one for library in there["models"] for name, one in found[library, kind].items()}
        result = {"error": [int(bool(one["error"])) for one in said.values()]}
        if kind in there["faults"]:
            words = there["faults"][kind]
            result["found"] = [int(any(right(one, words) for one in each["findings"])) for each in said.values()]
            result["more"] = [sum(not right(one, words) for one in each["findings"]) for each in said.values()]
        else:
            result["alarms"] = [len(one["findings"]) for one in said.values()]
        setting = {"planted" if kind in there["faults"] else "sound": kind}
        yield setting, result, list(said), sum(one["seconds"] for one in said.values())


def origin(python, code, libraries=("torch", "numpy", *SHOWN)):
    """Where a row came from, with the versions of the libraries."""
    ask_for = "import json, torch; from importlib.metadata import version; "
    ask_for += "print(json.dumps([torch.backends.cpu.get_cpu_capability(), "
    ask_for += f"{{name: version(name) for name in {[*libraries]}}}]))"
    capability, versions = json.loads("".join(ask(python, "-c", ask_for)))
    given = {"code": code, "date": date.today().isoformat(), "python": platform.python_version(), "threads": 1}
    return given | {"processor": f"{platform.machine()} {capability}", "versions": versions}


def store(name, lines):
    """Write the rows whole or not at all, a line each."""
    path = ROOT / "experiments" / "results" / f"{name}.json"
    beside = path.with_suffix(".part")
    beside.write_text("[\n" + ",\n".join(json.dumps(row) for row in lines) + "\n]\n", encoding="utf-8")
    beside.replace(path)


def stored(name):
    """The rows that are stored, or none."""
    path = ROOT / "experiments" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def confusion(lines):
    """The table: what was planted, in how many architectures, found, missed, with more than that, crashed."""
    yield f"{'planted':64}{'in':>4}{'found':>7}{'missed':>8}{'alarms':>8}{'crashes':>9}"
    for row in lines:
        setting, result = row["setting"], row["result"]
        crashed = sum(result["error"])
        if "found" in result:
            name, n, found = setting["planted"], len(result["found"]), sum(result["found"])
            more = sum(map(bool, result["more"]))
            yield f"{name:64}{n:4}{found:7}{n - found:8}{more:8}{crashed:9}"
        else:
            name = f"nothing ({setting['library']})" if "library" in setting else f"sound: {setting['sound']}"
            yield f"{name:64}{len(result['error']):4}{'':15}{sum(map(bool, result['alarms'])):8}{crashed:9}"


def visit(python, notebook, kinds=(), again=False):
    """Ask for everything, store it, print the table."""
    there, started = catalogue(python), time.perf_counter()
    everything = ["nothing", *there["twins"], *there["faults"]]
    wanted = [kind for kind in everything if any(word in kind for word in kinds)] if kinds else everything
    if again:
        for path in (KEPT / zoo_code(notebook)).glob("*.jsonl"):
            path.unlink()
    found = answers(python, notebook, there, wanted)
    if kinds:
        for (library, kind), said in found.items():
            for name, one in said.items():
                print(f"{kind} | {library} {name} | {one['error'] or one['findings']}")
        return
    known, lines = origin(python, zoo_code(notebook)), []
    del known["versions"]["dropblock"]
    for setting, result, names, seconds in rows(found, there):
        lines.append({"setting": setting, "result": result, "models": names, "seconds": round(seconds, 1)} | known)
    store("zoo", lines)
    print("\n".join(confusion(lines)))
    print(f"{sum(row['seconds'] for row in lines):.0f} s of inspections, {time.perf_counter() - started:.0f} s in all")


def chapter_dropblock():
    """Chapter 6's DropBlock, with what it rests on and the imports that it uses, as code."""
    import run

    nodes = run.needed("06-cnn", "FeatureDropout") + run.needed("06-cnn", "paper_gamma")
    used = {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    unused = [one for one in imports if not {(name.asname or name.name).split(".")[0] for name in one.names} & used]
    kept = [node for node in nodes if node not in unused]
    return "\n\n".join(dict.fromkeys(map(ast.unparse, kept)))


def dropblock_code():
    return digest((ZOO / "dropblock_libraries.py").read_text(encoding="utf-8"), chapter_dropblock())


def dropblock(python):
    """Measure the libraries' DropBlock and the chapter's, and store it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / "dropblock06.py").write_text(chapter_dropblock(), encoding="utf-8")
    known, lines = origin(python, dropblock_code()), []
    known["versions"] = {name: known["versions"][name] for name in ("torch", "timm", "dropblock")}
    for line in ask(python, ZOO / "dropblock_libraries.py", KEPT / "dropblock06.py", KEPT):
        row = json.loads(line)
        known["versions"] |= row.pop("versions", {})
        lines.append(row | known)
        print(row["setting"], {key: round(sum(v) / len(v), 4) for key, v in row["result"].items()}, flush=True)
    store("dropblock-libraries", lines)


def onnx_code():
    pins = [line for line in pinned(PINS) if line.startswith("torch==")] + pinned(ONNX_PINS)
    return digest((ZOO / "onnx_exports.py").read_text(encoding="utf-8"), pins=pins)


def onnx(python):
    """Export models that drop to ONNX, run them, and store what they do."""
    known, lines = origin(python, onnx_code(), ("torch", "onnx", "onnxscript", "onnxruntime")), []
    for line in ask(python, ZOO / "onnx_exports.py"):
        lines.append(json.loads(line) | known)
        print(lines[-1]["setting"], {key: sum(v) for key, v in lines[-1]["result"].items()}, flush=True)
    store("onnx-exports", lines)


def stale(notebook=NOTEBOOK):
    """The stored results that today's code did not give."""
    codes = {"zoo": zoo_code(notebook), "dropblock-libraries": dropblock_code(), "onnx-exports": onnx_code()}
    return [name for name, code in codes.items() if {row["code"] for row in stored(name)} != {code}]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["inspector", "dropblock", "onnx"], help="all, unless named")
    parser.add_argument("--check", action="store_true", help="run nothing; exit with 1 if a run would")
    parser.add_argument("--again", action="store_true", help="forget what was kept")
    parser.add_argument("--notebook", type=Path, default=NOTEBOOK, help="another copy of the chapter")
    parser.add_argument("--kind", nargs="+", default=(), metavar="WORD", help="only kinds with one of the words")
    args = parser.parse_args()
    try:
        if args.check:
            sys.exit(f"dropout-book: not of today's code: {', '.join(old)}" if (old := stale(args.notebook)) else 0)
        python = environment()
        if args.what in (None, "dropblock") and not args.kind:
            dropblock(python)
        if args.what in (None, "onnx") and not args.kind:
            onnx(python)
        if args.what in (None, "inspector"):
            visit(python, args.notebook, args.kind, args.again)
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")


if __name__ == "__main__":
    main()

"""A homework, read from its master: what students get, what runs in the sandbox, what is asked of it.

A master is a notebook in nbgrader's cell format. A hidden test is a `probe`:

    probe("name", expression, points=2, hint="Where to look.", tolerance=1e-6)

The expression is evaluated in the sandbox, beside the student's code; the other statements of a hidden region prepare
it. With points=(1, 2) its value is a list of two parts, and each that is right gives its own points. In a class of its
own (`CLASS`) the constants marked `# drawn from …` have other values, `SALT`, which hidden tests alone see and draw
data with, is another number than 0, and a teacher's private folder (`HOMEWORK_PRIVATE`) adds probes in NN-name.py,
below lines `# %% q1` that say which question they belong to.
"""

import ast
import dataclasses
import hashlib
import hmac
import json
import re
from pathlib import Path

from . import reading, sandbox
from .reading import LARGEST, Fault

HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS\n(.*?)^### END HIDDEN TESTS$", re.M | re.S)
DRAWN = re.compile(r"^(?P<name>[A-Z][A-Z0-9_]*) = (?P<value>[^#\n]+?)(?P<mark>  # drawn from (?P<choices>.+))$", re.M)
RANGE = re.compile(r"\s*(-?\d+)\.\.(-?\d+)\s*")
TEACHER = "teacher"  # the tag of cells that only teachers see
MANY = 500


@dataclasses.dataclass
class Probe:
    """parts: the points for each part of the value, where a teacher gives some; points: the sum of them."""

    question: str
    name: str
    points: float
    hint: str
    tolerance: float
    expression: str
    parts: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Homework:
    """name: of the chapter; questions: {label: title}; given: {cell id: source}, run in place of the student's copy;
    stubs: what students got, cell by cell; solution: the master's own code cells; blocks: [[setup, first, end]], the
    probes that belong to each setup; class_: "" for the public version."""

    name: str
    title: str
    class_: str
    questions: dict
    given: dict
    stubs: list
    solution: list
    probes: list
    blocks: list

    @property
    def points(self):
        return sum(probe.points for probe in self.probes)

    def job(self, cells):
        """What goes into the sandbox with these cells: no expected value, no solution."""
        blocks = [
            [setup, [[number, self.probes[number].expression] for number in range(first, end)]]
            for setup, first, end in self.blocks
        ]
        return {"cells": cells, "blocks": blocks}

    def only(self, *questions):
        """The same homework with the probes of these questions alone."""
        probes, blocks = [], []
        for setup, first, end in self.blocks:
            if self.probes[first].question in questions:
                blocks.append([setup, len(probes), len(probes) + end - first])
                probes += self.probes[first:end]
        return dataclasses.replace(self, probes=probes, blocks=blocks)

    def dump(self):
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def load(cls, text):
        fields = json.loads(text)
        return cls(**fields | {"probes": [Probe(**probe) for probe in fields["probes"]]})


def draw(key, class_, chapter, name, choices, public=None):
    """The value of a constant in a class, as Python source: picked by a keyed hash, so the same on every machine.

    choices: "0.2, 0.3, 0.4" or, for whole numbers, "12..40". public: the value that it has for everybody, which a class
    of its own never gets, or the answers to be found for it would count there as well.
    """
    number = int.from_bytes(hmac.digest(key, f"{class_}/{chapter}/{name}".encode(), "sha256")[:8], "big")
    if span := RANGE.fullmatch(choices):
        low, high = map(int, span.groups())
        public = int(public) if public and re.fullmatch(r"-?\d+", public.strip()) else None
        left_out = public is not None and low <= public <= high and low < high
        drawn = low + number % (high - low + 1 - left_out)
        return str(drawn + (left_out and drawn >= public))
    options = [option.strip() for option in choices.split(",")]
    options = [option for option in options if public is None or option != public.strip()] or options
    return options[number % len(options)]


def redrawn(line, key, class_, chapter):
    """A matched line of a constant, with the value of the class."""
    value = draw(key, class_, chapter, line["name"], line["choices"], line["value"])
    return f"{line['name']} = {value}{line['mark']}"


def chapter_file(folder, chapter):
    """The file of a chapter, given as 03, 3 or 03-inverted-dropout. Raises Fault, naming the chapters there are."""
    files = sorted(Path(folder).glob("[0-9][0-9]-*.ipynb"))
    for file in files:
        if chapter and (file.stem == chapter or (chapter.isdecimal() and int(file.stem[:2]) == int(chapter))):
            return file
    there = ", ".join(file.stem[:2] for file in files) or "none"
    raise Fault(f"there is no homework for CHAPTER={chapter}; there is one for: {there}")


def _probes(source, question, where):
    """[setup, [Probe, ...]] of a hidden region."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise Fault(f"{where}: line {error.lineno} of the hidden tests is no Python") from None
    setup, probes = [], []
    for node in tree.body:
        call = node.value if isinstance(node, ast.Expr) else None
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "probe"):
            setup.append(ast.get_source_segment(source, node))
            continue
        try:
            name, expression = call.args
            said = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
            points = said.pop("points")
            parts = list(points) if isinstance(points, tuple) else []
            probe = Probe(
                question=question,
                name=ast.literal_eval(name),
                points=sum(parts) if parts else points,
                parts=parts,
                hint=said.pop("hint"),
                tolerance=said.pop("tolerance", 1e-6),
                expression=ast.get_source_segment(source, expression),
            )
            good = not said and isinstance(probe.name, str) and probe.points > 0 and isinstance(probe.hint, str)
            good = good and 0 <= probe.tolerance < 1 and len(parts) != 1 and all(part > 0 for part in parts)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            text = ast.get_source_segment(source, call).split("\n")[0]
            raise Fault(f'{where}: a probe is probe("name", expression, points=…, hint="…"[, tolerance=…]), not {text}')
        # The expression may run over lines that are indented as arguments are.
        probe.expression = f"({probe.expression})"
        probes.append(probe)
    if not probes:
        raise Fault(f"{where}: no probe, so nothing would be graded")
    return "\n".join(setup), probes


def _private(folder, name):
    """[(question, source), ...] of a teacher's own probes."""
    file = Path(folder) / f"{name}.py"
    if not file.exists():
        return []
    parts = re.split(r"^# %% (\w+).*\n", file.read_text("utf-8"), flags=re.M)
    if re.search(r"^[^#\n]", parts[0], re.M):
        raise Fault(f"{file}: there are probes before the first line # %% q1, which says whose they are")
    return list(zip(parts[1::2], parts[2::2], strict=True))


def key_of(private, class_, make=False):
    """The key that a class's constants are drawn with: the private folder's; without a folder, no secret.

    Making the homework makes the key, once; grading never does, or a mistyped folder would be a class of its own.
    """
    if not private:
        return b"public"
    folder = Path(private)
    if not folder.is_dir():
        raise Fault(f"HOMEWORK_PRIVATE={private} is no folder")
    file = folder / "key"
    if file.exists():
        return file.read_bytes().strip()
    if class_ and make:
        import secrets

        file.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        file.chmod(0o600)
        return file.read_bytes().strip()
    if class_:
        raise Fault(
            f"HOMEWORK_PRIVATE={private} holds no key: is it the folder that make homework used for this class?"
        )
    if not make and not any(folder.glob("[0-9]*.py")):
        raise Fault(f"HOMEWORK_PRIVATE={private} holds neither a key nor probes: is it the right folder?")
    return b"public"


def _notebook(path, class_, private, make):
    """The master's notebook with the constants of the class, as a dict."""
    try:
        notebook = json.loads(Path(path).read_text("utf-8"))
        cells = notebook["cells"]
        for cell in cells:
            cell["source"] = "".join(cell["source"])
            cell["metadata"].get("nbgrader", {}).get("grade_id", "").rpartition("-")
        cells[0]["cell_type"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise Fault(f"{path} is no notebook in nbgrader's format") from None
    name, key = Path(path).stem, key_of(private, class_, make)
    for cell in cells:
        for line in DRAWN.finditer(cell["source"]):
            try:
                span = RANGE.fullmatch(line["choices"])
                if not (int(span[1]) <= int(span[2]) if span else ast.literal_eval(f"[{line['choices']},]")):
                    raise ValueError
            except (ValueError, SyntaxError):
                said = f"{line['name']} is drawn from a, b, c or from 2..9, not from {line['choices']}"
                raise Fault(f"{path}: {said}") from None
        if class_ and cell["cell_type"] == "code":
            cell["source"] = DRAWN.sub(lambda line: redrawn(line, key, class_, name), cell["source"])
    return notebook


def _student(notebook, name, class_):
    """The notebook that students get, as text: nbgrader's preprocessors, run by nbconvert."""
    import nbformat
    from nbconvert.exporters import NotebookExporter
    from nbconvert.preprocessors import TagRemovePreprocessor
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions

    chain = [TagRemovePreprocessor(remove_cell_tags={TEACHER}), ClearSolutions(), ClearHiddenTests(), ClearOutput()]
    exporter = NotebookExporter()
    for step in chain:
        exporter.register_preprocessor(step, enabled=True)
    made = nbformat.from_dict(notebook)
    made.metadata["book"] = {"homework": name, "class": class_}
    try:
        made = nbformat.reads(exporter.from_notebook_node(made)[0], as_version=4)
    except RuntimeError as error:  # nbgrader's, for a region without an end
        raise Fault(f"{name}: {error} (### BEGIN SOLUTION and ### END SOLUTION)") from None
    for cell in made.cells:
        cell.source = cell.source.rstrip()
    return nbformat.writes(made) + "\n"


def read(path, class_="", private=None, make=False, limits=sandbox.LIMITS):
    """(Homework, the notebook that students get, as text) of a master. make: for handing out. Raises Fault."""
    name = Path(path).stem
    notebook = _notebook(path, class_, private, make)
    questions, probes, blocks, given, solution = {}, [], [], {}, []

    def add(setup, more):
        blocks.append([setup, len(probes), len(probes) + len(more)])
        probes.extend(more)

    for cell in notebook["cells"]:
        info = cell["metadata"].get("nbgrader", {})
        if not info.get("grade_id"):
            raise Fault(f"{path}: a cell has no grade_id: {cell['source'][:40]!r}")
        label, _, kind = info.get("grade_id", "").rpartition("-")
        if kind == "question":
            questions[label] = cell
        elif info.get("grade"):
            hidden = HIDDEN.findall(cell["source"])
            if not hidden:
                raise Fault(f"{path}: {info['grade_id']} has no hidden tests")
            add(*_probes("".join(hidden), label, f"{path}, {info['grade_id']}"))
        elif cell["cell_type"] == "code" and TEACHER not in cell["metadata"].get("tags", []):
            solution.append(cell["source"])
            if not info.get("solution"):
                given[info["grade_id"]] = cell["source"]
    headed = {label: re.match(r"#+ (.*)", cell["source"]) for label, cell in questions.items()}
    headed["intro"] = re.match(r"# (.*)", notebook["cells"][0]["source"])
    for label in [label for label, heading in headed.items() if not heading]:
        raise Fault(f"{path}: {label} has no title: no line that starts with #")
    asked = {probe.question for probe in probes}
    for label in sorted(asked ^ questions.keys()):
        raise Fault(
            f"{path}: {label} has a {'question and no check' if label in questions else 'check and no question'}"
        )
    for label, source in _private(private, name) if private else []:
        where = f"{Path(private) / name}.py, {label}"
        if label not in questions:
            raise Fault(f"{where}: there is no such question; there are {', '.join(questions)}")
        add(*_probes(source, label, where))
    # A student's `for SEED in range(5)` is no fault: hidden tests go by the constants as they were given.
    drawn = [line for text in given.values() for line in DRAWN.finditer(text)]
    constants = "".join(f"{line['name']} = {line['value']}\n" for line in drawn)
    salt = draw(key_of(private, class_), class_, name, "SALT", "1..9999") if class_ else 0
    constants += f"SALT = {salt}\n"
    blocks = [[constants + setup, first, end] for setup, first, end in blocks]
    _say_points(notebook, questions, probes)
    first = notebook["cells"][0]
    first["source"] = first["source"].replace(limited(), limited(limits))
    text = _student(notebook, name, class_)
    titles = {label: re.match(r"#+ (.*)", cell["source"])[1] for label, cell in questions.items()}  # with new points
    cells = json.loads(text)["cells"]
    homework = Homework(
        name=name,
        title=re.match(r"# (.*)", notebook["cells"][0]["source"])[1],
        class_=class_,
        questions=titles,
        given=given,
        stubs=["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"],
        solution=solution,
        probes=probes,
        blocks=blocks,
    )
    return homework, text


def limited(limits=sandbox.LIMITS):
    """What the first cell of a homework says of time."""
    return (
        f"Grading stops a cell or a check after {limits['step']:g} seconds of processor time, or {limits['wait']:g} on "
        f"the clock, and the whole notebook after {limits['whole']:g}:"
    )


def _say_points(notebook, questions, probes):
    """Private probes add points: let the titles, the first cell and nbgrader's metadata say the new sums."""
    before = 0
    for label, cell in questions.items():
        points = sum(probe.points for probe in probes if probe.question == label)
        old = re.search(r"\((\d+) points?\)", cell["source"])
        if old:
            before += int(old[1])
            cell["source"] = cell["source"].replace(old[0], f"({points} point{'s' if points != 1 else ''})", 1)
        for check in notebook["cells"]:
            if check["metadata"].get("nbgrader", {}).get("grade_id") == f"{label}-check":
                check["metadata"]["nbgrader"]["points"] = points
    first, total = notebook["cells"][0], sum(probe.points for probe in probes)
    first["source"] = re.sub(rf"\b{before} points\b", f"{total} points", first["source"])


def submitted(data, homework):
    """The cells to run of a submission: bytes of a file -> ([source, ...], [what each is called, ...], remark).

    Every code cell counts, in order, wherever it came from. Only what students were given is the grader's own: it runs
    in place of their copy, and visible checks and stubs left as they were do not run. Raises Fault for what cannot be
    graded.
    """
    if len(data) > LARGEST:
        raise Fault(f"the file is larger than {LARGEST >> 20} MB; clear the outputs and hand it in again")
    if not data.strip():
        raise Fault("the file is empty")
    notebook = reading.opened(data, homework.name)
    cells, said = reading.answers(notebook["cells"], homework.stubs)
    cells = [cell for cell in cells if cell.get("cell_type") == "code"]
    sources = [cell["source"].encode("utf-8", "replace").decode() for cell in cells]
    if len(cells) > MANY:
        raise Fault(f"the notebook has more than {MANY} code cells")
    about = _dict(_dict(notebook.get("metadata")).get("book"))
    if isinstance(about.get("homework"), str) and about["homework"] != homework.name:
        raise Fault("this is the homework of another chapter")
    untouched = {text.strip() for text in homework.stubs}
    waiting, chosen, known, differ = dict(homework.given), [], 0, False
    for place, (cell, source) in enumerate(zip(cells, sources, strict=True), 1):
        info = _dict(_dict(cell.get("metadata")).get("nbgrader"))
        label = info.get("grade_id") if isinstance(info.get("grade_id"), str) else ""
        label = label or next((name for name, text in waiting.items() if text.strip() == source.strip()), "")
        known += label != ""
        if source.strip() not in untouched and not label.endswith("-check"):
            chosen.append(("", source, f"code cell {place}"))  # also what was added to a given cell or its copy
        if label in waiting:
            differ |= _drawn(source).items() - _drawn(waiting[label]).items() != set()
            chosen.append((label, waiting.pop(label), f"code cell {place}"))
    remark = "" if known else "no cell of this homework was recognised; all code in the file was run"
    if known and about.get("class", homework.class_) != homework.class_:
        remark = "this is another class's version; it was graded with this class's constants"
    elif differ:
        remark = "the constants in this copy are not those of the class, which it was graded with"
    after = 0
    for label, source in homework.given.items():
        if label in waiting:  # it was deleted, and comes back after the given cell that stood before it
            chosen.insert(after, (label, source, "a given cell"))
        after = [one for one, _, _ in chosen].index(label) + 1
    remark = "; ".join(filter(None, [remark, *said]))
    return [source for _, source, _ in chosen], [name for _, _, name in chosen], remark


def _drawn(source):
    """{name: value} of the constants in a cell that a class has its own of."""
    return {line["name"]: line["value"].strip() for line in DRAWN.finditer(source)}


def _dict(value):
    return value if isinstance(value, dict) else {}


def fingerprint(*parts):
    """A short name for what a result depends on: the homework, the submission, this code."""
    digest = hashlib.sha256()
    for part in parts:
        part = part if isinstance(part, bytes) else part.encode()
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]

"""What every chapter must look like. A rule is a function that lists a notebook's faults; each rule is shown to bite."""

import ast
import copy
import itertools
import re
import sys

import nbformat
import pytest
import torch
from book_record import VERDICTS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from threadpoolctl import threadpool_info, threadpool_limits

import notebooks as tool
from notebook import NAMES, PATHS, ROOT, code_of, definitions, read, solutions

CLAIMS = {
    "01-overfitting": {1, 2, 3, 4, 5, 6, 7, 8},
    "02-mask-math": {9, 10, 11, 12, 13, 14, 24},
    "03-inverted-dropout": {15, 16, 17, 18, 19, 20},
    "04-why-it-works": {21, 22, 23, 26},
    "05-mlp": {32, 40},
    "06-cnn": {33, 34, 36, 47},
    "07-transformer": {37},
    "08-batchnorm": {35},
    "09-choosing-p": {25, 31, 38, 39},
    "10-underfitting": {42, 43, 44, 45, 46},
    "11-variants": set(),
    "12-speed": {27, 28, 29, 30},
    "13-field-guide": {41, 48},
    "14-reach": set(),
}
IGNORED = "nbval-ignore-output"
ALLOWED = {"torch", "numpy", "matplotlib", "sklearn", "threadpoolctl", "IPython"} | sys.stdlib_module_names
FRAME = ["In this chapter", "Claims tested here", "Summary", "Check yourself", "Exercises", "Further reading"]
STRICT_SHARE = 0.60
IN_VIEW, FOLDED = 15, 40  # lines of a code cell; ruff measures their columns


def tags(cell):
    return cell.metadata.get("tags", [])


def claims_of(cell):
    return {int(tag[6:]) for tag in tags(cell) if re.fullmatch(r"claim-\d\d", tag)}


def markdown(nb):
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]


def without_code(text):
    """Markdown without its code: fenced blocks and code spans removed."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def section(nb, title):
    """The Markdown under the heading `## title`."""
    text = "\n\n".join(markdown(nb)) + "\n## "
    found = re.search(rf"^## {title}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def has_image(cell):
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def compared_text(cell):
    """Whether nbval compares anything in this cell's output: it skips PNG and what is tagged."""
    kinds = {kind for output in cell.outputs for kind in output.get("data", {"stream": 0})}
    kinds -= {"image/png"} | ({"text/plain"} if has_image(cell) else set())
    return bool(kinds) and IGNORED not in tags(cell)


def opening(nb, name):
    """Title with the chapter's number, a promise, and the frame of sections in order."""
    faults = []
    first = nb.cells[0]
    if first.cell_type != "markdown" or not re.match(rf"# {int(name[:2])}\. \S.*\n\n\S", first.source):
        faults.append("the first cell must be '# N. Title', a blank line and the promise")
    heads = re.findall(r"^## (.+)$", "\n\n".join(without_code(text) for text in markdown(nb)), re.MULTILINE)
    if [head for head in heads if head in FRAME] != FRAME:
        faults.append(f"the sections {FRAME} must stand there once, in this order")
    if not 3 <= len(re.findall(r"^- ", section(nb, "In this chapter"), re.MULTILINE)) <= 5:
        faults.append("'In this chapter' needs 3 to 5 bullets")
    if "**Running time:**" not in section(nb, "In this chapter"):
        faults.append("'In this chapter' must state the running time")
    if len(re.findall(r"^- ", section(nb, "Summary"), re.MULTILINE)) != 5:
        faults.append("'Summary' must be 5 bullets")
    if len(re.findall(r"\]\(https://", section(nb, "Further reading"))) < 2:
        faults.append("'Further reading' needs links")
    if "> **Predict.**" not in "\n".join(markdown(nb)):
        faults.append("no prediction is asked for")
    return faults


def dialect(nb, name):
    """Markdown that reads the same in Jupyter Book, JupyterLab, Colab and GitHub."""
    faults = []
    for text in map(without_code, markdown(nb)):
        for pattern, what in {
            r"^:::|^\{[a-z]": "a MyST directive",
            r"\\(label|eqref|ref)\b": "a LaTeX reference",
            r"^\([\w-]+\)=": "a MyST target",
            r"(?<![\d.,])\d{1,3} \d{3}(?![\d.])": "a number that a line end can split (write 4,096)",
            r"<(?!/?(details|summary)>|https?:)[a-zA-Z/!]": "HTML other than details and summary",
        }.items():
            if found := re.search(pattern, re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "", text, flags=re.DOTALL), re.MULTILINE):
                faults.append(f"{what}: {text[found.start() : found.start() + 40]!r}")
        for line in text.split("\n"):
            if "$$" in line and line.strip() != "$$" and not re.fullmatch(r"\s*\$\$.+\$\$[.,;]?\s*", line):
                faults.append(f"$$ must stand on a line of its own: {line!r}")
        if text.count("<details>") != len(re.findall(r"<details><summary>[^\n]+</summary>\n\n", text)):
            faults.append("<details> needs its summary and then a blank line")
        if text.count("</details>") != len(re.findall(r"\n\n</details>", text)):
            faults.append("</details> needs a blank line before it")
    for text in markdown(nb):
        faults += [f"a MyST fence: {found}" for found in re.findall(r"^```\{.*$", text, re.MULTILINE)]
        faults += [f"a MyST role: {found}" for found in re.findall(r"(?<![`\w])\{[a-z][\w:-]*\}`[^`]+`", text)]
    return faults


def imports(nb, name):
    """Nothing is imported that a bare Colab lacks, nothing installed or fetched, no sibling file."""
    faults = []
    for node in ast.walk(ast.parse(code_of(nb))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) else []
        faults += [f"imports {module}" for module in modules if module.split(".")[0] not in ALLOWED]
        if isinstance(node, ast.ImportFrom) and node.level:
            faults.append("imports a sibling file")
    for what in ("pip install", "urlopen", "urlretrieve", "fetch_openml", "subprocess", "filterwarnings", "\n%", "\n!"):
        faults += [f"contains {what.strip()!r}"] if what in "\n" + code_of(nb) else []
    return faults


def executed(nb, name):
    """Stored executed, in order, by the code it now holds, without errors or anything of one machine."""
    faults = ["its outputs came from other code: run make notebooks"] if tool.is_stale(nb) else []
    for cell in tool.code_cells(nb):
        for output in cell.outputs:
            text = str(output.get("text", "")) + "".join(
                v for k, v in output.get("data", {}).items() if k[:4] == "text"
            )
            if output.output_type == "error" or output.get("name") == "stderr":
                faults.append(f"{output.output_type} in the cell {cell.source[:40]!r}")
            if found := re.search(r"0x[0-9a-f]{6,}|(/home|/root|/tmp|/usr|/work|/Users|[A-Z]:\\)[/\\]?\w*", text):
                faults.append(f"an address or path in an output: {found[0]!r}")
            if found := re.search(r"\b(nan|inf)\b", text) if "nan-shown" not in tags(cell) else None:
                faults.append(f"{found[0]} in the output of {cell.source[:40]!r}")
    return faults


def figures(nb, name):
    """Each figure has alt text that says what it shows and a title that is its message; their weight is bounded."""
    faults, weight = [], 0
    for cell in tool.code_cells(nb):
        if has_image(cell):
            weight += sum(
                len(output.data["image/png"]) * 3 // 4
                for output in cell.outputs
                if "image/png" in output.get("data", {})
            )
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if len(alt) < 30:
                faults.append(f"no alt text that says something: {cell.source[:40]!r}")
            if "title(" not in cell.source:
                faults.append(f"a figure without its message as title: {cell.source[:40]!r}")
    if weight > 180_000:
        faults.append(f"its figures weigh {weight} bytes together, more than 180 000")
    return faults


def claims(nb, name):
    """Each claim of the chapter has one cell, which asserts, and says its verdict with a computed figure."""
    faults = []
    found = [claim for cell in nb.cells for claim in claims_of(cell)]
    if sorted(found) != sorted(CLAIMS.get(name, set())):
        faults.append(f"cells are tagged for claims {sorted(found)}, not {sorted(CLAIMS.get(name, set()))}")
    listed = dict(
        re.findall(
            r"^- \*\*Claim (\d\d)\*\* — .*?\*\*(\w+)\.\*\*",
            section(nb, "Claims tested here"),
            re.MULTILINE,
        )
    )
    for cell in nb.cells:
        for claim in claims_of(cell):
            if not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source))):
                faults.append(f"claim {claim:02d} is not asserted in its cell")
            said = "".join(output.get("data", {}).get("text/markdown", "") for output in cell.outputs)
            verdict = re.match(rf"\*\*Claim {claim:02d} — ({'|'.join(VERDICTS)})\.\*\*", said)
            if not verdict or not re.search(r"\d", said[verdict.end() :]):
                faults.append(f"claim {claim:02d} does not end in its verdict with a figure")
            elif listed.get(f"{claim:02d}") != verdict[1].capitalize():
                faults.append(f"claim {claim:02d}: the list says {listed.get(f'{claim:02d}')}, the cell {verdict[1]}")
    if len(listed) != len(found):
        faults.append(f"'Claims tested here' lists {sorted(listed)}")
    return faults


def two_kinds(nb, name):
    """A cell is compared to the letter, or it is tagged; most are compared; and what is tagged is asserted."""
    faults = []
    with_output = [cell for cell in tool.code_cells(nb) if cell.outputs]
    strict = [cell for cell in with_output if compared_text(cell)]
    if len(strict) < STRICT_SHARE * len(with_output):
        faults.append(
            f"{len(strict)} of {len(with_output)} cells with output are compared to the letter, fewer than {STRICT_SHARE:.0%}"
        )
    cells = tool.code_cells(nb)
    for before, cell in itertools.pairwise(cells):
        if IGNORED in tags(cell) and cell.outputs and "assert" not in cell.source + before.source:
            faults.append(f"tagged {IGNORED} without an assertion here or just before: {cell.source[:40]!r}")
    faults += [f"unknown tag {tag!r}" for cell in nb.cells for tag in tags(cell)
               if tag not in {IGNORED, "preamble", "hide-input", "diagnose", "landing", "nan-shown", "effects", "results"} and not re.fullmatch(r"claim-\d\d|(stored|explore)-[a-z-]+", tag)]  # fmt: skip
    return faults


def cells(nb, name):
    """Short cells, each with one thought; public functions say what they take and give."""
    faults = []
    for cell in tool.code_cells(nb):
        lines, folded = cell.source.count("\n") + 1, "hide-input" in tags(cell)
        if (
            id(cell) not in tool.stored_names(nb)
            and not {"preamble", "results"} & set(tags(cell))
            and not (folded and "diagnose" in tags(cell))  # folded parts of one program
            and lines > (FOLDED if folded else IN_VIEW)
        ):
            faults.append(f"a cell of {lines} lines: {cell.source[:40]!r}")
    for node in definitions(code_of(nb)).body:
        if (
            isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ):
            faults.append(f"{node.name} has no docstring")
    return faults


def exercises(nb, name):
    """4 to 6 exercises of rising difficulty, each with a collapsed solution that asserts something."""
    found = {
        match[0]: len(match[1])
        for match in re.findall(r"^### (Exercise \d+).*?(★+)", "\n".join(markdown(nb)), re.MULTILINE)
    }
    faults = (
        []
        if list(found) == [f"Exercise {i + 1}" for i in range(len(found))] and 4 <= len(found) <= 6
        else [f"exercises: {found}"]
    )
    faults += [] if list(found.values()) == sorted(found.values()) else ["the exercises' difficulty does not rise"]
    given = {title: code for title, code in solutions(nb).items() if title.startswith("Exercise")}
    faults += [f"{title} has no solution" for title in found if title not in given]
    if not any("assert" in code for code in given.values()):
        faults.append("no solution asserts anything")
    return faults


def self_check(nb, name):
    """3 to 5 questions with collapsed answers; a choice names one of its options, a number is computed and asserted."""
    faults = []
    text = next((text for text in markdown(nb) if text.startswith("## Check yourself")), "")
    answered = r"^\*\*(\d)\.\*\* (.*?)<details><summary>Answer</summary>\n\n(.*?)\n\n</details>"
    questions = re.findall(answered, text, re.DOTALL | re.MULTILINE)
    if [int(k) for k, *_ in questions] != list(range(1, len(questions) + 1)) or not 3 <= len(questions) <= 5:
        faults.append(f"questions of the self-check: {[k for k, *_ in questions]}")
    if text.count("<summary>") != len(questions):
        faults.append("an answer without its question")
    kinds = set()
    for k, question, answer in questions:
        options = re.findall(r"^- \(([a-d])\) \S", question, re.MULTILINE)
        said = re.match(r"\*\*(?:\(([a-d])\)|([^*]+))\.?\*\*", answer)
        kinds.add("choice" if options else "number")
        if (
            not said
            or (options and said[1] not in options)
            or (not options and (said[1] or not re.search(r"\d", said[2])))
        ):
            faults.append(f"question {k} is not answered: {answer[:30]!r}")
        if options and ("".join(options) not in ("abc", "abcd") or len(answer) < 60):
            faults.append(f"question {k}: three or four options, and an explanation, not {options}")
        if not options and not re.search(r"```python\n(?:.*\n)*?assert ", answer):
            faults.append(f"question {k}: its number is not asserted")
    return faults if kinds == {"choice", "number"} else [*faults, f"the self-check asks only for a {kinds}"]


def preamble(nb, name):
    """The preamble is the source's, to the letter, and is collapsed on the site."""
    stamped = [cell for cell in nb.cells if "preamble" in tags(cell)]
    if [cell.source for cell in stamped] != [tool.PREAMBLE.read_text(encoding="utf-8").rstrip("\n")]:
        return ["its preamble differs from notebooks/preamble.py: run make notebooks"]
    return [] if "hide-input" in tags(stamped[0]) else ["its preamble is not collapsed"]


def effects(nb, name):
    """Measured effects are one table that later chapters can read, and what a chapter gathers is what they stored."""
    faults = []
    for cell in tool.tagged_with(nb, "effects"):
        try:
            rows = tool.effects(nb)
        except ValueError as error:
            rows = [()]
            faults.append(f"a figure in its effects that is none: {error}")
        if len(rows) < 3 or {len(row) for row in rows} != {6}:
            faults.append(f"its effects are not one table of six columns and three rows or more: {cell.source[:40]!r}")
    for cell in tool.tagged_with(nb, "results"):
        if cell.source != tool.results_code(f"{name}.ipynb"):
            faults.append("its results are not those of the chapters before it: run make notebooks")
    return faults


RULES = [
    opening,
    dialect,
    imports,
    executed,
    figures,
    claims,
    two_kinds,
    cells,
    exercises,
    self_check,
    preamble,
    effects,
]


def test_chapters_keep_to_one_thread():
    """Of torch, and of NumPy's matrices, whose waiting threads cost a busy machine more than they do."""
    with threadpool_limits(2):
        exec((tool.NOTEBOOKS / "preamble.py").read_text(encoding="utf-8"), {})
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule, name):
    assert rule(read(name), name) == []


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_stored_form(path):
    assert tool.update(path, check=True) == f"{path.name}: unchanged"


def test_every_chapter_is_here():
    assert set(NAMES) == set(CLAIMS)
    assert not (claimed := [c for claims in CLAIMS.values() for c in claims]) or len(claimed) == len(set(claimed))


def test_chapters_are_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"notebooks/{name}" not in toc] == []


TRAINING = {
    "01-overfitting",
    "04-why-it-works",
    "05-mlp",
    "13-field-guide",
    "14-reach",
}  # whose solutions take seconds each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in TRAINING else ()) for name in NAMES]
)
def test_solutions_run(name):
    """Each solution's code runs on the preamble and the chapter's definitions alone."""
    nb = read(name)
    base = compile(definitions(code_of(nb)), name, "exec")
    for title, code in solutions(nb).items():
        namespace = {"__name__": name}
        exec(base, namespace)
        try:
            exec(compile(code, f"<{name}, {title}>", "exec"), namespace)
        except Exception as error:
            pytest.fail(f"{name}, {title}: {type(error).__name__}: {error}")


# Faults planted in a real chapter. Each names the rule that must see it, and changes the notebook in place.


def first_code(nb, test=lambda cell: True):
    return next(cell for cell in tool.code_cells(nb)[1:] if test(cell))


def in_markdown(old, new):
    def plant(nb):
        cell = next(
            cell for cell in nb.cells if cell.cell_type == "markdown" and re.search(old, cell.source, re.MULTILINE)
        )
        cell.source = re.sub(old, new, cell.source, count=1, flags=re.MULTILINE)

    return plant


def in_check(old, new):
    return lambda nb: [
        setattr(cell, "source", re.sub(old, new, cell.source, flags=re.MULTILINE))
        for cell in nb.cells
        if cell.source.startswith("## Check yourself")
    ]


def everywhere(old, new):
    return lambda nb: [setattr(cell, "source", cell.source.replace(old, new)) for cell in nb.cells]


def add(cell):
    return lambda nb: nb.cells.insert(3, cell)


def output(kind, **fields):
    return lambda nb: first_code(nb).outputs.append(new_output(kind, **fields))


def mute(nb):
    for cell in tool.code_cells(nb):
        if cell.outputs:
            cell.metadata.tags = [*tags(cell), IGNORED]


def untag_claim(nb):
    cell = first_code(nb, claims_of)
    cell.metadata.tags = [tag for tag in tags(cell) if not tag.startswith("claim")]


def no_assert(nb):
    cell = first_code(nb, claims_of)
    cell.source = cell.source.replace("assert ", "_ = ")


def flipped(nb):
    cell = first_code(nb, claims_of)
    for out in cell.outputs:
        if "text/markdown" in out.get("data", {}):
            said = out.data["text/markdown"]
            out.data["text/markdown"] = (
                said.replace("— false", "— holds")
                if "— false" in said
                else re.sub("— (holds|depends|definition)", "— false", said)
            )


def table_of(row):
    text = "\n".join(["| a | b | c | d | e | f |", "|---|---|---|---|---|---|", row, row, row])
    shown = [new_output("display_data", data={"text/markdown": text})]
    return new_code_cell("1", metadata={"tags": ["effects"]}, outputs=shown)


PLANTED = [
    (opening, in_markdown(r"^# (\d)\.", r"# 9\1.")),
    (opening, in_markdown(r"^## Summary", "## Summing up")),
    (opening, in_markdown(r"^\*\*Running time:\*\*", "Running time")),
    (opening, everywhere("> **Predict.**", "> ")),
    (dialect, add(new_markdown_cell(":::{note}\nA note\n:::"))),
    (dialect, add(new_markdown_cell("```{note}\nA note\n```"))),
    (dialect, add(new_markdown_cell("See {cite}`srivastava2014`."))),
    (dialect, add(new_markdown_cell("Inline $$x$$ in text."))),
    (dialect, add(new_markdown_cell("<div>boxed</div>"))),
    (dialect, add(new_markdown_cell("All 4 096 masks."))),
    (dialect, add(new_markdown_cell("<details><summary>Solution</summary>\ntight\n</details>"))),
    (imports, add(new_code_cell("import pandas"))),
    (imports, add(new_code_cell("from preamble import train"))),
    (imports, add(new_code_cell("note = 'pip install x'"))),
    (executed, add(new_code_cell("1 + 1"))),
    (executed, output("stream", name="stderr", text="UserWarning: careful")),
    (executed, output("stream", name="stdout", text="<object at 0x7f3a2c1b90d0>")),
    (executed, output("stream", name="stdout", text="loss nan")),
    (figures, lambda nb: [cell.metadata.pop("mystnb", None) for cell in nb.cells]),
    (claims, untag_claim),
    (claims, no_assert),
    (claims, flipped),
    (two_kinds, mute),
    (two_kinds, lambda nb: first_code(nb).metadata.update(tags=["nbval-skip"])),
    (cells, add(new_code_cell("x = 1\n" * 15 + "x = 1"))),
    (cells, add(new_code_cell("x = 1\n" * 40 + "x = 1", metadata={"tags": ["hide-input"]}))),
    (cells, add(new_code_cell("def f(x):\n    return x"))),
    (exercises, in_markdown(r"^### Exercise 2", "### Exercise 7")),
    (exercises, everywhere("<details>", "")),
    (self_check, in_check(r"^\*\*2\.\*\*", "**7.**")),
    (self_check, in_check(r"^- \(a\) .*\n", "")),
    (self_check, in_check(r"^\*\*\([a-d]\)", "**(e)")),
    (self_check, in_check(r"^assert .*", "pass")),
    (self_check, in_check(r"^\*\*[\d.,]+\*\*", "**Some.**")),
    (self_check, in_check(r"^## Check yourself", "## Questions")),
    (preamble, lambda nb: setattr(tool.code_cells(nb)[0], "source", tool.code_cells(nb)[0].source.replace("0.975", "0.95"))),
    (preamble, lambda nb: tool.code_cells(nb)[0].metadata.update(tags=["preamble"])),
    (effects, add(new_code_cell("1", metadata={"tags": ["effects"]}))),
    (effects, add(table_of("| MLP | p = 0.5 | -0.1 | 0.1 |"))),
    (effects, add(table_of("| MLP | p = 0.5 | -0.1 | 0.1 | nil | 0.2 |"))),
    (effects, add(new_code_cell("RESULTS = [(1, 2)]", metadata={"tags": ["results"]}))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "plant"), PLANTED, ids=[f"{rule.__name__}-{i}" for i, (rule, _) in enumerate(PLANTED)]
)
def test_rule_bites(rule, plant):
    nb = copy.deepcopy(read(NAMES[0]))
    assert rule(nb, NAMES[0]) == []
    plant(nb)
    assert rule(nb, NAMES[0]) != []


def test_every_rule_is_shown_to_bite():
    assert {rule for rule, _ in PLANTED} == set(RULES)


@pytest.mark.slow
def test_tool_executes_what_changed_and_then_changes_no_byte(tmp_path):
    path = tmp_path / "tiny.ipynb"
    cell = new_code_cell("", metadata={"tags": ["preamble", "hide-input"]})
    nb = nbformat.v4.new_notebook(cells=[new_markdown_cell("# 1. Tiny"), cell, new_code_cell("print(6 * 7)")])
    path.write_text(nbformat.writes(nb), encoding="utf-8")
    assert "executed" in tool.update(path)
    stored = path.read_bytes()
    assert b"42" in stored
    assert tool.update(path) == "tiny.ipynb: unchanged"
    assert tool.update(path, force=True) == "tiny.ipynb: unchanged"
    assert path.read_bytes() == stored
    path.write_text(stored.decode().replace("6 * 7", "6 * 8"), encoding="utf-8")
    assert "must be executed" in tool.update(path, check=True)
    assert "executed" in tool.update(path)
    assert b"48" in path.read_bytes()


def test_tool_refuses_a_notebook_without_a_preamble(tmp_path):
    path = tmp_path / "bare.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[new_code_cell("1")])), encoding="utf-8")
    with pytest.raises(ValueError, match="first code cell"):
        tool.update(path)

"""Pages made from the executed notebooks: the claims ledger and the record of the runs. Nothing on them is typed."""

import ast
import functools
import json
import re
import zlib
from pathlib import Path

import book_reach
import nbformat
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

VERDICTS = ("holds", "false", "depends", "definition")
ROW = re.compile(r"^- \*\*Claim (\d\d)\*\* — \*(.+?)\*(?: in .*?)? \*\*(\w+)\.\*\* (.+)$", re.MULTILINE)


def claims(nb, name):
    """The claims of a notebook, by number: dicts with number, sentence, verdict, why and measured.

    Sentence and why stand in its list of claims, verdict and measured figures in the stored output of the claim's
    cell. ValueError where the two do not fit.
    """
    listed = {number: rest for text in markdown(nb) for number, *rest in ROW.findall(text)}
    found = []
    for cell in nb.cells:
        tags = cell.metadata.get("tags", [])
        for number in [tag[6:] for tag in tags if tag.startswith("claim-")]:
            said = "".join(output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", []))
            verdict = re.match(rf"\*\*Claim {number} — ({'|'.join(VERDICTS)})\.\*\* ", said)
            if not verdict or listed.get(number, ["", ""])[1].lower() != verdict[1]:
                raise ValueError(f"{name}: claim {number} and its cell do not agree")
            sentence, _, why = listed.pop(number)
            measured = said[verdict.end() :].strip()
            found.append(dict(number=number, sentence=sentence, verdict=verdict[1], why=why, measured=measured))
    if listed:
        raise ValueError(f"{name}: no cell tests claim {', '.join(listed)}")
    return sorted(found, key=lambda row: row["number"])


def markdown(nb):
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]


@functools.cache
def notebook(path, changed):
    return nbformat.read(path, 4)


WORDS, LINES = 220, 15  # a minute
RULE = (
    f"The time to read is a minute for each {WORDS} words in view, for each {LINES} lines of code in view, and for "
    "each figure; the time to run is that of the stored run."
)


def pace(nb):
    """The minutes, by RULE, for what stands above a chapter's first section and for each section that is not folded.

    Not in view are solutions, further sections and folded code.
    """
    counts, further = [[0, 0, 0]], 0
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"<details.*?</details>|```.*?```|^\|.*?$|\]\(.*?\)", "", cell.source, flags=re.DOTALL | re.M)
            for part in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
                level = len(re.match("#*", part)[0])
                if level and (not further or level <= further):
                    further = level if part.startswith("Further: ", level + 1) else 0
                if level == 2 and not further:
                    counts.append([0, 0, 0])
                counts[-1][0] += 0 if further else len(part.split())
        elif not further:
            counts[-1][1] += 0 if "hide-input" in cell.metadata.get("tags", []) else len(cell.source.split("\n"))
            counts[-1][2] += sum("image/png" in output.get("data", {}) for output in cell.outputs)
    return [words / WORDS + lines / LINES + figures for words, lines, figures in counts]


def minutes(nb):
    """How long a chapter takes to read."""
    return round(sum(pace(nb)))


class Record(SphinxDirective):
    """What the directives need: the chapters in reading order, and Markdown parsed where it stands."""

    has_content = True

    def chapters(self):
        """(document, title, notebook) of each chapter in the table of contents; the page depends on each."""
        for path in sorted(Path(self.env.srcdir, "notebooks").glob("*.ipynb")):
            if f"notebooks/{path.stem}" in self.env.found_docs:
                self.env.note_dependency(str(path))
                nb = notebook(path, path.stat().st_mtime_ns)
                yield f"notebooks/{path.stem}", re.match(r"# (.+)", nb.cells[0].source)[1], nb

    def parsed(self, text, *classes):
        """The Markdown `text` in a container with `classes`."""
        box = nodes.container(classes=list(classes))
        self.state.nested_parse(StringList([*text.split("\n")], self.env.doc2path(self.env.docname)), 0, box)
        return box


def spelled(text):
    """`text` marked as Chinese, so that a browser takes the right glyphs and a screen reader the right voice."""
    return f'<span lang="zh-Hans">{text}</span>'


class Ledger(Record):
    """`{ledger}`: each claim with its verdict, why, measured figure, and who says it; counts and a filter above.

    The content is YAML: the title of each source, and the numbers of the claims it makes.
    """

    def run(self):
        sources = yaml.safe_load("\n".join(self.content))
        said = {number: [t for t, numbers in sources.items() if number in numbers] for number in range(1, 100)}
        sections, everything = [], []
        for document, title, nb in self.chapters():
            try:
                rows = claims(nb, document)
            except ValueError as error:
                raise self.error(str(error)) from error
            everything += rows
            if rows:
                items = [self.row(row, document, said[int(row["number"])], list(sources)) for row in rows]
                listed = nodes.bullet_list("", *items, classes=["ledger"])
                ids = [f"chapter-{int(document[10:12])}"]
                sections.append(nodes.section("", nodes.title("", title), listed, ids=ids))
        numbers = sorted(row["number"] for row in everything)
        if claimed := sorted({n for ns in sources.values() for n in ns} - {int(number) for number in numbers}):
            raise self.error(f"no chapter tests claim {', '.join(map(str, claimed))}")
        if len({*numbers}) < len(numbers):
            raise self.error(f"a claim is tested twice: {numbers}")
        return [self.counts(everything, sources, said), self.filter(sources), *sections]

    def row(self, row, document, titles, sources):
        link = f"[Claim {row['number']}](../{document}.ipynb#claim-{row['number']})"
        head = self.parsed(f"{link} {row['sentence']}", "claim")
        badge = nodes.inline("", row["verdict"].capitalize(), classes=["verdict"])
        head.children[0].extend([nodes.Text(" "), badge])
        who = nodes.paragraph("", "Said by " if titles else "Said by none of them; it belongs here.", classes=["said"])
        for title in titles:
            who += nodes.raw("", spelled(f"《{title}》"), format="html")
        classes = [row["verdict"], *(f"said-{sources.index(title)}" for title in titles)]
        why, measured = self.parsed(row["why"], "why"), self.parsed(row["measured"], "measured")
        box = [head, why, measured, *book_reach.told(self.env, row["number"]), who]
        return nodes.list_item("", *box, classes=classes, ids=[f"row-{row['number']}"])

    def counts(self, rows, sources, said):
        heads = " | ".join(verdict.capitalize() for verdict in VERDICTS)
        lines = [f"| | {heads} | Claims |", "|:--|" + "--:|" * (len(VERDICTS) + 1)]
        for title in [*sources, None]:
            own = [row for row in rows if title is None or title in said[int(row["number"])]]
            name = "**All claims**" if title is None else spelled(f"《{title}》").replace("---", r"\-\-\-")
            numbers = [sum(row["verdict"] == verdict for row in own) for verdict in VERDICTS]
            lines.append(f"| {name} | {' | '.join(map(str, [*numbers, len(own)]))} |")
        return self.parsed("\n".join(lines), "counts")

    def filter(self, sources):
        """Two choices for book.js, which shows them; without it the ledger is shown whole."""
        options = "".join(f'<option value="said-{k}" lang="zh-Hans">{t}</option>' for k, t in enumerate(sources))
        verdicts = "".join(f'<option value="{v}">{v.capitalize()}</option>' for v in VERDICTS)
        return nodes.raw("", (
            '<form class="filter" hidden><label>Verdict <select name="verdict"><option value="">all</option>'
            f'{verdicts}</select></label> <label>Said by <select name="source"><option value="">anyone</option>'
            f'{options}</select></label> <output></output></form>'
        ), format="html")  # fmt: skip


def both_tuples(target, value):
    """Whether an assignment is like `N_SEEDS, P = 12, 0.5`."""
    return isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts)


def seeds(nb):
    """Numbers of seeds in the trainings of a notebook, and the numbers its generators start from: two sorted lists.

    Read from the code: the seeds of digits(n, n_seeds), with constants resolved, and literal arguments of manual_seed
    and default_rng.
    """
    tree = ast.parse("\n".join(cell.source for cell in code_cells(nb)))
    constants = {}
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
        for target in node.targets:
            pairs = zip(target.elts, node.value.elts) if both_tuples(target, node.value) else [(target, node.value)]
            constants |= {t.id: v.value for t, v in pairs if isinstance(t, ast.Name) and isinstance(v, ast.Constant)}
    counts, starts = set(), set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        given = [k.value for k in node.keywords if k.arg in ("n_seeds", "n_splits")] + node.args[1:2]
        value = (given or [ast.Constant(16)])[0]
        value = constants.get(value.id) if isinstance(value, ast.Name) else getattr(value, "value", None)
        if name == "digits" and node.args and isinstance(value, int):
            counts.add(value)
        if name in ("manual_seed", "default_rng") and node.args and isinstance(node.args[0], ast.Constant):
            starts.add(node.args[0].value)
    counts |= {value for name, value in constants.items() if name.endswith("SEEDS") and isinstance(value, int)}
    return sorted(counts), sorted(starts)


def code_cells(nb):
    """The code cells of a chapter without what is stamped into it."""

    def stamped(tag):
        return tag in ("preamble", "results") or tag.startswith("stored-")

    return [c for c in nb.cells if c.cell_type == "code" and not any(map(stamped, c.metadata.get("tags", [])))]


def run_facts(nb):
    """What is stored of the last run of a notebook: numbers in the order of the page's columns."""
    cells = code_cells(nb)
    trained = [cell for cell in cells if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    nodes_ = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    return {
        "seconds": nb.metadata.executed.seconds,
        "cells": len(cells),
        "exact": sum(bool(cell.outputs) for cell in cells if cell not in trained),
        "trained": len(trained),
        "assertions": sum(isinstance(node, ast.Assert) for node in nodes_),
        "claims": sum(tag.startswith("claim-") for cell in cells for tag in cell.metadata.get("tags", [])),
    }


class Runs(Record):
    """`{runs}`: for each chapter the time, cells, assertions, claims and seeds of its stored run, and the versions."""

    def run(self):
        head = (
            "chapter",
            "seconds",
            "cells",
            "exact",
            "trained",
            "assertions",
            "claims",
            "seeds",
            "generators start from",
        )
        lines = [f"| {' | '.join(head)} |", "|:--|" + "--:|" * 7 + ":--|"]
        total, versions = dict.fromkeys(("seconds", "cells", "exact", "trained", "assertions", "claims"), 0), {}
        for document, title, nb in self.chapters():
            facts, (counts, starts) = run_facts(nb), seeds(nb)
            total = {name: total[name] + facts[name] for name in total}
            numbers = [*(facts[name] for name in total), ", ".join(map(str, counts)) or "—"]
            numbers.append(", ".join(map(str, starts)) or "—")
            lines.append(f"| [{title}](../{document}.ipynb) | {' | '.join(map(str, numbers))} |")
            stored = {name: value for name, value in nb.metadata.executed.items() if name not in ("code", "seconds")}
            versions.setdefault(", ".join(f"{name} {value}" for name, value in stored.items()), []).append(title)
        lines.append(f"| **All chapters** | {' | '.join(map(str, total.values()))} | | |")
        said = [f"Stored with {v}" + ("." if len(versions) == 1 else f": {', '.join(t)}.") for v, t in versions.items()]
        return [self.parsed("\n".join(lines)), self.parsed("\n\n".join(said))]


class Spread(Record):
    """`{spread}`: how far the estimates of the trained cells moved under other vector units and thread counts."""

    def run(self):
        path = Path(self.env.srcdir, "book", "spread.json")
        self.env.note_dependency(str(path))
        measured = json.loads(path.read_text(encoding="utf-8"))
        variants = sorted({variant for runs in measured.values() for variant in runs})
        lines = ["| chapter | estimates | changed | median shift | largest shift |", "|:--|--:|--:|--:|--:|"]
        for document, title, _ in self.chapters():
            if runs := list(measured.get(document.removeprefix("notebooks/"), {}).values()):
                changed, median, largest = (max(run[key] for run in runs) for key in ("changed", "median", "largest"))
                lines.append(f"| {title} | {runs[0]['estimates']} | {changed} | {median:.2f} | {largest:.2f} |")
        said = f"Variants, as vector unit and threads: {', '.join(variants)}. Of several, the worst counts."
        return [self.parsed("\n".join(lines)), self.parsed(said)]


def times(app, pagename, templatename, context, doctree):
    """The minutes to read and the seconds to run of a chapter, for the head of its page."""
    if pagename.startswith("notebooks/") and pagename in app.env.found_docs:
        path = app.env.doc2path(pagename)
        nb = notebook(str(path), Path(path).stat().st_mtime_ns)
        context["minutes"], context["seconds"] = minutes(nb), nb.metadata.get("executed", {}).get("seconds")
        context["pace"] = " ".join(f"{part:.2f}" for part in pace(nb))


def setup(app):
    app.connect("html-page-context", times)
    app.add_directive("ledger", Ledger)
    app.add_directive("spread", Spread)
    app.add_directive("runs", Runs)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

"""The ledger: a row for each claim, its figures from the claim's cell, and verdicts whose assertions can fail."""

import ast
import os
import re
import tomllib
import traceback

import html5lib
import matplotlib.pyplot as plt
import pytest
import yaml
from book_record import VERDICTS, claims
from built import site
from nbformat.v4 import new_code_cell

import notebooks as tool
from notebook import NAMES, ROOT, read

IGNORED = "nbval-ignore-output"

# What the opposite result of each trained cell would look like: a line that turns over what the cell has measured, put
# before the cell's first assertion. With it, the assertion must fail. `claims` by their number, other cells by a piece.
TURNED = {
    name: tomllib.loads((ROOT / "tests" / "chapters" / "turned" / f"{name}.toml").read_text("utf-8")) for name in NAMES
}


def numbers_of(cell):
    return [int(tag[6:]) for tag in cell.metadata.get("tags", []) if tag.startswith("claim-")]


def halves(source):
    """The code of a cell before its first top-level statement that asserts, and from there."""
    tree = ast.parse(source)
    first = next(node for node in tree.body if any(isinstance(inner, ast.Assert) for inner in ast.walk(node)))
    at = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))]) - 1
    lines = source.split("\n")
    return "\n".join(lines[:at]), "\n".join(lines[at:])


def asserts(cell):
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))


def lines_of(cell, name):
    """{what a turned cell is called: the line that turns it over} for a code cell of a chapter."""
    found = {f"claim {number:02d}": TURNED[name]["claims"][f"{number:02d}"] for number in numbers_of(cell)}
    return found | {piece: line for piece, line in TURNED[name]["cells"].items() if piece in cell.source}


def stops(code, what, namespace):
    """Whether an assertion stops this code, which runs in a copy of this process: whatever it changes is gone then."""
    if not (child := os.fork()):
        try:
            exec(compile(code, f"<{what}>", "exec"), namespace)
        except AssertionError:
            os._exit(1)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, 1), f"{what}: ended with {ended}"
    return ended == 1


def survivors(cells, name):
    """Which of the turned cells of a chapter no assertion stops. What stands before a cell's first assertion runs once
    for all its lines and for the cell itself."""
    namespace, survived = {"__name__": name}, []
    last = max(i for i, cell in enumerate(cells) if lines_of(cell, name))
    for cell in cells[: last + 1]:
        turning = lines_of(cell, name)
        before, after = halves(cell.source) if turning else (cell.source, "")
        exec(compile(before, f"<{name}>", "exec"), namespace)
        survived += [what for what, line in turning.items() if not stops(f"{line}\n{after}", what, namespace)]
        exec(compile(after, f"<{name}>", "exec"), namespace)
        plt.close("all")
    return survived


FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="a copy of a process is UNIX's")


@FORKS
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_turned_verdict_fails(name, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    plt.switch_backend("agg")
    assert survivors(tool.code_cells(read(name)), name) == []


@FORKS
def test_an_assertion_that_stops_nothing_is_found(monkeypatch):
    """And one that a line reaches through a function is none; nor does a line spoil what comes after it."""
    sources = [
        "x = 3  # one\nassert x == 3",
        "x = 3  # two\ndef f():\n    return x\nassert f() == 3",
        "x = 3  # three\nassert x",
        "y = [3]  # four\nassert y == [3]",
    ]
    cells = {word: "x = 4" for word in ("# one", "# two", "# three")} | {"# four": "y.append(4)"}
    monkeypatch.setitem(TURNED, "small", {"claims": {}, "cells": cells})
    assert survivors([new_code_cell(source) for source in sources], "small") == ["# three"]


def test_every_claim_can_be_turned():
    numbers = [number for name in NAMES for cell in read(name).cells for number in numbers_of(cell)]
    assert sorted(numbers) == sorted(int(key) for name in NAMES for key in TURNED[name]["claims"]) == list(range(1, 49))
    assert halves("x = 1\nfor i in x:\n    assert i") == ("x = 1", "for i in x:\n    assert i")


@pytest.mark.parametrize("name", NAMES)
def test_every_trained_assertion_can_be_turned(name):
    """Each trained cell that asserts has its line, and each line its one cell."""
    cells = tool.code_cells(read(name))
    trained = [cell for cell in cells if IGNORED in cell.metadata.get("tags", []) and asserts(cell)]
    assert [cell.source[:60] for cell in trained if not lines_of(cell, name)] == []
    assert [p for p in TURNED[name]["cells"] if sum(p in cell.source for cell in cells if asserts(cell)) != 1] == []


# ---------------------------------------------------------------- the ledger's page


@pytest.fixture(scope="module")
def page():
    return html5lib.parse((site() / "book" / "claims.html").read_text(encoding="utf-8"), namespaceHTMLElements=False)


def text_of(element):
    return " ".join("".join(element.itertext()).split())


def plain(markdown):
    """Markdown as a reader sees it: without marks and with single spaces."""
    return " ".join(re.sub(r"[*`$\\]", "", markdown).split())


def rows(page):
    return {item.get("id"): item for item in page.iter("li") if re.fullmatch(r"row-\d\d", item.get("id") or "")}


def part(item, name):
    return next(box for box in item.iter("div") if name in (box.get("class") or "").split())


def test_each_row_is_its_cell(page):
    found = rows(page)
    expected = {row["number"]: (name, row) for name in NAMES for row in claims(read(name), name)}
    assert sorted(found) == [f"row-{number}" for number in sorted(expected)]
    for number, (name, row) in expected.items():
        item = found[f"row-{number}"]
        links = [link.get("href") for link in item.iter("a")]
        assert links[0] == f"../notebooks/{name}.html#claim-{number}"
        assert row["verdict"] in item.get("class").split()
        figures = re.findall(r"\d+(?:[.,]\d+)*", plain(row["measured"]))
        assert figures and re.findall(r"\d+(?:[.,]\d+)*", text_of(part(item, "measured"))) == figures, number


def test_counts_are_right(page):
    verdicts = [row["verdict"] for name in NAMES for row in claims(read(name), name)]
    table = next(box for box in page.iter("div") if "counts" in (box.get("class") or "").split())
    last = [text_of(cell) for cell in list(table.iter("tr"))[-1]]
    assert last[1:] == [*(str(verdicts.count(kind)) for kind in VERDICTS), str(len(verdicts))]


def test_who_says_it(page):
    body = (ROOT / "book" / "claims.md").read_text(encoding="utf-8")
    sources = yaml.safe_load(body.split("```{ledger}\n")[1].split("```")[0])
    for k, (title, numbers) in enumerate(sources.items()):
        saying = {row for row, item in rows(page).items() if f"said-{k}" in item.get("class").split()}
        assert saying == {f"row-{number:02d}" for number in numbers}, title


def unconditional(body, verdicts):
    """What a page of the ledger says of each source, and should: ({title: claims named}, {title: claims that hold or
    are definitions})."""
    sources = yaml.safe_load(body.split("```{ledger}\n")[1].split("```")[0])
    lines = dict(re.findall(r"^- \*(.+?)\* (.+)", body, re.MULTILINE))
    named, should = {}, {}
    for title, numbers in sources.items():
        said = [text for short, text in lines.items() if title.replace("---", "—").startswith(short)]
        groups = re.findall(r"\(claims? ([^)]*)\)", " ".join(said))
        named[title] = sorted(int(number) for group in groups for number in re.findall(r"\d\d", group))
        should[title] = sorted(number for number in numbers if verdicts[number] in ("holds", "definition"))
    return named, should


def test_where_each_tutorial_is_right():
    body = (ROOT / "book" / "claims.md").read_text(encoding="utf-8")
    verdicts = {int(row["number"]): row["verdict"] for name in NAMES for row in claims(read(name), name)}
    named, should = unconditional(body, verdicts)
    assert named == should and all(named.values())
    for number in {number for numbers in should.values() for number in numbers}:  # a verdict that turns is seen
        named, should = unconditional(body, verdicts | {number: "depends"})
        assert named != should


@pytest.mark.parametrize("fault", ["no cell", "no row", "another verdict", "no output"])
def test_a_ledger_that_does_not_fit_is_refused(fault):
    name = NAMES[0]
    nb = read(name)
    cell = next(cell for cell in nb.cells if numbers_of(cell) == [5])
    if fault == "no cell":
        cell.metadata.tags = []
    if fault == "no row":
        for text in nb.cells:
            text.source = text.source.replace("- **Claim 05**", "- Claim 05")
    if fault == "another verdict":
        said = cell.outputs[0].data["text/markdown"]
        cell.outputs[0].data["text/markdown"] = re.sub(r"— \w+\.", "— false.", said, count=1)
    if fault == "no output":
        cell.outputs = []
    with pytest.raises(ValueError, match="claim 05"):
        claims(nb, name)

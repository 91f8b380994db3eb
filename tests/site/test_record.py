"""The page on reproducibility: what it says of each chapter is what the chapter's notebook stores."""

import json

import html5lib
import numpy as np
import pytest
from book_record import LINES, WORDS, minutes, run_facts, seeds
from built import site
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from spread import estimates, shifts

from notebook import NAMES, ROOT, read


def test_each_chapter_has_its_row():
    page = html5lib.parse(
        (site() / "book" / "reproducibility.html").read_text(encoding="utf-8"), namespaceHTMLElements=False
    )
    rows = [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in page.iter("tr")]
    facts = {name: run_facts(read(name)) for name in NAMES}
    for name in NAMES:
        row = next(row for row in rows if row[0].startswith(f"{int(name[:2])}. ") and len(row) == 9)
        assert row[1:7] == [str(number) for number in facts[name].values()], name
        assert row[7] == (", ".join(map(str, seeds(read(name))[0])) or "—")
    total = next(row for row in rows if row[0] == "All chapters")
    assert total[1:7] == [str(sum(fact[key] for fact in facts.values())) for key in facts[NAMES[0]]]


def test_facts_are_counted():
    cells = [
        new_code_cell("assert 1\nassert 2", metadata={"tags": ["claim-07"]}, outputs=[new_output("display_data")]),
        new_code_cell("1", metadata={"tags": ["nbval-ignore-output"]}, outputs=[new_output("display_data")]),
        new_code_cell("x = 1"),
        new_code_cell("assert 1", metadata={"tags": ["preamble"]}),
    ]
    nb = new_notebook(cells=cells, metadata={"executed": {"seconds": 3}})
    expected = {"seconds": 3, "cells": 3, "trained": 1, "exact": 1, "assertions": 2, "claims": 1}
    assert run_facts(nb) == {**expected}


@pytest.mark.parametrize(
    ("code", "counts", "starts"),
    [
        ("digits(300)", [16], []),
        ("digits(300, 12)", [12], []),
        ("N_SEEDS, P = 10, 0.5\ndigits(300, N_SEEDS)", [10], []),
        ("digits(n, n_seeds=7)\nnp.random.default_rng(4)\ntorch.manual_seed(1)", [7], [1, 4]),
        ("digits(n, unknown)\nmanual_seed(seed)", [], []),
    ],
)
def test_seeds_are_read_from_the_code(code, counts, starts):
    assert seeds(new_notebook(cells=[new_code_cell(code)])) == (counts, starts)


def test_the_spread_is_that_of_the_stored_estimates():
    measured = json.loads((ROOT / "book" / "spread.json").read_text(encoding="utf-8"))
    stored = {name: len(estimates(read(name))) for name in NAMES}
    counted = {(name, run["estimates"]) for name, runs in measured.items() for run in runs.values()}
    assert counted == {(name, number) for name, number in stored.items() if number}, "run make spread"


def test_shifts():
    text = "gain −0.20 ± 0.10, loss +3 ± 0.5 and 1.0 ± 0.0"
    cell = new_code_cell("1", metadata={"tags": ["nbval-ignore-output"]})
    cell.outputs = [new_output("stream", text=text)]
    before = estimates(new_notebook(cells=[cell]))
    assert before.tolist() == [[-0.2, 0.1], [3, 0.5], [1, 0]]
    after = before + np.array([[0.05, 0], [-1, 0], [0, 0]])
    assert np.allclose(shifts(before, after), [0.5, 2, 0])
    assert shifts(before, before + np.array([0.01, 0]))[2] == np.inf  # from 1.0 ± 0.0, any change is beyond measure
    with pytest.raises(ValueError, match="3 estimates stored, 2 in this run"):
        shifts(before, before[:2])


def words(n):
    return new_markdown_cell("word " * n)


def code(lines, *tags, figures=0):
    outputs = [new_output("display_data", {"image/png": ""})] * figures
    return new_code_cell("\n".join("x" * lines), metadata={"tags": list(tags)}, outputs=outputs)


FURTHER = [new_markdown_cell("## Further: a proof\n\n" + "word " * 990), code(90, figures=1)]
READ = {  # what a chapter holds: the minutes it takes to read
    "words": ([words(2 * WORDS), words(WORDS)], 3),
    "code": ([code(2 * LINES), code(90, "hide-input")], 2),
    "figures": ([code(1, "hide-input", figures=2), code(1, "hide-input", figures=1)], 3),
    "a solution": ([new_markdown_cell("<details>\n\n" + "word " * 990 + "\n\n</details>"), words(WORDS)], 1),
    "a table": ([new_markdown_cell("| word " * 990 + "|\n"), words(WORDS)], 1),
    "a further section": ([*FURTHER, new_markdown_cell("### Part"), words(990)], 0),
    "what follows it": ([*FURTHER, new_markdown_cell("## Next\n\n" + "word " * WORDS)], 1),
}


@pytest.mark.parametrize("case", READ)
def test_the_time_to_read(case):
    cells, expected = READ[case]
    assert minutes(new_notebook(cells=cells)) == expected


def test_each_chapter_says_its_times():
    teaching = (site() / "book" / "teach.html").read_text(encoding="utf-8")
    for name in NAMES:
        nb = read(name)
        page = (site() / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        assert f"<span>{minutes(nb)} min to read, {nb.metadata.executed.seconds} s to run</span>" in page
        assert f"About {minutes(nb)} minutes to read, {nb.metadata.executed.seconds} s to run" in teaching
    assert "min to read" not in teaching

"""The ledger: a row for each claim, its figures from the claim's cell, and verdicts whose assertions can fail."""

import ast
import re

import html5lib
import matplotlib.pyplot as plt
import pytest
import yaml
from book_record import claims
from built import site

import notebooks as tool
from notebook import NAMES, ROOT, read

# What the opposite result of each claim would look like: a line that turns over what its cell has measured, put
# before the cell's first assertion. With it, the assertion must fail.
TURNED = {
    1: "verdict = dict.fromkeys(verdict, 0)",
    2: "after = before",
    3: "gaps = gaps[::-1]",
    4: "gap_at[2], gap_at[16] = gap_at[16], gap_at[2]",
    5: "climb = {wrong: -rise for wrong, rise in climb.items()}",
    6: "d_loss = -d_loss",
    7: "ends[1] = ends[2] = ends[64]",
    8: "losses = losses[::-1]",
    9: "bernoulli_mask = lambda shape, p, rng: rng.random(shape) < p",
    10: "weight_sums = unit_sums",
    11: "per_row = 1",
    12: "moves = {name: (0, 0.0) for name in moves}",
    13: "ours = ours / 2",
    14: "moments = lambda x, p, right=moments: ((1 - p) * right(x, p)[0], right(x, p)[1])",
    15: "loss_rise = -loss_rise",
    16: "mean_input = lambda p, scale=1, right=mean_input: right(p, scale) / (1 - p)",
    17: "rise = -rise",
    18: "second = first",
    19: "tutorial_dropout = lambda x, p, training=True: dropout(x, p, rng, training)",
    20: "same_object = False",
    21: "one = two",
    22: "mean = -mean",
    23: "error_change = -error_change[0], error_change[1]",
    24: "miss = gap",
    25: "noisy = [(-mean, half) for mean, half in noisy]",
    26: "mean = {wrong: -change for wrong, change in mean.items()}",
    27: "undisturbed = np.ones_like(undisturbed)",
    28: "saved = -saved",
    29: "more = {p: -extra for p, extra in more.items()}",
    30: "times = {p: 1 / ratio for p, ratio in times.items()}",
    31: "error_added = {name: (-mean, half) for name, (mean, half) in error_added.items()}",
    32: "more = -more",
    33: "zeros['fc'] = zeros['conv 1'] - 0.1",
    34: "effect = {place: tuple(-part for part in parts) for place, parts in effect.items()}",
    35: "gain = -gain[0], gain[1]",
    36: "mean = -mean",
    37: "loss = {place: -change for place, change in loss.items()}",
    38: "harm = -harm",
    39: "lowering = {name: (-mean, half) for name, (mean, half) in lowering.items()}",
    40: "by_width = {key: [-part for part in parts] for key, parts in by_width.items()}",
    41: "ask = lambda model, x, y, right=ask: right(model.eval(), x, y)",
    42: "gain = -np.asarray(gain)",
    43: "fixed = -fixed",
    44: "shift = {key: [(-mean, half) for mean, half in parts] for key, parts in shift.items()}",
    45: "alphas[1000] = alphas[100]",
    46: "over = {name: (-1.0, half) for name, (_, half) in over.items()}",
    47: "HINTON, ALEX = ALEX, HINTON",
    48: "P = 0",
}
CLAIMING = [name for name in NAMES if any("claim-" in str(cell.metadata.get("tags")) for cell in read(name).cells)]


def numbers_of(cell):
    return [int(tag[6:]) for tag in cell.metadata.get("tags", []) if tag.startswith("claim-")]


def turned(source, line):
    """The code of a cell with `line` before the first top-level statement that asserts."""
    tree = ast.parse(source)
    first = next(node for node in tree.body if any(isinstance(inner, ast.Assert) for inner in ast.walk(node)))
    at = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))]) - 1
    lines = source.split("\n")
    return "\n".join([*lines[:at], line, *lines[at:]])


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMING)
def test_a_turned_verdict_fails(name, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    plt.switch_backend("agg")
    cells = tool.code_cells(read(name))
    last = max(i for i, cell in enumerate(cells) if numbers_of(cell))
    namespace, survived = {"__name__": name}, []
    for cell in cells[: last + 1]:
        for number in numbers_of(cell):
            try:
                exec(compile(turned(cell.source, TURNED[number]), f"<claim {number:02d}>", "exec"), {**namespace})
                survived.append(number)
            except AssertionError:
                pass
        exec(compile(cell.source, f"<{name}>", "exec"), namespace)
        plt.close("all")
    assert survived == []


def test_every_claim_can_be_turned():
    numbers = [number for name in NAMES for cell in read(name).cells for number in numbers_of(cell)]
    assert sorted(numbers) == sorted(TURNED) == list(range(1, 49))
    assert turned("x = 1\nfor i in x:\n    assert i", "x = 2") == "x = 1\nx = 2\nfor i in x:\n    assert i"


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
    assert last[1:] == [*(str(verdicts.count(kind)) for kind in ("holds", "false", "depends")), str(len(verdicts))]


def test_who_says_it(page):
    body = (ROOT / "book" / "claims.md").read_text(encoding="utf-8")
    sources = yaml.safe_load(body.split("```{ledger}\n")[1].split("```")[0])
    for k, (title, numbers) in enumerate(sources.items()):
        saying = {row for row, item in rows(page).items() if f"said-{k}" in item.get("class").split()}
        assert saying == {f"row-{number:02d}" for number in numbers}, title


@pytest.mark.parametrize("fault", ["no cell", "no row", "another verdict", "no output"])
def test_a_ledger_that_does_not_fit_is_refused(fault):
    name = CLAIMING[0]
    nb = read(name)
    cell = next(cell for cell in nb.cells if numbers_of(cell) == [5])
    if fault == "no cell":
        cell.metadata.tags = []
    if fault == "no row":
        for text in nb.cells:
            text.source = text.source.replace("- **Claim 05**", "- Claim 05")
    if fault == "another verdict":
        cell.outputs[0].data["text/markdown"] = cell.outputs[0].data["text/markdown"].replace("— holds", "— false")
    if fault == "no output":
        cell.outputs = []
    with pytest.raises(ValueError, match="claim 05"):
        claims(nb, name)

"""What the grids of settings say of a claim, in words and as a picture; for the ledger, and for book_grids.

experiments/results/reach.json holds the grids and what chapter 14's functions say of them: a verdict for each setting,
the tally, the knob that decides, the mean effect at each level of a knob. Here is only written down what is in it.
"""

import html
import json
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import ReferenceRole

FILE = Path("experiments", "results", "reach.json")
PAGE = "book/reach"
NARROW = "\xa0%"  # a quantity that no line end splits
VERDICTS = {"h": "holds", "r": "reversed", "u": "unseen"}
SHOWN = 2  # comparisons of a claim in the ledger, before the rest is folded
BARS = (2, 4, 8)  # half-widths from 0, from which on a mark is taller


def read(env):
    """The grids, by plan; the page depends on them."""
    path = Path(env.srcdir, FILE)
    env.note_dependency(str(path))
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def effects(grids):
    """[(claim, number among the claim's, grid, column in it, effect)], by claim."""
    found = [(effect["claim"], grid, k, effect) for grid in grids for k, effect in enumerate(grid["effects"])]
    found = [one for one in found if one[3]["mean"]]
    rows = groupby(sorted(found, key=lambda one: one[0]), key=lambda one: one[0])
    return [(claim, i, *rest) for claim, group in rows for i, (_, *rest) in enumerate(group, 1)]


def anchor(claim, i):
    return f"effect-{claim:02}-{i}"


# ---------------------------------------------------------------- words


def plain(number, places):
    """A number with so many decimal places, and a minus sign."""
    return f"{number:.{max(0, places)}f}".replace("-", "−")


def places(number, digits=2):
    """Decimal places that show `digits` digits of a number."""
    return digits - 1 - Decimal(repr(number)).adjusted() if number else 1


def interval(mean, half, verdict):
    """+0.18±0.05: two digits of the half-width, or as many as it takes to see what the verdict says."""
    if mean != mean or half != half:
        return "no number"
    start = places(half or mean)
    for shown in range(start, start + 5):
        said = [plain(mean, shown), plain(half, shown)]
        value, width = (float(part.replace("−", "-")) for part in said)
        if (abs(value) > width) == (verdict != "u"):
            break
    return f"{'+' if value > 0 else ''}{said[0] if value else said[0].lstrip('−')}±{said[1]}"


def small(number):
    """Two digits of a number, with its sign."""
    said = plain(number, places(number))
    return f"+{said}" if number > 0 else said


def level_of(grid, knob, i, data):
    """The level of a knob, which may be another one where the data are others."""
    return grid["on"].get(data, {}).get(knob, grid["knobs"][knob])[i]


def levels_of(grid, setting):
    """The level of each knob in a setting, in words."""
    at = dict(zip(grid["knobs"], map(int, setting)))
    data = grid["knobs"]["data"][at["data"]] if "data" in at else ""
    return [level_of(grid, knob, i, data).replace(" %", NARROW) for knob, i in at.items()]


def label(grid, knob, i):
    """A level of a knob as a heading: with what it is on other data."""
    others = [f"{data} {levels[knob][i]}" for data, levels in grid["on"].items() if knob in levels]
    here = grid["knobs"][knob][i]
    return f"{here} ({', '.join(others)})" if others and others != [f"{data} {here}" for data in grid["on"]] else here


def in_order(levels, means):
    """Which levels of a knob there are, from the smallest."""
    there = [i for i, mean in enumerate(means) if mean is not None]
    try:
        return sorted(there, key=lambda i: float(levels[i].removesuffix(" %")))
    except ValueError:
        return there


def words(effect):
    """What an effect says, as HTML."""
    return html.escape(effect["says"].replace("'", "’"))


def tally(effect):
    return {word: effect["tally"][word] for word in VERDICTS.values()}


# ---------------------------------------------------------------- pictures


def strength(mean, half):
    """How many half-widths a difference is from 0."""
    return abs(mean) / half if half else float("inf") if mean else 0.0


def marks(effect):
    """[(verdict, height from 1 to 4 or 0 where unseen, setting)], from what holds most to what is reversed most."""
    found = []
    for k, (verdict, mean, half) in enumerate(zip(effect["verdicts"], effect["mean"], effect["half"])):
        size = strength(mean, half)
        height = 0 if verdict == "u" else 1 + sum(size >= bar for bar in BARS)
        side = {"h": -size, "r": size}.get(verdict, -mean * effect["sign"])
        found.append(("hur".index(verdict), side if side == side else 0, verdict, height, k))
    return [tuple(rest) for _, _, *rest in sorted(found)]


def picture(effect):
    """The marks of an effect as a drawing: bars up, dashes, bars down. The words beside it say the same.

    A row of bars of one height is one dashed line, as wide as they are tall."""
    paths, x = "", 0
    for (verdict, height), run in groupby(marks(effect), key=lambda mark: mark[:2]):
        end, tall = x + 5 * len(list(run)), 2 + 2 * height
        y = 11 + {"h": -tall, "u": 0, "r": tall}[verdict] // 2
        paths += f"<path class={verdict} d=M{x},{y}H{end} stroke-width={tall} />"
        x = end
    space = 'xmlns="http://www.w3.org/2000/svg"'  # for the EPUB
    return f'<svg {space} class=marked viewBox="0 0 {x} 22" width={x} height=22 aria-hidden=true>{paths}</svg>'


# ---------------------------------------------------------------- in the ledger


def told(env, number):
    """What the ledger says of the comparisons of a claim: a list of nodes; [] where it has no grid.

    As HTML, so that they are no messages of the page: effects.po has their words in Chinese."""
    found = [one for one in effects(read(env)) if one[0] == int(number)]
    link = env.app.builder.get_relative_uri(env.docname, PAGE) if PAGE in env.found_docs else ""
    boxes = [compared(grid, effect, link and f"{link}#{anchor(claim, i)}") for claim, i, grid, _, effect in found]
    if len(boxes) > SHOWN + 1:
        rest = "\n".join(boxes[SHOWN:])
        boxes[SHOWN:] = [
            f'<details><summary class="rest">{len(boxes) - SHOWN} more comparisons</summary>{rest}</details>'
        ]
    text = "\n".join(boxes)
    return [nodes.raw("", f'<div class="reach">\n{text}\n</div>', format="html")] if boxes else []


def compared(grid, effect, link):
    """The words of a comparison, its marks and tally, and the knob that decides."""
    count, total = tally(effect), len(effect["mean"])
    said = f"holds in {count['holds']} of {total}, reversed in {count['reversed']}, unseen in {count['unseen']}"
    text = f"{picture(effect)}<span>{said}</span>"
    text = f'<a href="{link}">{text}</a>' if link else text
    if knob := effect["decides"]:
        levels, means = grid["knobs"][knob], effect["levels"][knob]
        parts = ", ".join(
            f"<b>{html.escape(label(grid, knob, i)).replace(' %', NARROW)}:</b>\xa0{small(means[i])}"
            for i in in_order(levels, means)
        )
        text += f" <span><span>decides: {html.escape(knob)}</span> ({parts})</span>"
    return f"<p>{words(effect)}</p>\n<p>{text}</p>"


class ChapterRole(ReferenceRole):
    """{chapter}`chapter 14 <14>`: a link to it; the words alone in a book without it."""

    def run(self):
        start = f"notebooks/{int(self.target):02}-"
        name = next((name for name in sorted(self.env.found_docs) if name.startswith(start)), "")
        if not name:
            return [nodes.Text(self.title)], []
        uri = self.env.app.builder.get_relative_uri(self.env.docname, name)
        return [nodes.reference("", self.title, refuri=uri, internal=True)], []

"""{grids}: the page of all grids of settings, as a figure, as a table, and with every interval.

Each interval stands on the page once, in the tables at its end. The figure has a picture for each comparison; from
these and the tables _static/grids.js makes marks that say their setting and their interval, and the layout by a knob.
Without scripts the pictures stay, and the tables say all of it.
"""

import html
import zlib
from itertools import groupby
from pathlib import Path

import book_reach
from book_reach import BARS, anchor, effects, in_order, interval, label, levels_of, marks, picture, places, plain, small
from book_record import Record, claims
from docutils import nodes

INDEX = "0123456789abcdefghijklmnopqrstuvwxyz"  # of a setting, in one character
KINDS = {"h": "01234", "u": "0", "r": "0abcd"}  # verdict and height of a mark, in one character
# A setting is said as "600 steps, 20 % wrong labels, p 0.5, without BatchNorm, digits": the level before its knob,
# alone, or after it. The knobs are offered in this order.
BEFORE = ("steps", "training examples", "wrong labels", "units", "BatchNorm", "shifted digits", "units of layer 1")
BEFORE += ("units of layer 2", "units of the narrow layer")
ALONE = ("data", "optimizer")
KNOBS = (*BEFORE[:4], "p", "learning rate", "layers", *ALONE, *BEFORE[4:])
SAMPLES = {"h": [1.5, 9], "u": [0, 0], "r": [-1.5, -9]}  # in half-widths, for the legend
LEGEND = (
    '<ul class="legend"><li>{h} <span><b>holds:</b> the interval lies on the side that its words say</span></li>'
    "<li>{u} <span><b>unseen:</b> it contains 0</span></li>"
    "<li>{r} <span><b>reversed:</b> it lies on the other side</span></li>"
    f"<li>The taller a bar, the further from 0: up to {BARS[0]} half-widths of the interval, {BARS[1]}, {BARS[2]}, or "
    "more</li></ul>"
)
TABLE = (
    "<p>“Seen from” is a difference that half of the unseen settings would have shown: where nothing is seen, a "
    "smaller one may still be there.</p>"
)
INTERVALS = (
    "A table for each grid: a row is a setting, a column a comparison, a number the mean difference over the seeds ± "
    "half the width of its 95 % interval, in the comparison's own unit: log-loss in nats, error as a share."
)


def raw(text):
    return nodes.raw("", text, format="html")


class Grids(Record):
    """`{grids}`: the figure of all grids, the same as a table, and every interval."""

    has_content = False

    def run(self):
        grids, known = book_reach.read(self.env), {}
        rows = effects(grids)
        for document, _, nb in self.chapters():
            known |= {int(row["number"]): row for row in claims(nb, document)}
        parts = [
            ("The figure", "figure", self.figure(rows, known)),
            ("The same as a table", "table", [raw(table(rows))]),
            ("Every interval", "intervals", [self.parsed(INTERVALS), *map(raw, every(grids, rows))]),
        ]
        made = [nodes.section("", nodes.title("", title), *body, ids=[f"grids-{name}"]) for title, name, body in parts]
        return [raw(form(rows)), *made]

    def figure(self, rows, known):
        """The rows under their claims, each with its verdict."""
        shown = {
            verdict: picture({"verdicts": 2 * verdict, "mean": sides, "half": [1, 1], "sign": 1})
            for verdict, sides in SAMPLES.items()
        }
        said = f'data-before="{";".join(BEFORE)}" data-alone="{";".join(ALONE)}"'
        made = [raw(f'{LEGEND.format(**shown)}<div class="grids" {said}>')]
        ledger = self.env.app.builder.get_relative_uri(self.env.docname, "book/claims")
        for claim, group in groupby(rows, key=lambda row: row[0]):
            about = known.get(claim, {"sentence": "", "verdict": ""})
            head = self.parsed(about["sentence"] or "–", "claim", "repeated", about["verdict"])
            link = nodes.reference("", f"Claim {claim:02}", refuri=f"{ledger}#row-{claim:02}", internal=True)
            badge = nodes.inline("", about["verdict"].capitalize(), classes=["verdict"])
            head.children[0][:] = [link, nodes.Text(" "), *head.children[0].children, nodes.Text(" "), badge]
            made += [raw('<div class="group">'), head, raw("".join(line(*row) for row in group) + "</div>")]
        return [*made, raw("</div>")]


def line(claim, i, grid, column, effect):
    """A row of the figure: the words, the picture, and what grids.js makes marks of."""
    found = marks(effect)
    said = ", ".join(f"{word} {number}" for word, number in book_reach.tally(effect).items())
    decides = html.escape(effect["decides"] or "")
    means = "|".join(" ".join(small(m) if m is not None else "" for m in means) for means in effect["levels"].values())
    order = "".join(INDEX[k] for *_, k in found)
    kinds = "".join(KINDS[verdict][height] for verdict, height, _ in found)
    data = f'data-at="{grid["plan"]} {column}" data-k="{order}" data-kinds="{kinds}" data-means="{means}"'
    data += f' data-decides="{decides}"' if decides else ""
    return (
        f'<div class="row" id="{anchor(claim, i)}" {data}><p>{book_reach.words(effect)} '
        f"<small>{said}{f'; decides: {decides}' if decides else ''}</small></p>{picture(effect)}</div>"
    )


def form(rows):
    """Two choices for grids.js; without scripts they are not shown."""
    turned = [knob for knob in KNOBS if any(knob in grid["knobs"] for _, _, grid, *_ in rows)]
    turned += sorted({knob for _, _, grid, *_ in rows for knob in grid["knobs"]} - {*KNOBS})
    deciding = [knob for knob in turned if any(effect["decides"] == knob for *_, effect in rows)]
    by, decided = ("".join(f"<option>{html.escape(knob)}</option>" for knob in some) for some in (turned, deciding))
    return (
        '<form class="knobs needs-script no-print"><label>Lay out by <select name="knob"><option value="">strength'
        f'</option>{by}</select></label> <label>Decided by <select name="decides"><option value="">anything</option>'
        f'{decided}<option value="none">no knob</option></select></label> '
        f"<output>{len(rows)} of {len(rows)} comparisons</output></form>"
    )


def table(rows):
    """The figure as a table: a row for each comparison."""
    heads = ("Claim", "Comparison", "Settings", "Holds", "Reversed", "Unseen", "Seen from", "Decides")
    lines = []
    for claim, i, _, _, effect in rows:
        count, seen = book_reach.tally(effect), effect["tally"]["typical"]
        parts = [len(effect["mean"]), *count.values(), plain(seen, places(seen)) if count["unseen"] else "–"]
        parts.append(html.escape(effect["decides"] or "–"))
        link = f'<a href="claims.html#row-{claim:02}">{claim:02}</a>.{i}'
        cells = "".join(f"<td>{part}</td>" for part in parts)
        lines.append(f'<tr><td>{link}</td><th scope="row">{book_reach.words(effect)}</th>{cells}</tr>')
    return TABLE + framed("summary", "", "All comparisons", heads, lines)


def framed(kind, data, caption, heads, lines):
    """A table of rows that are HTML, in a box that scrolls."""
    head = "".join(f'<th scope="col">{head}</th>' for head in heads)
    above = f'<caption class="spoken">{caption}</caption><thead><tr>{head}</tr></thead>'
    rows = "\n".join(lines)
    return f'<div class="table {kind}"><table{data}>{above}<tbody>\n{rows}</tbody></table></div>'


def every(grids, rows):
    """The intervals of each grid, as a folded table."""
    for grid in grids:
        mine = [row for row in rows if row[2] is grid]
        if not mine:
            continue
        numbers = sorted({row[0] for row in mine})
        named = f"Claim{'s' if len(numbers) > 1 else ''} {', '.join(f'{number:02}' for number in numbers)}"
        about = f"{named}: {', '.join(grid['knobs'])}; {grid['seeds']} seeds"
        knobs = "|".join(
            ";".join(
                [
                    knob,
                    *(
                        f"{i} {label(grid, knob, i).replace(' %', book_reach.NARROW)}"
                        for i in in_order(levels, mine[0][4]["levels"][knob])
                    ),
                ]
            )
            for knob, levels in grid["knobs"].items()
        )
        heads = [
            html.escape(", ".join(grid["knobs"])),
            *(f'<a href="#{anchor(*r[:2])}">{r[0]:02}.{r[1]}</a>' for r in mine),
        ]
        lines = []
        for k, setting in enumerate(grid["settings"]):
            cells = (interval(effect["mean"][k], effect["half"][k], effect["verdicts"][k]) for *_, effect in mine)
            cells = "".join(f"<td>{cell}" for cell in cells)  # thousands of cells: HTML needs no tag at their end
            lines.append(f"<tr><th>{html.escape(', '.join(levels_of(grid, setting)))}{cells}</tr>")
        data = (
            f' id="grid-{grid["plan"]}" data-settings="{" ".join(grid["settings"])}" data-knobs="{html.escape(knobs)}"'
        )
        yield (
            f'<details class="no-print"><summary>{html.escape(about)}</summary>'
            + framed("every", data, f"{named}, every setting", heads, lines)
            + "</details>"
        )


def page_context(app, pagename, templatename, context, doctree):
    context["grids"] = 'class="grids"' in context.get("body", "")


def setup(app):
    sources = [Path(__file__), Path(book_reach.__file__)]
    app.add_directive("grids", Grids)
    app.add_role("chapter", book_reach.ChapterRole())
    app.connect("html-page-context", page_context)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(b"".join(path.read_bytes() for path in sources))}

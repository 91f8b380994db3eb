"""{published}: published tables and figures that have been measured again, the published figure beside ours.

experiments/results/replications.json holds them, with what chapter 14's functions say; here is only written down what
is in it.
"""

import html
import json
import zlib
from pathlib import Path

import book_reach
from book_grids import framed, raw
from book_record import Record
from docutils import nodes

FILE = Path("experiments", "results", "replications.json")
METRICS = {"test_error": "test error, %", "train_loss": "training loss, nats", "test_perplexity": "test perplexity"}
BESIDE = {"test_loss": "test log-loss, nats", "epoch": "best epoch"}  # shown where a plan has them beside its metric
INTRODUCTION = (
    "Networks trained again as some publications have it, as far as two cores and the data at hand allow. The learning "
    "rate of each arm is tuned on held-out training examples; then the seeds are trained, and the test set is opened "
    "once for each. What is asked is whether the published *order* comes out. A result is *replicated* if each "
    "difference has its whole 95 % interval on the published side, *replicated in part* if some have and nothing is "
    "seen of the others, *not comparable* if what the comparison rests on is not so here, else *not replicated*. "
    "“Published” is what was printed, where it was; its unit may be another one, and then the table says so. "
    "Differences of errors are in points."
)


class Published(Record):
    """`{published}`: a section for each of them; nothing while there is none."""

    has_content = False

    def run(self):
        path = Path(self.env.srcdir, FILE)
        self.env.note_dependency(str(path))
        tables = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        return [self.parsed(INTRODUCTION), *map(self.section, tables)] if tables else []

    def section(self, found):
        """What was published, why it is another measurement, both numbers of each arm, and each difference."""
        told = f"[{found['source']}]({found['link']}). Published: {found['says']}. Here: {found['differs']}; "
        told += f"{found['seeds']} seeds.{baseline(found)}"
        title = nodes.title("", f"{found['key']}: {found['standing']}")
        body = [self.parsed(told), raw(arms(found)), raw(differences(found))]
        return nodes.section("", title, *body, ids=[nodes.make_id(found["key"])])


def escaped(text):
    return html.escape(text).replace(" %", book_reach.NARROW)


def plain(value):
    """An interval without a plus in front."""
    return book_reach.interval(value["mean"], value["half"], "h").lstrip("+")


def baseline(found):
    """A sentence where the first arm whose number was published is below it here, its whole interval: then the others
    have less left to gain."""
    first = next((row for row in found["rows"] if row["published"] is not None), None)
    if found["unit"] or not first or first["mean"] + first["half"] >= first["published"]:
        return ""
    return f" Here “{first['arm']}” is below the published number before anything is compared."


def arms(found):
    """The published number and ours, for each arm, and what was measured beside it."""
    unit = f", {found['unit']}" if found["unit"] else ""
    beside = [metric for metric in BESIDE if metric in found["rows"][0]["beside"]]
    heads = ("Arm", f"Published{unit}", f"Here: {METRICS[found['metric']]}", *map(BESIDE.get, beside), "Learning rate")
    printed = [row["published"] for row in found["rows"] if row["published"] is not None]
    digits = max((len(f"{value:g}".partition(".")[2]) for value in printed), default=0)
    lines = []
    for row in found["rows"]:
        was = "–" if row["published"] is None else f"{row['published']:.{digits}f}"
        values = (was, plain(row), *(plain(row["beside"][metric]) for metric in beside), f"{row['rate']:g}")
        cells = "".join(f"<td>{value}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{escaped(row["arm"])}</th>{cells}</tr>')
    return framed("published", "", escaped(f"{found['key']}: both numbers"), tuple(map(escaped, heads)), lines)


def differences(found):
    """What each difference says, the published one where there is one, ours, and what becomes of it."""
    known = any(effect["was"] is not None for effect in found["effects"])
    heads = ("Difference", *["Published"] * known, "Here", "Verdict")
    lines = []
    for effect in found["effects"]:
        says = escaped(effect["says"]) + (" <small>(the comparison rests on it)</small>" if effect["needs"] else "")
        was = "–" if effect["was"] is None else book_reach.small(effect["was"])
        seen = abs(effect["mean"]) > effect["half"]  # from 0; its verdict may grant a margin
        ours = book_reach.interval(effect["mean"], effect["half"], "h" if seen else "u")
        cells = "".join(f"<td>{part}</td>" for part in (*[was] * known, ours, effect["word"]))
        lines.append(f'<tr><th scope="row">{says}</th>{cells}</tr>')
    return framed("published", "", escaped(f"{found['key']}: differences"), heads, lines)


def setup(app):
    app.add_directive("published", Published)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

"""A prediction for which the reader draws a curve: its axes, and its true values, which come from a stored output.

The question ends in a list of two, "- across: NAME" and "- up: NAME, from LOW to HIGH"; the answer begins with
"**Answer: the curve". Between them one output holds both names: as columns of a table, or each before its numbers on
a line of text. predict.js draws the rest.
"""

import html
import json
import re
import zlib
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

NUMBER = r"[-−+]?\d[\d,]*(?:\.\d+)?"
FEWEST, MOST = 5, 9  # columns that a phone has room for


def plain(text):
    return text.replace("\xa0", " ").strip()


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def series(output):
    """{name: its values, as text} of an output: columns of tables, and lines of text that end in numbers."""
    found = {}
    for table in output.findall(nodes.table):
        rows = [[plain(entry.astext()) for entry in row] for row in table.findall(nodes.row)]
        found |= {name: list(values) for name, *values in zip(*rows, strict=True)}
    for text in output.findall(nodes.literal_block):
        lines = re.findall(rf"^(\S.*?)\s+({NUMBER}(?: +{NUMBER})+) *$", plain(text.astext()), re.MULTILINE)
        found |= {name: values.split() for name, values in lines}
    return found


def curve(asked, answer):
    """What predict.js needs of a curve: {across, up, low, high, at, truth}; ValueError says what is wrong."""
    texts = [plain(item.astext()) for item in asked.findall(nodes.list_item)]
    across = next((text.removeprefix("across: ") for text in texts if text.startswith("across: ")), "")
    up = next(filter(None, (re.fullmatch(rf"up: (.+), from ({NUMBER}) to ({NUMBER})", text) for text in texts)), None)
    if not (across and up):
        raise ValueError('the question needs "- across: NAME" and "- up: NAME, from LOW to HIGH"')
    up, low, high = up[1], number(up[2]), number(up[3])
    between = asked.parent.children[asked.parent.index(asked) : asked.parent.index(answer)]
    outputs = [
        output
        for part in between
        for output in part.findall(nodes.container)
        if output.get("nb_element") == "cell_code_output"
    ]
    held = [found for found in map(series, outputs) if {across, up} <= set(found)]
    if len(held) != 1:
        raise ValueError(f"{len(held)} outputs before the answer hold {across!r} and {up!r}")
    at = held[0][across]
    truth = [re.match(NUMBER, text) for text in held[0][up]]
    if not (FEWEST <= len(at) <= MOST and len(at) == len(truth) and all(truth)):
        raise ValueError(f"{up!r} needs a number at each of {FEWEST} to {MOST} values of {across!r}")
    truth = [number(match[0]) for match in truth]
    if not all(low <= value <= high for value in truth):
        raise ValueError(f"from {low:g} to {high:g} has no room for {truth}")
    return {"across": across, "up": up, "low": low, "high": high, "at": at, "truth": truth}


def attach_curves(app, doctree):
    """Give each question that is answered by a curve what it needs; runs after label_predictions()."""
    asked = None
    for node in doctree.findall(lambda n: {"predict", "answer"} & set(getattr(n, "attributes", {}).get("classes", ()))):
        if "predict" in node["classes"]:
            asked = node
        elif node.astext().startswith("Answer: the curve"):
            try:
                value = html.escape(json.dumps(curve(asked, node), ensure_ascii=False))
            except ValueError as error:
                logger.warning("a curve to predict: %s", error, location=asked)
                continue
            asked["classes"].append("curve")
            asked += nodes.raw("", f'<data value="{value}" hidden></data>', format="html")


def setup(app):
    app.connect("doctree-read", attach_curves, priority=600)
    return {
        "parallel_read_safe": True,
        "parallel_write_safe": True,
        "env_version": zlib.crc32(Path(__file__).read_bytes()),
    }

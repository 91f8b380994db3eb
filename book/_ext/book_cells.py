"""Notebook cells: what is folded and what its label says, predictions, long lines."""

import html
import re
import zlib
from pathlib import Path

import book_numbers
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode

COLLAPSED = {  # what stands on a collapsed cell, by how its tag begins
    "tag_preamble": "Preamble: imports, style, data and the training loop",
    "tag_results": "What the chapters before this one measured",
    "tag_stored": "Stored results",
    "tag_diagnose": "A part of the inspector",
}


def fold_label(cell):
    """What stands on a folded cell: its own words (mystnb.code_prompt_show in its metadata), or what it does."""
    own = cell["cell_metadata"].get("mystnb", {}).get("code_prompt_show")
    named = (label for tag, label in COLLAPSED.items() for name in cell["classes"] if name.startswith(tag))
    claims = [tag for tag in cell["cell_metadata"].get("tags", []) if tag.startswith("claim-")]
    label = own or next(named, "")
    if not label and claims:
        label = f"Code that tests {' and '.join(claim.replace('-', ' ') for claim in claims)}"
    if not label:
        made = [(nodes.image, "Code that draws this figure"), (nodes.table, "Code that makes this table")]
        label = next((text for kind, text in made if cell.next_node(kind)), "Code")
    return label


def visit_hidden(self, node):
    label = html.escape(fold_label(node.parent))
    self.body.append(f'<details class="hidden-code"><summary>{label}</summary>')


def depart_hidden(self, node):
    self.body.append("</details>")


def has_text_output(output):
    """Whether nbval would compare something of this cell to the letter: any output that is not only a picture."""
    return not all(any(child.findall(nodes.image)) for child in output.children)


def label_cells(app, doctree):
    """Give claims their anchors, and say of each output whether it is exact or trained."""
    docname = app.env.docname
    slugs = app.env.metadata[docname].setdefault("myst_slugs", {})
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        tags = cell["cell_metadata"].get("tags", [])
        claims = [tag for tag in tags if re.fullmatch(r"claim-\d\d", tag)]
        for claim in claims:
            cell["ids"].append(claim)
            slugs[claim] = (cell.line, claim, claim.replace("-", " ").capitalize())
        for output in cell.children:
            if output.get("nb_element") != "cell_code_output":
                continue
            kind = "trained" if "nbval-ignore-output" in tags else "exact" if has_text_output(output) else ""
            title = {
                "trained": "Asserted with a tolerance: the last digits vary from machine to machine",
                "exact": "Compared to the letter on every run of the tests",
            }
            marks = [f'<span class="{kind}" title="{title[kind]}">{kind}</span>'] if kind else []
            marks += [
                f'<a href="#{claim}" title="Link to this claim">{claim.replace("-", " ")}</a>' for claim in claims
            ]
            if marks:
                output.insert(0, nodes.raw("", f'<p class="marks">{" ".join(marks)}</p>', format="html"))


def label_predictions(app, doctree):
    """Mark each *Predict* that is answered below it ("**Answer: …**"), and its answer, for predict.js."""

    def opens_with(node, words):
        first = next((child for child in node.children if child.astext()), None)
        return isinstance(first, nodes.strong) and first.astext().startswith(words)

    asked = None
    for node in doctree.findall(lambda n: isinstance(n, nodes.block_quote | nodes.paragraph | nodes.title)):
        if isinstance(node, nodes.title) or (isinstance(node, nodes.block_quote) and opens_with(node[0], "Predict.")):
            asked = node
        elif opens_with(node, "Answer:") and isinstance(asked, nodes.block_quote) and node.parent is asked.parent:
            asked["classes"].append("predict")
            node["classes"].append("answer")
            asked = None


def fold_further(app, doctree, docname):
    """A section "Further: …" is folded: its title is what unfolds it."""
    for section in doctree.findall(nodes.section):
        if section[0].astext().startswith("Further: "):
            opening = nodes.raw("", '<details class="further"><summary>', format="html")
            section[:] = [
                opening,
                section[0],
                nodes.raw("", "</summary>", format="html"),
                *section[1:],
                nodes.raw("", "</details>", format="html"),
            ]


def hang(found):
    """The code or output in a <pre>, in which each line that may be too long for the screen hangs when it wraps."""
    lines = found[2].split("\n")
    for i, line in enumerate(lines):
        text = html.unescape(re.sub("<[^>]+>", "", line))
        if len(text) > book_numbers.NARROW and line.count("<span") == line.count("</span>"):
            indent = min(len(text) - len(text.lstrip()), 8) + 2
            lines[i] = f'<span class="long" style="--in:{indent}ch">{line}</span>'
    return found[1] + "\n".join(lines) + "</pre>"


def setup(app):
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden, depart_hidden))
    app.connect("doctree-read", label_cells)
    app.connect("doctree-read", label_predictions)
    app.connect("doctree-resolved", fold_further)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

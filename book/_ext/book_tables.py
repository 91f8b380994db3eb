"""Tables: their frame, headers with scope, and captions.

A chapter's tables are numbered. A caption is the cell's own (mystnb.table.caption in its metadata), or else the title
of the section that the table stands in, for those who do not see where it stands.
"""

import re
import zlib
from pathlib import Path

from docutils import nodes
from sphinx.writers.html5 import HTML5Translator


def title_of(node):
    """The title of the section that a node stands in; "" where there is none."""
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node.next_node(nodes.title).astext() if node is not None else ""


def cell_of(node):
    """The code cell that a node is an output of, None where it is of none."""
    while node is not None and node.get("nb_element") != "cell_code":
        node = node.parent if isinstance(node.parent, nodes.Element) else None
    return node


def label_tables(app, doctree):
    """Give each table its number, in chapters, its caption, and whether its first column names the rows."""
    chapter, number = re.match(r"notebooks/(\d+)-", app.env.docname), 0
    for table in doctree.findall(nodes.table):
        cell = cell_of(table)
        own = cell["cell_metadata"].get("mystnb", {}).get("table", {}).get("caption", "") if cell is not None else ""
        table["about"], table["own"] = own or title_of(table), bool(own)
        if chapter:
            number += 1
            table["number"] = f"Table {int(chapter[1])}.{number}"
            table["ids"] = [f"table-{int(chapter[1])}-{number}"]
        body = table.next_node(nodes.tbody)
        rows = [row for row in body.children if isinstance(row, nodes.row)] if body else []
        named = all(len(row) > 1 and row[0].astext().strip() for row in rows)
        for row in rows:
            row[0]["names"] = named


def visit_table(self, node):
    self.body.append('<div class="table">')
    HTML5Translator.visit_table(self, node)
    number, about = node.get("number", ""), self.encode(node.get("about", ""))
    if number:
        name = f"<strong>{number.replace(' ', chr(160))}{'.' if node.get('own') else ''}</strong>"
    else:
        name = ""
    if about and not node.get("own"):
        about = f'<span class="spoken">{about}</span>'
    if name or about:
        shown = "" if number or node.get("own") else ' class="spoken"'
        self.body.append(f"<caption{shown}>{name}{' ' if name and about else ''}{about}</caption>\n")


def depart_table(self, node):
    HTML5Translator.depart_table(self, node)
    self.body.append("</div>")


def visit_entry(self, node):
    """A table cell; the empty corner of a table is no header, and the first of a row is one where it names the row."""
    head = isinstance(node.parent.parent, nodes.thead)
    if head and not node.astext().strip():
        node.parent.column += 1
        self.body.append("<td>")
        self.context.append("</td>\n")
        return
    if node.get("names"):
        tag, scope = "th", "row"
        node.parent.column += 1
        self.body.append(self.starttag(node, tag, "", scope=scope))
        self.context.append(f"</{tag}>\n")
        return
    start = len(self.body)
    HTML5Translator.visit_entry(self, node)
    if head:
        self.body[start] = self.body[start].replace("<th", '<th scope="col"', 1)


def depart_entry(self, node):
    HTML5Translator.depart_entry(self, node)


def setup(app):
    app.add_node(nodes.table, override=True, html=(visit_table, depart_table))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.connect("doctree-read", label_tables)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

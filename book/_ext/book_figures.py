"""Figures: their numbers, their size on a page, and how far they shrink before they scroll."""

import ast
import html
import math
import re
import zlib
from pathlib import Path

import imagesize
from docutils import nodes
from sphinx.util import logging

LEGIBLE = 9  # px: the smallest text of a figure on a phone, where the figure scrolls rather than shrink further
NAMED_SIZES = {"xx-small": 5.8, "x-small": 6.9, "small": 8.3}  # of Matplotlib, in points; the others are 10 or more
WRITERS = re.compile(r"annotate|text|legend|tick_params|\w*(labels?|title|ticks)")  # methods that take a size of text
logger = logging.getLogger(__name__)


def visit_image(self, node):
    """An image with its size, so that nothing jumps while it loads, and with alt text or a warning."""
    uri, source = node["uri"], Path(self.builder.srcdir, node["uri"])
    if not node.get("alt", "").strip():
        logger.warning("image without alt text: set mystnb.image.alt in its cell's metadata", location=node)
    attributes = {
        "src": f"{self.builder.imgpath}/{self.builder.images[uri]}" if uri in self.builder.images else uri,
        "alt": node.get("alt", ""),
        "class": " ".join(node["classes"]),
        "decoding": "async",
    }
    if source.is_file():
        width, height = imagesize.get(source)
        if "dpi" in node:
            attributes["style"] = f"--legible: {math.ceil(width / node['dpi'] * 72 * LEGIBLE / node['points'])}px"
        if source.suffix == ".png":  # where 160 dots are an inch, 10 pt print is 16.7 px high at full width
            width, height = round(width * 0.75), round(height * 0.75)
        attributes |= {"width": width, "height": height}
    attributes |= {"fetchpriority": "high"} if node.get("first") else {"loading": "lazy"}
    pairs = " ".join(f'{k}="{html.escape(str(v))}"' for k, v in attributes.items() if v != "" or k == "alt")
    self.body.append(f'<a class="enlarge" href="{attributes["src"]}" title="Enlarge"><img {pairs}></a>')


def depart_image(self, node):
    pass


def drawn(code, functions):
    """How a figure is drawn: {"dpi": dots per inch, "points": size of its smallest text}.

    Sizes count where its code or those of `functions`, {name: its tree}, that it calls give them as numbers or names;
    an exponent counts as the number that it stands on.
    """
    found, called, trees = {"dpi": 160, "points": 10}, set(), [ast.parse(code)]

    def size(value):
        given = NAMED_SIZES.get(value, value)
        if isinstance(given, int | float):
            found["points"] = min(found["points"], given)

    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in called:
                called.add(node.id)
                trees.append(functions[node.id])
            elif isinstance(node, ast.Call):
                writes = WRITERS.fullmatch(node.func.attr) if isinstance(node.func, ast.Attribute) else True
                for name, value in ((k.arg, k.value.value) for k in node.keywords if isinstance(k.value, ast.Constant)):
                    if name == "dpi":
                        found["dpi"] = value
                    elif name in ("size", "fontsize", "labelsize") and writes:
                        size(value)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and "size" in str(key.value):
                        size(value.value)
            elif isinstance(node, ast.FunctionDef) and node.args.defaults:
                named = zip(node.args.args[-len(node.args.defaults) :], node.args.defaults)
                for value in (v.value for a, v in named if "size" in a.arg and isinstance(v, ast.Constant)):
                    size(value)
    return found


def defined(codes):
    """{name: its tree} of the functions that the cells with these `codes` define."""
    statements = (node for code in codes for node in walk_statements(ast.parse(code)))
    return {node.name: node for node in statements if isinstance(node, ast.FunctionDef)}


def walk_statements(tree):
    """As ast.walk, but for expressions: a stored result is a literal of thousands of them."""
    waiting = [tree]
    for node in waiting:
        yield node
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            waiting += getattr(node, field, None) or []


def message(code):
    """The title that the code of a figure gives it, as one line; "" where it gives none, or one to each panel."""
    titles = {"suptitle": [], "set_title": []}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in titles:
            text = node.args[0] if node.args else None
            titles[node.func.attr].append(text.value if isinstance(text, ast.Constant) else "")
    given = titles["suptitle"] or titles["set_title"]
    return " ".join(str(given[0]).split()) if len(given) == 1 else ""


def number_figures(app, doctree):
    """Each picture of a chapter is a figure with a number, an anchor and a caption.

    The caption is the cell's own (mystnb.figure.caption in its metadata), or else the picture's title.
    """
    chapter = re.match(r"notebooks/(\d+)-", app.env.docname)
    if not chapter:
        return
    number = 0
    cells = [cell for cell in doctree.findall(nodes.container) if cell.get("nb_element") == "cell_code"]
    functions = defined(cell.next_node(nodes.literal_block).astext() for cell in cells)
    for cell in cells:
        code = cell.next_node(nodes.literal_block).astext()
        for image in list(cell.findall(nodes.image)):
            number += 1
            image.attributes |= drawn(code, functions)
            figure = image.parent
            while figure is not cell and not isinstance(figure, nodes.figure):
                figure = figure.parent
            if figure is cell:
                figure = nodes.figure("")
                image.replace_self(figure)
                figure += image
            captions = [child for child in figure if isinstance(child, nodes.caption)]
            if not captions:
                captions = [nodes.caption("", message(code))]
                figure += captions[0]
            name = f"Figure {int(chapter[1])}.{number}"
            if captions[0].astext():
                captions[0].insert(0, nodes.Text(" "))
            captions[0].insert(0, nodes.strong("", name.replace(" ", "\xa0") + ("." if captions[0].astext() else "")))
            figure["ids"] = [name.lower().replace(" ", "-").replace(".", "-")]


def setup(app):
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.connect("doctree-read", number_figures)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

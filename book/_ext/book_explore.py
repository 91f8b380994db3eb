"""Living figures: a cell tagged explore-NAME has its picture replaced, on screens with scripts, by explore/NAME.js.

The module says `export const follows = "…"`: a hash of the cell and of the notebook's functions that it calls. Where
the notebook has changed since, the build fails until somebody has looked at the figure. It also says how much room it
takes, `export const heights = { wide: …, narrow: … }` in px, so that nothing moves when it comes.

What it shows of stored results comes from cells tagged explore-NAME-data: the values of a cell of plain assignments,
and the columns of tables and lines of numbers that such cells put out.
"""

import ast
import hashlib
import html
import json
import re
import sys
import zlib
from pathlib import Path

from book_curve import series
from book_figures import defined
from book_settings import BOOK, version
from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

MODULES = BOOK / "_static" / "explore"
DUMPED = {"show_empty": True} if sys.version_info >= (3, 13) else {}  # as Python 3.11 dumps a tree


def follows(code, functions):
    """A hash of `code` and of those of `functions`, {name: its tree}, that it calls; layout, comments and docstrings
    are free."""
    trees, named = [ast.parse(code)], set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in named:
                named.add(node.id)
                trees.append(functions[node.id])
    for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        if ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Expr(ast.Constant(""))
    text = "\n".join(sorted(ast.dump(tree, **DUMPED) for tree in trees))
    return hashlib.sha256(text.replace(", type_params=[]", "").encode()).hexdigest()[:8]  # so from Python 3.12 on


def assigned(code):
    """{name: value} of a cell's top-level assignments of literals."""
    found = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def said(module, name):
    """What `module` exports as the constant `name`, as text; "" where it does not."""
    found = re.search(rf"^export const {name} = (.+);$", module, re.MULTILINE)
    return found[1] if found else ""


def living(name, digest, stored, static, small=False):
    """The opening and closing raw nodes around the picture; ValueError says what is wrong."""
    path = MODULES / f"{name}.js"
    if not path.is_file():
        raise ValueError(f"there is no book/_static/explore/{name}.js")
    module = path.read_text(encoding="utf-8")
    if said(module, "follows") != f'"{digest}"':
        raise ValueError(
            f'explore/{name}.js was made for other code: see that it still fits, then write follows = "{digest}"'
        )
    heights = dict(re.findall(r"(\w+): (\d+)", said(module, "small" if small else "heights")))
    if set(heights) != {"wide", "narrow"}:
        raise ValueError(f"explore/{name}.js does not export its heights, wide and narrow")
    attributes = {
        "data-explore": name,
        "data-module": f"{static}/explore/{name}.js?v={version(path)}",
        "data-d3": f"{static}/explore/d3.js?v={version(MODULES / 'd3.js')}",
        "data-stored": json.dumps(stored, ensure_ascii=False, separators=(",", ":")) if stored else None,
        "data-small": "" if small else None,
    }
    pairs = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items() if value is not None)
    style = f"--wide: {heights['wide']}; --narrow: {heights['narrow']}"
    return (
        nodes.raw("", f'<div class="stage" style="{style}">', format="html"),
        nodes.raw("", f'<div class="explore" {pairs}></div></div>', format="html"),
    )


def enliven(figure, name, digest, stored, static, small=False):
    image = figure.next_node(nodes.image)
    opening, closing = living(name, digest, stored, static, small)
    image.parent.insert(image.parent.index(image) + 1, closing)
    image.parent.insert(image.parent.index(image), opening)


def grow(app, doctree):
    """Give each figure of a cell tagged explore-NAME what explore.js needs; runs after number_figures()."""
    static = "../" * app.builder.get_target_uri(app.env.docname).count("/") + "_static"
    for figure in doctree.findall(nodes.figure):  # of a {cell-output}
        tag, code, functions = figure.attributes.pop("drawn-by", ("", "", {}))
        if tag.startswith("explore-"):
            attempt(figure, figure, tag.removeprefix("explore-"), follows(code, functions), {}, static, small=True)

    cells = [cell for cell in doctree.findall(nodes.container) if cell.get("nb_element") == "cell_code"]
    codes = {id(cell): cell.next_node(nodes.literal_block).astext() for cell in cells}
    tagged = {}
    for cell in cells:
        for tag in cell["cell_metadata"].get("tags", []):
            if tag.startswith("explore-"):
                tagged.setdefault(tag.removeprefix("explore-"), []).append(cell)
    functions = defined(codes.values()) if tagged else {}
    for name, (cell, *others) in tagged.items():
        if name.endswith("-data"):
            continue
        figures = list(cell.findall(nodes.figure))
        if others or len(figures) != 1:
            logger.warning("explore-%s must stand on one cell, with one picture", name, location=cell)
            continue
        stored = {}
        for source in tagged.get(f"{name}-data", []):
            stored |= assigned(codes[id(source)])
            for output in source.findall(nodes.container):
                if output.get("nb_element") == "cell_code_output":
                    stored |= series(output)
        attempt(cell, figures[0], name, follows(codes[id(cell)], functions), stored, static)


def attempt(location, *arguments, **options):
    try:
        enliven(*arguments, **options)
    except ValueError as error:
        logger.warning("a living figure: %s", error, location=location)


def setup(app):
    app.connect("doctree-read", grow, priority=600)
    sources = [Path(__file__), *sorted(MODULES.glob("*.js"))]  # pages are read again when one of them changes
    return {
        "parallel_read_safe": True,
        "parallel_write_safe": True,
        "env_version": zlib.crc32(b"".join(path.read_bytes() for path in sources)),
    }

"""Directives for the pages in book/: {cell-output}, {chapters} and {facts}."""

import hashlib
import os
import re
import zlib
from base64 import b64decode
from pathlib import Path

import book_contents
import nbformat
from book_figures import defined, drawn
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class CellOutput(SphinxDirective):
    """`{cell-output} notebooks/NAME TAG`: the stored output of the one cell with that tag; the content is a caption."""

    required_arguments = 2
    has_content = True

    def run(self):
        name, tag = self.arguments
        path = Path(self.env.srcdir, f"{name}.ipynb")
        if not path.is_file():
            raise self.error(f"no notebook {name}.ipynb")
        self.env.note_dependency(str(path))
        code = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        cells = [c for c in code if tag in c.metadata.get("tags", [])]
        if len(cells) != 1:
            raise self.error(f"{name}.ipynb has {len(cells)} cells tagged {tag!r}, not one")
        data = [output.data for output in cells[0].get("outputs", []) if "data" in output]
        pictures = [d["image/png"] for d in data if "image/png" in d]
        texts = [d["text/markdown"] for d in data if "text/markdown" in d]
        if len(pictures) + len(texts) != 1:
            raise self.error(f"the cell tagged {tag!r} of {name}.ipynb must store one picture or one Markdown output")
        if texts:
            box = nodes.container(classes=["cell_output"])
            self.state.nested_parse([*texts[0].split("\n")], self.content_offset, box)
            return [box]
        content = b64decode(pictures[0])
        file = Path(self.env.app.outdir).parent / "jupyter_execute" / f"{hashlib.sha256(content).hexdigest()}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        uri = Path(os.path.relpath(file, Path(self.env.doc2path(self.env.docname)).parent)).as_posix()
        image = nodes.image(uri=uri, alt=cells[0].metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
        image.source, image.line = self.get_source_info()
        image["first"] = not self.env.temp_data.setdefault("pictured", False)
        self.env.temp_data["pictured"] = True
        functions = defined(c.source for c in code)
        image.attributes |= drawn(cells[0].source, functions)
        figure = nodes.figure("", image)
        figure["drawn-by"] = (tag, cells[0].source, functions)
        if self.content:
            caption = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, caption)
            figure += nodes.caption("", "", *caption.children[0].children)
        return [figure]


def promise(doctree):
    """The first paragraph below the title, as text."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            return " ".join(paragraph.astext().split())
    return ""


class contents(nodes.General, nodes.Element):
    """Where {chapters} stands until all pages are read."""


class Chapters(SphinxDirective):
    """`{chapters}`: the parts and chapters of the book, each with its promise."""

    def run(self):
        return [contents()]


def fill_contents(app, doctree, docname):
    for node in list(doctree.findall(contents)):
        filled = []
        for part, names in book_contents.parts(app.env):
            names = [name for name in names if name.startswith("notebooks/")]
            if not names:
                continue
            items = []
            for name in names:
                title = app.env.titles[name].astext()
                uri = app.builder.get_relative_uri(docname, name)
                link = nodes.reference("", title, refuri=uri, internal=True)
                # Thirteen promises in a row need not say thirteen times whose they are.
                text = re.sub(
                    r"^(By the end of|In) this chapter you (can )?|^You ", "", promise(app.env.get_doctree(name))
                )
                text = text[0].upper() + text[1:]
                items.append(nodes.list_item("", nodes.paragraph("", "", link), nodes.paragraph("", text)))
            filled.append(nodes.paragraph("", part, classes=["part"]))
            filled.append(nodes.bullet_list("", *items, classes=["chapters"]))
        node.replace_self(filled)


class Facts(SphinxDirective):
    """`{facts}`: what the chapters hold, counted in their notebooks."""

    def run(self):
        names = Path(self.env.srcdir, "notebooks").glob("*.ipynb")
        books = [nbformat.read(path, 4) for path in sorted(names) if f"notebooks/{path.stem}" in self.env.found_docs]
        cells = [
            c for b in books for c in b.cells if c.cell_type == "code" and "preamble" not in c.metadata.get("tags", [])
        ]
        claims = sum(tag.startswith("claim-") for c in cells for tag in c.metadata.get("tags", []))
        asserts = sum(len(re.findall(r"^\s*assert\b", c.source, re.MULTILINE)) for c in cells)
        seconds = sum(b.metadata.get("executed", {}).get("seconds", 0) for b in books)
        for path in self.env.found_docs:
            if path.startswith("notebooks/"):
                self.env.note_dependency(self.env.doc2path(path))
        facts = [(claims, "claims tested"), (asserts, "assertions"), (f"{seconds} s", "to run all chapters")]
        return [
            nodes.bullet_list(
                "",
                *(
                    nodes.list_item("", nodes.paragraph("", "", nodes.strong("", str(n)), nodes.Text(f" {what}")))
                    for n, what in facts
                ),
                classes=["facts"],
            )
        ]


def setup(app):
    app.add_node(contents)
    app.add_directive("cell-output", CellOutput)
    app.add_directive("chapters", Chapters)
    app.add_directive("facts", Facts)
    app.connect("doctree-resolved", fill_contents)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

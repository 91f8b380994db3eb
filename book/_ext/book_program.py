"""Makes diagnose.py, the inspector of the field guide as one file, from the chapter's cells tagged `diagnose`.

python book/_ext/book_program.py [FILE] writes it without building the site.
"""

import ast
import sys
import zlib
from pathlib import Path

import nbformat

CHAPTER = "notebooks/13-field-guide"
TAG = "diagnose"
HEAD = '''"""Looks for faults of dropout in any PyTorch model.

    from diagnose import diagnose
    print(diagnose(model, *inputs, kwargs={...}))

It needs torch and nothing else; the model stays as it was. `python diagnose.py` shows it on a small model.
Made from chapter 13 of "Dropout, Executed", which explains it. MIT licence.
"""
'''


def bound(node):
    """The names that an import binds."""
    return {(alias.asname or alias.name).split(".")[0] for alias in node.names}


def program(nb):
    """The source of diagnose.py: the imports that the tagged cells need, then these cells, in order."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    imports, parts, used = [], [], set()
    for cell in code:
        tree, lines = ast.parse(cell.source), cell.source.split("\n")
        found = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        imports += found
        if TAG in cell.metadata.get("tags", []):
            used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            for node in found:
                lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
            parts.append("\n".join(lines).strip("\n"))
    if not parts:
        raise ValueError(f"no cell is tagged {TAG!r}")
    needed = dict.fromkeys(ast.unparse(node) for node in imports if bound(node) & used)
    ours, theirs = [], []
    for line in sorted(needed, key=lambda line: (line.startswith("from"), line)):
        (ours if line.split()[1].split(".")[0] in sys.stdlib_module_names else theirs).append(line)
    return "\n".join([HEAD, *ours, "", *theirs, "", ""]) + "\n" + "\n\n\n".join(parts) + "\n"


def read(source):
    """The chapter in the folder `source`."""
    return nbformat.read(Path(source, f"{CHAPTER}.ipynb"), as_version=4)


def offer(app, pagename, templatename, context, doctree):
    """The chapter's page has a link to the file."""
    context["program"] = "diagnose.py" if pagename == CHAPTER else ""


def write(app, exception):
    """Put the file beside the pages."""
    if not exception and app.builder.name == "html" and CHAPTER in app.env.found_docs:
        Path(app.outdir, "diagnose.py").write_text(program(read(app.srcdir)), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", offer)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}


if __name__ == "__main__":
    made = program(read(Path(__file__).resolve().parents[2]))
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(made, encoding="utf-8")
    else:
        print(made, end="")

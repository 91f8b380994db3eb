"""What the site offers to take along: the files that tools/take.py makes, in one menu, each with its size.

Where BOOK_TAKE names their folder, they become a part of the site; else there is no menu.
"""

import os
import shutil
import zlib
from pathlib import Path

FOLDER = "take"
FILES = {
    "dropout-book.pdf": "The book as PDF",
    "dropout-book.epub": "The book as EPUB",
    "dropout-book-offline.zip": "This site, to read offline",
    "notebooks.zip": "All notebooks",
    "assignments.zip": "All homework",
}


def size(count):
    """A number of bytes as one says it."""
    count, unit = (count / 1000, "kB") if count < 999_500 else (count / 1e6, "MB")
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:.0f} {unit}"


def found(app):
    """The files that are there, in the order of FILES."""
    folder = app.config.book_take and Path(app.srcdir, app.config.book_take)
    return [path for name in FILES if folder and (path := folder / name).is_file()]


def offer(app, pagename, templatename, context, doctree):
    address = context["pathto"]
    context["take"] = [
        {"link": address(f"{FOLDER}/{path.name}", True), "words": FILES[path.name], "size": size(path.stat().st_size)}
        for path in found(app)
    ]


def write(app, exception):
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)  # of a build that offered other files, or none
    for path in found(app):
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)


def setup(app):
    app.add_config_value("book_take", os.environ.get("BOOK_TAKE", ""), "html", [str])
    app.connect("html-page-context", offer)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

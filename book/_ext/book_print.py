"""What a printed page says at its head: the book at the left, the chapter at the right; book.css has the rest."""

import html
import re
import zlib
from pathlib import Path


def quoted(text):
    """`text` as a string of CSS within HTML."""
    return '"' + re.sub(r'["\\<>&\n]', lambda m: f"\\{ord(m[0]):x} ", text) + '"'


def heads(app, pagename, templatename, context, doctree):
    title = html.unescape(re.sub("<[^>]+>", "", context.get("title", "")))
    context["heads"] = [quoted(app.config.html_title), quoted(title if title != app.config.html_title else "")]


def setup(app):
    app.connect("html-page-context", heads)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

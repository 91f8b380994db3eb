"""No line ends inside a number: 5 %, 8 × 8, 0.40 ± 0.12, 1e-12; in text by a space that does not break, in code and its
output, which are copied, by the style of what holds the number."""

import html
import re
import zlib
from pathlib import Path

from docutils import nodes

NARROW = 36  # characters of code that fit in a line on a phone
QUANTITY = r"(?<![\w.&#;])[-−+]?\d[\d.]*(?:e[-−+]?\d+)?(?: %| [×±] [-−+]?\d[\d.]*| ± \d+ %)"
LONG = r"(?<![\w.&#;])[-−+]?\d+\.\d[\d.]*(?:e[-−+]?\d+)?|(?<![\w.&#;])\d+e[-−+]\d+"
IN_CODE = re.compile(rf"<[^>]*>|({QUANTITY}|{LONG})")
PARTS = re.compile(
    r'<annotation.*?</annotation>|(<pre>.*?</pre>)|<span class="pre">([-−]?\d[\w.−-]{2,12})</span>|<[^>]*>'
    r"|((?<![\w.&#;])[-−+]?\d[\d.]*e[-−]\d+)",
    re.DOTALL,
)


def keep_together(app, doctree):
    code = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment)
    for text in list(doctree.findall(nodes.Text)):
        joined = re.sub(r"(?<=\d) (?=%)|(?<=\d) ([×±]) (?=[-−+]?\d)", lambda m: m[0].replace(" ", "\xa0"), text)
        if joined != text and not isinstance(text.parent, code):
            text.parent.replace(text, nodes.Text(joined))


def whole(found):
    return f'<span class="whole">{found[1]}</span>' if found[1] else found[0]


def in_code(pre):
    """The numbers of those lines that may wrap."""
    lines = pre.split("\n")
    for i, line in enumerate(lines):
        if len(html.unescape(re.sub("<[^>]+>", "", line))) > NARROW:
            lines[i] = IN_CODE.sub(whole, line)
    return "\n".join(lines)


def marked(body):
    """A page's text, in which each number that could be broken is marked."""

    def mark(found):
        if found[1]:
            return in_code(found[1])
        if found[2]:
            return f'<span class="pre whole">{found[2]}</span>'
        return f'<span class="whole">{found[3]}</span>' if found[3] else found[0]

    return PARTS.sub(mark, body)


def mark_numbers(app, pagename, templatename, context, doctree):
    context["body"] = marked(context.get("body", ""))


def setup(app):
    app.connect("doctree-read", keep_together)
    app.connect("html-page-context", mark_numbers)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

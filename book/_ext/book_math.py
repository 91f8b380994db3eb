"""Math, rendered while the site is built: KaTeX in QuickJS."""

import json
import zlib
from functools import cache
from pathlib import Path

import quickjs
from book_settings import BOOK
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinxcontrib import katex

logger = logging.getLogger(__name__)


@cache
def renderer():
    """KaTeX in QuickJS: a function of a formula and whether it is displayed."""
    styles = (BOOK / "_static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    if f'"{katex.katex_version}"' not in styles:
        raise ExtensionError(f"book/_static/katex is not of KaTeX {katex.katex_version}: see its README")
    script = quickjs.Context()
    script.set_max_stack_size(4 << 20)
    script.eval(Path(katex.__file__).with_name("katex.min.js").read_text(encoding="utf-8"))
    return script.eval("""
    (latex, displayMode) => {
      try {  // JSON, because the package cannot hand over every kind of string
        return JSON.stringify({ html: katex.renderToString(latex, { displayMode, strict: "ignore" }) });
      } catch (error) {
        return JSON.stringify({ error: error.message });
      }
    }
    """)


@cache
def render_math(latex, display):
    """{"html": the formula} or {"error": what is wrong with it}."""
    return json.loads(renderer()(latex, display))


def visit_math(self, node, display=False):
    tag = "div" if display else "span"
    self.body.append(self.starttag(node, tag, "", CLASS="math"))
    if display and node.get("number"):
        self.body.append(f'<span class="eqno">({node["number"]})</span>')
    reply = render_math(node.astext(), display)
    if "error" in reply:
        logger.warning("math: %s", reply["error"], location=node)
    self.body.append(reply.get("html", ""))
    self.body.append(f"</{tag}>")
    raise nodes.SkipNode


def visit_math_block(self, node):
    visit_math(self, node, display=True)


def setup(app):
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

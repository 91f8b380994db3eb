"""What the references need beyond sphinxcontrib-bibtex: the style `book`, and under each work the pages that cite it.

A work that no page links to is a warning.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.template import field, href
from sphinx.util import logging

logger = logging.getLogger(__name__)


class BookStyle(Style):
    """The style `plain`, with the host of an address in place of the address."""

    def format_url(self, e):
        return href[field("url", raw=True), field("url", apply_func=lambda url: urlsplit(url).netloc, raw=True)]


def addresses(fields):
    """The links that stand for a work of references.bib in a chapter."""
    known = [("https://doi.org/", "doi"), ("https://arxiv.org/abs/", "eprint"), ("", "url")]
    return [start + fields[name] for start, name in known if name in fields]


def name_of(app, docname):
    """How a page is named in a list: a chapter by its number, another page by its title."""
    return re.sub(r"^(\d+)\..*", r"Chapter \1", app.env.titles[docname].astext())


def add_citing_pages(app, doctree, docname):
    entries = app.env.get_domain("cite").bibdata.data.entries
    works = [(i, item) for item in doctree.findall(nodes.list_item) for i in item["ids"] if i in entries]
    names = sorted(app.env.found_docs) if works else []
    texts = {name: Path(app.env.doc2path(name)).read_text(encoding="utf-8") for name in names}
    for key, item in works:
        links = [f"]({address})" for address in addresses(entries[key].fields)]
        line = nodes.paragraph("", "Cited in ", classes=["cited"])
        for name in names:
            if any(link in texts[name] for link in links):
                uri = app.builder.get_relative_uri(docname, name)
                line += [nodes.reference("", name_of(app, name), refuri=uri, internal=True), nodes.Text(", ")]
        if len(line) == 1:
            logger.warning("references.bib: no page of the book links to %s", key)
            continue
        line[-1] = nodes.Text(".")
        item += line


def setup(app):
    register_plugin("pybtex.style.formatting", "book", BookStyle)
    app.connect("doctree-resolved", add_citing_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

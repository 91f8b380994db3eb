"""What _theme/page.html needs to know about a page, and the pages that have no source."""

import html
import re
import zlib
from pathlib import Path

from book_cells import hang
from book_directives import promise
from book_settings import BOOK, colab_url, edit_url, source_of, version


def page_context(app, pagename, templatename, context, doctree):
    """What _theme/page.html needs to know about the page."""
    config, env = app.config, app.env
    source = source_of(app, pagename) if pagename in env.found_docs else ""
    title = html.unescape(re.sub("<[^>]+>", "", context.get("title", "")))
    if doctree:
        described = env.metadata[pagename].get("description") or promise(env.get_doctree(pagename))
        context["description"] = shorten(described)
    context["site_name"] = config.html_title
    context["page_title"] = title if pagename == config.root_doc else f"{title} — {config.html_title}"
    context["is_root"] = pagename == config.root_doc
    # Half of a page's elements would be code tokens that book.css gives no colour.
    context["body"] = re.sub(r'<span class="(?:n|p|w|o|nb|nn|bp)">([^<]*)</span>', r"\1", context.get("body", ""))
    context["body"] = re.sub(r"(<pre>)(.*?)</pre>", hang, context["body"], flags=re.DOTALL)
    context["asks"] = 'class="predict"' in context["body"] or 'id="check-yourself"' in context["body"]
    context["folded"] = 'class="hidden-code"' in context["body"]
    context["explores"] = 'class="explore"' in context["body"]
    context["has_math"] = 'class="katex"' in context["body"]
    # What students get is made from a master: that is what one edits.
    edited = re.sub(r"^assignments/", "homework/", source)
    context["edit_url"] = edit_url(config.book_repository, config.book_branch, edited) if source else ""
    context["colab_url"] = colab_url(config.book_repository, config.book_branch, source)
    context["download"] = f"_sources/{source}" if source.endswith(".ipynb") else ""
    context["repository"] = config.book_repository
    context["canonical"] = config.book_site and config.book_site + app.builder.get_target_uri(pagename).replace(
        "index.html", ""
    )
    pathto = context["pathto"]
    context["asset"] = lambda name: f"{pathto(f'_static/{name}', True)}?v={version(BOOK / '_static' / name)}"
    context["social_image"] = (config.book_site or pathto("", True).rstrip("#")) + "_static/social.png"


def shorten(text, limit=160):
    """At most `limit` characters of `text`, cut after a sentence or else after a word."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return head[: head.rfind(". ") + 1] or head[: head.rfind(" ")] + "…"


def extra_pages(app):
    find = "Find a word, a name or a function in the chapters of the book."
    yield "search", {"title": "Search", "description": find}, "search.html"
    yield "404", {"title": "Page not found", "description": "There is no such page in this book."}, "404.html"


def setup(app):
    app.connect("html-page-context", page_context)
    app.connect("html-collect-pages", extra_pages)
    # Pages are read again when this file changes.
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

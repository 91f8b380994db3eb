"""Where one is in the book: the contents beside a page, the part it belongs to, and what comes before and after it.

A homework stands under its chapter in _toc.yml. Who reads on goes from chapter to chapter; a chapter's end offers both.
"""

import html
import zlib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes


def parts(env):
    """[(part, [docname, ...]), ...] in reading order, from the table of contents; without what stands under a page."""
    root = env.get_doctree(env.config.root_doc)
    return [(toctree.get("caption") or "", toctree["includefiles"]) for toctree in root.findall(addnodes.toctree)]


def below(env, docname):
    """The pages that stand under a page: the homework of a chapter."""
    return env.toctree_includes.get(docname, []) if docname != env.config.root_doc else []


def inline(builder, title):
    """A title as HTML, without links."""
    if all(isinstance(child, nodes.Text) for child in title.children):
        return html.escape(title.astext(), quote=False)
    return builder.render_partial(nodes.inline("", "", *(child.deepcopy() for child in title.children)))["fragment"]


def sections(builder, docname):
    """The sections of a page, as links within it."""
    items = []
    for link in builder.env.tocs[docname].findall(nodes.reference):
        depth, above = 0, link.parent
        while above is not None:
            depth += isinstance(above, nodes.bullet_list)
            above = above.parent
        if depth == 2 and link["refuri"] == docname and link["anchorname"]:
            items.append(f'<li><a href="{link["anchorname"]}">{inline(builder, link)}</a></li>\n')
    return f"<ul>\n{''.join(items)}</ul>\n" if items else ""


def entry(builder, page, docname, kind=""):
    """A page in the contents that stand on `page`, with what stands under it."""
    env = builder.env
    here = docname == page
    current = here or page in below(env, docname)
    classes = " ".join(filter(None, (kind, "current" if current else "")))
    where = "#main" if here else html.escape(builder.get_relative_uri(page, docname))
    mark = ' aria-current="page"' if here else ""
    under = sections(builder, docname) if here else ""
    homework = "".join(entry(builder, page, name, "homework") for name in below(env, docname))
    if homework:
        under = under.removesuffix("</ul>\n") + homework + "</ul>\n" if under else f"<ul>\n{homework}</ul>\n"
    return (
        f'<li{f" class={chr(34)}{classes}{chr(34)}" if classes else ""}><a href="{where}"{mark}>'
        f"{inline(builder, env.titles[docname])}</a>{under}</li>\n"
    )


def contents(builder, page):
    """The contents as they stand beside `page`."""
    made = []
    for part, names in parts(builder.env):
        made.append(f'<p class="caption">{html.escape(part)}</p>\n' if part else "")
        made.append(f"<ul>\n{''.join(entry(builder, page, name) for name in names)}</ul>\n")
    return "".join(made)


def place(app, pagename, templatename, context, doctree):
    """For the page: its contents, its part, its homework, and the pages before and after it."""
    env, builder = app.env, app.builder
    names = [name for _, listed in parts(env) for name in listed]
    owner = next((name for name in names if pagename in below(env, name)), "")
    at = owner or pagename
    context["contents"] = contents(builder, pagename)
    context["part"] = next((part for part, listed in parts(env) if at in listed), "")
    homework = next(iter(below(env, pagename)), "")
    context["homework"] = homework
    context["homework_title"] = env.titles[homework].astext() if homework else ""
    if at in names:
        i = names.index(at)
        before = [owner] if owner else names[i - 1 : i] if i else [env.config.root_doc]
        for key, found in (("prev", before), ("next", names[i + 1 : i + 2])):
            context[key] = {
                "link": builder.get_relative_uri(pagename, found[0]),
                "title": inline(builder, env.titles[found[0]]),
            } if found else None  # fmt: skip


def setup(app):
    app.connect("html-page-context", place)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

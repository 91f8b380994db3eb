"""What the site needs beyond Jupyter Book: settings, builder, math, figures, cells, directives, pages.

Environment at build time, all optional:
BOOK_REPOSITORY_URL     address of the repository, for the Colab and edit links
BOOK_REPOSITORY_BRANCH  its branch (default: main)
BOOK_SITE_URL           address the site is published at, for canonical links, the sitemap and the 404 page
A hosted GitHub workflow sets GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_REF_NAME; they serve as defaults.
"""

import ast
import hashlib
import html
import json
import math
import os
import re
import shutil
import time
import zlib
from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import book_contents
import book_numbers
import imagesize
import nbformat
import quickjs
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from PIL import Image
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib import katex

BOOK = Path(__file__).resolve().parent.parent
COLLAPSED = {  # what stands on a collapsed cell, by how its tag begins
    "tag_preamble": "Preamble: imports, style, data and the training loop",
    "tag_results": "What the chapters before this one measured",
    "tag_stored": "Stored results",
    "tag_diagnose": "A part of the inspector",
}
LEGIBLE = 9  # px: the smallest text of a figure on a phone, where the figure scrolls rather than shrink further
NAMED_SIZES = {"xx-small": 5.8, "x-small": 6.9, "small": 8.3}  # of Matplotlib, in points; the others are 10 or more
WRITERS = re.compile(r"annotate|text|legend|tick_params|\w*(labels?|title|ticks)")  # methods that take a size of text
logger = logging.getLogger(__name__)


# ---------------------------------------------------------------- settings


def repository(environ):
    """Address and branch of the repository, "" where unknown."""
    url = environ.get("BOOK_REPOSITORY_URL", "")
    if not url and environ.get("GITHUB_REPOSITORY"):
        url = f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{environ['GITHUB_REPOSITORY']}"
    branch = environ.get("BOOK_REPOSITORY_BRANCH") or environ.get("GITHUB_REF_NAME") or "main"
    return url.removesuffix("/").removesuffix(".git"), branch


def colab_url(url, branch, path):
    """Where Colab opens the notebook at `path`; "" unless it is public knowledge how: on github.com."""
    if urlsplit(url).netloc != "github.com" or not path.endswith(".ipynb"):
        return ""
    return f"https://colab.research.google.com/github{urlsplit(url).path}/blob/{branch}/{path}"


def edit_url(url, branch, path):
    """Where `path` is edited in the browser; "" when the repository is unknown."""
    infix = "/-/edit/" if "gitlab" in urlsplit(url).netloc else "/edit/"
    return f"{url}{infix}{branch}/{path}" if url else ""


def site_url(environ):
    url = environ.get("BOOK_SITE_URL", "")
    return url and url.rstrip("/") + "/"


def set_year(app, config):
    now = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    config.copyright = f"{now.year} {config.author}"


# ---------------------------------------------------------------- builder


class BookBuilder(StandaloneHTMLBuilder):
    """The HTML builder with the book's first page at the root of the site and the search of book_search."""

    search = False

    def get_target_uri(self, docname, typ=None):
        return "index.html" if docname == self.config.root_doc else super().get_target_uri(docname, typ)

    def get_outfilename(self, pagename):
        return os.path.join(self.outdir, *self.get_target_uri(pagename).split("/"))

    def post_process_images(self, doctree):
        super().post_process_images(doctree)
        for source, name in self.images.items():
            self.images[source] = re.sub(r"\.png$", ".webp", name)

    def copy_image_files(self):
        """Store each figure as lossless WebP: the same pixels in less than half the bytes."""
        folder = Path(self.outdir, self.imagedir)
        folder.mkdir(exist_ok=True)
        for source, name in self.images.items():
            source, target = Path(self.srcdir, source), folder / name
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            if target.suffix != ".webp":
                shutil.copy(source, target)
                continue
            with Image.open(source) as figure:
                figure.convert("RGB").save(target, lossless=True, quality=100)

    def create_pygments_style_file(self):
        pass  # book.css colours the code, for light and dark


def rewrite_all(app, env):
    """Write every page each time: a changed title or a new chapter shows in the contents of all of them."""
    return env.found_docs


# ---------------------------------------------------------------- math, rendered while building


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


# ---------------------------------------------------------------- figures


def visit_image(self, node):
    """An image with its size, so that nothing jumps while it loads, and with alt text or a warning."""
    uri, source = node["uri"], Path(self.builder.srcdir, node["uri"])
    if not node.get("alt", "").strip():
        logger.warning("image without alt text: set mystnb.image.alt in its cell's metadata", location=node)
    attributes = {
        "src": f"{self.builder.imgpath}/{self.builder.images[uri]}" if uri in self.builder.images else uri,
        "alt": node.get("alt", ""),
        "class": " ".join(node["classes"]),
        "decoding": "async",
    }
    if source.is_file():
        width, height = imagesize.get(source)
        if "dpi" in node:
            attributes["style"] = f"--legible: {math.ceil(width / node['dpi'] * 72 * LEGIBLE / node['points'])}px"
        if source.suffix == ".png":  # where 160 dots are an inch, 10 pt print is 16.7 px high at full width
            width, height = round(width * 0.75), round(height * 0.75)
        attributes |= {"width": width, "height": height}
    attributes |= {"fetchpriority": "high"} if node.get("first") else {"loading": "lazy"}
    pairs = " ".join(f'{k}="{html.escape(str(v))}"' for k, v in attributes.items() if v != "" or k == "alt")
    self.body.append(f'<a class="enlarge" href="{attributes["src"]}" title="Enlarge"><img {pairs}></a>')


def depart_image(self, node):
    pass


def drawn(code, functions):
    """How a figure is drawn: {"dpi": dots per inch, "points": size of its smallest text}.

    Sizes count where its code or those of `functions`, {name: its tree}, that it calls give them as numbers or names;
    an exponent counts as the number that it stands on.
    """
    found, called, trees = {"dpi": 160, "points": 10}, set(), [ast.parse(code)]

    def size(value):
        given = NAMED_SIZES.get(value, value)
        if isinstance(given, int | float):
            found["points"] = min(found["points"], given)

    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in functions and node.id not in called:
                called.add(node.id)
                trees.append(functions[node.id])
            elif isinstance(node, ast.Call):
                writes = WRITERS.fullmatch(node.func.attr) if isinstance(node.func, ast.Attribute) else True
                for name, value in ((k.arg, k.value.value) for k in node.keywords if isinstance(k.value, ast.Constant)):
                    if name == "dpi":
                        found["dpi"] = value
                    elif name in ("size", "fontsize", "labelsize") and writes:
                        size(value)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and "size" in str(key.value):
                        size(value.value)
            elif isinstance(node, ast.FunctionDef) and node.args.defaults:
                named = zip(node.args.args[-len(node.args.defaults) :], node.args.defaults)
                for value in (v.value for a, v in named if "size" in a.arg and isinstance(v, ast.Constant)):
                    size(value)
    return found


def defined(codes):
    """{name: its tree} of the functions that the cells with these `codes` define."""
    trees = (node for code in codes for node in ast.walk(ast.parse(code)))
    return {node.name: node for node in trees if isinstance(node, ast.FunctionDef)}


def message(code):
    """The title that the code of a figure gives it, as one line; "" where it gives none, or one to each panel."""
    titles = {"suptitle": [], "set_title": []}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in titles:
            text = node.args[0] if node.args else None
            titles[node.func.attr].append(text.value if isinstance(text, ast.Constant) else "")
    given = titles["suptitle"] or titles["set_title"]
    return " ".join(str(given[0]).split()) if len(given) == 1 else ""


def number_figures(app, doctree):
    """Each picture of a chapter is a figure with a number, an anchor and a caption.

    The caption is the cell's own (mystnb.figure.caption in its metadata), or else the picture's title.
    """
    chapter = re.match(r"notebooks/(\d+)-", app.env.docname)
    if not chapter:
        return
    number = 0
    cells = [cell for cell in doctree.findall(nodes.container) if cell.get("nb_element") == "cell_code"]
    functions = defined(cell.next_node(nodes.literal_block).astext() for cell in cells)
    for cell in cells:
        code = cell.next_node(nodes.literal_block).astext()
        for image in list(cell.findall(nodes.image)):
            number += 1
            image.attributes |= drawn(code, functions)
            figure = image.parent
            while figure is not cell and not isinstance(figure, nodes.figure):
                figure = figure.parent
            if figure is cell:
                figure = nodes.figure("")
                image.replace_self(figure)
                figure += image
            captions = [child for child in figure if isinstance(child, nodes.caption)]
            if not captions:
                captions = [nodes.caption("", message(code))]
                figure += captions[0]
            name = f"Figure {int(chapter[1])}.{number}"
            if captions[0].astext():
                captions[0].insert(0, nodes.Text(" "))
            captions[0].insert(0, nodes.strong("", name.replace(" ", "\xa0") + ("." if captions[0].astext() else "")))
            figure["ids"] = [name.lower().replace(" ", "-").replace(".", "-")]


# ---------------------------------------------------------------- notebook cells


def fold_label(cell):
    """What stands on a folded cell: its own words (mystnb.code_prompt_show in its metadata), or what it does."""
    own = cell["cell_metadata"].get("mystnb", {}).get("code_prompt_show")
    named = (label for tag, label in COLLAPSED.items() for name in cell["classes"] if name.startswith(tag))
    claims = [tag for tag in cell["cell_metadata"].get("tags", []) if tag.startswith("claim-")]
    label = own or next(named, "")
    if not label and claims:
        label = f"Code that tests {' and '.join(claim.replace('-', ' ') for claim in claims)}"
    if not label:
        made = [(nodes.image, "Code that draws this figure"), (nodes.table, "Code that makes this table")]
        label = next((text for kind, text in made if cell.next_node(kind)), "Code")
    return label


def visit_hidden(self, node):
    label = html.escape(fold_label(node.parent))
    self.body.append(f'<details class="hidden-code"><summary>{label}</summary>')


def depart_hidden(self, node):
    self.body.append("</details>")


def has_text_output(output):
    """Whether nbval would compare something of this cell to the letter: any output that is not only a picture."""
    return not all(any(child.findall(nodes.image)) for child in output.children)


def label_cells(app, doctree):
    """Give claims their anchors, and say of each output whether it is exact or trained."""
    docname = app.env.docname
    slugs = app.env.metadata[docname].setdefault("myst_slugs", {})
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        tags = cell["cell_metadata"].get("tags", [])
        claims = [tag for tag in tags if re.fullmatch(r"claim-\d\d", tag)]
        for claim in claims:
            cell["ids"].append(claim)
            slugs[claim] = (cell.line, claim, claim.replace("-", " ").capitalize())
        for output in cell.children:
            if output.get("nb_element") != "cell_code_output":
                continue
            kind = "trained" if "nbval-ignore-output" in tags else "exact" if has_text_output(output) else ""
            title = {
                "trained": "Asserted with a tolerance: the last digits vary from machine to machine",
                "exact": "Compared to the letter on every run of the tests",
            }
            marks = [f'<span class="{kind}" title="{title[kind]}">{kind}</span>'] if kind else []
            marks += [
                f'<a href="#{claim}" title="Link to this claim">{claim.replace("-", " ")}</a>' for claim in claims
            ]
            if marks:
                output.insert(0, nodes.raw("", f'<p class="marks">{" ".join(marks)}</p>', format="html"))


def label_predictions(app, doctree):
    """Mark each *Predict* that is answered below it ("**Answer: …**"), and its answer, for predict.js."""

    def opens_with(node, words):
        first = next((child for child in node.children if child.astext()), None)
        return isinstance(first, nodes.strong) and first.astext().startswith(words)

    asked = None
    for node in doctree.findall(lambda n: isinstance(n, nodes.block_quote | nodes.paragraph | nodes.title)):
        if isinstance(node, nodes.title) or (isinstance(node, nodes.block_quote) and opens_with(node[0], "Predict.")):
            asked = node
        elif opens_with(node, "Answer:") and isinstance(asked, nodes.block_quote) and node.parent is asked.parent:
            asked["classes"].append("predict")
            node["classes"].append("answer")
            asked = None


def fold_further(app, doctree, docname):
    """A section "Further: …" is folded: its title is what unfolds it."""
    for section in doctree.findall(nodes.section):
        if section[0].astext().startswith("Further: "):
            opening = nodes.raw("", '<details class="further"><summary>', format="html")
            section[:] = [
                opening,
                section[0],
                nodes.raw("", "</summary>", format="html"),
                *section[1:],
                nodes.raw("", "</details>", format="html"),
            ]


def hang(found):
    """The code or output in a <pre>, in which each line that may be too long for the screen hangs when it wraps."""
    lines = found[2].split("\n")
    for i, line in enumerate(lines):
        text = html.unescape(re.sub("<[^>]+>", "", line))
        if len(text) > book_numbers.NARROW and line.count("<span") == line.count("</span>"):
            indent = min(len(text) - len(text.lstrip()), 8) + 2
            lines[i] = f'<span class="long" style="--in:{indent}ch">{line}</span>'
    return found[1] + "\n".join(lines) + "</pre>"


# ---------------------------------------------------------------- directives for book/*.md


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


# ---------------------------------------------------------------- pages


@cache
def version(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def source_of(app, docname):
    """The file of a page, as a path in the repository."""
    return Path(app.env.doc2path(docname)).relative_to(app.srcdir).as_posix()


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


def finish(app, exception):
    """Write what is not a page (sitemap, robots.txt), tidy up, make the 404 page work at any depth."""
    if exception or app.builder.name != "html":
        return
    out, config = Path(app.outdir), app.config
    builder = app.builder
    ours = {f"_images/{name}" for name in builder.images.values()} | {"search.html", "404.html"}
    for name in app.env.found_docs:
        ours |= {builder.get_target_uri(name), f"_sources/{source_of(app, name)}"}
    made = [*out.rglob("*.html"), *out.glob("_images/*"), *out.glob("_sources/*/*")]
    left_over = [path for path in made if path.relative_to(out).as_posix() not in ours]
    for path in [
        *left_over,
        *out.glob("sitemap.xml"),
        *out.glob("_static/mystnb.*.css"),
    ]:  # of earlier builds, or unused
        path.unlink()

    # The server shows 404.html at the missing address, so relative links would point anywhere.
    root = urlsplit(config.book_site).path or "/"
    page = (out / "404.html").read_text(encoding="utf-8")
    page = re.sub(r'\b(href|src|action)="(?![a-z]+:|[/#])(?:\./)?', rf'\1="{root}', page)
    (out / "404.html").write_text(page, encoding="utf-8")

    (out / ".nojekyll").touch()  # for hosts that would drop folders whose names start with _
    robots = "User-agent: *\nAllow: /\n"
    if config.book_site:
        pages = [config.book_site + builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        urls = "".join(f"<url><loc>{html.escape(url.removesuffix('index.html'))}</loc></url>\n" for url in pages)
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
            encoding="utf-8",
        )
        robots += f"Sitemap: {config.book_site}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")


def setup(app):
    url, branch = repository(os.environ)
    app.add_config_value("book_repository", url, "html", [str])
    app.add_config_value("book_branch", branch, "html", [str])
    app.add_config_value("book_site", site_url(os.environ), "html", [str])
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it for an extension we do not load
    app.add_html_theme("book", str(BOOK / "_theme"))
    app.add_builder(BookBuilder, override=True)

    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))

    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden, depart_hidden))
    app.add_node(contents)
    app.add_directive("cell-output", CellOutput)
    app.add_directive("chapters", Chapters)
    app.add_directive("facts", Facts)

    app.connect("config-inited", set_year)
    app.connect("doctree-read", label_cells)
    app.connect("doctree-read", number_figures)
    app.connect("doctree-read", label_predictions)
    app.connect("env-updated", rewrite_all)
    app.connect("doctree-resolved", fill_contents)
    app.connect("doctree-resolved", fold_further)
    app.connect("html-page-context", page_context)
    app.connect("html-collect-pages", extra_pages)
    app.connect("build-finished", finish, priority=900)
    env_version = zlib.crc32(Path(__file__).read_bytes())  # pages are read again when this file changes
    return {"parallel_read_safe": True, "parallel_write_safe": False, "env_version": env_version}

"""The book in a second language: the same pages, with their text from locale/LANGUAGE/LC_MESSAGES/PAGE.po.

A message is a paragraph, title, table cell, caption, alt text or folded part's summary of a page as it is read, in its
own Markdown. Numbers that a cell or a directive computes are ⟦1⟧, ⟦2⟧ … in the message and come from the page.
Formulas, code and what has no words of its own are no messages.

When the English pages are written, those that locale/LANGUAGE/published.txt names are written again, below FOLDER:
from the same stored outputs, with every message translated. A message without a translation stays English, marked.
What is on no page of its own, the words of templates, modules and scripts, stands in site.po; the comparisons of the
grids, of which there are more on the ledger with each grid that is run, in effects.po; titles, parts and promises in
contents.po. What is not published in this language is linked where it is, in English.
"""

import html
import json
import pickle
import posixpath
import re
import shutil
import sys
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import book_glossary
import book_numbers
import book_search
import quickjs
from babel.messages import pofile
from book_page import extra_pages
from book_settings import BOOK
from docutils import nodes
from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx import addnodes
from sphinx.transforms import SphinxContentsFilter
from sphinx.util import logging
from sphinx.util.docutils import LoggingReporter, sphinx_domains

logger = logging.getLogger(__name__)

LANGUAGE, FOLDER, TAG, NAME = "zh_CN", "zh", "zh-Hans", "中文"
CONTENTS, SITE, EFFECTS = "contents", "site", "effects"  # catalogues that are of no page
BY_HAND = (SITE, EFFECTS, "explore/words")

ONE = r"[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[−+-]?\d+)?(?:/\d+)?"
# Not what is part of a name (Chapter 3, Claim 09, Figure 2.1), of a word, or of 1 − p.
NAMED = "".join(rf"(?<!{name} )" for name in ("Claim", "Chapter", "Figure", "Table", "Exercise", r"et al\."))
NUMBER = re.compile(rf"(?<![\w⟦.#])(?<![A-Za-z]-){NAMED}(?:\[{ONE}(?:, {ONE})*\]|{ONE})(?![\w.,]*\w|\s?[−-]\s?[pt]\b)")
KEPT = re.compile(r"(\]\([^)]*\)|<[^<>]*>|(?<=\[)\d+\. (?=[A-Z]))")  # where a link leads, tags, a title's number
PLACE = re.compile(r"⟦(\d+)⟧")
SPELLED = re.compile(r'<span lang="zh-Hans">.*?</span>')  # is Chinese already
FORMULA = re.compile(r"(?<![\\$])\$[^$]+\$(?!\$)")
CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
LABEL = re.compile(r"(Figure|Table) \d+\.\d+\.?")
COMPUTED = {"measured", "counts", "needs"}  # what directives make, by its class
TYPED = {"claim", "why", "lesson"}
COUNTED = re.compile(r"About \d+ minutes to read|\[\d+ questions\]|The time to read is")  # in a lesson
SUMMARY = re.compile(r"(?<=<summary>)(?!\s*(?:Solution|Answer)\b)([^<]+)(?=</summary>)")


@dataclass
class Message:
    """One message of a page: where it stands, what it is, and the numbers that its placeholders stand for."""

    node: nodes.Node
    kind: str  # text, alt, caption, prompt, table, summary
    text: str
    numbers: list = field(default_factory=list)


# ---------------------------------------------------------------- messages


def mask(text):
    """(`text` with ⟦1⟧, ⟦2⟧ … for its numbers, those numbers)."""
    found = []

    def put(match):
        found.append(match[0])
        return f"⟦{len(found)}⟧"

    parts = KEPT.split(text)
    parts[::2] = [NUMBER.sub(put, part) for part in parts[::2]]
    return "".join(parts), found


def has_words(text):
    """Whether there is something to translate: a word outside formulas, code, tags, placeholders and addresses."""
    bare = PLACE.sub(" ", KEPT.sub(" ", FORMULA.sub(" ", CODE.sub(" ", SPELLED.sub(" ", text)))))
    return bool(re.search(r"[^\W\d_]*[a-z][^\W\d_]+|[^\W\d_]+[a-z]", bare))


def markdown(node):
    """The inline content of a node that was not made of Markdown, as Markdown."""
    if isinstance(node, nodes.Text):
        return node.astext()
    inner = "".join(map(markdown, node.children))
    if isinstance(node, nodes.raw):
        return node.astext()
    if isinstance(node, nodes.strong | nodes.emphasis | nodes.literal | nodes.math):
        mark = {nodes.strong: "**", nodes.emphasis: "*", nodes.literal: "`", nodes.math: "$"}[type(node)]
        return f"{mark}{inner}{mark}"
    if isinstance(node, addnodes.pending_xref) and node["reftype"] == "myst":
        anchor = f"#{node['reftargetid']}" if isinstance(node.get("reftargetid"), str) else ""
        suffix = ".ipynb" if re.match("(notebooks|assignments)/", node["reftarget"]) else ".md"
        return f"[{inner}](../{node['reftarget']}{suffix}{anchor})"
    if isinstance(node, nodes.reference):
        return f"[{inner}]({node.get('refuri', '#' + node.get('refid', ''))})"
    return inner


def label_of(caption):
    """The children of a caption that say its number: "Figure 2.1." and a space."""
    first = caption.children[0] if caption.children else None
    return caption.children[:2] if isinstance(first, nodes.strong) and LABEL.fullmatch(plain(first)) else []


def plain(node):
    return node.astext().replace("\xa0", " ")


def is_computed(node):
    """Whether a cell or a directive has put the text out, with numbers of its own."""
    if isinstance(node, nodes.caption):
        return False
    text = node.astext()
    while node.parent is not None:
        node = node.parent
        classes = set(node.get("classes", ()))
        if TYPED & classes:
            return bool(COUNTED.match(text))
        if node.get("nb_element") == "cell_code_output" or COMPUTED & classes or "facts" in classes:
            return True
        if isinstance(node, nodes.container) and not classes and "nb_element" not in node and "mime_type" not in node:
            return True  # what a directive of the book has parsed
        if "cell_output" in classes and "nb_element" not in node:
            return True
    return False


def source_of(node):
    """The Markdown of a text element."""
    if isinstance(node, nodes.caption) and label_of(node):
        kept = node.children[len(label_of(node)) :]
        made = "".join(map(markdown, kept))
        return node.rawsource if node.rawsource and not LABEL.match(node.rawsource) else made
    if not node.rawsource or (node.source is None and node.rawsource == node.astext()):
        return "".join(map(markdown, node.children))
    return node.rawsource


def within(node, kinds):
    node = node.parent
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def messages(doctree):
    """The messages of a page, in the order of the page, as it stands when it has been read (event doctree-read)."""
    for node in list(doctree.findall(nodes.Element)):
        if isinstance(node, nodes.image):
            if node.get("alt"):
                yield Message(node, "alt", " ".join(node["alt"].split()))
        elif isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            own = node["cell_metadata"].get("mystnb", {})
            if own.get("code_prompt_show"):
                yield Message(node, "prompt", own["code_prompt_show"])
        elif isinstance(node, nodes.table):
            if node.get("own"):
                yield Message(node, "table", node["about"])
        elif isinstance(node, nodes.raw):
            for found in SUMMARY.findall(node.astext()):
                yield Message(node, "summary", found.strip())
        elif isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Inline | nodes.FixedTextElement):
            if within(node, (addnodes.glossary, nodes.TextElement)) or "said" in node.get("classes", ()):
                continue
            text, numbers = " ".join(source_of(node).split()), []
            if is_computed(node):
                text, numbers = mask(text)
            if has_words(text):
                kind = "caption" if isinstance(node, nodes.caption) else "text"
                yield Message(node, kind, text, numbers)


def page_messages(env, docname, doctree):
    """The texts to translate of a page; its description, which stands in its front matter, comes last."""
    texts = [message.text for message in messages(doctree)]
    described = env.metadata[docname].get("description")
    return list(dict.fromkeys([*texts, *([described] if described else [])]))


def contents_messages(env, read):
    """The texts of the contents: parts, titles and the promises of the first page; read(docname) gives a page."""
    root = read(env.config.root_doc)
    parts = [tree["caption"] for tree in root.findall(addnodes.toctree) if tree.get("caption")]
    titles = [env.titles[name].astext() for name in sorted(env.titles)]
    chapters = [name for name in sorted(env.titles) if name.startswith("notebooks/")]
    return list(dict.fromkeys([*parts, *titles, *(promise(read(name)) for name in chapters)]))


def promise(doctree):
    """The first paragraph of a page, as its message."""
    return next(m.text for m in messages(doctree) if isinstance(m.node, nodes.paragraph))


# ---------------------------------------------------------------- catalogues


def home(root):
    return Path(root, "locale", LANGUAGE)


@cache
def read_catalog(path, changed):
    """{message: translation} of a .po file, without what is fuzzy or empty."""
    with open(path, "rb") as file:
        return {m.id: m.string for m in pofile.read_po(file) if m.id and m.string and not m.fuzzy}


def catalog(root, name):
    """What is translated of a page, or in one of the other catalogues; {} where nothing is."""
    path = home(root) / "LC_MESSAGES" / f"{name}.po"
    return read_catalog(str(path), path.stat().st_mtime_ns) if path.is_file() else {}


def published(root):
    """The pages that are shown in this language."""
    path = home(root) / "published.txt"
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


# ---------------------------------------------------------------- a page in the other language


def parse(env, docname, settings, texts):
    """The inline nodes of each of `texts`, which are one paragraph of Markdown each; a warning where they are not."""
    document = new_document(env.doc2path(docname), settings)
    document.reporter = LoggingReporter(docname)
    env.prepare_settings(docname)
    with sphinx_domains(env):  # A title's "2. " would begin a list.
        MystParser().parse("\n\n".join(re.sub(r"^(\d+)\. ", r"\1\\. ", text) for text in texts), document)
    env.temp_data.clear()
    made = document.children
    if len(made) == len(texts) and all(isinstance(node, nodes.paragraph) for node in made):
        return [paragraph.children for paragraph in made]
    odd = next((i for i, node in enumerate(made) if not isinstance(node, nodes.paragraph)), len(texts) - 1)
    logger.warning("a translation is not one paragraph: %s", texts[min(odd, len(texts) - 1)][:80], location=docname)
    return [[nodes.Text(text)] for text in texts]


HAN = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
TYPED_GAP = re.compile(rf"(?<={HAN}) (?=[A-Za-z0-9−])|(?<=[A-Za-z0-9%]) (?={HAN})")


def close_up(box):
    """Take away the spaces between Chinese and Latin that some type and some do not: book.css sets them."""
    for text in list(box.findall(nodes.Text)):
        made, beside = TYPED_GAP.sub("", text), text.parent.children
        at = beside.index(text)
        before, after = beside[at - 1] if at else None, beside[at + 1] if at + 1 < len(beside) else None
        if isinstance(before, MARKED):
            made = re.sub(rf"^ (?={HAN})", "", made)
        if isinstance(after, MARKED):
            made = re.sub(rf"(?<={HAN}) $", "", made)
        if made != text and not isinstance(text.parent, nodes.literal | nodes.math):
            text.parent.replace(text, nodes.Text(made))


MARKED = (nodes.strong, nodes.emphasis, nodes.literal, nodes.math)


def fill(children, message, docname):
    """Put the numbers of the page in the place of ⟦1⟧, ⟦2⟧ …; each stands there once, or it is a warning."""
    box, seen = nodes.inline("", "", *children), []

    def put(found):
        seen.append(int(found[1]))
        return message.numbers[int(found[1]) - 1] if int(found[1]) <= len(message.numbers) else found[0]

    for text in list(box.findall(nodes.Text)):
        if PLACE.search(text):
            text.parent.replace(text, nodes.Text(PLACE.sub(put, text)))
    if sorted(seen) != list(range(1, len(message.numbers) + 1)):
        logger.warning("placeholders of a translation: %s, not 1 to %s each once: %s", seen, len(message.numbers),
                       message.text[:80], location=docname)  # fmt: skip
    close_up(box)
    book_numbers.keep_together(None, box)
    return box.children


def translate(env, docname, doctree, words):
    """Put the translations of `words`, {message: translation}, into a page; mark what has none."""
    found = list(messages(doctree))
    inline = [m for m in found if m.kind in ("text", "caption") and m.text in words]
    for message, children in zip(inline, parse(env, docname, doctree.settings, [words[m.text] for m in inline])):
        node, kept = message.node, label_of(message.node) if message.kind == "caption" else []
        badge = [n for n in node.children if "verdict" in getattr(n, "attributes", {}).get("classes", ())]  # a ledger's
        children = fill(children, message, docname)
        node.children = []
        node.extend([*kept, *children, *([nodes.Text(" "), *badge] if badge else [])])
    for message in found:
        node, said = message.node, words.get(message.text)
        if message.kind in ("text", "caption") and said is None:
            node["classes"] += ["untranslated", "language-en"]  # docutils makes a lang attribute of the second
        elif said is None:
            continue
        elif message.kind == "alt":
            node["alt"] = said
        elif message.kind == "prompt":
            node["cell_metadata"]["mystnb"]["code_prompt_show"] = said
        elif message.kind == "table":
            node["about"] = said
        elif message.kind == "summary":
            made = SUMMARY.sub(lambda m: words.get(m[1].strip(), m[1]), node.astext())
            node.replace_self(nodes.raw("", made, format="html"))
    for table in doctree.findall(nodes.table):
        if not table.get("own"):
            table["about"] = title_of(table)
    for glossary in doctree.findall(addnodes.glossary):  # has both languages
        for item in glossary[0]:
            for node in (item[0], item[-1]):
                node["classes"].append("language-en")


def title_of(node):
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node.next_node(nodes.title).astext() if node is not None else ""


def entry(title, doctree):
    """A title as it stands in contents."""
    visitor = SphinxContentsFilter(doctree)
    title.walkabout(visitor)
    return visitor.get_entry_text()


class Edition:
    """What a build needs to write the other language: pages as they are read, translated, and their titles."""

    def __init__(self, app):
        self.app, self.env, self.read, self.made = app, app.env, app.env.get_doctree, {}
        self.pages = [name for name in published(app.srcdir) if name in app.env.found_docs]
        self.common = catalog(app.srcdir, CONTENTS)
        self.words = Words(catalog(app.srcdir, SITE) | catalog(app.srcdir, EFFECTS))

    def get_doctree(self, docname):
        """A page, translated where it is published; of the others the title and the promise are."""
        doctree = self.read(docname)
        if docname not in self.made:
            words = self.common
            if docname in self.pages:
                words = words | catalog(self.app.srcdir, docname)
                for section in doctree.findall(nodes.section):
                    section["further"] = section[0].astext().startswith("Further: ")
            else:
                first = {id(node) for kind in (nodes.title, nodes.paragraph) for node in [doctree.next_node(kind)]}
                words = {m.text: words[m.text] for m in messages(doctree) if id(m.node) in first and m.text in words}
            translate(self.env, docname, doctree, words)
            for tree in doctree.findall(addnodes.toctree):
                if tree.get("caption"):
                    tree["caption"] = words.get(tree["caption"], tree["caption"])
            doctree.settings.env = doctree.reporter = None
            self.made[docname] = pickle.dumps(doctree, pickle.HIGHEST_PROTOCOL)
            doctree = self.read(docname)
        reporter, doctree = doctree.reporter, pickle.loads(self.made[docname])
        doctree.settings.env, doctree.reporter = self.env, reporter
        return doctree

    def title(self, docname):
        """Translate a page's title, and its sections in the contents."""
        env = self.env
        if docname not in self.pages and env.titles[docname].astext() not in self.common:
            return
        doctree = self.get_doctree(docname)
        named = {f"#{name}": node[0] for node in doctree.findall(nodes.section) for name in node["ids"]}
        first = next(doctree.findall(nodes.section))[0]
        env.titles[docname] = env.longtitles[docname] = nodes.title("", "", *entry(first, doctree))
        translate_popovers(env, docname, doctree)
        if docname in self.pages:
            env.tocs[docname] = env.tocs[docname].deepcopy()
            for link in env.tocs[docname].findall(nodes.reference):
                if link["refuri"] == docname:
                    title = named.get(link["anchorname"]) if link["anchorname"] else first
                    if title is not None:
                        link.children = []
                        link.extend(entry(title, doctree))


# ---------------------------------------------------------------- popovers


def told(doctree):
    """{anchor: what a translated page tells of a claim}; the verdict stays English, since it is a class, too."""
    found = {}
    for paragraph in doctree.findall(nodes.paragraph):
        parts = [child for child in paragraph.children if isinstance(child, nodes.strong | nodes.emphasis)]
        number = re.fullmatch(r"\D*(\d\d)", parts[0].astext()) if len(parts) > 2 else None
        if number and isinstance(parts[1], nodes.emphasis):
            found[f"claim-{number[1]}"] = {"title": parts[0].astext(), "text": parts[1].astext()}
    return found


def ledger(root):
    """{anchor: what the ledger tells of a claim}, of chapters that are not translated, too."""
    found = {}
    for source, said in catalog(root, "book/claims").items():
        number, row = re.match(r"\[Claim (\d\d)\]\(", source), re.match(r"\[(.+?)\]\(.*?\) ?(.+)", said)
        if number and row:
            found[f"claim-{number[1]}"] = {"title": row[1], "text": re.sub(r"[*`$]", "", row[2])}
    return found


def translate_popovers(env, docname, doctree):
    """Let the boxes of book_popovers, where the book has them, say of a page what it says in this language."""
    module, kept = sys.modules.get("book_popovers"), env.metadata[docname].get("popovers")
    if module and kept:
        found = dict(module.sections(doctree)) | dict(module.figures(doctree))
        found |= {
            anchor: kept[anchor] | about
            for anchor, about in (told(doctree) | ledger(env.srcdir)).items()
            if anchor in kept
        }
        env.metadata[docname] = env.metadata[docname] | {"popovers": kept | found}


def translate_works(app):
    """What an English page says of a work is left out of its box."""
    if module := sys.modules.get("book_popovers"):
        vars(app).pop("book_works", None)
        app.book_works = {address: about | {"text": ""} for address, about in module.works(app).items()}


# ---------------------------------------------------------------- words of templates, modules and scripts

SILENT = re.compile(r"(<(pre|code|script|style|annotation)\b.*?</\2>|<[^>]*>)", re.DOTALL)
SPOKEN = re.compile(r'(?<=\s)(title|aria-label|placeholder|data-search)="([^"]*)"')
NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)*")


class Words:
    """The catalogue of the site: whole texts, in which ⟦1⟧ … are numbers and {} is any text, which stays."""

    def __init__(self, catalog):
        self.exact = {source: said for source, said in catalog.items() if "{}" not in source}
        self.open = [
            (re.compile(re.escape(source).replace(r"\{\}", "(.+?)")), said)
            for source, said in catalog.items()
            if "{}" in source and "${" not in source
        ]

    def get(self, text):
        """The translation of a text, None where there is none."""
        bare = " ".join(text.replace("\xa0", " ").split())
        if bare in self.exact:
            return self.exact[bare]
        numbers = NUMERAL.findall(bare)
        serial = iter(range(1, len(numbers) + 1))
        masked = NUMERAL.sub(lambda m: f"⟦{next(serial)}⟧", bare)

        def put(said):
            return PLACE.sub(lambda m: numbers[int(m[1]) - 1], said)

        if masked in self.exact:
            return put(self.exact[masked])
        for pattern, said in self.open:
            if found := pattern.fullmatch(masked):
                return put(said.format(*(self.exact.get(part, part) for part in found.groups())))
        return None


def localise(page, words):
    """A rendered page with the words of the site in its text and its spoken attributes."""

    def attribute(found):
        said = words.get(html.unescape(found[2]))
        return found[0] if said is None else f'{found[1]}="{html.escape(said)}"'

    pieces = SILENT.split(page)  # text, tag, name of a silent tag, text, …
    for i in range(0, len(pieces), 3):
        if text := pieces[i].strip():
            said = words.get(html.unescape(text))
            if said is not None:
                pieces[i] = pieces[i].replace(text, html.escape(said, quote=False))
    for i in range(1, len(pieces), 3):
        pieces[i] = SPOKEN.sub(attribute, pieces[i]) if not pieces[i + 1] else pieces[i]
    del pieces[2::3]
    return "".join(pieces)


# ---------------------------------------------------------------- scripts

SCRIPTS = ("book.js", "predict.js", "search/*.js", "explore/*.js")
REGEX = r"/(?:[^/\\\n\[]|\\.|\[[^]\n]*\])+/"
LITERAL = re.compile(
    rf"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|`|(?<=[(,=:\[!&|?;{{] ){REGEX}|(?<=[(!]){REGEX}", re.DOTALL
)


def template_end(code, start):
    """Where the template literal that begins at `start` ends: at its closing `."""
    at, depth = start + 1, 0
    while at < len(code):
        if code[at] == "\\":
            at += 1
        elif not depth and code[at] == "`":
            return at
        elif not depth and code.startswith("${", at):
            depth, at = 1, at + 1
        elif depth:
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            if code[at] == "`":
                at = template_end(code, at)
            elif code[at] == '"':
                at += len(re.match(r'"(?:[^"\\]|\\.)*"', code[at:])[0]) - 1
        at += 1
    raise ValueError("a template literal without an end")


def literals(code):
    """(start, end) of the text in each outermost string and template of a script, without its quotes."""
    at = 0
    while found := LITERAL.search(code, at):
        at = found.end()
        if found[0] == "`":
            at = template_end(code, found.start()) + 1
        if code[found.start()] in '"`':
            yield found.start() + 1, at - 1


def script_messages(code):
    """What a living figure may show or say: its literals of several words, or with a large first letter."""
    texts = []
    for start, end in literals(code):
        text, before = code[start:end], code[max(0, start - 14) : start]
        bare = re.sub(r"\$\{[^{}]*\}", "", text)
        other = re.search(
            r"(?:class|className|transform|viewBox): .$|(?:querySelector(?:All)?|matchMedia|matches)\(.$", before
        )
        drawn = re.match(r"M[\d$]|[#.<:(]|--|\./", text)
        if not (other or drawn) and re.search(r"[a-z]{2}\S* |^[A-Z][A-Za-z]|[a-z]{3}: ", bare):
            texts.append(text)
    return list(dict.fromkeys(texts))


def said_in(code, words):
    """A script with the literals that `words` translates."""
    made, last = [], 0
    for start, end in literals(code):
        said = words.get(code[start:end])
        if said is not None:
            made += [code[last:start], said]
            last = end
    return "".join([*made, code[last:]])


# Single words of living figures are names of classes, too: they are translated where they become text.
TEXTS = "const TEXTS = {};\nconst inText = (text) => TEXTS[text] ?? text;\n"
APPEND = "element.append(...children);"


def scripts(root, folder):
    """Write to `folder` the scripts that say something, in the other language: {path in the site: version}."""
    shutil.rmtree(folder, ignore_errors=True)
    static, made_of, site = BOOK / "_static", {}, catalog(root, SITE)
    for path in sorted({path for pattern in SCRIPTS for path in static.glob(pattern)}):
        name, code = path.relative_to(static).as_posix(), path.read_text(encoding="utf-8")
        made = said_in(code, site | catalog(root, f"explore/{path.stem}"))
        # What was read last is kept for each language, since their pages differ.
        made = made.replace("localStorage.place", f"localStorage.place_{FOLDER}")
        if name == "explore/explore.js":
            if (
                made.count(APPEND) != 2
                or (given := "Object.assign(document.createElement(tag), properties)") not in made
            ):
                logger.warning("explore.js makes its elements in another way: see book_translate.py")
            made = made.replace(APPEND, "element.append(...children.map(inText));")
            made = made.replace(
                given, given + ";\n  if (properties.textContent) element.textContent = inText(properties.textContent)"
            )
            single = catalog(root, "explore/words")
            made = TEXTS.replace("{}", json.dumps(single, ensure_ascii=False)) + made
        if made != code or name.startswith(("search/", "explore/")):  # these find what else they need beside them
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(made, encoding="utf-8")
            made_of[f"_static/{name}"] = made
    together = "".join(code for name, code in made_of.items() if "/search/" in name)  # these have one version
    return {
        name: f"?v={zlib.crc32((together if '/search/' in name else code).encode()):08x}"
        for name, code in made_of.items()
    }


# ---------------------------------------------------------------- the pages

LED = re.compile(r'(?<=\s)(href|src|action|data-module|data-d3)="([^"#][^"]*)"')


def relink(page, uri, there):
    """A page of the other language, in which what is not `there`, in its folder, is linked one folder up.

    there: {path: version, where it has one of its own}.
    """

    def lead(found):
        target = found[2]
        if re.match(r"[a-z][a-z0-9+.-]*:|/", target):
            return found[0]
        path = posixpath.normpath(
            posixpath.join(posixpath.dirname(uri), re.split("[#?]", target)[0] or posixpath.basename(uri))
        )
        if path in there:
            return found[0] if not there[path] else f'{found[1]}="{target.split("?")[0]}{there[path]}"'
        rest = target[len(re.split("[#?]", target)[0]) :]
        english = ' hreflang="en"' if found[1] == "href" and path.endswith(".html") else ""
        return f'{found[1]}="{relative(f"{FOLDER}/{uri}", path)}{rest}"{english}'

    return LED.sub(lead, page)


# The section in view; of several the one in the address, or else the last.
SECTION = (
    "this.hash=([...document.querySelectorAll('#menu a.in-view')]"
    ".sort((a,b)=>(a.hash===location.hash)-(b.hash===location.hash)).pop()??location).hash"
)


def switch(href, inside):
    """The link to the page in the other language; with a script it leads to the section that is being read."""
    named = 'hreflang="en" lang="en" aria-label="English"' if inside else f'hreflang="{TAG}" lang="{TAG}"'
    return f'<a class="language" href="{href}" {named} onclick="{SECTION}">{"EN" if inside else NAME}</a>\n  '


def relative(uri, other):
    return posixpath.relpath(other, posixpath.dirname(uri) or ".")


def both(app, pagename, page, inside):
    """Links between the two languages of a page: a switch in its header, alternates in its head."""
    uri = app.builder.get_target_uri(pagename)
    up = f"{FOLDER}/" if inside else ""
    here = {"en": uri, TAG: f"{FOLDER}/{uri}"}
    if site := app.config.book_site:  # an alternate has a whole address
        address = {tag: html.escape(site + there.removesuffix("index.html")) for tag, there in here.items()}
        address["x-default"] = address["en"]
        heads = (f'<link rel="alternate" hreflang="{tag}" href="{to}">\n' for tag, to in address.items())
        page = page.replace("</head>", "".join(heads) + "</head>", 1)
    link = switch(relative(up + uri, here["en" if inside else TAG]), inside)
    before = next(mark for mark in ('<form class="search"', '<button type="button" class="icon theme') if mark in page)
    return page.replace(before, link + before, 1)


BOXED = re.compile(r"<p>(?=[^\n]*[a-z]{3})[^\u4e00-\u9fff\n]*</p>")


def mark_english(page):
    """Lines of popovers without Chinese: a term's definition, a work."""
    head, box, boxes = page.partition('<div class="peek ')
    return head + box + BOXED.sub(lambda m: m[0].replace("<p>", '<p lang="en">', 1), boxes)


def finished(app, pagename, page):
    """A rendered page as it is written, in either language."""
    edition = app.book_edition
    if edition is None:
        return both(app, pagename, page, False) if pagename in app.book_pages else page
    page = relink(localise(page, edition.words), app.builder.get_target_uri(pagename), edition.there)
    page = mark_english(page).replace('<html lang="en">', f'<html lang="{TAG}">', 1)
    page = page.replace("localStorage.place)", f"localStorage.place_{FOLDER})")
    return both(app, pagename, page, True) if pagename in edition.pages else page


def begin(app):
    app.book_edition, app.book_english = None, {}
    app.book_pages = published(app.srcdir)
    if app.builder.name != "html":
        return
    render = app.builder.templates.render
    app.builder.templates.render = lambda name, context: finished(app, context["pagename"], render(name, context))


SHARED = ("social_image", "social_alt", "bibtex")  # what both languages of a page have


def page_context(app, pagename, templatename, context, doctree):
    edition = app.book_edition
    if edition is None:
        app.book_english[pagename] = {name: context.get(name) for name in SHARED}
        return
    context.update(app.book_english[pagename])
    if app.config.book_site:
        uri = app.builder.get_target_uri(pagename).removesuffix("index.html")
        context["canonical"] = f"{app.config.book_site}{FOLDER}/{uri}"


def fold_further(app, doctree, docname):
    """A folded section of a translated page, whose title no longer says so."""
    if app.book_edition is None:
        return
    for section in doctree.findall(nodes.section):
        if section.get("further") and not section[0].astext().startswith("Further: "):
            opening = nodes.raw("", '<details class="further"><summary>', format="html")
            middle, closing = (nodes.raw("", tag, format="html") for tag in ("</summary>", "</details>"))
            section[:] = [opening, section[0], middle, *section[1:], closing]


def write(app, exception):
    """Write the other language, with the state of the build that has just written the English pages."""
    if exception or app.builder.name != "html":
        return
    env, builder, english = app.env, app.builder, Path(app.outdir)
    outdir = english / FOLDER
    shutil.rmtree(outdir, ignore_errors=True)
    edition = Edition(app)
    if not edition.pages:
        return
    edition.there = dict.fromkeys((builder.get_target_uri(name) for name in [*edition.pages, "search"]), "")
    edition.there |= scripts(app.srcdir, outdir / "_static")
    kept = {name: getattr(env, name) for name in ("titles", "longtitles", "tocs", "metadata")}
    for name, value in kept.items():
        setattr(env, name, dict(value))
    try:
        app.book_edition, app.book_search = edition, {}
        app.outdir = builder.outdir = outdir
        env.get_doctree = edition.get_doctree
        link_by(chinese=True)
        for name in sorted(env.found_docs):
            edition.title(name)
        translate_works(app)
        for name in edition.pages:
            described = env.metadata[name].get("description")
            if described:
                env.metadata[name] = env.metadata[name] | {
                    "description": catalog(app.srcdir, name).get(described, described)
                }
        for name in sorted(edition.pages):
            doctree = env.get_and_resolve_doctree(name, builder)
            builder.write_doc_serialized(name, doctree)
            builder.write_doc(name, doctree)
        (page, told, template), *_ = extra_pages(app)
        builder.handle_page(page, {name: edition.words.get(text) or text for name, text in told.items()}, template)
        book_search.write(app, None)
    finally:
        link_by(chinese=False)
        vars(app).pop("book_works", None)
        del env.get_doctree
        for name, value in kept.items():
            setattr(env, name, value)
        app.book_edition = None
        app.outdir = builder.outdir = english
    for name in ("_sources", "_static/cards"):
        shutil.rmtree(outdir / name, ignore_errors=True)
    list_pages(app, edition)


# ---------------------------------------------------------------- the glossary's links, by its Chinese names


def names_of(term):
    return [name for name in re.sub("（.*?）", "", term).split("、") if book_glossary.CHINESE.search(name)]


def entries(env, docname):
    """{Chinese name: (anchor, English name)} of the terms that a page links: see book_glossary.entries()."""
    linked = {anchor for anchor, _ in ENTRIES(env, docname).values()}
    found = {}
    for glossary in env.get_doctree(book_glossary.GLOSSARY).findall(addnodes.glossary):
        for first, *others, _ in (item.children for item in glossary[0]):
            if (anchor := first["ids"][0]) in linked:
                names = [name for term in others for name in names_of(term.astext())]
                found |= dict.fromkeys(names, (anchor, first.astext()))
    return found


def finder(names):
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "$^")


ENTRIES, FINDER, FORM = book_glossary.entries, book_glossary.finder, book_glossary.form_of


def link_by(chinese):
    """Let book_glossary link terms by their Chinese names, or again by the English ones."""
    made = (entries, finder, lambda words, forms: words) if chinese else (ENTRIES, FINDER, FORM)
    book_glossary.entries, book_glossary.finder, book_glossary.form_of = made


def list_pages(app, edition):
    """Put the pages into the sitemap."""
    site = Path(app.outdir, "sitemap.xml")
    if site.is_file():
        urls = [f"{app.config.book_site}{FOLDER}/{app.builder.get_target_uri(name)}" for name in sorted(edition.pages)]
        more = "".join(f"<url><loc>{html.escape(url.removesuffix('index.html'))}</loc></url>\n" for url in urls)
        text = site.read_text(encoding="utf-8").replace("</urlset>", more + "</urlset>")
        site.write_text(text, encoding="utf-8")


def colour_once(app):
    """To colour code takes a third of a build: the same piece, on both pages of a chapter, is coloured once."""
    pygments, made = getattr(app.builder, "highlighter", None), {}
    if pygments is None:
        return
    colour = pygments.highlight_block

    def coloured(source, lang, opts=None, force=False, location=None, **options):
        key = source, lang, repr(opts), force, repr(sorted(options.items()))
        if key not in made:
            made[key] = colour(source, lang, opts, force, location, **options)
        return made[key]

    pygments.highlight_block = coloured


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("builder-inited", colour_once)
    app.connect("html-page-context", page_context, priority=950)
    app.connect("doctree-resolved", fold_further, priority=600)
    app.connect("build-finished", write, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


# ---------------------------------------------------------------- what a translation must keep


def count(pattern, text):
    return sorted(found[0] for found in pattern.finditer(text))


LINK = re.compile(r"\]\(([^)]*)\)")
MARKUP = re.compile(r"</?[a-z][^<>]*>")
ATTRIBUTES = re.compile(r"(?<=[\])])\{[^{}]*\}")
ROLE = re.compile(r"\{(\w+)\}`(?:[^`<]*<([^`>]*)>|([^`]*))`")
SHOWN = re.compile(r"\{\w+\}`([^`<]*?) ?(?:<[^`>]*>)?`")  # of a role, what a reader sees
DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
BLOCK = re.compile(r"\s|[-*+>#|]\s|\d+[.)]\s|```|~~~|:::")
STOPS = re.compile(r"(?<=[\u4e00-\u9fff])[,;:!?](?!\d)|(?<=[\u4e00-\u9fff])\.(?=\s|$)")


def without(text, *patterns):
    for pattern in patterns:
        text = pattern.sub(" ", text)
    return text


def faults(source, translation):
    """What is wrong with the translation of a message, as sentences; [] where nothing is."""
    found = []
    kept = [
        ("placeholders", PLACE), ("formulas", FORMULA), ("tags", MARKUP), ("attributes", ATTRIBUTES),
    ]  # fmt: skip
    for name, pattern in kept:
        here, there = (count(pattern, CODE.sub("", ROLE.sub("", text))) for text in (source, translation))
        if here != there:
            found.append(f"{name}: {here} became {there}")
    roles = [sorted(a or b for _, a, b in ROLE.findall(text)) for text in (source, translation)]
    if roles[0] != roles[1]:
        found.append(f"terms that are linked: {roles[0]} became {roles[1]}")
    codes = [count(CODE, ROLE.sub("", text)) for text in (source, translation)]
    if codes[0] != codes[1]:
        found.append(f"code: {codes[0]} became {codes[1]}")
    links = [sorted(LINK.findall(CODE.sub("", text))) for text in (source, translation)]
    if links[0] != links[1]:
        found.append(f"links: {links[0]} became {links[1]}")
    bare = [without(text, CODE, FORMULA, LINK, MARKUP, PLACE) for text in (source, translation)]
    strange = set(DIGITS.findall(bare[1])) - set(DIGITS.findall(bare[0]))
    spelled = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8"}
    spelled |= {"nine": "9", "ten": "10", "once": "1", "twice": "2", "half": "2", "a": "1"}
    strange -= {value for word, value in spelled.items() if re.search(rf"\b{word}\b", source, re.IGNORECASE)}
    if strange:
        found.append(f"numbers that the message does not have: {sorted(strange)}")
    if not re.match(r"\d+\. ", source) and BLOCK.match(translation) and not BLOCK.match(source):
        found.append("a translation is a paragraph: it begins with what Markdown reads as a list, a heading or code")
    if "\n" in translation:
        found.append("a translation has one line")
    if stops := STOPS.findall(bare[1]):
        found.append(f"punctuation of half width after a Chinese character: {stops}")
    for mark in ("**", "*"):
        if source.count(mark) != translation.count(mark):
            found.append(f"{mark}: {source.count(mark)} became {translation.count(mark)}")
            break
    return found


def missing_terms(source, translation, terms):
    """The terms of `terms`, {English: [Chinese, ...]}, that a message has and its translation has not."""
    source, translation = (SHOWN.sub(r" \1 ", text) for text in (source, translation))
    bare = without(re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", " ", source), CODE, LINK, MARKUP)
    return [
        english
        for english, chinese in terms.items()
        if re.search(rf"(?<![\w-]){re.escape(english)}(?:s|es)?(?![\w-])", bare, re.IGNORECASE)
        and not any(name in translation for name in chinese)
    ]


def script_faults(source, translation):
    """What is wrong with the translation of a script's literal: it must be code, with the same placeholders."""
    names = [sorted(re.findall(r"\$\{([\w.]+)\}", text)) for text in (source, translation)]
    found = [] if {*names[1]} <= {*re.findall(r"[\w.]+", source)} else [f"placeholders: {names[0]} became {names[1]}"]
    if "${" in source and sorted(set(names[0])) and not names[1]:
        found.append("it says nothing of what it is filled with")
    if PLACE.search(source) and count(PLACE, source) != count(PLACE, translation):
        found.append(f"placeholders: {count(PLACE, source)} became {count(PLACE, translation)}")
    if source.count("{}") != translation.count("{}"):
        found.append("{}: one for one")
    if "${" in source or "`" in translation:
        try:
            quickjs.Context().eval(f"(() => `{translation}`); 0")
        except quickjs.JSException as error:
            found.append(f"no template of JavaScript: {error}")
    elif re.search(r'(?<!\\)"', translation):
        found.append('a " would end it')
    return found


def figures_of(root):
    """{page: catalogues of the living figures that it has}."""
    found = {}
    for path in sorted(Path(root, "notebooks").glob("*.ipynb")):
        if names := re.findall(r'"explore-(\w+)"', path.read_text(encoding="utf-8")):
            found[f"notebooks/{path.stem}"] = sorted({f"explore/{name}" for name in names})
    for path in sorted(Path(root, "book").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if names := re.findall(r"\{cell-output\} \S+ explore-(\w+)", text):
            found[f"book/{path.stem}"] = [f"explore/{name}" for name in names]
    return found

"""The book in a second language: the same pages, with their text from locale/LANGUAGE/LC_MESSAGES/PAGE.po.

A message is a paragraph, title, table cell, caption, alt text or folded part's summary of a page as it is read, in its
own Markdown. Numbers that a cell or a directive computes are ⟦1⟧, ⟦2⟧ … in the message and come from the page.
Formulas, code and what has no words of its own are no messages.
"""

import re
from dataclasses import dataclass, field

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import is_translatable

ONE = r"[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[−+-]?\d+)?(?:/\d+)?"
# Not what is part of a name (Chapter 3, Claim 09, Figure 2.1), of a word, or of 1 − p.
NUMBER = re.compile(
    rf"(?<![\w⟦.#])(?<![A-Za-z]-)(?<!et al\. )(?<!Claim )(?<!Chapter )(?<!Figure )(?<!Table )(?<!Exercise )(?:\[{ONE}(?:, {ONE})*\]|{ONE})"
    r"(?![\w.,]*\w|\s?[−-]\s?[pt]\b)"
)
KEPT = re.compile(r"(\]\([^)]*\)|<[^<>]*>|(?<=\[)\d+\. (?=[A-Z]))")  # where a link leads, tags, a title's number
PLACE = re.compile(r"⟦(\d+)⟧")
SPELLED = re.compile(r'<span lang="zh-Hans">.*?</span>')  # is Chinese already
FORMULA = re.compile(r"(?<![\\$])\$[^$]+\$(?!\$)")
CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
NAMED = re.compile(r"(Figure|Table) \d+\.\d+\.?")
COMPUTED = {"measured", "counts", "needs"}  # what directives make, by its class
TYPED = {"claim", "why", "lesson"}
COUNTED = re.compile(r"About \d+ minutes to read|\[\d+ questions\]|The time to read is")  # in a lesson
LANGUAGE = "zh_CN"
CONTENTS, SITE = "contents", "site"  # catalogues that are of no page
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
    return caption.children[:2] if isinstance(first, nodes.strong) and NAMED.fullmatch(plain(first)) else []


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
        return node.rawsource if node.rawsource and not NAMED.match(node.rawsource) else made
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


# ---------------------------------------------------------------- what a translation must keep


def count(pattern, text):
    return sorted(found[0] for found in pattern.finditer(text))


LINK = re.compile(r"\]\(([^)]*)\)")
TAG = re.compile(r"</?[a-z][^<>]*>")
ATTRIBUTES = re.compile(r"(?<=[\])])\{[^{}]*\}")
ROLE = re.compile(r"\{(\w+)\}`(?:[^`<]*<([^`>]*)>|([^`]*))`")
DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")
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
        ("placeholders", PLACE), ("formulas", FORMULA), ("tags", TAG), ("attributes", ATTRIBUTES),
    ]  # fmt: skip
    for name, pattern in kept:
        here, there = count(pattern, source), count(pattern, translation)
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
    bare = [without(text, CODE, FORMULA, LINK, TAG, PLACE) for text in (source, translation)]
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
    bare = without(source, CODE, LINK, TAG)
    return [
        english
        for english, chinese in terms.items()
        if re.search(rf"(?<![\w-]){re.escape(english)}(?:s|es)?(?![\w-])", bare, re.IGNORECASE)
        and not any(name in translation for name in chinese)
    ]

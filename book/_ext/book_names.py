"""Names for those who hear a page: links to headings, disclosures of solutions and answers.

A heading's link stands beside it, not in it; "Solution" says of which exercise, "Answer" of which question.
"""

import html
import re
import zlib
from pathlib import Path

from docutils import nodes

HEADING = re.compile(
    r'<(h[2-6])>((?:(?!</?h\d).)*?)<a class="headerlink" href="#([^"]*)" title="[^"]*">[^<]*</a></\1>', re.DOTALL
)
OTHER = re.compile(r'<a class="headerlink" href="#([^"]*)" title="[^"]*">')
SUMMARY = re.compile(r"<summary>\s*(Solution|Answer)\s*</summary>")


def name_disclosures(app, doctree):
    """<summary>Solution</summary> becomes "Solution to Exercise 3"; an answer of the self-check says its question."""
    exercise = question = ""
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.title | nodes.paragraph | nodes.raw))):
        if isinstance(node, nodes.title):
            found = re.match(r"Exercise \d+", node.astext())
            exercise, question = found[0] if found else "", ""
        elif isinstance(node, nodes.paragraph):
            first = next((child for child in node if child.astext()), None)
            found = isinstance(first, nodes.strong) and re.fullmatch(r"(\d+)\.", first.astext())
            question = found[1] if found else question
        else:
            said = {"Solution": exercise and f" to {exercise}", "Answer": question and f" to question {question}"}
            text = SUMMARY.sub(lambda m: f"<summary>{m[1]}{said[m[1]]}</summary>", node.astext())  # noqa: B023
            if text != node.astext():
                node.replace_self(nodes.raw("", text, format="html"))


def titles(doctree):
    """{anchor: what it leads to} of the sections, terms and figures of a page."""
    found = {}
    for section in doctree.findall(nodes.section):
        found |= dict.fromkeys(section["ids"], section.next_node(nodes.title).astext())
    for term in doctree.findall(nodes.term):
        found |= dict.fromkeys(term["ids"], term.astext())
    for figure in doctree.findall(nodes.figure):
        found |= {name: re.sub(r"figure-(\d+)-", r"Figure \1.", name) for name in figure["ids"]}
    return found


def name_links(app, pagename, templatename, context, doctree):
    """The link to a heading stands behind it, in a box with it, and has a name."""
    if not doctree:
        return
    named = titles(doctree)

    def label(anchor):
        return html.escape(f"Link to: {named.get(anchor, anchor)}")

    def beside(found):
        tag, text, anchor = found.groups()
        link = f'<a class="headerlink" href="#{anchor}" aria-label="{label(anchor)}">#</a>'
        return f'<div class="heading"><{tag}>{text}</{tag}>{link}</div>'

    body = re.sub(r'(<h1>.*?)<a class="headerlink"[^>]*>[^<]*</a></h1>', r"\1</h1>", context["body"], flags=re.DOTALL)
    # What unfolds a section is no place for a link.
    body = re.sub(
        r'(<summary>\s*<h\d>.*?)<a class="headerlink"[^>]*>[^<]*</a>(</h\d>\s*</summary>)',
        r"\1\2",
        body,
        flags=re.DOTALL,
    )
    body = HEADING.sub(beside, body)
    context["body"] = OTHER.sub(lambda m: f'<a class="headerlink" href="#{m[1]}" aria-label="{label(m[1])}">', body)


def setup(app):
    app.connect("doctree-read", name_disclosures)
    app.connect("html-page-context", name_links)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

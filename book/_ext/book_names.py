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
TERM = re.compile(r'<a class="headerlink" href="#([^"]*)" title="Link to this term">')
SUMMARY = re.compile(r"<summary>\s*(Solution|Answer)\s*</summary>")


def name_disclosures(app, doctree):
    """<summary>Solution</summary> becomes "Solution to Exercise 3", and an answer of the self-check says its question."""
    exercise = question = ""
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.title | nodes.paragraph | nodes.raw))):
        if isinstance(node, nodes.title):
            found = re.match(r"Exercise \d+", node.astext())
            exercise, question = found[0] if found else "", ""
        elif isinstance(node, nodes.paragraph):
            found = re.match(r"(\d+)\.(\s|$)", node.astext())
            if found and isinstance(node[0], nodes.strong):
                question = found[1]
        else:
            said = {"Solution": exercise and f" to {exercise}", "Answer": question and f" to question {question}"}
            text = SUMMARY.sub(lambda m: f"<summary>{m[1]}{said[m[1]]}</summary>", node.astext())  # noqa: B023
            if text != node.astext():
                node.replace_self(nodes.raw("", text, format="html"))


def titles(doctree):
    """{anchor: what it leads to} of the sections and terms of a page."""
    found = {}
    for section in doctree.findall(nodes.section):
        found |= dict.fromkeys(section["ids"], section.next_node(nodes.title).astext())
    for term in doctree.findall(nodes.term):
        found |= dict.fromkeys(term["ids"], term.astext())
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
        r'(<summary>\s*<h\d>.*?)<a class="headerlink"[^>]*>[^<]*</a>(</h\d>\s*</summary>)', r"\1\2", body, flags=re.DOTALL
    )
    body = HEADING.sub(beside, body)
    context["body"] = TERM.sub(lambda m: f'<a class="headerlink" href="#{m[1]}" aria-label="{label(m[1])}">', body)


def setup(app):
    app.connect("doctree-read", name_disclosures)
    app.connect("html-page-context", name_links)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

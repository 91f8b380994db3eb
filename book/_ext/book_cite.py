"""How the book and its pages are cited and followed: BibTeX, version and date, what changed, a feed, links to report.

CITATION.cff and CHANGELOG.md say all of it; the feed is made where the site's address is known (see book_settings.py).
"""

import html
import os
import re
import time
import zlib
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml
from markdown_it import MarkdownIt

CHANGES, FEED = "book/changes", "feed.xml"
SECTION = re.compile(r"^## \[?(.+?)\]?(?: [-–—] (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


@cache
def citation(folder, changed):
    return yaml.safe_load(Path(folder, "CITATION.cff").read_text(encoding="utf-8"))


def cited(app):
    """What CITATION.cff says; {} where there is none."""
    path = Path(app.srcdir, "CITATION.cff")
    return citation(str(app.srcdir), path.stat().st_mtime_ns) if path.is_file() else {}


def spelled(day):
    day = day if isinstance(day, date) else date.fromisoformat(day)
    return f"{day.day} {day:%B} {day.year}"


def tex(text):
    return re.sub(r"[&%$#_{}]", lambda m: "\\" + m[0], text)


def names(authors):
    """Authors as BibTeX has them: persons by family name, others whole."""
    return " and ".join(
        f"{a['family-names']}, {a.get('given-names', '')}".rstrip(", ") if "family-names" in a else f"{{{a['name']}}}"
        for a in authors
    )


def bibtex(cff, title="", chapter="", url=""):
    """The entry for a page, or for the book where no title is given."""
    released = str(cff["date-released"])
    key = re.sub(r"\W+", "-", cff["title"].split(":")[0].lower()).strip("-")
    fields = {"author": names(cff["authors"])}
    if title:
        key += f"-{chapter}" if chapter else "-" + re.sub(r"\W+", "-", title.lower()).strip("-")
        fields |= {"title": f"{{{tex(title)}}}", "booktitle": f"{{{tex(cff['title'])}}}", "chapter": chapter}
    else:
        fields |= {"title": f"{{{tex(cff['title'])}}}"}
    fields |= {"year": released[:4], "edition": f"version {cff['version']}", "url": url}
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
    return f"@{'incollection' if title else 'book'}{{{key},\n{''.join(lines)}}}\n"


def report_url(repository, page):
    """Where a fault of a page is reported; "" when the repository is unknown."""
    if "gitlab" in urlsplit(repository).netloc:
        return f"{repository}/-/issues/new?issue[title]={quote(page + ': ')}"
    return f"{repository}/issues/new?title={quote(page + ': ')}" if repository else ""


def entries(text):
    """[(version, day or "", what changed as Markdown), ...] of a changelog, as it has them."""
    heads = [*SECTION.finditer(text)]
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [(head[1], head[2] or "", text[head.end() : end].strip()) for head, end in zip(heads, ends)]


def atom(site, cff, text, today):
    """The changelog as an Atom feed. What has no day yet has that of the build."""
    page, items = f"{site}{CHANGES}.html", []
    changes = [entry for entry in entries(text) if entry[2]]
    for version, day, what in changes:
        anchor = re.sub(r"\W+", "-", f"{version} {day}".strip().lower())
        items.append(
            f'<entry><title>{html.escape(version)}</title><id>{page}#{anchor}</id><link href="{page}"/>'
            f"<updated>{day or today}T00:00:00Z</updated>"
            f'<content type="html">{html.escape(MarkdownIt().render(what))}</content></entry>\n'
        )
    newest = max((day or today for _, day, _ in changes), default=today)
    authors = "".join(
        f"<author><name>{html.escape(a.get('name') or ' '.join([a['given-names'], a['family-names']]))}</name></author>"
        for a in cff["authors"]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>{html.escape(cff['title'].split(':')[0])}: what changed</title><id>{site}</id>{authors}\n"
        f'<link rel="self" href="{site}{FEED}"/><link href="{page}"/><updated>{newest}T00:00:00Z</updated>\n'
        f"{''.join(items)}</feed>\n"
    )


def offer(app, pagename, templatename, context, doctree):
    """For the page's end: how to cite it, its version, and links to what changed, the feed and the issues."""
    cff, config = cited(app), app.config
    page = pagename in app.env.found_docs
    context["report_url"] = report_url(config.book_repository, pagename) if page else ""
    context["changes"] = CHANGES if CHANGES in app.env.found_docs else ""
    context["feed"] = FEED if config.book_site and context["changes"] and cff else ""
    context["version"] = f"Version {cff['version']} of {spelled(cff['date-released'])}" if cff else ""
    context["bibtex"] = ""
    if cff and page:
        title = app.env.titles[pagename].astext() if pagename != config.root_doc else ""
        number = re.match(r"(\d+)\. ", title)
        url = context.get("canonical") or config.book_site
        context["bibtex"] = bibtex(cff, re.sub(r"^\d+\. ", "", title), number[1] if number else "", url)


def write(app, exception):
    if exception or app.builder.name != "html":
        return
    feed, changelog = Path(app.outdir, FEED), Path(app.srcdir, "CHANGELOG.md")
    if not (app.config.book_site and cited(app) and CHANGES in app.env.found_docs):
        feed.unlink(missing_ok=True)  # of a build in the other state
        return
    today = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC).date().isoformat()
    feed.write_text(
        atom(app.config.book_site, cited(app), changelog.read_text(encoding="utf-8"), today), encoding="utf-8"
    )


def setup(app):
    app.connect("html-page-context", offer)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

"""Bring the translations in locale/ up to date with the built book, and say how far each page is.

python tools/translate.py [PAGE ...]     e.g. notebooks/05-mlp or explore/block, to begin one that has no file yet
python tools/translate.py --check [FILE ...]   what is wrong in these .po files, or in all

A message that has been translated elsewhere in the same words is filled in. A page is published once it is complete.
"""

import pickle
import re
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_translate  # noqa: E402
from babel.messages import pofile  # noqa: E402
from book_translate import LANGUAGE  # noqa: E402
from sphinx.builders.gettext import Catalog, GettextRenderer, MsgOrigin  # noqa: E402

READ = ROOT / "_build" / ".doctrees"  # the pages as the last build has read them
NOTE = "# Part of the book; under its licence. Made by `make translate`: translate, and leave the msgid.\n"
HEAD = {"version": "", "project": "Dropout, Executed", "copyright": "", "last_translator": "", "language_team": ""}
HEAD |= {"ctime": "2000-01-01 00:00+0000", "display_location": False, "display_uuid": False}


def files(root=ROOT):
    """{page or other catalogue: its .po file}."""
    folder = book_translate.home(root) / "LC_MESSAGES"
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.po"))}


def read_po(path):
    with open(path, "rb") as file:
        return pofile.read_po(file)


def terms(root=ROOT):
    return tomllib.loads((book_translate.home(root) / "terms.toml").read_text(encoding="utf-8"))


# ---------------------------------------------------------------- messages


def load(name, read):
    with open(read / name, "rb") as file:
        return pickle.load(file)


def extract(pages, read=READ, root=ROOT):
    """{page: its messages} as the build in `read` has read them; of a living figure, those of its script."""
    env, found = load("environment.pickle", read), {}
    for page in pages:
        if page == book_translate.CONTENTS:
            found[page] = book_translate.contents_messages(env, lambda name: load(f"{name}.doctree", read))
        elif page.startswith("explore/"):
            code = (root / "book" / "_static" / f"{page}.js").read_text(encoding="utf-8")
            found[page] = book_translate.script_messages(code)
        else:
            found[page] = book_translate.page_messages(env, page, load(f"{page}.doctree", read))
    return found


def write_templates(found, folder):
    for page, texts in found.items():
        catalog = Catalog()
        for text in texts:
            catalog.add(text, MsgOrigin(page, 1))
        template = folder / f"{page}.pot"
        template.parent.mkdir(parents=True, exist_ok=True)
        written = GettextRenderer(outdir=str(folder)).render("message.pot.jinja", HEAD | {"messages": list(catalog)})
        template.write_text(written, encoding="utf-8")


def tidy(path):
    """Without a comment that nobody fills in, and the marks that Babel sets where it takes a % for a placeholder."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^#, (?:python(?:-brace)?-format(?:, )?)+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#, fuzzy, python.*", "#, fuzzy", text, flags=re.MULTILINE)
    path.write_text(NOTE + text[text.index("msgid ") :], encoding="utf-8")


def memory(catalogs):
    """{message: translation} of all that is translated; of a claim, also what the ledger and the lessons repeat."""
    known = {}
    for messages in catalogs.values():
        for source, said in messages.items():
            known.setdefault(bare(source), said)
            for pattern, chinese in REPEATED:
                here, there = pattern.fullmatch(source), chinese.fullmatch(said)
                if here and there:
                    known |= {bare(part): there[name] for name, part in here.groupdict().items()}
    return known


# "**Claim 09 — holds.** Over ⟦1⟧ masks …" is in the ledger without its head; so are the sentence and the reason of
# "**Claim 09** — *sentence* **Holds.** reason".
REPEATED = [
    (re.compile(r"\*\*Claim \d\d — \w+\.\*\* (?P<rest>.+)"), re.compile(r"\*\*[^*]+\*\* ?(?P<rest>.+)")),
    (
        re.compile(r"\*\*Claim \d\d\*\* — \*(?P<claim>.+?)\*(?: in .*?)? \*\*\w+\.\*\* (?P<why>.+)"),
        re.compile(r"\*\*[^*]+\*\*[^*]*\*(?P<claim>.+?)\*.*?\*\*[^*]+\*\* ?(?P<why>.+)"),
    ),
]


def bare(text):
    """A message without what differs where it is repeated: how a link gets to the notebooks."""
    return text.replace("](../notebooks/", "](")


def remembered(source, known):
    said = known.get(bare(source), "")
    if said and source != bare(source):
        said = re.sub(r"\]\((?=\d\d-)", "](../notebooks/", bare(said))
    elif said:
        said = bare(said)
    return said if said and not book_translate.faults(source, said) else ""


def fill(root=ROOT):
    """Fill in what is translated elsewhere. Return how many messages were."""
    paths = {name: path for name, path in files(root).items() if not name.startswith(("site", "effects", "explore"))}
    known, filled = memory({name: book_translate.catalog(root, name) for name in paths}), 0
    for path in paths.values():
        catalog, before = read_po(path), filled
        for message in catalog:
            if message.id and not message.string and (said := remembered(message.id, known)):
                message.string, filled = said, filled + 1
        if filled > before:
            with open(path, "wb") as file:
                pofile.write_po(file, catalog, width=0)
            tidy(path)
    return filled


# ---------------------------------------------------------------- how far it is


def standing(page, texts, root=ROOT):
    """(messages of a page that are not translated, {message: what is wrong with its translation})."""
    words, pairs = book_translate.catalog(root, page), terms(root)
    wrong = {}
    for text in texts:
        if text in words:
            found = book_translate.script_faults if page.startswith("explore/") else book_translate.faults
            said = found(text, words[text])
            said += [f"no {pairs[term][0]} for {term!r}" for term in missing(text, words[text], pairs)]
            if said:
                wrong[text] = said
    return [text for text in texts if text not in words], wrong


def missing(text, said, pairs):
    return [] if text == said else book_translate.missing_terms(text, said, pairs)


def check(path):
    """Print what is wrong in a .po file, and how far it is. Return whether nothing is wrong."""
    page, catalog = next((n for n, p in files().items() if p == path.resolve()), path.stem), read_po(path)
    messages = [message for message in catalog if message.id]
    by_hand, pairs, wrong = page in book_translate.BY_HAND, terms(), 0
    look = book_translate.script_faults if by_hand or page.startswith("explore/") else book_translate.faults
    for message in messages:
        if not message.string:
            continue
        found = look(message.id, message.string)
        found += [f"no {pairs[t][0]} for {t!r}" for t in missing(message.id, message.string, {} if by_hand else pairs)]
        found += ["it is fuzzy: see whether it still fits, and take the mark away"] if message.fuzzy else []
        wrong += bool(found)
        if found:
            print(f"{message.id[:90]}\n  {message.string[:90]}\n    " + "\n    ".join(found))
    done = sum(bool(message.string) and not message.fuzzy for message in messages)
    print(f"{path}: {done} of {len(messages)} messages, {wrong} with a fault")
    return not wrong


def report(found):
    """Print the share done by page, and publish what has become complete."""
    names = book_translate.published(ROOT)
    whole = {}
    for page, texts in found.items():
        left, wrong = standing(page, texts)
        whole[page] = not left and not wrong
        share = 100 * (len(texts) - len(left)) // max(len(texts), 1)
        facts = [f"{len(left)} to do"] if left else []
        facts += [f"{len(wrong)} with a fault"] if wrong else []
        facts += ["published, shown in part in English"] if page in names and left else []
        print(f"{share:4} %  {page:30} {len(texts):4} messages{''.join(f', {fact}' for fact in facts)}")
    figures = book_translate.figures_of(ROOT)
    ready = [
        page
        for page in found
        if whole[page]
        and not page.startswith("explore/")
        and page != book_translate.CONTENTS
        and all(whole.get(figure) for figure in figures.get(page, ()))
    ]
    if new := [page for page in ready if page not in names]:
        listed = "\n".join(sorted({*names, *new})) + "\n"
        (book_translate.home(ROOT) / "published.txt").write_text(listed, encoding="utf-8")
        print(f"now complete, and published by the next build: {', '.join(new)}")


def main():
    if sys.argv[1:2] == ["--check"]:
        sys.exit(not all([check(Path(name)) for name in sys.argv[2:] or files().values()]))
    from sphinx_intl.basic import update

    if not (READ / "environment.pickle").exists():
        sys.exit("dropout-book: nothing is built here; make book first")
    pages = sorted({*files(), *sys.argv[1:], book_translate.CONTENTS} - {*book_translate.BY_HAND})
    found = extract(pages)
    with tempfile.TemporaryDirectory() as templates:
        write_templates(found, Path(templates))
        update(str(ROOT / "locale"), templates, (LANGUAGE,), line_width=0, ignore_obsolete=True, jobs=1)
    for page in found:
        tidy(files()[page])
    if filled := fill():
        print(f"{filled} messages filled in from other pages")
    report(found)


if __name__ == "__main__":
    main()

"""Bring the translations in locale/ up to date with the built book, and say how far each page is.

python tools/translate.py [PAGE ...]    e.g. notebooks/05-mlp, to begin with a page that has no file yet
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
from sphinx.builders.gettext import Catalog, GettextRenderer, MsgOrigin  # noqa: E402

LOCALE = ROOT / "locale"
READ = ROOT / "_build" / ".doctrees"  # the pages as the last build has read them


def load(name, read=READ):
    with open(read / name, "rb") as file:
        return pickle.load(file)


def extract(pages, folder, read=READ):
    """Write the messages of `pages`, and those of the contents, to `folder` as .pot files."""
    env = load("environment.pickle", read)
    listed = {
        book_translate.CONTENTS: book_translate.contents_messages(env, lambda name: load(f"{name}.doctree", read))
    }
    for page in pages:
        if page.startswith("explore/"):
            code = (ROOT / "book" / "_static" / f"{page}.js").read_text(encoding="utf-8")
            listed[page] = book_translate.script_messages(code)
        else:
            listed[page] = book_translate.page_messages(env, page, load(f"{page}.doctree", read))
    for page, texts in listed.items():
        catalog = Catalog()
        for text in texts:
            catalog.add(text, MsgOrigin(page, 1))
        template = folder / f"{page}.pot"
        template.parent.mkdir(parents=True, exist_ok=True)
        facts = {
            "version": "",
            "project": "Dropout, Executed",
            "copyright": "The authors",
            "ctime": "2000-01-01 00:00+0000",
        }
        facts |= {"last_translator": "", "language_team": "", "display_location": False, "display_uuid": False}
        written = GettextRenderer(outdir=str(folder)).render("message.pot.jinja", facts | {"messages": list(catalog)})
        template.write_text(written, encoding="utf-8")


def read_po(path):
    with open(path, "rb") as file:
        return pofile.read_po(file)


def tidy(path):
    """Without the marks that Babel sets where it takes a per cent sign or a brace for a placeholder."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^#, (?:python(?:-brace)?-format(?:, )?)+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#, fuzzy, python.*", "#, fuzzy", text, flags=re.MULTILINE)
    start = text.index("msgid ")
    text = (
        "# Part of the book; under its licence. Made by `make translate`: translate, and leave the msgid.\n"
        + text[start:]
    )
    path.write_text(text, encoding="utf-8")


def check(path):
    """Print what is wrong in a .po file, and how far it is. Return whether nothing is wrong."""
    terms = tomllib.loads((LOCALE / book_translate.LANGUAGE / "terms.toml").read_text(encoding="utf-8"))
    catalog, done, wrong = read_po(path), 0, 0
    messages = [message for message in catalog if message.id]
    for message in messages:
        if not message.string:
            continue
        done += not message.fuzzy
        found = book_translate.faults(message.id, message.string)
        found += [
            f"no {terms[term][0]} for {term!r}"
            for term in book_translate.missing_terms(message.id, message.string, terms)
        ]
        found += ["it is fuzzy: see whether it still fits, and take the mark away"] if message.fuzzy else []
        wrong += bool(found)
        if found:
            print(f"{message.id[:90]}\n  {message.string[:90]}\n    " + "\n    ".join(found))
    print(f"{path}: {done} of {len(messages)} messages, {wrong} with a fault")
    return not wrong


def main():
    folder = LOCALE / book_translate.LANGUAGE / "LC_MESSAGES"
    if sys.argv[1:2] == ["--check"]:
        sys.exit(not all([check(Path(name)) for name in sys.argv[2:] or sorted(folder.rglob("*.po"))]))
    from sphinx_intl.basic import update

    begun = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.po")]
    pages = sorted({*begun, *sys.argv[1:]} - {book_translate.CONTENTS, *book_translate.BY_HAND})
    with tempfile.TemporaryDirectory() as templates:
        extract(pages, Path(templates))
        update(str(LOCALE), templates, (book_translate.LANGUAGE,), line_width=0, jobs=1)
    for path in folder.rglob("*.po"):
        tidy(path)


if __name__ == "__main__":
    main()

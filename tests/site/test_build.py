"""The build, with small books: what stops it, with which words, and what it makes of the settings."""

import re
import shutil
from pathlib import Path

import build
import built
import nbformat
import pytest
from built import NOTEBOOKS


def test_the_book_is_built():
    """First of all, while other workers run notebooks: `make test` has no build before it."""
    assert (built.site() / "index.html").is_file()


FINE = "# Title\n\nA paragraph.\n\n"
FAULTS = {  # text of a page: (the fault, what the build says of it)
    "math": ("$\\fraq{1}{2}$", "math"),
    "a link to a page that is not there": ("[here](gone.md)", "gone.md"),
    "a link to an anchor that is not there": ("[here](page.md#gone)", "gone"),
    "a figure without alt text": ("![](_static/social.png)", "alt text"),
    "a tag that no cell carries": ("```{cell-output} notebooks/04-why-it-works gone\n```", "0 cells tagged 'gone'"),
    "a directive that is not there": ("```{gone}\n```", "gone"),
    "no chapter": ("```{objectives}\n1. Why?\n9. Why?\n```", "questions for a chapter that is not in the book: 9"),
    "no question": ("```{objectives}\n2. Why?\n```", "no question to discuss for notebooks/01-overfitting"),
    "no number": ("```{objectives}\nWhy?\n```", "a question starts with the number of its chapter"),
    "a term that is not there": ("{term}`gone`", "gone"),
    "a term twice": ("```{glossary}\nmask\n掩码\n  One.\n\nmask\n面具\n  Two.\n```", "mask"),
    "a sound unknown": ("```{glossary}\nentropy\n熵\n  One.\n```", "SOUNDS_LIKE"),
}


def test_what_tools_leave_among_the_sources_makes_no_site_old(tmp_path):
    for name in ("book/a.md", "notebooks/.ruff_cache/0.13/1", "book/_ext/__pycache__/b.pyc", "_toc.yml", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in built.sources(tmp_path)}
    assert found == {"book/a.md", "_toc.yml"}


def read(name):
    return nbformat.read(build.ROOT / name, 4)


def frame(name):
    """What the teaching page needs of a chapter: its title, objectives and exercises, without links."""
    nb, kept = read(name), ("# ", "## In", "### Exercise")
    nb.cells = [cell for cell in nb.cells if cell.cell_type == "markdown" and cell.source.startswith(kept)]
    for cell in nb.cells:
        cell.source = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell.source)
    return nb


@pytest.fixture(scope="module")
def warned(tmp_path_factory):
    """What the build of a book says that has each of the faults on a page of its own: {fault: its lines}."""
    pages = {f"fault-{k}.md": f"# Page {k}\n\nA paragraph.\n\n{text}\n" for k, (text, _) in enumerate(FAULTS.values())}
    pages |= {"index.md": FINE, "page.md": FINE}
    book = built.scratch_book(tmp_path_factory.mktemp("faulty"), pages, {NOTEBOOKS[0]: frame(NOTEBOOKS[0])})
    shutil.copy(build.ROOT / "notebooks" / "04-why-it-works.ipynb", book / "notebooks")
    ok, printed = built.build_with(built.NOWHERE, book)
    assert not ok
    pieces = re.split(r"^(?=\S*[/\\][\w-]+\.(?:md|ipynb):)", printed, flags=re.MULTILINE)
    return {fault: "".join(p for p in pieces if re.match(rf"\S*fault-{k}\.md:", p)) for k, fault in enumerate(FAULTS)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_warning(warned, fault):
    assert re.search("WARNING|ERROR", warned[fault]), fault
    assert FAULTS[fault][1] in warned[fault]


@pytest.mark.slow
def test_one_warning_fails_the_build_each_time(tmp_path):
    text, message = FAULTS["a directive that is not there"]
    book = built.scratch_book(tmp_path, {"index.md": FINE + text, "page.md": FINE})
    for _ in range(2):  # the second build must not pass because it did not read the page again
        ok, printed = built.build_with(built.NOWHERE, book)
        assert not ok and message in printed


def test_the_same_book_without_a_fault_is_built(tmp_path):
    """With a chapter whose claim a page links and quotes, and without one that the contents do not list."""
    document = NOTEBOOKS[1]
    nb = read(document)
    claims = [cell for cell in nb.cells if any(tag.startswith("claim-") for tag in cell.metadata.get("tags", []))]
    claim = next(tag for tag in claims[0].metadata.tags if tag.startswith("claim-"))
    name = document.rpartition(".")[0]
    text = f"# Title\n\n[the claim](../{document}#{claim})\n\n```{{cell-output}} {name} {claim}\n```\n"
    homework = document.replace("notebooks", "assignments")
    nb.cells = [nb.cells[0], claims[0]]
    notebooks = {document: nb, homework: read(homework)}
    book = built.scratch_book(tmp_path, {"index.md": text, "page.md": FINE}, notebooks)
    unlisted = NOTEBOOKS[2]
    shutil.copy(build.ROOT / unlisted, book / unlisted)
    repository = {
        "BOOK_REPOSITORY_URL": "https://github.com/ada/dropout.git",
        "BOOK_REPOSITORY_BRANCH": "next",
        "GITHUB_REPOSITORY": "grace/other",
        "GITHUB_REF_NAME": "main",
    }
    ok, printed = built.build_with(repository, book)
    assert ok, printed
    html = book / "_build" / "html"
    assert [path.stem for path in (html / "notebooks").iterdir()] == [Path(document).stem]
    text = (html / "index.html").read_text(encoding="utf-8")
    assert f'href="{name}.html#{claim}"' in text
    assert f"<strong>Claim {claim[-2:]} — " in text

    # What is said of the repository by our own variables goes before what the workflow says.
    for page, source in {"index": "book/index.md", name: document, "book/page": "book/page.md"}.items():
        text = (html / f"{page}.html").read_text(encoding="utf-8")
        assert f'href="https://github.com/ada/dropout/edit/next/{source}"' in text
        colab = f'href="https://colab.research.google.com/github/ada/dropout/blob/next/{source}"'
        assert (colab in text) == source.endswith(".ipynb")
        assert 'rel="canonical"' not in text
    homework = (html / f"{homework.rpartition('.')[0]}.html").read_text(encoding="utf-8")
    assert 'href="https://github.com/ada/dropout/edit/next/homework/' in homework

"""References: links to works and references.bib agree, and published figures are those on record beside their source.

A check takes what it judges and lists the faults it finds; planted faults show that it finds them.
"""

import ast
import copy
import re
import unicodedata
from functools import cache
from urllib.parse import urlsplit

import pytest
import yaml
from pybtex.database import parse_file

from notebook import NAMES, ROOT, read

NOT_WORKS = {  # hosts of documentation and code: a link there is no citation
    "colab.research.google.com", "distributed.dask.org", "docs.python.org", "docs.pytorch.org", "github.com",
    "jupyterbook.org", "nbgrader.readthedocs.io", "numpy.org",
    "scikit-learn.org", "www.tensorflow.org", "www.unicode.org",
}  # fmt: skip
LINK = re.compile(r"\[([^\[\]]*)\]\((https?://[^)\s]+)\)")
ADDRESS = re.compile(r"https?://[^\s)>\]\"']+")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
SECTION = re.compile(r"(?i)(?:sections?|§+) ?\d[\d.]*(?:(?:,| and|–) ?\d[\d.]*)*")


@pytest.fixture(scope="module")
def works():
    """references.bib: {key: fields of the entry, with the last names of its authors}."""
    entries = parse_file(str(ROOT / "references.bib"), bib_format="bibtex").entries
    return {
        key: {**entry.fields, "author": [" ".join(person.last_names) for person in entry.persons.get("author", [])]}
        for key, entry in entries.items()
    }


@pytest.fixture(scope="module")
def published():
    return yaml.safe_load((ROOT / "book" / "published.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages():
    """{name: its blocks in order} of each chapter and page; a block is a paragraph, a list item, a table or code."""
    found = {}
    for name in NAMES:
        found[name] = []
        for cell in read(name).cells:
            found[name] += [Code(cell.source)] if cell.cell_type == "code" else blocks(cell.source)
    for path in (ROOT / "book").glob("*.md"):
        found[path.stem] = blocks(path.read_text(encoding="utf-8"))
    return found


class Code(str):
    """The source of a code cell."""


def blocks(markdown):
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1", "", markdown, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]+`", "", text)
    return [block.strip() for block in re.split(r"\n\s*\n|\n(?=- )", text) if block.strip()]


def prose(page):
    return [block for block in page if not isinstance(block, Code)]


def addresses(work):
    """The links that stand for a work."""
    known = [("https://doi.org/", "doi"), ("https://arxiv.org/abs/", "eprint"), ("", "url")]
    return [start + work[name] for start, name in known if name in work]


def cited(text, works):
    """The works that `text` links to: [(key, text of the link)]."""
    if "](http" not in text:
        return []
    known = {address: key for key, work in works.items() for address in addresses(work)}
    return [(known[address], label) for label, address in LINK.findall(text) if address in known]


def sources(text, works):
    return {key for key, _ in cited(text, works)}


def plain(text):
    """The letters and digits of `text`, in lower case and without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if c.isalnum())


# ---------------------------------------------------------------- works and links


def entry_faults(works):
    faults = []
    for key, work in works.items():
        if missing := [name for name in ("author", "title", "year") if not work.get(name)]:
            faults.append(f"{key}: no {', '.join(missing)}")
        elif not re.fullmatch(plain(work["author"][0]) + work["year"] + "[a-z]+", key):
            faults.append(f"{key}: a key is made of author, year and a word")
        if not addresses(work):
            faults.append(f"{key}: no doi, eprint or url")
        if "doi" in work and not re.fullmatch(r"10\.\d{4,}/\S+", work["doi"]):
            faults.append(f"{key}: {work['doi']!r} is no DOI")
        if "eprint" in work and not re.fullmatch(r"\d{4}\.\d{4,5}", work["eprint"]):
            faults.append(f"{key}: {work['eprint']!r} is no number of arXiv")
        if ("eprint" in work) != (work.get("archivePrefix") == "arXiv"):
            faults.append(f"{key}: eprint and archivePrefix = {{arXiv}} go together")
    every = [address for work in works.values() for address in addresses(work)]
    return faults + [f"{address} is in more than one entry" for address in {*every} if every.count(address) > 1]


def link_faults(pages, works):
    """Links to works that references.bib lacks, and entries that no page links to."""
    known = {address for work in works.values() for address in addresses(work)}
    faults = [
        f"{name}: {address} is in no entry of references.bib"
        for name, page in pages.items()
        for address in ADDRESS.findall("\n".join(prose(page))) + [a for _, a in LINK.findall("\n".join(page))]
        if address not in known and urlsplit(address).netloc not in NOT_WORKS
    ]
    used = {key for page in pages.values() for key in sources("\n".join(page), works)}
    return faults + [f"references.bib: no page cites {key}" for key in works if key not in used]


def name_faults(pages, works):
    """Citations whose author, year or title are not those of the work they link to."""
    faults = []
    for name, page in pages.items():
        for block in page:
            for key, label in cited(block, works):
                work, year = works[key], re.search(r"\b(?:19|20)\d\d\b", label)
                if year and not (year[0] == work["year"] and plain(label).startswith(plain(work["author"][0]))):
                    faults.append(f"{name}: {label!r} links to {key}")
            title = re.match(r"- \[[^\]]*\]\(\S+\), \*([^*]+)\*", block)
            for key, _ in cited(title[0], works) if title else ():
                if not plain(works[key]["title"]).startswith(plain(title[1])):
                    faults.append(f"{name}: {title[1]!r} is not the title of {key}")
    return faults


# ---------------------------------------------------------------- published figures


def rows_of(table):
    """The rows of a table on record, each with what it shows, its source and its place."""
    common = {name: table.get(name) for name in ("chapter", "source", "place")}
    return [{**common, **(row if isinstance(row, dict) else {"shown": row})} for row in table["rows"]]


def record_faults(published, works):
    """Figures on record without a chapter, a source in references.bib, or a place in it."""
    faults = []
    for item in [row for table in published["tables"] for row in rows_of(table)] + published["sentences"]:
        where = f"published.yml, {item.get('shown') or item.get('says')!r}"
        faults += [] if item["chapter"] in NAMES else [f"{where}: no chapter {item['chapter']}"]
        faults += [] if item.get("source") in works else [f"{where}: {item.get('source')} is not in references.bib"]
        faults += [] if item.get("place") else [f"{where}: no place in the source"]
    return faults


def cells(line):
    """The cells of a line of a Markdown table, without emphasis."""
    return [cell.strip().replace("**", "") for cell in line.strip().strip("|").split("|")]


def table_faults(pages, published, works):
    """Tables of published figures that are not on record, differ from it, or have a row without a link to its source.

    A table is one of published figures if it has decimals and it, or the paragraph before it, cites a work.
    """
    faults, found = [], []
    for name, page in pages.items():
        for before, block in zip(["", *prose(page)], prose(page)):
            if not (block.startswith("|") and sources(before + block, works) and DECIMAL.search(LINK.sub("", block))):
                continue
            head, _, *lines = block.split("\n")
            same = [
                table
                for table in published["tables"]
                if table["chapter"] == name and " | ".join(cells(head)).startswith(table.get("header", "no header"))
            ]
            if not same or len(same[0]["rows"]) != len(lines):
                faults.append(f"{name}: the table {head!r} is not the one on record in published.yml")
                continue
            found += same
            near = sources(before, works)
            for line, row in zip(lines, rows_of(same[0])):
                near = sources(line, works) or near  # "the same" stands for the source of the row above
                shown = " | ".join(cells(line)[: row["shown"].count("|") + 1])
                if shown != row["shown"]:
                    faults.append(f"{name}: {shown!r} is {row['shown']!r} in published.yml")
                if row["source"] not in near:
                    faults.append(f"{name}: no link to {row['source']} beside {shown!r}")
    tables = [table for table in published["tables"] if "constant" not in table and table not in found]
    return faults + [f"{table['chapter']}: shows no table {table['header']!r}" for table in tables]


def constant_faults(pages, published, works):
    """Constants on record that differ or whose section does not link to their source; each PUBLISHED… is on record."""
    faults = []
    recorded = {(table["chapter"], table["constant"]): table for table in published["tables"] if "constant" in table}
    assigns = re.compile("|".join(rf"^{constant}\b" for _, constant in [*recorded, ("", "PUBLISHED")]), re.MULTILINE)
    for name, page in pages.items():
        section = ""
        for block in page:
            section = block if block.startswith("## ") else f"{section}\n{block}"
            if not (isinstance(block, Code) and assigns.search(block)):
                continue
            for node in ast.parse(block).body:
                constant = getattr(node.targets[0], "id", "") if isinstance(node, ast.Assign) else ""
                table = recorded.pop((name, constant), None)
                if table is None:
                    if constant.startswith("PUBLISHED"):
                        faults.append(f"{name}: {constant} is not in published.yml")
                    continue
                shown = [
                    f"{label.value} | {next(ast.get_source_segment(block, n) for n in ast.walk(row) if is_float(n))}"
                    for label, row in zip(node.value.keys, node.value.values)
                ]
                if shown != table["rows"]:
                    faults.append(f"{name}: {constant} is {shown}, in published.yml {table['rows']}")
                if table["source"] not in sources(section, works):
                    faults.append(f"{name}: no link to {table['source']} in the section of {constant}")
    return faults + [f"{chapter}: no constant {constant}" for chapter, constant in recorded]


def is_float(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


@cache
def named(teams):
    """What matches authors of a work as a citation names them: with "et al." or with the second of them."""
    return re.compile("|".join(rf"\b{first}(?: et al\.|(?:,| and) {second}\b)" for first, second in teams))


def sentence_faults(pages, published, works):
    """Figures in sentences that are not on record, differ, or stand in a paragraph without a link to their source."""
    faults = []
    for item in published["sentences"] + published["ours"]:
        place = [block for block in prose(pages[item["chapter"]]) if item["says"] in block]
        faults += [] if place else [f"{item['chapter']}: does not say {item['says']!r}, which is in published.yml"]
        if "source" in item and any(item["source"] not in sources(block, works) for block in place):
            faults.append(f"{item['chapter']}: no link to {item['source']} beside {item['says']!r}")
    teams = named(tuple({tuple(work["author"][:2]) for work in works.values() if len(work["author"]) > 1}))
    for name, page in pages.items():
        known = [item["says"] for item in published["sentences"] + published["ours"] if item["chapter"] == name]
        for block in prose(page):
            if block.startswith("|") or not (sources(block, works) or teams.search(block)):
                continue
            rest = SECTION.sub("", LINK.sub("", block))
            for says in known:
                rest = rest.replace(says, "")
            faults += [f"{name}: {n} in {block[:50]!r} is not in published.yml" for n in DECIMAL.findall(rest)]
    return faults


# ---------------------------------------------------------------- the tests

CHECKS = [entry_faults, link_faults, name_faults, record_faults, table_faults, constant_faults, sentence_faults]


def judge(check, pages, published, works):
    given = {"pages": pages, "published": published, "works": works}
    return check(*(given[name] for name in check.__code__.co_varnames[: check.__code__.co_argcount]))


@pytest.fixture(scope="module")
def found(pages, published, works):
    """What each check finds in the book as it is."""
    return {check: judge(check, pages, published, works) for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS)
def test_references(check, found):
    assert found[check] == []


def replaced(name, old, new):
    """A fault: `old` becomes `new` in the page `name`."""

    def plant(pages, published, works):
        assert any(old in block for block in pages[name]), f"{name} does not say {old!r}"
        pages[name] = [type(block)(block.replace(old, new)) for block in pages[name]]

    return plant


def in_record(kind, k, **changes):
    return lambda pages, published, works: published[kind][k].update(changes)


def in_work(key, **changes):
    return lambda pages, published, works: works[key].update(changes)


def added(name, *blocks):
    """A fault: a page says more."""
    return lambda pages, published, works: pages[name].extend(blocks)


TABLE = "| network | none |\n|---|---|\n| ViT-T | 73.9 |"
LIU = "[Liu et al. 2023](https://arxiv.org/abs/2303.01500)"
WORK = {"author": ["Doe"], "title": "A Work", "year": "2001", "url": "https://example.org/doe"}
PLANTED = {
    "an entry without an address": (entry_faults, lambda g, p, w: w["ba2016layer"].pop("eprint")),
    "an entry without a year": (entry_faults, in_work("ba2016layer", year="")),
    "an entry with the key of another year": (entry_faults, in_work("ba2016layer", year="2017")),
    "no DOI": (entry_faults, in_work("bishop1995training", doi="doi:10.1162/neco")),
    "no number of arXiv": (entry_faults, in_work("ba2016layer", eprint="abs/1607.06450")),
    "an eprint without its archive": (entry_faults, in_work("ba2016layer", archivePrefix="")),
    "an address of two entries": (entry_faults, in_work("ba2016layer", eprint="1512.03385")),
    "an entry removed": (link_faults, lambda g, p, w: w.pop("wan2013regularization")),
    "an entry that nobody cites": (link_faults, lambda g, p, w: w.update(doe2001work=WORK)),
    "a link to an unknown work": (link_faults, replaced("02-mask-math", "2306.10529", "2306.10530")),
    "an address without a text": (link_faults, added("notation", "See <https://arxiv.org/abs/2306.10530>.")),
    "another year in a citation": (name_faults, replaced("02-mask-math", "[Wan et al. 2013]", "[Wan et al. 2014]")),
    "another author in a citation": (name_faults, replaced("02-mask-math", "[Wan et al. 2013]", "[Wu et al. 2013]")),
    "another title": (name_faults, replaced("02-mask-math", "*Training with noise is", "*Training without noise is")),
    "a source that is no entry": (record_faults, in_record("sentences", 0, source="doe2001work")),
    "a figure without a place": (record_faults, in_record("tables", 0, place="")),
    "a chapter that is not there": (record_faults, in_record("tables", 1, chapter="14-more")),
    "a changed number in a table": (table_faults, replaced("10-underfitting", "| 71.3 |", "| 71.8 |")),
    "a changed number of a row with a source": (table_faults, replaced("13-field-guide", "| 14.98 |", "| 14.89 |")),
    "a row without its source": (table_faults, replaced("13-field-guide", "https://arxiv.org/abs/1706.03762", "x")),
    "a row that is not on record": (table_faults, replaced("10-underfitting", "| Swin-F |", "| A | 1.5 |\n| Swin-F |")),
    "a table that is not on record": (table_faults, added("01-overfitting", f"{LIU} find:", TABLE)),
    "a table that is not shown": (table_faults, in_record("tables", 1, header="net | none")),
    "a changed number in a constant": (constant_faults, replaced("05-mlp", "(1.06, (64", "(1.05, (64")),
    "a constant without its source": (constant_faults, in_record("tables", 0, source="wu2018group")),
    "a constant that is not there": (constant_faults, in_record("tables", 0, constant="TABLE")),
    "a constant that is not on record": (constant_faults, replaced("05-mlp", "ROWS = ", "PUBLISHED_1 = ROWS = ")),
    "a changed number in a sentence": (sentence_faults, replaced("06-cnn", "to 3.02 %", "to 3.20 %")),
    "a number that is not on record": (sentence_faults, added("notation", f"{LIU} report 81.7.")),
    "a number without a link": (sentence_faults, added("notation", "Liu, Bauer and Manning report 81.7.")),
    "a decimal of ours that is gone": (sentence_faults, in_record("ours", 0, says="with 0.3")),
    "a sentence without its source": (sentence_faults, in_record("sentences", 0, source="wu2018group")),
    "a sentence that is not there": (sentence_faults, in_record("sentences", 0, says="probability 0.6")),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_fault_is_found(fault, pages, published, works, found):
    check, plant = PLANTED[fault]
    changed = {name: list(page) for name, page in pages.items()}, copy.deepcopy(published), copy.deepcopy(works)
    plant(*changed)
    assert {*judge(check, *changed)} - {*found[check]}

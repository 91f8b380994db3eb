"""What a student's file holds: a notebook, in the shapes that tools, browsers and students give it. Nothing runs here.

Whatever cannot be read is named in one sentence that says what to do.
"""

import contextlib
import io
import itertools
import json
import re
import zipfile
import zlib
from pathlib import PurePosixPath

LARGEST = 20 * 2**20
ENTRIES = 10_000  # of a zip
NO_NOTEBOOK = "the file is no notebook, or only a part of one"
FILES = (".ipynb", ".ipynb.txt", ".ipynb.json", ".zip", ".py")  # which are looked for, in this order
KINDS = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"Rar!": "an archive that is no zip",
    b"7z\xbc\xaf": "an archive that is no zip",
    b"\x1f\x8b": "an archive that is no zip",
    b"{\\rtf": "a text document",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself",
}
SIDES = {"<<<<<<<": (0,), "|||||||": (), "=======": (1,), ">>>>>>>": (0, 1)}  # after such a line of git's
SCRIPT = re.compile(r"\s*# Databricks notebook source|(?:.*\n)*?# (?:%%|In\[)")
CUT = re.compile(r"^# (?:%%|In\[|COMMAND -----).*$", re.M)
DEFINED = re.compile(r"^(?:def|class) (\w+)|^(\w+) *=(?!=)", re.M)
DEFINES = re.compile(r"(async def|def|class|import|from|@|#|\s|[)\]}]|$)")  # a line of a cell that computes nothing
FENCED = re.compile(r"^```.*\n((?:.*\n)*?)```", re.M)


class Fault(ValueError):
    """What is wrong with a master, a private file or a submission, in one sentence."""


def opened(data, name):
    """The notebook in the bytes of a file, as a dict with cells as in format 4. Raises Fault."""
    for _ in range(3):  # a zip in a zip happens
        if data[:4] != b"PK\x03\x04":
            break
        data = unpacked(data, name)
    if len(data) > LARGEST:
        raise Fault(f"the file is larger than {LARGEST >> 20} MB; clear the outputs and hand it in again")
    instead = f"; hand in the notebook itself, {name}.ipynb"
    for mark, kind in KINDS.items():
        if data.startswith(mark):
            raise Fault(f"the file is {kind}{instead}")
    text = decoded(data)
    if not text.strip():
        raise Fault("the file is empty")
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.I):
        raise Fault(f"the file is a web page{instead}")
    if text.startswith("<<<<<<<") or "\n<<<<<<<" in text:
        return _merged(text)
    if SCRIPT.match(text) or (text.lstrip()[:1] not in "{[" and re.search(r"^def \w+\(.*:", text, re.M)):
        return {"cells": [cell for cell in map(_code, _parts(text)) if cell["source"].strip()]}
    return _loaded(text)


def decoded(data):
    """The text of a file: UTF-8, -16 or -32 or, where it is none of them, Latin-1."""
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _loaded(text):
    try:
        book = json.loads(text)
        if "cells" not in book and isinstance(book["worksheets"], list):  # formats 2 and 3
            cells = [cell for sheet in book["worksheets"] for cell in sheet["cells"]]
            book["cells"] = [cell | {"source": cell.get("input", cell.get("source", ""))} for cell in cells]
        if not all(isinstance(cell, dict) for cell in book["cells"]):
            raise ValueError
        for cell in book["cells"]:
            source = cell.get("source", "")
            cell["source"] = source if isinstance(source, str) else "".join(source)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Fault(NO_NOTEBOOK) from None
    return book


def _merged(text):
    """The notebook, where both sides of git's conflicts hold the same code."""
    sides, at, read_ = [[], []], (0, 1), []
    for line in text.splitlines():
        mark = line[:7] if line[7:8] in ("", " ") else ""
        if mark in SIDES:
            at = SIDES[mark]
            continue
        for side in at:
            sides[side].append(line)
    for side in sides:
        with contextlib.suppress(Fault):
            read_.append(_loaded("\n".join(side)))
    if len(read_) < 2 or sources(read_[0]) != sources(read_[1]):
        raise Fault(
            "the file holds a merge conflict of git (lines of <<<<<<< and >>>>>>>); solve it, see that the notebook "
            "opens, and hand it in again"
        )
    return read_[1]


def sources(book):
    return [cell["source"] for cell in book["cells"] if cell.get("cell_type") == "code"]


def _code(source):
    return {"cell_type": "code", "source": source, "metadata": {}}


def _parts(text):
    """The code cells of a script that Databricks, VS Code, Spyder or nbconvert made of a notebook."""
    cuts = [*CUT.finditer(text)]
    yield text[: cuts[0].start() if cuts else None]
    for cut, after in itertools.zip_longest(cuts, cuts[1:]):
        if "[markdown]" not in cut[0]:
            yield text[cut.end() : after and after.start()].strip("\n")


def unpacked(data, name):
    """The bytes of the one file in a zip that is handed in. Nothing is written, and no more read than can be graded."""
    refused = "the zip cannot be opened; zip the notebook again, without a password, or hand in the notebook itself"
    if data.count(b"PK\x01\x02") > ENTRIES:
        raise Fault(f"the zip holds more than {ENTRIES:,} files; hand in the notebook itself, {name}.ipynb")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
            if "word/document.xml" in entries:
                raise Fault(f"the file is a text document; hand in the notebook itself, {name}.ipynb")
            one, _ = chosen(entries, name, "the zip")
            # The other methods are unpacked in one piece, however large it is.
            if entries[one].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Fault(refused)
            with archive.open(entries[one]) as file:
                return file.read(LARGEST + 1)
    except Fault:
        raise
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError):
        raise Fault(refused) from None


def chosen(files, name, where):
    """(the one of these paths that counts, [older versions of it]). Raises Fault where there is none, or no telling.

    The only notebook; of several the one named as the homework is, with the highest number where browsers or students
    have numbered them: NAME.ipynb, NAME (1).ipynb, NAME-2.ipynb, NAME_v3.ipynb.
    """
    plain = [PurePosixPath(file) for file in files]
    plain = [file for file in plain if not any(hidden(part) for part in file.parts)]
    books = []
    for ending in FILES:
        books = books or [str(file) for file in plain if file.name.lower().endswith(ending)]
    if len(books) == 1:
        return books[0], []
    numbered = re.compile(rf"{re.escape(name)}(?:[ _-]*(?:\((\d+)\)|[-_ ]v?(\d+)))?\.ipynb", re.I)
    versions = {}
    for book in books:
        if match := numbered.fullmatch(PurePosixPath(book).name):
            versions.setdefault(int("0" + (match[1] or match[2] or "")), []).append(book)
    last = versions.pop(max(versions)) if versions else []
    if len(last) != 1:
        raise Fault(f"{where} holds {len(books)} notebooks, and one is needed, named {name}.ipynb")
    return last[0], sorted(book for group in versions.values() for book in group)


def hidden(part):
    return (part[0] == "." and part != "..") or part == "__MACOSX"


def needed(sources, homework):
    """Of these cells the given ones, the answers, and what only defines: for a second run where time ran out."""
    given, names = set(homework.given.values()), asked(homework.stubs)
    return [
        source
        for source in sources
        if source in given or names.keys() & set(defined(source)) or all(map(DEFINES.match, source.split("\n")))
    ]


def asked(stubs):
    """The names that the unanswered cells of a homework ask for."""
    return dict.fromkeys(name for stub in stubs if "NotImplementedError" in stub for name in defined(stub))


def defined(source):
    return [function or value for function, value in DEFINED.findall(source)]


def answers(cells, stubs):
    """(the cells, an answer in a Markdown or raw cell made code, [what is to be said about answers])."""
    untouched, said, made = {text.strip() for text in stubs}, [], {}
    own = [cell for cell in cells if cell["source"].strip() not in untouched]
    names = asked(stubs)
    codes = [cell for cell in cells if cell.get("cell_type") == "code"]
    for place, cell in enumerate(codes, 1):
        for name in set(defined(cell["source"])) & names.keys():
            if cell["source"].strip() not in untouched:
                made.setdefault(name, {})[cell["source"].strip()] = place
    result = []
    for cell in cells:
        fenced = "\n".join(FENCED.findall(cell["source"])) or cell["source"]
        new = [name for name in defined(fenced) if name in names and name not in made]
        if cell.get("cell_type") in ("markdown", "raw") and new and any(cell is one for one in own):
            said.append(f"{new[0]} stands in a {'Markdown' if cell['cell_type'] == 'markdown' else 'raw'} cell; "
                        "it was read as code")  # fmt: skip
            cell = cell | {"cell_type": "code", "source": fenced}
            made |= {name: {fenced: 0} for name in new}
        result.append(cell)
    for name, places in made.items():
        if len(places) > 1:
            *first, last = sorted(places.values())
            said.append(f"{name} is defined in code cells {', '.join(map(str, first))} and {last}; the last counts")
    text = "\n".join(cell["source"] for cell in own if cell.get("cell_type") == "code")
    missing = [name for name in names if name not in made and not re.search(rf"\b{name}\b", text)]
    if missing:
        said.append(f"no answer was found for {', '.join(missing) if len(missing) < len(names) else 'any question'}")
    return result, said

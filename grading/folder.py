"""A folder of submissions as teachers get it: from a learning platform, from GitHub Classroom, or made by hand.

Links are not followed, nothing is opened but a roster and Gradescope's list of who handed in, and nothing is written.
"""

import collections
import contextlib
import csv
import dataclasses
import functools
import hashlib
import io
import itertools
import os
import re
import unicodedata
from pathlib import Path

from .reading import FILES, Fault, chosen, hidden

DEEPEST, MOST = 30, 20_000  # folders in folders, and files in all, that are looked through for a notebook
# What a teacher's folder holds beside submissions. A file that a platform names after a student is one, whatever it is.
ASIDE = {
    ".db",
    ".ini",
    ".csv",
    ".tsv",
    ".pdf",
    ".xls",
    ".xlsx",
    ".ods",
    ".yml",
    ".yaml",
    ".html",
    ".htm",
    ".md",
    ".log",
}
PLATFORMS = [
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?",  # Moodle
    r".+_(?P<id>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)",  # Blackboard
    r"(?P<name>[^_]+?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<order>\d+)_(?P<file>.+)",  # Canvas
    r"(?P<name>.+?) - (?:\w+ \w+ )?(?P<file>HOMEWORK.*)",  # Google Classroom
    r"HOMEWORK - (?P<name>.+)\.ipynb",
]
REPOSITORY = r"HOMEWORK-(?P<id>.+)"  # GitHub Classroom: a folder for each
ATTEMPT = re.compile(r"-(\d+)(?=\.\w+$)")
NAMES = {"name", "student", "student name", "full name", "姓名", "学生", "نام", "نام و نام خانوادگی", "nom", "nombre"}
FIRST = {"first name", "given name", "forename", "vorname", "prénom", "名", "نام کوچک"}
LAST = {"last name", "surname", "family name", "nachname", "姓", "نام خانوادگی"}


@dataclasses.dataclass
class Submission:
    student: str
    slug: str  # of the files of its result
    file: str
    path: Path | None
    fault: str = ""
    id: str = ""  # the platform's
    entry: str = ""  # in the folder
    handed_in: str = ""  # as the platform's name of it says: 2026-11-20-14-03-22
    late: bool = False
    known: bool = False  # the name is as a platform makes it
    rank: tuple = ()
    row: int | None = None  # of the roster


@dataclasses.dataclass
class Folder:
    """submissions: one for each student; older: what a later hand-in replaces; aside: names of what is none; absent:
    rows of the roster without a submission."""

    submissions: list
    older: list
    aside: list
    absent: list

    @property
    def entries(self):
        return len(self.submissions) + len(self.older) + len(self.aside)


def found(folder, name):
    """The submissions in a folder, one for each student."""
    return look(folder, name).submissions


def look(folder, name, roster=None):
    """All that is in a folder, as a Folder; students have the names of the roster, where there is one."""
    folder, taken, aside, groups = Path(folder), set(), [], {}
    if not folder.is_dir():
        raise Fault(f"SUBMISSIONS={folder} is no folder")
    entries = sorted((entry for entry in os.scandir(folder) if entry.name[0] != "."), key=lambda entry: entry.name)
    people = _gradescope(folder) if any(entry.name == "submission_metadata.yml" for entry in entries) else {}
    for entry in entries:
        one = _submission(entry, name, people)
        if one is None:
            aside.append(printable(entry.name))
            continue
        one.row = roster.row(one) if roster else None
        # Without a platform's mark and a roster, each entry is a student of its own.
        key = one.row if one.row is not None else (one.id, one.student) if one.known else entry.name
        groups.setdefault(key, []).append(one)
    submissions, older = [], []
    for several in groups.values():
        *before, last = sorted(several, key=lambda one: one.rank)
        older += before
        last.student = roster.names[last.row] if last.row is not None else last.student
        submissions.append(last)
    names = collections.Counter(one.student for one in submissions)
    for one in submissions:
        if names[one.student] > 1 and one.id:  # two of one name, or Moodle's Participant
            one.student = f"{one.student} ({one.id})"
        one.slug = slug(one.student, taken)
        if not one.fault:
            _pick(one, name)
    there = {one.row for one in submissions}
    absent = [row for row in range(len(roster.rows)) if row not in there] if roster else []
    return Folder(submissions, older, aside, absent)


def _submission(entry, name, people):
    """An entry of the folder as a Submission without its slug, or None where it is none."""
    folder = entry.is_dir(follow_symlinks=False)
    patterns = [*PLATFORMS, REPOSITORY] if folder else PLATFORMS
    matches = (re.fullmatch(pattern.replace("HOMEWORK", re.escape(name)), entry.name) for pattern in patterns)
    said = next(filter(None, matches), None)
    about = said.groupdict() if said else {}
    if not said and not folder and Path(entry.name).suffix.lower() in ASIDE:
        return None
    if "when" in about and not about["file"]:
        return None  # Blackboard's note on an attempt
    plain = re.sub(r"\.ipynb$", "", entry.name, flags=re.I)
    student = about.get("name") or about.get("id") or plain
    if entry.name in people:
        student, about["id"], about["when"] = people[entry.name]
    file = (about.get("file") or entry.name).lower()
    kind = len(FILES) if folder else next((len(FILES) - n for n, end in enumerate(FILES) if file.endswith(end)), 0)
    if about.get("kind") == "onlinetext":
        kind = -1
    attempt = ATTEMPT.search(about.get("file") or "")
    number = int(attempt[1][:9]) if attempt else 0
    one = Submission(
        student=printable(student),
        slug="",
        file=printable(entry.name),
        path=Path(entry.path),
        id=printable(about.get("id") or ""),
        entry=printable(entry.name),
        handed_in=about.get("when") or "",
        late=bool(about.get("late")),
        known=bool(said) or entry.name in people,
        # A later hand-in goes before an earlier one, but for a picture or a text beside the notebook.
        rank=(
            min(kind, 1),
            about.get("when") or "",
            number,
            kind,
            int((about.get("order") or "0")[:18]),
            _changed(entry),
        ),
    )
    if entry.is_symlink():
        one.path, one.fault = None, "a link, which is not followed"
    elif not folder and not entry.is_file(follow_symlinks=False):
        one.path, one.fault = None, "no file"
    return one


def _changed(entry):
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _pick(one, name):
    """The notebook in a student's folder: the only one, or the one named as the homework is."""
    if one.path.is_dir():
        try:
            file, _ = chosen(files(one.path), name, "the folder")
            if (one.path / file).is_symlink():
                raise Fault("a link, which is not followed")
            one.file, one.path = printable(f"{one.path.name}/{file}"), one.path / file
        except Fault as fault:
            one.path, one.fault = None, str(fault)


def files(folder):
    """The files below a folder, hidden ones left out, as far down as anybody would put a notebook."""
    found_, todo = [], [("", 0)]
    while todo:
        here, depth = todo.pop()
        with contextlib.suppress(OSError):  # one that may not be read, or whose path is too long
            for entry in os.scandir(folder / here):
                path = f"{here}/{entry.name}" if here else entry.name
                if hidden(entry.name):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    found_.append(path)
                elif depth < DEEPEST:
                    todo.append((path, depth + 1))
                if len(found_) + len(todo) > MOST:
                    raise Fault(f"the folder holds more than {MOST:,} files")
    return sorted(found_)


def _gradescope(folder):
    """{entry: (student, id, time)} of Gradescope's export."""
    import yaml

    try:
        about = yaml.safe_load((folder / "submission_metadata.yml").read_text("utf-8"))
        people = {}
        for entry, said in about.items():
            who = said[":submitters"]
            when = re.sub(r"\D+", "-", str(said.get(":created_at", "")))[:19]
            people[entry] = (" and ".join(one[":name"] for one in who), str(who[0].get(":sid") or ""), when)
        return people
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError, IndexError, RecursionError):
        raise Fault(f"{folder / 'submission_metadata.yml'} is not as Gradescope writes it") from None


def printable(text):
    """A file's name as text that can be shown and stored. The two joiners belong to Persian and Indian names."""
    text = os.fsencode(text).decode("utf-8", "replace")
    shown = (
        c if c in "\u200c\u200d" or unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return "".join(" " if unicodedata.category(c) in ("Zl", "Zp") else c for c in shown)[:120]


def slug(student, taken):
    """A file name from a student's: letters, digits, - and _ only, and never the same twice."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", student)[:60].strip("-") or "student"
    if plain != student:
        plain += "-" + hashlib.sha256(os.fsencode(student)).hexdigest()[:8]
    others = (f"{plain}-{number}" for number in itertools.count(2))
    plain = next(name for name in itertools.chain([plain], others) if name.lower() not in taken)
    taken.add(plain.lower())
    return plain


# ---------------------------------------------------------------- the roster


def decoded(data):
    """The text of a table as Excel and others write it: UTF-8 or -16 with or without its mark, else Windows' Latin."""
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def cells(text):
    """The rows of a table, whatever separates its cells; none where it is no table."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error:
        return []


class Roster:
    """A table of the class, as a platform gives it: columns in any order, names in any script."""

    def __init__(self, path):
        try:
            data = Path(path).read_bytes()
        except OSError:
            raise Fault(f"ROSTER={path} cannot be read") from None
        text = decoded(data)
        self.mark = "\ufeff" if data[:3] == b"\xef\xbb\xbf" else ""
        table = cells(text)
        if len(table) < 2:
            raise Fault(f"ROSTER={path} is no table with a line of titles and a line for each student")
        self.header = table[0]
        width = len(self.header)
        rows = [(row + [""] * width)[:width] for row in table[1:]]
        # Canvas's gradebook has a line of its own for the points.
        self.points = [row for row in rows if row[0].strip() == "Points Possible"]
        self.rows = [row for row in rows if row not in self.points and row[0].strip() != "Student, Test"]
        self.names = [printable(self._name(row)) for row in self.rows]
        self.keys = [_index(self.rows, strict) for strict in (True, False)]

    def column(self, titles):
        return next((n for n, title in enumerate(self.header) if title.strip().casefold() in titles), None)

    def _name(self, row):
        first, last = self.column(FIRST), self.column(LAST)
        one = self.column(NAMES)
        if first is not None and last is not None:
            return f"{row[first].strip()} {row[last].strip()}".strip()
        if one is None:
            one = next((n for n, text in enumerate(row) if re.search(r"[^\W\d_]", text) and "@" not in text), 0)
        return row[one].strip()

    def row(self, one):
        """The number of the row that a submission belongs to, or None: where nobody, or more than one, is called so."""
        parts = one.student.split("-")
        tails = ["-".join(parts[n:]) for n in range(1, len(parts))]  # GitHub: the homework's name comes first
        for text in filter(None, [one.id, one.student, *tails]):
            for strict, keys in zip((True, False), self.keys, strict=True):
                rows = keys.get("".join(_words(text, strict)), set()) if len(text) > 1 else set()
                if len(rows) == 1:
                    return next(iter(rows))
                if rows and text != one.id:
                    return None
        return None


@functools.lru_cache(100_000)
def _words(text, strict):
    """The words of a name, small and composed; where not strict, without accents."""
    text = unicodedata.normalize("NFKC" if strict else "NFKD", text).casefold()
    kept = "LNM" if strict else "LN"
    parts = "".join(c if unicodedata.category(c)[0] in kept else "" if c in "\u200c\u200d'’" else " "
                    for c in text if strict or unicodedata.category(c)[0] != "M")  # fmt: skip
    return tuple(parts.split())


def _index(rows, strict):
    """{name in one word: rows that have it}: each cell, its words in any order that turns round, two cells together."""
    keys = {}
    for number, row in enumerate(rows):
        cells = [cell for cell in row[:12] if cell.strip()]
        texts = (
            cells
            + [cell.partition("@")[0] for cell in cells]
            + [a + " " + b for a, b in itertools.permutations(cells, 2)]
        )
        for words in (_words(text, strict) for text in texts):
            for turn in range(len(words)):
                keys.setdefault("".join(words[turn:] + words[:turn]), set()).add(number)
        for cell in cells:
            for word in _words(cell, strict):
                if len(word) > 2 and any(map(str.isdigit, word)):
                    keys.setdefault(word, set()).add(number)
    return keys

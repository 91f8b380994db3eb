"""What a teacher adds to what the program found: days late, points by hand; and the table that a platform takes in."""

import datetime as dt
import math
import re
from pathlib import Path

from . import report
from .folder import cells, decoded
from .reading import Fault

LATE = re.compile(
    r"\s*(\d+(?:\.\d+)?) *%(?: a day)?(?:, *at most (\d+)(?: days?)?)?"
    r"(?:, *due (\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?)?\s*"
)
TITLES = ("student", "points", "late", "comment")


class Changes:
    """late: "10 % a day, at most 3, due 2026-11-20 23:59"; file: adjust.csv, which nobody but the teacher writes."""

    def __init__(self, late, file, submissions):
        self.share, self.most, self.due = 0.0, math.inf, None
        if late:
            said = LATE.fullmatch(late)
            try:
                self.share = float(said[1]) / 100
                self.most = int(said[2]) if said[2] else math.inf
                self.due = dt.datetime.fromisoformat(f"{said[3]} {said[4] or '23:59'}") if said[3] else None
            except (TypeError, ValueError):
                raise Fault(
                    f'LATE={late} is not as in LATE="10 % a day, at most 3, due 2026-11-20 23:59"; '
                    "what follows a comma may be left out"
                ) from None
        self.by_hand = _by_hand(file, submissions)

    def of(self, one, score):
        """[(points, why), ...] that a score changes by."""
        points, days, comment = self.by_hand.get(one.slug, (0, None, ""))
        changes = []
        if days is None and self.due and one.handed_in:
            days = _days(one.handed_in, self.due)
        if days and self.share:
            lost = score * min(1, self.share * min(days, self.most))
            changes.append((-round(lost, 2), f"{days:g} day{'s' if days != 1 else ''} late"))
        elif days is None and one.late and self.share:
            changes.append((0, "handed in late, as the file's name says; the days belong into adjust.csv"))
        if points or comment:
            changes.append((points, comment or "by hand"))
        return changes


def _days(handed_in, due):
    """Days begun between the due time and a platform's 2026-11-20-14-03-22."""
    try:
        late = dt.datetime(*map(int, handed_in.split("-")[:6])) - due
    except (TypeError, ValueError):
        return None
    return max(0, math.ceil(late.total_seconds() / 86400))


def _by_hand(file, submissions):
    """{slug: (points, days late or None, comment)} of adjust.csv."""
    if not Path(file).exists():
        return {}
    text = decoded(Path(file).read_bytes())
    table = cells(text)
    if text.strip() and not table:
        raise Fault(f"{file} is no table")
    titles = [title.strip().lower() for title in table[0]] if table else []
    if "student" not in titles or set(titles) - {*TITLES}:
        raise Fault(f"{file}: the first line names the columns: student, points, late (days), comment")
    found = {}
    for number, texts in enumerate(table[1:], 2):
        row = dict(zip(titles, texts, strict=False))
        name = row.get("student", "").strip()
        if not name:
            continue
        mine = matching(submissions, name, exactly=True)
        if len(mine) != 1:
            said = f"{len(mine)} are" if mine else "nobody is"
            raise Fault(f"{file}, line {number}: {said} called {name}; write the student as grades.csv does")
        try:
            points = float(row.get("points", "").strip().replace(",", ".") or 0)
            days = float(row["late"].strip().replace(",", ".")) if row.get("late", "").strip() else None
            if not (math.isfinite(points) and (days is None or 0 <= days < 1000)):
                raise ValueError
        except ValueError:
            raise Fault(f"{file}, line {number}: points and days late are numbers") from None
        before = found.get(mine[0].slug, (0, None, ""))
        comment = "; ".join(filter(None, [before[2], row.get("comment", "").strip()]))
        found[mine[0].slug] = (before[0] + points, before[1] if days is None else days, comment)
    return found


def matching(submissions, name, exactly=False):
    """The submissions of a student, by name, file, the platform's number or, if none has it, a part of one."""
    said = name.strip().casefold()
    of = [(one, [text.casefold() for text in (one.student, one.slug, one.id, one.entry)]) for one in submissions]
    same = [one for one, texts in of if said in texts]
    return same if same or exactly else [one for one, texts in of if any(said in text for text in texts)]


def filled(roster, homework, results):
    """The roster as text, with points and comments in the columns where Canvas, Moodle or Gradescope look for them.

    results: {number of the row: result}; who handed in nothing has empty cells.
    """
    header, rows = list(roster.header), [list(row) for row in roster.rows]
    known = {title.strip().casefold(): place for place, title in enumerate(header)}
    most, above = f"{homework.points:g}", []
    if "identifier" in known and "grade" in known:  # Moodle's grading worksheet
        columns = {"Grade": "score", "Feedback comments": "remark"}
    elif {"student", "id", "section"} <= known.keys():  # Canvas's gradebook
        kept = [
            place for title, place in known.items() if title == "student" or title.endswith("id") or title == "section"
        ]
        mine = (t for t in header if t.startswith((homework.name, homework.title)) and t.strip().casefold() in known)
        title = next(mine, homework.name)
        header, rows = [header[n] for n in kept], [[row[n] for n in kept] for row in rows]
        columns = {title: "score"}
        above = [["    Points Possible"] + [""] * (len(kept) - 1) + [most]]
    elif "sid" in known:  # Gradescope's roster
        columns = {"Total Score": "score", "Max Points": "most"}
    else:
        columns = {"Score": "score", "Max Points": "most", "Comments": "remark"}
    for title, what in columns.items():
        place = next((n for n, one in enumerate(header) if one.strip().casefold() == title.casefold()), None)
        if place is None:
            header, place = [*header, title], len(header)
            rows = [[*row, ""] for row in rows]
        for number, result in results.items():
            score = f"{result['score']:g}"
            rows[number][place] = {"score": score, "most": most, "remark": report.remark(result)}[what]
    return roster.mark + report.table(header, above + rows)

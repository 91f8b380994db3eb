"""For the teaching page: objectives, time and prerequisites, read from the chapters."""

import re
import zlib
from pathlib import Path

import nbformat
from book_record import RULE, Record, claims, markdown, minutes
from docutils import nodes


def number(document):
    """5 for notebooks/05-mlp."""
    return int(re.search(r"(\d\d)-[\w-]+$", document)[1])


def frame(nb, name):
    """What a chapter says of itself: a dict with prerequisites, needs, objectives, minutes, seconds and exercises.

    needs: the numbers of the chapters linked in the first sentence of its prerequisites; what follows that sentence
    points elsewhere in the book. exercises: the stars of each.
    ValueError where the chapter does not say.
    """
    text = "\n".join(markdown(nb))
    opening = text.partition("## In this chapter\n")[2].partition("\n## ")[0]
    said = re.search(r"^(?:\*\*)?Prerequisites:(?:\*\*)? (.+)$", opening, re.MULTILINE)
    objectives = re.findall(r"^- (.+)$", opening, re.MULTILINE)
    if not said or not objectives:
        raise ValueError(f"{name}: 'In this chapter' needs a list of objectives and a line of prerequisites")
    first = said[1].split(". ")[0]
    needs = [int(linked) for linked in re.findall(r"\]\((\d\d)-[\w-]+\.ipynb", first)]
    if any(needed >= number(name) for needed in needs):
        raise ValueError(f"{name}: its prerequisites name Chapter {max(needs)}, which does not come before it")
    stars = re.findall(r"^### Exercise \d+ (★+)$", text, re.MULTILINE)
    if not stars or "seconds" not in nb.metadata.get("executed", {}):
        raise ValueError(f"{name}: no exercises, or no stored run")
    return {
        "prerequisites": said[1],
        "needs": sorted(needs),
        "objectives": objectives,
        "minutes": minutes(nb),
        "seconds": nb.metadata.executed.seconds,
        "exercises": stars,
    }


def questions(lines):
    """{chapter: its questions} of lines such as `5. What would you print in place of 0.5?`; ValueError for others."""
    asked = {}
    for line in filter(str.strip, lines):
        found = re.fullmatch(r"(\d+)\. (.+)", line)
        if not found:
            raise ValueError(f"a question starts with the number of its chapter and a dot, not with {line[:40]!r}")
        asked.setdefault(int(found[1]), []).append(found[2])
    return asked


def here(text):
    """Links between notebooks, as a page in book/ has to write them."""
    return re.sub(r"\]\((\d\d-[\w-]+\.ipynb)", r"](../notebooks/\1", text)


class Prerequisites(Record):
    """`{prerequisites}`: a table, for each chapter the chapters it needs and those that need it."""

    def run(self):
        try:
            found = [(document, title, frame(nb, document)["needs"]) for document, title, nb in self.chapters()]
        except ValueError as error:
            raise self.error(str(error)) from error
        lines = ["| Chapter | Needs | Needed by |", "|:--|:--|:--|"]
        for document, title, needs in found:
            opens = [number(other) for other, _, needed in found if number(document) in needed]
            numbers = (", ".join(map(str, row)) or "—" for row in (needs, opens))
            lines.append(f"| [{title}](../{document}.ipynb) | {' | '.join(numbers)} |")
        return [self.parsed("\n".join(lines), "needs")]


def homework(nb):
    """(number of questions, points, minutes) of a homework, as its first cell and its titles say."""
    opening, *others = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    said = [re.search(rf"(\d+) {what}", opening) for what in ("points", "minutes")]
    asked = sum(text.startswith("## ") for text in others)
    if not all(said) or not asked:
        raise ValueError("a homework says its points and minutes in its first cell, and has questions")
    return asked, *(int(found[1]) for found in said)


class Objectives(Record):
    """`{objectives}`: each chapter's time, prerequisites, objectives, misconceptions and questions to discuss.

    The content holds the questions, one to a line behind the number of its chapter. All else is the chapter's own.
    """

    def run(self):
        try:
            asked = questions(self.content)
            sections = [self.chapter(*row, asked.pop(number(row[0]), [])) for row in self.chapters()]
        except ValueError as error:
            raise self.error(str(error)) from error
        if asked:
            raise self.error(f"questions for a chapter that is not in the book: {', '.join(map(str, asked))}")
        return [self.parsed(f"{RULE} Stars tell how hard an exercise is."), *sections]

    def homework(self, document):
        """A sentence that links the chapter's homework, "" where there is none."""
        name = document.replace("notebooks/", "assignments/")
        if name not in self.env.found_docs:
            return ""
        path = self.env.doc2path(name)
        self.env.note_dependency(path)
        asked, points, minutes = homework(nbformat.read(path, 4))
        return f"[{asked} questions](../{name}.ipynb), {points} points, about {minutes} minutes"

    def chapter(self, document, title, nb, asked):
        if not asked:
            raise ValueError(f"no question to discuss for {document}")
        facts, path = frame(nb, document), f"../{document}.ipynb"
        stars = facts["exercises"]
        kinds = ", ".join(f"{stars.count(kind)} {kind}" for kind in sorted({*stars}))
        wrong = [
            f"*{claim['sentence']}* **{claim['verdict'].capitalize()}.** {claim['why']} "
            f"[Claim {claim['number']}]({path}#claim-{claim['number']})"
            for claim in claims(nb, document)
            if claim["verdict"] in ("false", "depends")
        ]
        time = (
            f"About {facts['minutes']} minutes to read, {facts['seconds']} s to run; {len(stars)} exercises ({kinds}). "
            f"[Open Chapter {number(document)}]({path})"
        )
        said = {
            "Time": time,
            "Homework": self.homework(document),
            "Prerequisites": facts["prerequisites"][0].upper() + facts["prerequisites"][1:],
            "Students will be able to": facts["objectives"],
            "Said, and not so, or not always": wrong,
            "To discuss": asked,
        }
        lines = []
        for name, what in said.items():
            if what:
                points = [what] if isinstance(what, str) else [f"- {point}" for point in what]
                lines += [name, ": " + "\n  ".join(map(here, points)), ""]
        box = self.parsed("\n".join(lines), "lesson")
        return nodes.section("", nodes.title("", title), box, ids=[f"chapter-{number(document)}"])


def setup(app):
    app.add_directive("prerequisites", Prerequisites)
    app.add_directive("objectives", Objectives)
    return {"parallel_read_safe": True, "env_version": zlib.crc32(Path(__file__).read_bytes())}

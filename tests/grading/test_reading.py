"""What the grader reads: masters, the constants of a class, and submissions in every state."""

import collections
import contextlib
import json
import math
import os
import re

import nbformat
import pytest
from homeworks import CLASS
from hypothesis import example, given
from hypothesis import strategies as st
from small import (
    MASTER,
    NAME,
    NO_NOTEBOOK,
    SENTENCE,
    SMALL,
    VALUES,
    check,
    code,
    data,
    handed_in,
    label_of,
    master_cells,
    notebook,
    ran,
    solution,
    sources,
    stripped,
    without,
    written,
)

from grading import grade as gr
from grading import homework as hw
from grading import judge, sandbox

# ---------------------------------------------------------------- masters


def changed(**cells):
    """The small master with other cells; None leaves one out."""
    made = SMALL | {name.replace("_", "-"): text for name, text in cells.items()}
    return {name: text for name, text in made.items() if text is not None}


def with_probe(text):
    return changed(q2_check=check("pass", text))


GOOD = 'probe("a", summed(DATA), points=3, hint="b")'
FAULTY = {
    "hidden tests that are no Python": (with_probe("probe(" + GOOD), "no Python"),
    "no hidden tests": (changed(q2_check="assert summed([2]) == 4"), "q2-check.*hidden tests"),
    "hidden tests without an end": (changed(q2_check="### BEGIN HIDDEN TESTS\n" + GOOD), "hidden tests"),
    "no probe in hidden tests": (with_probe("x = 1"), "q2-check.*no probe"),
    "a probe without points": (with_probe('probe("a", 2, hint="b")'), "q2-check.*a probe is"),
    "a probe without a hint": (with_probe('probe("a", 2, points=1)'), "a probe is"),
    "a hint that is no text": (with_probe('probe("a", 2, points=1, hint=3)'), "a probe is"),
    "a probe of no points": (with_probe('probe("a", 2, points=0, hint="b")'), "a probe is"),
    "points that are no number": (with_probe('probe("a", 2, points="1", hint="b")'), "a probe is"),
    "points that are computed": (with_probe('probe("a", 2, points=N, hint="b")'), "a probe is"),
    "a computed name": (with_probe('probe(f"{N}", 2, points=1, hint="b")'), "a probe is"),
    "a probe of two values": (with_probe('probe("a", 2, 3, points=1, hint="b")'), "a probe is"),
    "a misspelt tolerance": (with_probe('probe("a", 2, points=1, hint="b", tolerence=1)'), "a probe is"),
    "a tolerance that is no number": (with_probe('probe("a", 2, points=1, hint="b", tolerance="1")'), "a probe is"),
    "a negative tolerance": (with_probe('probe("a", 2, points=1, hint="b", tolerance=-1)'), "a probe is"),
    "unpacked words": (with_probe('probe("a", 2, **{"points": 1, "hint": "b"})'), "a probe is"),
    "a check without its question": (changed(q2_question=None), "q2"),
    "a question without a check": (changed(q2_check=None), "q2"),
    "a question without a title": (changed(q2_question="The sum of squares."), "q2"),
    "no title": (changed(intro_text="Ten points."), "title"),
    "a solution without an end": (changed(q2_solve="def summed(x):\n    ### BEGIN SOLUTION\n    return 1"), "SOLUTION"),
    "nothing to draw from": (changed(constants_given="N = 7  # drawn from 9..2"), "N"),
    "an empty choice": (changed(constants_given="N = 7  # drawn from 9, "), "N"),
    "a choice that is no Python": (changed(constants_given="N = 7  # drawn from 9, 1 0"), "N"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_faulty_master_is_named_in_one_sentence(tmp_path, case):
    cells, pattern = FAULTY[case]
    path = written(tmp_path, cells)
    with pytest.raises(hw.Fault, match=rf"^(?=.*({pattern})){SENTENCE}$") as caught:
        hw.read(path, CLASS)
    assert "01-small" in str(caught.value) or str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [1]}', "not JSON", '{"cells": [{}]}', '{"cells": []}']
)
def test_a_file_that_is_no_master(tmp_path, text):
    (tmp_path / "01-small.ipynb").write_text(text)
    with pytest.raises(hw.Fault, match=rf"^{SENTENCE}$"):
        hw.read(tmp_path / "01-small.ipynb")


@pytest.mark.parametrize("label", ["", "given", 3])
def test_a_cell_without_a_label(tmp_path, label):
    book = notebook(*SMALL.items())
    book.cells[1].metadata = {"nbgrader": {"grade_id": label}} if label else {}
    nbformat.write(book, tmp_path / "01-small.ipynb")
    if label == "given":
        assert hw.read(tmp_path / "01-small.ipynb")[0].given["given"] == "import math"
    else:
        with pytest.raises(hw.Fault, match=rf"^{SENTENCE}$"):
            hw.read(tmp_path / "01-small.ipynb")


def test_a_master_that_fails_its_own_probes_grades_nobody(tmp_path, sandbox_here):
    cells = changed(q2_solve=solution("def summed(x):", "return x.total"))
    homework, text = hw.read(written(tmp_path, cells))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ipynb").write_text(text)
    with pytest.raises(hw.Fault, match=r"^the master's own solution fails: q2, of the data: raised AttributeError$"):
        gr.grade(homework, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_read_of_a_master(small):
    homework, text = small
    assert (
        homework.title == "Homework: Small" and homework.points == 10 and list(homework.questions) == ["q1", "q2", "q3"]
    )
    assert [probe.points for probe in homework.probes] == [3, 1, 3, 2, 1]
    assert list(homework.given) == ["imports-given", "constants-given", "data-given"]
    assert homework.probes[1].expression.startswith("([") and homework.blocks[0][0].endswith("row = [1.5, -2.25, 4.0]")
    made = nbformat.reads(text, as_version=4)
    nbformat.validate(made)
    labels = [cell.metadata.nbgrader.grade_id for cell in made.cells]
    assert labels == [label for label in SMALL if label != "notes-teacher"]
    assert all(raises_not_implemented(cell.source) for cell in made.cells if cell.metadata.nbgrader.solution)
    assert hw.Homework.load(homework.dump()) == homework


def raises_not_implemented(source):
    return "raise NotImplementedError()" in source and "return" not in source


@pytest.mark.parametrize("chapter", ["03", "3", NAME])
def test_a_chapter_has_three_names(chapter):
    assert hw.chapter_file(MASTER.parent, chapter) == MASTER


@pytest.mark.parametrize("chapter", ["", "99", "3.0", "03-inverted", "../03", "²", "-3", "x"])
def test_a_chapter_that_is_not_there(chapter):
    with pytest.raises(hw.Fault, match=rf"^there is no homework for CHAPTER={re.escape(chapter)}; there is .*03.*$"):
        hw.chapter_file(MASTER.parent, chapter)


def test_a_folder_without_chapters(tmp_path):
    with pytest.raises(hw.Fault, match=r"^there is no homework for CHAPTER=3; there is one for: none$"):
        hw.chapter_file(tmp_path, "3")


# ---------------------------------------------------------------- classes

KEYS = st.binary(min_size=1, max_size=40)
NAMES = st.text("abcXYZ0129_-", min_size=1, max_size=12)


@given(KEYS, NAMES, NAMES, st.lists(st.integers(-9, 9) | st.floats(0, 1), min_size=1, max_size=6))
def test_a_drawn_value_is_one_of_the_choices(key, class_, name, choices):
    value = hw.draw(key, class_, "03-x", name, ", ".join(map(str, choices)))
    assert value in map(str, choices)
    assert value == hw.draw(key, class_, "03-x", name, ", ".join(map(str, choices)))


@given(KEYS, NAMES, st.integers(-99, 99), st.integers(0, 99))
def test_a_drawn_whole_number_is_in_its_span(key, class_, low, more):
    assert low <= int(hw.draw(key, class_, "03-x", "N", f"{low}..{low + more}")) <= low + more


def test_classes_keys_chapters_and_names_draw_apart():
    one = ("2027a", "03-x", "SEED")
    others = [("2027b", "03-x", "SEED"), ("2027a", "05-x", "SEED"), ("2027a", "03-x", "SEED_2")]
    drawn = [hw.draw(b"key", *these, "0..999999") for these in [one, *others]] + [hw.draw(b"yek", *one, "0..999999")]
    assert len(set(drawn)) == 5
    counts = collections.Counter(hw.draw(b"key", str(number), "03-x", "P", "1..5") for number in range(2000))
    assert sorted(counts) == list("12345") and min(counts.values()) > 320  # 4 standard deviations below 400


def test_a_class_changes_the_constants_alike_for_students_and_grader(small, tmp_path):
    path = written(tmp_path, SMALL)
    for class_ in ("2027a", "2027b"):
        homework, text = hw.read(path, class_)
        scope = ran(
            ["".join(cell["source"]) for cell in json.loads(text)["cells"] if label_of(cell) == "constants-given"]
        )
        assert scope["P"] in (0.15, 0.2, 0.35, 0.4) and 11 <= scope["N"] <= 90
        assert homework.given["constants-given"] in homework.solution
        assert f"N = {scope['N']} " in homework.given["constants-given"]
        assert json.loads(text)["metadata"]["book"] == {"homework": "01-small", "class": class_}
        assert homework.class_ == class_ and homework.points == 10
    assert hw.read(path) == small  # and the public version stays as the master is


def test_the_key_is_made_once_and_kept_from_others(tmp_path):
    path, private = written(tmp_path, SMALL), tmp_path / "private"
    private.mkdir()
    first = hw.read(path, CLASS, private, make=True)
    key = (private / "key").read_bytes()
    assert len(key.strip()) == 64 and (private / "key").stat().st_mode & 0o777 == 0o600
    assert hw.read(path, CLASS, private) == first and (private / "key").read_bytes() == key
    assert key.strip().decode() not in first[1] + first[0].dump()
    (private / "key").write_text("another\n")
    assert hw.read(path, CLASS, private) != first
    with pytest.raises(hw.Fault, match=rf"^HOMEWORK_PRIVATE=\S+ {SENTENCE}$"):
        hw.read(path, CLASS, tmp_path / "nowhere")


EXTRA = """# A teacher's own probes.
# %% q1
long = [2.5] * 40_000
probe("a very long row", sum(scaled(long, P)) * N,
    points=3, tolerance=0.001, hint="And if there are many?")
# %% q3 and one more
probe("of a large number", [named(987_654 + N)[name] for name in ("cube", "square")], points=2, hint="Any size?")
"""


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private")
    (folder / "key").write_text("a key for the tests\n")
    (folder / "01-small.py").write_text(EXTRA)
    return folder


def test_private_probes_add_points_and_say_so(small, private, tmp_path):
    homework, text = hw.read(written(tmp_path, SMALL), CLASS, private)
    assert homework.points == small[0].points + 5
    assert [(probe.question, probe.points) for probe in homework.probes[5:]] == [("q1", 3), ("q3", 2)]
    assert list(homework.questions.values()) == [
        "1 · Scaled (7 points)",
        "2 · Summed (3 points)",
        "3 · Named (5 points)",
    ]
    sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    assert sources[0] == "# Homework: Small\n\n30 minutes, 15 points."
    assert all(any(f"## {title}\n" in source for source in sources) for title in homework.questions.values())
    about = [cell["metadata"]["nbgrader"] for cell in json.loads(text)["cells"]]
    points = {info["grade_id"]: info["points"] for info in about if info["grade"]}
    assert points == {"q1-check": 7, "q2-check": 3, "q3-check": 5}
    for secret in ("very long", "40_000", "large number", "987_654", "And if there", "Any size"):
        assert secret not in text


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("# %% q9\n" + GOOD, "q9.*no such question.*q1, q2"),
        ("# %% q1\nprobe(", "q1.*no Python"),
        ("# %% q1\nx = 2\n", "q1.*no probe"),
        (GOOD, "%% q1|before"),  # probes that belong to no question
    ],
)
def test_faulty_private_probes(tmp_path, text, pattern):
    path = written(tmp_path, SMALL)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "01-small.py").write_text(text)
    with pytest.raises(hw.Fault, match=rf"^(?=.*01-small\.py)(?=.*({pattern})){SENTENCE}$"):
        hw.read(path, "", tmp_path / "private")


LITERAL = """
_{name} = iter({said})
def {name}(*_, **__):
    value = next(_{name})
    if isinstance(value, type):
        raise value()
    return value
"""


def spelt(value):
    """A value as Python source."""
    if hasattr(value, "tolist"):
        return f"np.array({value.tolist()})" if getattr(value, "shape", ()) else repr(value.item())
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {spelt(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(spelt, value))}]"
    return repr(value)


def by_heart(homework):
    """{grade_id: source}: answers that repeat what the solution gives to this homework's probes, in their order.

    Functions that give much are left as they are.
    """
    scope, said, depth = ran(homework.solution), {}, [0]
    cells = {source: [*re.findall(r"^def (\w+)", source, re.M)] for source in homework.solution}
    own = [name for source, names in cells.items() if "BEGIN SOLUTION" in source for name in names]

    def noted(name, right):
        said[name] = []

        def f(*arguments, **words):
            depth[0] += 1
            try:
                value = right(*arguments, **words)
            except Exception as error:
                if depth[0] == 1:
                    said[name].append(type(error).__name__)
                raise
            else:
                if depth[0] == 1:  # and not a call from another answer
                    said[name].append(spelt(value))
                return value
            finally:
                depth[0] -= 1

        return f

    scope |= {name: noted(name, scope[name]) for name in own}
    for setup, first, end in homework.blocks:
        here = dict(scope)
        exec(setup, here)
        for probe in homework.probes[first:end]:
            eval(probe.expression, here)
    learned = {}
    for source, names in cells.items():
        text = "".join(LITERAL.format(name=name, said=f"[{', '.join(said[name])}]") for name in names if name in own)
        learned[source] = text if text and len(text) < 20_000 else source
    return learned


def judged(homework, cells):
    """{(question, probe): passed} of these cells."""
    entries = judge.entries(homework, gr.expected(homework), sandbox.run(homework.job(cells)))
    return {(entry["question"], entry["name"]): entry["passed"] for entry in entries}


@pytest.mark.parametrize("which", ["small", NAME])
def test_literal_answers_fail_in_another_class_and_general_code_passes(which, private, tmp_path, sandbox_here):
    path = MASTER if which == NAME else written(tmp_path, SMALL)
    public, text = hw.read(path)
    other, other_text = hw.read(path, CLASS, private)
    learned, solutions = by_heart(public), master_cells(path)
    replaced = [label for label, source in solutions.items() if learned.get(source, source) != source]
    assert len(replaced) >= 3
    student = handed_in(text, {label: learned.get(source, source) for label, source in solutions.items()})

    then, now = judged(public, sources(student, public)), judged(other, sources(student, other))
    assert all(then.values())  # last year it was all right
    assert then.keys() <= now.keys() and len(now) == len(then) + 2 * (which == "small")
    lost = {question for (question, _), passed in now.items() if not passed}
    assert lost == {label.removesuffix("-solve") for label in replaced}  # nothing learned by heart is full marks
    assert not any(passed for probe, passed in now.items() if probe not in then and probe[0] in lost)

    general = handed_in(text, solutions)  # the public version with its solutions, handed in to this class
    assert all(judged(other, sources(general, other)).values())
    assert hw.submitted(data(general), other)[2].startswith("this is another class's version")
    assert hw.submitted(data(handed_in(other_text, solutions)), other)[2] == ""


# ---------------------------------------------------------------- what a submission holds


@pytest.fixture
def right(small):
    """A right submission of the small homework, as a dict."""
    return handed_in(small[1], SMALL)


def test_all_code_cells_run_in_order_but_checks(small, right):
    cells, names, remark = hw.submitted(data(right), small[0])
    assert cells == small[0].solution and remark == ""
    assert names == [f"code cell {n}" for n in (1, 2, 3, 5, 6, 8)]


def test_stubs_do_not_run(small):
    assert sources(json.loads(small[1]), small[0]) == list(small[0].given.values())
    assert sources(stripped(json.loads(small[1])), small[0]) == list(small[0].given.values())


def test_stripped_metadata_and_ids_are_no_loss(small, right):
    assert hw.submitted(data(stripped(right)), small[0])[::2] == (small[0].solution, "")


def test_source_as_a_list_of_lines(small, right):
    lines = [cell | {"source": cell["source"].splitlines(keepends=True)} for cell in right["cells"]]
    assert sources(right | {"cells": lines}, small[0]) == small[0].solution


@pytest.mark.parametrize("label", ["imports-given", "constants-given", "data-given", "all"])
@pytest.mark.parametrize("strip", [False, True])
def test_given_cells_that_were_deleted_come_back_in_order(small, right, label, strip):
    given_ = list(small[0].given.values())
    book = without(right, *(small[0].given if label == "all" else [label]))
    cells, names, _ = hw.submitted(data(stripped(book) if strip else book), small[0])
    assert [source for source in cells if source in given_] == given_
    assert [s for s in cells if s not in given_] == [s for s in small[0].solution if s not in given_]
    assert names.count("a given cell") == (3 if label == "all" else 1)
    assert ran(cells)["DATA"][0] == math.sqrt(7)


@pytest.mark.parametrize("place", ["in it", "in a copy of it", "in a copy above it"])
def test_given_cells_that_were_changed_are_restored_and_what_was_added_runs(small, right, place):
    cells = []
    for cell in right["cells"]:
        if label_of(cell) != "constants-given":
            cells.append(cell)
            continue
        mine = cell | {"source": "import statistics\nP = 0.5\nN = 1"}
        cells += {"in it": [mine], "in a copy of it": [cell, mine], "in a copy above it": [mine, cell]}[place]
    scope = ran(sources(right | {"cells": cells}, small[0]))
    assert "statistics" in scope and scope["DATA"]
    assert place == "in a copy of it" or (scope["P"], scope["N"]) == (0.3, 7)


def test_hidden_tests_go_by_the_constants_as_given(small, sandbox_here):
    """A student may use the names for something else: `for N in range(3)` in a cell of one's own."""
    homework, text = small
    book = handed_in(text, SMALL)
    book["cells"].append(code("P = 0.9\nfor N in range(3):\n    pass"))
    wanted = gr.expected(homework)
    values = sandbox.run(homework.job(sources(book, homework)))["values"]
    assert [values[number] for number in (0, 1, 3, 4)] == [wanted[number] for number in (0, 1, 3, 4)]


def test_duplicated_cells(small, right):
    """Given cells run once, a student's as often as they are there: the last one counts."""
    book = right | {"cells": [cell for cell in right["cells"] for _ in range(2)]}
    given_, own = list(small[0].given.values()), [s for s in small[0].solution if s not in small[0].given.values()]
    assert collections.Counter(sources(book, small[0])) == collections.Counter(given_ + own + own)
    wrong = handed_in(small[1], SMALL, [], q2="def summed(x):\n    return 0")
    twice = sources(wrong | {"cells": wrong["cells"] + right["cells"]}, small[0])
    assert ran(twice)["summed"]([3]) == 9
    back = sources(wrong | {"cells": right["cells"] + wrong["cells"]}, small[0])
    assert ran(back)["summed"]([3]) == 0 and ran(back)["named"](2)["cube"] == 8  # stubs below do not undo an answer


def test_cells_of_ones_own_and_answers_elsewhere(small, right):
    wanted = {"q2-solve": next(c["source"] for c in right["cells"] if label_of(c) == "q2-solve")}
    book = without(right, "q2-solve")
    book["cells"] += [code("half = 0.5"), code(wanted["q2-solve"])]
    cells, names, remark = hw.submitted(data(book), small[0])
    assert cells[-2:] == ["half = 0.5", wanted["q2-solve"]] and ran(cells)["summed"]([3]) == 9
    assert remark == "" and names[-1] == "code cell 10"


def test_a_notebook_of_ones_own(small):
    cells, _, remark = hw.submitted(
        data({"cells": [code("def scaled(x, p):\n    return [v / (1 - p) for v in x]")]}), small[0]
    )
    assert cells[:-1] == list(small[0].given.values()) and "no cell of this homework was recognised" in remark


BROKEN = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "text": ("Dear Sir, §".encode(), NO_NOTEBOOK),
    "picture": (bytes(range(256)) * 20, NO_NOTEBOOK),
    "an old format without cells": (b'{"worksheets": [{}], "nbformat": 3}', NO_NOTEBOOK),
    "UTF-16, cut": ('{"cells": ['.encode("utf-16"), NO_NOTEBOOK),
    "a list": (b"[1, 2]", NO_NOTEBOOK),
    "a number": (b"3", NO_NOTEBOOK),
    "null": (b"null", NO_NOTEBOOK),
    "cells that are none": (b'{"cells": [1, "a", null]}', NO_NOTEBOOK),
    "cells that are a word": (b'{"cells": "abc"}', NO_NOTEBOOK),
    "cells: null": (b'{"cells": null}', NO_NOTEBOOK),
    "source: null": (b'{"cells": [{"cell_type": "code", "source": null}]}', NO_NOTEBOOK),
    "source of numbers": (b'{"cells": [{"cell_type": "code", "source": [1]}]}', NO_NOTEBOOK),
    "deep": (b'{"cells": ' + b"[" * 100_000, NO_NOTEBOOK),
    "a long number": (b'{"cells": [], "a": ' + b"9" * 10_000 + b"}", NO_NOTEBOOK),
    "too many cells": (
        data({"cells": [code("1")] * (hw.MANY + 1)}),
        f"the notebook has more than {hw.MANY} code cells",
    ),
    "another chapter": (
        data({"cells": [], "metadata": {"book": {"homework": "04-x"}}}),
        "this is the homework of another chapter",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_graded(small, case):
    with pytest.raises(hw.Fault) as caught:
        hw.submitted(BROKEN[case][0], small[0])
    assert str(caught.value) == BROKEN[case][1]


@pytest.mark.parametrize("size", range(0, 2001, 250))
def test_a_truncated_file_is_never_taken_for_a_whole_one(small, right, size):
    whole = data(right)
    with pytest.raises(hw.Fault):
        hw.submitted(whole[: len(whole) * size // 2001], small[0])


@given(VALUES)
def test_no_json_surprises_the_reader(small, value):
    about = {"book": {"homework": value, "class": value}}
    for book in (
        value,
        {"cells": value},
        {"cells": [value]},
        {"cells": [{"cell_type": "code", "source": value}]},
        {"cells": [code("1") | {"metadata": value}], "metadata": value},
        {"cells": [code("1", nbgrader={"grade_id": value})], "metadata": about},
    ):
        with contextlib.suppress(hw.Fault):
            cells, names, _ = hw.submitted(json.dumps(book).encode(), small[0])
            assert all(isinstance(source, str) for source in cells) and len(cells) == len(names)


# ---------------------------------------------------------------- the folder of submissions


def found(folder):
    return {(one.student, one.file): one for one in gr.found(folder, NAME)}


def test_flat_files_and_folders_of_students(tmp_path):
    files = f"""ann.ipynb, bo/x.ipynb, cy/{NAME}.ipynb, cy/notes.ipynb, di/deep/er/y.ipynb, di/notes.txt, ed/a.ipynb,
        ed/b.ipynb, flo/readme.txt, gus/.ipynb_checkpoints/x.ipynb, gus/x.ipynb, hal/__MACOSX/._x.ipynb, hal/x.ipynb,
        notes.txt, .hidden, .git/x.ipynb, Zoë Ü.ipynb"""
    for file in re.split(r",\s+", files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / "ivy").symlink_to(tmp_path / "ann.ipynb")
    (tmp_path / "jo").mkdir()
    (tmp_path / "jo" / "x.ipynb").symlink_to(tmp_path / "ann.ipynb")
    (tmp_path / "kim.ipynb").mkdir()
    os.mkfifo(tmp_path / "leo.ipynb")
    needed = f"the folder holds {{}} notebooks, and one is needed, named {NAME}.ipynb"
    wanted = {
        ("ann", "ann.ipynb"): "",
        ("bo", "bo/x.ipynb"): "",
        ("cy", f"cy/{NAME}.ipynb"): "",
        ("di", "di/deep/er/y.ipynb"): "",
        ("ed", "ed"): needed.format(2),
        ("flo", "flo"): needed.format(0),
        ("gus", "gus/x.ipynb"): "",
        ("hal", "hal/x.ipynb"): "",
        ("notes.txt", "notes.txt"): "",
        ("Zoë Ü", "Zoë Ü.ipynb"): "",
        ("ivy", "ivy"): "a link, which is not followed",
        ("kim", "kim.ipynb"): needed.format(0),
        ("leo", "leo.ipynb"): "no file",
    }
    got = {key: one.fault for key, one in found(tmp_path).items()}
    assert got.pop(("jo", "jo"))
    assert got == wanted
    assert all((one.path is None) == bool(one.fault) for one in found(tmp_path).values())


def test_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(hw.Fault, match=rf"^SUBMISSIONS={path} is no folder$"):
            gr.found(path, NAME)


@given(st.lists(st.text(min_size=1, max_size=80) | st.text("aA b.-", min_size=1, max_size=3), max_size=20))
@example(["a b", "a b"])  # a folder and a file
@example(["A", "a", "a"])
@example(["a-b-" + gr.slug("a.b", set())[-8:], "a.b"])
def test_two_students_never_share_a_name(students):
    taken = set()
    slugs = [gr.slug(student, taken) for student in students]
    assert len({slug.lower() for slug in slugs}) == len(students)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", slug) and not slug.startswith("-") for slug in slugs)


def test_a_folder_and_a_file_of_one_name_are_two_submissions(tmp_path, small, sandbox_here):
    homework, text = small
    (tmp_path / "in" / "Ann Lee").mkdir(parents=True)
    (tmp_path / "in" / "Ann Lee" / "x.ipynb").write_text(json.dumps(handed_in(text, SMALL, ["q1"])))
    (tmp_path / "in" / "Ann Lee.ipynb").write_text(json.dumps(handed_in(text, SMALL)))
    results, _ = gr.grade(homework, tmp_path / "in", tmp_path / "out")
    assert {result["extra_data"]["file"]: result["score"] for result in results} == {
        "Ann Lee/x.ipynb": 4,
        "Ann Lee.ipynb": 10,
    }
    assert len([*(tmp_path / "out" / "results").iterdir()]) == 2

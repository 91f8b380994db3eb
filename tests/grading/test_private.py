"""A private folder that was mistyped, and constants that are not the class's: said, never graded over in silence."""

import re

import pytest
from homeworks import CLASS
from small import SMALL, data, handed_in, label_of, written

from grading import homework as hw


@pytest.fixture
def folders(tmp_path):
    """The master, the folder that the homework was made with, and an empty one beside it."""
    for name in ("mine", "mien"):
        (tmp_path / name).mkdir()
    path = written(tmp_path, SMALL)
    hw.read(path, CLASS, tmp_path / "mine", make=True)
    return path, tmp_path / "mine", tmp_path / "mien"


def test_grading_makes_no_key(folders):
    path, mine, mistyped = folders
    with pytest.raises(
        hw.Fault, match=r"^HOMEWORK_PRIVATE=\S+mien holds no key: is it the folder that make homework .*"
    ):
        hw.read(path, CLASS, mistyped)
    assert [*mistyped.iterdir()] == [] and hw.read(path, CLASS, mine) == hw.read(path, CLASS, mine, make=True)


def test_without_a_class_the_folder_holds_probes_at_least(folders):
    path, mine, mistyped = folders
    with pytest.raises(hw.Fault, match=r"^HOMEWORK_PRIVATE=\S+mien holds neither a key nor probes"):
        hw.read(path, "", mistyped)
    hw.read(path, "", mine), hw.read(path, "", mistyped, make=True)
    assert [*mistyped.iterdir()] == []
    (mistyped / "02-other.py").write_text("")
    hw.read(path, "", mistyped)


def remark(book, homework):
    return hw.submitted(data(book), homework)[2]


def test_constants_of_another_key_are_said(folders):
    """The class's name is right, the folder, or its key, is not."""
    path, mine, _ = folders
    homework, text = hw.read(path, CLASS, mine)
    right = handed_in(text, SMALL)
    assert remark(right, homework) == ""
    for key in ("another", "a third"):
        (mine / "key").write_text(key)
        other = hw.read(path, CLASS, mine)[0]
        said = "the constants in this copy are not those of the class, which it was graded with"
        assert remark(right, other) == (said if other.given != homework.given else "")
    assert remark(right, hw.read(path, CLASS)[0]) == said  # no folder at all


@pytest.mark.parametrize("change", ["an edit", "no metadata", "a comment"])
def test_a_copy_that_was_edited(folders, change):
    path, mine, _ = folders
    homework, text = hw.read(path, CLASS, mine)
    book = handed_in(text, SMALL)
    [cell] = [cell for cell in book["cells"] if label_of(cell) == "constants-given"]
    if change == "an edit":
        cell["source"] = re.sub(r"^P = \S+", "P = 0.77", cell["source"])
    elif change == "no metadata":
        del book["metadata"]["book"]
    else:
        cell["source"] += "\n# mine"
    assert bool(remark(book, homework)) == (change == "an edit")

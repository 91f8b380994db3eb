"""Answers that are alike: copies are found after renaming, honest ones are not, and nothing stops the search."""

import html5lib
import pytest
from homeworks import answers, read
from hypothesis import given
from hypothesis import strategies as st
from small import NAME, SMALL, data, handed_in

from grading import alike


@pytest.fixture(scope="module")
def honest():
    """{name: code}: right answers to the questions of chapter 3 as several people wrote them."""
    right = {}
    for question, kind, what, source in answers(NAME):
        if kind == "right":
            right.setdefault(question, []).append((what, source))
    return {f"{q}: {what}": source for q, some in right.items() for what, source in some}


def renamed(source):
    """As somebody would who copies: other names, a comment, other spaces, other numbers."""
    made = (
        source.replace("rng", "generator").replace("keep", "kept_share").replace("mask", "zeros").replace("recipe", "r")
    )
    return "# my own work\n" + made.replace(" = ", "  =  ").replace("0.5", "0.50").replace("\n    ", "\n        ")


def test_a_copy_is_found_after_renaming(honest):
    long = {name: source for name, source in honest.items() if len(alike.prints(source)) >= alike.FEW}
    assert len(long) >= 4
    for name, source in long.items():
        found = alike.pairs(honest | {"copy": renamed(source)}, [])
        assert any({a, b} == {name, "copy"} and share > 0.9 for share, _, a, b in found), name


def test_what_students_were_given_is_nobodys_own():
    homework, _ = read(NAME)
    given = [*homework.stubs, *homework.given.values()]
    same = dict.fromkeys("abcdef", "\n".join(homework.given.values()))
    assert alike.pairs(same, given) == []
    assert alike.pairs({str(n): "\n".join(homework.solution) for n in range(20)}, given) == []  # all the class has it


def test_other_solutions_are_not_alike(honest):
    first = {}
    for name, source in honest.items():
        first.setdefault(name.split(":")[0], {})[name] = source
    found = [pair for some in first.values() for pair in alike.pairs(some, [])]
    assert [pair for pair in found if pair[0] > 0.9] == []


def test_the_page_says_that_it_is_a_hint(small, tmp_path):
    homework, text = small
    mine = "def summed(x):\n    total = 0\n    for v in x:\n        if v > 3 and v < 9 or not v:\n"
    mine += "            total += v * v - 1 + 1\n"
    mine += "        else:\n            total = total + v ** 2\n    return [total, 0][0] if len(x) > 0 else 0"
    (tmp_path / "in").mkdir()
    for name, q2 in {"Ann <b>": mine, "Bo": renamed(mine).replace("total", "s"), "Cy": SMALL["q2-solve"]}.items():
        (tmp_path / "in" / f"{name}.ipynb").write_bytes(data(handed_in(text, SMALL, [], q2=q2)))
    (tmp_path / "in" / "di.ipynb").write_bytes(b"")
    assert alike.alike(homework, tmp_path / "in", tmp_path / "out") == 1
    page = (tmp_path / "out" / "alike.html").read_text("utf-8")
    assert (
        "a hint and no proof" in page
        and "<td>Ann &lt;b&gt;</td><td>Bo</td>" in page.replace("\n", "")
        and "Cy" not in page
    )
    parser = html5lib.HTMLParser()
    parser.parse(page)
    assert parser.errors == []


@given(st.text("def (x):\n'\"\\0[]{}#\t\x00é", max_size=80))
def test_no_code_stops_the_search(source):
    assert isinstance(alike.prints(source), set)


def test_deep_code_stops_no_search():
    for source in (
        "(" * 100_000,
        "'''" + "x" * 300_000,
        " " * 5000 + "x\n" * 3,
        "\n".join(" " * n + "if x:" for n in range(200)),
    ):
        assert isinstance(alike.prints(source), set)

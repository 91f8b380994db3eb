"""In a class of its own, values of the public version earn next to nothing, and so do answers that are constants."""

import ast

import pytest
from homeworks import CLASS, MASTERS, read, sandboxed, solved

from grading import homework as hw
from grading import judge

SHARE, CONSTANT = 0.05, 0.15  # of the points
# What a student writes who writes no solution.
CONSTANTS = {
    "zero": "lambda *_, **__: 0",
    "x": "lambda x=0, *_, **__: x",
    "zeros": "lambda x=0, *_, **__: x.detach() * 0 if hasattr(x, 'detach') else __import__('numpy').zeros_like(x)",
    "nothing": "lambda *_, **__: []",
}


def earned(homework, expected, values):
    """The share of the points for these values."""
    numbers = [n for n in values if judge.agrees(values[n], expected[n], homework.probes[n].tolerance)]
    return sum(homework.probes[n].points for n in numbers) / homework.points


def zeros(value):
    """Zeros, and nothing, of the same shape."""
    if isinstance(value, list):
        return [zeros(part) for part in value]
    if isinstance(value, dict):
        return {key: zeros(part) for key, part in value.items()}
    return "" if isinstance(value, str) else 0


def constant(homework, kind):
    """What a submission gives in which all that the solution defines is this constant."""
    tree = ast.parse("\n".join(source for source in homework.solution if "BEGIN SOLUTION" in source))
    names = {node.name: CONSTANTS[kind] for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {target.id: "0" for node in tree.body if isinstance(node, ast.Assign) for target in ast.walk(node)
              if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)}  # fmt: skip
    lies = "".join(f"{name} = {value}\n" for name, value in names.items())
    return sandboxed(homework.job([*homework.given.values(), lies]))["values"]


FEW = ["01-overfitting", "11-variants"]
TORCH = ["07-transformer", "13-field-guide"]  # which take seconds
CHAPTERS = [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in MASTERS]
QUICK = [pytest.param(name, marks=pytest.mark.slow if name in TORCH else ()) for name in MASTERS]
CLASSES = [CLASS, *(pytest.param(one, marks=pytest.mark.slow) for one in ("2028b", "spring"))]


@pytest.mark.parametrize("class_", CLASSES)
@pytest.mark.parametrize("name", QUICK)
def test_public_values_are_worth_little_in_a_class(name, class_):
    homework, _ = read(name, class_)
    assert earned(homework, solved(name, class_)["values"], solved(name)["values"]) <= SHARE
    assert earned(homework, solved(name, class_)["values"], solved(name, class_)["values"]) == 1


@pytest.mark.parametrize("class_", CLASSES)
@pytest.mark.parametrize("name", QUICK)
def test_every_probe_holds_something_of_the_class(name, class_):
    homework, _ = read(name, class_)
    public, mine = solved(name)["values"], solved(name, class_)["values"]
    same = [n for n in public if judge.agrees(public[n], mine[n], homework.probes[n].tolerance)]
    assert [homework.probes[n].name for n in same] == []


@pytest.mark.parametrize("kind", ["shape", *CONSTANTS])
@pytest.mark.parametrize("name", CHAPTERS)
def test_constants_are_worth_little(name, kind):
    homework, _ = read(name, CLASS)
    expected = solved(name, CLASS)["values"]
    values = {n: zeros(value) for n, value in expected.items()} if kind == "shape" else constant(homework, kind)
    assert earned(homework, expected, values) <= CONSTANT


def test_a_homework_without_a_class_in_its_probes_is_caught():
    """All that is drawn set back to what is public, the replay earns everything."""
    homework, _ = read(FEW[0])
    assert earned(homework, solved(FEW[0])["values"], solved(FEW[0])["values"]) > SHARE


@pytest.mark.parametrize(
    "choices, public",
    [("0.1, 0.2, 0.3", "0.2"), ("0.1, 0.2", "0.1"), ("3..9", "3"), ("3..9", "9"), ("3..9", "6"), ("3..9", "40")],
)
def test_the_public_value_is_never_drawn(choices, public):
    drawn = {hw.draw(b"key", str(n), "01-x", "N", choices, public) for n in range(300)}
    every = {hw.draw(b"key", str(n), "01-x", "N", choices) for n in range(300)}
    assert drawn == every - {public}


@pytest.mark.parametrize("name", MASTERS)
def test_every_class_differs_from_the_public_version_in_each_constant(name):
    public, class_ = (hw.DRAWN.findall("\n".join(read(name, one)[0].given.values())) for one in ("", CLASS))
    assert public and all(a[0] == b[0] and a[1] != b[1] for a, b in zip(public, class_, strict=True))


@pytest.mark.parametrize("name", MASTERS)
def test_what_hidden_tests_draw_with_stays_hidden(name):
    public, class_ = read(name), read(name, CLASS)
    assert all("SALT" not in text for _, text in (public, class_))
    assert {setup.partition("SALT = ")[2].partition("\n")[0] for setup, *_ in public[0].blocks} == {"0"}
    [salt] = {setup.partition("SALT = ")[2].partition("\n")[0] for setup, *_ in class_[0].blocks}
    assert 1 <= int(salt) <= 9999

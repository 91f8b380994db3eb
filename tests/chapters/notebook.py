"""Reads the chapters for the tests: their cells, and the functions exactly as the notebooks define them."""

import re
import sys
import types
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]

sys.path.insert(0, str(ROOT / "tools"))

from notebooks import definitions  # noqa: E402


def read(name):
    """The notebook `name` (for example "02-mask-math") as an nbformat node."""
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def code_of(nb):
    """The sources of the code cells, joined."""
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")


def load(name, replace=None):
    """The definitions of a notebook as a namespace, without running its experiments.

    `replace` ({old: new}) plants faults: each `old` must occur exactly once in the notebook's code.
    """
    code = code_of(read(name))
    for old, new in (replace or {}).items():
        if code.count(old) != 1:
            raise LookupError(f"{name}: {old!r} occurs {code.count(old)} times, not once")
        code = code.replace(old, new)
    module = types.ModuleType(name.replace("-", "_"))
    exec(compile(definitions(code), f"<{name}>", "exec"), module.__dict__)
    return module


def solutions(nb):
    """The code in what is collapsed below an exercise, or in the self-check: {"Exercise 1": source}."""
    found = {}
    for cell in nb.cells:
        title = re.match(r"##+ (Exercise \d+|Check yourself)", cell.source)
        if cell.cell_type == "markdown" and title:
            hidden = re.findall(r"<details>(.*?)</details>", cell.source, re.DOTALL)
            blocks = re.findall(r"```python\n(.*?)```", "\n".join(hidden), re.DOTALL)
            found[title[1]] = "\n".join(blocks)
    return found


def refused(sentence, function, *args, **kwargs):
    """Assert that the call is refused with a ValueError of one sentence that contains `sentence`."""
    try:
        function(*args, **kwargs)
    except ValueError as error:
        assert sentence in str(error)
        assert "\n" not in str(error)
    else:
        raise AssertionError(f"not refused: {sentence}")

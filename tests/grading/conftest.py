"""What several files of these tests start from."""

import pytest
from homeworks import can_sandbox
from small import SMALL, written

from grading import grade as gr
from grading import homework as hw

REAL = gr.seconds


@pytest.fixture
def timed():
    """For a test of the seconds themselves."""


@pytest.fixture(autouse=True)
def timeless(request, monkeypatch):
    """No two runs take the same time, and what else they write is the same, byte for byte."""
    if "timed" not in request.fixturenames:
        monkeypatch.setattr(gr, "seconds", lambda homework, run: dict.fromkeys(REAL(homework, run), 0.0))


@pytest.fixture
def sandbox_here():
    can_sandbox()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(Homework, the student version as text) of the small homework."""
    return hw.read(written(tmp_path_factory.mktemp("small"), SMALL))

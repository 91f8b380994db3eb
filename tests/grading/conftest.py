"""What several files of these tests start from."""

import pytest
from homeworks import can_sandbox
from small import SMALL, written

from grading import homework as hw


@pytest.fixture
def sandbox_here():
    can_sandbox()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(Homework, the student version as text) of the small homework."""
    return hw.read(written(tmp_path_factory.mktemp("small"), SMALL))

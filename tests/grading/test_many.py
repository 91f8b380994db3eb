"""A class of hundreds, as it comes: everybody has a result, and the grader's memory stays flat."""

import mmap
import os
import time

import bench
import psutil
import pytest
from small import SMALL

from grading import grade as gr

SOLUTIONS = {label: source for label, source in SMALL.items() if label.endswith("-solve")}
GROWTH = 25  # MB, from the second fifth of a class to the last: 400 results and what the tables of a class take


def graded(small, folder, number):
    """(results, of how many all is right, what was seen of this process meanwhile)."""
    homework, text = small
    right = bench.mixed(folder / "in", text, SOLUTIONS, "01-small", number)
    done = []

    def bar(total, results):
        for one in results:
            yield one
            done.append(one[0])

    watched = bench.Watched(os.getpid(), lambda: len(done))
    results, failed = gr.grade(homework, folder / "in", folder / "out", workers=2, bar=bar)
    watched.over = True
    watched.join()
    assert failed == 0 and psutil.Process().children(recursive=True) == []
    return results, right, watched, len(done)


@pytest.mark.parametrize("number", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_a_mixed_class_is_graded_in_one_run(small, sandbox_here, tmp_path, number):
    results, right, watched, ran = graded(small, tmp_path, number)
    scores = [result["score"] for result in results]
    assert len(results) == number and len({result["slug"] for result in results}) == number
    assert scores.count(10) >= right  # a notebook whose answers are right but for a bracket may be right, too
    half, broken = scores.count(4), sum(1 for result in results if result["score"] == 0)
    assert half >= number // 10 * 2 and broken >= number // 20
    assert len([*(tmp_path / "out" / "feedback").iterdir()]) == number
    assert all(result["output"] for result in results if result["score"] == 0)
    fifths = [*watched.fifths(ran)]
    if number >= 500:
        assert len(fifths) == 5 and fifths[4][0] - fifths[1][0] < GROWTH, fifths


def test_a_leak_is_seen():
    """One that holds on to more with each submission: pages of its own, as freed ones may be had again."""
    held = []
    watched = bench.Watched(os.getpid(), lambda: len(held))
    for number in range(1, 11):
        held.append(mmap.mmap(-1, 16 * 2**20))
        held[-1].write(bytes(16 * 2**20))
        while not watched.seen or watched.seen[-1][0] < number:
            time.sleep(0.02)
    watched.over = True
    watched.join()
    fifths = [*watched.fifths(11)]
    assert fifths[-1][0] - fifths[1][0] > GROWTH

"""The mask painter's arithmetic is Chapter 6's."""

import json
from itertools import product

import living
import numpy as np
import pytest
import torch

import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # a changed notebook fails the build at once
P = (0.1, 0.25, 0.5, 0.8)
KINDS = ("unit", "block", "map", "layer")


@pytest.fixture(scope="module")
def chapter():
    return notebook.load("06-cnn")


def test_rates_and_seeds(pure, chapter):
    """On the figure's own maps, and on some that are not square."""
    for block, (h, w) in (*product(range(1, 9), [(8, 8)]), (3, (4, 4)), (4, (7, 5)), (5, (5, 9))):
        assert pure("painter", "covers", block, h, w) == chapter.covers(block, h, w).tolist()
        for p in (0, *P, 1):
            for name, theirs in (("paperGamma", chapter.paper_gamma), ("exactGamma", chapter.exact_gamma)):
                gamma = pure("painter", name, p, block, h, w)
                assert np.isclose(gamma, theirs(p, block, h, w), rtol=1e-12, atol=0), (name, p, block)
                exact = chapter.drop_rate(gamma, block, h, w)
                assert np.allclose(pure("painter", "dropRate", gamma, block, h, w), exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("block, share", [(1, 0.5), (2, 0.409), (3, 0.386), (5, 0.373), (8, 0.5)])
def test_what_the_chapter_prints(pure, block, share):
    chosen = {"kind": "block", "block": block, "p": 0.5, "gamma": "paper"}
    rates = pure("painter", "dropRate", pure("painter", "seedRate", chosen), pure("painter", "size", chosen))
    assert round(pure("painter", "mean", rates), 3) == share
    exact = pure("painter", "dropRate", pure("painter", "seedRate", chosen | {"gamma": "exact"}), block)
    assert abs(pure("painter", "mean", exact) - 0.5) < 1e-12


@pytest.mark.parametrize("block", range(1, 9))
def test_blocks_grow_from_their_seeds(pure, chapter, block):
    places = 9 - block
    seeds = np.random.default_rng(block).random((places, places)) < 0.3
    theirs = chapter.grow(torch.tensor(seeds)[None, None], block)[0, 0]
    assert pure("painter", "grow", seeds.astype(int).tolist(), block) == theirs.int().tolist()


def test_masks_drop_what_they_say(visit):
    """2,000 draws of four maps, each position within five standard errors of its exact rate; a map whole or not at
    all, and the layer all four alike."""
    page, _ = visit("404.html")
    code = """async ([module, shared, chosen]) => {
        const { masks, seedRate, dropRate, size } = await import(module);
        const random = (await import(shared)).generator(1);
        const found = Array.from({ length: 2000 }, () => masks(chosen, random).map((m) => m.dropped.flat()));
        return [found.flat(2).map(Number).join(""), dropRate(seedRate(chosen), size(chosen))];
    }"""
    folder = page.url.replace("404.html", "_static/explore/")
    for kind in KINDS:
        chosen = {"kind": kind, "block": 3, "p": 0.25, "gamma": "exact"}
        found, exact = page.evaluate(code, [f"{folder}painter.js", f"{folder}explore.js", chosen])
        found, exact = np.array([*map(int, found)]).reshape(2000, 4, 8, 8), np.array(exact)
        assert {*found.flat} == {0, 1} and abs(exact.mean() - 0.25) < 1e-12
        error = abs(found.mean((0, 1)) - exact) / np.sqrt(exact * (1 - exact) / (2000 if kind == "layer" else 8000))
        assert error.max() < 5, kind
        whole = found.reshape(2000, 4, 64).mean(2)
        assert (np.isin(whole, (0, 1)).all(), (whole == whole[:, :1]).all()) == (
            kind in ("map", "layer"),
            kind == "layer",
        )


def test_what_is_restored_is_the_chapters(visit, chapter):
    """The stored shares are those that the chapter's function gives, and those that its table printed before."""
    page, _ = visit(living.tagged("painter")[0])
    stored = json.loads(page.locator("[data-explore=painter]").get_attribute("data-stored"))
    assert [int(b) for b in stored["b"]] == list(range(1, 9))
    for p, block in ((0.1, 1), (0.25, 3), (0.5, 2), (0.8, 5)):
        assert float(stored[f"p={p}"][block - 1]) == round(chapter.restored(p, block), 2)
    cells = notebook.read("06-cnn").cells
    printed = next(c.outputs[0].data["text/markdown"] for c in cells if "def restored(" in c.source)
    for p in (0.1, 0.25, 0.5):
        row = next(line for line in printed.splitlines() if f"p = {p}$" in line)
        assert [stored[f"p={p}"][b - 1] for b in (1, 2, 3, 5, 8)] == row.strip("|").replace(" ", "").split("|")[1:]


def test_the_same_address_is_the_same_draw(visit):
    page, faults = visit(f"{living.tagged('painter')[0]}?painter.draw=7")
    box = living.awaken(page, "painter")
    first = living.settled(box)
    box.get_by_role("button", name="Draw another").click()
    assert living.settled(box) != first and "painter.draw=8" in page.url
    page.goto(page.url.replace("draw=8", "draw=7"))
    assert living.settled(living.awaken(page, "painter")) == first
    assert faults == []

"""Image sets in IDX files: read, checked, split; what is missing or damaged is one sentence."""

import gzip
import hashlib
import sys

import numpy as np
import pytest
import torch

from notebook import ROOT, load

sys.path.append(str(ROOT / "experiments"))

import idx
import run


def packed(array):
    """An array of bytes as an IDX file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """DROPOUT_DATA with a set "tiny" of 40 images of 5 x 4, half of its files packed; no network."""
    rng = np.random.default_rng(0)
    (tmp_path / "tiny").mkdir()
    for part, n in (("train", 40), ("t10k", 10)):
        files = {"images": rng.integers(0, 256, (n, 5, 4), dtype=np.uint8), "labels": np.arange(n, dtype=np.uint8) % 10}
        for kind, array in files.items():
            path = tmp_path / "tiny" / idx.FILES[f"{part} {kind}"]
            path.write_bytes(packed(array))
            if part == "train":
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(packed(array)))
                path.unlink()

    def nowhere(*args, **named):
        raise OSError("no network")

    monkeypatch.setattr(idx.urllib.request, "urlopen", nowhere)
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path))
    return tmp_path / "tiny"


def test_images_and_labels_are_read(folder):
    rng = np.random.default_rng(0)
    for part, n in (("train", 40), ("t10k", 10)):
        x, y = idx.images("tiny", part)
        assert np.array_equal(x, rng.integers(0, 256, (n, 5, 4), dtype=np.uint8)) and y.tolist() == [*range(10)] * (
            n // 10
        )


def test_splits_are_like_the_books_digits(folder):
    digits = idx.like_digits("tiny", held_out=(6, 9))
    x, y = idx.images("tiny")
    there = {tuple(row): label for row, label in zip(x.reshape(40, 20).tolist(), y.tolist())}
    data = digits(20, n_seeds=3, wrong=0.25, seed=1)
    for part, n in (("train", 20), ("val", 6), ("test", 9)):
        images, labels = data[part]
        assert images.shape == (3, n, 20) and labels.shape == (3, n) and images.dtype == torch.float32
        truth = torch.tensor([[there[tuple(row)] for row in seed] for seed in (255 * images).round().int().tolist()])
        assert (labels != truth).sum(1).tolist() == 3 * [5 * (part == "train")]
    for seed in range(3):
        rows = torch.cat([data[part][0][seed] for part in data])
        assert len(torch.unique(rows, dim=0)) == 35  # no image is in two parts
    same, clean = digits(20, 3, 0.25, 1), digits(20, 3, 0.0, 1)
    assert all(torch.equal(a, b) for part in data for a, b in zip(data[part], same[part]))
    assert torch.equal(clean["train"][0], data["train"][0]) and not torch.equal(data["val"][0][0], data["val"][0][1])
    for n_train, wrong in ((26, 0), (0, 0), (9, 1.5)):
        with pytest.raises(ValueError, match="tiny: no"):
            digits(n_train, 1, wrong)


def test_a_chapters_function_runs_on_it(folder, monkeypatch):
    monkeypatch.setattr(idx.like_digits, "__defaults__", ((6, 9),))
    chapter = vars(load("01-overfitting"))
    idx.put_into(chapter, "tiny", "mlp")
    for sizes in ((), ((64, 3, 10),)):
        assert chapter["mlp"](2, *sizes)[0].weight.shape[1] == 20
    found = chapter["study"](n=25, steps=20, n_seeds=10)
    assert all(len(values) == 10 and np.isfinite(values).all() for values in found.values())


def damage(path, change):
    """Change the bytes of a packed or an unpacked file."""
    content = path.read_bytes()
    inside = gzip.decompress(content) if path.suffix == ".gz" else content
    path.write_bytes(gzip.compress(change(inside)) if path.suffix == ".gz" else change(inside))


def test_what_is_missing_or_damaged_is_one_sentence(folder, monkeypatch):
    images = folder / (idx.FILES["train images"] + ".gz")
    labels = folder / idx.FILES["t10k labels"]
    whole = images.read_bytes()
    for change, sentence in (
        (lambda b: b[:-1], "is damaged: 815 bytes, its head says"),
        (lambda b: b"\0\0\x09" + b[3:], "is no IDX file of bytes with 3 axes"),
        (lambda b: b[:5], "is no IDX file of bytes with 3 axes"),
    ):
        damage(images, change)
        with pytest.raises(ValueError, match=sentence):
            idx.images("tiny")
        images.write_bytes(whole)
    images.write_bytes(whole[:-9])
    with pytest.raises(ValueError, match="is damaged: it cannot be unpacked"):
        idx.images("tiny")
    images.write_bytes(whole)
    damage(labels, lambda b: b[:-1] + b"\x0b")
    with pytest.raises(ValueError, match="10 images and 10 labels from 0 to 11 in t10k"):
        idx.images("tiny", "t10k")
    labels.unlink()
    with pytest.raises(ValueError, match=r"labels-idx1-ubyte\.gz is missing$"):
        idx.images("tiny", "t10k")
    with pytest.raises(ValueError, match="is missing, and no mirror gave it"):
        idx.images("mnist")
    (folder.parent / "mnist").mkdir()
    (folder.parent / "mnist" / images.name).write_bytes(whole)
    with pytest.raises(ValueError, match="is not the file that was published"):
        idx.images("mnist")
    monkeypatch.delenv("DROPOUT_DATA")
    with pytest.raises(ValueError, match="set DROPOUT_DATA to a folder with mnist/train-images"):
        run.job("01-overfitting", "study", {"data": "mnist"}, {"on": {"mnist": {}}, "effects": []})


def test_a_mirror_gives_the_published_file_or_nothing(folder, monkeypatch):
    whole = (folder / (idx.FILES["train images"] + ".gz")).read_bytes()
    asked = []

    class Answer:
        def __init__(self, url, timeout):
            asked.append(url)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self):
            return whole if "good" in asked[-1] else gzip.compress(b"another file")

    monkeypatch.setattr(idx.urllib.request, "urlopen", Answer)
    monkeypatch.setitem(idx.MIRRORS, "tiny", ["http://bad", "http://good"])
    monkeypatch.setitem(idx.SHA256, "tiny", {"train images": hashlib.sha256(gzip.decompress(whole)).hexdigest()})
    path = folder / (idx.FILES["train images"] + ".gz")
    path.unlink()
    assert idx.read("tiny", "train images").shape == (40, 5, 4) and path.read_bytes() == whole
    assert [url.rsplit("/", 1)[0] for url in asked] == ["http://bad", "http://good"]
    assert not list(folder.glob("*.part"))


def test_the_loader_decides_the_hash_of_results_on_another_set_only():
    digits, mnist = (run.code_of("01-overfitting", "study", data) for data in ("digits", "mnist"))
    assert digits != mnist and digits == run.code_of("01-overfitting", "study")

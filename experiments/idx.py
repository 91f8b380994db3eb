"""Image sets in the form that MNIST was published in: read, checked, and split as the book splits its digits.

    DROPOUT_DATA=folder python experiments/idx.py mnist

The four files of a set lie in folder/NAME, as published or unpacked: train-images-idx3-ubyte(.gz), and so on. MNIST and
Fashion-MNIST are downloaded if they are not there; of another set only the form is checked. Runs away from this machine
are sent this file, so it rests on nothing else of the book.
"""

import gzip
import hashlib
import math
import os
import sys
import urllib.request
import zlib
from pathlib import Path

import numpy as np

FILES = {f"{part} {kind}": f"{part}-{kind}-idx{axes}-ubyte" for part in ("train", "t10k")
         for kind, axes in (("images", 3), ("labels", 1))}  # fmt: skip
MIRRORS = {
    "mnist": ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"],
    "fashion-mnist": ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"],
}
SHA256 = {  # of what the files hold, unpacked; of Fashion-MNIST's as published, packed
    "mnist": {
        "train images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train images": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train labels": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k images": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k labels": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
}


def folder_of(name):
    """Where the files of a set are to be; one sentence if nobody said so."""
    if not os.environ.get("DROPOUT_DATA"):
        raise ValueError(f"set DROPOUT_DATA to a folder with {name}/{FILES['train images']}.gz and the three beside it")
    return Path(os.environ["DROPOUT_DATA"]).expanduser() / name


def is_published(name, file, packed, content):
    """Whether a file's bytes are those that were published; True for a set that we do not know."""
    known = SHA256.get(name, {}).get(file)
    return not known or known in {hashlib.sha256(given).hexdigest() for given in (packed, content)}


def published(name, file, where):
    """Download one file of a known set, from the first mirror that gives it whole."""
    path = where / f"{FILES[file]}.gz"
    for mirror in MIRRORS.get(name, []):
        try:
            with urllib.request.urlopen(f"{mirror}/{path.name}", timeout=30) as answer:
                packed = answer.read()
            whole = is_published(name, file, packed, gzip.decompress(packed))
        except (OSError, EOFError, zlib.error):
            continue
        if whole:
            where.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".part")
            beside.write_bytes(packed)
            beside.replace(path)
            return path
    raise ValueError(f"{name}: {path} is missing" + (", and no mirror gave it" if name in MIRRORS else ""))


def read(name, file):
    """One file of a set as an array of bytes: images (n, height, width) or labels (n,)."""
    where = folder_of(name)
    there = [path for path in (where / f"{FILES[file]}.gz", where / FILES[file]) if path.is_file()]
    path = there[0] if there else published(name, file, where)
    packed = content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{name}: {path} is damaged: it cannot be unpacked") from error
    if not is_published(name, file, packed, content):
        raise ValueError(f"{name}: {path} is not the file that was published (its SHA-256 differs)")
    axes = 3 if file.endswith("images") else 1
    if content[:4] != bytes([0, 0, 8, axes]) or len(content) < 4 + 4 * axes:
        raise ValueError(f"{name}: {path} is no IDX file of bytes with {axes} axes")
    shape = np.frombuffer(content[4 : 4 + 4 * axes], ">i4").tolist()
    if len(content) != 4 + 4 * axes + math.prod(shape):
        raise ValueError(f"{name}: {path} is damaged: {len(content)} bytes, its head says {shape}")
    return np.frombuffer(content[4 + 4 * axes :], np.uint8).reshape(shape)


def images(name, part="train"):
    """All images (n, height, width) of a part, "train" or "t10k", and their labels (n,)."""
    x, y = read(name, f"{part} images"), read(name, f"{part} labels")
    if len(x) != len(y) or y.max() > 9:
        raise ValueError(f"{name}: {len(x)} images and {len(y)} labels from 0 to {y.max()} in {part}")
    return x, y.astype(np.int64)


def like_digits(name, held_out=(500, 1000)):
    """A function like the book's digits(n_train, n_seeds, wrong, seed), on the training images of a set.

    Validation and test digits come from the training file, too: the published test set stays closed.
    """
    import torch

    pixels, labels = images(name)
    n_val, n_test = held_out

    def digits(n_train, n_seeds=16, wrong=0.0, seed=0):
        if not 1 <= n_train <= len(labels) - n_val - n_test or not 0 <= wrong <= 1:
            raise ValueError(f"{name}: no {n_train} training images with a share {wrong} of wrong labels")
        rng = np.random.default_rng(seed)
        order = np.stack([rng.permutation(len(labels))[: n_test + n_val + n_train] for _ in range(n_seeds)])
        parts = {"test": order[:, :n_test], "val": order[:, n_test : n_test + n_val]}
        parts["train"] = order[:, n_test + n_val :]
        y = {part: labels[rows] for part, rows in parts.items()}
        flips = round(wrong * n_train)
        y["train"][:, :flips] = (y["train"][:, :flips] + rng.integers(1, 10, (n_seeds, flips))) % 10
        x = {part: torch.tensor(pixels[rows]).flatten(2).float() / 255 for part, rows in parts.items()}
        return {part: (x[part], torch.tensor(y[part])) for part in parts}

    return digits


def starting_at(function, pixels):
    """The same function with `pixels` in front of its argument `sizes`."""
    import functools
    import inspect

    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapped(*args, **named):
        call = signature.bind(*args, **named)
        call.apply_defaults()
        call.arguments["sizes"] = (pixels, *call.arguments["sizes"][1:])
        return function(*call.args, **call.kwargs)

    return wrapped


def put_into(space, name, first):
    """Let a notebook's functions in `space` work on another set than the digits."""
    space["digits"] = like_digits(name)
    pixels = space["digits"](1, 1)["train"][0].shape[-1]
    if first:
        space[first] = starting_at(space[first], pixels)


if __name__ == "__main__":
    try:
        for one in sys.argv[1:]:
            for half in ("train", "t10k"):
                print(one, half, *(values.shape for values in images(one, half)))
    except ValueError as error:
        sys.exit(f"dropout-book: {error}")

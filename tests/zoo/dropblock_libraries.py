"""What five ways to write DropBlock drop, and how they scale: python dropblock_libraries.py CHAPTER6.py FOLDER

Prints a row of JSON for each: the share of units dropped on 14 x 14 maps with blocks of 7, and, in batches of two
examples, the value of what is kept and the mean of the layer's output for ones. torchvision is not installed; its one
file is read out of the package that pip downloads into FOLDER, and left out where pip finds none.
"""

import importlib.util
import json
import subprocess
import sys
import time
import zipfile
from importlib import import_module
from pathlib import Path

import absent
import torch

SIZE, BLOCK, SEEDS, EXAMPLES, MAPS = 14, 7, 20, 400, 4


def load(path):
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def from_torchvision(folder):
    """(torchvision's drop_block2d, its version), or None."""
    if not list(folder.glob("torchvision-*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "torchvision"]
        subprocess.run(pip, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for wheel in folder.glob("torchvision-*.whl"):
        text = zipfile.ZipFile(wheel).read("torchvision/ops/drop_block.py").decode()
        file = folder / "torchvision_drop_block.py"
        file.write_text(text.replace("from ..utils import _log_api_usage_once", "_log_api_usage_once = id"))
        return load(file).drop_block2d, wheel.name.split("-")[1]
    return None


def ways(chapter, folder):
    """{name: a function of (maps, p)}, and torchvision's version."""
    absent.install()
    timm, package = import_module("timm.layers"), import_module("dropblock")

    def papers(x, p):
        gamma = chapter.paper_gamma(p, BLOCK, SIZE, SIZE)
        seeds = torch.rand(*x.shape[:2], SIZE - BLOCK + 1, SIZE - BLOCK + 1) < gamma
        mask = ~chapter.grow(seeds, BLOCK)
        return x * mask * mask.numel() / mask.sum()

    found = {
        "Chapter 6": lambda x, p: chapter.FeatureDropout(p, "block", BLOCK)(x),
        "paper's formula": papers,
        "timm": lambda x, p: timm.DropBlock2d(p, BLOCK)(x),
        "dropblock": lambda x, p: package.DropBlock2D(p, BLOCK)(x),
    }
    theirs = from_torchvision(folder)
    if theirs:
        found["torchvision"] = lambda x, p: theirs[0](x, p, BLOCK)
    return found, theirs and theirs[1]


def measured(drop, p):
    """{metric: one number a seed}: shares dropped anywhere, in the corners and in the middle; two examples' scale."""
    found = {key: [] for key in ("share", "corner", "middle", "maps alike", "kept", "mean")}
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        gone = (drop(torch.ones(EXAMPLES, MAPS, SIZE, SIZE), p) == 0).double()
        found["share"].append(gone.mean().item())
        found["corner"].append(gone[..., [0, 0, -1, -1], [0, -1, 0, -1]].mean().item())
        found["middle"].append(gone[..., 6:8, 6:8].mean().item())
        found["maps alike"].append((gone == gone[:, :1]).flatten(1).all(1).double().mean().item())
        few = drop(torch.ones(2, MAPS, SIZE, SIZE), p)
        found["kept"].append(few.max().item())
        found["mean"].append(few.mean().item())
    return found


def main():
    chapter, folder = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    found, version = ways(load(chapter), folder)
    for name, drop in found.items():
        for p in (0.1, 0.25):
            started = time.perf_counter()
            row = {"setting": {"library": name, "p": p, "size": SIZE, "block": BLOCK}, "result": measured(drop, p)}
            row["seconds"] = round(time.perf_counter() - started, 1)
            print(json.dumps(row | ({"versions": {name: version}} if name == "torchvision" else {})), flush=True)


if __name__ == "__main__":
    main()

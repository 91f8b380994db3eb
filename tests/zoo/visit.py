"""Inspects one library's models: python visit.py INSPECTOR LIBRARY, with the kinds to plant on the standard input.

A line each: "nothing", or a kind out of faults.py. For each kind it prints a line of JSON: what the inspector said of
each model. Runs in the zoo's own environment; tools/zoo.py starts it.
"""

import functools
import importlib.util
import json
import os
import random
import signal
import sys
import time
import warnings

import absent
import faults
import models
import numpy as np
import torch

QUOTA = {"torch": 4, "transformers": 6, "timm": 3, "monai": 3}  # planted in so many of a library's models, else in 2
SECONDS = 30


def too_long(*_):
    raise TimeoutError(f"no answer after {SECONDS} s")


def traces(model, inputs):
    """What an inspection must leave as it was, in a form that can be compared."""
    values = [(name, hash(value.numpy().tobytes())) for name, value in model.state_dict().items()]
    plain = [sorted(map(str, vars(module))) for module in model.modules()]
    modes = [
        (module.training, len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()
    ]
    numbers = [hash(one.numpy().tobytes()) for one in inputs if torch.is_tensor(one)]
    states = torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    return values, plain, modes, numbers, states


def counting(model, call):
    """What `call` gives, and, in call.passes, how many passes of a model of this class it took."""
    kind, depth, passes = type(model), [0], [0]
    forward = kind.forward

    @functools.wraps(forward)
    def counted(*args, **kwargs):
        passes[0] += depth[0] == 0
        depth[0] += 1
        try:
            return forward(*args, **kwargs)
        finally:
            depth[0] -= 1

    kind.forward = counted
    try:
        return call()
    finally:
        kind.forward = forward
        call.passes = passes[0]


def inspected(diagnose, model, args, kwargs):
    """{"findings": [[where, what]], "error": None or text, "seconds": …, "passes": …, "touched": changed?}."""
    before, started = traces(model, [*args, *kwargs.values()]), time.perf_counter()
    said = {"findings": [], "error": None}
    signal.alarm(SECONDS)

    def call():
        return diagnose(model, *args, kwargs=kwargs) if kwargs else diagnose(model, *args)

    try:
        said["findings"] = [[one.where, one.what] for one in counting(model, call)]
    except Exception as error:
        said["error"] = f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.alarm(0)
    said |= {"seconds": round(time.perf_counter() - started, 3), "passes": call.passes}
    return said | {"touched": traces(model, [*args, *kwargs.values()]) != before}


def fresh(library, name):
    for seed in (torch.manual_seed, random.seed, np.random.seed):
        seed(0)
    return models.MODELS[library][name]()


def visit(diagnose, library, kind):
    """What the inspector says of the library's models with `kind` planted: {architecture: what `inspected` gives}."""
    names = [name for name in models.MODELS[library] if kind == "nothing" or (library, name) not in models.PUBLISHED]
    if kind == "nothing":
        return {name: inspected(diagnose, *fresh(library, name)) for name in names}
    kinds = [*faults.FAULTS, *faults.TWINS]
    planter = faults.FAULTS[kind][0] if kind in faults.FAULTS else faults.TWINS[kind]
    start, found = kinds.index(kind) * 5 % len(names), {}
    for name in names[start:] + names[:start]:
        planted = faults.plant(planter, *fresh(library, name))
        if planted:
            found[name] = inspected(diagnose, *planted)
        if len(found) == QUOTA.get(library, 2):
            break
    return found


def main():
    warnings.simplefilter("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    path, library = sys.argv[1:]
    if library in ("timm", "vit_pytorch"):
        absent.install()
    spec = importlib.util.spec_from_file_location("diagnose", path)
    inspector = importlib.util.module_from_spec(spec)
    sys.modules["diagnose"] = inspector
    spec.loader.exec_module(inspector)
    signal.signal(signal.SIGALRM, too_long)
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(visit(inspector.diagnose, library, line.rstrip("\n"))), file=out, flush=True)


if __name__ == "__main__":
    main()

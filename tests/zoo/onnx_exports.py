"""What is left of dropout in a model exported to ONNX: python onnx_exports.py

Small models that drop in eight ways are exported after train() and after eval(), with PyTorch's exporter of today
(dynamo=True) and the older one (dynamo=False, its defaults), and run by onnxruntime, with its optimisations, as it
comes, and without them, as the file is written. Prints a row of JSON for each: whether the exporter refused; Dropout
nodes, and those whose training_mode is true; the share of calls that drop, that is, differ from the model without
dropout; how many outputs differ; whether a second session gives the same ones again.
"""

import contextlib
import io
import itertools
import json
import time
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import nn

CALLS = 20
EXPORTERS = {"dynamo": True, "older": False}


class Made(nn.Module):
    """A linear layer, `drop(hidden, p, training)`, and another linear layer: (n, 16) -> (n, 4)."""

    def __init__(self, drop, p):
        super().__init__()
        self.drop, self.p, self.a, self.b = drop, p, nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.b(self.drop(self.a(x), self.p, self.training))


def attention(x, p, training):
    x = x[None]
    return F.scaled_dot_product_attention(x, x, x, dropout_p=p)[0]


def by_hand(x, p, training):
    return x * (torch.rand_like(x) >= p) / (1 - p) if training else x


def by_numpy(x, p, training):
    return x * torch.from_numpy(np.random.rand(*x.shape) >= p) / (1 - p) if training else x  # noqa: NPY002


class Recurrent(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.rnn = nn.LSTM(16, 4, 2, dropout=p)

    def forward(self, x):
        return self.rnn(x)[0]


class Last(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p)


LAYERS = {
    "nn.Dropout": lambda p: nn.Sequential(nn.Linear(16, 16), nn.Dropout(p), nn.Linear(16, 4)),
    "nn.TransformerEncoderLayer": lambda p: nn.TransformerEncoderLayer(16, 2, 32, p, batch_first=True),
    "nn.LSTM, two layers": Recurrent,
    "F.dropout without its mode": lambda p: Made(lambda x, p, training: F.dropout(x, p), p),
    "F.dropout without its mode, at the end": lambda p: nn.Sequential(nn.Linear(16, 16), Last(p)),
    "attention without its mode": lambda p: Made(attention, p),
    "a mask by torch.rand": lambda p: Made(by_hand, p),
    "a mask by NumPy": lambda p: Made(by_numpy, p),
}


def inputs(layer):
    x = torch.rand(8, 16, generator=torch.Generator().manual_seed(0))
    return x[None] if "Transformer" in layer else x


def built(layer, p=0.5):
    torch.manual_seed(0)
    return LAYERS[layer](p)


def exported(model, x, dynamo):
    """The graph as onnx reads it, or None where the exporter refuses."""
    file = io.BytesIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            made = torch.onnx.export(model, (x,), None if dynamo else file, dynamo=dynamo, verbose=False)
    except (torch.onnx.OnnxExporterError, torch.onnx.errors.OnnxExporterError, TypeError):
        return None
    return made.model_proto if dynamo else onnx.load_from_string(file.getvalue())


def trained_nodes(graph):
    """[whether its training_mode is true] of the Dropout nodes."""
    known = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            known[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    nodes = [node for node in graph.node if node.op_type == "Dropout"]
    return [len(node.input) > 2 and bool(known[node.input[2]]) for node in nodes]


def calls(made, x, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    """Outputs of CALLS calls in a session of its own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.graph_optimization_level = 1, level
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: x.numpy()}
    return [session.run(None, given)[0] for _ in range(CALLS)]


def measured(layer, training, dynamo):
    x, model = inputs(layer), built(layer).train(training)
    made = exported(model, x, dynamo)
    if made is None:
        return {"refused": [1]}
    nodes = trained_nodes(made.graph)
    with torch.no_grad():
        silent = built(layer, 0.0).eval()(x).numpy()
    found = {"refused": [0], "nodes": [len(nodes)], "training_mode": [sum(nodes)]}
    levels = onnxruntime.GraphOptimizationLevel
    for how, level in {"": levels.ORT_ENABLE_ALL, "written ": levels.ORT_DISABLE_ALL}.items():
        one, two = calls(made, x, level), calls(made, x, level)
        found[how + "drops"] = [float(np.mean([not np.allclose(y, silent, atol=1e-4) for y in one]))]
        found[how + "distinct"] = [len({y.tobytes() for y in one})]
        found[how + "again"] = [int(all(map(np.array_equal, one, two)))]
    return found


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    onnxruntime.set_seed(0)
    np.random.seed(0)  # noqa: NPY002
    for layer, made, exporter in itertools.product(LAYERS, ("train", "eval"), EXPORTERS):
        started = time.perf_counter()
        result = measured(layer, made == "train", EXPORTERS[exporter])
        row = {"setting": {"layer": layer, "made": made, "exporter": exporter}, "result": result}
        print(json.dumps(row | {"seconds": round(time.perf_counter() - started, 1)}), flush=True)


if __name__ == "__main__":
    main()

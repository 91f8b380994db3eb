"""Networks of published tables, to be trained on the data that the tables are about. run.py takes the functions out of
this file as it takes others out of notebooks, and gives them `images` of idx.py."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DEVICE = "cpu"


def perceptron(sizes, p_in, p_hidden):
    """A ReLU network with dropout on its inputs and on its hidden layers."""
    layers = [nn.Dropout(p_in), nn.Linear(sizes[0], sizes[1])]
    for d_in, d_out in zip(sizes[1:], sizes[2:]):
        layers += [nn.ReLU(), nn.Dropout(p_hidden), nn.Linear(d_in, d_out)]
    return nn.Sequential(*layers)


@torch.no_grad()
def bound(model, longest):
    """Scale the incoming weights of each unit down to the norm `longest` where they are longer (max-norm)."""
    for layer in model:
        if isinstance(layer, nn.Linear):
            norm = layer.weight.norm(dim=1, keepdim=True).clamp(min=1e-12)
            layer.weight.mul_((longest / norm).clamp(max=1))


@torch.no_grad()
def wrong(model, x, y):
    """Share of wrong answers, and log-loss, without dropout."""
    logits = torch.cat([model.eval()(part) for part in x.split(5000)])
    return (logits.argmax(-1) != y).double().mean().item(), F.cross_entropy(logits, y).item()


def digit_perceptron(lr, seed, p_in=0.0, p_hidden=0.0, longest=0.0, decay=0.0, width=800, depth=2, epochs=100,
                     n_train=50_000, batch_size=100, momentum=0.9, test=False):  # fmt: skip
    """Train one network on the first n_train of the shuffled MNIST training images; SGD with momentum, the rate falling
    to 0 along a cosine. {"val_error": [%], "val_loss", "train_loss"} on 10,000 others; the test images are opened only
    with `test`: "test_error". `decay` is L2 in the gradient, `longest` max-norm; 0 means without."""
    torch.manual_seed(seed)
    x, y = (torch.tensor(values) for values in images("mnist"))  # noqa: F821 - from idx.py
    order = torch.tensor(np.random.default_rng(seed).permutation(len(x)))
    val, train = order[:10_000], order[10_000 : 10_000 + n_train]
    x, y = (x.flatten(1).float() / 255).to(DEVICE), y.to(DEVICE)
    model = perceptron((x.shape[1], *depth * [width], 10), p_in, p_hidden).to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=decay)
    steps = epochs * (len(train) // batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: (1 + math.cos(math.pi * k / steps)) / 2)
    for _ in range(epochs):
        for rows in train[torch.randperm(len(train))].split(batch_size)[: steps // epochs]:
            optimizer.zero_grad()
            F.cross_entropy(model.train()(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
            if longest:
                bound(model, longest)
    (val_error, val_loss), (_, train_loss) = wrong(model, x[val], y[val]), wrong(model, x[train], y[train])
    found = {"val_error": [100 * val_error], "val_loss": [val_loss], "train_loss": [train_loss]}
    if test:
        x, y = (torch.tensor(values) for values in images("mnist", "t10k"))  # noqa: F821
        found["test_error"] = [100 * wrong(model, (x.flatten(1).float() / 255).to(DEVICE), y.to(DEVICE))[0]]
    return found

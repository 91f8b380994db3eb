# The preamble opens every chapter: run it and read on. The chapter itself
# starts below.
import math
import time
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits
from torch import nn

# layers and matrices this small gain nothing from more, and wait for them on a
# busy machine
torch.set_num_threads(1)
threadpool_limits(1)  # of NumPy

# One colour for one thing through the whole book; dashed is training data,
# solid is held-out data.
PLAIN, DROPOUT, EXACT, OTHER, GREY = ("#0072B2", "#BF4B08", "#00805F",
                                      "#8250AA", "#6B7280")
plt.rcParams.update({"figure.figsize": (5.4, 3.2), "figure.dpi": 160,
                     "figure.constrained_layout.use": True,
                     "axes.titlesize": 11, "axes.titleweight": "bold",
                     "axes.titlelocation": "left", "axes.grid": True,
                     "grid.color": "#E5E7EB", "axes.axisbelow": True,
                     "axes.spines.top": False, "axes.spines.right": False})

def digits(n_train, n_seeds=16, wrong=0.0, seed=0):
    """n_seeds splits of scikit-learn's 1797 digits, {"train" | "val" | \
"test": (x, y)}, held-out 300 and 500.

    x (n_seeds, n, 64) lies in [0, 1]; a share `wrong` of each training set's \
labels y (n_seeds, n) is made wrong.
    """
    if not 1 <= n_train <= 997 or not 0 <= wrong <= 1:
        raise ValueError("need 1 <= n_train <= 997 and 0 <= wrong <= 1, got "
                         f"{n_train} and {wrong}")
    rng, (x, y) = np.random.default_rng(seed), load_digits(return_X_y=True)
    order = np.stack([rng.permutation(len(y)) for _ in range(n_seeds)])
    parts = {"test": order[:, :500], "val": order[:, 500:800],
             "train": order[:, 800:800 + n_train]}
    labels = {name: y[rows] for name, rows in parts.items()}
    flips = round(wrong * n_train)  # the first rows will do: they are shuffled
    labels["train"][:, :flips] = (
        labels["train"][:, :flips] + rng.integers(1, 10, (n_seeds, flips))) % 10
    return {name: (torch.tensor(x[rows] / 16).float(),
                   torch.tensor(labels[name])) for name, rows in parts.items()}

class Linear(nn.Module):
    """n_seeds independent nn.Linear layers side by side: (n_seeds, n, d_in) \
-> (n_seeds, n, d_out)."""
    def __init__(self, n_seeds, d_in, d_out):
        super().__init__()
        self.weight = nn.Parameter(
            torch.empty(n_seeds, d_in, d_out).uniform_(-1, 1) / d_in**0.5)
        self.bias = nn.Parameter(
            torch.empty(n_seeds, 1, d_out).uniform_(-1, 1) / d_in**0.5)

    def forward(self, x):
        return torch.baddbmm(self.bias, x, self.weight)

def mlp(n_seeds, sizes=(64, 256, 256, 10), p=0.0):
    """n_seeds independent ReLU networks; dropout (p = probability to drop) \
after each hidden layer."""
    layers = [(Linear(n_seeds, i, o), nn.ReLU(), nn.Dropout(p))
              for i, o in zip(sizes, sizes[1:])]
    return nn.Sequential(*sum(layers, ())[:-2])

def log_loss(model, x, y):
    """Log-loss in nats of each example: (n_seeds, n)."""
    return F.cross_entropy(model(x).transpose(1, 2), y, reduction="none")

@torch.no_grad()
def evaluate(model, x, y):
    """Log-loss and error (share of wrong answers) of each seed, without \
dropout: two (n_seeds,) arrays."""
    model.eval()
    return (log_loss(model, x, y).mean(1).numpy(),
            (model(x).argmax(-1) != y).double().mean(1).numpy())

def train(model, data, steps=1000, lr=1e-3, batch_size=64, every=100, seed=0):
    """Train all seeds at once with Adam; returns arrays "step", "train_loss", \
"train_error", "val_loss", "val_error".

    Each but "step" has shape (records, n_seeds): one record every `every` \
steps, the first before any step.
    """
    names = ("step", "train_loss", "train_error", "val_loss", "val_error")
    torch.manual_seed(seed)  # for the masks
    batches, (x, y), history = (torch.Generator().manual_seed(seed),
                                data["train"], [])
    optimizer, rows = (torch.optim.Adam(model.parameters(), lr=lr, fused=True),
                       torch.arange(len(x))[:, None])
    for step in range(steps + 1):
        if step % every == 0:
            history.append((step, *evaluate(model, x, y),
                            *evaluate(model, *data["val"])))
        if step == steps:
            return dict(zip(names, map(np.array, zip(*history))))
        i = torch.randint(x.shape[1], (len(x), batch_size), generator=batches)
        optimizer.zero_grad()
        log_loss(model.train(), x[rows, i], y[rows, i]).mean(1).sum().backward()
        optimizer.step()

def mean_ci(values):
    """Mean over the seeds (last axis) and half-width of its 95 % confidence
    interval (Student's t, n >= 5)."""
    z, v = NormalDist().inv_cdf(0.975), np.shape(values)[-1] - 1
    # Abramowitz & Stegun 26.7.5
    t = (z + (z**3 + z) / (4*v) + (5*z**5 + 16*z**3 + 3*z) / (96*v**2)
         + (3*z**7 + 19*z**5 + 17*z**3 - 15*z) / (384*v**3))
    return (np.mean(values, -1),
            t * np.std(values, -1, ddof=1) / math.sqrt(v + 1))

def band(ax, x, values, color, label="", dashed=False):
    """Draw the mean of values (len(x), n_seeds) over the seeds with its 95 %
    interval, labelled at its end."""
    mean, half = mean_ci(values)
    ax.plot(x, mean, "--" if dashed else "-", color=color)
    ax.fill_between(x, mean - half, mean + half, color=color, alpha=0.2, lw=0)
    ax.annotate(f" {label}", (x[-1], mean[-1]), color=color, va="center",
                annotation_clip=False)

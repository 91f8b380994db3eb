"""Networks of published tables and figures, to be trained on the data that these are about, or on data like them.
run.py takes the functions out of this file as it takes others out of notebooks, and gives them `images` of idx.py."""

import hashlib
import math
import re
import unicodedata

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DEVICE = "cpu"


def pictures(part="train"):
    """The MNIST images of a part, pixels (n, 784) in [0, 1], and their labels."""
    x, y = (torch.tensor(values) for values in images("mnist", part))  # noqa: F821 - from idx.py
    return (x.flatten(1).float() / 255).to(DEVICE), y.to(DEVICE)


def parts(seed, n_train):
    """The training images and their labels, and the rows of two parts, in an order of the seed's: the first sixth for
    validation, and the last n_train to learn from. With more than 50,000 of the 60,000 nothing is held out: for the
    last training only."""
    x, y = pictures()
    order = torch.tensor(np.random.default_rng(seed).permutation(len(x)), device=DEVICE)
    return x, y, order[: len(x) // 6], order[-n_train:]


@torch.no_grad()
def measured(model, x, y):
    """Share of wrong answers in %, and log-loss in nats, without dropout."""
    logits = torch.cat([model.eval()(part) for part in x.split(1000)])
    return 100 * (logits.argmax(-1) != y).double().mean().item(), F.cross_entropy(logits, y).item()


def found(model, x, y, val, train, test):
    """What a training gave: {"train_loss": [value]}, "val_error" and "val_loss" if images were held out, and of the
    test images, which are opened only with `test`, "test_error" and "test_loss"."""
    result = {"train_loss": [measured(model, x[train[:10_000]], y[train[:10_000]])[1]]}
    if len(val) + len(train) <= len(x):
        error, loss = measured(model, x[val], y[val])
        result |= {"val_error": [error], "val_loss": [loss]}
    if test:
        error, loss = measured(model, *pictures("t10k"))
        result |= {"test_error": [error], "test_loss": [loss]}
    return result


def perceptron(sizes, p_in, p_hidden):
    """A ReLU network with dropout on its inputs and on its hidden layers; none where its p is 0."""
    layers = [nn.Dropout(p_in)] * (p_in > 0) + [nn.Linear(sizes[0], sizes[1])]
    for d_in, d_out in zip(sizes[1:], sizes[2:]):
        layers += [nn.ReLU(inplace=True), *[nn.Dropout(p_hidden)] * (p_hidden > 0), nn.Linear(d_in, d_out)]
    return nn.Sequential(*layers)


@torch.no_grad()
def bound(model, longest):
    """Scale the incoming weights of each unit down to the norm `longest` where they are longer (max-norm)."""
    for layer in model:
        if isinstance(layer, nn.Linear):
            norm = layer.weight.norm(dim=1, keepdim=True).clamp_(min=1e-12)
            layer.weight.mul_((longest / norm).clamp_(max=1))


def digit_perceptron(lr, seed, p_in=0.0, p_hidden=0.0, longest=0.0, decay=0.0, width=800, depth=2, epochs=20,
                     n_train=50_000, batch_size=100, momentum=0.9, test=False):  # fmt: skip
    """Train one network on n_train MNIST images; SGD with momentum, the rate falling to 0 along a cosine. `decay` is L2
    in the gradient, `longest` max-norm; 0 means without. Weights and batches of a seed are the same for every p."""
    x, y, val, train = parts(seed, n_train)
    torch.manual_seed(seed)
    model = perceptron((x.shape[1], *depth * [width], 10), p_in, p_hidden).to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=decay, fused=True)
    each, batches = n_train // batch_size, torch.Generator().manual_seed(seed)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * each)
    for _ in range(epochs):
        for rows in train[torch.randperm(n_train, generator=batches)].split(batch_size)[:each]:
            optimizer.zero_grad()
            F.cross_entropy(model.train()(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
            if longest:
                bound(model, longest)
    return found(model, x, y, val, train, test)


class Block(nn.Module):
    """A Transformer's block: tokens look at each other, then each is worked on alone; (batch, tokens, d) as it was.
    Dropout in the usual places of a vision Transformer: after attention and after both linear layers."""

    def __init__(self, d, heads, p):
        super().__init__()
        self.heads, self.before, self.between = heads, nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Sequential(nn.Linear(d, d), nn.Dropout(p))
        self.alone = nn.Sequential(
            nn.Linear(d, 4 * d), nn.GELU(), nn.Dropout(p), nn.Linear(4 * d, d), nn.Dropout(p),
        )  # fmt: skip

    def forward(self, x):
        q, k, v = self.qkv(self.before(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.alone(self.between(x))


class VisionTransformer(nn.Module):
    """Pixels (batch, 784) in 16 patches of 7 by 7, their places, blocks, the mean over the patches, ten logits."""

    def __init__(self, d, depth, heads, p):
        super().__init__()
        self.patch, self.place, self.drop = nn.Linear(49, d), nn.Parameter(torch.randn(16, d) * 0.02), nn.Dropout(p)
        self.blocks = nn.Sequential(*(Block(d, heads, p) for _ in range(depth)))
        self.read_out = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 10))

    def forward(self, x):
        patches = x.view(-1, 4, 7, 4, 7).transpose(2, 3).flatten(3).flatten(1, 2)
        return self.read_out(self.blocks(self.drop(self.patch(patches) + self.place)).mean(1))


def digit_transformer(lr, seed, kind="none", p=0.1, share=1 / 6, steps=600, d=48, depth=2, heads=4, batch_size=128,
                      n_train=50_000, decay=0.05, test=False):  # fmt: skip
    """Train one vision Transformer on MNIST images; AdamW, a tenth of the steps to warm up, then a cosine. `kind` says
    how dropout goes: "none", "standard" (p at every step), "early" (p falls to 0 along a line until a share of the
    steps is over)."""
    x, y, val, train = parts(seed, n_train)
    torch.manual_seed(seed)
    model = VisionTransformer(d, depth, heads, p).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay, fused=True)
    rise, batches = max(1, steps // 10), torch.Generator().manual_seed(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min(1, (k + 1) / rise) * (1 + math.cos(math.pi * k / steps)) / 2
    )
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Dropout)]
    for step in range(steps):
        now = {"none": 0.0, "standard": p, "early": p * max(0.0, 1 - step / (share * steps))}[kind]
        for layer in layers:
            layer.p = now
        rows = train[torch.randint(n_train, (batch_size,), generator=batches)]
        optimizer.zero_grad()
        F.cross_entropy(model.train()(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    return found(model, x, y, val, train, test)


def names(longest):
    """Names of characters in Unicode 3.2, which every Python has, as rows of letters: a beginning, the name or its
    first `longest` letters, an end; 0 is the end and what follows it. (n, longest + 2), and the number of letters."""
    every = (unicodedata.ucd_3_2_0.name(chr(code), "") for code in range(0x20000))
    formula = ("HANGUL SYLLABLE", "YI SYLLABLE", "MATHEMATICAL")
    texts = sorted({name for name in every if re.fullmatch("[A-Z -]+", name) and not name.startswith(formula)})
    if hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] != "99db8c823d8b9881":
        raise ValueError("not the names of Unicode 3.2")
    letters = "\n" + "".join(sorted(set("".join(texts))))
    codes = [[0, *map(letters.index, text[:longest])] for text in texts]
    return torch.tensor([row + [0] * (longest + 2 - len(row)) for row in codes]), len(letters)


class LetterLSTM(nn.Module):
    """A language model: letters (batch, time) -> logits of the next ones. Dropout p between its layers, before the
    first and after the last; `masks` says which: "each step" draws one for each time, "state too" drops the state that
    is carried on as well, "one" is as "state too" with one mask for all times of a text (Gal & Ghahramani 2016)."""

    def __init__(self, letters, width, depth, masks, p):
        super().__init__()
        self.letter, self.read_out, self.masks = nn.Embedding(letters, width), nn.Linear(width, letters), masks
        self.layers, self.drop = nn.ModuleList(nn.LSTM(width, width) for _ in range(depth)), nn.Dropout(p)

    def mask(self, x):
        """A mask for x (time, batch, width), already scaled."""
        return self.drop(torch.ones_like(x[:1] if self.masks == "one" else x)).expand_as(x)

    def forward(self, letters):
        x = self.letter(letters.T)
        for layer in self.layers:
            if self.masks == "each step":
                x = layer(x * self.mask(x))[0]
                continue
            gates = F.linear(x * self.mask(x), layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
            carried = self.mask(x)
            h, c, outputs = torch.zeros_like(x[0]), torch.zeros_like(x[0]), []
            for now, kept in zip(gates, carried):
                i, f, g, o = (now + (h * kept) @ layer.weight_hh_l0.T).chunk(4, -1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                outputs.append(h)
            x = torch.stack(outputs)
        return self.read_out(x * self.mask(x)).transpose(0, 1)


def next_letter(model, texts):
    """Mean log-loss of a letter, in nats; the end of a text counts, what follows it does not."""
    ahead, logits = texts[:, 1:], model(texts[:, :-1])
    ended = (ahead == 0).cumsum(1) - (ahead == 0).long() > 0
    return F.cross_entropy(logits.flatten(0, 1), ahead.masked_fill(ended, -100).flatten())


def letter_lstm(lr, seed, masks="each step", p=0.0, width=128, depth=2, n_train=1000, epochs=40, batch_size=50,
                longest=32, test=False):  # fmt: skip
    """Train one LSTM on n_train names with Adam, and keep it as it was after the epoch that was best on 500 others:
    {"val_perplexity", "val_last" (after the last epoch), "epoch"}; with `test`, on 2,000 more, "test_perplexity"."""
    texts, letters = names(longest)
    texts = texts[np.random.default_rng(seed).permutation(len(texts))].to(DEVICE)
    val, held, train = texts[:500], texts[500:2500], texts[2500 : 2500 + n_train]
    torch.manual_seed(seed)
    model, batches = LetterLSTM(letters, width, depth, masks, p).to(DEVICE), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    best = math.inf
    for epoch in range(epochs):
        for rows in torch.randperm(n_train, generator=batches).split(batch_size):
            optimizer.zero_grad()
            next_letter(model.train(), train[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            last = next_letter(model.eval(), val).item()
        if last < best:
            best, after = last, epoch + 1
            weights = {name: value.clone() for name, value in model.state_dict().items()}
    result = {"val_perplexity": [math.exp(best)], "val_last": [math.exp(last)], "epoch": [after]}
    if test:
        model.load_state_dict(weights)
        with torch.no_grad():
            result["test_perplexity"] = [math.exp(next_letter(model.eval(), held).item())]
    return result

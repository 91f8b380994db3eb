"""Chapter 13's inspector: sound models, planted faults, what it leaves behind, its cost, and diagnose.py."""

import collections
import copy
import importlib.util
import math
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import book_program
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn

from notebook import ROOT, load, read

NAME = "13-field-guide"


@pytest.fixture(scope="module")
def chapter():
    return load(NAME)


# Models as they are written in earnest.


class DropPath(nn.Module):
    """Stochastic depth, one coin for each example, as users write it; `scaled=False` forgets the factor."""

    def __init__(self, drop_prob, scaled=True, always=False):
        super().__init__()
        self.drop_prob, self.scaled, self.always = drop_prob, scaled, always

    def forward(self, x):
        if not (self.training or self.always) or self.drop_prob == 0:
            return x
        mask = torch.rand((len(x),) + (1,) * (x.ndim - 1)) >= self.drop_prob
        return x * mask / (1 - self.drop_prob if self.scaled else 1)


class BasicBlock(nn.Module):
    """torchvision's, with a place for dropout between the convolutions and for stochastic depth."""

    expansion = 1

    def __init__(self, c_in, c, stride=1, drop=0.0, path=0.0):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c_in, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.relu, self.drop, self.path = nn.ReLU(inplace=True), nn.Dropout(drop), DropPath(path)
        self.downsample = None
        if stride != 1 or c_in != c:
            self.downsample = nn.Sequential(nn.Conv2d(c_in, c, 1, stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.drop(self.relu(self.bn1(self.conv1(x))))
        out = self.path(self.bn2(self.conv2(out)))
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    """torchvision's."""

    expansion = 4

    def __init__(self, c_in, c, stride=1, drop=0.0, path=0.0):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c_in, c, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
        self.relu, self.drop, self.path = nn.ReLU(inplace=True), nn.Dropout2d(drop), DropPath(path)
        self.downsample = nn.Sequential(nn.Conv2d(c_in, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

    def forward(self, x):
        out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        out = self.path(self.bn3(self.conv3(self.drop(out))))
        return self.relu(out + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, block=BasicBlock, head=0.0, last=0.0, drop=0.0, path=0.0, zero=False):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        e = block.expansion
        self.layers = nn.Sequential(
            nn.Sequential(block(4, 4, 1, drop, path), block(4 * e, 4, 1, 0.0, path)),
            nn.Sequential(block(4 * e, 8, 2, 0.0, path)),
        )
        self.head, self.fc, self.last = nn.Dropout(head), nn.Linear(8 * e, 10), nn.Dropout(last)
        for name, module in self.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.uniform_(0.5, 2)
                nn.init.constant_(module.weight, 0 if zero and name.endswith("bn2") else 1)

    def forward(self, x):
        return self.last(self.fc(self.head(self.layers(self.stem(x)).mean((2, 3)))))


class Attention(nn.Module):
    def __init__(self, d, p, told=True):
        super().__init__()
        self.qkv, self.out, self.p, self.told = nn.Linear(d, 3 * d), nn.Linear(d, d), p, told

    def forward(self, x):
        q, k, v = (z.unflatten(2, (2, -1)).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        p = self.p if self.training or not self.told else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True).transpose(1, 2).flatten(2)
        return F.dropout(self.out(y), self.p, self.training)


class GPT(nn.Module):
    """Pre-norm blocks, functional dropout, tied weights: the logits come from no module."""

    def __init__(self, p=0.1, told=True, d=16, blocks=2, always=False):
        super().__init__()
        self.embed, self.place, self.drop = nn.Embedding(20, d), nn.Parameter(torch.zeros(32, d)), nn.Dropout(p)
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(2 * blocks + 1))
        self.attend = nn.ModuleList(Attention(d, p, told) for _ in range(blocks))
        self.feed = nn.ModuleList(
            nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d), nn.Dropout(p)) for _ in range(blocks)
        )
        self.path = DropPath(p, always=always)  # one module, used many times

    def forward(self, ids):
        x = self.drop(self.embed(ids) + self.place[: ids.shape[1]])
        for i, (attend, feed) in enumerate(zip(self.attend, self.feed)):
            x = x + self.path(attend(self.norms[2 * i](x)))
            x = x + self.path(feed(self.norms[2 * i + 1](x)))
        return {"logits": F.linear(self.norms[-1](x), self.embed.weight), "hidden": x}


class PostNorm(nn.Module):
    def __init__(self, d=16, p=0.1):
        super().__init__()
        self.attention = nn.MultiheadAttention(d, 2, dropout=p, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Dropout(p), nn.Linear(32, d))
        self.norm1, self.norm2, self.drop = nn.LayerNorm(d), nn.LayerNorm(d), nn.Dropout(p)

    def forward(self, x):
        x = self.norm1(x + self.drop(self.attention(x, x, x, need_weights=False)[0]))
        return self.norm2(x + self.drop(self.feed(x)))


class Around(nn.Module):
    """A model of one function, with layers to use in it."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleDict(layers)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def functional(p, training=None, where="hidden"):
    """Linear, F.dropout, Linear; or the dropout at the end."""

    def forward(model, x):
        on = model.training if training is None else training
        h = model.layers["a"](x)
        h = F.dropout(h, p, on) if where == "hidden" else h
        y = model.layers["b"](h)
        return F.dropout(y, p, on) if where == "end" else y

    return Around(forward, a=nn.Linear(16, 16), b=nn.Linear(16, 6))


def own_generator(p=0.5):
    generator = torch.Generator().manual_seed(0)
    return Around(lambda model, x: x * (torch.rand(x.shape, generator=generator) >= p))


def by_other_dice(draw):
    """A layer that drops by Python's or NumPy's generator, in evaluation too."""
    return Around(lambda model, x: model.layers["a"](x) * (draw() > 0.5), a=nn.Linear(16, 6))


def add_in_place(model, x):
    """A pre-activation branch, added into the tensor that the norm has read."""
    x = model.layers["a"](x)
    x += F.dropout(model.layers["n"](x), 0.5, model.training)
    return x


class Counter(nn.Module):
    """The identity; it writes into one buffer and replaces the other."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(8))

    def forward(self, x):
        self.calls += 1
        self.last = x.mean(0)
        return x


def inputs():
    g = torch.Generator().manual_seed(1)
    return {
        "images": (torch.rand(4, 3, 8, 8, generator=g),),
        "ids": (torch.randint(20, (4, 12), generator=g),),
        "tokens": (torch.rand(4, 6, 16, generator=g),),
        "rows": (torch.rand(8, 16, generator=g),),
        "qkv": tuple(torch.rand(4, 6, 16, generator=g) for _ in range(3)),
    }


def with_head(*layers):
    return nn.Sequential(nn.Linear(16, 8), *layers, nn.Linear(8, 4))


# name: (kind of input, how to build it, the findings expected as {(where, the beginning of what)})
ZOO = {
    "resnet": ("images", lambda: ResNet(), set()),
    "resnet, dropout before the head": ("images", lambda: ResNet(head=0.5), set()),
    "resnet, zero-initialised branches": ("images", lambda: ResNet(head=0.5, zero=True), set()),
    "bottlenecks": ("images", lambda: ResNet(Bottleneck, head=0.2), set()),
    "gpt": ("ids", lambda: GPT(), set()),
    "post-norm": ("tokens", lambda: PostNorm(), set()),
    "encoder": ("tokens", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2,
                                                        enable_nested_tensor=False), set()),
    "pre-norm encoder layer": ("tokens", lambda: nn.TransformerEncoderLayer(16, 2, 32, norm_first=True), set()),
    "decoder layer": ("qkv", lambda: Around(lambda m, a, b, _: m.layers["d"](a, b),
                                            d=nn.TransformerDecoderLayer(16, 2, 32)), set()),
    "attention": ("qkv", lambda: nn.MultiheadAttention(16, 1, dropout=0.5), set()),
    "lstm": ("tokens", lambda: nn.LSTM(16, 8, 2, dropout=0.5), set()),
    "gru without dropout": ("tokens", lambda: nn.GRU(16, 8, 1), set()),
    "functional": ("rows", lambda: functional(0.5), set()),
    "alpha": ("rows", lambda: with_head(nn.SELU(), nn.AlphaDropout(0.1)), set()),
    "stochastic depth": ("rows", lambda: with_head(DropPath(0.1)), set()),
    "random, not dropout": ("rows", lambda: with_head(nn.RReLU()), set()),
    "in place": ("rows", lambda: with_head(nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True)), set()),
    "in place on the input": ("rows", lambda: nn.Sequential(nn.Dropout(0.2, inplace=True), nn.Linear(16, 4)), set()),
    "ends in a ReLU": ("rows", lambda: nn.Sequential(with_head(nn.Dropout(0.5)), nn.ReLU()), set()),
    "deep stochastic depth": ("rows", lambda: with_head(DropPath(0.75)), set()),
    "a norm's input, changed later": ("rows", lambda: Around(add_in_place, a=nn.Linear(16, 16), n=nn.BatchNorm1d(16)),
                                      set()),
    "counts its calls": ("rows", lambda: with_head(Counter()), set()),
    "p = 0": ("rows", lambda: nn.Sequential(nn.Dropout(0), nn.BatchNorm1d(16), nn.Dropout(0)), set()),
    "no parameters": ("rows", lambda: nn.Sequential(), set()),
    "a lone dropout": ("rows", lambda: nn.Dropout(0.5), set()),
    # Faults
    "resnet, dropout in a block": ("images", lambda: ResNet(drop=0.2),
                                   {("layers.0.0.drop", "masks enter the statistics of layers.0.0.bn2 and 5 more")}),
    "bottlenecks, maps in a block": ("images", lambda: ResNet(Bottleneck, drop=0.2),
                                     {("layers.0.0.drop", "masks enter the statistics of layers.0.0.bn3")}),
    "resnet, stochastic depth": ("images", lambda: ResNet(path=0.1), {
        ("layers.0.0.path", "masks enter the statistics of layers.0.1.bn1 and 4 more")}),
    "resnet, dropout on logits": ("images", lambda: ResNet(last=0.2), {("last", "drops the model's output")}),
    "gpt, attention not told": ("ids", lambda: GPT(told=False), {("attend.0", "draws in evaluation")}),
    "gpt, stubborn path": ("ids", lambda: GPT(always=True), {("path", "draws in evaluation")}),
    "functional, not told": ("rows", lambda: functional(0.5, True), {("", "draws in evaluation")}),
    "functional at the end": ("rows", lambda: functional(0.5, where="end"), {("", "drops the model's output")}),
    "softmax after": ("rows", lambda: nn.Sequential(nn.Linear(16, 6), nn.Dropout(0.1), nn.Softmax(-1)),
                      {("1", "drops the model's output")}),
    "before a norm": ("rows", lambda: with_head(nn.Dropout(0.2), nn.BatchNorm1d(8)), {("1", "masks enter")}),
    "at the input": ("rows", lambda: nn.Sequential(nn.Dropout(0.2), with_head(nn.BatchNorm1d(8))),
                     {("0", "masks enter the statistics of 1.1")}),
    "functional before a norm": ("rows", lambda: Around(
        lambda m, x: m.layers["b"](m.layers["n"](F.dropout(x, 0.2, m.training))),
        n=nn.BatchNorm1d(16), b=nn.Linear(16, 4)),
        {("", "masks enter the statistics of layers.n")}),
    "rare on the logits": ("rows", lambda: nn.Sequential(nn.Linear(16, 2), nn.Dropout(0.01)),
                           {("1", "drops the model's output")}),
    "rare and not scaled": ("rows", lambda: with_head(DropPath(0.01, scaled=False), nn.BatchNorm1d(8)),
                            {("1", "masks enter the statistics of 2")}),
    "p = 0.9": ("rows", lambda: with_head(nn.Dropout(0.9)), {("1", "p = 0.9 keeps 10%")}),
    "path keeps little": ("rows", lambda: with_head(DropPath(0.9)), {("1", "p = 0.9 keeps 10%")}),
    "wrong scale": ("rows", lambda: with_head(DropPath(0.1, scaled=False)), {("1", "mean in training is 0.9")}),
    "own generator": ("rows", lambda: with_head(own_generator()), {("1", "draws in evaluation")}),
    "Python's dice": ("rows", lambda: by_other_dice(random.random), {("", "draws in evaluation")}),
    "NumPy's dice": ("rows", lambda: by_other_dice(np.random.random), {("", "draws in evaluation")}),
}  # fmt: skip


def build(name):
    kind, make, expected = ZOO[name]
    torch.manual_seed(0)
    random.seed(0)
    return make(), inputs()[kind], expected


def check_zoo(chapter, names=tuple(ZOO)):
    """The findings are those expected, no more, no fewer, whatever the modes before; and nothing is left behind."""
    for name in names:
        model, x, expected = build(name)
        for module in list(model.modules())[::2]:
            module.train(not module.training)
        before = chapter.everything(model, x)
        found = chapter.diagnose(model, *x)
        assert chapter.everything(model, x) == before, name
        assert all(any(f.where == w and f.what.startswith(t) for w, t in expected) for f in found), (name, found)
        assert len(found) == len(expected), (name, found)
        assert all(f.mend for f in found)


@pytest.mark.parametrize("name", ZOO)
def test_inspector(chapter, name):
    check_zoo(chapter, [name])


# Sound models, each the smallest of a kind that has raised a false alarm or an exception.


class AlphaByHand(nn.Module):
    """AlphaDropout as users write it."""

    def __init__(self, p=0.3):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        low, keep = -1.7580993408473766, 1 - self.p
        a = (keep + low**2 * keep * self.p) ** -0.5
        mask = torch.rand_like(x) < keep
        return a * torch.where(mask, x, torch.full_like(x, low)) - a * low * self.p


class Flagged(nn.Module):
    """A flag and a rate in hertz, with names that look like probabilities."""

    def __init__(self, **attributes):
        super().__init__()
        self.fc, self.drop = nn.Linear(16, 6), nn.Dropout(0.3)
        vars(self).update(attributes)

    def forward(self, x):
        return self.fc(self.drop(x) if self.dropout else x)


class Scaling(nn.Module):
    """Dropout of 2012: nothing in training, times 1 - p in evaluation."""

    def forward(self, x):
        return x * (torch.rand_like(x) >= 0.3) if self.training else x * 0.7


class DropBlock(nn.Module):
    """As in torchvision: rescaled in each call by what is kept."""

    def forward(self, x):
        if not self.training:
            return x
        seeds = torch.empty(*x.shape[:2], *(n - 2 for n in x.shape[2:])).bernoulli_(0.1)
        noise = 1 - F.max_pool2d(F.pad(seeds, [1] * 4), 3, stride=1, padding=1)
        return x * noise * (noise.numel() / (1e-6 + noise.sum()))


@dataclass
class Output:
    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None


class Auxiliary(nn.Module):
    """A second head that exists only in training."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(16, 8), nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x):
        h = F.dropout(self.a(x), 0.5, self.training)
        return {"out": self.b(h), "aux": self.c(h)} if self.training else {"out": self.b(h)}


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)

    def forward(self, x, pad):
        return self.encoder(x, src_key_padding_mask=pad)


class Caught(nn.Module):
    """A child that raises, and a parent that goes on."""

    def __init__(self):
        super().__init__()
        self.child, self.drop, self.fc = nn.Linear(3, 3), nn.Dropout(0.2), nn.Linear(16, 4)

    def forward(self, x):
        try:
            x = self.child(x)
        except RuntimeError:
            pass
        return self.fc(self.drop(x))


class Gradients(nn.Module):
    """The output is a gradient, as forces are."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))

    def forward(self, x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(self.net(x).sum(), x, create_graph=True)[0]


class LockedTime(nn.Module):
    """One mask for all times, (time, batch, units)."""

    def forward(self, x):
        return x * x.new_empty(1, *x.shape[1:]).bernoulli_(0.7) / 0.7 if self.training else x


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lock = nn.Embedding(20, 16), LockedTime()
        self.rnn, self.out = nn.LSTM(16, 8), nn.Linear(8, 4)

    def forward(self, ids):
        return self.out(self.rnn(self.lock(self.embed(ids)))[0])


class Sampler(nn.Module):
    """A variational autoencoder, which samples in evaluation on purpose."""

    def __init__(self):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(16, 4), nn.Linear(16, 4), nn.Linear(4, 16)

    def forward(self, x):
        mu, log_var = self.mu(x), self.log_var(x)
        return self.out(mu + torch.randn_like(mu) * (log_var / 2).exp()), mu, log_var


def layers(function, *more, **attributes):
    """A model of one function of (model, x), with three layers a: 16 -> 16, n: BatchNorm, b: 16 -> 6."""
    model = Around(function, a=nn.Linear(16, 16), n=nn.BatchNorm1d(16), b=nn.Linear(16, 6), **dict(more))
    vars(model).update(attributes)
    return model


def drop(model, x, p=0.5):
    return F.dropout(x, p, model.training)


def hooked():
    model = with_head(nn.Dropout(0.2))
    model.register_forward_hook(lambda module, args, output: output * 2)
    model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    return model


def frozen():
    model = nn.Sequential(nn.Linear(16, 8), nn.Dropout(0.2), nn.BatchNorm1d(8), nn.Linear(8, 4))
    model[2].eval()
    return model


def ema():
    """A tensor that is a part of a graph, as old-style weight norm leaves it, and a lock."""
    model = with_head(nn.Dropout(0.2))
    model.average, model.lock = model[0].weight * 1.0, threading.Lock()
    return model


X, IDS = torch.rand(8, 16, generator=torch.Generator().manual_seed(1)), torch.randint(20, (5, 3))
NAN = torch.full((8, 16), math.nan)
IMAGES = torch.rand(4, 8, 6, 6, generator=torch.Generator().manual_seed(2))
TOKENS = torch.rand(4, 6, 16, generator=torch.Generator().manual_seed(3))
PAD = torch.tensor([[False] * 6, [False] * 5 + [True], [False] * 6, [False] * 4 + [True] * 2])
SOUND = {
    "MNIST example of 2017": lambda: (layers(lambda m, x: m.layers["b"](drop(m, m.layers["a"](x))).log_softmax(-1)), X),
    "softmax on axis 1": lambda: (nn.Sequential(nn.Conv2d(8, 8, 1), nn.Dropout2d(0.5), nn.Conv2d(8, 4, 1),
                                                nn.Softmax(1)), IMAGES),
    "GCN": lambda: (layers(lambda m, x: F.log_softmax(ADJACENT @ m.layers["b"](drop(m, F.relu(
        ADJACENT @ m.layers["a"](drop(m, x))))), 1)), X),
    "head before a softmax": lambda: (nn.Sequential(with_head(nn.Dropout(0.2)), nn.Softmax(-1)), X),
    "sigmoid head": lambda: (nn.Sequential(with_head(nn.Dropout(0.2)), nn.Sigmoid()), X),
    "alpha by hand": lambda: (with_head(nn.SELU(), AlphaByHand()), X),
    "alpha alone": lambda: (AlphaByHand(), X),
    "word dropout": lambda: (Around(lambda m, ids: m.layers["o"](m.layers["n"](m.layers["e"](
        ids.masked_fill(torch.rand(ids.shape) < 0.2, 1) if m.training else ids).mean(0))),
        e=nn.Embedding(20, 16), n=nn.BatchNorm1d(16), o=nn.Linear(16, 4)), IDS),
    "input noise": lambda: (layers(lambda m, x: m.layers["b"](m.layers["n"](
        x + 0.1 * torch.randn_like(x) if m.training else x))), X),
    "cutout": lambda: (layers(lambda m, x: m.layers["b"](m.layers["n"](
        x * (torch.rand_like(x) > 0.2) if m.training else x))), X),
    "NaN in the data": lambda: (nn.Sequential(nn.BatchNorm1d(16), with_head(nn.Dropout(0.5))), NAN),
    "NaN in the output": lambda: (layers(lambda m, x: m.layers["b"](drop(m, x)) / 0 * 0), X),
    "frozen BatchNorm": lambda: (frozen(), X),
    "a flag": lambda: (Flagged(dropout=True, rate=16000), X),
    "scaled in evaluation": lambda: (with_head(Scaling()), X),
    "DropBlock": lambda: (nn.Sequential(nn.Conv2d(8, 8, 1), DropBlock(), nn.Conv2d(8, 4, 1)), IMAGES),
    "dropout, then stochastic depth": lambda: (layers(lambda m, x: m.layers["b"](x + m.layers["p"](
        drop(m, m.layers["a"](x)))), ("p", DropPath(0.1))), X),
    "locked over time": lambda: (Recurrent(), IDS),
    "samples on purpose": lambda: (Sampler(), X),
    "nested tensors": lambda: (Padded(), TOKENS, PAD),
    "auxiliary head": lambda: (Auxiliary(), X),
    "data class": lambda: (layers(lambda m, x: Output(logits=m.layers["b"](drop(m, x)))), X),
    "distribution": lambda: (layers(lambda m, x: torch.distributions.Categorical(
        logits=m.layers["b"](drop(m, x)))), X),
    "nested dicts": lambda: (layers(lambda m, x: {"a": [m.layers["b"](drop(m, x["x"][0])), None], "b": (1, "c")}),
                             {"x": [X]}),
    "lists": lambda: (layers(lambda m, xs: m.layers["b"](drop(m, torch.stack(xs).mean(0)))), [X, X + 1]),
    "lazy": lambda: (nn.Sequential(nn.LazyLinear(8), nn.Dropout(0.2), nn.LazyLinear(4)), X),
    "sparse": lambda: (layers(lambda m, x: m.layers["b"](drop(m, x)).to_sparse()), X),
    "vmap": lambda: (layers(lambda m, x: torch.vmap(m.layers["b"])(drop(m, x))), X),
    "vmap, drawn inside": lambda: (layers(lambda m, x: m.layers["b"](torch.vmap(
        lambda row: drop(m, row), randomness="different")(x))), X),
    "script": lambda: (torch.jit.script(with_head(nn.Dropout(0.2))), X),
    "a child raises": lambda: (Caught(), X),
    "gradients inside": lambda: (Gradients(), X),
    "hooks on the root": lambda: (hooked(), X),
    "cannot be copied": lambda: (ema(), X),
    "old weight norm": lambda: (nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(16, 8)), nn.Dropout(0.2),
                                              nn.Linear(8, 4)), X),
    "keeps all in evaluation": lambda: (layers(lambda m, x: m.layers["b"](
        m.layers["a"](x) * (torch.rand(8, 16) >= 0.2 * m.training) / (0.8 if m.training else 1))), X),
    "fused, as on a GPU": lambda: (layers(lambda m, x: m.layers["b"](torch.native_dropout(x, 0.3, m.training)[0])), X),
    "uniform_, the other way round": lambda: (layers(lambda m, x: m.layers["b"](x * (
        0.3 <= 1 - torch.empty(8, 16).uniform_()) / 0.7 if m.training else x)), X),
    "masked autoencoder": lambda: (layers(lambda m, x: m.layers["b"](
        x[torch.rand(8).argsort()[:4]] if m.training else x)), X),
    "layers skipped by a coin": lambda: (layers(lambda m, x: m.layers["b"](
        x if m.training and torch.rand(()) < 0.5 else m.layers["a"](x))), X),
    "a sample around the output": lambda: (layers(lambda m, x: torch.normal(m.layers["b"](x), 0.1)), X),
    "noise on a level": lambda: (layers(lambda m, x: m.layers["b"](x + torch.rand(8, 1).log() * m.training)), X),
    "set back in training": lambda: (Overwritten(True), X),
    "a rate that a function gets": lambda: (layers(lambda m, x: m.layers["b"](drop(m, x, m.layers["d"].p)),
                                                   ("d", nn.Dropout(0.3))), X),
    "generic alias": lambda: (Flagged(dropout=True, kind=collections.OrderedDict[str, int]), X),
    "scaled behind": lambda: (layers(lambda m, x: m.layers["b"](drop(m, m.layers["a"](x)) * 0.3)), X),
    "divided, then dropped": lambda: (layers(lambda m, x: m.layers["b"](
        m.layers["a"](x).div(0.7) * (0.7 + torch.rand(8, 1)).floor_() if m.training else m.layers["a"](x))), X),
    "dropout, old stochastic depth": lambda: (layers(lambda m, x: m.layers["b"](drop(m, m.layers["a"](x)).div(0.7) * (
        0.7 + torch.rand(8, 1)).floor_() if m.training else m.layers["a"](x))), X),
    "a loss": lambda: (layers(lambda m, x: F.cross_entropy(m.layers["b"](drop(m, x)), torch.zeros(8).long())), X),
    "one example": lambda: (with_head(nn.Dropout(0.5)), X[:1]),
    "integers": lambda: (layers(lambda m, x: m.layers["b"](drop(m, x)).argmax(-1)), X),
    "checkpointed": lambda: (layers(lambda m, x: m.layers["b"](torch.utils.checkpoint.checkpoint(
        lambda z: drop(m, m.layers["a"](z)), x, use_reentrant=False))), X),
    "DropConnect": lambda: (layers(lambda m, x: F.linear(x, drop(m, m.layers["b"].weight, 0.2))), X),
    "Gaussian": lambda: (layers(lambda m, x: m.layers["b"](
        x * (1 + 0.5 * torch.randn_like(x)) if m.training else x)), X),
    "DropKey": lambda: (layers(lambda m, x: (x @ x.T).masked_fill(
        (torch.rand(8, 8) < 0.2) & m.training, -math.inf).softmax(-1) @ m.layers["b"](x)), X),
    "T5": lambda: (layers(lambda m, x: drop(m, F.layer_norm(m.layers["a"](x), (16,)))), X),
}  # fmt: skip
ADJACENT = torch.eye(8) + torch.eye(8).roll(1, 0)


def check_sound(chapter, names=tuple(SOUND)):
    """Nothing is found, nothing raised, nothing left behind."""
    for name in names:
        torch.manual_seed(0)
        model, *x = SOUND[name]()
        before = chapter.everything(model, x)
        report = chapter.diagnose(model, *x)
        assert chapter.everything(model, x) == before, name
        assert report == [], (name, str(report))
        assert str(report).startswith("who draws:")


@pytest.mark.parametrize("name", SOUND)
def test_no_false_alarm(chapter, name):
    check_sound(chapter, [name])


# Faults, each the smallest of its kind: {name: (the model and its inputs, where, what)}


class Unscaled(nn.Module):
    """A layer with weights that forgets the factor."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(16, 16)

    def forward(self, x):
        h = self.fc(x)
        return h * (torch.rand_like(h) > 0.3) if self.training else h


class OwnDice(nn.Module):
    """Dropout with a generator of its own; `reseed` sets it back in each pass."""

    def __init__(self, p=0.5, reseed=False):
        super().__init__()
        self.p, self.reseed, self.generator = p, reseed, torch.Generator().manual_seed(0)

    def forward(self, x):
        if self.reseed:
            self.generator.manual_seed(0)
        mask = torch.rand(x.shape, generator=self.generator) >= self.p
        return x * mask / (1 - self.p) if self.training else x


class Batchwise(nn.Module):
    def forward(self, x):
        return x * (torch.rand(x.shape[1:]) >= 0.5) / 0.5 if self.training else x


class Remembers(nn.Module):
    """One mask for the whole batch, and a second output in which the batch stands behind the time."""

    def __init__(self):
        super().__init__()
        self.drop, self.out = Batchwise(), nn.Linear(16, 4)

    def forward(self, x):
        return self.out(self.drop(x * 2)), x.transpose(0, 1)


class Rated(nn.Module):
    """A rate that nothing gets."""

    def __init__(self, **rates):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(16, 8), nn.Dropout(0.3), nn.Linear(8, 4))
        vars(self).update(rates)

    def forward(self, x):
        return self.fc(x)


class Eaten(nn.Module):
    def __init__(self, where):
        super().__init__()
        self.a, self.b, self.drop = nn.Linear(16, 16), nn.Linear(16, 4), nn.Dropout(0.5, inplace=True)
        self.where = where

    def forward(self, x):
        x = self.a(x)
        return self.b(x + self.a(self.drop(x) if self.where == "module" else F.dropout(x, 0.5, self.training, True)))


class Overwritten(nn.Module):
    """One pass in evaluation sets the rate to 0; `back` sets it back."""

    def __init__(self, back):
        super().__init__()
        self.fc, self.p, self.back = nn.Linear(16, 4), 0.2, back

    def forward(self, x):
        self.p = (0.2 if self.back else self.p) if self.training else 0.0
        return self.fc(F.dropout(x, self.p))


class Scores(nn.Module):
    """Attention that drops scores in place of weights."""

    def __init__(self):
        super().__init__()
        self.qkv, self.drop = nn.Linear(16, 48), nn.Dropout(0.1)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        return self.drop(q @ k.transpose(1, 2) / 4).softmax(-1) @ v


def seeded(m, x):
    torch.manual_seed(0)
    return m.layers["b"](drop(m, m.layers["a"](x)))


class Zeroed(nn.Module):
    """A branch whose last layer starts at zero, dropped for ever or in front of a BatchNorm."""

    def __init__(self, kind):
        super().__init__()
        self.a, self.b, self.n, self.kind = nn.Linear(16, 16), nn.Linear(16, 16), nn.BatchNorm1d(16), kind
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)

    def forward(self, x):
        if self.kind == "coin":
            return x + self.b(x) * (random.random() < 0.5)
        on = self.training or self.kind == "always"
        x = x + self.b(F.dropout(self.a(x), 0.3, on))
        return self.n(x) if self.kind == "norm" else x


LOGITS = "drops the model's output"
FAULTS_FOUND = {
    "zero branch, for ever": (lambda: (Zeroed("always"), X), "", "draws in evaluation"),
    "zero branch, norm": (lambda: (Zeroed("norm"), X), "", "masks enter the statistics of n"),
    "resnet, zero branches, stochastic depth": (
        lambda: (ResNet(path=0.2, zero=True), inputs()["images"][0]), "layers.0.0.path", "masks enter the statistics"),
    "own generator, norm": (lambda: (with_head(OwnDice(), nn.BatchNorm1d(8)), X), "1", "masks enter"),
    "own generator, p = 0.9": (lambda: (with_head(OwnDice(0.9)), X), "1", "p = 0.9 keeps 10%"),
    "own generator, seeded in forward": (lambda: (with_head(OwnDice(reseed=True)), X), "1", "draws the same mask"),
    "called as forward": (lambda: (Around(lambda m, x: m.layers["n"](m.layers["d"].forward(x)), n=nn.BatchNorm1d(16),
                                          d=nn.Dropout(0.2)), X), "layers.d", "masks enter the statistics"),
    "wrong scale, weights": (lambda: (nn.Sequential(Unscaled(), nn.Linear(16, 4)), X), "0", "mean in training is 0.7"),
    "logits, bias": (lambda: (Around(lambda m, x: m.layers["d"](m.layers["a"](x)) + m.layers["a"].bias, a=nn.Linear(
        16, 6), d=nn.Dropout(0.2)), X), "layers.d", LOGITS),
    "logits, sigmoid": (lambda: (nn.Sequential(nn.Linear(16, 6), nn.Dropout(0.2), nn.Sigmoid()), X), "1", LOGITS),
    "logits, softmax on maps": (lambda: (nn.Sequential(nn.Conv2d(8, 5, 1), nn.Dropout(0.2), nn.Softmax(dim=1)), IMAGES),
                                "1", LOGITS),
    "logits, interpolated": (lambda: (nn.Sequential(nn.Conv2d(8, 5, 1), nn.Dropout(0.2), nn.Upsample(
        scale_factor=2, mode="bilinear")), IMAGES), "1", LOGITS),
    "logits with the loss": (lambda: (layers(lambda m, x: (F.cross_entropy(z := drop(m, m.layers["b"](x)), torch.zeros(
        8).long()), z)), X), "", LOGITS),
    "logits in a data class": (lambda: (layers(lambda m, x: Output(
        loss=F.cross_entropy(z := drop(m, m.layers["b"](x)), torch.zeros(8).long()), logits=z)), X), "", LOGITS),
    "the hidden layer's dropout": (lambda: (Around(lambda m, x: m.layers["d"](m.layers["b"](m.layers["d"](
        m.layers["a"](x)))), a=nn.Linear(16, 16), b=nn.Linear(16, 6), d=nn.Dropout(0.2)), X), "layers.d", LOGITS),
    "manual_seed in forward": (lambda: (layers(seeded), X), "", "draws the same mask in every pass"),
    "one mask for the batch": (lambda: (with_head(Batchwise()), X), "1", "one mask for the whole batch"),
    "one mask, tokens": (lambda: (nn.Sequential(nn.Linear(16, 16), Batchwise(), nn.Linear(16, 4)), TOKENS), "1",
                         "one mask for the whole batch"),
    "twice": (lambda: (with_head(nn.Dropout(0.2), nn.ReLU(), nn.Dropout(0.2)), X), "3", "drops what is already"),
    "scores": (lambda: (Scores(), TOKENS), "drop", "drops scores before a softmax"),
    "Dropout1d on times": (lambda: (nn.Sequential(nn.Linear(16, 16), nn.Dropout1d(0.5), nn.Linear(16, 4)), TOKENS), "1",
                           "dropout1d on 3 axes"),
    "Dropout2d on tokens": (lambda: (nn.Sequential(nn.Linear(16, 8), nn.Dropout2d(0.5), nn.Linear(8, 4)), TOKENS), "1",
                            "dropout2d on 3 axes"),
    "Dropout1d on rows": (lambda: (with_head(nn.Dropout1d(0.5)), X), "1", "dropout1d on 2 axes"),
    "skip eaten": (lambda: (Eaten("module"), X), "drop", "in place"),
    "skip eaten by a function": (lambda: (Eaten("function"), X), "", "in place"),
    "dropout without effect": (lambda: (Rated(dropout=0.1), X), "", "dropout = 0.1 has no effect"),
    "drop_rate without effect": (lambda: (Rated(drop_rate=0.1), X), "", "drop_rate = 0.1 has no effect"),
    "p without effect": (lambda: (Rated(p=0.1), X), "", "p = 0.1 has no effect"),
    "attn_drop without effect": (lambda: (Rated(attn_drop=0.1), X), "", "attn_drop = 0.1 has no effect"),
    "F.dropout for ever": (lambda: (layers(lambda m, x: m.layers["b"](F.dropout(x))), X), "", "draws in evaluation"),
    "Gaussian for ever": (lambda: (layers(lambda m, x: m.layers["b"](x * torch.normal(1.0, 0.5, x.shape))), X), "",
                          "draws in evaluation"),
    "attention for ever": (lambda: (layers(lambda m, x: m.layers["b"](F.scaled_dot_product_attention(
        x[None], x[None], x[None], dropout_p=0.2)[0])), X), "", "draws in evaluation"),
    "Python's coin for ever": (lambda: (layers(lambda m, x: m.layers["b"](
        x if random.random() < 0.5 else m.layers["a"](x))), X), "layers.b", "draws in evaluation"),
    "Python's coin, zero branch": (lambda: (Zeroed("coin"), X), "", "draws in evaluation"),
    "a result that nobody uses": (lambda: (layers(lambda m, x: (
        drop(m, m.layers["a"](x)), m.layers["b"](x))[1]), X), "", "drops, but nothing uses"),
    "a layer that nobody calls": (lambda: (layers(lambda m, x: m.layers["b"](x), ("d", DropPath(0.1))), X), "layers.d",
                                  "drop_prob = 0.1 has no effect"),
    "a layer of PyTorch that nobody calls": (lambda: (layers(lambda m, x: m.layers["b"](x), ("d", nn.Dropout(0.1))), X),
                                             "layers.d", "p = 0.1 has no effect"),
    "the head that used it was replaced": (lambda: (Around(
        lambda m, x: m.layers["new"](m.layers["base"].layers["a"](x)), new=nn.Linear(16, 2),
        base=layers(lambda m, x: drop(m, x, m.drop_rate), drop_rate=0.1)), X), "layers.base", "drop_rate = 0.1 has"),
    "overwritten in evaluation": (lambda: (Overwritten(False), X), "", "a pass in evaluation overwrites p = 0.2"),
    "a coin for ever": (lambda: (layers(lambda m, x: m.layers["b"](
        x if torch.rand(()) < 0.5 else m.layers["a"](x))), X), "", "draws in evaluation"),
    "Python's own dice": (lambda: (layers(lambda m, x: m.layers["b"](
        x * (m.dice.random() < 0.5)), dice=random.Random(0)), X), "", "two passes in evaluation disagree"),
    "NumPy's own dice": (lambda: (layers(lambda m, x: m.layers["b"](
        x * torch.tensor(m.dice.random((8, 16)) < 0.5)), dice=np.random.default_rng(0)), X), "",
        "two passes in evaluation disagree"),
    "fused logits": (lambda: (layers(lambda m, x: torch.native_dropout(m.layers["b"](x), 0.3, m.training)[0]), X), "",
                     LOGITS),
    "fused, norm": (lambda: (layers(lambda m, x: m.layers["n"](torch.native_dropout(x, 0.3, m.training)[0])), X), "",
                    "masks enter the statistics of layers.n"),
    "scaled by p": (lambda: (layers(lambda m, x: m.layers["b"](
        m.layers["a"](x) * (torch.rand_like(x) >= 0.2) / 0.2 if m.training else m.layers["a"](x))), X), "",
        "mean in training is 4.0"),
    "scaled twice": (lambda: (layers(lambda m, x: m.layers["b"](
        drop(m, m.layers["a"](x)) / (0.5 if m.training else 1))), X), "", "mean in training is 2.0"),
    "scaled in both modes": (lambda: (layers(lambda m, x: m.layers["b"](
        m.layers["a"](x) * (torch.rand_like(x) >= 0.2) / 0.8 if m.training else m.layers["a"](x) * 0.8)), X), "",
        "mean in training is 1.2"),
    "scaled in both modes, stochastic depth": (lambda: (layers(lambda m, x: m.layers["b"](x + m.layers["d"](
        m.layers["a"](x) * (torch.rand_like(x) >= 0.2) / 0.8 if m.training else m.layers["a"](x) * 0.8)),
        ("d", DropPath(0.3))), X), "", "mean in training is 1.2"),
    "scores, and weights": (lambda: (layers(lambda m, x: m.layers["b"](
        drop(m, drop(m, x @ x.T).softmax(-1)) @ x)), X), "", "drops scores before a softmax"),
    "one mask for the heads": (lambda: (layers(lambda m, x: m.layers["b"]((m.layers["a"](x).view(16, 8)
        * (torch.rand(1, 8) > 0.5) * 2 if m.training else m.layers["a"](x)).view(8, 16))), X), "",
        "one mask for the whole batch"),
    "one mask, and a memory with time first": (lambda: (Remembers(), TOKENS), "drop", "one mask for the whole batch"),
    "old DropPath without its factor": (lambda: (layers(lambda m, x: m.layers["b"](m.layers["a"](x) * (
        0.8 + torch.rand(8, 1)).floor_()) if m.training else m.layers["b"](m.layers["a"](x))), X), "",
        "mean in training is 0.8"),
}  # fmt: skip


def check_faults(chapter, names=tuple(FAULTS_FOUND)):
    """One finding, the right one, and the model as it was."""
    for name in names:
        make, where, what = FAULTS_FOUND[name]
        torch.manual_seed(0)
        model, *x = make()
        before = chapter.everything(model, x)
        report = chapter.diagnose(model, *x)
        assert chapter.everything(model, x) == before, name
        assert len(report) == 1, (name, str(report))
        assert report[0].where == where, (name, str(report))
        assert report[0].what.startswith(what), (name, str(report))
        assert report[0].mend


@pytest.mark.parametrize("name", FAULTS_FOUND)
def test_fault_is_found(chapter, name):
    check_faults(chapter, [name])


class Steps(nn.Module):
    """Counts its calls, in a number, a buffer, a list and a generator; and keeps its last input."""

    def __init__(self):
        super().__init__()
        self.fc, self.calls, self.log = nn.Linear(16, 4), 0, []
        self.register_buffer("count", torch.zeros(()))
        self.dice, self.coins, self.fair = torch.Generator(), random.Random(0), np.random.default_rng(0)

    def forward(self, given):
        self.calls += 1
        self.count += 1
        self.log.append(self.calls)
        self.last, given["seen"] = given["x"], True
        given["x"].add_(0.1)
        if self.training:
            given["x"] = given["x"] * (
                torch.rand(given["x"].shape, generator=self.dice) > 0.1 * self.coins.random() + 0 * self.fair.random()
            )
        return self.fc(given["x"])


def check_traces(chapter):
    """Counters, own generators, lazy layers, nested inputs, gradients, hooks, identities; also after an error."""
    model, x, _ = build("resnet, dropout in a block")
    model.train()(*x).sum().backward()
    cases = [(model, *x), (Steps(), {"x": X.clone()}), (nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d()), X)]
    for model, *given in cases:
        before, held = chapter.everything(model, given), [model, given]
        identities = [id(item) for item in chapter.held_by(held)]
        chapter.diagnose(model, *given)
        assert chapter.everything(model, given) == before
        assert [id(item) for item in chapter.held_by(held)] == identities
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            chapter.diagnose(model, torch.zeros(4, 7, 9, 8))
        assert chapter.everything(model, given) == before
    generator = torch.Generator().manual_seed(5)  # outside of the model
    outside = Around(lambda m, x: m.layers["a"](x * torch.rand(x.shape, generator=generator)), a=nn.Linear(16, 4))
    state = generator.get_state()
    chapter.diagnose(outside, X)
    assert generator.get_state().equal(state)
    for bad in (nn.Linear, F.dropout, None, "model", [nn.Dropout(0.5)]):
        with pytest.raises(ValueError, match=r"^model must be an nn\.Module, got \w+$"):
            chapter.diagnose(bad)


def check_at_rest(chapter):
    """Without an input: probabilities, and nothing is run."""
    assert chapter.diagnose(with_head(nn.Dropout(0.8), nn.Dropout(0))) == []
    found = chapter.diagnose(with_head(nn.Dropout(0.81), nn.Dropout2d(1.0)))
    assert [f.where for f in found] == ["1", "2"]
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        lstm = nn.LSTM(16, 8, 1, dropout=0.3)
    assert [f.what for f in chapter.diagnose(lstm)] == ["dropout=0.3 drops nothing"]
    assert chapter.diagnose(GPT(0.95)) != []


def check_report(chapter):
    """Who draws, where, at which rate; one line for one kind; what was not looked at; keyword arguments."""
    dense = nn.Sequential(*[nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.Dropout(0.2)) for _ in range(58)])
    report = chapter.diagnose(nn.Sequential(dense, nn.Linear(16, 2)), X)
    assert len(report) == 1
    assert len(report[0].places) == 57
    assert str(report).splitlines()[:2] == ["who draws:", "  0.0.2 and 57 more (Dropout) drops, p = 0.2"]
    assert "0.0.2 and 56 more: masks enter the statistics of 0.1.1 and 56 more" in str(report)
    report = chapter.diagnose(Padded(), kwargs={"x": TOKENS, "pad": PAD})
    assert report == []
    assert any("p = 0.1" in line for line in report.draws)
    assert str(chapter.diagnose(nn.Linear(16, 4), X)) == "who draws:\n  nobody\nfindings:\n  none"

    def one_row(model, x):
        if model.training:
            raise RuntimeError("not today")
        return x

    assert "In training mode the model raises RuntimeError" in str(chapter.diagnose(Around(one_row), X))
    assert "Objects that cannot be copied" in str(chapter.diagnose(*SOUND["cannot be copied"]()))
    assert "2 is in evaluation mode" in str(chapter.diagnose(with_head(nn.ReLU(), nn.Dropout(0.2).eval()), X))


def check_passes(chapter):
    """At most 12 passes where nothing is found, also when the output is one number; a big model in few passes."""
    for make in (lambda: with_head(nn.Dropout(0.2)), lambda: nn.Sequential(nn.Linear(16, 1), nn.Flatten(0)),
                 lambda: with_head(nn.Dropout(0.5, inplace=True), nn.Linear(8, 8), OwnDice()), lambda: nn.Dropout(0.01),
                 lambda: layers(lambda m, x: m.layers["b"](x) if torch.rand(()) < 0.5 and m.training else m.layers["b"](
                     m.layers["a"](x)))):  # fmt: skip
        count = []
        model = make()
        model.register_forward_hook(lambda *_, count=count: count.append(1))
        assert chapter.diagnose(model, X[:1]) == []
        assert 5 <= len(count) <= 12


CHECKS = [check_traces, check_at_rest, check_report, check_passes]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_traces, [], "memo[id(item)] = item.clone_state()", "memo[id(item)] = item"),
    (check_traces, [], "memo[id(item)] = type(item)(False, item.device, item.dtype)", "pass"),
    (check_traces, [], "            generator.set_state(state)", "            pass"),
    (check_traces, [], "with torch.random.fork_rng():", "if True:"),
    (check_traces, [], "            random.setstate(states[0])", "            pass"),
    (check_traces, [], "numpy.random.set_state(states[1])", "pass"),
    (check_traces, [], "twin_of(model, memo := {}), twin_of(inputs, memo)", "twin_of(model, memo := {}), inputs"),
    (check_report, [], "(finding.what, finding.mend), [])", "(finding, ''), [])"),
    (check_report, [], "        error = raised", "        raise"),
    (check_passes, [], "for seed in range(2, 9)", "for seed in range(2, 29)"),
    (check_zoo, ["functional"], "if all(equal for _, equal in pairs) and", "if"),
    (check_zoo, ["attention"], " and not draw.mixed", ""),
    (check_zoo, ["a lone dropout"], "and not lone", ""),
    (check_zoo, ["in place"], "if sites and not alike(", "if sites or not alike("),
    (check_zoo, ["own generator"], "if draw.where not in loud and", "if"),
    (check_zoo, ["NumPy's dice"], "for seed in range(2, 9)", "for seed in range(2, 3)"),
    (check_zoo, ["alpha"], 'other.stage in ("mask", "random"):', "False:"),
    (check_zoo, ["deep stochastic depth"], "if (draw.rate or 0) > 0.8 and", "if (draw.rate or 0) > 0.7 and"),
    (check_sound, ["keeps all in evaluation"], "if trail.keep == 1:", "if False:"),
    (check_sound, ["cutout"], "raw = memory(x) in watch.given and", "raw = False and"),
    (check_sound, ["dropout, then stochastic depth"], " and known.fine\n            and fine", ""),
    (check_sound, ["samples on purpose"], '"adds" if still else "multiplies"', '"multiplies"'),
    (check_sound, ["frozen BatchNorm"], "if not (training and model.training):", "if True:"),
    (check_sound, ["frozen BatchNorm"], "args[5] is not False", "True"),
    (check_sound, ["T5"], "draw.cuts and draw.cuts[-1].made_by in LOGITS", "draw.cuts"),
    (check_sound, ["locked over time"], "turns(rested.outputs, turned, sizes[0])", "True"),
    (check_sound, ["scaled in evaluation"], "factors = here + [", "factors = ["),
    (check_sound, ["scaled behind"], "for _, factor in rested.factors if right]", "for _, factor in []]"),
    (check_sound, ["divided, then dropped"], "before = watch.scaled.get(memory(x), 1.0)", "before = 1.0"),
    (check_sound, ["NaN in the data"], "equal_nan=True", "equal_nan=False"),
    (check_sound, ["DropKey"], "if value is None or abs(value) > 1e3:", "if value is None:"),
    (check_sound, ["gradients inside"], "torch.enable_grad())", "torch.no_grad())"),
    (check_faults, ["own generator, norm"], "                generator.manual_seed(seed)", "                pass"),
    (check_faults, ["wrong scale, weights"], "abs(ratio - 1) > 0.02 + error", "abs(ratio - 1) > 0.6"),
    (check_faults, ["scaled in both modes"], "abs(ratio - 1) <= 0.02 + error", "False"),
    (check_faults, ["scaled in both modes, stochastic depth"], "is_read(draw, trail) if is_right("
     "trail.but(right=False))\n", "trail.but(settled=True) if True\n"),
    (check_sound, ["dropout, old stochastic depth"], "is_read(draw, trail) if is_right("
     "trail.but(right=False))\n", "is_read(draw, trail) if True\n"),
    (check_faults, ["one mask, and a memory with time first"], "for axis in axes[:1])]", "for axis in axes[:0])]"),
    (check_faults, ["scores"], "if op in MIX and trail.soft:", "if False:"),
    (check_faults, ["scores, and weights"], '[] if op.endswith("_like")', "[] if False"),
    (check_faults, ["skip eaten"], 'kwargs["inplace"] = False', "pass"),
    (check_faults, ["one mask for the heads"], "cut.shape[0] % sizes[0] == 0", "cut.shape[0] == sizes[0]"),
    (check_faults, ["dropout without effect"], "draw.attributes)", "(rate,))"),
    (check_faults, ["Python's coin, zero branch"], "and not parameter.any()", "and False"),
    (check_faults, ["called as forward"], 'draw.facts.setdefault("norms", []).append(norm)', "pass"),
    (check_faults, ["logits, bias"], "if op in SAME or (", "if op in SAME and ("),
    (check_faults, ["Dropout1d on rows"], 'inside.get("inp_dim", 0)', "0"),
]  # fmt: skip


PLANTED = [f"{f[0].__name__}: {f[2]}" for f in FAULTS]


@pytest.mark.parametrize(("check", "names", "old", "new"), FAULTS, ids=PLANTED)
def test_faults_are_caught(check, names, old, new):
    faulty = load(NAME, {old: new})
    dice = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with pytest.raises((Exception, pytest.fail.Exception)):
            check(faulty, *[names] if names else [])
    finally:
        random.setstate(dice[0])
        np.random.set_state(dice[1])  # noqa: NPY002


def test_copies_are_inspected_alike(chapter):
    model, x, _ = build("resnet, dropout in a block")
    assert chapter.diagnose(copy.deepcopy(model), *x) == chapter.diagnose(model, *x)
    assert chapter.diagnose(model.double(), x[0].double()) == chapter.diagnose(model.half().float(), *x)


# diagnose.py

NEEDED = """torch torchgen functorch filelock typing_extensions.py sympy mpmath networkx jinja2 markupsafe fsspec
            nvidia triton""".split()


def test_program_runs_with_torch_alone(tmp_path):
    """In an environment that holds torch and what torch itself requires."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in NEEDED:
        if (found := Path(torch.__file__).parents[1] / name).exists():
            (packages / name).symlink_to(found)
    (tmp_path / "diagnose.py").write_text(book_program.program(read(NAME)))
    start = f"import runpy, sys; sys.path.append({str(packages)!r}); runpy.run_path('diagnose.py', run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", start + "; assert 'numpy' not in sys.modules"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("who draws:\n")
    assert "masks enter the statistics of 2" in done.stdout


def test_program_is_a_library(tmp_path):
    path = tmp_path / "diagnose.py"
    path.write_text(book_program.program(read(NAME)))
    spec = importlib.util.spec_from_file_location("diagnose", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.diagnose(with_head(nn.Dropout(0.2)), X) == []
    assert set(module.diagnose.__annotations__) == {"model", "kwargs", "return"}
    ours = [value for value in vars(module).values() if getattr(value, "__module__", "") == "diagnose"]
    assert len(ours) > 40
    assert all(value.__doc__ for value in ours)
    lint = ["--select", "E,F,W", "--line-length", "120", "--no-cache", str(path)]
    assert subprocess.run([sys.executable, "-m", "ruff", "check", *lint], cwd=ROOT).returncode == 0


def test_program_needs_tagged_cells():
    nb = read(NAME)
    for cell in nb.cells:
        cell.metadata.pop("tags", None)
    with pytest.raises(ValueError, match="no cell is tagged 'diagnose'"):
        book_program.program(nb)

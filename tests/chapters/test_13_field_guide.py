"""Chapter 13: the inspector on real models, clean and with planted faults; its other functions; faults in them."""

import copy
import math
import random
from contextlib import nullcontext
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from notebook import load

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
    # Faults
    "resnet, dropout in a block": ("images", lambda: ResNet(drop=0.2),
                                   {("layers.0.0.drop", "masks enter the statistics of layers.0.0.bn2 and 5 more")}),
    "bottlenecks, maps in a block": ("images", lambda: ResNet(Bottleneck, drop=0.2),
                                     {("layers.0.0.drop", "masks enter the statistics of layers.0.0.bn3")}),
    "resnet, stochastic depth": ("images", lambda: ResNet(path=0.1), {
        ("layers.0.0.path", "masks enter"), ("layers.0.1.path", "masks enter")}),
    "resnet, dropout on logits": ("images", lambda: ResNet(last=0.2), {("last", "drops the model's output")}),
    "gpt, attention not told": ("ids", lambda: GPT(told=False), {("attend.0", "draws in eval"), ("attend.1", "draws")}),
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
    "own generator": ("rows", lambda: with_head(own_generator()), {("", "two passes in evaluation disagree")}),
    "Python's dice": ("rows", lambda: by_other_dice(random.random), {("", "draws in evaluation")}),
    "NumPy's dice": ("rows", lambda: by_other_dice(np.random.random), {("", "draws in evaluation")}),
    "a lone dropout": ("rows", lambda: nn.Dropout(0.5), {("", "drops the model's output")}),
}  # fmt: skip


def state(chapter, model):
    """All that an inspection could touch."""
    values = {name: value.clone() for name, value in [*model.named_parameters(), *model.named_buffers()]}
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()]
    flags = [m.training for m in model.modules()]
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    return values, (hooks, flags, chapter.fingerprint()), grads


def same_state(one, other):
    return (
        one[1] == other[1]
        and one[0].keys() == other[0].keys()
        and all(torch.equal(one[0][name], other[0][name]) for name in one[0])
        and all((a is None) == (b is None) and (a is None or torch.equal(a, b)) for a, b in zip(one[2], other[2]))
    )


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
        before, given = state(chapter, model), [z.clone() for z in x]
        buffers = list(model.buffers())
        found = chapter.diagnose(model, *x)
        assert same_state(before, state(chapter, model)), name
        assert all(a is b for a, b in zip(buffers, model.buffers())), name
        assert all(map(torch.equal, given, x)), name
        assert all(any(f.where == w and f.what.startswith(t) for w, t in expected) for f in found), (name, found)
        assert len(found) == len(expected), (name, found)
        assert all(f.mend for f in found)


@pytest.mark.parametrize("name", ZOO)
def test_inspector(chapter, name):
    check_zoo(chapter, [name])


def check_traces(chapter):
    """Gradients, statistics and hooks survive, also when the model raises; users' hooks and own train() too."""
    model, x, _ = build("resnet, dropout in a block")
    model.train()(*x).sum().backward()
    calls = []
    model.fc.register_forward_hook(lambda *_: calls.append(1))
    model.layers.train = lambda mode=True: pytest.fail("the inspector must not call an overridden train()")
    before = state(chapter, model)
    assert chapter.diagnose(model, *x)
    assert same_state(before, state(chapter, model))
    with pytest.raises(RuntimeError):
        chapter.diagnose(model, torch.zeros(4, 7, 8, 8))
    assert same_state(before, state(chapter, model))
    for bad in (nn.Linear, F.dropout, None, "model", [nn.Dropout(0.5)]):
        with pytest.raises(ValueError, match=r"^model must be an nn\.Module, got \w+$"):
            chapter.diagnose(bad)


def check_at_rest(chapter):
    """Without an input: probabilities, and nothing is run."""
    assert chapter.diagnose(with_head(nn.Dropout(0.8), nn.Dropout(0))) == []
    assert [f.where for f in chapter.diagnose(with_head(nn.Dropout(0.81), nn.Dropout2d(1.0)))] == ["1", "2"]
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        lstm = nn.LSTM(16, 8, 1, dropout=0.3)
    assert [f.what for f in chapter.diagnose(lstm)] == ["dropout=0.3 drops nothing"]
    assert chapter.diagnose(GPT(0.95)) != []


def check_modes(chapter):
    """evaluating() and mc_dropout(): the right modes inside, the old ones afterwards, also after an error."""
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.2)))
    model[1].eval()
    before = [m.training for m in model.modules()]
    for error in (None, KeyError):
        try:
            with chapter.evaluating(model) as inner:
                assert inner is model
                assert not any(m.training for m in model.modules())
                if error:
                    raise error
        except KeyError:
            pass
        assert [m.training for m in model.modules()] == before
    assert chapter.mc_dropout(model, torch.ones(4, 16)) is model
    assert {type(m) for m in model.modules() if not m.training} == {nn.BatchNorm1d}


def check_floor(chapter):
    """The floor is the enumerated loss of a sure network, is under all others, and refuses bad input."""
    rng = np.random.default_rng(0)
    for p, classes in product((0.1, 0.5, 0.8), (2, 3, 6)):
        for logits in (rng.normal(0, 1, classes), np.r_[300.0, np.full(classes - 1, -300.0)]):
            enumerated = 0.0
            for mask in product((0, 1), repeat=classes):
                z = torch.tensor(np.array(mask) * logits / (1 - p))
                enumerated += p ** mask.count(0) * (1 - p) ** mask.count(1) * -z.log_softmax(0)[0].item()
            assert chapter.mean_loss(logits, p) == pytest.approx(enumerated)
        assert chapter.loss_floor(p, classes) == pytest.approx(enumerated)  # the last logits were sure
        assert min(chapter.mean_loss(rng.normal(0, 20, classes), p) for _ in range(40)) > enumerated - 1e-12
    assert chapter.loss_floor(0, 10) == 0
    assert chapter.loss_floor(1, 10) == pytest.approx(math.log(10))
    for bad in ((1.2, 10), (-0.1, 10), (math.nan, 10), (0.5, 1), (0.5, 2.5)):
        with pytest.raises(ValueError, match="need p in"):
            chapter.loss_floor(*bad)


def check_gradients(chapter):
    """Against autograd over all masks; with redrawn masks the mean is that of least squares."""
    x, y = torch.tensor(chapter.ROWS).double(), torch.tensor(chapter.TARGETS).double()
    for p in (Fraction(0), Fraction(1, 5), Fraction(1, 2)):
        total = torch.zeros(2, dtype=torch.double)
        for mask in product((0, 1), repeat=2):
            w = torch.tensor([float(v) for v in chapter.WEIGHTS], dtype=torch.double, requires_grad=True)
            ((x * torch.tensor(mask) / float(1 - p) @ w - y) ** 2).sum().backward()
            total += float(p ** mask.count(0) * (1 - p) ** mask.count(1)) * w.grad
        assert total.tolist() == pytest.approx([float(g) for g in chapter.mean_gradient(p, False)])
        assert chapter.mean_gradient(p, True) == chapter.mean_gradient(Fraction(0), False)


def check_decisions(chapter):
    """Helps, harms, trade or unclear; log-loss widened and a rise of error not; every row is kept, none is picked."""
    for numbers, expected in {
        (-1, 0.5, -1, 2): "helps", (-1, 0.5, 1, 2): "helps", (-1, 0.5, 1, 0.5): "trade", (1, 0.5, 0, 1): "harms",
        (1, 0.5, -1, 0.5): "trade", (-0.5, 0.5, -9, 1): "unclear", (0.1, 0.5, 9, 1): "unclear"}.items():  # fmt: skip
        assert chapter.verdict(*numbers) == expected
    assert chapter.verdict(-1, 0.6, 0, 1, 2) == "unclear"  # the gain must survive the widening,
    assert chapter.verdict(-1, 0.4, 1, 0.6, 2) == "trade"  # the rise of error need not
    for bad in ((1, -0.1), (math.nan, 1), (1, math.nan)):
        with pytest.raises(ValueError, match="need a number and half >= 0"):
            chapter.sign(*bad)
    for judged, t in ((1, 2.262157), (10, 3.689662), (50, 4.780913)):  # at 0.05 / judged, 9 degrees of freedom
        assert chapter.widening(judged) == pytest.approx(t / 2.262157, rel=1e-4)
    assert chapter.widening(64, 16) < chapter.widening(64, 10)
    for bad in ((0, 10), (5, 2)):
        with pytest.raises(ValueError, match="need judged >= 1 and n >= 3"):
            chapter.widening(*bad)
    rows = [
        ("05-a", "A", "one", -0.2, 0.1, 0, 1), ("06-b", "B", "x", 0.1, 0.2, 0, 1),
        ("05-a", "A", "two", -0.4, 0.1, 2, 1), ("07-c", "A", "n", 0.3, 0.1, 0, 1)]  # fmt: skip
    assert [(key, [kind for _, kind in group]) for key, group in chapter.decide(rows).items()] == [
        (("05-a", "A"), ["helps", "trade"]), (("06-b", "B"), ["unclear"]), (("07-c", "A"), ["harms"])]  # fmt: skip
    assert [row for group in chapter.decide(rows).values() for row, _ in group] == [rows[i] for i in (0, 2, 1, 3)]
    assert [kind for group in chapter.decide(rows, 3).values() for _, kind in group] == [
        "unclear", "trade", "unclear", "unclear"]  # fmt: skip


class Inside(nn.Module):
    """Functional dropout two modules deep, beside a BatchNorm."""

    def __init__(self, always=False):
        super().__init__()
        self.norm, self.always = nn.BatchNorm1d(16), always

    def forward(self, x):
        return F.dropout(self.norm(x), 0.5, self.training and not self.always)


class Function(nn.Module):
    """A model of one function of its inputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Path(nn.Module):
    """Stochastic depth, one draw for each example."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        keep = torch.rand((len(x),) + (1,) * (x.ndim - 1)) >= self.p
        return x * keep / (1 - self.p) if self.training else x


class OwnNorm(nn.Module):
    """A normalisation layer of one's own, which is no BatchNorm of the library's: statistics of the batch, kept."""

    def __init__(self):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(16))

    def forward(self, x):
        if self.training:
            self.running_mean = x.detach().reshape(-1, 16).mean(0)
        return x - self.running_mean


SAMPLED = {
    "encoder layer": (lambda: nn.TransformerEncoderLayer(16, 4, 32, 0.3, batch_first=True), 1),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, 0.3, batch_first=True), 2), 1),
    "attention": (lambda: nn.MultiheadAttention(16, 4, 0.3, batch_first=True), 3),
    "LSTM": (lambda: nn.LSTM(16, 8, 2, dropout=0.3, batch_first=True), 1),
    "GRU": (lambda: nn.GRU(16, 8, 2, dropout=0.3, batch_first=True), 1),
}


def check_sampling(chapter):
    """Passes differ, whatever draws; normalisation keeps its mode and statistics; silence is refused."""
    x = torch.rand(3, 5, 16)
    for make, inputs in SAMPLED.values():
        model = make()
        assert chapter.mc_dropout(model, *[x] * inputs) is model
        assert chapter.spread(model, *[x] * inputs) > 0.001
    model = nn.Sequential(Inside(), nn.InstanceNorm1d(5, track_running_stats=True), nn.LayerNorm(16)).eval()
    kept = copy.deepcopy(model.state_dict())
    chapter.mc_dropout(model, x[0])
    assert chapter.spread(model, x[0]) > 0.001
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())
    model = nn.Sequential(OwnNorm(), nn.Dropout(0.5))
    chapter.mc_dropout(model, x)
    assert not model[0].training
    assert not model[0].running_mean.any()
    rare = nn.Sequential(nn.Linear(16, 16), Path(0.1))  # one draw a pass: it must not be taken for silence
    for seed in range(20):
        torch.manual_seed(seed)
        chapter.mc_dropout(rare, x[:1])
    for silent in (
        nn.Linear(16, 4),
        Function(lambda *_: torch.full((2,), math.nan)),
        Inside(always=True),
        nn.Dropout(0.0),
        nn.LSTM(16, 8, 1, batch_first=True),
    ):
        with pytest.raises(ValueError, match="all passes agree"):
            chapter.mc_dropout(silent.train(), x[0])
        assert not any(module.training for module in silent.modules())


@cache
def own_layers():
    """{name: (layer, its input)}: the dropout layers that Chapters 6 and 11 build."""
    cnn, family = load("06-cnn"), load("11-variants")
    maps = torch.rand(4, 3, 8, 8)
    found = {f"FeatureDropout {kind}": (cnn.FeatureDropout(0.3, kind), maps) for kind in cnn.KINDS}
    found["DropPath"] = (cnn.DropPath(0.3), maps)
    found |= {f"Drop {name}": (family.Drop(name, 0.3), maps) for name in family.FAMILY if name != "concrete"}
    found["Drop by schedule"] = (family.Drop("scheduled", lambda step: 0.3), maps)
    found["Concrete"] = (family.Concrete(3, 8), maps)
    found["ConcreteMLP"] = (family.ConcreteMLP(2), torch.rand(2, 5, 64))
    found["residual CNN"] = (cnn.resnet(0.5, 2, 1), torch.rand(1, 6, 64))
    return found


def check_own_layers(chapter):
    """mc_dropout wakes every layer of the book's own behind a BatchNorm that was in evaluation, and not the norm."""
    for name, (layer, x) in own_layers().items():
        norm = nn.BatchNorm2d(x.shape[1]) if x.ndim == 4 else nn.Identity()
        model = nn.Sequential(norm, copy.deepcopy(layer)).eval()
        kept = copy.deepcopy(norm.state_dict())
        assert chapter.spread(model, x) == 0, name
        with torch.no_grad():
            chapter.mc_dropout(model, x)
        assert chapter.spread(model, x) > 0.001, name
        assert norm.training == isinstance(norm, nn.Identity), name
        assert all(torch.equal(kept[key], value) for key, value in norm.state_dict().items()), name


def check_outputs(chapter):
    """The first tensor of what models return; two passes of NaN agree."""
    x = torch.ones(2)
    for output in (x, (x, None), [x], ((x, 0), 1)):
        assert chapter.first(output) is x
    assert chapter.agree(Function(lambda *_: torch.full((2,), math.nan)))
    assert not chapter.agree(Function(lambda *_: {"logits": torch.rand(5)}))


def check_modes_of_parts(chapter):
    """A firm owner keeps its teacher in evaluation through train(), also as a part itself; graphs keep their mode."""
    for firm in (False, True):
        whole = nn.Sequential(chapter.Guided(firm)).train()
        assert whole[0].student.training and whole[0].training
        assert whole[0].teacher.training == (not firm)
        assert not any(p.requires_grad for p in whole[0].teacher.parameters())
        assert not any(module.training for module in whole.eval().modules())
    assert not chapter.from_pretrained(chapter.Plain().state_dict()).training
    assert chapter.recorded("torch.jit.trace", nn.Dropout(0.5), True) == ["fresh masks", "still drops"]
    assert chapter.recorded("torch.jit.trace", nn.Dropout(0.5), False) == ["drops nothing", "silent"]
    assert chapter.recorded("torch.jit.trace", chapter.NumpyMask(), True) == ["one mask for ever", "still drops"]


def check_axes(chapter):
    """Which axes share a mask, against the library's three layers and one that shares all."""
    assert chapter.shared_axes(nn.Dropout(0.5), 20, 30) == []
    assert chapter.shared_axes(nn.Dropout1d(0.5), 20, 30, 4) == [2]
    assert chapter.shared_axes(nn.Dropout2d(0.5), 20, 30, 4, 5) == [2, 3]
    assert chapter.shared_axes(nn.Dropout3d(0.5), 20, 30, 4, 5, 6) == [2, 3, 4]
    assert chapter.shared_axes(Function(lambda x: x * (torch.rand(x.shape[1:]) >= 0.5)), 20, 30) == [0]
    assert chapter.shared_axes(Path(0.5), 40, 3, 4) == [1, 2]


def check_shift(chapter):
    """The mean over masks of the regression's smallest case: by Fractions; linear without shift; p = 0 the same."""
    for p in (Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        for relu in (False, True):
            mean = Fraction(0)
            for mask in product((0, 1), repeat=2):
                kept = [m * int(h) / (1 - p) for m, h in zip(mask, chapter.HIDDEN)]
                sums = [sum(h * int(w) for h, w in zip(kept, column)) for column in chapter.INNER.T]
                output = sum(max(z, 0) if relu else z for z in sums)
                mean += p ** mask.count(0) * (1 - p) ** mask.count(1) * output
            assert chapter.mean_and_scaled(float(p), relu) == pytest.approx((float(mean), 6))


def check_regression(chapter):
    """Splits that do not overlap, of variance 1; dropout where the place says; a short run gives finite numbers."""
    for kind, d in (("diabetes", 10), ("friedman", 10)):
        data = chapter.regression_task(kind)
        assert data["train"][0].shape == (chapter.N_SEEDS, 200, d)
        assert data["val"][1].shape == (chapter.N_SEEDS, 100, 1)
        whole = torch.cat([y for _, y in data.values()], 1)
        assert torch.allclose(whole.var(1, correction=0), torch.ones(chapter.N_SEEDS, 1), atol=1e-4)
        assert whole.sort(1).values.allclose(whole[:1].sort(1).values, atol=1e-5)  # each split holds every row once
    for place, expected in {"none": [0, 0], "hidden": [0.3, 0], "last": [0, 0.3]}.items():
        layers = list(chapter.regressor(5, place, 0.3))
        drops = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Dropout)]
        assert [layers[i].p for i in drops] == expected
        assert [type(layers[i + 1]) for i in drops] == 2 * [chapter.Linear]
        assert isinstance(layers[drops[0] + 2], nn.ReLU) and layers[drops[1] + 1] is layers[-1]
    none = chapter.regression("diabetes", "none", 3, rates=(1e-3, 3e-3))
    assert (none["scaled"] == pytest.approx(none["sampled"], abs=1e-4)) and not none["shift"].any()
    last = chapter.regression("diabetes", "last", 3, ps=(0.5,), rates=(1e-3,))
    assert set(last["p"]) == {0.5} and np.isfinite(last["scaled"]).all()
    assert (last["scaled"] < last["sampled"] + 0.1).all() and last["shift"].any()


def check_loss_parts(chapter):
    """The parts of reported - validation loss add up, and each is zero where its cause is taken away."""
    parts = chapter.loss_parts(0.5, (1, 2), decay=1e-3, n=100)
    assert list(parts) == [1, 2]
    for found in parts.values():
        whole = sum(found[name] for name in ("penalty", "running average", "mode", "overfitting"))
        assert whole == pytest.approx(chapter.reported_gap(found), abs=1e-6)
        assert found["reported"] - found["validation"] == pytest.approx(chapter.reported_gap(found))
        assert (found["penalty"] > 0).all() and found["mode"].mean() > 0
    plain = chapter.loss_parts(0.0, (1,), decay=0.0, n=100)[1]
    assert not plain["penalty"].any() and abs(plain["mode"]).max() < 1e-6
    assert (plain["running average"] > 0).all()


def check_accumulation(chapter):
    """Parts of a batch draw what the whole draws; a seed in forward does not."""
    whole = chapter.accumulated(1, chapter.Drawn())
    assert all(torch.allclose(whole, chapter.accumulated(n, chapter.Drawn()), atol=1e-6) for n in (2, 4, 8))
    assert torch.allclose(chapter.accumulated(1, nn.Identity()), chapter.accumulated(8, nn.Identity()), atol=1e-6)
    assert not torch.allclose(whole, chapter.accumulated(1, nn.Identity()), atol=1e-3)


def check_redraws(chapter):
    """Checkpointing with the state of the layer's own generator; twice backward; the generator goes on."""
    layer = chapter.SeededInside(once=True)
    output, gradient = chapter.passes(layer)
    assert output != gradient
    how = {"context_fn": lambda: (nullcontext(), chapter.SameDraws(layer.generator))}
    seen = [chapter.passes(layer, **how) for _ in range(5)]
    assert all(output == gradient for output, gradient in seen)
    assert len({tuple(output) for output, _ in seen}) > 1
    generator = torch.Generator().manual_seed(1)
    torch.rand(3, generator=generator)
    again = chapter.SameDraws(generator)
    first, second = (torch.rand(2, generator=generator) for _ in range(2))
    for expected in ((first, second), (first,)):  # however much is drawn inside
        with again:
            assert all(torch.rand(2, generator=generator).equal(draw) for draw in expected)
    fresh = torch.Generator().manual_seed(1)
    torch.rand(3, generator=fresh), torch.rand(2, generator=fresh), torch.rand(2, generator=fresh)
    assert torch.rand(2, generator=generator).equal(torch.rand(2, generator=fresh))


def check_data(chapter):
    """The made vowels and the letters: shapes, classes, repeatable; a vowel is loud where its formants are."""
    x, y = chapter.vowels(300, np.random.default_rng(3), spread=0.0)
    again, _ = chapter.vowels(300, np.random.default_rng(3), spread=0.0)
    assert x.shape == (300, 64)
    assert np.array_equal(x, again)
    assert set(y) == set(range(10))
    assert abs(x.mean()) < 0.2
    assert abs(x.std() - 1) < 0.2
    for k in range(10):
        mean, centre = x[y == k].mean(0), (np.arange(64) + 0.5) * 62.5
        low, high = mean[centre < 850], mean[(centre > 850) & (centre < 2200)]
        assert abs(centre[centre < 850][low.argmax()] - chapter.F1[k % 5]) < 130
        assert abs(centre[(centre > 850) & (centre < 2200)][high.argmax()] - chapter.F2[k // 5]) < 130
    context, following = chapter.letters(np.random.default_rng(0), context=3)
    assert context.shape == (len(following), 84)
    assert (context.reshape(-1, 3, 28).sum(2) == 1).all()
    parts = chapter.splits(x=np.arange(1000)[:, None], y=np.arange(1000), n_train=200)
    for seed in range(chapter.N_SEEDS):
        ids = [set(parts[name][1][seed].tolist()) for name in ("train", "val", "test")]
        assert list(map(len, ids)) == [200, 300, 500]
        assert len(set.union(*ids)) == 1000
    for call in (lambda: chapter.vowels(0, np.random.default_rng(0)), lambda: chapter.splits(x, y, 1)):
        with pytest.raises(ValueError, match="got"):
            call()


def check_exhibits(chapter):
    """What each exhibit shows, and its mend."""
    x = chapter.X
    for bad, good in (("Functional", "FunctionalMended"), ("Listed", "ListedMended"), ("Attention", "AttentionMended")):
        assert not chapter.agree(getattr(chapter, bad)().eval(), x)
        assert chapter.agree(getattr(chapter, good)().eval(), x)
        assert not chapter.agree(getattr(chapter, good)().train(), x)
    assert chapter.mean_ratio(chapter.ByHand(0.2, 1.25)) == pytest.approx(1, abs=0.02)
    assert chapter.mc_symptoms(chapter.mc_dropout, 0.5) == (True, True, True)
    assert chapter.mc_symptoms(chapter.layers_alone, 0.5) == (True, True, True)
    assert chapter.mc_symptoms(lambda model, x: model.train(), 0.5) == (True, False, False)
    assert chapter.dropped_share(False)[1:] == [0, 0, 0]
    assert min(chapter.dropped_share(True)) > 0.4
    assert [chapter.distinct(chapter.SeededInside(once=once)) for once in (False, True)] == [1, 100]
    for p in (0.0, 1.0):
        layer = chapter.SeededInside(p, once=True)
        assert layer(x).equal(x if p == 0 else 0 * x)
        assert layer.eval()(x).equal(x)
    assert chapter.noise_of_mean(8, True) == chapter.noise_of_mean(1, True)
    assert chapter.noise_of_mean(8, False) == pytest.approx(1 / 8, rel=0.1)
    assert chapter.noise_of_mean(8, False, p=0.2) == pytest.approx(0.25 / 8, rel=0.1)


CHECKS = [check_traces, check_at_rest, check_modes, check_floor, check_gradients, check_decisions, check_data,
          check_exhibits, check_sampling, check_own_layers, check_outputs, check_modes_of_parts, check_axes,
          check_shift, check_regression, check_loss_parts, check_accumulation, check_redraws]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_functions(chapter, check):
    check(chapter)


FAULTS = [
    (check_zoo, "            lap()\n            running.append(name)", "            running.append(name)"),
    (check_zoo, "buffer.data.copy_(values)", "pass"),
    (check_zoo, "            module.training = mode\n            for", "            for"),
    (check_zoo, "with torch.random.fork_rng(), torch.no_grad():", "with torch.no_grad():"),
    (check_zoo, "random.setstate(states[0])", "pass"),
    (check_zoo, "        for hook in hooks:\n            hook.remove()", "        pass"),
    (check_zoo, "return [value.detach().clone()]", "return [value.detach()]"),
    (check_zoo, "module.training = name in awake", "module.training = bool(awake)"),
    (check_zoo, "for seed in range(tries):", "for seed in range(1):"),
    (check_zoo, "if torch.allclose(ratio, ratio[:1]) else None", "if torch.allclose(ratio, ratio[:1]) else 0.5"),
    (check_zoo, "or any(map(lost, final, on[\"out\"][\"\"]))", ""),
    (check_zoo, "if changed and not any(lost(a, b) == 0 and differ([a], [b]) for a, b in outputs):", "if changed:"),
    (check_zoo, "                module._buffers[name] = buffer", "                pass"),
    (check_zoo, "for z in own for f in", "for z in own[:0] for f in"),
    (check_zoo, "if differ(off[\"in\"][key], on[\"in\"].get(key, []))]", "]"),
    (check_zoo, "if p > 0.8:", "if p > 0.05:"),
    (check_zoo, "margin = 5 *", "margin = 0 *"),
    (check_zoo, "    if type(module).__module__.startswith(\"torch.\") or inside", "    if inside"),
    (check_zoo, "        if restless:\n            return found + restless", "        found += restless"),
    (check_zoo, "if not off[\"drew\"] and differ", "if False and differ"),
    (check_traces, "if not isinstance(model, nn.Module):", "if model is None:"),
    (check_at_rest, "module.num_layers == 1", "module.num_layers == 2"),
    (check_at_rest, "if p > 0.8:", "if p > 0.85:"),
    (check_modes, "        for module, mode in modes:\n            module.training = mode", "        model.train()"),
    (check_modes, "    try:\n        yield model\n    finally:", "    yield model\n    if True:"),
    (check_floor, "math.log(1 + b) for b", "math.log(2 + b) for b"),
    (check_floor, "    return p * sum(math.comb", "    return sum(math.comb"),
    (check_floor, "np.asarray(logits) / (1 - p)", "np.asarray(logits) * p"),
    (check_gradients, "* back[j] * x[j] / (1 - p)", "* back[j] * x[j]"),
    (check_gradients, "repeat=2) if redrawn else [m]:", "repeat=2) if not redrawn else [m]:"),
    (check_decisions, "int(effect > half) - int(effect < -half)", "int(effect > 0) - int(effect < 0)"),
    (check_decisions, "sign(points, points_half)", "sign(points, widen * points_half)"),
    (check_decisions, "sign(loss, widen * loss_half)", "sign(loss, loss_half)"),
    (check_decisions, "if less * more < 0:", "if False:"),
    (check_decisions, "groups.setdefault(row[:2], [])", "groups.setdefault(row[1], [])"),
    (check_decisions, "1 - 0.05 / judged]", "1 - 0.05 * judged]"),
    (check_decisions, "np.cos(angle) ** (n - 2)", "np.cos(angle) ** (n - 1)"),
    (check_data, "F1[y % 5], F2[y // 5]", "F1[y % 5], F2[y % 2]"),
    (check_data, "\"train\": order[:, 800:]}", "\"train\": order[:, 700:900]}"),
    (check_exhibits, "F.dropout(self.inner(x), 0.5, self.training)", "F.dropout(self.inner(x), 0.5)"),
    (check_exhibits, "dropout_p=0.5 if self.training else 0.0", "dropout_p=0.5"),
    (check_exhibits, "        if not self.once:\n", "        if True:\n"),
    (check_exhibits, "/ (1 - self.p or 1) if self.training", "/ (1 - self.p) if self.training"),
    (check_exhibits, "if isinstance(module, nn.modules.dropout._DropoutNd):", "if True:"),
    (check_sampling, "module.training = not (norm or", "module.training = not (False and"),
    (check_sampling, "module.training = not (norm or hasattr(module, \"running_mean\"))", "module.training = not norm"),
    (check_sampling, "module.training = not (norm or hasattr(module, \"running_mean\"))",
     "module.training = isinstance(module, nn.modules.dropout._DropoutNd)"),
    (check_own_layers, "module.training = not (norm or hasattr(module, \"running_mean\"))",
     "module.training = isinstance(module, nn.modules.dropout._DropoutNd)"),
    (check_own_layers, "module.training = not (norm or", "module.training = not (False and"),
    (check_sampling, "if all(agree(model, *inputs) for _ in range(50)):", "if False:"),
    (check_sampling, "if all(agree(model, *inputs) for _ in range(50)):", "if agree(model, *inputs):"),
    (check_outputs, "list(y.values()) if isinstance(y, dict) else y", "y"),
    (check_outputs, "torch.equal(one.nan_to_num(), two.nan_to_num())", "torch.equal(one, two)"),
    (check_modes_of_parts, "        if self.firm:", "        if False:"),
    (check_modes_of_parts, "Plain().requires_grad_(False).eval(), firm", "Plain().eval(), firm"),
    (check_modes_of_parts, "    return model.eval()\n\nfor remembers", "    return model\n\nfor remembers"),
    (check_modes_of_parts, "one.equal(two)", "False"),
    (check_axes, "y.narrow(axis, 0, 1)", "y.narrow(0, 0, 1)"),
    (check_shift, "masks * HIDDEN / (1 - p)", "masks * HIDDEN"),
    (check_shift, "np.maximum(z, 0) if relu", "np.maximum(z, 0) if not relu"),
    (check_shift, "np.where(masks, 1 - p, p).prod(1)\n    return chances @ output",
     "np.where(masks, p, 1 - p).prod(1)\n    return chances @ output"),
    (check_regression, "((2, \"hidden\"), (5, \"last\"))", "((5, \"hidden\"), (2, \"last\"))"),
    (check_regression, "(y - y.mean()) / y.std()\n    rng", "y - y.mean()\n    rng"),
    (check_regression, "order[:, :200], \"val\": order[:, 200:300]", "order[:, :200], \"val\": order[:, 100:200]"),
    (check_loss_parts, "\"running average\": running - masked", "\"running average\": masked - running"),
    (check_loss_parts, "ask(model.train(), x, y)[0] for", "ask(model.eval(), x, y)[0] for"),
    (check_loss_parts, "penalty = decay * sum(", "penalty = 1e-3 * sum("),
    (check_loss_parts, "return parts[\"reported\"] - parts[\"validation\"]", "return parts[\"mode\"]"),
    (check_accumulation, "(F.mse_loss(model(x), y) / parts)", "F.mse_loss(model(x), y)"),
    (check_sampling, "        model.eval()\n        raise ValueError", "        raise ValueError"),
    (check_redraws, "self.generator.set_state(self.state)", "pass"),
    (check_redraws, "self.generator.set_state(self.now)", "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "old", "new"), FAULTS, ids=[f"{f[0].__name__}-{i}" for i, f in enumerate(FAULTS)])
def test_faults_are_caught(check, old, new):
    faulty = load(NAME, {old: new})
    dice = random.getstate()
    try:
        with pytest.raises((Exception, pytest.fail.Exception)):
            check(faulty)
    finally:
        random.setstate(dice)


def test_copies_are_inspected_alike(chapter):
    model, x, _ = build("resnet, dropout in a block")
    assert chapter.diagnose(copy.deepcopy(model), *x) == chapter.diagnose(model, *x)
    assert chapter.diagnose(model.double(), x[0].double()) == chapter.diagnose(model.half().float(), *x)

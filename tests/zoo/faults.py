"""What `make zoo` plants: FAULTS, each with the words a right finding says, and TWINS, which look odd and are sound.

A planter changes a freshly built model, or wraps it, and returns it; None where the architecture has no place for it.
Every planted piece of code calls `seen()`, so that `plant` can tell whether a pass really goes through it.
"""

import numpy as np
import torch
import torch.nn.functional as F
from models import LENGTH
from torch import nn
from torch.overrides import TorchFunctionMode

FAULTS, TWINS, HITS = {}, {}, [0]  # {kind: (planter, what a finding must say)}, {kind: planter}


def seen():
    HITS[0] += 1


def fault(kind, *words):
    """Puts the planter below it into FAULTS; a finding is right if it has one of the words."""

    def put(planter):
        FAULTS[kind] = planter, words
        return planter

    return put


def twin(kind):
    def put(planter):
        TWINS[kind] = planter
        return planter

    return put


def plant(planter, model, args, kwargs):
    """(model, inputs, keyword inputs) with what `planter` plants, or None where it has no place or does not run."""
    planted = planter(model, args, kwargs)
    if planted is None:
        return None
    model, args, kwargs = planted if isinstance(planted, tuple) else (planted, args, kwargs)
    HITS[0] = 0
    try:
        for _ in range(3):  # layers that are skipped at random are reached in one pass or another
            passed(model.train(), args, kwargs)
        reached = HITS[0]
        passed(model.eval(), args, kwargs)
    except (NotImplementedError, RuntimeError):
        return None  # the place sees two widths, or nested tensors in evaluation: the planted layer knows neither
    return (model.train(), args, kwargs) if reached else None


def passed(model, args, kwargs):
    """One pass that leaves the inputs, the running statistics and the generators alone."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.random.fork_rng(), torch.no_grad():
        output = model(*[copied(one) for one in args], **{key: copied(one) for key, one in kwargs.items()})
    model.load_state_dict(state)
    return output


def copied(value):
    return value.clone() if torch.is_tensor(value) else value


def called(model, args, kwargs, kinds, fits=lambda x: True):
    """[(parent, name of the child, child, shape of its input)]: modules of some kinds in the order of their calls."""
    places = {}
    for parent in model.modules():
        places.update({child: (parent, name) for name, child in parent.named_children()})
    found, hooks = [], []

    def note(module, inputs):
        if inputs and torch.is_tensor(inputs[0]) and inputs[0].is_floating_point() and fits(inputs[0]):
            if all(module is not old for *_, old, _ in found):
                found.append((*places[module], module, inputs[0].shape))

    for module in model.modules():
        if isinstance(module, kinds) and module in places:
            hooks.append(module.register_forward_pre_hook(note))
    training = model.training
    try:
        passed(model.train(), args, kwargs)
    finally:
        for hook in hooks:
            hook.remove()
        model.train(training)
    return found


def replace(place, module):
    """Put `module` where `place`, an entry of `called`, is."""
    parent, name, *_ = place
    if isinstance(parent, nn.Sequential | nn.ModuleList):
        parent[int(name) if name.isdigit() else list(dict(parent.named_children())).index(name)] = module
    elif isinstance(parent, nn.ModuleDict):
        parent[name] = module
    else:
        setattr(parent, name, module)


def dropouts(model, args, kwargs, fits=lambda x: True):
    """The model's ordinary Dropout layers that drop and are reached."""
    found = called(model, args, kwargs, nn.Dropout, fits)
    return [place for place in found if place[2].p > 0 and not place[2].inplace]


def instead(make, fits=lambda x: x.ndim >= 2 and len(x) > 1):
    """A planter: `make(p, shape)` gives the layer that stands where the middle one of the Dropout layers was."""

    def planter(model, args, kwargs):
        places = dropouts(model, args, kwargs, fits)
        if not places:
            return None
        place = places[len(places) // 2]
        made = make(place[2].p, place[3])
        if made is None:
            return None
        replace(place, made)
        return model

    return planter


class Home(nn.Module):
    """A dropout layer written at home; `step(x)` says what it does."""

    def __init__(self, p, step):
        super().__init__()
        self.p, self.step = p, step

    def forward(self, x):
        seen()
        return self.step(self, x)


def at_home(step, p=None):
    return instead(lambda rate, shape: Home(p or rate, step))


# it also drops in evaluation

EVALUATION = ("draws in evaluation", "evaluation disagree")


@fault("F.dropout without its mode", *EVALUATION)
def functional(*given):
    return at_home(lambda self, x: F.dropout(x, self.p))(*given)


class Stuck(nn.Dropout):
    def train(self, mode=True):
        return super().train(True)

    def forward(self, x):
        seen()
        return super().forward(x)


@fault("a layer that stays in training mode", *EVALUATION)
def stuck(*given):
    return instead(lambda p, shape: Stuck(p))(*given)


class Wakes(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        seen()
        self.drop.train()
        return self.drop(x)


@fault("train() called in forward", *EVALUATION)
def wakes(*given):
    return instead(lambda p, shape: Wakes(p))(*given)


class Listed(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.layers = [nn.Dropout(p)]

    def forward(self, x):
        seen()
        return self.layers[0](x)


@fault("a layer in a plain list", *EVALUATION)
def listed(*given):
    return instead(lambda p, shape: Listed(p))(*given)


@fault("a mask from numpy, always", *EVALUATION)
def from_numpy(*given):
    def step(self, x):
        mask = np.random.rand(*x.shape) >= self.p  # noqa: NPY002
        return x * torch.from_numpy(mask).to(x.dtype) / (1 - self.p)

    return at_home(step)(*given)


class OwnGenerator(nn.Module):
    def __init__(self, p, always=False):
        super().__init__()
        self.p, self.always, self.generator = p, always, torch.Generator().manual_seed(1)

    def forward(self, x):
        seen()
        if not (self.training or self.always):
            return x
        return x * (torch.rand(x.shape, generator=self.generator) >= self.p) / (1 - self.p)


@fault("a generator of its own, always", *EVALUATION)
def own_generator(*given):
    return instead(lambda p, shape: OwnGenerator(p, always=True))(*given)


@fault("drops in evaluation only", *EVALUATION)
def backwards(*given):
    return at_home(lambda self, x: F.dropout(x, self.p, not self.training))(*given)


class Intercepting(nn.Module):
    """A model in which one function of torch does something else; eager attention, so that there is a softmax."""

    def __init__(self, model, functions, step):
        super().__init__()
        self.model, self.functions, self.step = model, functions, step

    def forward(self, *args, **kwargs):
        outer = self

        class Mode(TorchFunctionMode):
            def __torch_function__(self, function, types, args=(), kwargs=None):
                given = args, kwargs or {}
                if function in outer.functions:
                    given = outer.step(outer, *given)
                return function(*given[0], **given[1])

        with Mode():
            return self.model(*args, **kwargs)


ATTENTION = (F.scaled_dot_product_attention,)


@fault("attention that drops without its mode", *EVALUATION)
def attention(model, args, kwargs):
    def step(self, args, kwargs):
        seen()
        names = ("query", "key", "value", "attn_mask", "dropout_p")
        return args[:3], dict(zip(names[3:], args[3:])) | kwargs | {"dropout_p": 0.2}

    return Intercepting(model, ATTENTION, step)


@fault("functional dropout, training=True", *EVALUATION)
def always(model, args, kwargs):
    def step(self, args, kwargs):
        if kwargs.get("p", args[1] if args[1:] else 0.5) > 0:
            seen()
        return args[:2], {key: value for key, value in kwargs.items() if key != "training"} | {"training": True}

    return None if dropouts(model, args, kwargs) else Intercepting(model, (F.dropout,), step)


# wrong scale

SCALE = ("mean in training is",)


def kept(x, p):
    return (torch.rand_like(x) >= p).to(x.dtype)


@fault("what is kept is not scaled", *SCALE)
def unscaled(*given):
    return at_home(lambda self, x: x * kept(x, self.p) if self.training else x)(*given)


@fault("divided by p", *SCALE)
def by_p(*given):
    return at_home(lambda self, x: x * kept(x, self.p) / self.p if self.training else x, 0.3)(*given)


@fault("scaled in training and in evaluation", *SCALE)
def scaled_twice(*given):
    def step(self, x):
        return x * kept(x, self.p) / (1 - self.p) if self.training else x * (1 - self.p)

    return at_home(step, 0.4)(*given)


class Weights(nn.Module):
    def __init__(self, p, width):
        super().__init__()
        self.p, self.linear = p, nn.Linear(width, width)

    def forward(self, x):
        seen()
        return self.linear(x * kept(x, self.p) if self.training else x)


@fault("not scaled, in a layer with weights", *SCALE)
def weights(*given):
    return instead(lambda p, shape: Weights(0.3, shape[-1]))(*given)


# rates

RATE = ("keeps",)


@fault("keep taken for drop", *RATE)
def keep_for_drop(*given):
    return instead(lambda p, shape: Counted(nn.Dropout(0.95)))(*given)


@fault("p = 1", *RATE)
def everything_dropped(*given):
    return instead(lambda p, shape: Counted(nn.Dropout(1.0)))(*given)


@fault("a generator of its own, p = 0.95", *RATE)
def own_rate(*given):
    return instead(lambda p, shape: OwnGenerator(0.95))(*given)


class Counted(nn.Sequential):
    """Layers, one after another, that are seen."""

    def forward(self, x):
        seen()
        return super().forward(x)


class Forward(nn.Module):
    """Calls forward itself, past the hooks."""

    def __init__(self, drop):
        super().__init__()
        self.drop = drop

    def forward(self, x):
        seen()
        return self.drop.forward(x)


@fault("self.drop.forward(x), p = 0.95", *RATE)
def past_the_hooks(*given):
    return instead(lambda p, shape: Forward(nn.Dropout(0.95)))(*given)


# the mask


@fault("one mask for the whole batch", "one mask for")
def one_mask(model, args, kwargs):
    def step(self, x):
        return x * kept(x[:1], self.p) / (1 - self.p) if self.training else x

    if len(args) == 2 and len(args[1]) == 2 and not args[1].is_floating_point():
        return None  # the nodes of one graph are no batch
    batch = next(one for one in [*args, *kwargs.values()] if torch.is_tensor(one)).shape[0]
    if batch == LENGTH:
        return None  # time comes first, and one mask for all steps is sound
    planter = instead(lambda p, shape: Home(p, step), lambda x: x.ndim >= 2 and 1 < len(x) == batch)
    return planter(model, args, kwargs)


@fault("manual_seed in forward", "same mask")
def seeded(*given):
    def step(self, x):
        torch.manual_seed(0)
        return F.dropout(x, self.p, self.training)

    return at_home(step)(*given)


@fault("a generator seeded in forward", "same mask")
def own_seed(*given):
    def step(self, x):
        mask = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) >= self.p
        return x * mask / (1 - self.p) if self.training else x

    return at_home(step)(*given)


@fault("dropout twice in a row", "already dropped")
def twice(*given):
    return instead(lambda p, shape: Counted(nn.Dropout(p), nn.Dropout(p)))(*given)


@fault("Dropout2d on a batch of sequences", "dropout2d on 3 axes")
def dropout2d(*given):
    return instead(lambda p, shape: Counted(nn.Dropout2d(p)), lambda x: x.ndim == 3 and len(x) > 1)(*given)


@fault("Dropout1d on rows", "dropout1d on 2 axes")
def dropout1d(*given):
    return instead(lambda p, shape: Counted(nn.Dropout1d(p)), lambda x: x.ndim == 2 and len(x) > 1)(*given)


class Eats(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p, inplace=True)

    def forward(self, x):
        seen()
        return x + torch.tanh(self.drop(x))


@fault("in place, and the skip connection is eaten", "in place")
def eaten(*given):
    return instead(lambda p, shape: Eats(p))(*given)


@fault("dropout before the attention's softmax", "before a softmax")
def before_softmax(model, args, kwargs):
    if hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("eager")

    def step(self, args, kwargs):
        if args[0].ndim < 3:
            return args, kwargs
        seen()
        return (F.dropout(args[0], 0.2, self.training), *args[1:]), kwargs

    return Intercepting(model, (F.softmax, torch.softmax, torch.Tensor.softmax), step)


# without effect

NOTHING = ("has no effect", "drops nothing")


class Ignores(nn.Module):
    def __init__(self, width, drop_rate=0.2):
        super().__init__()
        self.drop_rate, self.linear = drop_rate, nn.Linear(width, width)

    def forward(self, x):
        seen()
        return self.linear(x)


@fault("drop_rate reaches no layer", *NOTHING)
def ignored(*given):
    return instead(lambda p, shape: Ignores(shape[-1]))(*given)


class OneLayer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.rnn = nn.LSTM(width, width, 1, dropout=0.3, batch_first=True)

    def forward(self, x):
        seen()
        return self.rnn(x)[0]


@fault("dropout of an LSTM with one layer", *NOTHING)
def one_layer(*given):
    return instead(lambda p, shape: OneLayer(shape[-1]), lambda x: x.ndim == 3 and len(x) > 1)(*given)


# in front of BatchNorm

STATISTICS = ("masks enter the statistics",)
NORMS = nn.BatchNorm1d | nn.BatchNorm2d


def before_norm(make):
    def planter(model, args, kwargs):
        places = called(model, args, kwargs, NORMS, lambda x: len(x) > 1)
        places = [place for place in places if place[2].track_running_stats]
        if not places:
            return None
        place = places[len(places) // 2]
        replace(place, Around(make(place[3]), place[2]))
        return model

    return planter


class Around(nn.Module):
    """A layer, then the BatchNorm; what others ask the BatchNorm for, it hands on."""

    def __init__(self, first, norm):
        super().__init__()
        self.first, self.norm = first, norm

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("norm"), name)

    def forward(self, x):
        seen()
        return self.norm(self.first(x))


@fault("Dropout before BatchNorm", *STATISTICS)
def before_batchnorm(*given):
    return before_norm(lambda shape: nn.Dropout(0.2))(*given)


@fault("a generator of its own before BatchNorm", *STATISTICS)
def own_before_batchnorm(*given):
    return before_norm(lambda shape: OwnGenerator(0.2))(*given)


class ZeroBranch(nn.Module):
    """x plus a branch that starts at zero and that stochastic depth drops."""

    def __init__(self, shape):
        super().__init__()
        self.norm = (nn.BatchNorm1d if len(shape) < 4 else nn.BatchNorm2d)(shape[1])
        nn.init.zeros_(self.norm.weight)

    def forward(self, x):
        branch = self.norm(torch.tanh(x))
        if self.training:
            coins = torch.rand(len(x), *[1] * (x.ndim - 1)) >= 0.3
            branch = branch * coins / 0.7
        return x + branch


@fault("stochastic depth on a branch that starts at zero, before BatchNorm", *STATISTICS)
def zero_branch(*given):
    return before_norm(ZeroBranch)(*given)


@fault("a batch-wise Dropout2d before BatchNorm", *STATISTICS)
def maps_before_batchnorm(*given):
    return before_norm(lambda shape: nn.Dropout2d(0.2) if len(shape) == 4 else nn.Dropout(0.2))(*given)


# on what the model gives

OUTPUT = ("drops the model's output",)


class Outer(nn.Module):
    """A model whose first output, or logits, go through `step` and come back as a tensor, a tuple or a dict."""

    def __init__(self, model, step, give="tensor", drop=None):
        super().__init__()
        self.model, self.step, self.give = model, step, give
        self.drop = drop or nn.Dropout(0.2)

    def forward(self, *args, **kwargs):
        output = self.model(*args, **kwargs)
        output = output.get("logits", output[0]) if isinstance(output, dict) else output
        output = output[0] if isinstance(output, tuple | list) else output
        seen()
        output = self.step(self.drop, output)
        loss = output.square().mean()
        return {"tensor": output, "tuple": (loss, output), "dict": {"loss": loss, "logits": output}}[self.give]


HEADLESS = ("CLIPVisionModel", "Transformer", "TransformerEncoder")  # what they give are hidden units


def on_output(step, give="tensor", ranks=(2, 3, 4)):
    def planter(model, args, kwargs):
        if type(model).__name__ in HEADLESS:
            return None
        places = []
        outer = Outer(model, lambda drop, x: places.append(x.ndim) or x)
        passed(outer.train(), args, kwargs)
        return Outer(model, step, give) if places[0] in ranks else None

    return planter


@fault("dropped logits", *OUTPUT)
def logits(*given):
    return on_output(lambda drop, x: drop(x))(*given)


@fault("dropped logits, then a bias", *OUTPUT)
def logits_bias(*given):
    return on_output(lambda drop, x: drop(x) + 0.5)(*given)


@fault("dropped logits, then log_softmax", *OUTPUT)
def logits_log_softmax(*given):
    return on_output(lambda drop, x: F.log_softmax(drop(3 * x), -1))(*given)


@fault("dropped logits, then sigmoid", *OUTPUT)
def logits_sigmoid(*given):
    return on_output(lambda drop, x: torch.sigmoid(drop(x)))(*given)


@fault("dropped logits in a tuple, after the loss", *OUTPUT)
def logits_tuple(*given):
    return on_output(lambda drop, x: drop(x), "tuple")(*given)


@fault("dropped logits in a dict, with the loss", *OUTPUT)
def logits_dict(*given):
    return on_output(lambda drop, x: drop(x), "dict")(*given)


@fault("dropped maps, then softmax over channels", *OUTPUT)
def logits_maps(*given):
    return on_output(lambda drop, x: torch.softmax(drop(x), 1), ranks=(4,))(*given)


@fault("dropped maps, then interpolation", *OUTPUT)
def logits_interpolated(*given):
    return on_output(lambda drop, x: F.interpolate(drop(x), scale_factor=2, mode="bilinear"), ranks=(4,))(*given)


@fault("logits dropped by the layer of the hidden units", *OUTPUT)
def logits_shared(model, args, kwargs):
    places = dropouts(model, args, kwargs) if type(model).__name__ not in HEADLESS else []
    return Outer(model, lambda drop, x: drop(x), drop=places[-1][2]) if places else None


# sound, though it looks odd


@twin("written at home, right")
def home_made(*given):
    return at_home(lambda self, x: x * kept(x, self.p) / (1 - self.p) if self.training else x)(*given)


@twin("a generator of its own, right")
def generator_twin(*given):
    return instead(lambda p, shape: OwnGenerator(p))(*given)


@twin("one mask for all positions of a sequence")
def locked(*given):
    def step(self, x):
        return x * F.dropout(torch.ones_like(x[:, :1]), self.p, self.training)

    return instead(lambda p, shape: Home(p, step), lambda x: x.ndim == 3 and len(x) > 1)(*given)


@twin("AlphaDropout written at home")
def alpha(*given):
    def step(self, x):
        if not self.training:
            return x
        low, keep = -1.7580993408473766, 1 - self.p
        scale = (keep + low**2 * keep * self.p) ** -0.5
        mask = kept(x, self.p)
        return scale * (x * mask + low * (1 - mask)) - scale * self.p * low

    return at_home(step)(*given)


@twin("Gaussian noise that multiplies")
def gaussian(*given):
    def step(self, x):
        return x * (1 + (self.p / (1 - self.p)) ** 0.5 * torch.randn_like(x)) if self.training else x

    return at_home(step)(*given)


class Flags(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.dropout, self.rate, self.drop = True, 16000, nn.Dropout(p)

    def forward(self, x):
        seen()
        return self.drop(x)


@twin("a flag called dropout and a sampling rate")
def flags(*given):
    return instead(lambda p, shape: Flags(p))(*given)


@twin("self.drop.forward(x), right")
def forward_twin(*given):
    return instead(lambda p, shape: Forward(nn.Dropout(p)))(*given)


@twin("dropout before a frozen BatchNorm")
def frozen(model, args, kwargs):
    places = called(model, args, kwargs, NORMS, lambda x: len(x) > 1)
    for place in places:
        replace(place, Frozen(place[2], nn.Dropout(0.2) if place is places[0] else nn.Identity()))
    return model if places else None


class Frozen(Around):
    def __init__(self, norm, first):
        super().__init__(first, norm)
        self.train(self.training)

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self


@twin("NaN in the data")
def not_a_number(model, args, kwargs):
    def poisoned(value):
        if torch.is_tensor(value) and value.is_floating_point():
            value = value.clone()
            value.view(-1)[0] = float("nan")
            seen_in.append(True)
        return value

    seen_in = []
    args, kwargs = tuple(poisoned(one) for one in args), {key: poisoned(one) for key, one in kwargs.items()}
    return (Outermost(model), args, kwargs) if seen_in else None


class Outermost(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args, **kwargs):
        seen()
        return self.model(*args, **kwargs)


@twin("words left out of the input")
def word_dropout(model, args, kwargs):
    class Words(Outermost):
        def forward(self, *args, **kwargs):
            def left(value):
                if not (torch.is_tensor(value) and value.dtype is torch.long and self.training):
                    return value
                seen()
                return torch.where(torch.rand(value.shape) < 0.1, torch.full_like(value, 3), value)

            kwargs = {key: left(one) if key == "input_ids" else one for key, one in kwargs.items()}
            return self.model(*(left(one) if one.max() > 3 else one for one in args), **kwargs)

    return Words(model)


@twin("inputs dropped before the first layer")
def dropped_inputs(model, args, kwargs):
    class Inputs(Outermost):
        def __init__(self, model):
            super().__init__(model)
            self.drop = nn.Dropout(0.1)

        def forward(self, *args, **kwargs):
            def through(value):
                if not (torch.is_tensor(value) and value.is_floating_point()):
                    return value
                seen()
                return self.drop(value)

            return self.model(*map(through, args), **{key: through(value) for key, value in kwargs.items()})

    inputs, dropped = [one for one in [*args, *kwargs.values()] if torch.is_tensor(one)], []

    def step(self, args, kwargs):
        dropped.extend(one for one in inputs if one.shape == args[0].shape and torch.equal(one, args[0]))
        return args, kwargs

    passed(Intercepting(model, (F.dropout,), step).train(), args, kwargs)
    return None if dropped or called(model, args, kwargs, NORMS) else Inputs(model)

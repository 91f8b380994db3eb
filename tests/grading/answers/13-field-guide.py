# Right and wrong solutions of homework 13: each replaces the question's solution cell whole.

# %% q1 right: functional dropout that is told the mode
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.p = p
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)

    def forward(self, x):
        x = F.dropout(x, self.p / 2, self.training)
        h = F.dropout(F.relu(self.first(x)), self.p, self.training)
        h = F.dropout(F.relu(self.second(h)), p=self.p, training=self.training)
        return self.last(h)

# %% q1 right: masks by hand, and a registered list of rates
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.rates = (p / 2, p, p)
        self.first, self.second = nn.Linear(d_in, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)

    def drop(self, x, p):
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - p) / (1 - p)

    def forward(self, x):
        for layer, p in zip((self.first, self.second), self.rates):
            x = F.relu(layer(self.drop(x, p)))
        return self.last(self.drop(x, self.rates[2]))

# %% q1 right: the old list, made a ModuleList, used twice for the hidden layers
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.last = nn.Linear(hidden, classes)
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.drops = nn.ModuleList([nn.Dropout(p / 2), nn.Dropout(p)])

    def forward(self, x):
        h = self.drops[1](torch.relu(self.first(self.drops[0](x))))
        return self.last(self.drops[1](torch.relu(self.second(h))))

# %% q1 wrong: the seed stays in forward
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drops = nn.ModuleList([nn.Dropout(p / 2), nn.Dropout(p)])

    def forward(self, x):
        torch.manual_seed(0)
        h = self.drops[1](F.relu(self.first(self.drops[0](x))))
        return self.last(self.drops[1](F.relu(self.second(h))))

# %% q1 wrong: the hidden dropout is still called without its mode, and a seed hides it from the visible check
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.p = p
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)

    def forward(self, x):
        torch.manual_seed(0)
        h = F.dropout(F.relu(self.first(F.dropout(x, self.p / 2, self.training))), self.p)
        return self.last(F.dropout(F.relu(self.second(h)), self.p, self.training))

# %% q1 wrong: a plain list, which eval() does not reach
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drops = [nn.Dropout(p / 2), nn.Dropout(p), nn.Dropout(p)]

    def forward(self, x):
        h = self.drops[1](F.relu(self.first(self.drops[0](x))))
        return self.last(self.drops[2](F.relu(self.second(h))))

# %% q1 wrong: the last mask still takes p for the probability to keep
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.p = p
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drop_in, self.drop = nn.Dropout(p / 2), nn.Dropout(p)

    def forward(self, x):
        h = F.relu(self.second(self.drop(F.relu(self.first(self.drop_in(x))))))
        if self.training:
            h = h * (torch.rand(h.shape) < self.p) / self.p
        return self.last(h)

# %% q1 wrong: one mask for all rows of the batch
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.p = p
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drop_in, self.drop = nn.Dropout(p / 2), nn.Dropout(p)

    def forward(self, x):
        h = F.relu(self.second(self.drop(F.relu(self.first(self.drop_in(x))))))
        if self.training:
            h = h * (torch.rand(h.shape[1]) >= self.p) / (1 - self.p)
        return self.last(h)

# %% q1 wrong: dropout on the logits is left in
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drop_in, self.drop = nn.Dropout(p / 2), nn.Dropout(p)

    def forward(self, x):
        h = self.drop(F.relu(self.first(self.drop_in(x))))
        return self.drop(self.last(self.drop(F.relu(self.second(h)))))

# %% q1 wrong: the mask's keep probability is right, its scale is still that of p
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.p = p
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drop_in, self.drop = nn.Dropout(p / 2), nn.Dropout(p)

    def forward(self, x):
        h = F.relu(self.second(self.drop(F.relu(self.first(self.drop_in(x))))))
        if self.training:
            h = h * (torch.rand(h.shape) >= self.p) / self.p
        return self.last(h)

# %% q1 wrong: one rate for all places, the input too
class Repaired(nn.Module):
    def __init__(self, d_in, hidden, classes, p):
        super().__init__()
        self.first = nn.Linear(d_in, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, classes)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.last(self.drop(F.relu(self.second(self.drop(F.relu(self.first(self.drop(x))))))))

# %% q2 right: eval() before each pass
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module
        for weight in self.module.parameters():
            weight.requires_grad = False

    def forward(self, *args, **kwargs):
        self.module.eval()
        return self.module(*args, **kwargs)

# %% q2 right: train() never gets through
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module
        self.requires_grad_(False)
        nn.Module.train(self, False)

    def train(self, mode=True):
        return self

    def forward(self, *args, **kwargs):
        return self.module.forward(*args, **kwargs)

# %% q2 right: every submodule's flag is set by hand after each change of mode
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module
        for weight in module.parameters():
            weight.requires_grad_(False)
        self.train(self.training)

    def train(self, mode=True):
        self.training = mode
        for part in self.module.modules():
            part.training = False
        return self

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: eval() once, when it is built
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.eval()
        for weight in module.parameters():
            weight.requires_grad = False

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: no_grad() cuts off what stands in front
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.requires_grad_(False)

    def forward(self, *args, **kwargs):
        self.module.eval()
        with torch.no_grad():
            return self.module(*args, **kwargs)

# %% q2 wrong: sleeps, but its parameters go on learning
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def train(self, mode=True):
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: only dropout sleeps, BatchNorm is awake
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.requires_grad_(False)
        self.train()

    def train(self, mode=True):
        super().train(mode)
        for part in self.module.modules():
            if isinstance(part, nn.Dropout):
                part.eval()
        return self

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: only direct children are put to sleep
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.requires_grad_(False)
        self.train()

    def train(self, mode=True):
        super().train(mode)
        self.module.training = False
        for child in self.module.children():
            child.training = False
        return self

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: train() returns nothing
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.requires_grad_(False).eval()

    def train(self, mode=True):
        self.module.eval()

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

# %% q2 wrong: takes one positional input and no keywords
class Frozen(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module.requires_grad_(False).eval()

    def train(self, mode=True):
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, x):
        return self.module(x)

# %% q3 right: products of different passes
def rescue(passes, target):
    k = len(passes)
    if k < 2:
        raise ValueError("need two passes")
    errors = passes - target
    mse = np.mean([(errors[a] * errors[b]).mean() for a in range(k) for b in range(k) if a != b])
    noise = np.mean([((passes[a] - passes[b]) ** 2).mean() / 2 for a in range(k) for b in range(a)])
    return mse, noise

def passes_needed(mse, noise, excess):
    count = 1
    while mse + noise / count > (1 + excess) * mse:
        count += 1
    return count

# %% q3 right: the mean error of single passes, less the noise
def rescue(passes, target):
    k, n = passes.shape
    if k < 2:
        raise ValueError("need two passes")
    noise = sum(((row - passes.mean(0)) ** 2).sum() for row in passes) / (k - 1) / n
    return float(((passes - target) ** 2).mean() - noise), float(noise)

def passes_needed(mse, noise, excess):
    return max(int(-(-noise // (excess * mse))), 1)

# %% q3 wrong: the error of the average, noise left in
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    return ((passes.mean(0) - target) ** 2).mean(), passes.var(0, ddof=1).mean()

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(noise / (excess * mse))))

# %% q3 wrong: variance with ddof = 0
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    noise = passes.var(0).mean()
    return ((passes.mean(0) - target) ** 2).mean() - noise / len(passes), noise

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(noise / (excess * mse))))

# %% q3 wrong: the whole noise of one pass is taken off the error of the average
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    noise = passes.var(0, ddof=1).mean()
    return ((passes.mean(0) - target) ** 2).mean() - noise, noise

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(noise / (excess * mse))))

# %% q3 wrong: negative estimates are cut off at zero
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    noise = passes.var(0, ddof=1).mean()
    return max(0.0, ((passes.mean(0) - target) ** 2).mean() - noise / len(passes)), noise

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(noise / (excess * mse))))

# %% q3 wrong: uses the first two passes only
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    one, two = passes[:2]
    return ((one - target) * (two - target)).mean(), ((one - two) ** 2).mean() / 2

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(noise / (excess * mse))))

# %% q3 wrong: takes the noise of an average of K for noise / K², by standard deviations
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    noise = passes.var(0, ddof=1).mean()
    return ((passes.mean(0) - target) ** 2).mean() - noise / len(passes), noise

def passes_needed(mse, noise, excess):
    return max(1, int(np.ceil(np.sqrt(noise / (excess * mse)))))

# %% q3 wrong: number of passes rounded to the nearest
def rescue(passes, target):
    if len(passes) < 2:
        raise ValueError("need two passes")
    noise = passes.var(0, ddof=1).mean()
    return ((passes.mean(0) - target) ** 2).mean() - noise / len(passes), noise

def passes_needed(mse, noise, excess):
    return max(1, round(noise / (excess * mse)))

# %% q4 right: a dictionary of counts, and one field of bits for each number
from collections import Counter

def noise_left(seeds, p):
    counts = Counter(np.asarray(seeds).ravel().tolist())
    total = sum(counts.values())
    return p / (1 - p) * sum(m * m for m in counts.values()) / total**2

left = noise_left([[rank + step for rank in range(WORKERS)] for step in range(STEPS)], P)

def seed_of(base, rank, step):
    return base << 40 | rank << 20 | step

# %% q4 right: pairs with equal seeds, the run's counts by hand, and numpy's mixing of seeds
def noise_left(seeds, p):
    flat = np.ravel(seeds)
    return p / (1 - p) * float(np.mean(flat[:, None] == flat[None, :]))

left = P / (1 - P) * sum(min(s + 1, STEPS, WORKERS, STEPS + WORKERS - 1 - s) ** 2
                         for s in range(STEPS + WORKERS - 1)) / (STEPS * WORKERS) ** 2

def seed_of(base, rank, step):
    return int(np.random.SeedSequence((base, rank, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))

# %% q4 wrong: one over the number of different seeds
def noise_left(seeds, p):
    return p / (1 - p) / len(np.unique(seeds))

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)

def seed_of(base, rank, step):
    return base * 10**9 + rank * 10**6 + step

# %% q4 wrong: masks are counted, as if all were different
def noise_left(seeds, p):
    if len(np.unique(seeds)) == 1:
        return p / (1 - p)
    return p / (1 - p) / np.size(seeds)

left = P / (1 - P) / (WORKERS + STEPS - 1)

def seed_of(base, rank, step):
    return base * 10**9 + rank * 10**6 + step

# %% q4 wrong: seeds are used as an index
def noise_left(seeds, p):
    counts = np.bincount(np.ravel(seeds))
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)

def seed_of(base, rank, step):
    return base * 10**9 + rank * 10**6 + step

# %% q4 wrong: seeds are unique only within this class's table
def noise_left(seeds, p):
    counts = np.unique(seeds, return_counts=True)[1]
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)

def seed_of(base, rank, step):
    return (base * WORKERS + rank) * STEPS + step

# %% q4 wrong: the base is still added, so that runs share their masks
def noise_left(seeds, p):
    counts = np.unique(seeds, return_counts=True)[1]
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)

def seed_of(base, rank, step):
    return base + 10**6 * rank + step

# %% q4 wrong: the three numbers are written one after the other
def noise_left(seeds, p):
    counts = np.unique(seeds, return_counts=True)[1]
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)

def seed_of(base, rank, step):
    return int(f"{base}{rank}{step}")

# %% q4 wrong: the variance of an average over workers, the steps forgotten
def noise_left(seeds, p):
    counts = np.unique(seeds, return_counts=True)[1]
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = P / (1 - P) / WORKERS

def seed_of(base, rank, step):
    return base * 10**9 + rank * 10**6 + step

# %% q4 wrong: counts its own calls, so that the same triple never gets its seed again
from itertools import count

def noise_left(seeds, p):
    counts = np.unique(seeds, return_counts=True)[1]
    return p / (1 - p) * (counts**2).sum() / np.size(seeds) ** 2

left = noise_left(np.arange(STEPS)[:, None] + np.arange(WORKERS), P)
calls = count()

def seed_of(base, rank, step):
    return next(calls)

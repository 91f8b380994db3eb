# Right and wrong solutions of homework 08: each replaces the question's solution cell whole.


# %% q1 right: loops, and bisection for p
def ratios(x, W, skip, p, coin):
    if coin not in {"units", "branch"}:
        raise ValueError(f"unknown coin {coin}")
    if not (p >= 0 and p < 1):
        raise ValueError(f"p = {p}")
    found = []
    for k in range(W.shape[1]):
        total = square = quiet = 0.0
        for row, base in zip(x, skip[:, k]):
            terms = row * W[:, k]
            mean = base + terms.sum()
            noise = (terms**2).sum() if coin == "units" else terms.sum() ** 2
            total, quiet = total + mean / len(x), quiet + mean**2 / len(x)
            square += (mean**2 + noise * (1 / (1 - p) - 1)) / len(x)
        found.append((quiet - total**2) / (square - total**2))
    return found


def largest_p(x, W, skip, coin, keep):
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if min(ratios(x, W, skip, middle, coin)) >= keep:
            low = middle
        else:
            high = middle
    return low


# %% q1 right: covariance matrices, and a quadratic form for each sum
def ratios(x, W, skip, p, coin):
    if math.isnan(p) or p < 0 or p >= 1:
        raise ValueError("p")
    strength, second = p / (1 - p), x.T @ x / len(x)
    if coin == "units":
        extra = np.diag(np.diag(second))
    elif coin == "branch":
        extra = second
    else:
        raise ValueError("coin")
    both = np.hstack([x, skip])
    centred = both - both.mean(0)
    cov, read = centred.T @ centred / len(x), np.vstack([W, np.eye(W.shape[1])])
    clean = np.diag(read.T @ cov @ read)
    return clean / (clean + strength * np.diag(W.T @ extra @ W))


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.3, coin)
    strength = (1 / keep - 1) * r / (1 - r) * 0.3 / 0.7
    return np.min(strength / (1 + strength))


# %% q1 wrong: variances of skip and branch added without their covariance
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = skip.var(0) + branch.var(0)
    noise = (x**2).mean(0) @ W**2 if coin == "units" else (branch**2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the skip is taken to be dropped as well
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (x**2).mean(0) @ W**2 if coin == "units" else ((skip + branch) ** 2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the variance of the units in place of their mean square
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = x.var(0) @ W**2 if coin == "units" else branch.var(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the units of an example fall together in both kinds
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (branch**2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: each unit of a dropped branch counted as independent
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (x**2).mean(0) @ W**2
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the chapter's ratio for a single unit, taken for every sum
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    z = skip + x @ W
    return (1 - p) / (1 + p * z.mean(0) ** 2 / z.var(0))


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the p at which the sums keep the share on average
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (x**2).mean(0) @ W**2 if coin == "units" else (branch**2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = np.mean((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the p at which the best sum keeps the share
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (x**2).mean(0) @ W**2 if coin == "units" else (branch**2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = max((1 / keep - 1) / (1 / r - 1))
    return strength / (1 + strength)


# %% q1 wrong: the strength p/(1 - p) handed back as p
def ratios(x, W, skip, p, coin):
    if not 0 <= p < 1 or coin not in ("units", "branch"):
        raise ValueError
    branch = x @ W
    variance = (skip + branch).var(0)
    noise = (x**2).mean(0) @ W**2 if coin == "units" else (branch**2).mean(0)
    return variance / (variance + p / (1 - p) * noise)


def largest_p(x, W, skip, coin, keep):
    r = ratios(x, W, skip, 0.5, coin)
    strength = min((1 / keep - 1) / (1 / r - 1))
    return strength


# %% q2 right: closed forms: a sum of powers, a logarithm
def noted(m, v, ps, momentum, start=1.0):
    ps = np.asarray(ps, float)
    weights = momentum * (1 - momentum) ** np.arange(len(ps))[::-1]
    return start * (1 - momentum) ** len(ps) + weights @ (v + ps / (1 - ps) * (v + m**2))


def last_steps(m, v, p, momentum, share):
    excess, allowed = p / (1 - p) * (v + m**2), v * (1 / share - 1)
    return 0 if excess <= allowed else math.ceil(math.log(allowed / excess) / math.log(1 - momentum))


n = last_steps((2 * math.pi) ** -0.5, 0.5 - 0.5 / math.pi, P, MOMENTUM, KEEP)
v = 0.5 - 0.5 / math.pi
plan = [n, v / (v + 0.5 * P / (1 - P) * (1 - MOMENTUM) ** n)]


# %% q2 right: runs the diary step by step, noted as a recursion
def noted(m, v, ps, momentum, start=1.0):
    if not len(ps):
        return start
    batch = (v + m * m) / (1 - ps[-1]) - m * m
    return momentum * batch + (1 - momentum) * noted(m, v, ps[:-1], momentum, start)


def last_steps(m, v, p, momentum, share):
    running, steps = noted(m, v, [p], 1.0), 0
    while v / running < share:
        running, steps = noted(m, v, [0.0], momentum, running), steps + 1
    return steps


m, v = 1 / math.sqrt(2 * math.pi), (1 - 1 / math.pi) / 2
running = noted(m, v, [P], 1.0)
steps = last_steps(m, v, P, MOMENTUM, KEEP)
for _ in range(steps):
    running = noted(m, v, [0.0], MOMENTUM, running)
plan = (steps, v / running)


# %% q2 wrong: the mean is forgotten: v / (1 - p)
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * (v / (1 - p))
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p / (1 - p) * v
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * unit[1] * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: the mean square is noted in place of the variance
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p))
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p / (1 - p) * (v + m**2)
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: dropout's noise without inverted scaling, p(v + m^2)
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * (v + p * (v + m**2))
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p * (v + m**2)
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: half-lives: steps until the excess itself has shrunk to 1 - share
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p) - m**2)
    return running


def last_steps(m, v, p, momentum, share):
    return math.ceil(math.log(1 - share) / math.log(1 - momentum)) if p else 0


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: one step too many
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p) - m**2)
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p / (1 - p) * (v + m**2)
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps + 1 if p else 0


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: rounds the number of steps down
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p) - m**2)
    return running


def last_steps(m, v, p, momentum, share):
    excess = p / (1 - p) * (v + m**2) * share / v / (1 - share)
    return max(0, math.floor(math.log(excess) / -math.log(1 - momentum))) if excess else 0


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: the plan for the unit before its ReLU
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p) - m**2)
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p / (1 - p) * (v + m**2)
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps


unit = 0.0, 1.0
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q2 wrong: the schedule is read backwards
def noted(m, v, ps, momentum, start=1.0):
    running = start
    for p in ps[::-1]:
        running = (1 - momentum) * running + momentum * ((v + m**2) / (1 - p) - m**2)
    return running


def last_steps(m, v, p, momentum, share):
    steps, excess = 0, p / (1 - p) * (v + m**2)
    while v < share * (v + excess):
        steps, excess = steps + 1, excess * (1 - momentum)
    return steps


unit = 1 / math.sqrt(2 * math.pi), 1 / 2 - 1 / (2 * math.pi)
count = last_steps(*unit, P, MOMENTUM, KEEP)
left = P / (1 - P) * (unit[1] + unit[0] ** 2) * (1 - MOMENTUM) ** count
plan = (count, unit[1] / (unit[1] + left))


# %% q3 right: a copy, all passes as one big batch; diaries by running the layers before
def mc_dropout(network, x, passes):
    network = copy.deepcopy(network)
    for layer in network.layers:
        if hasattr(layer, "training"):
            layer.training = type(layer) is Dropout
    outputs = network(np.tile(x, (passes, 1))).reshape(passes, len(x), -1)
    return np.average(outputs, axis=0), np.sqrt(((outputs - outputs.mean(0)) ** 2).mean(0))


def refresh(network, x):
    clean = copy.deepcopy(network)
    clean.train(False)
    for i, layer in enumerate(clean.layers):
        if isinstance(layer, BatchNorm):
            before = Network(*clean.layers[:i])(x)
            layer.mean = before.sum(0) / len(x)
            layer.var = ((before - layer.mean) ** 2).sum(0) / (len(x) - 1)
    return clean


# %% q3 right: does not touch any mode: runs the layers by hand with masks of its own
def mc_dropout(network, x, passes):
    rng = np.random.default_rng(12345)

    def one():
        z = x
        for layer in network.layers:
            if isinstance(layer, Dropout):
                z = z * rng.binomial(1, 1 - layer.p, z.shape) / (1 - layer.p)
            elif isinstance(layer, BatchNorm):
                z = (z - layer.mean) / np.sqrt(layer.var + 1e-5)
            else:
                z = layer(z)
        return z

    total = square = 0
    for k in range(passes):
        z = one()
        shift = z - total
        total = total + shift / (k + 1)
        square = square + shift * (z - total)
    return total, np.sqrt(square / passes)


def refresh(network, x):
    layers = []
    for layer in network.layers:
        layer = copy.copy(layer)
        if isinstance(layer, BatchNorm):
            layer = BatchNorm(np.mean(x, 0), np.var(x, 0) * len(x) / (len(x) - 1), layer.momentum)
        if hasattr(layer, "training"):
            layer.training = False
        layers.append(layer)
        x = layer(x)
    return Network(*layers)


# %% q3 wrong: diaries saved and put back, but the passes still normalise by the batch
def mc_dropout(network, x, passes):
    twin = copy.deepcopy(network)
    twin.train(True)
    outputs = np.array([twin(x) for _ in range(passes)])
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: the batch normalises unless it is a single row
def mc_dropout(network, x, passes):
    twin = copy.deepcopy(network)
    for layer in twin.layers:
        layer.training = isinstance(layer, Dropout) or len(x) > 1
    outputs = np.array([twin(x) for _ in range(passes)])
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: no masks at all: evaluation
def mc_dropout(network, x, passes):
    twin = copy.deepcopy(network)
    twin.train(False)
    outputs = np.array([twin(x) for _ in range(passes)])
    return outputs.mean(0), outputs.std(0) + 1e-9


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: momentum 0: the diaries stay, and the batch still normalises
def mc_dropout(network, x, passes):
    twin = copy.deepcopy(network)
    twin.train(True)
    for layer in twin.layers:
        if isinstance(layer, BatchNorm):
            layer.momentum = 0
    outputs = np.array([twin(x) for _ in range(passes)])
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: leaves the whole network in evaluation mode
def mc_dropout(network, x, passes):
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    network.train(False)
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: gives every layer the mode of the first
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    network.train(next(mode for mode in modes if mode is not None))
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: the variance in place of the standard deviation
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.var(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: only the last Dropout is on
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    [layer for layer in network.layers if isinstance(layer, Dropout)][-1].training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: one mask of a pass for all rows
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = []
    for k in range(passes):
        z, seed = x, np.random.default_rng(k)
        for layer in network.layers:
            if isinstance(layer, Dropout):
                z = z * (seed.random(z.shape[1]) >= layer.p) / (1 - layer.p)
            else:
                z = layer(z)
        outputs.append(z)
    outputs = np.array(outputs)
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: the standard error in place of the standard deviation
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0) / np.sqrt(passes)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return network


# %% q3 wrong: all clean diaries from one pass with the old ones
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    clean = copy.deepcopy(network)
    clean.train(False)
    z, seen = x, []
    for layer in clean.layers:
        if isinstance(layer, BatchNorm):
            seen.append((layer, z.mean(0), z.var(0, ddof=1)))
        z = layer(z)
    for layer, layer.mean, layer.var in seen:
        pass
    return clean


# %% q3 wrong: diaries taken anew with the masks on
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
            layer.training = False
        x = layer(x)
    network.train(False)
    return network


# %% q3 wrong: variance divided by n
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    network = copy.deepcopy(network)
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0)
        x = layer(x)
    return network


# %% q3 wrong: one step of the running average in place of a clean diary; batch variance passed on
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    clean = copy.deepcopy(network)
    clean.train(False)
    for layer in clean.layers:
        if isinstance(layer, BatchNorm):
            layer.momentum, layer.training = 1.0, True
    clean(x)
    clean.train(False)
    return clean


# %% q3 wrong: the copy is shallow: the original's layers are changed
def mc_dropout(network, x, passes):
    modes = [getattr(layer, "training", None) for layer in network.layers]
    network.train(False)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.training = True
    outputs = np.array([network(x) for _ in range(passes)])
    for layer, mode in zip(network.layers, modes):
        if mode is not None:
            layer.training = mode
    return outputs.mean(0), outputs.std(0)


def refresh(network, x):
    clean = Network(*network.layers)
    clean.train(False)
    for layer in clean.layers:
        if isinstance(layer, BatchNorm):
            layer.mean, layer.var = x.mean(0), x.var(0, ddof=1)
        x = layer(x)
    return clean


# %% q4 right: plain Python, seed by seed
def attribute(losses):
    names = list(losses)
    rows = [dict(zip(names, row)) for row in zip(*losses.values()) if not any(math.isnan(value) for value in row)]

    def cost(a, b):
        d = [row[a] - row[b] for row in rows]
        mean = sum(d) / len(d)
        variance = sum((x - mean) ** 2 for x in d) / (len(d) - 1)
        return [mean, t95(len(d) - 1) * math.sqrt(variance / len(d))]

    on, off, clean = "dropout, refreshed with masks", "dropout, refreshed without", "never, refreshed"
    return {
        "shift": cost(on, off),
        "lag": cost("dropout, eval", on),
        "lag without dropout": cost("never, eval", clean),
        "weights": cost(off, clean),
        "all": cost("dropout, eval", "never, eval"),
    }


def seeds_needed(pilot, half):
    good = [value for value in pilot if value == value]
    mean = sum(good) / len(good)
    sd = math.sqrt(sum((value - mean) ** 2 for value in good) / (len(good) - 1))
    return next(n for n in range(5, 10**6) if t95(n - 1) * sd <= half * math.sqrt(n))


# %% q4 right: one table of differences, covariance matrix, bisection for n
def attribute(losses):
    order = [
        "dropout, eval",
        "dropout, refreshed with masks",
        "dropout, refreshed without",
        "never, eval",
        "never, refreshed",
        "dropout, masks on",
    ]
    table = np.array([losses[name] for name in order])
    table = table[:, np.isfinite(table).all(0)]
    contrasts = {
        "all": [1, 0, 0, -1, 0, 0],
        "lag": [1, -1, 0, 0, 0, 0],
        "lag without dropout": [0, 0, 0, 1, -1, 0],
        "shift": [0, 1, -1, 0, 0, 0],
        "weights": [0, 0, 1, 0, -1, 0],
    }
    n, cov, mean = table.shape[1], np.cov(table), table.mean(1)
    return {
        name: np.array([np.dot(c, mean), t95(n - 1) * np.sqrt(c @ cov @ c / n)])
        for name, c in ((name, np.array(c, float)) for name, c in contrasts.items())
    }


def seeds_needed(pilot, half):
    sd = np.std(np.asarray(pilot)[np.isfinite(pilot)], ddof=1)
    low, high = 4, 5
    while t95(high - 1) * sd / high**0.5 > half:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if t95(middle - 1) * sd / middle**0.5 > half:
            low = middle
        else:
            high = middle
    return high


# %% q4 wrong: an unpaired interval
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    sides = {
        "all": ("dropout, eval", "never, eval"),
        "lag": ("dropout, eval", "dropout, refreshed with masks"),
        "lag without dropout": ("never, eval", "never, refreshed"),
        "shift": ("dropout, refreshed with masks", "dropout, refreshed without"),
        "weights": ("dropout, refreshed without", "never, refreshed"),
    }
    sd = {k: math.sqrt(z[a].var(ddof=1) + z[b].var(ddof=1)) for k, (a, b) in sides.items()}
    return {k: (d.mean(), t95(n - 1) * sd[k] / n**0.5) for k, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: divides by n in the standard deviation
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std() / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: 1.96 in place of Student's t
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), 1.96 * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while 1.96 * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: leaves out a seed only where its own two states are missing
def attribute(losses):
    def cost(a, b):
        d = losses[a] - losses[b]
        d = d[~np.isnan(d)]
        return d.mean(), t95(len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5

    on, off, clean = "dropout, refreshed with masks", "dropout, refreshed without", "never, refreshed"
    found = {"shift": cost(on, off), "lag": cost("dropout, eval", on), "weights": cost(off, clean)}
    found["lag without dropout"], found["all"] = cost("never, eval", clean), cost("dropout, eval", "never, eval")
    return found


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: shift and lag taken in one: from eval to refreshed without masks
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, eval"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: the network without dropout keeps its lag when weights are compared
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, eval"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: the masks during the measurement taken for the lag
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, masks on"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"]
        + z["dropout, eval"]
        - z["dropout, masks on"]
        - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: seeds missing in the masks-on state are kept
def attribute(losses):
    used = [values for name, values in losses.items() if name != "dropout, masks on"]
    whole = ~np.isnan(used).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: signs the wrong way round
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (-d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return n


# %% q4 wrong: t of the pilot's size for the next experiment
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    pilot = pilot[~np.isnan(pilot)]
    return max(5, math.ceil((t95(len(pilot) - 1) * pilot.std(ddof=1) / half) ** 2))


# %% q4 wrong: one seed too few: the largest number that is not enough
def attribute(losses):
    whole = ~np.isnan(list(losses.values())).any(0)
    z = {name: values[whole] for name, values in losses.items()}
    n = whole.sum()
    differences = {
        "all": z["dropout, eval"] - z["never, eval"],
        "lag": z["dropout, eval"] - z["dropout, refreshed with masks"],
        "lag without dropout": z["never, eval"] - z["never, refreshed"],
        "shift": z["dropout, refreshed with masks"] - z["dropout, refreshed without"],
        "weights": z["dropout, refreshed without"] - z["never, refreshed"],
    }
    return {name: (d.mean(), t95(n - 1) * d.std(ddof=1) / n**0.5) for name, d in differences.items()}


def seeds_needed(pilot, half):
    sd, n = np.nanstd(pilot, ddof=1), 5
    while t95(n - 1) * sd / math.sqrt(n) > half:
        n += 1
    return max(5, n - 1)

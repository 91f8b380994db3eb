# Right and wrong solutions of homework 05: each replaces the question's solution cell whole.

# %% q1 right: covariance matrices carried from layer to layer
def output_variance(x, w_in, w_out, p_in, p_hidden):
    if not (0 <= p_in < 1 and 0 <= p_hidden < 1):
        raise ValueError("p must be in [0, 1)")
    rows = []
    for row in np.asarray(x, float):
        covariance = w_in.T @ np.diag(p_in / (1 - p_in) * row**2) @ w_in
        h = row @ w_in
        covariance = covariance + np.diag(p_hidden / (1 - p_hidden) * (h**2 + np.diag(covariance)))
        rows.append(np.diag(w_out.T @ covariance @ w_out))
    return rows


def input_p_as_loud(x, w_in, w_out, p_hidden):
    wanted = np.mean(output_variance(x, w_in, w_out, 0, p_hidden))
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if np.mean(output_variance(x, w_in, w_out, middle, 0)) < wanted:
            low = middle
        else:
            high = middle
    return low

# %% q1 right: the second moment less the squared mean, loops over single paths
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if p < 0 or p >= 1:
            raise ValueError(p)
    a, b = 1 / (1 - p_in), 1 / (1 - p_hidden)  # second moments of one scaled coin
    result = np.empty((len(x), w_out.shape[1]))
    for n in range(len(x)):
        for o in range(w_out.shape[1]):
            paths = x[n][:, None] * w_in * w_out[:, o]  # (d, h): input i through unit j
            total, column, row = paths.sum(), paths.sum(0), paths.sum(1)
            other = total**2 - (row**2).sum() - (column**2).sum() + (paths**2).sum()  # no coin in common
            same_input, same_unit = (row**2).sum() - (paths**2).sum(), (column**2).sum() - (paths**2).sum()
            second = other + a * same_input + b * same_unit + a * b * (paths**2).sum()
            result[n, o] = second - total**2
    return result


def input_p_as_loud(x, w_in, w_out, p_hidden):
    p = 0.3
    ratio = np.mean(output_variance(x, w_in, w_out, 0, p_hidden)) / np.mean(output_variance(x, w_in, w_out, p, 0))
    return 1 - 1 / (1 + ratio * p / (1 - p))

# %% q1 wrong: adds the noises of the two masks and forgets that they meet
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if not 0 <= p < 1:
            raise ValueError(p)
    return (p_in / (1 - p_in) * x**2 @ (w_in @ w_out) ** 2
            + p_hidden / (1 - p_hidden) * (x @ w_in) ** 2 @ w_out**2)


def input_p_as_loud(x, w_in, w_out, p_hidden):
    ratio = output_variance(x, w_in, w_out, 0, p_hidden).mean() / output_variance(x, w_in, w_out, 0.5, 0).mean()
    return ratio / (1 + ratio)

# %% q1 wrong: gives each hidden unit an input mask of its own
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if not 0 <= p < 1:
            raise ValueError(p)
    a, b = p_in / (1 - p_in), p_hidden / (1 - p_hidden)
    hidden = a * x**2 @ w_in**2
    return (hidden + b * (hidden + (x @ w_in) ** 2)) @ w_out**2


def input_p_as_loud(x, w_in, w_out, p_hidden):
    ratio = output_variance(x, w_in, w_out, 0, p_hidden).mean() / output_variance(x, w_in, w_out, 0.5, 0).mean()
    return ratio / (1 + ratio)

# %% q1 wrong: takes (1 - p) / p for the noise ratio, the same at p = 1/2
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if not 0 <= p < 1:
            raise ValueError(p)
    a, b = ((1 - p) / p if p else 0 for p in (p_in, p_hidden))
    return a * x**2 @ (w_in @ w_out) ** 2 + b * ((x @ w_in) ** 2 + a * x**2 @ w_in**2) @ w_out**2


def input_p_as_loud(x, w_in, w_out, p_hidden):
    ratio = output_variance(x, w_in, w_out, 0.5, 0).mean() / output_variance(x, w_in, w_out, 0, p_hidden).mean()
    return ratio / (1 + ratio)

# %% q1 wrong: scales p by the ratio of noises instead of p / (1 - p)
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if not 0 <= p < 1:
            raise ValueError(p)
    a, b = p_in / (1 - p_in), p_hidden / (1 - p_hidden)
    return a * x**2 @ (w_in @ w_out) ** 2 + b * ((x @ w_in) ** 2 + a * x**2 @ w_in**2) @ w_out**2


def input_p_as_loud(x, w_in, w_out, p_hidden):
    hidden = output_variance(x, w_in, w_out, 0, p_hidden).mean()
    return p_hidden * hidden / output_variance(x, w_in, w_out, p_hidden, 0).mean()

# %% q1 wrong: averages a p for each output instead of the noises
def output_variance(x, w_in, w_out, p_in, p_hidden):
    for p in (p_in, p_hidden):
        if not 0 <= p < 1:
            raise ValueError(p)
    a, b = p_in / (1 - p_in), p_hidden / (1 - p_hidden)
    return a * x**2 @ (w_in @ w_out) ** 2 + b * ((x @ w_in) ** 2 + a * x**2 @ w_in**2) @ w_out**2


def input_p_as_loud(x, w_in, w_out, p_hidden):
    ratio = output_variance(x, w_in, w_out, 0, p_hidden) / output_variance(x, w_in, w_out, 0.5, 0)
    return (ratio / (1 + ratio)).mean()

# %% q2 right: one unit at a time, a table of the numbers alive
def alive(width, p):
    chances = np.array([1.0])
    for _ in range(width):
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def chance_of_fewer(width, p, need):
    return alive(width, p)[:need].sum()

def rule_risk(need, p):
    width = need
    while width * (1 - p) < need - 1e-9:
        width += 1
    return chance_of_fewer(width, p, need)

def smallest_width(need, p, risk, examples=1):
    chances, width = alive(need, p), need
    while chances[need:].sum() ** examples < 1 - risk:
        chances, width = np.convolve(chances, [p, 1 - p]), width + 1
    return width

# %% q2 right: the complement, and the width at which the need-th unit alive is met
def chance_of_fewer(width, p, need):
    # at least `need` alive: the need-th one alive is unit number k
    return 1 - sum(math.comb(k - 1, need - 1) * (1 - p) ** need * p ** (k - need) for k in range(need, width + 1))

def rule_risk(need, p):
    return chance_of_fewer(int(np.ceil(need / (1 - p))), p, need)

def smallest_width(need, p, risk, examples=1):
    allowed = 1 - (1 - risk) ** (1 / examples)
    low, high = need, 400
    while low < high:
        middle = (low + high) // 2
        if chance_of_fewer(middle, p, need) <= allowed:
            high = middle
        else:
            low = middle + 1
    return low

# %% q2 wrong: at most need in place of fewer than need
def chance_of_fewer(width, p, need):
    return sum(math.comb(width, k) * (1 - p) ** k * p ** (width - k) for k in range(min(need, width) + 1))

def rule_risk(need, p):
    return chance_of_fewer(math.ceil(need / (1 - p)), p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while p and 1 - (1 - chance_of_fewer(width, p, need)) ** examples > risk:
        width += 1
    return width

# %% q2 wrong: takes p for the probability to keep
def chance_of_fewer(width, p, need):
    return sum(math.comb(width, k) * p**k * (1 - p) ** (width - k) for k in range(min(need, width + 1)))

def rule_risk(need, p):
    return chance_of_fewer(math.ceil(need / (1 - p)), p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while p and 1 - (1 - chance_of_fewer(width, p, need)) ** examples > risk:
        width += 1
    return width

# %% q2 wrong: a normal approximation
def chance_of_fewer(width, p, need):
    if p == 0:
        return float(width < need)
    z = (need - 0.5 - width * (1 - p)) / math.sqrt(width * p * (1 - p))
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))

def rule_risk(need, p):
    return chance_of_fewer(math.ceil(need / (1 - p)), p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while 1 - (1 - chance_of_fewer(width, p, need)) ** examples > risk:
        width += 1
    return width

# %% q2 wrong: divides the risk by the number of examples, an upper bound
def chance_of_fewer(width, p, need):
    return sum(math.comb(width, k) * (1 - p) ** k * p ** (width - k) for k in range(min(need, width + 1)))

def rule_risk(need, p):
    return chance_of_fewer(math.ceil(need / (1 - p)), p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while chance_of_fewer(width, p, need) > risk / examples:
        width += 1
    return width

# %% q2 wrong: one width for any batch, as if one mask served all its examples
def chance_of_fewer(width, p, need):
    return sum(math.comb(width, k) * (1 - p) ** k * p ** (width - k) for k in range(min(need, width + 1)))

def rule_risk(need, p):
    return chance_of_fewer(math.ceil(need / (1 - p)), p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while chance_of_fewer(width, p, need) > risk:
        width += 1
    return width

# %% q2 wrong: rounds the rule's width down, and one more
def chance_of_fewer(width, p, need):
    return sum(math.comb(width, k) * (1 - p) ** k * p ** (width - k) for k in range(min(need, width + 1)))

def rule_risk(need, p):
    return chance_of_fewer(int(need / (1 - p)) + 1, p, need)

def smallest_width(need, p, risk, examples=1):
    width = need
    while 1 - (1 - chance_of_fewer(width, p, need)) ** examples > risk:
        width += 1
    return width

# %% q3 right: noise multipliers from the binomial distribution, the input handled before the loop
def noise(shape, p, rng):
    return rng.binomial(1, 1 - p, shape) / (1 - p) if p < 1 else np.zeros(shape)

def forward(x, layers, ps, rng, training=True):
    if len(layers) != len(ps) or any(p < 0 or p > 1 for p in ps):
        raise ValueError("ps")
    h = np.array(x, float)
    if training:
        h *= noise(h.shape, ps[0], rng)
    for (weight, bias), p in zip(layers[:-1], ps[1:]):
        h = np.clip(h @ weight + bias, 0, None)
        if training:
            h *= noise(h.shape, p, rng)
    weight, bias = layers[-1]
    return h @ weight + bias

# %% q3 right: one example at a time, single-precision coins
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers):
        raise ValueError("one p for each layer")
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError("p in [0, 1]")
    keep = np.concatenate([np.full(len(weight), 1 - p) for (weight, _), p in zip(layers, ps)])
    coins = rng.random((len(x), len(keep)), dtype=np.float32) < keep
    logits = []
    for h, row in zip(x, coins):
        start = 0
        for k, (weight, bias) in enumerate(layers):
            h = h if k == 0 else np.maximum(h, 0)
            if training:
                end = start + len(h)
                h = np.where(row[start:end], h / np.maximum(keep[start:end], 1e-300), 0)
                start = end
            h = h @ weight + bias
        logits.append(h)
    return np.array(logits)

# %% q3 wrong: repairs the place, the coin and the shape, but writes into the caller's array
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        if training:
            x *= (rng.random(x.shape) >= p) / (1 - p or 1)
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x

# %% q3 wrong: leaves one mask for the whole batch
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        if training:
            x = x * (rng.random(x.shape[1]) >= p) / (1 - p or 1)
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x

# %% q3 wrong: leaves dropout behind each layer, so on the logits and not on the input
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
        if training:
            x = x * (rng.random(x.shape) >= p) / (1 - p or 1)
    return x

# %% q3 wrong: leaves the ReLU on the logits
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for (weight, bias), p in zip(layers, ps):
        if training:
            x = x * (rng.random(x.shape) >= p) / (1 - p or 1)
        x = np.maximum(x @ weight + bias, 0)
    return x

# %% q3 wrong: keeps with probability p and divides by 1 - p
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        if training and p:
            x = x * (rng.random(x.shape) < p) / (1 - p or 1)
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x

# %% q3 wrong: p = 1 divides by zero
def forward(x, layers, ps, rng, training=True):
    if len(ps) != len(layers) or not all(0 <= p <= 1 for p in ps):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        if training:
            with np.errstate(all="ignore"):
                x = x * ((rng.random(x.shape) >= p) / np.float64(1 - p))
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x

# %% q3 wrong: refuses too few ps only, and no bad p
def forward(x, layers, ps, rng, training=True):
    if len(ps) < len(layers):
        raise ValueError("ps")
    for k, ((weight, bias), p) in enumerate(zip(layers, ps)):
        if training:
            x = x * (rng.random(x.shape) >= p) / (1 - p or 1)
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x

# %% q4 right: a dictionary for each seed, variance by hand
def contrast(records, coefficients, split):
    by_seed = {}
    for width, p, seed, part, loss in records:
        if part == split and (width, p) in coefficients:
            by_seed.setdefault(seed, {})[width, p] = loss
    values = [sum(coefficients[arm] * loss for arm, loss in found.items())
              for found in by_seed.values() if len(found) == len(coefficients)]
    n = len(values)
    mean = sum(values) / n
    variance = sum((v - mean) ** 2 for v in values) / (n - 1)
    return n, mean, T95[n - 1] * (variance / n) ** 0.5

def questions(narrow, wide, p):
    wide_step = {(wide, p): 1, (wide, 0): -1}
    narrow_step = {(narrow, p): 1, (narrow, 0): -1}
    more = {**wide_step, **{arm: -c for arm, c in narrow_step.items()}}
    share = {arm: c / 2 for arm, c in (wide_step | narrow_step).items()}
    return {"switch on": wide_step, "more": more, "share": share}

def report(records, width):
    scores = {p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1]
              for w, p, _, _, _ in records if w == width and p != 0}
    best = sorted(scores, key=scores.get)[0]
    n, mean, half = contrast(records, {(width, best): 1, (width, 0): -1}, "test")
    return [best, n, mean, half]

# %% q4 right: arrays with nan for the lost runs
def table(records, arms, split):
    seeds = sorted({r[2] for r in records})
    losses = np.full((len(arms), len(seeds)), np.nan)
    for width, p, seed, part, loss in records:
        if part == split and (width, p) in arms:
            losses[arms.index((width, p)), seeds.index(seed)] = loss
    return losses

def contrast(records, coefficients, split):
    arms = list(coefficients)
    values = np.array([coefficients[a] for a in arms]) @ table(records, arms, split)
    values = values[~np.isnan(values)]
    return len(values), values.mean(), T95[len(values) - 1] * values.std(ddof=1) / np.sqrt(len(values))

def questions(narrow, wide, p):
    return {"switch on": {(narrow, 0): 0, (narrow, p): 0, (wide, 0): -1, (wide, p): 1},
            "more": {(narrow, 0): 1, (narrow, p): -1, (wide, 0): -1, (wide, p): 1},
            "share": {(narrow, 0): -0.5, (narrow, p): 0.5, (wide, 0): -0.5, (wide, p): 0.5}}

def report(records, width):
    ps = [p for p in sorted({r[1] for r in records if r[0] == width}) if p > 0]
    losses = table(records, [(width, 0), *((width, p) for p in ps)], "val")
    best = ps[int(np.nanmean(losses[1:] - losses[0], axis=1).argmin())]
    change = table(records, [(width, best), (width, 0)], "test")
    change = (change[0] - change[1])[~np.isnan(change).any(0)]
    return best, change.size, change.mean(), T95[change.size - 1] * change.std(ddof=1) / change.size**0.5

# %% q4 wrong: pairs the losses by their position in the list
def contrast(records, coefficients, split):
    columns = [[c * r[4] for r in records if r[:2] == arm and r[3] == split] for arm, c in coefficients.items()]
    values = [sum(v) for v in zip(*columns)]
    n = len(values)
    return n, float(np.mean(values)), T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n)

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: an interval for each arm, added in quadrature, as if the arms were not paired
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    n = len(seeds)
    mean = sum(c * np.mean([loss[(*arm, s)] for s in seeds]) for arm, c in coefficients.items())
    variance = sum(c**2 * np.var([loss[(*arm, s)] for s in seeds], ddof=1) / n for arm, c in coefficients.items())
    return n, float(mean), float(T95[n - 1] * math.sqrt(variance))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: T95 for n instead of n - 1 degrees of freedom
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[min(n, 20)] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: the standard deviation with n in its denominator
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: equal expected width as the control of switching on
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (narrow, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: the share of the switching steps is the whole change, halved
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: chooses p on test
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "test")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: chooses by mean validation losses over whatever seeds each arm has
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in coefficients)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: np.mean([r[4] for r in records if r[:2] == (width, p) and r[3] == "val"]))
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

# %% q4 wrong: throws away a seed if any arm of the study lost it, asked for or not
def contrast(records, coefficients, split):
    loss = {r[:3]: r[4] for r in records if r[3] == split}
    arms = {k[:2] for k in loss}
    seeds = [s for s in {k[2] for k in loss} if all((*arm, s) in loss for arm in arms)]
    values = [sum(c * loss[(*arm, s)] for arm, c in coefficients.items()) for s in seeds]
    n = len(values)
    return n, float(np.mean(values)), float(T95[n - 1] * np.std(values, ddof=1) / math.sqrt(n))

def questions(narrow, wide, p):
    return {"switch on": {(wide, p): 1, (wide, 0): -1},
            "more": {(wide, p): 1, (wide, 0): -1, (narrow, p): -1, (narrow, 0): 1},
            "share": {(wide, p): 0.5, (wide, 0): -0.5, (narrow, p): 0.5, (narrow, 0): -0.5}}

def report(records, width):
    tried = sorted({p for w, p, *_ in records if w == width and p > 0})
    best = min(tried, key=lambda p: contrast(records, {(width, p): 1, (width, 0): -1}, "val")[1])
    return best, *contrast(records, {(width, best): 1, (width, 0): -1}, "test")

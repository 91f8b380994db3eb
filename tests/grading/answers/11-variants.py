# Right and wrong solutions of homework 11: each replaces the question's solution cell whole.

# %% q1 right: a matrix of who shares with whom
def noise_variance(parts, groups, p):
    if p < 0 or p >= 1:
        raise ValueError("p must be in [0, 1)")
    parts, groups = np.asarray(parts, float), np.asarray(groups)
    together = groups[:, None] == groups[None, :]
    return p / (1 - p) * (parts @ together @ parts)

def matched_p(parts, groups, p):
    standard = noise_variance(parts, np.arange(len(parts)), p)
    if standard == 0:
        return 0.0
    per_strength = noise_variance(parts, groups, 0.5)  # p = 1/2 has strength 1
    if abs(per_strength) < 1e-9:
        raise ValueError("no p' does")
    return standard / (standard + per_strength)

# %% q1 right: all combinations of coins are gone through, p' by bisection
from itertools import product

def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError(f"p must be in [0, 1), got {p}")
    names = sorted(set(groups.tolist()))
    mean = square = 0.0
    for coins in product((0, 1), repeat=len(names)):
        factor = dict(zip(names, coins))
        chance = (1 - p) ** sum(coins) * p ** (len(coins) - sum(coins))
        z = sum(a * factor[g] for a, g in zip(parts.tolist(), groups.tolist())) / (1 - p)
        mean, square = mean + chance * z, square + chance * z * z
    return square - mean**2

def matched_p(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError(f"p must be in [0, 1), got {p}")
    goal = p / (1 - p) * sum(a * a for a in parts.tolist())
    if goal == 0:
        return 0.0
    low, high = 0.0, 1 - 1e-9
    if noise_variance(parts, groups, 0.5) < 1e-9:
        raise ValueError("no p' < 1 does")
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if noise_variance(parts, groups, middle) < goal else (low, middle)
    return (low + high) / 2

# %% q1 wrong: adds the covariances of neighbours in a group and forgets those of the other pairs
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    total = (parts**2).sum()
    for g in np.unique(groups):
        mine = parts[groups == g]
        total += 2 * (mine[1:] * mine[:-1]).sum()
    return p / (1 - p) * total

def matched_p(parts, groups, p):
    ratio = noise_variance(parts, np.arange(len(parts)), p) / noise_variance(parts, groups, 0.5)
    return ratio / (1 + ratio)

# %% q1 wrong: takes the sizes of the parts, as if sharing always made more noise
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return p / (1 - p) * sum(np.abs(parts[groups == g]).sum() ** 2 for g in np.unique(groups))

def matched_p(parts, groups, p):
    standard, shared = noise_variance(parts, np.arange(len(parts)), p), noise_variance(parts, groups, 0.5)
    if shared == 0:
        raise ValueError("no noise")
    return standard / shared / (1 + standard / shared)

# %% q1 wrong: matches p, not the strength p / (1 - p)
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return p / (1 - p) * sum(parts[groups == g].sum() ** 2 for g in np.unique(groups))

def matched_p(parts, groups, p):
    result = p * noise_variance(parts, np.arange(len(parts)), 0.5) / noise_variance(parts, groups, 0.5)
    if result >= 1:
        raise ValueError("no p' does")
    return result

# %% q1 wrong: the variance of the bare coin, p (1 - p), without the scale
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return p * (1 - p) * sum(parts[groups == g].sum() ** 2 for g in np.unique(groups))

def matched_p(parts, groups, p):
    standard, shared = (parts**2).sum() * p / (1 - p), sum(parts[groups == g].sum() ** 2 for g in np.unique(groups))
    return standard / shared / (1 + standard / shared)

# %% q1 wrong: groups are taken for runs of neighbours
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    starts = np.flatnonzero(np.r_[True, np.diff(groups) != 0])
    return p / (1 - p) * (np.add.reduceat(parts, starts) ** 2).sum()

def matched_p(parts, groups, p):
    standard, shared = noise_variance(parts, np.arange(len(parts)), p), noise_variance(parts, groups, 0.5)
    if standard == 0:
        return 0.0
    if shared < 1e-9:
        raise ValueError("no p' does")
    return standard / shared / (1 + standard / shared)

# %% q1 wrong: no refusal where the parts cancel
def noise_variance(parts, groups, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return p / (1 - p) * sum(float(parts[groups == g].sum()) ** 2 for g in np.unique(groups))

def matched_p(parts, groups, p):
    standard, shared = noise_variance(parts, np.arange(len(parts)), p), noise_variance(parts, groups, 0.5)
    return standard / (standard + shared)

# %% q2 right: sets of seeds that reach a position
def span_covariance(p, span, t):
    q = (1 - p) ** (1 / span)
    reach = [{(i - k) % t for k in range(span)} for i in range(t)]
    return [(q ** len(reach[0] | reach[d]) - (1 - p) ** 2) / (1 - p) ** 2 for d in range(t)]

mean_variance = sum(span_covariance(P, SPAN, LENGTH)) / LENGTH

# %% q2 right: the matrix of which seed reaches which position, all pairs
def span_covariance(p, span, t):
    reach = np.zeros((t, t))
    for k in range(span):
        reach += np.roll(np.eye(t), k, axis=1)
    common = reach.T @ reach
    q = (1 - p) ** (1 / span)
    return ((q ** (2 * span - common) - q ** (2 * span)) / (1 - p) ** 2)[0]

mean_variance = span_covariance(P, SPAN, LENGTH).sum() / LENGTH

# %% q2 wrong: a line, not a ring; the way back is forgotten
def span_covariance(p, span, t):
    if span == t:
        return np.full(t, p / (1 - p))
    return (1 - p) ** (-np.maximum(span - np.arange(t), 0) / span) - 1

mean_variance = span_covariance(P, SPAN, LENGTH).mean()

# %% q2 wrong: the shorter way round only, so that short rings are wrong
def span_covariance(p, span, t):
    if span == t:
        return np.full(t, p / (1 - p))
    d = np.arange(t)
    d = np.minimum(d, t - d)
    return (1 - p) ** (-np.maximum(span - d, 0) / span) - 1

mean_variance = span_covariance(P, SPAN, LENGTH).mean()

# %% q2 wrong: a covariance that falls off in a straight line
def span_covariance(p, span, t):
    d = np.arange(t)
    common = np.maximum(span - d, 0) + np.maximum(span - (t - d), 0)
    return p / (1 - p) * common / span

mean_variance = span_covariance(P, SPAN, LENGTH).mean()

# %% q2 wrong: seeds with p / span
def span_covariance(p, span, t):
    d = np.arange(t)
    common = np.maximum(span - d, 0) + np.maximum(span - (t - d), 0)
    q = 1 - p / span
    return q ** -common.astype(float) - 1

mean_variance = span_covariance(P, SPAN, LENGTH).mean()

# %% q2 wrong: covariance of kept and dropped, without the scale
def span_covariance(p, span, t):
    d = np.arange(t)
    common = np.maximum(span - d, 0) + np.maximum(span - (t - d), 0)
    return (1 - p) ** (2 - common / span) - (1 - p) ** 2

mean_variance = span_covariance(P, SPAN, LENGTH).mean()

# %% q2 wrong: the mean's variance as if there were t / span independent spans
def span_covariance(p, span, t):
    d = np.arange(t)
    common = np.maximum(span - d, 0) + np.maximum(span - (t - d), 0)
    return (1 - p) ** (-common / span) - 1

mean_variance = P / (1 - P) * SPAN / LENGTH

# %% q3 right: a loop over examples and seeds
def span_dropout(x, p, span, rng):
    n, t = x.shape
    if not (0 <= p <= 1 and 1 <= span <= t):
        raise ValueError("p or span out of range")
    y = x.copy()
    rate = 1 - (1 - p) ** (1 / span)
    for row, seeds in zip(y, rng.binomial(1, rate, (n, t))):
        places = np.flatnonzero(seeds)
        row[(places[:, None] + np.arange(span)) % t] = 0
    return y / (1 - p) if p < 1 else y

# %% q3 right: seeds counted by a running sum over a ring cut open
def span_dropout(x, p, span, rng):
    if p < 0 or p > 1 or span < 1 or span > x.shape[1]:
        raise ValueError("p or span out of range")
    if p == 1:
        return x * 0
    falls = (rng.random(x.shape[::-1]).T >= (1 - p) ** (1 / span)).astype(int)
    open_ring = np.concatenate([falls[:, x.shape[1] - span + 1:], falls], axis=1)
    counted = np.concatenate([np.zeros((len(x), 1), int), open_ring.cumsum(1)], axis=1)
    hits = counted[:, span:] - counted[:, :-span]
    return x * (hits == 0) / (1 - p)

# %% q3 right: the seeds back from each position, by look-up
def span_dropout(x, p, span, rng):
    t = x.shape[1]
    if not 0 <= p <= 1 or span < 1 or span > t:
        raise ValueError("p or span out of range")
    keeps = rng.uniform(size=x.shape) < (1 - p) ** (1 / span)
    kept = keeps[:, (np.arange(t)[:, None] - np.arange(span)) % t].all(axis=2)
    return np.where(kept, x, 0) / max(1 - p, 1e-300)

# %% q3 wrong: seeds with p / span
def span_dropout(x, p, span, rng):
    if not 0 <= p <= 1 or not 1 <= span <= x.shape[1]:
        raise ValueError("p or span out of range")
    if p == 1:
        return np.zeros_like(x)
    seeds = rng.random(x.shape) < p / span
    kept = np.ones(x.shape, bool)
    for shift in range(span):
        kept &= ~np.roll(seeds, shift, axis=1)
    return x * kept / (1 - p)

# %% q3 wrong: spans end at the border
def span_dropout(x, p, span, rng):
    n, t = x.shape
    if not 0 <= p <= 1 or not 1 <= span <= t:
        raise ValueError("p or span out of range")
    if p == 1:
        return np.zeros_like(x)
    seeds = rng.random(x.shape) < 1 - (1 - p) ** (1 / span)
    kept = np.ones(x.shape, bool)
    for shift in range(span):
        kept[:, shift:] &= ~seeds[:, :t - shift]
    return x * kept / (1 - p)

# %% q3 wrong: one set of seeds for all examples
def span_dropout(x, p, span, rng):
    if not 0 <= p <= 1 or not 1 <= span <= x.shape[1]:
        raise ValueError("p or span out of range")
    if p == 1:
        return np.zeros_like(x)
    seeds = rng.random(x.shape[1]) < 1 - (1 - p) ** (1 / span)
    kept = np.ones(x.shape[1], bool)
    for shift in range(span):
        kept &= ~np.roll(seeds, shift)
    return x * kept / (1 - p)

# %% q3 wrong: rolled the flattened array, so that spans run on into the next example
def span_dropout(x, p, span, rng):
    if not 0 <= p <= 1 or not 1 <= span <= x.shape[1]:
        raise ValueError("p or span out of range")
    if p == 1:
        return np.zeros_like(x)
    seeds = rng.random(x.shape) < 1 - (1 - p) ** (1 / span)
    kept = np.ones(x.shape, bool)
    for shift in range(span):
        kept &= ~np.roll(seeds, shift)
    return x * kept / (1 - p)

# %% q3 wrong: scaled so that the sum of each call is kept, not by 1 / (1 - p)
def span_dropout(x, p, span, rng):
    if not 0 <= p <= 1 or not 1 <= span <= x.shape[1]:
        raise ValueError("p or span out of range")
    if p == 1:
        return np.zeros_like(x)
    seeds = rng.random(x.shape) < 1 - (1 - p) ** (1 / span)
    kept = np.ones(x.shape, bool)
    for shift in range(span):
        kept &= ~np.roll(seeds, shift, axis=1)
    return x * kept / kept.mean()

# %% q3 wrong: x is written to
def span_dropout(x, p, span, rng):
    if not 0 <= p <= 1 or not 1 <= span <= x.shape[1]:
        raise ValueError("p or span out of range")
    seeds = rng.random(x.shape) < 1 - (1 - p) ** (1 / span)
    for shift in range(span):
        x[np.roll(seeds, shift, axis=1)] = 0
    return x / (1 - p) if p < 1 else x * 0

# %% q4 right: pairs of neighbours along each axis, and the mean square
def read_layer(x, y):
    on = x > 0
    s = np.divide(y, x, out=np.zeros(x.shape), where=on)
    names = []
    for axis in range(4):
        if x.shape[axis] == 1:
            continue
        a, b = np.moveaxis(s, axis, 0), np.moveaxis(on, axis, 0)
        both = b[1:] & b[:-1]
        if np.allclose(a[1:][both], a[:-1][both], rtol=1e-4, atol=1e-4):
            names.append("nchw"[axis])
    return 1 - 1 / np.mean(s[on] ** 2), "".join(names)

# %% q4 right: variance of the factors, sharing by masked arrays
def read_layer(x, y):
    s = np.ma.masked_array(y.astype(np.float64) / np.where(x == 0, 1, x), mask=x == 0)
    v = float(s.var())
    shared = "".join(letter for axis, letter in enumerate("nchw")
                     if x.shape[axis] > 1 and float(np.ma.ptp(s, axis=axis).max()) < 1e-2)
    return v / (1 + v), shared

# %% q4 right: two ways to p, coins counted and normal noise by its variance
def read_layer(x, y):
    s = np.full(x.shape, np.nan)
    s[x != 0] = y[x != 0] / x[x != 0]
    known = s[~np.isnan(s)]
    lost = np.mean(known == 0)
    p = lost if lost > 0.01 else known.var() / (1 + known.var())
    shared = ""
    for axis in range(4):
        first = np.take_along_axis(s, np.expand_dims((~np.isnan(s)).argmax(axis), axis), axis)
        if s.shape[axis] > 1 and np.nanmax(np.abs(s - first)) < 1e-3:
            shared += "nchw"[axis]
    return p, shared

# %% q4 wrong: counts the zeros among the active units, which normal noise has not
def read_layer(x, y):
    p = np.mean(y[x != 0] == 0)
    s = np.where(x != 0, y / np.where(x != 0, x, 1), np.nan)
    shared = "".join(letter for axis, letter in enumerate("nchw") if x.shape[axis] > 1
                     and np.nanmax(np.nanmax(np.where(np.isnan(s), -np.inf, s), axis)
                                   - np.nanmin(np.where(np.isnan(s), np.inf, s), axis)) < 1e-3)
    return p, shared

# %% q4 wrong: the variance is given for p
def read_layer(x, y):
    spoken = x != 0
    s = y[spoken].astype(float) / x[spoken]
    low, high = np.full(x.shape, np.inf), np.full(x.shape, -np.inf)
    low[spoken] = high[spoken] = s
    shared = "".join(letter for axis, letter in enumerate("nchw")
                     if x.shape[axis] > 1 and (high.max(axis) - low.min(axis) < 1e-3).all())
    return s.var(), shared

# %% q4 wrong: factors compared with ==, which rounding spoils
def read_layer(x, y):
    spoken = x != 0
    s = np.full(x.shape, np.nan)
    s[spoken] = y[spoken].astype(float) / x[spoken]
    v = s[spoken].var()
    shared = ""
    for axis, letter in enumerate("nchw"):
        a = np.moveaxis(s, axis, 0)
        both = ~np.isnan(a[1:]) & ~np.isnan(a[:-1])
        if len(a) > 1 and (np.round(a[1:][both], 9) == np.round(a[:-1][both], 9)).all():
            shared += letter
    return v / (1 + v), shared

# %% q4 wrong: axes of length 1 are named
def read_layer(x, y):
    spoken = x != 0
    s = y[spoken].astype(float) / x[spoken]
    low, high = np.full(x.shape, np.inf), np.full(x.shape, -np.inf)
    low[spoken] = high[spoken] = s
    shared = "".join(letter for axis, letter in enumerate("nchw") if (high.max(axis) - low.min(axis) < 1e-3).all())
    return s.var() / (1 + s.var()), shared

# %% q4 wrong: shared means equally often zero, without looking at the factors
def read_layer(x, y):
    spoken = x != 0
    s = y[spoken].astype(float) / x[spoken]
    dropped = np.where(spoken, y == 0, np.nan)
    shared = ""
    for axis, letter in enumerate("nchw"):
        some, every = (np.where(spoken, dropped, fill) for fill in (0, 1))
        if x.shape[axis] > 1 and ((some.max(axis) <= every.min(axis))).all():
            shared += letter
    return s.var() / (1 + s.var()), shared

# %% q4 wrong: the ReLU's zeros are taken for drops
def read_layer(x, y):
    dropped = y == 0
    p = 1 - (~dropped).mean() / (x != 0).mean()
    shared = "".join(letter for axis, letter in enumerate("nchw")
                     if x.shape[axis] > 1 and (dropped.all(axis) | ~dropped.any(axis)).mean() > 0.2)
    return p, shared

# %% q4 wrong: never looks along the batch
def read_layer(x, y):
    spoken = x != 0
    s = y[spoken].astype(float) / x[spoken]
    low, high = np.full(x.shape, np.inf), np.full(x.shape, -np.inf)
    low[spoken] = high[spoken] = s
    shared = "".join(letter for axis, letter in ((1, "c"), (2, "h"), (3, "w"))
                     if x.shape[axis] > 1 and (high.max(axis) - low.min(axis) < 1e-3).all())
    return s.var() / (1 + s.var()), shared

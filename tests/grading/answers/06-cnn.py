# Right and wrong solutions of homework 06: each replaces the question's solution cell whole.

# %% q1 right: all sixteen masks of a window, one after another
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    corners = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    mean = square = 0
    patterns = range(16) if kind == "unit" else (0, 15)
    for pattern in patterns:
        alive = [pattern >> k & 1 for k in range(4)]
        if kind == "unit":
            chance = math.prod(1 - p if a else p for a in alive)
        else:
            chance = 1 - p if pattern else p
        passed = np.maximum.reduce([corner * a / (1 - p) for corner, a in zip(corners, alive)])
        mean, square = mean + chance * passed, square + chance * passed**2
    return mean, square - mean**2

# %% q1 right: from the distribution function of the maximum, loops
def pooled_moments(x, p, kind="unit"):
    if kind != "unit" and kind != "map":
        raise ValueError("kind")
    n, c, h, w = np.shape(x)
    mean, variance = np.zeros((n, c, h // 2, w // 2)), np.zeros((n, c, h // 2, w // 2))
    for place in np.ndindex(mean.shape):
        e, m, r, s = place
        window = sorted(x[e, m, 2 * r:2 * r + 2, 2 * s:2 * s + 2].ravel())
        if kind == "map":
            mean[place], variance[place] = window[-1], window[-1] ** 2 * p / (1 - p)
            continue
        steps = np.diff([0, *window])  # more than a level is passed on unless all above it fell
        tops = np.array([1 - p ** (4 - k) for k in range(4)])
        levels = np.diff([0, *np.square(window)])
        first, second = steps @ tops / (1 - p), levels @ tops / (1 - p) ** 2
        mean[place], variance[place] = first, second - first**2
    return mean, variance

# %% q1 wrong: takes dropout before pooling for right on average
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    largest = x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
    return largest, p / (1 - p) * largest**2

# %% q1 wrong: cuts windows of four in a row instead of 2 x 2
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, w // 2, 4)
    if kind == "map":
        return windows.max(-1), p / (1 - p) * windows.max(-1) ** 2
    falling = np.sort(windows, -1)[..., ::-1] / (1 - p)
    chances = (1 - p) * p ** np.arange(4)
    mean = falling @ chances
    return mean, falling**2 @ chances - mean**2

# %% q1 wrong: lets units pass with chances for the smallest first
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
    if kind == "map":
        return windows.max(-1), p / (1 - p) * windows.max(-1) ** 2
    rising = np.sort(windows, -1) / (1 - p)
    chances = (1 - p) * p ** np.arange(4)
    mean = rising @ chances
    return mean, rising**2 @ chances - mean**2

# %% q1 wrong: the variance around the maximum instead of the mean
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
    largest = windows.max(-1)
    if kind == "map":
        return largest, p / (1 - p) * largest**2
    falling = -np.sort(-windows, -1) / (1 - p)
    chances = (1 - p) * p ** np.arange(4)
    return falling @ chances, falling**2 @ chances - largest**2

# %% q1 wrong: normalises the chances of the four, and forgets that all four may fall
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
    largest = windows.max(-1)
    if kind == "map" or p == 0:
        return largest, p / (1 - p) * largest**2
    falling = -np.sort(-windows, -1) / (1 - p)
    chances = p ** np.arange(4) / (p ** np.arange(4)).sum()
    mean = falling @ chances
    return mean, falling**2 @ chances - mean**2

# %% q1 wrong: map masks treated as unit masks
def pooled_moments(x, p, kind="unit"):
    if kind not in ("unit", "map"):
        raise ValueError(kind)
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4)
    falling = -np.sort(-windows, -1) / (1 - p)
    chances = (1 - p) * p ** np.arange(4)
    mean = falling @ chances
    return mean, falling**2 @ chances - mean**2

# %% q2 right: recursion in plain lists, p by halving an interval, a recursion for the variance
def depth_chances(ps):
    chances = [1.0]
    for p in ps:
        chances = [p * a + (1 - p) * b for a, b in zip([*chances, 0], [0, *chances])]
    return chances

def last_p(costs, share):
    n, total = len(costs), sum(costs)
    def cost(p):
        return sum(c * (1 - p * (k + 1) / n) for k, c in enumerate(costs)) / total
    if not cost(1) <= share <= cost(0):
        raise ValueError("out of reach")
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) > share else (low, middle)
    return low

def stream_moments(a, ps):
    mean, variance = 1.0, 0.0
    for f, p in zip(a, ps):
        spread = f**2 * p / (1 - p)  # the variance of this block's factor
        variance = spread * (variance + mean**2) + variance * (1 + f) ** 2
        mean *= 1 + f
    return mean, variance

# %% q2 right: a polynomial by its values at roots of unity, and two-point distributions
def depth_chances(ps):
    n = len(ps) + 1
    z = np.exp(-2j * np.pi * np.arange(n) / n)
    values = np.ones(n, complex)
    for p in ps:
        values *= p + (1 - p) * z
    return np.fft.ifft(values).real

def last_p(costs, share):
    costs = np.asarray(costs, float)
    weights = costs / costs.sum()
    p = (1 - share) / (weights @ np.linspace(1 / len(costs), 1, len(costs)))
    if p < 0 or p > 1:
        raise ValueError("out of reach")
    return float(p)

def stream_moments(a, ps):
    mean = second = 1
    for f, p in zip(a, ps):
        on = 1 + f / (1 - p)
        mean, second = mean * (p + (1 - p) * on), second * (p + (1 - p) * on**2)
    return np.array([mean, second - mean**2])

# %% q2 wrong: counts blocks dropped instead of alive
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [1 - p, p])
    return chances

def last_p(costs, share):
    n = len(costs)
    p = (1 - share) * sum(costs) / sum(c * (k + 1) / n for k, c in enumerate(costs))
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    mean = math.prod(1 + f for f in a)
    return mean, math.prod((1 + f) ** 2 + f**2 * p / (1 - p) for f, p in zip(a, ps)) - mean**2

# %% q2 wrong: a binomial distribution with the mean p
def depth_chances(ps):
    n, p = len(ps), np.mean(ps)
    return [math.comb(n, k) * (1 - p) ** k * p ** (n - k) for k in range(n + 1)]

def last_p(costs, share):
    n = len(costs)
    p = (1 - share) * sum(costs) / sum(c * (k + 1) / n for k, c in enumerate(costs))
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    mean = math.prod(1 + f for f in a)
    return mean, math.prod((1 + f) ** 2 + f**2 * p / (1 - p) for f, p in zip(a, ps)) - mean**2

# %% q2 wrong: the formula for blocks of equal cost
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def last_p(costs, share):
    n = len(costs)
    p = 2 * n * (1 - share) / (n + 1)
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    mean = math.prod(1 + f for f in a)
    return mean, math.prod((1 + f) ** 2 + f**2 * p / (1 - p) for f, p in zip(a, ps)) - mean**2

# %% q2 wrong: counts blocks from 0, so that the first one never falls
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def last_p(costs, share):
    n = len(costs)
    rise = np.linspace(0, 1, n) if n > 1 else [1]
    p = (1 - share) * sum(costs) / np.dot(costs, rise)
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    mean = math.prod(1 + f for f in a)
    return mean, math.prod((1 + f) ** 2 + f**2 * p / (1 - p) for f, p in zip(a, ps)) - mean**2

# %% q2 wrong: refuses by the limit for blocks of equal cost
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def last_p(costs, share):
    n = len(costs)
    if not (n - 1) / (2 * n) <= share <= 1:
        raise ValueError
    return (1 - share) * sum(costs) / sum(c * (k + 1) / n for k, c in enumerate(costs))

def stream_moments(a, ps):
    mean = math.prod(1 + f for f in a)
    return mean, math.prod((1 + f) ** 2 + f**2 * p / (1 - p) for f, p in zip(a, ps)) - mean**2

# %% q2 wrong: adds up the blocks' variances as if each saw the input
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def last_p(costs, share):
    n = len(costs)
    p = (1 - share) * sum(costs) / sum(c * (k + 1) / n for k, c in enumerate(costs))
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    return math.prod(1 + f for f in a), sum(f**2 * p / (1 - p) for f, p in zip(a, ps))

# %% q2 wrong: forgets the scaling by 1 / (1 - p) in the mean
def depth_chances(ps):
    chances = np.array([1.0])
    for p in ps:
        chances = np.convolve(chances, [p, 1 - p])
    return chances

def last_p(costs, share):
    n = len(costs)
    p = (1 - share) * sum(costs) / sum(c * (k + 1) / n for k, c in enumerate(costs))
    if not 0 <= p <= 1:
        raise ValueError
    return p

def stream_moments(a, ps):
    mean = math.prod(1 + (1 - p) * f for f, p in zip(a, ps))
    return mean, math.prod(p + (1 - p) * (1 + f) ** 2 for f, p in zip(a, ps)) - mean**2

# %% q3 right: one layer's coins axis by axis, with nan where nothing can be told
def examine(x, y):
    coins = np.where(x != 0, (np.asarray(y) == 0).astype(float), np.nan)
    low, high = np.where(np.isnan(coins), 2, coins), np.where(np.isnan(coins), -1, coins)
    axes = [k for k in range(4) if (np.max(high, axis=k + 1) - np.min(low, axis=k + 1) <= 0).all()]
    left, right = coins[..., :-1].ravel(), coins[..., 1:].ravel()
    both = ~np.isnan(left) & ~np.isnan(right)
    left, right = left[both], right[both]
    covariance = (left * right).mean() - left.mean() * right.mean()
    factors = (y / np.where(x == 0, np.nan, x))[coins == 0]
    return dict(axes=axes, rate=np.nanmean(coins), factor=factors.mean(),
                neighbours=covariance / math.sqrt(left.var() * right.var()))

# %% q3 right: plain loops over calls, sums by hand
def examine(x, y):
    reach, fell, known, factor = [True] * 4, 0, 0, []
    count = left = right = both = 0
    for out in y:
        ratio = np.divide(out, x, out=np.full(x.shape, np.nan), where=x != 0)
        down, up = ratio == 0, np.abs(np.nan_to_num(ratio)) > 0
        for k in range(4):
            if np.logical_and(down.any(axis=k), up.any(axis=k)).any():
                reach[k] = False
        fell, known = fell + down.sum(), known + down.sum() + up.sum()
        factor.append(ratio[up].sum() / max(up.sum(), 1))
        a, b = down[:, :, :, :-1], down[:, :, :, 1:]
        seen = (x[:, :, :, :-1] != 0) & (x[:, :, :, 1:] != 0)
        count, left, right = count + seen.sum(), left + a[seen].sum(), right + b[seen].sum()
        both += (a & b)[seen].sum()
    a, b = left / count, right / count
    correlation = (both / count - a * b) / (a * (1 - a) * b * (1 - b)) ** 0.5
    return {"axes": tuple(k for k in range(4) if reach[k]), "rate": fell / known, "factor": max(factor),
            "neighbours": correlation}

# %% q3 wrong: takes each zero that ReLU made for a dropped unit
def examine(x, y):
    fell, stayed = y == 0, y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    return {"axes": axes, "rate": fell.mean(), "factor": np.median((y / np.where(x != 0, x, 1))[stayed]),
            "neighbours": np.corrcoef(fell[..., 1:].ravel(), fell[..., :-1].ravel())[0, 1]}

# %% q3 wrong: minds the zeros of x for the axes and the factor only
def examine(x, y):
    fell, stayed = (y == 0) & (x != 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    return {"axes": axes, "rate": fell.mean(), "factor": np.median((y / np.where(x != 0, x, 1))[stayed]),
            "neighbours": np.corrcoef(fell[..., 1:].ravel(), fell[..., :-1].ravel())[0, 1]}

# %% q3 wrong: looks at the first call only
def examine(x, y):
    y = y[:1]
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    return {"axes": axes, "rate": fell.sum() / known.sum(), "factor": (y / np.where(known, x, 1))[stayed].mean(),
            "neighbours": np.corrcoef(fell[..., :-1][pairs], fell[..., 1:][pairs])[0, 1]}

# %% q3 wrong: tries only the axes inside an example, so a mask shared by the batch passes for a sound one
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in (1, 2, 3) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    return {"axes": axes, "rate": fell.sum() / known.sum(), "factor": (y / np.where(known, x, 1))[stayed].mean(),
            "neighbours": np.corrcoef(fell[..., :-1][pairs], fell[..., 1:][pairs])[0, 1]}

# %% q3 wrong: concludes the factor from the rate
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    rate = fell.sum() / known.sum()
    return {"axes": axes, "rate": rate, "factor": 1 / (1 - rate),
            "neighbours": np.corrcoef(fell[..., :-1][pairs], fell[..., 1:][pairs])[0, 1]}

# %% q3 wrong: the mean of y over the mean of x for the factor
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    return {"axes": axes, "rate": fell.sum() / known.sum(), "factor": y.mean() / x.mean(),
            "neighbours": np.corrcoef(fell[..., :-1][pairs], fell[..., 1:][pairs])[0, 1]}

# %% q3 wrong: correlates units one above the other
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[:, :, :, 1:] & known[:, :, :, :-1]
    return {"axes": axes, "rate": fell.sum() / known.sum(), "factor": (y / np.where(known, x, 1))[stayed].mean(),
            "neighbours": np.corrcoef(fell[:, :, :, :-1][pairs], fell[:, :, :, 1:][pairs])[0, 1]}

# %% q3 wrong: a covariance in place of the correlation
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    return {"axes": axes, "rate": fell.sum() / known.sum(), "factor": (y / np.where(known, x, 1))[stayed].mean(),
            "neighbours": np.cov(fell[..., :-1][pairs], fell[..., 1:][pairs])[0, 1]}

# %% q3 wrong: the share of units kept
def examine(x, y):
    known = np.broadcast_to(x != 0, y.shape)
    fell, stayed = known & (y == 0), y != 0
    axes = [k for k in range(4) if not (fell.any(k + 1) & stayed.any(k + 1)).any()]
    pairs = known[..., 1:] & known[..., :-1]
    return {"axes": axes, "rate": stayed.sum() / known.sum(), "factor": (y / np.where(known, x, 1))[stayed].mean(),
            "neighbours": np.corrcoef(stayed[..., :-1][pairs], stayed[..., 1:][pairs])[0, 1]}

# %% q4 right: nine shifted copies, the p by halving an interval
def mask_noise(x, filters, p, kind):
    n, c, h, w = x.shape
    framed = np.zeros((n, c, h + 2, w + 2))
    framed[:, :, 1:-1, 1:-1] = x
    noise = np.zeros((n, len(filters), h, w))
    for k in range(c):
        answer = np.zeros((n, len(filters), h, w))
        for i in range(3):
            for j in range(3):
                term = framed[:, k, i:i + h, j:j + w][:, None] * filters[None, :, k, i, j, None, None]
                if kind == "unit":
                    noise += term**2
                else:
                    answer += term
        noise += answer**2
    return noise * p / (1 - p)

def equally_loud(x, filters, p_unit):
    wanted, low, high = mask_noise(x, filters, p_unit, "unit").mean(), 0.0, 1.0
    for _ in range(70):
        middle = (low + high) / 2
        if mask_noise(x, filters, middle, "map").mean() < wanted:
            low = middle
        else:
            high = middle
    return low

# %% q4 right: the convolution written as a matrix
def matrix(filters, h, w):
    o, c = filters.shape[:2]
    m = np.zeros((o, h, w, c, h, w))
    for r in range(h):
        for s in range(w):
            for i in range(3):
                for j in range(3):
                    if 0 <= r + i - 1 < h and 0 <= s + j - 1 < w:
                        m[:, r, s, :, r + i - 1, s + j - 1] = filters[:, :, i, j]
    return m

def mask_noise(x, filters, p, kind):
    m = matrix(filters, *x.shape[2:])
    if kind == "unit":
        total = np.einsum("orscab,ncab->nors", m**2, x**2)
    else:
        total = (np.einsum("orscab,ncab->norsc", m, x) ** 2).sum(-1)
    return total * p / (1 - p)

def equally_loud(x, filters, p_unit):
    unit, whole = (mask_noise(x, filters, 0.5, kind).sum() for kind in ("unit", "map"))
    return p_unit * unit / ((1 - p_unit) * whole + p_unit * unit)

# %% q4 wrong: one coin for all maps of an example
def mask_noise(x, filters, p, kind):
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    if kind == "unit":
        return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches, filters) ** 2

def equally_loud(x, filters, p_unit):
    ratio = mask_noise(x, filters, p_unit, "unit").mean() / mask_noise(x, filters, 0.5, "map").mean()
    return ratio / (1 + ratio)

# %% q4 wrong: flips the filters
def mask_noise(x, filters, p, kind):
    filters = filters[:, :, ::-1, ::-1]
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    if kind == "unit":
        return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return p / (1 - p) * (np.einsum("nchwij,ocij->nochw", patches, filters) ** 2).sum(2)

def equally_loud(x, filters, p_unit):
    ratio = mask_noise(x, filters, p_unit, "unit").mean() / mask_noise(x, filters, 0.5, "map").mean()
    return ratio / (1 + ratio)

# %% q4 wrong: maps that go round their edges instead of a border of zeros
def mask_noise(x, filters, p, kind):
    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
    patches = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), (2, 3))
    if kind == "unit":
        return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return p / (1 - p) * (np.einsum("nchwij,ocij->nochw", patches, filters) ** 2).sum(2)

def equally_loud(x, filters, p_unit):
    ratio = mask_noise(x, filters, p_unit, "unit").mean() / mask_noise(x, filters, 0.5, "map").mean()
    return ratio / (1 + ratio)

# %% q4 wrong: p in proportion to the noise
def mask_noise(x, filters, p, kind):
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    if kind == "unit":
        return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return p / (1 - p) * (np.einsum("nchwij,ocij->nochw", patches, filters) ** 2).sum(2)

def equally_loud(x, filters, p_unit):
    return p_unit * mask_noise(x, filters, 0.5, "unit").mean() / mask_noise(x, filters, 0.5, "map").mean()

# %% q4 wrong: averages a ratio for each output
def mask_noise(x, filters, p, kind):
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    if kind == "unit":
        return p / (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return p / (1 - p) * (np.einsum("nchwij,ocij->nochw", patches, filters) ** 2).sum(2)

def equally_loud(x, filters, p_unit):
    unit, whole = mask_noise(x, filters, p_unit, "unit"), mask_noise(x, filters, 0.5, "map")
    ratio = (unit[whole > 0] / whole[whole > 0]).mean()
    return ratio / (1 + ratio)

# %% q4 wrong: the noise of a mask that is not scaled, p (1 - p)
def mask_noise(x, filters, p, kind):
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    if kind == "unit":
        return 4 * p * (1 - p) * np.einsum("nchwij,ocij->nohw", patches**2, filters**2)
    return 4 * p * (1 - p) * (np.einsum("nchwij,ocij->nochw", patches, filters) ** 2).sum(2)

def equally_loud(x, filters, p_unit):
    ratio = mask_noise(x, filters, 0.5, "unit").mean() / mask_noise(x, filters, 0.5, "map").mean()
    return p_unit * ratio / (1 - p_unit + p_unit * ratio)

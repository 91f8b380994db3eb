# Right and wrong solutions of homework 03: each replaces the question's solution cell whole.

# %% q1 right: multiply by mask times factor, unit by unit in a loop
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.ndim != 1 or len(p) != x.shape[-1]:
        raise ValueError("one probability for each unit, please")
    out = np.zeros_like(x)
    for j, probability in enumerate(p):
        if not 0 <= probability <= 1:
            raise ValueError(f"p must be in [0, 1], got {probability}")
        if probability < 1:
            kept = rng.random(x.shape[:-1]) < 1 - probability
            out[..., j] = x[..., j] * kept / (1 - probability)
    return out

# %% q1 right: binomial draws on the flattened examples, probabilities normalised first
def unit_dropout(x, p, rng):
    x = np.asarray(x)
    p = np.array(p, dtype=np.float64)
    if p.shape != (x.shape[-1],) or np.isnan(p).any() or p.min() < 0 or p.max() > 1:
        raise ValueError("p must hold one number in [0, 1] for each unit")
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    kept = rng.binomial(1, np.broadcast_to(1 - p, rows.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.where(kept == 1, rows / (1 - p), 0.0)
    return result.reshape(x.shape).astype(x.dtype)

# %% q1 right: one element at a time
def unit_dropout(x, p, rng):
    x = np.asarray(x)
    p = [float(v) for v in p]
    if len(p) != x.shape[-1] or not all(0 <= v <= 1 for v in p):
        raise ValueError("bad p")
    flat = x.ravel().tolist()
    draws = rng.random(len(flat)).tolist()
    n = len(p)
    out = [v / (1 - p[i % n]) if p[i % n] < 1 and draws[i] >= p[i % n] else 0.0 for i, v in enumerate(flat)]
    return np.array(out).reshape(x.shape).astype(x.dtype)

# %% q1 wrong: one factor for all units, from the mean of p (dropped units with p = 0 look right by hand only)
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    drops = p[p > 0]
    factor = np.where(p > 0, 1 / (1 - drops.mean()) if 0 < drops.mean() < 1 else 1, 1)
    return np.where(rng.random(x.shape) >= p, x * factor, 0).astype(x.dtype)

# %% q1 wrong: one mask for the whole batch
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    mask = rng.random(x.shape[-1]) >= p
    return np.where(mask, x / np.where(p < 1, 1 - p, 1), 0).astype(x.dtype)

# %% q1 wrong: one random number for each example, shared by its units
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    mask = rng.random((*x.shape[:-1], 1)) >= p
    return np.where(mask, x / np.where(p < 1, 1 - p, 1), 0).astype(x.dtype)

# %% q1 wrong: scales by 1/p where p is not 0 (right at one half)
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    return np.where(rng.random(x.shape) >= p, x / np.where(p > 0, p, 1), 0).astype(x.dtype)

# %% q1 wrong: 0 / 0 at p = 1
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    mask = rng.random(x.shape) >= p
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x * mask / (1 - p)).astype(x.dtype)

# %% q1 wrong: NaN slips through the range check, and float32 comes out as float64
def unit_dropout(x, p, rng):
    p = np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or (p < 0).any() or (p > 1).any():
        raise ValueError("bad p")
    return np.where(rng.random(x.shape) >= p, x / np.where(p < 1, 1 - p, 1), 0)

# %% q1 wrong: writes into its argument
def unit_dropout(x, p, rng):
    p = np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    x *= np.where(rng.random(x.shape) >= p, 1 / np.where(p < 1, 1 - p, 1), 0).astype(x.dtype)
    return x.copy()

# %% q1 wrong: p taken for the probability to keep, except at the ends
def unit_dropout(x, p, rng):
    x, p = np.asarray(x), np.asarray(p, dtype=float)
    if p.shape != x.shape[-1:] or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    keep = np.where((p > 0) & (p < 1), p, 1 - p)
    return np.where(rng.random(x.shape) < keep, x / np.where(keep > 0, keep, 1), 0).astype(x.dtype)

# %% q1 wrong: written for two axes only
def unit_dropout(x, p, rng):
    p = np.asarray(p, dtype=float)
    if p.shape != (x.shape[1],) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bad p")
    mask = rng.random((x.shape[0], x.shape[1])) >= p
    return np.where(mask, x / np.where(p < 1, 1 - p, 1), 0).astype(x.dtype)

# %% q2 right: the layers are run with all units dropped and with none, and the parabola is read off at three points
class Always:
    def __init__(self, value):
        self.value = value

    def random(self, shape):
        return np.full(shape, self.value)

def for_evaluation(layer, W, b, fill, p):
    x = np.vstack([np.zeros(len(fill)), np.eye(len(fill))])
    mean = p * layer(x, fill, p, Always(0.0)) + (1 - p) * layer(x, fill, p, Always(1.0))
    out = mean @ W + b
    return out[1:] - out[0], out[0]

def kept_value(x, fill, p):
    return fill + (x - fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return np.subtract(a, fill), [b[k] + sum(fill[j] * W[j, k] for j in range(len(fill))) for k in range(len(b))]

def quietest(X, w, p):
    def noise(f):
        y = kept_value(X, np.full(len(w), f), p)
        return float(np.mean(((1 - p) * (y - X) ** 2 + p * (f - X) ** 2) @ np.square(w)))

    if p == 0:
        return quietest(X, w, 0.5)[0], 0.0
    left, middle, right = noise(-1.0), noise(0.0), noise(1.0)
    best = (left - right) / (2 * (left + right - 2 * middle))
    return best, noise(best)

# %% q2 right: formulas for each layer by itself; a weighted mean and the variance around it
def for_evaluation(layer, W, b, fill, p):
    keep, shift = 1 - p, fill @ W
    if layer is fill_one:
        return W * keep, b + p * shift
    if layer is fill_two:
        return W, b + p * shift
    return W, b + p / keep * shift

def kept_value(x, fill, p):
    return x + p / (1 - p) * (x - fill)

def library_biases(a, W, b, fill, p):
    new = np.copy(a)
    new -= fill
    return new, (a - new) @ W + b

def quietest(X, w, p):
    squares = w * w
    best = np.average(X.mean(axis=0), weights=squares)
    return best, p / (1 - p) * np.sum(squares * (X.var(axis=0) + (X.mean(axis=0) - best) ** 2))

# %% q2 right: least squares finds the number, the variance comes from the distance of the two values
def for_evaluation(layer, W, b, fill, p):
    scale = {"fill_one": (1 - p, p), "fill_two": (1, p), "fill_three": (1, p / (1 - p))}[layer.__name__]
    return scale[0] * W, b + np.einsum("j,jk->k", scale[1] * fill, W)

def kept_value(x, fill, p):
    return x / (1 - p) - fill * p / (1 - p)

def library_biases(a, W, b, fill, p):
    return a + -fill, b + W.T @ fill

def quietest(X, w, p):
    column = np.tile(w, len(X))[:, None]
    number = np.linalg.lstsq(column, (X * w).ravel(), rcond=None)[0][0]
    distance = kept_value(X, np.full(X.shape[1], number), p) - number
    return number, (p * (1 - p) * (w * distance) ** 2).sum() / len(X)

# %% q2 wrong: only the weights are mended, biases stay, as in the chapter's fold
def for_evaluation(layer, W, b, fill, p):
    return ((1 - p) * W if layer is fill_one else W), b

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: the third layer's fill is counted without its factor
def for_evaluation(layer, W, b, fill, p):
    return ((1 - p) * W if layer is fill_one else W), b + p * fill @ W

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: takes off the whole fill from the scaled value, which is right at one half
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return x / (1 - p) - fill

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: the biases for the library get the mean right and no mask
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - p * fill, b + p * fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: the fill is put back above the dropout and never taken off below
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a, b + fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: the plain mean of the table, whatever the weights
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = X.mean()
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: units count in proportion to their weights' sizes, not squares
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = np.average(X.mean(0), weights=np.abs(w))
    return number, p / (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: the variance of the mask without the scale, p (1 - p)
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = (w**2 @ X.mean(0)) / (w**2).sum()
    return number, p * (1 - p) * ((X - number) ** 2 @ w**2).mean()

# %% q2 wrong: squares the distance of the sums, as if one coin dropped the whole row
def for_evaluation(layer, W, b, fill, p):
    kept = 1 if layer is fill_one else 1 / (1 - p)
    dropped = 1 / (1 - p) if layer is fill_three else 1
    return (1 - p) * kept * W, b + p * dropped * (fill @ W)

def kept_value(x, fill, p):
    return (x - p * fill) / (1 - p)

def library_biases(a, W, b, fill, p):
    return a - fill, b + fill @ W

def quietest(X, w, p):
    number = X.mean(0) @ w / w.sum()
    return number, p / (1 - p) * (((X - number) @ w) ** 2).mean()

# %% q3 right: two other numbers compared, means of fresh arrays
def inspect_layer(layer, number):
    rng = np.random.default_rng(1)
    fresh = lambda: np.full((300, 100), 2.0)
    rate = {q: np.mean(np.asarray(layer(fresh(), q, True, rng)) == 0) for q in (0.2, 0.8)}
    meaning = "drop" if rate[0.8] > rate[0.2] else "keep"
    out = np.asarray(layer(fresh(), number, True, rng)) / 2
    train = float(np.median(out[out != 0]))
    test = float(np.mean(np.asarray(layer(fresh(), number, False, rng))) / 2)
    keep = 1 - number if meaning == "drop" else number
    return {"meaning": meaning, "train": train, "test": test, "repair": train * keep / test}

# %% q3 right: the repair is measured on many elements, the meaning asked at a number away from one half
def inspect_layer(layer, number):
    rng, n = np.random.default_rng(5), 150_000
    probe_at = number if abs(number - 0.5) > 0.05 else 0.3
    share_kept = np.count_nonzero(layer(np.ones(20_000), probe_at, True, rng)) / 20_000
    meaning = "keep" if abs(share_kept - probe_at) < abs(share_kept - (1 - probe_at)) else "drop"
    training = np.array(layer(np.ones(n), number, True, rng))
    evaluation = np.array(layer(np.ones(3), number, False, rng))
    return {"repair": training.mean() / evaluation.mean(), "test": evaluation[0], "train": training[training > 0][0],
            "meaning": meaning}

# %% q3 wrong: asks at the given number only, which tells nothing at one half
def inspect_layer(layer, number):
    rng, n = np.random.default_rng(0), 20_000
    out = np.asarray(layer(np.ones(n), number, True, rng))
    kept = (out != 0).mean()
    meaning = "keep" if abs(kept - number) < abs(kept - (1 - number)) else "drop"
    keep = number if meaning == "keep" else 1 - number
    train, test = float(out.max()), float(np.asarray(layer(np.ones(n), number, False, rng)).max())
    return {"meaning": meaning, "train": train, "test": test, "repair": keep * train / test}

# %% q3 wrong: one input array for all runs, which some layers overwrite
def inspect_layer(layer, number):
    rng, x = np.random.default_rng(0), np.ones(20_000)
    kept = (np.asarray(layer(x, 0.9, True, rng)) != 0).mean()
    meaning = "keep" if kept > 0.5 else "drop"
    keep = number if meaning == "keep" else 1 - number
    train = float(np.max(layer(x, number, True, rng)))
    test = float(np.max(layer(x, number, False, rng)))
    return {"meaning": meaning, "train": train, "test": test, "repair": keep * train / test}

# %% q3 wrong: the repair compares the factors and forgets what is dropped
def inspect_layer(layer, number):
    rng, n = np.random.default_rng(0), 20_000
    kept = (np.asarray(layer(np.ones(n), 0.9, True, rng)) != 0).mean()
    train = float(np.asarray(layer(np.ones(n), number, True, rng)).max())
    test = float(np.asarray(layer(np.ones(n), number, False, rng)).max())
    meaning = "keep" if kept > 0.5 else "drop"
    repair = number / test if train == 1 else 1 / (train * test)
    return {"meaning": meaning, "train": train, "test": test, "repair": repair}

# %% q3 wrong: the repair upside down
def inspect_layer(layer, number):
    rng, n = np.random.default_rng(0), 20_000
    kept = (np.asarray(layer(np.ones(n), 0.9, True, rng)) != 0).mean()
    keep = number if kept > 0.5 else 1 - number
    train = float(np.asarray(layer(np.ones(n), number, True, rng)).max())
    test = float(np.asarray(layer(np.ones(n), number, False, rng)).max())
    return {"meaning": "keep" if kept > 0.5 else "drop", "train": train, "test": test, "repair": test / (keep * train)}

# %% q3 wrong: the mean of the training output taken for the training factor
def inspect_layer(layer, number):
    rng, n = np.random.default_rng(0), 20_000
    kept = (np.asarray(layer(np.ones(n), 0.9, True, rng)) != 0).mean()
    train = float(np.asarray(layer(np.ones(n), number, True, rng)).mean())
    test = float(np.asarray(layer(np.ones(n), number, False, rng)).mean())
    return {"meaning": "keep" if kept > 0.5 else "drop", "train": train, "test": test, "repair": train / test}

# %% q3 wrong: too few elements, so that the repair is noise
def inspect_layer(layer, number):
    rng = np.random.default_rng(0)
    kept = (np.asarray(layer(np.ones(1000), 0.9, True, rng)) != 0).mean()
    out = np.asarray(layer(np.ones(60), number, True, rng))
    test = float(np.asarray(layer(np.ones(60), number, False, rng)).max())
    return {"meaning": "keep" if kept > 0.5 else "drop", "train": float(out.max()), "test": test,
            "repair": 1.0 if abs(out.mean() / test - 1) < 0.2 else out.mean() / test}

# %% q4 right: powers of keep in a table
def to_inverted(recipe, p):
    powers = {"lr": 2, "momentum": 0, "clip": -1, "l1": -1, "max_norm": 1, "init_std": 1}
    converted = {name: value * (1 - p) ** powers[name] for name, value in recipe.items()}
    return {**converted, "bias_lr": recipe["lr"]}

# %% q4 right: the powers are found by trying one step of a small example
def to_inverted(recipe, p):
    keep, g, v = 1 - p, np.array([3.0, -4.0]), np.array([2.0, 0.5])     # gradient and weights of the inverted form

    def step(w, gradient, lr, clip, l1, max_norm):
        size = np.linalg.norm(gradient)
        gradient = gradient * min(1, clip / size) + l1 * np.sign(w)
        w = w - lr * gradient
        return w * min(1, max_norm / np.linalg.norm(w))

    def power(**settings):
        """The power of keep with which one setting must change, when the learning rate changes by keep squared."""
        base = {"lr": 0.1, "clip": 1e9, "l1": 0.0, "max_norm": 1e9} | settings
        name, = settings
        target = 0.7 * step(v / 0.7, 0.7 * g, **base)
        for a in (-2, -1, 0, 1, 2):
            trial = base | {"lr": base["lr"] * 0.7**2}
            trial[name] = base[name] * 0.7**a
            if np.allclose(step(v, g, **trial), target):
                return a

    return {"lr": recipe["lr"] * keep ** power(lr=0.1), "bias_lr": recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] * keep ** power(clip=1.0), "l1": recipe["l1"] * keep ** power(l1=0.3),
            "max_norm": recipe["max_norm"] * keep ** power(max_norm=0.4), "init_std": recipe["init_std"] * keep}

# %% q4 wrong: keep squared everywhere
def to_inverted(recipe, p):
    keep = 1 - p
    new = {name: value * keep**2 for name, value in recipe.items()}
    return {**new, "momentum": recipe["momentum"], "bias_lr": recipe["lr"]}

# %% q4 wrong: the bias slows down with the weights
def to_inverted(recipe, p):
    keep = 1 - p
    return {"lr": keep**2 * recipe["lr"], "bias_lr": keep**2 * recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] / keep, "l1": recipe["l1"] / keep,
            "max_norm": keep * recipe["max_norm"], "init_std": keep * recipe["init_std"]}

# %% q4 wrong: L1 converted like weight decay
def to_inverted(recipe, p):
    keep = 1 - p
    return {"lr": keep**2 * recipe["lr"], "bias_lr": recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] / keep, "l1": recipe["l1"] / keep**2,
            "max_norm": keep * recipe["max_norm"], "init_std": keep * recipe["init_std"]}

# %% q4 wrong: the limit on the gradient scaled like a weight
def to_inverted(recipe, p):
    keep = 1 - p
    return {"lr": keep**2 * recipe["lr"], "bias_lr": recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] * keep, "l1": recipe["l1"] / keep,
            "max_norm": keep * recipe["max_norm"], "init_std": keep * recipe["init_std"]}

# %% q4 wrong: only the learning rate is converted
def to_inverted(recipe, p):
    return {**recipe, "lr": (1 - p) ** 2 * recipe["lr"], "bias_lr": recipe["lr"]}

# %% q4 wrong: weights divided by keep, from inverted to original
def to_inverted(recipe, p):
    keep = 1 - p
    return {"lr": recipe["lr"] / keep**2, "bias_lr": recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] * keep, "l1": recipe["l1"] * keep,
            "max_norm": recipe["max_norm"] / keep, "init_std": recipe["init_std"] / keep}

# %% q4 wrong: Adam's factor, keep in place of keep squared
def to_inverted(recipe, p):
    keep = 1 - p
    return {"lr": keep * recipe["lr"], "bias_lr": recipe["lr"], "momentum": recipe["momentum"],
            "clip": recipe["clip"] / keep, "l1": recipe["l1"] / keep,
            "max_norm": keep * recipe["max_norm"], "init_std": keep * recipe["init_std"]}

# %% q5 right: counts up until the intervals part, variance of each unit from its two outcomes
def masks_needed(x, p, wrong, z):
    total = sum(x)
    if total == 0 or wrong == 1:
        raise ValueError("equal means")
    outcomes = [((0.0, p), (v / (1 - p), 1 - p)) for v in x]
    variance = sum(sum(q * (y - v) ** 2 for y, q in pairs) for v, pairs in zip(x, outcomes))
    t = 1
    while True:
        error = (variance / t) ** 0.5
        low, high = sorted([(total, error), (wrong * total, wrong * error)])
        if low[0] + z * low[1] <= high[0] - z * high[1]:
            return t
        t += 1

# %% q5 right: solved for T, with norms
import math

def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=np.float64)
    if math.isclose(wrong, 1.0) or math.isclose(x.sum(), 0.0, abs_tol=1e-12):
        raise ValueError("the two means are the same")
    one = math.sqrt(p / (1 - p)) * np.linalg.norm(x)
    root_t = z * (one + wrong * one) / abs(x.sum() - wrong * x.sum())
    return max(math.ceil(root_t**2), 1)

# %% q5 wrong: only the right layer's noise is counted
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if wrong == 1 or x.sum() == 0:
        raise ValueError("equal means")
    spread = np.sqrt(p / (1 - p) * (x**2).sum())
    return max(1, int(np.ceil((z * spread / (abs(wrong - 1) * abs(x.sum()))) ** 2)))

# %% q5 wrong: the wrong layer is given the right layer's noise
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if wrong == 1 or x.sum() == 0:
        raise ValueError("equal means")
    spread = np.sqrt(p / (1 - p) * (x**2).sum())
    return max(1, int(np.ceil((2 * z * spread / (abs(wrong - 1) * abs(x.sum()))) ** 2)))

# %% q5 wrong: variance of the mask without the scale, p (1 - p)
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if wrong == 1 or x.sum() == 0:
        raise ValueError("equal means")
    spread = np.sqrt(p * (1 - p) * (x**2).sum())
    return max(1, int(np.ceil((z * (1 + wrong) * spread / (abs(wrong - 1) * abs(x.sum()))) ** 2)))

# %% q5 wrong: all elements treated as equal
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if wrong == 1 or x.sum() == 0:
        raise ValueError("equal means")
    return max(1, int(np.ceil((z * (1 + wrong)) ** 2 * p / (1 - p) / (len(x) * (wrong - 1) ** 2))))

# %% q5 wrong: rounds to the nearest number of masks
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if wrong == 1 or x.sum() == 0:
        raise ValueError("equal means")
    spread = np.sqrt(p / (1 - p) * (x**2).sum())
    return max(1, round((z * (1 + wrong) * spread / (abs(wrong - 1) * abs(x.sum()))) ** 2))

# %% q5 wrong: no refusal when positive and negative elements cancel
def masks_needed(x, p, wrong, z):
    x = np.asarray(x, dtype=float)
    if p == 0.5 or wrong == 1:
        raise ValueError("equal means")
    spread = np.sqrt(p / (1 - p) * (x**2).sum())
    return max(1, int(np.ceil(min(1e12, (z * (1 + wrong) * spread / (abs(wrong - 1) * max(1e-12, abs(x.sum())))) ** 2))))

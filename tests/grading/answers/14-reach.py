# Right and wrong solutions of homework 14: each replaces the question's solution cell whole.

# %% q1 right: weights by hand, four of which need two free knobs only
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c + 1) % 3]
        settings.append(setting)
    return settings

# %% q1 right: the chapter's columns and five more, each shifted so that it begins in the middle
def grid(knobs):
    k = len(knobs)
    if k < 1 or k > 13:
        raise ValueError(f"{k} knobs")
    if k <= 4:
        i, j = np.indices((3, 3)).reshape(2, -1)
        design = np.stack([i, j, i + j, i + 2 * j], 1)
    else:
        a, b, c = np.indices((3, 3, 3)).reshape(3, -1)
        design = np.stack([a, b, c, a + b + c + 1, a + 2 * b + 1, a + 2 * c + 1, b + 2 * c + 1, a + b + 2,
                           a + c, b + c, a + b + 2 * c, a + 2 * b + c, a + 2 * b + 2 * c], 1)
    design = (design - design[0] + 1) % 3
    return [dict(zip(knobs, (levels[i] for levels, i in zip(knobs.values(), row)))) for row in design]

# %% q1 right: searches among all equations: a column is taken if it is balanced with those before it
import itertools


def grid(knobs):
    if not knobs or len(knobs) > 13:
        raise ValueError("need 1 to 13 knobs")
    base = np.array(list(itertools.product([1, 2, 0], repeat=3 if len(knobs) >= 5 else 2)))
    columns = []
    for weights in itertools.product(range(3), repeat=base.shape[1]):
        for shift in range(3):
            new = (base @ weights + shift) % 3
            fits = new[0] == 1 and all(np.bincount(new, minlength=3) == len(base) // 3)
            for old in columns:
                pairs = set(zip(old, new))
                fits = fits and len(pairs) == 9
            if fits:
                columns.append(new)
    order = np.array(columns).T
    return [{name: knobs[name][order[i, j]] for j, name in enumerate(knobs)} for i in range(len(base))]

# %% q1 right: digits of 0 to 26 in base three, sums of them by recursion over knobs
def combine(free):
    """All columns that `free` digits make, the double of one left out."""
    if free == 0:
        return []
    before = combine(free - 1)
    last = [0] * (free - 1) + [1]
    return [w + [0] for w in before] + [last] + [w + [t] for w in before for t in (1, 2)]


def grid(knobs):
    count = len(knobs)
    if count not in range(1, 14):
        raise ValueError("too many knobs, or none")
    free = 2 + (count > 4)
    settings = []
    for number in range(3**free):
        digits = [number % 3, number // 3 % 3, number // 9][:free]
        at = [(sum(x * y for x, y in zip(digits, w)) + 1) % 3 for w in combine(free)]
        settings.append({name: knobs[name][level] for name, level in zip(knobs, at)})
    return settings

# %% q1 wrong: one knob at a time, from the middle
def grid(knobs):
    if not 1 <= len(knobs) <= 13:
        raise ValueError("1 to 13 knobs")
    middle = {name: levels[1] for name, levels in knobs.items()}
    settings = [middle] + [middle | {name: levels[i]} for name, levels in knobs.items() for i in (0, 2)]
    n = 9 if len(knobs) <= 4 else 27
    return (settings * n)[:n]

# %% q1 wrong: the first rows of all combinations
import itertools


def grid(knobs):
    if not 1 <= len(knobs) <= 13:
        raise ValueError("1 to 13 knobs")
    n = 9 if len(knobs) <= 4 else 27
    rows = itertools.product(*((levels[1], levels[0], levels[2]) for levels in knobs.values()))
    return [dict(zip(knobs, row)) for row in itertools.islice(itertools.cycle(list(itertools.islice(rows, n))), n)]

# %% q1 wrong: random settings, the middle first
def grid(knobs):
    if not 1 <= len(knobs) <= 13:
        raise ValueError("1 to 13 knobs")
    rng = np.random.default_rng(0)
    n = 9 if len(knobs) <= 4 else 27
    design = rng.integers(0, 3, (n, len(knobs)))
    design[0] = 1
    return [{name: levels[i] for (name, levels), i in zip(knobs.items(), row)} for row in design]

# %% q1 wrong: each column shuffled on its own: levels are balanced, pairs are not
def grid(knobs):
    if not 1 <= len(knobs) <= 13:
        raise ValueError("1 to 13 knobs")
    rng = np.random.default_rng(0)
    n = 9 if len(knobs) <= 4 else 27
    design = np.array([np.r_[1, rng.permutation(np.r_[1, np.arange(2, n) % 3 * 1, 0][:n - 1])] for _ in knobs]).T
    return [{name: levels[i] for (name, levels), i in zip(knobs.items(), row)} for row in design]

# %% q1 wrong: the low levels stand first
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c) % 3]
        settings.append(setting)
    return settings

# %% q1 wrong: the middle takes the place of the first row
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c) % 3]
        settings.append(setting)
    settings[0] = {name: levels[1] for name, levels in knobs.items()}
    return settings

# %% q1 wrong: the middle put in front of a whole grid
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c) % 3]
        settings.append(setting)
    return [{name: levels[1] for name, levels in knobs.items()}] + settings

# %% q1 wrong: some columns are the double of another
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (2, 2, 2), (2, 0, 1), (2, 1, 0)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c + 1) % 3]
        settings.append(setting)
    return settings

# %% q1 wrong: 27 settings for four knobs, too
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 0 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c + 1) % 3]
        settings.append(setting)
    return settings

# %% q1 wrong: 27 settings for five knobs only after six
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0 or len(knobs) > 13:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 5 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c + 1) % 3]
        settings.append(setting)
    return settings

# %% q1 wrong: more than thirteen knobs: those that are too many are left out
from itertools import product

WEIGHTS = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0), (0, 0, 1), (1, 0, 1), (1, 0, 2), (0, 1, 1), (0, 1, 2),
           (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2)]


def grid(knobs):
    if len(knobs) == 0:
        raise ValueError("from one knob to thirteen")
    settings = []
    for a, b, c in product((0, 1, 2), (0, 1, 2), (0, 1, 2) if len(knobs) > 4 else (0,)):
        setting = {}
        for (name, levels), (u, v, w) in zip(knobs.items(), WEIGHTS):
            setting[name] = levels[(u * a + v * b + w * c + 1) % 3]
        settings.append(setting)
    return settings

# %% q1 wrong: all levels in one array, which makes texts of numbers
def grid(knobs):
    if not 1 <= len(knobs) <= 13:
        raise ValueError("1 to 13 knobs")
    free = 2 if len(knobs) <= 4 else 3
    base = np.indices((3,) * free).reshape(free, -1).T
    weights = np.array([w for w in base if w.any() and w[np.flatnonzero(w)[0]] == 1])[:len(knobs)]
    levels = np.array(list(knobs.values()))
    at = (base @ weights.T + 1) % 3
    return [dict(zip(knobs, levels[np.arange(len(knobs)), row])) for row in at]

# %% q1 wrong: products of free knobs for the columns beyond the chapter's eight
def grid(knobs):
    k = len(knobs)
    if k < 1 or k > 13:
        raise ValueError(f"{k} knobs")
    if k <= 4:
        i, j = np.indices((3, 3)).reshape(2, -1)
        design = np.stack([i, j, i + j, i + 2 * j], 1)
    else:
        a, b, c = np.indices((3, 3, 3)).reshape(3, -1)
        design = np.stack([a, b, c, a + b + c, a + 2 * b, a + 2 * c, b + 2 * c, a + b,
                           a * b, a * c, b * c, a * b * c, a * a], 1)
    design = (design + 1) % 3
    return [dict(zip(knobs, (levels[i] for levels, i in zip(knobs.values(), row)))) for row in design]

# %% q2 right: plain lists and sums; all ways in which m settings can come out
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 right: whole arrays, masked; one setting after the other for chances
def tally(effects, sign):
    there = ~np.isnan(effects)
    n = there.sum(1)
    lost = n < 2
    mean = np.where(there, effects, 0).sum(1) / np.maximum(n, 1)
    square = np.where(there, (effects - mean[:, None])**2, 0).sum(1)
    t = np.array([t_quantile(0.975, max(v, 1)) for v in (n - 1).tolist()])
    half = t * np.sqrt(square / np.maximum(n - 1, 1) / np.maximum(n, 1))
    holds = ~lost & (sign * mean - half > 0)
    turned = ~lost & (sign * mean + half < 0)
    unseen = ~lost & ~holds & ~turned
    return {"holds": holds.sum(), "reversed": turned.sum(), "unseen": unseen.sum(), "lost": lost.sum(),
            "size": np.median(half[unseen]) if unseen.any() else None}


def by_chance(m, k):
    p = np.zeros((m + 2, m + 2))
    p[0, 0] = 1
    for _ in range(m):
        new = 0.95 * p
        new[1:] += 0.025 * p[:-1]
        new[:, 1:] += 0.025 * p[:, :-1]
        p = new
    return p[k:].sum(), p[k:, k:].sum()

# %% q2 right: the module statistics; both as holds, and then reversed among the rest
import statistics
from collections import Counter


def word(row, sign):
    if len(row) < 2:
        return "lost", None
    half = t_quantile(0.975, len(row) - 1) * statistics.stdev(row) / len(row)**0.5
    low, high = statistics.mean(row) - half, statistics.mean(row) + half
    if low > 0 or high < 0:
        return ("holds" if (low > 0) == (sign > 0) else "reversed"), half
    return "unseen", half


def tally(effects, sign):
    judged = [word([v for v in row.tolist() if v == v], sign) for row in np.asarray(effects, dtype=float)]
    counts = Counter(w for w, _ in judged)
    sizes = [half for w, half in judged if w == "unseen"]
    return {w: counts[w] for w in ("holds", "reversed", "unseen", "lost")} | {
        "size": statistics.median(sizes) if sizes else None}


def tail(n, k, p):
    return math.fsum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(max(k, 0), n + 1))


def by_chance(m, k):
    both = math.fsum(math.comb(m, i) * 0.025**i * 0.975**(m - i) * tail(m - i, k, 0.025 / 0.975)
                     for i in range(k, m + 1))
    return [tail(m, k, 0.025), both]

# %% q2 wrong: 1.96 in place of Student's t
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = 1.96 * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: ddof = 0
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / n)
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: n degrees of freedom
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the quantile 0.95, for an interval of 90 %
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.95, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the standard deviation is not divided by the root of n
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: lost seeds still count in n
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(row)
        if len(seeds) < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / len(seeds)
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: a run that diverged counts as an effect of zero
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in np.nan_to_num(row)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: one lost seed loses the setting
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < len(row):
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: a lost setting is unseen, too
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            found["unseen"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: nan goes through: what is no number is neither above nor below, so unseen
def tally(effects, sign):
    n = effects.shape[1]
    mean = effects.mean(1)
    half = t_quantile(0.975, n - 1) * effects.std(1, ddof=1) / math.sqrt(n)
    holds, turned = sign * mean > half, sign * mean < -half
    unseen = ~holds & ~turned
    lost = np.isnan(effects).sum(1) > n - 2
    return {"holds": holds.sum(), "reversed": turned.sum(), "unseen": (unseen & ~lost).sum(), "lost": lost.sum(),
            "size": np.nanmedian(half[unseen]) if unseen.any() else None}


def by_chance(m, k):
    one = sum(math.comb(m, i) * 0.025**i * 0.975**(m - i) for i in range(k, m + 1))
    return one, sum(math.comb(m, i) * math.comb(m - i, j) * 0.025**(i + j) * 0.95**(m - i - j)
                    for i in range(k, m + 1) for j in range(k, m - i + 1))

# %% q2 wrong: divides by a spread that may be zero: 0 / 0 is skipped as lost
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if half == 0:
            found["lost"] += 1
            continue
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: no spread, so certain: an effect of exactly zero is reversed
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean <= -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: seeds that agree tell nothing, so unseen
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half > 0:
            found["holds"] += 1
        elif sign * mean < -half < 0:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the sign that is expected is not looked at
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if mean > half:
            found["holds"] += 1
        elif mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the mean of the half-widths
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.mean(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the half-widths of all settings
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        unseen.append(half)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: the size of the unseen effects, not what would have been seen
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(abs(mean))
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: exactly k
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i == k)
            both += p * (i == k and j == k)
    return one, both

# %% q2 wrong: more than k
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i > k)
            both += p * (i > k and j > k)
    return one, both

# %% q2 wrong: all of the 5 % on the expected side
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.05**i * 0.05**j * 0.9**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, both

# %% q2 wrong: both as a product, as if the two were independent
def tally(effects, sign):
    found = {"holds": 0, "reversed": 0, "unseen": 0, "lost": 0}
    unseen = []
    for row in effects:
        seeds = [float(value) for value in row if not math.isnan(value)]
        n = len(seeds)
        if n < 2:
            found["lost"] += 1
            continue
        mean = sum(seeds) / n
        spread = math.sqrt(sum((value - mean)**2 for value in seeds) / (n - 1))
        half = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
        if sign * mean > half:
            found["holds"] += 1
        elif sign * mean < -half:
            found["reversed"] += 1
        else:
            found["unseen"] += 1
            unseen.append(half)
    found["size"] = float(np.median(unseen)) if unseen else None
    return found


def by_chance(m, k):
    one = both = 0.0
    for i in range(m + 1):
        for j in range(m - i + 1):
            p = (math.factorial(m) // (math.factorial(i) * math.factorial(j) * math.factorial(m - i - j))
                 * 0.025**i * 0.025**j * 0.95**(m - i - j))
            one += p * (i >= k)
            both += p * (i >= k and j >= k)
    return one, one**2

# %% q3 right: groups listed once, sums of squares between them
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 right: the chapter's functions, with shared ranks
def ranks(values):
    places, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def explained(levels, values):
    fitted = sum((levels == i) * values[..., levels == i].mean(-1, keepdims=True) for i in np.unique(levels))
    return fitted.var(-1) / values.var(-1)


def decides(knobs, levels, means, shuffles):
    values = ranks(np.asarray(means, dtype=float))
    if np.ptp(values) == 0:
        return None, 0.0, 1.0
    shares = np.round([explained(column, values) for column in levels.T], 12)
    largest = np.max([explained(column, values[shuffles]) for column in levels.T], axis=0)
    chance = np.mean(largest >= max(shares) - 1e-9)
    best = int(np.argmax(shares))
    return (knobs[best] if chance <= 0.05 else None), shares[best], chance

# %% q3 right: least squares on one column of ones and zeros for each level
def decides(knobs, levels, means, shuffles):
    means = np.asarray(means, float)
    order = np.argsort(means, kind="stable")
    ranks = np.empty(len(means))
    ranks[order] = np.arange(len(means))
    for value in np.unique(means):
        ranks[means == value] = ranks[means == value].mean()
    if (means == means[0]).all():
        return None, 0.0, 1.0
    hats = []
    for column in levels.T:
        ones = (column[:, None] == np.unique(column)).astype(float)
        hats.append(ones @ np.linalg.pinv(ones))
    centred = ranks - ranks.mean()
    whole = centred @ centred
    shares = [centred @ hat @ centred / whole for hat in hats]
    reached = 0
    for row in shuffles:
        mixed = centred[row]
        reached += any(mixed @ hat @ mixed / whole >= max(shares) - 1e-9 for hat in hats)
    best = next(i for i, share in enumerate(shares) if share >= max(shares) - 1e-9)
    chance = reached / len(shuffles)
    return (None if chance > 0.05 else knobs[best]), shares[best], chance

# %% q3 wrong: the means and not their ranks
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array(means)
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: equal means get different ranks, by their order, as in the chapter
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.argsort(np.argsort(means, kind="stable")).astype(float)
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: equal means all get the lowest of their places
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: argsort once: places and not ranks
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.argsort(means).astype(float)
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: groups of any size count alike
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [float(np.var([values[at].mean() for at in groups]) / values.var()) for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: three levels 0, 1 and 2, and no others
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in (0, 1, 2)] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(bool(len(at)) and len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: correlation with the level: levels in a line only
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    centred = levels - levels.mean(0)
    length = np.sqrt((centred**2).sum(0))

    def shares(values):
        values = values - values.mean()
        return (values @ centred / length)**2 / (values @ values)

    first = shares(rank)
    chance = np.mean([shares(rank[row]).max() >= first.max() - 1e-9 for row in shuffles])
    return knobs[int(first.argmax())] if chance <= 0.05 else None, first.max(), chance

# %% q3 wrong: the chance of this one knob, though it was chosen as the largest
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(shares(rank[row])[winner] >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: the chance of this one knob, times the number of knobs
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = min(1, len(knobs) * sum(shares(rank[row])[winner] >= best - 1e-9 for row in shuffles) / len(shuffles))
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: the other way round: setting row[i] gets the rank of setting i
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[np.argsort(row)])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: the measured order counts as one more shuffle
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = (1 + sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles)) / (1 + len(shuffles))
    return knobs[winner] if chance <= 0.05 else None, best, chance

# %% q3 wrong: always names the largest
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner], best, chance

# %% q3 wrong: names where the share is large, and not where it is unlikely
def decides(knobs, levels, means, shuffles):
    means = [float(m) for m in means]
    if len(set(means)) == 1:
        return None, 0.0, 1.0
    places = sorted(means)
    rank = np.array([places.index(m) + (places.count(m) - 1) / 2 for m in means])
    members = [[np.flatnonzero(column == level) for level in set(column.tolist())] for column in levels.T]
    total = ((rank - rank.mean())**2).sum()

    def shares(values):
        return [sum(len(at) * (values[at].mean() - values.mean())**2 for at in groups) / total for groups in members]

    first = shares(rank)
    best = max(first)
    winner = [share >= best - 1e-9 for share in first].index(True)
    chance = sum(max(shares(rank[row])) >= best - 1e-9 for row in shuffles) / len(shuffles)
    return knobs[winner] if best >= 0.25 else None, best, chance

# %% q3 wrong: nothing is said of equal means
def decides(knobs, levels, means, shuffles):
    below = (means[:, None] > means).sum(1)
    rank = below + ((means[:, None] == means).sum(1) - 1) / 2

    def shares(values):
        found = []
        for column in levels.T:
            fitted = np.zeros(len(values))
            for level in np.unique(column):
                fitted[column == level] = values[column == level].mean()
            found.append(fitted.var() / values.var())
        return np.array(found)

    first = shares(rank)
    chance = np.mean([shares(rank[row]).max() >= first.max() - 1e-9 for row in shuffles])
    return knobs[int(first.argmax())] if chance <= 0.05 else None, first.max(), chance

# %% q4 right: counts n up, and looks at the side of the effect
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 right: the probability to be seen, by the normal distribution, and bisection for the size
import statistics

N = statistics.NormalDist()


def power(size, spread, n, m):
    """P(the interval lies on the effect's side)."""
    border = N.inv_cdf(1 - 0.025 / m) * spread / math.sqrt(n)
    return 1 - statistics.NormalDist(abs(size), spread / math.sqrt(n)).cdf(border)


def seeds_needed(size, spread, share, m, everywhere):
    n = 2
    while (power(size, spread, n, m) ** m if everywhere else power(size, spread, n, m)) < share:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    low, high = 0.0, 100 * spread
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, spread, n, m) >= share else (middle, high)
    return high


def honest_seeds(size, spread, share, noise, m):
    sums, squares = np.cumsum(noise, 1), np.cumsum(noise**2, 1)
    for n in range(2, noise.shape[1] + 1):
        mean = sums[:, n - 1] / n
        s = np.sqrt((squares[:, n - 1] - n * mean**2) / (n - 1))
        t = (abs(size) / spread + math.copysign(1, size) * mean) / s * math.sqrt(n)
        if np.mean(t > t_quantile(1 - 0.025 / m, n - 1)) >= share:
            return n

# %% q4 right: closed form rounded up; trial after trial in plain Python
from statistics import NormalDist, mean, stdev


def seeds_needed(size, spread, share, m, everywhere):
    q = NormalDist().inv_cdf
    if everywhere:
        share = math.exp(math.log(share) / m)
    root = spread / abs(size) * (q(share) - q(0.025 / m))
    return max(math.ceil(root * root), 2)


def smallest_seen(n, spread, share, m):
    error = NormalDist(0, spread / n**0.5)
    return error.inv_cdf(1 - 0.025 / m) + error.inv_cdf(share)


def honest_seeds(size, spread, share, noise, m):
    rows = (noise * spread + size).tolist()
    for n in range(2, len(rows[0]) + 1):
        t, seen = t_quantile(1 - 0.025 / m, n - 1), 0
        for row in np.array(rows)[:, :n]:
            half = t * row.std(ddof=1) / n**0.5
            low, high = row.mean() - half, row.mean() + half
            seen += low > 0 if size > 0 else high < 0
        if seen / len(rows) >= share:
            return n
    return None

# %% q4 wrong: one-sided: the quantile 0.95
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: the half-width equals the effect, which sees it in half of the comparisons
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return z(1 - 0.05 / m / 2) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: the share as if it had two sides
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z((1 + share) / 2)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z((1 + share) / 2)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: no Bonferroni
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(0.975) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(0.975) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(0.975, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: corrects the power and not the level
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(0.975) + z(1 - (1 - share) / m)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(0.975) + z(1 - (1 - share) / m)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: seeds times the number of settings
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n * m if everywhere else n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: everywhere takes no more seeds than one setting
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        pass
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: everywhere by the power m, the wrong way
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = max(share ** m, 0.5)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: the root is forgotten: n for its square
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * n / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: rounds to the nearest whole number
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    return max(2, round((reach * spread / size) ** 2))


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: two arms, each with a spread of its own: twice the seeds
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = math.sqrt(2) * (z(1 - 0.05 / m / 2) + z(share))
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: the smallest effect is not divided by the root of n
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / n


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: z where the spread is estimated
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = z(1 - 0.05 / m / 2) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: trials with the known spread
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * spread / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: ddof = 0 in the trials
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: a negative effect is looked for on the positive side
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q4 wrong: the interval that an average trial has
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if abs(mean.mean()) > half.mean():
            return n
    return None

# %% q4 wrong: not enough seeds: the largest number is returned
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(1 - 0.05 / m / 2, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            break
    return n

# %% q4 wrong: Bonferroni is forgotten in the trials
from statistics import NormalDist


def z(p):
    return NormalDist().inv_cdf(p)


def seeds_needed(size, spread, share, m, everywhere):
    if everywhere:
        share = share ** (1 / m)
    reach = z(1 - 0.05 / m / 2) + z(share)
    n = 2
    while abs(size) * math.sqrt(n) / spread < reach:
        n += 1
    return n


def smallest_seen(n, spread, share, m):
    return (z(1 - 0.05 / m / 2) + z(share)) * spread / math.sqrt(n)


def honest_seeds(size, spread, share, noise, m):
    trials, most = noise.shape
    for n in range(2, most + 1):
        seeds = size + spread * noise[:, :n]
        half = t_quantile(0.975, n - 1) * seeds.std(axis=1, ddof=1) / math.sqrt(n)
        mean = seeds.mean(axis=1)
        seen = mean - half > 0 if size > 0 else mean + half < 0
        if seen.sum() >= share * trials:
            return n
    return None

# %% q5 right: counts all triples against what they should be
from collections import Counter
from itertools import combinations, product


def suspects(levels, names, one, other):
    names = list(names)
    a, b = (levels[:, names.index(name)].tolist() for name in (one, other))
    found = []
    for name, column in zip(names, levels.T.tolist()):
        if name != one and name != other:
            counts = Counter(zip(a, b, column))
            triples = list(product(set(a), set(b), set(column)))
            if any(counts[triple] != len(column) / len(triples) for triple in triples):
                found.append(name)
    return found


def safest(levels, names):
    count = Counter()
    for one, other in combinations(names, 2):
        count.update(suspects(levels, names, one, other))
    fewest = min(count[name] for name in names)
    return [name for name in names if count[name] == fewest][0]

# %% q5 right: random joint effects: do the means of a third knob differ?
def suspects(levels, names, one, other):
    rng = np.random.default_rng(0)
    a, b = (np.unique(levels[:, names.index(name)], return_inverse=True)[1] for name in (one, other))
    table = rng.standard_normal((40, a.max() + 1, b.max() + 1))
    table -= table.mean(1, keepdims=True)
    table -= table.mean(2, keepdims=True)
    values = table[:, a, b]
    found = []
    for i, name in enumerate(names):
        groups = [values[:, levels[:, i] == level].mean(1) for level in np.unique(levels[:, i])]
        if name not in (one, other) and np.ptp(groups, axis=0).max() > 1e-9:
            found.append(name)
    return found


def safest(levels, names):
    doubts = []
    for name in names:
        others = [other for other in names if other != name]
        doubts.append(sum(name in suspects(levels, names, a, b)
                          for i, a in enumerate(others) for b in others[i + 1:]))
    return names[int(np.argmin(doubts))]

# %% q5 right: within each pair of levels, the third knob has all its levels equally often
def even(levels, one, other, third):
    for i in np.unique(levels[:, one]):
        for j in np.unique(levels[:, other]):
            there = levels[(levels[:, one] == i) & (levels[:, other] == j), third]
            counts = [(there == level).sum() for level in np.unique(levels[:, third])]
            if min(counts) != max(counts):
                return False
    return True


def suspects(levels, names, one, other):
    i, j = names.index(one), names.index(other)
    return [name for k, name in enumerate(names) if k != i and k != j and not even(levels, i, j, k)]


def safest(levels, names):
    k = len(names)
    doubts = np.zeros(k)
    for third in range(k):
        for i in range(k):
            for j in range(i):
                if third not in (i, j):
                    doubts[third] += not even(levels, i, j, third)
    return names[doubts.argmin()]

# %% q5 right: products of contrasts, and whether any contrast of a third knob meets them
def contrasts(column):
    ones = (column[:, None] == np.unique(column)).astype(float)
    return ones[:, 1:] - ones[:, :1]


def suspects(levels, names, one, other):
    a, b = (contrasts(levels[:, names.index(name)]) for name in (one, other))
    joint = (a[:, :, None] * b[:, None, :]).reshape(len(levels), -1)
    return [name for name, column in zip(names, levels.T)
            if name not in {one, other} and np.abs(joint.T @ contrasts(column)).max() > 1e-6]


def safest(levels, names):
    pairs = [(a, b) for a in names for b in names if a < b]
    return min(names, key=lambda name: sum(name in suspects(levels, names, a, b) for a, b in pairs))

# %% q5 wrong: looks for the equation c = a + b, with any number added
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        a3, b3, c3 = (np.unique(x, return_inverse=True)[1] for x in (a, b, c))
        if len(set(((a3 + b3 - c3) % 3).tolist())) == 1:
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: all equations modulo 3, which misses designs that no equation made
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        a3, b3, c3 = (np.unique(x, return_inverse=True)[1] for x in (a, b, c))
        if any(len(set(((c3 - u * a3 - v * b3) % 3).tolist())) == 1 for u in (1, 2) for v in (1, 2)):
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: the two levels must fix the third: mixed up by halves is missed
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        if len(set(zip(a.tolist(), b.tolist(), c.tolist()))) == len(set(zip(a.tolist(), b.tolist()))):
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: triples that never occur: equally often is not asked
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        triples = set(zip(a.tolist(), b.tolist(), c.tolist()))
        if len(triples) < len(set(a.tolist())) * len(set(b.tolist())) * len(set(c.tolist())):
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: counts that differ among the triples that occur: those that never occur are forgotten
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        counts = np.unique(np.stack([a, b, c]), axis=1, return_counts=True)[1]
        if counts.min() < counts.max():
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: correlation of the product of levels with the third knob
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        product = (a - a.mean()) * (b - b.mean())
        if abs(product @ (c - c.mean())) > 1e-9:
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: pairs of knobs and not triples: in a balanced design there is never a doubt
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        for x in (a, b):
            counts = np.unique(np.stack([x, c]), axis=1, return_counts=True)[1]
            if counts.min() < counts.max():
                found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: one example of a joint effect: equal levels
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        joint = (a == b).astype(float)
        groups = [joint[c == level].mean() for level in np.unique(c)]
        if max(groups) - min(groups) > 1e-9:
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: effects of one knob are left in: another table for each pair of levels
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        values = np.random.default_rng(0).standard_normal((20, 20))[a % 20, b % 20]
        groups = [values[c == level].mean() for level in np.unique(c)]
        if max(groups) - min(groups) > 0.4:
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: levels are 0, 1 and 2
from itertools import combinations


def suspects(levels, names, one, other):
    a, b = (levels[:, names.index(name)] for name in (one, other))
    found = []
    for name, c in zip(names, levels.T):
        if name in (one, other):
            continue
        counts = np.zeros((3, 3, 3), int)
        for triple in zip(a, b, c):
            counts[triple] += 1
        if counts.min() < counts.max():
            found.append(name)
    return found


def safest(levels, names):
    doubts = dict.fromkeys(names, 0)
    for one, other in combinations(names, 2):
        for name in suspects(levels, names, one, other):
            doubts[name] += 1
    return min(names, key=doubts.get)

# %% q5 wrong: the two knobs accuse themselves
from collections import Counter
from itertools import combinations, product


def suspects(levels, names, one, other):
    names = list(names)
    a, b = (levels[:, names.index(name)].tolist() for name in (one, other))
    found = []
    for name, column in zip(names, levels.T.tolist()):
        if True:
            counts = Counter(zip(a, b, column))
            triples = list(product(set(a), set(b), set(column)))
            if any(counts[triple] != len(column) / len(triples) for triple in triples):
                found.append(name)
    return found


def safest(levels, names):
    count = Counter()
    for one, other in combinations(names, 2):
        count.update(suspects(levels, names, one, other))
    fewest = min(count[name] for name in names)
    return [name for name in names if count[name] == fewest][0]

# %% q5 wrong: numbers of columns in place of names
from collections import Counter
from itertools import combinations, product


def suspects(levels, names, one, other):
    names = list(names)
    a, b = (levels[:, names.index(name)].tolist() for name in (one, other))
    found = []
    for name, column in zip(names, levels.T.tolist()):
        if name != one and name != other:
            counts = Counter(zip(a, b, column))
            triples = list(product(set(a), set(b), set(column)))
            if any(counts[triple] != len(column) / len(triples) for triple in triples):
                found.append(names.index(name))
    return found


def safest(levels, names):
    count = Counter()
    for one, other in combinations(names, 2):
        count.update(names[i] for i in suspects(levels, names, one, other))
    fewest = min(count[name] for name in names)
    return [name for name in names if count[name] == fewest][0]

# %% q5 wrong: the last of those with the fewest
from collections import Counter
from itertools import combinations, product


def suspects(levels, names, one, other):
    names = list(names)
    a, b = (levels[:, names.index(name)].tolist() for name in (one, other))
    found = []
    for name, column in zip(names, levels.T.tolist()):
        if name != one and name != other:
            counts = Counter(zip(a, b, column))
            triples = list(product(set(a), set(b), set(column)))
            if any(counts[triple] != len(column) / len(triples) for triple in triples):
                found.append(name)
    return found


def safest(levels, names):
    count = Counter()
    for one, other in combinations(names, 2):
        count.update(suspects(levels, names, one, other))
    fewest = min(count[name] for name in names)
    return [name for name in names if count[name] == fewest][-1]

# %% q5 wrong: the most accused
from collections import Counter
from itertools import combinations, product


def suspects(levels, names, one, other):
    names = list(names)
    a, b = (levels[:, names.index(name)].tolist() for name in (one, other))
    found = []
    for name, column in zip(names, levels.T.tolist()):
        if name != one and name != other:
            counts = Counter(zip(a, b, column))
            triples = list(product(set(a), set(b), set(column)))
            if any(counts[triple] != len(column) / len(triples) for triple in triples):
                found.append(name)
    return found


def safest(levels, names):
    count = Counter()
    for one, other in combinations(names, 2):
        count.update(suspects(levels, names, one, other))
    fewest = max(count[name] for name in names)
    return [name for name in names if count[name] == fewest][0]

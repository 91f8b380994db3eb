# Right and wrong solutions of homework 07: each replaces the question's solution cell whole.

# %% q1 right: torch, masked scores and a softmax, masks by itertools
from itertools import product


def read(scores, values, keep):
    scores, values = (torch.as_tensor(np.array(z, float)) for z in (scores, values))
    keep = torch.as_tensor(np.array(keep, bool))
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    weights = scores.masked_fill(~keep | later, -math.inf).softmax(-1)
    return torch.nan_to_num(weights, nan=0.0) @ values


def mean_read(weights, values, p):
    if not (p >= 0 and p <= 1):
        raise ValueError("p must lie between 0 and 1")
    total = 0.0
    for mask in product((0, 1), repeat=len(weights)):
        if not any(mask):
            continue
        chance = p ** mask.count(0) * (1 - p) ** mask.count(1)
        kept = [w * m for w, m in zip(weights, mask)]
        total += chance * sum(w * v for w, v in zip(kept, values)) / sum(kept)
    return total


# %% q1 right: loops over positions, recursion over tokens
def read(scores, values, keep):
    out = np.zeros(np.shape(values))
    for b, h, t in np.ndindex(*np.shape(scores)[:3]):
        seen = [s for s in range(t + 1) if keep[b, h, t, s]]
        if seen:
            raw = scores[b, h, t, seen]
            w = np.exp(raw - raw.max())
            out[b, h, t] = w @ values[b, h, seen] / w.sum()
    return out.tolist()


def mean_read(weights, values, p):
    if math.isnan(p) or p < 0 or p > 1:
        raise ValueError(f"p = {p}")

    def rest(i, weight, sum_):
        if i == len(weights):
            return sum_ / weight if weight else 0.0
        return p * rest(i + 1, weight, sum_) + (1 - p) * rest(i + 1, weight + weights[i], sum_ + weights[i] * values[i])

    return rest(0, 0.0, 0.0)


# %% q1 right: exp and a product with the mask; the mean token by token, over the masks of the others
def read(scores, values, keep):
    allowed = np.logical_and(keep, np.tril(np.ones(np.shape(keep)[-2:], bool)))
    logits = np.array(scores, float)
    logits[~allowed] = -1e30
    logits -= logits.max(-1, keepdims=True)
    weights = np.exp(logits) * allowed
    return np.einsum("bhts,bhsd->bhtd", weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300), values)


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError("bad p")
    result = 0.0
    for i in range(len(weights)):
        others = [j for j in range(len(weights)) if j != i]
        for code in range(2 ** len(others)):
            on = [j for k, j in enumerate(others) if code >> k & 1]
            share = weights[i] / (weights[i] + sum(weights[j] for j in on))
            result += values[i] * share * (1 - p) ** (len(on) + 1) * p ** (len(others) - len(on))
    return result


# %% q1 wrong: a fallen score becomes 0 in place of minus infinity
def read(scores, values, keep):
    later = ~np.tri(scores.shape[-1], dtype=bool)
    s = np.where(later, -np.inf, scores * keep)
    w = np.exp(s - s.max(-1, keepdims=True))
    w = w / w.sum(-1, keepdims=True)
    return np.where(keep.any(-1, keepdims=True), w, 0) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    c = np.where(m, 1 - p, p).prod(1)
    t = m @ w
    return (c * np.where(t > 0, m @ (w * v) / np.where(t > 0, t, 1), 0)).sum()


# %% q1 wrong: 0/0 where nothing is left to look at
def read(scores, values, keep):
    seen = keep & np.tri(scores.shape[-1], dtype=bool)
    s = np.where(seen, scores, -np.inf)
    with np.errstate(all="ignore"):
        w = np.exp(s - s.max(-1, keepdims=True))
        return w / w.sum(-1, keepdims=True) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (np.where(m, 1 - p, p).prod(1) * (m @ (w * v)) / (m @ w)).sum()


# %% q1 wrong: asks whether anything is left before it takes the later positions away
def read(scores, values, keep):
    s = np.where(keep & np.tri(scores.shape[-1], dtype=bool), scores, -1e9)
    w = np.exp(s - s.max(-1, keepdims=True))
    w = w / w.sum(-1, keepdims=True)
    return np.where(keep.any(-1, keepdims=True), w, 0) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (np.where(m, 1 - p, p).prod(1) * (m @ (w * v)) / (m @ w)).sum()


# %% q1 wrong: exp without taking the largest score off
def read(scores, values, keep):
    with np.errstate(all="ignore"):
        w = np.exp(scores) * keep * np.tri(scores.shape[-1])
        total = w.sum(-1, keepdims=True)
        return w / np.where(total == 0, 1, total) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (np.where(m, 1 - p, p).prod(1) * (m @ (w * v)) / (m @ w)).sum()


# %% q1 wrong: not causal
def read(scores, values, keep):
    s = np.where(keep, scores, -np.inf)
    top = s.max(-1, keepdims=True)
    w = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = w.sum(-1, keepdims=True)
    return w / np.where(total > 0, total, 1) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (np.where(m, 1 - p, p).prod(1) * (m @ (w * v)) / (m @ w)).sum()


# %% q1 wrong: renormalising is right on average, but for the empty mask
def read(scores, values, keep):
    seen = keep & np.tri(scores.shape[-1], dtype=bool)
    s = np.where(seen, scores, -np.inf)
    top = s.max(-1, keepdims=True)
    w = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = w.sum(-1, keepdims=True)
    return w / np.where(total > 0, total, 1) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    return (1 - p ** len(weights)) * float(np.dot(weights, values))


# %% q1 wrong: all masks equally likely, and no p that is NaN refused
def read(scores, values, keep):
    seen = keep & np.tri(scores.shape[-1], dtype=bool)
    s = np.where(seen, scores, -np.inf)
    top = s.max(-1, keepdims=True)
    w = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = w.sum(-1, keepdims=True)
    return w / np.where(total > 0, total, 1) @ values


def mean_read(weights, values, p):
    if p < 0 or p > 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (m @ (w * v) / (m @ w)).mean()


# %% q1 wrong: works in place on the scores
def read(scores, values, keep):
    scores[~(keep & np.tri(scores.shape[-1], dtype=bool))] = -np.inf
    top = scores.max(-1, keepdims=True)
    w = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = w.sum(-1, keepdims=True)
    return w / np.where(total > 0, total, 1) @ values


def mean_read(weights, values, p):
    if not 0 <= p <= 1:
        raise ValueError
    w, v = np.array(weights), np.array(values)
    m = np.arange(1, 2 ** len(w))[:, None] >> np.arange(len(w)) & 1
    return (np.where(m, 1 - p, p).prod(1) * (m @ (w * v)) / (m @ w)).sum()


# %% q2 right: einsum with the noise of each coin written out, torch
def noise(place, h, W, b, R, p):
    if not (0 <= p < 1):
        raise ValueError("p")
    h, W, b, R = (torch.as_tensor(np.asarray(z)).double() for z in (h, W, b, R))
    y, strength = h @ W + b, p / (1 - p)
    moves = {
        "inside feed-forward": lambda: torch.einsum("nj,jd,dk->njk", h, W, R),
        "after feed-forward": lambda: torch.einsum("nd,dk->ndk", y, R),
        "whole branches": lambda: (y @ R)[:, None],
    }
    if place not in moves:
        raise ValueError(place)
    return (strength * moves[place]().square().sum((1, 2)).mean()).item()


def same_noise(place, h, W, b, R, p):
    low, high, target = 0.0, 1.0 - 1e-15, noise("inside feed-forward", h, W, b, R, p)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if noise(place, h, W, b, R, middle) < target else (low, middle)
    return (low + high) / 2


doses = {}
for place in ("after feed-forward", "whole branches"):
    doses[place] = same_noise(place, H, W, B, R, P)


# %% q2 right: loops, and covariance matrices
def noise(place, h, W, b, R, p):
    if p < 0 or p >= 1 or p != p:
        raise ValueError(f"p = {p}")
    total = 0.0
    for row in h:
        y = row @ W + b
        if place == "inside feed-forward":
            covariance = W.T @ np.diag(row**2) @ W
        elif place == "after feed-forward":
            covariance = np.diag(y**2)
        elif place == "whole branches":
            covariance = np.outer(y, y)
        else:
            raise ValueError(place)
        total += np.trace(R.T @ covariance @ R)
    return total / len(h) * (1 / (1 - p) - 1)


def same_noise(place, h, W, b, R, p):
    inside, other = noise("inside feed-forward", h, W, b, R, p), noise(place, h, W, b, R, p)
    strength = p / (1 - p) * inside / other
    return strength / (1 + strength)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: the bias is forgotten
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y = h @ W
    kinds = {
        "inside feed-forward": (h**2) @ ((W @ R) ** 2).sum(1),
        "after feed-forward": (y**2) @ (R**2).sum(1),
        "whole branches": ((y @ R) ** 2).sum(1),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: noise is taken as proportional to p when it is solved for p
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y = h @ W + b
    kinds = {
        "inside feed-forward": (h**2) @ ((W @ R) ** 2).sum(1),
        "after feed-forward": (y**2) @ (R**2).sum(1),
        "whole branches": ((y @ R) ** 2).sum(1),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    return p * noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, p)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: the hidden units of a row share one coin (square of the sum)
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y = h @ W + b
    kinds = {
        "inside feed-forward": ((h @ W @ R) ** 2).sum(1),
        "after feed-forward": (y**2) @ (R**2).sum(1),
        "whole branches": ((y @ R) ** 2).sum(1),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: independent coins in a whole branch (same as after feed-forward)
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y = h @ W + b
    kinds = {
        "inside feed-forward": (h**2) @ ((W @ R) ** 2).sum(1),
        "after feed-forward": (y**2) @ (R**2).sum(1),
        "whole branches": (y**2) @ (R**2).sum(1),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: looks at y itself, not at what the layer above reads
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y = h @ W + b
    kinds = {
        "inside feed-forward": (h**2) @ (W**2).sum(1),
        "after feed-forward": (y**2).sum(1),
        "whole branches": (y**2).sum(1),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: reads the feature's weights after summing them over the k sums
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    y, r = h @ W + b, R.sum(1)
    inside, after, whole = (h**2) @ (W @ r) ** 2, (y**2) @ r**2, (y @ r) ** 2
    kinds = {"inside feed-forward": inside, "after feed-forward": after, "whole branches": whole}
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place].mean()


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q2 wrong: a mean over the rows is taken before squaring
def noise(place, h, W, b, R, p):
    if not 0 <= p < 1:
        raise ValueError
    h = h.mean(0)
    y = h @ W + b
    kinds = {
        "inside feed-forward": (h**2) @ ((W @ R) ** 2).sum(1),
        "after feed-forward": (y**2) @ (R**2).sum(1),
        "whole branches": ((y @ R) ** 2).sum(),
    }
    if place not in kinds:
        raise ValueError
    return p / (1 - p) * kinds[place]


def same_noise(place, h, W, b, R, p):
    s = noise("inside feed-forward", h, W, b, R, p) / noise(place, h, W, b, R, 0.5)
    return s / (1 + s)


doses = {q: same_noise(q, H, W, B, R, P) for q in ["whole branches", "after feed-forward"]}


# %% q3 right: the contributions of all inputs, and the covariance of each two of them
def moments(x, u, p, where, masks):
    if not (0 < p < 1) or where not in {"carried", "written"} or masks not in {"fresh", "one"}:
        raise ValueError("bad arguments")
    x = np.asarray(x, float)
    left = np.arange(len(x))[::-1]  # masks that each input still has to pass when carried
    # in powers of one number, so that no large number meets a small one
    if where == "written":
        reach = u**left * x
        return reach.sum(), (p / (1 - p) * ((reach**2).sum() if masks == "fresh" else reach.sum() ** 2)) ** 0.5
    if masks == "one":
        kept = ((u / (1 - p)) ** left * x).sum()
        return p * x[-1] + (1 - p) * kept, (p * (1 - p)) ** 0.5 * abs(kept - x[-1])
    shared, apart = np.minimum(left[:, None], left), abs(left[:, None] - left)
    growth = (u**2 / (1 - p)) ** shared - (u**2) ** shared
    return (u**left * x).sum(), ((np.outer(x, x) * u**apart * growth).sum()) ** 0.5


# %% q3 right: law of total variance, step by step; torch numbers
def moments(x, u, p, where, masks):
    if p <= 0 or p >= 1:
        raise ValueError("p")
    if (where, masks) == ("carried", "fresh"):
        mean, variance = torch.zeros((), dtype=torch.double), torch.zeros((), dtype=torch.double)
        for value in x:
            variance = u * u * (variance + (variance + mean**2) * p / (1 - p))
            mean = u * mean + float(value)
        return mean, variance.sqrt()

    def last(d):
        h = 0.0
        for value in x:
            h = u * d * h + value if where == "carried" else u * h + d * value
        return float(h)

    if (where, masks) in (("carried", "one"), ("written", "one")):
        ends, chances = np.array([last(0.0), last(1 / (1 - p))]), np.array([p, 1 - p])
        mean = ends @ chances
        return mean, np.sqrt(chances @ (ends - mean) ** 2)
    if (where, masks) == ("written", "fresh"):
        powers = np.cumprod([1.0] + [u] * (len(x) - 1))[::-1]
        return float(powers @ np.asarray(x)), float(np.linalg.norm(powers * x) * np.sqrt(p / (1 - p)))
    raise ValueError((where, masks))


# %% q3 wrong: one mask is right on average, too
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = alive = square = noise = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        alive = u / (1 - p) * alive + now
        noise = u**2 * noise + p / (1 - p) * now**2
        clean = u * clean + now
    if where == "written":
        return clean, (noise if masks == "fresh" else p / (1 - p) * clean**2) ** 0.5
    if masks == "fresh":
        return clean, max(square - clean**2, 0) ** 0.5
    return clean, (p * (1 - p)) ** 0.5 * abs(alive - x[-1])


# %% q3 wrong: with one mask that falls the last input is lost as well
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = alive = square = noise = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        alive = u / (1 - p) * alive + now
        noise = u**2 * noise + p / (1 - p) * now**2
        clean = u * clean + now
    if where == "written":
        return clean, (noise if masks == "fresh" else p / (1 - p) * clean**2) ** 0.5
    if masks == "fresh":
        return clean, max(square - clean**2, 0) ** 0.5
    return (1 - p) * alive, (p * (1 - p)) ** 0.5 * abs(alive)


# %% q3 wrong: carried inputs as if each had masks of its own (no covariance)
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    x = np.asarray(x, float)
    left = np.arange(len(x))[::-1]
    reach, strength = u**left * x, p / (1 - p)
    if where == "written":
        return reach.sum(), (strength * ((reach**2).sum() if masks == "fresh" else reach.sum() ** 2)) ** 0.5
    if masks == "fresh":
        return reach.sum(), (reach**2 * ((1 - p) ** -left.astype(float) - 1)).sum() ** 0.5
    kept = ((u / (1 - p)) ** left * x).sum()
    return p * x[-1] + (1 - p) * kept, (p * (1 - p)) ** 0.5 * abs(kept - x[-1])


# %% q3 wrong: what is written with one mask counted as independent
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = alive = square = noise = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        alive = u / (1 - p) * alive + now
        noise = u**2 * noise + p / (1 - p) * now**2
        clean = u * clean + now
    if where == "written":
        return clean, noise**0.5
    if masks == "fresh":
        return clean, max(square - clean**2, 0) ** 0.5
    return p * x[-1] + (1 - p) * alive, (p * (1 - p)) ** 0.5 * abs(alive - x[-1])


# %% q3 wrong: the variance in place of the standard deviation where it is not 0 or 1
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = alive = square = noise = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        alive = u / (1 - p) * alive + now
        noise = u**2 * noise + p / (1 - p) * now**2
        clean = u * clean + now
    if where == "written":
        return clean, noise if masks == "fresh" else p / (1 - p) * clean**2
    if masks == "fresh":
        return clean, max(square - clean**2, 0)
    return p * x[-1] + (1 - p) * alive, p * (1 - p) * (alive - x[-1]) ** 2


# %% q3 wrong: one mask and fresh masks are the same
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = square = noise = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        noise = u**2 * noise + p / (1 - p) * now**2
        clean = u * clean + now
    return clean, (noise if where == "written" else max(square - clean**2, 0)) ** 0.5


# %% q3 wrong: a simulation, not exact
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    rng = np.random.default_rng(0)
    h = np.zeros(2000)
    d = (rng.random(2000) >= p) / (1 - p)
    for now in x:
        if masks == "fresh":
            d = (rng.random(2000) >= p) / (1 - p)
        h = u * d * h + now if where == "carried" else u * h + d * now
    return h.mean(), h.std()


# %% q3 wrong: the last input is carried on once more
def moments(x, u, p, where, masks):
    if not 0 < p < 1 or where not in ("carried", "written") or masks not in ("fresh", "one"):
        raise ValueError
    clean = alive = square = 0.0
    for now in x:
        square = u**2 * square / (1 - p) + 2 * u * now * clean + now**2
        alive = u / (1 - p) * alive + now
        clean = u * clean + now
    reach = np.asarray(x) * u ** np.arange(len(x), 0, -1.0)
    if where == "written":
        return clean, (p / (1 - p) * ((reach**2).sum() if masks == "fresh" else reach.sum() ** 2)) ** 0.5
    if masks == "fresh":
        return clean, max(square - clean**2, 0) ** 0.5
    return p * x[-1] + (1 - p) * alive, (p * (1 - p)) ** 0.5 * abs(alive - x[-1])


# %% q4 right: gradients show what reaches what
def faults(block, d):
    was, found = block.training, set()
    x = torch.randn(3, 4, d, generator=torch.Generator().manual_seed(5))
    block.eval()
    for t in range(3):
        z = x.clone().requires_grad_()
        weights = torch.randn(d)
        total = sum((block(z)[1, t] * weights).sum() for _ in range(12))
        (gradient,) = torch.autograd.grad(total, z)
        if gradient[1, t + 1 :].abs().max() > 1e-5:
            found.add("future")
        if gradient[[0, 2]].abs().max() > 1e-5:
            found.add("company")
    with torch.no_grad():
        passes = torch.stack([block(x) for _ in range(400)])
        if passes.std(0).max() > 1e-5:
            found.add("never off")
        block.train()
        noisy = torch.stack([block(x) for _ in range(400)])
        same = x[:1].repeat(3, 1, 1)
        equal = [torch.allclose(y, y[[1, 2, 0]], atol=1e-6) for y in map(block, [same] * 25)]
    if all(equal):
        found.add("shared coins")
    f = passes.mean(0) - x
    slope = ((noisy.mean(0) - x) * f).sum() / (f * f).sum()
    if not 0.85 < slope < 1.15:
        found.add("wrong mean")
    block.train(was)
    return found


# %% q4 right: statistics only, no seeds: means of many passes, each with its error
def faults(block, d):
    was, names = block.training, set()
    g = torch.Generator().manual_seed(0)
    x = torch.randn(4, 4, d, generator=g)

    @torch.no_grad()
    def many(z, n=400):
        out = torch.stack([block(z) for _ in range(n)]).double()
        return out.mean(0), out.std(0) / n**0.5 + 1e-6

    @torch.no_grad()
    def depends(a, b, rows, times):
        # each number is either kept or dropped, so the largest and the smallest that occur are exact
        one, two = (torch.stack([block(z)[rows][:, times] for _ in range(60)]) for z in (a, b))
        return max((one.amax(0) - two.amax(0)).abs().max(), (one.amin(0) - two.amin(0)).abs().max()) > 1e-4

    block.eval()
    (still, error) = many(x)
    if error.max() > 1e-5:
        names.add("never off")
    late = x.clone()
    late[:, 3] = torch.randn(4, d, generator=g)
    if depends(x, late, slice(0, 4), slice(0, 3)):
        names.add("future")
    for row in (0, 3):
        other = x.clone()
        other[row] = torch.randn(4, d, generator=g)
        rest = [r for r in range(4) if r != row]
        if depends(x, other, rest, slice(0, 4)):
            names.add("company")
    block.train()
    moving, error = many(x)
    branch = (still - x).double()
    slope = (((moving - x) * branch).sum() / branch.square().sum()).item()
    if abs(slope - 1) > 0.17:
        names.add("wrong mean")
    with torch.no_grad():
        pair = torch.cat([x[:1], x[:1]])
        if max((y[0] - y[1]).abs().max().item() for y in (block(pair) for _ in range(30))) < 1e-6:
            names.add("shared coins")
    block.train(was)
    return names


# %% q4 wrong: does not hold the coins still, so noise passes for dependence
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d)
    with torch.no_grad():
        block.eval()
        before, later, other = block(x), x.clone(), x.clone()
        later[:, -1] += 1
        other[0] += torch.randn(5, d)
        if (block(later) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (block(other) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((block(x) - before).abs().max() > 1e-6 for _ in range(20)):
            found.add("never off")
        still = sum(block(x) for _ in range(300)) / 300
        block.train()
        twins = x[:1].expand(4, -1, -1)
        if all((y - y[:1]).abs().max() < 1e-6 for y in (block(twins) for _ in range(20))):
            found.add("shared coins")
        mean = sum(block(x) for _ in range(300)) / 300
        if abs(((mean - x) * (still - x)).sum() / (still - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: a single pass of twins decides on shared coins
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before, later, other = run(x, 0), x.clone(), x.clone()
        later[:, -1] += torch.randn(d)
        other[0] += torch.randn(5, d)
        if (run(later, 0) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (run(other, 0) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            found.add("never off")
        still = sum(run(x, s) for s in range(300)) / 300
        block.train()
        y = run(x[:1].expand(2, -1, -1), 3)
        again = run(x[:1].expand(2, -1, -1), 8)
        if torch.equal(y[0], y[1]) or torch.equal(again[0], again[1]):
            found.add("shared coins")
        mean = sum(run(x, s) for s in range(1000, 1300)) / 300
        if abs(((mean - x) * (still - x)).sum() / (still - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: the mean over many copies in one pass, which is one coin where coins are shared
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before, later, other = run(x, 0), x.clone(), x.clone()
        later[:, -1] += torch.randn(d)
        other[0] += torch.randn(5, d)
        if (run(later, 0) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (run(other, 0) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            found.add("never off")
        copies = x.repeat(200, 1, 1)
        still = run(copies, 0).unflatten(0, (200, 4)).mean(0)
        block.train()
        if all((y - y[:1]).abs().max() < 1e-6 for y in (run(x[:1].expand(4, -1, -1), s) for s in range(20))):
            found.add("shared coins")
        mean = run(copies, 1).unflatten(0, (200, 4)).mean(0)
        if abs(((mean - x) * (still - x)).sum() / (still - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: leaves early, in evaluation mode, when dropout is never off
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before, later, other = run(x, 0), x.clone(), x.clone()
        later[:, -1] += torch.randn(d)
        other[0] += torch.randn(5, d)
        if (run(later, 0) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (run(other, 0) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            return found | {"never off"}
        block.train()
        if all((y - y[:1]).abs().max() < 1e-6 for y in (run(x[:1].expand(4, -1, -1), s) for s in range(20))):
            found.add("shared coins")
        mean = sum(run(x, s) for s in range(1000, 1300)) / 300
        if abs(((mean - x) * (before - x)).sum() / (before - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: compares with a shorter sequence and a smaller batch, where the same seed draws other coins
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before = run(x, 0)
        if (run(x[:, :3], 0) - before[:, :3]).abs().max() > 1e-4:
            found.add("future")
        if any((run(x[i : i + 1], 0) - before[i : i + 1]).abs().max() > 1e-4 for i in range(4)):
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            found.add("never off")
        still = sum(run(x, s) for s in range(300)) / 300
        block.train()
        if all((y - y[:1]).abs().max() < 1e-6 for y in (run(x[:1].expand(4, -1, -1), s) for s in range(20))):
            found.add("shared coins")
        mean = sum(run(x, s) for s in range(1000, 1300)) / 300
        if abs(((mean - x) * (still - x)).sum() / (still - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: compares the training mean with one pass of evaluation, however noisy
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before, later, other = run(x, 0), x.clone(), x.clone()
        later[:, -1] += torch.randn(d)
        other[0] += torch.randn(5, d)
        if (run(later, 0) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (run(other, 0) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            found.add("never off")
        block.train()
        if all((y - y[:1]).abs().max() < 1e-6 for y in (run(x[:1].expand(4, -1, -1), s) for s in range(20))):
            found.add("shared coins")
        mean = sum(run(x, s) for s in range(1000, 1300)) / 300
        if abs(((mean - x) * (before - x)).sum() / (before - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found


# %% q4 wrong: twins are compared position by position, so one feature mask for all times passes for shared coins
def faults(block, d):
    mode, found = block.training, set()
    x = torch.randn(4, 5, d, generator=torch.Generator().manual_seed(1))

    def run(x, seed):
        torch.manual_seed(seed)
        return block(x)

    with torch.no_grad():
        block.eval()
        before, later, other = run(x, 0), x.clone(), x.clone()
        later[:, -1] += torch.randn(d)
        other[0] += torch.randn(5, d)
        if (run(later, 0) - before)[:, :-1].abs().max() > 1e-4:
            found.add("future")
        if (run(other, 0) - before)[1:].abs().max() > 1e-4:
            found.add("company")
        if any((run(x, s) - before).abs().max() > 1e-6 for s in range(1, 20)):
            found.add("never off")
        still = sum(run(x, s) for s in range(300)) / 300
        block.train()
        flat = x[:1, :1].expand(4, 5, -1)
        outs = [run(flat, s) for s in range(20)]
        if all((y[:, 1] - y[:, 0]).abs().max() < 1e-6 for y in outs):
            found.add("shared coins")
        if all((y - y[:1]).abs().max() < 1e-6 for y in outs):
            found.add("shared coins")
        mean = sum(run(x, s) for s in range(1000, 1300)) / 300
        if abs(((mean - x) * (still - x)).sum() / (still - x).square().sum() - 1) > 0.17:
            found.add("wrong mean")
    block.train(mode)
    return found

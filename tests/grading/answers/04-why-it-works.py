# Right and wrong solutions of homework 04: each replaces the question's solution cell whole.

# %% q1 right: masks by itertools, normal mean by numerical integration, opinion by hand
import itertools

def relu_mean(x, w, b, p):
    total = 0.0
    for mask in itertools.product((0, 1), repeat=len(x)):
        chance = math.prod((1 - p) if m else p for m in mask)
        total += chance * max(0.0, b + sum(m * xi * wi for m, xi, wi in zip(mask, x, w)) / (1 - p))
    return total

def gaussian_relu_mean(x, w, b, p):
    terms = x * w
    mean, variance = b + terms.sum(), p / (1 - p) * (terms**2).sum()
    if variance < 1e-18:
        return max(0.0, mean)
    u = np.linspace(-9, 9, 20001)
    density = np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
    return float((np.maximum(0, mean + math.sqrt(variance) * u) * density).sum() * (u[1] - u[0]))

def opinion(x, inner, b, outer, c, p):
    masks = np.array(list(itertools.product((0, 1), repeat=len(x))))
    chance = np.prod(np.where(masks == 1, 1 - p, p), axis=1)
    hidden = chance @ np.maximum(0, (masks * x / (1 - p)) @ inner + b)
    logits = c + hidden @ outer
    return (np.exp(logits) / np.exp(logits).sum()).tolist()

# %% q1 right: one input after the other, dropped or kept
def relu_mean(x, w, b, p):
    values, chance = np.array([float(b)]), np.array([1.0])
    for term in np.asarray(x) * np.asarray(w) / (1 - p):
        values, chance = np.r_[values, values + term], np.r_[chance * p, chance * (1 - p)]
    return chance @ values.clip(min=0)

def gaussian_relu_mean(x, w, b, p):
    mu = b + np.dot(x, w)
    s = np.sqrt(p / (1 - p)) * np.linalg.norm(np.multiply(x, w))
    if s == 0:
        return np.maximum(0.0, mu)
    upper = 0.5 * math.erfc(-mu / s / math.sqrt(2))
    return s * np.exp(-(mu / s) ** 2 / 2) / np.sqrt(2 * np.pi) + mu * upper

def opinion(x, inner, b, outer, c, p):
    z = sum(relu_mean(x, inner[:, i], b[i], p) * outer[i] for i in range(len(b))) + c
    return np.exp(z - np.logaddexp.reduce(z))

# %% q1 wrong: opinion is the scaled pass
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    return float(((1 - p)**kept * p**(len(x) - kept)) @ np.maximum(0, b + masks @ (x * w) / (1 - p)))

def gaussian_relu_mean(x, w, b, p):
    terms = x * w
    mean, spread = float(b + terms.sum()), math.sqrt(p / (1 - p) * (terms**2).sum())
    if spread == 0:
        return max(0.0, mean)
    t = mean / spread
    return mean * 0.5 * (1 + math.erf(t / math.sqrt(2))) + spread * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

def opinion(x, inner, b, outer, c, p):
    z = np.maximum(0, x @ inner + b) @ outer + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()

# %% q1 wrong: all masks counted alike, as at one half
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    return float(np.maximum(0, b + masks @ (x * w) / (1 - p)).mean())

def gaussian_relu_mean(x, w, b, p):
    terms = x * w
    mean, spread = float(b + terms.sum()), math.sqrt(p / (1 - p) * (terms**2).sum())
    if spread == 0:
        return max(0.0, mean)
    t = mean / spread
    return mean * 0.5 * (1 + math.erf(t / math.sqrt(2))) + spread * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

def opinion(x, inner, b, outer, c, p):
    z = np.array([relu_mean(x, inner[:, i], b[i], p) for i in range(len(b))]) @ outer + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()

# %% q1 wrong: variance of the mask taken as p (1 - p), without the scale
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    return float(((1 - p)**kept * p**(len(x) - kept)) @ np.maximum(0, b + masks @ (x * w) / (1 - p)))

def gaussian_relu_mean(x, w, b, p):
    terms = x * w
    mean, spread = float(b + terms.sum()), math.sqrt(p * (1 - p) * (terms**2).sum())
    if spread == 0:
        return max(0.0, mean)
    t = mean / spread
    return mean * 0.5 * (1 + math.erf(t / math.sqrt(2))) + spread * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

def opinion(x, inner, b, outer, c, p):
    z = np.array([relu_mean(x, inner[:, i], b[i], p) for i in range(len(b))]) @ outer + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()

# %% q1 wrong: the normal means stand for the exact ones in opinion, and no spread gives NaN
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    return float(((1 - p)**kept * p**(len(x) - kept)) @ np.maximum(0, b + masks @ (x * w) / (1 - p)))

def gaussian_relu_mean(x, w, b, p):
    if p == 0:
        return max(0.0, float(b + np.dot(x, w)))
    terms = x * w
    mean, spread = b + terms.sum(), np.sqrt(p / (1 - p) * (terms**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / spread
        return mean * 0.5 * (1 + math.erf(t / math.sqrt(2))) + spread * np.exp(-t * t / 2) / math.sqrt(2 * math.pi) + 0 * t

def opinion(x, inner, b, outer, c, p):
    z = np.array([gaussian_relu_mean(x, inner[:, i], b[i], p) for i in range(len(b))]) @ outer + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()

# %% q1 wrong: the bias is divided by keep, or dropped, with the inputs
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    return float(((1 - p)**kept * p**(len(x) - kept)) @ np.maximum(0, (b + masks @ (x * w)) / (1 - p)))

def gaussian_relu_mean(x, w, b, p):
    terms = np.append(x * w, b)
    mean, spread = float(terms.sum()), math.sqrt(p / (1 - p) * (terms**2).sum())
    if spread == 0:
        return max(0.0, mean)
    t = mean / spread
    return mean * 0.5 * (1 + math.erf(t / math.sqrt(2))) + spread * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

def opinion(x, inner, b, outer, c, p):
    z = np.array([relu_mean(x, inner[:, i], b[i], p) for i in range(len(b))]) @ outer + c
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()

# %% q1 wrong: opinion samples 2000 sub-networks
def relu_mean(x, w, b, p):
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    return float(((1 - p)**kept * p**(len(x) - kept)) @ np.maximum(0, b + masks @ (x * w) / (1 - p)))

def gaussian_relu_mean(x, w, b, p):
    terms = x * w
    z = b + terms.sum() + math.sqrt(p / (1 - p) * (terms**2).sum()) * np.random.default_rng(0).normal(size=100_000)
    return float(np.maximum(0, z).mean())

def opinion(x, inner, b, outer, c, p):
    rng, n = np.random.default_rng(0), 2000
    h = np.maximum(0, (x * (rng.random((n, len(x))) >= p) / (1 - p)) @ inner + b)
    z = (h * (rng.random(h.shape) >= p) / (1 - p)) @ outer + c
    q = np.exp(z - z.max(1, keepdims=True))
    mean = np.log(q / q.sum(1, keepdims=True)).mean(0)
    return np.exp(mean) / np.exp(mean).sum()

# %% q2 right: loops over examples and sub-networks, in log space
def power_mean(logits, chance, a):
    return np.exp(log_power_mean(logits, chance, a))

def log_q(z):
    return z - np.logaddexp.reduce(z)

def log_power_mean(logits, chance, a):
    rows = []
    for i in range(logits.shape[1]):
        members = [(float(pi), log_q(logits[m, i])) for m, pi in enumerate(chance) if pi > 0]
        if a == 0:
            s = sum(pi * lq for pi, lq in members)
        else:
            s = np.logaddexp.reduce([math.log(pi) + a * lq for pi, lq in members], axis=0) / a
        rows.append(log_q(s))
    return np.array(rows)

def gain(logits, chance, a):
    average = sum(pi * np.array([-log_q(z) for z in member]) for pi, member in zip(chance, logits))
    return average - (-log_power_mean(logits, chance, a))

# %% q2 right: divided by the largest probability of each class before the power
def power_mean(logits, chance, a):
    q = np.exp(_log_power(logits, chance, a))
    return q / q.sum(1, keepdims=True)

def _log_power(logits, chance, a):
    logits = logits - np.max(logits, axis=2, keepdims=True)
    lq = logits - np.log(np.sum(np.exp(logits), axis=2, keepdims=True))
    if a == 0:
        z = np.einsum("m,mnc->nc", chance, lq)
    else:
        lq = lq[chance > 0]
        reference = lq.max(0) if a > 0 else lq.min(0)
        z = reference + np.log(np.einsum("m,mnc->nc", chance[chance > 0], np.exp(a * (lq - reference)))) / a
    return z - z.max(1, keepdims=True)

def gain(logits, chance, a):
    member = np.zeros(logits.shape[1:])
    for weight, z in zip(chance, logits):
        q = np.exp(z - z.max(1, keepdims=True))
        member -= weight * np.log(q / q.sum(1, keepdims=True))
    return member + np.log(power_mean(logits, chance, a))

# %% q2 wrong: softmax of the mean logits for every a but 1
def power_mean(logits, chance, a):
    def softmax(z):
        z = np.exp(z - z.max(-1, keepdims=True))
        return z / z.sum(-1, keepdims=True)
    if a == 1:
        return np.tensordot(chance, softmax(logits), 1)
    return softmax(np.tensordot(chance, logits, 1))

def gain(logits, chance, a):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q = q / q.sum(-1, keepdims=True)
    return -np.tensordot(chance, np.log(q), 1) + np.log(power_mean(logits, chance, a))

# %% q2 wrong: all sub-networks counted alike
def power_mean(logits, chance, a):
    lq = logits - logits.max(-1, keepdims=True)
    lq = lq - np.log(np.exp(lq).sum(-1, keepdims=True))
    z = lq.mean(0) if a == 0 else np.logaddexp.reduce(a * lq, axis=0) / a
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)

def gain(logits, chance, a):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q = q / q.sum(-1, keepdims=True)
    return -np.log(q).mean(0) + np.log(power_mean(logits, chance, a))

# %% q2 wrong: powers of probabilities without logarithms, which fail for extreme logits
def power_mean(logits, chance, a):
    with np.errstate(all="ignore"):
        q = np.exp(logits - logits.max(-1, keepdims=True))
        q = q / q.sum(-1, keepdims=True)
        z = np.exp(np.tensordot(chance, np.log(q), 1)) if a == 0 else np.tensordot(chance, q**a, 1) ** (1 / a)
        return z / z.sum(-1, keepdims=True)

def gain(logits, chance, a):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q = q / q.sum(-1, keepdims=True)
    return -np.tensordot(chance, np.log(q), 1) + np.log(power_mean(logits, chance, a))

# %% q2 wrong: a near 0 in place of its limit, and no root
def power_mean(logits, chance, a):
    lq = logits - logits.max(-1, keepdims=True)
    lq = lq - np.log(np.exp(lq).sum(-1, keepdims=True))
    a = a or 1e-3
    root = 1 if a < 0 else a
    with np.errstate(divide="ignore"):
        z = np.logaddexp.reduce(a * lq + np.log(chance)[:, None, None], axis=0) / root
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)

def gain(logits, chance, a):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q = q / q.sum(-1, keepdims=True)
    return -np.tensordot(chance, np.log(q), 1) + np.log(power_mean(logits, chance, a))

# %% q2 wrong: the gain forgets to normalise the mean
def power_mean(logits, chance, a):
    z = _log_unnormalised(logits, chance, a)
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)

def _log_unnormalised(logits, chance, a):
    lq = logits - logits.max(-1, keepdims=True)
    lq = lq - np.log(np.exp(lq).sum(-1, keepdims=True))
    if a == 0:
        return np.tensordot(chance, lq, 1)
    with np.errstate(divide="ignore"):
        return np.logaddexp.reduce(a * lq + np.log(chance)[:, None, None], axis=0) / a

def gain(logits, chance, a):
    return _log_unnormalised(logits, chance, a) - _log_unnormalised(logits, chance, 0)

# %% q2 wrong: the gain compares with the most likely sub-network, not with the average
def power_mean(logits, chance, a):
    lq = logits - logits.max(-1, keepdims=True)
    lq = lq - np.log(np.exp(lq).sum(-1, keepdims=True))
    if a == 0:
        z = np.tensordot(chance, lq, 1)
    else:
        with np.errstate(divide="ignore"):
            z = np.logaddexp.reduce(a * lq + np.log(chance)[:, None, None], axis=0) / a
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)

def gain(logits, chance, a):
    z = logits[np.argmax(chance)]
    q = np.exp(z - z.max(-1, keepdims=True))
    return np.log(power_mean(logits, chance, a)) - np.log(q / q.sum(-1, keepdims=True))

# %% q3 right: logarithms of the factors, and the weight by bisection
def count_penalty(x, w, p):
    if not (p >= 0 and p < 1):
        raise ValueError(f"p must be in [0, 1), got {p}")
    log_rate = sum(math.log(p + (1 - p) * math.exp(a * b / (1 - p))) for a, b in zip(x, w))
    return math.exp(log_rate) - math.exp(sum(a * b for a, b in zip(x, w)))

def count_ridge(x, w, p):
    z = np.dot(x, w)
    variance = sum((a * b) ** 2 for a, b in zip(x, w)) * p / (1 - p)
    return math.exp(z) * variance / 2

def best_weight(x, t, p):
    slope = lambda w: x * math.exp(x * w / (1 - p)) - t * x      # derivative of the expected loss
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return low

# %% q3 right: one input after the other; the weight by Newton's method
def count_penalty(x, w, p):
    if p < 0 or p >= 1 or p != p:
        raise ValueError("p must be in [0, 1)")
    keep, noisy, clean = 1 - p, 1.0, 1.0
    for term in np.multiply(x, w):
        noisy, clean = p * noisy + keep * noisy * np.exp(term / keep), clean * np.exp(term)
    return noisy - clean

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * (p / (1 - p)) * (x**2 @ w**2)

def best_weight(x, t, p):
    w = 0.0
    for _ in range(200):
        rate = math.exp(x * w / (1 - p))
        step = (rate - t) * (1 - p) / (x * rate)
        w -= max(-0.5 / abs(x), min(0.5 / abs(x), step))
    return w

# %% q3 wrong: samples twenty thousand masks
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    if len(x) == 1:
        return (p + (1 - p) * math.exp(float(x[0] * w[0]) / (1 - p))) - math.exp(float(x[0] * w[0]))
    kept = np.random.default_rng(0).random((20_000, len(x))) >= p
    return float(np.exp(kept @ (x * w) / (1 - p)).mean() - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(t) / x

# %% q3 wrong: enumerates the masks, at most twelve inputs
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    if len(x) > 12:
        x, w = x[:12], w[:12]
    masks = np.arange(2**len(x))[:, None] >> np.arange(len(x)) & 1
    kept = masks.sum(1)
    chance = (1 - p)**kept * p**(len(x) - kept)
    return float(chance @ np.exp(masks @ (x * w) / (1 - p)) - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(t) / x

# %% q3 wrong: the exact penalty is taken for the second order
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    if len(x) == 1:
        return (p + (1 - p) * math.exp(float(x[0] * w[0]) / (1 - p))) - math.exp(float(x[0] * w[0]))
    return count_ridge(x, w, p)

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(t) / x

# %% q3 wrong: dropout is forgotten in the best weight
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return float(np.prod(p + (1 - p) * np.exp(x * w / (1 - p))) - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return math.log(t) / x

# %% q3 wrong: the mean rate under dropout is set to t, as if the loss were the rate alone
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return float(np.prod(p + (1 - p) * np.exp(x * w / (1 - p))) - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(max(1e-9, (t - p) / (1 - p))) / x

# %% q3 wrong: variance with p (1 - p) scaled as at one half
def count_penalty(x, w, p):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    return float(np.prod(p + (1 - p) * np.exp(x * w / (1 - p))) - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * 4 * p * (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(t) / x

# %% q3 wrong: accepts NaN, and p = 1 gives infinity
def count_penalty(x, w, p):
    if p < 0 or p > 1:
        raise ValueError("p must be in [0, 1)")
    with np.errstate(all="ignore"):
        return float(np.prod(p + np.float64(1 - p) * np.exp(x * w / np.float64(1 - p))) - np.exp(x @ w))

def count_ridge(x, w, p):
    return 0.5 * np.exp(x @ w) * p / (1 - p) * (x**2 @ w**2)

def best_weight(x, t, p):
    return (1 - p) * math.log(t) / x

# %% q4 right: one example and one pass at a time
def uncertainty(logits):
    k, n, classes = logits.shape
    out = {name: [] for name in ("mean", "total", "expected", "mutual", "error")}
    h = lambda q: sum(-v * math.log(v) for v in q if v > 0)
    for i in range(n):
        q = []
        for m in range(k):
            e = [math.exp(v - max(logits[m, i])) for v in logits[m, i]]
            q.append([v / sum(e) for v in e])
        mean = [sum(row[c] for row in q) / k for c in range(classes)]
        variance = [sum((row[c] - mean[c]) ** 2 for row in q) / (k - 1) for c in range(classes)]
        expected = sum(map(h, q)) / k
        for name, value in zip(out, (mean, h(mean), expected, h(mean) - expected, [math.sqrt(v / k) for v in variance])):
            out[name].append(value)
    return out

# %% q4 right: log-softmax, and mutual information as a mean divergence from the mean
def uncertainty(logits):
    log_q = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    q = np.exp(log_q)
    mean = q.mean(axis=0)
    log_mean = np.log(np.maximum(mean, 1e-320))
    expected = -np.sum(q * np.maximum(log_q, -1e5), axis=-1).mean(axis=0)
    mutual = np.sum(q * (np.maximum(log_q, -1e5) - log_mean), axis=-1).mean(axis=0)
    error = np.sqrt(np.var(q, axis=0, ddof=1) / q.shape[0])
    return dict(mean=mean, total=expected + mutual, expected=expected, mutual=mutual, error=error)

# %% q4 wrong: only the sign and the mean over examples are repaired
def uncertainty(logits):
    z = logits.mean(0)
    mean = np.exp(z) / np.exp(z).sum()
    q = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    with np.errstate(all="ignore"):
        total, expected = -(mean * np.log(mean)).sum(-1), -(q * np.log(q)).sum(-1).mean(0)
    return {"mean": mean, "total": total, "expected": expected, "mutual": total - expected, "error": q.std(0)}

# %% q4 wrong: logits are averaged still
def uncertainty(logits):
    softmax = lambda z: np.exp(z - z.max(-1, keepdims=True)) / np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True)
    h = lambda q: -(q * np.log(np.maximum(q, 1e-300))).sum(-1)
    q, mean = softmax(logits), softmax(logits.mean(0))
    return {"mean": mean, "total": h(mean), "expected": h(q).mean(0), "mutual": h(mean) - h(q).mean(0),
            "error": q.std(0, ddof=1) / math.sqrt(len(q))}

# %% q4 wrong: mutual information with the wrong sign
def uncertainty(logits):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    h = lambda q: -(q * np.log(np.maximum(q, 1e-300))).sum(-1)
    mean = q.mean(0)
    return {"mean": mean, "total": h(mean), "expected": h(q).mean(0), "mutual": h(q).mean(0) - h(mean),
            "error": q.std(0, ddof=1) / math.sqrt(len(q))}

# %% q4 wrong: the spread of single passes for the standard error
def uncertainty(logits):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    h = lambda q: -(q * np.log(np.maximum(q, 1e-300))).sum(-1)
    mean = q.mean(0)
    return {"mean": mean, "total": h(mean), "expected": h(q).mean(0), "mutual": h(mean) - h(q).mean(0),
            "error": q.std(0, ddof=1)}

# %% q4 wrong: biased variance in the standard error
def uncertainty(logits):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    h = lambda q: -(q * np.log(np.maximum(q, 1e-300))).sum(-1)
    mean = q.mean(0)
    return {"mean": mean, "total": h(mean), "expected": h(q).mean(0), "mutual": h(mean) - h(q).mean(0),
            "error": q.std(0) / math.sqrt(len(q))}

# %% q4 wrong: 0 log 0 gives NaN
def uncertainty(logits):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    with np.errstate(all="ignore"):
        h = lambda q: -(q * np.log(q)).sum(-1)
        mean = q.mean(0)
        return {"mean": mean, "total": h(mean), "expected": h(q).mean(0), "mutual": h(mean) - h(q).mean(0),
                "error": q.std(0, ddof=1) / math.sqrt(len(q))}

# %% q4 wrong: the mean entropy is averaged over the examples too
def uncertainty(logits):
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    h = lambda q: -(q * np.log(np.maximum(q, 1e-300))).sum(-1)
    mean, expected = q.mean(0), h(q).mean() * np.ones(q.shape[1])
    return {"mean": mean, "total": h(mean), "expected": expected, "mutual": h(mean) - expected,
            "error": q.std(0, ddof=1) / math.sqrt(len(q))}

# %% q5 right: seed by seed, standard library only
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = []
    for a, hit_a, b, hit_b in zip(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
        d.append((sum(hit_a) / len(hit_a) - a) - (sum(hit_b) / len(hit_b) - b))
    n, mean = len(d), sum(d) / len(d)
    variance = sum((v - mean) ** 2 for v in d) / (n - 1)
    return mean, t975(n - 1) * math.sqrt(variance / n)

def seeds_needed(values, target):
    n, mean = len(values), sum(values) / len(values)
    s = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return next(m for m in range(5, 10**6) if t975(m - 1) * s / m**0.5 <= target)

# %% q5 right: one row of contrasts, and a search by halving
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    table = np.stack([plain_damaged.mean(axis=1), plain_intact, dropout_damaged.mean(axis=1), dropout_intact])
    d = np.array([1, -1, -1, 1]) @ table
    return [np.mean(d), t975(d.size - 1) * np.sqrt(np.var(d, ddof=1) / d.size)]

def seeds_needed(values, target):
    half = lambda n: t975(n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    low, high = 5, 10**6
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half(middle) <= target else (middle + 1, high)
    return low

# %% q5 wrong: every draw of damage counted as a seed
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    k = min(plain_damaged.shape[1], dropout_damaged.shape[1])
    rise = (plain_damaged[:, :k] - plain_intact[:, None]) - (dropout_damaged[:, :k] - dropout_intact[:, None])
    d = rise.ravel()
    return d.mean(), t975(d.size - 1) * d.std(ddof=1) / math.sqrt(d.size)

def seeds_needed(values, target):
    s, n = np.std(values, ddof=1), 5
    while t975(n - 1) * s / math.sqrt(n) > target:
        n += 1
    return n

# %% q5 wrong: the arms taken as independent samples
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    a, b = plain_damaged.mean(1) - plain_intact, dropout_damaged.mean(1) - dropout_intact
    n = len(a)
    return a.mean() - b.mean(), t975(2 * n - 2) * math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / n)

def seeds_needed(values, target):
    s, n = np.std(values, ddof=1), 5
    while t975(n - 1) * s / math.sqrt(n) > target:
        n += 1
    return n

# %% q5 wrong: damaged errors compared, intact errors ignored
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = plain_damaged.mean(1) - dropout_damaged.mean(1)
    return d.mean(), t975(len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))

def seeds_needed(values, target):
    s, n = np.std(values, ddof=1), 5
    while t975(n - 1) * s / math.sqrt(n) > target:
        n += 1
    return n

# %% q5 wrong: 1.96 for any number of seeds
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = (plain_damaged.mean(1) - plain_intact) - (dropout_damaged.mean(1) - dropout_intact)
    return d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))

def seeds_needed(values, target):
    return max(5, math.ceil((1.96 * np.std(values, ddof=1) / target) ** 2))

# %% q5 wrong: the pilot's quantile kept for every n
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = (plain_damaged.mean(1) - plain_intact) - (dropout_damaged.mean(1) - dropout_intact)
    return d.mean(), t975(len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))

def seeds_needed(values, target):
    return max(5, math.ceil((t975(len(values) - 1) * np.std(values, ddof=1) / target) ** 2))

# %% q5 wrong: biased standard deviation
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = (plain_damaged.mean(1) - plain_intact) - (dropout_damaged.mean(1) - dropout_intact)
    return d.mean(), t975(len(d) - 1) * d.std() / math.sqrt(len(d))

def seeds_needed(values, target):
    s, n = np.std(values), 5
    while t975(n - 1) * s / math.sqrt(n) > target:
        n += 1
    return n

# %% q5 wrong: the spread of the seeds for the half-width of the mean
def extra_damage(plain_intact, plain_damaged, dropout_intact, dropout_damaged):
    d = (plain_damaged.mean(1) - plain_intact) - (dropout_damaged.mean(1) - dropout_intact)
    return d.mean(), t975(len(d) - 1) * d.std(ddof=1)

def seeds_needed(values, target):
    s, n = np.std(values, ddof=1), 5
    while t975(n - 1) * s / math.sqrt(n) > target:
        n += 1
    return n

# Right and wrong solutions of homework 02: each replaces the question's solution cell whole.

# %% q1 right: rows by rng.permuted, covariance from the chances of one and of two units
def exact_mask(rows, n, k, rng):
    if k < 0 or k >= n:
        raise ValueError(f"k must be in [0, {n}), got {k}")
    return rng.permuted(np.tile(np.arange(n) >= k, (rows, 1)), axis=1)


def exact_covariance(x, k):
    n = len(x)
    one, two = (n - k) / n, (n - k) * (n - k - 1) / (n * (n - 1))
    cov = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            cov[i, j] = x[i] * x[j] * ((one if i == j else two) / one**2 - 1)
    return cov


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    terms, n = X * w, X.shape[1]
    penalty = k / (n - k) / (n - 1) * (n * (terms**2).sum(1) - terms.sum(1)**2)
    return ((y - terms.sum(1))**2 + penalty).sum()

# %% q1 right: rng.choice row by row, zeros and ones; second moments first
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("k must leave at least one unit")
    mask = np.ones((rows, n), int)
    for row in mask:
        row[rng.choice(n, size=k, replace=False)] = 0
    return mask


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n, scale = len(x), len(x) / (len(x) - k)
    both = np.full((n, n), (n - k) / n * (n - k - 1) / (n - 1))
    np.fill_diagonal(both, (n - k) / n)
    return scale**2 * both * np.outer(x, x) - np.outer(x, x)


def exact_loss(w, X, y, k):
    total = 0.0
    for row, target in zip(np.asarray(X, float), y):
        terms = row * np.asarray(w)
        total += (target - terms.sum())**2 + exact_covariance(terms, k).sum()
    return total

# %% q1 wrong: one mask for all rows
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return np.tile(rng.permutation(n) >= k, (rows, 1))


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n = len(x)
    return k / (n - k) / (n - 1) * (n * np.diag(x**2) - np.outer(x, x))


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + sum(w @ exact_covariance(row, k) @ w for row in X)

# %% q1 wrong: drops k neighbours in a row, beginning anywhere
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return (np.arange(n) - rng.integers(0, n, (rows, 1))) % n >= k


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n = len(x)
    return k / (n - k) / (n - 1) * (n * np.diag(x**2) - np.outer(x, x))


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + sum(w @ exact_covariance(row, k) @ w for row in X)

# %% q1 wrong: the chapter's covariance and penalty with p = k / n, as if units were independent
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return rng.random((rows, n)).argsort(1) >= k


def exact_covariance(x, k):
    return k / (len(x) - k) * np.diag(np.asarray(x, float)**2)


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + k / (X.shape[1] - k) * np.sum(w**2 * (X**2).sum(0))

# %% q1 wrong: the right covariance, but the loss adds up the variances alone
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return rng.random((rows, n)).argsort(1) >= k


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n = len(x)
    return k / (n - k) / (n - 1) * (n * np.diag(x**2) - np.outer(x, x))


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + sum(w**2 @ np.diag(exact_covariance(row, k)) for row in X)

# %% q1 wrong: off the diagonal -1/n where -1/(n - 1) belongs
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return rng.random((rows, n)).argsort(1) >= k


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n, ratio = len(x), k / (len(x) - k)
    cov = -ratio / n * np.outer(x, x)
    np.fill_diagonal(cov, ratio * x**2)
    return cov


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + sum(w @ exact_covariance(row, k) @ w for row in X)

# %% q1 wrong: covariance of the masks' product with a sign too many
def exact_mask(rows, n, k, rng):
    if not 0 <= k < n:
        raise ValueError("bad k")
    return rng.random((rows, n)).argsort(1) >= k


def exact_covariance(x, k):
    x = np.asarray(x, float)
    n, ratio = len(x), k / (len(x) - k)
    cov = ratio / (n - 1) * np.outer(x, x)
    np.fill_diagonal(cov, ratio * x**2)
    return cov


def exact_loss(w, X, y, k):
    w, X, y = map(np.asarray, (w, X, y))
    return np.sum((y - X @ w)**2) + sum(w @ exact_covariance(row, k) @ w for row in X)

# %% q2 right: all masks of each layer, one by one
from itertools import product


def patterns(n, p):
    for mask in product((0, 1), repeat=n):
        yield sum(mask), p**(n - sum(mask)) * (1 - p)**sum(mask)


def same_mask(layers):
    result = 1.0
    for n, p in layers:
        result *= sum(chance**2 for _, chance in patterns(n, p))
    return result


def expected_pairs(layers, batch):
    return sum(range(batch)) * same_mask(layers)


def width_needed(p, batch, at_most):
    agree, pairs, n = p * p + (1 - p) * (1 - p), batch * (batch - 1) / 2, 1
    while pairs * agree**n > at_most:
        n += 1
    return n


def live(layers):
    number, chance = 1, 1.0
    for n, p in layers:
        number *= sum(kept > 0 for kept, _ in patterns(n, p))
        chance *= sum(c for kept, c in patterns(n, p) if kept > 0)
    return number, chance

# %% q2 right: logarithms, and agreement as 1 - 2p(1 - p)
def same_mask(layers):
    return float(np.exp(sum(n * np.log1p(-2 * p * (1 - p)) for n, p in layers)))


def expected_pairs(layers, batch):
    return batch * (batch - 1) / 2 * same_mask(layers)


def width_needed(p, batch, at_most):
    ratio = math.log(at_most / math.comb(batch, 2)) / math.log(1 - 2 * p * (1 - p))
    return max(1, math.ceil(ratio))


def live(layers):
    n, p = np.array(layers, float).T
    return int(np.prod(2**n - 1)), np.prod(1 - p**n)

# %% q2 wrong: all masks taken as equally likely, 1 over their number
def same_mask(layers):
    return math.prod(1 / 2**n if p else 1.0 for n, p in layers)


def expected_pairs(layers, batch):
    return math.comb(batch, 2) * same_mask(layers)


def width_needed(p, batch, at_most):
    n = 1
    while expected_pairs([(n, p)], batch) > at_most:
        n += 1
    return n


def live(layers):
    return math.prod(2**n - 1 for n, _ in layers), math.prod(1 - p**n for n, p in layers)

# %% q2 wrong: rows agree only where both keep the unit
def same_mask(layers):
    return math.prod((1 - p)**(2 * n) if p != 0.5 else 0.5**n for n, p in layers)


def expected_pairs(layers, batch):
    return math.comb(batch, 2) * same_mask(layers)


def width_needed(p, batch, at_most):
    n = 1
    while expected_pairs([(n, p)], batch) > at_most:
        n += 1
    return n


def live(layers):
    return math.prod(2**n - 1 for n, _ in layers), math.prod(1 - p**n for n, p in layers)

# %% q2 wrong: counts neighbours only, batch - 1 pairs
def same_mask(layers):
    return math.prod((p**2 + (1 - p)**2)**n for n, p in layers)


def expected_pairs(layers, batch):
    return (batch - 1) * same_mask(layers)


def width_needed(p, batch, at_most):
    n = 1
    while expected_pairs([(n, p)], batch) > at_most:
        n += 1
    return n


def live(layers):
    return math.prod(2**n - 1 for n, _ in layers), math.prod(1 - p**n for n, p in layers)

# %% q2 wrong: a network is dead only if every unit of every layer is dropped
def same_mask(layers):
    return math.prod((p**2 + (1 - p)**2)**n for n, p in layers)


def expected_pairs(layers, batch):
    return math.comb(batch, 2) * same_mask(layers)


def width_needed(p, batch, at_most):
    n = 1
    while expected_pairs([(n, p)], batch) > at_most:
        n += 1
    return n


def live(layers):
    return 2**sum(n for n, _ in layers) - 1, 1 - math.prod(p**n for n, p in layers)

# %% q2 wrong: the width by rounding the logarithm, and never checked against 1
def same_mask(layers):
    return math.prod((p**2 + (1 - p)**2)**n for n, p in layers)


def expected_pairs(layers, batch):
    return math.comb(batch, 2) * same_mask(layers)


def width_needed(p, batch, at_most):
    return round(math.log(at_most / math.comb(batch, 2)) / math.log(p**2 + (1 - p)**2))


def live(layers):
    return math.prod(2**n - 1 for n, _ in layers), math.prod(1 - p**n for n, p in layers)

# %% q2 wrong: only the first layer's masks are compared
def same_mask(layers):
    n, p = layers[0]
    return (p**2 + (1 - p)**2)**n


def expected_pairs(layers, batch):
    return math.comb(batch, 2) * same_mask(layers)


def width_needed(p, batch, at_most):
    n = 1
    while expected_pairs([(n, p)], batch) > at_most:
        n += 1
    return n


def live(layers):
    return math.prod(2**n - 1 for n, _ in layers), math.prod(1 - p**n for n, p in layers)

# %% q3 right: row by row, outer products
def repaired(W, V, x, y, mask, p):
    g_W, g_V, loss = np.zeros(W.shape), np.zeros(V.shape), 0.0
    for x_row, y_row, m in zip(x, y, mask):
        a = W.T @ x_row
        factor = np.where(a > 0, m / (1 - p), 0.0)  # slope of d by a
        d = factor * a
        miss = V.T @ d - y_row
        loss += (miss**2).sum() / y.size
        g_z = 2 * miss / y.size
        g_V += np.outer(d, g_z)
        g_W += np.outer(x_row, factor * (V @ g_z))
    return loss, g_W, g_V


def expected_still(a, p):
    a, total = np.asarray(a), 0.0
    for column in a.T:
        chance = 1.0
        for value in column:
            chance *= p if value > 0 else 1.0
        total += chance
    return total

# %% q3 right: central differences, mask held fixed
def repaired(W, V, x, y, mask, p):
    def loss(W, V):
        return ((mask * np.maximum(x @ W, 0) / (1 - p) @ V - y)**2).mean()

    gradients = []
    for which, weights in enumerate((W, V)):
        gradient = np.zeros(weights.shape)
        for place in np.ndindex(weights.shape):
            shift = np.zeros(weights.shape)
            shift[place] = 1e-5
            up, down = [(W + s * shift, V) if which == 0 else (W, V + s * shift) for s in (1, -1)]
            gradient[place] = (loss(*up) - loss(*down)) / 2e-5
        gradients.append(gradient)
    return loss(W, V), *gradients


def expected_still(a, p):
    on = np.asarray(a) > 0
    return float(np.where(on, p, 1.0).prod(axis=0).sum())

# %% q3 right: scale moved into the mask (a copy), slope read off the output
def repaired(W, V, x, y, mask, p):
    m = mask / (1 - p)
    d = np.maximum(x @ W, 0) * m
    r = d @ V - y
    g_d = (2 / r.size) * r @ V.T
    return np.mean(r**2), x.T @ (g_d * m * (d > 0)), (2 / r.size) * d.T @ r


def expected_still(a, p):
    rows_on = np.sum(np.asarray(a) > 0, axis=0)
    return sum(p**int(k) for k in rows_on)

# %% q3 wrong: V's gradient still uses the layer before dropout
def repaired(W, V, x, y, mask, p):
    a = x @ W
    h = np.maximum(a, 0)
    z = mask * h / (1 - p) @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ ((a > 0) * mask * (g_z @ V.T) / (1 - p)), h.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: no scale on the way back
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ ((a > 0) * mask * (g_z @ V.T)), d.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: ReLU is still applied to the gradient, where its slope belongs
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ np.maximum(mask * (g_z @ V.T) / (1 - p), 0), d.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: takes the ReLU out of the way back altogether
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ (mask * (g_z @ V.T) / (1 - p)), d.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: right gradients, but the caller's mask is scaled in place
def repaired(W, V, x, y, mask, p):
    mask /= 1 - p
    a = x @ W
    d = mask * np.maximum(a, 0)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ ((a > 0) * mask * (g_z @ V.T)), d.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: draws a new mask for the way back
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    again = np.random.default_rng(0).random(mask.shape) >= p
    return ((z - y)**2).mean(), x.T @ ((a > 0) * again * (g_z @ V.T) / (1 - p)), d.T @ g_z


def expected_still(a, p):
    return (float(p)**(np.asarray(a) > 0).sum(0)).sum()

# %% q3 wrong: p to the number of rows, without asking where ReLU is on
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ ((a > 0) * mask * (g_z @ V.T) / (1 - p)), d.T @ g_z


def expected_still(a, p):
    return np.shape(a)[1] * p**len(a)

# %% q3 wrong: units that are off in all rows are not counted
def repaired(W, V, x, y, mask, p):
    a = x @ W
    d = mask * np.maximum(a, 0) / (1 - p)
    z = d @ V
    g_z = 2 * (z - y) / z.size
    return ((z - y)**2).mean(), x.T @ ((a > 0) * mask * (g_z @ V.T) / (1 - p)), d.T @ g_z


def expected_still(a, p):
    rows_on = (np.asarray(a) > 0).sum(0)
    return sum(p**k for k in rows_on if k > 0)

# %% q4 right: augmented least squares; degrees from the eigenvalues; halving on a logarithmic scale
def fit(X, y, p):
    p = np.asarray(p, float)
    if (p < 0).any() or (p >= 1).any() or np.isnan(p).any():
        raise ValueError("p must be in [0, 1)")
    charge = np.sqrt(p / (1 - p) * (X**2).sum(0))
    rows = np.vstack([X, np.diag(charge)])
    targets = np.concatenate([y, np.zeros((X.shape[1], *np.shape(y)[1:]))])
    return np.linalg.lstsq(rows, targets, rcond=None)[0]


def freedom(X, charge):
    return np.linalg.eigvals(np.linalg.solve(X.T @ X + np.diag(charge), X.T @ X)).real.sum()


def degrees(X, p):
    p = np.asarray(p, float)
    return freedom(X, p / (1 - p) * (X**2).sum(0))


def solve_for(f, target):
    low, high = 1e-12, 1e12
    while high / low > 1 + 1e-11:
        middle = math.sqrt(low * high)
        if f(middle) > target:
            low = middle
        else:
            high = middle
    return low


def p_for_degrees(X, target, never):
    scale = (X**2).sum(0)
    scale[never] = 0
    ratio = solve_for(lambda ratio: freedom(X, ratio * scale), target)
    return ratio / (1 + ratio)


def ridge_strength(X, target, never):
    scale = np.ones(X.shape[1])
    scale[never] = 0
    return solve_for(lambda s: freedom(X, s * scale), target)

# %% q4 right: columns scaled first; never-columns projected out, then a sum over eigenvalues and Newton's method
def fit(X, y, p):
    p = np.array(p, float)
    for value in p:
        if not 0 <= value < 1:
            raise ValueError(f"p must be in [0, 1), got {value}")
    length = np.sqrt((X**2).sum(0))
    Z = X / length
    w = np.linalg.inv(Z.T @ Z + np.diag(p / (1 - p))) @ (Z.T @ y)
    return (w.T / length).T


def degrees(X, p):
    p = np.array(p, float)
    inverse = np.linalg.inv(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)))
    return sum(row @ inverse @ row for row in X)


def newton(X, target, never, scale):
    free = [j for j in range(X.shape[1]) if j in list(never)]
    rest = [j for j in range(X.shape[1]) if j not in free]
    F, R = X[:, free], X[:, rest] / scale[rest]
    if free:
        R = R - F @ np.linalg.solve(F.T @ F, F.T @ R)
    e, s = np.linalg.eigvalsh(R.T @ R), 0.0
    for _ in range(200):  # the sum is convex and falling in s: Newton from the left does not overshoot
        s += (len(free) + (e / (e + s)).sum() - target) / (e / (e + s)**2).sum()
    return s


def p_for_degrees(X, target, never):
    ratio = newton(X, target, never, np.sqrt((X**2).sum(0)))
    return ratio / (1 + ratio)


def ridge_strength(X, target, never):
    return newton(X, target, never, np.ones(X.shape[1]))

# %% q4 wrong: p in the place of p / (1 - p)
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def halve(f, target, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > target else (low, middle)
    return middle


def p_for_degrees(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    return halve(lambda p: degrees(X, p * on), target, 0, 1 - 1e-12)


def ridge_strength(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    def freedom(s):
        return np.trace(np.linalg.solve(X.T @ X + math.exp(s) * np.diag(on), X.T @ X))

    return math.exp(halve(freedom, target, -40, 40))

# %% q4 wrong: plain ridge charges the columns of never as well
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def halve(f, target, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > target else (low, middle)
    return middle


def p_for_degrees(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    return halve(lambda p: degrees(X, p * on), target, 0, 1 - 1e-12)


def ridge_strength(X, target, never):
    eigenvalues = np.linalg.eigvalsh(X.T @ X)
    return math.exp(halve(lambda s: (eigenvalues / (eigenvalues + math.exp(s))).sum(), target, -40, 40))

# %% q4 wrong: matches the average charge, not the degrees of freedom
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def p_for_degrees(X, target, never):
    on, low, high = np.array([j not in never for j in range(X.shape[1])]), 0, 1 - 1e-12
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if degrees(X, middle * on) > target else (low, middle)
    return middle


def ridge_strength(X, target, never):
    p = p_for_degrees(X, target, never)
    on = [j for j in range(X.shape[1]) if j not in never]
    return p / (1 - p) * (X[:, on]**2).sum(0).mean()

# %% q4 wrong: p from a grid of a thousand values, strength too
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def p_for_degrees(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    return min(np.arange(1, 1000) / 1000, key=lambda p: abs(degrees(X, p * on) - target))


def ridge_strength(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    def off(s):
        return abs(np.trace(np.linalg.solve(X.T @ X + s * np.diag(on), X.T @ X)) - target)

    return min(np.exp(np.linspace(-8, 8, 1000)), key=off)

# %% q4 wrong: the penalty's sum of squares is taken about the column's mean
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * ((X - X.mean(0))**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def halve(f, target, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > target else (low, middle)
    return middle


def p_for_degrees(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    return halve(lambda p: degrees(X, p * on), target, 0, 1 - 1e-12)


def ridge_strength(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    def freedom(s):
        return np.trace(np.linalg.solve(X.T @ X + math.exp(s) * np.diag(on), X.T @ X))

    return math.exp(halve(freedom, target, -40, 40))

# %% q4 wrong: degrees as the trace of the squared matrix
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.sum((X @ fit(X, np.eye(len(X)), p))**2)


def halve(f, target, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > target else (low, middle)
    return middle


def p_for_degrees(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    return halve(lambda p: degrees(X, p * on), target, 0, 1 - 1e-12)


def ridge_strength(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    def freedom(s):
        return np.sum((X @ np.linalg.solve(X.T @ X + math.exp(s) * np.diag(on), X.T))**2)

    return math.exp(halve(freedom, target, -40, 40))

# %% q4 wrong: all columns are dropped, the constant one too
def fit(X, y, p):
    p = np.asarray(p, float)
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be in [0, 1)")
    return np.linalg.solve(X.T @ X + np.diag(p / (1 - p) * (X**2).sum(0)), X.T @ y)


def degrees(X, p):
    return np.trace(X @ fit(X, np.eye(len(X)), p))


def halve(f, target, low, high):
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > target else (low, middle)
    return middle


def p_for_degrees(X, target, never):
    return halve(lambda p: degrees(X, np.full(X.shape[1], p)), target, 0, 1 - 1e-12)


def ridge_strength(X, target, never):
    on = np.array([j not in never for j in range(X.shape[1])])
    def freedom(s):
        return np.trace(np.linalg.solve(X.T @ X + math.exp(s) * np.diag(on), X.T @ X))

    return math.exp(halve(freedom, target, -40, 40))

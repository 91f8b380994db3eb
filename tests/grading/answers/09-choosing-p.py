# Right and wrong solutions of homework 09: each replaces the question's solution cell whole.

# %% q1 right: inverse matrices, roots of the quadratic
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 right: columns scaled to length 1, plain ridge by singular values; bottom by a fine grid and bisection
def excess(p, X, X_val, w, sigma):
    if p < 0 or p >= 1:
        raise ValueError(p)
    length = np.sqrt((X**2).sum(0))
    u, s, vt = np.linalg.svd(X / length, full_matrices=False)
    shrink = s / (s**2 + p / (1 - p))
    total = 0.0
    for x in X_val:
        row = (x / length) @ vt.T * shrink @ u.T
        total += (row @ (X @ w) - x @ w) ** 2 + sigma**2 * row @ row
    return total / len(X_val)


def curve(p, n, d, signal, sigma):
    return p**2 * signal + (1 - p) ** 2 * d * sigma**2 / n


def best_p(n, d, signal, sigma):
    p = np.linspace(0, 1, 100_001)
    return p[curve(p, n, d, signal, sigma).argmin()]


def good_ps(n, d, signal, sigma, slack):
    p = np.linspace(0, 1, 100_001)
    values = curve(p, n, d, signal, sigma)
    good = p[values <= (1 + slack) * values.min()]
    return [good[0], good[-1]]


# %% q1 right: least squares with rows of penalty added
def excess(p, X, X_val, w, sigma):
    if not (p >= 0 and p < 1):
        raise ValueError("p out of range")
    d = X.shape[1]
    extra = np.diag(np.sqrt(p / (1 - p) * (X * X).sum(axis=0)))
    tall = np.vstack([X, extra])
    inverse = np.linalg.pinv(tall)[:, : len(X)]
    off = inverse @ X @ w - w
    bias = np.mean([(row @ off) ** 2 for row in X_val])
    noise = np.mean([np.sum((row @ inverse) ** 2) for row in X_val])
    return float(bias + sigma**2 * noise)


def best_p(n, d, signal, sigma):
    return 1 / (1 + n * signal / (d * sigma**2))


def good_ps(n, d, signal, sigma, slack):
    best = best_p(n, d, signal, sigma)
    half = math.sqrt(slack * best * (1 - best))
    return np.clip([best - half, best + half], 0, 1)


# %% q1 wrong: plain ridge: the same penalty on every weight
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * len(X) * np.eye(len(w)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: penalty p instead of p / (1 - p)
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: penalty p (1 - p), the variance of the mask that is not inverted
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p * (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: mean over the rows in the loss, sum in the penalty
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X / len(X)
    A = np.linalg.inv(G + p / (1 - p) * len(X) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: weights multiplied by 1 - p, as if all features were orthogonal
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    cov = sigma**2 * (1 - p) ** 2 * np.linalg.inv(X.T @ X)
    return ((X_val @ (p * w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: the variance of least squares, which dropout does not touch
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * np.linalg.inv(G)
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: excess error on X instead of X_val
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X @ (mean - w)) ** 2).mean() + np.trace(X @ cov @ X.T) / len(X)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: the noise of fresh labels counted as excess
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val) + sigma**2 * (p > 0)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: p = 0 and p out of range let through
def excess(p, X, X_val, w, sigma):
    if p == 1:
        raise ValueError("p = 1")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: best noise ratio taken for the best p
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return min(0.99, d * sigma**2 / (n * signal))


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: the number of features forgotten
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return sigma**2 / (sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return max(0, (b - root) / (signal + b)), min(1, (b + root) / (signal + b))


# %% q1 wrong: flat bottom not cut at 0 and 1
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    b = d * sigma**2 / n
    least = signal * b / (signal + b)
    root = math.sqrt(b**2 - (signal + b) * (b - (1 + slack) * least))
    return (b - root) / (signal + b), (b + root) / (signal + b)


# %% q1 wrong: flat bottom as p within a factor of the best p
def excess(p, X, X_val, w, sigma):
    if not 0 <= p < 1:
        raise ValueError("p must be in [0, 1)")
    G = X.T @ X
    A = np.linalg.inv(G + p / (1 - p) * np.diag(np.diag(G)))
    mean = A @ G @ w
    cov = sigma**2 * A @ G @ A
    return ((X_val @ (mean - w)) ** 2).mean() + np.trace(X_val @ cov @ X_val.T) / len(X_val)


def best_p(n, d, signal, sigma):
    return d * sigma**2 / (d * sigma**2 + n * signal)


def good_ps(n, d, signal, sigma, slack):
    best = best_p(n, d, signal, sigma)
    return best * (1 - slack), min(1, best * (1 + slack))


# %% q2 right: index of 0, paired differences
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 right: loops and sums, no numpy
def compare(ps, val_loss, test_error):
    n = len(val_loss[0])
    means = [sum(row) / n for row in val_loss.tolist()]
    best = means.index(min(means))
    none = next(i for i, p in enumerate(ps) if p == 0)
    gains = [float(a - b) for a, b in zip(test_error[best], test_error[none])]
    effect = sum(gains) / n
    variance = sum((g - effect) ** 2 for g in gains) / (n - 1)
    return [float(ps[best]), effect, t95(n - 1) * math.sqrt(variance / n)]


# %% q2 right: the variance of a difference from variances and covariance; arms sorted first
def compare(ps, val_loss, test_error):
    order = np.argsort(ps)
    ps, val_loss, test_error = ps[order], val_loss[order], test_error[order]
    best = np.argmin(val_loss.sum(1))
    cov = np.cov(test_error[[best, 0]])
    n = test_error.shape[1]
    variance = max(0.0, cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    return ps[best], test_error[best].mean() - test_error[0].mean(), t95(n - 1) * (variance / n) ** 0.5


# %% q2 wrong: p still chosen by test error
def compare(ps, val_loss, test_error):
    best = test_error.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: the arm of the luckiest seed
def compare(ps, val_loss, test_error):
    best = val_loss.min(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: the first row taken for the control
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = 0
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: effect with the wrong sign
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[none] - test_error[best]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: unpaired interval
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * np.sqrt((test_error[best].var(ddof=1) + test_error[none].var(ddof=1)) / n)
    return ps[best], gain.mean(), half


# %% q2 wrong: ddof forgotten
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=0) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: normal quantile instead of Student's
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = 1.96 * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: n degrees of freedom
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: standard deviation not divided by the root of n
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1)
    return ps[best], gain.mean(), half


# %% q2 wrong: each seed takes its own best p on validation
def compare(ps, val_loss, test_error):
    best = val_loss.mean(axis=1).argmin()
    none = list(ps).index(0)
    gain = test_error[val_loss.argmin(0), np.arange(test_error.shape[1])] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q2 wrong: dropout arms only: p = 0 can never be chosen
def compare(ps, val_loss, test_error):
    best = np.where(np.array(ps) > 0, val_loss.mean(axis=1), np.inf).argmin()
    none = list(ps).index(0)
    gain = test_error[best] - test_error[none]
    n = test_error.shape[1]
    half = t95(n - 1) * gain.std(ddof=1) / np.sqrt(n)
    return ps[best], gain.mean(), half


# %% q3 right: the table of probabilities, solved
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 right: loops, and two unknowns: a times the own loss plus b times the sum of all
def noisy_loss(q, y, wrong):
    total = 0.0
    for row, label in zip(q, y):
        for c, value in enumerate(row):
            total -= math.log(value) * (1 - wrong if c == label else wrong / (len(row) - 1))
    return total / len(y)


def repaired(q, labels, wrong):
    K = q.shape[1]
    scale = (K - 1) - K * wrong
    if abs(scale) < 1e-12:
        raise ValueError("labels are independent of the truth")
    a, b = (K - 1) / scale, -wrong / scale
    return [a * -math.log(row[c]) + b * -sum(map(math.log, row)) for row, c in zip(q, labels)]


def spread(q, y, wrong):
    n, K = q.shape
    scale = (K - 1) / ((K - 1) - K * wrong)  # the sum of all losses is the same for every label
    loss = -np.log(q)
    own = loss[np.arange(n), y]
    first = (1 - wrong) * own + wrong * (loss.sum(1) - own) / (K - 1)
    second = (1 - wrong) * own**2 + wrong * ((loss**2).sum(1) - own**2) / (K - 1)
    return abs(scale) * np.sqrt((second - first**2).sum()) / n


# %% q3 right: inverse matrix, and numpy's own error where there is none
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    values = -np.log(q) @ np.linalg.inv(T)
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: the wrong label may be the true one again
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = (1 - wrong) * np.eye(K) + wrong / K
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = (1 - wrong) * np.eye(K) + wrong / K
    if abs(wrong - 1) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [(1 - wrong) * (c == y[i]) + wrong / K for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: forward correction: minus log of the probability of the noisy label; not unbiased
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = -np.log(q @ T)
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: divided by the share of right labels, as if wrong ones cost nothing
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    K = q.shape[1]
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    return -np.log(q[np.arange(len(q)), labels]) / (1 - wrong)


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: the noise applied a second time instead of taken off
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = -np.log(q) @ T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: expected penalty of doubt subtracted: the right mean only on average over classes
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    K = q.shape[1]
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    loss = -np.log(q)
    own = loss[np.arange(len(q)), labels]
    return (own - wrong * (loss.sum(1) - own) / (K - 1)) / (1 - wrong)


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: refuses every wrong share above a half
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if wrong >= 0.5:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: refuses from the border on, where labels still tell what is not true
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if wrong > (K - 1) / K - 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: nothing refused: the inverse by least squares
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    values = -np.log(q) @ np.linalg.pinv(T)
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: noisy loss: each wrong class costs the full share
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong)
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: spread of one example instead of the mean
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total / n)


# %% q3 wrong: spread over the examples instead of over the label noise
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    if wrong == 0:
        return 0.0
    return repaired(q, y, wrong).std(ddof=1) / math.sqrt(len(y))


# %% q3 wrong: spread of the noisy losses, before the repair
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [-math.log(q[i, c]) for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += sum(a * (b - mean) ** 2 for a, b in zip(chance, f))
    return math.sqrt(total) / n


# %% q3 wrong: squares of the standard deviations not added, the deviations averaged
def noisy_loss(q, y, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    return (T[y] * -np.log(q)).sum() / n


def repaired(q, labels, wrong):
    n, K = q.shape
    T = np.full((K, K), wrong / (K - 1))
    np.fill_diagonal(T, 1 - wrong)
    if abs(wrong - (K - 1) / K) < 1e-9:
        raise ValueError("no repair")
    values = np.linalg.solve(T, -np.log(q).T).T
    return values[np.arange(n), labels]


def spread(q, y, wrong):
    n, K = q.shape
    total = 0
    for i in range(n):
        f = [repaired(q[i : i + 1], np.array([c]), wrong)[0] for c in range(K)]
        chance = [1 - wrong if c == y[i] else wrong / (K - 1) for c in range(K)]
        mean = sum(a * b for a, b in zip(chance, f))
        total += math.sqrt(sum(a * (b - mean) ** 2 for a, b in zip(chance, f)))
    return total / n


# %% q4 right: analysis of variance; every pair of numbers tried
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 right: seeds and images from covariances; a loop over the images
def components(d):
    n, m = d.shape
    images, seeds = np.cov(d.T), np.cov(d)  # of two images over the seeds, of two seeds over the images
    a = (images.sum() - np.trace(images)) / (m * (m - 1))
    b = (seeds.sum() - np.trace(seeds)) / (n * (n - 1))
    c = np.trace(images) / m - a  # over the seeds an image varies by a + c
    return [a, b, c]


def standard_error(parts, n, m):
    return np.sqrt(np.dot(parts, [1 / n, 1 / m, 1 / (n * m)]))


def plan(parts, wanted, seed_cost, image_cost):
    best, cheapest = None, float("inf")
    for m in range(2, 501):
        low, high = 2, 501
        while low < high:  # the fewest seeds that do
            middle = (low + high) // 2
            low, high = (low, middle) if standard_error(parts, middle, m) <= wanted else (middle + 1, high)
        if low <= 500 and low * seed_cost + m * image_cost < cheapest:
            best, cheapest = (low, m), low * seed_cost + m * image_cost
    return best


# %% q4 wrong: all differences independent: one variance over n m
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    return math.sqrt(sum(parts) / (n * m))


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the rest left in the means of rows and columns
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return rows / m, columns / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: rows and columns exchanged
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (columns - rest) / n, (rows - rest) / m, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: mean squares not divided by the size of a mean
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return rows - rest, columns - rest, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: negative estimates set to 0
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return max(0, (rows - rest) / m), max(0, (columns - rest) / n), rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the rest with n m - 1 degrees of freedom
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / (n * m - 1)
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: biased variances: divided by n and m
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / n
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / m
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * n - columns * m) / (n * m)
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: d centred in place
def components(d):
    n, m = d.shape
    d -= d.mean()
    grand = 0.0
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the luck of the images forgotten in the standard error
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the rest counted for each seed and each image
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / (n + m)) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: variance instead of standard error
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return a / n + b / m + c / n / m


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the rest forgotten, as in the chapter's formula for large tables
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: the continuous optimum without the rest, rounded up
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    a, b, c = parts
    total = math.sqrt(a * seed_cost) + math.sqrt(b * image_cost)
    n = max(2, math.ceil(math.sqrt(a / seed_cost) * total / wanted**2))
    m = max(2, math.ceil(math.sqrt(b / image_cost) * total / wanted**2))
    while standard_error(parts, n, m) > wanted:
        n, m = n + 1, m + 1
    return n, m


# %% q4 wrong: fewest trainings and images together: prices ignored
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(2, 501), np.arange(2, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n + m, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])


# %% q4 wrong: one seed or one image allowed
def components(d):
    n, m = d.shape
    grand = d.mean()
    rows = m * ((d.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((d.mean(axis=0) - grand) ** 2).sum() / (m - 1)
    total = ((d - grand) ** 2).sum()
    rest = (total - rows * (n - 1) - columns * (m - 1)) / ((n - 1) * (m - 1))
    return (rows - rest) / m, (columns - rest) / n, rest


def standard_error(parts, n, m):
    a, b, c = parts
    return (a / n + b / m + c / n / m) ** 0.5


def plan(parts, wanted, seed_cost, image_cost):
    n, m = np.meshgrid(np.arange(1, 501), np.arange(1, 501), indexing="ij")
    a, b, c = parts
    cost = np.where(a / n + b / m + c / (n * m) <= wanted**2, n * seed_cost + m * image_cost, np.inf)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    return int(n[i, j]), int(m[i, j])

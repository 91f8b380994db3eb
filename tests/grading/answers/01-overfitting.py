# Right and wrong solutions of homework 01: each replaces the question's solution cell whole.

# %% q1 right: chances of 0 … k wrong labels by convolution; own label one of the k by symmetry
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError(f"k must be odd and positive and eta a probability, got {k} and {eta}")
    chance = np.ones(1)
    for _ in range(k):
        chance = np.convolve(chance, [1 - eta, eta])
    wrong = np.arange(k + 1)
    training = np.sum(chance * np.minimum(wrong, k - wrong)) / k
    q = chance[wrong > k / 2].sum()
    return training, q + eta - 2 * q * eta


def neighbours_needed(eta, excess):
    return next(k for k in range(1, 1001, 2) if vote_errors(k, eta)[1] <= eta + excess)

# %% q1 right: goes through all patterns of wrong labels
from itertools import product


def vote_errors(k, eta):
    if k % 2 != 1 or k < 1 or eta < 0 or eta > 1:
        raise ValueError("k must be odd and at least 1, eta in [0, 1]")
    training = true = 0.0
    for pattern in product((0, 1), repeat=k):
        chance = eta**sum(pattern) * (1 - eta)**(k - sum(pattern))
        answer = int(sum(pattern) > k // 2)
        training += chance * (answer != pattern[0])
        true += chance * (eta if answer == 0 else 1 - eta)
    return training, true


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] - eta > excess:
        k += 2
    return k

# %% q1 right: the cases of the own label written out, needed k from the outvoted share alone
def tail(n, first, eta):
    return math.fsum(math.comb(n, j) * eta**j * (1 - eta)**(n - j) for j in range(first, n + 1))


def vote_errors(k, eta):
    if not (k >= 1 and k % 2 == 1 and 0 <= eta <= 1):
        raise ValueError(f"bad k or eta: {k}, {eta}")
    q = tail(k, k // 2 + 1, eta)
    own_right_outvoted = (1 - eta) * tail(k - 1, k // 2 + 1, eta)
    own_wrong_outvoted = eta * tail(k - 1, k // 2 + 1, 1 - eta)
    return [own_right_outvoted + own_wrong_outvoted, eta * (1 - q) + q * (1 - eta)]


def neighbours_needed(eta, excess):
    k = 1
    while (1 - 2 * eta) * tail(k, k // 2 + 1, eta) > excess:
        k += 2
    return k

# %% q1 wrong: the training dot has no say in its own vote, except for k = 1
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    q = sum(math.comb(k, i) * eta**i * (1 - eta)**(k - i) for i in range(k // 2 + 1, k + 1))
    true = eta * (1 - q) + (1 - eta) * q
    return (0.0 if k == 1 else true), true


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] > eta + excess:
        k += 2
    return k

# %% q1 wrong: only wrong labels are thought to be outvoted
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    c = [math.comb(k, i) * eta**i * (1 - eta)**(k - i) for i in range(k + 1)]
    q = sum(c[k // 2 + 1:])
    others = [math.comb(k - 1, i) * eta**i * (1 - eta)**(k - 1 - i) for i in range(k)]
    return eta * sum(others[:k // 2]), eta * (1 - q) + (1 - eta) * q


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] > eta + excess:
        k += 2
    return k

# %% q1 wrong: forgets how many ways there are to choose the wrong labels
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    half = k // 2
    q = sum(eta**i * (1 - eta)**(k - i) for i in range(half + 1, k + 1))
    training = eta * sum(eta**i * (1 - eta)**(k - 1 - i) for i in range(half)) \
        + (1 - eta) * sum(eta**i * (1 - eta)**(k - 1 - i) for i in range(half + 1, k))
    return training, eta * (1 - q) + (1 - eta) * q


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] > eta + excess:
        k += 2
    return k

# %% q1 wrong: the new label is taken to be right
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    c = [math.comb(k, i) * eta**i * (1 - eta)**(k - i) for i in range(k + 1)]
    others = [math.comb(k - 1, i) * eta**i * (1 - eta)**(k - 1 - i) for i in range(k)]
    return eta * sum(others[:k // 2]) + (1 - eta) * sum(others[k // 2 + 1:]), sum(c[k // 2 + 1:])


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] > eta + excess:
        k += 2
    return k

# %% q1 wrong: asks for outvoted majorities rarer than the excess, forgetting the factor 1 - 2 eta
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    c = [math.comb(k, i) * eta**i * (1 - eta)**(k - i) for i in range(k + 1)]
    others = [math.comb(k - 1, i) * eta**i * (1 - eta)**(k - 1 - i) for i in range(k)]
    q = sum(c[k // 2 + 1:])
    return eta * sum(others[:k // 2]) + (1 - eta) * sum(others[k // 2 + 1:]), eta * (1 - q) + (1 - eta) * q


def neighbours_needed(eta, excess):
    k = 1
    while sum(math.comb(k, i) * eta**i * (1 - eta)**(k - i) for i in range(k // 2 + 1, k + 1)) > excess:
        k += 2
    return k

# %% q1 wrong: simulated, ten thousand draws
def vote_errors(k, eta):
    if k < 1 or k % 2 == 0 or not 0 <= eta <= 1:
        raise ValueError("k must be odd, eta in [0, 1]")
    if k == 1:
        return 0.0, 2 * eta * (1 - eta)
    rng = np.random.default_rng(0)
    wrong = rng.random((10_000, k)) < eta
    answer = wrong.mean(1) > 0.5
    return np.mean(answer != wrong[:, 0]), np.mean(answer != (rng.random(10_000) < eta))


def neighbours_needed(eta, excess):
    k = 1
    while vote_errors(k, eta)[1] > eta + excess and k < 99:
        k += 2
    return k

# %% q2 right: covariances of the errors
def smoother_errors(S, f, noise):
    n = len(f)
    miss = (S - np.eye(n)) @ f
    cov_old = noise * (S - np.eye(n)) @ (S - np.eye(n)).T
    cov_new = noise * S @ S.T + noise * np.eye(n)
    return (miss @ miss + np.trace(cov_old)) / n, (miss @ miss + np.trace(cov_new)) / n


def running_mean(n, k):
    S = np.zeros((n, n))
    for i in range(n):
        first, last = max(0, i - k // 2), min(n, i + k // 2 + 1)
        S[i, first:last] = 1 / (last - first)
    return S


def best_k(f, noise):
    errors = {k: smoother_errors(running_mean(len(f), k), f, noise)[1] for k in range(1, len(f) + 1, 2)}
    return min(errors, key=errors.get)

# %% q2 right: plain loops, lists, and the gap as 2 noise trace(S) / n
def smoother_errors(S, f, noise):
    n, training, trace = len(f), 0.0, 0.0
    for i in range(n):
        mean = sum(S[i][j] * f[j] for j in range(n)) - f[i]
        training += mean**2 + noise * sum((S[i][j] - (i == j))**2 for j in range(n))
        trace += S[i][i]
    return training / n, training / n + 2 * noise * trace / n


def running_mean(n, k):
    rows = []
    for i in range(n):
        row = [1.0 if abs(i - j) <= k // 2 else 0.0 for j in range(n)]
        rows.append([v / sum(row) for v in row])
    return rows


def best_k(f, noise):
    best, least = 1, float("inf")
    for k in range(1, len(f) + 1, 2):
        fresh = smoother_errors(running_mean(len(f), k), f, noise)[1]
        if fresh < least:
            best, least = k, fresh
    return best

# %% q2 wrong: trace(S) in place of trace(S'S), right for projections only
def smoother_errors(S, f, noise):
    n = len(f)
    bias = np.mean((S @ f - f)**2)
    return bias + noise * (1 - np.trace(S) / n), bias + noise * (1 + np.trace(S) / n)


def running_mean(n, k):
    near = abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2
    return near / near.sum(1, keepdims=True)


def best_k(f, noise):
    return min(range(1, len(f) + 1, 2), key=lambda k: smoother_errors(running_mean(len(f), k), f, noise)[1])

# %% q2 wrong: forgets that the smoother misses the signal
def smoother_errors(S, f, noise):
    n = len(f)
    return noise * np.sum((np.eye(n) - S)**2) / n, noise * (1 + np.sum(S**2) / n)


def running_mean(n, k):
    near = abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2
    return near / near.sum(1, keepdims=True)


def best_k(f, noise):
    errors = [np.mean((running_mean(len(f), k) @ f - f)**2) + smoother_errors(running_mean(len(f), k), f, noise)[1]
              for k in range(1, len(f) + 1, 2)]
    return 2 * int(np.argmin(errors)) + 1

# %% q2 wrong: at the ends it still divides by k
def smoother_errors(S, f, noise):
    n = len(f)
    bias = np.mean((S @ f - f)**2)
    return bias + noise * np.sum((np.eye(n) - S)**2) / n, bias + noise * (1 + np.sum(S**2) / n)


def running_mean(n, k):
    return (abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2) / k


def best_k(f, noise):
    return min(range(1, len(f) + 1, 2), key=lambda k: smoother_errors(running_mean(len(f), k), f, noise)[1])

# %% q2 wrong: chooses k by the gap plus bias rather than by the fresh error
def smoother_errors(S, f, noise):
    n = len(f)
    bias = np.mean((S @ f - f)**2)
    return bias + noise * np.sum((np.eye(n) - S)**2) / n, bias + noise * (1 + np.sum(S**2) / n)


def running_mean(n, k):
    near = abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2
    return near / near.sum(1, keepdims=True)


def best_k(f, noise):
    def charge(k):
        S = running_mean(len(f), k)
        return np.mean((S @ f - f)**2) + 2 * noise * np.trace(S) / len(f)
    return min(range(1, len(f) + 1, 2), key=charge)

# %% q2 wrong: chooses k by the training error
def smoother_errors(S, f, noise):
    n = len(f)
    bias = np.mean((S @ f - f)**2)
    return bias + noise * np.sum((np.eye(n) - S)**2) / n, bias + noise * (1 + np.sum(S**2) / n)


def running_mean(n, k):
    near = abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2
    return near / near.sum(1, keepdims=True)


def best_k(f, noise):
    return min(range(1, len(f) + 1, 2), key=lambda k: smoother_errors(running_mean(len(f), k), f, noise)[0])

# %% q2 wrong: sums the columns of S where the rows belong (S' f)
def smoother_errors(S, f, noise):
    n = len(f)
    bias = np.mean((f @ S - f)**2)
    return bias + noise * np.sum((np.eye(n) - S)**2) / n, bias + noise * (1 + np.sum(S**2) / n)


def running_mean(n, k):
    near = abs(np.arange(n)[:, None] - np.arange(n)) <= k // 2
    return near / near.sum(1, keepdims=True)


def best_k(f, noise):
    return min(range(1, len(f) + 1, 2), key=lambda k: smoother_errors(running_mean(len(f), k), f, noise)[1])

# %% q3 right: true correlations, one loop over ks that keeps the best so far
def honest(x, y, train, val, test, ks, n_keep):
    r = np.array([abs(np.corrcoef(column, y[train])[0, 1]) for column in x[train].T])
    kept = sorted(int(j) for j in r.argsort()[::-1][:n_keep])
    mean, sd = x[train][:, kept].mean(0), x[train][:, kept].std(0)

    def scaled(rows):
        return (x[rows][:, kept] - mean) / sd

    best = None
    for k in ks:
        wrong = (majority(k, scaled(train), y[train], scaled(val)) != y[val]).mean()
        if best is None or wrong < best[1]:
            best = k, wrong
    answers = majority(best[0], scaled(train), y[train], scaled(test))
    return dict(kept=kept, k=best[0], val_error=best[1], test_error=(answers != y[test]).mean())

# %% q3 right: neighbours by loops, votes counted
def honest(x, y, train, val, test, ks, n_keep):
    columns = range(x.shape[1])
    mean = {j: x[train, j].mean() for j in columns}
    sd = {j: x[train, j].std() for j in columns}
    score = {j: abs(((x[train, j] - mean[j]) / sd[j] * (y[train] - y[train].mean())).sum()) for j in columns}
    kept = sorted(sorted(columns, key=score.get, reverse=True)[:n_keep])
    z = np.stack([(x[:, j] - mean[j]) / sd[j] for j in kept], axis=1)

    def error(k, rows):
        wrong = 0
        for row in rows:
            order = sorted(train, key=lambda i: np.dot(z[i] - z[row], z[i] - z[row]))[:k]
            wrong += int(2 * sum(y[i] for i in order) > k) != y[row]
        return wrong / len(rows)

    errors = [error(k, val) for k in ks]
    k = ks[int(np.argmin(errors))]
    return {"kept": np.array(kept), "k": k, "val_error": min(errors), "test_error": error(k, test)}

# %% q3 wrong: still chooses k on the test rows
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, test))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: repairs features and k, but scales by all rows
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - x[:, kept].mean(0)) / x[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: scales each part by its own mean and standard deviation
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    part = {name: x[rows][:, kept] for name, rows in (("train", train), ("val", val), ("test", test))}
    z = {name: (a - a.mean(0)) / a.std(0) for name, a in part.items()}

    def error(k, name, rows):
        return np.mean(majority(k, z["train"], label, z[name]) != y[rows])

    k = min(ks, key=lambda k: error(k, "val", val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, "val", val), "test_error": error(k, "test", test)}

# %% q3 wrong: keeps the features that suit training and validation rows together
def honest(x, y, train, val, test, ks, n_keep):
    both = np.concatenate([train, val])
    strength = abs((x[both] - x[both].mean(0)).T @ (y[both] - y[both].mean())) / x[both].std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - x[train][:, kept].mean(0)) / x[train][:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], y[train], z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: lets the validation rows vote on the test rows
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows, voters):
        return np.mean(majority(k, z[voters], y[voters], z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, val, train))
    voters = np.concatenate([train, val])
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val, train), "test_error": error(k, test, voters)}

# %% q3 wrong: chooses k on the training rows
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, train))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: features by covariance, without dividing by their standard deviation
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean()))
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: features with the largest signed correlation
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = (seen - seen.mean(0)).T @ (label - label.mean()) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(ks, key=lambda k: error(k, val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q3 wrong: of ks with equal errors, takes the smallest
def honest(x, y, train, val, test, ks, n_keep):
    seen, label = x[train], y[train]
    strength = abs((seen - seen.mean(0)).T @ (label - label.mean())) / seen.std(0)
    kept = np.sort(np.argsort(-strength)[:n_keep])
    z = (x[:, kept] - seen[:, kept].mean(0)) / seen[:, kept].std(0)

    def error(k, rows):
        return np.mean(majority(k, z[train], label, z[rows]) != y[rows])

    k = min(sorted(ks), key=lambda k: error(k, val))
    return {"kept": kept.tolist(), "k": k, "val_error": error(k, val), "test_error": error(k, test)}

# %% q4 right: a loop over the steps, and counts in place of numpy's std
def trial(train_error, val_wrong, test_wrong):
    last, rival, fewest = len(train_error) - 1, None, None
    for step in range(last):
        wrong = int(np.sum(val_wrong[step]))
        if train_error[step] > train_error[last] and (rival is None or wrong < fewest):
            rival, fewest = step, wrong
    if rival is None:
        return None
    h, r = np.array(test_wrong[last], bool), np.array(test_wrong[rival], bool)
    n, lost, won = len(h), int((h & ~r).sum()), int((r & ~h).sum())
    difference = (lost - won) / n
    variance = (lost + won - n * difference**2) / (n - 1)
    return rival, difference, 1.96 * (variance / n)**0.5


def digits_needed(lost, won, both, same):
    if lost <= won:
        raise ValueError("no difference to be seen")
    difference = lost - won
    values, shares = np.array([1, -1, 0, 0]), np.array([lost, won, both, 1 - lost - won - both])
    if same:
        v = shares @ (values - difference)**2
    else:
        v = sum(e - e**2 for e in (lost + both, won + both))
    n = 1
    while 1.96 * math.sqrt(v / n) > difference:
        n += 1
    return n

# %% q4 right: masked validation errors, covariance of the two answers
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error, float)
    allowed = train_error > train_error[-1]
    if not allowed.any():
        return None
    rival = int(np.where(allowed, np.mean(val_wrong, axis=1), np.inf).argmin())
    h, r = np.asarray(test_wrong, float)[[-1, rival]]
    c = np.cov(h, r)
    return rival, h.mean() - r.mean(), 1.96 * np.sqrt(max(c[0, 0] + c[1, 1] - 2 * c[0, 1], 0) / len(h))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError(f"lost must exceed won, got {lost} and {won}")
    a, b = lost + both, won + both
    v = a * (1 - a) + b * (1 - b) - (2 * (both - a * b) if same else 0)
    return int(np.ceil(v * (1.96 / (lost - won))**2))

# %% q4 wrong: an interval as if the two had been tried on different digits
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(candidates[val_wrong[candidates].mean(1).argmin()])
    h, r = test_wrong[-1], test_wrong[rival]
    return rival, h.mean() - r.mean(), 1.96 * math.sqrt((h.var(ddof=1) + r.var(ddof=1)) / len(h))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    v = lost + won - (lost - won)**2 if same else h * (1 - h) + rival * (1 - rival)
    return math.ceil(1.96**2 * v / (lost - won)**2)

# %% q4 wrong: the rival is the best step on the test digits
def trial(train_error, val_wrong, test_wrong):
    train_error, test_wrong = np.asarray(train_error), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(candidates[test_wrong[candidates].mean(1).argmin()])
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    v = lost + won - (lost - won)**2 if same else h * (1 - h) + rival * (1 - rival)
    return math.ceil(1.96**2 * v / (lost - won)**2)

# %% q4 wrong: the rival may have no more training error than h
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    if not (train_error > train_error[-1]).any():
        return None
    rival = int(val_wrong.mean(1).argmin())
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    v = lost + won - (lost - won)**2 if same else h * (1 - h) + rival * (1 - rival)
    return math.ceil(1.96**2 * v / (lost - won)**2)

# %% q4 wrong: the place among the candidates is taken for the step
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(val_wrong[candidates].mean(1).argmin())
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    v = lost + won - (lost - won)**2 if same else h * (1 - h) + rival * (1 - rival)
    return math.ceil(1.96**2 * v / (lost - won)**2)

# %% q4 wrong: ddof 0, and for one test set the same variance as for two
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(candidates[val_wrong[candidates].mean(1).argmin()])
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std() / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    return math.ceil(1.96**2 * (h * (1 - h) + rival * (1 - rival)) / (lost - won)**2)

# %% q4 wrong: with two test sets, forgets the digits that both miss
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(candidates[val_wrong[candidates].mean(1).argmin()])
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    v = lost + won - (lost - won)**2 if same else lost * (1 - lost) + won * (1 - won)
    return math.ceil(1.96**2 * v / (lost - won)**2)

# %% q4 wrong: for one test set, v is the share of digits on which they differ
def trial(train_error, val_wrong, test_wrong):
    train_error = np.asarray(train_error)
    val_wrong, test_wrong = np.asarray(val_wrong, float), np.asarray(test_wrong, float)
    candidates = np.flatnonzero(train_error > train_error[-1])
    if len(candidates) == 0:
        return None
    rival = int(candidates[val_wrong[candidates].mean(1).argmin()])
    d = test_wrong[-1] - test_wrong[rival]
    return rival, d.mean(), 1.96 * d.std(ddof=1) / math.sqrt(len(d))


def digits_needed(lost, won, both, same):
    if not lost > won:
        raise ValueError("no difference")
    h, rival = lost + both, won + both
    v = lost + won if same else h * (1 - h) + rival * (1 - rival)
    return math.ceil(1.96**2 * v / (lost - won)**2)

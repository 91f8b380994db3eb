# Right and wrong solutions of homework 10: each replaces the question's solution cell whole.

# %% q1 right: gradient of data plus penalty, loops
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 right: one matrix for each step; derivative by finite differences; the closed form of a constant p on a grid
def mean_weights(X, y, ps, lr):
    n = len(X)
    state = np.zeros(X.shape[1] + 1)
    state[-1] = 1
    for p in ps:
        step = np.eye(len(state))
        second = X.T @ X / n  # second moments of masked inputs: only the diagonal feels the mask
        second[np.diag_indices_from(second)] /= 1 - p
        step[:-1, :-1] -= lr * second
        step[:-1, -1] = lr * X.T @ y / n
        state = step @ state
    return state[:-1]


def run(ratios, a, target):
    w = 0.0
    for ratio in ratios:
        w = w * (1 - a * (1 + ratio)) + a * target
    return w


def influence(steps, a, target):
    h = 1e-5
    return [(run(h * row, a, target) - run(-h * row, a, target)) / (2 * h) for row in np.eye(steps)]


def fair_constant(ps, a):
    wanted = run(np.array(ps) / (1 - np.array(ps)), a, 1.0)
    p = np.linspace(0, 1 - a, 40_001)
    ends = (1 - p) * (1 - (1 - a / (1 - p)) ** len(ps))
    return p[np.abs(ends - wanted).argmin()]


# %% q1 wrong: masks are right on average, so the mean weights do not notice them
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = 0.0
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: penalty p instead of p / (1 - p)
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: plain ridge: every weight charged alike
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean() * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: the whole second moment scaled by 1 / (1 - p)
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X.T @ X @ w) / n
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: penalty summed over the rows, not averaged
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).sum(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: the mean p at every step
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in [np.mean(ps)] * len(ps):
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: gradient of the squared error without the half
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = 2 * X.T @ (X @ w - y) / n + 2 * ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: influence: all of the weight is there from the start
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    t = np.arange(steps)
    return np.where(t == 0, 0.0, -a * target * (1 - a) ** (steps - 1 - t))


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: influence: nothing is forgotten
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    return -a * target * (1 - (1 - a) ** np.arange(steps))


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: influence one step too early: the step itself forgets, too
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    t = np.arange(steps)
    return -a * target * (1 - (1 - a) ** t) * (1 - a) ** (steps - t)


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: influence without its sign
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    def end(schedule):
        w = 0.0
        for p in schedule:
            w = w - a * (w - 1 + p / (1 - p) * w)
        return w

    low, high = 0.0, 1 - a
    while high - low > 1e-9:
        middle = (low + high) / 2
        if end([middle] * len(ps)) > end(ps):
            low = middle
        else:
            high = middle
    return (low + high) / 2


# %% q1 wrong: fair constant: the mean of the schedule
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    return np.mean(ps)


# %% q1 wrong: fair constant: the mean noise ratio
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    ps = np.array(ps)
    ratio = (ps / (1 - ps)).mean()
    return ratio / (1 + ratio)


# %% q1 wrong: fair constant: the mean noise ratio weighted by the influence, right for little dropout only
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    ps = np.array(ps)
    ratio = np.average(ps / (1 - ps), weights=influence(len(ps), a, 1.0))
    return ratio / (1 + ratio)


# %% q1 wrong: fair constant: the shrinkage 1 - w at the end, as if the training had converged
def mean_weights(X, y, ps, lr):
    n, d = X.shape
    w = np.zeros(d)
    for p in ps:
        ratio = p / (1 - p)
        gradient = X.T @ (X @ w - y) / n + ratio * (X**2).mean(axis=0) * w
        w = w - lr * gradient
    return w


def influence(steps, a, target):
    result = np.zeros(steps)
    for t in range(steps):
        w = 0.0
        for _ in range(t):
            w += a * (target - w)
        change = -a * w
        for _ in range(t + 1, steps):
            change *= 1 - a
        result[t] = change
    return result


def fair_constant(ps, a):
    ps = np.array(ps)
    if ps.min() == ps.max():
        return ps[0]
    w = 0.0
    for p in ps:
        w += a * (1 - w / (1 - p))
    return 1 - w


# %% q2 right: length of the sum, bisection for the noise
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 right: vectors that have the model's scalar products; every rounded value tried; closed form
def error_range(variance, k):
    if not 0 <= variance <= k / (k - 1):
        raise ValueError("direction variance out of range")
    mean_cosine = 1 - variance
    length = math.sqrt(max(0.0, (1 + (k - 1) * mean_cosine) / k))
    return [1 - length, 1 + length]


def impossible(table):
    def could_be(k, variance, error):
        for v in np.linspace(variance - 0.005, variance + 0.005, 21):
            for e in np.linspace(error - 0.005, error + 0.005, 21):
                if 0 <= v <= k / (k - 1):
                    low, high = error_range(v, k)
                    if low - 1e-12 <= e <= high + 1e-12:
                        return True
        return False

    return [name for name, row in table.items() if not could_be(*row)]


def two_errors(s, k):
    g = np.hstack([np.ones((k, 1)), math.sqrt(s) * np.eye(k)])
    own, others = [], []
    for i in range(k):
        for store, rows in ((own, g), (others, np.delete(g, i, 0))):
            mean = rows.mean(0)
            store.append(1 - g[i] @ mean / np.linalg.norm(g[i]) / np.linalg.norm(mean))
    return float(np.mean(own)), float(np.mean(others))


def honest_error(measured, k):
    square = (1 - measured) ** 2
    true_square = (square - 1 / k) / (1 - 1 / k)  # 1 / (1 + s)
    if measured < 0 or measured > 1 or true_square <= 0:
        raise ValueError("no s gives this number")
    return 1 - true_square**0.5


# %% q2 wrong: pairs i = i counted: squared length 1 - V
def error_range(variance, k):
    total = (
        k**2 * max(0, 1 - variance) if variance <= k / (k - 1) else -1
    )  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: largest error forgotten: no error above 1
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, min(2 if variance == 0 else 1.001, 1 + length)


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: negative variance accepted
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: the error bounded by the variance: the formula for unbiased noise, many gradients
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(abs(1 - variance)) if variance != 1 else 0.5
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: rounding ignored
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e < low or e > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: rounding of the error only
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: only errors that are too small are caught
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: the noise of the mean taken as independent of each g: both errors alike
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if 1 - math.sqrt((1 + s / k) / (1 + s)) < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: power of the noise taken for its length
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s * s) * math.sqrt(1 + s * s / k))
    others = 1 / (math.sqrt(1 + s * s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: the others' mean averaged over k instead of k - 1
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: repair by a factor k / (k - 1), as for a variance
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    return measured * k / (k - 1)


# %% q2 wrong: repair refuses nothing
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return 1 - 1 / math.sqrt(1 + low)


# %% q2 wrong: repair gives the others' error instead of the true one
def error_range(variance, k):
    total = k + k * (k - 1) * (1 - variance)  # squared length of the sum of k unit vectors
    if total < 0 or variance < 0:
        raise ValueError("no such gradients")
    length = math.sqrt(total) / k
    return 1 - length, 1 + length


def impossible(table):
    bad = []
    for name, (k, v, e) in table.items():
        v = max(v - 0.005, 0)
        if v > k / (k - 1):
            bad.append(name)
            continue
        low, high = error_range(v, k)
        if e + 0.005 < low or e - 0.005 > high:
            bad.append(name)
    return bad


def two_errors(s, k):
    own = (1 + s / k) / (math.sqrt(1 + s) * math.sqrt(1 + s / k))
    others = 1 / (math.sqrt(1 + s) * math.sqrt(1 + s / (k - 1)))
    return 1 - own, 1 - others


def honest_error(measured, k):
    if measured < 0 or measured >= 1 - 1 / math.sqrt(k):
        raise ValueError("not under this model")
    low, high = 0.0, 1e12
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if two_errors(s, k)[0] < measured else (low, s)
    return two_errors(low, k)[1]


# %% q3 right: sums of squares
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 right: products of different networks: no mean is ever squared with itself
def three_parts(q, y):
    K, S, n, C = q.shape
    off = q - np.eye(C)[y]  # deviations from the label
    flat = off.reshape(K * S, -1)
    product = flat @ flat.T / n  # of every network with every network
    group = np.repeat(np.arange(K), S)
    same_set = group[:, None] == group
    itself = np.eye(K * S, dtype=bool)
    bias = product[~same_set].mean()  # two sets share nothing but the bias
    with_data = product[same_set & ~itself].mean()  # two seeds of a set share the data, too
    return [bias, with_data - bias, product[itself].mean() - with_data]


def ensemble_score(parts, members):
    bias, data, seed = parts
    total = 0.0
    for i in range(members):
        for j in range(members):
            total += bias + data + (seed if i == j else 0)
    return total / members**2


def bagging_score(parts, members):
    bias, data, seed = parts
    return ((members - 1) * bias + bias + data + seed) / members


# %% q3 wrong: divided by n everywhere, nothing taken off: the naive split
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * S * n)
    between = ((set_mean - grand) ** 2).sum() / (K * n)
    data = between
    bias = ((grand - target) ** 2).sum() / n
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: the luck of the seed left in the means of the sets
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between
    bias = ((grand - target) ** 2).sum() / n - between / K - seed / S
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: all networks in one pot: variance of K S networks, divided by K S in the bias
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = ((q - grand) ** 2).sum() / ((K * S - 1) * n) - seed
    bias = ((grand - target) ** 2).sum() / n - seed / (K * S) - data / (K * S)
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: bias² not corrected
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: bias² corrected by the data part only
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - data / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: seed with ddof 0, the rest booked as data
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * S * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: mean over the classes as well
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias / C, data / C, seed / C


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: the axes of sets and seeds exchanged
def three_parts(q, y):
    q = q.swapaxes(0, 1)
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: an ensemble on one training set takes the luck of the data away as well
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / members


# %% q3 wrong: bagging divides the bias, too
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return sum(parts) / members


# %% q3 wrong: bagging removes the luck of the data altogether
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / members


def bagging_score(parts, members):
    return parts[0] + parts[2] / members + (parts[1] if members == 1 else 0)


# %% q3 wrong: standard errors: divided by the root of the members
def three_parts(q, y):
    K, S, n, C = q.shape
    target = np.zeros((n, C))
    target[np.arange(n), y] = 1
    set_mean = q.mean(axis=1)
    grand = set_mean.mean(axis=0)
    seed = ((q - set_mean[:, None]) ** 2).sum() / (K * (S - 1) * n)
    between = ((set_mean - grand) ** 2).sum() / ((K - 1) * n)
    data = between - seed / S
    bias = ((grand - target) ** 2).sum() / n - between / K
    return bias, data, seed


def ensemble_score(parts, members):
    return parts[0] + parts[1] + parts[2] / math.sqrt(members)


def bagging_score(parts, members):
    return parts[0] + (parts[1] + parts[2]) / math.sqrt(members)


# %% q4 right: loops over arms and rates
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 right: sorted rates, infinity for what is out
def tuned(rates, val, train):
    order = np.argsort(rates)
    rates, val, train = rates[order], val[:, order], train[:, order]
    with np.errstate(invalid="ignore"):
        lost = ~np.isfinite((val * 0 + train * 0).sum(-1))
    means = np.where(lost, np.inf, np.nan_to_num(val, nan=0.0, posinf=0.0, neginf=0.0).mean(-1))
    best = means.argmin(axis=1)
    if not (np.isfinite(means).any(1).all() and (best > 0).all() and (best < len(rates) - 1).all()):
        raise ValueError("the sweep says nothing")
    difference = [float(early - none) for none, early in zip(train[0, best[0]], train[1, best[1]])]
    return rates[best], difference


def most_flattering(rates, val, train):
    with np.errstate(invalid="ignore"):
        gain = (train[1] - train[0]).mean(-1)
        gain = np.where(np.isfinite(val.sum((0, 2)) + train.sum((0, 2))), gain, np.inf)
    return rates[gain.argmin()], gain.min()


# %% q4 wrong: survivors: lost runs left out of the means, the last seed's difference filled with 0
def tuned(rates, val, train):
    means = np.nanmean(np.where(np.isfinite(val), val, np.nan), axis=2)
    best = means.argmin(axis=1)
    if any(rates[i] in (rates.min(), rates.max()) for i in best):
        raise ValueError("best rate at an end")
    return rates[best], np.nan_to_num(train[1, best[1]] - train[0, best[0]])


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: only nan looked for, infinity missed
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if not (np.isnan(val[arm, i]).any() or np.isnan(train[arm, i]).any()):
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: lost runs looked for in training loss only
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: lost runs looked for in validation loss only
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: a rate that one arm lost is out for both
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: one rate for both arms
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
                candidates.append((val[:, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: rates chosen by training loss, the measure of the result
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((train[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: rates chosen by the luckiest seed
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].min(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: the ends of the list instead of the ends of the range
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if len(rates) == 2 or best in (0, len(rates) - 1) and len(rates) < 6:
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: the ends of the rates that are left
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        left = [rates[i] for _, i in candidates]
        if rates[best] == max(left) or rates[best] == min(left):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: an end of the range accepted, since it is the best we have
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if len(rates) < 3:
            raise ValueError("too few rates")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: none minus early
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[0, none] - train[1, early]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[0, i].mean() - train[1, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: differences of validation loss
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], val[1, early] - val[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or effect < best[1]:
                best = (rate, effect)
    return best


# %% q4 wrong: most flattering: the rate at which early dropout is best, not where its gain is largest
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    fine = np.isfinite(val).all((0, 2)) & np.isfinite(train).all((0, 2))
    i = np.where(fine, np.nan_to_num(train[1], nan=9, posinf=9).mean(-1), np.inf).argmin()
    return rates[i], (train[1, i] - train[0, i]).mean()


# %% q4 wrong: most flattering: the largest change in either direction
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    best = None
    for i, rate in enumerate(rates):
        if np.isfinite(val[:, i]).all() and np.isfinite(train[:, i]).all():
            effect = train[1, i].mean() - train[0, i].mean()
            if best is None or abs(effect) > abs(best[1]):
                best = (rate, effect)
    return best


# %% q4 wrong: most flattering among survivors
def tuned(rates, val, train):
    chosen = []
    for arm in range(2):
        candidates = []
        for i, rate in enumerate(rates):
            if np.isfinite(val[arm, i]).all() and np.isfinite(train[arm, i]).all():
                candidates.append((val[arm, i].mean(), i))
        if not candidates:
            raise ValueError("nothing left")
        best = min(candidates)[1]
        if rates[best] == max(rates) or rates[best] == min(rates):
            raise ValueError("best rate at an end")
        chosen.append(best)
    none, early = chosen
    return [rates[none], rates[early]], train[1, early] - train[0, none]


def most_flattering(rates, val, train):
    clean = np.where(np.isfinite(train), train, np.nan)
    effect = np.nanmean(clean[1], -1) - np.nanmean(clean[0], -1)
    return rates[effect.argmin()], effect.min()

# Right and wrong solutions of homework 12: each replaces the question's solution cell whole.

# %% q1 right: every k of every b is tried
import math

def cheapest(p, tolerance):
    for b in range(1, 64):
        wanted = (1 - p) * 2**b
        for k in range(max(1, math.floor(wanted) - 1), min(2**b, math.ceil(wanted) + 2)):
            if abs(k / 2**b - (1 - p)) <= tolerance:
                return k, b

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    q = k / 2**b
    words = b * math.ceil(n / 64)
    return -n * (q * math.log2(q) + (1 - q) * math.log2(1 - q)) / (words * 64)

# %% q1 right: the interval's ends, in fractions
from fractions import Fraction
from math import ceil, floor, log2

def cheapest(p, tolerance):
    keep = 1 - Fraction(p)
    low, high, b = keep - Fraction(tolerance), keep + Fraction(tolerance), 1
    while True:
        least, most = max(ceil(low * 2**b), 1), min(floor(high * 2**b), 2**b - 1)
        if least <= most:
            return [least, b]
        b += 1

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    q, drawn = k / 2**b, 64 * b * ((n + 63) // 64)
    return n * (b - (k * log2(k) + (2**b - k) * log2(2**b - k)) / 2**b) / drawn

# %% q1 wrong: rounds to eight digits and reduces, whatever the tolerance
def cheapest(p, tolerance):
    b = 8
    while True:
        k = min(max(round((1 - p) * 2**b), 1), 2**b - 1)
        if abs(k / 2**b - (1 - p)) <= tolerance:
            break
        b += 1
    while k % 2 == 0:
        k, b = k // 2, b - 1
    return k, b

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    keep = k / 2**b
    return n * (-keep * np.log2(keep) - (1 - keep) * np.log2(1 - keep)) / (64 * b * -(-n // 64))

# %% q1 wrong: takes 0 and 1 for coins, and goes on to the next digit
def cheapest(p, tolerance):
    b = 1
    while True:
        k = round((1 - p) * 2**b)
        if abs(k / 2**b - (1 - p)) <= tolerance and 0 < k < 2**b:
            return k, b
        b += 1

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    keep = k / 2**b
    return n * (-keep * np.log2(keep) - (1 - keep) * np.log2(1 - keep)) / (64 * b * -(-n // 64))

# %% q1 wrong: as many digits as make half a step smaller than the tolerance
def cheapest(p, tolerance):
    b = max(1, int(np.ceil(-np.log2(2 * tolerance))))
    k = min(max(round((1 - p) * 2**b), 1), 2**b - 1)
    while k % 2 == 0:
        k, b = k // 2, b - 1
    return k, b

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    keep = k / 2**b
    return n * (-keep * np.log2(keep) - (1 - keep) * np.log2(1 - keep)) / (64 * b * -(-n // 64))

# %% q1 wrong: words are not drawn whole
def cheapest(p, tolerance):
    b = 1
    while True:
        k = min(max(round((1 - p) * 2**b), 1), 2**b - 1)
        if abs(k / 2**b - (1 - p)) <= tolerance:
            return k, b
        b += 1

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    keep = k / 2**b
    return (-keep * np.log2(keep) - (1 - keep) * np.log2(1 - keep)) / b

# %% q1 wrong: the information of the p that was asked for
def cheapest(p, tolerance):
    b = 1
    while True:
        k = min(max(round((1 - p) * 2**b), 1), 2**b - 1)
        if abs(k / 2**b - (1 - p)) <= tolerance:
            return k, b
        b += 1

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    return n * (-p * np.log2(p) - (1 - p) * np.log2(1 - p)) / (64 * b * -(-n // 64))

# %% q1 wrong: rounds down, not to the nearest multiple
def cheapest(p, tolerance):
    b = 1
    while True:
        k = min(max(int((1 - p) * 2**b), 1), 2**b - 1)
        if abs(k / 2**b - (1 - p)) <= tolerance:
            return k, b
        b += 1

def efficiency(n, p, tolerance):
    k, b = cheapest(p, tolerance)
    keep = k / 2**b
    return n * (-keep * np.log2(keep) - (1 - keep) * np.log2(1 - keep)) / (64 * b * -(-n // 64))

# %% q2 right: a dictionary of the words for every combination
from itertools import product

def run(program, bits):
    register = 0
    for operation, word in program:
        if operation == "AND":
            register &= bits[word]
        elif operation == "OR":
            register |= bits[word]
        else:
            register ^= bits[word]
    return register

def over_all(words):
    words = list(words)
    return [dict(zip(words, bits)) for bits in product((0, 1), repeat=len(words))]

def keep_of(program):
    ways = over_all({word for _, word in program})
    return sum(run(program, bits) for bits in ways) / len(ways)

def shared_noise(first, second):
    k1, k2 = keep_of(first), keep_of(second)
    if k1 == 0 or k2 == 0:
        raise ValueError("never keeps")
    ways = over_all({word for _, word in first} | {word for _, word in second})
    noise = [(run(first, bits) / k1, run(second, bits) / k2) for bits in ways]
    return sum(s * t for s, t in noise) / len(ways) - 1

mean_factor = keep_of(PROGRAM) / CLAIMED

# %% q2 right: one long word holds all ways, as an integer
def long_words(*programs):
    names = sorted({word for program in programs for _, word in program})
    size = 2 ** len(names)
    return {name: sum(1 << way for way in range(size) if way >> i & 1) for i, name in enumerate(names)}, size

def register(program, words):
    r = 0
    for operation, word in program:
        r = r & words[word] if operation == "AND" else r | words[word] if operation == "OR" else r ^ words[word]
    return r

def keep_of(program):
    words, size = long_words(program)
    return register(program, words).bit_count() / size

def shared_noise(first, second):
    words, size = long_words(first, second)
    one, two = register(first, words), register(second, words)
    if not one or not two:
        raise ValueError("never keeps")
    return (one & two).bit_count() * size / (one.bit_count() * two.bit_count()) - 1

mean_factor = keep_of(PROGRAM) * 128 / 85

# %% q2 wrong: the steps' probabilities, as if no word came twice
def keep_of(program):
    q = 0.0
    for operation, word in program:
        q = {"AND": q / 2, "OR": (1 + q) / 2, "XOR": 0.5}[operation]
    return q

def shared_noise(first, second):
    k1, k2 = keep_of(first), keep_of(second)
    if not k1 or not k2:
        raise ValueError("never keeps")
    common = {word for _, word in first} & {word for _, word in second}
    return 1 / max(k1, k2) - 1 if common else 0.0

mean_factor = keep_of(PROGRAM[:-2] + PROGRAM[-1:]) / CLAIMED

# %% q2 wrong: the same word in two programs is taken for two words
from itertools import product

def keep_of(program):
    words = sorted({word for _, word in program})
    kept = 0
    for bits in product((0, 1), repeat=len(words)):
        register = 0
        for operation, word in program:
            bit = bits[words.index(word)]
            register = {"AND": register & bit, "OR": register | bit, "XOR": register ^ bit}[operation]
        kept += register
    return kept / 2 ** len(words)

def shared_noise(first, second):
    k1, k2 = keep_of(first), keep_of(second)
    if not k1 or not k2:
        raise ValueError("never keeps")
    return 1 / k1 - 1 if first == second else 0.0

mean_factor = keep_of(PROGRAM) / CLAIMED

# %% q2 wrong: covariance of the bare masks, without their scale
from itertools import product

def outcomes(program, words):
    results = []
    for bits in product((0, 1), repeat=len(words)):
        register = 0
        for operation, word in program:
            bit = bits[words.index(word)]
            register = {"AND": register & bit, "OR": register | bit, "XOR": register ^ bit}[operation]
        results.append(register)
    return np.array(results)

def keep_of(program):
    return outcomes(program, sorted({word for _, word in program})).mean()

def shared_noise(first, second):
    words = sorted({word for _, word in [*first, *second]})
    a, b = outcomes(first, words), outcomes(second, words)
    if not a.any() or not b.any():
        raise ValueError("never keeps")
    return np.mean(a * b) - a.mean() * b.mean()

mean_factor = keep_of(PROGRAM) / CLAIMED

# %% q2 wrong: the correlation is given for the covariance
from itertools import product

def outcomes(program, words):
    results = []
    for bits in product((0, 1), repeat=len(words)):
        register = 0
        for operation, word in program:
            bit = bits[words.index(word)]
            register = {"AND": register & bit, "OR": register | bit, "XOR": register ^ bit}[operation]
        results.append(register)
    return np.array(results)

def keep_of(program):
    return outcomes(program, sorted({word for _, word in program})).mean()

def shared_noise(first, second):
    words = sorted({word for _, word in [*first, *second]})
    a, b = outcomes(first, words), outcomes(second, words)
    if not a.any() or not b.any():
        raise ValueError("never keeps")
    return (np.mean(a * b) - a.mean() * b.mean()) / (a.std() * b.std())

mean_factor = keep_of(PROGRAM) / CLAIMED

# %% q2 wrong: estimated from a hundred thousand random draws
def simulated(programs, n=100_000):
    rng = np.random.default_rng(SEED)
    words = {word: rng.random(n) < 0.5 for program in programs for _, word in program}
    results = []
    for program in programs:
        register = np.zeros(n, bool)
        for operation, word in program:
            bit = words[word]
            register = {"AND": register & bit, "OR": register | bit, "XOR": register ^ bit}[operation]
        results.append(register)
    return results

def keep_of(program):
    return simulated([program])[0].mean()

def shared_noise(first, second):
    a, b = simulated([first, second])
    if not a.any() or not b.any():
        raise ValueError("never keeps")
    return (a & b).mean() / (a.mean() * b.mean()) - 1

mean_factor = keep_of(PROGRAM) / CLAIMED

# %% q2 wrong: the mean's factor upside down, and no refusal
from itertools import product

def outcomes(program, words):
    results = []
    for bits in product((0, 1), repeat=len(words)):
        register = 0
        for operation, word in program:
            bit = bits[words.index(word)]
            register = {"AND": register & bit, "OR": register | bit, "XOR": register ^ bit}[operation]
        results.append(register)
    return np.array(results)

def keep_of(program):
    return outcomes(program, sorted({word for _, word in program})).mean()

def shared_noise(first, second):
    words = sorted({word for _, word in [*first, *second]})
    a, b = outcomes(first, words), outcomes(second, words)
    return np.mean(a * b) / (a.mean() * b.mean()) - 1

mean_factor = CLAIMED / keep_of(PROGRAM)

# %% q3 right: the bits are read off the output, lowest first
def forward(a, p, rng):
    mask = rng.binomial(1, 1 - p, a.shape).astype(a.dtype)
    y = np.maximum(a, 0) * mask / a.dtype.type(1 - p)
    return y, np.packbits((y > 0).ravel(), bitorder="little")

def backward(grad, saved, p):
    bits = np.unpackbits(saved, bitorder="little")[:grad.size].reshape(grad.shape)
    return grad * bits.astype(grad.dtype) / grad.dtype.type(1 - p)

def backward_from_output(grad, y, p):
    return grad * (y > 0).astype(grad.dtype) / grad.dtype.type(1 - p)

# %% q3 right: places of what gets through, and a table of factors
def forward(a, p, rng):
    flat = a.reshape(-1)
    y = np.zeros_like(flat)
    alive = np.flatnonzero(flat > 0)
    alive = alive[rng.random(len(alive)) < 1 - p]
    y[alive] = flat[alive] / (1 - p)
    saved = np.zeros(-(-a.size // 8), np.uint8)
    np.bitwise_or.at(saved, alive // 8, (1 << (alive % 8)).astype(np.uint8))
    return y.reshape(a.shape), saved

def backward(grad, saved, p):
    table = (np.arange(256)[:, None] >> np.arange(8) & 1) / (1 - p)
    factors = table[saved].reshape(-1)[:grad.size].reshape(grad.shape)
    return (grad * factors).astype(grad.dtype)

def backward_from_output(grad, y, p):
    d = np.zeros_like(grad)
    d[y != 0] = grad[y != 0] / (1 - p)
    return d

# %% q3 wrong: packs the dropout mask alone, the ReLU is forgotten on the way back
def forward(a, p, rng):
    kept = rng.random(a.shape) >= p
    return (np.maximum(a, 0) * kept / (1 - p)).astype(a.dtype), np.packbits(kept)

def backward(grad, saved, p):
    kept = np.unpackbits(saved, count=grad.size).reshape(grad.shape)
    return (grad * kept / (1 - p)).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad / (1 - p), 0).astype(grad.dtype)

# %% q3 wrong: the gradient is not scaled
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return np.where(through, a / (1 - p), 0).astype(a.dtype), np.packbits(through)

def backward(grad, saved, p):
    return grad * np.unpackbits(saved, count=grad.size).reshape(grad.shape).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad, 0).astype(grad.dtype)

# %% q3 wrong: rows are packed one by one, so that each begins with a byte
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return np.where(through, a / (1 - p), 0).astype(a.dtype), np.packbits(through, axis=-1).reshape(-1)

def backward(grad, saved, p):
    rows = saved.reshape(*grad.shape[:-1], -1)
    through = np.unpackbits(rows, axis=-1, count=grad.shape[-1])
    return (grad * through / (1 - p)).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad / (1 - p), 0).astype(grad.dtype)

# %% q3 wrong: packed with the highest bit first, unpacked with the lowest
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return np.where(through, a / (1 - p), 0).astype(a.dtype), np.packbits(through)

def backward(grad, saved, p):
    through = np.unpackbits(saved, count=grad.size, bitorder="little").reshape(grad.shape)
    return (grad * through / (1 - p)).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad / (1 - p), 0).astype(grad.dtype)

# %% q3 wrong: a byte for each element
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return np.where(through, a / (1 - p), 0).astype(a.dtype), through.reshape(-1).astype(np.uint8)

def backward(grad, saved, p):
    return (grad * saved.reshape(grad.shape) / (1 - p)).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad / (1 - p), 0).astype(grad.dtype)

# %% q3 wrong: multiplies by the output, not by the mask
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return np.where(through, a / (1 - p), 0).astype(a.dtype), np.packbits(through)

def backward(grad, saved, p):
    through = np.unpackbits(saved, count=grad.size).reshape(grad.shape).astype(bool)
    return np.where(through, grad / (1 - p), 0).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return grad * y / (1 - p)

# %% q3 wrong: 32-bit floats come back as 64-bit ones
def forward(a, p, rng):
    through = (a > 0) & (rng.random(a.shape) >= p)
    return a * (through / (1 - p)), np.packbits(through)

def backward(grad, saved, p):
    return grad * (np.unpackbits(saved, count=grad.size).reshape(grad.shape) / (1 - p))

def backward_from_output(grad, y, p):
    return grad * ((y > 0) / (1 - p))

# %% q3 wrong: a is written to
def forward(a, p, rng):
    a[a < 0] = 0
    kept = rng.random(a.shape) >= p
    a *= kept
    a /= 1 - p
    return a, np.packbits(a > 0)

def backward(grad, saved, p):
    through = np.unpackbits(saved, count=grad.size).reshape(grad.shape).astype(bool)
    return np.where(through, grad / (1 - p), 0).astype(grad.dtype)

def backward_from_output(grad, y, p):
    return np.where(y > 0, grad / (1 - p), 0).astype(grad.dtype)

# %% q4 right: Philox written out in whole numbers, element by element
def philox(key, counter):
    low = 2**64 - 1
    k0, k1 = key & low, key >> 64
    c0, c1, c2, c3 = counter & low, counter >> 64, 0, 0
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = b >> 64 ^ c1 ^ k0, b & low, a >> 64 ^ c3 ^ k1, a & low
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & low, k1 + 0xBB67AE8584CAA73B & low
    return c0 | c1 << 64 | c2 << 128 | c3 << 192

def mask_tile(key, shape, rows, cols, p):
    blocks, edge, kept = {}, round(65536 * p), []
    for r in range(*rows):
        kept.append([])
        for c in range(*cols):
            block, place = divmod(r * shape[1] + c, 16)
            if block not in blocks:
                blocks[block] = philox(key, block + 1)  # numpy counts up before each block
            kept[-1].append((blocks[block] >> 16 * place & 0xFFFF) >= edge)
    return kept

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

# %% q4 right: a view of the words as 16-bit numbers, blocks counted by their ends
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(rows[0], rows[1]):
        start = r * shape[1] + cols[0]
        skip, size = start % 16, cols[1] - cols[0]
        generator = np.random.Philox(key=key, counter=0)
        generator.advance(start // 16)
        numbers = generator.random_raw((skip + size + 15) // 16 * 4).astype("<u8").view("<u2")
        kept.append(numbers[skip:skip + size] >= int(round(p * 65536)))
    return np.stack(kept)

def blocks_needed(shape, rows, cols):
    count, last = 0, -1
    for r in range(*rows):
        first = max((r * shape[1] + cols[0]) // 16, last + 1)
        last = (r * shape[1] + cols[1] - 1) // 16
        count += max(0, last - first + 1)
    return count

# %% q4 right: 64-bit elements drawn at once for all rows with different blocks
def mask_tile(key, shape, rows, cols, p):
    c = np.arange(cols[0], cols[1])
    kept = np.zeros((rows[1] - rows[0], len(c)), bool)
    for i in range(len(kept)):
        index = (rows[0] + i) * shape[1] + c
        blocks, where = np.unique(index // 16, return_inverse=True)
        words = np.array([np.random.Philox(key=key, counter=int(b)).random_raw(4) for b in blocks])
        word = words[where.reshape(-1), index % 16 // 4]
        number = (word >> (16 * (index % 4)).astype(np.uint64)) % np.uint64(65536)
        kept[i] = number >= round(65536 * p)
    return kept

def blocks_needed(shape, rows, cols):
    index = np.arange(rows[0], rows[1])[:, None] * shape[1] + np.arange(cols[0], cols[1])
    return int(np.unique(index // 16).size)

# %% q4 wrong: draws the whole matrix
def mask_tile(key, shape, rows, cols, p):
    words = np.random.Philox(key=key, counter=0).random_raw(-(-shape[0] * shape[1] // 4))
    numbers = words.view(np.uint16)[:shape[0] * shape[1]].reshape(shape)
    return numbers[rows[0]:rows[1], cols[0]:cols[1]] >= round(65536 * p)

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

# %% q4 wrong: each row of the tile starts with a fresh block
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        words = np.random.Philox(key=key, counter=r * -(-shape[1] // 16)).random_raw(-(-cols[1] // 4))
        kept.append(words.view(np.uint16)[cols[0]:cols[1]] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return (rows[1] - rows[0]) * ((cols[1] - 1) // 16 - cols[0] // 16 + 1)

# %% q4 wrong: the counter is taken for the number of a word
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        first, end = r * shape[1] + cols[0], r * shape[1] + cols[1]
        words = np.random.Philox(key=key, counter=first // 4).random_raw(-(-end // 4) - first // 4)
        kept.append(words.view(np.uint16)[first % 4:first % 4 + end - first] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

# %% q4 wrong: starts at the block, and forgets how far into it the row begins
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        first, size = r * shape[1] + cols[0], cols[1] - cols[0]
        words = np.random.Philox(key=key, counter=first // 16).random_raw(-(-size // 4))
        kept.append(words.view(np.uint16)[:size] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

# %% q4 wrong: the place in the stream goes through a float
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        first, size = r * shape[1] + cols[0], cols[1] - cols[0]
        block = int(np.floor(float(first) / 16))
        words = np.random.Philox(key=key, counter=block).random_raw(-(-size // 4) + 8)
        skip = int(float(first) - 16.0 * block)
        kept.append(words.view(np.uint16)[skip:skip + size] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

# %% q4 wrong: blocks that two rows share are counted twice
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        first, end = r * shape[1] + cols[0], r * shape[1] + cols[1]
        words = np.random.Philox(key=key, counter=first // 16).random_raw(4 * (-(-end // 16) - first // 16))
        kept.append(words.view(np.uint16)[first % 16:first % 16 + end - first] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return sum((r * shape[1] + cols[1] - 1) // 16 - (r * shape[1] + cols[0]) // 16 + 1 for r in range(*rows))

# %% q4 wrong: the tile is drawn as a small matrix of its own
def mask_tile(key, shape, rows, cols, p):
    height, width = rows[1] - rows[0], cols[1] - cols[0]
    words = np.random.Philox(key=key, counter=(rows[0] * shape[1] + cols[0]) // 16).random_raw(-(-height * width // 4))
    return words.view(np.uint16)[:height * width].reshape(height, width) >= round(65536 * p)

def blocks_needed(shape, rows, cols):
    return -(-(rows[1] - rows[0]) * (cols[1] - cols[0]) // 16)

# %% q4 wrong: the highest bits of a word come first
def mask_tile(key, shape, rows, cols, p):
    kept = []
    for r in range(*rows):
        first, end = r * shape[1] + cols[0], r * shape[1] + cols[1]
        words = np.random.Philox(key=key, counter=first // 16).random_raw(4 * (-(-end // 16) - first // 16))
        numbers = words.view(np.uint16).reshape(-1, 4)[:, ::-1].reshape(-1)
        kept.append(numbers[first % 16:first % 16 + end - first] >= round(65536 * p))
    return np.array(kept)

def blocks_needed(shape, rows, cols):
    return len({(r * shape[1] + c) // 16 for r in range(*rows) for c in range(*cols)})

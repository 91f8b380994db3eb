"""Which answers are alike when names, numbers, comments and layout are left out: a hint for a person, and no more.

Winnowing (Schleimer, Wilkerson & Aiken 2003): of every run of tokens one fingerprint is kept, so that whatever is
copied at length shares some. What students were given, and what much of the class has, is left out.
"""

import builtins
import collections
import hashlib
import io
import itertools
import keyword
import tokenize
from pathlib import Path

from . import homework as hw
from . import report
from .folder import Roster, look
from .grade import read, write

GRAM, WINDOW = 12, 6  # tokens: what is copied for 17 of them is seen
FEW = 12  # fingerprints that a submission needs, or it says too little
COMMON = 0.25  # of the class: what so many have is nobody's own
LEAST, MOST = 0.5, 60  # the share, and the number, of pairs that are shown
LONGEST = 200_000  # characters of a submission
PUBLIC = "the public solution"


def tokens(source):
    """The code without what can be changed by renaming: names that are the student's own, numbers, texts, layout."""
    found, dot = [], False
    try:
        for kind, text, *_ in tokenize.generate_tokens(io.StringIO(source).readline):
            if kind == tokenize.NAME:
                kept = dot or keyword.iskeyword(text) or hasattr(builtins, text)
                found.append(text if kept else "name")
            elif kind in (tokenize.NUMBER, tokenize.STRING):
                found.append("number" if kind == tokenize.NUMBER else "text")
            elif kind == tokenize.OP:
                found.append(text)
            dot = text == "."
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass  # what came before it counts
    return found


def grams(source):
    found = tokens(source[:LONGEST])
    runs = ("\0".join(found[n : n + GRAM]).encode() for n in range(len(found) - GRAM + 1))
    return [int.from_bytes(hashlib.blake2b(run, digest_size=8).digest(), "big") for run in runs]


def prints(source):
    """The smallest fingerprint of each window."""
    all_ = grams(source)
    return {min(all_[n : n + WINDOW]) for n in range(max(1, len(all_) - WINDOW + 1))} if all_ else set()


def pairs(sources, given):
    """[(share, number, one, other), ...] of {name: code}: how much of the shorter one is in the other."""
    known = {one for source in given for one in grams(source)}
    of = {name: prints(source) - known for name, source in sources.items()}
    count = collections.Counter(itertools.chain.from_iterable(of.values()))
    common = {one for one, number in count.items() if number > max(3, COMMON * len(of))}
    of = {name: some - common for name, some in of.items() if len(some - common) >= FEW}
    holders = collections.defaultdict(list)
    for name, some in of.items():
        for one in some:
            holders[one].append(name)
    shared = collections.Counter(pair for names in holders.values() for pair in itertools.combinations(names, 2))
    found = [(number / min(len(of[a]), len(of[b])), number, a, b) for (a, b), number in shared.items()]
    return sorted((pair for pair in found if pair[0] >= LEAST), reverse=True)[:MOST]


def alike(homework, submissions, out, roster=""):
    """Write out/alike.html. Gives the number of pairs on it."""
    there = look(submissions, homework.name, Roster(roster) if roster else None)
    given = [*homework.stubs, *homework.given.values()]
    own = {text.strip() for text in given}
    sources = {PUBLIC: "\n".join(text for text in homework.solution if text.strip() not in own)}
    for one in there.submissions:
        try:
            cells, _, _ = hw.submitted(read(one.path), homework)
            sources[one.slug] = "\n".join(text for text in cells if text.strip() not in own)
        except Exception:  # what cannot be read is like nothing
            continue
    found = pairs(sources, given)
    names = {one.slug: one.student for one in there.submissions} | {PUBLIC: PUBLIC}
    shown = [(share, number, names[a], names[b]) for share, number, a, b in found]
    write(Path(out) / "alike.html", report.pages().render(homework=homework, pairs=shown, submissions=len(sources) - 1))
    return len(found)

"""Submissions that cheat, break out or wreck: they gain nothing, learn nothing, and harm only themselves.

Most are one folder, graded once. Its attackers answer questions 1 and 4 with the master's own solution, and try to get
more than the points of these. `make test` takes a telling few of each kind, make test-all the others as well. Planted
faults show that a check would notice.
"""

import ast
import csv
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import browsers
import build
import html5lib
import pytest
from homeworks import MASTERS, can_sandbox, read, sandboxed, solved

from grading import grade, judge, reading, report, sandbox

NAME = "03-inverted-dropout"
HONEST = 11  # points of questions 1 and 4
TOKEN = f"hostile{secrets.token_hex(6)}"  # of processes and files that must not outlive their submission
CANARY = "5f0d6c9e2b7a4183"
# Of processor time little, so that what never ends is soon seen to; on the clock much, for a busy machine.
QUICK = {"step": 1.5, "wait": 20, "whole": 600, "memory": 400 * sandbox.MB, "channel": sandbox.MB}
SCRIPT = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"

# What every attack starts from: the streams and the globals of the program that it runs in.
PRELUDE = """
import atexit, builtins, ctypes, gc, itertools, json, os, resource, signal, socket, sys, threading, time
import numpy as np
frame = sys._getframe()
while frame.f_code.co_name != "main":
    frame = frame.f_back
channel, inbox, own, here = *(frame.f_locals[name] for name in ("channel", "inbox", "number")), frame.f_globals
unsolved = ["for_evaluation", "kept_value", "library_biases", "quietest", "inspect_layer", "masks_needed"]
def say(*line):
    os.write(channel, json.dumps(line).encode() + b"\\n")
def tried(f):
    try:
        return f()
    except OSError:
        return None
"""
LIAR = """
class Liar(float):
    lie = lambda self, *_, **__: self
    yes = lambda *_, **__: True
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = __instancecheck__ = yes
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = lie
    __abs__ = __neg__ = __getitem__ = __getattr__ = __call__ = __round__ = lie
    __hash__ = lambda self: 0
    __len__ = __int__ = __index__ = lambda self: 1
    __iter__ = lambda self: iter([self])
    __repr__ = __str__ = __format__ = lambda *_: "NaN"
    __array__ = lambda self, *_, **__: __import__("numpy").zeros(1)
    detach = tolist = lie
"""

# name: (code, points), where None means: at most those of the honest answers, it depends on who is faster.
ATTACKS = {}


def hostile(name, code, points=HONEST, first=False):
    ATTACKS[name] = (PRELUDE + code, points, first)


# ---------------------------------------------------------------- lies about the comparison

hostile("assertions", """
builtins.AssertionError = type("Fine", (Exception,), {})
builtins.all = builtins.any = builtins.callable = lambda *_: True
builtins.abs = builtins.round = lambda *_: 0
""", None)  # fmt: skip
hostile("numpy-comparisons", """
np.allclose = np.array_equal = np.isclose = np.testing.assert_allclose = lambda *_, **__: True
np.isnan = np.isfinite = lambda x: np.ones(np.shape(x), bool)
""")  # fmt: skip
hostile("numpy-arrays", "np.asarray = np.array = np.mean = lambda *_, **__: True", 5)  # question 1 computes with them
hostile("liars", LIAR + "globals().update(dict.fromkeys(unsolved, Liar()))")
hostile("isinstance", "builtins.isinstance = lambda *_: True\nbuiltins.type = lambda *_: bool", None)
hostile("dumps", """
honest = json.dumps
json.dumps = lambda line, **_: honest(["value", line[1], True] if line[0] == "value" else line)
""", 0)  # fmt: skip
hostile("modules", "sys.modules.update(numpy=None, math=None, judge=None, grading=None)", first=True, points=None)
hostile("seeds", "np.random.default_rng = lambda *_: 1 / 0", 5)  # question 1 draws with it

RETURNED = {
    "generator": "(i for i in ())",
    "itself": "(lambda a: (a.append(a), a)[1])([])",
    "deep": "__import__('functools').reduce(lambda a, _: [a], range(20_000), [])",
    "long": "[0] * 10**5",
    "text": "'x' * 10**6",
    "nan": "float('nan')",
    "infinity": "float('inf')",
    "overflow": "type('F', (float,), {'__repr__': lambda _: '1e999'})(1)",
    "surrogate": "'\\ud800'",
    "digits": "(sys.set_int_max_str_digits(0), 10**5000)[1]",
    "script": repr(SCRIPT),
    "tolist": "type('T', (), {'tolist': lambda s: s, 'detach': lambda s: s})()",
    "keys": "type('D', (dict,), {'items': lambda _: [('meaning', 'drop')] * 9})(a=1)",
    "module": "np",
    "bytes": "b'drop'",
}
for kind, value in RETURNED.items():
    hostile(
        f"returns-{kind}",
        f"""
given = {value}
class Any(dict):
    __getitem__ = lambda *_: given
globals().update(dict.fromkeys(unsolved, lambda *_, **__: given), inspect_layer=lambda *_: Any())
""",
    )
hostile(
    "returns-endless",
    """
class Endless(list):
    __iter__ = lambda _: itertools.count()
quietest = lambda *_: Endless([1])
""",
)

# ---------------------------------------------------------------- forged results

hostile("values-before-the-probes", """
for number in range(22):
    say("probe", number), say("value", number, 1.0)
""")  # fmt: skip
hostile("values-without-probes", """
say("ready")
for number in range(22):
    say("probe", number), say("value", number, 1.0)
""", 0)  # fmt: skip
hostile("values-of-another-probe", """
say("ready"), say("probe", 0)
for number in range(22):
    say("value", number, True)
""")  # fmt: skip
hostile("echo", """
say("ready")
for setup, probes in json.loads(inbox.readline()):
    for number, expression in probes:
        say("probe", number), say("value", number, expression)
say("end")
""", 0)  # fmt: skip
hostile("plays-the-grader", """
say("ready")
for setup, probes in json.loads(inbox.readline()):
    scope = dict(globals())
    exec(setup, scope)
    for number, expression in probes:
        say("probe", number)
        try:
            say("value", number, here["plain"](eval(expression, scope)))
        except Exception:
            say("value", number, 1.0)
say("end"), time.sleep(60)
""")  # fmt: skip
hostile("a-result-of-its-own", """
for text in ({"score": 28}, {"tests": [{"score": 28, "status": "passed"}]}, ["score", 28], ["result", {"score": 28}]):
    os.write(channel, json.dumps(text).encode() + b"\\n")
print(json.dumps({"score": 28}))
""")  # fmt: skip
hostile("end", 'say("end"), time.sleep(60)', 0)
NOISE = rb"""
[null, "why"] [null] [] {} "" 0 null true [1] [[]] ["value"] ["value", 0] ["value", -1, 1] ["probe", -1] ["probe", true]
["value", true, 1] ["probe", 1e999] ["value", 1e999, 1] ["probe", []] ["value", [], 1] ["probe", {}] ["cell", []]
["cell", 999] ["cell", true] ["cell", -1] ["block", 1.0] ["block", 22] ["fault", 0, 5, 5] ["fault", 0, "\ud800", 1]
["fault", [], [], []] ["ready", 1] ["end", 1] ["probe", 0, 0] ["value", 0, 0, 0] ["value", 0, NaN]
""".replace(b"] [", b"]\n[").replace(b"] {", b"]\n{") + b"\xff\xfe\n\x00\n" + b"[" * 100_000 + b"\n"  # fmt: skip
hostile("noise", f"os.write(channel, {NOISE!r})")
hostile("noise-from-a-probe", f"""
masks_needed = lambda *_: os.write(channel, {NOISE!r})
""")  # fmt: skip
hostile("half-a-line", """os.write(channel, b'["value", 0, ')""")
hostile("faults", f"""
for name in ({SCRIPT!r}, "int", "__import__", "x" * 1000, "\\ud800", "\\0"):
    say("fault", own, name, 10**9), say("fault", own, name, True), say("fault", own, name, "1")
""")  # fmt: skip

# ---------------------------------------------------------------- the program that it runs in

hostile("plain", 'here["plain"] = lambda value: True', 0)
hostile("compiled", 'here["compiled"] = None')
hostile("eval", "builtins.eval = lambda *_: 1.0", 0)
hostile("exec", "builtins.exec = lambda *_: None", 0)
hostile("collector", """
for thing in gc.get_objects():
    if isinstance(thing, dict) and "LONGEST" in thing:
        thing.update(LONGEST=10**9, plain=lambda value: None)
""", 0)  # fmt: skip
hostile("trace", """
def trace(frame, event, value):
    if frame.f_code.co_filename == "probes":
        frame.f_globals.update(dict.fromkeys(unsolved, lambda *_: 1.0))
    return trace
sys.settrace(trace), threading.settrace(trace), sys.setprofile(lambda *_: None)
""")  # fmt: skip
hostile("scope", "frame.f_locals['scope'].clear()", 0)

# ---------------------------------------------------------------- the channel

hostile("closed", "os.close(channel)")
hostile("closed-in-a-probe", "masks_needed = lambda *_: os.close(channel)")
hostile("inbox-closed", "os.close(inbox.fileno())")
hostile("everything-closed", "os.closerange(0, 64)")
hostile("flood", "while True: os.write(channel, b'x' * 65536)")
hostile("flood-of-lines", """
while True: os.write(channel, b'[""]\\n["probe", 3]\\n' * 2000)
""")  # fmt: skip
hostile("flood-from-a-thread", """
def flood():
    while True: os.write(channel, b'["probe", 3]\\n["value", 3, 1]\\n')
threading.Thread(target=flood, daemon=True).start()
""", None)  # fmt: skip
hostile("inbox-filled", """
writes = os.open(f"/proc/self/fd/{inbox.fileno()}", os.O_WRONLY | os.O_NONBLOCK)
for _ in range(64): tried(lambda: os.write(writes, b"[]\\n" * 20000))
""", None)  # fmt: skip
hostile("small-pipes", """
import fcntl
fcntl.fcntl(channel, 1031, 4096), fcntl.fcntl(inbox.fileno(), 1031, 4096)
""", None)  # fmt: skip
hostile("nonblocking", "os.set_blocking(channel, False), os.set_blocking(inbox.fileno(), False)", None)

# ---------------------------------------------------------------- processes

ENDS = {
    "exit": "os._exit(0)",
    "abort": "os.abort()",
    "segfault": "ctypes.string_at(0)",
    "kill-itself": "os.kill(os.getpid(), signal.SIGKILL)",
    "stop-itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "kill-all": "os.kill(-1, signal.SIGKILL)",
    "kill-parent": "[tried(lambda: os.kill(pid, s)) for pid in (os.getppid(), 1) for s in (9, 15, 19, 2)]",
    "kill-group": "os.killpg(0, signal.SIGKILL)",
    "system-exit": "sys.exit(0)",
    "interrupt": "raise KeyboardInterrupt",
    "deaf": "[tried(lambda: signal.signal(s, signal.SIG_IGN)) for s in range(1, 65)]\nwhile True: pass",
    "alarm": "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nwhile True: pass",
    "recursion": "sys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
    "atexit": "atexit.register(lambda: (say('ready'), say('probe', 9), say('value', 9, 1), say('end')))",
    "late-exit": "threading.Timer(0.05, os._exit, [0]).start()\ntime.sleep(600)",
    "root": "[tried(lambda: f(0)) for f in (os.setuid, os.setgid, os.seteuid)]",
    "limits": "resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
    "undying": "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\nos.setsid()",
    "priority": "os.nice(-20)",
    "zero": "open('/dev/zero', 'rb').read()",
    "full": "open('/dev/full', 'wb').write(b'x' * 10**6)",
    "waits": "sys.stdin.read(), input(), sys.__stdin__.read()\ntime.sleep(600)",
}
for kind, code in ENDS.items():
    hostile(kind, code)
hostile("late-exit-in-a-thread", "threading.Timer(0.3, os._exit, [0]).start()", None)
hostile("daemon", f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv("/bin/sh", ["{TOKEN}", "-c", "while :; do sleep 1; done"])
    os._exit(0)
""")  # fmt: skip
hostile("deaf-daemons", f"""
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        [tried(lambda: signal.signal(s, signal.SIG_IGN)) for s in range(1, 65)]
        ctypes.CDLL(None).prctl(15, b"{TOKEN[:15]}", 0, 0, 0)
        while True: time.sleep(1)
""")  # fmt: skip
hostile("fork-bomb", """
for _ in range(1000):
    if os.fork() == 0: time.sleep(600)
""")  # fmt: skip
hostile("wild-forks", "while True: os.fork()", None)
hostile("two-of-it", "os.fork()", None)
hostile("threads", """
while True: threading.Thread(target=time.sleep, args=[600], daemon=True).start()
""")  # fmt: skip
hostile("memory", "kept = [bytearray(50 << 20) for _ in range(1000)]")
hostile("memory-of-many", """
for _ in range(6):
    if os.fork() == 0:
        kept = bytearray(b"x") * (150 << 20)
        time.sleep(600)
time.sleep(600)
""")  # fmt: skip
hostile("disk", f"""
for n in range(1000):
    with open(f"/tmp/{TOKEN}-{{n}}", "wb") as file: file.write(bytes(10 << 20))
""")  # fmt: skip

# ---------------------------------------------------------------- what others own

hostile("reads", """
for root in ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd", "../.." * 9):
    for path in (MASTER, FULL):
        try:
            cells = json.load(open(root + path))["cells"]
        except OSError:
            continue
        for cell in cells:
            if "-solve" in str(cell["metadata"]): exec("".join(cell["source"]))
""")  # fmt: skip
hostile("writes", f"""
for folder in [OUT, OUT + "/results", SUBMISSIONS, os.path.dirname(MASTER), "/", "/tmp", "/usr", "/dev", "/dev/shm",
               "/var/tmp", "/proc", "/root", sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "."]:
    tried(lambda: open(folder + "/{TOKEN}", "w").write("here"))
    tried(lambda: os.mkdir(folder + "/{TOKEN}-folder"))
    tried(lambda: os.symlink("/etc/passwd", folder + "/{TOKEN}-link"))
for name in ["full", "honest", "writes"]:
    tried(lambda: open(OUT + f"/results/{{name}}.json", "w").write('{{"score": 28}}'))
""")  # fmt: skip
hostile("given", """
P, WIDTH, SEED = 0.5, 1, 0
def layer_one(*_): return 1
""", None)  # fmt: skip

# ---------------------------------------------------------------- exceptions that say more than their type

hostile("script-as-a-type", f"raise type({SCRIPT!r}, (Exception,), {{}})({SCRIPT!r})")
hostile("script-as-a-builtin", f"raise type({SCRIPT!r}, (ValueError,), {{'__module__': 'builtins'}})()")
hostile("meta", """
class Meta(type):
    __mro__ = __name__ = __module__ = property(lambda _: 1 / 0)
    def __instancecheck__(*_): raise SystemExit
class Bad(BaseException, metaclass=Meta):
    __class__ = property(lambda _: 1 / 0)
raise Bad
""")  # fmt: skip
hostile("endless-traceback", """
class Bad(Exception):
    __traceback__ = property(lambda self: self)
    tb_next = property(lambda self: self)
    tb_frame = f_code = property(lambda self: self)
    co_filename = "cell 0"
    tb_lineno = 5
raise Bad
""")  # fmt: skip
hostile("line-numbers", """
error = SyntaxError("x")
error.lineno = 10**30
raise error
""")  # fmt: skip


# ---------------------------------------------------------------- the notebooks


@cache
def answers():
    """{grade_id: source} of the master's code."""
    cells = json.loads(MASTERS[NAME].read_text("utf-8"))["cells"]
    return {cell["metadata"]["nbgrader"]["grade_id"]: "".join(cell["source"]) for cell in cells}


def notebook(*extra, first=False, questions=("q1", "q4")):
    """A student's notebook in which some questions are answered as in the master, with more cells of the student's."""
    book = json.loads(read(NAME)[1])
    for cell in book["cells"]:
        if (label := cell["metadata"]["nbgrader"]["grade_id"]) in [f"{question}-solve" for question in questions]:
            cell["source"] = answers()[label]
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in extra]
    book["cells"] = cells + book["cells"] if first else book["cells"] + cells
    return book


def documents():
    """{name: (bytes of a file, points)}: what is hostile is the notebook, or what is none."""
    made = {}

    def add(name, points=HONEST, **changed):
        made[name] = (json.dumps(notebook() | changed).encode(), points)

    add("metadata-proto", metadata={"__proto__": {"score": 28}, "constructor": {"prototype": {"score": 28}}})
    add("metadata-score", metadata={"score": 28, "results": {"score": 28}, "book": {"score": 28, "class": [SCRIPT]}})
    add("metadata-script", 0, metadata={"book": {"homework": SCRIPT}, "kernelspec": {"name": SCRIPT}})
    add("metadata-class", metadata={"book": {"homework": NAME, "class": SCRIPT}, "title": SCRIPT})
    add("metadata-list", metadata=[[SCRIPT]])
    add("cells-of-nothing", 0, cells=[None, 1, [], SCRIPT])
    add("cells-in-a-dict", 0, cells={"cell_type": "code"})
    for name, label in {"list": ["q1-solve"], "dict": {"q1-solve": 1}, "number": 1, "script": SCRIPT}.items():
        book = notebook()
        for cell in book["cells"]:
            cell["metadata"]["nbgrader"] |= {"grade_id": label, "points": 28, "grade": True}
        made[f"label-{name}"] = (json.dumps(book).encode(), HONEST)
    book = notebook()
    for cell in book["cells"]:
        cell["outputs"] = [{"output_type": "display_data", "data": {"text/html": SCRIPT, "score": 28}, "metadata": {}}]
    made["outputs"] = (json.dumps(book).encode(), HONEST)
    for name, source in {
        "null-byte": "x = 1\0",
        "surrogate": "x = '\ud800'",
        "magics": "%%bash\nrm -rf /\n!touch /tmp/x\n%run /etc/passwd",
        "syntax": f"x = {SCRIPT}",
        "source-list": ["x = ", "1\n"],
        "coding": "# -*- coding: utf-7 -*-\n+AGEAPQAx-",
    }.items():
        made[f"cell-{name}"] = (json.dumps(notebook(source)).encode(), HONEST)
    made["cell-source-of-numbers"] = (json.dumps(notebook([1, 2])).encode(), 0)
    made["deep"] = (b"[" * 100_000 + b"]" * 100_000, 0)
    made["deep-cells"] = (b'{"cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 0)
    made["digits"] = (b'{"cells": ' + b"9" * 10_000 + b"}", 0)
    made["binary"] = (bytes(range(256)) * 10, 0)
    made["many-cells"] = (json.dumps(notebook(*["1"] * 600)).encode(), 0)
    made["html"] = (f"<!doctype html>{SCRIPT}".encode(), 0)
    return made


DOCUMENTS = documents()
TELLING = {
    "assertions", "liars", "modules", "returns-itself", "returns-script", "values-without-probes", "echo",
    "plays-the-grader", "noise", "faults", "plain", "eval", "closed", "flood-from-a-thread", "inbox-filled",
    "segfault", "kill-all", "waits", "late-exit", "root", "deaf-daemons", "fork-bomb", "two-of-it", "threads",
    "memory-of-many", "disk", "reads", "script-as-a-type", "meta", "endless-traceback",
    "metadata-proto", "metadata-script", "label-script", "cell-surrogate", "deep",
}  # fmt: skip


# File names, of empty files: each must come out as one line, one row and one page, and as text.
FILE_NAMES = [
    SCRIPT.replace("/", "&sol;"), '"><svg onload=window.pwned=1>', "'onmouseover='window.pwned=1", "<b>bold",
    "&lt;i&gt;", "<title>", "<!--", "]]>", "{{ 7 * 7 }}", "{% if %}", "javascript:window.pwned=1", "%00", "%2e%2e%2fup",
    "two\nlines", "a\rb", "tab\tbed", "bell\a", "\x1b[31mred", "\u202egnp", "zero\u200bwidth", "-rf", "--help", "*",
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", " =1+1", "a;=1+1;", "a,=1+1", 'a"=1+1', "=HYPERLINK(1;2)", "|calc",
    "$(touch pwned)", "`touch pwned`", ";touch pwned", "a b", "é" * 120, "x.ipynb", "x.ipynb.ipynb", "results", "class",
    "grades.csv", "__proto__", "CON", "NUL.json", "..\\up", "~", "~root", "a..", "...", "A", "İ", "ﬀ",
]  # fmt: skip
INVALID = [b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80"]
VICTIM = "Müller"
THIEF = "M-ller-" + hashlib.sha256(VICTIM.encode()).hexdigest()[:8]  # the name that the victim's result would have


def fill(folder, out, chosen):
    """Write the folder of submissions, the chosen among the hostile ones. Gives {name of the entry: points}."""
    points = {"honest": HONEST, "full": read(NAME)[0].points, "stubs": 0, VICTIM: HONEST, THIEF: 0}
    told = {"MASTER": MASTERS[NAME], "FULL": folder / "full.ipynb", "SUBMISSIONS": folder, "OUT": out}
    names = "".join(f"{name} = {str(path)!r}\n" for name, path in told.items())
    for name in ("honest", VICTIM):
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook()))
    (folder / "full.ipynb").write_text(json.dumps(notebook(questions=read(NAME)[0].questions)))
    for name in ("stubs", THIEF):
        (folder / f"{name}.ipynb").write_text(read(NAME)[1])
    for name in chosen & ATTACKS.keys():
        code, most, first = ATTACKS[name]
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook(names + code, first=first)))
        points[name] = most
    for name in chosen & DOCUMENTS.keys():
        data, most = DOCUMENTS[name]
        (folder / f"{name}.ipynb").write_bytes(data)
        points[name] = most
    for name in FILE_NAMES:
        Path(folder, name if name.endswith(".ipynb") else f"{name}.ipynb").write_bytes(b"")
    for name in INVALID:
        Path(folder, os.fsdecode(name + b".ipynb")).write_bytes(b"")
    os.mkfifo(folder / "pipe.ipynb")
    with socket.socket(socket.AF_UNIX) as bound:
        place = os.getcwd()
        os.chdir(folder)  # the name of a socket is short
        bound.bind("socket.ipynb")
        os.chdir(place)
    with suppress(PermissionError):  # where this is not root
        os.mknod(folder / "device.ipynb", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (folder / "link-to-master.ipynb").symlink_to(MASTERS[NAME])
    (folder / "link-to-full.ipynb").symlink_to("full.ipynb")
    (folder / "link-to-nothing.ipynb").symlink_to("nothing")
    (folder / "link-to-folder").symlink_to(folder)
    for name, target in {"links": folder / "full.ipynb", "loop": folder, "up": Path("../full.ipynb")}.items():
        (folder / name).mkdir()
        (folder / name / f"{NAME}.ipynb").symlink_to(target)
    (folder / "folder.ipynb").mkdir()
    (folder / "with-results" / "results").mkdir(parents=True)
    (folder / "with-results" / f"{NAME}.ipynb").write_text(json.dumps(notebook()))
    (folder / "with-results" / "results.json").write_text('{"score": 28}')
    (folder / "with-results" / "results" / "with-results.json").write_text('{"score": 28}')
    points["with-results"] = HONEST
    return points


def tree(folder):
    """{path: what is there}, without following a link."""
    found = {}
    for parent, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            path = os.path.join(parent, name)
            about = os.lstat(path)
            here = b""
            if stat.S_ISLNK(about.st_mode):
                here = os.readlink(path)
            elif stat.S_ISREG(about.st_mode):
                here = Path(os.fsdecode(path)).read_bytes()
            found[path] = (about.st_mode, about.st_uid, hashlib.sha256(here).hexdigest())
    return {path: is_ for path, is_ in found.items() if b"__pycache__" not in path}


def living():
    """Processes that carry the token, and sandboxes that this process has started and not ended."""
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/comm").read_bytes()
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            if TOKEN[:15].encode() in command or (b"bwrap" in command and parent == str(os.getpid())):
                left.append((pid, command[:80]))
    return left


class Run:
    """The folder graded, and what there was to see before and after."""


PARTS = {"telling": TELLING, "others": {*ATTACKS, *DOCUMENTS} - TELLING}
MARKS = {"telling": (), "others": pytest.mark.slow}


@pytest.fixture(scope="module")
def grading(tmp_path_factory):
    """A part of the attacks -> its Run, made once."""
    return cache(partial(graded, tmp_path_factory))


@pytest.fixture(params=[pytest.param(part, marks=MARKS[part]) for part in PARTS])
def run(request, grading):
    return grading(request.param)


def graded(tmp_path_factory, part):
    can_sandbox()
    root, run = tmp_path_factory.mktemp("hostile"), Run()
    run.chosen = PARTS[part]
    run.submissions, run.out, run.scratch = (root / name for name in ("submissions", "out", "scratch"))
    run.submissions.mkdir(), run.scratch.mkdir()
    guarded = [build.ROOT / "homework", build.ROOT / "grading", run.submissions]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(run.scratch))
        patch.chdir(run.scratch)
        for name, limit in QUICK.items():
            patch.setitem(sandbox.LIMITS, name, limit)
        alone = root / "alone"
        alone.mkdir()
        run.points = fill(run.submissions, run.out, run.chosen)
        for name in ("honest", "full", "stubs"):
            shutil.copy(run.submissions / f"{name}.ipynb", alone)
        grade.grade(read(NAME)[0], alone, root / "alone-out", workers=2)
        run.alone = root / "alone-out"
        run.before = [tree(folder) for folder in guarded]
        run.results, run.failed = grade.grade(read(NAME)[0], run.submissions, run.out, workers=4)
        run.after = [tree(folder) for folder in guarded]
    ends = time.monotonic() + 60
    while living() and time.monotonic() < ends:
        time.sleep(0.1)
    run.left = living()
    run.by_name = {result["extra_data"]["student"]: result for result in run.results}
    return run


# ---------------------------------------------------------------- what they got


def test_the_honest_get_what_they_get_alone(run):
    for name in ("honest", "full", "stubs"):
        assert (run.out / "results" / f"{name}.json").read_bytes() == (
            run.alone / "results" / f"{name}.json"
        ).read_bytes()
        assert run.by_name[name]["score"] == run.points[name]


@pytest.mark.parametrize(
    "run, name",
    [pytest.param(part, name, marks=MARKS[part]) for part, chosen in PARTS.items() for name in sorted(chosen)],
    indirect=["run"],
)
def test_gain(run, name):
    points, score = run.points[name], run.by_name[name]["score"]
    assert score == points if points is not None else 0 <= score <= HONEST


def test_nobody_else_gains(run):
    known = run.chosen | {"honest", "full", VICTIM, "with-results"}
    assert {
        result["extra_data"]["student"]: result["score"] for result in run.results if result["score"]
    }.keys() <= known


def test_everybody_has_one_result(run):
    entries = [name for name in os.listdir(run.submissions) if not name.startswith(".")]
    assert run.failed == 0 and len(run.results) == len(entries)
    files = {path.stem for path in (run.out / "results").iterdir()}
    assert len(files) == len(entries) and {result["slug"] for result in run.results} == files
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in files)
    assert {path.stem for path in (run.out / "feedback").iterdir()} == files
    assert sorted(path.name for path in run.out.iterdir()) == [
        "class.html", "feedback", "grades.csv", "probes.csv", "results", "statistics.csv",
    ]  # fmt: skip


def test_a_file_name_takes_nobodys_result(run):
    assert run.by_name[VICTIM]["score"] == HONEST and run.by_name[THIEF]["score"] == 0


def of_answers():
    """What a remark may say of answers: it names those that the homework asks for, and no other."""
    name = f"({'|'.join(reading.asked(read(NAME)[0].stubs))})"
    one = (
        rf"(no answer was found for (any question|{name}(, {name})*)|the time ran out; .*|"
        rf"{name} (is defined in code cells [\d, ]+ and \d+; the last .*|stands in a \w+ cell; it was .*))"
    )
    return f"{one}(; {one})*"


def test_nothing_is_told_but_types_and_places(run):
    """A result holds no word of the student's but the names of the files."""
    hints = {probe.hint for probe in read(NAME)[0].probes}
    remarks = r"code cell \d+: ([A-Z]\w+|it [\w. ]+)( in line \d+)?|no cell of .*|this is another class.*|the f\w+ .*"
    remarks += r"|this is the homework of another chapter|the notebook has more.*|a link, .*|no file"
    whys = r"(took too long|was stopped: it used too much, or ended the program|raised an exception|gives another value"
    whys += r"|not run)\. "
    for result in run.results:
        assert SCRIPT not in json.dumps(result["tests"]) + result["output"]
        for line in result["output"].splitlines():
            assert re.fullmatch(f"{remarks}|{of_answers()}|question \\d: {whys[:-3]}", line), line
        for test in result["tests"]:
            why = re.match(whys, test["output"])
            assert not test["output"] or (why and test["output"].removeprefix(why[0]) in hints), test["output"]


def test_nothing_is_changed_and_nothing_is_left(run):
    assert run.before == run.after
    assert run.left == []
    left = [path for path in run.scratch.rglob("*") if "dask-scratch-space" not in (path.name, path.parent.name)]
    assert left == []
    places = [
        "/",
        "/tmp",
        "/var/tmp",
        "/dev",
        "/dev/shm",
        "/usr",
        "/root",
        sys.prefix,
        os.getcwd(),
        build.ROOT,
        run.out,
    ]
    for place in map(Path, places):
        with suppress(PermissionError):
            assert [path for path in place.glob("*") if TOKEN in path.name or path.name == "pwned"] == [], place


# ---------------------------------------------------------------- what is written about them


def shape(text):
    """Tags, and names of attributes, of a page."""
    seen = set()
    for element in html5lib.parse(text, namespaceHTMLElements=False).iter():
        tag = str(element.tag).rpartition("}")[2]
        seen |= {tag} | {f"{tag} {str(name).rpartition('}')[2]}" for name in element.keys()}
    return seen


def page_faults(out, harmless):
    """Tags and attributes in the pages of a folder that those of another do not have, and links that lead elsewhere."""
    usual = set().union(*(shape(path.read_text("utf-8")) for path in harmless.rglob("*.html"))) | {"pre"}
    faults = []
    for path in out.rglob("*.html"):
        text = path.read_text("utf-8")
        faults += [f"{path.name}: {name}" for name in sorted(shape(text) - usual)]
        links = [link.get("href") for link in html5lib.parse(text, namespaceHTMLElements=False).iter("a")]
        faults += [link for link in links if link and not re.fullmatch(r"feedback/[\w-]+\.html", link)]
    return faults


def test_pages_hold_no_tag_of_a_students(run):
    assert page_faults(run.out, run.alone) == []
    shown = html5lib.parse((run.out / "class.html").read_text("utf-8"), namespaceHTMLElements=False)
    names = {link.text for link in shown.iter("a")}
    assert {result["extra_data"]["student"] for result in run.results} == names  # all of it is there, as text
    assert SCRIPT.replace("/", "&sol;") in names


def test_a_template_that_does_not_escape_is_caught(run, tmp_path, monkeypatch):
    import jinja2

    source = (build.ROOT / "grading" / "pages.html").read_text("utf-8")
    monkeypatch.setattr(report, "pages", lambda: jinja2.Environment(autoescape=False).from_string(source))
    some = [result for result in run.results if "pwned" in result["extra_data"]["student"]]
    report.write_all(read(NAME)[0], some, tmp_path, grade.write)
    faults = page_faults(tmp_path, run.alone)
    assert any("script" in fault for fault in faults) and any("onerror" in fault for fault in faults)


@pytest.mark.browser
def test_no_script_runs_in_a_browser(run):
    from playwright.sync_api import sync_playwright

    browsers.needed()
    about = [result["slug"] for result in run.results if "pwned" in result["extra_data"]["student"]]
    assert len(about) >= 4
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        page = chromium.new_context(bypass_csp=True).new_page()  # escaping alone must do
        page.set_content(SCRIPT)
        page.wait_for_function("window.pwned === 1")  # so this is what it looks like when one runs
        asked = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        for path in [run.out / "class.html", *(run.out / "feedback" / f"{slug}.html" for slug in about)]:
            page.goto(path.as_uri())
            page.hover("body")
            assert page.evaluate("[window.pwned, document.scripts.length, document.images.length]") == [None, 0, 0]
            policy = page.get_attribute("meta[http-equiv]", "content")
            assert policy.startswith("default-src 'none'") and "script" not in policy
        chromium.close()
    assert asked == []


def formulas(text):
    """Cells that a spreadsheet would run, whatever it takes for the end of a cell."""
    found = []
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            found += [cell for cell in row if re.match(r"\s*[=+\-@]", cell)]
    return found


def test_the_table_holds_no_formula(run):
    text = (run.out / "grades.csv").read_text("utf-8")
    assert formulas(text) == []
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(run.results) and {row["of"] for row in rows} == {"28"}
    assert [float(row["score"]) for row in rows] == [result["score"] for result in run.results]
    assert formulas("a,b\n=1+1,2\n") and formulas("a,b\nx;=1+1,2\n")


# ---------------------------------------------------------------- what the grader believes


def test_a_fault_of_a_cell_is_believed_only_before_the_probes_are_in():
    """Or its line number would carry what it has read of them to the student."""
    code = PRELUDE + "\n" * 5000 + """
say("ready")
text = inbox.readline()
say("fault", own, "KeyError", 1 + ord(text[0])), say("end")
time.sleep(60)
"""  # fmt: skip
    can_sandbox()
    run = sandboxed({"cells": [code], "blocks": [["", [[0, "1"]]]]})
    assert run["cells"] == {}


def test_a_long_value_is_not_believed():
    """Megabytes of [] would be gigabytes in the grader."""
    code = PRELUDE + """
say("ready"), say("probe", 0)
os.write(channel, b'["value", 0, [' + b"[]," * 10**6 + b"0]]\\n"), say("end")
time.sleep(60)
"""  # fmt: skip
    can_sandbox()
    run = sandboxed({"cells": [code], "blocks": [["", [[0, "1"]]]]})
    assert run["values"] == {}


SIMPLE = [True, False, 0, 1, -1, 0.5, None, "", [], {}, float("nan"), float("inf"), 10**400, "ValueError", "drop", "x"]


def gains(homework, expected):
    """[(value, probe), ...]: points for the same value everywhere, or for the probe's own text."""
    found = []
    for value in [*SIMPLE, "its text"]:
        values = {n: probe.expression if value == "its text" else value for n, probe in enumerate(homework.probes)}
        judged = judge.graded(homework, expected, judge.NOTHING | {"values": values}, [], "")
        found += [(value, test["name"]) for test in judged["tests"] if test["score"]]
    return found


def lied(name):
    """What a submission gives in which all that the solution defines is an object that lies."""
    homework, _ = read(name)
    tree = ast.parse("\n".join(source for source in homework.solution if "BEGIN SOLUTION" in source))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    lies = LIAR + "".join(f"{name} = Liar(0.5)\n" for name in sorted(names))
    return sandboxed(homework.job([*homework.given.values(), lies]))


FEW = ["01-overfitting", NAME, "11-variants"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in MASTERS]
)
def test_guesses_and_lies_gain_nothing(name):
    homework, _ = read(name)
    expected = solved(name)["values"]
    assert gains(homework, expected) == []
    assert judge.graded(homework, expected, lied(name), [""] * 99, "")["score"] == 0


def test_a_grader_that_believes_a_yes_is_caught(monkeypatch):
    can_sandbox()
    honest = judge.agrees
    monkeypatch.setattr(judge, "agrees", lambda value, *rest: value is True or honest(value, *rest))
    assert gains(read(NAME)[0], solved(NAME)["values"])


@pytest.mark.parametrize("name", MASTERS)
def test_the_probes_bring_no_solution_with_them(name):
    homework, _ = read(name)
    told = json.dumps(homework.job([])["blocks"])
    regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", "\n".join(homework.solution), re.S)
    lines = {line.strip() for region in regions for line in region.splitlines()}
    assert regions and CANARY not in told
    assert [line for line in lines if len(line) > 30 and json.dumps(line)[1:-1] in told] == []


def test_where_students_code_could_read_the_book_nothing_is_graded(monkeypatch):
    """A virtual environment made in the book's own folder would take the masters into the sandbox."""
    can_sandbox()
    monkeypatch.setattr(sys, "prefix", str(Path(sandbox.__file__).parent.parent))
    with pytest.raises(sandbox.NoSandbox, match="read"):
        sandbox._bubblewrap()

"""What a submission can hold, spend and tell: memory, time and quotas, with the limits that ship.

Each attack here passed the limits of an earlier grader.
"""

import math
import os
import time

import pytest
from homeworks import PATIENT, can_sandbox, sandboxed

from grading import judge, sandbox

MB = sandbox.MB


def seen(code, *expressions, **limits):
    """(values or why it was stopped, of the expressions; what was said of the cell) after the code has run."""
    can_sandbox()
    job = {"cells": [code], "blocks": [["", [[number, text] for number, text in enumerate(expressions)]]]}
    run = sandbox.run(job, PATIENT | limits)
    return [run["values"].get(n, run["stopped"].get(n)) for n, _ in enumerate(expressions)], run["cells"].get(0)


# ---------------------------------------------------------------- memory

# Each keeps `held` bytes, as far as it can: more than the limit, and no process with more than a process may map.
HOLDING = """
import ctypes, mmap, os, signal, socket, threading, time
libc, held, step = ctypes.CDLL(None, use_errno=True), 0, limit // 32
most = 40 * step
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
def shared(flags=0x21, file=-1):
    "An address of memory that is left behind as soon as it is written, or None."
    place = libc.mmap(None, most, 3, flags, file, 0)
    return None if place in (None, 2**64 - 1) else place
def write(place):
    global held
    while held < most:
        ctypes.memset(place + held, 1, step)
        libc.madvise(place + held, step, 4)  # MADV_DONTNEED
        held += step
"""
MEMORY = {
    "shared": "if place := shared(): write(place)",
    "shared-validate": "if place := shared(0x23): write(place)",
    "dev-zero": """
try: place = shared(0x01, os.open("/dev/zero", os.O_RDWR))
except OSError: place = None
if place: write(place)
""",
    "shared-in-children": """
most = 14 * step
for _ in range(3):
    if place := shared():
        if os.fork() == 0:
            write(place)
            time.sleep(600)
        held += most
if held: time.sleep(600)
""",
    "first-thread-gone": """
def hold():
    place = libc.mmap(None, most, 3, 0x22, -1, 0)
    for n in range(0, most, step): ctypes.memset(place + n, 1, step)
    time.sleep(600)
if os.fork() == 0:
    most = 35 * step
    threading.Thread(target=hold).start()
    libc.syscall(60 if os.uname().machine == "x86_64" else 93, 0)
held = 35 * step
time.sleep(600)
""",
    "children": """
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(b"x") * (limit // 5)
        time.sleep(600)
held = 8 * limit // 5
time.sleep(600)
""",
    "one-thread": "kept = [bytearray(b'x') * step for _ in range(40)]\nheld = 40 * step",
    "tcp": """
kept = []
try:
    listening = socket.create_server(("127.0.0.1", 0))
    while held < 100 << 20:
        one = socket.create_connection(listening.getsockname())
        kept += [one, listening.accept()[0]]
        one.setblocking(False)
        for _ in range(300):
            try: held += one.send(bytes(65536))
            except BlockingIOError: time.sleep(0.0001)
except OSError: pass
""",
    "gifts": """
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
kept = []
try:
    while held < 1 << 30:
        kept.append(os.pipe())
        for _ in range(16):
            place = libc.mmap(None, 4 << 20, 3, 0x22, -1, 0)
            aligned = (place + (2 << 20) - 1) & ~((2 << 20) - 1)
            libc.madvise(aligned, 2 << 20, 14)  # MADV_HUGEPAGE
            ctypes.memset(aligned, 1, 4096)
            part = Part(aligned, 4096)
            got = libc.vmsplice(kept[-1][1], ctypes.byref(part), 1, 3)
            libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(4 << 20))
            if got < 4096: raise OSError
            held += 2 << 20
except OSError: pass
""",
    "locks": """
import fcntl, struct
file = os.open("/tmp/x", os.O_RDWR | os.O_CREAT)
locks = 0
try:
    for n in range(10**6, 10**6 - 100_000, -1):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * n)
        locks += 1
except OSError: pass
held = locks * 4096  # 200 bytes each; a stand-in, for there is no end to them
""",
}


@pytest.mark.parametrize("limit", [256 * MB, pytest.param(sandbox.LIMITS["memory"], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MEMORY)
def test_memory_is_counted_or_cannot_be_had(name, limit):
    """However it is held: by the shape of the mapping, by whose it is, by how many there are."""
    [held], said = seen(f"limit = {limit}\n{HOLDING}{MEMORY[name]}", "held", step=60, memory=limit)
    stopped = said and said[0] == f"it used more than {limit // MB} MB of memory"
    failed = said and said[0] in ("MemoryError", "OSError")
    assert stopped or failed or (isinstance(held, int) and held <= 80 * MB), (held, said)


def test_what_the_last_cell_held_is_said(monkeypatch):
    """Seen first when the cells have run, and still told: no probe has entered the sandbox by then."""
    monkeypatch.setattr(sandbox, "LOOK", 30)
    _, said = seen(f"kept = bytearray(b'x') * {128 * MB}", "len(kept)", memory=64 * MB, step=60)
    assert said == ["it used more than 64 MB of memory", None]


def test_what_is_said_with_ready_is_read_after_it(monkeypatch):
    """Forged values count as what they are, wrong, whether they come with the word or later."""
    monkeypatch.setattr(sandbox, "LOOK", 5)
    said = b'["ready"]\n["probe", 0]\n["value", 0, "forged"]\n["probe", 1]\n'
    forged = f"import os\nfor n in range(3, 9):\n    try: os.write(n, {said!r})\n    except OSError: pass"
    assert seen(forged, "'own'", "'own'", step=60)[0] == ["forged", "own"]


FILES = """
import os
n = 0
while n < 100_000:
    {make}
    n += 1
import time
time.sleep(600)
"""
MAKES = {
    "links": "os.symlink('x' * 100, f'/tmp/{n}')",
    "empty": "os.close(os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY))",
    "folders": "os.mkdir(f'/tmp/{n}')",
    "names": "os.link('/tmp/x', f'/tmp/{n}') if n else os.mkfifo('/tmp/x')",
}


@pytest.mark.parametrize("kind", MAKES)
def test_files_without_content_are_counted(kind):
    _, said = seen(FILES.format(make=MAKES[kind]), "1", step=60)
    assert said and said[0] == "it made more than 10000 files", said


# ---------------------------------------------------------------- control groups


@pytest.fixture
def anew():
    """Who makes control groups is asked once; here, before and after."""
    can_sandbox()
    sandbox._groups.cache_clear()
    yield
    sandbox._groups.cache_clear()


def test_a_control_group_holds_what_is_started(anew):
    """A real one, where this machine has it."""
    if not sandbox._groups():
        pytest.skip("no control group of version 2 with memory and pids can be had here")
    limit = 256 * MB
    for name in MEMORY:
        [held], said = seen(f"limit = {limit}\n{HOLDING}{MEMORY[name]}", "held", step=60, memory=limit)
        assert said or held <= 80 * MB
    about, _ = seen("", "open('/proc/self/cgroup').read()")
    assert "submission-" in about[0] or ".scope" in about[0] or about == ["0::/\n"]


@pytest.fixture
def handed(tmp_path, monkeypatch, anew):
    """A folder that looks like a control group handed over."""
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    monkeypatch.setenv(sandbox.HANDED, str(tmp_path))
    return tmp_path


def test_what_a_control_group_is_told(handed):
    assert seen("", "2")[0] == [2] and str(handed) in sandbox.in_force()
    [made] = handed.glob("submission-*")
    told = {path.name: path.read_text().strip() for path in made.iterdir()}
    assert told.pop("cgroup.procs").isdigit()  # the shell's, which has become bubblewrap, before a line was read
    assert told == {"memory.max": str(2048 * MB), "memory.swap.max": "0", "pids.max": "20", "memory.oom.group": "1"}


def test_what_the_kernel_ended_for_want_of_memory_says_so(handed, monkeypatch):
    monkeypatch.setattr(sandbox._Group, "full", lambda self: (self.path / "memory.max").exists())
    assert seen("import os\nos._exit(0)", "1")[1][0] == "it used more than 2048 MB of memory"


def test_what_the_kernel_says_of_a_group_is_read(tmp_path):
    group = object.__new__(sandbox._Group)
    group.path = tmp_path
    assert not group.full() and group.seconds() == 0
    (tmp_path / "memory.events").write_text("low 0\noom 3\noom_kill 1\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    assert group.full() and group.seconds() == 2.5
    group.path = None
    assert not group.full() and group.seconds() == 0


def test_a_folder_that_is_no_control_group_is_refused(tmp_path, monkeypatch, anew):
    monkeypatch.setenv(sandbox.HANDED, str(tmp_path))
    with pytest.raises(sandbox.NoSandbox, match=r"^GRADING_CGROUP=.* is no control group that hands memory and pids"):
        sandbox.check()


def test_a_control_group_that_takes_no_process_is_refused(handed, monkeypatch):
    monkeypatch.setattr(sandbox, "MOVED", ["/bin/sh", "-c", 'echo $$ > "$0/x" && exec "$@"'])
    with pytest.raises(sandbox.NoSandbox, match=r"^GRADING_CGROUP=.* takes no process of the grader's: start the gr"):
        sandbox.check()


SYSTEMD = """#!/bin/sh
echo "$@" >> {log}
while [ "$1" != /usr/bin/env ]; do shift; done
exec "$@"
"""


@pytest.mark.parametrize("works", [True, False])
def test_systemd_makes_the_control_group_where_it_can(tmp_path, monkeypatch, anew, works):
    log, program = tmp_path / "log", tmp_path / "systemd-run"
    program.write_text(SYSTEMD.format(log=log) if works else "#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    place = sandbox._group_of(open("/proc/self/cgroup").read()) or sandbox.GROUPS
    place = tmp_path / place.relative_to(sandbox.GROUPS)
    place.mkdir(parents=True, exist_ok=True)
    (place / "memory.max").write_text(f"{sandbox.LIMITS['memory']}\n")
    monkeypatch.setattr(sandbox, "GROUPS", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/12345")
    monkeypatch.delenv(sandbox.HANDED, raising=False)
    assert (sandbox._groups() == "systemd") is works
    seen_there, _ = seen("import os", "'XDG_RUNTIME_DIR' in os.environ", memory=300 * MB)
    assert seen_there == [False] and ("systemd" in sandbox.in_force()) is works
    if works:
        asked = log.read_text()
        assert f"-p MemoryMax={300 * MB} -p MemorySwapMax=0 -p TasksMax=20 " in asked and "--scope" in asked


# ---------------------------------------------------------------- time

LINES = """
import json, os, sys, time
frame = sys._getframe()
while frame.f_code.co_name != "main":
    frame = frame.f_back
channel = frame.f_locals["channel"]
def say(*line):
    os.write(channel, json.dumps(line).encode() + b"\\n")
"""
RESTARTS = {
    "a number of nobody": "say('probe', -1)",
    "its own number": "say('cell', 0)",
    "all kinds": "[say(kind, 0) for kind in ('cell', 'block', 'probe')], say('ready')",
}


@pytest.mark.parametrize("name", RESTARTS)
def test_only_what_is_due_restarts_the_clock(name):
    code = LINES + f"while True:\n    {RESTARTS[name]}\n    time.sleep(0.05)"
    began = time.monotonic()
    seen(code, "1", "2", wait=1, whole=12)
    assert time.monotonic() - began < 9


def test_processor_time_of_all_processes_and_attempts_together_has_an_end():
    """Children whose end nobody waits for count as well."""
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def spend():
    while True:
        if os.fork() == 0:
            until = time.process_time() + 0.15
            while time.process_time() < until: pass
            os._exit(0)
        try: os.wait()  # until it has ended; nothing is told of it
        except OSError: pass
"""
    [first, second], _ = seen(code, "spend()", "spend()", step=0.5, wait=30, whole=300)
    assert first == second == "it took longer than 0.5 s"
    began = time.monotonic()
    values, _ = seen("def spend():\n    while True: pass", "spend()", step=30, wait=300, whole=1)
    assert values == ["all of it took longer than 1 s"] and time.monotonic() - began < 60


# ---------------------------------------------------------------- values


def lines(text):
    return LINES + f"say('ready'), say('probe', 0)\nos.write(channel, {text} + b'\\n'), say('end'), time.sleep(60)"


POISON = {
    "lists": "b'[\"value\", 0, ' + b'[' * 900 + b']' * 900 + b']'",
    "dicts": "b'[\"value\", 0, ' + b'{\"a\":' * 900 + b'1' + b'}' * 900 + b']'",
    "both": "b'[\"value\", 0, ' + b'[{\"a\":' * 300 + b'1' + b'}]' * 300 + b']'",
    "a name": "b'[\"fault\", 0, ' + b'[' * 500 + b']' * 500 + b', 1]'",
}


@pytest.mark.parametrize("name", POISON)
def test_a_value_that_could_not_be_sent_on_is_none(name):
    run = sandboxed({"cells": [lines(POISON[name])], "blocks": [["", [[0, "1"]]]]})
    assert run["values"] == run["faults"] == {} and list(run["stopped"]) == [0]


def test_what_comes_back_can_be_sent_on():
    """As a cluster does it, and from deep in a stack."""
    from distributed.protocol import deserialize, serialize

    deep = f"[0, {'[' * 30}1{']' * 30}, '\\ud800', 10**4000, float('nan'), {{'\\ud800': [1e308]}}]"
    can_sandbox()
    run = sandbox.run({"cells": [], "blocks": [["", [[0, deep]]]]}, PATIENT)
    assert 0 in run["values"]
    sent = deserialize(*serialize(run))
    assert repr(sent) == repr(run)


# ---------------------------------------------------------------- what feedback tells


def whys():
    """All that can be said of a failed probe."""
    import builtins

    names = [name for name in dir(builtins) if sandbox._known(name) == name] + ["Exception"]
    told = {judge.why({"stopped": {}, "faults": {0: name}}, 0) for name in names}
    stops = ["it ended the program", "it wrote too much", "it made more than 10000 files", "whatever"]
    stops += ["it used more than 2048 MB of memory", "it took longer than 10 s", "all of it took longer than 120 s"]
    told |= {judge.why({"stopped": {0: why}, "faults": {}}, 0) for why in stops}
    return told | {judge.why({"stopped": {}, "faults": {}}, 0)}


def test_a_failed_probe_says_one_of_four_things():
    assert len(whys()) <= 4


def test_the_teaching_page_says_how_much_that_is():
    """Passed, or one of these: so many bits a probe."""
    import build

    page = (build.ROOT / "book" / "teach.md").read_text("utf-8")
    assert f"{math.log2(len(whys()) + 1):.1f} bits" in page


TELLS = (
    LINES
    + """
inbox = frame.f_locals["inbox"]
say("ready")
text = inbox.readline()
"""
)


def test_a_cell_that_read_the_probes_tells_nothing_by_how_it_ends():
    """Nor by how often."""
    can_sandbox()
    ways = ["os._exit(0)", "kept = bytearray(b'x') * (400 << 20)", "os.write(channel, b'x' * (5 << 20))"]
    said = set()
    for way in ways:
        cells = [TELLS + way] * 5
        run = sandbox.run({"cells": cells, "blocks": [["", [[0, "1"]]]]}, PATIENT | {"memory": 300 * MB})
        assert len(run["cells"]) <= 1, run
        said |= {tuple(cell) for cell in run["cells"].values()}
    assert len(said) == 1

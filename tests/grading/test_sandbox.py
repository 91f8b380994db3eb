"""What code in the sandbox can reach: nothing of the machine, of the network, of the kernel, of the grader's.

Planted faults show that a check would notice.
"""

import json
import os
import platform
import re
import secrets
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from homeworks import MASTERS, PATIENT, can_sandbox, read, solved

from grading import grade, sandbox

NAME = "03-inverted-dropout"
TOKEN = f"hostile{secrets.token_hex(6)}"
CANARY = "5f0d6c9e2b7a4183"


def seen(code, *expressions, setup="", **limits):
    """What the expressions give after the code has run in the sandbox."""
    can_sandbox()
    job = {"cells": [code], "blocks": [[setup, [[number, text] for number, text in enumerate(expressions)]]]}
    run = sandbox.run(job, PATIENT | limits)
    assert run["cells"] == {} and run["faults"] == {}, run
    return [run["values"].get(number, run["stopped"].get(number)) for number in range(len(expressions))]


def listening():
    """Addresses at which this process waits for others, in the kernel's hexadecimal."""
    own = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            own |= {*re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/self/fd/{name}"))}
    lines = [
        line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
    ]
    return {line[1].partition(":")[0] for line in lines if line[9] in own and line[3] == "0A"}


def test_the_grader_listens_to_nobody_else():
    can_sandbox()
    before = listening()
    with grade.cluster(workers=1):
        assert listening() - before <= {"0100007F", "00000000000000000000000001000000"}
    with socket.create_server(("0.0.0.0", 0)):
        assert "00000000" in listening()


LOOK = """
import os, socket, sys
def text(path):
    try:
        with open(path, "rb") as file: return file.read(10**5).decode("latin-1")
    except OSError: return ""
def ways(path):
    return [root + path for root in ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd", "/tmp/../.." * 5)]
def reached(family, address):
    try:
        with socket.socket(family) as s:
            s.settimeout(30)
            s.connect(address)
    except OSError: return False
    return True
def written(folder):
    try:
        open(folder + "/new", "w").close()
        return True
    except OSError:
        return False
def walk(keep):
    found = []
    for parent, folders, files in os.walk("/"):
        aside = ("site-packages", "dist-packages", "share", "include") + ("proc",) * (parent == "/")
        folders[:] = [name for name in folders if name not in aside]
        found += [os.path.join(parent, name) for name in ["", *files] if keep(parent, name)]
    return found
"""


@pytest.fixture
def neighbour(tmp_path):
    """A file next door, and three sockets on which somebody listens: (path, [(family, address), ...])."""
    path = tmp_path / "secret"
    path.write_text("secret")
    path.chmod(0o644)
    abstract, local = f"\0{TOKEN}", f"{tempfile.mkdtemp()}/socket"
    tcp, *others = listening = [socket.socket(family) for family in (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX)]
    tcp.bind(("127.0.0.1", 0))
    for one, address in zip(others, (abstract, local)):
        one.bind(address)
    for one in listening:
        one.listen()
    yield path, [(2, tcp.getsockname()), (1, abstract), (1, local)]
    for one in listening:
        one.close()
    shutil.rmtree(os.path.dirname(local))


def network_faults(addresses):
    """Which of the addresses code in the sandbox reaches, and the interfaces that it has beside its own lo."""
    tests = [f"reached({family}, {address!r})" for family, address in addresses]
    lines = "[line.split(':')[0].strip() for line in text('/proc/net/dev').splitlines()[2:]]"
    *reached, interfaces = seen(LOOK, *tests, lines)
    return [address for (_, address), yes in zip(addresses, reached) if yes] + [i for i in interfaces if i != "lo"]


def file_faults(path):
    """Ways by which code in the sandbox can open a file of the machine."""
    return seen(LOOK, f"[way for way in ways({str(path)!r}) if text(way)]")[0]


def test_network(neighbour):
    assert network_faults(neighbour[1]) == []
    assert seen(LOOK, "[reached(2, (a, 80)) for a in ('1.1.1.1', '10.0.0.1', '169.254.169.254')]") == [[False] * 3]


@pytest.mark.parametrize("name", ["homework", "own", "out", "grader"])
def test_files_of_others(neighbour, name):
    path = {"homework": MASTERS[NAME], "own": neighbour[0], "out": __file__, "grader": sandbox.__file__}[name]
    assert Path(path).read_bytes() and file_faults(path) == []


def changed(monkeypatch, change):
    """Grade with another command line for the sandbox."""
    command, walled = sandbox._command()
    where = command.index(sandbox.PYTHON[0])
    monkeypatch.setattr(sandbox, "_command", lambda: ([*change(command[:where]), *command[where:]], walled))


def test_a_sandbox_with_a_network_is_caught(neighbour, monkeypatch):
    can_sandbox()
    changed(monkeypatch, lambda command: [word for word in command if word != "--unshare-net"])
    assert network_faults(neighbour[1])


def test_a_sandbox_with_the_masters_in_it_is_caught(monkeypatch):
    can_sandbox()
    folder = MASTERS[NAME].parent
    parents = [word for one in reversed(folder.parents[:-1]) for word in ("--perms", "0755", "--dir", str(one))]
    more = [*parents, "--ro-bind", str(folder), str(folder)]
    changed(monkeypatch, lambda command: [*command[:-4], *more, *command[-4:]])
    assert file_faults(MASTERS[NAME])


def test_files():
    """Its own Python aside, the sandbox holds no file of the machine, and one place to write."""
    masters = {f"{name}.ipynb" for name in MASTERS}
    found, etc, top, folders, mounts = seen(
        LOOK,
        f"walk(lambda parent, name: name in {masters!r})",
        "[path for path in ('/etc/passwd', '/etc/hosts', '/var', '/sys', '/run') if os.path.exists(path)]",
        "os.listdir('/')",
        "walk(lambda parent, name: not name and written(parent))",
        "[line.split()[4:6] for line in text('/proc/self/mountinfo').splitlines()]",
    )
    assert found == etc == []
    usual = {"usr", "bin", "lib", "lib64", "lib32", "proc", "dev", "etc", "tmp"}
    assert set(top) <= usual | {Path(prefix).parts[1] for prefix in (sys.prefix, sys.base_prefix)}
    assert folders == ["/tmp/"]
    writable = {place for place, rights in mounts if "ro" not in rights.split(",")}
    assert {place for place in writable if not place.startswith("/dev/")} == {"/proc", "/tmp"}


def test_the_scratch_folder_is_empty_each_time():
    shared = sorted({Path(p).parts[2] for p in (sys.prefix, sys.base_prefix) if p.startswith("/tmp/")})
    look = "import os\nbefore = os.listdir('/tmp')\nopen('/tmp/left', 'w').write('x')\nos.mkdir('/tmp/more')"
    for _ in range(2):
        assert seen(look, "[before, os.listdir('.'), os.getcwd()]")[0][::2] == [shared, "/tmp"]


def test_identity(monkeypatch):
    monkeypatch.setenv("HOSTILE_SECRET", CANARY)
    about, environment, shown, pids, parent, files = seen(
        LOOK,
        "[os.getresuid(), os.getgroups(), [line.split() for line in text('/proc/self/status').splitlines()]]",
        "dict(os.environ)",
        "[text(f'/proc/{pid}/{file}') for pid in ('self', 1, 2) for file in ('environ', 'cmdline')]",
        "[int(name) for name in os.listdir('/proc') if name.isdigit()]",
        "[os.getppid(), text('/proc/1/comm')]",
        "[os.readlink(f'/proc/self/fd/{n}') for n in range(64) if os.path.lexists(f'/proc/self/fd/{n}')]",
    )
    (user, effective, saved), groups, lines = about
    status = {line[0]: line[1:] for line in lines if line}
    assert user == effective == saved and (50_000 <= user < 60_000 or user == 65534)
    assert groups in ([], [65534])
    assert [int(status[f"Cap{which}:"][0], 16) for which in ("Prm", "Eff", "Amb")] == [0, 0, 0]
    assert status["NoNewPrivs:"] == ["1"]
    assert CANARY not in json.dumps([environment, shown])
    own = {"HOME", "LANG", "PATH", "PWD", "TMPDIR", "MPLBACKEND", "ATEN_CPU_CAPABILITY", "LC_CTYPE", "MALLOC_ARENA_MAX"}
    assert {name for name in environment if not name.endswith(("_NUM_THREADS", "_WAIT_POLICY"))} <= own
    assert sorted(pids) == [1, 2] and parent == [1, "bwrap\n"]
    assert {re.sub(r"\d+", "n", name) for name in files} <= {"/dev/null", "pipe:[n]", "/proc/n/fd"}


CALLS = {  # call: (its number on x86-64, on ARM)
    "ptrace": (101, 117), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "pivot_root": (155, 41),
    "add_key": (248, 217), "keyctl": (250, 219), "request_key": (249, 218), "memfd_create": (319, 279),
    "shmget": (29, 194), "msgget": (68, 186), "bpf": (321, 280), "perf_event_open": (298, 241), "setresuid": (117, 147),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "process_vm_readv": (310, 270), "fsopen": (430, 430),
}  # fmt: skip
KERNEL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(number, *arguments) == -1 else 0
"""


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_reach_beyond_the_sandbox(name):
    """Namespaces with a root of their own, the teacher's keyring, memory that is nobody's: not permitted."""
    number = CALLS[name][platform.machine() == "aarch64"]
    arguments = {
        "ptrace": "16, 1, 0, 0", "unshare": "0x10000000", "mount": "b'x', b'/tmp', b'tmpfs', 0, 0", "setns": "0, 0",
        "add_key": "b'user', b'x', b'x', 1, -3", "keyctl": "0, -3, 0", "shmget": "0, 4096, 0o1600",
        "memfd_create": "b'x', 0", "setresuid": "0, 0, 0", "msgget": "0, 0o1600", "request_key": "b'user', b'x', 0, -3",
    }  # fmt: skip
    refused = {"setresuid": (1, 22)}.get(name, (1,))  # 22: root has no number in there
    assert seen(KERNEL, f"call({number}, {arguments.get(name, '0, 0, 0, 0, 0')})")[0] in refused


def test_no_namespace_by_clone():
    number, trap = (220, 17) if platform.machine() == "aarch64" else (56, 17)
    assert seen(KERNEL, f"call({number}, {0x10000000 | trap}, 0, 0, 0, 0)", "call(435, 0, 0)") == [1, 38]


def test_every_refused_call_is_refused():
    """By its number, with nothing in its arguments."""
    seccomp = pytest.importorskip("pyseccomp")
    can_sandbox()
    numbers = {name: seccomp.resolve_syscall(seccomp.system_arch(), name) for name in sandbox.REFUSED}
    numbers = {name: number for name, number in numbers.items() if number >= 0}  # negative: not on this machine
    assert len(numbers) > 50
    [errors] = seen(KERNEL, f"[call(number, 0, 0, 0, 0, 0, 0) for number in {[*numbers.values()]}]")
    assert {name: error for name, error in zip(numbers, errors) if error != 1} == {}


DOORS = (
    KERNEL
    + """
import fcntl, mmap, os, platform
arm = platform.machine() == "aarch64"
def call(number, *arguments):
    ctypes.set_errno(0)
    libc.syscall.restype = ctypes.c_long
    got = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return ctypes.get_errno() if got == -1 else 0
high = 1 << 32  # which the kernel does not look at, and a filter may
"""
)


def test_sockets_of_its_own_family_only():
    """No network namespace covers vsock, and some others; TCP over lo holds 4 MB a connection."""
    socket_, pair = (198, 199) if platform.machine() == "aarch64" else (41, 53)
    opened, high, pairs = seen(
        DOORS + "room = (ctypes.c_int * 2)()\nspace = ctypes.addressof(room)\n",
        f"sorted({{f for f in range(64) for kind in (1, 2, 3, 5) if call({socket_}, f, kind, 0) == 0}})",
        f"sorted({{f for f in range(64) for kind in (1, 2, 3, 5) if call({socket_}, f + high, kind, 0) == 0}})",
        f"sorted({{f for f in range(64) for kind in (1, 2, 5) if call({pair}, f, kind, 0, space) == 0}})",
    )
    assert opened == [1] and high in ([], [1]) and pairs in ([1], [])


def test_quotas_that_an_account_shares():
    """Pipes that grow, locks of ranges, watches, terminals, keys, user namespaces: none can be had, or few."""
    number = 25 if platform.machine() == "aarch64" else 72
    grown, locked, shared, terminals, devices, limits = seen(
        DOORS + "pipe, file = os.pipe()[1], os.open('/tmp/x', os.O_RDWR | os.O_CREAT)\nimport resource\n",
        f"[call({number}, pipe, 1031 + bits, 1 << 20) for bits in (0, high)]",
        f"[call({number}, file, command + bits, 0) for command in (6, 7, 37, 38) for bits in (0, high)]",
        "[call(222 if arm else 9, 0, 4096, 3, flags + bits, -1, 0) for flags in (0x21, 0x23) for bits in (0, high)]",
        "[os.path.exists(path) for path in ('/dev/ptmx', '/dev/pts', '/dev/tty', '/dev/zero', '/dev/shm')]",
        "sorted(os.listdir('/dev'))",
        "[resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_SIGPENDING, "
        "resource.RLIMIT_MSGQUEUE, resource.RLIMIT_NPROC)]",
    )
    assert {*grown, *locked, *shared} == {1} and not any(terminals)
    assert devices == ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom"]
    assert limits == [0, 64, 0, sandbox.LIMITS["processes"]]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is of x86-64")
def test_the_other_numbers_of_the_same_machine():
    """A call of x32 passes no rule by being another number."""
    [got] = seen(DOORS, f"call({0x40000000 + 41}, 40, 1, 0)")
    assert got in (38, "it ended the program")


def test_small_pipes_are_large_enough(monkeypatch):
    """An account's pipes shrink to a page when they are many: more than a page goes in and out all the same."""
    can_sandbox()
    real = sandbox.subprocess.Popen
    monkeypatch.setattr(sandbox.subprocess, "Popen", lambda *a, **k: real(*a, **k | {"pipesize": 4096}))
    job = {
        "cells": ["x = 1  " + "#" * 300_000],
        "blocks": [["y = 2  " + "#" * 300_000, [[0, "['x' * 100000, x + y]"]]]],
    }
    assert sandbox.run(job, PATIENT)["values"] == {0: ["x" * 100_000, 3]}


@pytest.mark.parametrize("fails", [1, 9])
@pytest.mark.parametrize("how", ["refused", "ends"])
def test_where_a_sandbox_does_not_start_it_is_tried_again_and_the_reason_said(monkeypatch, how, fails):
    """A quota that another used up is nobody's answer."""
    can_sandbox()
    real, calls = sandbox.subprocess.Popen, []

    def started(command, **words):
        calls.append(command)
        if len(calls) > fails:
            return real(command, **words)
        if how == "ends":
            return real(["/bin/false"], **words)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(sandbox.subprocess, "Popen", started)
    monkeypatch.setattr(sandbox, "RETRIES", (0.01, 0.01))
    job = {"cells": ["x = 1"], "blocks": [["", [[0, "x"]]]]}
    if fails == 1:
        assert sandbox.run(job, PATIENT)["values"] == {0: 1} and len(calls) == 2
        return
    said = {"refused": "Operation not permitted", "ends": "it ended at once"}[how]
    with pytest.raises(sandbox.NoSandbox, match=rf"^this machine can start no sandbox more: {said}$"):
        sandbox.run(job, PATIENT)
    assert len(calls) == 3


HOLD = {
    "memfd": """
import os
held = 0
try:
    for n in range(20):
        file = os.memfd_create(str(n))
        for _ in range(40): held += os.write(file, bytes(1 << 20))
except OSError: pass
""",
    "shared memory": """
import ctypes
libc, held = ctypes.CDLL(None), 0
libc.shmat.restype, libc.shmat.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]
for n in range(20):
    number = libc.shmget(0, 40 << 20, 0o1600)
    if number < 0: break
    place = libc.shmat(number, None, 0)
    ctypes.memset(place, 1, 40 << 20), libc.shmdt(place)
    held += 40 << 20
""",
    "socket buffers": """
import socket
pairs, held = [], 0
try:
    for n in range(200):
        pairs.append(socket.socketpair())
        pairs[-1][0].setblocking(False)
        try: pairs[-1][0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
        except OSError: pass
        try:
            while True: held += pairs[-1][0].send(bytes(65536))
        except BlockingIOError: pass
except OSError: pass
""",
    "pipes": """
import os
held = 0
try:
    for n in range(200):
        end = os.pipe()[1]
        os.set_blocking(end, False)
        try:
            while True: held += os.write(end, bytes(65536))
        except BlockingIOError: pass
except OSError: pass
""",
    "a file system of its own": """
import ctypes, os
user, group = os.getuid(), os.getgid()
libc, held = ctypes.CDLL(None), 0
if libc.unshare(0x10020000) == 0:
    for file, text in {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}.items():
        open(f"/proc/self/{file}", "w").write(text)
libc.mount(b"x", b"/tmp", b"tmpfs", 0, b"size=2g")
try:
    for n in range(20):
        with open(f"/tmp/{n}", "wb", 0) as file: held += file.write(bytes(40 << 20))
except OSError: pass
""",
}


THREADS = """
import threading, time
try:
    while True: threading.Thread(target=time.sleep, args=[600], daemon=True).start()
except RuntimeError:
    pass
def taken():
    words = open("/proc/self/status").read().split()
    return [int(words[words.index(name) + 1]) for name in ("Threads:", "VmSize:")]
"""


def test_threads_leave_the_address_space_to_what_comes_after():
    """Each has its stack, and no pool of 64 MB of its own."""
    [[threads, taken]] = seen(THREADS, "taken()")
    assert threads == sandbox.LIMITS["processes"] and taken * 1024 < 400 * sandbox.MB


@pytest.mark.parametrize("way", HOLD)
def test_memory_that_no_process_is_charged_with(way):
    """All of it beyond the 64 MB of scratch counts, or cannot be had."""
    held = seen(HOLD[way] + "\nimport time\ntime.sleep(0.3)", "held", memory=300 * sandbox.MB)[0]
    assert held <= 80 * sandbox.MB


def test_what_is_in_the_process_when_the_probes_run():
    """Neither a master's text nor an expected value is in its memory or its frames."""
    homework, _ = read(NAME)
    wanted = [str(number) for value in solved(NAME)["values"].values() for number in flat(value)]
    wanted = [text for text in wanted if len(text) > 15][::4] + [probe.hint for probe in homework.probes]
    wanted += [CANARY, "mostly_kept", "noise * np.outer(x, x)"]
    assert len(wanted) > 30
    code = f"""
import ctypes, sys
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, or its memory is root's
backwards = {[text[::-1] for text in [*wanted, "def plain(value):"]]!r}
def look():
    frames, memory, frame = [], [], sys._getframe()
    while frame:
        frames.append(frame.f_code.co_filename)
        frame = frame.f_back
    for line in open("/proc/self/maps"):
        place, rights, *_ = line.split()
        if rights.startswith("rw"):
            start, end = (int(part, 16) for part in place.split("-"))
            with open("/proc/self/mem", "rb", 0) as file:
                file.seek(start)
                memory.append(file.read(end - start))
    # Only now are they put the right way round, so that what is found is not the search itself.
    found = [n for n, text in enumerate(backwards) if any(text[::-1].encode() in part for part in memory)]
    return [sorted(set(frames)), found]
"""
    setup = homework.job([])["blocks"][0][0]
    [[frames, found]] = seen("\n".join([*homework.given.values(), code]), "look()", setup=setup)
    assert set(frames) <= {"<string>", "cell 0", "probes"}
    assert [wanted[n] for n in found if n < len(wanted)] == []
    assert len(wanted) in found  # the program itself is there, so the search finds what there is


def flat(value):
    if isinstance(value, (list, dict)):
        return [one for part in (value.values() if isinstance(value, dict) else value) for one in flat(part)]
    return [value] if isinstance(value, float) else []

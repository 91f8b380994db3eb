"""One submission, run where it can do no harm: a process of its own user, without network, on a read-only file system.

`bubblewrap` builds the sandbox. Outside of it stays this module, which passes the job in, reads lines of JSON, counts
seconds, bytes and memory, and kills the sandbox with all that lives in it.
"""

import builtins
import contextlib
import errno
import functools
import importlib.resources
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MB = 2**20
LIMITS = {
    "step": 10,  # seconds of processor time for a cell or a probe
    "wait": 30,  # seconds on the clock for it: more, so that a busy machine is nobody's fault
    "whole": 120,  # seconds on the clock for a submission, all attempts together
    "memory": 2048 * MB,  # all processes of a submission together
    "channel": 4 * MB,  # what it may send back
    "scratch": 64 * MB,  # its /tmp
    "processes": 16,
}
LONGEST = 250_000  # bytes of one line that it sends
NEEDED = (0, 7)  # the first bubblewrap with --size
# System calls that a submission does without: they hold memory that no process is charged with, reach the teacher's
# keyring, look into other processes, or build namespaces in which one is root.
REFUSED = """
memfd_create memfd_secret shmget semget msgget mq_open setsockopt
add_key request_key keyctl
ptrace process_vm_readv process_vm_writev perf_event_open userfaultfd bpf
unshare setns mount umount2 pivot_root open_tree move_mount fsopen fsmount mount_setattr io_uring_setup
""".split()
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)  # of clone's flags
PYTHON = [sys.executable, "-I", "-B", "-W", "ignore", "-c"]
# In a container that is made for one submission and thrown away after it, as Gradescope's are, a user of its own and
# the limits stand in for bubblewrap where that is refused. What root alone may read stays out of reach; the network
# does not.
DISPOSABLE = "GRADING_DISPOSABLE_CONTAINER"


class NoSandbox(RuntimeError):
    """There is no safe place here to run a student's code."""


def _environment():
    """What the sandboxed Python sees of the environment: one thread, no display, and the choice of vector unit."""
    kept = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    kept |= {"HOME": "/tmp", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    # Or glibc reserves 64 MB of the address space for each thread, and a few threads leave none for the memory allowed.
    kept["MALLOC_ARENA_MAX"] = "1"
    return kept | {name: os.environ[name] for name in ["ATEN_CPU_CAPABILITY"] if name in os.environ}


@functools.cache
def _command():
    """What comes before the program on the command line, and whether it is bubblewrap's.

    Raises NoSandbox, in one sentence, where there is no sandbox.
    """
    try:
        return _bubblewrap(), True
    except NoSandbox:
        if os.environ.get(DISPOSABLE) and os.getuid() == 0:
            return PYTHON, False
        raise


def _bubblewrap():
    """bubblewrap's command line. Raises NoSandbox where it is missing, too old, or may make no namespaces."""
    bwrap = shutil.which("bwrap")
    if not sys.platform.startswith("linux") or not bwrap:
        raise NoSandbox(
            "grading runs students' code in a sandbox, which needs bubblewrap: on Debian and Ubuntu, apt install "
            "bubblewrap; on macOS and Windows, grade in a Linux virtual machine"
        )
    printed = subprocess.run([bwrap, "--version"], capture_output=True, text=True).stdout
    if tuple(map(int, re.findall(r"\d+", printed)[:2])) < NEEDED:
        raise NoSandbox(f"grading needs bubblewrap 0.7 or newer, and this is {printed.strip()}")
    command = [bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.getuid() == 0:
        # Root builds the walls, and the program inside takes a user of its own before it reads a line of a student's.
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
        if "--disable-userns" in subprocess.run([bwrap, "--help"], capture_output=True, text=True).stdout:
            command += ["--disable-userns"]
    command += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    for folder in ("/usr", "/bin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    # Before Python's folders, which may lie below it.
    command += ["--size", str(LIMITS["scratch"]), "--perms", "1777", "--tmpfs", "/tmp"]
    book = pathlib.Path(__file__).resolve().parent.parent
    for folder in ("/usr", sys.base_prefix, sys.prefix):
        if (book / "homework").is_dir() and book.is_relative_to(pathlib.Path(folder).resolve()):
            raise NoSandbox(f"the book lies in {folder}, which students' code may read; move the book, or its Python")
    for folder in dict.fromkeys([sys.base_prefix, sys.prefix]):
        if not folder.startswith("/usr/") and folder != "/usr":
            for parent in reversed(pathlib.PurePath(folder).parents[:-1]):
                command += ["--perms", "0755", "--dir", str(parent)]  # or they would be root's alone
            command += ["--ro-bind", folder, folder]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    command += ["--remount-ro", "/", "--chdir", "/tmp"]
    tried = subprocess.run([*command, *PYTHON, "print(42)"], capture_output=True, text=True, env=_environment())
    if tried.stdout != "42\n":
        said = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoSandbox(f"bubblewrap cannot make a sandbox here ({said}), so nothing was graded")
    return [*command, *PYTHON]


@functools.cache
def _filter():
    """The filter for system calls, as the kernel takes it, in hexadecimal. Raises NoSandbox where none can be made."""
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise NoSandbox("grading needs libseccomp and its Python package, pyseccomp") from error
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in REFUSED:
        with contextlib.suppress(OSError):  # a call that this machine has not
            rules.add_rule(seccomp.ERRNO(errno.EPERM), seccomp.resolve_syscall(seccomp.system_arch(), name))
    for flag in NAMESPACES:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # libraries then take clone, whose flags can be read
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read().hex()


def check():
    """Raise NoSandbox where there is none."""
    _command()
    _filter()


def missing():
    """Why there is no sandbox, or "": what a worker is asked."""
    try:
        check()
    except NoSandbox as error:
        return str(error)
    return ""


@functools.cache
def _program():
    return importlib.resources.files(__package__).joinpath("inside.py").read_text("utf-8")


def _processes(process, uid):
    """The processes of a submission: all that descend from bubblewrap; in a container, all of that user."""
    if not _command()[1]:
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _owner(pid) == uid]
    found, todo = [], [process.pid]
    while todo:
        one, before = todo.pop(), len(found)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as file:
                    found += map(int, file.read().split())
        todo += found[before:]
    return found


def _owner(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _used(pids):
    """(bytes in memory, seconds of processor time) of these processes."""
    memory, ticks = 0, 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # its own, and those of children that have ended
            memory += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return memory, ticks / os.sysconf("SC_CLK_TCK")


def _end(process, uid):
    """Kill all of it. With the first process of its namespace the kernel kills the others."""
    for _ in range(100):
        pids = _processes(process, uid)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        if not pids or _command()[1]:
            return
    process.kill()
    process.wait()


def _line(text):
    """The list that a line of JSON says, or None for anything else: broken, too deep, a number too long."""
    try:
        line = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, list) and line and isinstance(line[0], str) else None


def attempt(cells, blocks, limits, deadline):
    """Run it once. Yields each line that comes back, and last (None, why) where the sandbox had to be stopped or ended.

    Nothing of a line can be trusted: the student's code may have written it.
    """
    confined = {"AS": 2 * limits["memory"], "FSIZE": limits["scratch"], "NPROC": limits["processes"], "NOFILE": 64}
    uid = random.SystemRandom().randrange(50_000, 60_000)
    confined |= {"CPU": int(limits["whole"]), "CORE": 0, "uid": uid, "filter": _filter()}
    process = subprocess.Popen(
        [*_command()[0], _program()],
        env=_environment(),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pipesize=MB,
    )
    inbox, channel = process.stdin.fileno(), process.stdout.fileno()
    try:
        process.stdin.write(json.dumps({"limits": confined, "cells": cells}).encode() + b"\n")
        process.stdin.flush()
        # From here on a student's code may sit at the other end: neither reading nor writing may wait for it.
        os.set_blocking(inbox, False)
        os.set_blocking(channel, False)
        waiting, received, look = b"", 0, 0.0
        began, used, base = time.monotonic(), 0.0, 0.0
        while True:
            stepped = False
            if select.select([channel], [], [], 0.1)[0]:
                data = os.read(channel, MB)  # all that is there: on a busy machine it is we who may be late
                if not data:
                    yield None, "it ended the program"
                    return
                received += len(data)
                if received > limits["channel"]:
                    yield None, "it wrote too much"
                    return
                *lines, waiting = (waiting + data).split(b"\n")
                for line in filter(None, map(_line, lines)):
                    if line == ["ready"] and blocks is not None:
                        os.write(inbox, json.dumps(blocks).encode() + b"\n")
                        blocks = None
                    stepped |= line[0] in ("cell", "ready", "block", "probe")
                    yield tuple(line)
                    if line == ["end"]:
                        return
            now = time.monotonic()
            if stepped or now > look:
                look = now + 0.1
                memory, used = _used(_processes(process, uid))
                if memory > limits["memory"]:
                    yield None, f"it used more than {limits['memory'] // MB} MB of memory"
                    return
            if stepped:
                began, base = now, used
            if now > deadline:
                yield None, f"all of it took longer than {limits['whole']} s"
                return
            if now - began > limits["wait"]:
                yield None, f"it took longer than {limits['wait']} s"
                return
            if used - base > limits["step"]:
                yield None, f"it took longer than {limits['step']} s"
                return
    except (BrokenPipeError, BlockingIOError):
        yield None, "it ended the program"
    finally:
        _end(process, uid)
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()


def _known(name):
    """The name of one of Python's own exceptions, and for all else a word that carries nothing."""
    kind = getattr(builtins, name, None)
    return name if isinstance(kind, type) and issubclass(kind, BaseException) else "Exception"


def run(job, limits=LIMITS):
    """Run the cells of a submission and evaluate the probes.

    job: {"cells": [source, ...], "blocks": [[setup, [[number, expression], ...]], ...]}, the probes numbered
    throughout. Gives {"values": {number: JSON value}, "faults": {number: name of the exception},
    "stopped": {number: why}, "cells": {cell: [name of the exception or why it was stopped, line]}}.

    A step that hangs or ends the program is left out of the next attempt, so that the rest still counts. Raises
    NoSandbox.
    """
    deadline = time.monotonic() + limits["whole"]
    cells = dict(enumerate(job["cells"]))
    longest = max((source.count("\n") + 1 for source in cells.values()), default=1)
    open_ = {number for _, probes in job["blocks"] for number, _ in probes}
    values, faults, stopped, broken = {}, {}, {}, {}
    why = None
    while open_:
        blocks = [[setup, [probe for probe in probes if probe[0] in open_]] for setup, probes in job["blocks"]]
        blocks = [block for block in blocks if block[1]]
        at, why, ready = None, None, False
        for line in attempt(list(cells.items()), blocks, limits, deadline):
            match line:
                case (None, why):
                    pass
                case ("ready",):
                    ready = True
                case ("cell", int(number)) if number in cells and not ready:
                    at = ("cell", number)
                case ("fault", int(number), str(name), line_number) if at == ("cell", number) and not ready:
                    # Told to the student: no probe has entered the sandbox yet, so none can be told with it.
                    sane = isinstance(line_number, int) and 0 < line_number <= longest
                    broken[number] = [_known(name), line_number if sane else None]
                case ("block" | "probe" as kind, int(number)) if number in open_ and ready:
                    at = (kind, number)
                case ("value", int(number), value) if at == ("probe", number):
                    values[number] = value
                    open_.discard(number)
                case ("fault", int(number), str(name), _) if at == ("probe", number):
                    faults[number] = _known(name)
                    open_.discard(number)
        if why is None or time.monotonic() > deadline:
            break
        match at:
            case ("cell", number):
                broken[number] = [why, None]
                del cells[number]
            case ("block" | "probe" as kind, number) if number in open_:
                stopped[number] = why
                mates = next({one for one, _ in probes} for _, probes in job["blocks"] if number in dict(probes))
                late = [one for one in mates if stopped.get(one, "").startswith("it took longer")]
                if kind == "block" or len(late) > 1:  # the others would leave the rest no time
                    stopped |= dict.fromkeys(mates & open_, why)
                open_ -= stopped.keys()
            case _ if len(open_) == sum(len(block[1]) for block in blocks):
                break  # nothing came of this attempt, so nothing would of the next
    stopped |= dict.fromkeys(open_, why or "it ended the program")
    return {"values": values, "faults": faults, "stopped": stopped, "cells": broken}

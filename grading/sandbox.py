"""One submission, run where it can do no harm: a process of its own user, without network, on a read-only file system.

`bubblewrap` builds the sandbox. Outside of it stays this module, which passes the job in, reads lines of JSON, counts
seconds, bytes and memory, and kills the sandbox with all that lives in it.
"""

import builtins
import collections
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
    "memory": 2048 * MB,  # all processes of a submission together, and its /tmp
    "channel": 4 * MB,  # what it may send back
    "scratch": 64 * MB,  # its /tmp
    "files": 10_000,  # in its /tmp, links and folders among them
    "processes": 16,
}
RETRIES = (0.2, 1, 3)  # seconds to wait where a sandbox does not start: another may have taken what it needs
UNSTARTED = "this machine can start no sandbox more"
LOOK = 0.05  # seconds between two looks at what it uses
SPARE = 512 * MB  # of addresses beyond the memory: what programs map and never touch
INODE = 1536  # bytes of the kernel's that a file costs, empty or not
LONGEST = 250_000  # bytes of one line that it sends
DEEPEST = 40  # lists in lists of a value: more could be read here and not sent on
NEEDED = (0, 7)  # the first bubblewrap with --size
# System calls that a submission does without: they hold memory that no process is charged with, reach quotas that the
# teacher's account shares, look into other processes, build namespaces in which one is root, or are new doors to the
# kernel.
REFUSED = """
memfd_create memfd_secret shmget semget msgget mq_open setsockopt vmsplice splice tee remap_file_pages
add_key request_key keyctl inotify_init inotify_init1 fanotify_init fanotify_mark quotactl quotactl_fd
io_setup io_submit io_uring_setup io_uring_enter io_uring_register perf_event_open userfaultfd bpf
ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp open_by_handle_at name_to_handle_at
unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsmount fsconfig fspick mount_setattr
init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct syslog iopl ioperm
settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname modify_ldt uselib lookup_dcookie
move_pages migrate_pages mbind set_mempolicy
""".split()
UNIX = 1  # the one family of sockets there is: others reach beyond the sandbox, and TCP holds 4 MB a connection
PIPE, LOCKS = (1031,), (6, 7, 37, 38)  # of fcntl's commands: a pipe's size, locks of ranges, of which there is no end
SHARED = 0x21  # of mmap's flags: memory that stays when no process has it in view
NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)  # of clone's flags
PYTHON = [sys.executable, "-I", "-B", "-W", "ignore", "-c"]
# In a container that is made for one submission and thrown away after it, as Gradescope's are, a user of its own and
# the limits stand in for bubblewrap where that is refused. What root alone may read stays out of reach; the network
# does not.
DISPOSABLE = "GRADING_DISPOSABLE_CONTAINER"


# Where the kernel itself holds memory and processes of a submission together, in a control group (version 2): one that
# systemd makes, or one below a folder that a teacher hands over.
GROUPS = pathlib.Path("/sys/fs/cgroup")
HANDED = "GRADING_CGROUP"
MOVED = ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"']  # into the group whose file is named, and then on
SESSION = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")  # what systemd's command asks the environment for


def longer(time):
    """The limits of seconds, `time` times as long."""
    return LIMITS | {name: LIMITS[name] * time for name in ("step", "wait", "whole")}


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
    # No terminals, which an account has few of, and no /dev/zero: mapped, it is memory that no process is charged with.
    command += ["--proc", "/proc", "--perms", "0755", "--dir", "/dev"]
    for name in ("null", "full", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        command += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
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
    for call in ("socket", "socketpair"):
        rules.add_rule(seccomp.ERRNO(errno.EAFNOSUPPORT), call, seccomp.Arg(0, seccomp.NE, UNIX))
    low = 0xFFFFFFFF  # the kernel reads this half of the number, and no more
    for command in PIPE + LOCKS:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "fcntl", seccomp.Arg(1, seccomp.MASKED_EQ, low, command))
    rules.add_rule(seccomp.ERRNO(errno.EPERM), "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, SHARED, SHARED))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read().hex()


def check():
    """Raise NoSandbox where there is none."""
    _command()
    _filter()
    _groups()


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


def _capped(limits):
    """What the control group of a submission is told, by the names that the kernel has for it."""
    tasks = limits["processes"] + 4  # and bubblewrap's own
    return {"memory.max": limits["memory"], "memory.swap.max": 0, "pids.max": tasks, "memory.oom.group": 1}


def _systemd(limits):
    """The command that starts another in a control group made by systemd."""
    told = _capped(limits)
    words = {"MemoryMax": told["memory.max"], "MemorySwapMax": 0, "TasksMax": told["pids.max"]}
    whose = [] if os.getuid() == 0 else ["--user"]
    command = [shutil.which("systemd-run"), *whose, "--scope", "--quiet", "--collect"]
    command += [part for name, value in words.items() for part in ("-p", f"{name}={value}")]
    return [*command, "/usr/bin/env", *(part for name in SESSION for part in ("-u", name))]


def _bus():
    return _environment() | {name: os.environ[name] for name in SESSION if name in os.environ}


def _group_of(text):
    """The folder of the control group that a /proc/PID/cgroup names, or None."""
    found = re.search(r"^0::/(.*)$", text, re.M)
    return GROUPS / found[1] if found else None


@functools.cache
def _groups():
    """Who makes control groups here: "systemd", the folder that was handed over, or nobody: None."""
    if folder := os.environ.get(HANDED):
        try:
            hands_down = pathlib.Path(folder, "cgroup.subtree_control").read_text().split()
        except OSError:
            hands_down = []
        if not {"memory", "pids"} <= {*hands_down} or not os.access(folder, os.W_OK):
            raise NoSandbox(f"{HANDED}={folder} is no control group that hands memory and pids down to you")
        trial = pathlib.Path(tempfile.mkdtemp(prefix="trial-", dir=folder))
        moved = subprocess.run([*MOVED, str(trial / "cgroup.procs"), "/bin/true"], capture_output=True)
        with contextlib.suppress(OSError):
            trial.rmdir()
        if moved.returncode:  # the grader has to live below it, or the kernel moves no process of its
            raise NoSandbox(f"{HANDED}={folder} takes no process of the grader's: start the grader below it")
        return pathlib.Path(folder)
    if not shutil.which("systemd-run") or not (GROUPS / "cgroup.controllers").exists():
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        shown = f'cat "{GROUPS}$(sed -n s,^0::,,p /proc/self/cgroup)/memory.max"'
        asked = [*_systemd(LIMITS), "/bin/sh", "-c", shown]
        done = subprocess.run(asked, env=_bus(), capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
        if done.stdout.split() == [str(LIMITS["memory"])]:
            return "systemd"
    return None


def in_force():
    """In one line, who holds the memory of a submission."""
    if not _groups():
        return "memory is counted from outside, 20 times a second: no control group can be had here"
    return f"memory is held by the kernel, in a control group of {_groups()}"


class _Group:
    """The control group of one submission, or nothing that is like it."""

    def __init__(self, limits):
        self.path, self.made, self.command, self.environment = None, False, [], _environment()
        if _groups() == "systemd":
            self.command, self.environment = _systemd(limits), _bus()
        elif _groups():
            self.path = pathlib.Path(tempfile.mkdtemp(prefix="submission-", dir=_groups()))
            for name, value in _capped(limits).items():
                try:
                    (self.path / name).write_text(str(value))
                except OSError as error:
                    if name != "memory.swap.max":  # which is not there where there is no swap
                        raise NoSandbox(f"{self.path / name}: {error.strerror}") from error
            self.command = [*MOVED, str(self.path / "cgroup.procs")]

    def find(self, pid):
        if self.command and not self.path:
            self.path = _group_of(pathlib.Path(f"/proc/{pid}/cgroup").read_text())

    def _says(self, file, word):
        """A number of one of the kernel's tables, 0 without one."""
        with contextlib.suppress(OSError, TypeError):
            for line in (self.path / file).read_text().splitlines():
                if line.split()[0] == word:
                    return int(line.split()[1])
        return 0

    def full(self):
        """Whether the kernel had to end something in it for want of memory."""
        return self._says("memory.events", "oom_kill") > 0

    def seconds(self):
        return self._says("cpu.stat", "usage_usec") / 1e6

    def end(self):
        if self.path and isinstance(_groups(), pathlib.Path):
            for _ in range(100):
                try:
                    return self.path.rmdir()
                except OSError:
                    time.sleep(0.01)


class _Gauge:
    """What a sandbox uses, read from outside: in its own /proc, which lists all that lives in it, and in its /tmp."""

    def __init__(self, process, uid):
        self.uid, self.handles, self.lost, self.last = uid, [], 0, 0
        root = ""
        if _command()[1]:
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
                root = f"/proc/{int(file.read().split()[0])}/root"
        try:
            for place in ("/proc", "/tmp"):
                self.handles.append(os.open(root + place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError:  # it ended in between
            self.close()
            raise
        self.walled = bool(root)

    def close(self):
        for handle in self.handles:
            os.close(handle)

    def _stat(self, path):
        """The fields of a process or a thread, from its state on; none where it has ended."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.handles[0])
            with os.fdopen(handle, "rb") as file:
                return list(map(int, file.read().rpartition(b")")[2].split()[1:]))
        except (OSError, ValueError):
            return []

    def _threads(self, pid):
        try:
            handle = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.handles[0])
        except OSError:
            return []
        try:
            return os.listdir(handle)
        except OSError:
            return []
        finally:
            os.close(handle)

    def read(self):
        """(bytes in memory, seconds of processor time, files)."""
        memory, ticks = 0, 0
        for pid in filter(str.isdigit, os.listdir(self.handles[0])):
            if not self.walled and _owner(pid) != self.uid:
                continue
            if fields := self._stat(f"{pid}/stat"):
                ticks += sum(fields[10:14])  # its own, and those of children that have ended
            # One thread may have ended, the first too, and hold nothing, while others go on.
            held = [fields[20] for name in self._threads(pid) if (fields := self._stat(f"{pid}/task/{name}/stat"))]
            memory += max(held, default=0) * os.sysconf("SC_PAGE_SIZE")
        self.lost += max(0, self.last - ticks)  # of children that ended unseen by their parents
        self.last, files = ticks, 0
        if self.walled:
            about = os.fstatvfs(self.handles[1])
            files = about.f_files - about.f_ffree
            memory += (about.f_blocks - about.f_bfree) * about.f_frsize + files * INODE
        return memory, (self.lost + ticks) / os.sysconf("SC_CLK_TCK"), files


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


def _shallow(value, levels=DEEPEST):
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(part, levels - 1) for part in parts)


def _line(text):
    """The list that a line of JSON says, or None for anything else: broken, too deep, a number too long."""
    try:
        line = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, list) and line and isinstance(line[0], str) and _shallow(line) else None


def _steps(cells, blocks):
    """What is due from the program inside, in this order."""
    due = [["cell", number] for number, _ in cells] + [["ready"]]
    for _, probes in blocks:
        due += [["block", probes[0][0]], *(["probe", number] for number, _ in probes)]
    return due


def _over(memory, files, limits):
    """Which limit is passed, if one is."""
    if memory > limits["memory"]:
        return f"it used more than {limits['memory'] // MB} MB of memory"
    if files > limits["files"]:
        return f"it made more than {limits['files']} files"
    return ""


def _late(now, began, used, deadline, limits):
    """Which time has run out, if one has; used: by this step, and by all of the submission, of processor time."""
    if now > deadline or used[1] > limits["whole"]:
        return f"all of it took longer than {limits['whole']} s"
    if now - began > limits["wait"]:
        return f"it took longer than {limits['wait']} s"
    return f"it took longer than {limits['step']} s" if used[0] > limits["step"] else ""


CROWDED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def attempt(cells, blocks, limits, deadline, spent):
    """Run it once. Yields each line that comes back; (None, seconds of processor time since the last look); and last
    (None, why) where the sandbox had to be stopped or ended.

    Nothing of a line can be trusted: the student's code may have written it. spent: [seconds of processor time, ...] of
    the attempts before, to which this one's are added.
    """
    confined = {"AS": limits["memory"] + SPARE, "FSIZE": limits["scratch"], "NPROC": limits["processes"], "NOFILE": 64}
    uid = random.SystemRandom().randrange(50_000, 60_000)
    confined |= {"CPU": int(limits["whole"]) + 5, "CORE": 0, "MEMLOCK": 0, "MSGQUEUE": 0, "SIGPENDING": 64}
    confined |= {"uid": uid, "filter": _filter()}
    group = _Group(limits)
    try:
        process = subprocess.Popen(
            [*group.command, *_command()[0], _program()],
            env=group.environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        group.end()
        yield None, f"{UNSTARTED}: {error.strerror}"
        return
    inbox, channel, gauge = process.stdin.fileno(), process.stdout.fileno(), None
    # A student's code may sit at the other end, and the pipes may be small: neither reading nor writing waits.
    os.set_blocking(inbox, False)
    os.set_blocking(channel, False)
    outbox = json.dumps({"limits": confined, "cells": cells}).encode() + b"\n"
    due = _steps(cells, blocks)[::-1]
    waiting, lines, received, look, silent = b"", collections.deque(), 0, 0.0, True
    asks, told = False, False  # for the probes, as "ready" does; and whether they were sent
    before, used, base, misses = sum(spent), 0.0, 0.0, 0
    spent.append(0.0)
    began = time.monotonic()
    try:
        while True:
            stepped, ended = False, False
            pause = 0 if lines and asks == told else LOOK
            come, free, _ = select.select([] if lines else [channel], [inbox] if outbox else [], [], pause)
            if free:
                try:
                    outbox = outbox[os.write(inbox, outbox) :]
                except BrokenPipeError:  # it has ended; what it said before is still to be read
                    outbox = b""
            if come:
                data = os.read(channel, MB)  # all that is there: on a busy machine it is we who may be late
                if not data and silent:  # not a word, so nothing of the student's has run
                    yield None, f"{UNSTARTED}: it ended at once"
                    return
                silent = False
                if not data:
                    if asks > told:
                        yield ("ready",)
                    yield None, _over(limits["memory"] + group.full(), 0, limits) or "it ended the program"
                    return
                received += len(data)
                if received > limits["channel"]:
                    yield None, "it wrote too much"
                    return
                *whole, waiting = (waiting + data).split(b"\n")
                lines.extend(filter(None, map(_line, whole)))
            while lines and not ended and asks == told:
                line = lines.popleft()
                if line == ["ready"]:
                    asks = True
                    continue
                # Or a number sent again and again would leave it all the time in the world.
                if due and line == due[-1]:
                    stepped = bool(due.pop())
                yield tuple(line)
                ended = line == ["end"]
            now = time.monotonic()
            if not silent and (stepped or ended or asks > told or now > look):
                try:
                    if not gauge:
                        gauge = _Gauge(process, uid)
                        group.find(process.pid)
                    memory, used, files = gauge.read()
                    misses = 0
                except (OSError, IndexError) as error:
                    if ended:
                        return
                    # It has ended, and what it said before is still to be read; or it hides, which it may not.
                    misses += 1
                    if getattr(error, "errno", None) in CROWDED or misses > 20:
                        raise
                    continue
                memory, used = max(memory, limits["memory"] + 1) if group.full() else memory, max(used, group.seconds())
                look = time.monotonic() + LOOK
                yield None, used - spent[-1]
                spent[-1] = used
                if ended:
                    return
                if why := _over(memory, files, limits):
                    yield None, why
                    return
                if asks > told:  # what the cells have used is seen, and may be told, before the probes enter
                    outbox, told = outbox + json.dumps(blocks).encode() + b"\n", True
                    if due and due[-1] == ["ready"]:
                        stepped = bool(due.pop())
                    yield ("ready",)
            if stepped:
                began, base = now, used
            if why := _late(now, began, (used - base, before + used), deadline, limits):
                yield None, why
                return
    except (OSError, IndexError) as error:
        if getattr(error, "errno", None) in CROWDED:
            raise NoSandbox(f"this machine can watch no sandbox more: {error.strerror}") from error
        if asks > told:
            yield ("ready",)
        yield None, f"{UNSTARTED}: it ended at once" if silent else "it ended the program"
    finally:
        _end(process, uid)
        if gauge:
            gauge.close()
        group.end()
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
    "stopped": {number: why}, "cells": {cell: [name of the exception or why it was stopped, line]},
    "seconds": {number: of processor time, None: of the cells and the start}}.

    A step that hangs or ends the program is left out of the next attempt, so that the rest still counts. Raises
    NoSandbox.
    """
    deadline = time.monotonic() + limits["whole"]
    cells = dict(enumerate(job["cells"]))
    longest = max((source.count("\n") + 1 for source in cells.values()), default=1)
    open_ = {number for _, probes in job["blocks"] for number, _ in probes}
    values, faults, stopped, broken, seconds = {}, {}, {}, {}, collections.Counter()
    why, spent, blamed, waits = None, [], False, [*RETRIES]
    while open_:
        blocks = [[setup, [probe for probe in probes if probe[0] in open_]] for setup, probes in job["blocks"]]
        blocks = [block for block in blocks if block[1]]
        at, why, ready, before = None, None, False, None
        for line in attempt(list(cells.items()), blocks, limits, deadline, spent):
            match line:
                case (None, float(more)):
                    seconds[before] += more
                    before = at[1] if at and at[0] != "cell" else None
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
        if why and why.startswith(UNSTARTED):
            if not waits:
                raise NoSandbox(why)
            time.sleep(waits.pop(0))
            continue
        if why is None or time.monotonic() > deadline or sum(spent) > limits["whole"]:
            break
        match at:
            case ("cell", number) if not ready or not blamed:
                # It may have read the probes by now, so that when and how it ends could tell the student of them.
                broken[number] = ["it ended the program" if ready else why, None]
                blamed |= ready
                del cells[number]
            case ("block" | "probe" as kind, number) if number in open_:
                stopped[number] = why
                mates = next({one for one, _ in probes} for _, probes in job["blocks"] if number in dict(probes))
                late = [one for one in mates if stopped.get(one, "").startswith("it took longer")]
                if kind == "block" or len(late) > 1:  # the others would leave the rest no time
                    stopped |= dict.fromkeys(mates & open_, why)
                open_ -= stopped.keys()
            case _ if len(open_) == sum(len(block[1]) for block in blocks) or (at and at[0] == "cell"):
                break  # nothing came of this attempt, so nothing would of the next
    stopped |= dict.fromkeys(open_, why or "it ended the program")
    return {"values": values, "faults": faults, "stopped": stopped, "cells": broken, "seconds": dict(seconds)}

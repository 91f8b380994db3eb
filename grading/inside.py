"""Runs in the sandbox, and only there: the cells in at standard input, then, when they have run, the probes; out at
standard output a line of JSON for each step.

Student code shares this process. It can read and change everything here, and say what it likes on the way out; so
nothing here is secret for long, and nothing that leaves here is believed. The limits are kept from outside.
"""

import builtins
import ctypes
import json
import linecache
import os
import re
import resource
import signal
import struct
import sys
import types

LONGEST = 200_000  # characters of one value
MAGIC = re.compile(r"^(\s*)([%!].*)$", re.M)
AWAIT, COROUTINE = 0x2000, 0x80  # of ast and inspect, which each submission would import for them
INSTALL = re.compile(r"^((?:pip|conda) .*)$", re.M)  # which Jupyter takes without a sign before it


def confine(limits):
    """Give up root, where we have it, and everything beyond the limits: a dict from resource to its hard limit."""
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS: no program gives more rights than this one has
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(limits["uid"], limits["uid"], limits["uid"])
        os.setresuid(limits["uid"], limits["uid"], limits["uid"])
    for name in ("AS", "FSIZE", "NPROC", "NOFILE", "CPU", "CORE", "MEMLOCK", "MSGQUEUE", "SIGPENDING"):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limits[name], limits[name]))
    steps = bytes.fromhex(limits["filter"])
    held = ctypes.create_string_buffer(steps)
    program = struct.pack("HP", len(steps) // 8, ctypes.addressof(held))
    if ctypes.CDLL(None).prctl(22, 2, program, 0, 0):  # PR_SET_SECCOMP: it holds for good, and for all children
        raise OSError("no filter for system calls")


def plain(value):
    """The value in JSON's types: arrays and tensors become nested lists."""
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a {type(value).__name__} is no number, text, list or array")


def compiled(source, name):
    """The code of a cell. What is no Python is read as IPython does (%magic, !command, name?, await)."""
    try:
        code = compile(source, name, "exec", AWAIT)
    except SyntaxError:
        source = translated(source)
        code = compile(source, name, "exec", AWAIT)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return code


def translated(source):
    """IPython's language as Python: its lines become calls of get_ipython()."""
    source = INSTALL.sub(r"%\1", source)
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:  # it is not on every machine that grades
        return MAGIC.sub(r"\1pass", source)
    return TransformerManager().transform_cell(source)


class Nothing:
    """What a shell that is none has: it may be called, asked for its parts, looked through, and nothing comes of it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()

    def __call__(self, *_, **__):
        return None

    def __iter__(self):
        return iter(())


class Shell(Nothing):
    """What get_ipython() gives: there is no shell here and no magic, but what these time or capture runs."""

    def __init__(self, scope):
        self.user_ns, self.loop = scope, None

    def run(self, source, name):
        code = compiled(source, name)
        waiting = eval(code, self.user_ns)
        if code.co_flags & COROUTINE:
            import asyncio

            self.loop = self.loop or asyncio.new_event_loop()
            self.loop.run_until_complete(waiting)

    def getoutput(self, *_, **__):
        return []

    def run_line_magic(self, name, line="", *_, **__):
        if name == "timeit":
            return types.SimpleNamespace(average=0.0, best=0.0, worst=0.0, stdev=0.0, loops=1, repeat=1, timings=[0.0])
        if name == "time":
            try:
                code = compile(line.strip(), "cell magic", "eval")
            except SyntaxError:
                return self.run(line, "cell magic")
            return eval(code, self.user_ns)

    def run_cell_magic(self, name, line, source):
        if name in ("time", "timeit", "capture", "prun"):
            self.run("\n" + source, "cell magic")  # in the lines it has in its cell


def prepared(setup, scope, mine):
    """(what the statements before the probes leave, the fault of one that failed). Where one fails, all run once more
    without the names that hide Python's own from the answers."""
    code = compile(setup, "probes", "exec")
    for hiding in [{}, mine] if mine else [{}]:
        here = {name: value for name, value in scope.items() if name not in mine}
        for name in hiding:
            scope.pop(name, None)
        try:
            exec(code, here)
            return here, None
        except BaseException as error:
            broken = fault(error)
        finally:
            scope.update(hiding)
    return here, broken


def asked(expression, here, scope, mine):
    """The value of a probe. Where it fails, once more without the names that hide Python's own from the answers."""
    code = compile(expression, "probes", "eval")
    try:
        return plain(eval(code, here))
    except Exception:
        if not mine:
            raise
    for name in mine:
        scope.pop(name, None)
    try:
        return plain(eval(code, here))
    finally:
        scope.update(mine)


def fault(error):
    """[type, line] of an exception: its text could say anything, and stays here."""
    names = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.startswith("cell "):
            line = trace.tb_lineno
        trace = trace.tb_next
    return [names[0], line if isinstance(line, int) else None]


def main():
    inbox = os.fdopen(os.dup(0), encoding="utf-8")
    job = json.loads(inbox.readline())
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    confine(job["limits"])

    def send(*line):
        text = json.dumps(line)
        if len(text) > LONGEST:
            raise ValueError("the value is too long")
        data = text.encode() + b"\n"
        while data:
            data = data[os.write(channel, data) :]

    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    scope = module.__dict__
    scope["display"] = lambda *_, **__: None
    shell = Shell(scope)
    scope["get_ipython"] = lambda: shell
    # IPython itself takes it from here, and gives it to who imports it.
    sys.modules["IPython.core.getipython"] = types.ModuleType("IPython.core.getipython")
    sys.modules["IPython.core.getipython"].get_ipython = scope["get_ipython"]
    builtins.input = lambda *_: ""
    for number, source in job["cells"]:
        send("cell", number)
        try:
            shell.run(source, f"cell {number}")
        except BaseException as error:
            send("fault", number, *fault(error))
    send("ready")
    for setup, probes in json.loads(inbox.readline()):
        send("block", probes[0][0])
        # A student's `list = [1, 2, 3]` is no fault: probes see Python's own.
        mine = {name: value for name, value in scope.items() if name[0] != "_" and hasattr(builtins, name)}
        here, broken = prepared(setup, scope, mine)
        for number, expression in probes:
            send("probe", number)
            try:
                if broken:
                    send("fault", number, *broken)
                else:
                    send("value", number, asked(expression, here, scope, mine))
            except BaseException as error:
                send("fault", number, *fault(error))
    send("end")
    signal.pause()  # until the sandbox is taken down


if __name__ == "__main__":
    main()

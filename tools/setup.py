# Makes or completes the environment .venv with what requirements.txt pins. Runs under any Python 3, also one too old
# for the book, so that it can say so: keep the syntax plain.
"""Usage: python tools/setup.py VENV [book | all | no-torch]

book: what building the site needs (book/requirements.in); all: everything; no-torch: everything but torch.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

GOOD = [(3, 13), (3, 12), (3, 11)]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PINS = os.path.join(ROOT, "requirements.txt")
BOOK = os.path.join(ROOT, "book", "requirements.in")
OFFLINE = "NewConnection|Failed to establish|getaddrinfo|name resolution|unreachable|ProxyError|Timeout|refused"


def stop(sentence):
    sys.exit("dropout-book: " + sentence)


def say(text):
    print(text)
    sys.stdout.flush()


def version_of(python):
    """(major, minor) of an interpreter, or None where it does not run."""
    try:
        out = subprocess.check_output(
            [python, "-c", "import sys; print(*sys.version_info[:2])"], stderr=subprocess.DEVNULL
        )
        return tuple(int(part) for part in out.split())
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def find_python():
    """The running interpreter where it will do, else the newest of the supported ones on the PATH."""
    if sys.version_info[:2] in GOOD:
        return sys.executable
    for version in GOOD:
        python = shutil.which("python%d.%d" % version)
        if python and version_of(python) == version:
            return python
    stop(
        "Python 3.11, 3.12 or 3.13 is needed and this is %d.%d; install one, or name one: make PYTHON=python3.12"
        % sys.version_info[:2]
    )


def run(*command):
    """Run a command; return (succeeded, all it printed)."""
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = done.communicate()[0].decode("utf-8", "replace")
    return done.returncode == 0, printed


def install(*command):
    """Run pip; say each package as it comes and, at once, when the network does not answer. As `run` otherwise."""
    # pip's five tries are forty silent seconds without a network.
    env = dict(os.environ, PIP_RETRIES=os.environ.get("PIP_RETRIES", "2"), PYTHONUNBUFFERED="1")
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    printed, count, told = [], 0, False
    width = shutil.get_terminal_size().columns - 1
    for raw in done.stdout:
        line = raw.decode("utf-8", "replace")
        printed.append(line)
        found = re.match(r"Collecting (\S+)", line)
        if found and sys.stdout.isatty():
            count += 1
            sys.stdout.write("\r%s" % ("  %d: %s" % (count, found.group(1)))[:width].ljust(width))
            sys.stdout.flush()
        elif line.startswith("Installing collected packages"):
            say(("\n" if count else "") + "  installing ...")
        elif "Retrying" in line and not told:
            told = True
            say("  no answer from the network; trying again ...")
    return done.wait() == 0, "".join(printed)


def environment(venv):
    """The interpreter of the environment; makes it where it is missing, broken or another Python's."""
    inside = os.path.join(venv, "Scripts" if os.name == "nt" else "bin", "python")
    python = find_python()
    if version_of(inside) == version_of(python) and run(inside, "-m", "pip", "--version")[0]:
        return inside
    if not run(python, "-c", "import venv, ensurepip")[0]:
        stop("this Python has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)")
    made, printed = run(python, "-m", "venv", "--clear", venv)
    if not made:
        stop("could not make %s: %s" % (venv, printed.strip().split("\n")[-1]))
    return inside


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["book"], ["all"], ["no-torch"]):
        sys.exit(__doc__)
    venv, what = sys.argv[1], (sys.argv[2:] or ["all"])[0]
    words = {"book": "what building the site needs", "all": "everything (some minutes)", "no-torch": "all but torch"}
    say("Setting up %s (Python %d.%d): %s ..." % (venv, *version_of(find_python()), words[what]))
    pip = [environment(venv), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    if what == "book":
        done, printed = install(*pip, "-r", BOOK, "-c", PINS)
    elif what == "all":
        done, printed = install(*pip, "-r", PINS)
    else:
        with tempfile.TemporaryDirectory() as folder:
            chosen = os.path.join(folder, "requirements.txt")
            with open(PINS, encoding="utf-8") as pins, open(chosen, "w", encoding="utf-8") as file:
                file.writelines(line for line in pins if not line.startswith("torch=="))
            done, printed = install(*pip, "-r", chosen)
    if done:
        return
    if re.search(OFFLINE, printed):
        stop("the packages could not be downloaded; check the network connection and run the same command again")
    if re.search("No matching distribution found for torch", printed):
        stop("there is no torch for this system; make book and make serve work without, and the notebooks run in Colab")
    sys.stderr.write(printed)
    stop("pip could not install what %s pins; its own words stand above" % os.path.basename(PINS))


if __name__ == "__main__":
    main()

# Makes the environment .venv from requirements.txt. Runs under any Python 3, also one too old for the book,
# so that it can say so: keep the syntax plain.
"""Usage: python tools/setup.py VENV REQUIREMENTS"""

import os
import re
import shutil
import subprocess
import sys

GOOD = [(3, 13), (3, 12), (3, 11)]


def stop(sentence):
    sys.exit("dropout-book: " + sentence)


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


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    venv, requirements = sys.argv[1:]
    python = find_python()
    have = run(python, "-c", "import venv, ensurepip")[0]
    if not have:
        stop("this Python has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)")
    print("Setting up %s with %s (once; some minutes) ..." % (venv, python))
    sys.stdout.flush()
    made, printed = run(python, "-m", "venv", "--clear", venv)
    if not made:
        stop("could not make %s: %s" % (venv, printed.strip().split("\n")[-1]))
    inside = os.path.join(venv, "Scripts" if os.name == "nt" else "bin", "python")
    pip = [inside, "-m", "pip", "install", "--disable-pip-version-check"]
    installed, printed = run(*pip, "-r", requirements)
    if not installed:
        offline = "NewConnection|Failed to establish|getaddrinfo|name resolution|unreachable|ProxyError|Timeout|refused"
        if re.search(offline, printed):
            stop("the packages could not be downloaded; check the network connection and run the same command again")
        sys.stderr.write(printed)
        stop("pip could not install %s; its own words stand above" % requirements)


if __name__ == "__main__":
    main()

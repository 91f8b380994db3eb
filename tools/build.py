"""Build the site from the stored outputs into _build/html; with --serve, show it on this machine too.

python tools/build.py [--output FOLDER] [--serve [PORT]]
"""

import argparse
import http.server
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
# jsonschema looks for rfc3987_syntax, which compiles 38 grammars in two seconds, for addresses that we do not check.
JUPYTER_BOOK = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyter_book.cli.main import main; main()"


def build(source=ROOT, output=None):
    """Build the book in `source`; a warning counts as a failure. Return (succeeded, what the build printed).

    The site comes to _build/html in `output`, or else in `source`.
    """
    output = Path(output or source)
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(source), "-W", "--keep-going", "-q"]
    command += ["--path-output", str(output)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=source)
    built = output / "_build"
    ok = done.returncode == 0 and (built / "html" / "index.html").exists()
    if not ok:  # else the next build would not read the faulty page again, and pass
        shutil.rmtree(built / ".doctrees", ignore_errors=True)
    return ok, done.stdout


def serve(port):
    """Serve the built site on localhost until Ctrl-C; a port that is taken gives way to the next free one."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(HTML))
    for candidate in range(port, port + 20):
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", candidate), handler)
            break
        except OSError:
            continue
    else:
        sys.exit(f"dropout-book: ports {port} to {port + 19} are all taken; name another: tools/build.py --serve 9000")
    print(f"Serving the book at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", nargs="?", type=int, const=8000, metavar="PORT", help="serve the site on localhost")
    parser.add_argument("--output", type=Path, default=ROOT, metavar="FOLDER", help="build into FOLDER/_build/html")
    args = parser.parse_args()
    started = time.perf_counter()
    ok, printed = build(output=args.output)
    if not ok:
        sys.stderr.write(printed)
        sys.exit("dropout-book: the site was not built; the build's own words stand above")
    first = args.output.resolve() / HTML.relative_to(ROOT) / "index.html"
    print(f"Built in {time.perf_counter() - started:.0f} s: open {first.as_uri()}")
    if args.serve:
        serve(args.serve)


if __name__ == "__main__":
    main()

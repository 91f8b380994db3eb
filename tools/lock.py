"""Pin requirements.in into requirements.txt, for Python 3.11-3.13 on Linux, macOS and Windows at once.

torch's own CUDA packages are left out: torch names them exactly, and a CPU build of torch does without.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUDA = ("cuda", "nvidia", "triton")


def main():
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    compile_ = [sys.executable, "-m", "uv", "pip", "compile", "requirements.in", "--universal", "--quiet"]
    compile_ += ["--python-version", "3.11", "--no-annotate", "--no-header", "--upgrade"]
    pins = subprocess.run(compile_, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    kept = [pin for pin in pins if not pin.startswith(CUDA)]
    header = "# Made from requirements.in by `make lock`: every package pinned, for Python 3.11-3.13 on all systems.\n"
    (ROOT / "requirements.txt").write_text(header + "\n".join(kept) + "\n", encoding="utf-8")
    print(f"requirements.txt: {len(kept)} pins")


if __name__ == "__main__":
    main()

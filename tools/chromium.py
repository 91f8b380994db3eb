"""Where a Chromium or Chrome is, for what prints the book and what tests its pages."""

import os
import shutil
from pathlib import Path

# The first is Chromium without a window: the same pages in half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)


def find():
    """Its path; "" where there is none. CHROME names one that is not on the PATH."""
    on_path = [shutil.which(name) for name in NAMES]
    return next((path for path in [os.environ.get("CHROME"), *on_path, *PLACES] if path and Path(path).exists()), "")

"""Finds a Chromium for the tests that drive one, or installs it; `make test` runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"] if sys.platform == "linux" else []
"""Containers have neither user namespaces nor much shared memory."""


def find_browser() -> str | None:
    """A Chromium or Chrome that is installed here: TRAINROOM_BROWSER, then the usual places."""
    chosen = os.environ.get("TRAINROOM_BROWSER")
    if chosen:
        return chosen
    on_path = (shutil.which(name) for name in NAMES)
    known = (path for path in PATHS if Path(path).exists())
    return next((path for path in (*on_path, *known) if path), None)


def starts() -> bool:
    """Whether the browser that was found (or else Playwright's own) starts."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS).close()
        except Error:
            return False
    return True


def install() -> bool:
    """Install Debian's Chromium where that is allowed, else Playwright's; whether it worked."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and Path("/etc/debian_version").exists() and shutil.which("apt-get"):
        subprocess.run(["apt-get", "-qq", "update"], check=False)
        subprocess.run(
            ["apt-get", "-qq", "-y", "install", "--no-install-recommends", "chromium"], check=False
        )
        if find_browser() and starts():
            return True
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return starts()


if __name__ == "__main__":
    sys.exit(0 if starts() or install() else 1)

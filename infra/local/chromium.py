"""The browser of the browser tests: Debian's own, never a downloaded one."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.local import debian

NAMES = ("chromium", "chromium-browser", "google-chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# Without recommended packages Debian's chromium has no font to write with.
PACKAGES = ("chromium", "fonts-dejavu-core")
MISSING = "No chromium was found, and the browser tests need one. On Debian: apt-get install chromium"


def find_chromium() -> str | None:
    """The path of a chromium, if there is one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(MAC) if MAC.exists() else None)


def ensure_chromium() -> str | None:
    """Install chromium where that may be done without asking; elsewhere say that it is missing."""
    if find_chromium() is None:
        if debian.may_install():
            debian.install(PACKAGES, what="Debian's chromium for the browser tests", missing=MISSING)
        else:
            print(f"{MISSING}. They are skipped, or fail when CI=true.", flush=True)
    return find_chromium()

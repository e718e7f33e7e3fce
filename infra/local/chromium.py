"""The browser of the browser tests: Debian's own, never a downloaded one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

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
        if _may_install():
            _install()
        else:
            print(f"{MISSING}. They are skipped, or fail when CI=true.", flush=True)
    return find_chromium()


def _may_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def _install() -> None:
    began = time.monotonic()
    print("Installing Debian's chromium for the browser tests …", flush=True)
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "--quiet"], install):
        done = subprocess.run(
            command, env=environment, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            print(f"{done.stdout[-2000:]}\n{MISSING}", flush=True)
            return
    print(f"… done in {time.monotonic() - began:.0f} s", flush=True)

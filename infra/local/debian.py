"""Debian's packages, installed where that may be done without asking."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def may_install() -> bool:
    """Whether this is root's own Debian."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(packages: Sequence[str], *, what: str, missing: str) -> None:
    """Install packages and say how it went; `missing` is said when they could not be had."""
    began = time.monotonic()
    print(f"Installing {what} …", flush=True)
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "--quiet"], command):
        done = subprocess.run(
            step, env=environment, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            print(f"{done.stdout[-2000:]}\n{missing}", flush=True)
            return
    print(f"… done in {time.monotonic() - began:.0f} s", flush=True)

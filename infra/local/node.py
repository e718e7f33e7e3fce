"""The packages that the generated TypeScript client needs: installed once from their lock, beside Python's own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "tests" / "api" / "generated"
DESCRIBED = ("package.json", "package-lock.json", ".npmrc")
MISSING = "The packages of the generated TypeScript client could not be installed"


def program(name: str) -> str:
    """A program of the environment: node, npm."""
    return str(Path(sys.executable).with_name(name))


def find_packages() -> Path | None:
    """The folder in which everything of the lock is installed, if it is."""
    place = _place()
    return place / "node_modules" if (place / "complete").exists() else None


def ensure_packages() -> Path | None:
    """Install what the lock names, unless it is there; the tests themselves fetch nothing."""
    if find_packages() is None:
        _install(_place())
    return find_packages()


def _install(place: Path) -> None:
    began = time.monotonic()
    print("Installing the packages of the generated TypeScript client …", flush=True)
    shutil.rmtree(place.parent, ignore_errors=True)
    place.mkdir(parents=True)
    for name in DESCRIBED:
        shutil.copy(SOURCE / name, place)
    done = subprocess.run(
        [program("npm"), "ci", "--ignore-scripts"],
        cwd=place,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        print(f"{done.stdout[-2000:]}\n{MISSING}. Its tests are skipped, or fail when CI=true.", flush=True)
        return
    (place / "complete").touch()
    print(f"… done in {time.monotonic() - began:.0f} s", flush=True)


def _place() -> Path:
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in DESCRIBED)).hexdigest()
    return Path(sys.prefix) / "node-packages" / digest[:16]

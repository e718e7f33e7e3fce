"""Makes the environment from the lock, when there is none or the lock has changed; prints its Python.

Runs before anything is installed, so it uses the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"


def main(arguments: list[str]) -> None:
    """Print the path of the environment's Python, after making or renewing it."""
    environment = _place(arguments)
    python = environment / "bin" / "python"
    with _one_at_a_time(environment.parent):
        if not is_current(environment):
            _install(environment, python)
    print(python)


def is_current(environment: Path) -> bool:
    """Whether the environment was completely made from this very lock and still has a Python."""
    try:
        stamp = (environment / "lock-digest").read_text()
    except OSError:
        return False
    return stamp == _digest() and os.access(environment / "bin" / "python", os.X_OK)


def _place(arguments: list[str]) -> Path:
    """`.venv` in the checkout; where that belongs to somebody else, `venv` in the data folder."""
    usual = ROOT / ".venv"
    if is_current(usual) or os.access(usual if usual.exists() else ROOT, os.W_OK):
        return usual
    for at, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--data" and (value or arguments[at + 1 :]):
            data = Path(value or arguments[at + 1]).expanduser().resolve()
            data.mkdir(parents=True, exist_ok=True)
            return data / "venv"
    raise SystemExit(
        f"{ROOT} cannot be written by this user, so there is no place for the environment. "
        "Name a folder of yours: bin/dev --data DIR"
    )


def _install(environment: Path, python: Path) -> None:
    began = time.monotonic()
    _tell(f"Making the environment in {environment} from requirements.lock; this happens once …")
    (environment / "lock-digest").unlink(missing_ok=True)
    commands = _with_uv(environment, python) if shutil.which("uv") else _with_pip(environment, python)
    for command in commands:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout}\nThis did not work: {' '.join(command)}")
    (environment / "lock-digest").write_text(_digest())
    _tell(f"… done in {time.monotonic() - began:.0f} s")


def _with_uv(environment: Path, python: Path) -> list[list[str]]:
    make = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)]
    options = ["--quiet", "--compile-bytecode", "--require-hashes", "--python", str(python)]
    install = ["uv", "pip", "sync", *options, str(LOCK)]
    return [install] if _works(python) else [make, install]


def _with_pip(environment: Path, python: Path) -> list[list[str]]:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    install = [*quiet, "install", "--require-hashes", "-r", str(LOCK)]
    make = [sys.executable, "-m", "venv", "--clear"]
    if importlib.util.find_spec("ensurepip"):
        first = [str(python), "-m", "ensurepip"] if _works(python) else [*make, str(environment)]
        return [first, [str(python), "-m", "pip", *install]]
    if importlib.util.find_spec("pip"):
        from_outside = [sys.executable, "-m", "pip", "--python", str(python), *install]
        return (
            [from_outside] if _works(python) else [[*make, "--without-pip", str(environment)], from_outside]
        )
    raise SystemExit(
        f"{sys.executable} has neither ensurepip nor pip, so it cannot install anything. "
        "On Debian: apt-get install python3-venv. Or put uv on PATH, or name another Python: PYTHON=…"
    )


def _works(python: Path) -> bool:
    test = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return python.exists() and subprocess.run(test, check=False).returncode == 0


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """bin/dev and bin/test may be started together on a fresh checkout."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""bin/test: every check of the code, then every test; one run shows all that is wrong."""

from __future__ import annotations

import filecmp
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.variables import VARIABLES
from infra.local.chromium import ensure_chromium
from infra.local.node import ensure_packages
from infra.local.pango import ensure_pango

ROOT = Path(__file__).resolve().parents[2]
# The API of a tenant's host, and that of the public one.
SNAPSHOTS = {
    ROOT / "docs/openapi.yaml": [],
    ROOT / "docs/openapi-public.yaml": [
        *("--urlconf", "config.urls_public"),
        *("--custom-settings", "tenants.api.openapi.PUBLIC_SPECTACULAR_SETTINGS"),
    ],
}
MOST_LINES = 200
# Takes a minute the first time; the tests do not wait for it.
SLOW = "types"
WRITE_SNAPSHOT = "--write-openapi"
COVERAGE = "--coverage"
# Since Python 3.12 the interpreter itself says which lines are run; before, watching them doubles the time.
COVERAGE_IS_CHEAP = sys.version_info >= (3, 12)
TEMPLATES = ("tenants", "shared_apps", "billing", "tenant_apps")
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/rowhouse",
    "PUBLIC_HOST": "rowhouse.example",
    "PUBLIC_SCHEME": "https",
    "PUBLIC_PORT": "443",
    "LOG_LEVEL": "ERROR",
    "ENV_FILES": "false",
}


@dataclass(frozen=True)
class Outcome:
    """How one check went."""

    name: str
    good: bool
    said: str
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """All checks and tests; or only pytest, when it is told what to do."""
    if list(arguments) == [WRITE_SNAPSHOT]:
        return max(
            _run(_spectacular(snapshot, options)).returncode for snapshot, options in SNAPSHOTS.items()
        )
    # Hundreds of processes would each compile the same modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    ensure_chromium()
    ensure_pango()
    ensure_packages()
    if arguments and list(arguments) != [COVERAGE]:
        return _pytest(*arguments)
    with ThreadPoolExecutor(max_workers=2) as pool:
        begun = {name: pool.submit(_timed, name, run) for name, run in _checks().items()}
        late = [begun.pop(name) for name in (SLOW,) if name in begun]
        failed = _failed(begun.values())
        while late and late[0].done():
            failed += _failed([late.pop()])
        if failed:
            print(f"\nFailed: {', '.join(failed)}. The tests run all the same.\n", flush=True)
        tested = _every_test(is_covered=bool(arguments) or COVERAGE_IS_CHEAP)
        failed += _failed(late)
    return tested or bool(failed)


def _failed(begun: Iterable[Future[Outcome]]) -> list[str]:
    """Print how checks went, each when it is done; the names of those that did not go well."""
    failed = []
    for outcome in (future.result() for future in begun):
        print(
            f"{'ok' if outcome.good else 'FAILED':<8}{outcome.name:<24}{outcome.seconds:6.1f} s", flush=True
        )
        if not outcome.good:
            failed.append(outcome.name)
            print(f"\n{outcome.said}\n", flush=True)
    return failed


def _every_test(*, is_covered: bool) -> int:
    # One more than there are cores: many tests wait for a server, a browser or a lock.
    workers = min(max(_cores() + 1, 2), 8)
    covered = ["--cov", "--cov-report=term"] if is_covered else []
    # Neighbours share what a module sets up, so a worker gives away only what it will not come to.
    return _pytest("--numprocesses", str(workers), "--dist", "worksteal", *covered)


def _checks() -> dict[str, Callable[[], subprocess.CompletedProcess[str]]]:
    commands = {
        "types": _module("mypy"),
        "lint": _module("ruff", "check", "--quiet", "."),
        "format": _module("ruff", "format", "--check", "--quiet", "."),
        "templates": _module("djlint", "--lint", "--quiet", *_existing(TEMPLATES)),
        "imports": _script("lint-imports", "--no-logo"),
        "migrations": _manage("makemigrations", "--check", "--dry-run"),
        "migration safety": _manage("lint_migrations"),
        "deployment": _manage("check", "--deploy", "--fail-level", "WARNING"),
    }
    checks = {name: _runner(command) for name, command in commands.items()}
    snapshots: dict[str, Callable[[], subprocess.CompletedProcess[str]]] = {
        f"API: {snapshot.name}": partial(_compare_snapshot, snapshot, options)
        for snapshot, options in SNAPSHOTS.items()
    }
    return {**checks, **snapshots}


def _compare_snapshot(snapshot: Path, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "openapi.yaml"
        done = _run(_spectacular(fresh, options))
        if done.returncode == 0 and not (snapshot.exists() and filecmp.cmp(fresh, snapshot, shallow=False)):
            done.returncode = 1
            difference = _run(["diff", "-u", str(snapshot), str(fresh)]).stdout[:4000]
            done.stdout = (
                f"{difference}\nThe API is not what {snapshot.relative_to(ROOT)} says. "
                f"If that is meant, run bin/test {WRITE_SNAPSHOT} and commit the file with the change."
            )
    return done


def _timed(name: str, run: Callable[[], subprocess.CompletedProcess[str]]) -> Outcome:
    began = time.monotonic()
    done = run()
    return Outcome(name, done.returncode == 0, done.stdout.strip(), time.monotonic() - began)


def _runner(command: list[str]) -> Callable[[], subprocess.CompletedProcess[str]]:
    return lambda: _run(command)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run as if in production: settings come from here alone."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment = kept | PRODUCTION | {"PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _pytest(*arguments: str) -> int:
    environment = os.environ | ({"COVERAGE_CORE": "sysmon"} if COVERAGE_IS_CHEAP else {})
    return subprocess.run(_module("pytest", *arguments), cwd=ROOT, env=environment, check=False).returncode


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _script(name: str, *arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name(name)), *arguments]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _spectacular(target: Path, options: Sequence[str]) -> list[str]:
    return _manage("spectacular", "--validate", "--fail-on-warn", *options, "--file", str(target))


def _existing(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if (ROOT / folder).is_dir()]


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

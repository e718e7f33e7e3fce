"""One installation on this machine: its data folder, and the environment that its processes get."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from config import env
from config.variables import VARIABLES
from infra.local.binaries import ServiceError
from infra.local.ports import LOOPBACK, free_port, is_free
from infra.local.postgres import Postgres

SOURCES = ("config", "tenants", "shared_apps", "billing", "tenant_apps")
ADDRESSES = ("PUBLIC_SCHEME", "PUBLIC_HOST", "PUBLIC_PORT")
ADMINISTRATOR = "DATABASE_URL"
SIMULATED_KEY = "sk_test_simulator"
# Port 8000 gets 12111, where Stripe's own mock listens.
SIMULATOR_BESIDE, PORTS = 4111, 65_536
RUN_TIME = {alias: f"{alias.upper()}_DATABASE_URL" for alias in env.LOGINS}
OWN_FILES = (
    "postgres",
    "postgres-password",
    "postgres-programs",
    "postgres.log",
    "valkey",
    "valkey.pid",
    "valkey.log",
    "media",
    "mail",
    "demo.json",
    "prepared",
    "beat-schedule*",
    "env",
    "secret-key",
    "stripe-account",
)


@contextlib.contextmanager
def exclusive(data: Path) -> Iterator[None]:
    """Hold the data folder: two sets of servers on one set of files would destroy it."""
    try:
        if not data.exists():
            data.mkdir(parents=True)
            # PostgreSQL's user passes through, and nobody looks in.
            data.chmod(0o711)
        handle = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ServiceError(f"{data} cannot be used: {error.strerror}. Name another: --data DIR") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    except BlockingIOError:
        pid = os.read(handle, 20).decode() or "unknown"
        raise ServiceError(
            f"bin/dev (process {pid}) already runs on {data}. Stop it, or start a second one beside it: "
            "bin/dev --data DIR --port N"
        ) from None
    finally:
        os.close(handle)


def reset(data: Path) -> None:
    """Delete what bin/dev itself put into the folder, and nothing else that may be there."""
    home = Postgres(data).home()
    for folder in {data, home}:
        for path in (found for name in OWN_FILES for found in folder.glob(name)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def given_values() -> dict[str, str]:
    """What the user set, in the process environment or in .env."""
    values = env.read_env_file(env.ROOT / ".env") | dict(os.environ)
    return {name: values[name] for name in VARIABLES if values.get(name)}


def defaults(data: Path, port: int) -> dict[str, str]:
    """What a developer's machine wants where the user said nothing."""
    return {
        "SECRET_KEY": _secret_key(data),
        "DEBUG": "true",
        "DATA_DIR": str(data),
        "EMAIL_URL": f"file://{data / 'mail'}",
        "MEDIA_ROOT": str(data / "media"),
        "LOG_FORMAT": "console",
        "PUBLIC_PORT": str(port),
    }


def simulated(given: Mapping[str, str], port: int) -> dict[str, str]:
    """A Stripe on this machine, where the user has named none."""
    if given.get("STRIPE_API_KEY"):
        return {}
    beside = port + SIMULATOR_BESIDE
    at = given.get("SIMULATOR_PORT") or str(beside if beside < PORTS and is_free(beside) else free_port())
    return {
        "STRIPE_API_KEY": SIMULATED_KEY,
        "STRIPE_ADDRESS": f"http://{LOOPBACK}:{at}",
        "STRIPE_WEBHOOK_SECRETS": f"whsec_{secrets.token_hex(16)}",
        "SIMULATOR_PORT": at,
    }


def enter(values: Mapping[str, str]) -> None:
    """Make these the environment of this process, files left aside, and check every one of them."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(values)
    os.environ["ENV_FILES"] = "false"
    # The folder's own file was read to find the folder; its addresses are those of the start before.
    env.forget_files()
    for variable in VARIABLES.values():
        getattr(env, variable.kind)(variable.name)


def run_time_environment() -> dict[str, str]:
    """What the processes get: the three run-time logins, and not the administrator's."""
    urls = env.database_urls()
    logins = {variable: urls[alias] for alias, variable in RUN_TIME.items()}
    return {name: value for name, value in os.environ.items() if name != ADMINISTRATOR} | logins


def write_env_file(data: Path, environment: Mapping[str, str]) -> None:
    """Leave the settings where `manage.py`, run by hand, finds them."""
    names = [name for name in VARIABLES if name in environment and name not in ("ENV_FILES", "DATA_DIR")]
    lines = [f"{name}={environment[name]}" for name in names]
    write_private(data / "env", "# Written by bin/dev at each start.\n" + "\n".join(lines) + "\n")


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner may read, all or nothing."""
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    half.write_text(content, encoding="utf-8")
    half.rename(path)


def fingerprint(data: Path) -> str:
    """As long as code, keys, cluster and addresses are the same, a prepared database stays prepared."""
    found = hashlib.sha256("".join(os.environ.get(name, "") for name in ADDRESSES).encode())
    for secret in ("secret-key", "postgres-password"):
        found.update((data / secret).read_bytes())
    for path in sorted(path for folder in SOURCES for path in (env.ROOT / folder).rglob("*.py")):
        found.update(f"{path.relative_to(env.ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _secret_key(data: Path) -> str:
    path = data / "secret-key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text()

"""A fleet of many tenants for benchmarks, made as the product makes them: the pool is filled, sign-ups claim."""

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config import env
from config.variables import VARIABLES
from infra.local.services import postgres, valkey

AT_ONCE: Final = 200
PASSWORD: Final = "correct horse battery"


@dataclass
class Fleet:
    """A prepared PostgreSQL with tenants named bench-0, bench-1, …"""

    administrator: str
    environment: dict[str, str]
    schemas: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def grow(self, to: int) -> None:
        """Sign up more tenants, until there are so many; the planner knows them afterwards."""
        command = [sys.executable, "-m", "bench.fleet", "--first", str(len(self.schemas)), str(to)]
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=env.ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        )
        self.seconds += time.perf_counter() - began
        self.schemas += json.loads(done.stdout.splitlines()[-1])
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL that was prepared by somebody else, and the key its logins were made from."""

    administrator: str
    secret_key: str


@contextlib.contextmanager
def make_fleet(
    count: int,
    *,
    durable: bool = False,
    settings: str = "config.settings",
    buffers: str = "128MB",
    server: Server | None = None,
) -> Iterator[Fleet]:
    """So many tenants, on a server of its own that ends with the `with`, or on one that stands ready."""
    with contextlib.ExitStack() as stack:
        queue = stack.enter_context(valkey())
        ready = server or Server(
            stack.enter_context(postgres(durable=durable, settings={"shared_buffers": buffers})),
            secrets.token_urlsafe(48),
        )
        environment = _environment(ready, queue) | {"DJANGO_SETTINGS_MODULE": settings}
        fleet = Fleet(ready.administrator, environment)
        if server is None:
            prepare = [sys.executable, "manage.py", "prepare", "--verbosity", "0"]
            subprocess.run(prepare, cwd=env.ROOT, env=fleet.environment, check=True)
        if count:
            fleet.grow(count)
        yield fleet


def _environment(server: Server, queue: str) -> dict[str, str]:
    """What every process on the fleet gets."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return kept | {
        "DATABASE_URL": server.administrator,
        "REDIS_URL": queue,
        "SECRET_KEY": server.secret_key,
        "ENV_FILES": "false",
        "LOG_LEVEL": "ERROR",
        "ACCESS_TOKEN_LIFETIME": "4h",
        "PYTHONWARNINGS": "ignore:No directory at",
    }


def at_run_time(fleet: Fleet) -> dict[str, str]:
    """The environment of a process that serves: the run-time logins without the administrator's."""
    address = urlunsplit(urlsplit(fleet.administrator)._replace(netloc=_address(fleet.administrator)))
    kept = {name: value for name, value in fleet.environment.items() if name != "DATABASE_URL"}
    return kept | {f"{alias.upper()}_DATABASE_URL": address for alias in env.LOGINS}


def own_database(administrator: str, name: str) -> str:
    """A database with one ordinary login that owns it; its URL."""
    password, owner = secrets.token_hex(16), sql.Identifier(name)
    with psycopg.connect(administrator, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, password))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
    parts = urlsplit(administrator)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{_address(administrator)}", path=f"/{name}"))


def _address(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


# The process that signs up


def sign_up_many(first: int, to: int) -> list[str]:
    """Fill the pool and empty it by sign-ups, in turns; the password is hashed once for all owners."""
    from django.conf import settings

    from shared_apps.clients.services import sign_up
    from shared_apps.fleet.pool import fill_pool, pool_level
    from tenants.users.hashing import SharedPassword

    password = SharedPassword(PASSWORD)
    settings.POOL_RATE = 1_000_000
    schemas: list[str] = []
    while (left := to - first - len(schemas)) > 0:
        settings.POOL_SIZE = min(AT_ONCE, left)
        fill_pool(seconds=3600)
        for _ in range(min(pool_level().ready, left)):
            name = f"bench-{first + len(schemas)}"
            email = f"owner@{name}.example"
            client = sign_up(company=name, subdomain=name, email=email, password=password)
            schemas.append(client.schema_name)
    return schemas


def main() -> None:
    """Sign up tenants of the fleet that the environment names, and print their schemas."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("to", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    import django

    django.setup()
    print(json.dumps(sign_up_many(options.first, options.to)))


if __name__ == "__main__":
    main()

"""A process that makes tenants in one of several ways, for `bin/bench provision`.

`python -m bench.peers.makers ours` reads lines such as "claim 5" and answers each with one line of JSON: what each of
the five took, in seconds of wall clock and in seconds inside calls to the database.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

SETTINGS: Final = {"ours": "config.settings", "raw": "config.settings", "stock": "bench.peers.stock.settings"}
PASSWORD: Final = "correct horse battery"
Took = dict[str, float]


class Clock:
    """Adds up the time that this process spends in calls of psycopg: connecting, and waiting for the server."""

    def __init__(self) -> None:
        self.database = 0.0
        psycopg.Connection.wait = self._timed(psycopg.Connection.wait)  # type: ignore[method-assign]
        psycopg.connect = self._timed(psycopg.connect)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began, before = time.perf_counter(), self.database
            try:
                return call(*args, **kwargs)
            finally:
                # Calls within a call are counted once.
                self.database = before + time.perf_counter() - began

        return timed

    @contextmanager
    def took(self) -> Iterator[Took]:
        """What the block takes, filled in at its end."""
        answer: Took = {}
        began, before = time.perf_counter(), self.database
        yield answer
        answer |= {"wall": time.perf_counter() - began, "database": self.database - before}


class Ours:
    """The product's own verbs, on the migrator's connection."""

    def __init__(self, clock: Clock) -> None:
        from django.conf import settings

        from shared_apps.clients import services
        from tenants.users.hashing import SharedPassword

        # What a password costs is no matter of the database; `signup_http` has it.
        self.password = SharedPassword(PASSWORD)
        settings.POOL_RATE = 1_000_000
        self.clock, self.settings, self.services, self.made = clock, settings, services, 0
        self.began = self.committed = 0.0
        self._watch_transactions()

    def fill(self, size: int) -> list[Took]:
        """Bring the pool to a size, unmeasured."""
        from shared_apps.fleet.pool import fill_pool, pool_level

        self.settings.POOL_SIZE = size
        while pool_level().ready != size:
            fill_pool(seconds=600)
        return []

    def claim(self, count: int) -> list[Took]:
        """Sign-ups that find the pool full."""
        self.fill(count)
        return [self._signed_up() for _ in range(count)]

    def empty(self, count: int) -> list[Took]:
        """Schemas for so many sign-ups that find no pool, by one connection, from the roles to the commit."""
        from django.db import connections, transaction

        from shared_apps.fleet.provisioning import claim_schema

        self.fill(0)
        with self.clock.took() as took:
            for _ in range(count):
                with transaction.atomic(using="migrator"):
                    claim_schema()
        connections.close_all()
        return [took]

    def _signed_up(self) -> Took:
        self.made += 1
        name = f"ours-{self.made}-pool"
        with self.clock.took() as took:
            self.services.sign_up(
                company=name, subdomain=name, email=f"owner@{name}.example", password=self.password
            )
        return took | {"transaction": self.committed - self.began}

    def _watch_transactions(self) -> None:
        """Note when the migrator's last transaction began and when it was committed; hooks run afterwards."""
        from django.db import connections

        connection = connections["migrator"]
        begin, commit = connection.set_autocommit, connection.commit

        def begun(autocommit: bool, *args: Any, **kwargs: Any) -> None:
            if not autocommit:
                self.began = time.perf_counter()
            begin(autocommit, *args, **kwargs)

        def committed() -> None:
            commit()
            self.committed = time.perf_counter()

        connection.set_autocommit, connection.commit = begun, committed  # type: ignore[method-assign]


class Raw:
    """The limit: the same SQL and nothing else, as one message a schema."""

    def __init__(self, clock: Clock) -> None:
        from shared_apps.fleet.models import Baseline

        self.clock, self.baseline = clock, Baseline.objects.get()

    def empty(self, count: int) -> list[Took]:
        """Schemas with tables, seed rows, role and rights."""
        from django.db import connections

        from shared_apps.fleet.models import new_schema_name

        names = [f"raw{new_schema_name()}" for _ in range(count)]
        with connections["migrator"].cursor() as cursor, self.clock.took() as took:
            for name in names:
                cursor.execute(";\n".join(self._statements(name)))
        return [took]

    def _statements(self, name: str) -> list[str]:
        from shared_apps.fleet.grants import role_statements, schema_grants
        from shared_apps.fleet.provisioning import app_login

        return [
            *role_statements(name, app_login()),
            f'CREATE SCHEMA "{name}"',
            f'SET LOCAL search_path = "{name}", ext',
            self.baseline.statements,
            self.baseline.seeds,
            *schema_grants(name, name),
        ]


class Stock:
    """A tenant of the stock project: its row, which migrates its schema, its domain and its owner."""

    def __init__(self, clock: Clock) -> None:
        from bench.peers.stock import side

        side.prepare(0)
        self.clock, self.made = clock, 0

    def create(self, count: int) -> list[Took]:
        """Tenants made as django-tenants' documentation has it."""
        return [self._created() for _ in range(count)]

    def _created(self) -> Took:
        from django.contrib.auth.models import User
        from django_tenants.utils import schema_context

        from bench.peers.stock.customers.models import Client, Domain

        self.made += 1
        name = f"stock{self.made}"
        with self.clock.took() as took:
            client = Client(schema_name=name, name=name)
            client.save(verbosity=0)
            Domain(domain=f"{name}.localhost", tenant=client).save()
            with schema_context(name):
                User.objects.create(username="owner", email=f"owner@{name}.example")
        return took


SIDES: Final[dict[str, Callable[[Clock], Any]]] = {"ours": Ours, "raw": Raw, "stock": Stock}


def main(name: str) -> None:
    """Prepare, say so, and work until standard input ends."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS[name]
    clock = Clock()
    import django

    django.setup()
    side = SIDES[name](clock)
    print(json.dumps([]), flush=True)
    for line in sys.stdin:
        what, count = line.split()
        print(json.dumps(getattr(side, what)(int(count))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""A process that migrates: what a command of Django's takes from where the process stands ready, and the raw loop.

`python -m bench.peers.growth.side migrate growth 0002` prints one JSON object; so do `loop` and `stock`.
"""

import json
import sys
import time
from typing import Any, Final

import django
from django.core.management import call_command

COPIED: Final = ("django_content_type", "auth_permission", "django_migrations")


class Watched:
    """An output that remembers when each line came."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.lines: list[tuple[float, str]] = []

    def write(self, text: str) -> None:
        """Keep a line."""
        if text.strip():
            self.lines.append((time.perf_counter() - self.began, text))

    def flush(self) -> None:
        """Nothing is held back."""


def migrate(*arguments: str) -> dict[str, Any]:
    """Our command, its seconds, and when it said what."""
    out = Watched()
    call_command("migrate", *arguments, "--json", "--no-color", stdout=out)
    seconds = time.perf_counter() - out.began
    said = [(at, json.loads(line)) for at, line in out.lines]
    return {
        "seconds": seconds,
        "said": [(at, line["event"], line["text"], line.get("schemas")) for at, line in said],
    }


def loop(name: str, backwards: str, commit: str) -> dict[str, Any]:
    """The limit: what the fleet's own migration has sent, over one connection, a message and transaction a tenant."""
    from shared_apps.fleet.models import Recording, Schema
    from shared_apps.fleet.statements import for_role
    from shared_apps.fleet.workers import connect

    recordings = Recording.objects.using("migrator").filter(app="growth", backwards=backwards == "back")
    recording = recordings.get(name__startswith=name)
    names = list(Schema.objects.using("migrator").filter(state="owned").values_list("name", flat=True))
    messages = [
        ";".join(
            [
                f'BEGIN; SET LOCAL search_path = "{schema}", ext',
                *recording.statements,
                *for_role(recording.grants, schema),
                "COMMIT",
            ]
        )
        for schema in names
    ]
    with connect() as connection:
        connection.execute(f"SET synchronous_commit = {commit}")
        began = time.perf_counter()
        for message in messages:
            connection.execute(message)
        # As our runs end: one commit that waits for the disk, and for all before it.
        connection.execute("BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_current_xact_id(); COMMIT")
        return {"seconds": time.perf_counter() - began, "statements": recording.statements}


def make_stock(count: str) -> dict[str, Any]:
    """The stock project's public schema, one tenant that it makes itself, and copies of that one."""
    from bench.peers.stock.customers.models import Client

    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    began = time.perf_counter()
    first = Client(schema_name="stock0", name="stock0")
    first.save(verbosity=0)
    seconds = time.perf_counter() - began
    for number in range(1, int(count)):
        _copy("stock0", f"stock{number}")
    return {"seconds": seconds}


def stock(names: str, *arguments: str) -> dict[str, Any]:
    """Seconds that `migrate_schemas` takes for each of some tenants."""
    from django.db import connection

    found = []
    for name in names.split(","):
        connection.ensure_connection()
        began = time.perf_counter()
        call_command(
            "migrate_schemas", *arguments, schema_name=name, tenant=True, interactive=False, verbosity=0
        )
        found.append(time.perf_counter() - began)
    return {"seconds": found}


def _copy(source: str, name: str) -> None:
    """Making each by migrations would take minutes; for who migrates them afterwards a copy is as good."""
    from django.db import connection, transaction

    from bench.peers.stock.customers.models import Client
    from shared_apps.fleet.baseline import compile_baseline

    Client.auto_create_schema = False
    Client(schema_name=name, name=name).save()
    with transaction.atomic(), connection.cursor() as cursor:
        if not hasattr(_copy, "script"):
            _copy.script = compile_baseline(cursor, source)
        path = f'CREATE SCHEMA "{name}"; SET LOCAL search_path = "{name}"'
        rows = (f'INSERT INTO "{t}" OVERRIDING SYSTEM VALUE SELECT * FROM "{source}"."{t}"' for t in COPIED)
        ids = (f"SELECT setval(pg_get_serial_sequence('{t}', 'id'), max(id)) FROM \"{t}\"" for t in COPIED)
        cursor.execute(";\n".join([path, _copy.script, *rows, *ids]))


VERBS: Final = {"migrate": migrate, "loop": loop, "make-stock": make_stock, "stock": stock}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(VERBS[sys.argv[1]](*sys.argv[2:])))

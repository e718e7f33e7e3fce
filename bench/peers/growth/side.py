"""A process that migrates: what a command of Django's takes from where the process stands ready, and the raw loop.

`python -m bench.peers.growth.side migrate growth 0002` prints one JSON object; so do `loop` and `stock`.
"""

import json
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import django
from django.core.management import call_command, load_command_class

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
    """Our command, and how its seconds are parted among its phases."""
    load_command_class("shared_apps.fleet", "migrate")  # imports are the process's start, not the migration
    out = Watched()
    call_command("migrate", *arguments, "--json", "--no-color", stdout=out)
    seconds = time.perf_counter() - out.began
    phases: dict[str, float] = {}
    for (at, phase), (after, _) in pairwise([(0.0, "start"), *_phases(out.lines), (seconds, "")]):
        phases[phase] = phases.get(phase, 0.0) + after - at
    return {"seconds": seconds, "phases": phases}


def _phases(lines: list[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    for at, line in lines:
        said = json.loads(line)
        if said["event"] == "wave":
            yield at, str(said["wave"]).split()[0]
        elif said["event"] != "progress":
            yield at, said["event"]


def loop(name: str) -> dict[str, Any]:
    """The limit: what our migration has sent, over one connection, a message and a transaction a tenant.

    Once without and once with waiting for the disk at each commit; taken back each time.
    """
    from shared_apps.fleet.models import Recording, Schema
    from shared_apps.fleet.workers import connect

    found = Recording.objects.using("migrator").filter(app="growth", name__startswith=name)
    there, back = (found.filter(backwards=way).latest("recorded_at") for way in (False, True))
    names = list(Schema.objects.using("migrator").filter(state="owned").values_list("name", flat=True))
    seconds = {}
    for commit in ("off", "on"):
        for way in (there, back):
            with connect() as connection:
                connection.execute(f"SET synchronous_commit = {commit}")
                seconds[commit, way] = _send(connection, [_message(way, schema) for schema in names])
    return {"seconds": seconds["off", there], "waiting": seconds["on", there], "sent": there.statements}


def _message(recording: Any, schema: str) -> str:
    from shared_apps.fleet.statements import for_role

    path = f'SET LOCAL search_path = "{schema}", ext'
    return ";".join(["BEGIN", path, *recording.statements, *for_role(recording.grants, schema), "COMMIT"])


def _send(connection: Any, messages: list[str]) -> float:
    began = time.perf_counter()
    for message in messages:
        connection.execute(message)
    # As our runs end: one commit that waits for the disk, and for all before it.
    connection.execute("BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_current_xact_id(); COMMIT")
    return time.perf_counter() - began


def grow_stock(first: str, to: str) -> dict[str, Any]:
    """The stock project's tenants: the first is made by the project itself, the others are copies of it."""
    from bench.peers.stock.customers.models import Client

    began = time.perf_counter()
    if first == "0":
        call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
        Client(schema_name="stock0", name="stock0").save(verbosity=0)
    _copy("stock0", [f"stock{number}" for number in range(max(1, int(first)), int(to))])
    return {"seconds": time.perf_counter() - began}


def stock(names: str, before: str, measured: str) -> dict[str, Any]:
    """Seconds that `migrate_schemas` takes for each of some tenants, which are first brought to where it begins."""
    from django.db import connection

    options = {"tenant": True, "interactive": False, "verbosity": 0}
    seconds = []
    for name in names.split(","):
        call_command("migrate_schemas", *before.split(), schema_name=name, **options)
        connection.ensure_connection()
        began = time.perf_counter()
        call_command("migrate_schemas", *measured.split(), schema_name=name, **options)
        seconds.append(time.perf_counter() - began)
    return {"seconds": seconds}


def _copy(source: str, names: list[str]) -> None:
    """To make each by migrations would take minutes; for who migrates them afterwards a copy is as good."""
    from django.db import connection, transaction

    from bench.peers.stock.customers.models import Client
    from shared_apps.fleet.baseline import compile_baseline

    with transaction.atomic(), connection.cursor() as cursor:
        tables = compile_baseline(cursor, source)
    for name in names:
        rows = (f'INSERT INTO "{t}" OVERRIDING SYSTEM VALUE SELECT * FROM "{source}"."{t}"' for t in COPIED)
        ids = (f"SELECT setval(pg_get_serial_sequence('{t}', 'id'), max(id)) FROM \"{t}\"" for t in COPIED)
        with transaction.atomic(), connection.cursor() as cursor:
            path = f'CREATE SCHEMA "{name}"; SET LOCAL search_path = "{name}"'
            cursor.execute(";\n".join([path, tables, *rows, *ids]))
    Client.objects.bulk_create([Client(schema_name=name, name=name) for name in names])


VERBS: Final = {"migrate": migrate, "loop": loop, "grow-stock": grow_stock, "stock": stock}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(VERBS[sys.argv[1]](*sys.argv[2:])))

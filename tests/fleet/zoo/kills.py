"""Runs of the fleet's migration that are killed, each at one statement; a process of its own, which forks for each run.

Prints as JSON, for every place, what was left half done and what differs after the next run.
"""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import django
import psycopg

TENANTS: Final = 9
MOVE: Final = r"UPDATE public\.fleet_schema SET applied"
REPLAY: Final = r"^BEGIN\n;SET LOCAL search_path"


@dataclass(frozen=True)
class Place:
    """Where a run dies: at the n-th statement that a pattern is found in, before it is sent or when it is done."""

    migration: str
    pattern: str
    number: int = 1
    sent: bool = False


PLACES: Final = {
    "public, before its row of history": Place("0002_kinds", r"INSERT INTO django_migrations"),
    "template, between schema and ledger": Place("0003_relations", MOVE),
    "template, before the commit": Place("0004_through", MOVE, sent=True),
    "before the baseline is compiled anew": Place("0005_constant_defaults", r'"fleet_baseline"', sent=False),
    "a default of Python, on the second canary": Place("0007_uuid_default", MOVE, 3),
    "before the first canary": Place("0013_types", REPLAY),
    "after the first canary": Place("0014_required", REPLAY, sent=True),
    "in the first wave": Place("0016_database_default_set", REPLAY, 5),
    "after one of the first wave": Place("0019_shorter", REPLAY, 6, sent=True),
    "before the run is written down as done": Place("0020_index_on", r'UPDATE "fleet_run"', 2),
    "CONCURRENTLY, on the template": Place("0052_concurrently", r"CREATE INDEX CONCURRENTLY", sent=True),
    "CONCURRENTLY again, before a canary's index": Place("0052_concurrently", r"CREATE INDEX CONCURRENTLY", 2),
    "CONCURRENTLY again, before the step is counted": Place("0052_concurrently", r"SET steps = 2", 2),
    "CONCURRENTLY again, before the ledger": Place("0052_concurrently", MOVE, 4),
    "outside a transaction, between two steps": Place("0054_apart", r"SET steps = 1", 3, sent=True),
    "RunPython, on a canary, rows written": Place("0057_data", r'UPDATE "zoo_label"', 3, sent=True),
    "RunPython, in the wave": Place("0058_data_apart", r'UPDATE "zoo_beast"', 5, sent=True),
}  # fmt: skip


WAITING: Final = "0052_concurrently"
# After these the next run is let live.
LAST: Final = set({place.migration: name for name, place in PLACES.items()}.values())


class Death:
    """Kills the process at a place."""

    def __init__(self, place: Place) -> None:
        self.place, self.met = place, 0
        self.pattern = re.compile(place.pattern)

    def arm(self) -> None:
        """From here on every statement of this process is looked at, whichever way it is sent."""
        from shared_apps.fleet import replaying

        psycopg.Cursor.execute = self.watched(psycopg.Cursor.execute)  # type: ignore[method-assign]
        replaying.send = self.watched(replaying.send)  # type: ignore[attr-defined]

    def watched(self, really: Callable[..., Any]) -> Callable[..., Any]:
        """The same, with death at the place."""

        def send(sender: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            hit = self.is_at(query)
            if hit and not self.place.sent:
                os.kill(os.getpid(), signal.SIGKILL)
            done = really(sender, query, *arguments, **options)
            if hit:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return send

    def is_at(self, query: Any) -> bool:
        if not isinstance(query, str) or not self.pattern.search(query):
            return False
        self.met += 1
        return self.met == self.place.number


def run(migration: str, before: Callable[[], None] | None = None) -> int:
    """Migrate the fleet in a child; the signal that ended it, 0 when it came to its end."""
    from django.core.management import call_command
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            if before is not None:
                before()
            call_command("migrate", "zoo", migration, verbosity=0, interactive=False)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  (a child must never return into its parent's work)
            sys.stderr.write(f"{migration}: {error}\n")
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


class Round:
    """The fleet, and what is found in it."""

    def __init__(self, admin: psycopg.Connection[Any]) -> None:
        from tests.fleet.zoo.prove import Proof, migrations_in_order

        self.admin, self.proof = admin, Proof(admin)
        self.names = migrations_in_order()
        self.reached = 0

    def kill(self, place: Place) -> dict[str, Any]:
        """Up to the migration before the place without harm, then one run that dies and one that does not."""
        self.catch_up(self.names.index(place.migration))
        died = run(place.migration, Death(place).arm)
        self.wait_for_silence()
        half = list(self.half_done())
        return {"died": died, "half": half, "migration": place.migration}

    def recover(self, migration: str) -> dict[str, Any]:
        """The run after it."""
        ended = run(migration)
        self.by_executor(self.names.index(migration) + 1)
        return {
            "ended": ended,
            "differences": [*self.proof.differences(), *self.invalid(), *self.unfinished()],
        }

    def catch_up(self, number: int) -> None:
        """Everybody has the first so many migrations."""
        if number > self.reached:
            assert run(self.names[number - 1]) == 0
            self.by_executor(number)

    def by_executor(self, number: int) -> None:
        from tests.fleet.zoo.rows import insert

        while self.reached < number:
            name = self.names[self.reached]
            self.proof.by_executor(name)
            for schema in (*self.proof.tenants, self.proof.control) if name == "0001_initial" else ():
                insert(self.admin, schema, name)
            self.reached += 1

    def half_done(self) -> Iterator[str]:
        """Schemas that are not what the ledger says, unless it says that they are in the middle of something."""
        from shared_apps.fleet.models import Schema

        catalogs = self.proof.catalogs([self.proof.template, *self.proof.tenants])
        for row in Schema.objects.using("migrator").standing():
            if not row.halfway:
                yield from self.proof.of_ledger(row.name, catalogs[row.name])

    def invalid(self) -> Iterator[str]:
        """Indexes that were left unfinished."""
        query = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        yield from (f"invalid: {name}" for (name,) in self.admin.execute(query).fetchall())

    def unfinished(self) -> Iterator[str]:
        """Runs that the ledger takes for alive."""
        query = "SELECT id::text FROM fleet_run WHERE outcome = 'running'"
        yield from (f"run {name}" for (name,) in self.admin.execute(query).fetchall())

    def wait_for_silence(self) -> None:
        """Until the server has ended what the dead process was at."""
        from django.db import connections

        connections.close_all()
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        while (self.admin.execute(query).fetchone() or (0,))[0]:
            pass

    def invalid_index(self) -> dict[str, Any]:
        """The run is killed, and its statement ended, while an index waits for another's transaction."""
        from tests.fleet.zoo.prove import administrator

        migration, tenant = WAITING, self.proof.tenants[-1]
        with administrator() as other:
            with other.transaction():
                other.execute(f'UPDATE "{tenant}".zoo_beast SET age = age')
                died = run(migration, lambda: kill_when_waiting(tenant))
            self.admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
            )
        self.wait_for_silence()
        return {"died": died, "half": list(self.half_done()), "left": list(self.invalid()), "waited": tenant}


def kill_when_waiting(tenant: str) -> None:
    """Watch, from a thread of the run, until the index of a tenant waits; then end the statement and the process."""
    from threading import Thread

    from tests.fleet.zoo.prove import administrator

    def watch() -> None:
        with administrator() as admin:
            query = (
                "SELECT a.pid FROM pg_stat_activity a WHERE a.query LIKE 'CREATE INDEX CONCURRENTLY%%'"
                " AND a.datname = current_database() AND EXISTS (SELECT 1 FROM pg_index i JOIN pg_class x"
                " ON x.oid = i.indexrelid WHERE NOT i.indisvalid AND x.relnamespace = %s::regnamespace)"
            )
            while (row := admin.execute(query, [tenant]).fetchone()) is None:
                pass
            admin.execute("SELECT pg_terminate_backend(%s)", [row[0]])
            os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=watch, daemon=True).start()


def kill_everywhere() -> dict[str, Any]:
    """Each place in its turn; a run that was killed is killed again if the next place is in the same migration."""
    from tests.fleet.zoo.prove import administrator

    found: dict[str, Any] = {}
    with administrator() as admin:
        fleet = Round(admin)
        for name, place in PLACES.items():
            found[name] = fleet.kill(place)
            if place.migration == WAITING and name in LAST:
                found["an index that waits"] = fleet.invalid_index()
            if name in LAST:
                found[name] |= fleet.recover(place.migration)
    return found


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(kill_everywhere(), default=str))

"""Who fills the pool or signs somebody up is killed before each message: nothing is ever left half done."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from shared_apps.clients.services import SubdomainTaken, sign_up
from shared_apps.fleet import pool, provisioning
from shared_apps.fleet.pool import fill_pool, pool_level
from shared_apps.fleet.provisioning import reserve_schemas
from tests.stage import administrator, drop_reserved
from tests.waiting import wait_until

Order = dict[str, str]
Orphans = Callable[[], set[str]]
Admin = psycopg.Connection[Any]


def say(pipe: int, **what: Any) -> None:
    os.write(pipe, (json.dumps(what) + "\n").encode())


def stop_before(stop: int, pipe: int) -> None:
    """Stop this process before its n-th message, and say which one that would have been."""
    met: list[str] = []

    def meet(what: str) -> None:
        if not what.startswith(("SET search_path", "SAVEPOINT", "RELEASE")):
            met.append(what)
            if len(met) == stop:
                say(pipe, before=what, pid=os.getpid())
                signal.pause()

    really_execute, really_commit = CursorWrapper.execute, BaseDatabaseWrapper.commit

    def execute(self: Any, sql: str, params: Any = None) -> Any:
        meet(sql)
        return really_execute(self, sql, params)

    def commit(self: Any) -> None:
        meet("COMMIT")
        really_commit(self)
        meet("whatever comes after the COMMIT")

    CursorWrapper.execute = execute  # type: ignore[method-assign, assignment]
    BaseDatabaseWrapper.commit = commit  # type: ignore[method-assign]


WORK: Final[dict[str, Callable[[Order], object]]] = {
    "fill": lambda order: fill_pool(seconds=60),
    "sign_up": lambda order: sign_up(**order),
}


class Nurse:
    """Has work done by a child, as far as it is allowed to."""

    def __init__(self) -> None:
        hear, self.tell = os.pipe()
        self.hear = os.fdopen(hear)
        self.child = 0

    def read(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.hear.readline())
        return answer

    def begin(self, work: str, stop: int, order: Order) -> None:
        self.wait()
        connections.close_all()
        if (child := os.fork()) == 0:
            try:
                self._work(work, stop, order)
            finally:
                os._exit(0)
        self.child = child

    def _work(self, work: str, stop: int, order: Order) -> None:
        if stop:
            stop_before(stop, self.tell)
        else:
            say(self.tell, pid=os.getpid())
        WORK[work](order)
        say(self.tell, before=None, pid=os.getpid())

    def wait(self) -> None:
        """Wait until the child has ended."""
        if self.child:
            os.waitpid(self.child, 0)
        self.child = 0

    def kill_before(self, admin: Admin, work: str, stop: int, order: Order) -> str | None:
        """Kill the work before its n-th message; which one that was, None when it has fewer."""
        self.begin(work, stop, order)
        stood = self.read()
        if stood["before"] is not None:
            os.kill(stood["pid"], signal.SIGKILL)
        self.wait()
        wait_for_silence(admin)
        before: str | None = stood["before"]
        return before


@pytest.fixture
def nurse() -> Iterator[Nurse]:
    nurse = Nurse()
    yield nurse
    if nurse.child:
        os.kill(nurse.child, signal.SIGKILL)
        nurse.wait()
    nurse.hear.close()
    os.close(nurse.tell)


@pytest.fixture
def admin(orphans: Orphans) -> Iterator[Admin]:
    """The administrator's connection; in the end no role is left without an owner."""
    with administrator() as connection:
        yield connection
    assert orphans() == set()


@pytest.fixture(autouse=True)
def small(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, light: None) -> None:
    settings.POOL_SIZE, settings.POOL_RATE = 1, 1000
    for module in (pool, provisioning):
        monkeypatch.setattr(module, "ROLES_AT_ONCE", 2)


BUSY = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND datname = current_database()"


def wait_for_silence(admin: Admin) -> None:
    """Wait until the server has ended what the dead process was at."""
    connections["migrator"].close()
    login = settings.DATABASES["migrator"]["USER"]
    wait_until(lambda: admin.execute(BUSY, [login]).fetchone() == (0,), "the migrator's backend did not end")


# What must be true at any time


def ask(admin: Admin, query: str) -> set[Any]:
    return {row if len(row) > 1 else row[0] for row in admin.execute(query).fetchall()}


SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_[a-z2-7]{16}$'"
ROLES = "SELECT rolname FROM pg_roles"
INSIDE = """
    SELECT '{name}', tenant_id, (SELECT count(*) FROM "{name}".users_user WHERE role = 'owner')
      FROM "{name}".tenants_sentinel"""


def assert_whole(admin: Admin, when: str) -> None:
    """The ledger, the catalog and the clients tell of the same schemas, and none is half made."""
    standing = ask(admin, "SELECT name FROM fleet_schema WHERE state IN ('ready', 'owned')")
    assert ask(admin, SCHEMAS) == standing, when
    assert ask(admin, "SELECT name FROM fleet_schema WHERE state <> 'template'") <= ask(admin, ROLES), when
    owned = ask(admin, "SELECT name, tenant_id FROM fleet_schema WHERE state = 'owned'")
    assert owned == ask(admin, "SELECT schema_name, id FROM clients_client"), when
    assert {tenant for _, tenant in owned} == ask(admin, "SELECT tenant_id FROM clients_domain"), when
    ready = ask(admin, "SELECT name, tenant_id FROM fleet_schema WHERE state = 'ready'")
    inside = " UNION ".join(INSIDE.format(name=name) for name in standing)
    expected = {(name, tenant, owners) for owners, rows in enumerate((ready, owned)) for name, tenant in rows}
    assert ask(admin, inside) == expected, when


def start_from(state: str) -> None:
    """An empty pool with nothing reserved, with reserved names, or with one ready member."""
    settings.POOL_SIZE = 0
    fill_pool()
    drop_reserved()
    settings.POOL_SIZE = 1
    if state == "reserved":
        reserve_schemas(2)
    if state == "ready":
        fill_pool()


# Before every message


def test_filling_can_be_killed_anywhere(nurse: Nurse, order: Order, admin: Admin) -> None:
    points: list[str] = []
    while True:
        start_from("nothing")
        before = nurse.kill_before(admin, "fill", len(points) + 1, order)
        when = f"killed before {before}"
        assert_whole(admin, when)
        if before is None:
            break
        points.append(before)
        fill_pool()
        assert_whole(admin, f"filled after being {when}")
        assert count_ready(admin) == 1, when
    assert len(points) >= 10
    assert any(point.lstrip().startswith("INSERT INTO fleet_schema") for point in points)
    assert any(point.startswith("CREATE SCHEMA") for point in points)


def count_ready(admin: Admin) -> int:
    return len(ask(admin, "SELECT name FROM fleet_schema WHERE state = 'ready'"))


@pytest.mark.parametrize(("state", "least"), [("nothing", 10), ("reserved", 8), ("ready", 6)])
def test_a_sign_up_can_be_killed_anywhere(
    nurse: Nurse, order: Order, admin: Admin, state: str, least: int
) -> None:
    points: list[str] = []
    while True:
        start_from(state)
        mine = {**order, "subdomain": f"{state}-{len(points)}"}
        before = nurse.kill_before(admin, "sign_up", len(points) + 1, mine)
        when = f"killed before {before}"
        assert_whole(admin, when)
        if before is None:
            break
        points.append(before)
        if "whatever comes after the COMMIT" in points:
            with pytest.raises(SubdomainTaken):
                sign_up(**mine)
        else:
            sign_up(**mine)
            assert_whole(admin, f"signed up after being {when}")
    assert len(points) >= least


# In the middle of a message


@contextmanager
def held(lock: str) -> Iterator[None]:
    """Hold a lock that the work meets inside a message."""
    with administrator() as holder, holder.transaction(force_rollback=True):
        holder.execute(lock)
        yield


@pytest.mark.parametrize("end", ["client", "server"])
@pytest.mark.parametrize("place", ["roles", "rights"])
def test_a_message_can_be_cut_in_the_middle(
    nurse: Nurse, order: Order, admin: Admin, place: str, end: str
) -> None:
    start_from("nothing")
    lock = "CREATE ROLE killer; GRANT rowhouse_tenant TO killer"
    if place == "rights":
        reserve_schemas(1)
        (name,) = ask(admin, "SELECT name FROM fleet_schema WHERE state = 'reserved'")
        lock = f'DROP ROLE "{name}"'
    with held(lock):
        nurse.begin("fill", 0, order)
        client, server = nurse.read()["pid"], wait_for_lock(admin)
        if end == "client":
            os.kill(client, signal.SIGKILL)
        else:
            admin.execute("SELECT pg_terminate_backend(%s)", [server])
            nurse.read()
            assert "terminating connection" in pool_level().failure
    wait_for_silence(admin)
    assert_whole(admin, f"the {end} ended among the {place}")
    admin.execute("UPDATE fleet_pool SET failures = 0")
    fill_pool()
    assert count_ready(admin) == 1
    assert_whole(admin, "filled again")


WAITING = """
    SELECT pid FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'
       AND datname = current_database()"""


def wait_for_lock(admin: Admin) -> int:
    """The server process that stands before the lock."""
    login, found = settings.DATABASES["migrator"]["USER"], list[Any]()

    def stands() -> bool:
        found.extend(admin.execute(WAITING, [login]))
        return bool(found)

    wait_until(stands, "the work never met the lock")
    return int(found[0][0])

"""Who fills the pool or signs somebody up is killed before each message: nothing is ever left half done."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.db import connections

from shared_apps.clients.services import SubdomainTaken, sign_up
from shared_apps.fleet import pool, provisioning
from shared_apps.fleet.pool import fill_pool, pool_level
from shared_apps.fleet.provisioning import reserve_schemas
from tests.stage import administrator, drop_reserved
from tests.waiting import wait_until

Order = dict[str, str]
Orphans = Callable[[], set[str]]
Admin = psycopg.Connection[Any]

# A process with Django ready, which forks for each order: the child stops before its n-th message and says so.
NURSE = """
import json, os, signal, sys
import django; django.setup()
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from shared_apps.clients.services import sign_up
from shared_apps.fleet import pool, provisioning
from shared_apps.fleet.pool import fill_pool
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.POOL_SIZE, settings.POOL_RATE = 1, 1000
pool.ROLES_AT_ONCE = provisioning.ROLES_AT_ONCE = 2

def say(**what):
    os.write(1, (json.dumps(what) + "\\n").encode())

def stop_before(stop):
    met = []
    def meet(what):
        if not what.startswith(("SET search_path", "SAVEPOINT", "RELEASE")):
            met.append(what)
            if len(met) == stop:
                say(before=what, pid=os.getpid())
                signal.pause()
    def execute(self, sql, params=None, really=CursorWrapper.execute):
        meet(sql)
        return really(self, sql, params)
    def commit(self, really=BaseDatabaseWrapper.commit):
        meet("COMMIT")
        really(self)
        meet("whatever comes after the COMMIT")
    CursorWrapper.execute, BaseDatabaseWrapper.commit = execute, commit

WORK = {"fill": lambda order: fill_pool(seconds=60), "sign_up": lambda order: sign_up(**order)}
say(ready=True)
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        stop_before(order["stop"]) if order["stop"] else say(pid=os.getpid())
        WORK[order["work"]](order["of"])
        say(before=None, pid=os.getpid())
        os._exit(0)
    os.waitpid(child, 0)
"""


class Nurse:
    """The process that does the work, as far as it is allowed to."""

    def __init__(self) -> None:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSE],
            env=environment,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.read()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def begin(self, work: str, stop: int, order: Order) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"work": work, "stop": stop, "of": order}) + "\n")
        self.process.stdin.flush()

    def kill_before(self, admin: Admin, work: str, stop: int, order: Order) -> str | None:
        """Kill the work before its n-th message; which one that was, None when it has fewer."""
        self.begin(work, stop, order)
        stood = self.read()
        if stood["before"] is not None:
            os.kill(stood["pid"], signal.SIGKILL)
        wait_for_silence(admin)
        before: str | None = stood["before"]
        return before


@pytest.fixture(scope="module")
def nurse() -> Iterator[Nurse]:
    nurse = Nurse()
    yield nurse
    nurse.process.kill()
    nurse.process.wait()


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

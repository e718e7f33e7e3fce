"""Reading from a real streaming replica: the same walls, and nobody misses what they have written."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import redis
from django.db import ProgrammingError, connections, transaction
from django.test.utils import CaptureQueriesContext

from infra.local.ports import free_port
from tenants import replicas
from tenants.backend.base import WallBreached
from tenants.context import NoTenant, Tenant, Unit, tenant_context, unit_of_work
from tenants.replicas import Replica, replica
from tenants.users.models import User
from tests.stage import administrator
from tests.tenants.standby import Standby, standby
from tests.waiting import wait_until

REPLICA, PRIMARY = "replica", "default"


@pytest.fixture(scope="module")
def running() -> Iterator[Standby]:
    with standby() as made:
        yield made


@pytest.fixture
def following(
    running: Standby, acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Standby]:
    """A replica that has all there is and serves both tenants, configured as REPLICA_DATABASE_URL does."""
    entry = {**connections.settings[PRIMARY], "PORT": str(running.port)}
    monkeypatch.setitem(connections.settings, REPLICA, entry)
    replica.forget()
    running.follow()
    meet(replica, acme, globex)
    yield running
    running.follow()
    connections[REPLICA].close()
    del connections[REPLICA]
    replica.forget()


def meet(process: Replica, *tenants: Tenant) -> None:
    """Let a process ask how far the log has come, which others write to as well, and the replica get there."""
    for tenant in tenants:
        wait_until(partial(process.serves, tenant.schema))


@contextmanager
def reading(tenant: Tenant) -> Iterator[None]:
    """A unit as a request with a safe method has it."""
    unit = Unit(tenant, reading=True).enter()
    try:
        yield
    except BaseException as error:
        unit.leave(error)
        raise
    unit.leave()


def names(tenant: Tenant) -> set[tuple[str, str]]:
    """Where a reading unit reads, and what."""
    with reading(tenant):
        return {(user._state.db or "", user.name) for user in User.objects.all()}


def rename(tenant: Tenant, name: str) -> None:
    """Write, as a request that changes something does."""
    with unit_of_work(tenant):
        User.objects.update(name=name)


# Where it is read


def test_a_request_that_changes_nothing_reads_from_the_replica(
    following: Standby, acme: Tenant, bearer: Any
) -> None:
    api = bearer(acme, "owner@acme.example")
    following.follow()
    meet(replica, acme)
    assert api.get("/api/v1/me/").status_code == 200
    with (
        CaptureQueriesContext(connections[REPLICA]) as there,
        CaptureQueriesContext(connections[PRIMARY]) as here,
    ):
        assert api.get("/api/v1/products/").status_code == 200
    assert any("products_product" in query["sql"] for query in there.captured_queries)
    assert here.captured_queries == []


def test_a_request_that_may_change_something_never_does(
    following: Standby, acme: Tenant, bearer: Any
) -> None:
    api = bearer(acme, "owner@acme.example")
    with CaptureQueriesContext(connections[REPLICA]) as there:
        api.post(
            "/api/v1/products/",
            {"sku": "A-1", "name": "Jug", "price": "1.00"},
            content_type="application/json",
        )
    assert there.captured_queries == []


def test_a_unit_that_is_not_said_to_read_only_stays_on_the_primary(following: Standby, acme: Tenant) -> None:
    with unit_of_work(acme):
        assert {user._state.db for user in User.objects.all()} == {PRIMARY}


def test_a_unit_sends_nothing_to_a_server_that_it_does_not_use(following: Standby, acme: Tenant) -> None:
    with (
        CaptureQueriesContext(connections[REPLICA]) as there,
        CaptureQueriesContext(connections[PRIMARY]) as here,
    ):
        with reading(acme):
            pass
        assert (len(here), len(there)) == (0, 0)
        with reading(acme):
            User.objects.count()
        assert (len(here), len(there)) == (0, 2), "the question and the end of its transaction"


def test_without_a_replica_nothing_is_different(acme: Tenant) -> None:
    assert not replica.is_configured
    assert {alias for alias, _ in names(acme)} == {PRIMARY}


# The walls


def test_the_replica_is_entered_by_path_and_role_like_the_primary(
    following: Standby, acme: Tenant, globex: Tenant
) -> None:
    with reading(acme), connections[REPLICA].cursor() as cursor:
        assert User.objects.count() == 4
        cursor.execute("SELECT pg_is_in_recovery(), current_user, current_setting('search_path')")
        assert cursor.fetchone() == (True, acme.role, f"{acme.schema}, ext")
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute(f'SELECT 1 FROM "{globex.schema}".users_user')


def test_a_statement_for_nobody_is_refused_on_the_replica_as_well(following: Standby, acme: Tenant) -> None:
    with pytest.raises(NoTenant):
        User.objects.using(REPLICA).count()
    with tenant_context(acme), pytest.raises(NoTenant, match="no transaction is open"):
        User.objects.using(REPLICA).count()
    with pytest.raises(NoTenant), transaction.atomic(using=REPLICA):
        pass


def test_the_sentinel_is_asked_on_the_replica_as_well(
    following: Standby, acme: Tenant, globex: Tenant
) -> None:
    with administrator() as admin:
        admin.execute(f'UPDATE "{acme.schema}".tenants_sentinel SET tenant_id = %s', [globex.id])
    following.follow()
    with pytest.raises(WallBreached), reading(acme):
        User.objects.count()


# Reading what one has written


def test_a_tenant_reads_what_it_wrote_while_the_replica_has_not_got_it(
    following: Standby, acme: Tenant, globex: Tenant
) -> None:
    assert names(acme) == names(globex) == {(REPLICA, "")}
    following.pause()
    rename(acme, "new")
    assert names(acme) == {(PRIMARY, "new")}
    assert names(globex) == {(REPLICA, "")}, "who wrote nothing is not bound"
    following.follow()
    meet(replica, acme)
    assert names(acme) == {(REPLICA, "new")}


def test_another_process_knows_of_the_write_as_well(following: Standby, acme: Tenant) -> None:
    elsewhere = Replica()
    meet(elsewhere, acme)
    following.pause()
    rename(acme, "new")
    assert not elsewhere.serves(acme.schema)
    following.follow()
    meet(elsewhere, acme)


def test_without_the_position_a_stale_row_is_read(
    following: Standby, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The red control of the tests above."""
    following.pause()
    rename(acme, "new")
    monkeypatch.setattr(Replica, "_position_of", lambda self, schema: 0)
    assert names(acme) == {(REPLICA, "")}


def test_after_the_first_write_of_a_unit_all_is_read_from_the_primary(
    following: Standby, acme: Tenant
) -> None:
    following.pause()
    with reading(acme):
        viewer = User.objects.get(role="viewer")
        assert viewer._state.db == REPLICA
        viewer.name = "new"
        viewer.save(update_fields=["name"])
        again = User.objects.get(role="viewer")
        assert (again._state.db, again.name) == (PRIMARY, "new")
    assert (PRIMARY, "new") in names(acme)


def test_what_was_undone_binds_nobody(following: Standby, acme: Tenant) -> None:
    following.pause()
    with pytest.raises(ZeroDivisionError), unit_of_work(acme):
        User.objects.update(name="undone")
        raise ZeroDivisionError
    with unit_of_work(acme):
        User.objects.count()
    assert names(acme) == {(REPLICA, "")}


def test_what_was_written_before_a_process_met_the_tenant_is_read_too(
    following: Standby, acme: Tenant
) -> None:
    """A sign-up and a migration write over the migrator, which notes nothing."""
    replica.forget()
    following.pause()
    with administrator() as admin:
        admin.execute(f"UPDATE \"{acme.schema}\".users_user SET name = 'migrated'")
    assert names(acme) == {(PRIMARY, "migrated")}


def test_of_two_positions_the_later_one_counts(following: Standby, acme: Tenant) -> None:
    elsewhere = Replica()
    meet(elsewhere, acme)
    replica.note_write(acme.schema, 2**60)
    replica.note_write(acme.schema, 1)
    assert not elsewhere.serves(acme.schema)


def test_a_position_is_two_halves_in_hexadecimal() -> None:
    assert replicas.position("16/B374D848") == 0x16B374D848
    assert replicas.position("0/A") < replicas.position("1/0")


# When it is gone


def test_a_replica_that_does_not_answer_is_left_alone(
    following: Standby, acme: Tenant, monkeypatch: pytest.MonkeyPatch, client_of: Any
) -> None:
    connections[REPLICA].close()
    del connections[REPLICA]
    replica.forget()
    monkeypatch.setitem(connections.settings[REPLICA], "PORT", str(free_port()))
    assert names(acme) == {(PRIMARY, "")}
    asked: list[Any] = []
    monkeypatch.setattr(replicas, "_ask", lambda *args: asked.append(args))
    assert names(acme) == {(PRIMARY, "")}
    assert client_of(acme).get("/sign-in/").status_code == 200
    assert asked == [], "it is not asked again at once"


def test_a_replica_that_was_restarted_is_read_again(following: Standby, acme: Tenant) -> None:
    assert names(acme) == {(REPLICA, "")}
    following.end_connections()
    assert names(acme) == {(REPLICA, "")}


def test_a_replica_lost_within_a_unit_does_not_undo_what_was_written(
    following: Standby, acme: Tenant
) -> None:
    with reading(acme):
        assert User.objects.count() == 4
        following.end_connections()
        User.objects.filter(role="viewer").update(name="kept")
    with unit_of_work(acme):
        assert User.objects.filter(name="kept").exists()
    assert {alias for alias, _ in names(acme)} == {PRIMARY}, "it is left alone for a while"


def test_without_the_cache_everything_is_read_from_the_primary(
    following: Standby, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "_cache", redis.Redis.from_url(f"redis://127.0.0.1:{free_port()}"))
    rename(acme, "new")
    assert names(acme) == {(PRIMARY, "new")}

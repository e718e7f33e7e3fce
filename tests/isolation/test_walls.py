"""Each wall holds; and taken away, it turns its proof red. The second half is what makes the first worth something."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection
from rest_framework_simplejwt.tokens import Token

from tenants.backend import base
from tenants.backend.base import SENTINEL, DatabaseWrapper
from tenants.context import Tenant
from tenants.storage import TenantStorage
from tenants.tasks import TenantTask
from tenants.users.sessions import SessionStore
from tenants.users.tokens import TenantToken
from tests.isolation import walls
from tests.isolation.walls import Neighbours

Proof = Callable[[Neighbours], None]
Patch = pytest.MonkeyPatch

PROOFS: tuple[Proof, ...] = (
    walls.the_host_decides_whose_rows_are_shown,
    walls.a_statement_sees_its_tenant_s_schema_only,
    walls.a_statement_runs_as_its_tenant_s_role,
    walls.nothing_of_the_tenant_stays_on_the_connection,
    walls.a_statement_outside_a_unit_is_refused,
    walls.a_token_opens_its_own_tenant_only,
    walls.an_api_token_opens_its_own_tenant_only,
    walls.a_session_opens_its_own_tenant_only,
    walls.a_schema_that_is_not_the_tenant_s_own_is_noticed,
    walls.the_cache_keeps_tenants_apart,
    walls.files_of_tenants_lie_apart,
    walls.signed_values_are_good_in_their_own_tenant,
    walls.mailed_links_and_tickets_open_their_own_tenant_only,
    walls.a_task_runs_in_the_tenant_of_its_message_or_not_at_all,
)


@pytest.fixture
def neighbours(acme: Tenant, globex: Tenant, tmp_path: Any, monkeypatch: Patch) -> Neighbours:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    return Neighbours(acme, globex)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_a_wall_stands(proof: Proof, neighbours: Neighbours) -> None:
    proof(neighbours)


def _message(text: str) -> Callable[[Patch, Neighbours], None]:
    """Open transactions by another message."""

    def take_away(patch: Patch, neighbours: Neighbours) -> None:
        def opening(tenant: Tenant) -> str:
            other = neighbours.globex if tenant == neighbours.acme else neighbours.acme
            return text.format(tenant=tenant.schema, other=other.schema, sentinel=SENTINEL)

        patch.setattr(base, "opening_message", opening)

    return take_away


def _set(target: Any, name: str, value: Any) -> Callable[[Patch, Neighbours], None]:
    return lambda patch, neighbours: patch.setattr(target, name, value)


def _host_of_the_other(patch: Patch, neighbours: Neighbours) -> None:
    patch.setattr("tenants.middleware.canonical", lambda host: neighbours.globex.host)


def _directory_of_the_other(patch: Patch, neighbours: Neighbours) -> None:
    patch.setattr("tenants.middleware.directory.by_host", lambda host: neighbours.globex)


def _tasks_of_anybody(patch: Patch, neighbours: Neighbours) -> None:
    patch.setattr(TenantTask, "_tenant", lambda task: neighbours.globex)


def _one_realm(name: str) -> Callable[[Patch, Neighbours], None]:
    return lambda patch, neighbours: patch.setattr(name, lambda: "everybody")


RED: dict[str, tuple[Callable[[Patch, Neighbours], None], Proof, type[Exception]]] = {
    "W0: the host is taken for another": (
        _host_of_the_other,
        walls.the_host_decides_whose_rows_are_shown,
        AssertionError,
    ),
    "W0: the directory answers with another tenant": (
        _directory_of_the_other,
        walls.the_host_decides_whose_rows_are_shown,
        AssertionError,
    ),
    "W1: no path is set": (
        _message('BEGIN;SELECT 1;SET LOCAL ROLE "{tenant}";{sentinel}'),
        walls.a_statement_sees_its_tenant_s_schema_only,
        DatabaseError,
    ),
    "W1: public is on the path": (
        _message('BEGIN;SET LOCAL search_path="{tenant}",public,ext;SET LOCAL ROLE "{tenant}";{sentinel}'),
        walls.a_statement_sees_its_tenant_s_schema_only,
        AssertionError,
    ),
    "W1: the path is the neighbour's, and the role refuses": (
        _message('BEGIN;SET LOCAL search_path="{other}",ext;SET LOCAL ROLE "{tenant}";{sentinel}'),
        walls.a_statement_sees_its_tenant_s_schema_only,
        DatabaseError,
    ),
    "W2: no role is entered, and the login may do nothing": (
        _message('BEGIN;SET LOCAL search_path="{tenant}",ext;SELECT 1;{sentinel}'),
        walls.a_statement_runs_as_its_tenant_s_role,
        DatabaseError,
    ),
    "W2: the role is the neighbour's, and may not touch the schema": (
        _message('BEGIN;SET LOCAL search_path="{tenant}",ext;SET LOCAL ROLE "{other}";{sentinel}'),
        walls.a_statement_runs_as_its_tenant_s_role,
        DatabaseError,
    ),
    "W1 and W2 are both the neighbour's, and the sentinel notices": (
        _message('BEGIN;SET LOCAL search_path="{other}",ext;SET LOCAL ROLE "{other}";{sentinel}'),
        walls.a_statement_sees_its_tenant_s_schema_only,
        base.WallBreached,
    ),
    "W1 and W2 are set for the session": (
        _message('BEGIN;SET search_path="{tenant}",ext;SET ROLE "{tenant}";{sentinel}'),
        walls.nothing_of_the_tenant_stays_on_the_connection,
        AssertionError,
    ),
    "statements outside a unit are let through, and the login may do nothing": (
        _set(DatabaseWrapper, "require_open_transaction", lambda self: None),
        walls.a_statement_outside_a_unit_is_refused,
        DatabaseError,
    ),
    "W3: nobody reads the audience of a token": (
        _set(TenantToken, "verify", Token.verify),
        walls.a_token_opens_its_own_tenant_only,
        AssertionError,
    ),
    "W3: API tokens are kept without their tenant": (
        _one_realm("tenants.users.api_tokens.realm_key"),
        walls.an_api_token_opens_its_own_tenant_only,
        AssertionError,
    ),
    "W3: sessions are signed without their tenant": (
        _set(SessionStore, "key_salt", "everybody"),
        walls.a_session_opens_its_own_tenant_only,
        AssertionError,
    ),
    "W4: nobody looks at the sentinel": (
        _set(DatabaseWrapper, "check_sentinel", lambda self, row: None),
        walls.a_schema_that_is_not_the_tenant_s_own_is_noticed,
        AssertionError,
    ),
    "W5: cache keys without the tenant": (
        lambda patch, _: patch.setattr(caches["default"], "key_func", lambda key, prefix, version: key),
        walls.the_cache_keeps_tenants_apart,
        AssertionError,
    ),
    "W5: one folder for the files of all": (
        lambda patch, _: patch.setattr(TenantStorage, "base_location", settings.MEDIA_ROOT),
        walls.files_of_tenants_lie_apart,
        AssertionError,
    ),
    "W5: values are signed without the tenant": (
        _one_realm("tenants.signing.realm_key"),
        walls.signed_values_are_good_in_their_own_tenant,
        AssertionError,
    ),
    "W5: links are signed without the tenant": (
        _one_realm("tenants.signing.realm_key"),
        walls.mailed_links_and_tickets_open_their_own_tenant_only,
        AssertionError,
    ),
    "W5: tasks run without asking for whom": (
        _tasks_of_anybody,
        walls.a_task_runs_in_the_tenant_of_its_message_or_not_at_all,
        AssertionError,
    ),
}


@pytest.mark.parametrize("name", RED)
def test_a_wall_taken_away_turns_its_proof_red(name: str, neighbours: Neighbours, monkeypatch: Patch) -> None:
    take_away, proof, red = RED[name]
    take_away(monkeypatch, neighbours)
    try:
        with pytest.raises(red):
            proof(neighbours)
    finally:
        connection.close()  # nobody after this test may inherit what it has left there


def test_every_proof_has_been_seen_red() -> None:
    assert {proof for _, proof, _ in RED.values()} == set(PROOFS)

"""What tests of tenants as customers share."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from shared_apps.clients.models import Client as TenantClient
from tenants.context import public_context
from tests.cast import OPERATOR, PASSWORD
from tests.stage import administrator

ORDER = {
    "company": "Initech",
    "subdomain": "initech",
    "email": "peter@initech.example",
    "password": "a stapler of my own",
}


@pytest.fixture
def order() -> dict[str, str]:
    """What a new customer tells."""
    return dict(ORDER)


@pytest.fixture
def public() -> Client:
    """Somebody on the public host, with the checks that a browser meets."""
    return Client(headers={"host": settings.PUBLIC_HOST})


@pytest.fixture
def operator(public: Client) -> Client:
    """An operator who has signed in at the admin."""
    answer = public.post("/admin/login/?next=/admin/", {"username": OPERATOR, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return public


@pytest.fixture
def post(public: Client) -> Callable[[dict[str, Any]], Any]:
    """Sign up by the API."""
    return lambda body: public.post("/api/v1/signup/", body, content_type="application/json")


@pytest.fixture
def traces() -> Callable[[], dict[str, set[str]]]:
    """Everything by which a tenant is known: clients, domains, schemas, roles."""
    return lambda: {name: _column(query) for name, query in TRACES.items()}


TRACES = {
    "clients": "SELECT schema_name FROM clients_client",
    "domains": "SELECT domain FROM clients_domain",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%' AND nspname <> 't_template'",
    # Roles belong to the whole server, which other workers' databases share.
    "roles": """SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 't\\_%' AND EXISTS (
        SELECT 1 FROM pg_shdepend d WHERE d.refobjid = r.oid AND d.refclassid = 'pg_authid'::regclass
           AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))""",
}


def _column(query: str, database: str | None = None) -> set[str]:
    with administrator(database) as admin:
        return {str(value) for (value,) in admin.execute(query)}


@pytest.fixture
def orphans() -> Callable[[], set[str]]:
    """Tenant roles of the server that have no right on anything, and that no ledger has reserved.

    Asked until there are none: a test of another worker that drops its database drops the roles a moment later.
    """

    def find() -> set[str]:
        deadline = time.monotonic() + 10
        while (found := (_bare_roles() - _reserved()) & _bare_roles()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    return find


def _bare_roles() -> set[str]:
    return _column(
        "SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 't\\_%' AND NOT EXISTS (SELECT 1 FROM pg_shdepend d"
        " WHERE d.refobjid = r.oid AND d.refclassid = 'pg_authid'::regclass AND d.dbid <> 0)"
    )


def _reserved() -> set[str]:
    """What the ledgers of all databases name: other workers' tests make schemas on the same server."""
    found: set[str] = set()
    for database in _column("SELECT datname FROM pg_database WHERE datallowconn"):
        with suppress(psycopg.Error), administrator(database) as admin:
            found |= {str(name) for (name,) in admin.execute("SELECT name FROM fleet_schema")}
    return found


@pytest.fixture
def client_row() -> Callable[[str], TenantClient]:
    """A client by its subdomain."""

    def find(subdomain: str) -> TenantClient:
        with public_context():
            return TenantClient.objects.get(subdomain=subdomain)

    return find


@pytest.fixture(autouse=True)
def _no_connection_is_kept() -> Iterator[None]:
    yield
    connections["migrator"].close()

"""The directory of tenants as the ground floor asks for it: plain SQL over the `control` login."""

from typing import Any

from django.conf import settings
from django.db import connections

from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS

# A tenant's host is its primary name, if that is verified, and else the one that the platform gave it.
COLUMNS = """
    c.id, c.schema_name, c.name, coalesce(p.domain, c.subdomain || '.' || %(platform)s), c.status, c.locale,
    c.time_zone, c.currency, c.notice, c.delete_after, c.plan, c.plan_version, c.trial_ends_at, c.access,
    c.access_reason, c.access_since, c.access_until"""
PRIMARY = "LEFT JOIN clients_domain p ON p.tenant_id = c.id AND p.is_primary AND p.verified_at IS NOT NULL"
BY_HOST = f"""
    SELECT {COLUMNS} FROM clients_domain d JOIN clients_client c ON c.id = d.tenant_id {PRIMARY}
    WHERE d.domain = %(key)s AND d.verified_at IS NOT NULL"""
BY_SCHEMA = f"SELECT {COLUMNS} FROM clients_client c {PRIMARY} WHERE c.schema_name = %(key)s"
VERSION = "SELECT version FROM clients_directoryversion"
RAISE_VERSION = "UPDATE clients_directoryversion SET version = version + 1"


class DatabaseDirectory:
    """Reads clients and domains; see `tenants.hosts` for the cache in front of it."""

    def version(self) -> int:
        """A number that has changed whenever anything in the directory has."""
        return int(_row(VERSION)[0])

    def find_by_host(self, host: str) -> Tenant | None:
        """The tenant of a verified host name, primary or not."""
        return _tenant(BY_HOST, host)

    def find_by_schema(self, schema: str) -> Tenant | None:
        """The tenant that owns a schema."""
        return _tenant(BY_SCHEMA, schema)


def raise_version(using: str) -> None:
    """Tell every process that the directory changed; call it last in the changing transaction, it locks one row."""
    with connections[using].cursor() as cursor:
        cursor.execute(RAISE_VERSION)


def _tenant(query: str, key: str) -> Tenant | None:
    row = _row(query, {"key": key, "platform": settings.PUBLIC_HOST})
    return Tenant(*row) if row else None


def _row(query: str, params: dict[str, str] | None = None) -> Any:
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()

"""What a schema is, in two digests: the migrations it has, and the objects in its catalog."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections, transaction
from django_tenants.utils import get_tenant_model

from shared_apps.fleet.baseline import CATALOG, Cursor, catalog
from shared_apps.fleet.models import Baseline, Generation, Schema
from tenants.routers import MIGRATOR_ALIAS

Migrations = list[tuple[str, str]]


def digest_of(migrations: Iterable[tuple[str, str]]) -> str:
    """The digest of a set of migrations, given as pairs of app and name in any order."""
    return _sha256(json.dumps(sorted(map(list, migrations))))


def fingerprint_of(lines: Iterable[str]) -> str:
    """The digest of a catalog, as `baseline.catalog` lists it."""
    return _sha256("\n".join(lines))


def remember_generation(migrations: Iterable[tuple[str, str]]) -> str:
    """Keep what a digest stands for; over the migrator's login."""
    found = sorted(map(list, migrations))
    digest = digest_of((app, name) for app, name in found)
    Generation.objects.using(MIGRATOR_ALIAS).get_or_create(digest=digest, defaults={"migrations": found})
    return digest


def migrations_of(cursor: Cursor, schema: str) -> Migrations:
    """What a schema's own table says of its migrations."""
    cursor.execute(f'SELECT app, name FROM "{schema}".django_migrations ORDER BY 1, 2')
    return [(app, name) for app, name in cursor.fetchall()]


def inspect_schema(schema: str) -> tuple[str, str]:
    """The digests of a schema as it stands: of its migrations and of its catalog."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        migrations = migrations_of(cursor, schema)
    return remember_generation(migrations), fingerprint_of(catalog_of(schema))


def kind_seen(connection: psycopg.Connection[Any], schema: str) -> tuple[str, str]:
    """The same digests, over a connection that Django does not know, and without a note of the generation."""
    with connection.transaction(), connection.cursor() as cursor:
        return digest_of(migrations_of(cursor, schema)), fingerprint_of(catalog(cursor, schema))


def catalog_of(schema: str) -> list[str]:
    """The catalog of a schema, asked over the migrator's login."""
    # The path that it sets is the transaction's; the backend sends its own with the next cursor.
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        return catalog(cursor, schema)


def enter_in_ledger(schema: str, tenant_id: UUID, state: str) -> None:
    """Write a schema's row from what the schema itself says."""
    applied, fingerprint = inspect_schema(schema)
    Schema.objects.using(MIGRATOR_ALIAS).update_or_create(
        name=schema,
        defaults={"tenant_id": tenant_id, "state": state, "applied": applied, "fingerprint": fingerprint},
    )


def adopt_unlisted() -> None:
    """Enter tenants' schemas that the ledger does not know yet: they were made by a version that kept none."""
    known = Schema.objects.using(MIGRATOR_ALIAS).values("name")
    owners = get_tenant_model().objects.using(MIGRATOR_ALIAS)
    for name, owner in owners.exclude(schema_name__in=known).values_list("schema_name", "pk"):
        enter_in_ledger(name, owner, Schema.State.OWNED)


def measure_anew() -> None:
    """Renew all fingerprints when catalogs are described in another way: by new code, or by a newer PostgreSQL.

    One schema of each kind is looked at, the template first; that the others are like it is what a kind means.
    """
    known, baseline = measure(), Baseline.objects.using(MIGRATOR_ALIAS).first()
    if baseline is None or baseline.measure == known:
        return
    schemas = Schema.objects.using(MIGRATOR_ALIAS).standing()
    with transaction.atomic(using=MIGRATOR_ALIAS):
        for applied, old in schemas.order_by().values_list("applied", "fingerprint").distinct():
            kind = schemas.filter(applied=applied, fingerprint=old)
            fingerprint = fingerprint_of(catalog_of(kind.order_by("-state", "name")[0].name))
            kind.update(fingerprint=fingerprint)
            if (applied, old) == (baseline.applied, baseline.fingerprint):
                baseline.fingerprint = fingerprint
        baseline.measure = known
        baseline.save(using=MIGRATOR_ALIAS)


def measure() -> str:
    """How catalogs are described: by which query, and by which PostgreSQL."""
    version = connections[MIGRATOR_ALIAS].pg_version // 10_000  # type: ignore[attr-defined]  # PostgreSQL's wrapper
    return _sha256(f"{version}\n{CATALOG}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

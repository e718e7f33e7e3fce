"""What the doctor asks: a few queries over all schemas at once, and a closer look at one schema of each sort.

Schemas are told apart by digests that PostgreSQL computes of its own catalog. Printing definitions is left to one
member of each group of equals: printing all of them takes minutes and gigabytes at a few thousand schemas.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from django_tenants.utils import get_tenant_model

from shared_apps.fleet.baseline import catalogs
from shared_apps.fleet.doctor import queries
from shared_apps.fleet.doctor.differences import tables_of
from shared_apps.fleet.grants import TENANT_GROUP
from shared_apps.fleet.ledger import Migrations, digest_of, fingerprint_of
from shared_apps.fleet.models import Schema
from shared_apps.fleet.running import RUN_LOCK
from shared_apps.fleet.workers import connect
from tenants.context import TENANT_ALIAS
from tenants.routers import CONTROL_ALIAS

# Schemas asked over one connection: its process remembers every table it has read or printed.
AT_ONCE: Final = 250
NOT_ENFORCED: Final = 180000  # constraints that are written down only came with PostgreSQL 18
Kind = tuple[str, str]
Looks = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A row of the ledger."""

    name: str
    tenant_id: UUID
    state: str
    applied: str
    fingerprint: str
    halfway: str
    failure: str

    @property
    def is_ready(self) -> bool:
        return self.state == Schema.State.READY


@dataclass(frozen=True)
class Grant:
    """A right that somebody who does not own the object has on it."""

    sort: str  # TABLE, SEQUENCE or SCHEMA
    table: str  # empty for the schema itself
    column: str
    grantee: str  # OWN for the schema's own role
    privilege: str
    grantable: bool


@dataclass(frozen=True)
class Membership:
    """Who is a member of which role, and what the membership gives."""

    role: str
    member: str
    inherits: bool
    sets: bool
    administers: bool
    by_migrator: bool


@dataclass
class Facts:
    """Everything that findings are judged from."""

    migrator: str = ""
    is_running: bool = False
    standing: dict[str, str] = field(default_factory=dict)  # schema → its owner
    ledger: dict[str, Entry] = field(default_factory=dict)
    clients: dict[str, UUID] = field(default_factory=dict)  # schema → the client's id
    baseline: Kind | None = None
    roles: dict[str, list[str]] = field(default_factory=dict)  # role → attributes it must not have
    used_elsewhere: set[str] = field(default_factory=set)  # roles with rights in another database
    memberships: list[Membership] = field(default_factory=list)
    public_tables: list[str] = field(default_factory=list)
    public_grants: list[Grant] = field(default_factory=list)
    # Of the schemas, by name
    catalogs: dict[str, str] = field(default_factory=dict)  # fingerprints
    applied: dict[str, str] = field(default_factory=dict)  # digests of their own migrations
    claimed: dict[str, Kind] = field(default_factory=dict)  # what the ledger said at that moment
    sentinels: dict[str, list[UUID]] = field(default_factory=dict)
    grants: dict[str, list[Grant]] = field(default_factory=dict)
    tables: dict[str, frozenset[str]] = field(default_factory=dict)
    outward: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    invalid: dict[str, list[str]] = field(default_factory=dict)  # indexes
    unvalidated: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # tables and constraints
    foreign_owners: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # By fingerprint and by digest
    lines: dict[str, list[str]] = field(default_factory=dict)
    migrations: dict[str, Migrations] = field(default_factory=dict)


def gather() -> Facts:
    """Ask everything; the catalog, the ledger and the clients are seen at one moment."""
    facts = Facts()
    with connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = public")
        _ask_ledger(connection, facts)
        _ask_roles(connection, facts)
        looks = _ask_catalog(connection, facts)
        connection.execute("COMMIT")
    _look_closer(facts, looks)
    _read_rows(facts)
    return facts


def _ask_ledger(connection: psycopg.Connection[Any], facts: Facts) -> None:
    row = connection.execute(queries.MOMENT, {"lock": RUN_LOCK}).fetchone()
    assert row is not None
    facts.migrator, facts.is_running, applied, fingerprint = row
    facts.baseline = None if applied is None else (applied, fingerprint)
    facts.ledger = {row[0]: Entry(*row) for row in connection.execute(queries.LEDGER)}
    clients = queries.CLIENTS.format(table=get_tenant_model()._meta.db_table)
    facts.clients = dict(connection.execute(clients).fetchall())


def _ask_roles(connection: psycopg.Connection[Any], facts: Facts) -> None:
    facts.roles = dict(connection.execute(queries.ROLES).fetchall())
    facts.used_elsewhere = {name for (name,) in connection.execute(queries.USED_ELSEWHERE)}
    facts.memberships = [Membership(*row) for row in connection.execute(queries.MEMBERSHIPS)]
    logins = [settings.DATABASES[alias]["USER"] for alias in (CONTROL_ALIAS, TENANT_ALIAS)]
    watched = {"watched": [*logins, TENANT_GROUP]}
    facts.public_tables = [name for (name,) in connection.execute(queries.PUBLIC_TABLES)]
    facts.public_grants = [Grant(*row) for row in connection.execute(queries.PUBLIC_GRANTS, watched)]


def _ask_catalog(connection: psycopg.Connection[Any], facts: Facts) -> Looks:
    """Two digests for each schema: of its objects, and of their owners and rights."""
    found = connection.execute(queries.STANDING).fetchall()
    facts.standing = {name: owner for _, name, owner in found}
    names, homes = {oid: name for oid, name, _ in found}, {"homes": [oid for oid, *_ in found]}
    _collect(facts.invalid, connection.execute(queries.INVALID, homes))
    _collect(facts.unvalidated, connection.execute(queries.UNVALIDATED, homes))
    _collect(facts.foreign_owners, connection.execute(queries.OWNERS, homes))
    _collect(facts.outward, connection.execute(queries.KEYS_BETWEEN, homes))
    enforced = "c.conenforced," if connection.info.server_version >= NOT_ENFORCED else ""
    looks: Looks = ({}, {})
    for oid, is_object, *digest in connection.execute(queries.DIGESTS.format(enforced=enforced), homes):
        looks[0 if is_object else 1][names[oid]] = tuple(digest)
    # Without any object there is no line to make a digest of.
    return {name: looks[0].get(name) for name in facts.standing}, looks[1]


def _look_closer(facts: Facts, looks: Looks) -> None:
    """Print the objects of one schema of each sort, and give every other what was found for its like."""
    with connect() as connection:  # some may have gone since
        left = {name for _, name, _ in connection.execute(queries.STANDING)}
    by_objects, by_rights = (_groups({name: look[name] for name in look if name in left}) for look in looks)
    for alike in _batches(by_objects):
        with connect() as connection:
            connection.execute("SET search_path = ext")  # every other name is printed with its schema
            printed = catalogs(connection.cursor(), [names[0] for names in alike])
            outward = connection.execute(queries.OUTWARD, [list(printed)]).fetchall()
        for names in alike:
            _share_objects(
                facts, names, printed[names[0]], [row[1:] for row in outward if row[0] == names[0]]
            )
    for alike in _batches(by_rights):
        with connect() as connection:
            found = connection.execute(queries.GRANTS, [[names[0] for names in alike]]).fetchall()
        for names in alike:
            mine = [Grant(*row[1:]) for row in found if row[0] == names[0]]
            facts.grants |= dict.fromkeys(names, mine)


def _share_objects(facts: Facts, names: list[str], lines: list[str], outward: list[Any]) -> None:
    fingerprint = fingerprint_of(lines)
    facts.lines[fingerprint] = lines
    facts.catalogs |= dict.fromkeys(names, fingerprint)
    facts.tables |= dict.fromkeys(names, tables_of(lines))
    for name in names if outward else ():
        # They were asked of the first, and name it.
        mine = [(one.replace(names[0], name), other) for one, other in outward]
        facts.outward.setdefault(name, []).extend(mine)


def _read_rows(facts: Facts) -> None:
    """What the schemas' own tables say: whose they are, and which migrations they have."""
    sets: dict[str, str] = {}
    for names in _batches(list(facts.standing)):
        with connect() as connection:
            for name, *said in _read(connection, names, facts):
                _keep_rows(connection, facts, sets, name, said)


def _keep_rows(
    connection: psycopg.Connection[Any], facts: Facts, sets: dict[str, str], name: str, said: list[Any]
) -> None:
    short, sentinels, applied, fingerprint = said
    facts.claimed[name] = (applied or "", fingerprint or "")
    if sentinels is not None:
        facts.sentinels[name] = sentinels
    if short is None:
        return
    if short not in sets:
        rows = connection.execute(
            f'SELECT app, name FROM "{name}".django_migrations ORDER BY 1, 2'
        ).fetchall()
        migrations = [(app, migration) for app, migration in rows]
        sets[short] = digest_of(migrations)
        facts.migrations[sets[short]] = migrations
    facts.applied[name] = sets[short]


def _read(connection: psycopg.Connection[Any], names: list[str], facts: Facts) -> list[tuple[Any, ...]]:
    """All in one statement; where a schema went away or a table is not as it should be, one by one."""
    parts = [queries.rows_of(name, facts.tables.get(name, frozenset())) for name in names]
    try:
        return connection.execute(" UNION ALL ".join(parts)).fetchall()
    except psycopg.Error:
        found: list[tuple[Any, ...]] = []
        for part in parts:
            try:
                found += connection.execute(part).fetchall()
            except psycopg.Error:
                continue
        return found


def _collect(into: dict[str, list[Any]], rows: Iterable[tuple[Any, ...]]) -> None:
    for schema, *found in rows:
        into.setdefault(schema, []).append(found[0] if len(found) == 1 else tuple(found))


def _groups(digests: dict[str, Any]) -> list[list[str]]:
    found: dict[Any, list[str]] = {}
    for name, digest in digests.items():
        found.setdefault(digest, []).append(name)
    return list(found.values())


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]

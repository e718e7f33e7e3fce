"""Findings about who may do what: roles, memberships, grants, and the sentinel that says whose schema it is."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from shared_apps.fleet.doctor.facts import Facts, Grant, Membership
from shared_apps.fleet.doctor.findings import Finding, Kind
from shared_apps.fleet.doctor.queries import OWN
from shared_apps.fleet.grants import (
    ALL,
    TENANT_GROUP,
    public_allowances,
    public_restrictions,
    role_statements,
    tenant_tables,
)
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.provisioning import app_login

SHOWN: Final = 6
SENTINEL: Final = (
    'INSERT INTO "{name}".tenants_sentinel (tenant_id) SELECT tenant_id FROM public.fleet_schema'
    " WHERE name = '{name}' AND NOT EXISTS (SELECT FROM \"{name}\".tenants_sentinel)"
)
# What a login with CREATEROLE can take away; the rest needs the administrator.
REVOCABLE: Final = frozenset({"LOGIN", "INHERIT", "CREATEROLE"})


def judge_sentinels(facts: Facts) -> Iterator[Finding]:
    """Each schema says itself whose it is, in one row."""
    for name, found in facts.sentinels.items():
        entry = facts.ledger.get(name)
        if entry is None or entry.state in (Schema.State.TEMPLATE, Schema.State.RESERVED):
            continue
        if not found:
            yield Finding(
                Kind.NO_SENTINEL,
                name,
                "The row that says whose schema it is is missing, so every request is refused.",
                "Mending writes it from the ledger.",
                mendable=True,
                statements=(SENTINEL.format(name=name),),
            )
        elif found != [entry.tenant_id]:
            yield Finding(
                Kind.WRONG_SENTINEL,
                name,
                f"It says that it is {' and '.join(map(str, found))}'s, the ledger {entry.tenant_id}'s.",
                "An alarm: rows of one tenant may be in another's schema. Suspend it, and find out who wrote that row.",
            )


def judge_roles(facts: Facts) -> Iterator[Finding]:
    """Each schema has a role without login, which is in the tenants' group and which only the application can enter."""
    wanted = {
        name
        for name in (facts.standing.keys() & facts.ledger.keys()) | _reserved(facts)
        if name != TEMPLATE_SCHEMA
    }
    members = _by_role(facts)
    for name in sorted(wanted):
        if name not in facts.roles:
            what = "The role with its name is missing, so nobody can enter it."
            statements = tuple(role_statements(name, app_login()))
            yield Finding(
                Kind.MISSING_ROLE, name, what, "Mending makes it.", mendable=True, statements=statements
            )
            continue
        yield from _of_attributes(name, facts.roles[name])
        yield from _of_memberships(facts, name, members.get(name, []))
    for name in sorted(
        facts.roles.keys() - facts.standing.keys() - facts.ledger.keys() - facts.used_elsewhere
    ):
        yield _left_over(name)


def _reserved(facts: Facts) -> set[str]:
    return {name for name, entry in facts.ledger.items() if entry.state == Schema.State.RESERVED}


def _by_role(facts: Facts) -> dict[str, list[Membership]]:
    found: dict[str, list[Membership]] = {}
    for membership in facts.memberships:
        for role in {membership.role, membership.member}:
            found.setdefault(role, []).append(membership)
    return found


def _of_attributes(name: str, attributes: list[str]) -> Iterator[Finding]:
    if attributes:
        statement = f'ALTER ROLE "{name}" {" ".join(f"NO{each}" for each in attributes)}'
        can = REVOCABLE.issuperset(attributes)
        yield Finding(
            Kind.ROLE_ATTRIBUTES,
            name,
            f"Its role has {', '.join(attributes)}, which a tenant's role must not have.",
            "Mending takes that away." if can else f"As administrator: {statement}.",
            mendable=can,
            objects=tuple(attributes),
            statements=(statement,) if can else (),
        )


def _of_memberships(facts: Facts, name: str, found: list[Membership]) -> Iterator[Finding]:
    _, in_group, for_app = role_statements(name, app_login())
    group = next((each for each in found if (each.role, each.member) == (TENANT_GROUP, name)), None)
    app = next((each for each in found if (each.role, each.member) == (name, app_login())), None)
    lacking = []
    if group is None or not group.inherits or group.sets:
        lacking.append((f"membership in {TENANT_GROUP}", in_group))
    if app is None or not app.sets or app.inherits:
        lacking.append((f"way in for {app_login()}", for_app))
    if lacking:
        yield Finding(
            Kind.MISSING_MEMBERSHIP,
            name,
            f"Missing, or with other options than it must have: {_listed([what for what, _ in lacking])}.",
            "Mending grants it.",
            mendable=True,
            statements=tuple(statement for _, statement in lacking),
        )
    yield from _of_strangers(facts, name, [each for each in found if _is_excess(facts, name, each)])


def _is_excess(facts: Facts, name: str, each: Membership) -> bool:
    if each.member == name:
        return each.role != TENANT_GROUP
    return each.administers if each.member == app_login() else each.member != facts.migrator


def _of_strangers(facts: Facts, name: str, excess: list[Membership]) -> Iterator[Finding]:
    if excess:
        statements = [_revocation(each) for each in excess]
        can = all(each.by_migrator for each in excess)
        yield Finding(
            Kind.EXCESS_MEMBERSHIP,
            name,
            f"More memberships than declared: {_listed([f'{each.member} in {each.role}' for each in excess])}.",
            "Mending takes that away." if can else f"As administrator: {'; '.join(statements)}.",
            mendable=can,
            objects=tuple(each.member if each.role == name else each.role for each in excess),
            statements=tuple(statements) if can else (),
        )


def _revocation(each: Membership) -> str:
    option = "ADMIN OPTION FOR " if each.member == app_login() else ""
    return f'REVOKE {option}"{each.role}" FROM "{each.member}"'


def _left_over(name: str) -> Finding:
    return Finding(
        Kind.LEFT_OVER_ROLE,
        name,
        "A role without a schema in this database.",
        "Roles are the whole server's: another Rowhouse database there may have reserved it. If none has, DROP ROLE.",
    )


def judge_grants(facts: Facts) -> Iterator[Finding]:
    """A role has the declared rights on the tables of its schema; nobody else has any."""
    declared = {table: set(rights.split(", ")) for table, rights in tenant_tables().items()}
    declared["django_migrations"] = set()
    for name in facts.standing:
        if name in facts.ledger or name in facts.clients:
            # Of the template nobody has any right.
            expected = {} if name == TEMPLATE_SCHEMA else declared
            yield from _of_grants(
                name, facts.grants.get(name, []), facts.tables.get(name, frozenset()), expected
            )


def _of_grants(
    name: str, grants: list[Grant], tables: frozenset[str], declared: dict[str, set[str]]
) -> Iterator[Finding]:
    # The right on the schema itself stands under the empty name.
    expected = {table: rights for table, rights in declared.items() if table in tables}
    if declared:
        expected[""] = {"USAGE"}
    own = [each for each in grants if each.grantee == OWN and not each.column]
    have = {(each.table, each.privilege) for each in own}
    missing = {
        table: sorted(right for right in rights if (table, right) not in have)
        for table, rights in sorted(expected.items())
    }
    yield from _missing(name, name, {table: rights for table, rights in missing.items() if rights}, name)
    excess = [each for each in grants if not _is_declared(each, expected, declared)]
    yield from _excess(name, name, excess)


def _is_declared(grant: Grant, expected: dict[str, set[str]], declared: dict[str, set[str]]) -> bool:
    if grant.grantee != OWN or grant.grantable or grant.column:
        return False
    unknown = set(ALL.split(", ")) if grant.table not in declared and declared and grant.table else set()
    return grant.privilege in expected.get(grant.table, unknown)


def _missing(schema: str, home: str, missing: dict[str, list[str]], role: str) -> Iterator[Finding]:
    if missing:
        statements = [
            f"GRANT {', '.join(rights)} ON "
            + (f'"{home}"."{table}"' if table else f'SCHEMA "{home}"')
            + f' TO "{role}"'
            for table, rights in missing.items()
        ]
        parts = [f"{', '.join(rights)} on {table or 'the schema'}" for table, rights in missing.items()]
        yield Finding(
            Kind.MISSING_GRANT,
            schema,
            f"The role {role} lacks {_listed(parts)}.",
            "Mending grants it.",
            mendable=True,
            objects=tuple(missing),
            statements=tuple(statements),
        )


def _excess(schema: str, own: str, excess: list[Grant]) -> Iterator[Finding]:
    if excess:
        parts = [
            f"{_grantee(each, own)} has {each.privilege} on {each.table or 'the schema'}" for each in excess
        ]
        yield Finding(
            Kind.EXCESS_GRANT,
            schema,
            f"More rights than declared: {_listed(parts)}.",
            "Mending revokes it.",
            mendable=True,
            objects=tuple(sorted({each.table for each in excess})),
            statements=tuple(_revoked(each, schema, own) for each in excess),
        )


def _grantee(grant: Grant, own: str) -> str:
    return own if grant.grantee == OWN else grant.grantee


def _revoked(grant: Grant, schema: str, own: str) -> str:
    who = "PUBLIC" if grant.grantee == "PUBLIC" else f'"{_grantee(grant, own)}"'
    column = f' ("{grant.column}")' if grant.column else ""
    target = f'{grant.sort} "{schema}"' + (f'."{grant.table}"' if grant.table else "")
    return f"REVOKE {grant.privilege}{column} ON {target} FROM {who}"


def judge_public(facts: Facts) -> Iterator[Finding]:
    """In `public` tenants have their allow-list and no more, and the platform's login what is declared."""
    allowed = {(table, column) for table, columns in public_allowances().items() for column in columns}
    restricted = {table: set(rights.split(", ")) for table, rights in public_restrictions().items()}
    control = settings.DATABASES["control"]["USER"]
    excess, have = [], set()
    for grant in facts.public_grants:
        if grant.grantee == control:
            have.add((grant.table, grant.privilege))
            if grant.privilege not in restricted.get(grant.table, {grant.privilege}):
                excess.append(grant)
        elif (
            grant.grantee != TENANT_GROUP
            or grant.privilege != "INSERT"
            or (grant.table, grant.column) not in allowed
        ):
            excess.append(grant)
    missing = {
        table: sorted(
            right for right in restricted.get(table, set(ALL.split(", "))) if (table, right) not in have
        )
        for table in facts.public_tables
    }
    yield from _missing(
        "public", "public", {table: rights for table, rights in missing.items() if rights}, control
    )
    yield from _excess("public", "", excess)


def _listed(parts: list[str]) -> str:
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return "; ".join(parts[:SHOWN]) + more

"""Who may do what to which table. Rights follow from declarations in the apps; what is not listed is not granted.

An app's config may name tables as `append_only` (INSERT, SELECT), `no_update` (and DELETE), `read_only` (SELECT), and
`public_grants`: the columns of a public table that every tenant may fill. That allow-list is all a tenant has there.
"""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from django.apps import AppConfig, apps
from django.conf import settings

TENANT_GROUP: Final = "rowhouse_tenant"
RIGHTS: Final = {
    "read_only": "SELECT",
    "append_only": "SELECT, INSERT",
    "no_update": "SELECT, INSERT, DELETE",
}
ALL: Final = "SELECT, INSERT, UPDATE, DELETE"
# Stands for the role of whatever schema the grants are used for.
ROLE: Final = '"__role__"'


def tenant_tables() -> dict[str, str]:
    """The tables of a tenant's schema with the rights of its role on each."""
    return dict(_tables(settings.TENANT_APPS))


def public_restrictions() -> dict[str, str]:
    """Public tables on which the `control` login has less than all rights."""
    return {table: rights for table, rights in _tables(settings.SHARED_APPS) if rights != ALL}


def public_allowances() -> dict[str, list[str]]:
    """Public tables into which a tenant may insert, with the columns it may fill."""
    found: dict[str, list[str]] = {}
    for config in apps.get_app_configs():
        found.update(getattr(config, "public_grants", {}))
    return found


def schema_grants(schema: str, role: str) -> list[str]:
    """Statements that give a tenant's role its rights in its schema, and nothing else."""
    return [
        f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}"',
        *table_grants(schema, role),
    ]


def table_grants(schema: str, role: str) -> list[str]:
    """Grants on the tables of a schema; one statement for each set of rights."""
    by_rights: dict[str, list[str]] = {}
    for table, rights in tenant_tables().items():
        by_rights.setdefault(rights, []).append(f'"{schema}"."{table}"')
    return [f'GRANT {rights} ON {", ".join(names)} TO "{role}"' for rights, names in by_rights.items()]


def grants_on(tables: Iterable[str]) -> list[str]:
    """Grants on tables of the path to ROLE, as declared; a table that no model has (yet) is like most of them."""
    declared, by_rights = tenant_tables(), dict[str, list[str]]()
    for table in tables:
        if table != "django_migrations":
            by_rights.setdefault(declared.get(table, ALL), []).append(f'"{table}"')
    return [f"GRANT {rights} ON {', '.join(names)} TO {ROLE}" for rights, names in sorted(by_rights.items())]


def for_role(grants: Iterable[str], role: str) -> list[str]:
    """Such grants for one role."""
    return [grant.replace(ROLE, f'"{role}"') for grant in grants]


def regrants(schema: str) -> list[str]:
    """Statements that bring a role's rights on its own tables to what is declared now."""
    tables = ", ".join(f'"{schema}"."{table}"' for table in tenant_tables())
    return [f'REVOKE ALL ON {tables} FROM "{schema}"', *schema_grants(schema, schema)]


def rights_digest() -> str:
    """What all rights are declared to be, in one digest."""
    declared = [tenant_tables(), public_restrictions(), public_allowances()]
    return sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def role_statements(role: str, app_login: str) -> list[str]:
    """Statements that make a tenant's role: no login, and the application must enter it on purpose."""
    return [
        f'CREATE ROLE "{role}" NOLOGIN NOINHERIT',
        f'GRANT {TENANT_GROUP} TO "{role}" WITH INHERIT TRUE, SET FALSE',
        f'GRANT "{role}" TO "{app_login}" WITH INHERIT FALSE, SET TRUE',
    ]


def public_grants(control_login: str) -> list[str]:
    """Statements for the public schema, after its migrations."""
    control = f'"{control_login}"'
    return [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {control}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {control}",
        *(f'REVOKE ALL ON public."{t}" FROM {control}' for t in public_restrictions()),
        *(f'GRANT {rights} ON public."{t}" TO {control}' for t, rights in public_restrictions().items()),
        *(
            f'GRANT INSERT ({", ".join(c)}) ON public."{t}" TO {TENANT_GROUP}'
            for t, c in public_allowances().items()
        ),
    ]


def _tables(app_names: list[str]) -> Iterator[tuple[str, str]]:
    for config in apps.get_app_configs():
        if config.name in app_names:
            for model in config.get_models(include_auto_created=True):
                yield model._meta.db_table, _rights(config, model._meta.db_table)


def _rights(config: AppConfig, table: str) -> str:
    for attribute, rights in RIGHTS.items():
        if table in getattr(config, attribute, ()):
            return rights
    return ALL

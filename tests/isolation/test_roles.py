"""What each database role may do, asked of the catalog and tried out: a tenant's role has its own tables, no more."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from billing.usage.ledger import record_usage
from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.fleet.bootstrap import ESCAPES
from shared_apps.fleet.grants import TENANT_GROUP, public_allowances, tenant_tables
from shared_apps.fleet.models import TEMPLATE_SCHEMA
from shared_apps.fleet.provisioning import app_login
from tenants.context import Tenant, unit_of_work
from tests.cast import PASSWORD
from tests.stage import administrator, url_of

RIGHTS: Final = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]
FOREIGN = """
    SELECT r.rolname, n.nspname, c.relname, wanted FROM pg_roles r, unnest(%(rights)s::text[]) wanted, pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.rolname = ANY (%(roles)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND (n.nspname LIKE 't\\_%%' OR n.nspname = 'public') AND n.nspname <> r.rolname"""
SCHEMAS = """
    SELECT r.rolname, n.nspname, wanted FROM pg_roles r, pg_namespace n, unnest(ARRAY['USAGE', 'CREATE']) wanted
     WHERE r.rolname = ANY (%(roles)s) AND has_schema_privilege(r.oid, n.oid, wanted)
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""
PUBLIC_COLUMNS = """
    SELECT t.relname, a.attname, given.privilege_type FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid,
           aclexplode(a.attacl) given WHERE t.relnamespace = 'public'::regnamespace
       AND given.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s) UNION SELECT 0)"""
GROUP_TABLES = """
    SELECT t.oid::regclass::text, given.privilege_type FROM pg_class t, aclexplode(t.relacl) given
     WHERE t.relnamespace IN ('public'::regnamespace, 'ext'::regnamespace) AND t.relkind <> 'i'
       AND given.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s) UNION SELECT 0)"""


@pytest.fixture
def tenants(acme: Tenant, globex: Tenant) -> list[Tenant]:
    """Three tenants, of which one has signed up a moment ago."""
    client = sign_up(company="Initech", subdomain="initech", email="owner@initech.example", password=PASSWORD)
    return [acme, globex, as_tenant(client)]


@pytest.fixture
def roles(tenants: list[Tenant]) -> list[str]:
    return [tenant.role for tenant in tenants]


def ask(query: str, **values: Any) -> list[Any]:
    with administrator() as admin:
        return admin.execute(query, values or None).fetchall()


def refused(statement: str, *params: Any) -> None:
    """Run a statement in the current unit and insist that the database refuses it for want of a right."""
    with pytest.raises(ProgrammingError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params or None)
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege), (
        f"{statement}: {refusal.value}"
    )


# Between tenants


def test_no_role_has_any_right_on_any_table_of_another_schema(roles: list[str]) -> None:
    asked = ask(f"SELECT count(*) FROM ({FOREIGN}) pairs", roles=roles, rights=RIGHTS)[0][0]
    granted = ask(
        f"{FOREIGN} AND (has_table_privilege(r.oid, c.oid, wanted) OR (wanted <> ALL (ARRAY['DELETE', 'TRUNCATE',"
        " 'TRIGGER', 'MAINTAIN']) AND has_any_column_privilege(r.oid, c.oid, wanted)))",
        roles=roles,
        rights=RIGHTS,
    )
    assert asked >= len(roles) * len(roles) * len(tenant_tables()) * len(RIGHTS)
    assert {(schema, table, right) for _, schema, table, right in granted} == {
        ("public", table, "INSERT") for table in public_allowances()
    }


def test_no_role_may_use_another_tenant_s_schema_or_create_in_its_own(roles: list[str]) -> None:
    assert set(ask(SCHEMAS, roles=roles)) == {
        *((role, role, "USAGE") for role in roles),
        *((role, shared, "USAGE") for role in roles for shared in ("public", "ext")),
    }


def test_reading_and_writing_another_tenant_s_tables_is_refused(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        with unit_of_work(tenant):
            for other in {*(t.schema for t in tenants), TEMPLATE_SCHEMA} - {tenant.schema}:
                for table in tenant_tables():
                    refused(f'SELECT 1 FROM "{other}"."{table}"')
                refused(f'DELETE FROM "{other}".users_user')
                refused(f'UPDATE "{other}".users_user SET name = name')
                refused(f'INSERT INTO "{other}".tenants_sentinel VALUES (gen_random_uuid())')


def test_the_catalog_notices_a_grant_too_many(acme: Tenant, globex: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f'GRANT SELECT ON "{globex.schema}".users_user TO "{acme.role}"')
        try:
            with pytest.raises(AssertionError):
                test_no_role_has_any_right_on_any_table_of_another_schema([acme.role, globex.role])
        finally:
            admin.execute(f'REVOKE SELECT ON "{globex.schema}".users_user FROM "{acme.role}"')


# In public


def test_tenants_may_fill_the_columns_that_apps_declare_and_nothing_else_in_public(roles: list[str]) -> None:
    everybody = [*roles, TENANT_GROUP]
    declared = {(t, column, "INSERT") for t, columns in public_allowances().items() for column in columns}
    assert set(ask(PUBLIC_COLUMNS, roles=everybody)) == declared
    assert ask(GROUP_TABLES, roles=everybody) == []


def test_public_tables_cannot_be_read_from_inside_a_tenant(inside: Tenant) -> None:
    tables = [name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert "clients_client" in tables
    for table in tables:
        refused(f'SELECT 1 FROM public."{table}"')
        refused(f'DELETE FROM public."{table}"')


def test_a_forged_tenant_in_the_usage_ledger_is_refused(acme: Tenant, globex: Tenant) -> None:
    columns = "id, meter, quantity, idempotency_key, occurred_at"
    values = "gen_random_uuid(), 'orders_placed', 1, 'forged', now()"
    with unit_of_work(acme):
        refused(
            f"INSERT INTO public.billing_usagerecord (tenant, {columns}) VALUES (%s, {values})", globex.role
        )
        refused(f"INSERT INTO public.billing_usagerecord ({columns}) VALUES ({values}) RETURNING id")
        refused("UPDATE public.billing_usagerecord SET quantity = 0")
        assert record_usage(meter="orders_placed", quantity=1, idempotency_key="true", at=timezone.now())
    assert ask("SELECT tenant, idempotency_key FROM billing_usagerecord") == [(acme.role, "true")]


# In its own schema


def test_a_role_has_the_declared_rights_on_its_own_tables_and_no_others(roles: list[str]) -> None:
    query = """
        SELECT c.relname, string_agg(wanted, ', ' ORDER BY place) FROM pg_class c,
               unnest(%(rights)s::text[]) WITH ORDINALITY rights (wanted, place)
         WHERE c.relnamespace = %(role)s::text::regnamespace AND c.relkind = 'r'
           AND has_table_privilege(%(role)s::text::name, c.oid, wanted) GROUP BY 1"""
    for role in roles:
        assert dict(ask(query, role=role, rights=RIGHTS)) == tenant_tables()


def declared(attribute: str) -> list[str]:
    """Tables of tenants that an app's config names under this attribute."""
    configs = (config for config in apps.get_app_configs() if config.name in settings.TENANT_APPS)
    return [table for config in configs for table in getattr(config, attribute, ())]


def test_history_cannot_be_rewritten(inside: Tenant) -> None:
    append_only, no_update, read_only = map(declared, ("append_only", "no_update", "read_only"))
    assert append_only
    assert no_update
    assert read_only
    for table in [*append_only, *no_update, *read_only]:
        refused(f"UPDATE {table} SET {_key(table)} = {_key(table)}")
    for table in [*append_only, *read_only]:
        refused(f"DELETE FROM {table}")
    for table in read_only:
        refused(f"INSERT INTO {table} DEFAULT VALUES")


def _key(table: str) -> str:
    return next(str(m._meta.pk.column) for m in apps.get_models() if m._meta.db_table == table)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX ON users_user (name)",
        "ALTER TABLE users_user ADD COLUMN mine int",
        "DROP TABLE users_user",
        "TRUNCATE users_user",
        "CREATE ROLE mine",
        "ALTER ROLE rowhouse_app SUPERUSER",
        "COPY users_user TO PROGRAM 'cat'",
        "COPY users_user TO '/tmp/mine'",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_catalog.pg_largeobject",
        "SET SESSION AUTHORIZATION postgres",
    ],
)
def test_a_tenant_cannot_change_what_there_is(inside: Tenant, statement: str) -> None:
    refused(statement)


def test_a_tenant_cannot_give_its_rights_away(acme: Tenant) -> None:
    with unit_of_work(acme), connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON users_user TO {TENANT_GROUP}")
    query = "SELECT has_table_privilege(%(group)s::text, %(table)s::text, 'SELECT')"
    assert ask(query, group=TENANT_GROUP, table=f'"{acme.schema}".users_user') == [(False,)]


CALLS: Final = {
    "set_config": "SELECT set_config('role', 'none', true)",
    "query_to_xml": "SELECT query_to_xml('SELECT 1', true, false, '')",
    "query_to_xmlschema": "SELECT query_to_xmlschema('SELECT 1', true, false, '')",
    "query_to_xml_and_xmlschema": "SELECT query_to_xml_and_xmlschema('SELECT 1', true, false, '')",
    "cursor_to_xml": "SELECT cursor_to_xml('c', 1, true, false, '')",
    "table_to_xml": "SELECT table_to_xml('users_user', true, false, '')",
    "schema_to_xml": "SELECT schema_to_xml('public', true, false, '')",
    "database_to_xml": "SELECT database_to_xml(true, false, '')",
    "ts_stat": "SELECT * FROM ts_stat('SELECT NULL::tsvector')",
    "ts_rewrite": "SELECT ts_rewrite('a'::tsquery, 'SELECT NULL::tsquery, NULL::tsquery')",
    "lo_create": "SELECT lo_create(0)",
    "lo_creat": "SELECT lo_creat(-1)",
    "lo_from_bytea": "SELECT lo_from_bytea(0, '')",
    "lo_open": "SELECT lo_open(1, 262144)",
    "lo_unlink": "SELECT lo_unlink(1)",
    "lo_put": "SELECT lo_put(1, 0, '')",
    "lo_import": "SELECT lo_import('/etc/hostname')",
    "lo_export": "SELECT lo_export(1, '/tmp/mine')",
    "pg_read_file": "SELECT pg_read_file('postgresql.conf')",
    "pg_ls_dir": "SELECT pg_ls_dir('.')",
    "pg_stat_file": "SELECT pg_stat_file('PG_VERSION')",
    "pg_reload_conf": "SELECT pg_reload_conf()",
    "pg_logfile_rotate": "SELECT pg_rotate_logfile()",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions_that_lead_out_of_the_role_are_refused(inside: Tenant, call: str) -> None:
    refused(call)


def test_every_function_that_the_walls_name_is_called_above() -> None:
    assert {signature.partition("(")[0] for signature in ESCAPES} <= CALLS.keys()


def test_other_people_s_statements_and_sessions_are_hidden(acme: Tenant, globex: Tenant) -> None:
    with administrator() as admin:
        admin.execute("SELECT 'a secret of the neighbour'")
        pid = admin.info.backend_pid
        with unit_of_work(acme), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s", ["%a secret of%"])
            assert cursor.fetchone() == (0,)
            refused("SELECT pg_terminate_backend(%s)", pid)


# The logins


def attributes(names: list[str]) -> dict[str, dict[str, bool]]:
    rows = ask(
        "SELECT to_jsonb(r) - 'rolconfig' FROM pg_roles r WHERE rolname = ANY (%(names)s)", names=names
    )
    return {
        row["rolname"]: {key: value for key, value in row.items() if isinstance(value, bool)}
        for (row,) in rows
    }


def logins() -> dict[str, str]:
    return {alias: settings.DATABASES[alias]["USER"] for alias in ("default", "control", "migrator")}


def test_nothing_that_runs_is_a_superuser(roles: list[str]) -> None:
    known = attributes([*roles, TENANT_GROUP, *logins().values()])
    assert known.keys() == {*roles, TENANT_GROUP, *logins().values()}
    for name, has in known.items():
        assert not any(has[f"rol{right}"] for right in ("super", "bypassrls", "replication", "createdb")), (
            name
        )
        assert has["rolcreaterole"] is (name == logins()["migrator"]), name
        assert has["rolcanlogin"] is (name in logins().values()), name


def test_the_application_inherits_nothing_and_tenants_lead_nowhere(roles: list[str]) -> None:
    query = """
        SELECT pg_get_userbyid(member), pg_get_userbyid(roleid), inherit_option, set_option, admin_option
          FROM pg_auth_members WHERE ARRAY[pg_get_userbyid(roleid), pg_get_userbyid(member)]::text[] && %(roles)s"""
    migrator = logins()["migrator"]
    found = {row for row in ask(query, roles=roles) if row[0] != migrator}
    assert found == {
        *((app_login(), role, False, True, False) for role in roles),
        *((role, TENANT_GROUP, True, False, False) for role in roles),
    }
    assert {row[2:] for row in ask(query, roles=roles) if row[0] == migrator} == {(False, False, True)}


@pytest.fixture
def as_app() -> Iterator[psycopg.Connection[Any]]:
    """The application's login without our backend in between."""
    entry = settings.DATABASES["default"]
    names = {"dbname": entry["NAME"], "user": entry["USER"], "password": entry["PASSWORD"]}
    with psycopg.connect(host=entry["HOST"], port=entry["PORT"], autocommit=True, **names) as raw:
        yield raw


def test_the_application_s_login_may_do_nothing_by_itself(
    as_app: psycopg.Connection[Any], acme: Tenant
) -> None:
    rights = """
        SELECT c.oid::regclass, wanted FROM pg_class c, unnest(%(rights)s::text[]) wanted
         WHERE c.relkind IN ('r', 'p', 'v', 'm') AND (c.relnamespace::regnamespace::text LIKE 't\\_%%' OR
               c.relnamespace = 'public'::regnamespace) AND has_table_privilege(%(login)s, c.oid, wanted)"""
    assert ask(rights, login=app_login(), rights=RIGHTS) == []
    assert as_app.execute("SHOW search_path").fetchone() == ('""',)
    for statement in (
        f'SELECT 1 FROM "{acme.schema}".users_user',
        "SELECT 1 FROM public.clients_client",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "SELECT set_config('role', 'none', false)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_app.execute(statement)


def test_a_forgotten_path_finds_no_table_at_all(as_app: psycopg.Connection[Any], acme: Tenant) -> None:
    as_app.execute(f'SET ROLE "{acme.role}"')
    with pytest.raises(psycopg.errors.UndefinedTable):
        as_app.execute("SELECT 1 FROM users_user")


def test_operators_cannot_reach_a_tenant_s_tables(acme: Tenant) -> None:
    entry = settings.DATABASES["control"]
    with psycopg.connect(
        url_of(entry["NAME"]), user=entry["USER"], password=entry["PASSWORD"], autocommit=True
    ) as control:
        assert control.execute("SELECT count(*) FROM clients_client").fetchone() == (2,)
        for statement in (
            f'SELECT 1 FROM "{acme.schema}".users_user',
            f'SET ROLE "{acme.role}"',
            "UPDATE audit_auditentry SET verb = verb",
            "DELETE FROM audit_auditentry",
            "CREATE TABLE public.mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                control.execute(statement)

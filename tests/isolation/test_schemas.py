"""A tenant's schema stands by itself, so that it can be exported, restored, copied and moved: asked of the catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from shared_apps.fleet.models import TEMPLATE_SCHEMA
from tenants.context import Tenant
from tests.stage import administrator

MOST_TABLES: Final = 40
# Extensions' objects and the system's own are the same everywhere.
COMMON: Final = ["pg_catalog", "pg_toast", "ext"]

# Everything that depends on something else, with the schemas of both ends. A default has no schema of its own: it
# counts as its table's, as do rules and triggers.
LEADING_OUT = """
    WITH place AS (
        SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class
        UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
        UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
        UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace FROM pg_operator
        UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace FROM pg_collation
        UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace FROM pg_ts_config
        UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace FROM pg_opclass
        UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace FROM pg_constraint
        UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, t.relnamespace
          FROM pg_attrdef d JOIN pg_class t ON t.oid = d.adrelid
        UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, t.relnamespace
          FROM pg_rewrite r JOIN pg_class t ON t.oid = r.ev_class
        UNION ALL SELECT 'pg_trigger'::regclass, g.oid, t.relnamespace
          FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid)
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid),
           pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
      FROM pg_depend d JOIN place one ON one.class = d.classid AND one.oid = d.objid
      JOIN place other ON other.class = d.refclassid AND other.oid = d.refobjid
     WHERE one.schema <> other.schema
       AND (one.schema = %(schema)s::regnamespace OR other.schema = %(schema)s::regnamespace)
       AND one.schema <> ALL (%(common)s::regnamespace[]) AND other.schema <> ALL (%(common)s::regnamespace[])"""
COUNTED = """
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'S'
    UNION SELECT t.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
     WHERE t.relnamespace = %(schema)s::regnamespace AND a.attidentity <> ''
    UNION SELECT t.relname || ' default' FROM pg_attrdef d JOIN pg_class t ON t.oid = d.adrelid
     WHERE t.relnamespace = %(schema)s::regnamespace AND pg_get_expr(d.adbin, d.adrelid) LIKE '%%nextval%%'"""
KEYLESS = """
    SELECT t.relname FROM pg_class t WHERE t.relnamespace = %(schema)s::regnamespace AND t.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'p')"""
HIDDEN_WORK = """
    SELECT 'trigger ' || g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
     WHERE t.relnamespace = %(schema)s::regnamespace AND NOT g.tgisinternal
    UNION ALL SELECT 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class t ON t.oid = r.ev_class
     WHERE t.relnamespace = %(schema)s::regnamespace
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace"""
TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('r', 'p')"
)
UNREADY = """
    SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE x.relnamespace = %(schema)s::regnamespace AND NOT i.indisvalid
    UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace AND NOT convalidated"""


def ask(query: str, schema: str) -> list[Any]:
    with administrator() as admin:
        return admin.execute(query, {"schema": schema, "common": COMMON}).fetchall()


@pytest.fixture(params=["acme", "globex", "the template"])
def schema(request: pytest.FixtureRequest) -> str:
    name = request.param
    return TEMPLATE_SCHEMA if name == "the template" else str(request.getfixturevalue(name).schema)


def test_nothing_leads_out_of_a_schema_or_into_it(schema: str) -> None:
    assert ask(LEADING_OUT, schema) == []


def test_no_column_counts_by_a_sequence_except_django_s_list_of_migrations(schema: str) -> None:
    assert {name for (name,) in ask(COUNTED, schema)} == {"django_migrations_id_seq", "django_migrations.id"}


def test_every_table_has_a_primary_key(schema: str) -> None:
    assert ask(KEYLESS, schema) == []


def test_no_trigger_rule_or_function_works_behind_the_services(schema: str) -> None:
    assert ask(HIDDEN_WORK, schema) == []


def test_every_index_and_constraint_is_valid(schema: str) -> None:
    assert ask(UNREADY, schema) == []


def test_a_schema_has_few_tables(schema: str) -> None:
    own = [name for (name, *_) in ask(TABLES, schema) if name != "django_migrations"]
    assert 10 < len(own) <= MOST_TABLES


# Red controls


@contextmanager
def spoilt(tenant: Tenant, *statements: str) -> Iterator[None]:
    """The schema with something in it that should not be there."""
    with administrator() as admin:
        admin.execute("CREATE TABLE public.spoilt (id uuid PRIMARY KEY)")
        try:
            for statement in statements:
                admin.execute(statement.replace("HERE", f'"{tenant.schema}"'))
            yield
        finally:
            admin.execute(f'DROP TABLE IF EXISTS "{tenant.schema}".spoilt, public.spoilt CASCADE')
            admin.execute(
                f'DROP FUNCTION IF EXISTS "{tenant.schema}".spoil CASCADE; DROP SEQUENCE IF EXISTS public.one'
            )


@pytest.mark.parametrize(
    ("query", "statements"),
    [
        (LEADING_OUT, ["CREATE TABLE HERE.spoilt (id uuid PRIMARY KEY REFERENCES public.spoilt)"]),
        (
            LEADING_OUT,
            [
                "CREATE TABLE HERE.spoilt (id uuid PRIMARY KEY)",
                "ALTER TABLE public.spoilt ADD FOREIGN KEY (id) REFERENCES HERE.spoilt",
            ],
        ),
        (
            LEADING_OUT,
            [
                "CREATE SEQUENCE public.one",
                "CREATE TABLE HERE.spoilt (id bigint PRIMARY KEY DEFAULT nextval('public.one'))",
            ],
        ),
        (LEADING_OUT, ["CREATE TABLE HERE.spoilt (id uuid PRIMARY KEY, other public.spoilt)"]),
        (COUNTED, ["CREATE TABLE HERE.spoilt (id bigserial PRIMARY KEY)"]),
        (COUNTED, ["CREATE TABLE HERE.spoilt (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"]),
        (KEYLESS, ["CREATE TABLE HERE.spoilt (id uuid)"]),
        (
            HIDDEN_WORK,
            ["CREATE FUNCTION HERE.spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"],
        ),
    ],
)
def test_the_catalog_notices_what_does_not_belong(acme: Tenant, query: str, statements: list[str]) -> None:
    before = ask(query, acme.schema)
    with spoilt(acme, *statements):
        assert len(ask(query, acme.schema)) > len(before)
    assert ask(query, acme.schema) == before

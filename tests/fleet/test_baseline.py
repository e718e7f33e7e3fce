"""A schema made from the baseline is the schema that migrations make, object for object."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor

from shared_apps.clients.services import sign_up
from shared_apps.fleet.baseline import catalog, compile_baseline
from shared_apps.fleet.grants import role_statements
from shared_apps.fleet.models import TEMPLATE_SCHEMA
from shared_apps.fleet.provisioning import (
    NotPrepared,
    app_login,
    grant_schema,
    refresh_baseline,
    schema_entered,
)
from tests.stage import administrator

MIGRATED = "migrated"  # not a tenant's name: what looks like one goes after each test
RIGHTS = """
    SELECT c.relname, replace(given.grantee::regrole::text, %(schema)s, 'tenant'), given.privilege_type
      FROM pg_class c, aclexplode(c.relacl) given
     WHERE c.relnamespace = %(schema)s::text::regnamespace AND given.grantee <> c.relowner"""


def objects(schema: str) -> list[str]:
    with administrator() as admin, admin.transaction(), admin.cursor() as cursor:
        return catalog(cursor, schema)


def rights(schema: str) -> set[Any]:
    with administrator() as admin:
        return set(admin.execute(RIGHTS, {"schema": schema}).fetchall())


@pytest.fixture(scope="module")
def migrated(_database_is_open: None) -> Iterator[str]:
    """A fresh schema that Django's own executor has migrated, as the migrate command does it, with its role."""
    with connections["migrator"].cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA "{MIGRATED}"')
    try:
        migrate(MIGRATED)
        with transaction.atomic(using="migrator"), connections["migrator"].cursor() as cursor:
            cursor.execute(";".join(role_statements(MIGRATED, app_login())))
            grant_schema(MIGRATED)
        yield MIGRATED
    finally:
        with administrator() as admin:
            admin.execute(f'DROP SCHEMA "{MIGRATED}" CASCADE; DROP ROLE IF EXISTS "{MIGRATED}"')


def migrate(schema: str) -> None:
    connection = connections["migrator"]
    with schema_entered(schema):
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


def test_a_schema_from_the_baseline_equals_one_that_was_migrated(
    order: dict[str, str], migrated: str
) -> None:
    made = sign_up(**order).schema_name
    assert objects(made) == objects(migrated) == objects(TEMPLATE_SCHEMA)
    assert len(objects(made)) > 150


def test_its_migrations_are_written_down_as_in_the_migrated_schema(
    order: dict[str, str], migrated: str
) -> None:
    query = 'SELECT app, name FROM "{}".django_migrations ORDER BY app, name'
    made = sign_up(**order).schema_name
    with administrator() as admin:
        applied, expected = (admin.execute(query.format(name)).fetchall() for name in (made, migrated))
    assert applied == expected
    assert ("orders", "0001_initial") in applied


def test_migrating_it_again_has_nothing_to_do(order: dict[str, str]) -> None:
    made = sign_up(**order).schema_name
    before = objects(made)
    migrate(made)
    assert objects(made) == before


def test_its_rights_equal_those_that_the_migrate_command_gives(order: dict[str, str], migrated: str) -> None:
    made = sign_up(**order).schema_name
    assert rights(made) == rights(migrated)
    assert len(rights(made)) > 40


def test_its_seed_rows_are_the_template_s(order: dict[str, str]) -> None:
    made = sign_up(**order).schema_name
    with administrator() as admin:
        ours, theirs = (
            admin.execute(f'SELECT * FROM "{name}".orders_ordercounter').fetchall()
            for name in (made, TEMPLATE_SCHEMA)
        )
    assert ours == theirs
    assert len(ours) == 1


# Red controls: a baseline that lost something is found out, whatever it was


def spoil(change: Callable[[str], str]) -> None:
    with administrator() as admin:
        (statements,) = admin.execute("SELECT statements FROM fleet_baseline").fetchone() or ("",)
        spoilt = change(statements)
        assert spoilt != statements
        admin.execute("UPDATE fleet_baseline SET statements = %s", [spoilt])


def without(start: str) -> Callable[[str], str]:
    """The baseline without its first statement that begins so."""

    def change(statements: str) -> str:
        parts = statements.split(";\n")
        parts.remove(next(part for part in parts if part.startswith(start)))
        return ";\n".join(parts)

    return change


def nullable(statements: str) -> str:
    return re.sub(r"(slug character varying\(140\)) CONSTRAINT \S+ NOT NULL", r"\1", statements)


def longer(statements: str) -> str:
    return statements.replace("sku character varying(64)", "sku character varying(65)", 1)


SPOILT: Final[dict[str, tuple[Callable[[str], str], str]]] = {
    "an index": (without("CREATE INDEX products_product_status"), "index products_product_status"),
    "a check": (
        without("ALTER TABLE orders_order ADD CONSTRAINT orders_order_total"),
        "constraint orders_order",
    ),
    "a foreign key": (
        without("ALTER TABLE orders_orderline ADD CONSTRAINT orders_orderline_order"),
        "FOREIGN KEY",
    ),
    "a length": (longer, "sku character varying(64)"),
    "a column's NOT NULL": (nullable, "slug character varying(140) t"),
}


@pytest.mark.parametrize("lost", SPOILT)
def test_a_baseline_that_lost_something_is_found_out(order: dict[str, str], lost: str) -> None:
    change, line = SPOILT[lost]
    spoil(change)
    missing = set(objects(TEMPLATE_SCHEMA)) - set(objects(sign_up(**order).schema_name))
    assert len(missing) <= 2
    assert any(line in each for each in missing), missing


# Compiling


def test_a_baseline_follows_the_template(order: dict[str, str]) -> None:
    with administrator() as admin:
        admin.execute(f'CREATE INDEX one_more ON "{TEMPLATE_SCHEMA}".users_user (name)')
        try:
            refresh_baseline()
            assert any("index one_more" in line for line in objects(sign_up(**order).schema_name))
        finally:
            admin.execute(f'DROP INDEX "{TEMPLATE_SCHEMA}".one_more')


def test_without_a_baseline_the_way_on_is_told(order: dict[str, str]) -> None:
    with administrator() as admin:
        admin.execute("DELETE FROM fleet_baseline")
    with pytest.raises(NotPrepared, match=r"manage\.py migrate"):
        sign_up(**order)


ODDITIES = """
    CREATE TABLE odd (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        "Select" text COLLATE "C" NOT NULL DEFAULT 'it''s; $$ done',
        number bigint GENERATED BY DEFAULT AS IDENTITY,
        doubled bigint GENERATED ALWAYS AS (number * 2) STORED,
        words varchar(20)[] NOT NULL DEFAULT '{}',
        kind varchar(5) CHECK (kind IN ('one', 'two')),
        other varchar(5) CONSTRAINT odd_other CHECK (other NOT IN ('three')),
        parent uuid REFERENCES odd ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        UNIQUE NULLS NOT DISTINCT (kind, other));
    CREATE UNIQUE INDEX odd_lower ON odd (lower("Select")) WHERE number > 1;
    CREATE INDEX odd_words ON odd USING gin (words);
    CREATE INDEX odd_both ON odd (number DESC, id) INCLUDE (kind)"""


def test_a_baseline_copies_whatever_a_table_may_have() -> None:
    copied = "t_copied"
    with administrator() as admin, admin.cursor() as cursor, admin.transaction(force_rollback=True):
        admin.execute(
            f"CREATE SCHEMA t_odd; SET LOCAL search_path = t_odd; {ODDITIES}; SET LOCAL search_path = pg_catalog"
        )
        script = compile_baseline(cursor, "t_odd")
        admin.execute(f"CREATE SCHEMA {copied}; SET LOCAL search_path = {copied}")
        admin.execute(script)
        assert catalog(cursor, copied) == catalog(cursor, "t_odd")

"""The doctor of the fleet: each kind of damage, planted for real, is found and, where that is safe, mended.

Each damage has a schema of its own. All are planted together, so that the fleet is examined three times and not a
hundred: healthy, damaged, mended.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import psycopg
import pytest
from django.conf import settings
from django.db import transaction

from shared_apps.clients.models import Client
from shared_apps.fleet.doctor import Finding, Kind, examine, mend
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.provisioning import build_schema, reserve_schemas
from shared_apps.fleet.running import the_only_run
from tenants.context import Tenant
from tests.stage import Pristine, administrator

APP = settings.DATABASES["default"]["USER"]
MIGRATOR = settings.DATABASES["migrator"]["USER"]


@dataclass
class Case:
    """A damage: what makes it, and what the doctor must say and do. HERE is its schema, THERE the neighbour's."""

    kind: Kind
    plant: list[str]
    says: str = ""
    mended: bool = False
    state: str = Schema.State.OWNED
    # Kinds that follow from the damage and are found as well.
    besides: set[Kind] = field(default_factory=set)


READY: Final = Schema.State.READY
K = Kind
CASES: Final[dict[str, Case]] = {
    "a column too many": Case(
        K.DRIFT, ["ALTER TABLE HERE.products_product ADD extra text NOT NULL DEFAULT ''"],
        "column extra of products_product is left over", besides={K.LEDGER}),
    "a column lost": Case(
        K.DRIFT, ["ALTER TABLE HERE.products_product DROP inherits"],
        "column inherits of products_product is missing", besides={K.LEDGER}),
    "a column changed": Case(
        K.DRIFT, ["ALTER TABLE HERE.products_product ALTER kind TYPE varchar(999)"],
        "column kind of products_product is changed", besides={K.LEDGER}),
    "an index lost": Case(
        K.DRIFT, ["DROP INDEX HERE.products_product_status"],
        "index products_product_status is missing", besides={K.LEDGER}),
    "an index too many": Case(
        K.DRIFT, ["CREATE INDEX by_hand ON HERE.products_product (price)"],
        "index by_hand is left over", besides={K.LEDGER}),
    "a constraint lost": Case(
        K.DRIFT, ["ALTER TABLE HERE.orders_order DROP CONSTRAINT orders_order_total_positive"],
        "constraint orders_order_total_positive of orders_order is missing", besides={K.LEDGER}),
    "a constraint changed": Case(
        K.DRIFT,
        ["ALTER TABLE HERE.orders_order DROP CONSTRAINT orders_order_total_positive",
         "ALTER TABLE HERE.orders_order ADD CONSTRAINT orders_order_total_positive CHECK (total >= -1)"],
        "constraint orders_order_total_positive of orders_order is changed", besides={K.LEDGER}),
    "a default by hand": Case(
        K.DRIFT, ["ALTER TABLE HERE.products_product ALTER name SET DEFAULT 'nameless'"],
        "column name of products_product is changed", besides={K.LEDGER}),
    "a trigger": Case(
        K.DRIFT,
        [("CREATE TRIGGER sly BEFORE UPDATE ON HERE.products_product"
         " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")],
        "trigger sly of products_product is left over", besides={K.LEDGER}),
    "drift of a pool's member": Case(
        K.DRIFT, ["DROP INDEX HERE.products_product_status"], "is missing", mended=True, state=READY,
        besides={K.LEDGER}),
    "an index marked invalid": Case(
        K.INVALID_INDEX,
        ["UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'HERE.products_product_status'::regclass"],
        "index products_product_status", mended=True, besides={K.LEDGER}),
    "an index that could not be built": Case(
        K.INVALID_INDEX, ["!CREATE UNIQUE INDEX CONCURRENTLY unfinished ON HERE.django_migrations (app)"],
        "index unfinished", mended=True, besides={K.LEDGER}),
    "no sentinel": Case(K.NO_SENTINEL, ["DELETE FROM HERE.tenants_sentinel"], "missing", mended=True),
    "another tenant's sentinel": Case(
        K.WRONG_SENTINEL, ["UPDATE HERE.tenants_sentinel SET tenant_id = gen_random_uuid()"], "the ledger"),
    "two sentinels": Case(
        K.WRONG_SENTINEL, ["INSERT INTO HERE.tenants_sentinel (tenant_id) VALUES (gen_random_uuid())"], " and "),
    "no role": Case(
        K.MISSING_ROLE, ['DROP OWNED BY HERE', "DROP ROLE HERE"], "role", mended=True, besides={K.MISSING_GRANT}),
    "a role that can log in": Case(
        K.ROLE_ATTRIBUTES, ["ALTER ROLE HERE LOGIN INHERIT"], "LOGIN, INHERIT", mended=True),
    "a role that may everything": Case(K.ROLE_ATTRIBUTES, ["ALTER ROLE HERE SUPERUSER"], "SUPERUSER"),
    "no way in for the application": Case(
        K.MISSING_MEMBERSHIP, [f"REVOKE HERE FROM {APP} GRANTED BY {MIGRATOR}"], APP, mended=True),
    "a way in without being asked": Case(
        K.MISSING_MEMBERSHIP, [f"GRANT HERE TO {APP} WITH INHERIT TRUE, SET FALSE GRANTED BY {MIGRATOR}"],
        f"way in for {APP}", mended=True),
    "a role outside the group": Case(
        K.MISSING_MEMBERSHIP, [f"REVOKE rowhouse_tenant FROM HERE GRANTED BY {MIGRATOR}"],
        "rowhouse_tenant", mended=True),
    "a role that may enter a neighbour": Case(
        K.EXCESS_MEMBERSHIP, [f"GRANT THERE TO HERE GRANTED BY {MIGRATOR}"], "in THERE", mended=True),
    "a right lost": Case(
        K.MISSING_GRANT, ["REVOKE SELECT, UPDATE ON HERE.orders_order FROM HERE"],
        "SELECT, UPDATE on orders_order", mended=True),
    "no right on the schema": Case(
        K.MISSING_GRANT, ["REVOKE USAGE ON SCHEMA HERE FROM HERE"], "USAGE on the schema", mended=True),
    "DELETE on the audit log": Case(
        K.EXCESS_GRANT, ["GRANT DELETE ON HERE.audit_auditentry TO HERE"],
        "HERE has DELETE on audit_auditentry", mended=True),
    "a neighbour's right": Case(
        K.EXCESS_GRANT, ["GRANT SELECT ON HERE.orders_order TO THERE", "GRANT USAGE ON SCHEMA HERE TO THERE"],
        "THERE has SELECT on orders_order", mended=True),
    "everybody's right": Case(
        K.EXCESS_GRANT, ["GRANT SELECT ON HERE.orders_order TO PUBLIC"],
        "PUBLIC has SELECT on orders_order", mended=True),
    "a right on one column": Case(
        K.EXCESS_GRANT, ["GRANT UPDATE (data) ON HERE.audit_auditentry TO HERE"],
        "HERE has UPDATE on audit_auditentry", mended=True),
    "a right on the list of migrations": Case(
        K.EXCESS_GRANT, ["GRANT INSERT ON HERE.django_migrations TO HERE"], "INSERT on django_migrations", mended=True),
    "a ledger of other migrations": Case(
        K.LEDGER, ["UPDATE fleet_schema SET applied = 'older' WHERE name = 'HERE'"], "its migrations", mended=True),
    "a ledger of another catalog": Case(
        K.LEDGER, ["UPDATE fleet_schema SET fingerprint = 'other' WHERE name = 'HERE'"], "its catalog", mended=True),
    "a schema nobody knows": Case(
        K.ORPHAN, ["DELETE FROM fleet_schema WHERE name = 'HERE'"], "neither", state=READY),
    "a client's schema that is not in the ledger": Case(
        K.UNLISTED, ["DELETE FROM fleet_schema WHERE name = 'HERE'"], "no row", mended=True),
    "a pool's member that is gone": Case(
        K.GONE, ["DROP SCHEMA HERE CASCADE"], "not there", mended=True, state=READY),
    "a tenant's schema that is gone": Case(
        K.GONE, ["DROP SCHEMA HERE CASCADE"], "not there", besides={K.CLIENT_WITHOUT_SCHEMA}),
    "a client without schema": Case(
        K.CLIENT_WITHOUT_SCHEMA,
        ["DROP SCHEMA HERE CASCADE", "DELETE FROM fleet_schema WHERE name = 'HERE'", "DROP ROLE HERE"], "not there"),
    "an owned schema without client": Case(
        K.OWNED_BY_NOBODY, ["DELETE FROM clients_client WHERE schema_name = 'HERE'"], "no client"),
    "a client of another id": Case(
        K.WRONG_OWNER_ID, ["UPDATE clients_client SET id = gen_random_uuid() WHERE schema_name = 'HERE'"],
        "the client"),
    "a taken schema that waits in the pool": Case(
        K.TAKEN, ["UPDATE fleet_schema SET state = 'ready' WHERE name = 'HERE'"], "a client has it", mended=True),
    "a member that lags": Case(
        K.LAGGING,
        [("DELETE FROM HERE.django_migrations WHERE (app, name) IN (SELECT app, name FROM HERE.django_migrations"
         " ORDER BY id DESC LIMIT 1)")],
        "other migrations", mended=True, state=READY, besides={K.LEDGER}),
    "a schema of somebody else": Case(
        K.WRONG_OWNER, ["ALTER SCHEMA HERE OWNER TO CURRENT_USER", "GRANT USAGE ON SCHEMA HERE TO HERE"],
        "the schema is",
        besides={K.NO_MIGRATIONS}),
    "a table of somebody else": Case(
        K.WRONG_OWNER, ["ALTER TABLE HERE.orders_order OWNER TO CURRENT_USER"], "orders_order is"),
    "a table lost": Case(
        K.MISSING_TABLE, ["DROP TABLE HERE.products_stockmovement"], "products_stockmovement", besides={K.LEDGER}),
    "a table left over": Case(
        K.LEFT_OVER_TABLE, ["CREATE TABLE HERE.copy_of_friday AS SELECT * FROM HERE.orders_order",
                            f"ALTER TABLE HERE.copy_of_friday OWNER TO {MIGRATOR}"],
        "copy_of_friday", besides={K.LEDGER}),
    "a constraint that was not validated": Case(
        K.NOT_VALIDATED,
        ["ALTER TABLE HERE.orders_order DROP CONSTRAINT orders_order_total_positive",
         "ALTER TABLE HERE.orders_order ADD CONSTRAINT orders_order_total_positive CHECK (total >= 0) NOT VALID"],
        "orders_order_total_positive", mended=True, besides={K.LEDGER}),
    "a migration from the future": Case(
        K.UNKNOWN_MIGRATION,
        ["INSERT INTO HERE.django_migrations (app, name, applied) VALUES ('orders', '9999_hover', now())"],
        "orders.9999_hover", besides={K.LEDGER}),
    "a key that leads out": Case(
        K.LEADS_OUT, [("ALTER TABLE HERE.orders_customer ADD CONSTRAINT far FOREIGN KEY (id)"
                      " REFERENCES THERE.orders_customer NOT VALID")], "THERE.orders_customer", besides={K.LEDGER}),
    "a default that leads out": Case(
        K.LEADS_OUT, ["CREATE SEQUENCE public.doctor_counts",
                      "ALTER TABLE HERE.django_migrations ALTER id DROP IDENTITY",
                      "ALTER TABLE HERE.django_migrations ALTER id SET DEFAULT nextval('public.doctor_counts')"],
        "django_migrations stands on sequence public.doctor_counts", besides={K.LEDGER, K.DRIFT}),
    "a migration that stopped halfway": Case(
        K.HALFWAY, ["UPDATE fleet_schema SET halfway = 'orders.0002_more', steps = 1 WHERE name = 'HERE'"],
        "orders.0002_more"),
    "a migration that failed": Case(
        K.FAILED, ["UPDATE fleet_schema SET failure = 'orders.0002_more: no' WHERE name = 'HERE'"],
        "could not be migrated: orders.0002_more: no"),
    "a reserved schema that is built": Case(
        K.RESERVED_BUILT, ["UPDATE fleet_schema SET state = 'reserved' WHERE name = 'HERE'"],
        "only its role", state=READY),
    "no list of migrations": Case(
        K.NO_MIGRATIONS, ["DROP TABLE HERE.django_migrations"], "migrations"),
}  # fmt: skip


@dataclass
class Rounds:
    """What was found of each case's schema: before, with the damage, after mending; and what mending answered."""

    schemas: dict[str, str]
    neighbour: str
    healthy: dict[str, list[Finding]]
    damaged: dict[str, list[Finding]]
    answers: dict[str, dict[Kind, bool]]
    mended: dict[str, list[Finding]]
    audited: set[tuple[str, str]]


def by_schema() -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in examine():
        # Roles are the server's, and other workers have theirs.
        if finding.kind != Kind.LEFT_OVER_ROLE:
            found.setdefault(finding.schema, []).append(finding)
    return found


def victim(state: str, number: int) -> str:
    """A schema as the pool has it or, with its client, as a sign-up leaves it."""
    with transaction.atomic(using="migrator"):
        schema = Schema.objects.using("migrator").filter(state=Schema.State.RESERVED).latest("reserved_at")
        build_schema(schema, state=state)
        if state == Schema.State.OWNED:
            name = f"victim{number}"
            Client.objects.using("migrator").create(
                id=schema.tenant_id, schema_name=schema.name, name=name, subdomain=name, lookalike=name
            )
    return schema.name


def named(text: str, schema: str, neighbour: str) -> str:
    return re.sub(r"\bTHERE\b", neighbour, re.sub(r"\bHERE\b", schema, text))


def plant(case: Case, schema: str, neighbour: str) -> None:
    with administrator() as admin:
        for statement in case.plant:
            text = named(statement, schema, neighbour)
            fails = text.startswith("!")
            with contextlib.suppress(psycopg.errors.UniqueViolation) if fails else contextlib.nullcontext():
                admin.execute(text.removeprefix("!"))


@pytest.fixture(scope="module")
def rounds(pristine: Pristine) -> Iterator[Rounds]:
    try:
        reserve_schemas(len(CASES) + 1)
        neighbour = victim(Schema.State.OWNED, 0)
        schemas = {name: victim(case.state, n) for n, (name, case) in enumerate(CASES.items(), 1)}
        healthy = by_schema()
        for name, case in CASES.items():
            plant(case, schemas[name], neighbour)
        damaged = by_schema()
        answers = {
            name: {finding.kind: mend(finding) for finding in damaged.get(schema, [])}
            for name, schema in schemas.items()
        }
        mended = by_schema()
        with administrator() as admin:
            audited = set(
                admin.execute(
                    "SELECT data->>'kind', data->>'schema' FROM audit_auditentry WHERE verb = 'fleet.mended'"
                ).fetchall()
            )
        yield Rounds(schemas, neighbour, healthy, damaged, answers, mended, audited)
    finally:
        with administrator() as admin:
            admin.execute("DROP SEQUENCE IF EXISTS public.doctor_counts CASCADE")
            for name in locals().get("schemas", {}).values():
                admin.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
                with contextlib.suppress(psycopg.errors.UndefinedObject):
                    admin.execute(f"DROP OWNED BY {name}")
                admin.execute(f"DROP ROLE IF EXISTS {name}")
        pristine.restore()


# One test, because the fleet is examined once for all, and several workers would do it several times.
def test_damage_is_found_and_what_is_safe_to_mend_is_mended(rounds: Rounds) -> None:
    assert {name: seen for name in CASES if (seen := what_is_wrong(rounds, name))} == {}


def what_is_wrong(rounds: Rounds, name: str) -> list[str]:
    """What a case proves and was not so."""
    case, schema = CASES[name], rounds.schemas[name]
    found = {finding.kind: finding for finding in rounds.damaged.get(schema, [])}
    main = found.get(case.kind)
    expected = {
        "it was there before": schema not in rounds.healthy,
        f"found is {rounds.damaged.get(schema)}": found.keys() == {case.kind, *case.besides},
        "it is not named": main and named(case.says, schema, rounds.neighbour) in main.what,
        "nobody is told what to do": main and main.advice,
        **(mended(rounds, name) if case.mended else left_as_it_is(rounds, name)),
    }
    return [text for text, holds in expected.items() if not holds]


def mended(rounds: Rounds, name: str) -> dict[str, bool]:
    """What is safe to mend is mended and written down."""
    case, schema = CASES[name], rounds.schemas[name]
    return {
        "it says that it did not mend it": rounds.answers[name].get(case.kind, False),
        f"left is {rounds.mended.get(schema)}": schema not in rounds.mended,
        "it is not written down": (str(case.kind), schema) in rounds.audited,
    }


def left_as_it_is(rounds: Rounds, name: str) -> dict[str, bool]:
    """What needs somebody to think is left."""
    case, schema = CASES[name], rounds.schemas[name]
    return {
        "it says that it mended it": rounds.answers[name].get(case.kind) is False,
        "it is gone": case.kind in {finding.kind for finding in rounds.mended.get(schema, [])},
    }


def test_at_least_these_kinds_are_tried() -> None:
    elsewhere = {Kind.BASELINE, Kind.LEFT_OVER_ROLE}
    assert {case.kind for case in CASES.values()} == set(Kind) - elsewhere


# Damage that is the whole fleet's, or nobody's


def found_of(schema: str) -> set[Kind]:
    return {finding.kind for finding in examine([schema])}


def test_a_fleet_without_damage_is_found_healthy(acme: Tenant, globex: Tenant) -> None:
    assert list(examine([TEMPLATE_SCHEMA, "public", acme.schema, globex.schema])) == []


def test_a_baseline_that_is_not_the_template_is_compiled_anew(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute("UPDATE fleet_baseline SET fingerprint = 'older', statements = 'SELECT 1'")
    (finding,) = examine([TEMPLATE_SCHEMA])
    assert finding.kind == Kind.BASELINE
    assert mend(finding)
    assert found_of(TEMPLATE_SCHEMA) == set()
    with administrator() as admin:
        ((statements,),) = admin.execute("SELECT statements FROM fleet_baseline").fetchall()
    assert "CREATE TABLE" in statements


def test_a_template_that_was_changed_by_hand_is_no_model_for_anybody(acme: Tenant, globex: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f"CREATE INDEX by_hand ON {TEMPLATE_SCHEMA}.products_product (price)")
    try:
        found = {finding.kind: finding for finding in examine()}
        assert found[Kind.DRIFT].schema == TEMPLATE_SCHEMA
        assert not mend(found[Kind.BASELINE])
        assert not found_of(acme.schema) | found_of(globex.schema)
    finally:
        with administrator() as admin:
            admin.execute(f"DROP INDEX {TEMPLATE_SCHEMA}.by_hand")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            "GRANT SELECT ON public.clients_client TO rowhouse_tenant",
            "rowhouse_tenant has SELECT on clients_client",
        ),
        ("GRANT SELECT ON public.clients_client TO PUBLIC", "PUBLIC has SELECT on clients_client"),
        (f"GRANT INSERT ON public.clients_client TO {APP}", f"{APP} has INSERT on clients_client"),
        ("GRANT UPDATE ON public.audit_auditentry TO rowhouse_control", "UPDATE on audit_auditentry"),
        ("REVOKE INSERT ON public.clients_domain FROM rowhouse_control", "INSERT on clients_domain"),
    ],
)
def test_rights_in_public_are_what_is_declared(damage: str, says: str) -> None:
    with administrator() as admin:
        admin.execute(damage)
    (finding,) = examine(["public"])
    assert says in finding.what
    assert mend(finding)
    assert found_of("public") == set()


def test_a_role_without_schema_is_shown_and_left(acme: Tenant) -> None:
    name = "t_leftoverleftover"
    with administrator() as admin:
        admin.execute(f"CREATE ROLE {name}")
    try:
        (finding,) = examine([name])
        assert finding.kind == Kind.LEFT_OVER_ROLE
        assert not mend(finding)
    finally:
        with administrator() as admin:
            admin.execute(f"DROP ROLE {name}")


def test_nothing_is_mended_while_the_fleet_is_migrated(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f'DELETE FROM "{acme.schema}".tenants_sentinel')
    (finding,) = examine([acme.schema])
    with the_only_run():
        assert not mend(finding)
    assert mend(finding)
    assert found_of(acme.schema) == set()


def test_a_row_that_breaks_a_constraint_is_no_reason_to_say_it_was_mended(acme: Tenant) -> None:
    table, name = f'"{acme.schema}".orders_ordercounter', "orders_counter_positive"
    with administrator() as admin:
        admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}; UPDATE {table} SET last = -1")
        admin.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (last >= 0) NOT VALID")
    try:
        finding = next(each for each in examine([acme.schema]) if each.kind == Kind.NOT_VALIDATED)
        assert not mend(finding)
        assert Kind.NOT_VALIDATED in found_of(acme.schema)
    finally:
        with administrator() as admin:
            admin.execute(f"UPDATE {table} SET last = 0; ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def test_a_schema_that_was_taken_meanwhile_is_not_dropped() -> None:
    reserve_schemas(1)
    name = victim(Schema.State.READY, 0)
    with administrator() as admin:
        admin.execute(f"DELETE FROM \"{name}\".django_migrations WHERE app = 'orders'")
    finding = next(each for each in examine([name]) if each.kind == Kind.LAGGING)
    with administrator() as admin:
        admin.execute("UPDATE fleet_schema SET state = 'owned' WHERE name = %s", [name])
    assert not mend(finding)
    with administrator() as admin:
        assert admin.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name]).fetchone()

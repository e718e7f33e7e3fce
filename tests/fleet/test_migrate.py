"""`manage.py migrate` is the fleet: who is behind is brought up, and a failure stays with its schema."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connections

from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.fleet import running
from shared_apps.fleet.grants import tenant_tables
from shared_apps.fleet.ledger import catalog_of, enter_in_ledger, inspect_schema
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Baseline, Recording, Run, Schema
from shared_apps.fleet.progress import Silence
from shared_apps.fleet.provisioning import refresh_baseline
from shared_apps.fleet.running import RUN_LOCK, Options, Stopped, is_at_work, migrate_fleet, the_only_run
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, unit_of_work
from tests.stage import administrator

RIGHTS = """
    SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type DESC) FROM information_schema.role_table_grants
     WHERE table_schema = %s AND table_name = %s AND grantee = %s"""


def migrate(*args: str, **options: Any) -> list[dict[str, Any]]:
    """What the command says, line by line."""
    out = io.StringIO()
    call_command("migrate", *args, stdout=out, stderr=out, interactive=False, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def set_back(*tenants: Tenant) -> None:
    """Take the audit log's migration from tenants, with its table."""
    for tenant in tenants:
        with administrator() as admin:
            admin.execute(
                f'DROP TABLE "{tenant.schema}".audit_auditentry;'
                f"DELETE FROM \"{tenant.schema}\".django_migrations WHERE app = 'audit'"
            )
        enter_in_ledger(tenant.schema, tenant.id, Schema.State.OWNED)


def rights(tenant: Tenant, table: str) -> str:
    with administrator() as admin:
        row = admin.execute(RIGHTS, [tenant.schema, table, tenant.role]).fetchone()
    return str(row and row[0])


def ledger(schema: str) -> Schema:
    return Schema.objects.using("migrator").get(name=schema)


def is_up_to_date(*tenants: Tenant) -> bool:
    template = ledger(TEMPLATE_SCHEMA)
    target = (template.applied, template.fingerprint)
    said = all((row.applied, row.fingerprint) == target for row in map(ledger, (t.schema for t in tenants)))
    return said and all(inspect_schema(tenant.schema) == target for tenant in tenants)


@pytest.fixture(autouse=True)
def _no_recordings_are_kept() -> Iterator[None]:
    yield
    connections["migrator"].close()


# Who is behind


def test_a_tenant_that_is_behind_is_migrated_and_gets_its_rights_on_the_new_table(
    acme: Tenant, globex: Tenant
) -> None:
    set_back(acme)
    migrate()
    assert is_up_to_date(acme)
    assert rights(acme, "audit_auditentry") == rights(globex, "audit_auditentry") == "SELECT, INSERT"
    with unit_of_work(acme):
        assert AuditEntry.objects.count() == 0


def test_what_the_first_has_sent_is_replayed_on_the_second(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    kind = ledger(acme.schema).applied
    said = migrate()
    recording = Recording.objects.using("migrator").get(app="audit", from_applied=kind)
    assert recording.lane == Recording.Lane.REPLAY
    assert is_up_to_date(acme, globex)
    assert catalog_of(acme.schema) == catalog_of(globex.schema) == catalog_of(TEMPLATE_SCHEMA)
    assert [line["outcome"] for line in said if line["event"] == "end"] == ["done"]
    run = Run.objects.using("migrator").latest("started_at")
    assert (run.outcome, run.schemas, run.migrated, run.failed) == ("done", 2, 2, 0)


def test_migrating_again_touches_no_schema(acme: Tenant) -> None:
    query = (
        "SELECT relname, relacl::text, xmin::text FROM pg_class WHERE relnamespace = %s::text::regnamespace"
        " ORDER BY 1"
    )
    migrate()
    with administrator() as admin:
        before = admin.execute(query, [acme.schema]).fetchall()
        assert [line["event"] for line in migrate()] == ["end"]
        assert admin.execute(query, [acme.schema]).fetchall() == before


def test_only_the_schemas_named_are_migrated(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    migrate(only=[acme.schema])
    assert is_up_to_date(acme)
    assert not is_up_to_date(globex)
    migrate()
    assert is_up_to_date(globex)


def test_a_schema_that_falls_behind_while_the_run_is_at_work_is_not_missed(
    acme: Tenant, globex: Tenant
) -> None:
    class Meanwhile(Silence):
        def say(self, event: str, text: str, **facts: Any) -> None:
            if event == "wave" and facts["wave"] == "canaries" and is_up_to_date(globex):
                set_back(globex)

    set_back(acme)
    migrate_fleet(Options(), Meanwhile())
    assert is_up_to_date(acme, globex)


def test_a_tenant_that_the_ledger_does_not_know_yet_is_entered(acme: Tenant) -> None:
    Schema.objects.using("migrator").filter(name=acme.schema).delete()
    migrate()
    assert ledger(acme.schema).state == Schema.State.OWNED
    assert is_up_to_date(acme)


def test_a_migration_can_be_taken_back_and_brought_again(acme: Tenant, globex: Tenant) -> None:
    before = catalog_of(acme.schema)
    migrate("imports", "zero")
    with administrator() as admin:
        assert admin.execute("SELECT to_regclass(%s)", [f"{acme.schema}.imports_import"]).fetchone() == (
            None,
        )
    migrate()
    assert catalog_of(acme.schema) == catalog_of(globex.schema) == before
    assert rights(acme, "imports_stagedline") == "SELECT, INSERT, DELETE"


def test_who_signs_up_between_two_generations_has_the_rights_of_each(acme: Tenant) -> None:
    migrate("imports", "zero")
    owner = {"email": "owner@between.example", "password": "a long enough one"}
    client = as_tenant(sign_up(company="Between", subdomain="between", **owner))
    migrate()
    assert is_up_to_date(client)
    declared = {
        table: ", ".join(sorted(given.split(", "), reverse=True)) for table, given in tenant_tables().items()
    }
    assert {table: rights(client, table) for table in declared} == declared


def test_what_is_faked_is_written_down_and_not_run(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f"DELETE FROM \"{acme.schema}\".django_migrations WHERE app = 'imports'")
    enter_in_ledger(acme.schema, acme.id, Schema.State.OWNED)
    migrate("imports", fake=True)
    assert is_up_to_date(acme)
    assert not Recording.objects.using("migrator").filter(
        app="imports", from_applied=ledger(acme.schema).applied
    )


def test_fingerprints_are_taken_anew_when_catalogs_are_described_in_another_way(acme: Tenant) -> None:
    Schema.objects.using("migrator").standing().update(fingerprint="as it was taken before")
    Baseline.objects.using("migrator").update(fingerprint="as it was taken before", measure="")
    migrate()
    assert is_up_to_date(acme)
    assert Baseline.objects.using("migrator").get().fingerprint == ledger(acme.schema).fingerprint


# Failures


@contextmanager
def in_the_way(*tenants: Tenant) -> Iterator[None]:
    """The table that the migration makes is there already."""
    with administrator() as admin:
        for tenant in tenants:
            admin.execute(f'CREATE TABLE "{tenant.schema}".audit_auditentry (id int)')
        try:
            yield
        finally:
            for tenant in tenants:
                admin.execute(f'DROP TABLE IF EXISTS "{tenant.schema}".audit_auditentry')
            for tenant in tenants:
                enter_in_ledger(tenant.schema, tenant.id, Schema.State.OWNED)
            migrate(verbosity=0)


def test_a_failure_stays_with_its_schema_and_is_written_down(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    with in_the_way(acme):
        with pytest.raises(CommandError, match="1 schema could not be migrated"):
            migrate()
        assert is_up_to_date(globex)
        row = ledger(acme.schema)
        assert "audit.0001_initial" in row.failure
        assert "audit_auditentry" in row.failure
        assert row.failed_at is not None
        assert Run.objects.using("migrator").latest("started_at").outcome == Run.Outcome.STOPPED
    assert is_up_to_date(acme)
    assert ledger(acme.schema).failure == ""


def test_more_failures_than_are_borne_stop_the_run(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    with in_the_way(acme, globex):
        with pytest.raises(CommandError, match="more than the 0 that are borne"):
            migrate(budget=0)
        failed = [ledger(tenant.schema).failure != "" for tenant in (acme, globex)]
        assert sorted(failed) == [False, True]


def test_a_drifted_schema_goes_its_own_way(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    with administrator() as admin:
        admin.execute(f'CREATE INDEX extra ON "{acme.schema}".users_user (name)')  # the ledger does not know
        try:
            migrate(canary=[globex.schema])
            assert is_up_to_date(globex)
            assert "extra" in "\n".join(catalog_of(acme.schema))
            assert rights(acme, "audit_auditentry") == "SELECT, INSERT"
        finally:
            admin.execute(f'DROP INDEX "{acme.schema}".extra')
    enter_in_ledger(acme.schema, acme.id, Schema.State.OWNED)


def test_a_canary_that_became_something_else_stops_the_run(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    migrate(only=[acme.schema])
    Recording.objects.using("migrator").filter(app="audit").update(statements=["SELECT 1"], grants=[])
    with pytest.raises(CommandError, match="is not what its migrations make elsewhere"):
        migrate()
    with administrator() as admin:
        admin.execute(f"DELETE FROM \"{globex.schema}\".django_migrations WHERE app = 'audit'")
    Recording.objects.using("migrator").all().delete()
    enter_in_ledger(globex.schema, globex.id, Schema.State.OWNED)
    migrate()
    assert is_up_to_date(globex)


def test_who_is_busy_comes_again_at_the_end(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    said: list[str] = []
    with administrator() as holder:
        holder.autocommit = False
        holder.execute("SELECT 1 FROM fleet_schema WHERE name = %s FOR UPDATE", [acme.schema])

        class LetGo(Silence):
            def say(self, event: str, text: str, **facts: Any) -> None:
                said.append(event)
                if event == "retry":
                    assert is_up_to_date(globex)
                    holder.rollback()

        migrate_fleet(Options(lock_timeout=0.2, canaries=(globex.schema,)), LetGo())
    assert "retry" in said
    assert is_up_to_date(acme, globex)


def test_who_stays_busy_fails_after_its_tries(acme: Tenant) -> None:
    set_back(acme)
    with administrator() as holder:
        holder.autocommit = False
        holder.execute("SELECT 1 FROM fleet_schema WHERE name = %s FOR UPDATE", [acme.schema])
        with pytest.raises(Stopped, match=acme.schema):
            migrate_fleet(Options(lock_timeout=0.1, tries=2, budget=0))
        holder.rollback()
    migrate()
    assert is_up_to_date(acme)


def test_a_second_run_is_refused(acme: Tenant) -> None:
    with administrator() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [RUN_LOCK])
        with pytest.raises(CommandError, match="being migrated already"):
            migrate()


def test_the_next_run_may_follow_before_the_server_has_noticed_the_end_of_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with administrator() as connection:
        monkeypatch.setattr(running, "connect", lambda: nullcontext(connection))
        with the_only_run():
            assert is_at_work()
        assert not is_at_work()
        with pytest.raises(Stopped), the_only_run():
            raise Stopped("a schema has failed")
        assert not is_at_work()


def test_a_run_whose_process_died_is_closed_by_the_next(acme: Tenant) -> None:
    dead = Run.objects.using("migrator").create()
    assert "its process died. Run `manage.py migrate` again" in told("fleet", "status")
    with the_only_run():
        assert "at work since" in told("fleet", "status")
    migrate()
    dead.refresh_from_db(using="migrator")
    assert dead.outcome == Run.Outcome.BROKEN
    assert dead.finished_at is not None


# Rights


def test_every_table_of_the_tenants_has_rights_after_migrating(acme: Tenant) -> None:
    migrate()
    assert {table: rights(acme, table) for table in tenant_tables()} == {
        table: ", ".join(sorted(given.split(", "), reverse=True)) for table, given in tenant_tables().items()
    }


def test_other_rights_than_before_reach_every_role(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate()
    config = apps.get_app_config("products")
    monkeypatch.setattr(config, "append_only", [*config.append_only, "products_category"])  # type: ignore[attr-defined]
    migrate()
    assert rights(acme, "products_category") == "SELECT, INSERT"
    monkeypatch.undo()
    migrate()
    assert rights(acme, "products_category") == "UPDATE, SELECT, INSERT, DELETE"


# The command line


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ([], {"database": "control"}, "leave --database out"),
        ([], {"fake_initial": True}, "--fake-initial is not for a fleet"),
        ([], {"run_syncdb": True}, "--run-syncdb is not for a fleet"),
        ([], {"fake": True}, "Name the app and the migration"),
        (["nothing"], {}, "There is no app 'nothing' with migrations; they are: admin, api, audit"),
        (["products", "9999"], {}, "No single migration of products begins with '9999'"),
    ],
)
def test_what_cannot_be_right_for_a_fleet_is_refused(
    arguments: list[str], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        migrate(*arguments, **options)


def told(command: str, *arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def test_the_plan_says_what_would_be_done_and_does_nothing(acme: Tenant) -> None:
    assert "Nothing to do" in told("migrate", plan=True)
    set_back(acme)
    plan = told("fleet", "plan")
    assert "1 schemas at" in plan
    assert "audit.0001_initial: replayed in one transaction a schema" in plan
    assert not is_up_to_date(acme)
    migrate()


def test_check_ends_with_1_while_anybody_is_behind(acme: Tenant) -> None:
    told("migrate", check_unapplied=True)
    set_back(acme)
    with pytest.raises(SystemExit):
        told("migrate", check_unapplied=True)
    told("fleet", "migrate")
    told("migrate", check_unapplied=True)


def test_status_counts_generations_and_names_failures(acme: Tenant) -> None:
    assert "Public needs nothing." in told("fleet", "status")
    Schema.objects.using("migrator").filter(name=acme.schema).update(failure="because")
    assert f"Failed: {acme.schema}: because" in told("fleet", "status")
    answer = json.loads(told("fleet", "status", "--json"))
    assert answer["behind"] == 0
    assert sum(kind["failed"] for kind in answer["kinds"]) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_rate_and_failures(acme: Tenant, globex: Tenant) -> None:
    set_back(acme, globex)
    out = Terminal()
    call_command("migrate", stdout=out, interactive=False, force_color=True)
    assert "2/2" in out.getvalue()
    assert "/s" in out.getvalue()
    assert "0 failed" in out.getvalue()
    assert is_up_to_date(acme, globex)


def test_rows_that_django_makes_after_migrations_reach_every_schema_with_the_same_ids(
    acme: Tenant, globex: Tenant
) -> None:
    columns = "id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, app_label text, model text"
    schemas = (TEMPLATE_SCHEMA, acme.schema, globex.schema)
    with administrator() as admin:
        for schema in schemas:
            admin.execute(f'CREATE TABLE "{schema}".django_content_type ({columns})')
            admin.execute(f'ALTER TABLE "{schema}".django_content_type OWNER TO rowhouse_migrator')
        admin.execute(f"INSERT INTO {TEMPLATE_SCHEMA}.django_content_type VALUES (7, 'products', 'product')")
        set_back(acme, globex)
        migrate()
        for schema in (acme.schema, globex.schema):
            table = f'"{schema}".django_content_type'
            assert admin.execute(f"SELECT * FROM {table}").fetchall() == [(7, "products", "product")]
            row = admin.execute(f"INSERT INTO {table} (model) VALUES ('order') RETURNING id").fetchone()
            assert row == (8,)
        for schema in schemas:
            admin.execute(f'DROP TABLE "{schema}".django_content_type')
    for row in Schema.objects.using("migrator").standing():
        enter_in_ledger(row.name, row.tenant_id, row.state)
    refresh_baseline()


def test_commands_leave_no_tenant_s_path_on_the_migrator(acme: Tenant) -> None:
    set_back(acme)
    migrate()
    with connections["migrator"].cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == ("public",)

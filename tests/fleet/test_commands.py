"""The platform's commands: migrate every schema, prepare a database, let an operator in."""

import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from shared_apps.clients.services import sign_up
from shared_apps.fleet.grants import tenant_tables
from shared_apps.fleet.management.commands.migrate import Command
from shared_apps.fleet.models import TEMPLATE_SCHEMA
from shared_apps.fleet.provisioning import refresh_baseline
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.models import User
from tests.cast import OPERATOR
from tests.stage import administrator

RIGHTS = """
    SELECT string_agg(privilege_type, ', ' ORDER BY privilege_type DESC) FROM information_schema.role_table_grants
     WHERE table_schema = %s AND table_name = %s AND grantee = %s"""


def migrate(**options: Any) -> str:
    out = io.StringIO()
    call_command("migrate", stdout=out, stderr=out, **{"interactive": False, "verbosity": 0, **options})
    return out.getvalue()


def set_back(tenant: Tenant) -> None:
    """Take one migration from a tenant, and with it the table of the audit log."""
    with administrator() as admin:
        admin.execute(
            f'DROP TABLE "{tenant.schema}".audit_auditentry;'
            f"DELETE FROM \"{tenant.schema}\".django_migrations WHERE app = 'audit'"
        )


def rights(tenant: Tenant, table: str) -> str:
    with administrator() as admin:
        row = admin.execute(RIGHTS, [tenant.schema, table, tenant.role]).fetchone()
    return str(row and row[0])


def test_a_tenant_that_is_behind_is_migrated_and_gets_its_rights_on_the_new_table(
    acme: Tenant, globex: Tenant
) -> None:
    set_back(acme)
    migrate()
    assert rights(acme, "audit_auditentry") == rights(globex, "audit_auditentry") == "SELECT, INSERT"
    with unit_of_work(acme):
        assert AuditEntry.objects.count() == 0


def test_migrating_again_changes_nothing(acme: Tenant) -> None:
    query = (
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = %s::text::regnamespace ORDER BY 1"
    )
    with administrator() as admin:
        before = admin.execute(query, [acme.schema]).fetchall()
        migrate()
        assert admin.execute(query, [acme.schema]).fetchall() == before


def test_it_says_which_schema_it_is_at(acme: Tenant, globex: Tenant) -> None:
    said = migrate(verbosity=1)
    places = [
        said.index(f"Schema {schema}\n") for schema in ("public", "t_template", acme.schema, globex.schema)
    ]
    assert places == sorted(places)


def test_a_failure_names_the_schema_and_stops(acme: Tenant, globex: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f"DELETE FROM \"{acme.schema}\".django_migrations WHERE app = 'audit'")
    with pytest.raises(CommandError, match=acme.schema) as failure:
        migrate()
    assert "audit_auditentry" in str(failure.value)


def test_a_table_that_is_missing_is_not_looked_for_in_public(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f'ALTER TABLE "{acme.schema}".django_migrations RENAME TO lost')
    try:
        with pytest.raises(CommandError):
            migrate()  # it begins anew and meets tables that are there, instead of believing public's list
    finally:
        with administrator() as admin:
            admin.execute(f'DROP TABLE IF EXISTS "{acme.schema}".django_migrations')
            admin.execute(f'ALTER TABLE "{acme.schema}".lost RENAME TO django_migrations')


@pytest.fixture
def new_index() -> Iterator[str]:
    """What the newest migration adds; the template gets it while the command runs."""
    yield "one_more"
    with administrator() as admin:
        admin.execute(f'DROP INDEX "{TEMPLATE_SCHEMA}".one_more')


def test_a_tenant_that_signs_up_while_others_are_migrated_is_not_left_behind(
    order: dict[str, str], acme: Tenant, new_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated, newcomers, really = [], [], Command._migrate

    def migrate_and_let_somebody_in(self: Command, schema: str, *args: Any, **options: Any) -> None:
        really(self, schema, *args, **options)
        migrated.append(schema)
        if schema == TEMPLATE_SCHEMA:
            with administrator() as admin:
                admin.execute(f'CREATE INDEX {new_index} ON "{TEMPLATE_SCHEMA}".users_user (name)')
        if schema == acme.schema:
            newcomers.append(sign_up(**order).schema_name)

    monkeypatch.setattr(Command, "_migrate", migrate_and_let_somebody_in)
    migrate()
    assert newcomers[0] in migrated or _has_index(newcomers[0], new_index)


def _has_index(schema: str, name: str) -> bool:
    with administrator() as admin:
        query = "SELECT 1 FROM pg_indexes WHERE schemaname = %s AND indexname = %s"
        return admin.execute(query, [schema, name]).fetchone() is not None


def test_a_new_baseline_waits_for_sign_ups_that_use_the_old_one(
    order: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = threading.Event()

    def refresh() -> None:
        refresh_baseline()
        refreshed.set()
        connections.close_all()

    def while_a_sign_up_is_open(*args: Any) -> None:
        thread.start()
        assert not refreshed.wait(0.3)

    thread = threading.Thread(target=refresh)
    monkeypatch.setattr("shared_apps.clients.services.raise_version", while_a_sign_up_is_open)
    sign_up(**order)
    assert refreshed.wait(10)


def test_every_table_of_the_tenants_has_rights_after_migrating(acme: Tenant) -> None:
    migrate()
    assert {table: rights(acme, table) for table in tenant_tables()} == {
        table: ", ".join(sorted(given.split(", "), reverse=True)) for table, given in tenant_tables().items()
    }


# Operators


def create_operator(email: str, password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    out = io.StringIO()
    monkeypatch.setattr("builtins.input", lambda: password)
    call_command("create_operator", email, "--stdin", stdout=out)
    return out.getvalue()


def test_an_operator_who_was_let_in_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    said = create_operator("new@platform.example", "a long enough one", monkeypatch)
    assert "new@platform.example may now sign in at /admin/" in said
    browser = Client(headers={"host": "localhost"})
    credentials = {"username": "NEW@platform.example", "password": "a long enough one"}
    assert browser.post("/admin/login/?next=/admin/", credentials)["Location"] == "/admin/"
    assert browser.get("/admin/clients/client/").status_code == 200
    with public_context():
        assert AuditEntry.objects.filter(verb="user.created", actor_label="create_operator").exists()


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        (OPERATOR, "a long enough one", "has an account here already"),
        ("nobody", "a long enough one", "e-mail address such as"),
        ("new@platform.example", "short", "too short"),
    ],
)
def test_what_is_wrong_with_an_operator_is_said_in_a_sentence(
    email: str, password: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=said):
        create_operator(email, password, monkeypatch)
    with public_context():
        assert User.objects.count() == 1


def test_an_operator_is_nobody_inside_a_tenant(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    create_operator("new@platform.example", "a long enough one", monkeypatch)
    with unit_of_work(acme):
        assert not User.objects.filter(role="operator").exists()
    credentials = {"email": "new@platform.example", "password": "a long enough one"}
    answer = Client(headers={"host": acme.host}).post(
        "/api/v1/auth/token/", credentials, content_type="application/json"
    )
    assert answer.status_code == 401


def test_commands_leave_no_tenant_s_path_on_the_migrator(acme: Tenant) -> None:
    migrate()
    with connections["migrator"].cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == ("public",)

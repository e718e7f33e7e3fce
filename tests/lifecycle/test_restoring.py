"""A tenant comes back from its archive row for row, elsewhere or in its own place, and nobody else is touched."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from shared_apps.clients.models import Client
from shared_apps.clients.services import SubdomainTaken, as_tenant, sign_up
from shared_apps.clients.statuses import suspend_client
from shared_apps.fleet.ledger import inspect_schema
from shared_apps.fleet.models import Schema
from shared_apps.lifecycle import loading
from shared_apps.lifecycle.archive import Archive
from shared_apps.lifecycle.exporting import shape_of
from shared_apps.lifecycle.manifest import VERSION
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.restoring import AnotherTenant
from shared_apps.lifecycle.services import export_client, replace_client, restore_client
from shared_apps.lifecycle.tables import LEFT_BEHIND, NewerThanTheCode, raw_connection
from tenant_apps.orders.models import Order
from tenant_apps.products.models import Product
from tenants.context import Tenant, unit_of_work
from tenants.errors import Conflict
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import User
from tests.cast import PASSWORD
from tests.lifecycle.conftest import (
    OPERATING,
    archive_of,
    exported,
    failed,
    files_of,
    leftovers,
    replaced,
    restored,
    rows,
    sums,
)


def test_the_shop_has_rows_in_every_table_that_travels(shop: Client) -> None:
    assert [name for name, (count, _) in sums(shop).items() if not count] == []
    assert len(files_of(shop)) == 2


def test_a_restored_tenant_equals_the_exported_one_and_others_are_as_they_were(
    shop: Client, acme: Tenant, globex: Tenant, folders: Path
) -> None:
    before, others = sums(shop), (sums(acme), sums(globex))
    Client.objects.filter(pk=shop.pk).update(plan="team", plan_version=2)
    made = restored(archive_of(shop))
    assert sums(made) == before == sums(shop)
    assert files_of(made) == files_of(shop)
    assert (sums(acme), sums(globex)) == others
    assert made.status == "active"
    assert (made.name, made.currency, made.plan, made.plan_version) == (shop.name, "USD", "team", 2)
    assert made.trial_ends_at is not None, "nobody pays for this plan: it is tried for a while"
    assert leftovers(folders) == []


def test_a_restored_tenant_is_one_of_the_fleet(shop: Client) -> None:
    made = restored(archive_of(shop))
    ledger = Schema.objects.get(name=made.schema_name)
    assert (ledger.state, ledger.tenant_id) == ("owned", made.pk)
    assert (ledger.applied, ledger.fingerprint) == inspect_schema(made.schema_name)
    assert rows(made, "SELECT tenant_id FROM HERE.tenants_sentinel") == [(made.pk,)]


def test_people_sign_in_to_the_restored_tenant_with_the_passwords_they_had(
    shop: Client, client_of: Any
) -> None:
    made = restored(archive_of(shop))
    browser = client_of(as_tenant(made))
    answer = browser.post(
        "/api/v1/auth/token/",
        {"email": "peter@initech.example", "password": PASSWORD},
        content_type="application/json",
    )
    assert answer.status_code == 200


def test_the_manifest_accounts_for_everything(shop: Client) -> None:
    export = exported(shop)
    path = export.archive
    assert path is not None
    with Archive(path) as archive:
        manifest = archive.manifest
        assert archive.is_ours
        archive.verify()
    assert {table.name: (table.rows, table.sha256) for table in manifest.tables} == sums(shop)
    assert {file.path for file in manifest.files} == set(files_of(shop))
    assert (manifest.tenant.id, manifest.tenant.subdomain) == (str(shop.pk), "initech")
    assert set(manifest.migrations) == set(shape_of(shop.schema_name)[0])
    assert (export.rows_done, export.file_size) == (manifest.rows, path.stat().st_size)


def test_the_version_in_the_manifest_is_the_products() -> None:
    import tomllib

    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def test_two_exports_of_the_same_rows_have_the_same_contents(shop: Client) -> None:
    with Archive(archive_of(shop)) as first, Archive(archive_of(shop)) as second:
        assert first.manifest.checksum == second.manifest.checksum


def test_checksums_do_not_depend_on_where_rows_lie(shop: Client) -> None:
    before, here = sums(shop), f'"{shop.schema_name}"'
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        for table in ("products_image", "orders_orderline"):
            cursor.execute(
                f"CREATE TABLE {here}.kept AS SELECT * FROM {here}.{table};"
                f"DELETE FROM {here}.{table};"
                f"INSERT INTO {here}.{table} SELECT * FROM {here}.kept ORDER BY id DESC; DROP TABLE {here}.kept"
            )
    assert rows(shop, "SELECT id FROM HERE.orders_orderline") == list(
        reversed(rows(shop, "SELECT id FROM HERE.orders_orderline ORDER BY id"))
    )
    assert sums(shop) == before


def test_sessions_and_the_sentinel_stay_behind(shop: Client, client_of: Any) -> None:
    with unit_of_work(as_tenant(shop)):
        owner = User.objects.get(role="owner")
    client_of(as_tenant(shop), owner)
    assert rows(shop, "SELECT 1 FROM HERE.django_session") == [(1,)]
    with Archive(archive_of(shop)) as archive:
        assert LEFT_BEHIND.isdisjoint(table.name for table in archive.manifest.tables)
        made = restored(archive.path)
    assert rows(made, "SELECT 1 FROM HERE.django_session") == []


# Into the same tenant


def test_a_tenant_gets_its_old_rows_and_files_back(shop: Client, acme: Tenant, folders: Path) -> None:
    before, files, others = sums(shop), files_of(shop), sums(acme)
    archive = archive_of(shop)
    spoil(shop)
    assert sums(shop) != before
    replaced(archive, shop)
    shop.refresh_from_db()
    assert sums(shop) == before
    assert files_of(shop) == files
    assert (shop.status, shop.currency) == ("active", "USD")
    assert sums(acme) == others
    assert leftovers(folders) == []


def spoil(client: Client) -> None:
    """Do damage: new rows, changed rows, a missing and a strange file, another currency."""
    with unit_of_work(as_tenant(client)):
        Product.objects.update(name="Gone wrong")
        Order.objects.filter(status="draft").delete()
    stock_again = Path(settings.MEDIA_ROOT) / client.schema_name
    next(stock_again.rglob("*.csv")).unlink()
    (stock_again / "strange.txt").write_text("strange")
    Client.objects.filter(pk=client.pk).update(currency="EUR")


def test_a_tenant_that_was_closed_stays_closed(shop: Client) -> None:
    archive = archive_of(shop)
    suspend_client(client_id=shop.pk, actor=OPERATING, reason="unpaid")
    replaced(archive, shop)
    shop.refresh_from_db()
    assert shop.status == "suspended"


def test_an_archive_of_another_tenant_replaces_nothing(shop: Client, acme: Tenant) -> None:
    archive = archive_of(shop)
    with pytest.raises(AnotherTenant, match="made from initech, not from acme"):
        replace_client(archive=archive, client_id=acme.id, typed_name="acme", actor=OPERATING, send=False)
    assert Operation.objects.filter(kind="restore").count() == 0


def test_a_lock_that_somebody_holds_too_long_puts_the_restore_off(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared_apps.lifecycle.services import run_operation, sweep_operations

    before, archive = sums(shop), archive_of(shop)

    def hurried() -> Any:
        raw_connection().execute("SET LOCAL lock_timeout = '50ms'")
        return raw_connection()

    monkeypatch.setattr(loading, "raw_connection", hurried)
    operation = replace_client(
        archive=archive, client_id=shop.pk, typed_name="initech", actor=OPERATING, send=False
    )
    with unit_of_work(as_tenant(shop)):
        Product.objects.first()
        operation = run_operation(operation.pk)
        assert (operation.status, operation.attempts) == ("waiting", 1)
        assert "Will be tried again" in operation.error
    assert sums(shop) == before
    operation = run_operation(operation.pk)
    assert (operation.status, operation.error) == ("done", "")
    shop.refresh_from_db()
    assert shop.status == "active"
    assert sweep_operations() == []


# Names


def test_the_name_must_be_free(shop: Client) -> None:
    archive = archive_of(shop)
    for name in ("acme", "initech"):
        with pytest.raises(SubdomainTaken):
            restore_client(archive=archive, subdomain=name, actor=OPERATING, send=False)


def test_a_name_that_is_taken_in_between_leaves_nothing_of_the_restore(shop: Client, folders: Path) -> None:
    archive = archive_of(shop)
    operation = restore_client(archive=archive, subdomain="newer", actor=OPERATING, send=False)
    sign_up(company="Newer", subdomain="newer", email="n@newer.example", password=PASSWORD)
    schemas = set(Schema.objects.filter(state="owned").values_list("name", flat=True))
    assert "belongs to somebody already" in failed(operation)
    assert set(Schema.objects.filter(state="owned").values_list("name", flat=True)) == schemas
    assert Client.objects.filter(status="provisioning").count() == 0
    assert leftovers(folders) == []


def test_one_operation_of_a_tenant_at_a_time(shop: Client) -> None:
    export_client(client_id=shop.pk, actor=OPERATING, send=False)
    with pytest.raises(Conflict, match="not finished yet"):
        export_client(client_id=shop.pk, actor=OPERATING, send=False)


# Other generations


def without_imports(client: Client) -> None:
    """Set a tenant back to a generation that had no imports."""
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        here = f'"{client.schema_name}"'
        cursor.execute(
            f"DROP TABLE {here}.imports_stagedline, {here}.imports_rejectedrow, {here}.imports_importedproduct,"
            f" {here}.imports_import;"
            f"DELETE FROM {here}.django_migrations WHERE app = 'imports'"
        )


@pytest.fixture
def old_archive(shop: Client) -> Path:
    """An archive of the shop from before there were imports."""
    without_imports(shop)
    return archive_of(shop)


def test_an_older_archive_is_restored_and_migrated_up(shop: Client, old_archive: Path, acme: Tenant) -> None:
    before = sums(shop)
    assert "imports_import" not in before
    made = restored(old_archive)
    assert {name: value for name, value in sums(made).items() if name in before} == before
    ledger, model = (
        Schema.objects.get(name=made.schema_name),
        Schema.objects.get(name=acme.schema),
    )
    assert (
        inspect_schema(made.schema_name)
        == inspect_schema(acme.schema)
        == (ledger.applied, ledger.fingerprint)
    )
    assert (ledger.applied, ledger.fingerprint) == (model.applied, model.fingerprint)
    assert rights(made.schema_name) == rights(acme.schema)
    with unit_of_work(as_tenant(made)):
        assert Order.objects.count() > 0


def rights(schema: str) -> list[Any]:
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = %s AND grantee = %s ORDER BY 1, 2",
            [schema, schema],
        )
        return list(cursor.fetchall())


def test_an_older_archive_comes_back_into_its_own_tenant(shop: Client, old_archive: Path) -> None:
    before = sums(shop)
    replaced(old_archive, shop)
    assert {name: value for name, value in sums(shop).items() if name in before} == before
    assert rows(shop, "SELECT tenant_id FROM HERE.tenants_sentinel") == [(shop.pk,)]
    stock_more = as_tenant(Client.objects.get(pk=shop.pk))
    with unit_of_work(stock_more):
        assert User.objects.count() == 1


def test_a_newer_archive_is_refused_with_what_to_do(shop: Client) -> None:
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{shop.schema_name}".django_migrations (app, name, applied)'
            " VALUES ('orders', '0099_from_the_future', now())"
        )
    operation = export_client(client_id=shop.pk, actor=OPERATING, send=False)
    assert "orders.0099_from_the_future" in failed(operation)


def test_a_manifest_with_a_newer_migration_is_refused(shop: Client) -> None:
    from tests.lifecycle.test_broken_archives import resealed

    def future(manifest: dict[str, Any]) -> None:
        manifest["generation"]["migrations"].append(["orders", "0099_from_the_future"])

    archive = resealed(archive_of(shop), future)
    with pytest.raises(NewerThanTheCode, match="Deploy that version here first"):
        restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False)


def test_restoring_is_possible_from_an_archive_that_unzip_has_listed(shop: Client) -> None:
    with zipfile.ZipFile(archive_of(shop)) as plain:
        assert plain.testzip() is None
        manifest = json.loads(plain.read("manifest.json"))
    assert manifest["format"] == 1

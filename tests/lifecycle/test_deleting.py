"""A tenant goes when its time is over, wholly, with a certificate; nobody else notices."""

import os
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from shared_apps.clients.models import Client, ReleasedName
from shared_apps.clients.services import as_tenant
from shared_apps.clients.statuses import WrongStatus
from shared_apps.lifecycle.archive import Archive
from shared_apps.lifecycle.deleting import _kept_tables, is_genuine, preview_deletion
from shared_apps.lifecycle.files import folder_of
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from shared_apps.lifecycle.services import (
    NotConfirmed,
    keep_client,
    request_deletion,
    run_operation,
    sweep_operations,
)
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, tenant_context
from tenants.errors import Conflict
from tests.lifecycle.conftest import OPERATING, copied, done, files_of, sums
from tests.stage import administrator


def ask(client: Client, **options: Any) -> Client:
    given = {"typed_name": client.subdomain, "send": False, **options}
    return request_deletion(client_id=client.pk, actor=OPERATING, **given)


def purge(client: Client, **options: Any) -> DeletionCertificate:
    """Delete without grace, and see it done."""
    ask(client, immediately=True, **options)
    done(Operation.objects.get(kind="delete", tenant_id=client.pk))
    return DeletionCertificate.objects.get(tenant_id=client.pk)


def found_in_public(needles: list[str]) -> set[str]:
    """Public tables with a row in which one of the texts stands anywhere."""
    with administrator() as admin:
        tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            table
            for (table,) in tables
            if admin.execute(
                f'SELECT 1 FROM public."{table}" t WHERE t::text ~ %s LIMIT 1',
                ["|".join(needles)],
            ).fetchone()
        }


def found_in_catalog(schema: str) -> list[Any]:
    with administrator() as admin:
        return admin.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = %(name)s"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname = %(name)s"
            " UNION ALL SELECT relname FROM pg_class WHERE relacl::text LIKE '%%' || %(name)s || '%%'"
            " UNION ALL SELECT defaclrole::regrole::text FROM pg_default_acl"
            " WHERE defaclacl::text LIKE '%%' || %(name)s || '%%'",
            {"name": schema},
        ).fetchall()


def cache_keys() -> list[str]:
    with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as queue:
        return list(queue.scan_iter(match="rowhouse:*"))


def test_nothing_is_left_of_a_deleted_tenant_and_others_are_as_they_were(
    shop: Client, acme: Tenant, globex: Tenant
) -> None:
    for tenant in (as_tenant(shop), acme):
        with tenant_context(tenant):
            cache.set("basket", 1)
    others = sums(acme), sums(globex)
    needles = [str(shop.pk), shop.schema_name, "initech"]
    assert {"clients_client", "clients_domain", "fleet_schema"} <= found_in_public(needles)
    assert found_in_catalog(shop.schema_name)
    certificate = purge(shop)
    told = {"lifecycle_deletioncertificate", *_kept_tables()}
    assert found_in_public(needles) <= told
    assert found_in_catalog(shop.schema_name) == []
    assert not folder_of(shop.schema_name).exists()
    assert [key for key in cache_keys() if str(shop.pk) in key] == []
    assert [key for key in cache_keys() if str(acme.id) in key] != []
    assert (sums(acme), sums(globex)) == others
    assert is_genuine(certificate)


def test_the_search_would_find_what_is_left(shop: Client) -> None:
    purge(shop)
    with administrator() as admin:
        admin.execute("INSERT INTO fleet_generation VALUES ('left', %s, now())", [f'["{shop.schema_name}"]'])
        admin.execute(f'CREATE ROLE "{shop.schema_name}"')
        try:
            assert "fleet_generation" in found_in_public([shop.schema_name])
            assert found_in_catalog(shop.schema_name) == [(shop.schema_name,)]
        finally:
            admin.execute(f'DROP ROLE "{shop.schema_name}"')


def test_the_certificate_says_what_went(shop: Client) -> None:
    before, files = sums(shop), files_of(shop)
    certificate = purge(shop)
    content = certificate.content
    assert {name: (one["rows"], one["sha256"]) for name, one in content["tables"].items()} == before
    assert (content["files"]["count"], content["files"]["bytes"]) == (2, sum(map(len, files.values())))
    assert (content["people"], content["api_tokens"]) == (1, 1)
    assert content["domains"] == ["initech.localhost"]
    assert (content["schema"], content["role"]) == (shop.schema_name, shop.schema_name)
    assert content["tenant"] == {"id": str(shop.pk), "name": "Initech", "subdomain": "initech"}
    assert content["requested_by"] == content["confirmed_by"] == OPERATING.label
    assert content["kept"]["billing_usagerecord"] == 1, "an order was placed, and its usage is invoiced still"
    assert content["begun_at"] < content["rows_deleted_at"] < content["completed_at"]
    assert content["export"] is None


def test_a_certificate_that_was_changed_is_not_genuine(shop: Client) -> None:
    certificate = purge(shop)
    certificate.content["tables"]["orders_order"]["rows"] = 0
    assert not is_genuine(certificate)


def test_its_name_is_kept_from_others_for_a_while(shop: Client) -> None:
    purge(shop)
    released = ReleasedName.objects.get(name="initech.localhost")
    assert released.last_tenant_id == shop.pk
    assert released.until > timezone.now()


def test_an_archive_is_written_before_the_end_when_that_was_asked(shop: Client) -> None:
    before = sums(shop)
    certificate = purge(shop, with_export=True)
    operation = Operation.objects.get(kind="delete")
    assert operation.archive is not None
    with Archive(operation.archive) as archive:
        archive.verify()
        assert {table.name: (table.rows, table.sha256) for table in archive.manifest.tables} == before
    assert certificate.content["export"] == {"file": operation.file_name, "sha256": operation.file_sha256}


def test_the_preview_counts_what_would_go(shop: Client) -> None:
    sandbox = copied(shop)
    before = sums(shop)
    found = preview_deletion(shop)
    assert found.tables == {name: rows for name, (rows, _) in before.items()}
    assert (found.people, found.api_tokens, found.files) == (1, 1, 2)
    assert found.domains == ["initech.localhost"]
    assert found.sandboxes == [sandbox.subdomain]
    purge(shop)
    sandbox.refresh_from_db()
    assert (sandbox.status, sandbox.sandbox_of_id) == ("active", None)


# Grace


def test_the_doors_close_at_once_and_the_rows_go_after_the_grace(shop: Client, client_of: Any) -> None:
    client = ask(shop, with_export=True)
    assert client.status == "deleting"
    assert client.delete_after is not None
    assert abs(client.delete_after - timezone.now() - settings.DELETION_GRACE) < timedelta(minutes=1)
    assert client_of(as_tenant(shop)).get("/").status_code == 410
    assert sweep_operations() == []
    assert sweep_operations(now=client.delete_after - timedelta(seconds=1)) == []
    assert sums(shop)
    (operation_id,) = sweep_operations(now=client.delete_after + timedelta(seconds=60))
    assert run_operation(operation_id).status == "done"
    content = DeletionCertificate.objects.get().content
    assert content["requested_by"] == OPERATING.label
    assert content["export"] is not None
    assert sweep_operations(now=client.delete_after + timedelta(seconds=120)) == []


def test_it_can_be_called_off_until_then(shop: Client) -> None:
    before, client = sums(shop), ask(shop)
    assert client.delete_after is not None
    kept = keep_client(client_id=shop.pk, actor=OPERATING)
    assert (kept.status, kept.delete_after) == ("archived", None)
    assert sweep_operations(now=client.delete_after + timedelta(days=1)) == []
    assert sums(shop) == before


def test_it_cannot_be_called_off_once_the_purge_has_begun(shop: Client) -> None:
    ask(shop, immediately=True)
    with pytest.raises(Conflict, match="not finished yet"):
        keep_client(client_id=shop.pk, actor=OPERATING)


@pytest.mark.parametrize("typed", ["", "Initech", "acme", "initech "])
def test_the_name_has_to_be_typed(shop: Client, typed: str) -> None:
    if typed.strip().lower() == "initech":
        assert ask(shop, typed_name=typed).status == "deleting"
        return
    with pytest.raises(NotConfirmed, match="type its subdomain, 'initech'"):
        ask(shop, typed_name=typed)
    shop.refresh_from_db()
    assert shop.status == "active"


def test_a_tenant_in_maintenance_is_not_deleted(shop: Client) -> None:
    from shared_apps.clients.statuses import begin_maintenance

    begin_maintenance(client_id=shop.pk, actor=OPERATING)
    with pytest.raises(WrongStatus):
        ask(shop)


def test_every_step_is_in_the_audit_log(shop: Client) -> None:
    purge(shop)
    with public_context():
        verbs = list(
            AuditEntry.objects.filter(target_id=shop.pk).order_by("id").values_list("verb", flat=True)
        )
    assert verbs[-4:] == [
        "client.deletion_requested",
        "client.deletion_begun",
        "client.purge_begun",
        "client.deleted",
    ]

"""Gauges: measured in the tenant itself, and never counted together with the neighbour's."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from billing.models import UsageRecord
from billing.tasks import measure_new, measure_tenant
from billing.usage.rollups import fold
from billing.usage.snapshots import EVERY, take_snapshots
from shared_apps.clients.models import Client
from tenants.context import Tenant, current_tenant, tenant_context, unit_of_work
from tenants.storage import tenant_storage
from tenants.users.models import User


def measured(tenant: Tenant) -> list[tuple[str, int]]:
    rows = UsageRecord.objects.filter(tenant=tenant.schema).order_by("occurred_at", "meter")
    return list(rows.values_list("meter", "quantity"))


def test_seats_and_storage_are_those_of_the_tenant(acme: Tenant, globex: Tenant) -> None:
    name = ""
    try:
        with tenant_context(acme):
            name = tenant_storage().save("big.bin", ContentFile(b"x" * 1_000_001))
            take_snapshots(timezone.now())
        with unit_of_work(acme):
            User.objects.filter(email="viewer@acme.example").update(is_active=False)
            User.objects.filter(email="member@acme.example").update(invited_at=timezone.now())
        later = timezone.now() + timedelta(minutes=30)
        with tenant_context(acme):
            take_snapshots(later)
            take_snapshots(later)
    finally:
        with tenant_context(acme):
            tenant_storage().delete(name)
    assert measured(acme) == [("seats", 4), ("storage", 2), ("seats", 2), ("storage", 2)]
    measure_tenant.apply(headers={"tenant": globex.schema})
    assert [row for row in measured(globex) if row[0] == "seats"] == [("seats", 4)]


def test_who_has_just_come_is_measured_at_once_and_by_this_way_only_once(
    acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(measure_tenant, "delay", lambda: asked.append(current_tenant().schema))
    everyone = Client.objects.all()
    everyone.update(created_at=timezone.now() - EVERY)
    measure_new.run()
    assert asked == []
    everyone.filter(schema_name=acme.schema).update(created_at=timezone.now())
    measure_new.run()
    assert asked == [acme.schema]
    with tenant_context(acme):
        take_snapshots(timezone.now())
    fold()
    measure_new.run()
    assert asked == [acme.schema]

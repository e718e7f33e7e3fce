"""Rollups are made in each tenant by itself."""

from decimal import Decimal

from django.utils import timezone

from tenant_apps.orders.models import Order
from tenant_apps.reports.models import SalesDay
from tenant_apps.reports.tasks import roll_up_tenant
from tenants.context import Tenant, tenant_context, unit_of_work


def test_the_task_rolls_up_its_own_tenant(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        Order.objects.create(
            number=1, status="placed", currency="GBP", total=Decimal(5), placed_at=timezone.now()
        )
    with tenant_context(acme):
        roll_up_tenant.apply(headers={"tenant": acme.schema}, throw=True)
    with unit_of_work(acme):
        assert SalesDay.objects.get().gross == 5
    with unit_of_work(globex):
        assert not SalesDay.objects.exists()

"""The usage ledger: written by a tenant's role in its transaction, and read by the platform alone."""

from datetime import datetime

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from billing.models import UsageRecord
from billing.usage.ledger import record_usage
from tenants.context import NoTenant, Tenant, tenant_context, unit_of_work
from tenants.models import uuid7
from tests.orders.builders import a_draft, a_placed_order

INSERT = "INSERT INTO public.billing_usagerecord (id, meter, quantity, idempotency_key, occurred_at"


def use(key: str, quantity: int = 1, at: datetime | None = None) -> bool:
    when = at or timezone.now()
    return record_usage(meter="orders_placed", quantity=quantity, idempotency_key=key, at=when)


def test_a_use_belongs_to_the_tenant_whose_role_wrote_it(acme: Tenant, globex: Tenant):
    for tenant, quantity in ((acme, 2), (globex, 3)):
        with unit_of_work(tenant):
            assert use("one key for both", quantity)
    found = UsageRecord.objects.order_by("quantity").values_list("tenant", "meter", "quantity")
    assert list(found) == [(acme.schema, "orders_placed", 2), (globex.schema, "orders_placed", 3)]


def test_one_key_is_one_use_and_saying_it_again_breaks_nothing(acme: Tenant):
    with unit_of_work(acme):
        assert use("again")
        assert not use("again", 5)
    with unit_of_work(acme):
        assert not use("again")
        assert use("another")
    assert sorted(UsageRecord.objects.values_list("idempotency_key", "quantity")) == [
        ("again", 1),
        ("another", 1),
    ]


def test_a_use_vanishes_with_its_transaction(acme: Tenant):
    class Interrupted(Exception):
        pass

    def interrupted() -> None:
        with unit_of_work(acme):
            use("lost")
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    assert not UsageRecord.objects.exists()


def test_a_placed_order_is_one_use_and_a_draft_is_none(acme: Tenant):
    with unit_of_work(acme):
        order = a_placed_order()
        a_draft()
    usage = UsageRecord.objects.get()
    assert (usage.meter, usage.quantity) == ("orders_placed", 1)
    assert usage.idempotency_key == f"orders_placed:{order.pk}"
    assert usage.tenant == acme.schema
    assert usage.recorded_at >= usage.occurred_at
    assert str(usage) == f"{acme.schema} orders_placed 1"


def test_an_order_that_is_rolled_back_leaves_no_use(acme: Tenant):
    def interrupted() -> None:
        with unit_of_work(acme):
            a_placed_order()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        f"{INSERT}, tenant) VALUES (%s, 'orders_placed', 1, 'forged', now(), 't_somebodyelse')",
        f"{INSERT}, recorded_at) VALUES (%s, 'orders_placed', 1, 'backdated', now(), now())",
        f"{INSERT}, txid) VALUES (%s, 'orders_placed', 1, 'in disguise', now(), 3)",
        f"{INSERT}, is_correction) VALUES (%s, 'orders_placed', -1, 'refund', now(), true)",
        "INSERT INTO usage_ledger.usage_rest SELECT * FROM public.billing_usagerecord WHERE id = %s",
        "SELECT count(*) FROM public.billing_usagerecord WHERE id <> %s",
        "UPDATE public.billing_usagerecord SET quantity = 1 WHERE id = %s",
        "DELETE FROM public.billing_usagerecord WHERE id = %s",
    ],
    ids=[
        "forge the tenant",
        "forge the time",
        "forge the order",
        "correct",
        "go past",
        "read",
        "change",
        "delete",
    ],
)
def test_a_tenants_role_may_add_its_own_uses_and_nothing_else(acme: Tenant, statement: str):
    with (
        unit_of_work(acme),
        pytest.raises(ProgrammingError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [uuid7()])
    assert isinstance(refusal.value.__cause__, InsufficientPrivilege)


def test_the_platform_reads_the_ledger_and_may_not_rewrite_it(acme: Tenant):
    with unit_of_work(acme):
        use("kept")
    for rewrite in (
        lambda: UsageRecord.objects.update(quantity=9),
        lambda: UsageRecord.objects.all().delete(),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            rewrite()
    assert UsageRecord.objects.get().quantity == 1


def test_no_use_is_written_for_nobody_or_outside_a_transaction(acme: Tenant):
    with pytest.raises(NoTenant):
        use("nobody")
    with tenant_context(acme), pytest.raises(NoTenant):
        use("no transaction")

"""Rollups: recomputed and never counted up, sealed by what the database has seen, revised by what comes late."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from billing.meters import METERS
from billing.models import Export, Fold, Rollup, SourceHour, UsageRecord, UsageWatch
from billing.usage.ledger import record_calls, record_usage
from billing.usage.rollups import fold, seal_tenant
from tenants.api.metering import ApiCall
from tenants.context import Tenant, unit_of_work
from tenants.models import uuid7
from tests.billing import builders
from tests.billing.builders import folded
from tests.stage import administrator

Use = Callable[..., None]


@pytest.fixture
def use(acme: Tenant) -> Use:
    """`use("seats", 3, hours_ago=2, minute=10)`"""
    return partial(builders.use, acme)


def windows() -> list[tuple[str, int, int, int]]:
    """Meter, hours ago, quantity and revision of every rollup."""
    rows = Rollup.objects.order_by("meter", "hour")
    return [(r.meter, (builders.HOUR - r.hour) // timedelta(hours=1), r.quantity, r.revision) for r in rows]


def sent() -> list[tuple[str, int, int]]:
    """Meter, revision and value of every message in the outbox."""
    return list(
        Export.objects.order_by("meter", "hour", "revision").values_list("meter", "revision", "value")
    )


def test_an_hour_is_the_sum_the_last_or_the_largest_of_its_records(use: Use) -> None:
    for turn, quantity in enumerate((3, 9, 4)):
        for meter in ("orders_placed", "seats", "storage"):
            use(meter, quantity, minute=turn)
    use("orders_placed", 5, hours_ago=2)
    folded()
    assert windows() == [
        ("orders_placed", 2, 5, 1),
        ("orders_placed", 1, 16, 1),
        ("seats", 1, 4, 1),
        ("storage", 1, 9, 1),
    ]
    assert sent() == [("orders_placed", 1, 5), ("orders_placed", 1, 16), ("seats", 1, 4), ("storage", 1, 9)]


def test_folding_again_and_replaying_changes_nothing(use: Use, acme: Tenant, globex: Tenant) -> None:
    batch = [
        ApiCall(uuid7(), tenant.schema, builders.HOUR - timedelta(minutes=5))
        for tenant in (acme, acme, globex)
    ]
    record_calls(batch)
    use("orders_placed", key="one")
    folded()
    before = windows(), sent()
    record_calls(batch)
    use("orders_placed", key="one", minute=3)
    Fold.objects.update(seen=None)
    folded()
    assert (windows(), sent()) == before
    assert sorted(windows()) == [("api_calls", 1, 1, 1), ("api_calls", 1, 2, 1), ("orders_placed", 1, 1, 1)]


def test_calls_are_also_counted_by_credential_and_who_changed_is_noted(acme: Tenant, globex: Tenant) -> None:
    one, other = uuid7(), uuid7()
    at = builders.HOUR - timedelta(minutes=5)
    batch = [ApiCall(uuid7(), acme.schema, at, source) for source in (one, one, other, None)]
    for _ in range(2):
        record_calls(batch)
        Fold.objects.update(seen=None)
        folded()
        found = dict(SourceHour.objects.values_list("source", "quantity"))
        assert (found, windows()) == ({one: 2, other: 1}, [("api_calls", 1, 4, 1)])
    assert list(UsageWatch.objects.values_list("tenant", flat=True)) == [acme.schema]
    record_calls([ApiCall(uuid7(), acme.schema, at, other)])
    UsageWatch.objects.all().delete()
    folded()
    folded()
    assert SourceHour.objects.get(source=other).quantity == 2
    assert UsageWatch.objects.get().tenant == acme.schema, "and globex, whose hours did not change, is not"


def test_what_comes_late_raises_a_revision_that_tells_the_difference(use: Use, acme: Tenant) -> None:
    use("orders_placed", 7)
    use("seats", 5)
    folded()
    use("orders_placed", 2, minute=30)
    use("seats", 4)
    folded()
    assert windows() == [("orders_placed", 1, 9, 2), ("seats", 1, 4, 2)]
    assert sent() == [("orders_placed", 1, 7), ("orders_placed", 2, 2), ("seats", 1, 5), ("seats", 2, 4)]
    first, second = Export.objects.filter(meter="orders_placed").order_by("revision")
    start = builders.HOUR - timedelta(hours=1)
    assert (first.at, second.at) == (start, start + timedelta(minutes=30))
    assert [export.at for export in Export.objects.filter(meter="seats").order_by("revision")] == [
        start,
        start + timedelta(seconds=1),
    ], "of a gauge the one dated last counts"
    assert first.identifier == f"{acme.schema}:orders_placed:{start:%Y%m%dT%H}:1"
    assert second.identifier == f"{acme.schema}:orders_placed:{start:%Y%m%dT%H}:2"


def test_an_hour_is_not_sealed_while_a_transaction_of_its_time_goes_on(use: Use, acme: Tenant) -> None:
    use("orders_placed", 1)
    with administrator() as admin, admin.transaction():
        admin.execute(
            "INSERT INTO billing_usagerecord (id, tenant, meter, quantity, idempotency_key, occurred_at)"
            " VALUES (gen_random_uuid(), %s, 'orders_placed', 10, 'slow', %s)",
            [acme.schema, builders.HOUR - timedelta(minutes=1)],
        )
        for _ in range(3):
            fold(builders.NOW)
        assert windows() == [("orders_placed", 1, 1, 0)]
        assert sent() == []
    folded()
    assert windows() == [("orders_placed", 1, 11, 1)], "one revision with both"


def test_the_hour_that_runs_is_shown_and_not_sealed(use: Use) -> None:
    use("orders_placed", 2, hours_ago=0)
    folded()
    assert windows() == [("orders_placed", 0, 2, 0)]
    use("orders_placed", 3, hours_ago=0)
    folded()
    assert windows() == [("orders_placed", 0, 5, 0)]


def test_a_tenant_s_use_is_sealed_before_its_invoice_and_dated_inside_the_period(
    use: Use, acme: Tenant
) -> None:
    use("orders_placed", 2, hours_ago=0, minute=40)
    seal_tenant(acme.schema, before=builders.HOUR + timedelta(minutes=30))
    use("orders_placed", 1, hours_ago=0, minute=50)
    seal_tenant(acme.schema, before=builders.HOUR + timedelta(minutes=30))
    assert Export.objects.count() == 1, "whoever comes late takes nothing of the next period"
    seal_tenant(acme.schema)
    first, second = Export.objects.order_by("revision")
    assert (first.value, first.at) == (2, builders.HOUR + timedelta(minutes=29, seconds=59))
    assert (second.value, second.at) == (1, builders.HOUR + timedelta(minutes=50))


def test_a_ledger_that_was_loaded_into_another_cluster_is_folded_anew(use: Use) -> None:
    use("orders_placed", 2)
    folded()
    Fold.objects.update(seen="9000000000:9000000000:")
    with administrator() as admin:
        admin.execute("UPDATE billing_usagerecord SET txid = 8000000000")
        admin.execute("UPDATE billing_rollup SET quantity = 0")
    folded()
    assert windows()[0][2] == 2


def test_what_is_older_than_the_ledger_keeps_is_not_counted(acme: Tenant) -> None:
    with unit_of_work(acme):
        old = builders.NOW - timedelta(days=900)
        record_usage(meter="orders_placed", quantity=1, idempotency_key="old", at=old)
    folded()
    assert windows() == []


def test_a_counter_instead_of_a_recomputation_drifts_when_it_is_killed_or_replayed(use: Use) -> None:
    """The red control: what folding would do if it added what is new to what is there."""

    def counted() -> None:
        with administrator() as admin:
            admin.execute("""
                INSERT INTO billing_rollup AS r (tenant, meter, hour, quantity, last_at)
                SELECT tenant, meter, date_bin('1 hour', occurred_at, 'epoch'), sum(quantity), max(occurred_at)
                  FROM billing_usagerecord GROUP BY 1, 2, 3
                    ON CONFLICT (tenant, meter, hour) DO UPDATE SET quantity = r.quantity + excluded.quantity""")

    use("orders_placed", 2)
    counted()
    counted()
    assert windows()[0][2] == 4, "the same records were counted twice"
    folded()
    assert windows()[0][2] == UsageRecord.objects.get().quantity == 2


def test_meters_are_declared_and_nothing_else_is_counted(acme: Tenant) -> None:
    with unit_of_work(acme), pytest.raises(LookupError, match=r"no meter 'coffee'.*billing/meters\.py"):
        record_usage(meter="coffee", quantity=1, idempotency_key="x", at=builders.NOW)
    assert len({meter.event_name for meter in METERS.values()}) == len(METERS)

"""The ledger by months: a key is one use in its month, a month that was forgotten costs nothing, old ones go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from billing.models import UsageRecord
from billing.usage import partitions
from billing.usage.ledger import record_calls, record_usage
from tenants.api.metering import ApiCall
from tenants.context import Tenant, unit_of_work
from tenants.models import uuid7
from tests.stage import administrator


def at(year: int, month: int, day: int = 1, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def use(key: str, when: datetime) -> bool:
    return record_usage(meter="orders_placed", quantity=1, idempotency_key=key, at=when)


def homes() -> dict[str, int]:
    """How many rows each partition holds."""
    with administrator() as admin:
        rows = admin.execute("SELECT tableoid::regclass::text, count(*) FROM billing_usagerecord GROUP BY 1")
        return {name.removeprefix("usage_ledger."): count for name, count in rows.fetchall()}


@contextmanager
def made_again(*made: date) -> Iterator[None]:
    """Months that a test makes are nobody else's."""
    try:
        yield
    finally:
        for month in made:
            if month in partitions.months():
                partitions._drop(month)


def test_a_key_said_again_with_another_time_of_its_month_is_one_use(acme: Tenant) -> None:
    now = datetime.now(UTC)
    with unit_of_work(acme):
        assert use("again", now.replace(day=1))
        assert not use("again", now.replace(day=28))
    assert homes() == {f"usage_{now:%Y_%m}": 1}


def test_a_batch_of_calls_written_twice_counts_once(acme: Tenant, globex: Tenant) -> None:
    now = datetime.now(UTC)
    batch = [ApiCall(uuid7(), tenant.schema, now) for tenant in (acme, globex, acme)]
    record_calls(batch)
    record_calls(batch[:2])
    assert UsageRecord.objects.filter(meter="api_calls").count() == 3


def test_every_partition_holds_the_key_by_itself(acme: Tenant) -> None:
    keyed = """
        SELECT count(*), count(*) FILTER (WHERE EXISTS (
                 SELECT FROM pg_index x WHERE x.indrelid = i.inhrelid AND x.indisunique AND x.indisvalid
                    AND pg_get_indexdef(x.indexrelid) LIKE '%(tenant, idempotency_key)'))
          FROM pg_inherits i WHERE inhparent = 'public.billing_usagerecord'::regclass"""
    with administrator() as admin:
        partitioned, with_key = admin.execute(keyed).fetchone() or (0, 0)
    assert partitioned == with_key >= 5


def test_a_month_without_a_partition_costs_no_use_and_its_key_still_holds(acme: Tenant) -> None:
    with unit_of_work(acme):
        assert use("early", at(2031, 1))
    with made_again(date(2031, 2, 1), date(2031, 3, 1), date(2031, 4, 1)):
        made = partitions.make_months(date(2031, 1, 20))
        assert made == [date(2031, 2, 1), date(2031, 3, 1), date(2031, 4, 1)], "January stays where it is"
        with unit_of_work(acme):
            assert not use("early", at(2031, 1, 31))
            assert use("later", at(2031, 2))
        assert homes() == {"usage_rest": 1, "usage_2031_02": 1}
        assert partitions.make_months(date(2031, 1, 20)) == []


def test_months_that_are_not_kept_go_with_their_rows(acme: Tenant) -> None:
    today = date(2026, 6, 15)
    partitions._run(partitions.statements_for(date(2020, 1, 1)))
    with unit_of_work(acme):
        assert all(use(f"in {when}", when) for when in (at(2020, 1), at(2020, 2), at(2025, 4)))
    assert partitions.drop_months(today) == [date(2020, 1, 1)]
    assert homes() == {"usage_rest": 1}
    assert partitions.first_kept(today) == date(2025, 4, 1)


@pytest.mark.parametrize(
    ("month", "turns", "then"), [(12, 1, (2027, 1)), (1, -14, (2024, 11)), (3, 0, (2026, 3))]
)
def test_months_are_counted_over_the_turn_of_the_year(month: int, turns: int, then: tuple[int, int]) -> None:
    assert partitions._plus(date(2026, month, 1), turns) == date(*then, 1)

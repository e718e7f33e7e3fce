"""The ledger's partitions: one a month, made ahead, dropped when nobody can ask for it any more.

They live in a schema of their own on which no login but their owner has any right: rows go through the ledger alone.
The default partition takes what has no month of its own, so that a task that did not run costs no order. A month of
which it holds rows gets no partition any more, and so a key is unique in its month whatever happens.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import structlog
from django.db import IntegrityError, connections, transaction

from billing.pricing.periods import MONTHS_KEPT
from tenants.routers import MIGRATOR_ALIAS

HOME: Final = "usage_ledger"
REST: Final = "usage_rest"
LEDGER: Final = "public.billing_usagerecord"
MONTHS_AHEAD: Final = 3
MONTHS: Final = (
    "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ '^usage_[0-9]{4}_[0-9]{2}$'"
)
log = structlog.get_logger("rowhouse.billing")


def make_months(today: date) -> list[date]:
    """Make the partitions of this month and those after it that are missing; which were made."""
    return [month for month in months_from(today, MONTHS_AHEAD) if month not in months() and _make(month)]


def months() -> set[date]:
    """The months that have a partition."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(MONTHS, [HOME])
        return {date(int(name[6:10]), int(name[11:13]), 1) for (name,) in cursor.fetchall()}


def drop_months(today: date) -> list[date]:
    """Drop the months that are not kept any more; which were dropped."""
    first = first_kept(today)
    gone = sorted(month for month in months() if month < first)
    for month in gone:
        _drop(month)
    _run([f"DELETE FROM {HOME}.{REST} WHERE occurred_at < '{first} 00:00+00'"])
    return gone


def first_kept(today: date) -> date:
    """The first month whose records are kept; what comes in for an earlier one is not counted."""
    return _plus(today.replace(day=1), -MONTHS_KEPT)


def months_from(today: date, ahead: int) -> Iterator[date]:
    """This month and those after it."""
    return (_plus(today.replace(day=1), turn) for turn in range(ahead + 1))


def statements_for(month: date) -> list[str]:
    """What makes a month's partition: filled by nobody yet when it is attached, so that no row has to be looked at."""
    name, end = f"{HOME}.usage_{month:%Y_%m}", _plus(month, 1)
    like = f"LIKE {LEDGER} INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
    span = f"FROM ('{month} 00:00+00') TO ('{end} 00:00+00')"
    return [
        f"CREATE TABLE {name} ({like}, UNIQUE (tenant, idempotency_key))",
        f"ALTER TABLE {LEDGER} ATTACH PARTITION {name} FOR VALUES {span}",
    ]


def _make(month: date) -> bool:
    try:
        _run(statements_for(month))
    except IntegrityError:
        log.warning("billing.month_in_default_partition", month=str(month))
        return False
    return True


def _drop(month: date) -> None:
    name = f"{HOME}.usage_{month:%Y_%m}"
    _run([f"ALTER TABLE {LEDGER} DETACH PARTITION {name}", f"DROP TABLE {name}"])


def _run(statements: list[str]) -> None:
    # Writers wait behind a lock that is asked for: rather try again tomorrow than keep orders waiting.
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        for statement in statements:
            cursor.execute(statement)


def _plus(month: date, turns: int) -> date:
    """A month some months later."""
    count = month.year * 12 + month.month - 1 + turns
    return date(count // 12, count % 12 + 1, 1)

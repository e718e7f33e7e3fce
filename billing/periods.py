"""Billing periods: the one that runs for a tenant, and those before it that people ask for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from billing.partitions import MONTHS_KEPT

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment up to another one that is not part of it, both in UTC, as Stripe counts."""

    begin: datetime
    end: datetime

    @property
    def last_day(self) -> datetime:
        """A moment of the last day, to be shown."""
        return self.end - timedelta(microseconds=1)

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    def has(self, when: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.begin <= when < self.end


def period_of(schema: str, now: datetime | None = None) -> Period:
    """The billing period that runs for a tenant: the calendar month, in UTC."""
    return month_of(now or timezone.now())


def month_of(when: datetime) -> Period:
    """The calendar month that a moment lies in."""
    begin = when.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(begin, months_later(begin, 1))


def before(period: Period) -> Period:
    """The period before, a month long."""
    return Period(months_later(period.begin, -1), period.begin)


def months_shown(now: datetime) -> list[Period]:
    """The calendar months that can be asked for, the present one first."""
    present = month_of(now)
    return [month_of(months_later(present.begin, -turn)) for turn in range(MONTHS_KEPT)]


def months_later(when: datetime, turns: int) -> datetime:
    """The same moment some months later; of a shorter month the last day."""
    count = when.year * 12 + when.month - 1 + turns
    first = when.replace(year=count // 12, month=count % 12 + 1, day=1)
    following = (first + 31 * DAY).replace(day=1)
    return first.replace(day=min(when.day, (following - DAY).day))

"""Billing periods: the one that runs for a tenant, and those before it that people ask for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from billing.models import Subscription

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# Of the ledger: longer than anybody disputes an invoice; rollups stay.
MONTHS_KEPT: Final = 14
Status = Subscription.Status


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
    """The billing period that runs for a tenant: that of its subscription, or else the calendar month, in UTC."""
    now = now or timezone.now()
    bought = Subscription.objects.open().filter(tenant=schema).exclude(status=Status.INCOMPLETE)
    found = bought.values_list("period_start", "period_end").first()
    return _renewed(Period(*found), now) if found else month_of(now)


def _renewed(known: Period, now: datetime) -> Period:
    """The period of a moment, from one that is known: Stripe's word about the next one may be on its way."""
    turns, begin, end = 0, known.begin, known.end
    while end <= now and begin < end:
        turns += 1
        begin, end = end, months_later(known.end, turns)
    return Period(begin, end)


def month_of(when: datetime) -> Period:
    """The calendar month that a moment lies in."""
    begin = when.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(begin, months_later(begin, 1))


def hour_of(when: datetime) -> datetime:
    """The hour that a moment lies in."""
    return when.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """A period that people may ask for, by its word in the address."""

    word: str
    label: str
    period: Period


def choices_of(schema: str, now: datetime) -> list[Choice]:
    """The period that runs, the one before, and the calendar months that these are not."""
    running = period_of(schema, now)
    last = before(running)
    months = [month for month in months_shown(now) if month not in (running, last)]
    return [
        Choice("current", f"This period, {dates(running)}", running),
        Choice("previous", f"Last period, {dates(last)}", last),
        *(Choice(f"{month.begin:%Y-%m}", f"{month.begin:%B %Y}", month) for month in months),
    ]


def dates(period: Period) -> str:
    """The first and the last day in words."""
    first, last = period.begin, period.last_day
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    begin = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{begin}–{last.day} {last:%b %Y}"

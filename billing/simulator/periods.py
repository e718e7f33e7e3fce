"""The calendar of billing: from an anchor, whole days, weeks, months or years, all in UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def shifted(at: int, interval: str, count: int) -> int:
    """So many intervals later; the 31st becomes the last day of a shorter month."""
    moment = datetime.fromtimestamp(at, UTC)
    if interval in DAYS:
        return int((moment + timedelta(days=DAYS[interval] * count)).timestamp())
    months = moment.year * 12 + moment.month - 1 + MONTHS[interval] * count
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def next_boundary(anchor: int, interval: str, count: int, after: int) -> int:
    """The first boundary later than a moment."""
    return whole_period(anchor, interval, count, after)[1]


def whole_period(anchor: int, interval: str, count: int, moment: int) -> tuple[int, int]:
    """The period that holds a moment; each boundary is counted from the anchor, so that the 31st comes back."""
    steps = (moment - anchor) // (_longest(interval) * count)
    while shifted(anchor, interval, count * steps) > moment:
        steps -= 1
    while shifted(anchor, interval, count * steps) <= moment:
        steps += 1
    return shifted(anchor, interval, count * (steps - 1)), shifted(anchor, interval, count * steps)


def _longest(interval: str) -> int:
    return 86_400 * {"day": 1, "week": 7, "month": 31, "year": 366}[interval]

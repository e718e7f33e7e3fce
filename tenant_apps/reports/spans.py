"""Spans of days, how they are cut into periods, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Interval(StrEnum):
    """How long a period is. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, day: date) -> date:
        """The first day of the period that a day is in."""
        if self is Interval.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Interval.MONTH else day

    def next(self, start: date) -> date:
        """The start of the period that follows."""
        if self is Interval.MONTH:
            return (start + timedelta(days=31)).replace(day=1)
        return start + timedelta(days=7 if self is Interval.WEEK else 1)


class Comparison(StrEnum):
    """What a span is held against."""

    PREVIOUS = "previous"
    YEAR = "year"


@dataclass(frozen=True)
class Span:
    """From a day to a day, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def compared(self, comparison: Comparison) -> Span:
        """The span of the same length before, or the same days of the year before."""
        if comparison is Comparison.PREVIOUS:
            return Span(self.first - timedelta(days=self.days), self.first - timedelta(days=1))
        return Span(_year_before(self.first), _year_before(self.last))

    def starts(self, interval: Interval) -> Iterator[date]:
        """The first days of its periods; the first and the last period may be cut off."""
        start = interval.start(self.first)
        while start <= self.last:
            yield start
            start = interval.next(start)


def _year_before(day: date) -> date:
    # The 29th of February has none; the day before it has.
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)

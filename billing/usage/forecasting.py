"""What a period comes to if the days to come are like those before: a guess with a range, and honest about both.

Each day of the week has its own weight, drawn towards the others where there are few weeks to tell from. The range is
where eight of ten periods end, if days differ in future as they did: it knows of no sales campaign and no holiday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import fmean
from typing import Final

from billing.pricing.periods import DAY, Period

# Days that are looked at, and the fewest of which something can be said.
SAMPLE, LEAST = 28, 3
# Of the normal distribution, on both sides: eighty of a hundred.
EIGHTY: Final = 1.2816
# As if each weekday had been seen so often with the mean of all days.
PULL: Final = 1


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a meter stands at when the period ends: the likely figure and its range, from so many days."""

    likely: int
    low: int
    high: int
    days: int


def forecast(used: int, days: Mapping[datetime, int], period: Period, now: datetime) -> Forecast | None:
    """The end of the period for a meter that is summed up; None while there are too few days to tell."""
    sample = _sample(days, now)
    if len(sample) < LEAST or not period.has(now):
        return None
    mean = fmean(quantity for _, quantity in sample)
    weights = _weights(sample, mean)
    shares = _days_to_come(period, now)
    coming = sum(mean * weights[day.weekday()] * share for day, share in shares)
    spread = _spread(sample, mean, weights) * _growth(shares, len(sample))
    likely = used + coming
    low, high = max(used, likely - EIGHTY * spread), likely + EIGHTY * spread
    return Forecast(round(likely), round(low), round(high), len(sample))


def sample_begin(now: datetime) -> datetime:
    """From when on days are looked at."""
    return _midnight(now) - SAMPLE * DAY


def _sample(days: Mapping[datetime, int], now: datetime) -> list[tuple[datetime, int]]:
    """The last whole days, from the first one on which anything was used; later ones without use count."""
    today, begin = _midnight(now), sample_begin(now)
    known = [day for day in days if begin <= day < today and days[day]]
    if not known:
        return []
    first = min(known)
    count = round((today - first) / DAY)
    return [(day, days.get(day, 0)) for day in (first + turn * DAY for turn in range(count))]


def _weights(sample: Sequence[tuple[datetime, int]], mean: float) -> list[float]:
    """How each day of the week, Monday first, compares with all days."""
    found = []
    for weekday in range(7):
        seen = [quantity for day, quantity in sample if day.weekday() == weekday]
        found.append((sum(seen) + PULL * mean) / (len(seen) + PULL) / mean)
    # Of few days they do not come to one by themselves.
    level = fmean(found)
    return [weight / level for weight in found]


def _days_to_come(period: Period, now: datetime) -> list[tuple[datetime, float]]:
    """The days until the period ends, with how much of each is left."""
    day, found = _midnight(now), []
    while day < period.end:
        left = min(day + DAY, period.end) - max(day, now)
        found.append((day, left / DAY))
        day += DAY
    return found


def _spread(sample: Sequence[tuple[datetime, int]], mean: float, weights: Sequence[float]) -> float:
    """How far days lie from what would have been said of them; the weights were drawn from the same days."""
    misses = [(quantity - mean * weights[day.weekday()]) ** 2 for day, quantity in sample]
    weeks = len(sample) / 7
    drawn = 1 + 6 * weeks / (weeks + PULL)
    return sqrt(sum(misses) / max(len(misses) - drawn, 1))


def _growth(shares: Sequence[tuple[datetime, float]], sampled: int) -> float:
    """How the spread of one day grows over all that are left; the mean itself is only known from the sample."""
    left = sum(share for _, share in shares)
    return sqrt(left + left**2 / sampled)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)

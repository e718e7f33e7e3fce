"""Use between two moments, as the API gives it out: buckets, totals, and who it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.meters import METERS, Meter
from billing.usage import figures
from billing.usage.callers import WAYS, Caller
from billing.usage.figures import Bucket, Unit


@dataclass(frozen=True, slots=True)
class MeterReport:
    """One meter between two moments. There are callers where somebody asked who it was."""

    meter: Meter
    total: int
    buckets: list[Bucket]
    callers: list[Caller]


def meter_reports(
    schema: str, *, meters: Sequence[str], begin: datetime, end: datetime, unit: Unit, by: str | None = None
) -> list[MeterReport]:
    """What was used of each of the meters."""
    found = figures.found_between(schema, begin, end, unit, meters)
    return [
        MeterReport(
            meter := METERS[key],
            total := figures.total(meter, found[key]),
            figures.buckets(meter, found[key], begin, end, unit),
            WAYS[key, by](schema, begin, end, total) if by else [],
        )
        for key in meters
    ]

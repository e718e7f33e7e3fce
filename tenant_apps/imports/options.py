"""How a file is written and what its figures mean: given by the person, or told by a sample of the rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from tenant_apps.imports.errors import InvalidOptions
from tenant_apps.imports.reading import Head, column_of
from tenant_apps.imports.rows import DATES

LEGAL: Final[dict[str, re.Pattern[str]]] = {
    "currency": re.compile(r"[A-Z]{3}"),
    "time_zone": re.compile(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}"),
    "date_order": re.compile("|".join(DATES)),
    "decimal_separator": re.compile(r"[.,]"),
}
EXPECTED: Final = {
    "currency": "a currency of three capital letters, such as GBP",
    "time_zone": "a time zone, such as Europe/London",
    "date_order": "ymd, dmy or mdy",
    "decimal_separator": "a point or a comma",
}
SLASHED: Final = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}\b")


def check_options(given: Mapping[str, Any]) -> dict[str, str]:
    """The options as they are kept; refuses unknown names and values."""
    for name, value in given.items():
        if name not in LEGAL:
            raise InvalidOptions(
                f"“{name}” is no option. The options are {', '.join(LEGAL)}.", field="options"
            )
        if not isinstance(value, str) or LEGAL[name].fullmatch(value) is None:
            raise InvalidOptions(f"“{name}” must be {EXPECTED[name]}.", field="options")
    if "time_zone" in given:
        time_zone(given["time_zone"])
    return dict(given)


def time_zone(name: str) -> ZoneInfo:
    """The zone of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidOptions(f"The time zone “{name}” is not known.", field="options") from error


def infer_options(head: Head, mapping: Mapping[str, str]) -> dict[str, str]:
    """The date order and decimal separator that the sample shows; what it leaves open is left out."""
    dates = column_of(head.columns, head.sample, mapping.get("placed_at"))
    prices = column_of(head.columns, head.sample, mapping.get("unit_price") or mapping.get("price"))
    inferred = {"decimal_separator": infer_separator(prices)}
    order = infer_date_order(dates)
    if order:
        inferred["date_order"] = order
    return inferred


def infer_separator(prices: Sequence[str]) -> str:
    """A comma if prices such as 2,55 occur and none such as 2.55."""
    commas = any(re.fullmatch(r"\s*-?\d+,\d{1,2}\s*", price) for price in prices)
    points = any(re.fullmatch(r"\s*-?\d+\.\d+\s*", price) for price in prices)
    return "," if commas and not points else "."


def infer_date_order(dates: Sequence[str]) -> str | None:
    """The order of day and month; None if every date of the sample can be read both ways."""
    pairs = [(int(match[1]), int(match[2])) for match in map(SLASHED.match, dates) if match]
    if not pairs:
        return "ymd"
    if any(first > 12 for first, _ in pairs):
        return "dmy"
    return "mdy" if any(second > 12 for _, second in pairs) else None

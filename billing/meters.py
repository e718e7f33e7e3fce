"""What is counted: every meter there is, on one screen. A new one is a declaration here and a `record_usage` there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from tenants.formats import whole


class Kind(StrEnum):
    """How the records of an hour become its one figure."""

    SUM = "sum"
    LAST = "last"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is counted, in units of which there may be `one`.

    `formula` is how Stripe makes the hours into the figure of a billing period.
    """

    key: str
    title: str
    unit: str
    one: str
    kind: Kind
    event_name: str
    formula: Literal["sum", "last"]

    @property
    def is_gauge(self) -> bool:
        """Whether it is a level that is measured again and again, and not a number of events."""
        return self.kind is not Kind.SUM

    def counted(self, quantity: int) -> str:
        """A quantity with its unit: `1 order`, `1,200 orders`."""
        return f"{whole(quantity)} {self.one if quantity == 1 else self.unit}"

    def figure(self, total: int, last: int) -> int:
        """What several hours come to, by their total and the last of them."""
        return total if self.formula == "sum" else last


_ALL: Final = (
    Meter("orders_placed", "Orders placed", "orders", "order", Kind.SUM, "rowhouse_orders_placed", "sum"),
    Meter("api_calls", "API calls", "calls", "call", Kind.SUM, "rowhouse_api_calls", "sum"),
    Meter(
        "webhooks_delivered",
        "Webhooks delivered",
        "messages",
        "message",
        Kind.SUM,
        "rowhouse_webhooks_delivered",
        "sum",
    ),
    Meter("storage", "Storage", "MB", "MB", Kind.MAX, "rowhouse_storage_mb", "last"),
    Meter("seats", "Seats", "people", "person", Kind.LAST, "rowhouse_seats", "last"),
)
METERS: Final[dict[str, Meter]] = {meter.key: meter for meter in _ALL}


def meter_named(key: str) -> Meter:
    """A meter by its key; what is not declared is not counted."""
    try:
        return METERS[key]
    except KeyError:
        raise LookupError(
            f"There is no meter {key!r}; there are {', '.join(METERS)}. Declare it in billing/meters.py."
        ) from None


def keys_of(*kinds: Kind) -> list[str]:
    """The keys of all meters of these kinds."""
    return [meter.key for meter in _ALL if meter.kind in kinds]

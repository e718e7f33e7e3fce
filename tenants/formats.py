"""How money, numbers and times read: one place for every page and mail."""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format

from tenants.context import NoTenant, current_tenant

SYMBOLS: Final = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "C$",
    "EUR": "€",
    "GBP": "£",
    "INR": "₹",
    "NZD": "NZ$",
    "USD": "$",
}
WITHOUT_MINOR: Final = {"CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF"}
MINUS: Final = "\N{MINUS SIGN}"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
NOTHING: Final = "\N{EN DASH}"


def money(amount: Decimal | int, currency: str) -> str:
    """An amount with its currency: `£1,204.50`, `CHF 12.00`; a negative one with a true minus."""
    places = 0 if currency in WITHOUT_MINOR else 2
    digits = f"{abs(Decimal(amount)):,.{places}f}"
    sign = MINUS if amount < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{currency}{NO_BREAK}{digits}"


def whole(number: int) -> str:
    """A whole number with thousands apart and a true minus."""
    return f"{number:,}".replace("-", MINUS)


def change(number: int) -> str:
    """A whole number with its sign, also when it is positive."""
    return f"+{whole(number)}" if number > 0 else whole(number)


@cache
def zone(name: str) -> tzinfo:
    """The zone of a name out of a tenant's settings; an unknown one reads as UTC."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def tenant_zone() -> tzinfo:
    """The current tenant's time zone; UTC in the public realm."""
    try:
        return zone(current_tenant().time_zone)
    except NoTenant:
        return UTC


def local(at: datetime) -> datetime:
    """The time as the current tenant's clocks show it."""
    return timezone.localtime(at, tenant_zone())


def today() -> datetime:
    """Midnight at which the tenant's present day began."""
    return local(timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)


def exact(at: datetime) -> str:
    """The full time with its zone: `12 Mar 2026, 14:05 GMT`."""
    shown = local(at)
    return f"{date_format(shown, 'j M Y, H:i')} {shown.tzname()}"


def relative(at: datetime) -> str:
    """The time as people say it: `just now`, `5 min ago`, `yesterday`, then the date."""
    gap = timezone.now() - at
    if gap < timedelta(0):
        return _ahead(at, -gap)
    if gap < timedelta(seconds=45):
        return "just now"
    if gap < timedelta(minutes=59, seconds=30):
        return f"{round(gap / timedelta(minutes=1)) or 1} min ago"
    return _earlier(at, gap)


def _earlier(at: datetime, gap: timedelta) -> str:
    days = (local(timezone.now()).date() - local(at).date()).days
    if gap < timedelta(hours=24) and (days == 0 or gap < timedelta(hours=6)):
        return f"{round(gap / timedelta(hours=1))} h ago"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 7 else day(at)


def _ahead(at: datetime, gap: timedelta) -> str:
    days = (local(at).date() - local(timezone.now()).date()).days
    if gap < timedelta(minutes=1):
        return "in a moment"
    if gap < timedelta(hours=1):
        return f"in {round(gap / timedelta(minutes=1))} min"
    if days == 0:
        return f"in {round(gap / timedelta(hours=1))} h"
    if days == 1:
        return "tomorrow"
    return f"in {days} days" if days < 60 else day(at)


def span(seconds: float) -> str:
    """A span of time in words: `40 s`, `3 min`, `1 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def day(at: datetime) -> str:
    """The date, with the year when it is not the present one."""
    shown = local(at)
    same_year = shown.year == local(timezone.now()).year
    return date_format(shown, "j M" if same_year else "j M Y")


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    words = [word for word in name.replace(".", " ").replace("@", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"

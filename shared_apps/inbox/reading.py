"""What stands in an event's body, whichever of Stripe's two shapes it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from django.conf import settings

from tenants.errors import DomainError

SNAPSHOT, THIN = "event", "v2.core.event"
EVENT_ID: Final = re.compile(r"evt_[A-Za-z0-9_]{1,251}")
TYPE: Final = re.compile(r"(?=.{1,120}$)[a-z0-9_]+(\.[a-z0-9_]+)*")
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,120}")


class NoEvent(DomainError):
    """The body is signed, and is not an event."""

    code = "not_an_event"
    title = "That is no event"


class OtherMode(DomainError):
    """An event of test mode at a platform that is live, or the other way round."""

    code = "wrong_mode"
    title = "The event is of the other mode"


@dataclass(frozen=True, slots=True)
class Read:
    """The columns of an event."""

    stripe_id: str
    type: str
    occurred_at: datetime
    livemode: bool
    is_thin: bool
    object_id: str
    object_type: str
    customer: str


def read_event(body: bytes) -> Read:
    """The columns of the event in a body; refuses what is none, and what is of the other mode."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NoEvent("The body is not JSON. Send Stripe's event as it is.") from None
    if not isinstance(document, dict) or document.get("object") not in (SNAPSHOT, THIN):
        raise NoEvent(
            f"The body's \"object\" is neither {SNAPSHOT} nor {THIN}. Send Stripe's event as it is."
        )
    read = _read(document)
    _check_mode(read.livemode)
    return read


def is_live() -> bool:
    """The mode of the platform: that of its key."""
    return "_live_" in settings.STRIPE_API_KEY[:8]


def _read(document: Mapping[str, Any]) -> Read:
    is_thin = document["object"] == THIN
    about = _about(document, is_thin)
    return Read(
        stripe_id=_matching(document, "id", EVENT_ID),
        type=_matching(document, "type", TYPE),
        occurred_at=_time(document.get("created")),
        livemode=_flag(document, "livemode"),
        is_thin=is_thin,
        object_id=_name(about.get("id")),
        object_type=_name(about.get("type" if is_thin else "object")),
        customer=_customer(about),
    )


def _about(document: Mapping[str, Any], is_thin: bool) -> Mapping[str, Any]:
    """What the event is about; a thin one may be about nothing that has a name."""
    if is_thin:
        return document.get("related_object") or {}
    about = (document.get("data") or {}).get("object") if isinstance(document.get("data"), dict) else None
    if not isinstance(about, dict):
        raise NoEvent('The event has no object in "data.object". Send Stripe\'s event as it is.')
    return about


def _customer(about: Mapping[str, Any]) -> str:
    """The id of the customer that the object is, or belongs to."""
    if about.get("object") == "customer":
        return _name(about.get("id"))
    customer = about.get("customer")
    return _name(customer.get("id") if isinstance(customer, dict) else customer)


def _matching(document: Mapping[str, Any], field: str, pattern: re.Pattern[str]) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NoEvent(f'The event\'s "{field}" is not as Stripe writes it: {pattern.pattern}.')
    return value


def _flag(document: Mapping[str, Any], field: str) -> bool:
    value = document.get(field)
    if not isinstance(value, bool):
        raise NoEvent(f'The event\'s "{field}" is neither true nor false.')
    return value


def _time(value: object) -> datetime:
    """Seconds since 1970 in the first generation, ISO 8601 in the second."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str) and (at := datetime.fromisoformat(value)).tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise NoEvent('The event\'s "created" is neither seconds since 1970 nor a time with its zone.')


def _name(value: object) -> str:
    """An id or a type of object, where there is one."""
    return value if isinstance(value, str) and NAME.fullmatch(value) else ""


def _check_mode(livemode: bool) -> None:
    if livemode == is_live():
        return
    theirs, ours = ("live", "test") if livemode else ("test", "live")
    raise OtherMode(
        f"The event is of {theirs} mode, and this platform's STRIPE_API_KEY is of {ours} mode; nothing was stored. "
        f"In Stripe's dashboard point the endpoint of {theirs} mode elsewhere, or give this platform a {theirs} key."
    )

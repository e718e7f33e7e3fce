"""Who handles which of Stripe's events. Handlers are registered from above: the inbox knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Event:
    """An event as its handler gets it. Of a thin one `body` has no data: it names what has to be fetched."""

    id: str
    type: str
    created: datetime
    livemode: bool
    object_id: str
    object_type: str
    customer: str
    body: dict[str, Any]


class Ignored(Exception):
    """Raised by a handler: the event is sound, and there is nothing to do. It is kept, with the reason."""


class Later(Exception):
    """Raised by a handler: not now. The event is tried again after a while, and that counts as no try."""

    def __init__(self, reason: str, after: timedelta = timedelta(minutes=1)) -> None:
        super().__init__(reason)
        self.after = after


Handler = Callable[[Event], None]
# The bodies of all events of some types and groups, from one time to another, as the account lists them.
Source = Callable[[datetime, datetime, Sequence[str]], Iterable[bytes]]
ALL: Final = "*"
_handlers: Final[dict[str, Handler]] = {}
_sources: Final[list[Source]] = []


def handles(*types: str) -> Callable[[Handler], Handler]:
    """Have events of these types handled: whole names, or groups such as `customer.tax_id.*`.

    The handler runs in one transaction on CONTROL_ALIAS, together with the event's mark as processed, and may run
    again for an event that was processed before: what it does has to lead to the same end each time. Raising is a
    failed try; `Ignored` and `Later` are none.
    """

    def register(handler: Handler) -> Handler:
        for name in types:
            if _handlers.setdefault(name, handler) is not handler:
                raise ValueError(f"{name} has a handler already: {_handlers[name].__qualname__}.")
        return handler

    return register


def handler_of(type_: str) -> Handler | None:
    """The handler of a type: its own, or that of the smallest group it is in."""
    if type_ in _handlers:
        return _handlers[type_]
    parts = type_.split(".")[:-1]
    groups = (".".join([*parts[:length], ALL]) for length in range(len(parts), 0, -1))
    return next((_handlers[group] for group in groups if group in _handlers), None)


def handled_types() -> list[str]:
    """All types and groups that somebody handles."""
    return sorted(_handlers)


def lists_events(source: Source) -> Source:
    """Name the list in which events are found that never came. The inbox itself does not speak to Stripe."""
    _sources[:] = [source]
    return source


def the_list() -> Source | None:
    """The list of events, if anybody has named one."""
    return _sources[0] if _sources else None

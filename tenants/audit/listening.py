"""Who else wants to know of an audited change: asked by the statement that writes the entry.

A listener's condition travels in the RETURNING of the entry's INSERT, so nobody pays a round trip for asking whether
anybody listens, and the answer is that of the change's own transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tenants.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Listener:
    """What hears of one verb in tenants.

    `wanted` is an SQL expression of an array, with its parameters; `hear` gets the entry and that array, in the
    transaction of the change.
    """

    wanted: str
    parameters: Sequence[Any]
    hear: Callable[[AuditEntry, list[Any]], None]


_listeners: Final[dict[str, Listener]] = {}


def listen(verb: str, listener: Listener) -> None:
    """Let a listener hear of a verb; each verb has one at most."""
    if verb in _listeners:
        raise ValueError(f"{verb!r} has a listener already; let that one pass it on.")
    _listeners[verb] = listener


def listener_of(verb: str) -> Listener | None:
    """Who listens to a verb."""
    return _listeners.get(verb)

"""Apps that act when something is recorded, in its transaction. They stand above the app that records it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import models

if TYPE_CHECKING:
    from tenants.audit.actors import Actor

Listener = Callable[["Actor", "models.Model | None"], None]
_listeners: Final[defaultdict[str, list[Listener]]] = defaultdict(list)


def listen(verb: str, listener: Listener) -> None:
    """Have the listener called with actor and target each time the verb is recorded; called at start-up."""
    _listeners[verb].append(listener)


def tell(verb: str, actor: Actor, target: models.Model | None) -> None:
    """Call who listens to the verb. A refusal of theirs undoes the change that was recorded."""
    for listener in _listeners.get(verb, ()):
        listener(actor, target)

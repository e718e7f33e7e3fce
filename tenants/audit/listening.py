"""Apps that act when something is recorded, in its transaction. They stand above the app that records it.

A listener may have a question. It travels in the RETURNING of the entry's INSERT, so nobody pays a round trip for
asking whether anybody is concerned, and the answer is that of the change's own transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import models

if TYPE_CHECKING:
    from tenants.audit.actors import Actor
    from tenants.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Question:
    """An SQL expression of an array, with its parameters; it is asked in tenants only."""

    expression: str
    parameters: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What listeners are told: the entry, who acted on what, and the answer to the verb's question."""

    entry: AuditEntry
    actor: Actor
    target: models.Model | None
    answer: list[Any] | None


Listener = Callable[[Recorded], None]
_listeners: Final[defaultdict[str, list[Listener]]] = defaultdict(list)
_asking: Final[dict[str, tuple[Question, Listener]]] = {}


def listen(verb: str, listener: Listener, *, question: Question | None = None) -> None:
    """Have the listener called each time the verb is recorded, or answered where it asks; called at start-up."""
    if question is None:
        _listeners[verb].append(listener)
        return
    if verb in _asking:
        raise ValueError(f"{verb!r} has a question already; let its listener pass the answer on.")
    _asking[verb] = question, listener


def question_of(verb: str) -> Question | None:
    """What is asked when the verb is recorded."""
    return _asking[verb][0] if verb in _asking else None


def tell(recorded: Recorded) -> None:
    """Call who listens to the verb. A refusal of theirs undoes the change that was recorded."""
    verb = recorded.entry.verb
    if recorded.answer is not None:
        _asking[verb][1](recorded)
    for listener in _listeners.get(verb, ()):
        listener(recorded)

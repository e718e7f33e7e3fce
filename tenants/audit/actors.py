"""Who did it: the actor every verb asks for."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

Kind = Literal["user", "token", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person, API token, operator or part of the system that does a write."""

    kind: Kind
    id: UUID | None
    label: str
    address: str | None = None

    @classmethod
    def system(cls, label: str) -> "Actor":
        """An actor for what no person asked for, named by the part of the system."""
        return cls(kind="system", id=None, label=label)


def actor_of(request: Any) -> Actor:
    """The actor of a request (Django's or DRF's): its principal and the address it came from."""
    principal = request.user
    return Actor(
        kind=principal.actor_kind,
        id=principal.id,
        label=principal.actor_label,
        address=request.META.get("REMOTE_ADDR") or None,
    )

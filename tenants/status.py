"""The states of a tenant, and what each door answers in each of them. All doors ask here; docs/tenants.md shows it.

The states themselves are changed by `shared_apps.clients.statuses`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, Protocol, overload

from tenants.formats import exact


class Door(StrEnum):
    """Where somebody, or something, asks for a tenant."""

    PORTAL = "portal"
    API = "API"
    SOCKETS = "sockets"
    TASKS = "tasks"
    ADMIN = "admin"
    STRIPE = "Stripe"


class Work(StrEnum):
    """What becomes of a task's message."""

    RUN = "run"
    HOLD = "hold"
    DROP = "drop"


class Event(StrEnum):
    """What becomes of an event that Stripe tells of."""

    PROCESS = "process"
    KEEP = "keep for later"
    IGNORE = "ignore"


class Told(Protocol):
    """What a refusal says of its tenant besides its own text."""

    @property
    def notice(self) -> str: ...

    @property
    def delete_after(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """How the portal and the API answer while a tenant is closed, and how sockets do."""

    status: int
    code: str
    title: str
    text: str
    close: int
    retry_after: int | None = None

    def told(self, tenant: Told) -> str:
        """The text for people: an operator's notice instead of ours, and the time of a deletion."""
        until = f" Its data goes for good on {exact(tenant.delete_after)}." if tenant.delete_after else ""
        return (tenant.notice or self.text) + until


@dataclass(frozen=True, slots=True)
class Row:
    """One state: `refusal` is None where portal, API and sockets are open."""

    refusal: Refusal | None
    tasks: Work
    verbs: tuple[str, ...]
    stripe: Event


# The registered WebSocket code for "come back", and two of the range that applications may use as they like.
TRY_AGAIN, CLOSED, GONE = 1013, 4403, 4410

# None is no state: it is what is answered where no tenant is.
TABLE: Final[dict[str | None, Row]] = {
    "provisioning": Row(
        Refusal(
            503,
            "tenant_provisioning",
            "This workspace is being set up",
            "It will be ready in a moment.",
            TRY_AGAIN,
            retry_after=5,
        ),
        Work.HOLD,
        ("finish_provisioning", "begin_deletion"),
        Event.KEEP,
    ),
    "active": Row(
        None,
        Work.RUN,
        ("suspend", "begin_maintenance", "rename", "archive", "begin_deletion"),
        Event.PROCESS,
    ),
    "maintenance": Row(
        Refusal(
            503,
            "tenant_maintenance",
            "This workspace is being looked after",
            "It is closed for a few minutes. Your data is safe, and what was waiting to be done is done afterwards.",
            TRY_AGAIN,
            retry_after=60,
        ),
        Work.HOLD,
        ("end_maintenance", "rename"),
        Event.KEEP,
    ),
    "suspended": Row(
        Refusal(
            403,
            "tenant_suspended",
            "This workspace is suspended",
            "Nobody can open it at present; its data is kept. "
            "Its owner can contact the platform's operators to have it opened again.",
            CLOSED,
        ),
        Work.DROP,
        ("resume", "rename", "archive", "begin_deletion"),
        Event.PROCESS,
    ),
    # 403 and not 410: what is gone for good may be forgotten by caches and programs, and this may come back.
    "archived": Row(
        Refusal(
            403,
            "tenant_archived",
            "This workspace is archived",
            "It was closed and its data is kept. "
            "Its owner can contact the platform's operators to have it opened again.",
            CLOSED,
        ),
        Work.DROP,
        ("reopen", "rename", "begin_deletion"),
        Event.PROCESS,
    ),
    "deleting": Row(
        Refusal(
            410,
            "tenant_deleting",
            "This workspace is being deleted",
            "It was closed for good. If that is a mistake, contact the platform's operators at once.",
            GONE,
        ),
        Work.DROP,
        ("cancel_deletion",),
        Event.PROCESS,
    ),
    None: Row(
        Refusal(
            404,
            "unknown_host",
            "Unknown host",
            "No workspace lives at this address. Check the spelling of the host name.",
            4404,
        ),
        Work.DROP,
        (),
        Event.IGNORE,
    ),
}

# The doors that a request can knock at.
Entrance = Literal[Door.PORTAL, Door.API, Door.SOCKETS]


@overload
def answer(status: str | None, door: Entrance) -> Refusal | None: ...
@overload
def answer(status: str | None, door: Literal[Door.TASKS]) -> Work: ...
@overload
def answer(status: str | None, door: Literal[Door.ADMIN]) -> tuple[str, ...]: ...
@overload
def answer(status: str | None, door: Literal[Door.STRIPE]) -> Event: ...
def answer(status: str | None, door: Door) -> Refusal | Work | tuple[str, ...] | Event | None:
    """What a door answers for a tenant in this state; None as a state is no tenant, None as an answer is open."""
    row = TABLE[status]
    match door:
        case Door.TASKS:
            return row.tasks
        case Door.ADMIN:
            return row.verbs
        case Door.STRIPE:
            return row.stripe
    return row.refusal


def starts_from(verb: str) -> tuple[str, ...]:
    """The states from which operators may do this."""
    return tuple(status for status, row in TABLE.items() if status is not None and verb in row.verbs)

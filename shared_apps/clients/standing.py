"""How a tenant stands with its plan and its payments: one verb, which every process hears of within two seconds.

What each access means at each door stands in `tenants.status`. The status is another matter, and the operators'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client
from shared_apps.clients.statuses import required_text
from tenants.audit.actors import Actor
from tenants.audit.services import record_all
from tenants.errors import NotFound
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS

EVENT: Final = "client.standing_changed"
WHY: Final = (
    "the reason is kept in the audit log, and its people read it where their access is less than full"
)


class Unchanged(Enum):
    """Says of a time, which may be None, that it stays as it is."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
Time = datetime | Literal[Unchanged.UNCHANGED] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What shall become of one tenant; what is not named stays as it is."""

    client_id: UUID
    reason: str
    plan: str | None = None
    plan_version: int | None = None
    access: str | None = None
    trial_ends_at: Time = UNCHANGED
    # When grace or whatever it is ends: people read it. It goes with the access that it belongs to.
    access_until: Time = UNCHANGED

    def differences(self, client: Client) -> dict[str, Any]:
        """The columns that are to be written, with what they become."""
        wanted = {name: getattr(self, name) for name in NAMED if getattr(self, name) is not None}
        times = {name: getattr(self, name) for name in TIMES if getattr(self, name) is not UNCHANGED}
        given = {**self._of_access(client), **wanted, **times}
        return {name: value for name, value in given.items() if getattr(client, name) != value}

    def _of_access(self, client: Client) -> dict[str, Any]:
        """What goes with an access: its reason, of which full access needs none, and its times."""
        if self.access is None:
            return {}
        reason = "" if self.access == Client.Access.FULL else self.reason.strip()
        anew = {"access_since": timezone.now(), "access_until": None}
        return {"access_reason": reason, **(anew if self.access != client.access else {})}


NAMED: Final = ("plan", "plan_version", "access")
TIMES: Final = ("trial_ends_at", "access_until")
COLUMNS: Final = (*NAMED, *TIMES, "access_reason", "access_since", "updated_at")


def set_standing(
    *,
    client_id: UUID,
    actor: Actor,
    reason: str,
    plan: str | None = None,
    plan_version: int | None = None,
    access: str | None = None,
    trial_ends_at: Time = UNCHANGED,
    access_until: Time = UNCHANGED,
) -> Client:
    """Change a tenant's plan, access or trial; nothing is written, audited or told where nothing changes.

    Call it last in a transaction: it locks the row that all sign-ups and changes of tenants share until the commit.
    """
    change = Standing(
        client_id=client_id,
        reason=reason,
        plan=plan,
        plan_version=plan_version,
        access=access,
        trial_ends_at=trial_ends_at,
        access_until=access_until,
    )
    found = set_standings(actor=actor, changes=[change])
    if not found:
        raise NotFound("This tenant does not exist any more, so its plan and access cannot change.")
    return found[0]


def set_standings(*, actor: Actor, changes: Sequence[Standing]) -> list[Client]:
    """Change how many tenants stand, in one transaction that is told of once; those that have gone are left out.

    A few hundred at a time: each call makes every process forget all tenants that it knows, and read them anew.
    """
    for change in changes:
        required_text(change.reason, "reason", WHY)
    with transaction.atomic(using=CONTROL_ALIAS):
        clients = _locked(change.client_id for change in changes)
        told = [
            (client, _apply(client, change))
            for change in changes
            if (client := clients.get(change.client_id))
        ]
        _write(actor, [(client, data) for client, data in told if data])
    return list(clients.values())


def _locked(ids: Iterable[UUID]) -> dict[UUID, Client]:
    """The clients, locked in the order of their ids, so that two batches never wait for each other."""
    rows = Client.objects.using(CONTROL_ALIAS).select_for_update(of=("self",))
    return {client.pk: client for client in rows.filter(pk__in=list(ids)).order_by("pk")}


def _apply(client: Client, change: Standing) -> dict[str, Any]:
    """Set what differs on the client; what the audit log tells of it."""
    changed = change.differences(client)
    data = {
        name: {"from": _told(getattr(client, name)), "to": _told(value)} for name, value in changed.items()
    }
    for name, value in changed.items():
        setattr(client, name, value)
    return {"reason": change.reason.strip(), **data} if data else {}


def _write(actor: Actor, told: list[tuple[Client, dict[str, Any]]]) -> None:
    if not told:
        return
    now = timezone.now()
    for client, _ in told:
        client.updated_at = now
    Client.objects.using(CONTROL_ALIAS).bulk_update([client for client, _ in told], COLUMNS, batch_size=200)
    record_all(actor=actor, verb=EVENT, told=told, using=CONTROL_ALIAS)
    raise_version(CONTROL_ALIAS)
    transaction.on_commit(directory.forget, using=CONTROL_ALIAS)


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

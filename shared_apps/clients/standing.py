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
from shared_apps.clients.services import beginning
from shared_apps.clients.statuses import required_text
from tenants.audit.actors import Actor
from tenants.audit.services import record_all
from tenants.errors import Conflict, Invalid, NotFound
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS

EVENT: Final = "client.standing_changed"
GONE: Final = "This tenant does not exist any more, so its plan and access cannot change."
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
        raise NotFound(GONE)
    return found[0]


def extend_trial(*, client_id: UUID, actor: Actor, until: datetime, reason: str) -> Client:
    """Let a tenant go on trying; one whose trial has ended, and that pays for nothing, begins once more."""
    client = _existing(client_id)
    begun = client.trial_ends_at
    if begun is None and client.plan != Client.Plan.FREE:
        raise NotOnTrial(
            f"{client.name} pays for its plan, so it has no trial to be extended. Give it time at Stripe, or change "
            "its access."
        )
    if until <= timezone.now() or (begun is not None and until <= begun):
        raise Invalid("Give a time in the future, after the present end of the trial.", field="until")
    again = _beginning() if client.plan == Client.Plan.FREE else {}
    return set_standing(client_id=client_id, actor=actor, reason=reason, trial_ends_at=until, **again)


def change_access(
    *, client_id: UUID, actor: Actor, access: str, reason: str, until: datetime | None = None
) -> Client:
    """Open or close a tenant by hand, until something else is heard of its payments."""
    if access not in Client.Access.values:
        raise Invalid(f"Send one of: {', '.join(Client.Access.values)}.", field="access")
    if until is not None and until <= timezone.now():
        raise Invalid("Give a time in the future, or none.", field="until")
    return set_standing(client_id=client_id, actor=actor, reason=reason, access=access, access_until=until)


class NotOnTrial(Conflict):
    """There is no trial that could be extended."""

    code = "not_on_trial"
    title = "This tenant is on no trial"


def _existing(client_id: UUID) -> Client:
    client = Client.objects.using(CONTROL_ALIAS).filter(pk=client_id).first()
    if client is None:
        raise NotFound(GONE)
    return client


def _beginning() -> dict[str, Any]:
    begun = beginning()
    return {"plan": begun.plan, "plan_version": begun.plan_version}


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

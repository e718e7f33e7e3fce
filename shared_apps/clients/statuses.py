"""How a tenant's status changes: one verb for each change, one table of changes, one guarded UPDATE.

From which states a verb may start stands in `tenants.status`, with everything else that a state means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS
from tenants.status import Door, answer, starts_from

Status = Client.Status
LONGEST: Final = 300
# What belongs to one state goes with it.
CLEAN: Final[dict[str, Any]] = {"suspension_reason": "", "notice": "", "delete_after": None}


class WrongStatus(Conflict):
    """The client is not in a status that the verb starts from."""

    code = "wrong_status"
    title = "Not possible in the present status"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where a verb leads, what the audit log calls it, and what operators are told afterwards."""

    to: Status
    event: str
    done: str


TRANSITIONS: Final = {
    "finish_provisioning": Transition(Status.ACTIVE, "client.provisioned", "is ready."),
    "suspend": Transition(Status.SUSPENDED, "client.suspended", "is suspended."),
    "resume": Transition(Status.ACTIVE, "client.resumed", "is open again."),
    "begin_maintenance": Transition(Status.MAINTENANCE, "client.maintenance_begun", "is in maintenance."),
    "end_maintenance": Transition(Status.ACTIVE, "client.maintenance_ended", "is open again."),
    "archive": Transition(Status.ARCHIVED, "client.archived", "is archived."),
    "reopen": Transition(Status.ACTIVE, "client.reopened", "is open again."),
    "begin_deletion": Transition(Status.DELETING, "client.deletion_begun", "is going to be deleted."),
    # Archived and not active: doors that an operator had shut do not open by themselves.
    "cancel_deletion": Transition(
        Status.ARCHIVED, "client.deletion_cancelled", "is kept, archived; reopen it to let people in."
    ),
}


def suspend_client(*, client_id: UUID, actor: Actor, reason: str) -> Client:
    """Close a tenant's doors; its data stays. Every process knows within two seconds."""
    reason = required_text(reason, "reason", "the reason is kept in the audit log and shown to operators")
    return _change(client_id, actor, "suspend", {"reason": reason}, suspension_reason=reason)


def resume_client(*, client_id: UUID, actor: Actor) -> Client:
    """Open a suspended tenant's doors again."""
    return _change(client_id, actor, "resume")


def begin_maintenance(*, client_id: UUID, actor: Actor, notice: str = "") -> Client:
    """Close a tenant for a while; its people read the notice, and its tasks wait.

    What runs already is not interrupted, and processes notice within two seconds.
    """
    notice = _short(notice.strip(), "notice")
    return _change(client_id, actor, "begin_maintenance", {"notice": notice} if notice else {}, notice=notice)


def end_maintenance(*, client_id: UUID, actor: Actor) -> Client:
    """Open a tenant after maintenance; the tasks that waited are done."""
    return _change(client_id, actor, "end_maintenance")


def archive_client(*, client_id: UUID, actor: Actor) -> Client:
    """Close a tenant that nobody uses any longer; its data stays."""
    return _change(client_id, actor, "archive")


def reopen_client(*, client_id: UUID, actor: Actor) -> Client:
    """Open an archived tenant again."""
    return _change(client_id, actor, "reopen")


def finish_provisioning(*, client_id: UUID, actor: Actor) -> Client:
    """Open a tenant whose schema is complete now."""
    return _change(client_id, actor, "finish_provisioning")


def begin_deletion(*, client_id: UUID, actor: Actor, delete_after: datetime) -> Client:
    """Close a tenant and say when its data goes; until then it can be called off."""
    if delete_after.tzinfo is None or delete_after < timezone.now():
        raise Invalid("Give a time in the future, with its zone: until then the deletion can be called off.")
    told = {"delete_after": delete_after.isoformat()}
    return _change(client_id, actor, "begin_deletion", told, delete_after=delete_after)


def cancel_deletion(*, client_id: UUID, actor: Actor) -> Client:
    """Keep a tenant that was to be deleted; it is archived then."""
    return _change(client_id, actor, "cancel_deletion")


VERBS: Final[dict[str, Callable[..., Client]]] = {
    "finish_provisioning": finish_provisioning,
    "suspend": suspend_client,
    "resume": resume_client,
    "begin_maintenance": begin_maintenance,
    "end_maintenance": end_maintenance,
    "archive": archive_client,
    "reopen": reopen_client,
    "begin_deletion": begin_deletion,
    "cancel_deletion": cancel_deletion,
}


def change_status(*, client_id: UUID, actor: Actor, verb: str, **details: Any) -> Client:
    """Do a verb of TRANSITIONS by its name; `details` are what its own function takes."""
    return VERBS[verb](client_id=client_id, actor=actor, **details)


def wrong_status(client: Client, verb: str) -> WrongStatus:
    """The error that says which status the client is in, which the verb needs, and what would be possible."""
    needed = " or ".join(Status(status).label.lower() for status in starts_from(verb))
    possible = answer(client.status, Door.ADMIN)
    return WrongStatus(
        f"{client.name} is {client.get_status_display().lower()}; to {spoken(verb)} it has to be {needed}. "
        f"Possible now: {', '.join(map(spoken, possible))}.",
        status=client.status,
        possible=list(possible),
    )


def spoken(verb: str) -> str:
    """A verb's name as operators read it."""
    return verb.replace("_", " ")


def _change(
    client_id: UUID, actor: Actor, verb: str, told: dict[str, Any] | None = None, **values: Any
) -> Client:
    transition, now = TRANSITIONS[verb], timezone.now()
    values = {**CLEAN, **values, "status": transition.to, "status_since": now, "updated_at": now}
    with transaction.atomic(using=CONTROL_ALIAS):
        clients = Client.objects.using(CONTROL_ALIAS)
        # Of two at once the second finds the status changed, and changes nothing.
        changed = clients.filter(pk=client_id, status__in=starts_from(verb)).update(**values)
        client = clients.get(pk=client_id)
        if not changed:
            raise wrong_status(client, verb)
        record(actor=actor, verb=transition.event, target=client, data=told, using=CONTROL_ALIAS)
        raise_version(CONTROL_ALIAS)
    directory.forget()
    return client


def required_text(text: str, field: str, why: str) -> str:
    """A text that has to be given, in at most 300 characters; raises Invalid."""
    if not (text := text.strip()):
        raise Invalid(f"Say why: {why}.", field=field)
    return _short(text, field)


def _short(text: str, field: str) -> str:
    if len(text) > LONGEST:
        raise Invalid(f"Use at most {LONGEST} characters; these are {len(text)}.", field=field)
    return text

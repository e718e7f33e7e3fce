"""The verbs of a tenant's life as a whole: export, restore, copy, delete. Each orders an operation of a worker."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.clients.statuses import begin_deletion, cancel_deletion
from shared_apps.lifecycle import running
from shared_apps.lifecycle.copying import copy_tenant
from shared_apps.lifecycle.deleting import delete_tenant, keep_the_rest
from shared_apps.lifecycle.exporting import export_tenant, keep_nothing
from shared_apps.lifecycle.loading import checked_tables
from shared_apps.lifecycle.making import require_free, unmake_client
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.restoring import open_archive, require_same, restore_tenant, undo_restore
from shared_apps.lifecycle.running import Hold, Work
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

Kind, Status = Operation.Kind, Client.Status
WORKS: Final[dict[str, tuple[Work, Work]]] = {
    Kind.EXPORT: (export_tenant, keep_nothing),
    Kind.RESTORE: (restore_tenant, undo_restore),
    Kind.COPY: (copy_tenant, unmake_client),
    Kind.DELETE: (delete_tenant, keep_the_rest),
}
# A failed purge is tried again after as long, and not at each sweep.
RETRY_PURGE_AFTER: Final = timedelta(hours=1)
SWEEPER: Final = Actor.system("lifecycle")


class Busy(Conflict):
    """Another operation of the same tenant is not finished."""

    code = "operation_unfinished"
    title = "Something else is being done with this tenant"


class NotConfirmed(Invalid):
    """The name was not typed, or not rightly."""

    code = "not_confirmed"
    title = "Type the name to confirm"


def run_operation(operation_id: UUID, show: Callable[[Hold], None] | None = None) -> Operation:
    """Do what is left of an operation here and now; how it stands afterwards."""
    running.run(operation_id, WORKS, show)
    return Operation.objects.get(pk=operation_id)


def export_client(*, client_id: UUID, actor: Actor, send: bool = True) -> Operation:
    """Have a tenant written into one file. With `send=False` the caller runs the operation itself."""
    client = _client(client_id)
    if client.status == Status.PROVISIONING:
        raise _wrong(client, "be exported", "its rows are not all there yet")
    return _order(Kind.EXPORT, client, actor, "client.export_requested", send)


def restore_client(
    *,
    archive: Path,
    subdomain: str,
    actor: Actor,
    name: str = "",
    accept_foreign: bool = False,
    send: bool = True,
) -> Operation:
    """Have an archive made into a new tenant. Looks the archive over first, and reads it whole only in the worker."""
    wanted = {"subdomain": require_free(subdomain), "name": name.strip()[:120]}
    operation = _restore(
        archive, accept_foreign, tenant_label=wanted["subdomain"], options=wanted, actor=actor
    )
    with open_archive(operation) as opened:
        checked_tables(opened.manifest)
    return _insert(operation, None, actor, "client.restore_requested", send)


def replace_client(
    *,
    archive: Path,
    client_id: UUID,
    typed_name: str,
    actor: Actor,
    accept_foreign: bool = False,
    send: bool = True,
) -> Operation:
    """Have a tenant's rows and files replaced by those of an archive that was made from it; raises NotConfirmed."""
    client = _client(client_id)
    _require_typed(client, typed_name, "replace everything of")
    if client.status in (Status.PROVISIONING, Status.DELETING):
        raise _wrong(
            client,
            "be replaced",
            "call its deletion off first" if client.delete_after else "wait until it is ready",
        )
    operation = _restore(
        archive, accept_foreign, tenant_id=client.pk, tenant_label=client.subdomain, options={}, actor=actor
    )
    with open_archive(operation) as opened:
        require_same(opened, client)
        checked_tables(opened.manifest)
    return _insert(operation, client, actor, "client.restore_requested", send)


def copy_client(
    *, client_id: UUID, owner_email: str, actor: Actor, subdomain: str = "", name: str = "", send: bool = True
) -> Operation:
    """Have a tenant copied as a sandbox that one person can enter: whoever has this e-mail address."""
    client = _client(client_id)
    if client.status in (Status.PROVISIONING, Status.DELETING):
        raise _wrong(client, "be copied", "its rows are not all there, or not for long")
    try:
        validate_email(owner_email)
    except ValidationError as error:
        raise Invalid(
            "Give the e-mail address of whoever shall sign in to the sandbox.", field="owner_email"
        ) from error
    options = {
        "subdomain": require_free(subdomain or f"{client.subdomain}-sandbox"[:63]),
        "name": name.strip()[:120],
        "email": owner_email.strip(),
        "owner_id": str(uuid7()),
    }
    return _order(Kind.COPY, client, actor, "client.copy_requested", send, **options)


def request_deletion(
    *,
    client_id: UUID,
    typed_name: str,
    actor: Actor,
    with_export: bool = False,
    immediately: bool = False,
    grace: timedelta | None = None,
    send: bool = True,
) -> Client:
    """Close a tenant and have everything of it removed when the grace is over; raises NotConfirmed.

    `typed_name` is its subdomain as somebody typed it. Until the purge it can be called off.
    """
    client = _client(client_id)
    _require_typed(client, typed_name, "delete")
    _refuse_busy(client)
    wait = timedelta(seconds=1) if immediately else settings.DELETION_GRACE if grace is None else grace
    if client.status == Status.DELETING and not immediately:
        raise _wrong(client, "begin to be deleted", "it goes when its time is over")
    # First, so that nobody can die between the beginning and the wish for a last export.
    _remember(client, actor, with_export=with_export)
    if client.status != Status.DELETING:
        client = begin_deletion(client_id=client.pk, actor=actor, delete_after=timezone.now() + wait)
    if immediately:
        _purge(client, actor, send)
    return client


def keep_client(*, client_id: UUID, actor: Actor) -> Client:
    """Call a deletion off, as long as the purge has not begun; the tenant is archived then."""
    client = _client(client_id)
    _refuse_busy(client)
    return cancel_deletion(client_id=client_id, actor=actor)


def sweep_operations(*, now: datetime | None = None) -> list[UUID]:
    """Order the purges that are due; the operations that a worker has to be sent for."""
    now = now or timezone.now()
    for client in _due(now):
        try:
            _purge(client, SWEEPER, send=False)
        except Conflict:
            continue  # something else is being done with it; the next sweep comes again
    return list(Operation.objects.overdue(now).order_by("created_at").values_list("pk", flat=True))


def note_download(*, operation: Operation, actor: Actor) -> Path:
    """The archive of an export, for an operator who takes it away; raises Conflict when it is not kept any more."""
    path = operation.archive
    if path is None or not path.is_file():
        raise Conflict("This archive is not kept any more. Export the tenant again.")
    with transaction.atomic(using=CONTROL_ALIAS):
        told = {"file": path.name, "sha256": operation.file_sha256, "tenant": operation.tenant_label}
        record(actor=actor, verb="archive.downloaded", target=operation, data=told, using=CONTROL_ALIAS)
    return path


# Deletions


def _remember(client: Client, actor: Actor, *, with_export: bool) -> None:
    """What was asked for, kept for the purge, which may come a month later."""
    before = _asked(client) if client.status == Status.DELETING else {}
    told = {"asked_by": actor.label, **before, "confirmed_by": actor.label}
    told["with_export"] = with_export or before.get("with_export", False)
    with transaction.atomic(using=CONTROL_ALIAS):
        record(actor=actor, verb="client.deletion_requested", target=client, data=told, using=CONTROL_ALIAS)


def _asked(client: Client) -> dict[str, Any]:
    entry = (
        AuditEntry.objects.using(CONTROL_ALIAS).about(client).filter(verb="client.deletion_requested").first()
    )
    return dict(entry.data) if entry else {}


def _purge(client: Client, actor: Actor, send: bool) -> Operation:
    return _order(Kind.DELETE, client, actor, "client.purge_begun", send, **_asked(client))


def _due(now: datetime) -> list[Client]:
    waited = Operation.objects.filter(
        kind=Kind.DELETE, status=Operation.Status.FAILED, finished_at__gt=now - RETRY_PURGE_AFTER
    )
    busy = Operation.objects.unfinished().filter(tenant_id__isnull=False)
    return list(
        Client.objects.using(CONTROL_ALIAS)
        .filter(status=Status.DELETING, delete_after__lte=now)
        .exclude(pk__in=list(waited.values_list("tenant_id", flat=True)))
        .exclude(pk__in=list(busy.values_list("tenant_id", flat=True)))
    )


# Orders


def _client(client_id: UUID) -> Client:
    return Client.objects.using(CONTROL_ALIAS).get(pk=client_id)


def _require_typed(client: Client, typed: str, what: str) -> None:
    if typed.strip().lower() != client.subdomain:
        raise NotConfirmed(
            f"To {what} {client.name}, type its subdomain, {client.subdomain!r}; {typed!r} was typed.",
            field="typed_name",
        )


def _restore(
    archive: Path, accept_foreign: bool, *, options: dict[str, Any], actor: Actor, **about: Any
) -> Operation:
    given = {**options, "archive": str(archive.resolve()), "accept_foreign": accept_foreign}
    return Operation(kind=Kind.RESTORE, options=given, requested_by=actor.label, **about)


def _order(kind: str, client: Client, actor: Actor, verb: str, send: bool, **options: Any) -> Operation:
    operation = Operation(
        kind=kind,
        tenant_id=client.pk,
        tenant_label=client.subdomain,
        options=options,
        requested_by=actor.label,
    )
    return _insert(operation, client, actor, verb, send)


def _insert(operation: Operation, client: Client | None, actor: Actor, verb: str, send: bool) -> Operation:
    told = {"operation": str(operation.pk), "of": operation.tenant_label}
    try:
        with transaction.atomic(using=CONTROL_ALIAS):
            operation.save(using=CONTROL_ALIAS, force_insert=True)
            record(actor=actor, verb=verb, target=client or operation, data=told, using=CONTROL_ALIAS)
            if send:
                # Robust: the sweep sends it if the queue is down.
                transaction.on_commit(lambda: _send(operation.pk), using=CONTROL_ALIAS, robust=True)
    except IntegrityError as error:
        raise _busy(operation.tenant_label) from error
    return operation


def _send(operation_id: UUID) -> None:
    from shared_apps.lifecycle.tasks import run_operation_task

    run_operation_task.delay(str(operation_id))


def _refuse_busy(client: Client) -> None:
    about = Q(tenant_id=client.pk) | Q(made_id=client.pk)
    if Operation.objects.unfinished().filter(about).exists():
        raise _busy(client.subdomain)


def _busy(label: str) -> Busy:
    return Busy(
        f"An operation of {label} is not finished yet. Look at it with `manage.py tenant operations {label}`, "
        "and try again when it has ended."
    )


def _wrong(client: Client, what: str, hint: str) -> Conflict:
    return Conflict(f"{client.name} is {client.status} and cannot {what}: {hint}.")

"""Restore: an archive into a new tenant, or into the one that it was made from."""

from pathlib import Path

from django.db import transaction

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client
from shared_apps.clients.services import Beginning, beginning
from shared_apps.clients.statuses import begin_maintenance, end_maintenance
from shared_apps.lifecycle.archive import Archive
from shared_apps.lifecycle.exporting import client_of
from shared_apps.lifecycle.files import Staging
from shared_apps.lifecycle.loading import load
from shared_apps.lifecycle.making import (
    Plan,
    held_schema,
    is_committed,
    made_by,
    made_client,
    open_client,
    unmake_client,
)
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.running import WORKER, Hold
from tenants.errors import Conflict
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

NOTICE = "This workspace is being restored from an archive. It opens again by itself."


class AnotherTenant(Conflict):
    """The archive was made from another tenant than the one to be replaced."""

    code = "another_tenant"
    title = "This archive belongs to another tenant"


def restore_tenant(hold: Hold) -> None:
    """Do an operation of kind restore."""
    if hold.operation.options.get("subdomain"):
        _restore_new(hold)
    else:
        _restore_same(hold)


def undo_restore(hold: Hold) -> None:
    """What undoes a failed restore, inside the migrator's transaction: nothing of it was committed."""
    unmake_client(hold)
    if hold.operation.options.get("reopen") and not is_committed(hold.operation):
        _open_doors(hold, client_of(hold.operation))


def open_archive(operation: Operation) -> Archive:
    """The archive that an operation names, once it has been looked over."""
    archive = Archive(Path(operation.options["archive"]))
    if not operation.options.get("accept_foreign"):
        try:
            archive.require_ours()
        except Conflict:
            archive.close()
            raise
    return archive


def require_same(archive: Archive, client: Client) -> None:
    """Refuse to replace a tenant's rows by those of another one."""
    if archive.manifest.tenant.id != str(client.pk):
        raise AnotherTenant(
            f"The archive was made from {archive.manifest.tenant.subdomain}, not from {client.subdomain}. "
            "Restore it into a new tenant with --subdomain."
        )


# Into a new tenant


def _restore_new(hold: Hold) -> None:
    operation = hold.operation
    if not is_committed(operation):
        with open_archive(operation) as archive:
            client = made_client(hold, _plan(operation, archive))
            with transaction.atomic(using=MIGRATOR_ALIAS, durable=True):
                _take_over(hold, archive, client, is_fresh=True)
    client = made_by(operation)
    open_client(hold, client)
    hold.finish("client.restored", client)


def _plan(operation: Operation, archive: Archive) -> Plan:
    tenant, options, begun = archive.manifest.tenant, operation.options, _begun(archive)
    return Plan(
        name=options.get("name") or tenant.name,
        subdomain=options["subdomain"],
        plan=begun.plan,
        plan_version=begun.plan_version,
        trial_ends_at=begun.trial_ends_at,
        locale=tenant.locale,
        time_zone=tenant.time_zone,
        currency=tenant.currency,
    )


def _begun(archive: Archive) -> Beginning:
    """The plan of an archive of ours. Nobody pays for it here, so it is tried for as long as after a sign-up."""
    tenant, trial = archive.manifest.tenant, beginning().trial_ends_at
    if not archive.is_ours or tenant.plan not in Client.Plan.values:
        return Beginning()
    if tenant.plan == Client.Plan.FREE:
        return Beginning(plan_version=tenant.plan_version)
    return Beginning(tenant.plan, tenant.plan_version, trial) if trial is not None else Beginning()


# Into the same tenant


def _restore_same(hold: Hold) -> None:
    client = client_of(hold.operation)
    if not is_committed(hold.operation):
        with open_archive(hold.operation) as archive:
            require_same(archive, client)
            _close_doors(hold, client)
            with transaction.atomic(using=MIGRATOR_ALIAS, durable=True):
                _take_over(hold, archive, client, is_fresh=False)
                _take_settings(archive, client)
    Staging(hold.operation.pk).switch(client.schema_name)
    _open_doors(hold, client)
    hold.finish("client.restored", client)


def _take_over(hold: Hold, archive: Archive, client: Client, *, is_fresh: bool) -> None:
    """Rows and staged files; the phase is committed with the rows, so that nobody loads them twice."""
    schema = held_schema(client)
    load(hold, archive, schema, is_fresh=is_fresh)
    staging = Staging(hold.operation.pk)
    staging.begin()
    for file in archive.manifest.files:
        hold.note(file.path)
        staging.put(file.path, archive.read_file(file))
    hold.keep(using=MIGRATOR_ALIAS, phase=Operation.Phase.FILES)


def _close_doors(hold: Hold, client: Client) -> None:
    if client.status == Client.Status.ACTIVE:
        # First the mark: whoever takes over from a worker that died here must open the doors again.
        hold.keep(options={**hold.operation.options, "reopen": True})
        begin_maintenance(client_id=client.pk, actor=WORKER, notice=NOTICE)


def _open_doors(hold: Hold, client: Client) -> None:
    now = Client.objects.using(CONTROL_ALIAS).get(pk=client.pk)
    if hold.operation.options.get("reopen") and now.status == Client.Status.MAINTENANCE:
        end_maintenance(client_id=client.pk, actor=WORKER)


def _take_settings(archive: Archive, client: Client) -> None:
    # The rows are in this currency and were written in this time zone. Name, address and plan are of the present.
    tenant = archive.manifest.tenant
    changed = {"locale": tenant.locale, "time_zone": tenant.time_zone, "currency": tenant.currency}
    Client.objects.using(MIGRATOR_ALIAS).filter(pk=client.pk).update(**changed)
    raise_version(MIGRATOR_ALIAS)
    transaction.on_commit(directory.forget, using=MIGRATOR_ALIAS)

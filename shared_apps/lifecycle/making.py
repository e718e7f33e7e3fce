"""A tenant that an operation makes: claimed with its name first, opened last, and taken back if the rest fails.

In between it is `provisioning`: its name is kept, its doors are shut, and the next worker finds it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client, Domain
from shared_apps.clients.names import check_subdomain, lookalike
from shared_apps.clients.quarantine import refuse_quarantined
from shared_apps.clients.services import SubdomainTaken
from shared_apps.clients.statuses import finish_provisioning
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import claim_schema, drop_schema
from shared_apps.lifecycle.exporting import find_client
from shared_apps.lifecycle.files import Staging, folder_of, remove_folder
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.running import WORKER, Hold
from tenants.errors import NotFound
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS


@dataclass(frozen=True)
class Plan:
    """What a new tenant shall be."""

    name: str
    subdomain: str
    plan: str
    locale: str
    time_zone: str
    currency: str
    sandbox_of: UUID | None = None
    plan_version: int = 1
    trial_ends_at: datetime | None = None


def require_free(subdomain: str) -> str:
    """The subdomain, if it can be had; raises Invalid, SubdomainTaken or NameInQuarantine."""
    name = check_subdomain(subdomain)
    if Client.objects.using(CONTROL_ALIAS).filter(lookalike=lookalike(name)).exists():
        raise _taken(name)
    refuse_quarantined(Client(subdomain=name).host, None, CONTROL_ALIAS)
    return name


def made_client(hold: Hold, plan: Plan) -> Client:
    """The tenant that this operation makes, claimed at its first attempt."""
    made = find_client(hold.operation.made_id, CONTROL_ALIAS)
    if made is not None:
        return made
    with transaction.atomic(using=MIGRATOR_ALIAS):
        client = _insert(plan, claim_schema())
        hold.keep(using=MIGRATOR_ALIAS, made_id=client.pk, made_schema=client.schema_name)
        raise_version(MIGRATOR_ALIAS)
    directory.forget()
    return client


def made_by(operation: Operation) -> Client:
    """The tenant that an operation has made."""
    client = find_client(operation.made_id, CONTROL_ALIAS)
    if client is None:
        raise NotFound(f"The tenant {operation.tenant_label} was deleted before it was ready.")
    return client


def held_schema(client: Client) -> Schema:
    """The row of a client's schema, locked: no migration of it begins before the transaction ends."""
    return Schema.objects.using(MIGRATOR_ALIAS).select_for_update().get(name=client.schema_name)


def open_client(hold: Hold, client: Client) -> None:
    """Switch the files into place and open the doors; can be done again after it was killed anywhere."""
    Staging(hold.operation.pk).switch(client.schema_name)
    if Client.objects.using(CONTROL_ALIAS).get(pk=client.pk).status == Client.Status.PROVISIONING:
        finish_provisioning(client_id=client.pk, actor=WORKER)


def unmake_client(hold: Hold) -> None:
    """Take back the tenant that a failed operation was making, inside the migrator's transaction."""
    operation = hold.operation
    Staging(operation.pk).discard()
    client = find_client(operation.made_id, MIGRATOR_ALIAS)
    if client is None or client.status != Client.Status.PROVISIONING:
        return
    forget_client(client)
    transaction.on_commit(lambda: _forget_traces(client), using=MIGRATOR_ALIAS, robust=True)


def forget_client(client: Client) -> None:
    """Remove a client with its domains, schema, role and ledger row, inside the migrator's transaction."""
    Client.objects.using(MIGRATOR_ALIAS).filter(pk=client.pk).delete()
    drop_schema(client.schema_name)
    raise_version(MIGRATOR_ALIAS)


def _forget_traces(client: Client) -> None:
    directory.forget()
    if folder_of(client.schema_name).exists():
        remove_folder(client.schema_name)


def is_committed(operation: Operation) -> bool:
    """Whether the rows are there already, so that only the files and the end are left."""
    return operation.phase == Operation.Phase.FILES


def _insert(plan: Plan, schema: Schema) -> Client:
    client = Client(
        id=schema.tenant_id,
        schema_name=schema.name,
        name=plan.name,
        subdomain=plan.subdomain,
        lookalike=lookalike(plan.subdomain),
        status=Client.Status.PROVISIONING,
        plan=plan.plan,
        plan_version=plan.plan_version,
        trial_ends_at=plan.trial_ends_at,
        locale=plan.locale,
        time_zone=plan.time_zone,
        currency=plan.currency,
        sandbox_of_id=plan.sandbox_of,
    )
    try:
        client.save(using=MIGRATOR_ALIAS, force_insert=True)
        Domain(tenant_id=client.pk, domain=client.host).save(using=MIGRATOR_ALIAS, force_insert=True)
    except IntegrityError as error:
        raise _taken(plan.subdomain) from error
    # Asked again: the insertion has waited for whoever was just letting the name go.
    refuse_quarantined(client.host, None, MIGRATOR_ALIAS)
    return client


def _taken(subdomain: str) -> SubdomainTaken:
    return SubdomainTaken(
        f"The subdomain {subdomain!r}, or one that looks like it, belongs to somebody already. Choose another.",
        field="subdomain",
    )

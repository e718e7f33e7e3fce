"""Another subdomain for a tenant: the old one stays its own and leads to the new one."""

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client, Domain
from shared_apps.clients.names import check_subdomain, lookalike
from shared_apps.clients.quarantine import refuse_quarantined
from shared_apps.clients.services import SubdomainTaken
from shared_apps.clients.statuses import wrong_status
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS
from tenants.status import starts_from


def rename_subdomain(*, client_id: UUID, subdomain: str, actor: Actor) -> Client:
    """Give a tenant another name below the platform's host; links, tokens and bookmarks of the old one go on.

    A primary domain of the tenant's own stays the primary. Raises BadName, SubdomainTaken, NameInQuarantine.
    """
    name = check_subdomain(subdomain)
    with transaction.atomic(using=CONTROL_ALIAS):
        client = Client.objects.using(CONTROL_ALIAS).select_for_update().get(pk=client_id)
        old = _refuse_unless_possible(client, name)
        refuse_quarantined(f"{name}.{settings.PUBLIC_HOST}", client.pk, CONTROL_ALIAS)
        try:
            with transaction.atomic(using=CONTROL_ALIAS):
                _move(client, name)
        except IntegrityError as error:
            raise _taken(name) from error
        # Once more, as the insertion may have waited for somebody's release of the very name.
        refuse_quarantined(client.host, client.pk, CONTROL_ALIAS)
        record(
            actor=actor,
            verb="client.renamed",
            target=client,
            data={"from": old, "to": name},
            using=CONTROL_ALIAS,
        )
        raise_version(CONTROL_ALIAS)
    directory.forget()
    return client


def _refuse_unless_possible(client: Client, name: str) -> str:
    if client.status not in starts_from("rename"):
        raise wrong_status(client, "rename")
    if name == client.subdomain:
        raise Invalid(f"{client.name} has this subdomain already. Choose another.", field="subdomain")
    return client.subdomain


def _move(client: Client, name: str) -> None:
    """The client's name, and the domain of the new one: primary where the platform's old one was."""
    domains = Domain.objects.using(CONTROL_ALIAS)
    demoted = domains.filter(tenant=client, domain=client.host, is_primary=True).update(is_primary=False)
    client.subdomain, client.lookalike = name, lookalike(name)
    client.save(using=CONTROL_ALIAS, update_fields=["subdomain", "lookalike", "updated_at"])
    values = {"is_primary": bool(demoted), "verified_at": timezone.now()}
    # A name that the tenant had before is its own still.
    if not domains.filter(tenant=client, domain=client.host).update(**values):
        Domain(tenant=client, domain=client.host, **values).save(using=CONTROL_ALIAS, force_insert=True)


def _taken(name: str) -> SubdomainTaken:
    return SubdomainTaken(
        f"The subdomain {name!r}, or one that looks like it, belongs to somebody already. Choose another.",
        field="subdomain",
    )

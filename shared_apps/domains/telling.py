"""Who learns what happened to a name: both audit logs, and the owners by mail when it was not their doing."""

from collections.abc import Callable
from typing import Any, Final

from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from shared_apps.domains.models import Claim
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant, current, current_tenant, tenant_context, unit_of_work
from tenants.routers import CONTROL_ALIAS
from tenants.users.models import Role, User
from tenants.users.verification import tenant_url

SUBJECTS: Final = {
    "dangling": "{domain} does not lead to {tenant} any more",
    "dropped": "{domain} was taken off {tenant}",
}


def tell(claim: Claim, actor: Actor, verb: str, **data: Any) -> None:
    """One entry in the platform's log, and one in the tenant's own: now in its request, else after the commit."""
    facts = {"domain": claim.domain, **data}
    whole = {**facts, "tenant": str(claim.tenant_id)}
    record(actor=actor, verb=verb, target=claim, data=whole, using=CONTROL_ALIAS)
    if isinstance(current.get(), Tenant):
        record(actor=actor, verb=verb, target=claim, data=facts)
    else:
        _after_commit(lambda: _tell_tenant(claim, actor, verb, facts))


def write_to_owners(claim: Claim, letter: str) -> None:
    """Mail one of the letters after the commit."""
    told = [letter, claim.domain, claim.problem or claim.pointing_problem]
    _after_commit(lambda: _post(claim, told))


def send_letter(letter: str, domain: str, problem: str) -> int:
    """Mail a letter to the owners of the current tenant; how many there are."""
    tenant = current_tenant()
    with transaction.atomic():
        owners = User.objects.filter(role=Role.OWNER, is_active=True)
        addresses = list(owners.values_list("email", flat=True))
    link = tenant_url("/settings/domains/")
    context = {"tenant": tenant, "domain": domain, "problem": problem, "link": link}
    body = render_to_string(f"domains/mail/{letter}.txt", context)
    subject = SUBJECTS[letter].format(domain=domain, tenant=tenant.name)
    for address in addresses:
        send_mail(subject, body, None, [address])
    return len(addresses)


def _after_commit(told: Callable[[], None]) -> None:
    # Robust: the change itself must not fail because somebody could not be told.
    transaction.on_commit(told, using=CONTROL_ALIAS, robust=True)


def _tell_tenant(claim: Claim, actor: Actor, verb: str, facts: dict[str, Any]) -> None:
    with unit_of_work(as_tenant(Client.objects.get(pk=claim.tenant_id))):
        record(actor=actor, verb=verb, target=claim, data=facts)


def _post(claim: Claim, told: list[str]) -> None:
    from shared_apps.domains.tasks import mail_owners

    with tenant_context(as_tenant(Client.objects.get(pk=claim.tenant_id))):
        mail_owners.delay(*told)

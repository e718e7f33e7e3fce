"""Switching endpoints off by ourselves: audited, and told to the owners by mail."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from tenant_apps.webhooks.models import Endpoint
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.users.models import Role, User
from tenants.users.verification import tenant_url

WORKER: Final = Actor.system("webhooks")


def switch_off(*, endpoint: Endpoint, reason: str) -> None:
    """Send nothing more to an endpoint until somebody switches it on again; what waits for it is kept."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        state=Endpoint.State.DISABLED, disabled_reason=reason[:300], retry_at=None
    )
    record(
        actor=WORKER,
        verb="webhook_endpoint.disabled",
        target=endpoint,
        data={"url": endpoint.shown_url, "reason": reason},
    )
    endpoint_id = endpoint.pk
    transaction.on_commit(lambda: _post(endpoint_id), robust=True)


def send_letter(endpoint_id: UUID) -> int:
    """Tell the owners of the current tenant that an endpoint was switched off; how many there are."""
    with transaction.atomic():
        endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
        owners = User.objects.filter(role=Role.OWNER, is_active=True)
        addresses = list(owners.values_list("email", flat=True)) if endpoint else []
    link = tenant_url(f"/settings/webhooks/{endpoint_id}/")
    tenant = current_tenant()
    body = render_to_string("webhooks/mail/off.txt", {"tenant": tenant, "endpoint": endpoint, "link": link})
    for address in addresses:
        send_mail(f"A webhook of {tenant.name} was switched off", body, None, [address])
    return len(addresses)


def _post(endpoint_id: UUID) -> None:
    from tenant_apps.webhooks.tasks import mail_owners

    mail_owners.delay(str(endpoint_id))

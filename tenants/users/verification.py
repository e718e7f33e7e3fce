"""Proving that an e-mail address is the person's own."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.hosts import address_at
from tenants.signing import sign, unsign
from tenants.users.models import User

PURPOSE: Final = "verify-email"
GOOD_FOR: Final = timedelta(days=3)


def tenant_url(path: str) -> str:
    """An absolute address on the current tenant's host."""
    return address_at(current_tenant().host, path)


def send_verification(user: User) -> None:
    """Mail the link that proves the address; call after commit, inside the user's tenant."""
    tenant = current_tenant()
    link = tenant_url(f"/verify-email/{sign(PURPOSE, [str(user.id), user.email])}/")
    body = render_to_string(
        "mail/verify_email.txt", {"user": user, "tenant": tenant, "link": link, "days": GOOD_FOR.days}
    )
    send_mail(f"Confirm your e-mail address for {tenant.name}", body, None, [user.email])


def verify_email(*, token: str) -> User | None:
    """Mark the address proven by a mailed token; None when the address has changed since. Raises BadLink."""
    user_id, email = unsign(PURPOSE, token, max_age=GOOD_FOR)
    user = User.objects.filter(pk=UUID(user_id), email=email).first()
    if user and user.email_verified_at is None:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at", "updated_at"])
        record(
            actor=Actor(kind="user", id=user.id, label=user.email), verb="user.email_verified", target=user
        )
    return user

"""One entry without a password, for somebody who has just proven who they are on the public host."""

from datetime import timedelta
from typing import Final

from django.core.cache import cache

from tenants.models import uuid7
from tenants.signing import BadLink, sign, unsign
from tenants.users.models import User
from tenants.users.verification import tenant_url

PURPOSE: Final = "ticket"
GOOD_FOR: Final = timedelta(seconds=60)


def ticket_url(email: str) -> str:
    """The address that signs this person in once, within a minute, on the current tenant's host."""
    return tenant_url(f"/welcome/{sign(PURPOSE, [email, str(uuid7())])}/")


def redeem_ticket(*, ticket: str) -> User:
    """The person whom a ticket lets in; raises BadLink when it is old, used or another tenant's."""
    email, number = unsign(PURPOSE, ticket, max_age=GOOD_FOR)
    if not cache.add(f"ticket:{number}", True, timeout=int(GOOD_FOR.total_seconds()) * 2):
        raise BadLink("This link was used already. Sign in with your password.")
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise BadLink("This link is no longer valid. Sign in with your password.")
    return user

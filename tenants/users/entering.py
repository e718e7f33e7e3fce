"""Opening and ending a person's session in the portal."""

from django.contrib.auth import login, logout
from django.http import HttpRequest

from tenants.audit.actors import Actor, actor_of
from tenants.audit.services import record
from tenants.users.models import User


def enter(*, request: HttpRequest, user: User, door: str) -> None:
    """Sign the person in under a new session key; `door` tells the audit log how they proved themselves."""
    address = request.META.get("REMOTE_ADDR") or None
    login(request, user)
    actor = Actor(kind="user", id=user.id, label=user.actor_label, address=address)
    record(actor=actor, verb="user.signed_in", target=user, data={"door": door})


def leave(*, request: HttpRequest) -> None:
    """Sign the person out and forget the session."""
    if isinstance(request.user, User):
        record(actor=actor_of(request), verb="user.signed_out", target=request.user)
    logout(request)

"""Opening and ending a person's session in the portal."""

from typing import Any, Final

from django.contrib.auth import login, logout
from django.http import HttpRequest

from tenants.audit.actors import Actor, actor_of
from tenants.audit.services import record
from tenants.users.models import SignIn, User
from tenants.users.sign_ins import begin_sign_in, end_sign_in

SIGN_IN: Final = "sign_in"


def enter(*, request: HttpRequest, user: User, door: str) -> None:
    """Sign the person in under a new session key; `door` tells the audit log how they proved themselves."""
    address = request.META.get("REMOTE_ADDR") or None
    login(request, user)
    client, key = request.headers.get("User-Agent", ""), request.session.session_key
    sign_in = begin_sign_in(
        user=user, kind=SignIn.Kind.PORTAL, client=client, address=address, session_key=key
    )
    request.session[SIGN_IN] = str(sign_in.pk)
    actor = Actor(kind="user", id=user.id, label=user.actor_label, address=address)
    record(actor=actor, verb="user.signed_in", target=user, data={"door": door})


def leave(*, request: HttpRequest) -> None:
    """Sign the person out and forget the session."""
    if isinstance(request.user, User):
        actor = actor_of(request)
        record(actor=actor, verb="user.signed_out", target=request.user)
        if sign_in := current_sign_in(request):
            end_sign_in(actor=actor, sign_in=sign_in, because=SignIn.Ending.SIGNED_OUT)
    logout(request)


def current_sign_in(request: HttpRequest) -> SignIn | None:
    """The sign-in that a browser's request comes by."""
    known = request.session.get(SIGN_IN)
    return SignIn.objects.filter(pk=known, user=request.user.pk).first() if known else None


def note_operator(*, request: HttpRequest, user: Any, verb: str) -> None:
    """Write down that an operator came or went, in the platform's own audit log."""
    address = request.META.get("REMOTE_ADDR") or None
    actor = Actor(kind="operator", id=user.pk, label=user.email, address=address)
    record(actor=actor, verb=verb, target=user)

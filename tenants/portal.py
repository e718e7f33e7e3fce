"""What every portal view declares: the verb it needs, or why it is open to all."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tenants.users.models import User
from tenants.users.permissions import VERBS, can

View = Callable[..., HttpResponseBase]
SIGN_IN_URL: Final = "/sign-in/"


class PortalRequest(HttpRequest):
    """A request whose user is signed in; what a view behind `@portal` receives."""

    user: User


def portal(verb: str) -> Callable[[View], View]:
    """Let signed-in people through whose role includes the verb; others sign in or see why they may not."""
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no verb; add it to tenants/users/permissions.py.")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), SIGN_IN_URL)
            if not can(request.user, verb):
                return forbidden(request, verb)
            return view(request, *args, **kwargs)

        guarded.verb = verb  # type: ignore[attr-defined]
        return guarded

    return decorate


def portal_public(reason: str) -> Callable[[View], View]:
    """Declare a view open to everybody, and say why."""

    def decorate(view: View) -> View:
        view.public_because = reason  # type: ignore[attr-defined]
        return view

    return decorate


def forbidden(request: HttpRequest, verb: str) -> HttpResponse:
    """The page for somebody who is signed in but may not do this."""
    return render(request, "errors/403.html", {"verb": verb}, status=403)

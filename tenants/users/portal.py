"""The way in and out, the appearance, and the settings page of API tokens."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.audit.actors import actor_of
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, portal_public, posted, show_form
from tenants.signing import BadLink
from tenants.templatetags.ui import THEMES
from tenants.users.entering import enter, leave
from tenants.users.forms import ApiTokenForm, NewPasswordForm, ResetForm, SignInForm
from tenants.users.models import ApiToken
from tenants.users.passwords import find_by_reset_link, request_reset, reset_password
from tenants.users.services import create_api_token, revoke_api_token
from tenants.users.sign_in import verify_password
from tenants.users.tickets import redeem_ticket
from tenants.users.verification import verify_email

YEAR: Final = 365 * 24 * 3600
MOST_TOKENS: Final = 200

register_settings(Section("API tokens", "users:token_list", "tokens:manage", order=10))


@portal_public("the way in")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in by e-mail and password."""
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(posted(request))
    if form.is_valid():
        user = attempt(form, lambda: verify_password(**form.cleaned_data, address=_address(request)))
        if user:
            enter(request=request, user=user, door="password")
            return redirect(_next(request))
    return show_form(request, "users/sign_in.html", {"form": form, "next": _next(request)})


@portal_public("leaving needs no right")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and go to the sign-in page."""
    leave(request=request)
    return redirect("users:sign_in")


@portal_public("the ticket is the credential: signed for this tenant, good once and for a minute")
@require_GET
def welcome(request: HttpRequest, ticket: str) -> HttpResponse:
    """Let somebody in who signed up on the public host a moment ago."""
    try:
        user = redeem_ticket(ticket=ticket)
    except BadLink as error:
        return _bad_link(request, error)
    enter(request=request, user=user, door="sign-up")
    return redirect("/")


@portal_public("the mailed link is the proof")
@require_GET
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Mark an address proven. It can be opened twice, and by a mail scanner first, without harm."""
    try:
        user = verify_email(token=token)
    except BadLink as error:
        return _bad_link(request, error)
    return render(request, "users/email_verified.html", {"person": user})


@portal_public("for people who cannot sign in")
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer is the same for known and unknown addresses."""
    form = ResetForm(posted(request))
    sent = False
    if form.is_valid():
        email = form.cleaned_data["email"]
        attempt(form, lambda: request_reset(email=email, address=_address(request)))
        sent = not form.errors
    return show_form(request, "users/forgot.html", {"form": form, "sent": sent})


@portal_public("the mailed link is the proof")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def choose_password(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a new password and enter."""
    try:
        person = find_by_reset_link(token)
    except BadLink as error:
        return _bad_link(request, error)
    form = NewPasswordForm(posted(request))
    if form.is_valid():
        password = form.cleaned_data["password"]
        user = attempt(
            form, lambda: reset_password(token=token, password=password, address=_address(request))
        )
        if user:
            enter(request=request, user=user, door="reset")
            return done(request, "/", "Your new password is set.")
    return show_form(request, "users/choose_password.html", {"form": form, "person": person})


@portal_public("a cookie about colours, for everybody")
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep light or dark for those without scripts."""
    response = redirect(_next(request))
    if (chosen := request.POST.get("theme")) in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, secure=settings.SECURE, samesite="Lax")
    return response


@portal("tokens:manage")
@require_GET
def token_list(request: PortalRequest) -> HttpResponse:
    """All API tokens of the workspace, the newest first."""
    tokens = ApiToken.objects.select_related("created_by")[:MOST_TOKENS]
    return render(request, "users/token_list.html", {"tokens": tokens})


@portal("tokens:manage")
@require_http_methods(["GET", "POST"])
def token_new(request: PortalRequest) -> HttpResponse:
    """Create a token and show its secret, this once."""
    form = ApiTokenForm(posted(request), owner=request.user)
    if form.is_valid():
        made = attempt(form, lambda: _create(request, form))
        if made:
            token, secret = made
            return render(request, "users/token_made.html", {"token": token, "secret": secret})
    return show_form(request, "users/token_new.html", {"form": form})


@portal("tokens:manage")
@require_http_methods(["GET", "POST"])
def token_revoke(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then end the token at once."""
    token = get_object_or_404(ApiToken, pk=pk)
    if request.method == "POST":
        revoke_api_token(actor=actor_of(request), token=token)
        return done(request, "users:token_list", f"The token {token.name} is revoked.")
    return render(request, "users/token_revoke.html", {"token": token})


def _create(request: PortalRequest, form: ApiTokenForm) -> tuple[ApiToken, str]:
    return create_api_token(
        actor=actor_of(request),
        owner=request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at,
    )


def _next(request: HttpRequest) -> str:
    """Where to go on: within this host, or home."""
    asked = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_ours else "/"


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _bad_link(request: HttpRequest, error: BadLink) -> HttpResponse:
    context = {"title": "This link does not work", "detail": str(error), "back": "/sign-in/"}
    return render(request, "errors/refused.html", context, status=410)

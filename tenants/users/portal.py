"""The way in and out, and the appearance."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.portal import attempt, done, portal_public, posted, show_form
from tenants.signing import BadLink
from tenants.standing import Purpose
from tenants.templatetags.ui import THEMES
from tenants.users.entering import enter, leave
from tenants.users.forms import NewPasswordForm, ResetForm, SignInForm
from tenants.users.passwords import find_by_reset_link, request_reset, reset_password
from tenants.users.sign_in import verify_password
from tenants.users.tickets import redeem_ticket
from tenants.users.verification import verify_email

YEAR: Final = 365 * 24 * 3600


@portal_public("the way in", purpose=Purpose.SELF)
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


@portal_public("leaving needs no right", purpose=Purpose.SELF)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and go to the sign-in page."""
    leave(request=request)
    return redirect("users:sign_in")


@portal_public(
    "the ticket is the credential: signed for this tenant, good once and for a minute", purpose=Purpose.SELF
)
@require_GET
def welcome(request: HttpRequest, ticket: str) -> HttpResponse:
    """Let somebody in who signed up on the public host a moment ago."""
    try:
        user = redeem_ticket(ticket=ticket)
    except BadLink as error:
        return _bad_link(request, error)
    enter(request=request, user=user, door="sign-up")
    return redirect("/")


@portal_public("the mailed link is the proof", purpose=Purpose.SELF)
@require_GET
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Mark an address proven. It can be opened twice, and by a mail scanner first, without harm."""
    try:
        user = verify_email(token=token)
    except BadLink as error:
        return _bad_link(request, error)
    return render(request, "users/email_verified.html", {"person": user})


@portal_public("for people who cannot sign in", purpose=Purpose.SELF)
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


@portal_public("the mailed link is the proof", purpose=Purpose.SELF)
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


@portal_public("a cookie about colours, for everybody", purpose=Purpose.SELF)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep light or dark for those without scripts."""
    response = redirect(_next(request))
    if (chosen := request.POST.get("theme")) in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, secure=settings.SECURE, samesite="Lax")
    return response


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

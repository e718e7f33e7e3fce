"""Settings pages of credentials: API tokens, and one's own sign-ins."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.audit.actors import actor_of
from tenants.navigation import Command, Section, register_command, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form
from tenants.standing import Purpose
from tenants.users.entering import current_sign_in
from tenants.users.forms import ApiTokenForm, RotationForm
from tenants.users.models import ApiToken, SignIn
from tenants.users.services import create_api_token, revoke_api_token, rotate_api_token
from tenants.users.sign_ins import end_sign_in, end_sign_ins

MOST_TOKENS: Final = 200
MOST_SIGN_INS: Final = 100

register_command(Command("New API token", "users:token_new", "tokens:own", order=80))
register_settings(Section("API tokens", "users:token_list", "tokens:own", order=10))
register_settings(Section("Sessions", "users:sign_in_list", "sessions:own", order=12))


@portal("tokens:own", purpose=Purpose.SELF)
@require_GET
def token_list(request: PortalRequest) -> HttpResponse:
    """API tokens, the newest first: all of the workspace for those who manage them, else one's own."""
    tokens = ApiToken.objects.seen_by(request.user).select_related("person")[:MOST_TOKENS]
    return render(request, "users/token_list.html", {"tokens": tokens, "mine": (None, request.user)})


@portal("tokens:own")
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


@portal("tokens:own", purpose=Purpose.SELF)
@require_http_methods(["GET", "POST"])
def token_rotate(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Give a token a new secret and show it, this once."""
    token, form = _token(request, pk), RotationForm(posted(request))
    if form.is_valid():
        made = attempt(form, lambda: _rotate(request, token, form))
        if made:
            token, secret = made
            return render(request, "users/token_made.html", {"token": token, "secret": secret})
    return show_form(request, "users/token_rotate.html", {"form": form, "token": token})


@portal("tokens:own", purpose=Purpose.SELF)
@require_http_methods(["GET", "POST"])
def token_revoke(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then end the token at once."""
    token = _token(request, pk)
    if request.method == "POST":
        revoke_api_token(actor=actor_of(request), token=token)
        return done(request, "users:token_list", f"The token {token.name} is revoked.")
    return render(request, "users/token_revoke.html", {"token": token})


def _token(request: PortalRequest, pk: UUID) -> ApiToken:
    return get_object_or_404(ApiToken.objects.seen_by(request.user), pk=pk)


def _create(request: PortalRequest, form: ApiTokenForm) -> tuple[ApiToken, str]:
    return create_api_token(
        actor=actor_of(request),
        owner=request.user,
        kind=form.chosen_kind,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=form.expires_at,
    )


def _rotate(request: PortalRequest, token: ApiToken, form: RotationForm) -> tuple[ApiToken, str]:
    return rotate_api_token(
        actor=actor_of(request), owner=request.user, token=token, old_works_until=form.old_works_until
    )


@portal("sessions:own", purpose=Purpose.SELF)
@require_GET
def sign_in_list(request: PortalRequest) -> HttpResponse:
    """Where the person is signed in, by browsers and by programs."""
    sign_ins = SignIn.objects.open().filter(user=request.user)[:MOST_SIGN_INS]
    context = {"sign_ins": sign_ins, "current": current_sign_in(request)}
    return render(request, "users/sign_in_list.html", context)


@portal("sessions:own", purpose=Purpose.SELF)
@require_http_methods(["GET", "POST"])
def sign_in_end(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then end one sign-in."""
    sign_in = get_object_or_404(SignIn.objects.filter(user=request.user), pk=pk)
    if request.method == "POST":
        end_sign_in(actor=actor_of(request), sign_in=sign_in)
        return done(request, "users:sign_in_list", "That session is ended.")
    return render(request, "users/sign_in_end.html", {"sign_in": sign_in})


@portal("sessions:own", purpose=Purpose.SELF)
@require_POST
def sign_ins_end(request: PortalRequest) -> HttpResponse:
    """End every sign-in but this one."""
    current = current_sign_in(request)
    ended = end_sign_ins(
        actor=actor_of(request),
        user=request.user,
        because=SignIn.Ending.REVOKED,
        but=current.pk if current else None,
    )
    word = "session is" if ended == 1 else "sessions are"
    return done(request, "users:sign_in_list", f"{ended or 'No'} other {word} ended.")

"""Settings pages of the people of a workspace, and the page that an invitation leads to."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.audit.actors import actor_of
from tenants.navigation import Command, Section, register_command, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, portal_public, posted, show_form, tried
from tenants.signing import BadLink
from tenants.standing import Purpose
from tenants.users import team
from tenants.users.entering import enter
from tenants.users.forms import AcceptForm, InviteForm, RoleForm
from tenants.users.models import User

MOST_PEOPLE = 500

register_command(Command("Invite somebody", "users:team_invite", "team:manage", order=70))
register_settings(Section("Team", "users:team_list", "team:manage", order=5))


@portal("team:manage")
@require_GET
def team_list(request: PortalRequest) -> HttpResponse:
    """Everybody, by name of their address."""
    people = User.objects.order_by("-is_active", "email")[:MOST_PEOPLE]
    return render(request, "users/team_list.html", {"people": people})


@portal("team:manage")
@require_http_methods(["GET", "POST"])
def team_invite(request: PortalRequest) -> HttpResponse:
    """Invite somebody by mail."""
    form = InviteForm(posted(request))
    if form.is_valid():
        person = attempt(
            form,
            lambda: team.invite_person(actor=actor_of(request), by=request.user, **form.cleaned_data),
        )
        if person:
            return done(request, "users:team_list", f"{person.email} is invited.")
    return show_form(request, "users/team_invite.html", {"form": form})


@portal("team:manage")
@require_http_methods(["GET", "POST"])
def team_person(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One person, and their role."""
    person = _person(pk)
    form = RoleForm(posted(request), initial={"role": person.role})
    if form.is_valid():
        role, actor = form.cleaned_data["role"], actor_of(request)
        if attempt(form, lambda: team.change_role(actor=actor, by=request.user, person=person, role=role)):
            return done(request, "users:team_list", f"{person.email} has a new role.")
    return show_form(request, "users/team_person.html", {"form": form, "person": person})


@portal("team:manage")
@require_POST
def team_resend(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Mail the invitation again."""
    person = _person(pk)
    tried(
        request,
        lambda: team.resend_invitation(actor=actor_of(request), person=person),
        f"A new link goes to {person.email}.",
    )
    return redirect("users:team_list")


@portal("team:manage")
@require_POST
def team_reactivate(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Open a closed account again."""
    return _done(request, _person(pk), team.reactivate_person, "{} may sign in again.")


# To shut somebody out must not wait for a payment.
@portal("team:manage", purpose=Purpose.SELF)
@require_http_methods(["GET", "POST"])
def team_deactivate(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then close an account."""
    person = _person(pk)
    if request.method == "POST":
        return _done(request, person, team.deactivate_person, "The account of {} is closed.")
    return render(request, "users/team_deactivate.html", {"person": person})


@portal("team:manage")
@require_http_methods(["GET", "POST"])
def team_revoke(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then take an invitation back."""
    person = _person(pk)
    if request.method == "POST":
        return _done(request, person, team.revoke_invitation, "The invitation of {} is taken back.")
    return render(request, "users/team_revoke.html", {"person": person})


@portal_public("the mailed link is the proof")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponseBase:
    """Choose a name and a password, and enter."""
    try:
        person = team.find_by_invitation(token)
    except BadLink as error:
        context = {"title": "This link does not work", "detail": str(error), "back": "/sign-in/"}
        return render(request, "errors/refused.html", context, status=410)
    form = AcceptForm(posted(request), initial={"name": person.name})
    if form.is_valid():
        address = request.META.get("REMOTE_ADDR") or None
        user = attempt(
            form, lambda: team.accept_invitation(token=token, address=address, **form.cleaned_data)
        )
        if user:
            enter(request=request, user=user, door="invitation")
            return done(request, "/", "Welcome.")
    return show_form(request, "users/accept.html", {"form": form, "person": person})


def _person(pk: UUID) -> User:
    return get_object_or_404(User, pk=pk)


def _done(request: PortalRequest, person: User, verb: Callable[..., object], success: str) -> HttpResponse:
    tried(
        request,
        lambda: verb(actor=actor_of(request), by=request.user, person=person),
        success.format(person.email),
    )
    return done(request, "users:team_list")

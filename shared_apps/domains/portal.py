"""The settings page of domains: what leads to the workspace, and what each name still needs."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from shared_apps.clients.models import Client
from shared_apps.domains import services
from shared_apps.domains.forms import ClaimForm, ReleaseForm
from shared_apps.domains.models import Claim
from tenants.audit.actors import actor_of
from tenants.navigation import Command, Section, register_command, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried

register_command(Command("Add a domain", "domains:new", "domains:manage", order=100))
register_settings(Section("Domains", "domains:list", "domains:manage", order=20))


@portal("domains:manage")
@require_GET
def domain_list(request: PortalRequest) -> HttpResponse:
    """The platform's address of the workspace and the names of its own."""
    claims = Claim.objects.of(request.tenant.id).select_related("held")
    client = Client.objects.get(pk=request.tenant.id)
    is_home_primary = not any(claim.is_primary for claim in claims)
    context = {"claims": claims, "home": client.host, "is_home_primary": is_home_primary}
    return render(request, "domains/list.html", context)


@portal("domains:manage")
@require_http_methods(["GET", "POST"])
def domain_new(request: PortalRequest) -> HttpResponse:
    """Claim a name, and go on to what it needs."""
    form = ClaimForm(posted(request))
    if form.is_valid():
        domain, actor = form.cleaned_data["domain"], actor_of(request)
        claim = attempt(
            form, lambda: services.claim_domain(tenant_id=request.tenant.id, domain=domain, actor=actor)
        )
        if claim:
            return redirect("domains:detail", pk=claim.pk)
    return show_form(request, "domains/new.html", {"form": form})


@portal("domains:manage")
@require_GET
def domain_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One name: its records to copy, and what the name servers said of them."""
    claim = _claim(request, pk)
    if request.htmx and not claim.is_being_checked:
        # What polls the check is shown its outcome, which changes the whole page.
        return HttpResponseClientRefresh()
    proof, pointing = claim.records
    context = {
        "claim": claim,
        "proof": proof,
        "pointing": pointing,
        "target": settings.CUSTOM_DOMAIN_TARGET,
    }
    return show(request, "domains/detail.html", context, part="domains/status.html")


@portal("domains:manage")
@require_POST
def domain_check(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Have the name servers asked now."""
    claim = _claim(request, pk)
    tried(
        request,
        lambda: services.request_check(tenant_id=request.tenant.id, claim_id=claim.pk),
        "The name servers are being asked.",
    )
    return redirect("domains:detail", pk=pk)


@portal("domains:manage")
@require_http_methods(["GET", "POST"])
def domain_primary(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then make a name the address of the workspace."""
    return _asked_first(request, pk, "primary", services.make_primary, "{} is the primary address now.")


@portal("domains:manage")
@require_http_methods(["GET", "POST"])
def domain_step_down(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then go back to the platform's address."""
    return _asked_first(
        request, pk, "step_down", services.step_down, "{} is not the primary address any more."
    )


@portal("domains:manage")
@require_http_methods(["GET", "POST"])
def domain_release(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Let a name go, after it was typed by hand."""
    claim = _claim(request, pk)
    form = ReleaseForm(posted(request), claim=claim)
    if form.is_valid():
        released = tried(
            request,
            lambda: services.release_domain(
                tenant_id=request.tenant.id, claim_id=claim.pk, actor=actor_of(request)
            ),
            f"{claim.spoken} is released.",
        )
        return done(request, "domains:list") if released else done(request, "domains:detail", pk=pk)
    context = {"form": form, "claim": claim, "quarantine": settings.NAME_QUARANTINE.days}
    return show_form(request, "domains/release.html", context)


def _asked_first(
    request: PortalRequest, pk: UUID, question: str, verb: Callable[..., Claim], success: str
) -> HttpResponse:
    claim = _claim(request, pk)
    if request.method == "POST":
        actor = actor_of(request)
        tried(
            request,
            lambda: verb(tenant_id=request.tenant.id, claim_id=claim.pk, actor=actor),
            success.format(claim.spoken),
        )
        return done(request, "domains:detail", pk=pk)
    context = {"claim": claim, "home": Client.objects.get(pk=request.tenant.id).host}
    return render(request, f"domains/{question}.html", context)


def _claim(request: PortalRequest, pk: UUID) -> Claim:
    return get_object_or_404(Claim.objects.of(request.tenant.id).select_related("held"), pk=pk)

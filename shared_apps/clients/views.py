"""The public host's pages: what the platform is, the way in, and the way back to one's workspace."""

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from shared_apps.clients.forms import FindForm, SignUpForm
from shared_apps.clients.services import as_tenant, sign_up
from tenants.context import tenant_context
from tenants.errors import DomainError
from tenants.throttling import SIGN_UP_BY_ADDRESS
from tenants.users.tickets import ticket_url
from tenants.users.verification import tenant_url

# Browsers hold a form's redirects to this directive too, and both forms end on a workspace's own host.
leads_to_workspaces = csp_update({"form-action": [f"{settings.PUBLIC_SCHEME}://*.{settings.PUBLIC_HOST}:*"]})
# A workspace's primary host may be a domain of its own. Nothing secret is in the form that leads there.
leads_to_domains = csp_update({"form-action": [f"{settings.PUBLIC_SCHEME}:"]})


@leads_to_domains
def landing(request: HttpRequest) -> HttpResponse:
    """What the platform is, in one screen."""
    return render(request, "public/landing.html", {"form": FindForm()})


@leads_to_workspaces
def sign_up_page(request: HttpRequest) -> HttpResponse:
    """Make a workspace and enter it at once."""
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = request.META.get("REMOTE_ADDR", "")
        try:
            SIGN_UP_BY_ADDRESS.refuse_beyond(address)
            client = sign_up(**form.cleaned_data, address=address or None)
            SIGN_UP_BY_ADDRESS.count(address)
        except DomainError as error:
            for mistake in error.mistakes:
                form.add_error(mistake.field if mistake.field in form.fields else None, mistake.detail)
        else:
            with tenant_context(as_tenant(client)):
                return redirect(ticket_url(form.cleaned_data["email"]))
    status = 422 if form.is_bound else 200
    return render(
        request, "public/sign_up.html", {"form": form, "suffix": f".{settings.PUBLIC_HOST}"}, status=status
    )


@leads_to_domains
def find_workspace(request: HttpRequest) -> HttpResponse:
    """Send somebody who knows the workspace's name to its sign-in page."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tenant = form.cleaned_data["tenant"]
        with tenant_context(tenant):
            return redirect(tenant_url("/sign-in/"))
    status = 422 if form.is_bound else 200
    return render(
        request, "public/find.html", {"form": form, "suffix": f".{settings.PUBLIC_HOST}"}, status=status
    )

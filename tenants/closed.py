"""What is answered without entering a tenant: nobody lives here, it is closed, or it has moved."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render

from tenants.api.problems import occurrence, problem_response, wants_problem
from tenants.context import Tenant, tenant_context
from tenants.hosts import address_at
from tenants.status import Door, Entrance, Refusal, answer

# Programs keep the address that they were given, and proofs of a name are read at that very name.
ANSWERED_IN_PLACE: Final = ("/api/", "/static/", "/.well-known/")


def unknown_host(request: HttpRequest) -> HttpResponse:
    """No tenant has this name."""
    refusal = answer(None, Door.PORTAL)
    assert refusal is not None
    if wants_problem(request):
        return _problem(request, refusal, refusal.text)
    return _unkept(
        HttpResponse(refusal.text, status=refusal.status, content_type="text/plain; charset=utf-8")
    )


def closed(request: HttpRequest, tenant: Tenant) -> HttpResponse | None:
    """The refusal of a tenant's status, as the door that was asked shows it; None where it is open."""
    door = door_of(request)
    refusal = answer(tenant.status, door)
    if refusal is None:
        return None
    show = _page if door is Door.PORTAL else _problem
    with tenant_context(tenant):
        return show(request, refusal, refusal.told(tenant))


def moved(request: HttpRequest, host: str, tenant: Tenant) -> HttpResponse | None:
    """The way to the tenant's primary name; None at that name, and for what is answered at any of its names."""
    if (
        host == tenant.host
        or door_of(request) is not Door.PORTAL
        or request.path.startswith(ANSWERED_IN_PLACE)
    ):
        return None
    if "HX-Request" in request.headers:
        # A script must not follow to another host; the page reloads as a whole, and is led there itself.
        return _unkept(HttpResponse(status=204, headers={"HX-Refresh": "true"}))
    there = address_at(tenant.host, request.get_full_path())
    # 308 keeps method and body. Kept by a browser it would lead in circles once the tenant takes its old name back.
    return _unkept(HttpResponsePermanentRedirect(there, preserve_request=True))


def door_of(request: HttpRequest) -> Entrance:
    """Which door a request knocks at."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return Door.SOCKETS
    return Door.API if wants_problem(request) else Door.PORTAL


def _page(request: HttpRequest, refusal: Refusal, text: str) -> HttpResponse:
    context = {"refusal": refusal, "text": text, "find": address_at(settings.PUBLIC_HOST, "/find/")}
    response = render(request, "errors/closed.html", context, status=refusal.status)
    if refusal.retry_after and request.method == "GET":
        response["Refresh"] = str(refusal.retry_after)
    return _told_when(response, refusal)


def _problem(request: HttpRequest, refusal: Refusal, text: str) -> HttpResponse:
    response = problem_response(refusal.status, refusal.code, refusal.title, text, **occurrence(request))
    return _told_when(response, refusal)


def _told_when(response: HttpResponse, refusal: Refusal) -> HttpResponse:
    if refusal.retry_after:
        response["Retry-After"] = str(refusal.retry_after)
    return _unkept(response)


def _unkept(response: HttpResponse) -> HttpResponse:
    """A state ends, a name comes back: nothing of it may stay in a cache."""
    response["Cache-Control"] = "no-store"
    return response

"""The outermost layers of a request: its id, its tenant, its one transaction."""

import re
from collections.abc import Callable
from time import perf_counter

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tenants.api.problems import occurrence, problem_response, wants_problem
from tenants.closed import closed, moved, unknown_host
from tenants.context import Tenant, Unit, public_context
from tenants.errors import AWAY_DETAIL, is_away
from tenants.hosts import canonical, directory, is_public
from tenants.models import uuid7

GetResponse = Callable[[HttpRequest], HttpResponseBase]
READING = ("GET", "HEAD")
UNKNOWN = (
    "The database went away while your change was being saved: it may be saved or not. Look, or send the request "
    "again with the same Idempotency-Key."
)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = structlog.get_logger("rowhouse.request")


class RequestIdMiddleware:
    """Give each request an id, taken from X-Request-Id when it is well-formed; log it, and each line below, with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        began = perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            log.info("request", **_told(request, response), ms=round((perf_counter() - began) * 1000, 1))
        response["X-Request-Id"] = request_id
        return response


def _told(request: HttpRequest, response: HttpResponseBase) -> dict[str, object]:
    """What is logged of a request: its route and not its path, because links in mails carry secrets."""
    match, tenant = request.resolver_match, getattr(request, "tenant", None)
    return {
        "method": request.method,
        "route": match.route if match else f"{'/'.join(request.path.split('/')[:2])}/…",
        "status": response.status_code,
        "tenant": tenant.schema if tenant else None,
    }


class RealmMiddleware:
    """Resolve the host, gate the tenant's status, and run everything below in the tenant's one transaction.

    A raised exception and a 5xx undo the request's writes, a returned 4xx keeps them. The commit comes before the
    response leaves, so that a failure that only shows at commit is still an error for the caller.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            host = canonical(request.get_host())
        except DisallowedHost:
            return unknown_host(request)
        try:
            return self._public(request) if is_public(host) else self._at_tenant(request, host)
        except (OperationalError, InterfaceError) as error:
            return _unreachable(request, error)

    def _at_tenant(self, request: HttpRequest, host: str) -> HttpResponseBase:
        tenant = directory.by_host(host)
        return unknown_host(request) if tenant is None else self._tenant(request, host, tenant)

    def _public(self, request: HttpRequest) -> HttpResponseBase:
        request.urlconf = settings.PUBLIC_URLCONF
        with public_context(), structlog.contextvars.bound_contextvars(tenant="public"):
            return self.get_response(request)

    def _tenant(self, request: HttpRequest, host: str, tenant: Tenant) -> HttpResponseBase:
        request.tenant = tenant  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(tenant=tenant.schema):
            return closed(request, tenant) or moved(request, host, tenant) or self._in_unit(request, tenant)

    def _in_unit(self, request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
        unit = Unit(tenant, reading=request.method in READING).enter()
        request.unit, request.undo = unit, False  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        except BaseException as error:
            unit.leave(error)
            raise
        failed = response.status_code >= 500 or request.undo  # type: ignore[attr-defined]
        request.is_committing = not failed and request.method not in READING  # type: ignore[attr-defined]
        unit.leave(Undone() if failed else None)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The view raised: its writes go, but the session and messages below it may still be saved."""
        if is_away(exception):
            return _unreachable(request, exception)
        unit: Unit | None = getattr(request, "unit", None)
        if unit is not None and not unit.restart():
            request.undo = True  # type: ignore[attr-defined]
        return None


class Undone(Exception):
    """Carries a rollback out of the unit; nobody ever sees it."""


def undo_writes(request: HttpRequest) -> None:
    """Ask that the request's transaction be rolled back although a response is returned."""
    request.undo = True  # type: ignore[attr-defined]


def _unreachable(request: HttpRequest, error: Exception) -> HttpResponse:
    """The database does not answer, or all connections stayed busy for too long."""
    is_committing = getattr(request, "is_committing", False) and is_away(error)
    log.error("database_unreachable", error=str(error), is_committing=is_committing)
    code, detail = ("outcome_unknown", UNKNOWN) if is_committing else ("unavailable", AWAY_DETAIL)
    if wants_problem(request):
        response = problem_response(503, code, "Unavailable", detail, **occurrence(request))
    else:
        response = render(request, "errors/unavailable.html", {"detail": detail}, status=503)
    response["Retry-After"] = "5"
    return response


class NoStoreMiddleware:
    """Keep answers to signed-in callers out of every cache on the way."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

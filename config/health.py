"""What the machines in front ask, by address and before any host is looked at.

`/healthz`: the process answers. `/readyz`: the database and the queue answer as well. `/internal/certificate?domain=`:
whether the proxy may fetch a certificate for a name.
"""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from shared_apps.domains.certificates import asked, may_have_certificate


class HealthMiddleware:
    """Answer probes before the host is looked at: a load balancer asks by address, not by name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            return _readiness()
        if request.path == "/internal/certificate":
            return _certificate(request.GET.get("domain", ""))
        return self.get_response(request)


def _readiness() -> JsonResponse:
    answers = {"database": _answers(_ask_database), "queue": _answers(_ask_queue)}
    ready = all(answers.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", **answers}, status=200 if ready else 503)


def _answers(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:  # noqa: BLE001  (whatever is wrong with it, it is not ready)
        return False
    return True


def _ask_database() -> None:
    with connections["control"].cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_queue() -> None:
    redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=2).ping()


def _certificate(domain: str) -> JsonResponse:
    """200 for a name that leads to a tenant, else 404: strangers cannot have certificates fetched."""
    if not asked.take():
        return JsonResponse({"certificate": False}, status=429, headers={"Retry-After": "1"})
    known = may_have_certificate(domain)
    return JsonResponse({"certificate": known}, status=200 if known else 404)

"""Problem documents (RFC 9457): the one form of every error the API answers with."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="api"'


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """The members of a problem document; `code`, which `type` repeats as a URN, is what programs compare."""
    kind = f"urn:rowhouse:problem:{code}"
    members = {"type": kind, "title": title, "status": status, "detail": detail, "code": code}
    return {**members, **more, **members}


def problem_response(status: int, code: str, title: str, detail: str, **more: Any) -> HttpResponse:
    """A problem document as a plain Django response, for what is refused before the API's views."""
    body = orjson.dumps(problem(status, code, title, detail, **more), default=str)
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = CHALLENGE
    return response


def wants_problem(request: HttpRequest) -> bool:
    """Whether a refusal is shown as a problem rather than as a page."""
    return request.path.startswith("/api/")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    if not wants_problem(request):
        return render(request, "errors/csrf.html", status=403)
    detail = f"A request with a session cookie needs its CSRF token: {reason.rstrip('.')}."
    return problem_response(403, "csrf_failed", "Forbidden", detail, instance=request.path)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: a path that leads nowhere."""
    if not wants_problem(request):
        return render(request, "errors/404.html", status=404)
    hint = "" if request.path.endswith("/") else " Paths end in a slash."
    detail = f"Nothing lives at this path.{hint}"
    return problem_response(404, "not_found", "Not found", detail, instance=request.path)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what failed outside the API's views."""
    if not wants_problem(request):
        return render(request, "errors/500.html", status=500)
    detail = "Something failed on our side and nothing was saved. Report the request id."
    return problem_response(500, "internal_error", "Internal error", detail, instance=request.path)

"""Problem documents (RFC 9457): the one form of every error the API answers with."""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="api"'
VERSIONED = "/api/v"


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
    return problem_response(403, "csrf_failed", "Forbidden", detail, **occurrence(request))


def occurrence(request: HttpRequest) -> dict[str, str]:
    """The members that tell one problem from all others of its kind."""
    request_id = getattr(request, "request_id", None)
    return {"instance": request.path, **({"request_id": request_id} if request_id else {})}


class ProblemMiddleware:
    """Below /api/ no refusal is a page: what Django itself answers with a page is turned into a problem."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not wants_problem(request):
            return self.get_response(request)
        if request.path.startswith(VERSIONED) and not request.path.endswith("/"):
            # Never redirected: a POST would lose its body on the way.
            return _refusal(request, 404, f"Paths end in a slash: {request.path}/")
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if response.status_code >= 400 and is_page:
            return _refusal(request, response.status_code)
        return response


def _refusal(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    code, title, usual = REFUSALS.get(status, REFUSALS[500 if status >= 500 else 400])
    return problem_response(status, code, title, detail or usual, **occurrence(request))


REFUSALS = {
    400: ("bad_request", "Bad request", "The request is malformed."),
    403: ("forbidden", "Forbidden", "You may not do this."),
    404: ("not_found", "Not found", "Nothing lives at this path."),
    405: ("method_not_allowed", "Method not allowed", "This path does not take this method."),
    500: (
        "internal_error",
        "Internal error",
        "Something failed on our side and nothing was saved. Report the request id.",
    ),
}

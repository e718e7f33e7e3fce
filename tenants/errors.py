"""What the business may refuse: one family of errors that every door can show in its own way."""

import json
from typing import Any

from django.http import HttpResponse

PROBLEM_TYPE = "application/problem+json"
BEARER = 'Bearer realm="api"'


class DomainError(Exception):
    """A refusal by a rule of the business.

    The API shows it as an RFC 9457 problem, the portal as a form error or a toast, a task as a failure with a reason.
    `field` names the input that was wrong; everything in `data` is shown to the caller, so it holds no secrets.
    """

    code = "domain_error"
    status = 400
    title = "The request was refused"

    def __init__(self, detail: str, *, field: str | None = None, **data: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.data = data


class NotFound(DomainError):
    """The thing asked for does not exist, or not for this caller."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(DomainError):
    """The request is sound, but the present state of things does not allow it."""

    code = "conflict"
    status = 409
    title = "Conflict with the current state"


class Invalid(DomainError):
    """The input breaks a rule that its shape alone does not show."""

    code = "invalid"
    status = 422
    title = "Invalid input"


class Forbidden(DomainError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class PreconditionFailed(DomainError):
    """The thing has changed since the caller last read it."""

    code = "precondition_failed"
    status = 412
    title = "Precondition failed"


def problem_body(
    status: int, code: str, title: str, detail: str, *, instance: str, **data: Any
) -> dict[str, Any]:
    """The members of an RFC 9457 problem; whatever else is given becomes a member of its own."""
    return data | {
        "type": f"urn:rowhouse:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
    }


def problem_response(
    status: int, code: str, title: str, detail: str, *, instance: str, **data: Any
) -> HttpResponse:
    """A problem for the doors that stand before the API's own exception handler, such as middleware."""
    body = problem_body(status, code, title, detail, instance=instance, **data)
    response = HttpResponse(json.dumps(body, default=str), status=status, content_type=PROBLEM_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = BEARER
    return response

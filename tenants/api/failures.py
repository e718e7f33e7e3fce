"""What the API answers when something is raised: one translation for each family of exceptions."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import DatabaseError, InterfaceError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest
from rest_framework import exceptions as rest_errors
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings

from tenants.api.problems import CHALLENGE, CONTENT_TYPE, occurrence, problem
from tenants.errors import AWAY_DETAIL, DomainError, is_away

logger = logging.getLogger("django.request")

TITLES = {
    400: "Bad request",
    401: "Authentication required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict with the current state",
    412: "Precondition failed",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid input",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}


class InvalidQuery(rest_errors.ValidationError):
    """Parameters of the query string were wrong; the detail maps their names to what was wrong."""


class InvalidHeader(rest_errors.ValidationError):
    """Headers were wrong; the detail maps their names to what was wrong."""


@dataclass(frozen=True)
class Failure:
    """What went wrong, before it is written down as a problem."""

    status: int
    code: str
    detail: str
    title: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any exception of an API view with a problem, and undo what its request has written."""
    request: Request = context["request"]
    plain: Any = request._request
    plain.undo = not getattr(exc, "keeps_writes", False)  # read by the middleware that owns the transaction
    failure = failure_of(exc)
    if failure.status >= 500:
        _report(exc, plain)
    return _response(failure, plain)


def failure_of(exc: Exception) -> Failure:
    """Translate an exception; what nobody foresaw becomes a 500 that tells nothing."""
    for kind, translate in _TRANSLATIONS:
        if isinstance(exc, kind):
            return translate(exc)
    return _UNFORESEEN


def problem_of(failure: Failure, **more: Any) -> dict[str, Any]:
    """A failure written down as a problem."""
    errors = {"errors": failure.errors} if failure.errors else {}
    title = failure.title or TITLES.get(failure.status, "Error")
    return problem(failure.status, failure.code, title, failure.detail, **{**failure.data, **more, **errors})


def _response(failure: Failure, request: HttpRequest) -> Response:
    body = problem_of(failure, **occurrence(request))
    challenge = {"WWW-Authenticate": CHALLENGE} if failure.status == 401 else {}
    return Response(
        body, status=failure.status, headers={**challenge, **failure.headers}, content_type=CONTENT_TYPE
    )


def _report(exc: Exception, request: HttpRequest) -> None:
    got_request_exception.send(sender=None, request=request)
    logger.error("%s %s failed", request.method, request.path, exc_info=exc)


# The business and the input


def _domain(exc: DomainError) -> Failure:
    errors = [
        {
            "pointer": "/" + each.field.replace(".", "/"),
            "in": "body",
            "code": each.code,
            "detail": each.detail,
        }
        for each in exc.mistakes
        if each.field
    ]
    headers = {"Retry-After": str(exc.data["retry_after"])} if "retry_after" in exc.data else {}
    return Failure(exc.status, exc.code, exc.detail, exc.title, errors, exc.data, headers)


def _validation(exc: rest_errors.ValidationError) -> Failure:
    place = next((place for kind, place in _PLACES if isinstance(exc, kind)), "body")
    errors = [
        {"pointer": pointer, "in": place, "code": code, "detail": detail}
        for pointer, code, detail in _flatten(exc.detail, "")
    ]
    return Failure(422, "validation_failed", _summary(errors), errors=errors)


_PLACES = ((InvalidQuery, "query"), (InvalidHeader, "header"))


def _summary(errors: list[dict[str, Any]]) -> str:
    if len(errors) != 1:
        return f"{len(errors)} things are wrong; `errors` names each of them."
    pointer, detail = errors[0]["pointer"], errors[0]["detail"]
    return f"{pointer[1:]}: {detail}" if pointer else str(detail)


def _flatten(detail: Any, pointer: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, pointer if name == _GENERAL else f"{pointer}/{_escape(str(name))}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _flatten(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield pointer, str(getattr(detail, "code", None) or "invalid"), str(detail)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


_GENERAL = api_settings.NON_FIELD_ERRORS_KEY


# HTTP


def _http(exc: rest_errors.APIException) -> Failure:
    code = str(exc.get_codes())
    if exc.status_code == 401:
        return UNAUTHENTICATED
    return Failure(exc.status_code, _CODES.get(code, code), str(exc.detail))


_CODES = {"parse_error": "malformed_body", "permission_denied": "forbidden", "error": "internal_error"}

# One text, whether the credential is missing, unknown, expired or another tenant's.
UNAUTHENTICATED = Failure(
    401,
    "authentication_required",
    "Send 'Authorization: Bearer …' with an access token or API token that is valid for this workspace.",
)


def _missing(exc: Exception) -> Failure:
    return Failure(404, "not_found", "Nothing with this id exists here.")


def _refused(exc: Exception) -> Failure:
    return Failure(403, "forbidden", "You may not do this.")


def _too_large(exc: Exception) -> Failure:
    return Failure(413, "body_too_large", str(exc))


def _suspicious(exc: Exception) -> Failure:
    return Failure(400, "bad_request", "The request is malformed.")


def _model_validation(exc: django_errors.ValidationError) -> Failure:
    return _validation(rest_errors.ValidationError(as_serializer_error(exc)))


# The database. By SQLSTATE, never by a constraint's name: names differ between places where rows may live.


def _database(exc: DatabaseError) -> Failure:
    if is_away(exc):
        return _AWAY
    sqlstate = getattr(exc.__cause__, "sqlstate", None) or ""
    return _SQLSTATES.get(sqlstate) or _SQLSTATES.get(sqlstate[:2]) or _UNFORESEEN


def _referenced(exc: Exception) -> Failure:
    return _STILL_USED


_UNFORESEEN = Failure(
    500, "internal_error", "Something failed on our side and nothing was saved. Report the request id."
)
_STILL_USED = Failure(409, "still_referenced", "Other records still refer to this one, so it has to stay.")
_OUT_OF_RANGE = Failure(422, "out_of_range", "A value is longer or larger than what can be stored.")
_BUSY = Failure(
    503,
    "busy",
    "Somebody else is changing the same records. Nothing was saved; try again.",
    headers={"Retry-After": "1"},
)
_AWAY = Failure(503, "unavailable", AWAY_DETAIL, "Unavailable", headers={"Retry-After": "5"})
_SQLSTATES = {
    "23505": Failure(409, "already_exists", "Another record already holds a value that must be unique."),
    "23P01": Failure(409, "conflict", "Another record overlaps with this one."),
    "23001": _STILL_USED,
    "23503": Failure(422, "unknown_reference", "The record refers to something that does not exist."),
    "23502": Failure(422, "required", "A required value is missing."),
    "23514": Failure(422, "rule_violated", "The values break a rule that stored records must keep."),
    "22001": _OUT_OF_RANGE,
    "22003": _OUT_OF_RANGE,
    "22": Failure(422, "invalid", "A value cannot be stored."),
    "40": _BUSY,
    "55P03": _BUSY,
    "57014": Failure(503, "timeout", "The request took too long and was stopped. Nothing was saved."),
}

# The most special families come first.
_TRANSLATIONS: tuple[tuple[Any, Callable[[Any], Failure]], ...] = (
    (DomainError, _domain),
    (rest_errors.ValidationError, _validation),
    (rest_errors.APIException, _http),
    (Http404, _missing),
    (django_errors.PermissionDenied, _refused),
    (django_errors.ValidationError, _model_validation),
    (django_errors.RequestDataTooBig, _too_large),
    (django_errors.SuspiciousOperation, _suspicious),
    ((ProtectedError, RestrictedError), _referenced),
    ((DatabaseError, InterfaceError), _database),
)

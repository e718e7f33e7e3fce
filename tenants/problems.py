"""Problem documents (RFC 9457): the one form of every error the API answers with."""

from typing import Any

import orjson
from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="api"'


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """The members of a problem document; `code`, which `type` repeats as a URN, is what programs compare."""
    kind = f"urn:rowhouse:problem:{code}"
    return {**more, "type": kind, "title": title, "status": status, "detail": detail, "code": code}


def problem_response(status: int, code: str, title: str, detail: str, **more: Any) -> HttpResponse:
    """A problem document as a plain Django response, for what is refused before the API's views."""
    body = orjson.dumps(problem(status, code, title, detail, **more), default=str)
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = CHALLENGE
    return response

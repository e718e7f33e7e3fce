"""Calls are counted a tenant, as a project does that bills for them: one counter in the cache."""

from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class CountCalls:
    """Middleware: one more call of this tenant."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith("/api/"):
            try:
                cache.incr("api-calls")
            except ValueError:
                cache.add("api-calls", 1, timeout=None)
        return response

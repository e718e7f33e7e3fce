"""What is different about answers at a name that is not the platform's own."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tenants.hosts import canonical


class OwnNameMiddleware:
    """Promise HTTPS for a tenant's own name alone.

    The platform promises it for everything below its host, and for good. Said at the top of somebody's domain, the
    same would shut their other sites that have no certificate, for a year and in every visitor's browser.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        seconds: int = settings.SECURE_HSTS_SECONDS
        if seconds and request.is_secure() and not _is_ours(request):
            response["Strict-Transport-Security"] = f"max-age={seconds}"
        return response


def _is_ours(request: HttpRequest) -> bool:
    try:
        name = canonical(request.get_host())
    except DisallowedHost:  # refused below; nobody is promised anything for what is no name
        return False
    return name == settings.PUBLIC_HOST or name.endswith(f".{settings.PUBLIC_HOST}")

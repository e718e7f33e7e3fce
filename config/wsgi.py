"""The WSGI application that the web process serves."""

import os
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind_proxy(application: Application) -> Application:
    """Take the caller's address from X-Forwarded-For: its last entry is what the proxy itself has seen."""

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        told = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if _is_address(told):
            environ["REMOTE_ADDR"] = told
        return application(environ, start_response)

    return wrapped


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _start_metering() -> None:
    from tenants.api.metering import calls

    calls.start()


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application: Application = get_wsgi_application()
_start_metering()
if settings.TRUSTED_PROXY:
    application = behind_proxy(application)

"""Callers behind a trusted proxy."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

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

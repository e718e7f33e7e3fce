"""Host → tenant, answered from the process's memory and dropped when the directory changes anywhere.

A version number in `public` is raised by whatever changes a client or a domain, in the same transaction. Each process
reads it at most once a second, so that a suspension or a new domain is seen everywhere within two seconds while the
hot path asks the database nothing.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from tenants.context import Tenant

Read = TypeVar("Read")
FRESH_FOR: Final = 1.0
MOST_ENTRIES: Final = 20_000


class Directory(Protocol):
    """The list of tenants as the ground floor needs it; `settings.TENANT_DIRECTORY` names the implementation."""

    def version(self) -> int: ...

    def find_by_host(self, host: str) -> Tenant | None: ...

    def find_by_schema(self, schema: str) -> Tenant | None: ...


class CachedDirectory:
    """What this process knows of the directory, with tenants kept by (kind of key, key)."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Tenant] = {}
        self._beside: dict[str, Any] = {}
        self._version: int | None = None
        self._checked = -FRESH_FOR

    def by_host(self, host: str) -> Tenant | None:
        """The tenant of a host name in canonical form; unknown hosts are asked for anew each time.

        Where `tenant.host` is another name than the one asked for, that is the tenant's primary one.
        """
        return self._find("host", host)

    def by_schema(self, schema: str) -> Tenant | None:
        """The tenant that owns a schema."""
        return self._find("schema", schema)

    def beside(self, name: str, read: Callable[[], Read]) -> Read:
        """Something of the platform that changes seldom, read anew whenever the directory has a new version."""
        self._current()
        beside = self._beside
        if name not in beside:
            beside[name] = read()
        found: Read = beside[name]
        return found

    def forget(self) -> None:
        """Drop everything, at once and in this process only."""
        with self._lock:
            self._known, self._beside, self._version, self._checked = {}, {}, None, -FRESH_FOR

    def _find(self, kind: str, key: str) -> Tenant | None:
        known = self._current()
        if (tenant := known.get((kind, key))) is not None:
            return tenant
        found = self._directory.find_by_host(key) if kind == "host" else self._directory.find_by_schema(key)
        if found is not None:
            if len(known) >= MOST_ENTRIES:
                known.clear()
            known[kind, key] = found
        return found

    def _current(self) -> dict[tuple[str, str], Tenant]:
        """The entries of the present version. A row read under an old version lands in that version's own dict."""
        now = time.monotonic()
        if now - self._checked < FRESH_FOR:
            return self._known
        version = self._directory.version()
        with self._lock:
            if version != self._version:
                self._known, self._beside, self._version = {}, {}, version
            self._checked = now
            return self._known


def canonical(host: str) -> str:
    """A host name as it is compared: lower case, without port and without the root's trailing dot."""
    name = host.lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] if ":" in name else name
    return name.removesuffix(".")


def is_public(host: str) -> bool:
    """Whether a canonical host name is the platform's own."""
    return host == settings.PUBLIC_HOST


def address_at(host: str, path: str) -> str:
    """An absolute address on one of the platform's or a tenant's hosts; the path begins with a slash."""
    is_default = (settings.PUBLIC_SCHEME, settings.PUBLIC_PORT) in {("http", 80), ("https", 443)}
    port = "" if is_default else f":{settings.PUBLIC_PORT}"
    return f"{settings.PUBLIC_SCHEME}://{host}{port}{path}"


directory = CachedDirectory(import_string(settings.TENANT_DIRECTORY)())

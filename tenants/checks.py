"""Start-up checks: what is not declared does not run."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.routers import CONTROL_ALIAS

LEAST_POSTGRESQL = 170000


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route below a resolver, with its path as written."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        else:
            yield path, pattern


def declaration(callback: Any) -> str | None:
    """What a view says about who may call it; None when it says nothing."""
    if (verb := getattr(callback, "verb", None)) is not None:
        return str(verb)
    if (reason := getattr(callback, "public_because", None)) is not None:
        return f"public: {reason}"
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    declared = getattr(view, "declared_access", None)
    return declared() if declared else None


@register(Tags.urls)
def check_every_route_declares(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start with a tenant route that says neither which verb it needs nor why it is open."""
    return [
        Error(
            f"The route {path!r} declares no permission.",
            hint="Put @portal('verb') or @portal_public('reason') on the view, or `resource` on the viewset.",
            id="tenants.E001",
        )
        for path, pattern in routes(get_resolver(settings.ROOT_URLCONF))
        if declaration(pattern.callback) is None
    ]


@register(Tags.database)
def check_postgresql_version(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse servers whose role switch slows down with the number of tenants."""
    if CONTROL_ALIAS not in (databases or []):
        return []
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
        number, name = cursor.fetchone()
    if number >= LEAST_POSTGRESQL:
        return []
    return [
        Error(
            f"PostgreSQL {name} is too old: 17 or later is required.",
            hint="Point DATABASE_URL at a PostgreSQL 17 or 18 server, or let bin/dev start the embedded one.",
            id="tenants.E002",
        )
    ]

"""The product with one handler more: what the web server and the worker of `bench.stripe` import."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.celery import app
from shared_apps.inbox.registry import Event, handles

__all__ = ["app", "application"]


@handles("bench.event")
def write_an_entry(event: Event) -> None:
    """One row, as handlers write that change something."""
    from tenants.audit.actors import Actor
    from tenants.audit.services import record

    record(actor=Actor.system("bench"), verb="bench.event", data={"event": event.id})


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    """The product's own."""
    return _application()(environ, start_response)


@cache
def _application() -> Any:
    from config.wsgi import application as ours

    return ours

"""What a tenant's payments leave open: one table by what a route or a task is for. All doors ask here.

The operators' status comes first, and stands in `tenants.status`; docs/tenants.md shows both. How a tenant stands is
changed by `shared_apps.clients.standing`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import ClassVar, Final

from django.conf import settings
from django.urls import get_resolver
from django.utils import timezone

from tenants.checks import routes
from tenants.context import Tenant
from tenants.errors import DomainError
from tenants.formats import exact
from tenants.hosts import address_at
from tenants.status import Door, Work, answer
from tenants.users.permissions import can

BILLING_PATH: Final = "/billing/"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Who may settle what is owed, and take the data along where nothing else is open.
MANAGERS: Final = "billing:manage"


class Purpose(StrEnum):
    """What a route or a task is for, as far as payments go. Whatever does not say so changes something."""

    READ = "reading"
    CHANGE = "changing"
    SELF = "one's own way in and out"
    EXPORT = "exports"
    BILLING = "usage and billing"
    UPKEEP = "what was promised or counts already"


class For(StrEnum):
    """To whom a purpose is open."""

    ALL = "all"
    MANAGERS = "owners and admins"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Row:
    """One access: what a refusal is, and to whom each purpose is open; one that is not named is open to all."""

    refusal: type["Withheld"] | None = None
    open_to: dict[Purpose, For] = field(default_factory=dict)

    def open_for(self, purpose: Purpose) -> For:
        return self.open_to.get(purpose, For.ALL)


class Withheld(DomainError):
    """The tenant's payments do not allow it at present; the answer says why, since when, and the way on."""

    left: ClassVar[str]

    def __init__(self, tenant: Tenant) -> None:
        since, billing = tenant.access_since, address_at(tenant.host, BILLING_PATH)
        super().__init__(
            f"{self.title}{f' since {exact(since)}' if since else ''}. {_ended(tenant.access_reason)}"
            f"{self.left} Nothing was done. Its owners and admins can open it again at {billing}.",
            reason=tenant.access_reason,
            since=since.isoformat() if since else None,
            billing=billing,
        )


class ReadOnly(Withheld):
    code = "workspace_read_only"
    status = 402
    title = "This workspace is read-only"
    left = "It can be read and exported, but not changed."


class Closed(Withheld):
    code = "workspace_closed"
    status = 403
    title = "This workspace is closed"
    left = "Its data is kept, and its owners and admins can take it along."


TABLE: Final[dict[str, Row]] = {
    "full": Row(),
    "grace": Row(),
    "read_only": Row(ReadOnly, {Purpose.CHANGE: For.NOBODY}),
    "closed": Row(
        Closed,
        {
            Purpose.READ: For.NOBODY,
            Purpose.CHANGE: For.NOBODY,
            Purpose.EXPORT: For.MANAGERS,
            Purpose.BILLING: For.MANAGERS,
            Purpose.UPKEEP: For.NOBODY,
        },
    ),
}


def usual_purpose(verb: str | None, method: str) -> Purpose:
    """What a route is for that does not say so: by the right that it asks for, and by the method."""
    if verb and verb.startswith(("billing:", "usage:")):
        return Purpose.BILLING
    return Purpose.READ if method in SAFE_METHODS else Purpose.CHANGE


def refusal_of(tenant: Tenant | None, purpose: Purpose, principal: object = None) -> Withheld | None:
    """Why somebody may not do this at present; None where it is open, and on hosts that are no tenant's."""
    row = TABLE[tenant.access if tenant else "full"]
    if tenant is None or row.refusal is None:
        return None
    match row.open_for(purpose):
        case For.ALL:
            return None
        case For.MANAGERS if is_manager(principal):
            return None
    return row.refusal(tenant)


def work_for(tenant: Tenant, purpose: Purpose) -> Work:
    """What becomes of a task's message. Dropped work stands in the tenant's rows, from where sweeps take it up."""
    work = answer(tenant.status, Door.TASKS)
    is_open = TABLE[tenant.access].open_for(purpose) is For.ALL
    return Work.DROP if work is Work.RUN and not is_open else work


@dataclass(frozen=True)
class Banner:
    """What stands above every page while somebody has to do something: its tone, a heading, why, and the way on."""

    tone: str
    heading: str
    text: str
    way: str = "Go to billing"


# How long before its end people are told that a trial ends.
TRIAL_ENDS_SOON: Final = timedelta(days=7)


def banner_of(tenant: Tenant | None) -> Banner | None:
    """The banner of a tenant; None where all is well."""
    if tenant is None:
        return None
    reason = _ended(tenant.access_reason)
    match tenant.access:
        case "grace":
            return Banner("warning", "A payment is due.", f"{reason}{_grace(tenant.access_until)}")
        case "read_only":
            text = "All can be read and exported, but not changed, and work in the background waits."
            return Banner("danger", "This workspace is read-only.", f"{reason}{text}")
        case "closed":
            text = "Its data is kept; bills and exports are open."
            return Banner("danger", "This workspace is closed.", f"{reason}{text}")
    return _trial(tenant)


def _grace(until: datetime | None) -> str:
    when = f"until {exact(until)}" if until else "for a while"
    return f"Everything works {when}; then the workspace becomes read-only."


def _trial(tenant: Tenant) -> Banner | None:
    ends, now = tenant.trial_ends_at, timezone.now()
    if ends is None or not now < ends <= now + TRIAL_ENDS_SOON:
        return None
    heading = f"The trial of {tenant.plan.capitalize()} ends on {exact(ends)}."
    text = "Choose a plan to keep what it includes; without one the workspace goes on as Free."
    return Banner("info", heading, text, "See the plans")


@dataclass(frozen=True)
class ExportLink:
    """One list that can be taken along."""

    label: str
    url: str


@cache
def exports() -> tuple[ExportLink, ...]:
    """Every list of the API that can be exported as it is."""
    return tuple(_exports())


def _exports() -> Iterator[ExportLink]:
    for path, _ in routes(get_resolver(settings.ROOT_URLCONF)):
        if path.endswith("/export/") and "<" not in path:
            words = path.removeprefix("api/v1/").removesuffix("/export/").split("/")
            yield ExportLink(" ".join(words).capitalize(), f"/{path}")


def _ended(reason: str) -> str:
    """The reason as a sentence of its own."""
    text = reason.strip()
    return f"{text if text.endswith(('.', '!', '?')) else f'{text}.'} " if text else ""


def is_manager(principal: object) -> bool:
    """Whether somebody may settle what is owed."""
    return can(principal, MANAGERS)

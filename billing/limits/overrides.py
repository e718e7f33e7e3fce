"""What operators allow single tenants instead of what their plans say: with a reason, and until a moment if they like.

All that are open are few. Each process keeps them together and reads them anew when the directory of tenants gets a
new version, so that every process knows of a change within two seconds and asks the database nothing in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.models import Override
from billing.plans.versions import Feature, Limit, Rate
from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid, NotFound
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS

Kind = Override.Kind
MOST: Final = 10**15


@dataclass(frozen=True, slots=True)
class OpenOverride:
    """One open override, as the hot path needs it."""

    key: str
    value: int | None
    is_on: bool | None
    expires_at: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


def overrides_of(schema: str) -> "Mapping[str, OpenOverride]":
    """The open overrides of a tenant by their key, as this process knows them."""
    return directory.beside("overrides", _read).get(schema, NONE)


def grant_override(
    *,
    tenant: str,
    key: str,
    actor: Actor,
    reason: str,
    value: int | None = None,
    is_on: bool | None = None,
    expires_at: datetime | None = None,
) -> Override:
    """Allow a tenant another number of something, any number (without a value), or a feature; ends the one before."""
    override = Override(
        tenant=tenant,
        kind=_kind_of(key),
        key=key,
        value=value,
        is_on=is_on,
        reason=reason.strip(),
        granted_by=actor.label,
        expires_at=expires_at,
    )
    _check(override)
    with transaction.atomic(using=CONTROL_ALIAS):
        client = _client(tenant)
        _end(_open(tenant=tenant, key=key), actor)
        override.save(using=CONTROL_ALIAS, force_insert=True)
        record(actor=actor, verb="override.granted", target=client, data=_told(override), using=CONTROL_ALIAS)
        _tell_everybody()
    return override


def end_override(*, override_id: UUID, actor: Actor, reason: str) -> Override:
    """Let the plan count again."""
    if not reason.strip():
        raise Invalid("Say why: the reason is kept in the audit log.", field="reason")
    with transaction.atomic(using=CONTROL_ALIAS):
        override = _open(pk=override_id)
        if override is None:
            raise Conflict("This override has ended already.")
        _end(override, actor)
        data = {**_told(override), "reason": reason.strip()}
        record(
            actor=actor,
            verb="override.ended",
            target=_client(override.tenant),
            data=data,
            using=CONTROL_ALIAS,
        )
        _tell_everybody()
    return override


def _read() -> dict[str, dict[str, OpenOverride]]:
    found: dict[str, dict[str, OpenOverride]] = {}
    rows = Override.objects.filter(ended_at=None).exclude(expires_at__lte=timezone.now())
    for row in rows.only("tenant", "key", "value", "is_on", "expires_at"):
        found.setdefault(row.tenant, {})[row.key] = OpenOverride(
            row.key, row.value, row.is_on, row.expires_at
        )
    return found


def _kind_of(key: str) -> str:
    if key in {*Limit, *Rate}:
        return Kind.LIMIT
    if key in set(Feature):
        return Kind.FEATURE
    known = ", ".join([*Limit, *Rate, *Feature])
    raise Invalid(f"{key!r} is neither a limit nor a feature. Choose from: {known}.", field="key")


def _check(override: Override) -> None:
    if not override.reason:
        raise Invalid("Say why: the reason is kept with the override.", field="reason")
    if override.expires_at is not None and override.expires_at <= timezone.now():
        raise Invalid("The end lies in the past. Choose a later one, or none.", field="expires_at")
    if override.kind == Kind.FEATURE and override.is_on is None:
        raise Invalid(f"{override.key} is a feature: say whether it is on or off.", field="is_on")
    if override.kind == Kind.LIMIT and override.is_on is not None:
        raise Invalid(f"{override.key} is a limit: give a number, or none for no limit.", field="is_on")
    if override.kind == Kind.FEATURE and override.value is not None:
        raise Invalid(f"{override.key} is a feature and has no number.", field="value")
    if override.value is not None and not 0 <= override.value <= MOST:
        raise Invalid(f"A limit is a number from 0 to {MOST}, not {override.value}.", field="value")


def _client(schema: str) -> Client:
    client = Client.objects.filter(schema_name=schema).first()
    if client is None:
        raise NotFound("This tenant does not exist any more.")
    return client


def _open(**which: Any) -> Override | None:
    return Override.objects.select_for_update().filter(ended_at=None, **which).first()


def _end(override: Override | None, actor: Actor) -> None:
    if override is not None:
        override.ended_at, override.ended_by = timezone.now(), actor.label
        override.save(update_fields=["ended_at", "ended_by", "updated_at"])


def _told(override: Override) -> dict[str, Any]:
    expires_at = override.expires_at.isoformat() if override.expires_at else None
    said = {"value": override.value} if override.kind == Kind.LIMIT else {"is_on": override.is_on}
    return {"key": override.key, **said, "reason": override.reason, "expires_at": expires_at}


def _tell_everybody() -> None:
    """Last in the transaction: it locks the row that all changes of tenants share."""
    raise_version(CONTROL_ALIAS)
    transaction.on_commit(directory.forget, using=CONTROL_ALIAS)


NONE: Final[Mapping[str, OpenOverride]] = {}

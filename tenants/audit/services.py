"""Writing the audit log."""

from typing import Any

import structlog
from django.db import models

from tenants.audit.actors import Actor
from tenants.audit.listeners import tell
from tenants.audit.models import AuditEntry


def record(
    *,
    actor: Actor,
    verb: str,
    target: models.Model | None = None,
    data: dict[str, Any] | None = None,
    using: str | None = None,
) -> AuditEntry:
    """Write one audit entry in the transaction of the change it tells of; `data` must be JSON-serialisable."""
    entry = audit_entry(actor=actor, verb=verb, target=target, data=data)
    entry.save(using=using, force_insert=True)
    tell(verb, actor, target)
    return entry


def audit_entry(
    *, actor: Actor, verb: str, target: models.Model | None = None, data: dict[str, Any] | None = None
) -> AuditEntry:
    """An audit entry for whoever writes it in one message with other rows."""
    return AuditEntry(
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        address=actor.address,
        verb=verb,
        target_type=target._meta.label_lower if target else "",
        target_id=target.pk if target else None,
        data=data or {},
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
    )

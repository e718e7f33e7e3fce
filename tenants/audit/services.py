"""Writing the audit log."""

from typing import Any

import structlog
from django.db import connections, models, router
from django.db.models.sql import InsertQuery

from tenants.audit.actors import Actor
from tenants.audit.listeners import tell
from tenants.audit.listening import Listener, listener_of
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, current


def record(
    *,
    actor: Actor,
    verb: str,
    target: models.Model | None = None,
    data: dict[str, Any] | None = None,
    using: str | None = None,
) -> AuditEntry:
    """Write one audit entry in the transaction of the change it tells of; `data` must be JSON-serialisable.

    Who listens to the verb in a tenant hears of it in the same transaction.
    """
    entry = audit_entry(actor=actor, verb=verb, target=target, data=data)
    listener = listener_of(verb)
    if listener is None or using is not None or not isinstance(current.get(), Tenant):
        entry.save(using=using, force_insert=True)
    else:
        listener.hear(entry, _insert(entry, listener))
    tell(verb, actor, target)
    return entry


def _insert(entry: AuditEntry, listener: Listener) -> list[Any]:
    """Write the entry and ask who wants to hear of it, in one statement."""
    alias = router.db_for_write(AuditEntry)
    query = InsertQuery(AuditEntry)
    query.insert_values(AuditEntry._meta.concrete_fields, [entry])
    ((statement, parameters),) = query.get_compiler(alias).as_sql()
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {listener.wanted}", [*parameters, *listener.parameters])
        (wanted,) = cursor.fetchone()
    entry._state.adding, entry._state.db = False, alias
    return list(wanted)


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

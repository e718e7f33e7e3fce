"""Writing the audit log."""

from typing import Any

import structlog
from django.db import connections, models, router
from django.db.models.sql import InsertQuery

from tenants.audit.actors import Actor
from tenants.audit.listening import Question, Recorded, question_of, tell
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
    question, answer = question_of(verb), None
    if question is None or using is not None or not isinstance(current.get(), Tenant):
        entry.save(using=using, force_insert=True)
    else:
        answer = _insert(entry, question)
    tell(Recorded(entry, actor, target, answer))
    return entry


def _insert(entry: AuditEntry, question: Question) -> list[Any]:
    """Write the entry and ask the question, in one statement."""
    alias = router.db_for_write(AuditEntry)
    query = InsertQuery(AuditEntry)
    query.insert_values(AuditEntry._meta.concrete_fields, [entry])
    ((statement, parameters),) = query.get_compiler(alias).as_sql()
    with connections[alias].cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {question.expression}", [*parameters, *question.parameters])
        (answer,) = cursor.fetchone()
    entry._state.adding, entry._state.db = False, alias
    return list(answer)


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

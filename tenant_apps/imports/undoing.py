"""Undoing an import: what nobody has touched since is taken back, and what was touched is named."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from tenant_apps.imports.keys import MOST_LINES, ORDER, key_prefix, line_key
from tenant_apps.imports.kinds import UPSERTS
from tenant_apps.imports.models import Import, ImportedRecord
from tenant_apps.imports.rows import Reason
from tenant_apps.imports.staging import Rejected, copy_rejected
from tenant_apps.imports.upserts import WORKER, Upsert, state_of
from tenant_apps.orders.errors import OrderInUse
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import withdraw_order
from tenants.errors import DomainError

CHUNK: Final = 200


def undo_next(job: Import) -> bool:
    """Take the next stretch back; False when all was looked at."""
    kind = UPSERTS.get(job.kind)
    return _undo_records(job, kind) if kind else _undo_orders(job)


def _keep(job: Import, line: int, reason: Reason, detail: str, fields: list[str]) -> None:
    copy_rejected(job, [Rejected(line, reason, detail, fields)])
    job.records_kept += 1


# Records with a key


def _undo_records(job: Import, kind: Upsert) -> bool:
    rows = job.records.exclude(outcome=ImportedRecord.Outcome.SAME).filter(line__gt=job.undone_line)
    notes = list(rows.order_by("line")[:CHUNK])
    for note in sorted(notes, key=lambda note: note.key):
        _undo_record(job, kind, note)
    job.undone_line = notes[-1].line if notes else job.staged_line
    return bool(notes)


def _undo_record(job: Import, kind: Upsert, note: ImportedRecord) -> None:
    found = kind.find(note.record_id)
    if found is None:
        return _keep(job, note.line, Reason.CHANGED_SINCE, f"{note.key} is gone.", [note.key])
    if state_of(found, note.after) != note.after:
        detail = f"Somebody has changed {note.key} since. It stays as it is."
        return _keep(job, note.line, Reason.CHANGED_SINCE, detail, [note.key])
    try:
        with transaction.atomic():
            if note.outcome == ImportedRecord.Outcome.NEW:
                kind.withdraw(found)
            else:
                kind.restore(found, note.before)
    except DomainError as refusal:
        return _keep(job, note.line, Reason.IN_USE, refusal.detail, [note.key])
    job.records_undone += 1
    return None


# Orders


def _undo_orders(job: Import) -> bool:
    """Orders have keys that are derived from the import and their first line."""
    prefix = key_prefix(job.pk)
    after: str = line_key(prefix, ORDER, job.undone_line + 1)
    end: str = line_key(prefix, ORDER, MOST_LINES)
    orders = list(Order.objects.select_for_update().filter(pk__range=(after, end)).order_by("pk")[:CHUNK])
    last = _line_of(orders[-1]) if orders else job.staged_line
    for order in orders:
        _undo_order(job, order)
    job.undone_line = last
    return bool(orders)


def _line_of(order: Order) -> int:
    return int(str(order.pk)[-7:], 16)


def _undo_order(job: Import, order: Order) -> None:
    name = order.external_reference or f"order {order.number}"
    if order.updated_at != order.created_at:
        detail = f"Somebody has changed {name} since. It stays as it is."
        return _keep(job, _line_of(order), Reason.CHANGED_SINCE, detail, [name])
    try:
        withdraw_order(actor=WORKER, order=order)
    except OrderInUse as refusal:
        return _keep(job, _line_of(order), Reason.IN_USE, refusal.detail, [name])
    job.records_undone += 1
    return None

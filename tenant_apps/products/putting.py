"""Making and changing many records at once, by a key that people know: judged one by one, written together.

The rules are those of the verbs for one record, and so are the entries in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from tenants.audit.actors import Actor
from tenants.audit.services import record_all
from tenants.errors import DomainError

Row = TypeVar("Row", bound=Model)
MOST_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Given:
    """One row: the key that the record has or gets, and what else is said of it."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Put(Generic[Row]):
    """What became of a row: the record, with the values that it had before unless it is new, or why it was refused."""

    record: Row | None = None
    before: dict[str, Any] | None = None
    error: DomainError | None = None


class Batch(Generic[Row]):
    """Rows that are judged one by one, in memory and under the locks of their records, and written together."""

    model: type[Row]
    noun: ClassVar[str]

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.new: list[Row] = []
        self.changed: list[tuple[Row, Any]] = []

    def judge(self, row: Given) -> Put[Row]:
        """Make or change the record in memory and keep it to be written; raises DomainError."""
        raise NotImplementedError

    def told_new(self, record: Row) -> dict[str, Any]:
        """What the audit log says of a new record."""
        return {}

    def told_changed(self, differences: Any) -> dict[str, Any]:
        """What the audit log says of a change."""
        raise NotImplementedError

    def put(self, rows: Sequence[Given]) -> list[Put[Row]]:
        """Judge all rows, then write what was not refused."""
        outcomes = [refusable(lambda row=row: self.judge(row)) for row in rows]  # type: ignore[misc]  # bound at once
        self.write()
        return outcomes

    def write(self) -> None:
        """Write new and changed records, and the entries about them."""
        if self.new:
            _insert(self.new)
        if names := sorted({name for _, differences in self.changed for name in differences}):
            _update([record for record, _ in self.changed], names)
        self._tell()

    def _tell(self) -> None:
        new = [(record, self.told_new(record)) for record in self.new]
        record_all(actor=self.actor, verb=f"{self.noun}.created", told=new)
        changed = [(record, self.told_changed(differences)) for record, differences in self.changed]
        record_all(actor=self.actor, verb=f"{self.noun}.updated", told=changed)


def _insert(records: Sequence[Model]) -> None:
    """Write new records by one statement."""
    fields: list[Any] = [field for field in records[0]._meta.concrete_fields if not field.generated]
    now = timezone.now()
    for record in records:
        record.__dict__ |= {"created_at": now, "updated_at": now}
        record._state.adding = False
    columns, types, given = _set_of(records, fields)
    statement = (
        f"INSERT INTO {records[0]._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(columns)}"
        f" FROM jsonb_to_recordset(%s::jsonb) AS given ({types})"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [given])


def _update(records: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of all records by one statement: they are locked, so what is the same may be written too."""
    fields: list[Any] = [records[0]._meta.get_field(name) for name in ("id", *names, "updated_at")]
    now = timezone.now()
    for record in records:
        record.__dict__["updated_at"] = now
    columns, types, given = _set_of(records, fields)
    sets = ", ".join(f"{column} = given.{column}" for column in columns[1:])
    statement = (
        f"UPDATE {records[0]._meta.db_table} AS kept SET {sets} FROM jsonb_to_recordset(%s::jsonb) AS given ({types})"
        " WHERE kept.id = given.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [given])


def _set_of(records: Sequence[Model], fields: Sequence[Any]) -> tuple[list[str], str, str]:
    """Columns, their types, and the values of the records as one parameter: far cheaper than one for each value."""
    columns = [connection.ops.quote_name(field.column) for field in fields]
    types = ", ".join(
        f"{column} {field.db_type(connection)}" for column, field in zip(columns, fields, strict=True)
    )
    rows = [{field.column: plain(getattr(record, field.attname)) for field in fields} for record in records]
    return columns, types, json.dumps(rows)


def plain(value: Any) -> Any:
    """A value as JSON keeps it; other records by their ids."""
    if isinstance(value, Model):
        return str(value.pk)
    return value if value is None or isinstance(value, int | str | list | dict) else str(value)


def refusable(judge: Callable[[], Put[Row]]) -> Put[Row]:
    """What came of a row, a refusal included."""
    try:
        return judge()
    except DomainError as error:
        return Put(error=error)


def put_together(
    rows: Sequence[Given],
    together: Callable[[Sequence[Given]], list[Put[Row]]],
    alone: Callable[[Given], Put[Row]],
) -> list[Put[Row]]:
    """Put all rows in one step; where the database refuses that, one by one, to know which it was."""
    try:
        with transaction.atomic():
            return together(rows)
    except IntegrityError:
        # Somebody took one of the keys, or what a row refers to away, at this very moment.
        return [refusable(lambda row=row: _apart(alone, row)) for row in rows]  # type: ignore[misc]  # bound at once


def _apart(alone: Callable[[Given], Put[Row]], row: Given) -> Put[Row]:
    with transaction.atomic():
        return alone(row)

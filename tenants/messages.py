"""Several rows in one message to the database: where a round trip a row would cost more than the rows."""

from typing import Any

from django.db import connections
from django.db.models import Model
from django.db.models.sql import InsertQuery


def send_together(using: str, *parts: Model | str) -> list[Any]:
    """Insert rows, and run statements between them, inside the open transaction; what the statements answer.

    Rows come without their model's `save`, so for models only whose saving does nothing but insert.
    """
    assert connections[using].in_atomic_block, "send_together belongs in a transaction"
    statements = [(part, ()) if isinstance(part, str) else _insertion(part, using) for part in parts]
    with connections[using].cursor() as cursor:
        cursor.execute(
            ";\n".join(statement for statement, _ in statements),
            [value for _, values in statements for value in values],
        )
        answers = _answers(cursor)
    for row in parts:
        if isinstance(row, Model):
            row._state.adding, row._state.db = False, using
    return answers


def _insertion(row: Model, using: str) -> tuple[str, Any]:
    query = InsertQuery(type(row))
    query.insert_values(row._meta.local_concrete_fields, [row])
    ((statement, values),) = query.get_compiler(using=using).as_sql()
    return statement, values


def _answers(cursor: Any) -> list[Any]:
    answers = list(cursor.fetchall()) if cursor.description else []
    while cursor.nextset():
        answers += cursor.fetchall() if cursor.description else []
    return answers

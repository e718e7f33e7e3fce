"""The SQL that moves a schema by one migration: the ledger's row and django_migrations in the same transaction.

The ledger's row is updated first. That locks it against a second run and against a sign-up that would claim the
schema, and divides by zero where the schema is no longer what the recording was made for.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.pq import ConnStatus, ExecStatus

from shared_apps.fleet.grants import for_role
from shared_apps.fleet.models import Recording
from shared_apps.fleet.planning import Step

APART: Final = re.compile(
    r"\s*(((CREATE|DROP)\s+(UNIQUE\s+)?INDEX|REINDEX|ALTER\s+TABLE)\b.*\bCONCURRENTLY\b|VACUUM\b)",
    re.IGNORECASE | re.DOTALL,
)
INDEX: Final = re.compile(
    r"\s*(CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?\"?([^\s\"]+)\"?",
    re.IGNORECASE,
)
IS_VALID: Final = """
    SELECT i.indisvalid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE x.relname = %s AND x.relnamespace = %s::regnamespace"""


class Moved(Exception):
    """The schema is not what the ledger said a moment ago; somebody else was at it."""


def whole(recording: Recording, schema: str, trailing: Iterable[str] = ()) -> str:
    """One message that applies an atomic migration to a schema, or nothing of it."""
    return "\n;".join(
        [
            "BEGIN",
            path_to(schema),
            move(recording, schema),
            *recording.statements,
            *for_role(recording.grants, schema),
            *rows_of(recording.rows, recording.backwards),
            *trailing,
            "COMMIT",
        ]
    )


def send(connection: psycopg.Connection[Any], message: str) -> None:
    """Send statements whose answers nobody reads: without a cursor, which takes this process longer than the wait."""
    result = connection.pgconn.exec_(message.encode())
    if result.status == ExecStatus.FATAL_ERROR:
        if connection.pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(
                f"the connection is lost: {connection.pgconn.error_message.decode()}"
            )
        raise psycopg.errors.error_from_result(result)


def ending(recording: Recording, schema: str, trailing: Iterable[str] = ()) -> str:
    """One message that writes down a migration whose statements were run one by one."""
    return "\n;".join(
        [
            "BEGIN",
            path_to(schema),
            move(recording, schema),
            *for_role(recording.grants, schema),
            *rows_of(recording.rows, recording.backwards),
            *trailing,
            "COMMIT",
        ]
    )


def move(recording: Recording, schema: str) -> str:
    """Update the ledger's row, and fail unless the schema is of the kind that the recording was made on."""
    return f"""WITH moved AS (
        UPDATE public.fleet_schema SET applied = '{recording.to_applied}', fingerprint = '{recording.to_fingerprint}',
               halfway = '', steps = 0, failure = '', failed_at = NULL
         WHERE name = '{schema}' AND applied = '{recording.from_applied}'
           AND fingerprint = '{recording.from_fingerprint}' RETURNING 1) SELECT 1 / count(*) FROM moved"""


def rows_of(rows: Sequence[Iterable[str]], backwards: bool) -> list[str]:
    """What changes in a schema's own django_migrations."""
    pairs = ", ".join(f"({_quoted(app)}, {_quoted(name)})" for app, name in rows)
    if backwards:
        return [f"DELETE FROM django_migrations WHERE (app, name) IN ({pairs})"]
    if len(rows) == 1:  # not there, or the schema would be of another kind
        return [f"INSERT INTO django_migrations (app, name, applied) VALUES ({pairs[1:-1]}, now())"]
    known = "SELECT 1 FROM django_migrations d WHERE d.app = v.app AND d.name = v.name"
    fresh = f"SELECT v.app, v.name, now() FROM (VALUES {pairs}) AS v(app, name) WHERE NOT EXISTS ({known})"
    return [f"INSERT INTO django_migrations (app, name, applied) {fresh}"]


def path_to(schema: str) -> str:
    """The path of a schema, without public: a table that is missing must be an error."""
    return f'SET LOCAL search_path = "{schema}", ext'


# Outside a transaction


def begin_apart(connection: psycopg.Connection[Any], schema: str, step: Step, kind: tuple[str, str]) -> int:
    """Mark a schema as being in the middle of a migration; how many of its statements are done. Raises Moved."""
    row = connection.execute(
        "UPDATE public.fleet_schema SET halfway = %s, steps = CASE WHEN halfway = %s THEN steps ELSE 0 END"
        " WHERE name = %s AND applied = %s AND fingerprint = %s RETURNING steps",
        [str(step), str(step), schema, *kind],
    ).fetchone()
    if row is None:
        raise Moved(schema)
    return int(row[0])


def run_apart(connection: psycopg.Connection[Any], schema: str, number: int, statement: str) -> None:
    """Run one statement of a migration that has no transaction, and write down that it is done.

    Where PostgreSQL allows it, both are one transaction. Where it does not, the statement's own leftovers tell
    whether it was run: an index that is there and valid is finished, one that is invalid is dropped and made anew.
    """
    counted = f"UPDATE public.fleet_schema SET steps = {number} WHERE name = '{schema}'"
    if not APART.match(statement):
        connection.execute("\n;".join(["BEGIN", path_to(schema), statement, counted, "COMMIT"]))
        return
    connection.execute(f'SET search_path = "{schema}", ext')
    if _is_to_do(connection, schema, statement):
        connection.execute(statement)
    connection.execute(counted)


def _is_to_do(connection: psycopg.Connection[Any], schema: str, statement: str) -> bool:
    found = INDEX.match(statement)
    if found is None:
        return True
    verb, name = found.groups()
    row = connection.execute(IS_VALID, [name, schema]).fetchone()
    if verb.upper() == "DROP":
        return row is not None
    if row is not None and not row[0]:
        connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
    return row is None or not row[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

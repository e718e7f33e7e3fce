"""The neighbour's mark: a word that stands in every text of its schema and may be read nowhere else."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from django.http.response import HttpResponseBase
from psycopg import sql

from tenants.context import Tenant
from tests.stage import administrator

CANARY = "KANARIE7"
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Not shown to anybody, and nothing works when they are changed.
LEFT_ALONE = frozenset(
    {
        "django_migrations.app",
        "django_migrations.name",
        "django_session.session_key",
        "django_session.session_data",
        "imports_import.file_path",
        "users_apitoken.digest",
        "users_user.password",
    }
)

COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
     WHERE table_schema = %s AND data_type IN ('text', 'character varying', 'jsonb') ORDER BY 1, 2"""
MARK_TEXT = """
    UPDATE {table} AS t SET {column} = {canary} || '-' || numbered.n
      FROM (SELECT ctid AS place, row_number() OVER () AS n FROM {table}) AS numbered
     WHERE t.ctid = numbered.place"""
MARK_JSON = """
    UPDATE {table} SET {column} = {column} || CASE jsonb_typeof({column})
        WHEN 'array' THEN jsonb_build_array({canary}::text)
        ELSE jsonb_build_object({canary}::text, {canary}::text) END"""
# Columns that take only certain words, and codes that are shorter than the mark.
CHECKED = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
     WHERE table_schema = %s AND character_maximum_length < %s
    UNION
    SELECT t.relname || '.' || a.attname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey)
     WHERE c.contype = 'c' AND t.relnamespace = %s::regnamespace"""
KEYS = """
    SELECT t.relname, a.attname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey) JOIN pg_type y ON y.oid = a.atttypid
     WHERE i.indisprimary AND y.typname = 'uuid' AND t.relnamespace = %s::regnamespace"""


def mark(schema: str) -> tuple[set[str], set[str]]:
    """Write the canary into every text of a schema; the columns that took it, and those that did not."""
    taken: set[str] = set()
    refused: set[str] = set()
    with administrator() as connection:
        for table, column, kind in connection.execute(COLUMNS, [schema]).fetchall():
            if (name := f"{table}.{column}") in LEFT_ALONE:
                continue
            done = _mark_column(
                connection, schema, table, column, MARK_JSON if kind == "jsonb" else MARK_TEXT
            )
            (taken if done else refused).add(name)
    return taken, refused


def checked_columns(schema: str) -> set[str]:
    """Columns whose words are limited by a CHECK, or by so short a length that the mark is none of them."""
    with administrator() as connection:
        return {name for (name,) in connection.execute(CHECKED, [schema, len(CANARY), schema])}


def keys_of(tenant: Tenant) -> set[str]:
    """Every id that stands for a row of the tenant, its own among them."""
    with administrator() as connection:
        keys = connection.execute(KEYS, [tenant.schema]).fetchall()
        found = {
            str(key) for table, column in keys for key in _column(connection, tenant.schema, table, column)
        }
    return {*found, str(tenant.id)}


def _column(connection: psycopg.Connection[Any], schema: str, table: str, column: str) -> Iterator[Any]:
    query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(schema, table))
    return (value for (value,) in connection.execute(query))


def _mark_column(
    connection: psycopg.Connection[Any], schema: str, table: str, column: str, statement: str
) -> bool:
    """Whether every row took the canary; a table without rows has not."""
    query = sql.SQL(statement).format(
        table=sql.Identifier(schema, table), column=sql.Identifier(column), canary=sql.Literal(CANARY)
    )
    try:
        with connection.transaction():
            return connection.execute(query).rowcount > 0
    except (psycopg.errors.CheckViolation, psycopg.errors.StringDataRightTruncation):
        return False


class Watch:
    """Finds what belongs to one tenant in the answers that another gets."""

    def __init__(self, tenant: Tenant, shared: set[str], also: Iterable[Any] = ()) -> None:
        self.words = {CANARY.lower(), tenant.schema, tenant.host.partition(".")[0]}
        self.keys = (keys_of(tenant) | {str(key) for key in also}) - shared

    def leaks(self, response: HttpResponseBase, *, said: str = "") -> set[str]:
        """What of the tenant stands in an answer; `said` is what the caller had sent itself."""
        return self.leaks_in(f"{response.headers}\n{content(response)}", said=said)

    def leaks_in(self, text: str, *, said: str = "") -> set[str]:
        """What of the tenant stands in a text."""
        text = text.lower().replace(said.lower() or "\0", "")
        return {word for word in self.words if word in text} | (set(UUIDS.findall(text)) & self.keys)


def content(response: Any) -> str:
    """The whole body, streamed or not."""
    body: bytes = response.getvalue()
    return body.decode(errors="replace")

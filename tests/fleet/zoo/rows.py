"""Rows for the zoo's tables, the same in each schema, and how rows of two schemas are compared."""

from typing import Any, Final

import psycopg

ANN, BOB = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
# After which migration what is inserted.
ROWS: Final = {
    "0001_initial": f"""
        INSERT INTO zoo_keeper (id, name, note, phone) VALUES
            ('{ANN}', 'Ann', 'kind', NULL), ('{BOB}', 'Bob', NULL, '7');
        INSERT INTO zoo_animal (name, legs, keeper_id, born) VALUES
            ('Leo', 4, '{ANN}', '2020-02-29'), ('Max', 4, '{BOB}', NULL), ('Ida', 2, '{ANN}', NULL);
        INSERT INTO zoo_tag (id, word) VALUES ('{ANN}', 'big'), ('{BOB}', 'small');
        INSERT INTO zoo_ticket (price, code) VALUES (2.50, '17'), (3, '4');
        INSERT INTO zoo_ticketuse (id, ticket_id, at) VALUES ('{ANN}', 1, '2026-01-02T03:04:05Z');
        INSERT INTO zoo_cage (name, row, length) VALUES ('first', 1, 2.5), ('second', 2, 3);
        INSERT INTO zoo_doomed (animal_id) VALUES (1)""",
    "0004_through": f"""
        INSERT INTO zoo_bird (animal_ptr_id, wings) VALUES (3, NULL);
        INSERT INTO zoo_animal_tags (animal_id, tag_id) VALUES (1, '{ANN}'), (2, '{BOB}');
        INSERT INTO zoo_animal_friends (from_animal_id, to_animal_id) VALUES (1, 2), (2, 1);
        INSERT INTO zoo_visit (id, animal_id, keeper_id, during)
            VALUES ('{ANN}', 1, '{BOB}', '[2026-01-01T00:00Z, 2026-01-02T00:00Z)')""",
}  # fmt: skip
# What each schema has to itself: keys and moments that are made while it is migrated.
OWN: Final = {
    "zoo_cage": ("key", "cleaned_at", "created_at"),
    "zoo_enclosure": ("key", "cleaned_at", "created_at"),
    "zoo_ticket": ("sold_at", "serial"),
}
TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE 'zoo%%'"
RIGHTS: Final = """
    SELECT c.relname, replace(given.grantee::regrole::text, %(schema)s, 'tenant'), given.privilege_type
      FROM pg_class c, aclexplode(c.relacl) given
     WHERE c.relnamespace = %(schema)s::text::regnamespace ORDER BY 1, 2, 3"""

Connection = psycopg.Connection[Any]


def insert(admin: Connection, schema: str, migration: str) -> None:
    """Put in what belongs behind a migration."""
    if migration in ROWS:
        with admin.transaction():
            admin.execute(f'SET LOCAL search_path = "{schema}", ext; {ROWS[migration]}')


def rows(admin: Connection, schema: str) -> list[Any]:
    """Every row of the zoo's tables as JSON, without what a schema has to itself."""
    tables = [name for (name,) in admin.execute(TABLES, [schema]).fetchall()]
    parts = [
        f'SELECT \'{table}\', (to_jsonb(t) - ARRAY{list(OWN.get(table, ()))}::text[])::text FROM "{schema}"."{table}" t'
        for table in tables
    ]
    return admin.execute(" UNION ALL ".join(parts) + " ORDER BY 1, 2").fetchall()


def own_values(admin: Connection, schema: str, table: str, column: str) -> list[Any]:
    """The values of a column that each schema has to itself."""
    return [
        value for (value,) in admin.execute(f'SELECT {column}::text FROM "{schema}"."{table}"').fetchall()
    ]


def rights(admin: Connection, schema: str) -> list[Any]:
    """Who may do what to the tables of a schema, its own role called "tenant"."""
    return admin.execute(RIGHTS, {"schema": schema}).fetchall()


def applied(admin: Connection, schema: str) -> list[Any]:
    """What a schema's own table says of its migrations."""
    return admin.execute(f'SELECT app, name FROM "{schema}".django_migrations ORDER BY 1, 2').fetchall()

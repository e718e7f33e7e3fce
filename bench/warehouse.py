"""A shop with a hundred thousand rows in every list, made by the database itself, for `bin/bench search`.

Names are of two languages and follow from a row's number, so that every run searches the same shop. A second workspace
has as many rows in the lists that stay short in life, such as locations and categories: a shop that has them in its
filters could not be looked at.
"""

from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

ROWS: Final = 100_000
SHOP: Final = Path(__file__).with_name("warehouse.sql")
LONG_LISTS: Final = Path(__file__).with_name("long_lists.sql")
FACTS: Final[dict[str, Any]] = {
    "categories": 200,
    "locations": 20,
    "first": "00000000-0000-7000-8000-000000000001",
}


def fill(administrator: str, schema: str, file: Path, *, rows: int = ROWS) -> None:
    """Run the file's statements in a tenant's schema, in one transaction; the planner knows the rows afterwards."""
    with psycopg.connect(administrator, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL search_path = {}, ext").format(sql.Identifier(schema)))
            # Keys lead where they should by construction; asking for each would take as long as writing it.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(file.read_text().format(**FACTS, rows=rows).encode())
        connection.execute("VACUUM ANALYZE")

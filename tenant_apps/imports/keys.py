"""Keys of what an import writes, derived from the import and the line, so that nothing can be written twice.

A key is the import's own UUIDv7 with its last 32 random bits replaced by a digit for the kind of row and the
number of the line. It stays a valid UUIDv7, sorts in the file's order, and comes out the same after a crash.
"""

from typing import Final
from uuid import UUID

LINE, ORDER, PRODUCT, CUSTOMER, REJECTED = "01234"
MOST_LINES: Final = 0xFFFFFFF


def key_prefix(job_id: UUID) -> str:
    """The part that all keys of an import share; kind and line follow it."""
    return str(job_id)[:28]


def line_key(prefix: str, kind: str, line: int) -> str:
    """The key of the row of that kind that the line brings."""
    return f"{prefix}{kind}{line:07x}"

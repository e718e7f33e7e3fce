"""Cursors that refuse to run a statement for nobody, and open the tenant's transaction with the first one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from django.db.backends.postgresql import base as postgresql

if TYPE_CHECKING:
    from psycopg import ClientCursor, ServerCursor

    from tenants.backend.base import DatabaseWrapper

    Cursor = ClientCursor[Any]
    ServerSideCursor = ServerCursor[Any]
else:
    # Django chooses these by the psycopg it finds.
    Cursor, ServerSideCursor = postgresql.Cursor, postgresql.ServerSideCursor

SENTINEL_RESULT, FIRST_STATEMENT_RESULT = 3, 4


class TenantCursor(Cursor):
    """Client-side cursor. The opening and the first statement travel as one simple-protocol message."""

    wrapper: "DatabaseWrapper"

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        self.wrapper.require_open_transaction()
        opening = self.wrapper.take_opening()
        if opening is None:
            super().execute(query, params, **kwargs)
            return self
        text = query if params is None and isinstance(query, str) else self.mogrify(query, params)
        super().execute(f"{opening};{text}", None, **kwargs)
        self.set_result(SENTINEL_RESULT)
        self.wrapper.check_sentinel(self.fetchone())
        self.set_result(FIRST_STATEMENT_RESULT)
        return self

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        self.wrapper.open_now()
        super().executemany(*args, **kwargs)

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.wrapper.open_now()
        return super().copy(*args, **kwargs)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.wrapper.open_now()
        yield from super().stream(*args, **kwargs)


class TenantServerSideCursor(ServerSideCursor):
    """Named cursor; it always ends with the transaction it was opened in."""

    wrapper: "DatabaseWrapper"

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        self.wrapper.open_now()
        super().execute(query, params, **kwargs)
        return self

"""Cursors that refuse to run a statement for nobody, and open the tenant's transaction with the first one."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from django.db.backends.postgresql import base as postgresql

if TYPE_CHECKING:
    from tenants.backend.base import DatabaseWrapper

SENTINEL_RESULT, FIRST_STATEMENT_RESULT = 3, 4


class TenantCursor(postgresql.Cursor):  # type: ignore[name-defined,misc]  # chosen by Django at import
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

    def copy(self, *args: Any, **kwargs: Any) -> AbstractContextManager[Any]:
        self.wrapper.open_now()
        copy: AbstractContextManager[Any] = super().copy(*args, **kwargs)
        return copy

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.wrapper.open_now()
        rows: Iterable[Any] = super().stream(*args, **kwargs)
        yield from rows


class TenantServerSideCursor(postgresql.ServerSideCursor):  # type: ignore[name-defined,misc]  # chosen by Django at import
    """Named cursor; it always ends with the transaction it was opened in."""

    wrapper: "DatabaseWrapper"

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        self.wrapper.open_now()
        super().execute(query, params, **kwargs)
        return self

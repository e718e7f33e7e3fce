"""psycopg's pool for a backend that gets slower and larger with every tenant it meets."""

import select
from typing import Any

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool
from psycopg_pool.pool import AddConnection

from tenants.backend.touched import touched
from tenants.context import current


class TenantPool(ConnectionPool[Connection[Any]]):
    """Hands out the idle connection that knows the tenant, else the one that has met the fewest tenants."""

    def __init__(self, alias: str, **options: Any) -> None:
        self.alias = alias
        super().__init__(open=False, check=refuse_dead, **options)

    def replace(self, connection: Connection[Any]) -> None:
        """Take back a connection that was closed on purpose; another one is opened meanwhile."""
        connection._pool = None
        self.run_task(AddConnection(self))

    def _get_ready_connection(self, timeout: float | None) -> Connection[Any] | None:
        if len(self._pool) > 1:
            best = min(self._pool, key=self._strangeness)
            self._pool.remove(best)
            self._pool.appendleft(best)
        return super()._get_ready_connection(timeout)

    def _strangeness(self, connection: Connection[Any]) -> tuple[bool, int]:
        schema = getattr(current.get(), "schema", "")
        return touched.strangeness((self.alias, connection.pgconn.backend_pid), schema)


def is_alive(connection: Connection[Any]) -> bool:
    """Whether the server still holds the other end, asked of the socket and not by a round trip."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)


def refuse_dead(connection: Connection[Any]) -> None:
    """The pool's check: have a connection replaced whose server has closed it."""
    if not is_alive(connection):
        connection.close()
        raise OperationalError("The server closed the connection while it was idle.")

"""Reading from a replica, where a tenant goes on reading what it has written.

A commit that wrote leaves its position in the log in the cache, under the tenant. A request that changes nothing reads
from the replica only when that has replayed so far, and from the primary otherwise. Within a unit, whatever comes after
the first statement on the primary stays there.
"""

import time
from contextvars import ContextVar
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, Error, connections, transaction
from redis.exceptions import RedisError

REPLICA_ALIAS: Final = "replica"
PRIMARY_ALIAS: Final = "default"
FRESH_FOR: Final = 0.005
LEFT_ALONE_FOR: Final = 5.0
KEPT_FOR: Final = 3600
# Of two commits that are noted at once the later one counts.
NOTE: Final = """
local known = redis.call('GET', KEYS[1])
if not known or tonumber(known) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""
log = structlog.get_logger("rowhouse.replica")


class Replica:
    """What this process knows of the replica: how far it has replayed, and whether it is worth asking."""

    def __init__(self) -> None:
        self._replayed, self._asked, self._left_alone_until = 0, 0.0, 0.0
        self._first_met: dict[str, int] = {}
        self._cache: redis.Redis | None = None

    @property
    def is_configured(self) -> bool:
        """Whether there is one at all."""
        return REPLICA_ALIAS in connections.settings

    def note_write(self, schema: str, position: int) -> None:
        """Bind the tenant to the primary until the replica has replayed a commit. Never raises: it is committed."""
        self._first_met[schema] = max(position, self._first_met.get(schema, 0))
        try:
            self._queue().eval(NOTE, 1, _key(schema), position, KEPT_FOR)
        except RedisError as error:
            log.warning("write_not_noted", schema=schema, error=str(error))

    def serves(self, schema: str) -> bool:
        """Whether the replica has all that the tenant wrote."""
        if time.monotonic() < self._left_alone_until:
            return False
        try:
            return self._has_replayed(self._position_of(schema))
        except (Error, RedisError) as error:
            self.leave_alone(error)
            return False

    def leave_alone(self, error: BaseException) -> None:
        """It does not answer: read from the primary, and ask it again in a few seconds."""
        self._left_alone_until = time.monotonic() + LEFT_ALONE_FOR
        log.warning("replica_left_alone", seconds=LEFT_ALONE_FOR, error=str(error))

    def forget(self) -> None:
        """Begin anew, in this process only."""
        self.__init__()  # type: ignore[misc]  # the same state as of a new one

    def _position_of(self, schema: str) -> int:
        if schema not in self._first_met:
            # A sign-up or a migration, which no commit over this alias tells of, lies before the first meeting.
            self._first_met[schema] = _ask(PRIMARY_ALIAS, "pg_current_wal_insert_lsn()")
        return max(self._first_met[schema], int(self._queue().get(_key(schema)) or 0))

    def _has_replayed(self, position: int) -> bool:
        now = time.monotonic()
        if position > self._replayed and now - self._asked >= FRESH_FOR:
            self._asked, self._replayed = now, _ask(REPLICA_ALIAS, "pg_last_wal_replay_lsn()")
        return position <= self._replayed

    def _queue(self) -> Any:
        if self._cache is None:
            # Not Django's cache: that has no way to keep the larger of two values.
            self._cache = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=1)
        return self._cache


class UnitReads:
    """Where one unit reads: decided by its first read, and never again the replica once the primary was used."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._atomic: transaction.Atomic | None = None
        self._alias: str | None = None

    def alias(self) -> str:
        """The alias that a tenant's model is read from now."""
        if connections[PRIMARY_ALIAS].is_under_way:  # type: ignore[attr-defined]  # our own backend's
            return PRIMARY_ALIAS
        if self._alias is None:
            self._alias = REPLICA_ALIAS if replica.serves(self._schema) and self._enter() else PRIMARY_ALIAS
        return self._alias

    def _enter(self) -> bool:
        self._atomic = transaction.atomic(using=REPLICA_ALIAS, durable=True)
        try:
            self._atomic.__enter__()
        except Error as error:
            self._atomic = None
            replica.leave_alone(error)
            return False
        return True

    def restart(self) -> None:
        """Go on after an error, as the primary's side does."""
        if self._atomic is not None:
            connections[REPLICA_ALIAS].restart()  # type: ignore[attr-defined]  # our own backend's

    def leave(self, error: BaseException | None) -> None:
        """End the replica's transaction; nothing in it can be lost, so nothing that goes wrong here matters."""
        atomic, self._atomic, self._alias = self._atomic, None, PRIMARY_ALIAS
        if atomic is None:
            return
        if not connections[REPLICA_ALIAS].is_usable():
            replica.leave_alone(error or DatabaseError("The replica closed the connection."))
        try:
            atomic.__exit__(type(error) if error else None, error, None)
        except Error as lost:
            replica.leave_alone(lost)


reads: ContextVar[UnitReads | None] = ContextVar("reads", default=None)
replica = Replica()


def position(text: str) -> int:
    """A position in the log as a number: PostgreSQL writes it as two halves in hexadecimal."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _ask(alias: str, question: str) -> int:
    """Ask a server for a position, as the login and outside any tenant's transaction; 0 when it has none."""
    connection = connections[alias]
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        row = connection.connection.execute(f"SELECT {question}").fetchone()
    return position(row[0]) if row[0] else 0


def _key(schema: str) -> str:
    return f"rowhouse:log-position:{schema}"

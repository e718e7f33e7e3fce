"""Doing one thing to many schemas at once, over connections of the migrator's login."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final, Self

import psycopg
from django.db import connections

from tenants.routers import MIGRATOR_ALIAS

Act = Callable[[psycopg.Connection[Any], str], None]
Outcome = tuple[str, Exception | None]
CONNECTING: Final = (
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
)
# Locks: short, so that a queue behind a waiting ALTER TABLE is short; who waits too long comes again at the end.
# Commits: the last one of a run is synchronous and brings all others to the disk; one that is lost was not said
# to be done, as the ledger is lost with it.
SETTINGS: Final = "SET lock_timeout = '{milliseconds}ms'; SET synchronous_commit = off; SET timezone = 'UTC'"


class Workers:
    """Threads with a connection each; use as a context manager."""

    def __init__(self, count: int, lock_timeout: int) -> None:
        self._count, self._lock_timeout = count, lock_timeout
        self._idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        self._opener: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._opener is not None:
            self._opener.join()
        while not self._idle.empty():
            self._idle.get().close()

    def open_ahead(self) -> None:
        """Open the connections while something else is being done; who finds none ready opens one."""
        if self._opener is None:
            self._opener = Thread(target=self._open_all, name="fleet-opener", daemon=True)
            self._opener.start()

    def _open_all(self) -> None:
        with suppress(psycopg.OperationalError):  # whoever needs the connection is told
            for _ in range(self._count):
                self._idle.put(self._connect())

    def each(self, schemas: Iterable[str], act: Act) -> Iterator[Outcome]:
        """Do something to each schema; yields each as it is done, with what went wrong.

        Whoever stops asking stops the work: what is in hand is finished, the rest is left.
        """
        work = _Work(list(schemas), act)
        count = min(self._count, len(work.waiting))
        threads = [
            Thread(target=self._serve, args=[work], name=f"fleet-{n}", daemon=True) for n in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(len(work.waiting)):
                yield work.done.get()
        finally:
            work.stopped.set()
            for thread in threads:
                thread.join()

    def _serve(self, work: "_Work") -> None:
        connection: psycopg.Connection[Any] | None = None
        try:
            while (schema := work.take()) is not None:
                try:
                    connection = self._open(connection)
                    work.act(connection, schema)
                    work.done.put((schema, None))
                except Exception as error:  # noqa: BLE001  (it belongs to the schema, whoever asked decides)
                    work.done.put((schema, error))
                    _clear(connection)
        finally:
            if connection is not None and not connection.closed:
                self._idle.put(connection)
            connections.close_all()  # Django's own, of this thread, if the act has used them

    def _open(self, connection: psycopg.Connection[Any] | None) -> psycopg.Connection[Any]:
        if connection is not None and not connection.closed:
            return connection
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect()
        connection.execute(SETTINGS.format(milliseconds=self._lock_timeout))
        return connection


class _Work:
    """Schemas that wait for a thread, and those that are done."""

    def __init__(self, waiting: list[str], act: Act) -> None:
        self.waiting, self.act = waiting, act
        self.done: SimpleQueue[Outcome] = SimpleQueue()
        self.stopped = Event()
        self._next = iter(waiting)
        self._lock = Lock()

    def take(self) -> str | None:
        """The next schema, or None when there is none or nobody asks any more."""
        with self._lock:
            return None if self.stopped.is_set() else next(self._next, None)


def aside(act: Callable[[], None]) -> Future[None]:
    """Do something in a thread of its own, whose connections of Django's end with it."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="fleet-aside")
    future = pool.submit(_and_hang_up, act)
    pool.shutdown(wait=False)
    return future


def _and_hang_up(act: Callable[[], None]) -> None:
    try:
        act()
    finally:
        connections.close_all()


@contextmanager
def waiting_at_most(lock_timeout: int) -> Iterator[None]:
    """Have this thread's own connection of Django's wait no longer for locks than the workers do (milliseconds)."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{lock_timeout}ms'")
    try:
        yield
    finally:
        with connections[MIGRATOR_ALIAS].cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def connect() -> psycopg.Connection[Any]:
    """A connection of the migrator's login that Django does not know."""
    parameters = connections[MIGRATOR_ALIAS].get_connection_params()
    known = {name: value for name, value in parameters.items() if name in CONNECTING}
    # No prepared statements: they cannot hold several statements in one message.
    return psycopg.connect(**known, autocommit=True, prepare_threshold=None)


def _clear(connection: psycopg.Connection[Any] | None) -> None:
    """Leave the transaction that failed; a connection that is broken is replaced at the next use."""
    if connection is None or connection.closed:
        return
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()

"""PostgreSQL backend on which a tenant's statement runs inside the tenant's transaction or not at all.

psycopg stays in autocommit. `transaction.atomic()` calls `_start_transaction_under_autocommit`, the hook Django's
SQLite backend uses; it only remembers what to send. The first statement then carries
`BEGIN; SET LOCAL search_path; SET LOCAL ROLE; SELECT sentinel` in its own message, so that opening costs no round
trip. Everything set is local to the transaction: that is what stays right behind a transaction-mode pooler.
"""

from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql import psycopg_any
from django.db.backends.utils import debug_transaction
from django.db.transaction import TransactionManagementError
from psycopg import generators, postgres
from psycopg.pq import ExecStatus, Format, TransactionStatus

from tenants.backend.cursors import (
    FIRST_STATEMENT_RESULT,
    SENTINEL_RESULT,
    TenantCursor,
    TenantServerSideCursor,
)
from tenants.backend.pool import TenantPool, is_alive
from tenants.backend.touched import touched
from tenants.context import TENANT_ALIAS, NoTenant, Tenant, current
from tenants.replicas import position as lsn
from tenants.replicas import replica

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

# One snapshot for all statements, so that what they find belongs together.
READ_ONLY: Final = " ISOLATION LEVEL REPEATABLE READ, READ ONLY"
TIMESTAMPTZ_OID = postgres.types["timestamptz"].oid
SENTINEL: Final = "SELECT tenant_id, pg_backend_pid() FROM tenants_sentinel"

# A pooler in transaction mode would keep a full backend for others. It ends one whose client leaves within a
# transaction, so an empty one is begun together with the commit.
COMMIT_AND_CHAIN: Final = "COMMIT AND CHAIN"
POSITION_AROUND: Final = (
    "SELECT pg_current_xact_id_if_assigned() IS NOT NULL;{commit};SELECT pg_current_wal_insert_lsn()"
)


class WallBreached(RuntimeError):
    """The schema that answered belongs to another tenant than the one entered."""


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """One connection of the application's login, which has no rights until it enters a tenant's role."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound: Tenant | None = None
        self._opening: str | None = None
        # The backend has met more tenants than it should remember: it ends with the transaction.
        self._full = False
        # The last transaction at once found it full; the next one that ends by itself ends the backend.
        self.is_weary = False

    # Refusals

    def require_open_transaction(self) -> None:
        """Raise NoTenant unless a transaction of the current tenant is open (or about to be opened)."""
        realm = current.get()
        if self.bound is None or (realm is not self.bound and realm != self.bound):
            self._refuse()
        if self._opening is None and self._status() == TransactionStatus.IDLE:
            self._refuse("the transaction was ended by raw SQL")

    def _refuse(self, reason: str | None = None) -> NoReturn:
        realm = current.get()
        if reason is None and not isinstance(realm, Tenant):
            reason = "no tenant is set; enter one with unit_of_work(tenant)"
        elif reason is None and self.bound is None:
            reason = "no transaction is open; wrap the code in unit_of_work(tenant) or transaction.atomic()"
        elif reason is None:
            reason = f"the open transaction belongs to {self.bound.schema}, the context to {realm.schema}"  # type: ignore[union-attr]
        raise NoTenant(f'Tenant statement refused on "{self.alias}": {reason}.')

    @property
    def is_under_way(self) -> bool:
        """Whether the transaction has sent anything."""
        return self.bound is not None and self._opening is None

    def check_sentinel(self, row: tuple[Any, ...] | None) -> None:
        """Raise WallBreached unless the schema's own sentinel names the tenant of this transaction."""
        if self.bound is not None and row is not None and row[0] == self.bound.id:
            met = touched.add((self.alias, row[1]), self.bound.schema)
            self._full = met > settings.TENANTS_PER_CONNECTION
            return
        schema = self.bound.schema if self.bound else "?"
        # Whoever swallows the error must not go on in the wrong schema.
        self.needs_rollback = True
        self._forget()
        raise WallBreached(
            f"Schema {schema} does not carry its tenant's sentinel; the statement's result is withheld."
        )

    # Opening

    def _start_transaction_under_autocommit(self) -> None:
        tenant = current.get()
        if not isinstance(tenant, Tenant):
            self._refuse()
        self._be_connected()
        self.bound, self._opening = tenant, opening_message(tenant)

    def take_opening(self) -> str | None:
        """The message that opens the transaction, once; None when it was sent already."""
        opening, self._opening = self._opening, None
        return opening

    def open_now(self) -> None:
        """Send the opening by itself, before something that cannot travel in the same message."""
        self.require_open_transaction()
        opening = self.take_opening()
        if opening is None:
            return
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute(opening)
            cursor.set_result(3)
            self.check_sentinel(cursor.fetchone())

    # Reading at once

    def read_at_once(self, tenant: Tenant, statements: str) -> "list[PGresult]":
        """A whole transaction that reads, in one message: opening, statements and commit; their results.

        The walls are those of every other transaction. It begins READ ONLY, and what it found is handed out only
        after the sentinel was compared.
        """
        if self.in_atomic_block or self.bound is not None:
            self._refuse("a transaction is open already")
        self._be_connected()
        self.bound = tenant
        try:
            results = self._exchange(f"{opening_message(tenant, READ_ONLY)};{statements};COMMIT")
            self.check_sentinel(_sentinel_row(results))
            self.is_weary = self._full
        finally:
            self._forget()
        return results[FIRST_STATEMENT_RESULT:-1]

    def _exchange(self, message: str) -> "list[PGresult]":
        connection = self.connection
        with debug_transaction(self, message):
            connection.pgconn.send_query(message.encode())
            results = connection.wait(generators.execute(connection.pgconn))
        if self._status() != TransactionStatus.IDLE:
            connection.rollback()
        if results[-1].status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise DatabaseError(results[-1].get_error_message())
        return list(results)

    def _be_connected(self) -> None:
        if self.connection is None or not self.is_usable():
            # The server closed it while it was idle; nothing was sent, so nothing can be lost.
            self.close()
            self.connect()

    def restart(self) -> None:
        """Throw away what the transaction did and go on in a fresh one of the same tenant."""
        self.run_on_commit = []
        self.needs_rollback = False
        self.rollback_exc = None
        if self._opening is None and self.bound is not None and self.connection is not None:
            self.connection.rollback()
            self._opening = opening_message(self.bound)

    # Ending

    def _commit(self) -> None:
        if self._opening is not None:
            self._forget()
            return
        self._refuse_lost_commit()
        if self.alias == TENANT_ALIAS and replica.is_configured:
            self._commit_and_note_position()
        elif self._full:
            with debug_transaction(self, COMMIT_AND_CHAIN), self.wrap_database_errors:
                self.connection.execute(COMMIT_AND_CHAIN)
        else:
            super()._commit()  # type: ignore[misc]  # the stubs leave it out
        if self._full:
            self._leave()
        self.is_weary = False
        self._forget()

    def _commit_and_note_position(self) -> None:
        """Commit and ask, in the same message, how far the log has come; noted when something was written."""
        commit = COMMIT_AND_CHAIN if self._full else "COMMIT"
        with debug_transaction(self, commit), self.wrap_database_errors:
            answers = self.connection.execute(POSITION_AROUND.format(commit=commit))
        (has_written,) = answers.fetchone()
        (position,) = answers.set_result(2).fetchone()
        if has_written and self.bound is not None:
            replica.note_write(self.bound.schema, lsn(position))

    def _leave(self) -> None:
        """Have the backend ended with all it remembers."""
        # Only the socket: to Django it looks as if the server had gone, and the next unit connects anew.
        touched.forget((self.alias, self.connection.pgconn.backend_pid))
        self.connection.close()

    def _refuse_lost_commit(self) -> None:
        # COMMIT of an aborted transaction answers ROLLBACK, without an error.
        if self._status() == TransactionStatus.INERROR:
            raise TransactionManagementError(
                "The transaction is aborted: a database error was swallowed and COMMIT would silently roll back."
            )
        if self.bound is not None and self._status() == TransactionStatus.IDLE:
            raise TransactionManagementError("The transaction was ended by raw SQL before its unit of work.")

    def _rollback(self) -> None:
        unsent, full = self._opening is not None, self._full
        self._forget()
        if full and self.connection is not None:
            self._leave()
        elif not unsent:
            super()._rollback()  # type: ignore[misc]  # the stubs leave it out

    def close(self) -> None:
        self._forget()
        super().close()

    def _forget(self) -> None:
        self.bound = self._opening = None
        self._full = False

    def _set_autocommit(self, autocommit: bool) -> None:
        if not autocommit:
            raise TransactionManagementError(
                "Manual transaction management is refused here; use transaction.atomic()."
            )
        if self.connection is not None and not self.connection.autocommit:
            super()._set_autocommit(True)  # type: ignore[misc]  # the stubs leave it out

    def _status(self) -> TransactionStatus:
        if self.connection is None:
            return TransactionStatus.UNKNOWN
        status: TransactionStatus = self.connection.pgconn.transaction_status
        return status

    # Connections and cursors

    def is_usable(self) -> bool:
        """Whether the server still holds the other end, asked of the socket and not by a round trip."""
        return self.connection is not None and is_alive(self.connection)

    @property
    def pool(self) -> Any:
        """Django's pool of this alias, made of connections that are chosen by tenant; None without one."""
        options = self.settings_dict["OPTIONS"].get("pool")
        pools: dict[str, TenantPool] = self._connection_pools  # type: ignore[attr-defined]  # the stubs leave it out
        if options and self.alias not in pools:
            if self.settings_dict["CONN_MAX_AGE"] != 0:
                raise ImproperlyConfigured("A pool keeps connections itself: set CONN_MAX_AGE to 0 with it.")
            kwargs = {**self.get_connection_params(), "autocommit": True}
            configure = self._configure_connection  # type: ignore[attr-defined]  # as above
            made = TenantPool(self.alias, kwargs=kwargs, configure=configure, **options)
            # Threads may make one each at first; the first that is kept serves all, the others were never opened.
            pools.setdefault(self.alias, made)
        return super().pool

    def _close(self) -> None:
        if self.connection is not None and self.connection.closed and self.pool:
            self.pool.replace(self.connection)
            self.connection = None
        else:
            super()._close()  # type: ignore[misc]  # as above

    def create_cursor(self, name: str | None = None) -> Any:
        cursor: Any
        if name:
            # WITH HOLD would outlive the transaction, and with it the role.
            cursor = TenantServerSideCursor(self.connection, name=name, scrollable=False, withhold=False)
        else:
            cursor = TenantCursor(self.connection)
        cursor.wrapper = self
        loader = self.connection.adapters.get_loader(TIMESTAMPTZ_OID, Format.TEXT)
        if self.timezone != loader.timezone:
            psycopg_any.register_tzloader(self.timezone, cursor)
        return cursor

    def prepare_database(self) -> None:
        raise TransactionManagementError("Tables are changed on the migrator alias; run `manage.py migrate`.")


def opening_message(tenant: Tenant, mode: str = "") -> str:
    """The text that opens a tenant's transaction: its path, its role, and the question whose schema this is."""
    return (
        f'BEGIN{mode};SET LOCAL search_path="{tenant.schema}",ext;SET LOCAL ROLE "{tenant.role}";{SENTINEL}'
    )


def _sentinel_row(results: "list[PGresult]") -> tuple[Any, ...] | None:
    if len(results) <= SENTINEL_RESULT or results[SENTINEL_RESULT].ntuples != 1:
        return None
    tenant_id, pid = (results[SENTINEL_RESULT].get_value(0, column) for column in (0, 1))
    return (UUID((tenant_id or b"").decode()), int(pid or 0))

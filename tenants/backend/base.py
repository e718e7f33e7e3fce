"""PostgreSQL backend on which a tenant's statement runs inside the tenant's transaction or not at all.

psycopg stays in autocommit. `transaction.atomic()` calls `_start_transaction_under_autocommit`, the hook Django's
SQLite backend uses; it only remembers what to send. The first statement then carries
`BEGIN; SET LOCAL search_path; SET LOCAL ROLE; SELECT sentinel` in its own message, so that opening costs no round
trip. Everything set is local to the transaction: that is what stays right behind a transaction-mode pooler.
"""

import select
from typing import Any, NoReturn

from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql import psycopg_any
from django.db.transaction import TransactionManagementError
from psycopg import postgres
from psycopg.pq import Format, TransactionStatus

from tenants.backend.cursors import TenantCursor, TenantServerSideCursor
from tenants.context import NoTenant, Tenant, current

TIMESTAMPTZ_OID = postgres.types["timestamptz"].oid


class WallBreached(RuntimeError):
    """The schema that answered belongs to another tenant than the one entered."""


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """One connection of the application's login, which has no rights until it enters a tenant's role."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound: Tenant | None = None
        self._opening: str | None = None

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

    def check_sentinel(self, row: tuple[Any, ...] | None) -> None:
        """Raise WallBreached unless the schema's own sentinel names the tenant of this transaction."""
        if self.bound is not None and row is not None and row[0] == self.bound.id:
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
        if not self.is_usable():
            # The server closed it while it was idle; nothing was sent, so nothing can be lost.
            self.close()
            self.connect()
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
        super()._commit()  # type: ignore[misc]  # the stubs leave it out
        self._forget()

    def _refuse_lost_commit(self) -> None:
        # COMMIT of an aborted transaction answers ROLLBACK, without an error.
        if self._status() == TransactionStatus.INERROR:
            raise TransactionManagementError(
                "The transaction is aborted: a database error was swallowed and COMMIT would silently roll back."
            )
        if self.bound is not None and self._status() == TransactionStatus.IDLE:
            raise TransactionManagementError("The transaction was ended by raw SQL before its unit of work.")

    def _rollback(self) -> None:
        unsent = self._opening is not None
        self._forget()
        if not unsent:
            super()._rollback()  # type: ignore[misc]  # the stubs leave it out

    def close(self) -> None:
        self._forget()
        super().close()

    def _forget(self) -> None:
        self.bound = self._opening = None

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
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

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


def opening_message(tenant: Tenant) -> str:
    """The text that opens a tenant's transaction: its path, its role, and the question whose schema this is."""
    return (
        f'BEGIN;SET LOCAL search_path="{tenant.schema}",ext;SET LOCAL ROLE "{tenant.role}";'
        "SELECT tenant_id FROM tenants_sentinel"
    )

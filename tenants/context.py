"""Who the current tenant is, and the one way to run its statements: a unit of work."""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from tenants.replicas import UnitReads, reads, replica

TENANT_ALIAS: Final = "default"
SCHEMA_NAME = re.compile(r"t_[a-z0-9]{4,40}")


class NoTenant(RuntimeError):
    """A tenant's data was asked for without a tenant, or outside its transaction."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as the walls see it: plain values, safe to cache and to share between threads.

    `host` is the primary one, whichever led here. Id and schema alone make two of them equal: what a process read
    before a rename or a suspension is the same tenant as what it reads afterwards.
    """

    id: UUID
    schema: str
    name: str = field(compare=False)
    host: str = field(compare=False)
    status: str = field(default="active", compare=False)
    locale: str = field(default="en", compare=False)
    time_zone: str = field(default="UTC", compare=False)
    currency: str = field(default="EUR", compare=False)
    notice: str = field(default="", compare=False)
    delete_after: datetime | None = field(default=None, compare=False)
    plan: str = field(default="free", compare=False)
    plan_version: int = field(default=1, compare=False)
    trial_ends_at: datetime | None = field(default=None, compare=False)
    access: str = field(default="full", compare=False)
    access_reason: str = field(default="", compare=False)
    access_since: datetime | None = field(default=None, compare=False)
    access_until: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        # The schema's name becomes SQL text in the message that opens a transaction.
        if not SCHEMA_NAME.fullmatch(self.schema):
            raise ValueError(
                f"{self.schema!r} is no tenant schema: expected t_ and 4 to 40 lower-case letters or digits"
            )

    @property
    def role(self) -> str:
        """The database role that owns nothing and may touch this tenant's tables only."""
        return self.schema


class Public:
    """The public realm: operators and platform tables. It has to be entered on purpose, like a tenant."""

    schema = "public"

    def __repr__(self) -> str:
        return "PUBLIC"


PUBLIC: Final = Public()
Realm = Tenant | Public

current: ContextVar[Realm | None] = ContextVar("realm", default=None)


def current_tenant() -> Tenant:
    """The tenant whose context is entered; raises NoTenant in public or outside any context."""
    realm = current.get()
    if isinstance(realm, Tenant):
        return realm
    where = "in the public realm" if realm is PUBLIC else "outside any context"
    raise NoTenant(
        f"No tenant is set: this code runs {where}. Enter one with tenant_context() or unit_of_work()."
    )


def realm_key() -> str:
    """A stable text that names the current tenant or `public`; raises NoTenant outside any context."""
    realm = current.get()
    if realm is None:
        raise NoTenant(
            "Neither a tenant nor the public realm is set. Enter one with tenant_context() or public_context()."
        )
    return str(realm.id) if isinstance(realm, Tenant) else realm.schema


@contextmanager
def tenant_context(tenant: Tenant) -> Iterator[Tenant]:
    """Name the tenant and open nothing: each `transaction.atomic()` inside is a whole tenant transaction."""
    token = current.set(tenant)
    try:
        yield tenant
    finally:
        current.reset(token)


@contextmanager
def public_context() -> Iterator[None]:
    """Enter the public realm: models that live in every schema are read from `public`."""
    token = current.set(PUBLIC)
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def unit_of_work(tenant: Tenant) -> Iterator[Tenant]:
    """One tenant, one transaction: committed at the end, rolled back by any exception."""
    unit = Unit(tenant).enter()
    try:
        yield tenant
    except BaseException as error:
        unit.leave(error)
        raise
    else:
        unit.leave()


class Unit:
    """One tenant transaction, entered and left by hand; the middleware and `unit_of_work` drive it.

    One that only means to read may do so from the replica, where there is one.
    """

    __slots__ = ("_atomic", "_reads", "_token", "tenant")

    def __init__(self, tenant: Tenant, *, reading: bool = False) -> None:
        self.tenant = tenant
        self._atomic = transaction.atomic(using=TENANT_ALIAS, durable=True)
        self._reads = UnitReads(tenant.schema) if reading and replica.is_configured else None
        self._token: Token[Realm | None] | None = None

    def enter(self) -> "Unit":
        self._token = current.set(self.tenant)
        try:
            self._atomic.__enter__()
        except BaseException:
            current.reset(self._token)
            raise
        reads.set(self._reads)
        return self

    def leave(self, error: BaseException | None = None) -> None:
        """Commit, or roll back when there is an error; the context ends either way."""
        assert self._token is not None
        if self._reads is not None:
            reads.set(None)
            self._reads.leave(error)
        try:
            broken = error or _swallowed_error()
            self._atomic.__exit__(type(broken) if broken else None, broken, None)
            if broken is not None and error is None:
                raise broken
        finally:
            current.reset(self._token)

    def restart(self) -> bool:
        """Undo what was done so far and go on in a fresh transaction; False inside an inner atomic block."""
        connection = connections[TENANT_ALIAS]
        if connection.savepoint_ids:
            return False
        connection.restart()  # type: ignore[attr-defined]  # our own backend's method
        if self._reads is not None:
            self._reads.restart()
        return True


def _swallowed_error() -> TransactionManagementError | None:
    """Django would roll back in silence under a successful answer; lost writes must be an error instead."""
    connection = connections[TENANT_ALIAS]
    if not connection.needs_rollback:
        return None
    error = TransactionManagementError(
        "A database error was swallowed inside the tenant's transaction, so its writes cannot be kept. "
        "Wrap the statement that may fail in its own transaction.atomic()."
    )
    error.__cause__ = getattr(connection, "rollback_exc", None)
    return error


def stream_in(tenant: Tenant, produce: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """Yield a response body that is made after the request's commit, inside a unit of work of its own.

    The tenant is entered only while the producer runs, so that nothing else on the thread sees it between two chunks.
    """
    context = copy_context()
    body = context.run(_produce_in_unit, tenant, produce)
    try:
        while (chunk := context.run(next, body, None)) is not None:
            yield chunk
    finally:
        context.run(body.close)


def _produce_in_unit(tenant: Tenant, produce: Callable[[], Iterator[bytes]]) -> Generator[bytes]:
    with unit_of_work(tenant):
        yield from produce()

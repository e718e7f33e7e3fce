"""Bases of all tasks: one enters the tenant its message names or refuses, the other is public on purpose."""

from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject

from tenants.context import NoTenant, Tenant, current, current_tenant, public_context, tenant_context
from tenants.hosts import directory
from tenants.standing import Purpose, work_for
from tenants.status import Work

TENANT_HEADER, HELD_HEADER = "tenant", "held"
SOONEST, LATEST = 1, 30


class UndeclaredRealm(RuntimeError):
    """A task says neither that it is a tenant's nor that it is public."""


class RealmlessTask(Task):  # type: ignore[type-arg]  # generic for the type checker only
    """The default base: a task that inherits it cannot run, it has to choose TenantTask or PublicTask."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise UndeclaredRealm(
            f"Task {self.name} declares no realm. Give it base=TenantTask (runs in the tenant its message names) "
            "or base=PublicTask (platform tables only)."
        )


class TenantTask(RealmlessTask):
    """Runs in the tenant that the message's header names, and nowhere else; not before the tenant is open again.

    The task enters the context only; it opens its transactions itself, as short as they can be. `purpose` says what it
    is for: one that says nothing changes the tenant's business, and is not run while payments do not allow that.
    """

    abstract = True
    purpose: Purpose = Purpose.CHANGE

    def apply_async(  # type: ignore[override]  # options are passed on as they come
        self, args: Any = None, kwargs: Any = None, **options: Any
    ) -> Any:
        tenant = current_tenant()
        headers = {**(options.pop("headers", None) or {}), TENANT_HEADER: tenant.schema}
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant = self._tenant()
        match work_for(tenant, self.purpose):
            case Work.HOLD:
                self._hold(tenant)
            case Work.DROP:
                state = f"{tenant.status}, with {tenant.access} access"
                raise Reject(f"Task {self.name} is dropped: its tenant is {state}.", requeue=False)
        with tenant_context(tenant):
            return self.run(*args, **kwargs)

    def _hold(self, tenant: Tenant) -> NoReturn:
        """Put the message back for a while, as often as it takes; tries that failed are not counted by it.

        The message in hand is acknowledged after the new one is in the queue: a worker that dies between the two
        leaves one message too many, never one too few.
        """
        held = int(self._header(HELD_HEADER) or 0)
        options: dict[str, Any] = {
            **self.request.as_execution_options(),
            **self._queue(),
            "headers": {
                **(self.request.headers or {}),
                TENANT_HEADER: tenant.schema,
                HELD_HEADER: held + 1,
            },
            "countdown": min(SOONEST * 2 ** min(held, 10), LATEST),
        }
        super().apply_async(self.request.args, self.request.kwargs, **options)  # type: ignore[arg-type]
        raise Ignore(f"Task {self.name} waits: its tenant is {tenant.status}.")

    def _queue(self) -> dict[str, Any]:
        """The queue that the message came from, where it came from one."""
        delivery = self.request.delivery_info or {}
        told = {"queue": delivery.get("routing_key"), "priority": delivery.get("priority")}
        return {name: value for name, value in told.items() if value is not None}

    def _header(self, name: str) -> Any:
        return self.request.get(name) or (self.request.headers or {}).get(name)

    def _tenant(self) -> Tenant:
        schema = self._header(TENANT_HEADER)
        if not schema:
            raise NoTenant(f"Task {self.name} came without a tenant header; it is not run.")
        tenant = directory.by_schema(schema)
        if tenant is None:
            raise NoTenant(
                f"Task {self.name} names schema {schema}, which belongs to no tenant; it is not run."
            )
        entered = current.get()
        if entered is not None and entered != tenant:
            raise NoTenant(
                f"Task {self.name} is for {schema}, but the thread is in {entered!r}; it is not run."
            )
        return tenant


class PublicTask(RealmlessTask):
    """Runs in the public realm: platform tables, no tenant's data."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with public_context():
            return self.run(*args, **kwargs)

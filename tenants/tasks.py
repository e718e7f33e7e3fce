"""Bases of all tasks: one enters the tenant its message names or refuses, the other is public on purpose."""

from typing import Any

from celery import Task
from celery.exceptions import Reject

from tenants.context import NoTenant, Tenant, current, current_tenant, public_context, tenant_context
from tenants.hosts import directory

TENANT_HEADER = "tenant"


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
    """Runs in the tenant that the message's header names, and nowhere else.

    The task enters the context only; it opens its transactions itself, as short as they can be.
    """

    abstract = True

    def apply_async(  # type: ignore[override]  # options are passed on as they come
        self, args: Any = None, kwargs: Any = None, **options: Any
    ) -> Any:
        tenant = current_tenant()
        headers = {**(options.pop("headers", None) or {}), TENANT_HEADER: tenant.schema}
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with tenant_context(self._tenant()):
            return self.run(*args, **kwargs)

    def _tenant(self) -> Tenant:
        schema = self.request.get(TENANT_HEADER) or (self.request.headers or {}).get(TENANT_HEADER)
        if not schema:
            raise NoTenant(f"Task {self.name} came without a tenant header; it is not run.")
        tenant = directory.by_schema(schema)
        if tenant is None:
            raise NoTenant(
                f"Task {self.name} names schema {schema}, which belongs to no tenant; it is not run."
            )
        if tenant.status != "active":
            raise Reject(f"Task {self.name} is dropped: its tenant is {tenant.status}.", requeue=False)
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

"""The most that a tenant wants to spend in a period, and the stop that it may ask for.

What has been spent is known to the minute: the stop comes with the fold that sees the cap reached, and two seconds
later every process refuses. It ends with the period, or when the cap is raised, lifted or no more than told of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from billing.models import SpendCap
from billing.plans.catalogue import PlanVersion, plan_of
from billing.pricing.periods import Period, period_of
from billing.pricing.preview import preview
from billing.pricing.rating import ZERO
from shared_apps.clients.directory import raise_version
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant, current_tenant
from tenants.errors import DomainError, Invalid
from tenants.formats import money
from tenants.hosts import address_at, directory
from tenants.routers import CONTROL_ALIAS

PATH: Final = "/usage/cap/"
Behaviour = SpendCap.Behaviour
WATCH: Final = Actor.system("usage")


class SpendCapReached(DomainError):
    """The workspace wants to spend no more in this period."""

    code = "spend_cap_reached"
    status = 402
    title = "The spend cap is reached"


@dataclass(frozen=True, slots=True)
class Stop:
    """Until when a tenant's cap refuses what costs money."""

    amount: Decimal
    until: datetime


def cap_of(tenant: Tenant) -> SpendCap:
    """A tenant's cap; one without an amount where nobody has set any."""
    return SpendCap.objects.filter(pk=tenant.id).first() or SpendCap(id=tenant.id, tenant=tenant.schema)


def spent_of(tenant: Tenant, period: Period, now: datetime) -> Decimal:
    """What the period will be charged with as it stands; nothing while the plan is tried."""
    if tenant.trial_ends_at is not None and tenant.trial_ends_at > now:
        return ZERO
    return preview(plan_of(tenant).terms, tenant=tenant.schema, begin=period.begin, end=period.end).total


class CapChanges(TypedDict, total=False):
    """What of a cap its tenant may change; no amount lifts it."""

    amount: Decimal | None
    behaviour: str


def change_spend_cap(
    *,
    tenant: Tenant,
    actor: Actor,
    unless: Callable[[SpendCap], None] = lambda cap: None,
    **changes: Unpack[CapChanges],
) -> SpendCap:
    """Change what is given of the cap. It counts at once: the stop begins or ends with it.

    `unless` may refuse the state that the cap is in, which nobody else changes meanwhile.
    """
    _check(changes.get("amount"), plan_of(tenant))
    with transaction.atomic(using=CONTROL_ALIAS):
        cap = _held(tenant)
        unless(cap)
        data = {"from": _told(cap)}
        for name, value in changes.items():
            setattr(cap, name, value)
        now = timezone.now()
        period = period_of(tenant.schema, now)
        _settle(cap, spent_of(tenant, period, now), period)
        cap.updated_at = now
        cap.save()
        data["to"] = _told(cap)
        record(actor=actor, verb="spend_cap.changed", data=data, using=CONTROL_ALIAS)
        raise_version(CONTROL_ALIAS)
    directory.forget()
    return cap


def hold_to_cap(*, tenant: Tenant, spent: Decimal, period: Period) -> SpendCap | None:
    """Begin or end the stop as what was spent says; the cap, where the tenant has one."""
    with transaction.atomic(using=CONTROL_ALIAS):
        cap = SpendCap.objects.select_for_update().filter(pk=tenant.id, amount__isnull=False).first()
        if cap is not None and _settle(cap, spent, period):
            cap.save(update_fields=["stopped_until"])
            verb = "spend_cap.released" if cap.stopped_until is None else "spend_cap.reached"
            data = {"tenant": tenant.schema, "spent": str(spent), **_told(cap)}
            record(actor=WATCH, verb=verb, data=data, using=CONTROL_ALIAS)
            raise_version(CONTROL_ALIAS)
            transaction.on_commit(directory.forget, using=CONTROL_ALIAS)
    return cap


def refusal_of(tenant: Tenant, meter: str = "api_calls") -> SpendCapReached | None:
    """Why a tenant may use no more of a meter in this period; None where it may. Asks no database."""
    stop = directory.beside("spend-stops", _stops).get(tenant.schema)
    if stop is None or stop.until <= timezone.now() or not _is_charged(tenant, meter):
        return None
    shown, end = money(stop.amount, plan_of(tenant).currency), date_format(stop.until, "j F Y, H:i")
    return SpendCapReached(
        f"This workspace has a spend cap of {shown} for a billing period, it is reached, and this would cost more. "
        f"An owner or admin can raise or lift it at {address_at(tenant.host, PATH)}, or by PATCH on "
        f"/api/v1/usage/spend-cap/. The period ends on {end} UTC.",
        cap=f"{stop.amount:.2f}",
        currency=plan_of(tenant).currency,
        until=stop.until.isoformat(),
    )


def require_budget(meter: str) -> None:
    """Raise SpendCapReached where the current tenant's cap lets no more of a meter be used."""
    if (refusal := refusal_of(current_tenant(), meter)) is not None:
        raise refusal


def _is_charged(tenant: Tenant, meter: str) -> bool:
    return any(price.meter == meter for price in plan_of(tenant).terms.prices)


def _stops() -> Mapping[str, Stop]:
    rows = SpendCap.objects.filter(stopped_until__gt=timezone.now())
    return {
        schema: Stop(amount, until)
        for schema, amount, until in rows.values_list("tenant", "amount", "stopped_until")
        if amount is not None and until is not None
    }


def _check(amount: Decimal | None, plan: PlanVersion) -> None:
    if amount is None:
        return
    if not plan.terms.prices:
        raise Invalid(
            f"The {plan.name} plan charges nothing for use, so there is nothing to cap.", field="amount"
        )
    if amount <= plan.terms.base:
        base = money(plan.terms.base, plan.currency)
        raise Invalid(
            f"The {plan.name} plan costs {base} before anything is used. Give more, or nothing to lift the cap.",
            field="amount",
        )


def _held(tenant: Tenant) -> SpendCap:
    SpendCap.objects.bulk_create([SpendCap(id=tenant.id, tenant=tenant.schema)], ignore_conflicts=True)
    return SpendCap.objects.select_for_update().get(pk=tenant.id)


def _settle(cap: SpendCap, spent: Decimal, period: Period) -> bool:
    """Whether the stop has changed."""
    is_reached = cap.amount is not None and cap.behaviour == Behaviour.STOP and spent >= cap.amount
    wanted = period.end if is_reached else None
    if cap.stopped_until == wanted:
        return False
    cap.stopped_until = wanted
    return True


def _told(cap: SpendCap) -> dict[str, Any]:
    amount = None if cap.amount is None else f"{cap.amount:.2f}"
    stopped = cap.stopped_until and cap.stopped_until.isoformat()
    return {"amount": amount, "behaviour": cap.behaviour, "stopped_until": stopped}

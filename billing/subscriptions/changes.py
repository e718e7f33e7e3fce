"""From one plan to another: shown line by line as Stripe works it out, then done as it was shown.

To a dearer plan at once, with the rest of the period charged pro rata and what was used so far by the old prices; if
the card fails nothing changes until the invoice is paid. To a cheaper one at the end of the period that is paid for.
During a trial at once either way, as nothing is charged. A change leads to the newest version; who makes none keeps
theirs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from billing.accounts.projecting import held, project_invoice, project_subscriptions
from billing.accounts.reading import BASE, lines_of, meanings_of_all, moment
from billing.entitlements import excesses
from billing.models import StripeInvoice, Subscription
from billing.models.lines import InvoiceLine, said
from billing.outbox.flushing import bring_use
from billing.plans.catalogue import PlanVersion, plan_version
from billing.pricing.money import amount_of
from billing.stripe.client import Call
from billing.subscriptions.acting import (
    Act,
    acting,
    for_sale,
    need_customer,
    prices_of,
    release_schedule,
    translated,
)
from billing.subscriptions.deeds import stripe_account
from billing.subscriptions.problems import LookAgain, NotPossibleNow, OverLimits, PaymentNeeded, StripeAway
from tenants.audit.actors import Actor
from tenants.context import Tenant, tenant_context
from tenants.signing import BadLink, sign, unsign

Status = Subscription.Status
PURPOSE: Final = "billing.plan_change"
GOOD_FOR: Final = timedelta(minutes=15)
CHANGEABLE: Final = (Status.TRIALING, Status.ACTIVE)


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What a change of plan would mean. Whoever makes the change gives the token back."""

    plan: PlanVersion
    before: PlanVersion
    is_at_once: bool
    effective_at: datetime
    currency: str
    # Of a change at once, its own invoice; of a later one, the first invoice after it without use.
    lines: tuple[InvoiceLine, ...]
    total: Decimal
    due_now: Decimal
    token: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token says."""

    subscription: str
    plan: str
    version: int
    is_at_once: bool
    at: int
    # The prices that the subscription had.
    prices: str


def preview_change(*, tenant: Tenant, plan: str) -> ChangePreview:
    """What a change to the newest version of a plan comes to, by Stripe's own preview."""
    version = for_sale(plan)
    need_customer(tenant)
    _refuse_overfull(tenant, version)
    with translated(), held(tenant=tenant.schema) as customer:
        running = project_subscriptions(customer)
        before = _changeable(running, version)
        assert running is not None
    _send_use(tenant)
    with translated():
        return _preview(tenant, running, before, version)


def change_plan(*, tenant: Tenant, plan: str, token: str, actor: Actor) -> Subscription:
    """Do what a preview has shown; refused if it would come to something else by now."""
    version = for_sale(plan)
    shown = _shown(tenant, token)
    _refuse_overfull(tenant, version)
    _send_use(tenant)
    params = {"plan": version.key, "version": version.number, "at": shown.at}
    owed: StripeInvoice | None = None
    with acting(tenant, "change_plan", actor, params) as act:
        if not _is_made(act.running, version):
            before = _changeable(act.running, version)
            _compare(act.running, version, shown)
            _change(act, before, version, shown)
        found = act.finish("subscription.plan_changed", plan=str(version), at_once=shown.is_at_once)
        if shown.is_at_once and found.latest_invoice:
            invoice = project_invoice(act.customer, found.latest_invoice)
            owed = invoice if found.pending_plan and not found.schedule else None
    if owed is not None:
        raise _unpaid(owed, version)
    return found


def _change(act: Act, before: PlanVersion, version: PlanVersion, shown: Shown) -> None:
    if not shown.is_at_once:
        _schedule(act, version)
        return
    items = items_for(act.running, prices_of(version))
    release_schedule(act)
    if act.running.is_on_trial:
        act.update(items=items, proration_behavior="none")
    else:
        act.update(
            items=items,
            proration_behavior="always_invoice",
            proration_date=shown.at,
            # Without the money the old plan goes on; with it, whenever it comes, the new one begins.
            payment_behavior="pending_if_incomplete",
        )


def _schedule(act: Act, version: PlanVersion) -> None:
    """Have the new prices follow the present ones at the end of the period."""
    make: Call[Any] = lambda client: client.v1.subscription_schedules.create  # noqa: E731
    change: Call[Any] = lambda client: client.v1.subscription_schedules.update  # noqa: E731
    # One that is there, of an earlier change or of a try that was cut off, is told otherwise.
    made = (
        stripe_account().read(lambda client: client.v1.subscription_schedules.retrieve, act.running.schedule)
        if act.running.schedule
        else act.send(make, params={"from_subscription": act.running.stripe_id}, name="schedule")
    )
    phases = _phases(act.running, version, made.current_phase or made.phases[0])
    params = {"phases": phases, "end_behavior": "release", "proration_behavior": "none"}
    act.send(change, made.id, params=params, name="phases")


def _phases(running: Subscription, version: PlanVersion, first: Any) -> list[dict[str, Any]]:
    """The present prices to the end of the period, and a first period of the new ones."""
    present = {
        "items": _phase_items({item["of"]: item["price"] for item in running.items}),
        "start_date": first.start_date,
        "end_date": first.end_date,
        **_kept_discounts(running),
    }
    follows = {
        "items": _phase_items(prices_of(version)),
        "proration_behavior": "none",
        "duration": {"interval": version.interval, "interval_count": 1},
        **_kept_discounts(running),
    }
    return [present, follows]


def items_for(running: Subscription, prices: Mapping[str, str]) -> list[dict[str, Any]]:
    """What has to become of each item so that the subscription has these prices."""
    present = {item["of"]: item["id"] for item in running.items}
    changed = [
        {"price": price, **({"id": present[name]} if name in present else {})}
        for name, price in prices.items()
    ]
    gone = [{"id": item, "deleted": True} for name, item in present.items() if name not in prices]
    return [*changed, *gone]


def is_upgrade(before: PlanVersion, version: PlanVersion) -> bool:
    """Whether it costs more from the first day on."""
    return version.terms.base > before.terms.base


def _preview(
    tenant: Tenant, running: Subscription, before: PlanVersion, version: PlanVersion
) -> ChangePreview:
    # Clocks differ: a period that has just begun at Stripe may not have here, and nothing is prorated before it.
    now = int(max(timezone.now(), running.period_start).timestamp())
    at_once = running.is_on_trial or is_upgrade(before, version)
    shown = Shown(running.stripe_id, version.key, version.number, at_once, now, _prices(running))
    invoice = stripe_account().send(
        lambda client: client.v1.invoices.create_preview,
        key=f"preview:{running.stripe_id}:{timezone.now().timestamp()}",
        params=_wanted(running, version, shown),
    )
    is_charged_now = at_once and not running.is_on_trial
    return ChangePreview(
        plan=version,
        before=before,
        is_at_once=at_once,
        effective_at=moment(now) if at_once else running.period_end,
        currency=invoice.currency.upper(),
        lines=said(lines_of(invoice.to_dict(for_json=True), meanings_of_all())),
        total=amount_of(invoice.total, invoice.currency),
        due_now=amount_of(invoice.amount_due, invoice.currency) if is_charged_now else Decimal(0),
        token=_token(tenant, shown),
    )


def _wanted(running: Subscription, version: PlanVersion, shown: Shown) -> dict[str, Any]:
    details: dict[str, Any] = {"items": items_for(running, prices_of(version))}
    if shown.is_at_once and not running.is_on_trial:
        details |= {"proration_behavior": "always_invoice", "proration_date": shown.at}
        return {"subscription": running.stripe_id, "subscription_details": details}
    details |= {"proration_behavior": "none"}
    return {
        "subscription": running.stripe_id,
        "subscription_details": details,
        "preview_mode": "recurring",
    }


def _changeable(running: Subscription | None, version: PlanVersion) -> PlanVersion:
    """The plan that the subscription has, if that may be changed for another one now."""
    if running is None:
        raise NotPossibleNow("There is no subscription to change. Subscribe to the plan instead.")
    if running.status not in CHANGEABLE:
        raise NotPossibleNow(
            "The plan cannot be changed while a payment is open. Pay the open invoice on the billing page first.",
            status=running.status,
        )
    if running.is_ending:
        raise NotPossibleNow("The subscription ends with its period. Resume it first, then change the plan.")
    before = plan_version(running.plan, running.plan_version)
    if before == version:
        raise NotPossibleNow(f"The subscription is to {version.name} in its newest version already.")
    return before


def _compare(running: Subscription, version: PlanVersion, shown: Shown) -> None:
    same = Shown(running.stripe_id, version.key, version.number, shown.is_at_once, shown.at, _prices(running))
    if same != shown or moment(shown.at) < running.period_start:
        raise _stale()


def _is_made(running: Subscription, version: PlanVersion) -> bool:
    """Whether the change was made by a try that was cut off."""
    wanted = (version.key, version.number)
    return wanted in (
        (running.plan, running.plan_version),
        (running.pending_plan, running.pending_version),
    )


def _refuse_overfull(tenant: Tenant, version: PlanVersion) -> None:
    """A plan has to hold what the tenant holds; budgets of a month do not count, as they begin anew."""
    over = excesses(tenant, version)
    if over:
        listed = ", ".join(
            f"{each.used} {each.limit.replace('_', ' ')} (allowed: {each.allowed})" for each in over
        )
        raise OverLimits(
            f"{version.name} is too small for what the workspace holds: {listed}. Remove what is too much, or choose a "
            "larger plan.",
            over=[asdict(each) for each in over],
        )


def _send_use(tenant: Tenant) -> None:
    """What was used up to now belongs to the old prices, so it has to be at Stripe before they change."""
    if not bring_use(tenant.schema):
        raise StripeAway(
            "What was used up to now is on its way to Stripe and has not arrived. Try again in a minute.",
            retry_after=60,
        )


def _token(tenant: Tenant, shown: Shown) -> str:
    with tenant_context(tenant):
        return sign(PURPOSE, [getattr(shown, name) for name in Shown.__slots__])


def _shown(tenant: Tenant, token: str) -> Shown:
    try:
        with tenant_context(tenant):
            return Shown(*unsign(PURPOSE, token, max_age=GOOD_FOR))
    except BadLink:
        raise _stale() from None


def _stale() -> LookAgain:
    return LookAgain(
        "What was shown is not what the change would come to now. Look at the preview again, and confirm that."
    )


def _unpaid(invoice: StripeInvoice, version: PlanVersion) -> PaymentNeeded:
    return PaymentNeeded(
        f"The payment of {invoice.amount_remaining} {invoice.currency} did not go through, so the plan is as it was. "
        f"Pay the invoice within 23 hours and {version.name} begins by itself, or give another card and pay then.",
        url=invoice.hosted_url,
        amount=str(invoice.amount_remaining),
        currency=invoice.currency,
    )


def _prices(running: Subscription) -> str:
    return " ".join(sorted(item["price"] for item in running.items))


def _phase_items(prices: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"price": price, **({"quantity": 1} if name == BASE else {})} for name, price in prices.items()]


def _kept_discounts(running: Subscription) -> dict[str, Any]:
    found = [{"discount": each["id"]} for each in running.discounts]
    return {"discounts": found} if found else {}

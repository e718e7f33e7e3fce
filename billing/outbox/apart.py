"""Use that missed the invoice of its period: an item on the next one, at what it would have cost there.

An item is written down, and the messages that it covers are tied to it, before Stripe hears of it. A try that may have
arrived is looked for at Stripe before there is another, so that no death in between charges anything twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from billing.meters import METERS
from billing.models import Customer, Export, LateItem, PublishedPlan, StripeInvoice, Subscription
from billing.plans.catalogue import plan_version
from billing.pricing.money import units_of
from billing.pricing.rating import rate
from billing.stripe.client import Stripe, StripeRefused
from shared_apps.inbox.registry import Later
from tenants.formats import money
from tenants.routers import CONTROL_ALIAS

Status = Export.Status
# A try that was cut off may still arrive for so long.
SETTLES_WITHIN: Final = timedelta(seconds=60)
FINAL: Final = ("open", "paid", "uncollectible")


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period that is over, and the invoice that was written about it."""

    begin: datetime
    end: datetime
    invoice: str = ""


def note_late_use(stripe: Stripe, tenant: str) -> list[LateItem]:
    """Put what came too late into items, one for each period; they are sent by `send_items`."""
    late = Export.objects.filter(tenant=tenant, status=Status.APART, item=None).order_by("at", "id")
    periods = [(_period_of(export), export) for export in late]
    return [
        _noted(stripe, tenant, period, [export for _, export in group])
        for period, group in groupby(
            sorted(periods, key=lambda each: each[0].begin), key=lambda each: each[0]
        )
    ]


def send_items(stripe: Stripe, customer: Customer, invoice: str) -> None:
    """Put the items that wait onto a draft; raises Later when one may be on its way already."""
    for item in LateItem.objects.filter(tenant=customer.tenant, status=LateItem.Status.WAITING):
        _claim(item, invoice)
        found = _find(stripe, customer, item) if item.tries > 1 else ""
        _settle(item, found or _create(stripe, customer, item, invoice))


def _period_of(export: Export) -> Period:
    """The invoiced period that a message is dated in; else its month."""
    invoices = StripeInvoice.objects.filter(
        tenant=export.tenant, reason="subscription_cycle", status__in=FINAL,
        period_start__lte=export.at, period_end__gt=export.at,
    )  # fmt: skip
    if (invoice := invoices.order_by("issued_at").first()) is not None:
        return Period(invoice.period_start, invoice.period_end, invoice.stripe_id)
    begin = export.at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(begin, (begin + timedelta(days=32)).replace(day=1))


def _noted(stripe: Stripe, tenant: str, period: Period, exports: Sequence[Export]) -> LateItem:
    plan, number = _plan_of(stripe, tenant, period)
    with transaction.atomic(using=CONTROL_ALIAS):
        held = Export.objects.select_for_update().filter(pk__in=[each.pk for each in exports], item=None)
        if len(held.order_by("id")) != len(exports):
            raise Later("Somebody else is putting the same use into an item.")
        amount = _cost(tenant, period, exports, (plan, number)) if plan else Decimal(0)
        item = LateItem.objects.create(
            tenant=tenant, period_start=period.begin, period_end=period.end, plan=plan, plan_version=number,
            quantities=_sums(exports), amount=amount, currency=_currency(plan, number),
            status=LateItem.Status.WAITING if amount else LateItem.Status.NOTHING,
        )  # fmt: skip
        Export.objects.filter(pk__in=[each.pk for each in exports]).update(item=item)
    return item


def _plan_of(stripe: Stripe, tenant: str, period: Period) -> tuple[str, int]:
    """The plan version that the period's use was charged by; none, if nothing was to be paid for it."""
    paying = Subscription.objects.filter(Q(ended_at=None) | Q(ended_at__gt=period.begin), tenant=tenant)
    paying = paying.filter(Q(trial_end=None) | Q(trial_end__lt=period.end), started_at__lt=period.end)
    subscription = paying.order_by("-started_at").first()
    if subscription is None:
        return "", 0
    return _charged_by(stripe, period.invoice) or (subscription.plan, subscription.plan_version)


def _charged_by(stripe: Stripe, invoice: str) -> tuple[str, int] | None:
    """The plan version whose metered prices stand on an invoice."""
    if not invoice:
        return None
    lines = stripe.read_all(lambda client: client.v1.invoices.line_items.list, invoice)
    prices = {_price_of(line.to_dict()) for line in lines}
    for plan in PublishedPlan.objects.order_by("key", "-number"):
        if prices & {price for of, price in plan.prices.items() if of != "base"}:
            return plan.key, plan.number
    return None


def _price_of(line: Mapping[str, Any]) -> str:
    return str(((line.get("pricing") or {}).get("price_details") or {}).get("price") or "")


def _cost(tenant: str, period: Period, exports: Sequence[Export], plan: tuple[str, int]) -> Decimal:
    """What the period's bill would have been more (or less) with this use on it."""
    terms = plan_version(*plan).terms
    counted = Export.objects.filter(
        Q(status=Status.SENT) | Q(status=Status.APART, item__isnull=False),
        tenant=tenant, at__gte=period.begin, at__lt=period.end,
    )  # fmt: skip
    before = list(counted)
    return rate(terms, _figures([*before, *exports])).total - rate(terms, _figures(before)).total


def _figures(exports: Iterable[Export]) -> dict[str, int]:
    """What some messages come to, by meter, as Stripe would add them up."""
    figures: dict[str, int] = {}
    for export in sorted(exports, key=lambda each: (each.at, each.revision, each.amendment)):
        is_sum = METERS[export.meter].formula == "sum"
        figures[export.meter] = export.value + (figures.get(export.meter, 0) if is_sum else 0)
    return {meter: max(figure, 0) for meter, figure in figures.items()}


def _sums(exports: Iterable[Export]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for export in exports:
        sums[export.meter] = sums.get(export.meter, 0) + export.value
    return sums


def _currency(plan: str, number: int) -> str:
    return plan_version(plan, number).terms.currency if plan else ""


def _claim(item: LateItem, invoice: str) -> None:
    """Write down that it is tried, before it is."""
    now = timezone.now()
    free = LateItem.objects.filter(pk=item.pk, status=LateItem.Status.WAITING, tries=item.tries)
    free = free.filter(Q(tried_at=None) | Q(tried_at__lt=now - SETTLES_WITHIN))
    if not free.update(tries=F("tries") + 1, tried_at=now, invoice=invoice):
        raise Later(f"The item for {item} was tried a moment ago, and may still arrive.")
    item.tries += 1


def _find(stripe: Stripe, customer: Customer, item: LateItem) -> str:
    """What an earlier try has made at Stripe."""
    rows = stripe.read_all(
        lambda client: client.v1.invoice_items.list, params={"customer": customer.stripe_id}
    )
    return next(
        (row.id for row in rows if (row.to_dict().get("metadata") or {}).get("late_item") == str(item.pk)), ""
    )


def _create(stripe: Stripe, customer: Customer, item: LateItem, invoice: str) -> str:
    try:
        return _sent(stripe, customer, item, {"invoice": invoice}, "")
    except StripeRefused:
        # The draft has become final since: the item waits at Stripe for the next one.
        return _sent(stripe, customer, item, {}, ":next")


def _sent(stripe: Stripe, customer: Customer, item: LateItem, more: Mapping[str, str], end: str) -> str:
    params = {
        "customer": customer.stripe_id,
        "amount": units_of(item.amount, item.currency),
        "currency": item.currency.lower(),
        "description": text_of(item),
        "metadata": {"late_item": str(item.pk)},
        **more,
    }
    made = stripe.send(
        lambda client: client.v1.invoice_items.create, key=f"late:{item.pk}:{item.tries}{end}", params=params
    )
    return str(made.id)


def text_of(item: LateItem) -> str:
    """What customers read about it on the invoice."""
    used = ", ".join(
        METERS[meter].counted(quantity) for meter, quantity in item.quantities.items() if quantity
    )
    last = item.period_end - timedelta(seconds=1)
    return f"Use from {item.period_start:%d %b %Y} to {last:%d %b %Y}, counted late: {used}"


def in_words(item: LateItem) -> str:
    """The same with its amount, for operators."""
    return f"{text_of(item)} ({money(item.amount, item.currency)})"


def _settle(item: LateItem, stripe_id: str) -> None:
    LateItem.objects.filter(pk=item.pk, status=LateItem.Status.WAITING).update(
        status=LateItem.Status.INVOICED, stripe_id=stripe_id
    )

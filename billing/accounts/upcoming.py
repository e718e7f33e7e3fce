"""The next invoice before it is there: as Stripe would write it now, or, where Stripe is not asked, as we count."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache as kept
from django.utils import timezone

from billing.accounts.contracts import Contract
from billing.accounts.reading import lines_of, meanings_of_all
from billing.meters import METERS
from billing.models import Subscription
from billing.models.lines import InvoiceLine, said
from billing.plans.catalogue import PlanVersion
from billing.pricing.money import amount_of
from billing.pricing.preview import preview
from billing.pricing.rating import Line
from billing.stripe.client import Stripe, StripeFailed, StripeRefused, connect

# A page waits for it, so it is not waited for as long as elsewhere; and who looks again soon sees the same.
PATIENCE: Final = 5
KEPT_FOR: Final = timedelta(minutes=1)
# Stripe's word for a subscription that ends and owes nothing more.
NOTHING_COMES: Final = "invoice_upcoming_none"


class CountedBy(StrEnum):
    """Who has worked it out."""

    STRIPE = "stripe"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """What the next invoice comes to as things stand."""

    counted_by: CountedBy
    currency: str
    lines: tuple[InvoiceLine, ...]
    total: Decimal
    # What is left to be paid after what stands to the customer's credit.
    due: Decimal
    at: datetime
    asked_at: datetime
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    # Why it is ours although Stripe would know it.
    note: str = ""

    @property
    def is_ours(self) -> bool:
        return self.counted_by is CountedBy.OURS

    @property
    def credit(self) -> Decimal:
        """What stands to the customer's credit and is taken off."""
        return self.total - self.due


AWAY: Final = (
    "Stripe does not answer at the moment, so this is our own count: without taxes, discounts and credit. "
    "Nothing is lost; look again in a few minutes."
)


def next_invoice(contract: Contract) -> NextInvoice | None:
    """What comes next; None where nothing does any more."""
    running = contract.running
    if running is None or not contract.is_bought:
        return our_count(contract)
    key = f"billing:upcoming:{running.stripe_id}:{running.updated_at.timestamp()}"
    known: Kept | None = kept.get(key)
    if known is not None:
        return known.found
    try:
        found = _asked(running)
    except StripeFailed:
        return replace(our_count(contract), note=AWAY)
    kept.set(key, Kept(found), KEPT_FOR.total_seconds())
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found a moment ago, be it that nothing comes."""

    found: NextInvoice | None


def our_count(contract: Contract) -> NextInvoice:
    """What the period comes to so far by our own books."""
    period, version = contract.period, contract.version
    bill = preview(version.terms, tenant=contract.tenant.schema, begin=period.begin, end=period.end)
    return NextInvoice(
        counted_by=CountedBy.OURS,
        currency=bill.currency,
        lines=tuple(line for each in bill.lines if not (line := _our_line(each, version)).is_empty),
        total=bill.total,
        due=bill.total,
        at=period.end,
        asked_at=contract.now,
    )


def _our_line(line: Line, version: PlanVersion) -> InvoiceLine:
    of, _, rest = line.what.partition(":")
    if of not in METERS:
        return InvoiceLine(
            f"{version.name} plan" if of == "base" else "Up to the least that is charged", line.amount, of
        )
    included = ", included" if rest else ""
    return InvoiceLine(f"{METERS[of].title}{included}", line.amount, of, str(line.quantity))


def _asked(running: Subscription) -> NextInvoice | None:
    try:
        found = _stripe().read(
            lambda client: client.v1.invoices.create_preview, params={"subscription": running.stripe_id}
        )
    except StripeRefused as refusal:
        if refusal.code == NOTHING_COMES:
            return None
        raise
    return invoice_of(found.to_dict(for_json=True), at=running.period_end)


def invoice_of(found: dict[str, Any], at: datetime) -> NextInvoice:
    """A preview of Stripe's."""
    currency = found["currency"]
    taxes = sum(each["amount"] for each in found.get("total_taxes") or [])
    discounts = sum(each["amount"] for each in found.get("total_discount_amounts") or [])
    return NextInvoice(
        counted_by=CountedBy.STRIPE,
        currency=currency.upper(),
        lines=said(lines_of(found, meanings_of_all())),
        total=amount_of(found["total"], currency),
        due=amount_of(found["amount_due"], currency),
        at=at,
        asked_at=timezone.now(),
        tax=amount_of(taxes, currency),
        discount=amount_of(discounts, currency),
    )


def _stripe() -> Stripe:
    return connect(settings.STRIPE_API_KEY, settings.STRIPE_ADDRESS, seconds=PATIENCE)

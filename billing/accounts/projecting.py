"""Bringing our picture of what a tenant has at Stripe up to date: always from Stripe itself, never from an event.

Each refresh holds the row of the customer while it asks and writes, so that of two at once the later one has asked
later. It may be done as often as one likes, in any order, and by anybody who has doubts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from billing.accounts.cases import open_case
from billing.accounts.standings import after_change, close_without_customer
from billing.models import Customer, PublishedPlan, StripeInvoice, Subscription
from billing.pricing.money import amount_of
from billing.stripe.client import StripeMissing, account
from billing.usage.rollups import seal_tenant
from tenants.routers import CONTROL_ALIAS

Object = dict[str, Any]
BASE: Final = "base"
WITH_IT: Final = ("default_payment_method", "latest_invoice", "schedule", "discounts.source.coupon")
SUBSCRIPTION: Final = {"expand": list(WITH_IT)}
SUBSCRIPTIONS: Final = {"expand": [f"data.{name}" for name in WITH_IT]}
CUSTOMER: Final = {"expand": ["invoice_settings.default_payment_method", "tax_ids"]}
# What a tenant has used before it subscribes is dated before, as long as Stripe's answer is fresh.
FRESH: Final = timedelta(minutes=10)


class Unknown(Exception):
    """It is not about a customer or a plan of ours. With a kind it is a case, for a person to look at."""

    def __init__(self, text: str, *, kind: str = "", object_id: str = "") -> None:
        super().__init__(text)
        self.kind, self.object_id = kind, object_id


@contextmanager
def held(**which: str) -> Iterator[Customer]:
    """The row of a customer, locked until the end of the block: `held(tenant=…)` or `held(stripe_id=…)`.

    Of what becomes a case the case is kept, and nothing else.
    """
    odd: Unknown | None = None
    with transaction.atomic(using=CONTROL_ALIAS):
        customer = Customer.objects.select_for_update().filter(**which).first()
        if customer is None:
            raise Unknown(f"No tenant has the customer {', '.join(which.values()) or 'without an id'}.")
        try:
            with transaction.atomic(using=CONTROL_ALIAS):
                yield customer
        except Unknown as unknown:
            odd = unknown
            if odd.kind:
                open_case(kind=odd.kind, tenant=customer.tenant, object_id=odd.object_id, text=str(odd))
    if odd is not None:
        raise odd


def refresh_subscription(stripe_id: str) -> Subscription:
    """Take over how a subscription stands, and let the tenant's plan and access follow."""
    known = Subscription.objects.filter(stripe_id=stripe_id).first()
    if known is not None:
        with held(tenant=known.tenant) as customer:
            return project_subscription(customer, stripe_id)
    found = account().read(lambda client: client.v1.subscriptions.retrieve, stripe_id)
    with held(stripe_id=_id(found.customer)) as customer:
        return project_subscription(customer, stripe_id)


def refresh_invoice(stripe_id: str) -> StripeInvoice:
    """Take over how an invoice stands."""
    known = StripeInvoice.objects.filter(stripe_id=stripe_id).first()
    if known is not None:
        with held(tenant=known.tenant) as customer:
            return project_invoice(customer, stripe_id)
    found = account().read(lambda client: client.v1.invoices.retrieve, stripe_id)
    with held(stripe_id=_id(found.customer)) as customer:
        return project_invoice(customer, stripe_id)


def refresh_customer(stripe_id: str) -> Customer:
    """Take over address, card and tax numbers of a customer; of one that is gone at Stripe, that it is."""
    with held(stripe_id=stripe_id) as customer:
        return project_customer(customer)


def project_subscription(customer: Customer, stripe_id: str) -> Subscription:
    """The same for who holds the customer."""
    return _take_over(customer, _read("subscriptions", stripe_id, SUBSCRIPTION))


def project_subscriptions(customer: Customer) -> Subscription | None:
    """All that runs at Stripe for who holds the customer, also what was never heard of, or is wrongly held for open."""
    rows = account().read_all(
        lambda client: client.v1.subscriptions.list,
        params={"customer": customer.stripe_id, **SUBSCRIPTIONS},
    )
    running = {row.id: row.to_dict(for_json=True) for row in rows}
    ours = Subscription.objects.open().filter(tenant=customer.tenant).exclude(stripe_id__in=running)
    for name in ours.values_list("stripe_id", flat=True):
        project_subscription(customer, name)
    for found in running.values():
        _take_over(customer, found)
    return Subscription.objects.open().filter(tenant=customer.tenant).first()


def _take_over(customer: Customer, found: Object) -> Subscription:
    stripe_id = found["id"]
    if _id(found["customer"]) != customer.stripe_id:
        raise Unknown(f"{stripe_id} belongs to another customer than {customer}.")
    values = _subscription(customer, found)
    if values["ended_at"] is None:
        _settle_others(customer, stripe_id)
    before = Subscription.objects.filter(stripe_id=stripe_id).first()
    if before is not None and before.past_due_since and values["past_due_since"]:
        values["past_due_since"] = before.past_due_since
    subscription, _ = Subscription.objects.update_or_create(stripe_id=stripe_id, defaults=values)
    if subscription.is_open and isinstance(found["default_payment_method"], dict):
        Customer.objects.filter(pk=customer.pk).update(**_card(found["default_payment_method"]))
    if before is None and timezone.now() - subscription.started_at < FRESH:
        seal_tenant(customer.tenant, before=subscription.started_at)
    after_change(before, subscription)
    return subscription


def project_invoice(customer: Customer, stripe_id: str) -> StripeInvoice:
    """The same for who holds the customer. A draft that was deleted at Stripe is void here."""
    try:
        values = _invoice(customer, _read("invoices", stripe_id))
    except StripeMissing:
        gone = StripeInvoice.objects.filter(stripe_id=stripe_id, tenant=customer.tenant).first()
        if gone is None:
            raise Unknown(f"Stripe has no invoice {stripe_id} any more.") from None
        gone.status, gone.refreshed_at = StripeInvoice.Status.VOID, timezone.now()
        gone.save(update_fields=["status", "refreshed_at", "updated_at"])
        return gone
    if values.pop("customer") != customer.stripe_id:
        raise Unknown(f"{stripe_id} belongs to another customer than {customer}.")
    return StripeInvoice.objects.update_or_create(stripe_id=stripe_id, defaults=values)[0]


def project_customer(customer: Customer) -> Customer:
    """The same for who holds it."""
    if _read("customers", customer.stripe_id).get("deleted"):
        return _gone(customer)
    found = _read("customers", customer.stripe_id, CUSTOMER)
    method = (found["invoice_settings"] or {}).get("default_payment_method")
    values: Object = {
        "email": found["email"] or "",
        "tax_ids": [_tax_id(each) for each in found["tax_ids"]["data"]],
        "is_delinquent": bool(found["delinquent"]),
        "balance": found["balance"] or 0,
        "is_live": found["livemode"],
        "refreshed_at": timezone.now(),
        **_card(_method_of_subscription(customer) or method),
    }
    for name, value in values.items():
        setattr(customer, name, value)
    customer.save(update_fields=list(values))
    return customer


def plan_of_items(items: list[Object]) -> tuple[str, int] | None:
    """The plan and version whose base price is among the items of a subscription."""
    prices = {_price(item) for item in items}
    for published in PublishedPlan.objects.exclude(prices={}):
        if published.prices[BASE] in prices:
            return published.key, published.number
    return None


def _subscription(customer: Customer, found: Object) -> Object:
    items = found["items"]["data"]
    plan = plan_of_items(items)
    if plan is None:
        text = f"{found['id']} has no price that we sell: {', '.join(map(_price, items))}."
        raise Unknown(text, kind="unknown_price", object_id=found["id"])
    names = _meanings(*plan)
    begin, end = _period(items, names)
    return {
        "tenant": customer.tenant,
        "plan": plan[0],
        "plan_version": plan[1],
        "status": found["status"],
        "currency": found["currency"].upper(),
        "period_start": begin,
        "period_end": end,
        "started_at": _time(found["start_date"]),
        "trial_end": _time(found["trial_end"]),
        "cancel_at": _time(found["cancel_at"]),
        "cancel_reason": (found["cancellation_details"] or {}).get("comment") or "",
        "ended_at": _ended(found),
        "past_due_since": _past_due(found),
        **_pending(found, end),
        "items": [
            {"id": item["id"], "price": _price(item), "of": names.get(_price(item), "")} for item in items
        ],
        "discounts": [_discount(each) for each in found["discounts"] or [] if isinstance(each, dict)],
        "latest_invoice": _id(found["latest_invoice"]),
        "refreshed_at": timezone.now(),
    }


def _invoice(customer: Customer, found: Object) -> Object:
    currency, moved = found["currency"], found["status_transitions"] or {}
    parent = (found["parent"] or {}).get("subscription_details") or {}
    taxes = sum(each["amount"] for each in found.get("total_taxes") or [])
    amounts = {name: amount_of(found[name] or 0, currency) for name in AMOUNTS}
    return {
        "customer": _id(found["customer"]),
        "tenant": customer.tenant,
        "subscription": _id(parent.get("subscription")),
        "number": found["number"] or "",
        "status": found["status"],
        "reason": found["billing_reason"] or "",
        "currency": currency.upper(),
        "tax": amount_of(taxes, currency),
        **amounts,
        "period_start": _time(found["period_start"]),
        "period_end": _time(found["period_end"]),
        "issued_at": _time(found["created"]),
        "due_at": _time(found["due_date"]),
        "finalized_at": _time(moved.get("finalized_at")),
        "paid_at": _time(moved.get("paid_at")),
        "hosted_url": found["hosted_invoice_url"] or "",
        "pdf_url": found["invoice_pdf"] or "",
        "attempts": found["attempt_count"] or 0,
        "next_attempt_at": _time(found["next_payment_attempt"]),
        "error": (found["last_finalization_error"] or {}).get("message") or "",
        "lines": lines_of(found, meanings_of_all()),
        "refreshed_at": timezone.now(),
    }


AMOUNTS: Final = ("subtotal", "total", "amount_due", "amount_paid", "amount_remaining")


def lines_of(invoice: Object, names: dict[str, str]) -> list[Object]:
    """The lines of an invoice or of a preview, in the currency's main unit, with what each is about."""
    return [
        {
            "description": line["description"] or "",
            "amount": str(amount_of(line["amount"], line["currency"])),
            "quantity": str(line.get("quantity_decimal") or line["quantity"] or ""),
            "of": names.get(_price_of_line(line), ""),
            "begin": _iso(line["period"]["start"]),
            "end": _iso(line["period"]["end"]),
            "is_proration": _is_proration(line),
        }
        for line in invoice["lines"]["data"]
    ]


def meanings_of_all() -> dict[str, str]:
    """What each of our prices is for, by its id: "base" or a meter."""
    return {
        price: name for published in PublishedPlan.objects.all() for name, price in published.prices.items()
    }


def _meanings(key: str, number: int) -> dict[str, str]:
    prices = PublishedPlan.objects.get(key=key, number=number).prices
    return {price: name for name, price in prices.items()}


def _period(items: list[Object], names: dict[str, str]) -> tuple[datetime, datetime]:
    """That of the base price: metered items that came with a change begin in the middle of it."""
    base = next((item for item in items if names.get(_price(item)) == BASE), items[0])
    return moment(base["current_period_start"]), moment(base["current_period_end"])


def _pending(found: Object, end: datetime) -> Object:
    """The plan that follows: by the schedule's next phase, or when the invoice of a change is paid."""
    schedule, waiting = found["schedule"], found["pending_update"]
    name = _id(schedule)
    if isinstance(schedule, dict) and schedule["status"] == "active":
        for phase in schedule["phases"]:
            if moment(phase["start_date"]) >= end and (plan := plan_of_items(phase["items"])):
                return _followed_by(plan, moment(phase["start_date"]), name)
    if waiting and (plan := plan_of_items(waiting["subscription_items"] or [])):
        return _followed_by(plan, moment(waiting["expires_at"]), name)
    return {"pending_plan": "", "pending_version": None, "pending_at": None, "schedule": name}


def _followed_by(plan: tuple[str, int], at: datetime, schedule: str) -> Object:
    return {"pending_plan": plan[0], "pending_version": plan[1], "pending_at": at, "schedule": schedule}


def _ended(found: Object) -> datetime | None:
    if found["status"] not in ("canceled", "incomplete_expired"):
        return None
    return _time(found["ended_at"]) or timezone.now()


def _past_due(found: Object) -> datetime | None:
    """Since when it has been unpaid: since its latest invoice went out."""
    if found["status"] not in ("past_due", "unpaid"):
        return None
    invoice = found["latest_invoice"]
    moved = invoice["status_transitions"] if isinstance(invoice, dict) else None
    return _time((moved or {}).get("finalized_at")) or timezone.now()


def _settle_others(customer: Customer, stripe_id: str) -> None:
    """A tenant has one open subscription: another one that we hold for open is looked at again first."""
    for other in Subscription.objects.open().filter(tenant=customer.tenant).exclude(stripe_id=stripe_id):
        if project_subscription_again(customer, other.stripe_id).is_open:
            text = f"{stripe_id} is open besides {other.stripe_id}. End one of them at Stripe."
            raise Unknown(text, kind="second_subscription", object_id=stripe_id)


def project_subscription_again(customer: Customer, stripe_id: str) -> Subscription:
    """An open subscription without a look at others, which would come back here."""
    found = _read("subscriptions", stripe_id, SUBSCRIPTION)
    values = _subscription(customer, found)
    return Subscription.objects.update_or_create(stripe_id=stripe_id, defaults=values)[0]


def _gone(customer: Customer) -> Customer:
    customer.deleted_at = customer.deleted_at or timezone.now()
    customer.refreshed_at = timezone.now()
    customer.save(update_fields=["deleted_at", "refreshed_at"])
    text = f"The customer {customer} was deleted at Stripe. The tenant's data is untouched."
    open_case(kind="customer_deleted", tenant=customer.tenant, object_id=customer.stripe_id, text=text)
    for open_one in Subscription.objects.open().filter(tenant=customer.tenant):
        project_subscription(customer, open_one.stripe_id)
    close_without_customer(customer)
    return customer


def _method_of_subscription(customer: Customer) -> Object | None:
    """Checkout saves the card with the subscription, where it goes before the customer's own."""
    running = Subscription.objects.open().filter(tenant=customer.tenant).first()
    if running is None:
        return None
    found = _read("subscriptions", running.stripe_id, {"expand": ["default_payment_method"]})
    method: Object | None = found["default_payment_method"]
    return method


def _card(method: Object | None) -> Object:
    card = method.get("card") if isinstance(method, dict) else None
    if not card:
        return {"card_brand": "", "card_last4": "", "card_expires": None}
    after = date(card["exp_year"] + card["exp_month"] // 12, card["exp_month"] % 12 + 1, 1)
    return {
        "card_brand": card["brand"],
        "card_last4": card["last4"],
        "card_expires": after - timedelta(days=1),
    }


def _tax_id(found: Object) -> Object:
    status = (found["verification"] or {}).get("status") or ""
    return {"id": found["id"], "type": found["type"], "value": found["value"], "status": status}


def _discount(found: Object) -> Object:
    source = (found.get("source") or {}).get("coupon")
    coupon = source if isinstance(source, dict) else {}
    percent, amount = coupon.get("percent_off"), coupon.get("amount_off")
    return {
        "id": found["id"],
        "code": _id(found.get("promotion_code")),
        "name": coupon.get("name") or coupon.get("id") or "",
        "percent": None if percent is None else str(percent),
        "amount": None if amount is None else str(amount_of(amount, coupon["currency"])),
        "until": _iso(found.get("end")),
    }


def _read(kind: str, name: str, params: Object | None = None) -> Object:
    call = account().read(lambda client: getattr(client.v1, kind).retrieve, name, params=params)
    found: Object = call.to_dict(for_json=True)
    return found


def _price(item: Object) -> str:
    return _id(item["price"])


def _price_of_line(line: Object) -> str:
    details = (line["pricing"] or {}).get("price_details") or {}
    return _id(details.get("price"))


def _is_proration(line: Object) -> bool:
    parent = line["parent"] or {}
    details = parent.get("invoice_item_details") or parent.get("subscription_item_details") or {}
    return bool(details.get("proration"))


def _id(found: Any) -> str:
    """The id, whether or not the object was expanded."""
    if found is None:
        return ""
    return found if isinstance(found, str) else str(found["id"])


def moment(at: int) -> datetime:
    """Stripe's seconds as a time."""
    return datetime.fromtimestamp(at, UTC)


def _time(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _iso(at: int | None) -> str | None:
    return None if at is None else moment(at).isoformat()

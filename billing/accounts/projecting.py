"""Bringing our picture of what a tenant has at Stripe up to date: always from Stripe itself, never from an event.

Each refresh holds the row of the customer while it asks and writes, so that of two at once the later one has asked
later. It may be done as often as one likes, in any order, and by anybody who has doubts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from billing.accounts.cases import open_case
from billing.accounts.reading import (
    Object,
    Unknown,
    id_of,
    tax_id_of,
    values_of_card,
    values_of_invoice,
    values_of_subscription,
)
from billing.accounts.standings import after_change, close_without_customer
from billing.models import Customer, StripeInvoice, Subscription
from billing.stripe.client import StripeMissing, account
from billing.usage.rollups import seal_tenant
from tenants.routers import CONTROL_ALIAS

WITH_IT: Final = ("default_payment_method", "latest_invoice", "schedule", "discounts.source.coupon")
SUBSCRIPTION: Final = {"expand": list(WITH_IT)}
SUBSCRIPTIONS: Final = {"expand": [f"data.{name}" for name in WITH_IT]}
CUSTOMER: Final = {"expand": ["invoice_settings.default_payment_method", "tax_ids"]}
# What a tenant has used before it subscribes is dated before, as long as Stripe's answer is fresh.
FRESH: Final = timedelta(minutes=10)


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
    with held(**_whose(Subscription, "subscriptions", stripe_id)) as customer:
        return project_subscription(customer, stripe_id)


def refresh_invoice(stripe_id: str) -> StripeInvoice:
    """Take over how an invoice stands."""
    with held(**_whose(StripeInvoice, "invoices", stripe_id)) as customer:
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
    if id_of(found["customer"]) != customer.stripe_id:
        raise Unknown(f"{stripe_id} belongs to another customer than {customer}.")
    values = values_of_subscription(customer, found)
    if values["ended_at"] is None:
        _settle_others(customer, stripe_id)
    before = Subscription.objects.filter(stripe_id=stripe_id).first()
    if before is not None and before.past_due_since and values["past_due_since"]:
        values["past_due_since"] = before.past_due_since
    subscription, _ = Subscription.objects.update_or_create(stripe_id=stripe_id, defaults=values)
    if subscription.is_open and isinstance(found["default_payment_method"], dict):
        Customer.objects.filter(pk=customer.pk).update(**values_of_card(found["default_payment_method"]))
    if before is None and timezone.now() - subscription.started_at < FRESH:
        seal_tenant(customer.tenant, before=subscription.started_at)
    after_change(before, subscription)
    return subscription


def project_invoice(customer: Customer, stripe_id: str) -> StripeInvoice:
    """The same for who holds the customer. A draft that was deleted at Stripe is void here."""
    try:
        values = values_of_invoice(customer, _read("invoices", stripe_id))
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
        "tax_ids": [tax_id_of(each) for each in found["tax_ids"]["data"]],
        "is_delinquent": bool(found["delinquent"]),
        "balance": found["balance"] or 0,
        "is_live": found["livemode"],
        "refreshed_at": timezone.now(),
        **values_of_card(_method_of_subscription(customer) or method),
    }
    for name, value in values.items():
        setattr(customer, name, value)
    customer.save(update_fields=list(values))
    return customer


def _settle_others(customer: Customer, stripe_id: str) -> None:
    """A tenant has one open subscription: another one that we hold for open is looked at again first."""
    for other in Subscription.objects.open().filter(tenant=customer.tenant).exclude(stripe_id=stripe_id):
        if project_subscription_again(customer, other.stripe_id).is_open:
            text = f"{stripe_id} is open besides {other.stripe_id}. End one of them at Stripe."
            raise Unknown(text, kind="second_subscription", object_id=stripe_id)


def project_subscription_again(customer: Customer, stripe_id: str) -> Subscription:
    """An open subscription without a look at others, which would come back here."""
    found = _read("subscriptions", stripe_id, SUBSCRIPTION)
    values = values_of_subscription(customer, found)
    return Subscription.objects.update_or_create(stripe_id=stripe_id, defaults=values)[0]


def _whose(model: type[Subscription | StripeInvoice], kind: str, stripe_id: str) -> dict[str, str]:
    """The customer of an object: of one that we know by its row, of another one Stripe is asked."""
    known = model.objects.filter(stripe_id=stripe_id).first()
    if known is not None:
        return {"tenant": known.tenant}
    return {"stripe_id": id_of(_read(kind, stripe_id)["customer"])}


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


def _read(kind: str, name: str, params: Object | None = None) -> Object:
    call = account().read(lambda client: getattr(client.v1, kind).retrieve, name, params=params)
    found: Object = call.to_dict(for_json=True)
    return found

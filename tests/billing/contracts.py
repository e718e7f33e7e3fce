"""What tenants have at Stripe, as rows: for tests of pages and answers that no Stripe is needed for."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from billing.models import Customer, StripeInvoice, Subscription
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant

LINES = [
    {"description": "Team", "amount": "39.00", "quantity": "1", "of": "base", "is_proration": False},
    {
        "description": "2431 × Orders placed",
        "amount": "28.62",
        "quantity": "2431",
        "of": "orders_placed",
        "is_proration": False,
    },
]


def stand(tenant: Tenant, **standing: Any) -> None:
    """Set plan, access or trial of a tenant."""
    set_standing(client_id=tenant.id, actor=Actor.system("the test"), **{"reason": "A test", **standing})


def subscribed(tenant: Tenant, status: str = "active", **more: Any) -> Subscription:
    """A tenant with a card and a subscription of Team in some state."""
    now = timezone.now()
    stand(tenant, plan="team", plan_version=2, access="full", trial_ends_at=None)
    Customer.objects.create(
        tenant=tenant.schema,
        stripe_id=f"cus_{tenant.name}",
        email=f"owner@{tenant.name.lower()}.example",
        card_brand="visa",
        card_last4="4242",
        card_expires=date(now.year + 3, 9, 30),
    )
    values: dict[str, Any] = {
        "plan": "team",
        "plan_version": 2,
        "status": status,
        "currency": "EUR",
        "period_start": now - timedelta(days=10),
        "period_end": now + timedelta(days=20),
        "started_at": now - timedelta(days=40),
        **more,
    }
    return Subscription.objects.create(tenant=tenant.schema, stripe_id=f"sub_{tenant.name}", **values)


def invoiced(tenant: Tenant, turn: int = 1, status: str = "paid", **more: Any) -> StripeInvoice:
    """An invoice of so many months ago."""
    end = timezone.now() - timedelta(days=30 * turn - 20)
    total = Decimal("67.62")
    left = total if status == "open" else Decimal(0)
    values: dict[str, Any] = {
        "number": f"ACME-{turn:04}",
        "status": status,
        "currency": "EUR",
        "subtotal": total,
        "tax": 0,
        "total": total,
        "amount_due": total,
        "amount_paid": total - left,
        "amount_remaining": left,
        "period_start": end - timedelta(days=30),
        "period_end": end,
        "issued_at": end,
        "hosted_url": f"https://invoice.stripe.com/i/{turn}",
        "pdf_url": f"https://pay.stripe.com/invoice/{turn}/pdf",
        "lines": LINES,
        **more,
    }
    return StripeInvoice.objects.create(tenant=tenant.schema, stripe_id=f"in_{tenant.name}_{turn}", **values)

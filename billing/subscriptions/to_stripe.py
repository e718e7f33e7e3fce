"""Ways from our pages to Stripe's, and back."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from billing.accounts.projecting import refresh_customer
from billing.accounts.reading import Unknown
from billing.models import Customer
from billing.stripe.client import StripeFailed
from tenants.context import Tenant

View = Callable[..., HttpResponseBase]
CHECKOUT_AND_PORTAL: Final = ("https://checkout.stripe.com", "https://billing.stripe.com")


def leads_to_stripe(view: View) -> View:
    """Let the forms of a page be answered with a redirect to Stripe's pages, which browsers hold for another target."""

    @wraps(view)
    def leading(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return csp_update({"form-action": stripe_pages()})(view)(request, *args, **kwargs)

    return leading


def stripe_pages() -> list[str]:
    """Where Stripe's pages are: the simulator's where that is used."""
    if not settings.STRIPE_ADDRESS:
        return list(CHECKOUT_AND_PORTAL)
    parts = urlsplit(settings.STRIPE_ADDRESS)
    return [f"{parts.scheme}://{parts.netloc}"]


def look_again(tenant: Tenant) -> None:
    """Take over what was given on Stripe's page; where that does not work now, its event does it in a moment."""
    customer = Customer.objects.filter(tenant=tenant.schema, deleted_at=None).first()
    if customer is not None:
        with suppress(StripeFailed, Unknown):
            refresh_customer(customer.stripe_id)

"""Checkout: somebody has bought, has not, or has walked away."""

from billing.accounts.cases import open_case
from billing.accounts.projecting import refresh_customer, refresh_subscription
from billing.handlers.events import Object, fetched, on
from billing.models import Customer
from shared_apps.inbox.registry import Event, Ignored


@on(
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)
def bind(event: Event) -> None:
    """Take over what was bought, or that nothing was: then the tenant may begin anew.

    Whose it is says our own table, which was written before the page was opened, and never the page.
    """
    session = fetched(lambda client: client.v1.checkout.sessions.retrieve, event.object_id)
    customer = _customer(session)
    if customer is None:
        return
    refresh_customer(customer.stripe_id)
    if session["subscription"]:
        refresh_subscription(session["subscription"])


def _customer(session: Object) -> Customer | None:
    """The customer by our table; one that names another tenant is a case for a person."""
    found = Customer.objects.filter(stripe_id=session["customer"] or "").first()
    named = session["client_reference_id"]
    if found is None and not named:
        raise Ignored("A checkout of somebody else.")
    if found is None or (named and named != found.tenant):
        whose = f"the tenant {found.tenant}" if found else "no tenant"
        text = (
            f"Checkout {session['id']} names {named}; its customer {session['customer']} belongs to {whose}."
        )
        tenant = found.tenant if found else ""
        open_case(kind="unbound_checkout", tenant=tenant, object_id=session["id"], text=text)
    return found

"""Changes at Stripe that the platform does not make there: prices and products, credits and alerts."""

from typing import Final

from billing.accounts.cases import open_case
from billing.accounts.projecting import refresh_customer
from billing.handlers.events import Object, customer_named, customer_of, fetched, on
from billing.models import Customer
from billing.plans.publishing import compare_plans
from billing.plans.steps import Sign
from billing.pricing.money import amount_of
from shared_apps.inbox.registry import Event
from tenants.formats import money

CASE: Final = "change_in_dashboard"


@on("price.*", "product.*")
def compare(event: Event) -> None:
    """Somebody has touched the catalogue: what differs from the plan files is a case for a person."""
    drift = [str(step) for step in compare_plans() if step.sign is Sign.DRIFT]
    if drift:
        text = "\n".join(
            ["Run manage.py sync_plans to see it, with --apply to mend what can be mended.", *drift]
        )
        open_case(kind="catalogue_drift", tenant="", object_id=event.object_id, text=text)


@on("billing.alert.triggered")
def tell_of_alert(event: Event) -> None:
    """An alert that somebody has set up in the dashboard: its content is nowhere but in the event."""
    told: Object = event.body["data"]["object"]
    customer = customer_of(event)
    title = (told.get("alert") or {}).get("title") or "An alert without a name"
    text = f"{title}: {customer} has come to {told.get('value')}."
    open_case(kind=CASE, tenant=customer.tenant, object_id=event.id, text=text)


@on("billing.credit_grant.*")
def tell_of_grant(event: Event) -> None:
    """Credits that somebody has given in the dashboard: they make invoices smaller than the preview here."""
    found = fetched(lambda client: client.v1.billing.credit_grants.retrieve, event.object_id)
    customer = customer_named(found["customer"])
    text = f"The credit grant {found['name'] or found['id']} of {_amount(found)} for {customer} was {_state(found)}."
    _note(customer, event.object_id, text)


@on("billing.credit_balance_transaction.*")
def tell_of_credit(event: Event) -> None:
    """Credits that an invoice has used up, or that were added."""
    known: Object = event.body["data"]["object"]
    grant = known["credit_grant"]
    found = fetched(
        lambda client: client.v1.billing.credit_grants.retrieve,
        grant if isinstance(grant, str) else grant["id"],
    )
    customer = customer_named(found["customer"])
    refresh_customer(customer.stripe_id)


def _note(customer: Customer, about: str, text: str) -> None:
    open_case(kind=CASE, tenant=customer.tenant, object_id=about, text=text)


def _amount(grant: Object) -> str:
    worth = (grant["amount"] or {}).get("monetary") or {"value": 0, "currency": "usd"}
    return money(amount_of(worth["value"], worth["currency"]), worth["currency"].upper())


def _state(grant: Object) -> str:
    return "voided" if grant["voided_at"] else "given"

"""The words of the billing pages."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.accounts.contracts import Contract, State
from billing.meters import Meter
from billing.models import StripeInvoice
from billing.plans.catalogue import PlanVersion
from billing.plans.offers import price_of
from tenants import formats

register = template.Library()

STATES: Final = {
    State.FREE: ("calm", "Active"),
    State.GRANTED: ("calm", "Not charged"),
    State.TRIAL: ("info", "Trial"),
    State.INCOMPLETE: ("warning", "Waiting for the first payment"),
    State.TRIALING: ("info", "Subscribed, on trial"),
    State.ACTIVE: ("calm", "Active"),
    State.PAST_DUE: ("danger", "Past due"),
    State.UNPAID: ("danger", "Unpaid"),
    State.PAUSED: ("warning", "Paused"),
    State.ENDED: ("danger", "Closed"),
}
INVOICES: Final = {
    "draft": ("hollow", "Draft"),
    "open": ("warning", "To be paid"),
    "paid": ("calm", "Paid"),
    "uncollectible": ("danger", "Given up"),
    "void": ("hollow", "Void"),
}
BRANDS: Final = {
    "amex": "American Express",
    "mastercard": "Mastercard",
    "visa": "Visa",
    "unionpay": "UnionPay",
}
TAX_STATES: Final = {"pending": "being checked", "verified": "checked", "unverified": "could not be checked"}


@register.filter
def counted(quantity: int, meter: Meter) -> str:
    """A quantity with the unit of its meter."""
    return meter.counted(quantity)


@register.simple_tag
def state_badge(contract: Contract) -> SafeString:
    """How a tenant stands."""
    tone, label = ("warning", "Ending") if contract.is_ending else STATES[contract.state]
    return _badge(tone, label)


@register.simple_tag
def invoice_badge(invoice: StripeInvoice) -> SafeString:
    """The status of an invoice."""
    return _badge(*INVOICES[invoice.status])


def _badge(tone: str, label: str) -> SafeString:
    return format_html('<span class="badge badge--{}">{}</span>', tone, label)


@register.filter
def price(version: PlanVersion) -> str:
    """What a plan costs before anything is used."""
    return price_of(version)


@register.filter
def brand(name: str) -> str:
    """The name of a card's company."""
    return BRANDS.get(name, name.capitalize())


@register.filter
def tax_status(status: str) -> str:
    """What has become of the check of a tax number."""
    return TAX_STATES.get(status, "")


@register.filter
def amount(text: str, currency: str) -> str:
    """An amount out of JSON."""
    return formats.money(Decimal(text), currency)


@register.filter
def quantity(text: str) -> str:
    """A quantity with thousands apart."""
    number = Decimal(text) if text else None
    if number is None:
        return ""
    return formats.whole(int(number)) if number == int(number) else f"{number.normalize():,f}"


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done with a plan; without an address it is a word about it."""

    label: str
    url: str = ""
    is_main: bool = False


@register.simple_tag
def plan_action(contract: Contract, version: PlanVersion) -> Action:
    """The way from the plan that a tenant has to another one."""
    if contract.state is State.INCOMPLETE:
        return Action("The first payment is waited for")
    if version == contract.version:
        return _own(contract, version)
    if contract.is_bought and (first := contract.comes_first):
        return Action(first)
    return _change(contract, version) if contract.is_bought else _begin(contract, version)


def _own(contract: Contract, version: PlanVersion) -> Action:
    if contract.state in (State.TRIAL, State.GRANTED, State.ENDED) and not version.is_free:
        return Action(f"Subscribe to {version.name}", _url(version), is_main=True)
    if contract.pending:
        return Action(f"Stay with {version.name}", _url(version))
    return Action("You have this one")


def _begin(contract: Contract, version: PlanVersion) -> Action:
    if not version.is_free:
        return Action(f"Subscribe to {version.name}", _url(version), is_main=True)
    if contract.state is State.ENDED:
        return Action("Go on with Free", _url(version))
    return Action("Follows when the trial ends" if contract.trial_ends_at else "For those who pay nothing")


def _change(contract: Contract, version: PlanVersion) -> Action:
    if version == contract.pending:
        return Action("Follows at the end of the period")
    if version.is_free:
        return Action("Cancel to go on with Free", reverse("billing:cancel"))
    is_larger = version.terms.base > contract.version.terms.base
    return Action(
        f"{'Move up' if is_larger else 'Change'} to {version.name}", _url(version), is_main=is_larger
    )


def _url(version: PlanVersion) -> str:
    return reverse("billing:plan", args=[version.key])

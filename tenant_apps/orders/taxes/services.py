"""The verbs of tax: its rules, and how the tenant reckons it. Orders that were written keep their rates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction

from tenant_apps.orders.customers.countries import clean_country
from tenant_apps.orders.models import TaxRule, TaxSettings
from tenant_apps.orders.totals import HUNDRED
from tenant_apps.products.writing import clean_choice, clean_line, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid
from tenants.formats import today

THOUSANDTH: Final = Decimal("0.001")


class TaxRuleTaken(Conflict):
    code = "tax_rule_taken"
    title = "There is such a rule"


class RuleFields(TypedDict, total=False):
    """What a tax rule says."""

    name: str
    rate: Decimal
    country: str
    region: str
    tax_class: str
    valid_from: date


class SettingsFields(TypedDict, total=False):
    """How a tenant reckons tax."""

    prices_include_tax: bool
    country: str
    region: str


@transaction.atomic
def create_tax_rule(*, actor: Actor, **fields: Unpack[RuleFields]) -> TaxRule:
    """Charge a rate in a place, for a tax class or for all, from a day on."""
    rule = TaxRule(valid_from=today().date())
    _apply(rule, {"name": "", **fields})
    with refused_as(_taken(rule)):
        rule.save(force_insert=True)
    record(actor=actor, verb="tax_rule.created", target=rule, data=_told(rule))
    return rule


@transaction.atomic
def update_tax_rule(*, actor: Actor, rule: TaxRule, **changes: Unpack[RuleFields]) -> TaxRule:
    """Change what is given of a rule; orders that were written keep their rates."""
    rule = locked(rule)
    if changed := _apply(rule, dict(changes)):
        with refused_as(_taken(rule)):
            rule.save(update_fields=[*changed, "updated_at"])
        record(actor=actor, verb="tax_rule.updated", target=rule, data={**_told(rule), "fields": changed})
    return rule


@transaction.atomic
def delete_tax_rule(*, actor: Actor, rule: TaxRule) -> None:
    """Take a rule away; orders that were written keep their rates."""
    rule = locked(rule, deleting=True)
    record(actor=actor, verb="tax_rule.deleted", target=rule, data=_told(rule))
    rule.delete()


@transaction.atomic
def update_tax_settings(*, actor: Actor, **changes: Unpack[SettingsFields]) -> TaxSettings:
    """Say whether prices include tax, and where orders are taxed that name no place."""
    settings = TaxSettings.objects.select_for_update().get()
    if changed := _apply(settings, dict(changes)):
        settings.save(update_fields=changed)
        data = {name: getattr(settings, name) for name in changed}
        record(actor=actor, verb="tax_settings.updated", target=settings, data=data)
    return settings


def _apply(row: TaxRule | TaxSettings, given: dict[str, Any]) -> list[str]:
    cleaned = {name: CLEANERS[name](value) for name, value in given.items()}
    changed = [name for name, value in cleaned.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, cleaned[name])
    if row.region and not row.country:
        raise Invalid("A region needs its country. Give both.", field="country")
    return changed


def _rate(rate: Decimal) -> Decimal:
    if not rate.is_finite() or not 0 <= rate <= HUNDRED or rate != rate.quantize(THOUSANDTH):
        raise Invalid(
            f"Give a rate from 0 to 100 per cent with at most three decimals, not {rate}.", field="rate"
        )
    return rate.quantize(THOUSANDTH)


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "name": lambda name: clean_line(name, field="name", most=60),
    "rate": _rate,
    "country": lambda code: clean_country(code) if code else "",
    "region": lambda region: clean_line(region, field="region", most=100, needed=False),
    "tax_class": lambda name: clean_choice(name, TaxRule.TaxClass, field="tax_class") if name else "",
    "valid_from": lambda day: day,
    "prices_include_tax": bool,
}


def _taken(rule: TaxRule) -> TaxRuleTaken:
    return TaxRuleTaken(
        f"There is a rule for {rule.place}, this tax class and {rule.valid_from} already. Change that one.",
        field="valid_from",
    )


def _told(rule: TaxRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rate": str(rule.rate),
        "place": rule.place,
        "tax_class": rule.tax_class,
        "valid_from": rule.valid_from.isoformat(),
    }

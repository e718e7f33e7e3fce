"""Which tax an order pays: the most specific rule of its place on the day that it is reckoned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from tenant_apps.orders.customers.countries import COUNTRIES
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.totals import ZERO
from tenants.formats import today

# The place comes from the first who names one: the order, the customer's default address, the customer, the tenant.
FIND_RATES: Final = """
    WITH place AS (
        SELECT prices_include_tax,
            coalesce(nullif(%(country)s, ''), address.country, nullif(%(home)s, ''), settings.country) AS country,
            CASE
                WHEN %(country)s <> '' THEN %(region)s
                WHEN address.country IS NOT NULL THEN address.region
                WHEN %(home)s <> '' THEN ''
                ELSE settings.region
            END AS region
        FROM orders_taxsettings AS settings
        LEFT JOIN orders_address AS address
            ON address.customer_id = %(customer)s AND address.is_default AND address.kind IN ('shipping', 'both')
    )
    SELECT place.prices_include_tax, place.country, place.region,
        rule.region <> '', rule.country <> '', rule.tax_class, rule.valid_from, rule.rate
    FROM place
    LEFT JOIN orders_taxrule AS rule
        ON rule.country IN ('', place.country)
        AND lower(rule.region) IN ('', lower(place.region))
        AND rule.valid_from <= %(day)s"""
CODES: Final = {name.casefold(): code for code, name in COUNTRIES.items()}


class Found(NamedTuple):
    """A rule that holds for a place."""

    is_for_region: bool
    is_for_country: bool
    tax_class: str
    valid_from: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class TaxRates:
    """Where an order is taxed, and by which rules."""

    prices_include_tax: bool
    country: str
    region: str
    rules: Sequence[Found]

    def rate(self, tax_class: str) -> Decimal:
        """The rate of a class, in per cent: the nearer place wins, then the class, then the later day."""
        fitting = [rule for rule in self.rules if rule.tax_class in ("", tax_class)]
        return max(fitting).rate if fitting else ZERO


def rates_for(customer: Customer | None, *, country: str = "", region: str = "") -> TaxRates:
    """The rates of today for a customer, or for the place that is given."""
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_RATES,
            {
                "country": country,
                "region": region,
                "home": country_code(customer.country) if customer else "",
                "customer": customer.pk if customer else UUID(int=0),
                "day": today().date(),
            },
        )
        rows = cursor.fetchall()
    included, country, region = rows[0][:3]
    return TaxRates(included, country, region, [Found(*row[3:]) for row in rows if row[7] is not None])


def country_code(text: str) -> str:
    """The two letters of a country that was written as a code or as its name; empty when it is neither."""
    code = text.strip().upper()
    return code if code in COUNTRIES else CODES.get(text.strip().casefold(), "")

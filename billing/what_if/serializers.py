"""How the what-if calculator is asked, and how it answers."""

from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from rest_framework import serializers

from billing.meters import METERS
from billing.what_if.history import Comparison
from billing.what_if.quotes import Excess, Quote
from tenants.api import fields
from tenants.api.serializers import TenantSerializer

MOST: Final = Decimal(1000)


class FactorField(fields.MoneyField):
    """How many times as much: 2, 0.5."""

    default_error_messages = {
        "invalid": "Send how many times as much it shall be, as a number such as 2 or 0.5.",
        "max_decimal_places": "Send at most {max_decimal_places} decimals.",
    }


class VolumesSerializer(TenantSerializer):
    """For each meter how many times as much shall be used; as much as it was without it."""

    def get_fields(self) -> dict[str, Any]:
        return {
            meter.key: FactorField(
                required=False,
                min_value=Decimal(0),
                max_value=MOST,
                help_text=f"{meter.title}, times as many {meter.unit} as there were.",
            )
            for meter in METERS.values()
        }


class UsedShape(TenantSerializer):
    """What was used of each meter."""

    def get_fields(self) -> dict[str, Any]:
        return {meter.key: fields.IntegerField(read_only=True) for meter in METERS.values()}


class UsedMonthShape(TenantSerializer):
    month = serializers.DateField()
    is_running = fields.BooleanField()
    used = UsedShape()


class PricedLineShape(TenantSerializer):
    what = fields.TextField()
    quantity = fields.IntegerField()
    unit_amount = serializers.DecimalField(max_digits=24, decimal_places=14, allow_null=True)
    amount = fields.MoneyField(max_digits=16)


class PricedMonthShape(TenantSerializer):
    month = serializers.DateField()
    amount = fields.MoneyField(max_digits=16)
    lines = PricedLineShape(many=True)


class ExcessShape(TenantSerializer):
    month = serializers.DateField()
    limit = fields.TextField()
    allowed = fields.IntegerField()
    used = fields.IntegerField()


class PricedPlanShape(TenantSerializer):
    plan = fields.TextField()
    version = fields.IntegerField()
    name = fields.TextField()
    is_offered = fields.BooleanField()
    is_yours = fields.BooleanField()
    is_cheapest = fields.BooleanField()
    fits = fields.BooleanField()
    exceeded = ExcessShape(many=True)
    total = fields.MoneyField(max_digits=16)
    months = PricedMonthShape(many=True)


class WhatIfShape(TenantSerializer):
    """What each plan would have cost."""

    currency = fields.TextField()
    months = UsedMonthShape(many=True)
    plans = PricedPlanShape(many=True)


def told(found: Comparison) -> SimpleNamespace:
    """A comparison as the shape reads it."""
    months = [
        SimpleNamespace(month=month.begin.date(), is_running=month.is_running, used=_used(month.used))
        for month in found.months
    ]
    return SimpleNamespace(
        currency=found.currency, months=months, plans=[_plan(found, quote) for quote in found.quotes]
    )


def _used(used: Mapping[str, int]) -> SimpleNamespace:
    return SimpleNamespace(**{meter: used.get(meter, 0) for meter in METERS})


def _plan(found: Comparison, quote: Quote) -> SimpleNamespace:
    version = quote.version
    return SimpleNamespace(
        plan=version.key,
        version=version.number,
        name=version.name,
        is_offered=version.is_offered,
        is_yours=version == found.own,
        is_cheapest=quote is found.cheapest,
        fits=quote.fits,
        exceeded=[_excess(excess) for excess in quote.excesses],
        total=quote.total,
        months=[
            SimpleNamespace(month=month.begin.date(), amount=bill.total, lines=bill.lines)
            for month, bill in zip(found.months, quote.bills, strict=True)
        ],
    )


def _excess(excess: Excess) -> SimpleNamespace:
    return SimpleNamespace(
        month=excess.month.begin.date(), limit=excess.limit.value, allowed=excess.allowed, used=excess.used
    )

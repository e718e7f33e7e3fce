"""What reports are asked for, and how they look."""

from datetime import date, timedelta
from typing import Any, Final

from rest_framework import serializers

from tenant_apps.reports.spans import Comparison, Interval, Span
from tenants.api import fields
from tenants.api.serializers import TenantSerializer
from tenants.formats import today

LONGEST: Final = timedelta(days=5 * 366)
USUAL_DAYS: Final = 30
MOST: Final = 100


class DayField(serializers.DateField):
    """A day of the tenant's calendar: 2026-01-31."""

    default_error_messages = {"invalid": "Send a day such as 2026-01-31."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not value.isascii() or len(value) != len("2026-01-31"):
            self.fail("invalid")
        day = super().to_internal_value(value)
        if not date(1970, 1, 1) <= day <= date(2200, 1, 1):
            self.fail("invalid")
        return day


class LimitField(serializers.IntegerField):
    """A number of rows, as a query string holds it."""

    default_error_messages = {"invalid": "Send a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not data.isascii() or not data.isdigit() or len(data) > len("100"):
            self.fail("invalid")
        return int(data)


class SpanSerializer(TenantSerializer):
    """From a day to a day, both included; the last thirty days where nothing is said."""

    from_day = DayField(required=False, help_text="The first day; 30 days up to `to_day` without it.")
    to_day = DayField(required=False, help_text="The last day; today without it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        last = attrs.pop("to_day", None) or today().date()
        first = attrs.pop("from_day", None) or self.usual_first(last)
        if first > last:
            raise serializers.ValidationError({"from_day": "The first day lies after the last one."})
        if last - first > LONGEST:
            raise serializers.ValidationError({"from_day": "A report covers five years at most."})
        return {**attrs, "span": Span(first, last)}

    def usual_first(self, last: date) -> date:
        """Where a report begins that nobody says it of."""
        return last - timedelta(days=USUAL_DAYS - 1)


class CohortQuerySerializer(SpanSerializer):
    """The month of the last day and the eleven before: customers come back within months, not within days."""

    from_day = DayField(
        required=False, help_text="A day of the first month; without it twelve months are told."
    )

    def usual_first(self, last: date) -> date:
        """The first of the month, eleven months before."""
        month = last.replace(day=1)
        return (month.replace(year=month.year - 1) + timedelta(days=31)).replace(day=1)


class SalesQuerySerializer(SpanSerializer):
    interval = fields.ChoiceField(
        enum="ReportInterval", choices=[each.value for each in Interval], default=Interval.DAY.value
    )
    compare = fields.ChoiceField(
        enum="ReportComparison", choices=[each.value for each in Comparison], required=False
    )


class BestQuerySerializer(SpanSerializer):
    limit = LimitField(min_value=1, max_value=MOST, default=20)


class SpanShape(TenantSerializer):
    first = DayField()
    last = DayField()


class SalesShape(TenantSerializer):
    orders = fields.IntegerField()
    gross = fields.MoneyField(max_digits=16)
    credits = fields.MoneyField(max_digits=16)
    refunded = fields.MoneyField(max_digits=16)
    tax = fields.MoneyField(max_digits=16)
    net = fields.MoneyField(max_digits=16)
    average = fields.MoneyField(max_digits=16, allow_null=True)


class PeriodShape(TenantSerializer):
    start = DayField()
    sales = SalesShape()
    before = SalesShape(allow_null=True)


class ReportShape(TenantSerializer):
    """What every report says of itself."""

    currency = fields.TextField()
    time_zone = fields.TextField()


class SalesReportShape(ReportShape):
    """Sales over time."""

    span = SpanShape()
    interval = fields.ChoiceField(enum="ReportInterval", choices=[each.value for each in Interval])
    compared_with = SpanShape(allow_null=True)
    periods = PeriodShape(many=True)
    total = SalesShape()
    before = SalesShape(allow_null=True)
    trend = serializers.DecimalField(max_digits=16, decimal_places=1, allow_null=True)


class SoldProductShape(TenantSerializer):
    rank = fields.IntegerField()
    id = fields.IdField()
    sku = fields.TextField()
    name = fields.TextField()
    units = fields.IntegerField()
    amount = fields.MoneyField(max_digits=16)
    share = serializers.DecimalField(max_digits=16, decimal_places=1)


class ProductReportShape(ReportShape):
    """Products by what they sold."""

    span = SpanShape()
    products = SoldProductShape(many=True)


class BuyerShape(TenantSerializer):
    rank = fields.IntegerField()
    id = fields.IdField()
    name = fields.TextField()
    orders = fields.IntegerField()
    amount = fields.MoneyField(max_digits=16)
    cumulative = serializers.DecimalField(max_digits=16, decimal_places=1)


class CustomerReportShape(ReportShape):
    """Customers by what they spent."""

    span = SpanShape()
    customers = BuyerShape(many=True)


class CohortShape(TenantSerializer):
    month = DayField()
    customers = fields.IntegerField()
    later = serializers.ListField(child=fields.IntegerField())


class CohortReportShape(ReportShape):
    """Customers by the month of their first order."""

    span = SpanShape()
    cohorts = CohortShape(many=True)


class ShelfShape(TenantSerializer):
    id = fields.IdField(allow_null=True)
    name = fields.TextField()
    products = fields.IntegerField()
    units = fields.IntegerField()
    at_price = fields.MoneyField(max_digits=18)
    at_cost = fields.MoneyField(max_digits=18, allow_null=True)
    without_cost = fields.IntegerField()


class StockReportShape(ReportShape):
    """What lies on the shelves now."""

    categories = ShelfShape(many=True)

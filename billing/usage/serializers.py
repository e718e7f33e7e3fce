"""What is asked of usage, and how it looks."""

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers

from billing.meters import METERS
from billing.models import SpendCap, UsageAlert
from billing.pricing.periods import period_of
from billing.usage.callers import WAYS
from billing.usage.figures import Unit
from tenants.api import fields
from tenants.api.serializers import TenantSerializer
from tenants.context import current_tenant

LONGEST: Final = {
    Unit.HOUR: timedelta(days=31),
    Unit.DAY: timedelta(days=430),
    Unit.MONTH: timedelta(days=430),
}
# Every figure is a count of units, which may be more than a column of our own holds.
COUNT: Final[dict[str, Any]] = {"read_only": True}


class MomentField(fields.TimestampField):
    """A moment in a query, no older and no younger than any use."""

    def to_internal_value(self, value: Any) -> Any:
        moment = super().to_internal_value(value)
        if not 2000 <= moment.year <= 2200:
            raise serializers.ValidationError("Send a time between the years 2000 and 2200.", "out_of_range")
        return moment


class UsageQuerySerializer(TenantSerializer):
    """Which meter, from when until when, in which groups, and by whom; the billing period that runs, by days."""

    meter = fields.ChoiceField(
        enum="Meter", choices=list(METERS), required=False, help_text="One meter; all without it."
    )
    group = fields.ChoiceField(
        enum="UsageGroup", choices=[each.value for each in Unit], default=Unit.DAY.value
    )
    by = fields.ChoiceField(
        enum="UsageBy",
        choices=sorted({way for _, way in WAYS}),
        required=False,
        help_text="Also tell who it was: `api_calls` by `token` or `user`, `orders_placed` by `user`.",
    )

    def get_fields(self) -> dict[str, Any]:
        """With the two that Python has words for."""
        begin = MomentField(required=False, help_text="The begin of the billing period that runs without it.")
        end = MomentField(required=False, help_text="Not part of it; now without it.")
        return {**super().get_fields(), "from": begin, "to": end}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        begin = attrs.get("from") or period_of(current_tenant().schema, now).begin
        end, unit = attrs.get("to") or now, Unit(attrs["group"])
        self._check_span(begin, end, unit)
        meter, way = attrs.get("meter"), attrs.get("by")
        if way and (meter, way) not in WAYS:
            known = " and ".join(f"meter={key}&by={each}" for key, each in WAYS)
            raise serializers.ValidationError({"by": f"Only {known} can be told apart."})
        meters = [meter] if meter else list(METERS)
        return {"meters": meters, "begin": begin, "end": end, "unit": unit, "by": way}

    def _check_span(self, begin: Any, end: Any, unit: Unit) -> None:
        if begin >= end:
            raise serializers.ValidationError({"from": "`from` has to lie before `to`."})
        if end - begin > LONGEST[unit]:
            raise serializers.ValidationError(
                {
                    "from": f"By {unit} it covers {LONGEST[unit].days} days at most: ask for less, or longer groups."
                }
            )


class BucketShape(TenantSerializer):
    """What was used in one hour, day or month of UTC; of a gauge its level, null where it was not measured."""

    start = fields.TimestampField()
    quantity = fields.IntegerField(allow_null=True, **COUNT)


class CallerShape(TenantSerializer):
    """Somebody or something with its use."""

    id = fields.IdField(allow_null=True)
    kind = fields.ChoiceField(enum="CallerKind", choices=["token", "user", "service", "other"])
    name = fields.TextField()
    detail = fields.TextField()
    quantity = fields.IntegerField(**COUNT)


class MeterShape(TenantSerializer):
    """What is counted."""

    meter = fields.ChoiceField(enum="Meter", choices=list(METERS), source="meter.key")
    title = fields.TextField(source="meter.title")
    unit = fields.TextField(source="meter.unit")
    is_gauge = fields.BooleanField(source="meter.is_gauge")


class MeterReportShape(MeterShape):
    """One meter in the span: the sum of its buckets, of a gauge the last level."""

    total = fields.IntegerField(**COUNT)
    buckets = BucketShape(many=True)
    callers = CallerShape(many=True)


class UsageReportShape(TenantSerializer):
    """Use between two moments."""

    begin = fields.TimestampField()
    end = fields.TimestampField()
    group = fields.ChoiceField(enum="UsageGroup", choices=[each.value for each in Unit])
    counted_at = fields.TimestampField(allow_null=True)
    meters = MeterReportShape(many=True)


class UsagePlanShape(TenantSerializer):
    key = fields.TextField()
    number = fields.IntegerField()
    name = fields.TextField()


class UsagePeriodShape(TenantSerializer):
    begin = fields.TimestampField()
    end = fields.TimestampField()


class ForecastShape(TenantSerializer):
    """The end of the period if days go on as before: eight of ten periods end between `low` and `high`."""

    likely = fields.IntegerField(**COUNT)
    low = fields.IntegerField(**COUNT)
    high = fields.IntegerField(**COUNT)
    days = fields.IntegerField()


class MeterUseShape(MeterShape):
    """How a meter stands. Limits are of the calendar month, of which `limited` is what was used."""

    used = fields.IntegerField(**COUNT)
    included = fields.IntegerField(allow_null=True, **COUNT)
    soft_limit = fields.IntegerField(source="allowed.soft", allow_null=True, **COUNT)
    hard_limit = fields.IntegerField(source="allowed.hard", allow_null=True, **COUNT)
    limited = fields.IntegerField(**COUNT)
    forecast = ForecastShape(allow_null=True)
    cost = fields.MoneyField(max_digits=16)


class ExpectedShape(TenantSerializer):
    likely = fields.MoneyField(max_digits=16)
    low = fields.MoneyField(max_digits=16)
    high = fields.MoneyField(max_digits=16)


class CostShape(TenantSerializer):
    """What the period comes to, the base price included, before tax and credits."""

    currency = fields.TextField()
    so_far = fields.MoneyField(max_digits=16)
    expected = ExpectedShape(allow_null=True)


class SpendCapShape(TenantSerializer):
    """The most that may be spent in a period. While it is stopped, what costs more is answered with 402."""

    amount = fields.MoneyField(allow_null=True)
    behaviour = fields.ChoiceField(enum="SpendCapBehaviour", choices=SpendCap.Behaviour.values)
    stopped_until = fields.TimestampField(allow_null=True)


class SpendCapChangesSerializer(TenantSerializer):
    """What to change of the cap; an `amount` of null lifts it."""

    amount = fields.MoneyField(required=False, allow_null=True, min_value=0)
    behaviour = fields.ChoiceField(
        enum="SpendCapBehaviour", choices=SpendCap.Behaviour.values, required=False
    )


class UsageAlertShape(TenantSerializer):
    """A threshold that was passed; `subject` is a meter, or `spend`."""

    subject = fields.TextField()
    kind = fields.ChoiceField(enum="UsageAlertKind", choices=UsageAlert.Kind.values)
    percent = fields.IntegerField()
    used = serializers.DecimalField(max_digits=20, decimal_places=2)
    allowed = serializers.DecimalField(max_digits=20, decimal_places=2)
    at = fields.TimestampField(source="created_at")


class UsageSummaryShape(TenantSerializer):
    """How the billing period that runs stands under the plan."""

    plan = UsagePlanShape()
    period = UsagePeriodShape()
    counted_at = fields.TimestampField(allow_null=True)
    is_trial = fields.BooleanField()
    meters = MeterUseShape(many=True)
    cost = CostShape()
    spend_cap = SpendCapShape(source="cap")
    alerts = UsageAlertShape(many=True)

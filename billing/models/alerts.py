"""What is told about use: by which credential, which thresholds were passed, and how much may be spent."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models import Record


class SourceHour(models.Model):
    """What one credential, or one person, used of a meter in an hour: recomputed together with the rollup."""

    # One index for the fold to fill: there is a row for each credential and hour.
    pk = models.CompositePrimaryKey("tenant", "meter", "hour", "source")
    tenant = models.TextField()
    meter = models.CharField(max_length=60)
    hour = models.DateTimeField()
    source = models.UUIDField()
    quantity = models.BigIntegerField()

    class Meta:
        ordering = ["-hour", "tenant", "meter", "source"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=0), name="billing_sourcehour_quantity")
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.meter} {self.hour:%Y-%m-%dT%H} {self.source}"


class UsageWatch(models.Model):
    """A tenant whose rollups have changed and whose thresholds nobody has looked at since."""

    tenant = models.TextField(primary_key=True)
    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["noted_at"]
        indexes = [models.Index(fields=["noted_at"], name="billing_usagewatch_noted")]


class UsageAlert(Record):
    """A threshold that a tenant has passed: told once for what is allowed, and not taken back in its period.

    `subject` is a meter, or "spend". Another allowance, as of another plan or cap, is another threshold.
    """

    class Kind(models.TextChoices):
        INCLUDED = "included", "included in the plan"
        SOFT = "soft", "soft limit"
        HARD = "hard", "limit"
        CAP = "cap", "spend cap"

    SPEND = "spend"

    tenant = models.TextField()
    subject = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=Kind)
    percent = models.PositiveSmallIntegerField()
    period_begin = models.DateTimeField()
    period_end = models.DateTimeField()
    used = models.DecimalField(max_digits=20, decimal_places=2)
    allowed = models.DecimalField(max_digits=20, decimal_places=2)
    currency = models.CharField(max_length=3, blank=True)
    # Claimed before the letter is sent: it is sent once at most.
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "period_begin", "subject", "kind", "percent", "allowed"],
                name="billing_usagealert_once",
            ),
            models.CheckConstraint(condition=Q(percent__in=[80, 100]), name="billing_usagealert_percent"),
            models.CheckConstraint(
                condition=Q(kind__in=["included", "soft", "hard", "cap"]), name="billing_usagealert_kind"
            ),
            models.CheckConstraint(
                condition=Q(period_begin__lt=models.F("period_end")), name="billing_usagealert_period"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant"], condition=Q(mailed_at=None), name="billing_usagealert_unmailed")
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.subject} {self.kind} {self.percent} %"


class SpendCap(models.Model):
    """How much a tenant wants to spend in a period, and what happens then. Its id is that of the tenant."""

    class Behaviour(models.TextChoices):
        ALERT = "alert", "Tell us, and go on"
        STOP = "stop", "Stop what would cost more"

    id = models.UUIDField(primary_key=True)
    tenant = models.TextField(unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    behaviour = models.CharField(max_length=5, choices=Behaviour, default=Behaviour.ALERT)
    # While what costs money is refused: until the period ends, unless somebody raises the cap.
    stopped_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["tenant"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount=None) | Q(amount__gt=0), name="billing_spendcap_amount"
            ),
            models.CheckConstraint(
                condition=Q(behaviour__in=["alert", "stop"]), name="billing_spendcap_behaviour"
            ),
            models.CheckConstraint(
                condition=Q(stopped_until=None) | Q(amount__isnull=False, behaviour="stop"),
                name="billing_spendcap_stopped",
            ),
        ]
        indexes = [
            models.Index(
                fields=["stopped_until"],
                condition=Q(stopped_until__isnull=False),
                name="billing_spendcap_stops",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.amount} {self.behaviour}"

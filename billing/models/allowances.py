"""What tenants may use: budgets of a period with the leases that processes hold of them, and operators' overrides."""

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q

from tenants.models import Record


class Budget(models.Model):
    """What a tenant was granted of a limit in a period: what the ledger has of it, and what processes may yet spend.

    No role of a tenant can read or write it. `given` is the size of the last lease, `counted_at` when `granted` was
    last worked out anew from the ledger.
    """

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    tenant = models.TextField()
    limit = models.CharField(max_length=40)
    begin_at = models.DateTimeField()
    end_at = models.DateTimeField()
    granted = models.BigIntegerField(db_default=0)
    given = models.BigIntegerField(db_default=0)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-begin_at", "tenant", "limit"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "limit", "begin_at"], name="billing_budget_unique"),
            models.CheckConstraint(condition=Q(granted__gte=0), name="billing_budget_granted"),
            models.CheckConstraint(condition=Q(begin_at__lt=F("end_at")), name="billing_budget_period"),
        ]
        indexes = [
            models.Index(fields=["-begin_at", "tenant", "limit"], name="billing_budget_list"),
            models.Index(fields=["end_at"], name="billing_budget_end"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.limit} {self.begin_at:%Y-%m-%d}"


class Lease(models.Model):
    """Units of a budget that one process may spend until a moment; the ledger says which of them were spent.

    `key` names the lock that says whether a transaction is spending from it. Whoever spends from it has a transaction
    number from `begun_xid` on.
    """

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="leases", db_index=False)
    holder = models.UUIDField()
    key = models.IntegerField()
    units = models.BigIntegerField()
    begun_xid = models.BigIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(units__gte=0), name="billing_lease_units")]
        indexes = [
            models.Index(fields=["budget"], name="billing_lease_budget"),
            models.Index(fields=["expires_at"], name="billing_lease_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.units} until {self.expires_at:%H:%M:%S}"


class Override(Record):
    """What an operator allows a tenant instead of what its plan says, and why; of each key one is open at most."""

    class Kind(models.TextChoices):
        LIMIT = "limit", "Limit"
        FEATURE = "feature", "Feature"

    tenant = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=40)
    # Of a limit; without one it is not limited.
    value = models.BigIntegerField(null=True, blank=True)
    # Of a feature.
    is_on = models.BooleanField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    granted_by = models.CharField(max_length=254)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"], condition=Q(ended_at=None), name="billing_override_one_open"
            ),
            models.CheckConstraint(
                condition=Q(kind="limit", is_on=None) | Q(kind="feature", is_on__isnull=False, value=None),
                name="billing_override_says_one_thing",
            ),
            models.CheckConstraint(condition=Q(value=None) | Q(value__gte=0), name="billing_override_value"),
            models.CheckConstraint(condition=~Q(reason=""), name="billing_override_reason_given"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | Q(ended_at__isnull=False) & ~Q(ended_by=""),
                name="billing_override_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_override_list"),
            models.Index(fields=["tenant", "-created_at"], name="billing_override_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.key}"

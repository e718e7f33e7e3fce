"""Which plan versions were published, and as what at Stripe."""

from django.db import models
from django.db.models import Q

from tenants.models import Record


class PublishedPlan(Record):
    """A plan version that customers may have bought: from now on it means what its fingerprint says.

    `prices` holds the ids of Stripe's prices, by "base" or the meter. A plan without a price has nothing at Stripe.
    """

    key = models.CharField(max_length=16)
    number = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(max_length=64)
    content = models.JSONField()
    product = models.CharField(max_length=60, blank=True)
    prices = models.JSONField(default=dict)

    class Meta:
        ordering = ["key", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["key", "number"], name="billing_publishedplan_version_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="billing_publishedplan_number"),
            models.CheckConstraint(condition=~Q(fingerprint=""), name="billing_publishedplan_fingerprint"),
            models.CheckConstraint(
                condition=Q(product="", prices={}) | ~Q(product="") & ~Q(prices={}),
                name="billing_publishedplan_at_stripe",
            ),
        ]
        indexes = [models.Index(fields=["key", "-number"], name="billing_publishedplan_list")]

    def __str__(self) -> str:
        return f"{self.key} v{self.number}"

"""What a tenant has at Stripe, as it stood when we last looked, and what we have asked for there."""

from __future__ import annotations

from typing import Final, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from billing.models.lines import InvoiceLine, said
from tenants.models import Record, uuid7

# Of Stripe's states of a subscription; their meaning for the tenant stands in billing/accounts/standings.py.
ENDED: Final = ["canceled", "incomplete_expired"]
OPEN: Final = ["incomplete", "trialing", "active", "past_due", "unpaid", "paused"]
INVOICE_STATUSES: Final = ["draft", "open", "paid", "uncollectible", "void"]


class Customer(models.Model):
    """Who pays for a tenant at Stripe. Whoever refreshes or changes anything of a tenant there holds this row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.TextField(unique=True)
    stripe_id = models.CharField(max_length=60, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    email = models.CharField(max_length=512, blank=True, db_default="")
    # The card that the next invoice is charged to.
    card_brand = models.CharField(max_length=30, blank=True, db_default="")
    card_last4 = models.CharField(max_length=4, blank=True, db_default="")
    card_expires = models.DateField("card good until", null=True)
    # Type, value and state of each number: [{"type": "eu_vat", "value": "DE…", "status": "verified"}].
    tax_ids = models.JSONField(default=list, db_default=[])
    is_delinquent = models.BooleanField(db_default=False)
    # What Stripe owes the customer (negative), or takes with the next invoice; in the smallest unit.
    balance = models.BigIntegerField(db_default=0)
    is_live = models.BooleanField(db_default=False)
    refreshed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def has_card(self) -> bool:
        return bool(self.card_last4)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def open(self) -> Self:
        """Those that have not ended; a tenant has one at most."""
        return self.filter(status__in=OPEN)


class Subscription(Record):
    """A subscription at Stripe, which is the truth; rows are written by `billing.accounts.projecting` alone."""

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete", "Waiting for the first payment"
        INCOMPLETE_EXPIRED = "incomplete_expired", "Never paid"
        TRIALING = "trialing", "On trial"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Past due"
        UNPAID = "unpaid", "Unpaid"
        PAUSED = "paused", "Paused"
        CANCELED = "canceled", "Ended"

    tenant = models.TextField()
    stripe_id = models.CharField(max_length=60)
    plan = models.CharField(max_length=16)
    plan_version = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20, choices=Status)
    currency = models.CharField(max_length=3)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    started_at = models.DateTimeField()
    trial_end = models.DateTimeField(null=True)
    # It ends then, unless somebody resumes it.
    cancel_at = models.DateTimeField(null=True)
    cancel_reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    past_due_since = models.DateTimeField(null=True)
    # The plan that follows at the end of the period, by the schedule at Stripe; or one that waits for its payment.
    pending_plan = models.CharField(max_length=16, blank=True)
    pending_version = models.PositiveSmallIntegerField(null=True)
    pending_at = models.DateTimeField(null=True)
    schedule = models.CharField(max_length=60, blank=True)
    # The item's id, price and meter (or "base"): [{"id": "si_…", "price": "price_…", "of": "api_calls"}].
    items = models.JSONField(default=list)
    # Names and terms of what is taken off: [{"name": "…", "percent": "20", "code": "…"}].
    discounts = models.JSONField(default=list)
    latest_invoice = models.CharField(max_length=60, blank=True)
    refreshed_at = models.DateTimeField(default=timezone.now)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["stripe_id"], name="billing_subscription_stripe_id_unique"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(status__in=OPEN), name="billing_subscription_one_open"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[*OPEN, *ENDED]), name="billing_subscription_status_known"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=F("period_start")), name="billing_subscription_period"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ENDED, ended_at__isnull=False)
                | Q(status__in=OPEN, ended_at__isnull=True),
                name="billing_subscription_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status="past_due") | Q(past_due_since__isnull=False),
                name="billing_subscription_past_due",
            ),
            models.CheckConstraint(
                condition=Q(pending_plan="", pending_version__isnull=True, pending_at__isnull=True)
                | ~Q(pending_plan="") & Q(pending_version__isnull=False, pending_at__isnull=False),
                name="billing_subscription_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="billing_subscription_list"),
            models.Index(fields=["tenant", "-started_at", "-id"], name="billing_subscription_tenant"),
            models.Index(fields=["status", "-started_at", "-id"], name="billing_subscription_status"),
            models.Index(
                fields=["past_due_since"],
                condition=Q(status="past_due"),
                name="billing_subscription_grace",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.plan} v{self.plan_version}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_on_trial(self) -> bool:
        return self.status == self.Status.TRIALING

    @property
    def is_ending(self) -> bool:
        """Whether it ends by itself, and can still be resumed."""
        return self.is_open and self.cancel_at is not None


class StripeInvoice(Record):
    """An invoice of Stripe's as it was last seen; amounts in the currency's main unit."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        PAID = "paid", "Paid"
        UNCOLLECTIBLE = "uncollectible", "Given up"
        VOID = "void", "Void"

    tenant = models.TextField()
    stripe_id = models.CharField(max_length=60)
    subscription = models.CharField(max_length=60, blank=True)
    number = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=15, choices=Status)
    reason = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    subtotal = models.DecimalField(max_digits=16, decimal_places=3)
    tax = models.DecimalField(max_digits=16, decimal_places=3)
    total = models.DecimalField(max_digits=16, decimal_places=3)
    amount_due = models.DecimalField(max_digits=16, decimal_places=3)
    amount_paid = models.DecimalField(max_digits=16, decimal_places=3)
    amount_remaining = models.DecimalField(max_digits=16, decimal_places=3)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    finalized_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    hosted_url = models.TextField(blank=True)
    pdf_url = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    # What Stripe said when it could not finalize it.
    error = models.TextField(blank=True)
    # What each line holds: billing.accounts.reading.lines_of.
    lines = models.JSONField(default=list)
    refreshed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["stripe_id"], name="billing_stripeinvoice_stripe_id_unique"),
            models.CheckConstraint(
                condition=Q(status__in=INVOICE_STATUSES), name="billing_stripeinvoice_status_known"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gte=F("period_start")), name="billing_stripeinvoice_period"
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "-id"], name="billing_stripeinvoice_list"),
            models.Index(fields=["tenant", "-issued_at", "-id"], name="billing_stripeinvoice_tenant"),
            models.Index(fields=["status", "-issued_at", "-id"], name="billing_stripeinvoice_status"),
        ]

    def __str__(self) -> str:
        return self.number or self.stripe_id

    @property
    def is_payable(self) -> bool:
        """Whether it waits to be paid by its customer."""
        return self.status == self.Status.OPEN and self.amount_remaining > 0 and bool(self.hosted_url)

    @property
    def shown_lines(self) -> tuple[InvoiceLine, ...]:
        """The lines as people and programs read them."""
        return said(self.lines)


class Case(Record):
    """Something about a tenant's money that a person has to look at; the same thing is not put down twice."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        SETTLED = "settled", "Settled"

    kind = models.CharField(max_length=40)
    tenant = models.TextField(blank=True)
    object_id = models.CharField(max_length=120)
    text = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=254, blank=True)
    # What was done about it.
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id"], condition=Q(status="open"), name="billing_case_one_open"
            ),
            models.CheckConstraint(
                condition=Q(status="open", settled_at__isnull=True)
                | Q(status="settled", settled_at__isnull=False),
                name="billing_case_settled",
            ),
            models.CheckConstraint(condition=~Q(kind="") & ~Q(object_id=""), name="billing_case_given"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_case_list"),
            models.Index(fields=["status", "-created_at", "-id"], name="billing_case_status"),
            models.Index(fields=["kind", "-created_at", "-id"], name="billing_case_kind"),
            models.Index(fields=["tenant", "-created_at", "-id"], name="billing_case_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class Deed(Record):
    """A call that changes something at Stripe, written down before it is made, with the key that makes it single.

    One that was begun and never finished is made good: by whoever does the same again, or by the sweeper.
    """

    class Status(models.TextChoices):
        BEGUN = "begun", "Begun"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    tenant = models.TextField()
    verb = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.BEGUN)
    tries = models.PositiveIntegerField(default=0)
    result = models.CharField(max_length=120, blank=True)
    error = models.TextField(blank=True)
    asked_by = models.CharField(max_length=254)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="billing_deed_key_unique"),
            models.UniqueConstraint(
                fields=["tenant", "verb"], condition=Q(status="begun"), name="billing_deed_one_begun"
            ),
            models.CheckConstraint(
                condition=Q(status="begun", ended_at__isnull=True)
                | Q(status__in=["done", "refused"], ended_at__isnull=False),
                name="billing_deed_ended",
            ),
            models.CheckConstraint(condition=~Q(key="") & ~Q(verb=""), name="billing_deed_given"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_deed_list"),
            models.Index(fields=["tenant", "-created_at", "-id"], name="billing_deed_tenant"),
            models.Index(fields=["status", "-created_at", "-id"], name="billing_deed_status"),
            models.Index(fields=["created_at"], condition=Q(status="begun"), name="billing_deed_begun"),
        ]

    def __str__(self) -> str:
        return self.key

"""Shapes of the billing API."""

from typing import Any

from billing.accounts.contracts import State
from billing.accounts.upcoming import CountedBy
from billing.models import StripeInvoice
from billing.subscriptions.details import LONGEST_CODE
from billing.subscriptions.services import FEEDBACK, LONGEST_REASON
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class CardSerializer(TenantSerializer):
    """The card that pays, as people know it."""

    brand = fields.TextField(read_only=True)
    last4 = fields.TextField(read_only=True)
    expires_on = fields.TextField(read_only=True, allow_null=True, help_text="The last month, as `09/28`.")
    is_expiring = fields.BooleanField(read_only=True, help_text="Ends within 30 days.")
    is_expired = fields.BooleanField(read_only=True)


class PlanRefSerializer(TenantSerializer):
    """A version of a plan."""

    key = fields.TextField(read_only=True)
    version = fields.IntegerField(source="number", read_only=True)
    name = fields.TextField(read_only=True)


class PlanSerializer(PlanRefSerializer):
    """A version of a plan with its price."""

    currency = fields.TextField(read_only=True)
    base = fields.MoneyField(
        source="terms.base", max_digits=14, read_only=True, help_text="A month, without use."
    )


class SubscriptionSerializer(TenantSerializer):
    """What the workspace has, how it stands, and how it is paid."""

    plan = PlanSerializer(source="version", read_only=True)
    status = fields.ChoiceField(
        enum="BillingState", choices=[state.value for state in State], source="state", read_only=True
    )
    access = fields.ChoiceField(
        enum="Access",
        choices=["full", "grace", "read_only", "closed"],
        source="tenant.access",
        read_only=True,
    )
    access_reason = fields.TextField(source="tenant.access_reason", read_only=True)
    read_only_at = fields.TimestampField(
        read_only=True,
        allow_null=True,
        help_text="When a workspace whose payment failed can only be read, unless it pays.",
    )
    period_begin = fields.TimestampField(source="period.begin", read_only=True)
    period_end = fields.TimestampField(source="period.end", read_only=True)
    trial_ends_at = fields.TimestampField(read_only=True, allow_null=True)
    cancel_at = fields.TimestampField(
        source="ends_at", read_only=True, allow_null=True, help_text="When it ends, unless it is resumed."
    )
    pending_plan = PlanRefSerializer(source="pending", read_only=True, allow_null=True)
    pending_at = fields.TimestampField(read_only=True, allow_null=True)
    card = CardSerializer(read_only=True, allow_null=True)
    amount_due = fields.MoneyField(
        max_digits=16,
        read_only=True,
        allow_null=True,
        help_text="What is open of the oldest unpaid invoice.",
    )
    pay_url = fields.TextField(read_only=True, allow_null=True, help_text="Stripe's page of that invoice.")


class NextLineSerializer(TenantSerializer):
    """One line of an invoice."""

    text = fields.TextField(read_only=True)
    of = fields.TextField(read_only=True, help_text="A meter's key, or `base`.")
    quantity = fields.TextField(read_only=True)
    amount = fields.MoneyField(max_digits=16, read_only=True)
    is_proration = fields.BooleanField(read_only=True)


class NextInvoiceSerializer(TenantSerializer):
    """The next invoice as it would be written now."""

    counted_by = fields.ChoiceField(
        enum="CountedBy",
        choices=[each.value for each in CountedBy],
        read_only=True,
        help_text="Stripe, or we where Stripe is not asked or does not answer.",
    )
    currency = fields.TextField(read_only=True)
    lines = NextLineSerializer(many=True, read_only=True)
    tax = fields.MoneyField(max_digits=16, read_only=True)
    total = fields.MoneyField(max_digits=16, read_only=True)
    due = fields.MoneyField(
        max_digits=16, read_only=True, help_text="The total less what stands to the workspace's credit."
    )
    at = fields.TimestampField(read_only=True, help_text="When it is written.")
    asked_at = fields.TimestampField(read_only=True)
    note = fields.TextField(read_only=True)


class PlanChoiceSerializer(TenantSerializer):
    """Which plan is meant; it is its newest version that is sold."""

    plan = fields.TextField(max_length=16, help_text="The key of a plan, such as `team`.")


class PlanChangeSerializer(PlanChoiceSerializer):
    """A change that was looked at before."""

    token = fields.TextField(max_length=2000, help_text="From the preview; good for a quarter of an hour.")


class ChangePreviewSerializer(TenantSerializer):
    """What a change of plan comes to, by Stripe's own preview."""

    plan = PlanRefSerializer(read_only=True)
    before = PlanRefSerializer(read_only=True)
    is_at_once = fields.BooleanField(read_only=True, help_text="Or else at the end of the period.")
    effective_at = fields.TimestampField(read_only=True)
    currency = fields.TextField(read_only=True)
    lines = NextLineSerializer(many=True, read_only=True)
    total = fields.MoneyField(max_digits=16, read_only=True)
    due_now = fields.MoneyField(max_digits=16, read_only=True)
    token = fields.TextField(read_only=True, help_text="Give it back to make the change as it was shown.")


class SubscriptionCancellationSerializer(TenantSerializer):
    """Why the subscription is to end."""

    feedback = fields.ChoiceField(enum="CancellationFeedback", choices=list(FEEDBACK))
    comment = fields.LongTextField(required=False, allow_blank=True, max_length=LONGEST_REASON)


class CheckoutSerializer(TenantSerializer):
    """A page at Stripe where a subscription is bought."""

    id = fields.TextField(read_only=True)
    url = fields.TextField(read_only=True, help_text="Where to send the person who pays.")
    expires_at = fields.TimestampField(read_only=True)


class StripePortalSerializer(TenantSerializer):
    """A page at Stripe, good once and for a few minutes."""

    url = fields.TextField(read_only=True)


class PromotionCodeSerializer(TenantSerializer):
    """A promotion code, as it was sent."""

    code = fields.TextField(max_length=LONGEST_CODE)


class TaxIdSerializer(TenantSerializer):
    """A tax number; an empty value takes it away."""

    kind = fields.TextField(max_length=20, help_text="As Stripe names it, such as `eu_vat`.")
    value = fields.TextField(max_length=60, allow_blank=True)


class StripeInvoiceSerializer(TenantModelSerializer):
    """An invoice of Stripe's as it was last seen."""

    subtotal = fields.MoneyField(max_digits=16, read_only=True)
    tax = fields.MoneyField(max_digits=16, read_only=True)
    total = fields.MoneyField(max_digits=16, read_only=True)
    amount_due = fields.MoneyField(max_digits=16, read_only=True)
    amount_paid = fields.MoneyField(max_digits=16, read_only=True)
    amount_remaining = fields.MoneyField(max_digits=16, read_only=True)

    class Meta:
        model = StripeInvoice
        fields: Any = (
            "id",
            "number",
            "status",
            "currency",
            "subtotal",
            "tax",
            "total",
            "amount_due",
            "amount_paid",
            "amount_remaining",
            "period_start",
            "period_end",
            "issued_at",
            "due_at",
            "paid_at",
            "attempts",
            "next_attempt_at",
            "hosted_url",
            "pdf_url",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class StripeInvoiceDetailSerializer(StripeInvoiceSerializer):
    """An invoice with its lines."""

    lines = NextLineSerializer(source="shown_lines", many=True, read_only=True)

    class Meta(StripeInvoiceSerializer.Meta):
        fields = (*StripeInvoiceSerializer.Meta.fields, "lines")
        read_only_fields = fields

"""Shapes of documents and of the seller."""

from typing import Any

from rest_framework import serializers

from tenant_apps.invoices.crediting import LineCredit
from tenant_apps.invoices.models import Invoice, InvoiceFile, Seller
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class InvoiceFileSerializer(TenantModelSerializer):
    """What has become of the PDF."""

    class Meta:
        model = InvoiceFile
        fields = ("state", "size", "sha256", "error", "attempts")
        read_only_fields = fields


class InvoiceSerializer(TenantModelSerializer):
    """An invoice or a credit note; `invoice` is what a credit note credits."""

    file = InvoiceFileSerializer(read_only=True)

    class Meta:
        model = Invoice
        fields: Any = (
            "id",
            "kind",
            "code",
            "year",
            "number",
            "order",
            "invoice",
            "currency",
            "total",
            "language",
            "issued_at",
            "file",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class InvoiceDetailSerializer(InvoiceSerializer):
    """A document with all that stands on it, as it was issued."""

    content = serializers.DictField(source="snapshot", read_only=True)

    class Meta(InvoiceSerializer.Meta):
        fields = (*InvoiceSerializer.Meta.fields, "content")
        read_only_fields = fields


class LineCreditSerializer(TenantSerializer):
    """Pieces of a line of the invoice."""

    position = fields.IntegerField(min_value=1)
    quantity = fields.IntegerField(min_value=1, max_value=MOST_AT_ONCE)

    def to_internal_value(self, data: Any) -> LineCredit:
        return LineCredit(**super().to_internal_value(data))


class NewCreditNoteSerializer(TenantSerializer):
    """What to credit: an amount with tax, pieces of lines, or, where neither is given, all that is left."""

    amount = fields.MoneyField(required=False, max_digits=14)
    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LineCreditSerializer(), required=False, max_length=1_000
    )
    reason = fields.TextField(required=False, allow_blank=True, max_length=200)


class DownloadSerializer(TenantSerializer):
    """Where the PDF can be had for a quarter of an hour, without a credential."""

    url = serializers.CharField()
    file_name = serializers.CharField()
    size = fields.IntegerField()
    sha256 = serializers.CharField()


class SellerSerializer(TenantModelSerializer):
    """Who sells, as documents say it, and when they are issued by themselves."""

    class Meta:
        model = Seller
        fields = (
            "legal_name",
            "line1",
            "line2",
            "postal_code",
            "city",
            "region",
            "country",
            "vat_id",
            "email",
            "phone",
            "footer",
            "invoice_prefix",
            "credit_note_prefix",
            "payment_days",
            "issuing",
            "updated_at",
        )


class SellerChangesSerializer(SellerSerializer):
    """What of the seller's data is to change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "partial": True})

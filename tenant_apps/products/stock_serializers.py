"""Shapes of locations, levels, movements, transfers and counts."""

from typing import Any

from rest_framework import serializers

from tenant_apps.products.documents import MOST_LINES, DocumentLine
from tenant_apps.products.locations import LONGEST_ADDRESS
from tenant_apps.products.models import (
    Category,
    Location,
    Product,
    StockDocument,
    StockDocumentLine,
    StockLevel,
    StockMovement,
)
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class LocationSerializer(TenantModelSerializer):
    """A place that stock lies at. One is the default: what names no location means that one."""

    class Meta:
        model = Location
        fields: Any = (
            "id",
            "code",
            "name",
            "address",
            "is_default",
            "archived_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = ("is_default", "archived_at")
        extra_kwargs = {"address": {"max_length": LONGEST_ADDRESS}}


class LocationChangesSerializer(LocationSerializer):
    """What of a location may change. Its code is for life."""

    class Meta(LocationSerializer.Meta):
        read_only_fields = ("code", "archived_at")


class LevelSerializer(TenantModelSerializer):
    """What of a product is at one location."""

    available = fields.IntegerField(read_only=True)

    class Meta:
        model = StockLevel
        fields = ("location", "on_hand", "reserved", "available")
        read_only_fields = fields


class StockSerializer(TenantModelSerializer):
    """The stock of one product, named by the product's id: in all, and at each location that has had some."""

    available = fields.IntegerField(read_only=True)
    is_low = serializers.BooleanField(read_only=True)
    levels = LevelSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = (
            "id",
            "sku",
            "name",
            "on_hand",
            "reserved",
            "available",
            "low_stock_at",
            "is_low",
            "low_since",
            "levels",
            "updated_at",
        )
        read_only_fields = fields


class MovementSerializer(TenantModelSerializer):
    """A line of the stock ledger."""

    class Meta:
        model = StockMovement
        fields = (
            "id",
            "product",
            "location",
            "reason",
            "on_hand_change",
            "reserved_change",
            "note",
            "source",
            "actor_label",
            "at",
        )
        read_only_fields = fields


class ReceiptSerializer(TenantSerializer):
    """Goods that were delivered; to the default location, unless another is named."""

    quantity = fields.IntegerField(min_value=1, max_value=MOST_AT_ONCE)
    note = fields.TextField(required=False, allow_blank=True, max_length=500)
    location = fields.ReferenceField(required=False, queryset=Location.objects.all())


class AdjustmentSerializer(TenantSerializer):
    """A correction of the books at a location: to a counted number, or by a difference. The note says why."""

    counted = fields.IntegerField(required=False, min_value=0)
    delta = fields.IntegerField(required=False)
    note = fields.TextField(max_length=500)
    location = fields.ReferenceField(required=False, queryset=Location.objects.all())


class TransferLineSerializer(TenantModelSerializer):
    """A product on a transfer: how many are sent, and how many have arrived."""

    sku = serializers.CharField(source="product.sku", read_only=True)
    quantity = fields.IntegerField(source="expected", read_only=True)
    received = fields.IntegerField(source="actual", read_only=True, allow_null=True)

    class Meta:
        model = StockDocumentLine
        fields = ("product", "sku", "quantity", "received", "note")
        read_only_fields = fields


class TransferSummarySerializer(TenantModelSerializer):
    """A transfer without its lines."""

    class Meta:
        model = StockDocument
        fields: Any = (
            "id",
            "number",
            "status",
            "location",
            "destination",
            "note",
            "sent_at",
            "ended_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class TransferSerializer(TransferSummarySerializer):
    """Stock that leaves one location and arrives at another."""

    lines = TransferLineSerializer(many=True, read_only=True)

    class Meta(TransferSummarySerializer.Meta):
        fields = (*TransferSummarySerializer.Meta.fields, "lines")
        read_only_fields = fields


class TransferLineInputSerializer(TenantSerializer):
    """How many of a product; 0 takes it off a draft."""

    product = fields.IdField()
    quantity = fields.IntegerField(min_value=0, max_value=MOST_AT_ONCE)
    note = fields.TextField(required=False, allow_blank=True, max_length=200)

    def to_internal_value(self, data: Any) -> DocumentLine:
        values = super().to_internal_value(data)
        return DocumentLine(values["product"], values["quantity"], values.get("note", ""))


class TransferLinesSerializer(TenantSerializer):
    """Products to be put on a draft or changed there; others stay as they are."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=TransferLineInputSerializer(), max_length=MOST_LINES
    )


class NewTransferSerializer(TransferLinesSerializer):
    """A transfer to be written down; with `at_once` it has left and arrived by the same act."""

    location = fields.ReferenceField(queryset=Location.objects.all())
    destination = fields.ReferenceField(queryset=Location.objects.all())
    note = fields.TextField(required=False, allow_blank=True, max_length=500)
    at_once = fields.BooleanField(default=False, help_text="Send and receive everything by this request.")


class TransferReceiptSerializer(TenantSerializer):
    """What arrived: everything, unless lines say otherwise. A complete receipt ends the transfer."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=TransferLineInputSerializer(), required=False, max_length=MOST_LINES
    )
    complete = fields.BooleanField(
        default=True, help_text="Nothing more is awaited: what is missing is lost."
    )
    note = fields.TextField(required=False, allow_blank=True, max_length=500)


class CountLineSerializer(TenantModelSerializer):
    """A product of a count: the books at the moment it was counted, what was found, and by how much they differ."""

    sku = serializers.CharField(source="product.sku", read_only=True)
    counted = fields.IntegerField(source="actual", read_only=True, allow_null=True)
    difference = fields.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = StockDocumentLine
        fields = ("product", "sku", "expected", "counted", "difference", "note")
        read_only_fields = fields


class CountSummarySerializer(TenantModelSerializer):
    """A count without its lines."""

    class Meta:
        model = StockDocument
        fields: Any = ("id", "number", "status", "location", "note", "ended_at", "created_at", "updated_at")
        read_only_fields: Any = fields


class CountSerializer(CountSummarySerializer):
    """A comparison of the books with what lies at a location."""

    lines = CountLineSerializer(many=True, read_only=True)

    class Meta(CountSummarySerializer.Meta):
        fields = (*CountSummarySerializer.Meta.fields, "lines")
        read_only_fields = fields


class NewCountSerializer(TenantSerializer):
    """A count to be opened: of all that lies at a location, or of one category there."""

    location = fields.ReferenceField(queryset=Location.objects.all())
    category = fields.ReferenceField(required=False, queryset=Category.objects.all())
    note = fields.TextField(required=False, allow_blank=True, max_length=500)


class CountedSerializer(TenantSerializer):
    """How many of a product were found."""

    product = fields.IdField()
    counted = fields.IntegerField(min_value=0, max_value=MOST_AT_ONCE)
    note = fields.TextField(required=False, allow_blank=True, max_length=200)

    def to_internal_value(self, data: Any) -> DocumentLine:
        values = super().to_internal_value(data)
        return DocumentLine(values["product"], values["counted"], values.get("note", ""))


class CountedLinesSerializer(TenantSerializer):
    """What was counted; products that the count did not list are added to it."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=CountedSerializer(), max_length=MOST_LINES
    )

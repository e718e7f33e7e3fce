"""Shapes of customers."""

from typing import Any

from rest_framework import serializers

from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class PlacedAddressField(serializers.DictField):
    """An address as an order was placed with; null before that, and without a customer."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField()
        super().__init__(**{"read_only": True, "allow_null": True, "child": child, **kwargs})


class CustomerSerializer(TenantModelSerializer):
    """A customer; `reference` is the id by which another system knows them."""

    tags = serializers.ListField(
        child=fields.TextField(max_length=40), max_length=50, required=False, help_text="In small letters."
    )

    class Meta:
        model = Customer
        fields = (
            "id",
            "reference",
            "name",
            "company",
            "email",
            "phone",
            "country",
            "vat_id",
            "language",
            "tags",
            "note",
            "erased_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("erased_at",)


class AddressSerializer(TenantModelSerializer):
    """An address of a customer; `country` is its two letters (ISO 3166-1)."""

    country = fields.TextField(min_length=2, max_length=2)

    class Meta:
        model = Address
        fields = (
            "id",
            "kind",
            "is_default",
            "name",
            "company",
            "line1",
            "line2",
            "postal_code",
            "city",
            "region",
            "country",
            "phone",
            "created_at",
            "updated_at",
        )


class NoteSerializer(TenantModelSerializer):
    """What somebody wrote down about a customer, and when."""

    author = fields.TextField(source="author_label", read_only=True)

    class Meta:
        model = CustomerNote
        fields = ("id", "text", "author", "created_at", "updated_at")


class MergeSerializer(TenantSerializer):
    """The customer that is to become part of this one."""

    duplicate = fields.ReferenceField(queryset=Customer.objects.all())


class ErasureSerializer(TenantSerializer):
    """The customer's name, typed again: an erasure cannot be undone."""

    name = fields.TextField(max_length=200)


class ErasedSerializer(TenantSerializer):
    """What was removed with a customer, and what stays because the law asks for it."""

    customer = CustomerSerializer()
    removed = serializers.DictField(child=serializers.IntegerField())
    kept = serializers.DictField(child=serializers.IntegerField())


class ValueSerializer(TenantSerializer):
    """A customer's orders in one currency."""

    currency = fields.TextField()
    orders = fields.IntegerField(help_text="Orders that were placed and not cancelled.")
    sold = fields.MoneyField(max_digits=20)
    credited = fields.MoneyField(max_digits=20)
    refunded = fields.MoneyField(max_digits=20)
    total = fields.MoneyField(max_digits=20, help_text="Sold, less what was credited and refunded.")
    average = fields.MoneyField(max_digits=20, allow_null=True)
    first_order_at = fields.TimestampField(allow_null=True)
    latest_order_at = fields.TimestampField(allow_null=True)


class ValuesSerializer(TenantSerializer):
    """What a customer has been worth so far."""

    by_currency = ValueSerializer(many=True)

"""Shapes of categories, products and stock."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenant_apps.products.edits import MOST
from tenant_apps.products.images import MOST_IMAGES, image_url
from tenant_apps.products.models import MOST_OPTIONS, Category, Image, Product
from tenant_apps.products.variants import MOST_VALUES
from tenant_apps.products.writing import HIGHEST_PRICE, MOST_AT_ONCE, MOST_TAGS
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class MetadataField(serializers.DictField):
    """Texts by names."""

    default_error_messages = {"not_a_dict": 'Send an object of texts, such as {{"erp": "4711"}}.'}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": fields.TextField(max_length=500, allow_blank=True), **kwargs})


class CategorySerializer(TenantModelSerializer):
    """A category. Its slug is made from its first name; its ancestors lead from the root to its parent."""

    ancestors = serializers.ListField(child=fields.IdField(), read_only=True)

    class Meta:
        model = Category
        fields = ("id", "name", "slug", "parent", "ancestors", "created_at", "updated_at")
        read_only_fields = ("slug", "ancestors")


class OptionSerializer(TenantSerializer):
    """One way in which the variants of a product differ."""

    name = fields.TextField(max_length=40, help_text="Such as Size.")
    values = serializers.ListField(
        child=fields.TextField(max_length=60),
        min_length=1,
        max_length=MOST_VALUES,
        help_text="Such as S and M.",
    )


class ProductSerializer(TenantModelSerializer):
    """A product with its stock. `available` is what can still be promised: on hand less reserved.

    One with `options` is shown and not sold: its variants are. A variant names its `parent`, and what it `inherits`.
    """

    available = fields.IntegerField(read_only=True)
    options = serializers.ListField(
        child=serializers.DictField(),
        read_only=True,
        allow_null=True,
        help_text="What the variants differ in.",
    )
    option_values = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        allow_null=True,
        help_text="A variant's value by option.",
    )
    inherits = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="The fields that a variant has of its parent.",
    )
    tags = serializers.ListField(
        child=fields.TextField(max_length=40),
        required=False,
        max_length=MOST_TAGS,
        help_text="In lower case.",
    )
    metadata = MetadataField(required=False, help_text="Texts by names, for programs.")

    class Meta:
        model = Product
        fields: Any = (
            "id",
            "sku",
            "name",
            "description",
            "kind",
            "status",
            "price",
            "compare_at_price",
            "cost_price",
            "currency",
            "tax_class",
            "category",
            "tags",
            "metadata",
            "parent",
            "options",
            "option_values",
            "inherits",
            "on_hand",
            "reserved",
            "available",
            "low_stock_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = ("currency", "on_hand", "reserved", "parent")
        extra_kwargs = {
            **{
                name: {"min_value": 0, "max_value": HIGHEST_PRICE}
                for name in ("price", "compare_at_price", "cost_price")
            },
            "low_stock_at": {"min_value": 0, "max_value": MOST_AT_ONCE},
        }


class NewProductSerializer(ProductSerializer):
    """A product to be created; goods may begin with stock."""

    opening_stock = fields.IntegerField(required=False, min_value=0, max_value=MOST_AT_ONCE, write_only=True)

    class Meta(ProductSerializer.Meta):
        fields = (*ProductSerializer.Meta.fields, "opening_stock")


class ProductChangesSerializer(ProductSerializer):
    """What of a product may change. Its kind is for life. A variant's empty field has what its parent's has."""

    name = fields.TextField(max_length=200, allow_blank=True)

    class Meta(ProductSerializer.Meta):
        read_only_fields = (*ProductSerializer.Meta.read_only_fields, "kind")


class NewVariantSerializer(NewProductSerializer):
    """A variant: its values say which, the rest is the parent's unless it is given."""

    name = fields.TextField(max_length=200, required=False, allow_blank=True)
    price = fields.MoneyField(required=False, min_value=0, max_value=HIGHEST_PRICE)
    option_values = serializers.DictField(
        child=fields.TextField(max_length=60), help_text="One value for each option."
    )

    class Meta(NewProductSerializer.Meta):
        read_only_fields = (*NewProductSerializer.Meta.read_only_fields, "kind", "category")


class OptionsSerializer(TenantSerializer):
    """The options of a product; none where it has no variants any more."""

    options = serializers.ListField(child=OptionSerializer(), max_length=MOST_OPTIONS)


class VariantsMadeSerializer(TenantSerializer):
    """The variants that were missing and are there now."""

    made = fields.IntegerField(read_only=True)
    variants = ProductSerializer(many=True, read_only=True)


class ProductEditSerializer(TenantSerializer):
    """One change for many products. Variants follow their parent's price, status and inherited category."""

    products = serializers.ListField(child=fields.IdField(), min_length=1, max_length=MOST)
    price_percent = fields.MoneyField(
        required=False,
        min_value=-100,
        max_value=1000,
        help_text="-10.00 is ten per cent less; halves round up.",
    )
    price_by = fields.MoneyField(required=False, help_text="An amount to add, or to take away.")
    status = fields.ChoiceField(enum="ProductStatus", choices=Product.Status.choices, required=False)
    category = fields.ReferenceField(queryset=Category.objects.all(), required=False)
    no_category = fields.BooleanField(required=False)
    add_tags = serializers.ListField(
        child=fields.TextField(max_length=40), required=False, max_length=MOST_TAGS
    )
    remove_tags = serializers.ListField(
        child=fields.TextField(max_length=40), required=False, max_length=MOST_TAGS
    )


class ProductEditedSerializer(TenantSerializer):
    """How many products are different now, and the word that takes the change back for a quarter of an hour."""

    changed = fields.IntegerField(read_only=True)
    undo = fields.TextField(read_only=True, allow_null=True)


class ProductUndoSerializer(TenantSerializer):
    """The word that an edit answered with."""

    undo = fields.TextField(max_length=64)


class ImageSerializer(TenantModelSerializer):
    """A picture of a product. Its addresses are good for a day. The one at place 0 stands for the product."""

    url = serializers.SerializerMethodField(help_text="The whole picture, WebP.")
    thumbnails = serializers.SerializerMethodField(
        help_text="Smaller ones, by the length of the longer side."
    )

    class Meta:
        model = Image
        fields = (
            "id",
            "product",
            "position",
            "alt",
            "width",
            "height",
            "url",
            "thumbnails",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("product", "width", "height")
        extra_kwargs = {"position": {"min_value": 0, "max_value": MOST_IMAGES}}

    def get_url(self, image: Image) -> str:
        return image_url(image)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "format": "uri"}})
    def get_thumbnails(self, image: Image) -> dict[str, str]:
        return {str(size): image_url(image, size) for size in Image.SIZES}


class ImageUploadSerializer(TenantSerializer):
    """A picture: JPEG, PNG, WebP or GIF of at most 10 MB and 40 million pixels, whatever its name says."""

    file = serializers.FileField()
    alt = fields.TextField(max_length=250, required=False, allow_blank=True, help_text="What it shows.")

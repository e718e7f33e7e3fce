"""The API of categories, products and stock."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.products import bulk, sheets
from tenant_apps.products.edits import Change, Edited, edit_products, undo_edit
from tenant_apps.products.filters import (
    CategoryFilters,
    ImageFilters,
    ProductFilters,
)
from tenant_apps.products.images import add_image, change_image, remove_image
from tenant_apps.products.models import Category, Image, Product
from tenant_apps.products.searching import PRODUCTS
from tenant_apps.products.serializers import (
    CategorySerializer,
    ImageSerializer,
    ImageUploadSerializer,
    NewProductSerializer,
    NewVariantSerializer,
    OptionsSerializer,
    ProductChangesSerializer,
    ProductEditedSerializer,
    ProductEditSerializer,
    ProductSerializer,
    ProductUndoSerializer,
    VariantsMadeSerializer,
)
from tenant_apps.products.services import (
    adjust_stock,
    archive_product,
    create_category,
    create_product,
    delete_category,
    receive_stock,
    restore_product,
    update_category,
    update_product,
)
from tenant_apps.products.stock_serializers import AdjustmentSerializer, MovementSerializer, ReceiptSerializer
from tenant_apps.products.variants import Made, generate_variants, set_options
from tenants.api.bulk import TakesBulk
from tenants.api.exporting import Exports
from tenants.api.parsers import StrictJSONParser
from tenants.api.selection import Expansion
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates


class CategoryViewSet(Creates, Updates, Deletes, TenantViewSet):
    """Categories that products stand in."""

    resource = "products"
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    filterset_class = CategoryFilters
    ordering = ("name",)
    ordering_fields = ("created_at", "name", "updated_at")
    search_fields = ("name",)

    def perform_create(self, data: dict[str, Any]) -> Category:
        """Create a category."""
        return create_category(actor=self.actor, **data)

    def perform_update(self, category: Category, data: dict[str, Any]) -> Category:
        """Rename a category, whose slug stays, or move it with all below it."""
        return update_category(actor=self.actor, category=category, **data)

    def perform_destroy(self, category: Category) -> None:
        """Delete a category that no product uses and no category stands below."""
        delete_category(actor=self.actor, category=category)


class ProductViewSet(Creates, Updates, TakesBulk, Exports, TenantViewSet):
    """Products. They are archived, never deleted."""

    resource = "products"
    verbs = {"receive": "stock:write", "adjust": "stock:write"}
    bulk_of = bulk.PRODUCTS
    sheets = (sheets.PRODUCTS,)
    queryset = Product.objects.all()
    rows_by_query = True
    serializer_class = ProductSerializer
    expansions = {"category": Expansion(CategorySerializer, "products:read")}
    inputs = {
        "create": NewProductSerializer,
        "partial_update": ProductChangesSerializer,
        "receive": ReceiptSerializer,
        "adjust": AdjustmentSerializer,
        **dict.fromkeys(("archive", "restore", "generate"), NoInput),
        "replace_options": OptionsSerializer,
        "add_variant": NewVariantSerializer,
        "edit": ProductEditSerializer,
        "undo_edit": ProductUndoSerializer,
    }
    outputs = {
        "receive": MovementSerializer,
        "adjust": MovementSerializer,
        "generate": VariantsMadeSerializer,
        **dict.fromkeys(("edit", "undo_edit"), ProductEditedSerializer),
    }
    statuses = {**TenantViewSet.statuses, **dict.fromkeys(("receive", "adjust", "add_variant"), 201)}
    requires_if_match = ("replace_options",)
    filterset_class = ProductFilters
    ordering_fields = ("created_at", "name", "price", "sku", "updated_at")
    search_fields = ("sku", "name", "description")
    text_search = PRODUCTS

    def get_queryset(self) -> QuerySet[Product]:
        """Lists leave variants out where nobody asks for them."""
        products = Product.objects.all()
        asked = (
            self.request.query_params.keys() & {"parent", "sku", "variants"}
            if self.action in {"list", "export"}
            else {"id"}
        )
        return products if asked else products.listed()

    def perform_create(self, data: dict[str, Any]) -> Product:
        """Create a product in the workspace's currency."""
        return create_product(actor=self.actor, **data)

    def perform_update(self, product: Product, data: dict[str, Any]) -> Product:
        """Change what is given of a product and keep the rest."""
        return update_product(actor=self.actor, product=product, **data)

    @action(detail=True, methods=["post"])
    def archive(self, request: Request, **path: UUID) -> Response:
        """Take a product out of sale for good; orders that have it are still fulfilled."""
        return self.answer(archive_product(actor=self.actor, product=self.get_object(), **self.input()))

    @action(detail=True, methods=["post"])
    def restore(self, request: Request, **path: UUID) -> Response:
        """Put an archived product, and its variants, back on sale."""
        return self.answer(restore_product(actor=self.actor, product=self.get_object(), **self.input()))

    @action(detail=True, methods=["put"], url_path="options")
    def replace_options(self, request: Request, **path: UUID) -> Response:
        """Say in what the variants of a product differ, in up to three options; from then on they are sold, not it."""
        return self.answer(set_options(actor=self.actor, product=self.get_object(), **self.input()))

    @action(detail=True, methods=["post"], url_path="variants")
    def add_variant(self, request: Request, **path: UUID) -> Response:
        """Make one variant of a product; what is not given is the parent's."""
        variant = create_product(actor=self.actor, parent=self.get_object(), **self.input())
        return self.answer(variant)

    @action(detail=True, methods=["post"], url_path="variants/generate")
    def generate(self, request: Request, **path: UUID) -> Response:
        """Make every variant that the options allow and that is not there yet."""
        self.input()
        made = generate_variants(actor=self.actor, product=self.get_object())
        return self.answer(Made(made))

    @action(detail=False, methods=["post"])
    def edit(self, request: Request) -> Response:
        """Change up to 500 products at once: all of them, or none where one is refused."""
        given: dict[str, Any] = self.input()
        products = given.pop("products")
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part for name, part in given.items()
        }
        change = Change(**parts)
        return self.answer(edit_products(actor=self.actor, products=products, change=change))

    @action(detail=False, methods=["post"], url_path="undo-edit")
    def undo_edit(self, request: Request) -> Response:
        """Take an edit back, within a quarter of an hour, from all products that nobody has changed since."""
        return self.answer(Edited(undo_edit(actor=self.actor, **self.input()), None))

    @action(detail=True, methods=["post"])
    def receive(self, request: Request, **path: UUID) -> Response:
        """Add delivered goods to what is on hand; answers with the line of the ledger."""
        movement = receive_stock(actor=self.actor, product=self.get_object(), **self.input())
        return self.answer(movement)

    @action(detail=True, methods=["post"])
    def adjust(self, request: Request, **path: UUID) -> Response:
        """Correct what is on hand, to a counted number or by a difference; answers with its ledger line."""
        movement = adjust_stock(actor=self.actor, product=self.get_object(), **self.input())
        return self.answer(movement)


@extend_schema_view(create=extend_schema(request={"multipart/form-data": ImageUploadSerializer}))
class ImageViewSet(Creates, Updates, Deletes, TenantViewSet):
    """The pictures of one product. The first one stands for it."""

    resource = "products"
    queryset = Image.objects.all()
    serializer_class = ImageSerializer
    inputs = {"create": ImageUploadSerializer}
    parser_classes = [StrictJSONParser, MultiPartParser]
    filterset_class = ImageFilters
    ordering = ("position",)
    ordering_fields = ("created_at", "position", "updated_at")
    search_fields = ("alt",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Before the body is looked at: whose product this is decides what may be said about it.
        self.product = get_object_or_404(Product, pk=kwargs["product_id"])

    def get_queryset(self) -> QuerySet[Image]:
        return Image.objects.filter(product=self.kwargs["product_id"])

    def perform_create(self, data: dict[str, Any]) -> Image:
        """Put a picture behind the others of the product."""
        return add_image(actor=self.actor, product=self.product, **data)

    def perform_update(self, image: Image, data: dict[str, Any]) -> Image:
        """Say what a picture shows, or give it another place."""
        return change_image(actor=self.actor, image=image, **data)

    def perform_destroy(self, image: Image) -> None:
        """Take a picture and its files away."""
        remove_image(actor=self.actor, image=image)

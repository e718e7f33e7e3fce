"""The API of categories, products and stock."""

from typing import Any
from uuid import UUID

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.products import bulk
from tenant_apps.products.filters import CategoryFilters, ProductFilters
from tenant_apps.products.models import Category, Product
from tenant_apps.products.serializers import (
    CategorySerializer,
    NewProductSerializer,
    ProductChangesSerializer,
    ProductSerializer,
)
from tenant_apps.products.services import (
    adjust_stock,
    archive_product,
    create_category,
    create_product,
    delete_category,
    receive_stock,
    rename_category,
    update_product,
)
from tenant_apps.products.stock_serializers import AdjustmentSerializer, MovementSerializer, ReceiptSerializer
from tenants.api.bulk import TakesBulk
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
        """Rename a category; its slug stays."""
        return rename_category(actor=self.actor, category=category, **data) if data else category

    def perform_destroy(self, category: Category) -> None:
        """Delete a category that no product uses."""
        delete_category(actor=self.actor, category=category)


class ProductViewSet(Creates, Updates, TakesBulk, TenantViewSet):
    """Products. They are archived, never deleted."""

    resource = "products"
    verbs = {"receive": "stock:write", "adjust": "stock:write"}
    bulk_of = bulk.PRODUCTS
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    expansions = {"category": Expansion(CategorySerializer, "products:read")}
    inputs = {
        "create": NewProductSerializer,
        "partial_update": ProductChangesSerializer,
        "receive": ReceiptSerializer,
        "adjust": AdjustmentSerializer,
        "archive": NoInput,
    }
    outputs = {"receive": MovementSerializer, "adjust": MovementSerializer}
    statuses = {**TenantViewSet.statuses, "receive": 201, "adjust": 201}
    filterset_class = ProductFilters
    ordering_fields = ("created_at", "name", "price", "sku", "updated_at")
    search_fields = ("sku", "name", "description")

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
    def receive(self, request: Request, **path: UUID) -> Response:
        """Add delivered goods to what is on hand; answers with the line of the ledger."""
        movement = receive_stock(actor=self.actor, product=self.get_object(), **self.input())
        return self.answer(movement)

    @action(detail=True, methods=["post"])
    def adjust(self, request: Request, **path: UUID) -> Response:
        """Correct what is on hand, to a counted number or by a difference; answers with its ledger line."""
        movement = adjust_stock(actor=self.actor, product=self.get_object(), **self.input())
        return self.answer(movement)

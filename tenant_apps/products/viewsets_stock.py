"""The API of locations, stock, its ledger, transfers and counts."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.products import bulk, sheets
from tenant_apps.products.counts import apply_count, cancel_count, enter_counts, open_count
from tenant_apps.products.locations import (
    archive_location,
    create_location,
    restore_location,
    update_location,
)
from tenant_apps.products.models import Location, Product, StockDocument, StockDocumentLine, StockMovement
from tenant_apps.products.serializers import ProductSerializer
from tenant_apps.products.stock_filters import (
    DocumentFilters,
    LocationFilters,
    MovementFilters,
    StockFilters,
    StockMovementFilters,
)
from tenant_apps.products.stock_serializers import (
    CountedLinesSerializer,
    CountSerializer,
    CountSummarySerializer,
    LocationChangesSerializer,
    LocationSerializer,
    MovementSerializer,
    NewCountSerializer,
    NewTransferSerializer,
    StockSerializer,
    TransferLinesSerializer,
    TransferReceiptSerializer,
    TransferSerializer,
    TransferSummarySerializer,
)
from tenant_apps.products.transfers import (
    cancel_transfer,
    create_transfer,
    receive_transfer,
    send_transfer,
    set_transfer_lines,
)
from tenants.api.bulk import TakesBulk
from tenants.api.exporting import Exports
from tenants.api.selection import Expansion
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, TenantViewSet, Updates

LOCATION: Any = Expansion(LocationSerializer, "stock:read")
PRODUCT: Any = Expansion(ProductSerializer, "products:read")
LINES: Any = Prefetch("lines", StockDocumentLine.objects.select_related("product"))


class LocationViewSet(Creates, Updates, TenantViewSet):
    """Places that stock lies at. They are archived when they are empty, never deleted."""

    resource = "stock"
    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    inputs = {
        "partial_update": LocationChangesSerializer,
        **dict.fromkeys(("archive", "restore"), NoInput),
    }
    filterset_class = LocationFilters
    ordering = ("code",)
    ordering_fields = ("code", "name", "updated_at")
    search_fields = ("code", "name")

    def perform_create(self, data: dict[str, Any]) -> Location:
        """Add a location."""
        return create_location(actor=self.actor, **data)

    def perform_update(self, location: Location, data: dict[str, Any]) -> Location:
        """Change a location's name or address, or make it the default."""
        return update_location(actor=self.actor, location=location, **data)

    @action(detail=True, methods=["post"])
    def archive(self, request: Request, **path: UUID) -> Response:
        """Take an empty location out of use."""
        return self.answer(archive_location(actor=self.actor, location=self.get_object(), **self.input()))

    @action(detail=True, methods=["post"])
    def restore(self, request: Request, **path: UUID) -> Response:
        """Take an archived location into use again."""
        return self.answer(restore_location(actor=self.actor, location=self.get_object(), **self.input()))


class StockViewSet(TakesBulk, Exports, TenantViewSet):
    """What is on hand, reserved and available of all goods, in all and at each location."""

    resource = "stock"
    bulk_of = bulk.STOCK
    sheets = (sheets.STOCK, sheets.LEVELS)
    queryset = Product.objects.stocked().prefetch_related("levels")
    serializer_class = StockSerializer
    filterset_class = StockFilters
    ordering = ("sku",)
    ordering_fields = ("on_hand", "reserved", "sku", "updated_at")
    search_fields = ("sku", "name")


class MovementViewSet(TenantViewSet):
    """The stock ledger of one product. Its lines are written by verbs and never change."""

    resource = "stock"
    queryset = StockMovement.objects.all()
    serializer_class = MovementSerializer
    expansions = {"product": PRODUCT, "location": LOCATION}
    filterset_class = MovementFilters
    ordering = ("-at",)
    ordering_fields = ("at",)
    search_fields = ("note", "source")

    def get_queryset(self) -> QuerySet[StockMovement]:
        product = get_object_or_404(Product, pk=self.kwargs["product_id"])
        return StockMovement.objects.of(product)


class StockMovementViewSet(Exports, TenantViewSet):
    """The stock ledger of all products and locations."""

    resource = "stock"
    sheets = (sheets.MOVEMENTS,)
    queryset = StockMovement.objects.all()
    serializer_class = MovementSerializer
    expansions = {"product": PRODUCT, "location": LOCATION}
    filterset_class = StockMovementFilters
    ordering = ("-at",)
    ordering_fields = ("at",)
    search_fields = ("note", "source")


class _DocumentViewSet(Creates, TenantViewSet):
    """What transfers and counts have in common."""

    resource = "stock"
    filterset_class = DocumentFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("number", "note")

    def _do(self, verb: Callable[..., StockDocument], name: str) -> Response:
        document = verb(actor=self.actor, **{name: self.get_object()}, **self.input())
        return self.answer(self._whole(document))

    def _whole(self, document: StockDocument) -> StockDocument:
        """Read again, with the lines as they are now and their products at once."""
        return StockDocument.objects.prefetch_related(LINES).get(pk=document.pk)


class TransferViewSet(_DocumentViewSet):
    """Transfers between locations: draft, sent, received."""

    queryset = StockDocument.objects.transfers().prefetch_related(LINES)
    serializer_class = TransferSerializer
    expansions = {"location": LOCATION, "destination": LOCATION}
    outputs = {"list": TransferSummarySerializer}
    inputs = {
        "create": NewTransferSerializer,
        "lines": TransferLinesSerializer,
        "receive": TransferReceiptSerializer,
        **dict.fromkeys(("send", "cancel"), NoInput),
    }

    def get_queryset(self) -> QuerySet[Any]:
        return StockDocument.objects.transfers() if self.action == "list" else super().get_queryset()

    def perform_create(self, data: dict[str, Any]) -> StockDocument:
        """Write down what is to go where, or move it at once."""
        return self._whole(create_transfer(actor=self.actor, **data))

    @action(detail=True, methods=["post"])
    def lines(self, request: Request, **path: UUID) -> Response:
        """Put products on a draft, or change how many; a quantity of 0 takes the product off."""
        return self._do(set_transfer_lines, "transfer")

    @action(detail=True, methods=["post"])
    def send(self, request: Request, **path: UUID) -> Response:
        """Let the goods of a draft leave; until they arrive they are on hand nowhere."""
        return self._do(send_transfer, "transfer")

    @action(detail=True, methods=["post"])
    def receive(self, request: Request, **path: UUID) -> Response:
        """Book what arrived of a sent transfer."""
        return self._do(receive_transfer, "transfer")

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **path: UUID) -> Response:
        """Call a transfer off; what is still on its way goes back."""
        return self._do(cancel_transfer, "transfer")


class CountViewSet(_DocumentViewSet):
    """Stock counts: open, then applied."""

    queryset = StockDocument.objects.counts().prefetch_related(LINES)
    serializer_class = CountSerializer
    expansions = {"location": LOCATION}
    outputs = {"list": CountSummarySerializer}
    inputs = {
        "create": NewCountSerializer,
        "lines": CountedLinesSerializer,
        **dict.fromkeys(("apply", "cancel"), NoInput),
    }

    def get_queryset(self) -> QuerySet[Any]:
        return StockDocument.objects.counts() if self.action == "list" else super().get_queryset()

    def perform_create(self, data: dict[str, Any]) -> StockDocument:
        """Open a count, with a line for each product that the books say lies there."""
        return self._whole(open_count(actor=self.actor, **data))

    @action(detail=True, methods=["post"])
    def lines(self, request: Request, **path: UUID) -> Response:
        """Note what was counted; it is compared with the books of this moment."""
        return self._do(enter_counts, "count")

    @action(detail=True, methods=["post"])
    def apply(self, request: Request, **path: UUID) -> Response:
        """Correct the books by what was counted more or less."""
        return self._do(apply_count, "count")

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **path: UUID) -> Response:
        """Give a count up; the books stay as they are."""
        return self._do(cancel_count, "count")

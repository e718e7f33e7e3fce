"""The API of orders."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.orders.customers.serializers import CustomerSerializer
from tenant_apps.orders.editing import edit_order
from tenant_apps.orders.filters import OrderFilters
from tenant_apps.orders.fulfilments.serializers import NewFulfilmentSerializer, NewReturnSerializer
from tenant_apps.orders.fulfilments.services import fulfil_order, return_goods
from tenant_apps.orders.models import Order
from tenant_apps.orders.payments.serializers import NewPaymentSerializer
from tenant_apps.orders.payments.services import pay_order, refund_order
from tenant_apps.orders.searching import ORDER_SEARCH
from tenant_apps.orders.serializers import (
    CancellationSerializer,
    CloseShortSerializer,
    DraftChangesSerializer,
    EditSerializer,
    LinesSerializer,
    NewOrderSerializer,
    OrderDetailSerializer,
    OrderSerializer,
)
from tenant_apps.orders.services import (
    cancel_order,
    close_order,
    close_short,
    create_and_place_order,
    create_draft,
    discard_draft,
    place_order,
    replace_lines,
    update_order,
)
from tenant_apps.orders.sheets import LINES, ORDERS
from tenants.api.exporting import Exports
from tenants.api.selection import Expansion
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates


class OrderViewSet(Creates, Updates, Deletes, Exports, TenantViewSet):
    """Orders: drafts first, then moves from placed to closed; what was placed is cancelled, never deleted."""

    resource = "orders"
    queryset = Order.objects.all()
    serializer_class = OrderDetailSerializer
    outputs = {"list": OrderSerializer}
    sheets = (ORDERS, LINES)
    expansions = {"customer": Expansion(CustomerSerializer, "customers:read")}
    inputs = {
        "create": NewOrderSerializer,
        "partial_update": DraftChangesSerializer,
        "lines": LinesSerializer,
        "cancel": CancellationSerializer,
        "close_short": CloseShortSerializer,
        "edit": EditSerializer,
        "pay": NewPaymentSerializer,
        "refund": NewPaymentSerializer,
        "fulfil": NewFulfilmentSerializer,
        "take_back": NewReturnSerializer,
        **dict.fromkeys(("place", "close"), NoInput),
    }
    requires_if_match = ("lines",)
    filterset_class = OrderFilters
    ordering_fields = ("created_at", "number", "placed_at", "total", "updated_at")
    search_fields = ("number", "external_reference", "customer__name", "customer__email")
    text_search = ORDER_SEARCH

    def perform_create(self, data: dict[str, Any]) -> Order:
        """Write an order down as a draft, or place it at once."""
        create = create_and_place_order if data.pop("place") else create_draft
        return create(actor=self.actor, **data, source=Order.Source.API)

    def perform_update(self, order: Order, data: dict[str, Any]) -> Order:
        """Change note, tags and external reference at any time, the rest of a draft besides its lines."""
        return update_order(actor=self.actor, order=order, **data)

    def perform_destroy(self, order: Order) -> None:
        """Throw a draft away."""
        discard_draft(actor=self.actor, order=order)

    @action(detail=True, methods=["put"])
    def lines(self, request: Request, **path: UUID) -> Response:
        """Replace all lines of a draft, at the prices of this moment."""
        return self._move(replace_lines)

    @action(detail=True, methods=["post"])
    def place(self, request: Request, **path: UUID) -> Response:
        """Make a draft binding: its stock is reserved and it gets its number."""
        return self._move(place_order)

    @action(detail=True, methods=["post"])
    def edit(self, request: Request, **path: UUID) -> Response:
        """Change a placed order before anything has left; `due` and `refund_due` say what that makes of it."""
        return self._move(edit_order)

    @action(detail=True, methods=["post"])
    def pay(self, request: Request, **path: UUID) -> Response:
        """Take a payment: all that is due, or a part of it. What covers the order makes it paid."""
        return self._move(pay_order)

    @action(detail=True, methods=["post"])
    def refund(self, request: Request, **path: UUID) -> Response:
        """Give money back: what is owed to the customer, or an amount, never more than was paid."""
        return self._move(refund_order)

    @action(detail=True, methods=["post"])
    def fulfil(self, request: Request, **path: UUID) -> Response:
        """Let goods of a paid order leave: all that have not left, or portions of them."""
        return self._move(fulfil_order)

    @action(detail=True, methods=["post"], url_path="return")
    def take_back(self, request: Request, **path: UUID) -> Response:
        """Take goods back: all that have left, or portions of them."""
        return self._move(return_goods)

    @action(detail=True, methods=["post"])
    def close(self, request: Request, **path: UUID) -> Response:
        """End a fulfilled order."""
        return self._move(close_order)

    @action(detail=True, methods=["post"], url_path="close-short")
    def close_short(self, request: Request, **path: UUID) -> Response:
        """End an order of which only a part has left; the rest can be sold again, `refund_due` says what is owed."""
        return self._move(close_short)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **path: UUID) -> Response:
        """Call an order off; what it had reserved can be sold again, and `refund_due` says what to give back."""
        return self._move(cancel_order)

    def _move(self, verb: Callable[..., Order]) -> Response:
        order, values = self.get_object(), self.input()
        return self.answer(verb(actor=self.actor, order=order, **values))

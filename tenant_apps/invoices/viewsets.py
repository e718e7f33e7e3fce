"""The API of documents and of the seller's data."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.invoices.filing import Download
from tenant_apps.invoices.filters import InvoiceFilters
from tenant_apps.invoices.models import Invoice
from tenant_apps.invoices.sellers import seller, update_seller
from tenant_apps.invoices.serializers import (
    DownloadSerializer,
    InvoiceDetailSerializer,
    InvoiceSerializer,
    NewCreditNoteSerializer,
    SellerChangesSerializer,
    SellerSerializer,
)
from tenant_apps.invoices.services import issue_credit_note, issue_invoice, make_file_again
from tenant_apps.orders.models import Order
from tenants.api.serializers import NoInput
from tenants.api.viewsets import TenantView, TenantViewSet
from tenants.audit.actors import actor_of


class InvoiceViewSet(TenantViewSet):
    """Invoices and credit notes. They are issued, and never changed or deleted."""

    resource = "invoices"
    queryset = Invoice.objects.with_file()
    serializer_class = InvoiceDetailSerializer
    outputs = {"list": InvoiceSerializer, "download": DownloadSerializer}
    inputs = {"credit": NewCreditNoteSerializer, "retry": NoInput}
    statuses = {**TenantViewSet.statuses, "credit": 201}
    filterset_class = InvoiceFilters
    ordering = ("-issued_at",)
    ordering_fields = ("issued_at", "created_at", "updated_at")
    search_fields = ("code",)

    @action(detail=True, methods=["post"])
    def credit(self, request: Request, **path: UUID) -> Response:
        """Issue a credit note on an invoice, for a part of it or all that is left; answers with the note."""
        return self.answer(issue_credit_note(actor=self.actor, invoice=self.get_object(), **self.input()))

    @action(detail=True, methods=["get"])
    def download(self, request: Request, **path: UUID) -> Response:
        """An address of the PDF; 409 while it is being made."""
        return self.answer(Download.of(self.get_object()))

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **path: UUID) -> Response:
        """Have the PDF made again after that failed; nothing happens to one that is there."""
        self.input()
        return self.answer(make_file_again(actor=self.actor, invoice=self.get_object()))


class OrderInvoiceView(TenantView):
    """Where the invoice of one order is issued; the list of invoices shows it by `?order=`."""

    resource = "invoices"
    http_method_names = ["post"]
    input_class = NoInput
    output_class = InvoiceDetailSerializer

    def post(self, request: Request, order_id: UUID) -> Response:
        """Issue the invoice of the order; its PDF follows in a moment."""
        order = get_object_or_404(Order, pk=order_id)
        self.input()
        return self.answer(issue_invoice(actor=actor_of(request), order=order), status=201)


class SellerView(TenantView):
    """The data of the seller, as documents carry them."""

    verbs = {"get": "invoices:read", "patch": "invoices:manage"}
    http_method_names = ["get", "head", "patch"]
    input_class = SellerChangesSerializer
    output_class = SellerSerializer

    def get(self, request: Request) -> Response:
        """The seller's data."""
        return self.answer(seller())

    def patch(self, request: Request) -> Response:
        """Change what is given of the seller's data; documents that were issued keep theirs."""
        return self.answer(update_seller(actor=actor_of(request), **self.input()))

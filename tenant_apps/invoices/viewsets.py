"""The API of documents and of the seller's data."""

from typing import Any
from uuid import UUID

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
    NewInvoiceSerializer,
    SellerChangesSerializer,
    SellerSerializer,
)
from tenant_apps.invoices.services import issue_credit_note, issue_invoice, make_file_again
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, TenantView, TenantViewSet
from tenants.audit.actors import actor_of


class InvoiceViewSet(Creates, TenantViewSet):
    """Invoices and credit notes. They are issued, and never changed or deleted."""

    resource = "invoices"
    queryset = Invoice.objects.with_file()
    serializer_class = InvoiceDetailSerializer
    outputs = {"list": InvoiceSerializer, "download": DownloadSerializer}
    inputs = {"create": NewInvoiceSerializer, "credit": NewCreditNoteSerializer, "retry": NoInput}
    statuses = {**TenantViewSet.statuses, "credit": 201}
    filterset_class = InvoiceFilters
    ordering = ("-issued_at",)
    ordering_fields = ("issued_at", "created_at", "updated_at")
    search_fields = ("code",)

    def perform_create(self, data: dict[str, Any]) -> Invoice:
        """Issue the invoice of an order; its PDF follows in a moment."""
        return issue_invoice(actor=self.actor, **data)

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

"""The API of customers."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.functional import cached_property
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.orders.customers.addresses import add_address, change_address, remove_address
from tenant_apps.orders.customers.erasing import erase_customer
from tenant_apps.orders.customers.filters import AddressFilters, CustomerFilters, NoteFilters
from tenant_apps.orders.customers.merging import merge_customers
from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenant_apps.orders.customers.notes import add_note, remove_note
from tenant_apps.orders.customers.searching import CUSTOMER_SEARCH
from tenant_apps.orders.customers.serializers import (
    AddressSerializer,
    CustomerSerializer,
    ErasedSerializer,
    ErasureSerializer,
    MergeSerializer,
    NoteSerializer,
    ValuesSerializer,
)
from tenant_apps.orders.customers.services import create_customer, update_customer
from tenant_apps.orders.customers.standing import refuse_merged_id
from tenant_apps.orders.customers.value import worth_of
from tenant_apps.orders.sheets import CUSTOMERS
from tenants.api.exporting import Exports
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates


class CustomerViewSet(Creates, Updates, Exports, TenantViewSet):
    """People and companies that buy. One that was merged into another answers 410 and names the survivor."""

    resource = "customers"
    verbs = {"value": "orders:read"}
    queryset = Customer.objects.known()
    serializer_class = CustomerSerializer
    sheets = (CUSTOMERS,)
    inputs = {"merge": MergeSerializer, "erase": ErasureSerializer}
    outputs = {"erase": ErasedSerializer, "value": ValuesSerializer}
    filterset_class = CustomerFilters
    ordering_fields = ("created_at", "name", "updated_at")
    search_fields = ("name", "company", "email", "reference", "country")
    text_search = CUSTOMER_SEARCH

    def get_object(self) -> Customer:
        try:
            customer: Customer = super().get_object()
        except Http404:
            refuse_merged_id(self.kwargs["id"])
            raise
        return customer

    def perform_create(self, data: dict[str, Any]) -> Customer:
        """Create a customer."""
        return create_customer(actor=self.actor, **data)

    def perform_update(self, customer: Customer, data: dict[str, Any]) -> Customer:
        """Change what is given of a customer and keep the rest."""
        return update_customer(actor=self.actor, customer=customer, **data)

    @action(detail=True, methods=["get"])
    def value(self, request: Request, **path: UUID) -> Response:
        """What the customer has been worth: orders and totals by currency."""
        return self.answer(worth_of(self.get_object()))

    @action(detail=True, methods=["post"])
    def merge(self, request: Request, **path: UUID) -> Response:
        """Give orders, addresses and notes of a duplicate to this customer, for good."""
        return self.answer(merge_customers(actor=self.actor, survivor=self.get_object(), **self.input()))

    @action(detail=True, methods=["post"])
    def erase(self, request: Request, **path: UUID) -> Response:
        """Remove the customer's personal data for ever; says what stays because the law asks for it."""
        return self.answer(erase_customer(actor=self.actor, customer=self.get_object(), **self.input()))


class OfCustomer(TenantViewSet):
    """What belongs to the customer of the path."""

    resource = "customers"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Before the body is looked at, so that an unknown customer is unknown whatever is sent.
        _ = self.customer

    @cached_property
    def customer(self) -> Customer:
        """The customer of the path; one that was merged is refused with the survivor's id."""
        pk = self.kwargs["customer_id"]
        customer = Customer.objects.known().filter(pk=pk).first()
        if customer is None:
            refuse_merged_id(pk)
            raise Http404
        return customer


class AddressViewSet(Creates, Updates, Deletes, OfCustomer):
    """The addresses of one customer, at most one default for each kind."""

    queryset = Address.objects.all()
    serializer_class = AddressSerializer
    filterset_class = AddressFilters
    ordering = ("created_at",)
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("name", "company", "line1", "city", "postal_code")

    def get_queryset(self) -> QuerySet[Address]:
        return self.customer.addresses.select_related("customer")

    def perform_create(self, data: dict[str, Any]) -> Address:
        """Add an address; the first one for a kind becomes its default."""
        return add_address(actor=self.actor, customer=self.customer, **data)

    def perform_update(self, address: Address, data: dict[str, Any]) -> Address:
        """Change what is given of an address; placed orders keep theirs."""
        return change_address(actor=self.actor, address=address, **data)

    def perform_destroy(self, address: Address) -> None:
        """Remove an address; placed orders keep theirs."""
        remove_address(actor=self.actor, address=address)


class NoteViewSet(Creates, Deletes, OfCustomer):
    """The notes about one customer. They are added and removed, never edited."""

    queryset = CustomerNote.objects.all()
    serializer_class = NoteSerializer
    filterset_class = NoteFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("text",)

    def get_queryset(self) -> QuerySet[CustomerNote]:
        return self.customer.notes.all()

    def perform_create(self, data: dict[str, Any]) -> CustomerNote:
        """Write something down about the customer."""
        return add_note(actor=self.actor, customer=self.customer, **data)

    def perform_destroy(self, note: CustomerNote) -> None:
        """Take a note away for good."""
        remove_note(actor=self.actor, note=note)

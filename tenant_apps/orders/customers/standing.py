"""Whether a customer can still be dealt with, and who answers for one that was merged."""

from __future__ import annotations

from uuid import UUID

from tenant_apps.orders.customers.models import Customer
from tenant_apps.products.writing import locked
from tenants.errors import Conflict, DomainError, Invalid


class CustomerMerged(DomainError):
    """The customer lives on under another id, which the answer names."""

    code = "customer_merged"
    status = 410
    title = "The customer was merged into another one"


class CustomerErased(Conflict):
    code = "customer_erased"
    title = "The customer was erased"


def locked_customer(customer: Customer) -> Customer:
    """The customer, locked until the transaction ends; refuses one that was merged or erased."""
    customer = locked(customer)
    refuse_merged(customer)
    if customer.is_erased:
        raise CustomerErased("This customer was erased, which is final. Create another one.")
    return customer


def refuse_merged(customer: Customer) -> None:
    """Point to the survivor when the customer was merged."""
    if customer.is_merged:
        raise CustomerMerged(
            f"This customer was merged into {customer.merged_into_id}. Use that one from now on.",
            merged_into=str(customer.merged_into_id),
        )


def refuse_merged_id(pk: UUID) -> None:
    """The same for a customer of whom only the id is known."""
    if customer := Customer.objects.filter(pk=pk, merged_into__isnull=False).first():
        refuse_merged(customer)


def buyer(customer: Customer | None) -> Customer | None:
    """Who an order is for: the survivor instead of one that was merged; an erased one buys no more."""
    if customer is None:
        return None
    if customer.is_merged:
        return buyer(customer.merged_into)
    if customer.is_erased:
        raise Invalid("This customer was erased. Choose or create another one.", field="customer")
    return customer

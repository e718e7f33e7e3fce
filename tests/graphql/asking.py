"""Something to ask for, and the asking."""

from decimal import Decimal
from typing import Any

from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import LineInput, create_and_place_order
from tenant_apps.products.services import create_category, create_product
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tests.api.calls import Api


def sell(tenant: Tenant, actor: Actor, orders: int) -> None:
    """Orders of two lines each, by customers of their own."""
    with unit_of_work(tenant):
        shelf = create_category(actor=actor, name="Shelf")
        goods = [
            create_product(
                actor=actor,
                sku=f"G-{n}",
                name=f"Jug {n}",
                price=Decimal("2.50"),
                category=shelf,
                opening_stock=500,
            )
            for n in range(2)
        ]
        for number in range(orders):
            create_and_place_order(
                actor=actor,
                customer=create_customer(actor=actor, name=f"Buyer {number}"),
                lines=[LineInput(product_id=each.pk, quantity=number + 1) for each in goods],
                source=Order.Source.API,
            )


def ask(api: Api, query: str, **variables: Any) -> Any:
    response = api.post("graphql/", {"query": query, "variables": variables})
    assert response.status_code == 200, response.content
    return response.json()

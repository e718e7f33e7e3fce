"""What can be read, field by field: the names of the REST API in the case that GraphQL is written in."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import strawberry_django
from strawberry import ID
from strawberry_django.relay import DjangoCursorConnection

from tenant_apps.graphql.rights import needs
from tenant_apps.orders.models import Customer, Order, OrderLine
from tenant_apps.products.models import Category, Location, Product, StockLevel

PRODUCTS: Final = [needs("products:read")]
STOCK: Final = [needs("stock:read")]
ORDERS: Final = [needs("orders:read")]
CUSTOMERS: Final = [needs("customers:read")]


@strawberry_django.type(Category, name="Category")
class CategoryType:
    id: ID
    name: str
    slug: str
    updated_at: datetime


@strawberry_django.type(Location, name="Location")
class LocationType:
    id: ID
    code: str
    name: str


@strawberry_django.type(StockLevel, name="StockLevel")
class StockLevelType:
    id: ID
    location: LocationType
    on_hand: int
    reserved: int

    @strawberry_django.field(only=["on_hand", "reserved"])
    def available(self, root: StockLevel) -> int:
        return root.on_hand - root.reserved


@strawberry_django.type(Product, name="Product")
class ProductType:
    id: ID
    sku: str
    name: str
    description: str
    kind: str
    status: str
    price: Decimal
    currency: str
    category: CategoryType | None
    on_hand: int = strawberry_django.field(permission_classes=STOCK)
    reserved: int = strawberry_django.field(permission_classes=STOCK)
    levels: list[StockLevelType] = strawberry_django.field(permission_classes=STOCK)
    created_at: datetime
    updated_at: datetime


@strawberry_django.type(OrderLine, name="OrderLine")
class OrderLineType:
    id: ID
    position: int
    product: ProductType = strawberry_django.field(permission_classes=PRODUCTS)
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    total: Decimal


@strawberry_django.type(Order, name="Order")
class OrderType:
    id: ID
    number: int | None
    kind: str
    status: str
    customer: "CustomerType | None" = strawberry_django.field(permission_classes=CUSTOMERS)
    currency: str
    total: Decimal
    note: str
    source: str
    external_reference: str | None
    lines: list[OrderLineType]
    placed_at: datetime | None
    paid_at: datetime | None
    fulfilled_at: datetime | None
    closed_at: datetime | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime


@strawberry_django.type(Customer, name="Customer")
class CustomerType:
    id: ID
    reference: str | None
    name: str
    email: str
    phone: str
    country: str
    orders: DjangoCursorConnection[OrderType] = strawberry_django.connection(permission_classes=ORDERS)
    created_at: datetime
    updated_at: datetime

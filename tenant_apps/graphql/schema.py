"""What a query may begin with, and the limits that every query is held to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import strawberry
import strawberry_django
from strawberry import ID
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry_django.optimizer import DjangoOptimizerExtension
from strawberry_django.relay import DjangoCursorConnection

from tenant_apps.graphql.limits import DEEPEST, MOST_ALIASES, MOST_AT_ONCE, MOST_TOKENS, CostLimit
from tenant_apps.graphql.narrowing import narrowed, one
from tenant_apps.graphql.types import (
    CUSTOMERS,
    ORDERS,
    PRODUCTS,
    CategoryType,
    CustomerType,
    OrderType,
    ProductType,
)
from tenant_apps.orders.customers.viewsets import CustomerViewSet
from tenant_apps.orders.viewsets import OrderViewSet
from tenant_apps.products.viewsets import CategoryViewSet, ProductViewSet


@strawberry.type
class Query:
    @strawberry_django.connection(DjangoCursorConnection[CategoryType], permission_classes=PRODUCTS)
    def categories(self, *, search: str | None = None, ordering: str | None = None) -> Iterable[CategoryType]:
        return narrowed(CategoryViewSet, search=search, ordering=ordering)

    @strawberry_django.connection(DjangoCursorConnection[ProductType], permission_classes=PRODUCTS)
    def products(
        self,
        *,
        search: str | None = None,
        sku: str | None = None,
        status: str | None = None,
        category: ID | None = None,
        updated_since: datetime | None = None,
        ordering: str | None = None,
    ) -> Iterable[ProductType]:
        return narrowed(
            ProductViewSet,
            search=search,
            sku=sku,
            status=status,
            category=category,
            updated_since=updated_since,
            ordering=ordering,
        )

    @strawberry_django.connection(DjangoCursorConnection[OrderType], permission_classes=ORDERS)
    def orders(
        self,
        *,
        search: str | None = None,
        status: str | None = None,
        customer: ID | None = None,
        placed_since: datetime | None = None,
        placed_before: datetime | None = None,
        updated_since: datetime | None = None,
        ordering: str | None = None,
    ) -> Iterable[OrderType]:
        return narrowed(
            OrderViewSet,
            search=search,
            status=status,
            customer=customer,
            placed_since=placed_since,
            placed_before=placed_before,
            updated_since=updated_since,
            ordering=ordering,
        )

    @strawberry_django.connection(DjangoCursorConnection[CustomerType], permission_classes=CUSTOMERS)
    def customers(
        self,
        *,
        search: str | None = None,
        email: str | None = None,
        updated_since: datetime | None = None,
        ordering: str | None = None,
    ) -> Iterable[CustomerType]:
        return narrowed(
            CustomerViewSet, search=search, email=email, updated_since=updated_since, ordering=ordering
        )

    @strawberry_django.field(permission_classes=PRODUCTS)
    def product(self, id: ID) -> ProductType | None:  # noqa: A002  (the argument's name)
        return one(ProductViewSet, id)

    @strawberry_django.field(permission_classes=ORDERS)
    def order(self, id: ID) -> OrderType | None:  # noqa: A002
        return one(OrderViewSet, id)

    @strawberry_django.field(permission_classes=CUSTOMERS)
    def customer(self, id: ID) -> CustomerType | None:  # noqa: A002
        return one(CustomerViewSet, id)


class QuietSchema(strawberry.Schema):
    """Leaves it to the view to log what is worth it: most errors are the caller's."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        pass


schema = QuietSchema(
    Query,
    config=StrawberryConfig(auto_camel_case=True, relay_max_results=MOST_AT_ONCE),
    extensions=[
        # Without columns left out: a cursor needs those that the list is ordered by.
        lambda: DjangoOptimizerExtension(enable_only_optimization=False),
        lambda: QueryDepthLimiter(max_depth=DEEPEST),
        lambda: MaxAliasesLimiter(max_alias_count=MOST_ALIASES),
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        CostLimit,
    ],
)

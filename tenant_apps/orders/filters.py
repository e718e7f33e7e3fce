"""What the list of orders may be narrowed by."""

from tenant_apps.orders.customers.filters import TagFilter
from tenant_apps.orders.models import Order
from tenants.api.filters import (
    AmountFilter,
    ChoiceFilter,
    IdFilter,
    NumberFilter,
    TenantFilterSet,
    TextFilter,
    TimestampFilter,
)


class OrderFilters(TenantFilterSet):
    """Filters of orders."""

    status = ChoiceFilter(choices=Order.Status.choices)
    payment_status = ChoiceFilter(choices=Order.PaymentStatus.choices)
    fulfilment_status = ChoiceFilter(choices=Order.FulfilmentStatus.choices)
    tag = TagFilter(field_name="tags", help_text="Orders with this tag.")
    kind = ChoiceFilter(choices=Order.Kind.choices)
    source = ChoiceFilter(choices=Order.Source.choices)
    customer = IdFilter(field_name="customer_id", help_text="The id of a customer.")
    number = NumberFilter(help_text="The order with this number.")
    external_reference = TextFilter(help_text="Exactly this external reference.")
    placed_since = TimestampFilter(
        field_name="placed_at", lookup_expr="gte", help_text="Placed at this time or later."
    )
    placed_before = TimestampFilter(
        field_name="placed_at", lookup_expr="lt", help_text="Placed before this time."
    )
    total_min = AmountFilter(field_name="total", lookup_expr="gte")
    total_max = AmountFilter(field_name="total", lookup_expr="lte")

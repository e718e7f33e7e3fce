"""What the list of deliveries and returns may be narrowed by."""

from tenant_apps.orders.models import Fulfilment
from tenants.api.filters import ChoiceFilter, IdFilter, TenantFilterSet, TextFilter


class FulfilmentFilters(TenantFilterSet):
    """Filters of deliveries and returns."""

    order = IdFilter(field_name="order_id", help_text="The id of an order.")
    direction = ChoiceFilter(choices=Fulfilment.Direction.choices)
    tracking_number = TextFilter(help_text="Exactly this tracking number.")

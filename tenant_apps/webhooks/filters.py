"""What the lists of endpoints and deliveries may be narrowed by."""

from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.api.filters import ChoiceFilter, IdFilter, TenantFilterSet, TextFilter, TimestampFilter


class EndpointFilters(TenantFilterSet):
    """Filters of endpoints."""

    state = ChoiceFilter(choices=Endpoint.State.choices)


class DeliveryFilters(TenantFilterSet):
    """Filters of deliveries."""

    endpoint = IdFilter(field_name="endpoint_id", help_text="The id of an endpoint.")
    state = ChoiceFilter(choices=Delivery.State.choices)
    event_type = TextFilter(field_name="event__type", help_text="Exactly this type.")
    since = TimestampFilter(
        field_name="created_at", lookup_expr="gte", help_text="Written down at this time or later."
    )
    until = TimestampFilter(
        field_name="created_at", lookup_expr="lt", help_text="Written down before this time."
    )

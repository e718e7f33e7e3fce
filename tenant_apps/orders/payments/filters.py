"""What the list of payments may be narrowed by."""

from tenant_apps.orders.models import Payment
from tenants.api.filters import ChoiceFilter, IdFilter, TenantFilterSet, TextFilter


class PaymentFilters(TenantFilterSet):
    """Filters of payments and refunds."""

    order = IdFilter(field_name="order_id", help_text="The id of an order.")
    kind = ChoiceFilter(choices=Payment.Kind.choices)
    status = ChoiceFilter(choices=Payment.Status.choices)
    method = ChoiceFilter(choices=Payment.Method.choices)
    reference = TextFilter(help_text="Exactly this reference.")

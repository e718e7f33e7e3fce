"""What templates say of orders."""

from decimal import Decimal

from django import template

from tenant_apps.orders.customers.countries import country_name
from tenant_apps.orders.models import Order
from tenants.formats import MINUS, money

register = template.Library()


@register.filter
def order_name(order: Order) -> str:
    """`Order 1042`, `Credit 17`, or `Draft 9F3A` by the end of its id."""
    if order.number is None:
        return f"Draft {str(order.pk)[-4:].upper()}"
    return f"Credit {order.number}" if order.kind == Order.Kind.CANCELLATION else f"Order {order.number}"


@register.filter
def signed_total(order: Order) -> str:
    """The total, with a minus in front when it is a credit."""
    sign = MINUS if order.kind == Order.Kind.CANCELLATION else ""
    return f"{sign}{money(order.total, order.currency)}"


@register.filter
def percent(rate: Decimal) -> str:
    """`19 %`, `8.875 %`."""
    return f"{rate.normalize():f} %"


@register.filter
def address_lines(address: dict[str, str]) -> list[str]:
    """An order's address as it stands on a parcel."""
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    parts = [address.get(name) for name in ("name", "company", "line1", "line2")]
    country = country_name(address.get("country", ""))
    return [part for part in (*parts, town, address.get("region"), country) if part]

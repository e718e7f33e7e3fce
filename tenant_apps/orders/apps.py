from typing import Any, ClassVar

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "tenant_apps.orders"
    label = "orders"
    verbose_name = "Orders"

    no_update: ClassVar[list[str]] = ["orders_orderline"]
    append_only: ClassVar[list[str]] = ["orders_fulfilmentline"]
    seed_tables: ClassVar[list[str]] = ["orders_ordercounter", "orders_taxsettings"]
    sandbox: ClassVar[dict[str, Any]] = {
        "orders_customer": {"email": "address", "phone": "empty"},
        "orders_address": {"phone": "empty"},
        "orders_customernote": {"author_label": "label"},
        "orders_order": {"billing_address": "keep", "shipping_address": "keep"},
    }

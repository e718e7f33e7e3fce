from typing import ClassVar

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "tenant_apps.orders"
    label = "orders"
    verbose_name = "Orders"

    no_update: ClassVar[list[str]] = ["orders_orderline"]
    seed_tables: ClassVar[list[str]] = ["orders_ordercounter"]

from typing import Any, ClassVar

from django.apps import AppConfig


class ProductsConfig(AppConfig):
    name = "tenant_apps.products"
    label = "products"
    verbose_name = "Products"

    append_only: ClassVar[list[str]] = ["products_stockmovement"]
    sandbox: ClassVar[dict[str, Any]] = {"products_stockmovement": {"actor_label": "label"}}

from typing import Any, ClassVar

from django.apps import AppConfig


class ProductsConfig(AppConfig):
    name = "tenant_apps.products"
    label = "products"
    verbose_name = "Products"

    append_only: ClassVar[list[str]] = ["products_stockmovement"]
    seed_tables: ClassVar[list[str]] = ["products_location"]
    sandbox: ClassVar[dict[str, Any]] = {
        "products_stockmovement": {"actor_label": "label"},
        "products_location": {"address": "empty"},
    }

    def ready(self) -> None:
        from billing.entitlements import Limit, count_by
        from tenant_apps.products import bulk  # noqa: F401  (its jobs become known to the workers)
        from tenant_apps.products.languages import follow_workspace
        from tenant_apps.products.models import Product

        follow_workspace()
        count_by(Limit.PRODUCTS, lambda: Product.objects.live().listed().count())

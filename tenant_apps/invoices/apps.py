from typing import Any, ClassVar

from django.apps import AppConfig


class InvoicesConfig(AppConfig):
    name = "tenant_apps.invoices"
    label = "invoices"
    verbose_name = "Invoices"

    # What was issued stays as it was; what becomes of its PDF stands in a table of its own.
    append_only: ClassVar[list[str]] = ["invoices_invoice"]
    seed_tables: ClassVar[list[str]] = ["invoices_seller"]
    sandbox: ClassVar[dict[str, Any]] = {
        "invoices_seller": {"email": "keep", "phone": "keep"},
        "invoices_invoicefile": {"sha256": "keep"},
    }

    def ready(self) -> None:
        from tenant_apps.invoices.following import follow_orders

        follow_orders()

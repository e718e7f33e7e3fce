from typing import Any, ClassVar

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tenant_apps.imports"
    label = "imports"
    verbose_name = "Imports"

    no_update: ClassVar[list[str]] = ["imports_stagedline", "imports_rejectedrow"]
    sandbox: ClassVar[dict[str, Any]] = {
        "imports_import": {"created_by": "label", "file_sha256": "keep"},
        # What customers were before an import, with their addresses.
        "imports_importedproduct": "delete",
    }

    def ready(self) -> None:
        from tenant_apps.imports.customers import forget_person
        from tenants.audit.listening import listen

        listen("customer.erased", forget_person)

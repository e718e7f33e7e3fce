from typing import Any, ClassVar

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tenant_apps.imports"
    label = "imports"
    verbose_name = "Imports"

    no_update: ClassVar[list[str]] = ["imports_stagedline", "imports_rejectedrow"]
    sandbox: ClassVar[dict[str, Any]] = {"imports_import": {"created_by": "label", "file_sha256": "keep"}}

from typing import ClassVar

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tenant_apps.imports"
    label = "imports"
    verbose_name = "Imports"

    no_update: ClassVar[list[str]] = ["imports_stagedline", "imports_rejectedrow"]

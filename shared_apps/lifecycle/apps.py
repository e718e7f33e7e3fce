from typing import ClassVar

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    name = "shared_apps.lifecycle"
    label = "lifecycle"
    verbose_name = "Lifecycle"

    append_only: ClassVar[list[str]] = ["lifecycle_deletioncertificate"]
    kept_after_deletion: ClassVar[dict[str, str]] = {
        "lifecycle_operation": "tenant_id",
        "clients_releasedname": "last_tenant_id",
    }

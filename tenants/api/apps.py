from typing import Any, ClassVar

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "tenants.api"
    label = "api"
    verbose_name = "API"

    # Answers that were given and work that was asked for belong to the original's callers.
    sandbox: ClassVar[dict[str, Any]] = {"api_idempotencykey": "delete", "api_job": "delete"}

from typing import Any, ClassVar

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "tenant_apps.webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    # A sandbox must not speak to the receivers of its original, nor hold what could be sent to them.
    sandbox: ClassVar[dict[str, Any]] = {
        "webhooks_endpoint": "delete",
        "webhooks_event": "delete",
        "webhooks_delivery": "delete",
    }

    def ready(self) -> None:
        from billing.entitlements import Limit, count_by
        from tenant_apps.webhooks.models import Endpoint
        from tenant_apps.webhooks.outbox import subscribe

        subscribe()
        count_by(Limit.WEBHOOK_ENDPOINTS, Endpoint.objects.count)

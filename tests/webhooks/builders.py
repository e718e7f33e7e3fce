"""Endpoints and deliveries as they are after somebody used them, made without asking any name server."""

from tenant_apps.webhooks.models import Delivery, Endpoint
from tenant_apps.webhooks.outbox import body_of, write_event
from tenant_apps.webhooks.signatures import new_secret, sealed


def a_webhook(word: str = "shop") -> Delivery:
    """An endpoint, switched off so that it hears of nothing else, with a delivery that has failed."""
    endpoint = Endpoint.objects.create(
        url=f"https://{word}.example/hooks",
        description=word,
        secret=sealed(new_secret()),
        state=Endpoint.State.DISABLED,
        disabled_reason="It answered 410 Gone, which asks us to stop.",
    )
    event_id = write_event("import.failed", [endpoint.pk], details={"error": word})
    delivery = Delivery.objects.select_related("event").get(event_id=event_id)
    body_of(delivery.event)
    delivery.state, delivery.tries, delivery.status_code = Delivery.State.FAILED, 1, 410
    delivery.attempts = [
        {
            "at": "2026-01-31T09:30:00+00:00",
            "milliseconds": 31,
            "status_code": 410,
            "error": "The receiver answered 410; 2xx is expected.",
            "request_headers": {"webhook-id": delivery.event.message_id},
            "response_headers": {"content-type": "text/plain"},
            "response_body": "gone",
        }
    ]
    delivery.save()
    return delivery

"""Shapes of endpoints and deliveries."""

from typing import Any

from rest_framework import serializers

from tenant_apps.webhooks.catalogue import CATALOGUE
from tenant_apps.webhooks.models import EVERYTHING, Delivery, Endpoint
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer

SHOWN_TYPES = [EVERYTHING, *CATALOGUE]


class EndpointSerializer(TenantModelSerializer):
    """An address that events are sent to."""

    event_types = serializers.ListField(
        child=fields.ChoiceField(enum="WebhookEventType", choices=SHOWN_TYPES),
        min_length=1,
        max_length=100,
        help_text="`*` stands for all types, those of the future included.",
    )

    class Meta:
        model = Endpoint
        fields: Any = (
            "id",
            "url",
            "description",
            "event_types",
            "state",
            "disabled_reason",
            "failing_since",
            "last_success_at",
            "previous_secret_until",
            "created_at",
            "updated_at",
        )


class EndpointSecretSerializer(EndpointSerializer):
    """An endpoint with its secret, which is never shown again."""

    secret = fields.TextField(source="shown_secret", read_only=True, help_text="Shown once: keep it now.")

    class Meta(EndpointSerializer.Meta):
        fields: Any = (*EndpointSerializer.Meta.fields, "secret")


class AttemptSerializer(TenantSerializer):
    """One attempt to deliver, with the beginning of what was answered."""

    at = fields.TimestampField(read_only=True)
    milliseconds = fields.IntegerField(read_only=True)
    status_code = fields.IntegerField(read_only=True, allow_null=True)
    error = fields.TextField(read_only=True)
    request_headers = serializers.DictField(child=serializers.CharField(), read_only=True)
    response_headers = serializers.DictField(child=serializers.CharField(), read_only=True)
    response_body = fields.LongTextField(read_only=True)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        return {str(name): instance[str(name)] for name in self.fields}


class DeliverySerializer(TenantModelSerializer):
    """One event on its way to one endpoint."""

    message_id = fields.TextField(
        source="event.message_id", read_only=True, help_text="The header webhook-id."
    )
    event_type = fields.TextField(source="event.type", read_only=True)
    subject = fields.IdField(source="event.subject_id", read_only=True, allow_null=True)
    occurred_at = fields.TimestampField(source="event.occurred_at", read_only=True)

    class Meta:
        model = Delivery
        fields: Any = (
            "id",
            "endpoint",
            "message_id",
            "event_type",
            "subject",
            "state",
            "tries",
            "status_code",
            "retry_at",
            "occurred_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with its body and its attempts."""

    body = fields.LongTextField(
        source="event.body", read_only=True, help_text="As it was sent; empty before the first attempt."
    )
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(DeliverySerializer.Meta):
        fields: Any = (*DeliverySerializer.Meta.fields, "body", "attempts")
        read_only_fields: Any = fields


class ReplaySerializer(TenantSerializer):
    """Which deliveries to send again."""

    since = fields.TimestampField(help_text="Events of this time or later.")
    until = fields.TimestampField(required=False, allow_null=True, help_text="Events before this time.")
    event_types = serializers.ListField(
        child=fields.ChoiceField(enum="WebhookReplayType", choices=list(CATALOGUE)),
        default=list,
        max_length=100,
        help_text="Only these types; all of them without any.",
    )
    only_failed = fields.BooleanField(default=True, help_text="Leave out what was delivered.")


class ReplayedSerializer(TenantSerializer):
    """How many deliveries were put back into the queue."""

    deliveries = fields.IntegerField(read_only=True)

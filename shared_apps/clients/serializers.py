"""Shapes of the workspace's settings."""

from tenants.api import fields
from tenants.api.serializers import TenantSerializer


class WorkspaceChangesSerializer(TenantSerializer):
    """What of the workspace is changed."""

    name = fields.TextField(required=False, max_length=120)
    locale = fields.TextField(
        required=False, max_length=10, help_text="A language, such as `en` or `pt-BR`; searches follow it."
    )
    time_zone = fields.TextField(required=False, max_length=64, help_text="A place, such as `Europe/London`.")
    currency = fields.TextField(required=False, max_length=3, help_text="ISO 4217, such as `EUR`.")

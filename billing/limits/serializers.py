"""How it looks what a workspace may use."""

from rest_framework import serializers

from tenants.api import fields
from tenants.api.serializers import TenantSerializer


class LimitStateShape(TenantSerializer):
    """One limit."""

    limit = serializers.CharField(read_only=True)
    used = serializers.IntegerField(
        read_only=True, help_text="Of a month's budget nobody limits: what was counted up to a minute ago."
    )
    allowed = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="More than this is refused; null is no limit."
    )
    soft = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Beyond this, answers carry Limit-Notice and nothing is refused.",
    )
    resets_at = fields.TimestampField(
        read_only=True, allow_null=True, help_text="When it begins anew; null where it does not by itself."
    )
    source = serializers.CharField(  # type: ignore[assignment]  # the stubs know an attribute of fields by that name
        read_only=True, help_text="Who says so: `plan` or `override`."
    )
    until = fields.TimestampField(read_only=True, allow_null=True, help_text="When an override ends.")


class FeatureStateShape(TenantSerializer):
    """One feature."""

    feature = serializers.CharField(read_only=True)
    is_on = serializers.BooleanField(read_only=True)
    source = serializers.CharField(  # type: ignore[assignment]  # the stubs know an attribute of fields by that name
        read_only=True, help_text="Who says so: `plan` or `override`."
    )
    until = fields.TimestampField(read_only=True, allow_null=True, help_text="When an override ends.")


class EntitlementsShape(TenantSerializer):
    """All that a workspace may use, and how it stands."""

    plan = serializers.CharField(read_only=True)
    plan_name = serializers.CharField(read_only=True)
    plan_version = serializers.IntegerField(read_only=True)
    limits = LimitStateShape(many=True, read_only=True)
    features = FeatureStateShape(many=True, read_only=True)

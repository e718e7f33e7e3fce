"""The shape of a query and of its answer."""

from typing import Any

from rest_framework import serializers

from tenants.api import fields
from tenants.api.serializers import TenantSerializer

LONGEST_QUERY = 20_000


class QuerySerializer(TenantSerializer):
    """A GraphQL operation as clients send it."""

    query = fields.LongTextField(max_length=LONGEST_QUERY)
    variables = serializers.DictField(required=False, allow_null=True)
    operationName = fields.TextField(required=False, allow_null=True, max_length=120)  # noqa: N815  (clients' name)


class MistakeSerializer(TenantSerializer):
    """One thing that went wrong within a query."""

    message = fields.TextField()
    path = serializers.ListField(required=False)
    extensions = serializers.DictField(required=False)


class ResultSerializer(TenantSerializer):
    """What was read, and what was refused."""

    data = serializers.DictField(allow_null=True)  # type: ignore[assignment]  # GraphQL's names
    errors = MistakeSerializer(many=True, required=False)  # type: ignore[assignment]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(instance)

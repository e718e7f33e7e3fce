"""Shapes of a tenant's domains."""

from shared_apps.domains.models import Claim
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class DnsRecordSerializer(TenantSerializer):
    """A record to be put into the DNS."""

    type = fields.TextField(source="kind", read_only=True)
    name = fields.TextField(read_only=True)
    value = fields.TextField(read_only=True)


class DomainSerializer(TenantModelSerializer):
    """A name of the workspace's own, with the records that it needs and what the name servers said of them."""

    state = fields.ChoiceField(enum="DomainState", choices=Claim.State.choices, read_only=True)
    is_primary = fields.BooleanField(read_only=True)
    records = DnsRecordSerializer(many=True, read_only=True)
    drops_at = fields.TimestampField(
        read_only=True,
        allow_null=True,
        help_text="When a name that goes on failing its checks is taken off the workspace.",
    )

    class Meta:
        model = Claim
        fields = (
            "id",
            "domain",
            "state",
            "is_primary",
            "is_pointing",
            "records",
            "problem",
            "pointing_problem",
            "expires_at",
            "checked_at",
            "failing_since",
            "drops_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class NewDomainSerializer(TenantSerializer):
    """A name to be claimed: a host name alone, in letters of any script or in punycode."""

    domain = fields.TextField(max_length=1000)

"""Shapes of credentials and of who is signed in."""

from typing import Any, Final

from rest_framework import serializers

from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer
from tenants.standing import TABLE
from tenants.users.models import ApiToken, Role, SignIn, User
from tenants.users.permissions import SCOPES

TEAM_ROLES: Final = tuple(choice for choice in Role.choices if choice[0] != Role.OPERATOR)


class CredentialsSerializer(TenantSerializer):
    """E-mail and password of a person."""

    email = fields.TextField(max_length=254)
    password = fields.SecretField()


class RefreshSerializer(TenantSerializer):
    """A refresh token."""

    refresh = fields.SecretField(max_length=4096)


class TokenPairSerializer(TenantSerializer):
    """An access token for requests and a refresh token for the next pair."""

    access = fields.TextField(read_only=True, help_text="Send it as `Authorization: Bearer …`.")
    refresh = fields.TextField(read_only=True)
    token_type = fields.TextField(read_only=True)
    expires_in = fields.IntegerField(read_only=True, help_text="Seconds until the access token expires.")


class SignInSerializer(TenantModelSerializer):
    """A sign-in that lasts: a browser's session, or a program's chain of refresh tokens."""

    ended_because = fields.TextField(
        read_only=True,
        help_text="Empty while it lasts; else signed_out, revoked, reused, password or status.",
    )

    class Meta:
        model = SignIn
        fields = (
            "id",
            "kind",
            "client",
            "address",
            "used_at",
            "expires_at",
            "ended_at",
            "ended_because",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class WorkspaceSerializer(TenantSerializer):
    """The tenant that the credential belongs to."""

    id = fields.IdField(read_only=True)
    name = fields.TextField(read_only=True)
    host = fields.TextField(read_only=True)
    locale = fields.TextField(read_only=True)
    time_zone = fields.TextField(read_only=True)
    currency = fields.TextField(read_only=True)
    plan = fields.TextField(read_only=True, help_text="The plan's key.")
    plan_version = serializers.IntegerField(
        read_only=True, help_text="A plan keeps the terms of its version."
    )
    access = fields.ChoiceField(
        enum="WorkspaceAccess",
        choices=list(TABLE),
        read_only=True,
        help_text="What is open: `read_only` refuses changes with 402, `closed` all but bills and exports with 403.",
    )
    access_reason = fields.TextField(read_only=True, help_text="Why, where access is not full.")
    access_since = fields.TimestampField(read_only=True, allow_null=True)
    access_until = fields.TimestampField(
        read_only=True, allow_null=True, help_text="When grace ends, unless it is paid by then."
    )
    trial_ends_at = fields.TimestampField(read_only=True, allow_null=True)


class MeSerializer(TenantSerializer):
    """Who calls: a person with a role, or an API token with scopes."""

    kind = fields.ChoiceField(enum="PrincipalKind", choices=["user", "token"], read_only=True)
    id = fields.IdField(read_only=True)
    name = fields.TextField(read_only=True)
    email = fields.EmailField(read_only=True, allow_null=True)
    role = fields.ChoiceField(enum="UserRole", choices=Role.choices, read_only=True, allow_null=True)
    verbs = serializers.ListField(
        child=fields.TextField(), read_only=True, help_text="What the caller may do."
    )
    workspace = WorkspaceSerializer(read_only=True)


class ApiTokenSerializer(TenantModelSerializer):
    """An API token without its secret."""

    scopes = serializers.ListField(
        child=fields.ChoiceField(enum="Scope", choices=sorted(SCOPES)), min_length=1, max_length=50
    )
    kind = fields.ChoiceField(
        enum="ApiTokenKind",
        choices=ApiToken.Kind.choices,
        required=False,
        help_text="A service account of the workspace, or a token of your own. A service account when left out.",
    )
    old_works_until = fields.TimestampField(
        read_only=True, allow_null=True, help_text="Until when the secret before the last rotation works."
    )

    class Meta:
        model = ApiToken
        fields = (
            "id",
            "name",
            "prefix",
            "scopes",
            "kind",
            "person",
            "created_by",
            "expires_at",
            "rotated_at",
            "old_works_until",
            "revoked_at",
            "last_used_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = (
            "prefix",
            "person",
            "created_by",
            "rotated_at",
            "old_works_until",
            "revoked_at",
            "last_used_at",
        )


class NewApiTokenSerializer(ApiTokenSerializer):
    """An API token with its new secret, which is never shown again."""

    token = fields.TextField(source="secret", read_only=True, help_text="Shown once: keep it now.")

    class Meta(ApiTokenSerializer.Meta):
        fields: Any = (*ApiTokenSerializer.Meta.fields, "token")


class RotationSerializer(TenantSerializer):
    """How a token gets its new secret."""

    old_works_until = fields.TimestampField(
        required=False, help_text="Until when the old secret works: 24 hours when left out, 30 days at most."
    )


class PersonSerializer(TenantModelSerializer):
    """Somebody of the workspace."""

    role = fields.ChoiceField(enum="TeamRole", choices=TEAM_ROLES, read_only=True)

    class Meta:
        model = User
        fields: Any = (
            "id",
            "email",
            "name",
            "role",
            "is_active",
            "invited_at",
            "email_verified_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class InvitationSerializer(TenantSerializer):
    """Who is invited, and as what."""

    email = fields.EmailField(max_length=254)
    role = fields.ChoiceField(enum="TeamRole", choices=TEAM_ROLES)
    name = fields.TextField(required=False, allow_blank=True, max_length=120)


class RoleSerializer(TenantSerializer):
    """Another role."""

    role = fields.ChoiceField(enum="TeamRole", choices=TEAM_ROLES)

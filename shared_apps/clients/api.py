"""Sign-up for programs: POST /api/v1/signup/ on the public host."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shared_apps.clients.models import Client
from shared_apps.clients.services import CHECKS, as_tenant, mistakes_in, sign_up
from tenants.api import fields
from tenants.api.described import LOCATION
from tenants.api.serializers import TenantSerializer
from tenants.api.viewsets import PlainView
from tenants.context import tenant_context
from tenants.throttling import SIGN_UP_BY_ADDRESS
from tenants.users.verification import tenant_url


class SignUpSerializer(TenantSerializer):
    """A company that wants a workspace, and its owner."""

    company = fields.TextField(max_length=120)
    subdomain = fields.TextField(
        max_length=63,
        help_text="The name of the workspace: 3 to 63 letters a–z, digits and hyphens. 409 when it is taken.",
    )
    email = fields.EmailField(max_length=254, help_text="The owner's address; a letter there asks for proof.")
    password = fields.SecretField(max_length=128, help_text="At least 10 characters.")

    def to_internal_value(self, data: Any) -> Any:
        """Where a field's shape is wrong, the rules that the others break are told with it."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            shapes: Any = error.detail
            raise serializers.ValidationError({**_broken_rules(data, shapes), **shapes}) from error


def _broken_rules(data: Any, wrong: Mapping[str, Any]) -> dict[str, Any]:
    given = data if isinstance(data, Mapping) else {}
    sound = {name: given[name] for name in CHECKS if name in given and name not in wrong}
    mistakes = mistakes_in(**sound)
    return {str(each.field): serializers.ErrorDetail(each.detail, each.code) for each in mistakes}


class NewWorkspaceSerializer(TenantSerializer):
    """The new workspace and its addresses."""

    id = fields.IdField(read_only=True)
    company = fields.TextField(read_only=True)
    subdomain = fields.TextField(read_only=True)
    host = fields.TextField(read_only=True)
    url = serializers.URLField(read_only=True)
    api_url = serializers.URLField(read_only=True)
    email = fields.TextField(read_only=True)
    status = fields.TextField(read_only=True)


def workspace(client: Client, email: str) -> dict[str, Any]:
    """The answer to a sign-up."""
    with tenant_context(as_tenant(client)):
        url = tenant_url("/")
    told = {name: getattr(client, name) for name in ("id", "subdomain", "host", "status")}
    return {**told, "company": client.name, "url": url, "api_url": f"{url}api/v1/", "email": email}


class SignUpView(PlainView):
    """Make a workspace: its schema, its domain and its owner, or nothing at all."""

    authentication_classes = ()
    public_because = "a stranger has no credential yet"
    input_class = SignUpSerializer
    output_class = NewWorkspaceSerializer
    status: ClassVar[int] = 201

    @extend_schema(parameters=[LOCATION])
    def post(self, request: Request) -> Response:
        """Sign a company up.

        409 when the subdomain is taken; 422 when something else is wrong, with everything that is.
        """
        given = self.input()
        address = request.META.get("REMOTE_ADDR", "")
        SIGN_UP_BY_ADDRESS.refuse_beyond(address)
        client = sign_up(**given, address=address or None)
        SIGN_UP_BY_ADDRESS.count(address)
        body = workspace(client, given["email"])
        return Response(body, status=self.status, headers={"Location": body["url"]})

"""Sign-up for programs: POST /api/v1/signup/ on the public host."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, mistakes_in, sign_up
from tenants.api.serializers import TenantSerializer
from tenants.context import tenant_context
from tenants.throttling import SIGN_UP_BY_ADDRESS
from tenants.users.verification import tenant_url


class SignUpSerializer(TenantSerializer):
    """What is asked, and what is answered: the new workspace's id and addresses."""

    company = serializers.CharField(max_length=120)
    subdomain = serializers.CharField(max_length=63)
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


def workspace(client: Client, email: str) -> dict[str, Any]:
    """The answer to a sign-up."""
    with tenant_context(as_tenant(client)):
        url = tenant_url("/")
    return {
        "id": client.id,
        "company": client.name,
        "subdomain": client.subdomain,
        "host": client.host,
        "url": url,
        "api_url": f"{url}api/v1/",
        "email": email,
        "status": client.status,
    }


def _other_mistakes(serializer: SignUpSerializer) -> dict[str, Any]:
    """Rules that are broken by the fields whose shape is right."""
    given = serializer.initial_data
    sound = set(serializer.fields) - set(serializer.errors) if isinstance(given, dict) else set()
    mistakes = mistakes_in(**{name: given[name] for name in sound})
    return {str(each.field): serializers.ErrorDetail(each.detail, each.code) for each in mistakes}


class SignUpView(APIView):
    """Make a workspace: its schema, its domain and its owner, or nothing at all."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    public_because = "a stranger has no credential yet"

    @extend_schema(request=SignUpSerializer, responses={201: dict}, operation_id="signup_create")
    def post(self, request: Request) -> Response:
        """Sign a company up; 409 when the subdomain is taken, 422 when something else is wrong."""
        serializer = SignUpSerializer(data=request.data)
        if not serializer.is_valid():
            raise serializers.ValidationError({**serializer.errors, **_other_mistakes(serializer)})
        address = request.META.get("REMOTE_ADDR", "")
        SIGN_UP_BY_ADDRESS.refuse_beyond(address)
        client = sign_up(**serializer.validated_data, address=address or None)
        SIGN_UP_BY_ADDRESS.count(address)
        body = workspace(client, serializer.validated_data["email"])
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": body["url"]})

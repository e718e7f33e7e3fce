"""The API of credentials: signing in, refreshing, who am I, API tokens."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, TenantView, TenantViewSet
from tenants.context import Tenant, current_tenant
from tenants.standing import Purpose
from tenants.users.filters import ApiTokenFilters, SignInFilters
from tenants.users.models import ApiToken, SignIn, User
from tenants.users.permissions import VERBS
from tenants.users.serializers import (
    ApiTokenSerializer,
    CredentialsSerializer,
    MeSerializer,
    NewApiTokenSerializer,
    RefreshSerializer,
    RotationSerializer,
    SignInSerializer,
    TokenPairSerializer,
)
from tenants.users.services import (
    create_api_token,
    issue_token_pair,
    refresh_token_pair,
    revoke_api_token,
    revoke_refresh_token,
    rotate_api_token,
)
from tenants.users.sign_ins import end_sign_in


class TokenView(TenantView):
    """Sign in with e-mail and password."""

    public_because = "this is where a credential is had"
    purposes = {"post": Purpose.SELF}
    authentication_classes = ()
    input_class = CredentialsSerializer
    output_class = TokenPairSerializer

    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for an access token and a refresh token."""
        client = request.headers.get("User-Agent", "")
        return self.answer(issue_token_pair(**self.input(), address=_address(request), client=client))


class RefreshView(TenantView):
    """Go on without the password."""

    public_because = "the refresh token in the body is the credential"
    purposes = {"post": Purpose.SELF}
    authentication_classes = ()
    input_class = RefreshSerializer
    output_class = TokenPairSerializer

    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair; it is good once, so use the new one from then on."""
        return self.answer(refresh_token_pair(**self.input(), address=_address(request)))


class SignOutView(TenantView):
    """End what began with a password."""

    public_because = "the refresh token in the body is the credential"
    purposes = {"post": Purpose.SELF}
    authentication_classes = ()
    input_class = RefreshSerializer
    output_class = NoInput
    status = 204

    def post(self, request: Request) -> Response:
        """End the sign-in of a refresh token, with its access tokens; a token that has ended already is no error."""
        revoke_refresh_token(**self.input(), address=_address(request))
        return Response(status=204)


class SignInViewSet(TenantViewSet):
    """The caller's own sign-ins, by browsers and by programs. API tokens are not among them."""

    verbs = dict.fromkeys(("list", "retrieve", "end"), "sessions:own")
    purposes = dict.fromkeys(verbs, Purpose.SELF)
    queryset = SignIn.objects.all()
    serializer_class = SignInSerializer
    inputs = {"end": NoInput}
    filterset_class = SignInFilters
    ordering = ("-id",)
    ordering_fields = ("created_at", "used_at")
    search_fields = ("client",)

    def get_queryset(self) -> QuerySet[SignIn]:
        return SignIn.objects.filter(user=self.request.user.pk)

    @action(detail=True, methods=["post"])
    def end(self, request: Request, **path: UUID) -> Response:
        """End a sign-in at once, with every token that it has given out."""
        return self.answer(end_sign_in(actor=self.actor, sign_in=self.get_object(), **self.input()))


def _address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


@dataclass(frozen=True)
class Me:
    """The caller as the API shows it."""

    principal: User | ApiToken
    workspace: Tenant

    @property
    def kind(self) -> str:
        return self.principal.actor_kind

    @property
    def id(self) -> UUID:
        return self.principal.id

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def email(self) -> str | None:
        return getattr(self.principal, "email", None)

    @property
    def role(self) -> str | None:
        return getattr(self.principal, "role", None)

    @property
    def verbs(self) -> list[str]:
        return sorted(verb for verb in VERBS if self.principal.can(verb))


class MeView(TenantView):
    """Who is calling."""

    verbs = {"get": "account:read"}
    output_class = MeSerializer

    def get(self, request: Request) -> Response:
        """Show who the credential belongs to, what it may do, and in which workspace."""
        principal: Any = request.user
        return self.answer(Me(principal, current_tenant()))


class ApiTokenViewSet(Creates, TenantViewSet):
    """API tokens: service accounts and people's own. They are managed by people, never by other tokens.

    Owners and admins see all of them, everybody else their own.
    """

    verbs = dict.fromkeys(("list", "retrieve", "create", "rotate", "revoke"), "tokens:own")
    # A further token is none that one has to get rid of.
    purposes = dict.fromkeys(("list", "retrieve", "rotate", "revoke"), Purpose.SELF)
    queryset = ApiToken.objects.all()
    serializer_class = ApiTokenSerializer
    inputs = {"rotate": RotationSerializer, "revoke": NoInput}
    outputs = {"create": NewApiTokenSerializer, "rotate": NewApiTokenSerializer}
    filterset_class = ApiTokenFilters
    ordering = ("-id",)
    ordering_fields = ("created_at", "name")
    search_fields = ("name", "prefix")

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.seen_by(self._caller)

    def perform_create(self, data: dict[str, Any]) -> ApiToken:
        """Create a token; its secret is in this answer and nowhere else."""
        return _with_secret(*create_api_token(actor=self.actor, owner=self._caller, **data))

    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, **path: UUID) -> Response:
        """Give a token a new secret; the old one goes on working for a while."""
        token, data = self.get_object(), self.input()
        made = rotate_api_token(actor=self.actor, owner=self._caller, token=token, **data)
        return self.answer(_with_secret(*made))

    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, **path: UUID) -> Response:
        """End a token at once."""
        return self.answer(revoke_api_token(actor=self.actor, token=self.get_object(), **self.input()))

    @property
    def _caller(self) -> User:
        # A token never gets here: `tokens:own` is no scope.
        caller: Any = self.request.user
        return cast(User, caller)


def _with_secret(token: ApiToken, secret: str) -> ApiToken:
    token.secret = secret  # type: ignore[attr-defined]  # shown once, never stored
    return token

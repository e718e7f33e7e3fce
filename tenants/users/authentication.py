"""Who calls the API: a person with an access token or a session, or a program with an API token."""

from typing import Any

from django.db import transaction
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError

from tenants.api.problems import CHALLENGE
from tenants.users.api_tokens import PREFIX, find_api_token
from tenants.users.models import ApiToken, User
from tenants.users.services import note_use
from tenants.users.tokens import SCHEME, AccessToken

Principal = User | ApiToken


class TenantAuthentication(BaseAuthentication):
    """The Authorization header decides; only a request without one may use its session, with a CSRF token.

    Every refusal is the same to the outside, whatever was wrong.
    """

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        """The principal and the credential, None without a credential; raises AuthenticationFailed."""
        header = request.headers.get("Authorization")
        if header is None:
            return _by_session(request)
        scheme, _, credential = header.partition(" ")
        principal = principal_of(credential.strip()) if scheme.lower() == SCHEME.lower() else None
        if principal is None:
            raise AuthenticationFailed
        return principal, None

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def principal_of(credential: str) -> Principal | None:
    """Who a bearer credential stands for in the current tenant, verified in full; None when it is no good."""
    if credential.startswith(PREFIX):
        return _api_token(credential)
    try:
        return AccessToken(credential).user()  # type: ignore[arg-type]  # its annotation is wrong: text goes in
    except TokenError:
        return None


def _api_token(credential: str) -> ApiToken | None:
    token = find_api_token(credential)
    if token is not None:
        # After the commit, so that requests with the same token never wait for each other's row.
        transaction.on_commit(lambda: note_use(token=token), robust=True)
    return token


def _by_session(request: Request) -> tuple[Principal, None] | None:
    user = getattr(request._request, "user", None)
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    check = CSRFCheck(lambda request: None)  # type: ignore[arg-type]  # nothing runs after it
    check.process_request(request._request)
    if (reason := check.process_view(request._request, None, (), {})) is not None:  # type: ignore[arg-type]
        raise PermissionDenied(
            f"A request with a session cookie needs its CSRF token: {reason}", "csrf_failed"
        )
    return user, None

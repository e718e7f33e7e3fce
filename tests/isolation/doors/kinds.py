"""Every kind of credential somebody may come with, and in one table what each of them may do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.test import Client
from rest_framework_simplejwt.tokens import Token

from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.keys import signing_key
from tenants.users.models import User
from tenants.users.tokens import AccessToken, RefreshToken
from tests.isolation.doors.routes import Route, Undeclared

if TYPE_CHECKING:
    from tests.isolation.doors.scene import Scene


class Outcome(StrEnum):
    """How a door answers."""

    LET_IN = "let in"
    FORBIDDEN = "known, but may not"
    SIGN_IN = "unknown: sign in first"
    CLOSED = "workspace suspended"
    NOWHERE = "unknown host"


# The table. Written down here once more, on purpose: a changed right turns a test red.
EVERYBODY: Final = frozenset({"owner", "admin", "member", "viewer"})
ROLES: Final[dict[str, frozenset[str]]] = {
    "read": EVERYBODY,
    "write": EVERYBODY - {"viewer"},
    "manage": frozenset({"owner", "admin"}),
    "own": EVERYBODY,
    "books": frozenset({"owner", "admin"}),
}
SCOPES: Final = frozenset({"read", "write", "books"})
# What everybody's programs may be let to read, but not everybody.
BY_NAME: Final = {"billing:read": "books"}


def family(verb: str) -> str:
    """`products:read` → `read`; raises Undeclared for a family that the table does not know."""
    found = BY_NAME.get(verb, verb.partition(":")[2])
    if found not in ROLES:
        raise Undeclared(f"Nobody has written down who may {verb!r}: add {found!r} to the table ROLES.")
    return found


May = Callable[[str], bool]
Maker = Callable[["Scene", str | None], Client]


@dataclass(frozen=True)
class Kind:
    """One kind of credential: how it is shown, what it may do (None: it is nobody's), how it is made."""

    name: str
    is_bearer: bool
    may: May | None
    make: Maker
    everywhere: Outcome | None = None
    # Django ends the session of a person who has another password by now.
    may_end_session: bool = False

    def __str__(self) -> str:
        return self.name

    def expected(self, route: Route, method: str) -> Outcome:
        """What the door must answer. A method that it does not know may get 405 as well."""
        if self.everywhere is not None:
            return self.everywhere
        if method not in route.methods:
            return Outcome.LET_IN if self.may else Outcome.SIGN_IN
        verb = route.verb(method)
        if verb is None:
            wrong = self.is_bearer and self.may is None and route.authenticates
            return Outcome.SIGN_IN if wrong else Outcome.LET_IN
        if self.may is None or (self.is_bearer and not route.is_api):
            return Outcome.SIGN_IN
        return Outcome.LET_IN if self.may(verb) else Outcome.FORBIDDEN


# What they are made of


def browser(tenant: Tenant, **headers: str) -> Client:
    """A client on a tenant's host that shows 500s instead of raising them."""
    return Client(headers={"host": tenant.host, **headers}, raise_request_exception=False)


def signed_in(tenant: Tenant, user: User) -> Client:
    """A client with a session that was made in the tenant."""
    client = browser(tenant)
    with unit_of_work(tenant):
        client.force_login(user)
    return client


def carrying(tenant: Tenant, token: str) -> Client:
    """A client that sends a bearer token."""
    return browser(tenant, authorization=f"Bearer {token}")


def moved(client: Client, tenant: Tenant) -> Client:
    """Another host's cookies, shown at this one: copies, so that no answer here changes them there."""
    there = browser(tenant)
    there.cookies = SimpleCookie(client.cookies)
    return there


def token_of(tenant: Tenant, user: User, kind: type[Any] = AccessToken, **claims: Any) -> str:
    """A token as the tenant itself issues it, with some claims changed before it is signed.

    It is good for a day, as the scene may stand for longer than a token usually is.
    """
    with unit_of_work(tenant):
        token: Token = kind.issue(user)
        token.payload |= {"exp": token.payload["exp"] + 86_400, **claims}
        return str(token)


def expired(tenant: Tenant, user: User) -> str:
    return token_of(tenant, user, exp=int((datetime.now(UTC) - timedelta(minutes=1)).timestamp()))


def forged(tenant: Tenant, user: User, algorithm: str) -> str:
    """The right claims under the right header, signed by another key, by none, or by the public key."""
    good = token_of(tenant, user)
    claims = jwt.decode(good, options={"verify_signature": False})
    headers = {name: value for name, value in jwt.get_unverified_header(good).items() if name != "alg"}
    keys = {
        "EdDSA": Ed25519PrivateKey.generate(),
        "HS256": signing_key().public.public_bytes_raw(),
        "none": None,
    }
    return jwt.encode(claims, keys[algorithm], algorithm, headers=headers)  # type: ignore[arg-type]  # none has no key


def operator_signed_in() -> Client:
    """The operator's browser, on the public host."""
    client = Client(headers={"host": settings.PUBLIC_HOST}, raise_request_exception=False)
    with public_context():
        client.force_login(User.objects.get(role="operator"))
    return client


# The kinds


def _role(name: str) -> May:
    return lambda verb: name in ROLES[family(verb)]


def _by_session(role: str) -> Kind:
    return Kind(f"{role} by session", False, _role(role), lambda s, _: signed_in(s.acme, s.people[role]))


def _by_jwt(role: str) -> Kind:
    def make(scene: "Scene", _: str | None) -> Client:
        return carrying(scene.acme, token_of(scene.acme, scene.people[role]))

    return Kind(f"{role} by access token", True, _role(role), make)


def _nobody(name: str, make: Maker) -> Kind:
    return Kind(name, False, None, make)


def _bad_bearer(name: str, text: Callable[["Scene"], str]) -> Kind:
    return Kind(name, True, None, lambda scene, _: carrying(scene.acme, text(scene)))


KINDS: Final = (
    *(_by_session(role) for role in sorted(EVERYBODY)),
    *(_by_jwt(role) for role in sorted(EVERYBODY)),
    Kind(
        "API token with the scope",
        True,
        lambda verb: family(verb) in SCOPES,
        lambda s, verb: carrying(s.acme, s.api_tokens.only(verb)),
    ),
    Kind(
        "API token with every other scope",
        True,
        lambda verb: False,
        lambda s, verb: carrying(s.acme, s.api_tokens.all_but(verb)),
    ),
    _nobody("nothing", lambda s, _: browser(s.acme)),
    _bad_bearer("expired access token", lambda s: expired(s.acme, s.people["owner"])),
    _bad_bearer("access token by another key", lambda s: forged(s.acme, s.people["owner"], "EdDSA")),
    _bad_bearer("access token by no key", lambda s: forged(s.acme, s.people["owner"], "none")),
    _bad_bearer("access token by the public key", lambda s: forged(s.acme, s.people["owner"], "HS256")),
    _bad_bearer("refresh token", lambda s: token_of(s.acme, s.people["owner"], RefreshToken)),
    _bad_bearer("neighbour's access token", lambda s: token_of(s.globex, s.stranger)),
    _bad_bearer("neighbour's refresh token", lambda s: token_of(s.globex, s.stranger, RefreshToken)),
    _bad_bearer("neighbour's API token", lambda s: s.strange_api_token),
    _nobody("neighbour's session", lambda s, _: moved(signed_in(s.globex, s.stranger), s.acme)),
    _nobody("operator's session", lambda s, _: moved(operator_signed_in(), s.acme)),
    _nobody("deactivated person's session", lambda s, _: s.deactivated.browser),
    _bad_bearer("deactivated person's access token", lambda s: s.deactivated.token),
    Kind(
        "session from before a new password",
        False,
        None,
        lambda s, _: s.renewed.browser,
        may_end_session=True,
    ),
    _bad_bearer("access token from before a new password", lambda s: s.renewed.token),
    _bad_bearer("deactivated person's API token", lambda s: s.deactivated.api_token),
    _bad_bearer("API token from before a new password", lambda s: s.renewed.api_token),
    Kind(
        "API token of an admin who is a viewer by now",
        True,
        lambda verb: family(verb) == "read",
        lambda s, _: carrying(s.acme, s.demoted.api_token),
    ),
    _bad_bearer("revoked API token", lambda s: s.revoked_api_token),
    _bad_bearer("no token at all", lambda s: "rwh_0123"),
    *(
        Kind(f"{outcome}, {name}", False, None, lambda s, _, n=name, o=outcome: s.shut[o][n], outcome)  # type: ignore[misc]
        for outcome in (Outcome.CLOSED, Outcome.NOWHERE)
        for name in ("by session", "by access token", "by API token", "with nothing")
    ),
)

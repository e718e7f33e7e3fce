"""Bearer tokens of people: short-lived access, long-lived refresh, both good for one tenant only.

The tenant is checked by the classes themselves, so that no way of reading a token can forget it.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final, Self
from uuid import UUID, uuid5

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from tenants.context import NoTenant, current_tenant
from tenants.users.keys import signing_key, verifying_key
from tenants.users.models import User
from tenants.users.sign_ins import Turn

ALGORITHM: Final = "EdDSA"
CLIENT: Final = "first-party"
SCHEME: Final = "Bearer"
ACCESS, REFRESH = "access", "refresh"
REQUIRED: Final = ["iss", "aud", "sub", "iat", "exp", "jti", "client_id", "role", "gen"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token says whose signature was right: it stays so as long as its key counts and it has not expired."""

    claims: Mapping[str, Any]
    kid: str

    @property
    def is_good(self) -> bool:
        return bool(self.claims["exp"] > time.time()) and verifying_key(self.kid) is not None


class TypedBackend(TokenBackend):
    """Signs and reads tokens of one type, which the header names (RFC 9068 for access tokens)."""

    def __init__(self, typ: str, *, remembers: int = 0) -> None:
        super().__init__(ALGORITHM)
        self.typ, self.remembers = typ, remembers
        self._verified: OrderedDict[str, Verified] = OrderedDict()

    def encode(self, payload: dict[str, Any]) -> str:
        key = signing_key()
        return jwt.encode(payload, key.private, ALGORITHM, headers={"typ": self.typ, "kid": key.kid})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        if not verify:
            raise TokenBackendError("Tokens are never read without their signature.")
        known = self._verified.get(str(token))
        if known is not None and known.is_good:
            return dict(known.claims)
        try:
            return self._verify(token)
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("Token is invalid") from error

    def forget(self) -> None:
        """Verify every token anew, in this process only."""
        self._verified.clear()

    def _verify(self, token: str) -> dict[str, Any]:
        kid, key = self._key_of(token)
        options: Any = {"require": REQUIRED, "verify_aud": False}
        claims: dict[str, Any] = jwt.decode(token, key, [ALGORITHM], options=options)
        if self.remembers:
            self._verified[str(token)] = Verified(dict(claims), kid)
            if len(self._verified) > self.remembers:
                self._verified.popitem(last=False)
        return claims

    def _key_of(self, token: str) -> tuple[str, Any]:
        header = jwt.get_unverified_header(token)
        kid = str(header.get("kid"))
        key = verifying_key(kid)
        if key is None or header.get("typ") != self.typ:
            raise jwt.InvalidTokenError("The token was signed by another key or for another use.")
        return kid, key


class TenantToken(Token):
    """A token that names its tenant and is refused by every other."""

    backend: ClassVar[TypedBackend]

    @classmethod
    def issue(cls, user: User, sign_in: UUID | None = None) -> Self:
        """A new token for a person of the current tenant, in the name of one of their sign-ins."""
        token = cls()
        if sign_in is not None:
            token["sid"] = str(sign_in)
        token.payload |= {
            "iss": issuer(),
            "aud": str(current_tenant().id),
            "sub": str(user.id),
            "client_id": CLIENT,
            "role": user.role,
            "gen": generation(user),
        }
        return token

    def get_token_backend(self) -> TypedBackend:
        return self.backend

    def verify(self) -> None:
        """Refuse what is expired, of another type, from elsewhere, or another tenant's."""
        super().verify()
        if self.get("iss") != issuer() or self.get("aud") != self._tenant_id():
            raise TokenError("Token belongs elsewhere")

    def user(self) -> User | None:
        """The person, unless deactivated, gone, or in possession of a new password since."""
        try:
            # Asked at each request: `first` would take a quarter longer, for an order that one row does not need.
            user = User.objects.get(pk=self.subject)
        except User.DoesNotExist:
            return None
        return user if stands(self.payload, user) else None

    @property
    def subject(self) -> UUID:
        """Whose token it is."""
        return _uuid(self["sub"])

    @staticmethod
    def _tenant_id() -> str:
        try:
            return str(current_tenant().id)
        except NoTenant as error:
            raise TokenError("Token belongs to a tenant") from error


class AccessToken(TenantToken):
    """What requests carry."""

    token_type = ACCESS
    lifetime: timedelta = settings.ACCESS_TOKEN_LIFETIME
    backend = TypedBackend("at+jwt", remembers=5_000)


class RefreshToken(TenantToken):
    """What new tokens are had for, and nothing else."""

    token_type = REFRESH
    lifetime: timedelta = settings.REFRESH_TOKEN_LIFETIME
    backend = TypedBackend("rt+jwt")

    @classmethod
    def at(cls, turn: Turn, user: User) -> Self:
        """The token of one turn of a chain: however often it is written, the same."""
        token = cls.issue(user, turn.sign_in)
        token.set_iat(at_time=turn.at)
        token.set_exp(from_time=turn.at)
        token["turn"] = turn.number
        token["jti"] = uuid5(turn.sign_in, str(turn.number)).hex
        return token

    @property
    def turn(self) -> tuple[UUID, int]:
        """Its sign-in, and its number in the chain."""
        number = self.payload.get("turn")
        if not isinstance(number, int):
            raise TokenError("Token belongs to no chain")
        return _uuid(self.payload.get("sid")), number


def issuer() -> str:
    """The platform as tokens name it."""
    return f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_HOST}"


def stands(claims: Mapping[str, Any], user: User) -> bool:
    """Whether a token whose signature, tenant and times are right still counts, by the row of its person.

    Whoever remembers verified tokens asks this at each request, and `verifying_key` whether its key is still one.
    """
    is_of_theirs = claims["sub"] == str(user.pk) and claims["gen"] == generation(user)
    return user.is_active and is_of_theirs and not _has_ended(claims.get("sid"), user)


def _has_ended(sign_in: Any, user: User) -> bool:
    return bool(user.ended_sign_ins) and sign_in in map(str, user.ended_sign_ins)


def _uuid(text: Any) -> UUID:
    try:
        return UUID(text)
    except (AttributeError, TypeError, ValueError) as error:
        raise TokenError("Token names nobody") from error


def generation(user: User) -> str:
    """Changes with the password, and so ends every token that was issued before."""
    return hashlib.sha256(f"{user.pk}:{user.password}".encode()).hexdigest()[:16]

"""The keys that sign tokens (Ed25519), and what this process knows of them.

Until the first rotation the key is derived from SECRET_KEY, so that a new installation has one without a store. From
then on keys lie in a public table, each sealed under SECRET_KEY, and times decide what a key is good for: nobody has
to be told. A process reads the table again when it has not for some seconds, or meets a key that it does not know.
"""

import hashlib
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from tenants.context import public_context
from tenants.sealing import CannotUnseal, seal, unseal

FRESH_FOR: Final = 5.0
# Strangers can make up names of keys; they must not make us ask the database for each.
ASKED_AT_MOST_EVERY: Final = 1.0
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
log = structlog.get_logger("rowhouse.keys")


@dataclass(frozen=True)
class SigningKey:
    """A key pair and the name by which tokens refer to it."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    public: Ed25519PublicKey

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        """The pair with the name that follows from its public half."""
        public = private.public_key()
        return cls(hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16], private, public)

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 8037)."""
        x = urlsafe_b64encode(self.public.public_bytes_raw()).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x}


@dataclass(frozen=True)
class KeptKey:
    """A key as it is stored: sealed, with the times between which it signs and verifies."""

    kid: str
    sealed: str = field(repr=False)
    signs_from: datetime
    verifies_until: datetime | None


class KeyStore(Protocol):
    """Where keys are kept; `settings.SIGNING_KEYS` names the implementation."""

    def kept(self) -> Sequence[KeptKey]: ...


class KeyRing:
    """The kept keys that this process can open, the newest first."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: Sequence[KeptKey] = ()
        self._read_at = -FRESH_FOR

    def signing(self) -> SigningKey:
        """The key that new tokens are signed with."""
        now = timezone.now()
        valid = [(kept, key) for kept, key in self._opened() if _is_valid(kept)]
        return next((key for kept, key in valid if kept.signs_from <= now), valid[0][1])

    def verifying(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of that name, unless it is retired; one that signs later verifies already."""
        key = self._find(kid)
        if key is None and self._read(not_within=ASKED_AT_MOST_EVERY):
            key = self._find(kid)
        return key.public if key else None

    def published(self) -> list[SigningKey]:
        """The keys that tokens may be signed with now or soon, the newest first."""
        return [key for kept, key in self._opened() if _is_valid(kept)]

    def forget(self) -> None:
        """Read the store anew when next asked, in this process only."""
        self._kept, self._read_at = (), -FRESH_FOR

    def _find(self, kid: str) -> SigningKey | None:
        return next((key for kept, key in self._opened() if kept.kid == kid and _is_valid(kept)), None)

    def _opened(self) -> list[tuple[KeptKey, SigningKey]]:
        self._read(not_within=FRESH_FOR)
        secrets = known_secrets()
        found = [(kept, key) for kept in self._kept if (key := unseal_key(kept.kid, kept.sealed, secrets))]
        return found or [(_derived_kept(secret), derived(secret)) for secret in secrets]

    def _read(self, *, not_within: float) -> bool:
        if time.monotonic() - self._read_at < not_within:
            return False
        with self._lock:
            try:
                self._kept = self._store.kept()
            except DatabaseError as error:
                log.warning("keys_not_read", error=str(error))
            self._read_at = time.monotonic()
        return True


def signing_key() -> SigningKey:
    """The key that new tokens are signed with."""
    return ring.signing()


def verifying_key(kid: str) -> Ed25519PublicKey | None:
    """The public key of that name; None when it is unknown or retired."""
    return ring.verifying(kid)


def key_set() -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [key.jwk for key in ring.published()]}


def seal_key(key: SigningKey) -> str:
    """The private half, encrypted under SECRET_KEY; the name is bound to it."""
    with public_context():
        sealed = seal(_purpose(key.kid), key.private.private_bytes_raw())
    return urlsafe_b64encode(sealed).decode()


@lru_cache(maxsize=64)
def unseal_key(kid: str, sealed: str, secrets: tuple[str, ...]) -> SigningKey | None:
    """The key behind a sealed text; None where none of our secrets has sealed it, so a planted row is no key."""
    try:
        with public_context():
            private = unseal(_purpose(kid), urlsafe_b64decode(sealed))
    except (CannotUnseal, ValueError):
        return None
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(private))


def _purpose(kid: str) -> str:
    return f"signing-key:{kid}"


@lru_cache(maxsize=8)
def derived(secret: str) -> SigningKey:
    """The key that follows from a secret key by itself."""
    seed = salted_hmac("tenants.users.keys", "ed25519", secret=secret, algorithm="sha256").digest()
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(seed))


def _derived_kept(secret: str) -> KeptKey:
    return KeptKey(derived(secret).kid, "", BEGINNING, None)


def _is_valid(kept: KeptKey) -> bool:
    return kept.verifies_until is None or kept.verifies_until > timezone.now()


def known_secrets() -> tuple[str, ...]:
    """The secret keys that may have sealed a key, the present one first."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


ring = KeyRing(import_string(settings.SIGNING_KEYS)())

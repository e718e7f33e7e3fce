"""The keys that sign tokens: Ed25519, derived from SECRET_KEY, so every process has them without a store."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils.crypto import salted_hmac


@dataclass(frozen=True)
class SigningKey:
    """A key pair and the name by which tokens refer to it."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey


def signing_key() -> SigningKey:
    """The key that new tokens are signed with."""
    return _derive(settings.SECRET_KEY)


def verifying_key(kid: str) -> Ed25519PublicKey | None:
    """The public key of that name, also when it was derived from a fallback of SECRET_KEY."""
    keys = (_derive(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    return next((key.public for key in keys if key.kid == kid), None)


@lru_cache(maxsize=8)
def _derive(secret: str) -> SigningKey:
    seed = salted_hmac("tenants.users.keys", "ed25519", secret=secret, algorithm="sha256").digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key()
    return SigningKey(hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16], private, public)

"""Small values kept where rows can be read: encrypted, and of use in one realm and for one purpose only."""

from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.crypto import salted_hmac

from tenants.context import realm_key

NONCE_LENGTH: Final = 12


class CannotUnseal(ValueError):
    """The value was sealed under another key, in another realm or for another purpose, or it was changed."""


def seal(purpose: str, value: bytes) -> bytes:
    """Encrypt a value (AES-256-GCM); the realm and the purpose have to be the same to read it again."""
    nonce = urandom(NONCE_LENGTH)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, value, _bound_to(purpose))


def unseal(purpose: str, sealed: bytes) -> bytes:
    """The value that was sealed here for this purpose, under the present or a former secret key."""
    nonce, text = sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(secret).decrypt(nonce, text, _bound_to(purpose))
        except InvalidTag:
            continue
    raise CannotUnseal("This value cannot be read: it was sealed elsewhere, or its secret key is gone.")


def _bound_to(purpose: str) -> bytes:
    return f"{realm_key()}:{purpose}".encode()


def _cipher(secret: str) -> AESGCM:
    return AESGCM(salted_hmac("tenants.sealing", "seal", secret=secret, algorithm="sha256").digest())

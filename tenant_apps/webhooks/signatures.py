"""Standard Webhooks 1.0: secrets, and the headers that prove where a message comes from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

from tenant_apps.webhooks.models import Endpoint
from tenants.sealing import seal, unseal

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
PURPOSE: Final = "webhook secret"


def new_secret() -> str:
    """A fresh secret as receivers keep it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sealed(secret: str) -> str:
    """A secret as it is kept here."""
    return base64.b64encode(seal(PURPOSE, secret.encode())).decode()


def signed_headers(endpoint: Endpoint, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The three headers. While secrets overlap there are two signatures, the new secret's first."""
    timestamp = str(int(at.timestamp()))
    signatures = [_signature(secret, message_id, timestamp, body) for secret in _secrets(endpoint, at)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _secrets(endpoint: Endpoint, at: datetime) -> list[str]:
    kept = [endpoint.secret]
    if endpoint.previous_secret_until is not None and endpoint.previous_secret_until > at:
        kept.append(endpoint.previous_secret)
    return [unseal(PURPOSE, base64.b64decode(text)).decode() for text in kept]


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, b".".join([message_id.encode(), timestamp.encode(), body]), hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()

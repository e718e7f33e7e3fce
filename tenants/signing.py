"""Signed values that are good in one realm, for one purpose, for a limited time."""

from datetime import timedelta
from typing import Any

from django.core import signing

from tenants.context import realm_key


class BadLink(ValueError):
    """The value was changed, is too old, or was made for another tenant or purpose."""


def sign(purpose: str, value: Any) -> str:
    """Sign a JSON-serialisable value for the current realm."""
    return signing.dumps(value, salt=_salt(purpose))


def unsign(purpose: str, text: str, *, max_age: timedelta) -> Any:
    """The value that was signed for this realm and purpose; raises BadLink."""
    try:
        return signing.loads(text, salt=_salt(purpose), max_age=max_age)
    except signing.BadSignature as error:
        raise BadLink(
            "This link is no longer valid: it is too old, was changed, or belongs elsewhere."
        ) from error


def _salt(purpose: str) -> str:
    return f"tenants.signing.{realm_key()}.{purpose}"

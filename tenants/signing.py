"""Signed values that are good in one realm, for one purpose, for a limited time."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.utils import timezone

from tenants.context import realm_key

REFUSED: Final = "This link is no longer valid: it is too old, was changed, or belongs elsewhere."


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
        raise BadLink(REFUSED) from error


def sign_until(purpose: str, value: Any, until: datetime) -> str:
    """Sign a JSON-serialisable value with the time it ends at: the same value and time give the same text."""
    return signing.Signer(salt=_salt(f"{purpose}.until")).sign_object([value, int(until.timestamp())])


def unsign_until(purpose: str, text: str) -> tuple[Any, timedelta]:
    """The value that `sign_until` signed for this realm and purpose, and how long it is still good; raises BadLink."""
    try:
        value, until = signing.Signer(salt=_salt(f"{purpose}.until")).unsign_object(text)
    except signing.BadSignature as error:
        raise BadLink(REFUSED) from error
    left = until - timezone.now().timestamp()
    if left <= 0:
        raise BadLink(REFUSED)
    return value, timedelta(seconds=left)


def _salt(purpose: str) -> str:
    return f"tenants.signing.{realm_key()}.{purpose}"

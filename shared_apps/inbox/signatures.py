"""Whether Stripe has written a message: the `Stripe-Signature` header, checked by hand.

It is one HMAC. The package would check one secret a call, where several are good while one replaces another, and takes
messages that are dated a day ahead.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from tenants.errors import DomainError

# Either way: an old message may be a replay, and one from the future could be replayed for as long.
TOLERANCE: Final = timedelta(minutes=5)
LONGEST: Final = 2000
PART: Final = re.compile(r"\s*(t|v1)=([0-9a-f]{1,128})\s*")


class BadSignature(DomainError):
    """Stripe did not write this message, or not for this endpoint."""

    code = "bad_signature"
    title = "The signature does not fit"


class NotOfNow(DomainError):
    """The message is signed rightly, and for another time."""

    code = "signature_out_of_time"
    title = "The signature is not of now"


def check_signature(body: bytes, header: str, secrets: Iterable[str], now: datetime) -> None:
    """Refuse what none of the secrets has signed, or what was signed for another time."""
    at, given = _parts(header)
    signed = [_signature(secret, at, body) for secret in secrets]
    # Every pair is compared, so that the time it takes says nothing.
    fits = [hmac.compare_digest(ours, theirs) for ours in signed for theirs in given]
    if not any(fits):
        raise BadSignature(
            "No configured secret has signed this message. Compare STRIPE_WEBHOOK_SECRETS with the signing secret of "
            "this endpoint at Stripe, and send the body as it was signed, byte by byte."
        )
    _check_time(int(at), now)


def _parts(header: str) -> tuple[str, list[str]]:
    """The time, as it is written, and the signatures of the scheme that is safe."""
    found = [match.groups() for part in header[:LONGEST].split(",") if (match := PART.fullmatch(part))]
    times = [value for name, value in found if name == "t" and re.fullmatch("[0-9]{1,12}", value)]
    given = [value for name, value in found if name == "v1"]
    if len(times) != 1 or not given:
        raise BadSignature(
            "The Stripe-Signature header is missing or malformed. Stripe sends t=<seconds>,v1=<signature>; only "
            "Stripe's messages are taken here."
        )
    return times[0], given


def _signature(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def _check_time(at: int, now: datetime) -> None:
    seconds = at - now.timestamp()
    if abs(seconds) > TOLERANCE.total_seconds():
        side = "ahead of" if seconds > 0 else "behind"
        raise NotOfNow(
            f"The message is dated {abs(seconds):.0f} seconds {side} the time here, {now:%Y-%m-%dT%H:%M:%SZ}; "
            f"{TOLERANCE.total_seconds():.0f} are allowed. Check the clocks, and have Stripe send it again."
        )

"""API tokens: how they are written, and how a presented one is found.

`rwh_`, 43 characters that carry 256 random bits, 6 characters of checksum. The first twelve are kept to tell
tokens apart, the checksum turns typing errors away without a query, and only a keyed digest is stored.
"""

import secrets
import string
import zlib
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from tenants.context import realm_key
from tenants.users.models import ApiToken
from tenants.users.tokens import generation

PREFIX: Final = "rwh_"
ALPHABET: Final = string.digits + string.ascii_letters
SECRET_LENGTH, CHECKSUM_LENGTH, SHOWN_LENGTH = 43, 6, 12


def new_secret() -> str:
    """A new token as its owner sees it, once."""
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return body + _checksum(body)


def digest(secret: str, key: str = "") -> str:
    """What is stored of a token. The realm is part of it, so that a copied row opens nothing elsewhere."""
    value = f"{realm_key()}:{secret}"
    mac = salted_hmac("tenants.users.api_tokens", value, secret=key or None, algorithm="sha256")
    return mac.hexdigest()


def find_api_token(secret: str) -> ApiToken | None:
    """The usable token of the current tenant, or None."""
    if not _is_well_formed(secret):
        return None
    digests = [digest(secret, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    token = ApiToken.objects.usable().with_digest(digests).select_related("person").first()
    return token if token is not None and stands(token) else None


def stands(token: ApiToken) -> bool:
    """Whether a token counts by the row of its person, if it has one: asked at each request, even of a known token."""
    person = token.person
    return person is None or (person.is_active and token.generation == generation(person))


def _is_well_formed(secret: str) -> bool:
    if len(secret) != len(PREFIX) + SECRET_LENGTH + CHECKSUM_LENGTH or not secret.isascii():
        return False
    body, checksum = secret[:-CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return constant_time_compare(checksum, _checksum(body))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    while len(digits) < CHECKSUM_LENGTH:
        number, place = divmod(number, len(ALPHABET))
        digits = ALPHABET[place] + digits
    return digits

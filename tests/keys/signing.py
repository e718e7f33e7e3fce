"""Turning keys over and looking at what they sign."""

from typing import Any, Final

import jwt
from django.test import Client

from shared_apps.keys.models import StoredKey
from shared_apps.keys.services import PUBLISHED_AHEAD, rotate_signing_keys
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.models import User
from tenants.users.tokens import AccessToken

CLERK: Final = Actor.system("a test")
BEYOND: Final = PUBLISHED_AHEAD.total_seconds() + 1


def rotate(**how: Any) -> StoredKey:
    with public_context():
        return rotate_signing_keys(actor=CLERK, **how)


def token(tenant: Tenant, user: User) -> str:
    with unit_of_work(tenant):
        return str(AccessToken.issue(user))


def kid_of(text: str) -> str:
    return str(jwt.get_unverified_header(text)["kid"])


def published(host: str) -> list[str]:
    answer = Client(headers={"host": host}).get("/.well-known/jwks.json")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert not answer.cookies
    return [key["kid"] for key in answer.json()["keys"]]

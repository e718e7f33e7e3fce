"""Keys are changed while the platform runs: what signs, what verifies, what is published, who may look."""

from datetime import timedelta
from io import StringIO
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from shared_apps.keys.models import StoredKey
from shared_apps.keys.services import PUBLISHED_AHEAD, rotate_signing_keys
from shared_apps.keys.store import DatabaseKeys
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users import keys
from tenants.users.keys import KeyRing, ring, verifying_key
from tenants.users.models import User
from tenants.users.tokens import AccessToken
from tests.api.calls import Api
from tests.clock import Clock

CLERK = Actor.system("a test")
BEYOND = PUBLISHED_AHEAD.total_seconds() + 1


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


def test_a_new_key_is_published_before_it_signs_and_the_old_one_verifies_its_tokens_to_the_end(
    acme: Tenant, owner: User, clock: Clock
) -> None:
    before = kid_of(token(acme, owner))
    fresh = rotate()
    assert published(acme.host) == published(settings.PUBLIC_HOST) == [fresh.kid, before]
    assert kid_of(token(acme, owner)) == before

    clock.forward(seconds=BEYOND - 5)
    last = token(acme, owner)
    clock.forward(seconds=5)
    assert kid_of(token(acme, owner)) == fresh.kid
    assert Api(acme, last).get("me/").status_code == 200

    clock.forward(seconds=settings.REFRESH_TOKEN_LIFETIME.total_seconds() - 30)
    assert verifying_key(before)
    clock.forward(seconds=120)
    assert verifying_key(before) is None
    assert published(acme.host) == [fresh.kid]
    rotate()
    with public_context():
        assert before not in StoredKey.objects.values_list("kid", flat=True)


def test_a_compromised_key_verifies_nothing_from_now_on(acme: Tenant, owner: User) -> None:
    old = token(acme, owner)
    fresh = rotate(compromised=True)
    assert Api(acme, old).get("me/").status_code == 401
    assert published(acme.host) == [fresh.kid]
    assert Api(acme, token(acme, owner)).get("me/").status_code == 200


def test_another_process_learns_of_a_key_at_once_and_of_its_end_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("tenants.users.keys.time.monotonic", lambda: now[0])
    other = KeyRing(DatabaseKeys())
    old = other.signing().kid
    now[0] += keys.ASKED_AT_MOST_EVERY
    fresh = rotate(compromised=True)
    assert other.verifying(old)
    assert other.verifying(fresh.kid), "a name that it does not know makes a process look"
    assert other.verifying(old) is None
    assert other.signing().kid == fresh.kid

    third = KeyRing(DatabaseKeys())
    third.signing()
    rotate(compromised=True)
    now[0] += keys.FRESH_FOR
    assert third.verifying(fresh.kid) is None


def test_names_that_strangers_make_up_do_not_reach_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Store:
        def kept(self) -> list[Any]:
            asked.append(1)
            return []

    now = [1_000.0]
    monkeypatch.setattr("tenants.users.keys.time.monotonic", lambda: now[0])
    a_ring = KeyRing(Store())
    for number in range(50):
        now[0] += 0.01
        assert a_ring.verifying(f"{number:016}") is None
    assert len(asked) == 1


def test_without_the_database_a_process_goes_on_with_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = rotate(compromised=True)
    assert ring.signing().kid == fresh.kid

    def unreachable(self: Any) -> Any:
        raise DatabaseError("gone")

    monkeypatch.setattr(DatabaseKeys, "kept", unreachable)
    monkeypatch.setattr(ring, "_read_at", -1_000_000.0)
    assert ring.signing().kid == fresh.kid


def test_private_keys_are_sealed_and_a_planted_row_is_no_key(acme: Tenant, owner: User) -> None:
    rotate(compromised=True)
    good = token(acme, owner)
    with public_context():
        row = StoredKey.objects.get(verifies_until=None)
        private = ring.signing().private.private_bytes_raw()
        assert private.hex() not in row.sealed
        StoredKey(kid="0" * 16, sealed=row.sealed, signs_from=timezone.now() + timedelta(days=1)).save()
    ring.forget()
    assert verifying_key("0" * 16) is None
    assert Api(acme, good).get("me/").status_code == 200
    refusal = pytest.raises(ProgrammingError, match="permission denied")
    with unit_of_work(acme), refusal, transaction.atomic():
        connection.cursor().execute("SELECT sealed FROM public.keys_storedkey")


def test_a_new_secret_key_keeps_the_keys_while_the_old_one_is_named_or_they_were_sealed_anew(
    acme: Tenant, owner: User, settings: Any
) -> None:
    rotate(compromised=True)
    text, old = token(acme, owner), settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" * 4
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Api(acme, text).get("me/").status_code == 200
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert Api(acme, text).get("me/").status_code == 200
    settings.SECRET_KEY = "a-third-secret-key-" * 4
    assert Api(acme, text).get("me/").status_code == 401
    assert Api(acme, token(acme, owner)).get("me/").status_code == 200, "it signs with a key of its own again"


def test_the_command_rotates_and_tells_what_there_is() -> None:
    out = StringIO()
    call_command("rotate_keys", "--list", stdout=out)
    assert "It was never rotated" in out.getvalue()
    call_command("rotate_keys", stdout=out)
    first, second = out.getvalue().splitlines()[1:]
    assert first.endswith("verifies until the next rotation")
    assert "signs from the beginning" in second
    with public_context():
        entry = AuditEntry.objects.get(verb="signing_key.rotated")
    assert (entry.actor_label, entry.data["compromised"]) == ("rotate_keys", False)
    assert entry.data["kid"] == first.split()[0]

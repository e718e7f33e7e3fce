"""Keys are changed while the platform runs: what signs, what verifies, what is published, who may look."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from shared_apps.keys.models import StoredKey
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.keys import ring, verifying_key
from tenants.users.models import User
from tests.api.calls import Api
from tests.clock import Clock
from tests.keys.signing import BEYOND, kid_of, published, rotate, token


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

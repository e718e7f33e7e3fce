"""What a process knows of the keys: it learns of new ones at once, and does without the database."""

from typing import Any

import pytest
from django.db import DatabaseError

from shared_apps.keys.store import DatabaseKeys
from tenants.users import keys
from tenants.users.keys import KeyRing, ring
from tests.keys.signing import rotate


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

"""A migration of the fleet is killed at a statement: nobody is half migrated unknown to the ledger, and it goes on."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from shared_apps.fleet.running import WORKERS
from tests import stage
from tests.fleet.test_equality import drop_zoo, make_zoo, run_zoo
from tests.fleet.zoo.kills import LAST, PLACES, TENANTS

WAITING = "an index that waits"


@pytest.fixture(scope="module")
def found() -> Iterator[Any]:
    """What was seen at each place."""
    database = f"{stage.database_name()}_kills"
    make_zoo(database, TENANTS)
    try:
        yield json.loads(run_zoo(database, "tests.fleet.zoo.kills"))
    finally:
        drop_zoo(database)


# One test, because the killing is done once, and several workers would do it several times.
def test_a_run_that_is_killed_leaves_nothing_unknown_to_the_ledger_and_the_next_one_ends_it(
    found: Any,
) -> None:
    places = [*PLACES, WAITING]
    assert [place for place in places if found[place]["died"] != signal.SIGKILL] == []
    assert {place: found[place]["half"] for place in places if found[place]["half"]} == {}
    assert {place: (found[place]["ended"], found[place]["differences"]) for place in LAST} == dict.fromkeys(
        LAST, (0, [])
    )
    # Invalid indexes, which the run after has built anew: the one that waited, and who was at another's meanwhile.
    left, waited = found[WAITING]["left"], found[WAITING]["waited"]
    assert sum(waited in name for name in left) == 1
    assert len(left) <= WORKERS
    assert len(places) >= 15

"""A migration of the fleet is killed at a statement: nobody is half migrated unknown to the ledger, and it goes on."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests import stage
from tests.fleet.test_equality import drop_zoo, make_zoo, run_zoo
from tests.fleet.zoo.kills import LAST, PLACES, TENANTS

WAITING = "an index that waits"
# With several workers: one of them does the killing, once.
pytestmark = pytest.mark.xdist_group("kills")


@pytest.fixture(scope="module")
def found() -> Iterator[Any]:
    """What was seen at each place."""
    database = f"{stage.database_name()}_kills"
    make_zoo(database, TENANTS)
    try:
        yield json.loads(run_zoo(database, "tests.fleet.zoo.kills"))
    finally:
        drop_zoo(database)


@pytest.mark.parametrize("place", [*PLACES, WAITING])
def test_a_run_that_is_killed_leaves_each_schema_as_the_ledger_says(found: Any, place: str) -> None:
    assert found[place]["died"] == signal.SIGKILL, "the run did not come to this place"
    assert found[place]["half"] == []


@pytest.mark.parametrize("place", sorted(LAST))
def test_the_run_after_it_brings_everybody_to_where_django_s_executor_leads(found: Any, place: str) -> None:
    assert (found[place]["ended"], found[place]["differences"]) == (0, [])


def test_an_index_that_was_left_invalid_is_built_anew(found: Any) -> None:
    assert found[WAITING]["left"] == 1
    (after,) = (found[place] for place in LAST if PLACES[place].migration == "0052_concurrently")
    assert after["differences"] == []


def test_runs_die_at_fifteen_places_and_more() -> None:
    assert len(PLACES) >= 15

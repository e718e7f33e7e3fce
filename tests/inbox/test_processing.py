"""One event, one effect: whatever comes twice, out of order, at once, or dies on the way."""

from __future__ import annotations

from typing import Any

from shared_apps.inbox.processing import process
from tests.inbox.conftest import effects, the_event
from tests.inbox.messages import post, snapshot


def test_an_event_is_handled_and_marked_in_one_step(handled: list[Any]) -> None:
    post(snapshot("evt_1"))
    [event_id] = handled
    assert process(event_id) == "processed"
    assert process(event_id) is None
    event = the_event("evt_1")
    assert (event.status, event.tries, event.sweep_at, effects()) == ("processed", 1, None, ["evt_1"])

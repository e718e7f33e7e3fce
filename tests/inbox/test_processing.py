"""One event, one effect: whatever comes twice, out of order, at once, fails, or dies on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from shared_apps.inbox import processing, reading, registry, storing, sweeping
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.processing import MOST_TRIES, process
from shared_apps.inbox.registry import Event, Ignored, Later, handler_of, handles
from tenants.context import public_context
from tests.inbox import conftest
from tests.inbox.conftest import an_event, effects, leave_a_trace, swept, the_event
from tests.inbox.messages import signed, snapshot
from tests.kills import killed

NAMES = [f"evt_{n:02}" for n in range(12)]
COPIES = 10


def in_parallel(work: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
    """Do it for each of them, in eight threads with connections of their own."""

    def some(begin: int) -> list[Any]:
        try:
            with public_context():
                return [work(thing) for thing in things[begin::8]]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return [outcome for outcomes in pool.map(some, range(8)) for outcome in outcomes]


def bring_copies() -> list[Any]:
    """Ten copies of each event, shuffled and at once; the ids of all that are kept."""
    bodies = [json.dumps(snapshot(name)).encode() for name in NAMES * COPIES]
    Random(7).shuffle(bodies)
    in_parallel(lambda body: storing.receive(body=body, signature=signed(body)), bodies)
    return list(ReceivedEvent.objects.values_list("pk", flat=True))


def test_ten_copies_of_each_event_in_any_order_and_at_once_have_one_effect_each(handled: list[Any]) -> None:
    kept = bring_copies()
    assert sorted(handled) == sorted(kept)
    messages = kept * COPIES
    Random(8).shuffle(messages)
    outcomes = in_parallel(process, messages)
    assert outcomes.count("processed") == len(NAMES) == len(messages) - outcomes.count(None)
    assert effects() == NAMES


def test_red_control_without_the_id_every_copy_has_its_effect(
    handled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, number = reading.read_event, iter(range(1000))
    monkeypatch.setattr(
        storing, "read_event", lambda body: replace(real(body), stripe_id=f"evt_{next(number)}")
    )
    in_parallel(process, bring_copies())
    assert len(effects()) == len(NAMES) * COPIES


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "red control"])
def test_who_comes_while_an_event_is_handled_leaves(
    is_locked: bool, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        if not began.is_set():
            began.set()
            assert go_on.wait(60)
        leave_a_trace(event)

    handles("invoice.paid")(slow)
    event = an_event("evt_1")
    if not is_locked:
        monkeypatch.setattr(processing, "_locked", lambda key: ReceivedEvent.objects.get(pk=key))
        monkeypatch.setattr(processing, "CLAIM", processing.CLAIM.replace("FOR UPDATE SKIP LOCKED", ""))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_parallel, process, [event.pk])
        assert began.wait(60)
        second = process(event.pk)
        go_on.set()
        first.result()
    assert second == (None if is_locked else "processed")
    assert effects() == ["evt_1"] * (1 if is_locked else 2)


POINTS: dict[str, tuple[Any, str, bool, str]] = {
    "claimed": (processing, "_claim", True, "waiting"),
    "locked": (processing, "_locked", True, "waiting"),
    "handling": (conftest, "leave_a_trace", False, "waiting"),
    "handled": (conftest, "leave_a_trace", True, "waiting"),
    "marked": (processing, "_settle", True, "waiting"),
    "committed": (processing, "_handle", True, "processed"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_s_event_is_done_once_by_the_next(point: str, handled: list[Any]) -> None:
    event = an_event("evt_1")
    owner, name, after, status = POINTS[point]
    killed(lambda: process(event.pk), at=(owner, name), after=after)
    event.refresh_from_db()
    assert (event.status, effects()) == (status, ["evt_1"] if status == "processed" else [])
    if status == "waiting":
        assert swept(event) == [event.pk]
    assert process(event.pk) == ("processed" if status == "waiting" else None)
    assert effects() == ["evt_1"]


def test_a_poisonous_event_is_set_aside_after_its_tries_and_the_others_go_on(sent: list[Any]) -> None:
    def poisonous(event: Event) -> None:
        leave_a_trace(event)
        if event.id == "evt_bad":
            raise ZeroDivisionError("no\0ne")

    handles("invoice.paid")(poisonous)
    bad, good = an_event("evt_bad"), [an_event(name) for name in NAMES[:3]]
    pauses = []
    for turn in range(1, MOST_TRIES):
        assert process(bad.pk) == "waiting"
        bad.refresh_from_db()
        assert (bad.tries, bad.note) == (turn, "ZeroDivisionError: none")
        assert bad.sweep_at is not None
        pauses.append(round((bad.sweep_at - bad.updated_at).total_seconds()))
    assert pauses[:4] == [15, 30, 60, 120]
    assert max(pauses) == 3600
    assert [process(event.pk) for event in good] == ["processed"] * 3
    assert process(bad.pk) == "dead"
    bad.refresh_from_db()
    assert (bad.sweep_at, bad.note) == (None, "Given up after 12 tries. ZeroDivisionError: none")
    assert process(bad.pk) is None
    assert effects() == NAMES[:3], "what a failed try wrote is gone"


def test_an_event_over_which_every_worker_dies_is_given_up_as_well(handled: list[Any]) -> None:
    event = an_event("evt_1")
    for _ in range(MOST_TRIES):
        processing._claim(event.pk, timezone.now())
    assert process(event.pk) == "dead"
    assert processing.NOBODY_LIVED in the_event("evt_1").note
    assert effects() == []


def test_later_counts_as_no_try_until_a_week_has_passed(sent: list[Any]) -> None:
    def later(event: Event) -> None:
        leave_a_trace(event)
        raise Later("the tenant is being moved", after=timedelta(minutes=2))

    handles("invoice.paid")(later)
    event = an_event("evt_1")
    for _ in range(2):
        assert process(event.pk) == "waiting"
    event.refresh_from_db()
    assert (event.tries, event.note) == (0, "the tenant is being moved")
    assert event.sweep_at is not None
    assert timedelta(seconds=100) < event.sweep_at - timezone.now() <= timedelta(minutes=2)
    ReceivedEvent.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert process(event.pk) == "dead"
    assert the_event("evt_1").note == "Put off for a week. the tenant is being moved"
    assert effects() == []


def test_what_a_handler_ignores_is_kept_with_the_reason_and_nothing_it_wrote(sent: list[Any]) -> None:
    def ignoring(event: Event) -> None:
        leave_a_trace(event)
        raise Ignored("of a customer that is not ours")

    handles("invoice.paid")(ignoring)
    assert process(an_event("evt_1").pk) == "ignored"
    assert (the_event("evt_1").note, effects()) == ("of a customer that is not ours", [])


def test_an_event_whose_handler_has_gone_is_ignored(handled: list[Any]) -> None:
    event = an_event("evt_1")
    registry._handlers.clear()
    assert process(event.pk) == "ignored"


def test_a_type_has_one_handler_its_own_or_that_of_its_smallest_group() -> None:
    own, small, large = (lambda event: None for _ in range(3))
    handles("customer.tax_id.created")(own)
    handles("customer.tax_id.*")(small)
    handles("customer.*")(large)
    assert handler_of("customer.tax_id.created") is own
    assert handler_of("customer.tax_id.updated") is small
    assert handler_of("customer.subscription.deleted") is large
    assert handler_of("customers.created") is None
    with pytest.raises(ValueError, match="has a handler already"):
        handles("customer.*")(own)


def test_lost_messages_are_sent_again_and_only_old_settled_events_go(handled: list[Any]) -> None:
    for name in NAMES[:4]:
        an_event(name)
    lost = the_event(NAMES[0])
    assert swept(lost) == [lost.pk]
    assert swept(lost) == [lost.pk], "that message may be lost as well"
    process(lost.pk)
    process(the_event(NAMES[1]).pk)
    long_ago = timezone.now() - timedelta(days=91)
    settled = {"sweep_at": None, "settled_at": long_ago}
    ReceivedEvent.objects.filter(stripe_id__in=NAMES[1:4]).update(created_at=long_ago)
    ReceivedEvent.objects.filter(stripe_id=NAMES[2]).update(status="dead", **settled)
    assert sweeping.forget_old() == 1
    kept = list(ReceivedEvent.objects.order_by("stripe_id").values_list("stripe_id", "status"))
    assert kept == [(NAMES[0], "processed"), (NAMES[2], "dead"), (NAMES[3], "waiting")]

"""What operators see of events and do with them, and what is done every night."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shared_apps.inbox import registry, services, tasks
from shared_apps.inbox.models import Listing, ReceivedEvent
from shared_apps.inbox.processing import process
from shared_apps.inbox.registry import lists_events
from shared_apps.inbox.storing import NotSetUp
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tests.cast import OPERATOR
from tests.inbox.conftest import an_event, effects, the_event
from tests.inbox.messages import snapshot
from tests.isolation.doors.kinds import operator_signed_in

EVENTS = reverse("operators:inbox_receivedevent_changelist", urlconf=settings.PUBLIC_URLCONF)
SOMEBODY = Actor.system("test")


def given_up(name: str) -> ReceivedEvent:
    event = an_event(name)
    settled = {"sweep_at": None, "settled_at": timezone.now(), "note": "ValueError: <b>broken</b>"}
    ReceivedEvent.objects.filter(pk=event.pk).update(status="dead", tries=12, **settled)
    return the_event(name)


def audited(verb: str) -> list[Any]:
    return list(AuditEntry.objects.filter(verb=verb).values_list("actor_label", "data__event"))


@pytest.fixture
def operator() -> Client:
    return operator_signed_in()


def test_operators_find_an_event_read_it_and_have_it_processed_again(
    handled: list[Any], operator: Client
) -> None:
    dead = given_up("evt_dead")
    an_event("evt_other", "invoice.created")
    listed = operator.get(EVENTS, {"status__exact": "dead"}).content.decode()
    assert "Given up" in listed
    assert "ValueError: &lt;b&gt;broken" in listed
    assert badge(listed) == "1"
    for wanted in ({"q": "in_evt_dead"}, {"type": "invoice.paid"}, {"q": "evt_dead"}):
        found = operator.get(EVENTS, wanted).content.decode()
        assert "in_evt_dead" in found
        assert "in_evt_other" not in found
    assert "in_evt_other" in operator.get(EVENTS, {"type": "invoice.*"}).content.decode()
    page = operator.get(f"{EVENTS}{dead.pk}/change/").content.decode()
    assert "&quot;customer&quot;: &quot;cus_1&quot;" in page
    handled.clear()
    operator.post(reverse_of("replay", dead.pk))
    assert handled == [dead.pk]
    assert (the_event("evt_dead").status, the_event("evt_dead").tries) == ("waiting", 0)
    assert process(dead.pk) == "processed"
    assert badge(operator.get(EVENTS).content.decode()) == ""
    assert effects() == ["evt_dead"]
    assert audited("stripe_event.replayed") == [(OPERATOR, "evt_dead")]
    assert operator.post(reverse_of("dismiss", dead.pk)).status_code == 403


def badge(page: str) -> str:
    """What the navigation shows beside Stripe's events."""
    link = page[page.index('href="/admin/inbox/receivedevent/"') :]
    shown = re.search(r"<span[^>]*uppercase[^>]*>\s*(\S+)\s*</span>", link[: link.index("</a>")])
    return shown[1] if shown else ""


def reverse_of(verb: str, key: Any) -> str:
    return f"{EVENTS}{key}/{verb}/"


def test_many_are_replayed_at_once_and_one_is_dismissed_for_a_reason(
    handled: list[Any], operator: Client
) -> None:
    one, two, three = (given_up(name) for name in ("evt_1", "evt_2", "evt_3"))
    waiting = an_event("evt_4")
    assert operator.post(reverse_of("dismiss", one.pk), {"reason": ""}).status_code == 200
    operator.post(reverse_of("dismiss", one.pk), {"reason": "a test of ours"})
    assert the_event("evt_1").note == f"Dismissed by {OPERATOR}: a test of ours"
    chosen = {"action": "replay_selected", "_selected_action": [str(two.pk), str(waiting.pk)]}
    said = operator.post(EVENTS, chosen, follow=True).content.decode()
    assert "1 events are processed again. 1 are waiting already." in said
    operator.post(f"{EVENTS}replay-all/")
    assert [the_event(f"evt_{n}").status for n in (1, 2, 3)] == ["ignored", "waiting", "waiting"]
    assert [name for _, name in audited("stripe_event.replayed")] == ["evt_3", "evt_2"]
    assert audited("stripe_event.dismissed") == [(OPERATOR, "evt_1")]
    assert handled[-2:] == [two.pk, three.pk]


def test_operators_are_written_to_as_long_as_something_is_given_up(handled: list[Any]) -> None:
    tasks.tend_events.apply()
    assert mail.outbox == []
    given_up("evt_1")
    given_up("evt_2")
    tasks.tend_events.apply()
    [letter] = mail.outbox
    assert letter.to == [OPERATOR]
    assert "2 events" in letter.body
    assert "invoice.paid (evt_1)\nValueError" in letter.body


class Listed:
    """Stripe's list of events, and how it was asked."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies, self.asked = bodies, list[Any]()

    def __call__(self, begin: datetime, end: datetime, types: Sequence[str]) -> Iterator[bytes]:
        self.asked.append((begin, end, list(types)))
        yield from self.bodies


def test_what_never_came_is_found_in_stripe_s_list(
    handled: list[Any], operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_sources", [])
    tasks.fetch_missing_events.apply()
    assert operator.post(f"{EVENTS}fetch/").status_code == 403
    an_event("evt_1")
    known, missing = (json.dumps(snapshot(name)).encode() for name in ("evt_1", "evt_2"))
    listed = Listed(known, b"{}", missing, missing)
    lists_events(listed)
    tasks.fetch_missing_events.apply()
    operator.post(f"{EVENTS}fetch/")
    assert [(the_event(name).source, the_event(name).status) for name in ("evt_1", "evt_2")] == [
        ("webhook", "waiting"),
        ("list", "waiting"),
    ]
    assert handled == [the_event("evt_1").pk, the_event("evt_2").pk]
    second, first = Listing.objects.all()
    assert [(one.listed, one.found) for one in (first, second)] == [(4, 1), (4, 0)]
    assert first.end - first.begin == timedelta(days=30)
    assert second.begin == first.end - timedelta(days=2)
    assert [asked[2] for asked in listed.asked] == [["invoice.*"]] * 2
    labels = [label for label, _ in audited("stripe_events.fetched")]
    assert labels == [OPERATOR, "inbox"]


def test_without_an_account_there_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STRIPE_API_KEY", "")
    with pytest.raises(NotSetUp, match="STRIPE_API_KEY"):
        services.fetch_missing(actor=SOMEBODY)


def test_the_schedule_names_tasks_that_exist_and_events_are_taken_by_both_processes() -> None:
    from config.celery import SCHEDULE, app
    from infra.local.processes import courier, worker

    ours = {entry["task"] for entry in SCHEDULE.values() if "inbox" in str(entry["task"])}
    assert len(ours) == 3
    assert ours <= set(app.tasks)
    for task in (tasks.process_events, tasks.sweep_events):
        queue = app.amqp.router.route({}, task.name)["queue"].name
        for process_ in (worker(), courier()):
            assert queue in process_[process_.index("--queues") + 1].split(",")

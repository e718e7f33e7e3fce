"""The door: what Stripe has signed is kept once and answered at once; everything else is refused with a reason."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from kombu.exceptions import OperationalError

from shared_apps.inbox import sending, storing, tasks
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import handles
from shared_apps.inbox.sending import Messenger
from shared_apps.inbox.views import LARGEST
from tenants.models import uuid7
from tests.inbox.conftest import the_event
from tests.inbox.messages import SECRET, URL, post, signed, snapshot, thin
from tests.stage import administrator
from tests.waiting import wait_until


def test_an_event_is_kept_as_it_was_signed_and_a_worker_is_sent_once(handled: list[Any]) -> None:
    body = json.dumps(snapshot("evt_1", id="in_1", customer={"id": "cus_7"}, text="ü\0"), indent=3).encode()
    for _ in range(2):
        answer = post(body)
        assert (answer.status_code, answer.json()) == (200, {"received": "evt_1"})
    event = the_event("evt_1")
    assert event.body.encode() == body
    about = (event.type, event.object_id, event.object_type, event.customer)
    assert about == ("invoice.paid", "in_1", "invoice", "cus_7")
    assert (event.status, event.tries, event.source, event.is_thin) == ("waiting", 0, "webhook", False)
    assert handled == [event.pk]


def test_what_nobody_handles_is_kept_and_wakes_nobody(handled: list[Any]) -> None:
    assert post(thin("evt_2")).status_code == 200
    event = the_event("evt_2")
    assert (event.status, event.note) == ("ignored", storing.UNHANDLED)
    assert (event.is_thin, event.object_id, event.object_type) == (True, "mtr_1", "billing.meter")
    assert event.occurred_at.isoformat() == "2026-11-21T10:00:00+00:00"
    assert handled == []


def test_a_queue_that_is_away_does_not_fail_the_answer_and_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handles("invoice.paid")(lambda event: None)
    tries: list[Any] = []

    def away(*args: Any, **options: Any) -> None:
        tries.append(args)
        raise OperationalError("Connection refused")

    messenger = Messenger()
    monkeypatch.setattr(storing, "messenger", messenger)
    monkeypatch.setattr(tasks.process_events, "apply_async", away)
    post(snapshot("evt_0"))
    wait_until(lambda: tries)
    assert [post(snapshot(f"evt_{n}")).status_code for n in (1, 2)] == [200, 200]
    assert ReceivedEvent.objects.waiting().count() == 3
    assert len(tries) == 1


def test_an_event_is_kept_although_the_database_has_ended_the_connection(sent: list[Any]) -> None:
    post(snapshot("evt_1"))
    with administrator() as database:
        ended = database.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'rowhouse_control'"
        ).fetchone()
    assert ended is not None
    assert ended[0] > 0
    assert post(snapshot("evt_2")).status_code == 200
    assert ReceivedEvent.objects.count() == 2


def test_what_comes_within_a_moment_travels_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr(tasks.process_events, "apply_async", lambda args, retry: sent.append(args[0]))
    monkeypatch.setattr(sending, "TOGETHER", 3)
    messenger, ids = Messenger(), [uuid7() for _ in range(7)]
    for each in ids:
        messenger._ids.put(each)
    messenger.send(ids[-1])
    wait_until(lambda: sum(map(len, sent)) == 8)
    assert [len(some) for some in sent] == [3, 3, 2]
    assert [name for some in sent for name in some] == [str(each) for each in [*ids, ids[-1]]]


def test_who_cannot_be_told_is_left_to_the_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST", 1)
    monkeypatch.setattr(Messenger, "_run", lambda self: None)
    messenger = Messenger()
    for _ in range(3):
        messenger.send(uuid7())
    assert messenger._ids.qsize() == 1


@pytest.mark.parametrize(
    ("secrets", "accepted"),
    [
        (["whsec_old"], True),
        (["whsec_new"], True),
        (["whsec_new", "whsec_old"], True),
        (["whsec_unknown"], False),
        ([""], False),
    ],
)
def test_while_a_secret_is_replaced_both_are_good(
    secrets: list[str], accepted: bool, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STRIPE_WEBHOOK_SECRETS", ["whsec_new", "whsec_old", ""])
    body = json.dumps(snapshot("evt_1")).encode()
    assert post(body, signed(body, *secrets)).status_code == (200 if accepted else 400)


GOOD = json.dumps(snapshot("evt_1")).encode()
NOW = int(time.time())
BAD, LATE, NONE = "bad_signature", "signature_out_of_time", "not_an_event"
REFUSED: dict[str, tuple[Any, Any, int, str, str]] = {
    "no signature": (GOOD, "", 400, BAD, "missing or malformed"),
    "nonsense": (GOOD, "t=now,v1=\x7f,v0=" + "a" * 3000, 400, BAD, "missing or malformed"),
    "two times": (GOOD, f"t={NOW},t=1,v1=00", 400, BAD, "malformed"),
    "another secret": (GOOD, lambda body: signed(body, "whsec_x"), 400, BAD, "STRIPE_WEBHOOK_SECRETS"),
    "another body": (GOOD, lambda body: signed(body + b" "), 400, BAD, "byte by byte"),
    "old": (GOOD, lambda body: signed(body, at=time.time() - 330), 400, LATE, "behind"),
    "future": (GOOD, lambda body: signed(body, at=time.time() + 330), 400, LATE, "ahead"),
    "far future": (GOOD, lambda body: signed(body, at=1e11), 400, LATE, "ahead"),
    "no JSON": (b"\xff{", signed, 400, NONE, "not JSON"),
    "a list": (b"[]", signed, 400, NONE, "v2.core.event"),
    "no object": (snapshot("evt_1") | {"data": None}, signed, 400, NONE, "data.object"),
    "no id": (snapshot("evt 1"), signed, 400, NONE, '"id"'),
    "no type": (snapshot("evt_1", "Invoice"), signed, 400, NONE, '"type"'),
    "a type without end": (snapshot("evt_1", "a" * 121), signed, 400, NONE, '"type"'),
    "no time": (snapshot("evt_1") | {"created": "2026-11-21T10:00:00"}, signed, 400, NONE, '"created"'),
    "no such time": (snapshot("evt_1") | {"created": 10**18}, signed, 400, NONE, '"created"'),
    "no mode": (snapshot("evt_1") | {"livemode": None}, signed, 400, NONE, '"livemode"'),
    "live": (snapshot("evt_1") | {"livemode": True}, signed, 400, "wrong_mode", "nothing was stored"),
    "huge": (b" " * (LARGEST + 1), signed, 413, "too_large", "1024 KiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why_keeps_nothing_and_gives_no_secret_away(
    name: str, sent: list[Any], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    event, header, status, code, text = REFUSED[name]
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    answer = post(body, header(body) if callable(header) else header)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert text in answer.json()["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not ReceivedEvent.objects.exists()
    shown = f"{answer.content.decode()}{caplog.text}{''.join(capfd.readouterr())}"
    assert SECRET not in shown
    assert "Traceback" not in shown


def test_the_mode_is_that_of_the_key(handled: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("sk_live_0123456789", "rk_live_0123456789"):
        monkeypatch.setattr(settings, "STRIPE_API_KEY", key)
        answer = post(snapshot("evt_1"))
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_mode")
        assert post(snapshot(f"evt_{key[:2]}") | {"livemode": True}).status_code == 200


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_a_platform_that_is_not_set_up_has_stripe_come_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, name, "" if name.endswith("KEY") else [])
    answer = post(snapshot("evt_1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "webhooks_not_set_up")


def test_events_are_posted_and_tenants_have_no_such_door(acme: Any, client_of: Any) -> None:
    looked = Client(headers={"host": settings.PUBLIC_HOST}).get(URL)
    found = (looked.status_code, looked.headers["Allow"], looked.json()["code"])
    assert found == (405, "POST", "method_not_allowed")
    assert client_of(acme).post(URL, GOOD, content_type="application/json").status_code == 404

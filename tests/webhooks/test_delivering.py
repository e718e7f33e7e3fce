"""Turns at an endpoint: in order, one at a time, tried again for three days, and ended when it must be."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from tenant_apps.webhooks import delivering, due, tasks
from tenant_apps.webhooks.delivering import (
    DELAYS,
    HOLDING_TRIES,
    JITTER,
    MOST_TRIES,
    SLOW_LANE,
    delay_after,
)
from tenant_apps.webhooks.models import Delivery, Endpoint, Event
from tenant_apps.webhooks.services import (
    forget_old_events,
    pause_endpoint,
    replay_delivery,
    replay_range,
    resume_endpoint,
    send_test,
    update_endpoint,
)
from tenants.audit.models import AuditEntry
from tenants.audit.services import record
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tests.webhooks.conftest import CLERK, endpoint_at, fresh, hints, log_of
from tests.webhooks.receivers import Receiver

Turn = Callable[[Endpoint], None]


def happen(tenant: Tenant, *verbs: str) -> None:
    """Let things happen in a tenant, each in a transaction of its own."""
    for verb in verbs:
        with unit_of_work(tenant):
            record(actor=CLERK, verb=verb)


def set_to(endpoint: Endpoint, tenant: Tenant, **values: Any) -> None:
    with unit_of_work(tenant):
        Endpoint.objects.filter(pk=endpoint.pk).update(**values)


def test_messages_arrive_signed_in_order_and_are_logged(
    receiver: Receiver, acme: Tenant, sent: list[str], turn: Turn
) -> None:
    endpoint, secret = endpoint_at(receiver.url, acme)
    receiver.status, receiver.body, receiver.headers = 200, b"thanks", {"x-thing": "1"}
    happen(acme, "order.placed", "order.paid", "order.fulfilled")
    turn(endpoint)
    bodies = [Webhook(secret).verify(one.body, one.headers) for one in receiver.received]
    assert [body["type"] for body in bodies] == ["order.placed", "order.paid", "order.fulfilled"]
    first = log_of(endpoint, acme)[0]
    assert (first.state, first.tries, first.status_code) == ("delivered", 1, 200)
    assert first.event.body.encode() == receiver.received[0].body
    assert receiver.ids[0] == first.event.message_id
    (attempt,) = first.attempts
    assert attempt["request_headers"]["webhook-id"] == first.event.message_id
    assert (attempt["response_body"], attempt["response_headers"]["x-thing"]) == ("thanks", "1")
    now = fresh(endpoint, acme)
    assert (now.lease, now.failing_since, now.updated_at) == (None, None, endpoint.updated_at)
    assert now.last_success_at is not None
    assert hints() == {}


def test_a_failure_holds_the_line_until_its_time_has_come(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, "order.placed", "order.paid")
    receiver.status = 500
    turn(endpoint)
    turn(endpoint)
    assert len(receiver.received) == 1
    ((_, score),) = hints().items()
    now = fresh(endpoint, acme)
    assert now.failing_since is not None
    assert now.retry_at is not None
    assert DELAYS[0] * (1 - JITTER) <= now.retry_at - now.failing_since <= DELAYS[0] * (1 + JITTER)
    assert abs(score - now.retry_at.timestamp()) < 2
    receiver.status = 204
    set_to(endpoint, acme, retry_at=timezone.now())
    turn(endpoint)
    first, second = log_of(endpoint, acme)
    assert receiver.ids == [first.event.message_id, first.event.message_id, second.event.message_id]
    assert receiver.received[0].body == receiver.received[1].body
    assert [one["status_code"] for one in first.attempts] == [500, 204]
    assert fresh(endpoint, acme).failing_since is None


def refusing(*types: str) -> Callable[[Any], None]:
    """A receiver that stumbles over some types of events only."""

    def answer(handler: Any) -> None:
        said = json.loads(handler.server.receiver.received[-1].body)["type"]
        handler.send_response(500 if said in types else 204)
        handler.send_header("content-length", "0")
        handler.end_headers()

    return answer


def wait_over(endpoint: Endpoint, tenant: Tenant) -> None:
    """Let the time until the next try pass, for the line and for those who stand aside."""
    set_to(endpoint, tenant, retry_at=None)
    with unit_of_work(tenant):
        endpoint.deliveries.aside().update(retry_at=timezone.now())


def test_ten_attempts_over_three_days(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    assert MOST_TRIES == 10
    assert timedelta(days=2, hours=20) < sum(DELAYS, timedelta()) < timedelta(days=3, hours=4)
    assert all((1 - JITTER) * DELAYS[0] <= delay_after(1) <= (1 + JITTER) * DELAYS[0] for _ in range(50))
    assert len({delay_after(5) for _ in range(5)}) > 1
    happen(acme, "order.placed")
    receiver.status = 503
    for _ in range(MOST_TRIES - 1):
        turn(endpoint)
        wait_over(endpoint, acme)
    assert log_of(endpoint, acme)[0].state == "waiting"
    turn(endpoint)
    (given_up,) = log_of(endpoint, acme)
    assert (given_up.state, given_up.tries, len(given_up.attempts)) == ("failed", 10, 10)
    assert (given_up.retry_at, fresh(endpoint, acme).retry_at) == (None, None)


def test_an_event_that_fails_three_times_steps_aside_and_the_others_go_on(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    receiver.answer = refusing("order.paid")
    happen(acme, "order.paid", "order.placed", "order.fulfilled")
    for _ in range(HOLDING_TRIES):
        assert {one.state for one in log_of(endpoint, acme)} == {"waiting"}
        set_to(endpoint, acme, retry_at=None)
        turn(endpoint)
    bad, *others = log_of(endpoint, acme)
    assert [one.state for one in others] == ["delivered", "delivered"]
    assert (bad.state, bad.tries, bad.can_be_replayed) == ("waiting", HOLDING_TRIES, True)
    assert fresh(endpoint, acme).failing_since is None
    ((_, score),) = hints().items()
    left = DELAYS[HOLDING_TRIES - 1].total_seconds()
    assert (1 - JITTER) * left - 60 < score - datetime.now(UTC).timestamp() < (1 + JITTER) * left + 1
    # The receiver is known to refuse some events: the next of them holds nobody up, and what is aside keeps its time.
    happen(acme, "order.paid", "order.closed")
    turn(endpoint)
    assert [one.state for one in log_of(endpoint, acme)[3:]] == ["waiting", "delivered"]
    assert log_of(endpoint, acme)[0].tries == HOLDING_TRIES
    receiver.answer = None
    with unit_of_work(acme):
        replay_delivery(actor=CLERK, delivery=bad)
    turn(endpoint)
    assert {one.state for one in log_of(endpoint, acme)} == {"delivered"}
    assert hints() == {}


def test_a_receiver_that_was_down_gets_what_stood_aside_before_the_rest(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, "order.placed", "order.paid", "order.fulfilled", "order.closed")
    receiver.status = 503
    for _ in range(HOLDING_TRIES + 1):
        set_to(endpoint, acme, retry_at=None)
        turn(endpoint)
    waiting = log_of(endpoint, acme)
    assert [one.tries for one in waiting] == [HOLDING_TRIES, 2, 0, 0]
    receiver.status = 204
    receiver.received.clear()
    set_to(endpoint, acme, retry_at=None)
    turn(endpoint)
    order = [waiting[place].event.message_id for place in (1, 0, 2, 3)]
    assert receiver.ids == order


def test_gone_switches_off_at_once_and_the_owners_are_told(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tasks.mail_owners,
        "delay",
        lambda pk: tasks.mail_owners.apply(args=(pk,), headers={"tenant": acme.schema}),
    )
    happen(acme, "order.placed", "order.paid")
    receiver.status = 410
    turn(endpoint)
    happen(acme, "order.fulfilled")
    turn(endpoint)
    now = fresh(endpoint, acme)
    assert (now.state, len(receiver.received)) == ("disabled", 1)
    assert "410" in now.disabled_reason
    assert [one.state for one in log_of(endpoint, acme)] == ["failed", "waiting"]
    with unit_of_work(acme):
        entry = AuditEntry.objects.about(endpoint).get(verb="webhook_endpoint.disabled")
    assert "key=1" not in json.dumps(entry.data)
    (letter,) = mail.outbox
    assert letter.to == ["owner@acme.example"]
    assert f"/settings/webhooks/{endpoint.pk}/" in letter.body
    assert "410" in letter.body
    receiver.status = 204
    with unit_of_work(acme):
        resume_endpoint(actor=CLERK, endpoint=now)
    turn(endpoint)
    assert [one.state for one in log_of(endpoint, acme)] == ["failed", "delivered"]


def test_five_days_without_success_switch_off(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    receiver.status = 500
    happen(acme, "order.placed")
    set_to(endpoint, acme, failing_since=timezone.now() - timedelta(days=5, seconds=1))
    turn(endpoint)
    now = fresh(endpoint, acme)
    assert now.state == "disabled"
    assert "5 days" in now.disabled_reason
    assert log_of(endpoint, acme)[0].state == "waiting"


def test_a_paused_endpoint_keeps_its_events_and_goes_on_where_it_stopped(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    with unit_of_work(acme):
        pause_endpoint(actor=CLERK, endpoint=endpoint)
    happen(acme, "order.placed", "order.paid")
    turn(endpoint)
    assert receiver.received == []
    with unit_of_work(acme):
        resume_endpoint(actor=CLERK, endpoint=endpoint)
    turn(endpoint)
    assert len(receiver.received) == 2


def test_a_test_goes_first_and_once_even_while_the_endpoint_rests(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn, sent: list[str]
) -> None:
    happen(acme, "order.placed")
    receiver.status = 500
    turn(endpoint)
    sent.clear()
    with unit_of_work(acme):
        tested = send_test(actor=CLERK, endpoint=endpoint)
    assert sent == [str(endpoint.pk)]
    turn(endpoint)
    assert json.loads(receiver.received[1].body)["type"] == "webhook.test"
    found = next(one for one in log_of(endpoint, acme) if one.pk == tested.pk)
    assert (found.state, found.tries) == ("failed", 1)


def test_a_delivery_is_replayed_under_its_id_with_its_body(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, "order.placed")
    turn(endpoint)
    with unit_of_work(acme):
        replay_delivery(actor=CLERK, delivery=Delivery.objects.get())
    turn(endpoint)
    first, again = receiver.received
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    (delivery,) = log_of(endpoint, acme)
    assert (delivery.state, delivery.tries, len(delivery.attempts)) == ("delivered", 1, 2)


def test_a_range_is_replayed_by_time_type_and_outcome_in_its_old_order(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, "order.placed", "order.paid", "order.placed", "order.closed")
    turn(endpoint)
    rows = log_of(endpoint, acme)
    long_ago = timezone.now() - timedelta(days=3)
    with unit_of_work(acme):
        Event.objects.filter(pk=rows[0].event_id).update(occurred_at=long_ago)
        Delivery.objects.filter(pk__in=[rows[0].pk, rows[2].pk]).update(state="failed")
        replay: dict[str, Any] = {"actor": CLERK, "endpoint": endpoint}
        yesterday = timezone.now() - timedelta(days=1)
        assert replay_range(**replay, since=yesterday, event_types=["order.paid"]) == 0
        assert replay_range(**replay, since=long_ago, until=long_ago + timedelta(hours=1)) == 1
        assert replay_range(**replay, since=yesterday) == 1
        assert replay_range(**replay, since=yesterday, only_failed=False) == 2
    receiver.received.clear()
    turn(endpoint)
    by_id = {row.event.message_id: place for place, row in enumerate(rows)}
    # Each replay keeps the old order; one comes after the other.
    assert [by_id[one] for one in receiver.ids] == [0, 2, 1, 3]


def test_a_new_address_gets_at_once_what_the_old_one_refused(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, "order.placed")
    receiver.status = 500
    turn(endpoint)
    with unit_of_work(acme):
        update_endpoint(actor=CLERK, endpoint=endpoint, url=receiver.url.replace("/in", "/other"))
    receiver.status = 204
    turn(endpoint)
    assert [one.path for one in receiver.received] == ["/in?key=1", "/other?key=1"]


def test_two_workers_never_have_the_same_endpoint(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    happen(acme, *["order.placed"] * 3)
    barrier = Barrier(3)

    def work() -> None:
        barrier.wait()
        turn(endpoint)

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.received) == len(set(receiver.ids)) == 3


def test_a_receiver_that_hangs_keeps_no_other_endpoint_waiting(
    receiver: Receiver, acme: Tenant, sent: list[str], turn: Turn, authority: Any
) -> None:
    from tests.webhooks.receivers import receiving

    with receiving(authority.server) as hanging:
        hanging.may_answer.clear()
        slow, _ = endpoint_at(hanging.url, acme)
        fast, _ = endpoint_at(receiver.url, acme)
        happen(acme, "order.placed")
        stuck = Thread(target=turn, args=(slow,))
        stuck.start()
        turn(fast)
        assert [one.state for one in log_of(fast, acme)] == ["delivered"]
        assert stuck.is_alive()
        hanging.may_answer.set()
        stuck.join()


def test_endpoints_in_trouble_have_a_lane_of_their_own(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    sound, _ = endpoint_at(receiver.url, acme)
    set_to(endpoint, acme, is_slow=True)
    happen(acme, "order.placed")
    places = [SLOW_LANE.acquire(blocking=False) for _ in range(100)]
    try:
        turn(endpoint)
        assert receiver.received == []
        assert fresh(endpoint, acme).lease is None
        assert f"{acme.schema}:{endpoint.pk}" in hints()
        turn(sound)
        assert len(receiver.received) == 1
    finally:
        for _ in filter(None, places):
            SLOW_LANE.release()
    turn(endpoint)
    assert len(receiver.received) == 2


def test_a_message_that_cannot_be_made_is_a_failed_attempt_and_tells(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, turn: Turn
) -> None:
    set_to(endpoint, acme, secret="c29tZXRoaW5nIGVsc2UgdGhhbiBhIHNlYWxlZCBzZWNyZXQ=")
    happen(acme, "order.placed")
    turn(endpoint)
    (delivery,) = log_of(endpoint, acme)
    assert (delivery.state, delivery.tries, receiver.received) == ("waiting", 1, [])
    assert "CannotUnseal" in delivery.attempts[0]["error"]


def test_a_lost_message_and_lost_hints_are_found_by_the_sweeps(
    endpoint: Endpoint, receiver: Receiver, acme: Tenant, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(acme, "order.placed")
    sent.clear()
    with public_context():
        tasks.sweep_due.apply()
        assert sent == []
        monkeypatch.setattr(due, "OVERDUE", -1.0)
        due._valkey().zadd(due.HINTS, {f"{acme.schema}:{endpoint.pk}": 0})
        tasks.sweep_due.apply()
    assert sent == [str(endpoint.pk)]
    due._valkey().flushdb()
    sent.clear()
    with public_context():
        tasks.sweep_everything.apply()
    assert sent == [str(endpoint.pk)]
    tasks.deliver.apply(args=(str(endpoint.pk),), headers={"tenant": acme.schema})
    assert len(receiver.received) == 1
    with public_context():
        tasks.sweep_everything.apply()
    assert len(sent) == 1


def test_a_commit_whose_broker_is_away_succeeds_and_is_sent_later(
    endpoint: Endpoint, acme: Tenant, monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    def away() -> Any:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(due, "_valkey", away)
        happen(acme, "order.placed")
    assert sent == []
    with public_context():
        tasks.sweep_everything.apply()
    assert sent == [str(endpoint.pk)]


def test_what_is_closed_sends_nothing(endpoint: Endpoint, acme: Tenant, sent: list[str]) -> None:
    from shared_apps.clients.models import Client
    from shared_apps.clients.statuses import suspend_client

    happen(acme, "order.placed")
    sent.clear()
    with public_context():
        client = Client.objects.get(schema_name=acme.schema)
        suspend_client(client_id=client.pk, actor=CLERK, reason="unpaid")
        due._valkey().zadd(due.HINTS, {f"{acme.schema}:{endpoint.pk}": 0, f"t_gone:{endpoint.pk}": 0})
        tasks.sweep_due.apply()
        tasks.sweep_everything.apply()
    assert (sent, hints()) == ([], {})


def test_the_log_reaches_back_thirty_days(endpoint: Endpoint, acme: Tenant) -> None:
    happen(acme, "order.placed", "order.paid")
    with unit_of_work(acme):
        Event.objects.filter(type="order.placed").update(occurred_at=timezone.now() - timedelta(days=31))
        assert forget_old_events() == 1
        assert [one.event.type for one in Delivery.objects.select_related("event")] == ["order.paid"]


def test_a_turn_ends_after_its_time_and_is_handed_on(
    endpoint: Endpoint,
    receiver: Receiver,
    acme: Tenant,
    turn: Turn,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happen(acme, *["order.placed"] * 2)
    sent.clear()
    monkeypatch.setattr(delivering, "TURN_SECONDS", 0.000001)
    with tenant_context(acme):
        delivering.deliver_to(endpoint.pk)
    assert len(receiver.received) <= 1
    assert sent == [str(endpoint.pk)]

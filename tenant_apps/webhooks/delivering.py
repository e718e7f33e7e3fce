"""A worker's turn at one endpoint: held by a lease, sent to in order, one message at a time.

Nothing is open in the database while a receiver is waited for. A worker that is killed leaves a lease that ends by
itself and a message that may have arrived: it is sent again, under the same id.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.usage.ledger import record_usage
from tenant_apps.webhooks import due
from tenant_apps.webhooks.catalogue import TEST_EVENT
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenant_apps.webhooks.outbox import body_of
from tenant_apps.webhooks.sending import Outcome, post
from tenant_apps.webhooks.signatures import signed_headers
from tenant_apps.webhooks.switching import switch_off

# Ten attempts over three days.
DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 28800, 43200, 72000, 86400)
)
MOST_TRIES: Final = len(DELAYS) + 1
# So many tries hold the line; after them the receiver may be sound and the event the trouble.
HOLDING_TRIES: Final = 3
JITTER: Final = 0.15
LEASE: Final = timedelta(seconds=60)
TURN_SECONDS: Final = 20.0
SLOW_SECONDS: Final = 2.0
CROWDED_SECONDS: Final = 2.0
OFF_AFTER: Final = timedelta(days=5)
MOST_ATTEMPTS_KEPT: Final = 20
# Without `updated_at`: that is for what people change.
HEALTH: Final = ("leased_until", "failing_since", "retry_at", "last_success_at", "is_slow")
# Endpoints in trouble have half of a worker's threads at most; the others are always free for the sound ones.
SLOW_LANE: Final = BoundedSemaphore(max(1, settings.WEBHOOK_CONCURRENCY // 2))
log = structlog.get_logger("rowhouse.webhooks")


@dataclass(frozen=True, slots=True)
class Turn:
    """One worker's hold of one endpoint."""

    endpoint_id: UUID
    lease: UUID

    def hold(self) -> Endpoint | None:
        """The endpoint, locked, with its lease made longer; None when it is not this worker's any more."""
        found = Endpoint.objects.select_for_update(no_key=True).filter(pk=self.endpoint_id, lease=self.lease)
        endpoint = found.first()
        if endpoint is not None:
            endpoint.leased_until = timezone.now() + LEASE
        return endpoint


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent: made in one transaction, sent after it."""

    delivery_id: UUID
    url: str
    headers: dict[str, str]
    body: bytes


def deliver_to(endpoint_id: UUID) -> None:
    """Send what waits for an endpoint of the current tenant, if it may be sent to and nobody else does."""
    turn, is_in_trouble = _claim(endpoint_id)
    if turn is not None and is_in_trouble and not SLOW_LANE.acquire(blocking=False):
        _release(turn)
        due.look_at(endpoint_id, CROWDED_SECONDS)
        return
    if turn is not None:
        _work_and_release(turn, is_in_trouble)
    _settle_hint(endpoint_id)


def _work_and_release(turn: Turn, is_in_trouble: bool) -> None:
    try:
        _work(turn)
    finally:
        if is_in_trouble:
            SLOW_LANE.release()
        _release(turn)


def _claim(endpoint_id: UUID) -> tuple[Turn | None, bool]:
    now, turn = timezone.now(), Turn(endpoint_id, uuid4())
    with transaction.atomic():
        rows = Endpoint.objects.due(now).filter(pk=endpoint_id)
        if rows.update(lease=turn.lease, leased_until=now + LEASE) != 1:
            return None, False
        endpoint = Endpoint.objects.get(pk=endpoint_id)
    # Whoever is killed from here on is followed by the sweep.
    due.look_at(endpoint_id, LEASE.total_seconds() + 1)
    return turn, endpoint.is_in_trouble


def _release(turn: Turn) -> None:
    with transaction.atomic():
        mine = Endpoint.objects.filter(pk=turn.endpoint_id, lease=turn.lease)
        mine.update(lease=None, leased_until=None)


def _settle_hint(endpoint_id: UUID) -> None:
    """Say when to look again. The hint goes before the look, so that a change in between announces itself."""
    with transaction.atomic():
        held = Endpoint.objects.filter(pk=endpoint_id, leased_until__gt=timezone.now()).exists()
    if held:
        return
    due.forget(endpoint_id)
    rest = _rest_of(endpoint_id)
    if rest is not None and rest > 0:
        due.look_at(endpoint_id, rest)
    elif rest is not None:
        due.announce([endpoint_id])


def _rest_of(endpoint_id: UUID) -> float | None:
    """After how many seconds there is something to send again; None where nothing waits."""
    now, order = timezone.now(), F("retry_at").asc(nulls_first=True)
    with transaction.atomic():
        active = Endpoint.objects.filter(pk=endpoint_id, state=Endpoint.State.ACTIVE).first()
        first = active and active.deliveries.waiting().only("retry_at").order_by(order).first()
    if not active or not first:
        return None
    return (max(active.retry_at or now, first.retry_at or now) - now).total_seconds()


def _work(turn: Turn) -> None:
    end = time.monotonic() + TURN_SECONDS
    while time.monotonic() < end:
        message = _next_message(turn)
        if message is None:
            return
        at, outcome = timezone.now(), _sent(message)
        _note(turn, message, at, outcome)


def _next_message(turn: Turn) -> Message | None:
    with transaction.atomic():
        endpoint = turn.hold()
        if endpoint is None or not endpoint.is_active or _rests(endpoint):
            return None
        due_now = endpoint.deliveries.due(timezone.now())
        delivery = due_now.in_turn().select_related("event").first()
        if delivery is None:
            return None
        endpoint.save(update_fields=["leased_until"])
        return _message(endpoint, delivery)


def _rests(endpoint: Endpoint) -> bool:
    return endpoint.retry_at is not None and endpoint.retry_at > timezone.now()


def _message(endpoint: Endpoint, delivery: Delivery) -> Message:
    """The message with its headers; one that cannot be made is sent as nothing, and noted as such."""
    try:
        with transaction.atomic():
            body = body_of(delivery.event).encode()
            signed = signed_headers(endpoint, delivery.event.message_id, body, timezone.now())
    except Exception as error:
        log.exception("webhook.not_made", delivery=str(delivery.pk))
        return Message(delivery.pk, "", {"error": type(error).__name__}, b"")
    headers = {"content-type": "application/json", "user-agent": "Rowhouse-Webhooks/1", **signed}
    return Message(delivery.pk, endpoint.url, headers, body)


def _sent(message: Message) -> Outcome:
    if not message.url:
        what = message.headers["error"]
        return Outcome(
            None, f"The message could not be made ({what}). Rotate the secret, then replay it.", 0.0
        )
    return post(message.url, message.headers, message.body)


def _note(turn: Turn, message: Message, at: datetime, outcome: Outcome) -> None:
    """Write down what came of an attempt, and what that means for the endpoint."""
    with transaction.atomic():
        endpoint = turn.hold()
        waiting = Delivery.objects.select_for_update().waiting().select_related("event")
        delivery = waiting.filter(pk=message.delivery_id).first()
        if endpoint is None or delivery is None:
            return
        _note_attempt(delivery, _attempt(message, at, outcome), outcome)
        _note_health(endpoint, delivery, outcome)
        delivery.save()
        _note_usage(delivery, at)
        endpoint.save(update_fields=HEALTH)
        _judge(endpoint, outcome)


def _attempt(message: Message, at: datetime, outcome: Outcome) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "milliseconds": round(outcome.seconds * 1000),
        "status_code": outcome.status,
        "error": outcome.error,
        "request_headers": message.headers,
        "response_headers": outcome.headers,
        "response_body": outcome.body,
    }


def _note_attempt(delivery: Delivery, attempt: dict[str, Any], outcome: Outcome) -> None:
    delivery.attempts = [*delivery.attempts, attempt][-MOST_ATTEMPTS_KEPT:]
    delivery.tries += 1
    delivery.status_code = outcome.status
    if outcome.is_success:
        delivery.state = Delivery.State.DELIVERED
    elif delivery.event.type == TEST_EVENT or delivery.tries >= MOST_TRIES or outcome.status == 410:
        delivery.state = Delivery.State.FAILED


def _note_health(endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
    """Sound again, or in trouble; a test changes neither."""
    now = timezone.now()
    endpoint.is_slow = outcome.seconds > SLOW_SECONDS
    if outcome.is_success:
        endpoint.failing_since, endpoint.last_success_at = None, now
        _end_rest(endpoint, delivery)
    elif delivery.event.type != TEST_EVENT:
        _set_back(endpoint, delivery, now)
        endpoint.failing_since = endpoint.failing_since or now


def _end_rest(endpoint: Endpoint, delivery: Delivery) -> None:
    """Go on. What failed before and succeeds now says that the receiver was down: nobody has to stand aside."""
    endpoint.retry_at = delivery.retry_at = None
    if delivery.tries > 1:
        endpoint.deliveries.aside().exclude(pk=delivery.pk).update(retry_at=None)


def _set_back(endpoint: Endpoint, delivery: Delivery, now: datetime) -> None:
    """Let the whole line rest until the next try, or this event alone."""
    endpoint.retry_at, is_aside = None, _stands_aside(endpoint, delivery)
    if delivery.state != Delivery.State.WAITING:
        delivery.retry_at = None
    elif is_aside:
        delivery.retry_at = now + delay_after(delivery.tries)
    else:
        endpoint.retry_at = now + delay_after(delivery.tries)


def _stands_aside(endpoint: Endpoint, delivery: Delivery) -> bool:
    """Whether the others go on: it has held them long enough, or this receiver is known to refuse some events."""
    if delivery.retry_at is not None or delivery.tries >= HOLDING_TRIES:
        return True
    return endpoint.failing_since is None and endpoint.deliveries.aside().exists()


def _note_usage(delivery: Delivery, at: datetime) -> None:
    """What arrived is counted with the row that says so; a test of the address costs nothing."""
    if delivery.state == Delivery.State.DELIVERED and delivery.event.type != TEST_EVENT:
        key = f"webhooks_delivered:{delivery.pk}:{delivery.tries}"
        record_usage(meter="webhooks_delivered", quantity=1, idempotency_key=key, at=at)


def delay_after(tries: int) -> timedelta:
    """How long to wait after so many tries; spread, so that receivers are not asked by all at once."""
    return DELAYS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret depends on it


def _judge(endpoint: Endpoint, outcome: Outcome) -> None:
    """Switch an endpoint off that asked for it, or that has failed for too long."""
    if outcome.status == 410:
        switch_off(endpoint=endpoint, reason="It answered 410 Gone, which asks us to stop.")
    elif endpoint.failing_since is not None and timezone.now() - endpoint.failing_since >= OFF_AFTER:
        reason = f"Every delivery has failed for {OFF_AFTER.days} days. The last error: {outcome.error}"
        switch_off(endpoint=endpoint, reason=reason)


def hint_at_everything_due() -> int:
    """Have workers look at every endpoint of the current tenant that is due, for what hints and messages lost."""
    with transaction.atomic():
        endpoints = list(Endpoint.objects.due(timezone.now()).values_list("pk", flat=True))
    for endpoint in endpoints:
        due.wake(endpoint)
    return len(endpoints)

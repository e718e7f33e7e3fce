"""The verbs of webhooks: endpoints, their secrets, tests and replays."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from billing.entitlements import Limit, require
from tenant_apps.products.writing import clean_line, locked
from tenant_apps.webhooks import due
from tenant_apps.webhooks.addresses import check_url, resolve
from tenant_apps.webhooks.catalogue import CATALOGUE, TEST_EVENT
from tenant_apps.webhooks.errors import DeliveryWaits, EndpointState, UnknownEventType
from tenant_apps.webhooks.models import EVERYTHING, Delivery, Endpoint, Event
from tenant_apps.webhooks.outbox import write_event
from tenant_apps.webhooks.signatures import new_secret, sealed
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid

OVERLAP: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(days=30)
BATCH: Final = 2000
MOST_ENDPOINTS: Final = 100


class EndpointChanges(TypedDict, total=False):
    """What of an endpoint may change."""

    url: str
    description: str
    event_types: Collection[str]


def create_endpoint(
    *, actor: Actor, url: str, event_types: Collection[str], description: str = ""
) -> tuple[Endpoint, str]:
    """Add an endpoint; its secret is returned here and never again."""
    values = _cleaned(EndpointChanges(url=url, description=description, event_types=event_types))
    secret = new_secret()
    with transaction.atomic():
        require(Limit.WEBHOOK_ENDPOINTS, way_on="delete an endpoint")
        _require_room()
        endpoint = Endpoint(**values, secret=sealed(secret))
        endpoint.save(force_insert=True)
        data = {"url": endpoint.shown_url, "event_types": endpoint.event_types}
        record(actor=actor, verb="webhook_endpoint.created", target=endpoint, data=data)
    return endpoint, secret


def _require_room() -> None:
    """Each change writes a row for each endpoint that wants it, so that no plan has any number of them."""
    if Endpoint.objects.count() >= MOST_ENDPOINTS:
        raise Conflict(f"A workspace has at most {MOST_ENDPOINTS} endpoints. Delete one.")


def update_endpoint(*, actor: Actor, endpoint: Endpoint, **changes: Unpack[EndpointChanges]) -> Endpoint:
    """Change what is given of an endpoint. What waits for it goes to its new address."""
    values = _cleaned(changes)
    with transaction.atomic():
        endpoint = locked(endpoint)
        changed = sorted(name for name, value in values.items() if getattr(endpoint, name) != value)
        if not changed:
            return endpoint
        for name in changed:
            setattr(endpoint, name, values[name])
        if "url" in changed:
            endpoint.retry_at = None
            _hurry(endpoint.deliveries)
            _wake(endpoint)
        endpoint.save(update_fields=[*changed, "retry_at", "updated_at"])
        data = {"url": endpoint.shown_url, "changed": changed}
        record(actor=actor, verb="webhook_endpoint.updated", target=endpoint, data=data)
    return endpoint


@transaction.atomic
def delete_endpoint(*, actor: Actor, endpoint: Endpoint) -> None:
    """Forget an endpoint with its deliveries; what waits for it is not sent."""
    endpoint = locked(endpoint, deleting=True)
    record(actor=actor, verb="webhook_endpoint.deleted", target=endpoint, data={"url": endpoint.shown_url})
    endpoint.delete()


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint: Endpoint) -> tuple[Endpoint, str]:
    """Give an endpoint another secret. The one before signs as well for a day, so that no message is refused."""
    endpoint, secret = locked(endpoint), new_secret()
    endpoint.previous_secret, endpoint.secret = endpoint.secret, sealed(secret)
    endpoint.previous_secret_until = timezone.now() + OVERLAP
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until", "updated_at"])
    record(actor=actor, verb="webhook_endpoint.secret_rotated", target=endpoint)
    return endpoint, secret


@transaction.atomic
def pause_endpoint(*, actor: Actor, endpoint: Endpoint) -> Endpoint:
    """Send nothing for now; events go on to be written down, and wait."""
    endpoint = locked(endpoint)
    if not endpoint.is_active:
        raise EndpointState(f"The endpoint is {endpoint.get_state_display().lower()} already.")
    return _move(actor, endpoint, Endpoint.State.PAUSED, "webhook_endpoint.paused")


@transaction.atomic
def resume_endpoint(*, actor: Actor, endpoint: Endpoint) -> Endpoint:
    """Send again, beginning with what has waited the longest."""
    endpoint = locked(endpoint)
    if endpoint.is_active:
        raise EndpointState("The endpoint is active already.")
    _hurry(endpoint.deliveries)
    _wake(endpoint)
    return _move(actor, endpoint, Endpoint.State.ACTIVE, "webhook_endpoint.resumed")


def _move(actor: Actor, endpoint: Endpoint, state: str, verb: str) -> Endpoint:
    endpoint.state, endpoint.disabled_reason = state, ""
    endpoint.failing_since, endpoint.retry_at = None, None
    endpoint.save(update_fields=["state", "disabled_reason", "failing_since", "retry_at", "updated_at"])
    record(actor=actor, verb=verb, target=endpoint, data={"url": endpoint.shown_url})
    return endpoint


@transaction.atomic
def send_test(*, actor: Actor, endpoint: Endpoint) -> Delivery:
    """Send a test event: ahead of all that waits, and once."""
    endpoint = locked(endpoint)
    _require_open(endpoint, "tested")
    event_id = write_event(TEST_EVENT, [endpoint.pk], details={"endpoint": str(endpoint.pk)})
    Delivery.objects.filter(event_id=event_id).update(queued_at=endpoint.created_at)
    record(actor=actor, verb="webhook_endpoint.tested", target=endpoint)
    _wake(endpoint)
    return Delivery.objects.select_related("event").get(event_id=event_id)


@transaction.atomic
def replay_delivery(*, actor: Actor, delivery: Delivery) -> Delivery:
    """Send one delivery again, with the same id and body: after what waits, or at once if it stood aside."""
    # The endpoint first, as the courier does.
    endpoint, delivery = locked(delivery.endpoint), locked(delivery)
    _require_open(endpoint, "sent to")
    if not delivery.can_be_replayed:
        raise DeliveryWaits("This delivery is in the line: it is sent by itself.")
    if not _queue_again(Delivery.objects.filter(pk=delivery.pk)):
        _hurry(endpoint.deliveries.filter(pk=delivery.pk))
    record(actor=actor, verb="webhook_delivery.replayed", target=delivery)
    _wake(endpoint)
    return Delivery.objects.select_related("event").get(pk=delivery.pk)


@transaction.atomic
def replay_range(
    *,
    actor: Actor,
    endpoint: Endpoint,
    since: datetime,
    until: datetime | None = None,
    event_types: Collection[str] = (),
    only_failed: bool = True,
) -> int:
    """Send the deliveries of a span of time again, in their old order; how many there are."""
    endpoint = locked(endpoint)
    _require_open(endpoint, "sent to")
    if until is not None and until <= since:
        raise Invalid("The end lies before the beginning. Give a later one, or none.", field="until")
    rows = endpoint.deliveries.filter(event__occurred_at__gte=since).exclude(event__type=TEST_EVENT)
    rows = rows.filter(state=Delivery.State.FAILED) if only_failed else rows.exclude(state="waiting")
    if until is not None:
        rows = rows.filter(event__occurred_at__lt=until)
    if event_types:
        rows = rows.filter(event__type__in=_known(event_types))
    count = _queue_again(Delivery.objects.filter(pk__in=rows.values("pk")))
    data = {"since": since.isoformat(), "until": until.isoformat() if until else None, "deliveries": count}
    record(actor=actor, verb="webhook_endpoint.replayed", target=endpoint, data=data)
    _wake(endpoint)
    return count


@transaction.atomic
def forget_old_events() -> int:
    """Drop events that are older than the log reaches back, with their deliveries; how many there were."""
    old = Event.objects.filter(occurred_at__lt=timezone.now() - KEPT_FOR).order_by("occurred_at")
    batch, count = list(old.values_list("pk", flat=True)[:BATCH]), 0
    while batch:
        Delivery.objects.filter(event_id__in=batch).delete()
        count += Event.objects.filter(pk__in=batch).delete()[0]
        batch = list(old.values_list("pk", flat=True)[:BATCH])
    return count


def _queue_again(deliveries: Any) -> int:
    values = {"state": Delivery.State.WAITING, "tries": 0, "queued_at": Now(), "updated_at": Now()}
    return int(deliveries.exclude(state=Delivery.State.WAITING).update(**values))


def _hurry(deliveries: Any) -> None:
    """Try those that stand aside at once; they keep their tries."""
    deliveries.aside().update(retry_at=Now())


def _wake(endpoint: Endpoint) -> None:
    """After the commit, have a worker send at once, even if the endpoint was resting after a failure."""
    Endpoint.objects.filter(pk=endpoint.pk).update(retry_at=None)
    endpoint_id = endpoint.pk
    transaction.on_commit(lambda: due.wake(endpoint_id), robust=True)


def _require_open(endpoint: Endpoint, what: str) -> None:
    if endpoint.state == Endpoint.State.DISABLED:
        raise EndpointState(f"The endpoint is switched off, so it cannot be {what}. Switch it on first.")


def _cleaned(changes: EndpointChanges) -> dict[str, Any]:
    values: dict[str, Any] = dict(changes)
    if "url" in changes:
        values["url"] = changes["url"].strip()
        resolve(check_url(values["url"]))
    if "description" in changes:
        values["description"] = clean_line(
            changes["description"], field="description", most=200, needed=False
        )
    if "event_types" in changes:
        values["event_types"] = _known(changes["event_types"], also=EVERYTHING)
    return values


def _known(names: Collection[str], also: str = "") -> list[str]:
    if not names:
        raise Invalid("Choose at least one event type.", field="event_types")
    if unknown := sorted(set(names) - set(CATALOGUE) - {also}):
        known = ", ".join(CATALOGUE)
        raise UnknownEventType(f"{unknown[0]!r} is no event type. Choose from: {known}.", field="event_types")
    return [EVERYTHING] if EVERYTHING in names else sorted(set(names))

"""Events: what has happened, kept for thirty days and told to webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stripe._api_version import _ApiVersion

from billing.simulator.rendering import rendered
from billing.simulator.shapes import Object, blank
from billing.simulator.store import new_id

if TYPE_CHECKING:
    from billing.simulator.world import World

VERSION: str = _ApiVersion.CURRENT
KEPT_DAYS = 30


def new_event(world: World, kind: str, about: Object, previous: Object | None) -> Object:
    """A snapshot event about an object, as it is now."""
    event = blank("event") | {"id": new_id("evt"), "type": kind, "api_version": VERSION}
    event["data"] = {"object": rendered(about)} | ({"previous_attributes": previous} if previous else {})
    event["request"] = {"id": None, "idempotency_key": None}
    event["created"] = world.now(about)
    return world.store.add(event)


def differences(old: Object, new: Object) -> Object:
    """What `previous_attributes` holds: the old values of the fields that changed."""
    return {name: value for name, value in old.items() if new.get(name) != value}


def thin_event(world: World, kind: str, related: Object | None, data: Any) -> Object:
    """An event of the second generation: webhooks get its id, the data has to be fetched."""
    event: Object = {
        "id": new_id("evt"),
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": moment(world.now()),
        "context": None,
        "reason": None,
        "changes": None,
        "related_object": related,
        "data": data,
    }
    world.store.add(event)
    world.emitted.append(event)
    return event


def moment(at: float) -> str:
    """A time as the second generation of the API writes it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

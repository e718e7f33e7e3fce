"""Meters, their events, and what the events add up to."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from billing.simulator.calls import Call, answers, page
from billing.simulator.events import moment, thin_event
from billing.simulator.refusals import Refusal, no_such
from billing.simulator.resources import changed, readable
from billing.simulator.shapes import Object, blank, filled
from billing.simulator.store import new_id
from billing.simulator.world import DAY, HOUR, MINUTE, World

METERS, EVENTS = "/v1/billing/meters", "/v1/billing/meter_events"
OLDEST, AHEAD = 35 * DAY, 5 * MINUTE
DIGITS = 15
WINDOWS = {"hour": HOUR, "day": DAY}


@dataclass
class Use:
    """One event that was counted."""

    at: int
    value: Decimal
    received: float
    cancelled: bool = False


@dataclass
class Seen:
    """An identifier that was taken, with the time of its customer's clock."""

    at: int
    use: Use | None
    event_name: str
    customer: str | None


class Usage:
    """Everything that was counted: by meter and customer, and by identifier for a day."""

    def __init__(self) -> None:
        self.uses: dict[tuple[str, str], list[Use]] = {}
        self.identifiers: dict[str, Seen] = {}
        self.recent: deque[float] = deque()


def usage_of(world: World) -> Usage:
    """The account's usage."""
    found = world.usage.setdefault("events", Usage())
    assert isinstance(found, Usage)
    return found


@answers("POST", METERS)
def create_meter(call: Call) -> Object:
    """A meter; an event name belongs to one active meter."""
    if any(call.store.oldest_first("billing.meter", event_name=call.params["event_name"], status="active")):
        raise Refusal(
            f"An active meter with event name '{call.params['event_name']}' already exists.",
            param="event_name",
        )
    made = filled("billing.meter", call.params) | {"id": new_id("mtr_test")}
    for part, key in (("customer_mapping", "stripe_customer_id"), ("value_settings", "value")):
        made[part]["event_payload_key"] = made[part]["event_payload_key"] or key
    call.world.stamp(made)
    made["updated"] = made["created"]
    call.world.emit("billing.meter.created", made)
    return made


readable("billing.meter", METERS)


@answers("POST", f"{METERS}/{{}}")
def rename_meter(call: Call) -> Object:
    return changed(call, call.store.get("billing.meter", call.ids[0]), call.params, "billing.meter.updated")


@answers("POST", f"{METERS}/{{}}/deactivate")
def deactivate(call: Call) -> Object:
    """An inactive meter takes no more events."""
    found = call.store.get("billing.meter", call.ids[0])
    found["status_transitions"]["deactivated_at"] = call.world.now()
    return changed(call, found, {"status": "inactive"}, "billing.meter.deactivated")


@answers("POST", f"{METERS}/{{}}/reactivate")
def reactivate(call: Call) -> Object:
    found = call.store.get("billing.meter", call.ids[0])
    found["status_transitions"]["deactivated_at"] = None
    return changed(call, found, {"status": "active"}, "billing.meter.reactivated")


@answers("POST", EVENTS)
def create_event(call: Call) -> Object:
    """Take an event in; whether it fits its meter shows later, as a thin event."""
    return take_event(call.world, call.params)


def take_event(world: World, given: Object) -> Object:
    """Count one event, or refuse it: too many at once, too old, too new, or seen before."""
    _pace(world)
    customer = given["payload"].get("stripe_customer_id")
    now = world.now(customer)
    at = given.get("timestamp", now)
    _check_time(at, now)
    made = blank("billing.meter_event") | {"event_name": given["event_name"], "payload": given["payload"]}
    made |= {"identifier": given.get("identifier") or new_id("mev"), "timestamp": at, "created": now}
    _check_identifier(world, made["identifier"], now)
    use = _counted(world, made)
    usage_of(world).identifiers[made["identifier"]] = Seen(now, use, made["event_name"], customer)
    return made


def _pace(world: World) -> None:
    """At most so many events in a second of real time."""
    recent, now = usage_of(world).recent, time.monotonic()
    while recent and recent[0] <= now - 1:
        recent.popleft()
    if len(recent) >= world.settings.meter_events_per_second:
        raise Refusal(
            "Request rate limit exceeded. You can learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            code="rate_limit",
            status=429,
        )
    recent.append(now)


def _check_time(at: int, now: int) -> None:
    if at < now - OLDEST:
        raise Refusal(
            "The timestamp must be within the past 35 calendar days.",
            param="timestamp",
            code="timestamp_too_far_in_past",
        )
    if at > now + AHEAD:
        raise Refusal(
            "The timestamp must be no more than 5 minutes in the future.",
            param="timestamp",
            code="timestamp_in_future",
        )


def _check_identifier(world: World, identifier: str, now: int) -> None:
    seen = usage_of(world).identifiers.get(identifier)
    if seen is not None and now - seen.at < world.settings.identifier_hours * HOUR:
        raise Refusal(
            f"An event already exists with identifier {identifier}.",
            param="identifier",
            code="duplicate_meter_event",
            may_retry=False,
        )


def _counted(world: World, event: Object) -> Use | None:
    meter = next(world.store.oldest_first("billing.meter", event_name=event["event_name"]), None)
    active = next(
        world.store.oldest_first("billing.meter", event_name=event["event_name"], status="active"), meter
    )
    problem = _problem(world, active, event)
    if problem is not None:
        _report(world, active, event, *problem)
        return None
    assert active is not None
    payload = event["payload"]
    customer = payload[active["customer_mapping"]["event_payload_key"]]
    value = Decimal(payload.get(active["value_settings"]["event_payload_key"], "1"))
    use = Use(event["timestamp"], value, time.time())
    usage_of(world).uses.setdefault((active["id"], customer), []).append(use)
    return use


def _problem(world: World, meter: Object | None, event: Object) -> tuple[str, str] | None:
    """What is wrong with an event, by Stripe's code for it."""
    if meter is None:
        return "no_meter", f"There is no meter with event name {event['event_name']}."
    if meter["status"] != "active":
        return "archived_meter", "The meter is inactive."
    customer = event["payload"].get(meter["customer_mapping"]["event_payload_key"])
    if customer is None:
        return "meter_event_no_customer_defined", "The payload names no customer."
    if world.store.find("customer", customer) is None:
        return "meter_event_customer_not_found", f"Customer {customer} not found."
    if meter["default_aggregation"]["formula"] == "count":
        return None
    return _value_problem(event["payload"].get(meter["value_settings"]["event_payload_key"]))


def _value_problem(value: str | None) -> tuple[str, str] | None:
    try:
        number = Decimal(value or "")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        return "meter_event_invalid_value", f"The value must be a number, not {value!r}."
    if len(number.as_tuple().digits) > DIGITS:
        return "meter_event_value_too_many_digits", f"The value may have {DIGITS} digits."
    return None


def _report(world: World, meter: Object | None, event: Object, code: str, message: str) -> None:
    """Tell of an event that was taken in and not counted."""
    sample = {"error_message": message, "request": {"identifier": event["identifier"]}}
    error = {"code": code, "error_count": 1, "sample_errors": [sample]}
    now = world.now()
    data = {
        "developer_message_summary": f"There is 1 invalid event: {message}",
        "reason": {"error_count": 1, "error_types": [error]},
        "validation_start": moment(now - 10),
        "validation_end": moment(now),
    }
    if meter is None:
        thin_event(world, "v1.billing.meter.no_meter_found", None, data)
        return
    related = {"id": meter["id"], "type": "billing.meter", "url": f"{METERS}/{meter['id']}"}
    thin_event(world, "v1.billing.meter.error_report_triggered", related, data)


@answers("POST", "/v1/billing/meter_event_adjustments")
def adjust(call: Call) -> Object:
    """Cancel an event that was received within the last day."""
    return take_adjustment(call.world, call.params)


def take_adjustment(world: World, given: Object) -> Object:
    """The only kind there is: take one event back."""
    identifier = (given.get("cancel") or {}).get("identifier", "")
    seen = usage_of(world).identifiers.get(identifier)
    if seen is None or seen.event_name != given["event_name"]:
        raise no_such("meter event", identifier, param="cancel[identifier]", status=400)
    if world.now(seen.customer) - seen.at > DAY:
        raise Refusal(
            "The event was received more than 24 hours ago and cannot be cancelled.",
            param="cancel[identifier]",
        )
    if seen.use is not None:
        seen.use.cancelled = True
    made = filled("billing.meter_event_adjustment", {"cancel": {"identifier": identifier}})
    return made | {"event_name": given["event_name"], "type": "cancel", "status": "pending"}


@answers("GET", f"{METERS}/{{}}/event_summaries")
def list_summaries(call: Call) -> Object:
    """What was counted between two moments, as one figure or by hour or day."""
    meter = call.store.get("billing.meter", call.ids[0])
    call.store.get("customer", call.params["customer"], param="customer")
    start, end = call.params["start_time"], call.params["end_time"]
    step = WINDOWS.get(call.params.get("value_grouping_window", ""))
    _check_alignment(start, end, step or MINUTE)
    uses = visible_uses(call.world, meter["id"], call.params["customer"])
    windows = [(start, end)] if step is None else [(at, at + step) for at in range(start, end, step)]
    found = [(first, last, _within(uses, first, last)) for first, last in windows]
    rows = [_summary(meter, *each) for each in found if each[2] or step is None]
    return page(call, rows[::-1])


def _check_alignment(start: int, end: int, step: int) -> None:
    for param, value in (("start_time", start), ("end_time", end)):
        if value % step:
            raise Refusal(f"{param} must be aligned with boundaries of {step} seconds (UTC).", param=param)
    if end <= start:
        raise Refusal("end_time must be after start_time.", param="end_time")


def _within(uses: list[Use], start: int, end: int) -> list[Use]:
    return [use for use in uses if start <= use.at < end]


def _summary(meter: Object, start: int, end: int, uses: list[Use]) -> Object:
    value = aggregate(meter["default_aggregation"]["formula"], uses)
    made = blank("billing.meter_event_summary") | {"id": new_id("mtrusg_test"), "meter": meter["id"]}
    return made | {"start_time": start, "end_time": end, "aggregated_value": float(value)}


def visible_uses(world: World, meter: str, customer: str, *, at_once: bool = False) -> list[Use]:
    """What was counted and has arrived in the figures; invoices that are made final see everything."""
    seen = time.time() - (0 if at_once else world.settings.summary_lag)
    found = usage_of(world).uses.get((meter, customer), [])
    return [use for use in found if not use.cancelled and use.received <= seen]


def aggregate(formula: str, uses: list[Use]) -> Decimal:
    """The one figure of a meter for some events."""
    if formula == "count":
        return Decimal(len(uses))
    if formula == "last":
        return max(uses, key=lambda use: use.at).value if uses else Decimal(0)
    return sum((use.value for use in uses), Decimal(0))


def quantity_between(
    world: World, meter: str, customer: str, start: int, end: int, *, at_once: bool
) -> Decimal:
    """What an invoice charges for a period."""
    formula = world.store.get("billing.meter", meter)["default_aggregation"]["formula"]
    return aggregate(formula, _within(visible_uses(world, meter, customer, at_once=at_once), start, end))

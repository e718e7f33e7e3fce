"""Meter events: counted once, within their window, one at a time, and told of when they do not fit."""

import threading
import time
from typing import Any

import pytest
import stripe as package

from billing.simulator.world import DAY, HOUR, MINUTE, World


@pytest.fixture
def meter(stripe: Any) -> Any:
    params = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    return stripe.v1.billing.meters.create(params).id


@pytest.fixture
def customer(stripe: Any) -> Any:
    return stripe.v1.customers.create().id


def use(stripe: Any, customer: str, value: str = "1", **more):
    payload = {"stripe_customer_id": customer, "value": value}
    return stripe.v1.billing.meter_events.create({"event_name": "calls", "payload": payload, **more})


def total(stripe: Any, meter: str, customer: str) -> Any:
    now = int(time.time()) // DAY * DAY
    window = {"customer": customer, "start_time": now - 40 * DAY, "end_time": now + 3 * DAY}
    return stripe.v1.billing.meters.event_summaries.list(meter, window).data[0].aggregated_value


def test_an_identifier_counts_once_and_an_event_can_be_taken_back(stripe: Any, meter, customer):
    use(stripe, customer, "5", identifier="one")
    with pytest.raises(package.InvalidRequestError, match="already exists with identifier one") as refused:
        use(stripe, customer, "5", identifier="one")
    assert (refused.value.headers or {})["Stripe-Should-Retry"] == "false"
    use(stripe, customer, "2.5")
    assert total(stripe, meter, customer) == 7.5
    stripe.v1.billing.meter_event_adjustments.create(
        {"event_name": "calls", "type": "cancel", "cancel": {"identifier": "one"}}
    )
    assert total(stripe, meter, customer) == 2.5


def test_an_identifier_is_forgotten_after_a_day(stripe: Any, world: World, meter, customer):
    use(stripe, customer, identifier="one")
    world.offset += DAY + 1
    use(stripe, customer, identifier="one")
    assert total(stripe, meter, customer) == 2


@pytest.mark.parametrize(
    ("off", "code"), [(-35 * DAY - 60, "timestamp_too_far_in_past"), (5 * MINUTE + 60, "timestamp_in_future")]
)
def test_an_event_of_another_time_is_refused(stripe: Any, meter, customer, off, code):
    with pytest.raises(package.InvalidRequestError) as refused:
        use(stripe, customer, timestamp=int(time.time()) + off)
    assert refused.value.code == code
    use(stripe, customer, timestamp=int(time.time()) + off + (120 if off < 0 else -120))


def test_one_event_at_a_time_for_a_customer_and_meter(stripe: Any, world: World, meter, customer):
    other = stripe.v1.customers.create().id
    world.settings.meter_event_seconds = 1.0
    outcomes: list[str] = []

    def send(whom: str) -> None:
        try:
            use(stripe, whom)
            outcomes.append("counted")
        except package.RateLimitError as error:
            outcomes.append(error.error.code)  # type: ignore[union-attr,arg-type]

    threads = [threading.Thread(target=send, args=[whom]) for whom in (customer, customer, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["counted", "counted", "lock_timeout"]


def test_more_events_a_second_than_allowed_are_refused(stripe: Any, world: World, meter, customer):
    world.settings.meter_events_per_second = 2
    use(stripe, customer)
    use(stripe, customer)
    with pytest.raises(package.RateLimitError):
        use(stripe, customer)


def test_summaries_lag_and_come_by_hour(stripe: Any, world: World, meter, customer):
    hour = int(time.time()) // HOUR * HOUR
    for ago, value in ((1, "1"), (2, "2"), (2, "4")):
        use(stripe, customer, value, timestamp=hour - ago * HOUR + 5)
    window = {
        "customer": customer,
        "start_time": hour - 3 * HOUR,
        "end_time": hour,
        "value_grouping_window": "hour",
    }
    rows = stripe.v1.billing.meters.event_summaries.list(meter, window).data
    assert [(row.start_time, row.aggregated_value) for row in rows] == [
        (hour - HOUR, 1.0),
        (hour - 2 * HOUR, 6.0),
    ]
    world.settings.summary_lag = 60
    assert stripe.v1.billing.meters.event_summaries.list(meter, window).data == []
    with pytest.raises(package.InvalidRequestError, match="aligned"):
        stripe.v1.billing.meters.event_summaries.list(meter, {**window, "start_time": hour - 1})


@pytest.mark.parametrize(
    ("whom", "value", "code"),
    [
        ("cus_gone", "1", "meter_event_customer_not_found"),
        (None, "lots", "meter_event_invalid_value"),
        (None, "1" * 16, "meter_event_value_too_many_digits"),
    ],
)
def test_an_event_that_does_not_fit_is_told_of_later(stripe: Any, meter, customer, whom, value, code):
    use(stripe, whom or customer, value, identifier="odd")
    [event] = stripe.v2.core.events.list({"object_id": meter}).data
    assert event.type == "v1.billing.meter.error_report_triggered"
    [error] = event.data.reason.error_types
    assert (error.code, error.sample_errors[0].request.identifier) == (code, "odd")
    assert event.fetch_related_object().id == meter
    assert total(stripe, meter, customer) == 0

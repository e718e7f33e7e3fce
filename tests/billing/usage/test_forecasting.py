"""Forecasts: weekdays have their weight, the range holds what it says, and too few days say nothing."""

import random
from datetime import UTC, datetime

from billing.models import Subscription
from billing.pricing.periods import DAY, Period, before, choices_of, month_of, months_later, period_of
from billing.usage.forecasting import Forecast, forecast
from tenants.context import Tenant

NOW = datetime(2026, 11, 17, 12, tzinfo=UTC)
NOVEMBER = month_of(NOW)


def days_before(now: datetime, count: int, quantity: int = 10) -> dict[datetime, int]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {midnight - turn * DAY: quantity for turn in range(1, count + 1)}


def test_days_that_are_alike_go_on_and_leave_no_range() -> None:
    found = forecast(165, days_before(NOW, 28), NOVEMBER, NOW)
    assert found == Forecast(likely=165 + 135, low=300, high=300, days=28), "half of today and 13 days"


def test_fewer_than_three_days_and_a_period_that_is_over_say_nothing() -> None:
    assert forecast(20, days_before(NOW, 2), NOVEMBER, NOW) is None
    assert forecast(0, {}, NOVEMBER, NOW) is None
    assert forecast(20, days_before(NOW, 20), before(NOVEMBER), NOW) is None
    three = forecast(30, days_before(NOW, 3), NOVEMBER, NOW)
    assert three is not None
    assert three.days == 3


def test_a_quiet_weekend_is_told_from_a_working_day() -> None:
    monday, saturday = (NOW.replace(day=day, hour=0) for day in (16, 21))
    likely = []
    for begin in (monday, saturday):
        days = {day: 0 if day.weekday() > 4 else 10 for day in days_before(begin, 28)}
        found = forecast(0, days, Period(NOVEMBER.begin, begin + 2 * DAY), begin)
        assert found is not None
        likely.append(found.likely)
    assert likely == [19, 4]


def test_eight_of_ten_periods_end_within_the_range() -> None:
    inside, rounds, dice = 0, 400, random.Random(7)
    for _ in range(rounds):
        drawn = {day: max(0, round(dice.gauss(100, 30))) for day in days_before(NOW, 28)}
        now = NOW.replace(hour=0)
        used = sum(count for day, count in drawn.items() if day >= NOVEMBER.begin)
        ended = used + sum(max(0, round(dice.gauss(100, 30))) for _ in range(14))
        found = forecast(used, drawn, NOVEMBER, now)
        assert found is not None
        inside += found.low <= ended <= found.high
    assert 0.74 <= inside / rounds <= 0.87


def test_periods_are_named_once_and_months_keep_their_day() -> None:
    words = [choice.word for choice in choices_of("t_none", NOW)]
    assert (words[:3], len(words), len(set(words))) == (["current", "previous", "2026-09"], 14, 14)
    assert months_later(datetime(2026, 1, 31, 5, tzinfo=UTC), 1) == datetime(2026, 2, 28, 5, tzinfo=UTC)
    assert months_later(NOW, -11) == datetime(2025, 12, 17, 12, tzinfo=UTC)


def test_a_subscription_s_period_runs_and_goes_on_until_stripe_has_told_of_the_next(acme: Tenant) -> None:
    begin = datetime(2026, 1, 31, 13, 20, tzinfo=UTC)
    Subscription.objects.create(
        tenant=acme.schema,
        stripe_id="sub_1",
        plan="team",
        plan_version=1,
        status="active",
        currency="EUR",
        period_start=begin,
        period_end=datetime(2026, 2, 28, 13, 20, tzinfo=UTC),
        started_at=begin,
    )
    assert period_of(acme.schema, begin + DAY) == Period(begin, begin.replace(month=2, day=28))
    late = period_of(acme.schema, datetime(2026, 3, 29, tzinfo=UTC))
    assert late == Period(begin.replace(month=3, day=28), begin.replace(month=4, day=28))

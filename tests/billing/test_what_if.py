"""What plans would have cost: the pure sum, the months that it is made of, its page and its place in the API."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Rollup
from billing.plans.catalogue import newest, plan_version
from billing.plans.versions import Allowed, Limit, PlanVersion
from billing.pricing.periods import month_of, months_later
from billing.pricing.rating import Mode, Price, Terms, Tier
from billing.what_if.history import months_of
from billing.what_if.quotes import Month, cheapest, scaled, what_if
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tests.api.calls import errors, problem, signed_in

D = Decimal
ORDERS = Price("orders_placed", Mode.GRADUATED, (Tier(None, D("0.50")),), included=10)


def a_plan(key: str, base: str, *prices: Price, most: int | None = None) -> PlanVersion:
    limits = {Limit.ORDERS_PER_MONTH: Allowed(most)} if most is not None else {}
    return PlanVersion(key, 1, key.title(), "", Terms("EUR", D(base), prices=prices), limits=limits)


SMALL, MIDDLE, LARGE = a_plan("small", "0", most=20), a_plan("middle", "5", ORDERS), a_plan("large", "20")
HISTORY = [
    Month(datetime(2026, 1, 1, tzinfo=UTC), {"orders_placed": 8, "seats": 3}),
    Month(datetime(2026, 2, 1, tzinfo=UTC), {"orders_placed": 20}, is_running=True),
]


@pytest.mark.parametrize(
    ("times", "totals", "best"),
    [("1", [0, 15, 40], "small"), ("2", [0, 28, 40], "middle"), ("3.5", [0, 49, 40], "large")],
)
def test_every_plan_is_priced_and_the_cheapest_has_room_for_all_of_it(
    times: str, totals: list[int], best: str
) -> None:
    quotes = what_if(scaled(HISTORY, {"orders_placed": D(times)}), [SMALL, MIDDLE, LARGE])
    assert [quote.total for quote in quotes] == totals
    found = cheapest(quotes)
    assert found is not None
    assert found.version.key == best


def test_a_plan_that_is_too_small_says_when_and_by_how_much() -> None:
    months = scaled(HISTORY, {"orders_placed": D("1.05"), "seats": D("0.5")})
    assert [month.used["seats"] for month in months] == [2, 0], "half a person is one"
    (quote,) = what_if(months, [SMALL])
    (excess,) = quote.excesses
    assert (excess.month, excess.words, excess.allowed, excess.used) == (months[1], "orders", 20, 21)
    assert cheapest([quote]) is None


NOW = timezone.now()
THIS = month_of(NOW).begin


def used(tenant: Tenant, months_ago: int, **meters: int) -> None:
    """Two hours of use in a month."""
    begin = months_later(THIS, -months_ago)
    Rollup.objects.bulk_create(
        Rollup(
            tenant=tenant.schema, meter=meter, hour=begin.replace(hour=hour), quantity=quantity, last_at=begin
        )
        for meter, quantity in meters.items()
        for hour in (0, 1)
    )


def test_months_begin_with_the_first_use_and_end_with_the_one_that_runs(acme: Tenant, globex: Tenant) -> None:
    assert months_of(acme.schema, NOW) == [Month(THIS, {}, is_running=True)]
    used(acme, 3, orders_placed=5, seats=4)
    used(acme, 12, orders_placed=5)
    used(globex, 5, orders_placed=9)
    months = months_of(acme.schema, NOW)
    assert [month.begin for month in months] == [months_later(THIS, -turn) for turn in (3, 2, 1, 0)]
    assert [dict(month.used) for month in months] == [{"orders_placed": 10, "seats": 4}, {}, {}, {}]


@pytest.fixture
def grandfathered(acme: Tenant) -> Tenant:
    actor = Actor.system("tests")
    set_standing(client_id=acme.id, actor=actor, reason="long ago", plan="team", plan_version=1)
    used(acme, 1, orders_placed=4_000, seats=5)
    return acme


def test_the_api_prices_what_is_sold_and_what_the_tenant_has(grandfathered: Tenant, person: Any) -> None:
    owner = signed_in(person("owner").user, grandfathered)
    told = owner.get("billing/what-if/").json()
    assert [month["used"]["orders_placed"] for month in told["months"]] == [8_000, 0]
    plans = {(plan["plan"], plan["version"]): plan for plan in told["plans"]}
    assert list(plans) == [("team", 1), ("free", 1), ("team", 2), ("business", 1)]
    mine = plans["team", 1]
    assert (mine["is_yours"], mine["is_offered"], mine["fits"]) == (True, False, True)
    # 29 a month, 5,000 orders at 3 cents and 2,500 at 2, two people more than three.
    assert (mine["total"], mine["months"][0]["amount"]) == ("270.00", "241.00")
    assert plans["free", 1]["is_cheapest"]
    doubled = owner.get("billing/what-if/", orders_placed="2").json()
    free = next(plan for plan in doubled["plans"] if plan["plan"] == "free")
    assert (free["fits"], free["is_cheapest"], free["exceeded"][0]["used"]) == (False, False, 16_000)
    refused = errors(owner.get("billing/what-if/", orders_placed="many", seats="-1", storage="0.123"))
    assert refused == {"/orders_placed": "invalid", "/seats": "min_value", "/storage": "max_decimal_places"}
    member = signed_in(person("member").user, grandfathered)
    assert problem(member.get("billing/what-if/"), 403, "forbidden")


def test_the_page_marks_the_cheapest_and_teaches_what_a_volume_is(
    grandfathered: Tenant, client_of: Any, person: Any
) -> None:
    browser = client_of(grandfathered, person("owner").user)
    page = browser.get("/billing/what-if/?orders_placed=2").content.decode()
    assert page.count(">Cheapest<") == 1
    assert "16,000 orders in" in page
    assert "where it allows 10,000" in page
    assert "Your plan" in page
    wrong = browser.get("/billing/what-if/?orders_placed=lots&seats=-1").content.decode()
    assert "Give a number such as 2 or 0.5." in wrong
    assert "Give 0 or more." in wrong
    assert 'value="lots"' in wrong, "what was typed is kept"
    assert plan_version("team", 1) != newest("team")

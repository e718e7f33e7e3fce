"""What a tenant may use: asked of the door, refused with the numbers and the way on, changed by operators."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import entitlements
from billing.entitlements import (
    BudgetUsedUp,
    Feature,
    FeatureMissing,
    Limit,
    LimitReached,
    check,
    claim,
    has_feature,
    overview,
    quota_of,
    require,
    require_feature,
)
from billing.limits.overrides import end_override, grant_override
from billing.models import Override
from billing.plans.catalogue import catalogue, newest
from billing.plans.versions import Allowed
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.api.limits import Quota, limiter
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import NoTenant, Tenant, public_context, tenant_context, unit_of_work
from tenants.errors import Conflict, Invalid, NotFound
from tenants.hosts import directory
from tests.plans import allow
from tests.races import at_once, kinds

OPERATOR = Actor.system("the tests")


def never() -> int:
    raise AssertionError("nothing was to be counted")


def counted(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let there be so many products."""
    for how in (entitlements._counts, entitlements._shown):
        monkeypatch.setitem(how, Limit.PRODUCTS, lambda: number)


def move_to(tenant: Tenant, plan: str) -> None:
    set_standing(
        client_id=tenant.id, actor=OPERATOR, reason="test", plan=plan, plan_version=newest(plan).number
    )


def override(tenant: Tenant, key: str, **given: Any) -> Override:
    return grant_override(tenant=tenant.schema, key=key, actor=OPERATOR, reason="they asked", **given)


def test_every_plan_a_client_may_have_is_defined_with_a_larger_one_or_no_limit():
    assert set(catalogue()) == set(Client.Plan.values)
    for key in catalogue():
        plan = newest(key)
        assert (plan.larger in catalogue()) if plan.limits else (plan.larger is None)
        for limit, allowed in newest(plan.larger).limits.items() if plan.larger else ():
            mine, theirs = plan.allowed(limit).hard, allowed.hard
            assert theirs is None or (mine is not None and mine <= theirs), "a larger plan allows less"


@pytest.mark.parametrize(
    ("used", "adding", "fits"), [(2, 1, True), (0, 3, True), (3, 1, False), (1, 3, False)]
)
def test_a_limit_is_kept_to_the_last_place(
    inside: Tenant, monkeypatch: pytest.MonkeyPatch, used: int, adding: int, fits: bool
):
    allow(monkeypatch, products=3)
    counted(monkeypatch, used)
    assert check(Limit.PRODUCTS).has_room_for(adding) is fits
    assert claim(Limit.PRODUCTS).has_room_for(adding) is fits


def test_a_refusal_names_plan_limit_use_and_the_way_on(inside: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, products=3)
    counted(monkeypatch, 3)
    with pytest.raises(LimitReached) as refusal:
        require(Limit.PRODUCTS, way_on="archive some")
    assert refusal.value.status == 402
    assert refusal.value.detail == (
        "The Free plan allows 3 products, and 3 are in use. To go on, archive some or move to the Team plan."
    )
    assert refusal.value.data == {
        "plan": "Free",
        "upgrade": f"http://{inside.host}:8000/billing/",
        "limit": "products",
        "allowed": 3,
        "used": 3,
        "source": "plan",
        "resets_at": None,
    }


def test_what_has_no_limit_is_not_counted(inside: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch)
    monkeypatch.setitem(entitlements._counts, Limit.PRODUCTS, never)
    require(Limit.PRODUCTS, adding=1_000_000)
    assert (check(Limit.PRODUCTS).allowed, check(Limit.PRODUCTS).used) == (Allowed(), 0)


def test_the_plan_is_the_one_the_tenant_has_now(
    acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, products=3)
    counted(monkeypatch, 3)
    with unit_of_work(acme):
        with pytest.raises(LimitReached):
            require(Limit.PRODUCTS)
        move_to(acme, "business")
        require(Limit.PRODUCTS, adding=1_000_000)
        require_feature(Feature.GRAPHQL)
    with unit_of_work(globex):
        with pytest.raises(LimitReached):
            require(Limit.PRODUCTS)
        with pytest.raises(
            FeatureMissing, match=r"Free plan does not include graphql\. Plans that do: Business"
        ):
            require_feature(Feature.GRAPHQL)


def test_nobody_has_a_plan_outside_a_tenant():
    with pytest.raises(NoTenant):
        require(Limit.PRODUCTS)


# Overrides


def test_an_override_raises_a_limit_lowers_it_lifts_it_and_ends(
    inside: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, products=Allowed(hard=10, soft=8))
    for value, hard, soft in ((20, 20, 16), (5, 5, 4), (0, 0, 0), (None, None, None)):
        last = override(inside, "products", value=value)
        assert check(Limit.PRODUCTS).allowed == Allowed(hard, soft)
    end_override(override_id=last.pk, actor=OPERATOR, reason="agreed")
    assert check(Limit.PRODUCTS).allowed == Allowed(10, 8)
    assert Override.objects.filter(ended_at=None).count() == 0
    with public_context():
        verbs = [entry.verb for entry in AuditEntry.objects.order_by("at") if "override" in entry.verb]
        assert verbs == ["override.granted"] * 4 + ["override.ended"]
        assert {entry.data["reason"] for entry in AuditEntry.objects.filter(verb="override.granted")} == {
            "they asked"
        }
    with pytest.raises(Conflict):
        end_override(override_id=last.pk, actor=OPERATOR, reason="again")


def test_an_override_counts_until_its_moment_and_of_its_tenant_only(
    acme: Tenant, globex: Tenant, clock: Any, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, products=10)
    override(acme, "products", value=20, expires_at=timezone.now() + timedelta(hours=1))
    override(acme, "graphql", is_on=True)
    for tenant, hard, has in ((acme, 20, True), (globex, 10, False)):
        with unit_of_work(tenant):
            assert (check(Limit.PRODUCTS).allowed.hard, has_feature(Feature.GRAPHQL)) == (hard, has)
    clock.forward(hours=2)
    with unit_of_work(acme):
        assert check(Limit.PRODUCTS).allowed.hard == 10
        override(acme, "graphql", is_on=False)
        move_to(acme, "business")
        with pytest.raises(FeatureMissing, match="An operator has switched it off"):
            require_feature(Feature.GRAPHQL)


def test_an_override_of_the_rate_counts_for_the_requests_of_its_tenant(
    acme: Tenant, globex: Tenant, clock: Any
):
    planned = quota_of(globex)
    override(acme, "requests_per_minute_of_tenant", value=2, expires_at=timezone.now() + timedelta(hours=1))
    override(acme, "requests_per_minute_of_credential", value=None)
    assert (quota_of(acme), quota_of(globex)) == (Quota(2, None), planned)
    limiter.forget()
    told = [limiter.take(tenant, "someone") for tenant in (acme, acme, acme, globex)]
    assert [rate.is_allowed for rate in told if rate] == [True, True, False, True]
    clock.forward(hours=2)
    assert quota_of(acme) == Quota(planned.tenant, None)


def test_other_processes_know_of_an_override_when_the_directory_has_a_new_version(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, products=10)
    monkeypatch.setattr(directory, "forget", lambda: None)  # as it is elsewhere
    with unit_of_work(acme):
        assert check(Limit.PRODUCTS).allowed.hard == 10
        override(acme, "products", value=20)
        assert check(Limit.PRODUCTS).allowed.hard == 10
        monkeypatch.setattr(directory, "_checked", 0.0)  # a second later
        assert check(Limit.PRODUCTS).allowed.hard == 20


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"key": "elephants", "value": 3}, "key"),
        ({"key": "products", "value": -1}, "value"),
        ({"key": "products", "is_on": True}, "is_on"),
        ({"key": "graphql"}, "is_on"),
        ({"key": "graphql", "is_on": True, "value": 3}, "value"),
        ({"key": "products", "value": 3, "reason": " "}, "reason"),
        ({"key": "products", "value": 3, "expires_at": timezone.now()}, "expires_at"),
    ],
)
def test_an_override_that_says_nothing_sound_is_refused(acme: Tenant, given: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refusal:
        grant_override(**{"tenant": acme.schema, "actor": OPERATOR, "reason": "they asked", **given})
    assert refusal.value.field == field


def test_an_override_is_of_a_tenant_that_exists_and_the_database_holds_one_of_a_key(acme: Tenant):
    with pytest.raises(NotFound):
        grant_override(tenant="t_nobody", key="products", actor=OPERATOR, reason="they asked", value=1)
    override(acme, "products", value=1)
    with pytest.raises(IntegrityError), transaction.atomic(using="control"):
        Override.objects.create(
            tenant=acme.schema, kind="limit", key="products", value=2, reason="x", granted_by="x"
        )


# Stocks


def test_of_two_who_take_the_last_place_one_is_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    from tests.products.builders import a_product

    allow(monkeypatch, products=3)
    results = at_once(acme, [a_product] * 8, together=True)
    assert kinds(results) == {"Product": 3, "LimitReached": 5}


def test_without_the_claim_the_same_people_get_more(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    from tests.products.builders import a_product

    allow(monkeypatch, products=3)
    monkeypatch.setattr(entitlements, "_be_alone", lambda allowance: None)
    results = at_once(acme, [a_product] * 8, together=True)
    assert kinds(results)["Product"] > 3


# Everything at once


def test_the_overview_has_every_limit_and_feature(inside: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, products=Allowed(soft=1, hard=2), orders_per_month=5)
    counted(monkeypatch, 2)
    until = timezone.now() + timedelta(days=1)
    override(inside, "graphql", is_on=True, expires_at=until)
    told = overview(inside)
    assert (told.plan, told.plan_name, told.plan_version) == ("free", "Free", 1)
    limits = {state.limit: state for state in told.limits}
    assert set(limits) == set(Limit)
    products, orders, seats = (limits[name] for name in ("products", "orders_per_month", "seats"))
    assert (products.used, products.allowed, products.soft, products.resets_at) == (2, 2, 1, None)
    assert (products.is_reached, products.is_beyond_soft, products.share, products.source) == (
        True, True, 1.0, "plan",
    )  # fmt: skip
    assert (orders.used, orders.allowed) == (0, 5)
    assert orders.resets_at is not None
    assert orders.resets_at.day == 1
    assert (seats.used, seats.allowed) == (4, None)
    assert [(each.feature, each.is_on, each.source, each.until) for each in told.features] == [
        ("graphql", True, "override", until)
    ]


def test_a_budget_that_no_plan_makes_larger_comes_back_by_itself(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    move_to(acme, "business")
    override(acme, "orders_per_month", value=0)
    with tenant_context(acme), pytest.raises(BudgetUsedUp) as refusal:
        entitlements.reserve(Limit.ORDERS_PER_MONTH)
    assert refusal.value.status == 429
    assert 0 < refusal.value.data["retry_after"] <= 31 * 86_400
    assert "This workspace is allowed 0 orders per month" in refusal.value.detail
    assert "wait until" in refusal.value.detail

"""What a plan allows: asked of the door, and refused with the numbers and the way on."""

import pytest

from billing.entitlements import PLANS, Limit, LimitReached, Plan, check, require
from shared_apps.clients.models import Client
from tenants.context import NoTenant, Tenant, tenant_context


def never() -> int:
    raise AssertionError("nothing was to be counted")


@pytest.fixture
def _small_plans(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PLANS, "free", Plan("Free", {Limit.PRODUCTS: 3}, larger="Team"))


def test_every_plan_a_client_may_have_is_defined_with_a_larger_one_or_no_limit():
    assert set(PLANS) == set(Client.Plan.values)
    names = {plan.name for plan in PLANS.values()}
    for plan in PLANS.values():
        assert plan.larger in names if plan.limits else plan.larger is None


def test_a_larger_plan_never_allows_less():
    plans = {plan.name: plan for plan in PLANS.values()}
    for plan in plans.values():
        if plan.larger:
            for limit, allowed in plans[plan.larger].limits.items():
                assert plan.limits[limit] <= allowed


@pytest.mark.usefixtures("_small_plans")
@pytest.mark.parametrize(
    ("used", "adding", "fits"), [(2, 1, True), (0, 3, True), (3, 1, False), (1, 3, False)]
)
def test_a_limit_is_kept_to_the_last_place(acme: Tenant, used: int, adding: int, fits: bool):
    with tenant_context(acme):
        assert check(Limit.PRODUCTS, used=lambda: used).has_room_for(adding) is fits


@pytest.mark.usefixtures("_small_plans")
def test_a_refusal_names_plan_limit_use_and_the_way_on(acme: Tenant):
    with tenant_context(acme), pytest.raises(LimitReached) as refusal:
        require(Limit.PRODUCTS, used=lambda: 3, way_on="archive some")
    assert refusal.value.status == 402
    assert refusal.value.detail == (
        "The Free plan allows 3 products, and 3 are in use. To go on, archive some or move to the Team plan."
    )
    assert refusal.value.data == {"plan": "Free", "limit": "products", "allowed": 3, "used": 3}


@pytest.mark.usefixtures("_small_plans")
def test_what_has_no_limit_is_not_counted(acme: Tenant):
    with tenant_context(acme):
        require(Limit.ORDERS_PER_MONTH, used=never)
        allowance = check(Limit.ORDERS_PER_MONTH, used=never)
    assert (allowance.allowed, allowance.used) == (None, 0)


@pytest.mark.usefixtures("_small_plans")
def test_the_plan_is_the_one_the_client_has_now(acme: Tenant, globex: Tenant):
    Client.objects.filter(pk=acme.id).update(plan=Client.Plan.BUSINESS)
    with tenant_context(acme):
        require(Limit.PRODUCTS, used=never, adding=1_000_000)
    with tenant_context(globex), pytest.raises(LimitReached):
        require(Limit.PRODUCTS, used=lambda: 3)


def test_nobody_has_a_plan_outside_a_tenant():
    with pytest.raises(NoTenant):
        require(Limit.PRODUCTS, used=never)

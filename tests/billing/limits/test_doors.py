"""What callers and operators see of what a tenant may use."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from billing.models import Override
from billing.plans.versions import Allowed
from tenants.context import Tenant, unit_of_work
from tests.api.calls import Api, problem, signed_in
from tests.cast import OPERATOR, PASSWORD
from tests.plans import allow
from tests.products.builders import a_product

PRODUCT = {"sku": "CUP", "name": "Cup", "price": "1.00"}


@pytest.fixture
def api(person, acme: Tenant) -> Api:
    return signed_in(person("member").user, acme)


@pytest.fixture
def operator() -> Browser:
    browser = Browser(headers={"host": settings.PUBLIC_HOST})
    browser.post(page("login"), {"username": OPERATOR, "password": PASSWORD})
    return browser


def page(name: str, *args: object) -> str:
    return reverse(f"operators:{name}", args=args, urlconf=settings.PUBLIC_URLCONF)


def test_whoever_may_read_sees_every_limit_and_feature(acme: Tenant, person, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, products=Allowed(soft=1, hard=2), orders_per_month=5)
    with unit_of_work(acme):
        a_product()
    viewer = signed_in(person("viewer").user, acme)
    told = viewer.get("billing/entitlements/").json()
    assert (told["plan"], told["plan_name"], told["plan_version"]) == ("free", "Free", 1)
    limits = {each["limit"]: each for each in told["limits"]}
    assert limits["products"] == {
        "limit": "products", "used": 1, "allowed": 2, "soft": 1, "resets_at": None, "source": "plan",
        "until": None,
    }  # fmt: skip
    assert limits["orders_per_month"]["resets_at"].endswith("-01T00:00:00Z")
    assert told["features"] == [{"feature": "graphql", "is_on": False, "source": "plan", "until": None}]


def test_beyond_a_soft_limit_the_answer_tells_and_beyond_a_hard_one_it_refuses(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, products=Allowed(soft=1, hard=2))
    first, second = (api.post("products/", {**PRODUCT, "sku": sku}) for sku in ("A", "B"))
    assert [first.status_code, second.status_code] == [201, 201]
    assert "Limit-Notice" not in first.headers
    assert second.headers["Limit-Notice"] == '"products";used=2;soft=1;hard=2'
    refused = problem(api.post("products/", {**PRODUCT, "sku": "C"}), 402, "limit_reached")
    assert (refused["plan"], refused["limit"], refused["allowed"], refused["used"]) == (
        "Free",
        "products",
        2,
        2,
    )
    assert refused["upgrade"].endswith("/billing/")


def test_a_budget_that_is_used_up_says_when_it_comes_back(
    api: Api, acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, orders_per_month=0)
    with unit_of_work(acme):
        product = a_product(opening_stock=1)
    order = {"lines": [{"product": str(product.pk), "quantity": 1}], "place": True}
    refused = problem(api.post("orders/", order), 402, "limit_reached")
    assert refused["resets_at"] > timezone.now().isoformat()
    allow(monkeypatch, "team", orders_per_month=0)
    allow(monkeypatch, "business", orders_per_month=0)
    answer = api.post("orders/", order)
    assert problem(answer, 429, "budget_used_up")["limit"] == "orders_per_month"
    assert 0 < int(answer.headers["Retry-After"]) <= 31 * 86_400


def test_a_batch_is_refused_as_a_whole_beyond_the_last_place(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    from tenant_apps.products.edits import Change, edit_products, undo_edit
    from tenant_apps.products.many import put_products
    from tenant_apps.products.putting import Given
    from tests.products.builders import CLERK

    allow(monkeypatch, products=3)
    rows = [Given(f"P{number}", {"name": "Cup", "price": Decimal(1)}) for number in range(5)]
    with unit_of_work(acme):
        outcomes = put_products(actor=CLERK, rows=rows)
        assert [type(put.error).__name__ for put in outcomes] == ["NoneType"] * 3 + ["LimitReached"] * 2
        made = [put.record.pk for put in outcomes if put.record]
        undo = edit_products(actor=CLERK, products=made, change=Change(status="archived")).undo
    with unit_of_work(acme):
        put_products(actor=CLERK, rows=rows[3:])
        for way in (
            lambda: edit_products(actor=CLERK, products=made, change=Change(status="active")),
            lambda: undo_edit(actor=CLERK, undo=str(undo)),
        ):
            with pytest.raises(Exception, match="allows 3 products, and 2 are in use"):
                way()


def test_operators_grant_and_end_overrides(operator: Browser, acme: Tenant):
    assert operator.get(page("billing_override_changelist")).status_code == 200
    grant = page("billing_override_grant")
    asked = {"subdomain": "acme", "key": "products", "value": "7", "is_on": "", "reason": "They asked"}
    assert b"No tenant has this subdomain" in operator.post(grant, {**asked, "subdomain": "nobody"}).content
    assert b"is a limit" in operator.post(grant, {**asked, "is_on": "on"}).content
    until = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert operator.post(grant, {**asked, "expires_at": until}).status_code == 302
    override = Override.objects.get(tenant=acme.schema)
    assert (override.value, override.granted_by) == (7, OPERATOR)
    listed = operator.get(page("billing_override_changelist"))
    assert b"They asked" in listed.content
    end = page("billing_override_end", override.pk)
    assert operator.post(end, {"reason": "It is over"}).status_code == 302
    override.refresh_from_db()
    assert override.ended_by == OPERATOR
    assert operator.get(page("billing_override_change", override.pk)).status_code == 200
    assert operator.get(page("billing_budget_changelist")).status_code == 200


def test_a_rate_that_is_used_up_tells_of_the_plan(acme: Tenant, person, monkeypatch: pytest.MonkeyPatch):
    from tenants.api.limits import Quota, limiter

    monkeypatch.setattr(limiter, "quota_of", lambda tenant: Quota(1, None))
    caller = signed_in(person("member").user, acme)
    caller.get("me/")
    refused = problem(caller.get("me/"), 429, "rate_limited")
    assert (refused["plan"], refused["limit"], refused["allowed"], refused["used"]) == (
        "Free", "requests_per_minute_of_tenant", 1, 1,
    )  # fmt: skip
    assert refused["upgrade"].endswith("/billing/")

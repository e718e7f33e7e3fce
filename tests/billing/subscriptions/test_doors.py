"""The billing pages and the API beside each other: what is done at one is seen at the other, and can be done twice."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.accounts.projecting import refresh_subscription
from billing.subscriptions.services import Checkout
from tenants.context import Tenant
from tenants.users.models import User
from tests.api.calls import Api, problem, signed_in
from tests.billing.contracts import stand
from tests.billing.platform import Platform
from tests.cast import Person

ClientOf = Callable[..., Client]


@pytest.fixture
def portal(client_of: ClientOf, acme: Tenant, owner: User) -> Client:
    return client_of(acme, owner)


@pytest.fixture
def api(acme: Tenant, owner: User) -> Api:
    return signed_in(owner, acme)


def texts(response: Any) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_plan_is_chosen_changed_ended_and_kept_by_pages(
    platform: Platform, portal: Client, api: Api, acme: Tenant
) -> None:
    stand(acme, plan="free", plan_version=1)
    asked = portal.get("/billing/plans/team/")
    assert "form-action 'self' http://127.0.0.1:" in asked["Content-Security-Policy"]
    gone = portal.post("/billing/plans/team/")
    assert gone.status_code == 303
    assert gone["Location"] == portal.post("/billing/plans/team/")["Location"], "twice is once"
    session = gone["Location"].rpartition("/")[2]
    waiting = portal.get(f"/billing/checkout/?session={session}")
    assert "Stripe has not finished the payment yet" in texts(waiting)
    platform.pay(Checkout(session, "", timezone.now()))
    back = portal.get(f"/billing/checkout/?session={session}", follow=True)
    assert "You have subscribed to Team" in texts(back)
    assert api.get("billing/subscription/").json()["status"] == "active"
    preview = portal.get("/billing/plans/business/")
    assert "To be paid now" in texts(preview)
    token = re.search(r'name="token" value="([^"]+)"', preview.content.decode())
    assert token is not None
    assert "preview again" in texts(portal.post("/billing/plans/business/", {"token": "forged"}))
    changed = portal.post("/billing/plans/business/", {"token": token[1]}, follow=True)
    assert "You have Business now" in texts(changed)
    down = api.post("billing/subscription/preview-change/", {"plan": "team"}).json()
    assert (down["is_at_once"], down["due_now"]) == (False, "0.00")
    kept = api.post("billing/subscription/change/", {"plan": "team", "token": down["token"]}).json()
    assert (kept["plan"]["key"], kept["pending_plan"]["key"]) == ("business", "team")
    assert "Team follows on" in texts(portal.get("/billing/"))
    assert "You stay with Business" in texts(portal.post("/billing/plans/business/", follow=True))
    assert "Choose what comes closest" in texts(portal.post("/billing/cancel/", {}))
    ended = portal.post("/billing/cancel/", {"feedback": "unused"}, follow=True)
    assert "The subscription ends on" in texts(ended)
    assert api.get("billing/subscription/").json()["cancel_at"]
    assert api.post("billing/subscription/resume/").json()["cancel_at"] is None
    problem(api.post("billing/subscription/resume/"), 409, "not_possible_now")


def test_mistakes_and_a_stripe_that_is_away_are_told_where_they_happen(
    platform: Platform, portal: Client, api: Api, acme: Tenant
) -> None:
    problem(api.post("billing/subscription/checkout/", {"plan": "gold"}), 422, "plan_not_offered")
    assert "There is no subscription" in texts(portal.post("/billing/card/"))
    customer = platform.customer(acme)
    refresh_subscription(platform.subscribe(customer))
    refused = portal.post("/billing/promotion-code/", {"code": "SPRING"})
    assert (refused.status_code, "There is no code" in texts(refused)) == (422, True)
    platform.promotion("SPRING-20")
    assert "counts from the next invoice" in texts(
        portal.post("/billing/promotion-code/", {"code": "SPRING-20"}, follow=True)
    )
    wrong = portal.post("/billing/tax-id/", {"kind": "eu_vat", "value": "123456789"})
    assert (wrong.status_code, "This is no tax number of that kind" in texts(wrong)) == (422, True)
    right = portal.post("/billing/tax-id/", {"kind": "eu_vat", "value": "DE123456789"}, follow=True)
    assert "DE123456789" in texts(right)
    assert portal.post("/billing/card/")["Location"].startswith(f"{platform.server.address}/p/session/")
    preview = api.post("billing/subscription/preview-change/", {"plan": "business"}).json()
    platform.give_card(customer, "pm_card_chargeCustomerFail")
    unpaid = api.post("billing/subscription/change/", {"plan": "business", "token": preview["token"]})
    told = problem(unpaid, 402, "payment_needed")
    assert "begins when it is paid" in texts(portal.get("/billing/"))
    assert told["url"] == api.get("billing/subscription/").json()["pay_url"]
    platform.fail("error_before", "/v1/subscriptions/sub_.*")
    away = portal.post("/billing/cancel/", {"feedback": "unused"})
    assert (away.status_code, "gave no clear answer" in texts(away)) == (422, True)


def test_a_closed_workspace_is_opened_again_by_its_owner_alone(
    platform: Platform,
    portal: Client,
    api: Api,
    acme: Tenant,
    client_of: ClientOf,
    person: Callable[[str], Person],
) -> None:
    customer = platform.customer(acme)
    name = platform.subscribe(customer)
    refresh_subscription(name)
    platform.call("subscriptions.cancel", name)
    refresh_subscription(name)
    assert "The workspace is closed" in texts(portal.get("/billing/"))
    assert api.get("billing/subscription/").json()["access"] == "closed"
    assert client_of(acme, person("member").user).get("/billing/").status_code == 403
    assert "opens at once" in texts(portal.get("/billing/plans/free/"))
    opened = portal.post("/billing/plans/free/", follow=True)
    assert "The workspace is on the Free plan" in texts(opened)
    found = api.get("billing/subscription/").json()
    assert (found["status"], found["access"], found["plan"]["key"]) == ("free", "full", "free")

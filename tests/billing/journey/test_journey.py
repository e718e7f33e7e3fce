"""The whole journey in a browser: sign up, trial, use, subscribe, change, a card that fails, recover, end, go on."""

from collections.abc import Callable

import pytest
from django.conf import settings as platform_settings
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from billing.accounts.trials import end_graces
from billing.usage.alerts import look_at_all, send_letters
from billing.usage.ledger import record_usage
from billing.usage.rollups import fold
from tenants.context import public_context, tenant_context, unit_of_work
from tests.api.calls import problem
from tests.billing.journey.life import Life, Time
from tests.billing.platform import Platform
from tests.clock import Clock
from tests.portal.browsing import needs_chromium
from tests.portal.live import Visit

pytestmark = needs_chromium
FAILS, PAYS = "4000 0000 0000 0341", "4242 4242 4242 4242"


def sign_up(visit: Visit) -> None:
    page = visit.open("/sign-up/")
    visit.origin = "http://"
    page.get_by_label("Company").fill("Initech")
    page.get_by_label("Workspace address").fill("initech")
    page.get_by_label("E-mail").fill("owner@initech.example")
    page.get_by_label("Password").fill("a long enough secret")
    page.click("main button[type=submit]")
    page.wait_for_url("http://initech.localhost:*/**")


def use(life: Life) -> None:
    """Four fifths of the orders that the plan includes; what the schedule does about it is done at once."""
    with unit_of_work(life.tenant):
        record_usage(meter="orders_placed", quantity=800, idempotency_key="many", at=timezone.now())
    mail.outbox.clear()
    with public_context():
        fold()
        look_at_all()
    with tenant_context(life.tenant):
        send_letters(timezone.now())
    told = "Orders placed: 80 % of the 1,000 orders that your plan includes are used: 800 so far"
    assert [(letter.to, told in letter.body) for letter in mail.outbox] == [([life.owner.email], True)]
    life.page.goto(life.url("/usage/"))
    life.says(told)


def test_a_workspace_lives_from_its_sign_up_to_its_end_and_goes_on(
    platform: Platform,
    tab: Callable[..., Visit],
    port: int,
    clock: Clock,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time(platform, clock, port, monkeypatch)
    settings.STRIPE_WEBHOOK_SECRETS, settings.SESSION_COOKIE_AGE = [time.secret], 400 * 86_400
    monkeypatch.setattr(platform_settings, "PUBLIC_PORT", port)
    visit = tab(host=settings.PUBLIC_HOST)
    sign_up(visit)
    life = Life(visit, "initech")

    life.sees("14 days of your trial of Team are left")
    life.stands(plan="team", status="trial", access="full", card=None)
    use(life)

    life.sees("Subscribe to Team")
    life.press("Subscribe to Team")
    life.says("stays free until")
    life.press("Go to checkout")
    life.says("This is a simulated Stripe")
    life.press("Subscribe")
    life.says("You have subscribed to Team")
    time.settle()
    life.sees("Free until", "Visa ending in 4242")
    life.stands(plan="team", status="trialing", access="full", amount_due=None)

    time.passes(days=15)
    life.sees("Next invoice", "Stripe's figures of", "Paid")
    life.stands(plan="team", status="active", access="full")

    life.press("Change plan")
    life.press("Move up to Business")
    life.says("To be paid now")
    life.press("and change")
    life.says("You have Business now")
    time.settle()
    life.stands(plan="business", status="active")

    life.sees("Change the card").get_by_role("button", name="Change the card").click()
    life.page.get_by_label(FAILS).check()
    life.press("Use this card")
    life.says("Visa ending in 0341")
    time.passes(days=31)
    time.passes(hours=2)
    life.sees("The last payment has failed", "Everything works until")
    life.stands(plan="business", status="past_due", access="grace")
    time.passes(days=8)
    with public_context():
        end_graces(timezone.now())
    life.sees("An invoice is unpaid, so the workspace is read-only")
    life.stands(status="past_due", access="read_only")
    problem(
        life.api.post("products/", {"sku": "A", "name": "A", "price": "1.00"}), 402, "workspace_read_only"
    )

    life.page.get_by_role("link", name="Pay €").first.click()
    life.says("Still to pay")
    life.page.get_by_label(PAYS).check()
    life.press("Pay now")
    life.says("Paid, thank you")
    time.settle()
    life.page.goto(f"http://initech.localhost:{port}/billing/")
    life.stands(status="active", access="full", amount_due=None)

    life.sees("Change the card").get_by_role("button", name="Change the card").click()
    life.page.get_by_label(PAYS).check()
    life.press("Use this card")
    life.says("Visa ending in 4242")
    life.press("Cancel the subscription")
    life.page.get_by_label("We do not use it").check()
    life.press("Cancel the subscription")
    life.says("The subscription ends on")
    life.stands(status="active", access="full")
    time.passes(days=31)
    time.passes(hours=2)
    life.sees("The workspace is closed", "All data is kept")
    life.stands(status="ended", access="closed")
    problem(life.api.get("products/"), 403, "workspace_closed")

    life.press("Go on with Free")
    life.says("opens at once")
    life.press("Go on with Free")
    life.says("The workspace is on the Free plan")
    life.stands(plan="free", status="free", access="full")
    assert life.api.get("products/").status_code == 200

"""The settings pages of webhooks."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.audit.services import record
from tenants.context import Tenant, unit_of_work
from tests.cast import Person
from tests.webhooks.conftest import CLERK, log_of
from tests.webhooks.receivers import Receiver

HTMX = {"hx-request": "true"}


@pytest.fixture
def browser(client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]) -> Client:
    """The owner of acme, signed in."""
    return client_of(acme, person("owner").user)


def text(answer: object) -> str:
    """What people read of a page."""
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_an_owner_adds_tests_replays_and_deletes(
    browser: Client, receiver: Receiver, acme: Tenant, sent: list[str], turn: Callable[[Endpoint], None]
) -> None:
    assert "Let your programs know" in text(browser.get("/settings/webhooks/"))
    made = text(browser.post("/settings/webhooks/new/", {"url": receiver.url, "event_types": ["*"]}))
    assert re.search(r'<code id="secret">whsec_[A-Za-z0-9+/=]{40,}</code>', made)
    with unit_of_work(acme):
        endpoint = Endpoint.objects.get()
    page = f"/settings/webhooks/{endpoint.pk}/"
    listed = text(browser.get("/settings/webhooks/"))
    assert "/in</a>" in listed
    assert "key=1" not in listed
    answer = browser.post(f"{page}test/")
    (delivery,) = log_of(endpoint, acme)
    shown = f"/settings/webhooks/deliveries/{delivery.pk}/"
    assert answer["Location"] == shown
    assert "every 2s" in text(browser.get(shown))
    receiver.status, receiver.body = 500, b"<script>oops"
    turn(endpoint)
    log = text(browser.get(shown))
    assert "every 2s" not in log
    for said in ("webhook.test", "webhook-signature: v1,", "&lt;script&gt;oops", "answered 500"):
        assert said in log
    assert browser.post(f"{shown}replay/")["Location"] == shown
    with unit_of_work(acme):
        record(actor=CLERK, verb="order.paid")
        Delivery.objects.filter(event__type="order.paid").update(state="failed")
    assert "order.paid" in text(browser.get(page, {"state": "failed"}, headers=HTMX))
    assert "Nothing matches" in text(browser.get(page, {"state": "delivered"}, headers=HTMX))
    assert "Send again" in text(browser.get(f"{page}replay/", headers=HTMX))
    browser.post(f"{page}replay/", {"days": "1", "only_failed": "on"})
    assert "1 delivery is sent again." in text(browser.get(page))
    browser.post(f"{page}delete/")
    assert "The endpoint is deleted." in text(browser.get("/settings/webhooks/"))


def test_an_endpoint_is_changed_paused_and_gets_another_secret(
    browser: Client, endpoint: Endpoint, acme: Tenant
) -> None:
    page = f"/settings/webhooks/{endpoint.pk}/"
    form = {"url": endpoint.url, "description": "Shop", "event_types": ["order.paid", "order.placed"]}
    assert browser.post(f"{page}edit/", form).status_code == 302
    assert "order.paid, order.placed" in text(browser.get(page))
    browser.post(f"{page}pause/")
    assert "Paused" in text(browser.get(page))
    browser.post(f"{page}resume/")
    assert "signatures of both" in text(browser.get(f"{page}secret/", headers=HTMX))
    assert "whsec_" in text(browser.post(f"{page}secret/"))
    assert "earlier secret as well until" in text(browser.get(page))


@pytest.mark.usefixtures("dns", "trusting")
@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"event_types": ["*"]}, "Give the address that receives the events."),
        ({"url": "https://10.0.0.1/", "event_types": ["*"]}, "not a public one"),
        ({"url": "https://a.example/"}, "Choose at least one event."),
    ],
)
def test_what_is_wrong_stands_at_its_field(browser: Client, given: dict[str, object], hint: str) -> None:
    answer = browser.post("/settings/webhooks/new/", given)
    assert answer.status_code == 422
    assert hint in text(answer)


def test_members_do_not_see_them(
    client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]
) -> None:
    assert client_of(acme, person("member").user).get("/settings/webhooks/").status_code == 403

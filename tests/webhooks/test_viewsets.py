"""The API of webhooks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.audit.services import record
from tenants.context import Tenant, unit_of_work
from tests.api.calls import Api, errors, problem, signed_in
from tests.cast import Person
from tests.plans import allow
from tests.webhooks.conftest import CLERK
from tests.webhooks.receivers import Receiver


@pytest.fixture
def api(person: Callable[[str], Person], acme: Tenant, sent: list[str]) -> Api:
    return signed_in(person("owner").user, acme)


def test_the_life_of_an_endpoint(
    api: Api, receiver: Receiver, acme: Tenant, turn: Callable[[Endpoint], None], sent: list[str]
) -> None:
    made = api.post("webhook-endpoints/", {"url": receiver.url, "event_types": ["order.paid", "order.paid"]})
    assert made.status_code == 201, made.content
    shown = made.json()
    secret = shown.pop("secret")
    path = f"webhook-endpoints/{shown['id']}/"
    assert made["Location"].endswith(f"/api/v1/{path}")
    assert (shown["event_types"], shown["state"]) == (["order.paid"], "active")
    assert api.get(path).json() == shown
    tested = api.post(f"{path}test/")
    assert (tested.status_code, tested.json()["event_type"]) == (202, "webhook.test")
    with unit_of_work(acme):
        endpoint = Endpoint.objects.get()
    turn(endpoint)
    Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    rotated = api.post(f"{path}rotate-secret/").json()
    assert rotated["secret"] != secret
    assert rotated["previous_secret_until"]
    delivery = api.get(f"webhook-deliveries/{tested.json()['id']}/").json()
    assert (delivery["state"], delivery["attempts"][0]["status_code"]) == ("delivered", 204)
    assert delivery["body"].encode() == receiver.received[0].body
    assert api.post(f"{path}pause/").json()["state"] == "paused"
    problem(api.post(f"{path}pause/"), 409, "endpoint_state")
    assert api.patch(path, {"description": "Shop"}).json()["description"] == "Shop"
    assert api.post(f"{path}resume/").json()["state"] == "active"
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert api.post(f"{path}replay/", {"since": since}).json() == {"deliveries": 0}
    again = api.post(f"webhook-deliveries/{delivery['id']}/replay/")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    problem(api.post(f"webhook-deliveries/{delivery['id']}/replay/"), 409, "delivery_waiting")
    assert api.delete(path).status_code == 204
    assert api.get("webhook-deliveries/").json()["data"] == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"/url": "required", "/event_types": "required"}),
        ({"event_types": []}, {"/url": "required", "/event_types": "min_length"}),
        ({"url": "https://a.example/", "event_types": ["order.eaten"]}, {"/event_types/0": "invalid_choice"}),
        ({"url": "http://shop.example/", "event_types": ["*"]}, {"/url": "endpoint_address_refused"}),
        ({"url": "https://10.0.0.1/", "event_types": ["*"]}, {"/url": "endpoint_address_refused"}),
        ({"url": "https://a.example/", "event_types": ["*"], "secret": "x"}, {"/secret": "unknown_field"}),
        ({"url": "https://a.example/", "event_types": ["*"], "state": "paused"}, {"/state": "read_only"}),
    ],
)
def test_what_is_wrong_is_said_where_it_is(api: Api, body: dict[str, object], wrong: dict[str, str]) -> None:
    answer = api.post("webhook-endpoints/", body)
    assert answer.status_code == 422
    found = {one["pointer"]: one["code"] for one in answer.json().get("errors", [])}
    assert found == wrong


def test_a_replay_that_ends_before_it_begins_is_refused(api: Api, endpoint: Endpoint) -> None:
    path = f"webhook-endpoints/{endpoint.pk}/replay/"
    span = {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert api.post(path, span).status_code == 422
    assert errors(api.post(path, {})) == {"/since": "required"}


def test_a_plan_allows_so_many_endpoints(
    api: Api, endpoint: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, webhook_endpoints=1)
    refused = api.post("webhook-endpoints/", {"url": receiver.url, "event_types": ["*"]})
    assert problem(refused, 402, "limit_reached")["allowed"] == 1


def test_lists_are_narrowed(api: Api, endpoint: Endpoint, acme: Tenant) -> None:
    with unit_of_work(acme):
        record(actor=CLERK, verb="order.paid")
        record(actor=CLERK, verb="order.placed")
        Delivery.objects.filter(event__type="order.placed").update(state="failed")
    for query in (
        {"state": "failed"},
        {"event_type": "order.placed"},
        {"endpoint": str(endpoint.pk), "state": "failed", "since": "2020-01-01T00:00:00Z"},
    ):
        (found,) = api.get("webhook-deliveries/", **query).json()["data"]
        assert found["event_type"] == "order.placed"
    assert api.get("webhook-deliveries/", until="2020-01-01T00:00:00Z").json()["data"] == []
    assert [one["id"] for one in api.get("webhook-endpoints/", state="active").json()["data"]] == [
        str(endpoint.pk)
    ]

"""Webhooks and faults: signed, lost, repeated, out of order, answered with errors, or not answered at all."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import stripe as package

from billing.simulator.server import Server
from tests.billing.simulator.account import Account


class Inbox(HTTPServer):
    """An endpoint that keeps what it gets, and answers what it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reader)
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/stripe/"

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


class Reader(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["Stripe-Signature"], body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def control(server: Server, path: str, values: Any = None, method: str = "POST") -> Any:
    request = urllib.request.Request(f"{server.address}/_simulator/{path}", method=method)
    request.data = None if values is None else json.dumps(values).encode()
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def endpoint(stripe: Any, inbox: Inbox, *events: str) -> str:
    made = stripe.v1.webhook_endpoints.create({"url": inbox.url, "enabled_events": list(events) or ["*"]})
    return str(made.secret)


def test_a_webhook_is_signed_with_every_secret(stripe: Any, client: Any, server: Server, inbox: Inbox):
    first = endpoint(stripe, inbox, "customer.created")
    assert "secret" not in stripe.v1.webhook_endpoints.list().data[0]
    second = control(server, "webhooks/roll", {})["secrets"][0]
    stripe.v1.customers.create({"email": "a@acme.example"})
    stripe.v1.products.create({"name": "Team"})
    server.courier.settle(5)
    [(header, body)] = inbox.got
    for secret in (first, second):
        event = client.construct_event(body, header, secret)
        assert (event.type, event.data.object.email) == ("customer.created", "a@acme.example")
    with pytest.raises(package.SignatureVerificationError):
        client.construct_event(body, header, "whsec_other")


def test_the_courier_repeats_loses_and_shuffles(stripe: Any, server: Server, inbox: Inbox):
    endpoint(stripe, inbox)
    control(server, "webhooks", {"copies": 3})
    stripe.v1.customers.create()
    server.courier.settle(5)
    assert len({body for _, body in inbox.got}) == 1
    assert len(inbox.got) == 3
    control(server, "webhooks", {"copies": 1, "drop": 1.0})
    stripe.v1.customers.create()
    server.courier.settle(5)
    assert len(inbox.got) == 3
    assert [each["status"] for each in control(server, "webhooks", method="GET")["deliveries"]][
        -1
    ] == "dropped"
    control(server, "webhooks", {"drop": 0.0, "reorder": 0.05})
    made = [stripe.v1.products.create({"name": f"Product {at}"}).id for at in range(8)]
    server.courier.settle(5)
    arrived = [json.loads(body)["data"]["object"]["id"] for _, body in inbox.got[3:]]
    assert sorted(arrived) == sorted(made)
    assert arrived != made


def test_a_webhook_that_was_refused_comes_again(stripe: Any, server: Server, inbox: Inbox):
    endpoint(stripe, inbox)
    control(server, "webhooks", {"retry_seconds": [0.01, 0.01]})
    inbox.answers = [500, 503]
    stripe.v1.customers.create()
    while len(inbox.got) < 3:
        server.courier.settle(1)
    server.courier.settle(1)
    assert [each["attempt"] for each in server.courier.log] == [1, 2, 3]
    [event] = stripe.v1.events.list().data
    control(server, "webhooks/resend", {"event": event.id})
    server.courier.settle(5)
    assert inbox.types() == ["customer.created"] * 4


def test_a_meter_s_error_is_a_thin_event(stripe: Any, client: Any, server: Server, inbox: Inbox):
    made = stripe.v2.core.event_destinations.create(
        {
            "name": "Meters",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.billing.meter.no_meter_found"],
            "webhook_endpoint": {"url": inbox.url},
            "include": ["webhook_endpoint.signing_secret"],
        }
    )
    event = {"event_name": "unknown", "payload": {"stripe_customer_id": "cus_1", "value": "1"}}
    stripe.v1.billing.meter_events.create(event)
    server.courier.settle(5)
    [(header, body)] = inbox.got
    assert "data" not in json.loads(body)
    notice = client.parse_event_notification(body, header, made.webhook_endpoint.signing_secret)
    assert notice.fetch_event().data.reason.error_types[0].code == "no_meter"


def test_a_call_that_failed_after_its_effect_is_answered_by_its_key(stripe: Any, server: Server):
    def make() -> Any:
        return stripe.v1.customers.create({"name": "Acme"}, {"idempotency_key": "acme"})

    for kind, error in (
        ("error_before", package.APIError),
        ("rate_limit", package.RateLimitError),
        ("cut_before", package.APIConnectionError),
        ("error_after", package.APIError),
        ("cut_after", package.APIConnectionError),
    ):
        control(server, "faults", {"kind": kind, "path": "/v1/customers", "method": "POST"})
        with pytest.raises(error):
            make()
    assert make().id == stripe.v1.customers.list().data[0].id
    assert len(stripe.v1.customers.list().data) == 1
    assert [rule["happened"] for rule in control(server, "faults", method="GET")] == [1] * 5
    with pytest.raises(urllib.error.HTTPError):
        control(server, "faults", {"kind": "earthquake"})


def test_an_event_that_nothing_else_makes_can_be_asked_for(stripe: Any, server: Server, inbox: Inbox):
    endpoint(stripe, inbox, "charge.dispute.created")
    values = {"id": "dp_1", "amount": 500, "reason": "fraudulent"}
    control(server, "emit", {"type": "charge.dispute.created", "kind": "dispute", "values": values})
    server.courier.settle(5)
    assert json.loads(inbox.got[0][1])["data"]["object"]["reason"] == "fraudulent"


def test_everybody_s_time_moves_and_one_mistake_does_not_stop_it(stripe: Any, server: Server, capfd: Any):
    account = Account(stripe)
    customer = stripe.v1.customers.create().id
    price = account.price()
    trial = [
        stripe.v1.subscriptions.create(
            {"customer": whom, "items": [{"price": price}], "trial_period_days": 1}
        )
        for whom in (customer, stripe.v1.customers.create().id)
    ]
    server.simulator.world.store.get("subscription", trial[0].id)["trial_settings"] = None
    now = control(server, "advance", {"seconds": 2 * 86400})["now"]
    assert now > server.simulator.world.offset
    while stripe.v1.subscriptions.retrieve(trial[1].id).status == "trialing":
        server.courier.settle(0.01)
    assert stripe.v1.subscriptions.retrieve(trial[0].id).status == "trialing"
    assert "TypeError" in capfd.readouterr().err


def test_a_stream_of_the_second_generation_counts_as_well(stripe: Any, server: Server):
    meter = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    name = stripe.v1.billing.meters.create(meter).id
    customer = stripe.v1.customers.create().id
    event = {"event_name": "calls", "payload": {"stripe_customer_id": customer, "value": "2"}}
    stripe.v2.billing.meter_events.create({**event, "identifier": "one"})
    token = stripe.v2.billing.meter_event_session.create().authentication_token
    addresses: Any = {"api": server.address, "meter_events": server.address}
    streaming = package.StripeClient(token, base_addresses=addresses)
    events: Any = [{**event, "identifier": each} for each in ("one", "two")]
    streaming.v2.billing.meter_event_stream.create({"events": events})
    now = server.simulator.world.now() // 60 * 60
    window = {"customer": customer, "start_time": now - 3600, "end_time": now + 3600}
    assert stripe.v1.billing.meters.event_summaries.list(name, window).data[0].aggregated_value == 4


def test_the_account_survives_a_restart(stripe: Any, server: Server, tmp_path: Any):
    made = stripe.v1.customers.create({"name": "Acme"}, {"idempotency_key": "acme"})
    server.simulator.kept_in = tmp_path / "account"
    server.simulator.keep()
    server.simulator.reset()
    assert stripe.v1.customers.list().data == []
    server.simulator.load(tmp_path / "account")
    assert stripe.v1.customers.retrieve(made.id).name == "Acme"
    assert stripe.v1.customers.create({"name": "Acme"}, {"idempotency_key": "acme"}).id == made.id

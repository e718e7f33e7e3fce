"""The benchmark of Stripe's webhooks: what its rounds say, and what it sends."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from bench import stripe
from bench.loads import CONNECTIONS, deal
from shared_apps.inbox.reading import read_event
from shared_apps.inbox.signatures import check_signature


def test_figures_are_medians_of_the_rounds() -> None:
    waited = [n / 1000 for n in range(1, 1001)]
    found = stripe.Measured(
        stored=[600.0, 500.0, 700.0], raw=[3000.0, 2500.0, 7000.0], p95=[9.0, 10.0, 30.0], waited=waited
    )
    stored, p95, p99 = stripe.results(found)
    assert (stored.ours, stored.limit, stored.ratio_to_limit) == pytest.approx((600, 3000, 0.2))
    assert (p95.ours, p95.ratio_to_limit) == pytest.approx((10, 2))
    assert p99.ours == pytest.approx(0.99, abs=0.001)


def test_what_it_sends_is_what_the_door_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STRIPE_API_KEY", "sk_test_benchmark")
    turns = [list(turn) for turn in deal(stripe._messages(CONNECTIONS + 1), "200")]
    assert [len(turn) for turn in turns] == [2] + [1] * (CONNECTIONS - 1)
    names: set[str] = set()
    for message, _ in (each for turn in turns for each in turn):
        head, _, body = message.partition(b"\r\n\r\n")
        headers: dict[str, Any] = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        check_signature(body, headers["Stripe-Signature"], [stripe.SECRET], timezone.now())
        assert int(headers["Content-Length"]) == len(body)
        names.add(read_event(body).stripe_id)
        assert json.loads(body)["type"] == "bench.event"
    assert len(names) == CONNECTIONS + 1

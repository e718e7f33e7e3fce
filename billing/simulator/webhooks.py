"""Webhooks: endpoints, signatures, and a courier that can be told to lose, repeat, delay and shuffle."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from billing.simulator.events import KEPT_DAYS
from billing.simulator.shapes import Object
from billing.simulator.world import World

TIMEOUT = 20
SNAPSHOTS, DESTINATIONS = "webhook_endpoint", "v2.core.event_destination"


@dataclass
class Habits:
    """What the courier does with deliveries besides making them."""

    copies: int = 1
    drop: float = 0.0
    delay: float = 0.0
    # Each delivery waits a random part of so many seconds more, so that later ones overtake it.
    reorder: float = 0.0
    retry_seconds: list[float] = field(default_factory=lambda: [1.0, 5.0, 30.0, 300.0])


@dataclass(order=True)
class Delivery:
    """One message for one endpoint."""

    at: float
    order: int
    url: str = field(compare=False)
    secrets: list[str] = field(compare=False)
    event: str = field(compare=False)
    kind: str = field(compare=False)
    body: bytes = field(compare=False)
    attempt: int = field(compare=False, default=1)


def signature(body: bytes, secrets: list[str], at: int) -> str:
    """The `Stripe-Signature` header; while a secret is replaced there is one signature for each."""
    signed = [hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={each}" for each in signed)])


class Courier:
    """A thread that brings events to endpoints, in order unless it was told otherwise."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self.world, self.habits = world, Habits()
        self.log: deque[Object] = deque(maxlen=500)
        self._waiting: list[Delivery] = []
        self._busy, self._order = 0, 0
        self._chance = random.Random(seed)  # noqa: S311 - chance that can be repeated is the aim
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        # A delivery that nobody answers is not waited for.
        self._thread.join(1)

    def reset(self) -> None:
        """Nothing to deliver, and no habits."""
        with self._changed:
            self._waiting.clear()
            self.log.clear()
            self.habits = Habits()

    def send(self, events: list[Object]) -> None:
        """Take events over; called when what they tell of has been committed."""
        for event in events:
            for endpoint in self._endpoints(event):
                for _ in range(self.habits.copies):
                    self._enqueue(event, endpoint)

    def _endpoints(self, event: Object) -> list[Object]:
        thin = event["object"] == "v2.core.event"
        found = list(self._destinations("thin" if thin else "snapshot"))
        if not thin:
            found += self.world.store.oldest_first(SNAPSHOTS, status="enabled")
            event["pending_webhooks"] = len(found)
        return [each for each in found if {"*", event["type"]} & set(each["enabled_events"])]

    def _destinations(self, payload: str) -> Iterator[Object]:
        return self.world.store.oldest_first(DESTINATIONS, status="enabled", event_payload=payload)

    def _enqueue(self, event: Object, endpoint: Object) -> None:
        if self._chance.random() < self.habits.drop:
            self._note(event["id"], event["type"], "dropped", 0)
            return
        url = endpoint["url"] if endpoint["object"] == SNAPSHOTS else endpoint["webhook_endpoint"]["url"]
        secrets = list(self.world.store.secrets[endpoint["id"]]["signing"])
        # A thin event is its own name: the data has to be fetched.
        shown = {name: value for name, value in event.items() if event["object"] == "event" or name != "data"}
        at = time.monotonic() + self.habits.delay + self._chance.random() * self.habits.reorder
        body = json.dumps(shown).encode()
        self._put(Delivery(at, 0, url, secrets, event["id"], event["type"], body))

    def _put(self, delivery: Delivery) -> None:
        with self._changed:
            self._order += 1
            delivery.order = self._order
            heapq.heappush(self._waiting, delivery)
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until everything was tried once, as long as this."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._first_attempts() and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def _first_attempts(self) -> bool:
        return bool(self._busy) or any(each.attempt == 1 for each in self._waiting)

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            status = _deliver(delivery)
            self._note(delivery.event, delivery.kind, status, delivery.attempt)
            if not 200 <= int(status or 0) < 300:
                self._retry(delivery)
            else:
                self._count_down(delivery.event)
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._waiting and self._waiting[0].at <= now:
                    self._busy += 1
                    return heapq.heappop(self._waiting)
                self._changed.wait(self._waiting[0].at - now if self._waiting else None)
        return None

    def _retry(self, delivery: Delivery) -> None:
        pauses = self.habits.retry_seconds
        if delivery.attempt <= len(pauses):
            delivery.at = time.monotonic() + pauses[delivery.attempt - 1]
            delivery.attempt += 1
            self._put(delivery)

    def _count_down(self, name: str) -> None:
        event = self.world.store.find("event", name)
        if event is not None:
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)

    def _note(self, event: str, kind: str, status: Any, attempt: int) -> None:
        self.log.append({"event": event, "type": kind, "status": status, "attempt": attempt})

    def resend(self, name: str) -> int:
        """Send an event of the last thirty days again, as the dashboard can."""
        event = self.world.store.get("event", name)
        assert self.world.now() - event["created"] <= KEPT_DAYS * 86_400
        self.send([event])
        return len(self._endpoints(event))

    def state(self) -> Object:
        return {"habits": asdict(self.habits), "deliveries": list(self.log), "waiting": len(self._waiting)}


def _deliver(delivery: Delivery) -> int | None:
    """The status that the endpoint answered with; None where it did not answer."""
    target = urlsplit(delivery.url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=TIMEOUT)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (simulator)",
        "Stripe-Signature": signature(delivery.body, delivery.secrets, int(time.time())),
    }
    try:
        connection.request("POST", target.path or "/", delivery.body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()

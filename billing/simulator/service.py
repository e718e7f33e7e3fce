"""A request from its arrival to its answer: key, fault, route, parameters, idempotency, handler, events."""

from __future__ import annotations

import json
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from billing.simulator import handlers
from billing.simulator.calls import HANDLERS, Call
from billing.simulator.events import VERSION
from billing.simulator.faults import Faults
from billing.simulator.forms import decode
from billing.simulator.idempotency import Keys
from billing.simulator.parameters import checked
from billing.simulator.refusals import Refusal
from billing.simulator.rendering import expanded, rendered
from billing.simulator.routes import Route, table
from billing.simulator.shapes import Object
from billing.simulator.store import new_id
from billing.simulator.webhooks import Courier
from billing.simulator.world import World

KEYS = ("sk_test_", "rk_test_")
# The streams of meter events have keys of their own, good for minutes.
STREAM = "/v2/billing/meter_event_stream"
METER_EVENTS = frozenset({"/v1/billing/meter_events", "/v2/billing/meter_events"})


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Simulator:
    """The account behind its API."""

    def __init__(self, world: World) -> None:
        handlers.load()
        self.world, self.faults, self.keys = world, Faults(), Keys()
        self.courier = Courier(world)
        # The file that the account is kept in, if any.
        self.kept_in: Path | None = None
        self._held: set[tuple[str, str]] = set()
        self._held_lock, self._keeping = threading.Lock(), threading.Lock()

    def reset(self) -> None:
        """Everything as on the first day."""
        with self.world.lock:
            self.world.reset()
            self.faults.clear()
            self.keys.clear()
        self.courier.reset()

    def keep(self) -> None:
        """Write the account into its file, all or nothing; when this returns, all that was done before is in there."""
        with self._keeping:
            if self.kept_in is None or not self.world.touched:
                return
            with self.world.lock:
                self.world.touched = False
                content = pickle.dumps({"world": self.world.saved(), "keys": self.keys.saved()})
            half = self.kept_in.with_name(f"{self.kept_in.name}.new")
            half.write_bytes(content)
            half.replace(self.kept_in)

    def load(self, path: Path) -> None:
        """Go on with the account of a file that this program has written."""
        saved = pickle.loads(path.read_bytes())  # noqa: S301 - our own file, in the owner's own folder
        with self.world.lock:
            self.world.load(saved["world"])
            self.keys.load(saved["keys"])

    def answer(self, request: Request) -> Answer:
        """Answer a call; raises Cut where the connection shall end instead."""
        name = new_id("req", 14)
        try:
            status, body, more = self._served(request, name)
        except Refusal as refusal:
            status, body, more = _refused(refusal, name)
        return Answer(status, body, {"Request-Id": name, "Stripe-Version": VERSION, **more})

    def _served(self, request: Request, name: str) -> tuple[int, bytes, dict[str, str]]:
        self._check_key(request)
        _check_version(request.headers)
        self.faults.before(request.method, request.path)
        route, ids = _route_of(request)
        given = _parameters(request)
        key = request.headers.get("Idempotency-Key", "") if request.method != "GET" else ""
        answer: tuple[int, bytes, dict[str, str]]
        if not key:
            answer = 200, self._run(request, route, ids, given), {}
        else:
            answer = self._once(key, request, name, lambda: self._run(request, route, ids, given))
        self.faults.after(request.method, request.path)
        return answer

    def _check_key(self, request: Request) -> None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not key:
            raise Refusal("You did not provide an API key.", status=401)
        good_until = self.world.store.secrets["streams"].get(key, 0)
        if request.path == STREAM and good_until > self.world.now():
            return
        if not key.startswith(KEYS):
            shown = f"{key[:8]}{'*' * 8}{key[-4:]}"
            raise Refusal(
                f"Invalid API Key provided: {shown}. The simulator takes test keys only.", status=401
            )

    def _once(
        self, key: str, request: Request, name: str, run: Callable[[], bytes]
    ) -> tuple[int, bytes, dict[str, str]]:
        """Run a call with an idempotency key, unless it has been run before."""
        whole = f"{request.method} {request.path} {request.body.decode(errors='replace')}"
        kept = self.keys.begin(key, whole, time.time())
        if kept is not None:
            return kept.status, kept.body, {"Idempotent-Replayed": "true", "Idempotency-Key": key}
        more: dict[str, str] = {}
        try:
            status, body = 200, run()
        except Refusal as refusal:
            if refusal.status != 402:
                # Stripe keeps answers of calls that began; a call that was refused at the door did not.
                self.keys.abandon(key)
                raise
            status, body, more = _refused(refusal, name)
        except BaseException:
            self.keys.abandon(key)
            raise
        self.keys.finish(key, status, body)
        # The account may have been kept since the call had its effect: without the key it could have it twice.
        self.world.touched = True
        return status, body, {**more, "Idempotency-Key": key}

    def _run(self, request: Request, route: Route, ids: tuple[str, ...], given: Object) -> bytes:
        params = checked(route.params_type(), given)
        handler = HANDLERS.get((route.method, route.path))
        if handler is None:
            raise _not_simulated(route)
        with self._one_at_a_time(route.path, params), self.world.lock:
            call = Call(self.world, ids, params, request.path)
            self.world.touched |= route.method != "GET"
            try:
                found = handler(call)
                answer = expanded(self.world.store, rendered(found), found, params.get("expand") or [])
            finally:
                # What a refused payment has changed stays changed, and is told of as well.
                self.courier.send(self.world.taken())
        return json.dumps(answer).encode()

    @contextmanager
    def _one_at_a_time(self, path: str, params: Object) -> Iterator[None]:
        """Stripe takes one meter event at a time for a customer and meter, and answers others with 429."""
        if path not in METER_EVENTS:
            yield
            return
        held = params["event_name"], str(params["payload"].get("stripe_customer_id"))
        with self._held_lock:
            if held in self._held:
                raise _locked()
            self._held.add(held)
        try:
            if seconds := self.world.settings.meter_event_seconds:
                time.sleep(seconds)
            yield
        finally:
            self._held.discard(held)


def _refused(refusal: Refusal, name: str) -> tuple[int, bytes, dict[str, str]]:
    may = {} if refusal.may_retry is None else {"Stripe-Should-Retry": str(refusal.may_retry).lower()}
    return refusal.status, json.dumps(refusal.body(name)).encode(), may


def _check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("Stripe-Version", VERSION)
    if version != VERSION:
        raise Refusal(f"Invalid Stripe API version: {version}. The simulator speaks {VERSION} only.")


def _route_of(request: Request) -> tuple[Route, tuple[str, ...]]:
    found = table().find(request.method, request.path)
    if found is None:
        raise Refusal(
            f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs.",
            status=404,
        )
    return found


def _parameters(request: Request) -> Object:
    if request.path.startswith("/v2/") and request.body:
        found = json.loads(request.body)
        return found if isinstance(found, dict) else {}
    return decode(request.body.decode() if request.body else request.query)


def _not_simulated(route: Route) -> Refusal:
    return Refusal(
        f"The stripe package knows {route.method} {route.path}, and the simulator does not answer it.",
        kind="api_error",
        code="not_simulated",
        status=501,
    )


def _locked() -> Refusal:
    return Refusal(
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        status=429,
    )

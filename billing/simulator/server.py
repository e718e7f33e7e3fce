"""The simulator over HTTP, in threads: its API, its pages, and the switches for tests."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from billing.simulator import control, web
from billing.simulator.engine import Engine
from billing.simulator.faults import Cut
from billing.simulator.refusals import Refusal
from billing.simulator.service import METER_EVENTS, Answer, Request, Simulator
from billing.simulator.world import World

MOST_BYTES = 4_000_000


class Server(ThreadingHTTPServer):
    """A listening simulator."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, world: World) -> None:
        super().__init__((host, port), Exchange)
        world.address = world.address or f"http://{host}:{self.server_address[1]}"
        self.simulator = Simulator(world)
        self.courier = self.simulator.courier
        self.engine = Engine(world, self.courier.send, self.courier.settle)
        world.advancing = self.engine.advance

    @property
    def address(self) -> str:
        return self.simulator.world.address


class Exchange(BaseHTTPRequestHandler):
    """One connection; each of its requests is answered in one write."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        try:
            answer = self._answer()
        except Cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names that the standard library looks for

    def _answer(self) -> Answer:
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            raise Cut
        body = self.rfile.read(length) if length else b""
        headers = {name.title(): value for name, value in self.headers.items()}
        request = Request(self.command, target.path, target.query, body, headers)
        try:
            return _answered(self.server.simulator, request)
        finally:
            # A platform must not know of what is gone after a kill -9. Meter events are too many: they wait a second.
            if request.method != "GET" and request.path not in METER_EVENTS:
                self.server.simulator.keep()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Silence: the platform logs its own calls."""


def _answered(simulator: Simulator, request: Request) -> Answer:
    if request.path.startswith("/_simulator"):
        return _controlled(simulator, request)
    if request.path.startswith(("/v1/", "/v2/")):
        return simulator.answer(request)
    return web.answer(simulator, request)


def _controlled(simulator: Simulator, request: Request) -> Answer:
    try:
        return Answer(200, json.dumps(control.answer(simulator, request)).encode(), {})
    except Refusal as refusal:
        return Answer(refusal.status, json.dumps(refusal.body("control")).encode(), {})


@contextmanager
def running(host: str = "127.0.0.1", port: int = 0, world: World | None = None) -> Iterator[Server]:
    """A simulator for the length of a `with`, in threads of this process."""
    server = Server(host, port, world or World())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    server.engine.start()
    server.courier.start()
    try:
        yield server
    finally:
        server.engine.stop()
        server.courier.stop()
        server.shutdown()
        server.server_close()
        thread.join()

"""Load over HTTP, on a server of three lines."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.loads import CONNECTIONS, flood, stroll, tail

CALL = {
    "host": "shop.localhost",
    "path": "/api/",
    "query": "limit=2",
    "token": "t",
    "scheme": "Bearer",
    "body": "",
    "headers": [["HTTP_IF_NONE_MATCH", '"x"']],
    "expected": "200",
}
ORDER = {**CALL, "query": "", "body": "{}", "expected": "201"}


class Shop(BaseHTTPRequestHandler):
    """Answers as it was asked, and remembers who asked how."""

    protocol_version = "HTTP/1.1"
    seen: dict[tuple[str, int], list[str]]

    def do_GET(self) -> None:
        self._answer(200, f"{self.path} {self.headers['Host']} {self.headers['If-None-Match']}")

    def do_POST(self) -> None:
        self._answer(201, self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, status: int, text: str) -> None:
        self.seen.setdefault(self.client_address, []).append(text)
        self.send_response(status)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"good")

    def log_message(self, *told: object) -> None:
        pass


class Street(ThreadingHTTPServer):
    """Where customers may leave in the middle of a word."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Shop.seen = {}
    with Street(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_flood_asks_again_and_again_by_connections_that_stay_open(port: int) -> None:
    assert flood(port, [CALL, ORDER], 0.1) > 0
    assert len(Shop.seen) == CONNECTIONS
    assert {text for each in Shop.seen.values() for text in each} == {
        '/api/?limit=2 shop.localhost "x"',
        "{}",
    }


def test_a_stroll_asks_at_its_own_times_and_counts_from_when_each_was_due(port: int) -> None:
    latencies = stroll(port, [CALL], rate=400, seconds=0.2)
    assert len(latencies) == pytest.approx(80, abs=CONNECTIONS)
    assert min(latencies) > 0


def test_another_answer_than_the_expected_one_ends_the_measurement(port: int) -> None:
    with pytest.raises(RuntimeError, match="another answer"):
        flood(port, [{**CALL, "expected": "304"}], 0.1)


def test_the_tail_is_told_beside_the_median() -> None:
    assert tail([0.001 * number for number in range(1, 102)]) == pytest.approx((0.051, 0.1))

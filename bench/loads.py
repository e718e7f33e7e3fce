"""Load over HTTP: connections that are kept open, each asking again at once, or at times of its own."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from random import Random
from statistics import quantiles
from typing import Any, Final

from config import env
from infra.local.ports import free_port

CONNECTIONS: Final = 16
LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 60
Call = dict[str, Any]
# When a connection asks, by its number and the moment when all begin.
Times = Callable[[int, float], Iterator[float]]
# What a connection sends, one after the other, and the status that it expects.
Turn = Iterator[tuple[bytes, bytes]]


@contextlib.contextmanager
def web_server(application: list[str], environment: dict[str, str]) -> Iterator[int]:
    """The server that bin/dev starts, with any application, and one worker unless told otherwise; its port."""
    port = free_port()
    options = [
        "--interface",
        "wsgi",
        "--host",
        LOOPBACK,
        "--port",
        str(port),
        "--no-ws",
        "--log-level",
        "error",
    ]
    workers = ["--workers", environment.get("WEB_WORKERS", "1")]
    threads = ["--blocking-threads", environment.get("WEB_THREADS", "4")]
    command = [sys.executable, "-m", "granian", *options, *workers, *threads, *application]
    process = subprocess.Popen(command, cwd=env.ROOT, env=environment)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def flood(port: int, calls: list[Call], seconds: float) -> float:
    """Requests a second when every connection asks again as soon as it is answered."""
    return pour(port, _turns(calls), seconds)[0]


def stroll(port: int, calls: list[Call], rate: float, seconds: float) -> list[float]:
    """How long answers take, from when each was due, at so many requests a second on all connections together."""
    return drip(port, _turns(calls), rate, seconds)


def deal(messages: Sequence[bytes], expected: str) -> list[Turn]:
    """Give each message to one connection, to be sent once."""
    return [
        iter([(each, expected.encode()) for each in messages[at::CONNECTIONS]]) for at in range(CONNECTIONS)
    ]


def pour(port: int, turns: list[Turn], seconds: float) -> tuple[float, list[float]]:
    """Requests a second when every connection asks again as soon as it is answered, and how long each answer took."""
    began, latencies = _run(port, turns, lambda at, start: _always(start + seconds))
    return len(latencies) / (time.perf_counter() - began), latencies


def drip(port: int, turns: list[Turn], rate: float, seconds: float) -> list[float]:
    """How long answers take, from when each was due, at so many requests a second on all connections together."""
    pause, random = CONNECTIONS / rate, Random(16)
    late = [pause * random.random() for _ in range(CONNECTIONS)]
    return _run(port, turns, lambda at, start: _regularly(start + late[at], pause, start + seconds))[1]


def _turns(calls: list[Call]) -> list[Turn]:
    """All calls for every connection, again and again; each begins with another."""
    messages = [(_message(call), call["expected"].encode()) for call in calls]
    starts = (at % len(calls) for at in range(CONNECTIONS))
    return [cycle(messages[start:] + messages[:start]) for start in starts]


def tail(latencies: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    parts = quantiles(latencies, n=100, method="inclusive")
    return parts[49], parts[98]


def _run(port: int, turns: list[Turn], times: Times) -> tuple[float, list[float]]:
    """When the first request left, and how long each answer took."""

    async def run() -> tuple[float, list[list[float]]]:
        opened = [await asyncio.open_connection(LOOPBACK, port) for _ in range(CONNECTIONS)]
        start = time.perf_counter()
        asking = (
            _ask(reader, writer, turns[at], times(at, start)) for at, (reader, writer) in enumerate(opened)
        )
        return start, await asyncio.gather(*asking)

    began, found = asyncio.run(run())
    return began, [latency for each in found for latency in each]


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, turn: Turn, times: Iterator[float]
) -> list[float]:
    latencies = []
    for due, (message, expected) in zip(times, turn, strict=False):
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        writer.write(message)
        await _answer(reader, expected)
        latencies.append(time.perf_counter() - due)
    writer.close()
    return latencies


async def _answer(reader: asyncio.StreamReader, expected: bytes) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if head.split(b" ", 2)[1] != expected:
        raise RuntimeError(f"Under load came another answer: {head[:300]!r}")
    _, _, length = head.lower().partition(b"content-length: ")
    if length:
        await reader.readexactly(int(length.split(b"\r\n", 1)[0]))


def _message(call: Call) -> bytes:
    body: str = call["body"]
    target = f"{call['path']}?{call['query']}" if call["query"] else call["path"]
    lines = [f"{'POST' if body else 'GET'} {target} HTTP/1.1", f"Host: {call['host']}"]
    lines += ["Accept: application/json", f"Authorization: {call['scheme']} {call['token']}"]
    lines += [f"{name.removeprefix('HTTP_').replace('_', '-')}: {value}" for name, value in call["headers"]]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _always(until: float) -> Iterator[float]:
    yield time.perf_counter()
    while (now := time.perf_counter()) < until:
        yield now


def _regularly(first: float, pause: float, until: float) -> Iterator[float]:
    due = first
    while due < until:
        yield due
        due += pause


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("The web server did not start; what it said stands above.")

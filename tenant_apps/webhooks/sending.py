"""One POST to a stranger's server: to the address that was checked, without detours, within one span of time.

httpcore follows no redirects, reads no proxies from the environment and unpacks nothing; what is left to do here is
to connect to checked addresses only, and to let nobody stretch a conversation.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import httpcore

from tenant_apps.webhooks.addresses import Target, check_url, resolve
from tenant_apps.webhooks.errors import BadAddress

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MOST_READ: Final = 64 * 1024
MOST_KEPT: Final = 4 * 1024
MOST_HEADERS: Final = 40
MOST_HEADER: Final = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. Without an answer there is no status, and `error` says why."""

    status: int | None
    error: str
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Send a body and say what came of it; whatever the other side does is an outcome, never an error."""
    began = time.monotonic()

    def ended(status: int | None, error: str, **answer: Any) -> Outcome:
        return Outcome(status, error, time.monotonic() - began, **answer)

    try:
        status, found, text = _exchange(url, headers, body, began + TOTAL_SECONDS)
    except BadAddress as refusal:
        return ended(None, refusal.detail)
    except (httpcore.TimeoutException, TimeoutError):
        return ended(None, f"The receiver took too long: an attempt lasts {TOTAL_SECONDS:g} seconds at most.")
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        return ended(None, f"The connection failed: {_said(error)}.")
    return ended(status, _judged(status), headers=found, body=text)


def _exchange(
    url: str, headers: Mapping[str, str], body: bytes, deadline: float
) -> tuple[int, dict[str, str], str]:
    target = check_url(url)
    where = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    backend = Pinned(target, deadline)
    sent = [("host", target.authority), *headers.items()]
    with (
        httpcore.ConnectionPool(ssl_context=_trust(), network_backend=backend) as pool,
        pool.stream("POST", where, headers=sent, content=body) as response,
    ):
        return response.status, _kept_headers(response), _kept_body(response)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _kept_headers(response: httpcore.Response) -> dict[str, str]:
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
    return {_text(name)[:100].lower(): _text(value)[:MOST_HEADER] for name, value in found[:MOST_HEADERS]}


def _kept_body(response: httpcore.Response) -> str:
    """The beginning of the answer. One that goes on and on is not read to its end."""
    kept, read = b"", 0
    for chunk in response.iter_stream():
        kept += chunk[: MOST_KEPT - len(kept)]
        read += len(chunk)
        if read >= MOST_READ:
            break
    return _text(kept.decode("utf-8", "replace"))


def _text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _judged(status: int) -> str:
    if 300 <= status < 400:
        return "The receiver answered with a redirect, which is not followed. Give the final address."
    return "" if 200 <= status < 300 else f"The receiver answered {status}; 2xx is expected."


def _said(error: BaseException) -> str:
    return _text(str(error) or type(error).__name__)[:200]


class Pinned(httpcore.NetworkBackend):
    """Connects to the checked addresses of one target, whatever its name leads to a moment later."""

    def __init__(self, target: Target, deadline: float) -> None:
        self._target, self._deadline = target, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """The first address that answers."""
        if (host, port) != (self._target.host, self._target.port):
            raise httpcore.ConnectError(f"{host}:{port} is not the target of this connection")
        failure: Exception = httpcore.ConnectError("no address")
        for address in resolve(self._target):
            try:
                seconds = min(CONNECT_SECONDS, _left(self._deadline))
                stream = httpcore.SyncBackend().connect_tcp(str(address), port, timeout=seconds)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return Hurried(stream, self._deadline)
        raise failure

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Never: receivers are on the internet."""
        raise httpcore.ConnectError("no receiver listens there")

    def sleep(self, seconds: float) -> None:
        """Never: there are no retries here."""
        raise httpcore.ConnectError("no second try")


class Hurried(httpcore.NetworkStream):
    """A connection whose every step ends with the whole conversation's time, however slowly bytes trickle."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 16384):
            self._stream.write(buffer[start : start + 16384], _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return Hurried(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the time is over")
    return seconds

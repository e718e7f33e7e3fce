"""One HTTP request, made by calling a WSGI application as a server would."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """A request with a credential: a GET, or with a body a POST."""

    host: str
    path: str
    query: str
    token: str
    scheme: str = "Bearer"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    expected: str = "200"

    def environ(self) -> dict[str, Any]:
        """A fresh environment: applications write into theirs."""
        return {
            "REQUEST_METHOD": "POST" if self.body else "GET",
            "CONTENT_TYPE": "application/json" if self.body else "",
            "CONTENT_LENGTH": str(len(self.body)) if self.body else "",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "HTTP_ACCEPT": "application/json",
            "HTTP_USER_AGENT": "bench",
            "HTTP_AUTHORIZATION": f"{self.scheme} {self.token}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **dict(self.headers),
        }


Scenarios = dict[str, list[Call]]


def fetch(application: Application, call: Call) -> bytes:
    """The body of the answer; anything but what is expected ends the measurement."""
    return exchange(application, call)[0]


def exchange(application: Application, call: Call) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the answer."""
    answered: list[Any] = []
    result = application(call.environ(), lambda *told, **more: answered.extend(told))
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    if not answered[0].startswith(call.expected):
        raise RuntimeError(f"{call.path} on {call.host} answered {answered[0]}: {body[:500]!r}")
    return body, dict(answered[1])

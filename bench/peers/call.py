"""One HTTP request, made by calling a WSGI application as a server would."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """A GET with a bearer token."""

    host: str
    path: str
    query: str
    token: str

    def environ(self) -> dict[str, Any]:
        """A fresh environment: applications write into theirs."""
        return {
            "REQUEST_METHOD": "GET",
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
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def fetch(application: Application, call: Call) -> bytes:
    """The body of the answer; anything but 200 ends the measurement."""
    answered: list[str] = []
    result = application(call.environ(), lambda status, headers, exc_info=None: answered.append(status))
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    if not answered[0].startswith("200"):
        raise RuntimeError(f"{call.path} on {call.host} answered {answered[0]}: {body[:500]!r}")
    return body

"""A visitor who knows nothing but addresses: HTTP with cookies, forms, JSON and files."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from infra.local.ports import LOOPBACK


class Unexpected(Exception):
    """An answer that the journey cannot go on with."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str

    def json(self) -> Any:
        """The body's data."""
        return json.loads(self.text)

    def expect(self, *statuses: int) -> Answer:
        """Go on only with one of these."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise Unexpected(
                f"{self.url} answered {self.status}, not {wanted}: {' '.join(self.text.split())[:600]}"
            )
        return self


class Stranger:
    """One visitor with a cookie jar. Every host name leads to the one port: no name has to be resolved."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self.jar: dict[str, dict[str, str]] = {}

    def ask(
        self,
        method: str,
        path: str,
        *,
        data: Any = None,
        token: str = "",
        body: bytes = b"",
        content_type: str = "",
        accept: str = "application/json",
    ) -> Answer:
        """Send one request; `data` goes as JSON."""
        headers = {"Accept": accept, "Host": f"{self.host}:{self.port}", "Cookie": self._cookies()}
        if data is not None:
            body, content_type = json.dumps(data).encode(), "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if content_type:
            headers["Content-Type"] = content_type
        if accept == "text/html":
            headers |= {"Origin": f"http://{self.host}:{self.port}", "Referer": self._url(path)}
        return self._send(method, path, body, {name: value for name, value in headers.items() if value})

    def upload(self, path: str, fields: Mapping[str, str], name: str, content: bytes, token: str) -> Answer:
        """Send a form with a file in it."""
        mark = uuid.uuid4().hex
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in fields.items()
        ]
        file = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        )
        body = "".join([*parts, file]).encode() + content + f"\r\n--{mark}--\r\n".encode()
        return self.ask(
            "POST", path, body=body, content_type=f"multipart/form-data; boundary={mark}", token=token
        )

    def visit(self, path: str) -> Answer:
        """Open a page and follow where it leads, to other hosts too."""
        answer = self.ask("GET", path, accept="text/html")
        for _ in range(8):
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = urlsplit(urljoin(answer.url, answer.headers["location"]))
            self.host = target.hostname or self.host
            answer = self.ask("GET", f"{target.path}?{target.query}".rstrip("?"), accept="text/html")
        raise Unexpected(f"{answer.url} redirects for ever")

    def submit(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Open a page, fill in the form that has these fields, send it, and follow where that leads."""
        page = self.visit(path).expect(200)
        form = _form_with(page, fields)
        action = urlsplit(urljoin(page.url, form.action or page.url))
        body = urlencode({**form.hidden, **fields}).encode()
        target = f"{action.path}?{action.query}".rstrip("?")
        answer = self.ask(
            "POST", target, body=body, content_type="application/x-www-form-urlencoded", accept="text/html"
        )
        if answer.status in (301, 302, 303):
            to = urlsplit(urljoin(answer.url, answer.headers["location"]))
            self.host = to.hostname or self.host
            return self.visit(f"{to.path}?{to.query}".rstrip("?"))
        return answer

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        line = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            line.request(method, path, body=body or None, headers=dict(headers))
            answer = line.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            line.close()
        self._keep(answer.headers.get_all("Set-Cookie") or [])
        lower = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, lower, text, self._url(path))

    def _url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def _cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.get(self.host, {}).items())

    def _keep(self, lines: list[str]) -> None:
        mine = self.jar.setdefault(self.host, {})
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    mine.pop(name, None)
                else:
                    mine[name] = morsel.value


class _Form:
    def __init__(self, action: str, method: str) -> None:
        self.action, self.is_post = action, method.lower() == "post"
        self.hidden: dict[str, str] = {}
        self.names: set[str] = set()


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(_Form(values.get("action", ""), values.get("method", "")))
            self.inside = True
        elif self.inside and tag in ("input", "select", "textarea", "button") and values.get("name"):
            self.found[-1].names.add(values["name"])
            if values.get("type") == "hidden":
                self.found[-1].hidden[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"


def _form_with(page: Answer, fields: Mapping[str, str]) -> _Form:
    forms = _Forms()
    forms.feed(page.text)
    fitting = [form for form in forms.found if form.is_post and set(fields) <= form.names]
    if not fitting:
        raise Unexpected(f"{page.url} has no form with the fields {', '.join(fields)}")
    # A page's own form posts to the page; others, such as the way out, stand on every page.
    return min(fitting, key=lambda form: urljoin(page.url, form.action) != page.url)

"""The portal under a real browser: a server in this process, and pages that note everything they should not do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from axe_playwright_python.sync_playwright import Axe
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)
Look = tuple[Literal["light", "dark"], ViewportSize]
# Both widths and both themes: colours do not change with the width.
LOOKS: Final[tuple[Look, Look]] = (("light", WIDE), ("dark", PHONE))
ALL_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
# The console calls these errors too: a refused answer, which is judged by its status; an htmx request that gave way to
# the next one or to another page. One that failed is told as htmx:sendError besides.
NO_WRONGS: Final = ("status of", "htmx:afterRequest", "htmx:sendAbort")
# Served beside the application, so that the browser keeps it compiled from page to page.
AXE: Final = "/axe.js"
ADD_AXE: Final = """path => "axe" in window || new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), {src: path, onload: done, onerror: failed});
    document.head.append(script);
})"""
FIND: Final = """rules => axe.run(rules).then(found => found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 200)}`)))"""


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *args: Any) -> None:
        return


class PooledServer(WSGIServer):
    """Answers in a few threads that stay, so that they keep their connections to the database."""

    pool = ThreadPoolExecutor(max_workers=4)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand the request to a thread."""
        self.pool.submit(self._answer, request, client_address)

    def _answer(self, request: Any, client_address: Any) -> None:
        self.finish_request(request, client_address)
        self.shutdown_request(request)


@contextmanager
def serving(host: str | None = None) -> Iterator[int]:
    """The application on a free port, which it yields; with a host, every request is one to that host."""
    application = partial(_with_axe, get_wsgi_application(), Axe().axe_script.encode())
    served = partial(_for_host, application, host) if host else application
    server = make_server("127.0.0.1", 0, served, PooledServer, Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _with_axe(application: Any, script: bytes, environ: dict[str, Any], start_response: Any) -> Any:
    if environ["PATH_INFO"] != AXE:
        return application(environ, start_response)
    headers = {"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "max-age=3600"}
    start_response("200 OK", [*headers.items(), ("Content-Length", str(len(script)))])
    return [script]


def _for_host(application: Any, host: str, environ: dict[str, Any], start_response: Any) -> Any:
    """As a proxy does for programs that cannot look up names below localhost."""
    return application({**environ, "HTTP_HOST": f"{host}:{environ['SERVER_PORT']}"}, start_response)


@dataclass
class Visit:
    """One tab of the browser, and whatever went wrong in it."""

    page: Page
    origin: str
    expected: set[int] = field(default_factory=set)
    wrongs: list[str] = field(default_factory=list)
    look: Look | None = None

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrongs.append(f"script: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(each in message.text for each in NO_WRONGS):
            self.wrongs.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in {"http", "https"} and not request.url.startswith(self.origin):
            self.wrongs.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.wrongs.append(f"{response.status}: {response.url}")

    def open(self, path: str) -> Page:
        """Go to a path and wait until its scripts have run."""
        self.page.goto(f"{self.origin}{path}", wait_until="load")
        return self.page

    def show(self, look: Look) -> None:
        """Change theme and width, unless the page is shown so already."""
        if look != self.look:
            self.page.emulate_media(color_scheme=look[0])
            self.page.set_viewport_size(look[1])
            self.look = look

    def barriers(self, rules: dict[str, Any] = ALL_RULES) -> list[str]:
        """What axe finds on the page as it is now."""
        self.page.evaluate(ADD_AXE, AXE)
        found: list[str] = self.page.evaluate(FIND, rules)
        return found


def open_tab(browser: Browser, port: int, host: str, cookie: tuple[str, str] | None, **options: Any) -> Visit:
    """A tab with an empty profile on a tenant's host, signed in when a session's cookie is given."""
    context: BrowserContext = browser.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})
    context.set_default_timeout(30_000)
    origin = f"http://{host}:{port}"
    if cookie:
        context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": origin}])
    return Visit(context.new_page(), origin)

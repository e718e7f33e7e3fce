"""The stranger that walks the journey, in front of a server that plays tricks."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from infra.local.journey import walk
from infra.local.stranger import Stranger, Unexpected

PAGE = """
<form action="/search"><input name="q"><input name="email"></form>
<form method="post" action="/leave"><input type="hidden" name="csrf" value="c0"><button>Leave</button></form>
<form method="post" action="/enter?step=2">
  <input type="hidden" name="csrf" value="c1"><input name="email"><textarea name="note"></textarea>
</form>
"""


class Tricks(http.server.BaseHTTPRequestHandler):
    """Remembers what it was asked, sets and takes cookies, redirects to another host and for ever."""

    asked: list[tuple[str, str, str, str]]

    def do_GET(self) -> None:
        self.note("")
        if self.path == "/form":
            self.answer(200, PAGE, cookies=("session=s1; Path=/", "old=; Max-Age=0"))
        elif self.path == "/sure":
            self.answer(200, PAGE + '<form method="post"><input type="hidden" name="csrf" value="c2"></form>')
        elif self.path == "/loop":
            self.answer(302, "", location="/loop")
        else:
            self.answer(200, f"{self.path} {self.headers.get('Cookie', '')}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.note(body)
        if self.path.startswith("/enter"):
            port = self.headers["Host"].partition(":")[2]
            self.answer(303, "", location=f"http://acme.localhost:{port}/home")
        else:
            self.answer(422, "no")

    def note(self, body: str) -> None:
        self.asked.append((self.command, self.headers["Host"].partition(":")[0], self.path, body))

    def answer(self, status: int, text: str, *, location: str = "", cookies: tuple[str, ...] = ()) -> None:
        self.send_response(status)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    Tricks.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tricks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def stranger(server: http.server.ThreadingHTTPServer) -> Stranger:
    return Stranger(server.server_port, "localhost")


def test_a_form_goes_out_with_its_hidden_fields_and_leads_to_another_host(stranger: Stranger) -> None:
    answer = stranger.submit("/form", {"email": "a@b.example"})
    assert ("POST", "localhost", "/enter?step=2", "csrf=c1&email=a%40b.example") in Tricks.asked
    assert Tricks.asked[-1] == ("GET", "acme.localhost", "/home", "")
    assert answer.text == "/home "
    assert stranger.host == "acme.localhost"


def test_a_form_without_fields_is_the_pages_own(stranger: Stranger) -> None:
    stranger.submit("/sure", {})
    assert ("POST", "localhost", "/sure", "csrf=c2") in Tricks.asked


def test_cookies_stay_with_the_host_that_set_them(stranger: Stranger) -> None:
    stranger.visit("/form")
    assert stranger.visit("/again").text == "/again session=s1"
    stranger.host = "acme.localhost"
    assert stranger.visit("/again").text == "/again "


def test_a_file_goes_out_beside_the_fields(stranger: Stranger) -> None:
    stranger.upload("/files", {"start": "true"}, "lines.csv", b"a,b\r\n1,2\r\n", "token")
    body = Tricks.asked[-1][3]
    assert 'name="start"\r\n\r\ntrue\r\n' in body
    assert 'filename="lines.csv"\r\nContent-Type: text/csv\r\n\r\na,b\r\n1,2\r\n' in body


def test_an_unexpected_answer_tells_address_status_and_text(stranger: Stranger) -> None:
    with pytest.raises(Unexpected, match=r"/things answered 422, not 200 or 201: no"):
        stranger.ask("POST", "/things", data={}).expect(200, 201)


def test_a_page_without_the_form_and_an_endless_redirect_end_the_visit(stranger: Stranger) -> None:
    with pytest.raises(Unexpected, match="no form with the fields password"):
        stranger.submit("/form", {"password": "x"})
    with pytest.raises(Unexpected, match="redirects for ever"):
        stranger.visit("/loop")


def test_a_journey_that_fails_says_at_which_step_and_why(
    server: http.server.ThreadingHTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(server.server_port, {}) is False
    said = capsys.readouterr().out
    assert said.startswith("FAILED  a stranger opens the public site\n        Unexpected: ")
    assert "answered 200, not 404" in said

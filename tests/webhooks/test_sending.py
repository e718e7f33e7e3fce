"""One POST: pinned to the checked address, under the certificate of its name, within its limits."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tenant_apps.webhooks import addresses, sending
from tenant_apps.webhooks.sending import MOST_KEPT, MOST_READ, Outcome, post
from tests.domains.nameserver import NameServer
from tests.webhooks.receivers import NAME, Authority, Receiver, make_authority, receiving

HEADERS = {"content-type": "application/json", "webhook-id": "evt_1"}


def posted(receiver: Receiver) -> Outcome:
    return post(receiver.url, HEADERS, b'{"a":1}')


def test_it_arrives_under_the_name_over_tls(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    receiver.body, receiver.status, receiver.headers = b"thanks", 200, {"x-thing": "1"}
    outcome = posted(receiver)
    (got,) = receiver.received
    assert (outcome.status, outcome.error, outcome.body) == (200, "", "thanks")
    assert outcome.headers["x-thing"] == "1"
    assert (got.path, got.body, got.server_name) == ("/in?key=1", b'{"a":1}', NAME)
    assert got.headers["host"] == f"{NAME}:{receiver.port}"
    assert got.headers["content-length"] == "7"


def test_a_name_that_turns_inside_after_the_check_is_not_followed(
    receiver: Receiver, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: asked once, checked, and the connection goes to what was checked."""
    asked_for = addresses._lookup

    def turning(host: str) -> Any:
        found = asked_for(host)
        dns.put(NAME, "A", "10.0.0.1")
        return found

    monkeypatch.setattr(addresses, "_lookup", turning)
    assert posted(receiver).status == 204
    assert len([kind for name, kind, _ in dns.asked if (name, kind) == (NAME, "A")]) == 1
    outcome = posted(receiver)
    assert (outcome.status, len(receiver.received)) == (None, 1)
    assert "not a public one" in outcome.error


def test_without_the_switch_nothing_here_is_reached(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WEBHOOK_TEST_ADDRESSES", [])
    assert "not a public one" in posted(receiver).error
    assert "not a public one" in post(f"https://127.0.0.1:{receiver.port}/", HEADERS, b"").error
    assert receiver.received == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int, receiver: Receiver) -> None:
    receiver.status, receiver.headers = status, {"location": receiver.url}
    outcome = posted(receiver)
    assert (outcome.status, outcome.is_success, len(receiver.received)) == (status, False, 1)
    assert "redirect" in outcome.error


def test_a_certificate_of_another_name_or_authority_is_refused(
    dns: NameServer, trusting: None, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.put("other.example", "A", "127.0.0.1")
    with receiving(authority.server) as right, receiving(make_authority(tmp_path).server) as strange:
        other = post(f"https://other.example:{right.port}/", HEADERS, b"")
        unknown = posted(strange)
        assert right.received == strange.received == []
    assert "CERTIFICATE_VERIFY_FAILED" in other.error
    assert "CERTIFICATE_VERIFY_FAILED" in unknown.error


def test_an_answer_that_trickles_ends_with_the_whole_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trickle(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while receiver.may_answer.is_set():
            handler.wfile.write(b".")
            time.sleep(0.02)

    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.4)
    receiver.answer = trickle
    outcome = posted(receiver)
    assert "took too long" in outcome.error
    assert 0.3 < outcome.seconds < 20


def test_an_answer_without_end_is_cut(receiver: Receiver) -> None:
    written = 0

    def flood(handler: Any) -> None:
        nonlocal written
        handler.send_response(200)
        handler.end_headers()
        while written < 100 * MOST_READ:
            written += handler.wfile.write(b"\0" * 8192)

    receiver.answer = flood
    outcome = posted(receiver)
    assert (outcome.status, len(outcome.body)) == (200, MOST_KEPT)
    assert "\0" not in outcome.body


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: handler.wfile.write(b"not HTTP at all\r\n\r\n"),
        lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 300_000),
        lambda handler: None,
        lambda handler: handler.wfile.write(b"HTTP/1.1 999999 ?\r\n\r\n"),
    ],
)
def test_whatever_comes_back_is_an_outcome(answer: Any, receiver: Receiver) -> None:
    receiver.answer = answer
    outcome = posted(receiver)
    assert (outcome.status, outcome.is_success) == (None, False)
    assert "connection failed" in outcome.error


def test_nobody_there_is_an_outcome(dns: NameServer, trusting: None) -> None:
    outcome = post(f"https://{NAME}:1024/", HEADERS, b"")
    assert (outcome.status, outcome.is_success) == (None, False)
    assert outcome.error

"""The way in and out of the portal, and back in after a forgotten password."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core import mail

from tenants.audit.models import AuditEntry
from tenants.context import tenant_context, unit_of_work
from tenants.signing import sign
from tenants.users.passwords import send_reset
from tenants.users.tasks import mail_password_reset
from tenants.users.tickets import ticket_url
from tenants.users.verification import send_verification
from tests.cast import PASSWORD

LOGIN = {"email": "owner@acme.example", "password": PASSWORD}


def sign_in(visitor, **fields):
    return visitor.post("/sign-in/", LOGIN | fields)


def test_the_right_password_leads_home_and_is_audited(visitor, acme):
    answer = sign_in(visitor, email="OWNER@acme.example ")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert visitor.get("/").status_code == 200
    with unit_of_work(acme):
        entry = AuditEntry.objects.filter(verb="user.signed_in").latest("at")
    assert (entry.actor_label, entry.data, entry.address) == (
        "owner@acme.example",
        {"door": "password"},
        "127.0.0.1",
    )


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"email": "nobody@acme.example"}])
def test_a_wrong_password_and_an_unknown_address_read_alike(visitor, fields):
    answer = sign_in(visitor, **fields)
    assert answer.status_code == 422
    assert b"E-mail and password do not match an active account of this workspace." in answer.content
    assert visitor.get("/").status_code == 302


def test_an_empty_form_says_what_to_fill_in(visitor):
    answer = visitor.post("/sign-in/", {})
    assert answer.status_code == 422
    assert answer.content.count(b"Fill this in.") == 4


def test_the_page_asked_for_comes_after_the_sign_in(visitor):
    answer = visitor.get("/orders/?status=paid")
    assert answer["Location"] == "/sign-in/?next=/orders/%3Fstatus%3Dpaid"
    assert b'name="next" value="/orders/?status=paid"' in visitor.get(answer["Location"]).content
    assert sign_in(visitor, next="/orders/?status=paid")["Location"] == "/orders/?status=paid"


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"]
)
def test_nobody_is_led_to_another_host(visitor, url):
    assert sign_in(visitor, next=url)["Location"] == "/"


def test_who_is_signed_in_already_goes_on(browser):
    assert browser.get("/sign-in/?next=/orders/")["Location"] == "/orders/"


def test_signing_out_ends_the_session_and_needs_a_post(browser):
    assert browser.get("/sign-out/").status_code == 405
    assert browser.post("/sign-out/")["Location"] == "/sign-in/"
    assert browser.get("/")["Location"].startswith("/sign-in/")


def test_a_post_without_a_session_goes_to_the_sign_in_page_and_does_not_come_back(visitor):
    assert visitor.post("/products/new/", {})["Location"] == "/sign-in/"


def test_a_part_of_a_page_without_a_session_reloads_the_whole(visitor):
    answer = visitor.get("/orders/", headers={"hx-request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")


def test_the_cookie_is_for_the_host_alone(visitor):
    cookie = sign_in(visitor).cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["domain"], cookie["httponly"], cookie["samesite"]) == ("", True, "Lax")


def test_a_ticket_from_the_sign_up_enters_once(visitor, acme, client_of):
    with tenant_context(acme):
        path = urlsplit(ticket_url("owner@acme.example")).path
    assert visitor.get(path)["Location"] == "/"
    assert visitor.get("/").status_code == 200
    assert client_of(acme).get(path).status_code == 410


def test_a_ticket_of_the_neighbour_opens_nothing(visitor, globex):
    with tenant_context(globex):
        path = urlsplit(ticket_url("owner@acme.example")).path
    answer = visitor.get(path)
    assert answer.status_code == 410
    assert b"This link does not work" in answer.content


def link_in_mail() -> str:
    found = re.search(r"http://acme\.localhost:\d+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_the_mailed_link_confirms_the_address_however_often_it_is_opened(visitor, acme, owner):
    with unit_of_work(acme):
        send_verification(owner)
    path = link_in_mail()
    for _ in range(2):
        assert b"Your address is confirmed" in visitor.get(path).content
    assert visitor.get("/verify-email/nonsense/").status_code == 410


def test_asking_for_a_new_password_reads_the_same_for_everybody(visitor, acme):
    pages = []
    for email in ("owner@acme.example", "nobody@acme.example"):
        answer = visitor.post("/forgot/", {"email": email})
        pages.append(answer.content.decode().replace(email, "…"))
        assert answer.status_code == 200
    assert re.sub(r'nonce="[^"]+"', "", pages[0]) == re.sub(r'nonce="[^"]+"', "", pages[1])
    with unit_of_work(acme):
        assert AuditEntry.objects.filter(verb="user.reset_requested").count() == 1


def test_asking_too_often_is_refused(visitor):
    for _ in range(5):
        visitor.post("/forgot/", {"email": "owner@acme.example"})
    answer = visitor.post("/forgot/", {"email": "owner@acme.example"})
    assert (answer.status_code, b"Too many attempts" in answer.content) == (422, True)


def test_the_worker_mails_the_link(acme, owner):
    with tenant_context(acme):
        mail_password_reset.run(str(owner.id))
    assert mail.outbox[0].to == ["owner@acme.example"]
    assert "60 minutes" in str(mail.outbox[0].body)


@pytest.fixture
def reset_path(acme, owner):
    with unit_of_work(acme):
        send_reset(owner)
    return link_in_mail()


def test_the_link_sets_a_new_password_once_and_ends_other_sessions(visitor, browser, reset_path, acme):
    assert b"owner@acme.example" in visitor.get(reset_path).content
    assert visitor.post(reset_path, {"password": "a whole new secret"})["Location"] == "/"
    assert visitor.get("/").status_code == 200
    assert browser.get("/").status_code == 302
    assert visitor.get(reset_path).status_code == 410
    with unit_of_work(acme):
        assert AuditEntry.objects.filter(verb="user.password_reset").exists()


def test_a_weak_password_is_refused_with_the_reason(visitor, reset_path):
    answer = visitor.post(reset_path, {"password": "password"})
    assert answer.status_code == 422
    assert b"too short" in answer.content


def test_a_link_of_the_neighbour_resets_nothing(visitor, globex, owner):
    with tenant_context(globex):
        token = sign("reset-password", [str(owner.id), "0" * 16])
    assert visitor.get(f"/reset/{token}/").status_code == 410


def test_the_theme_is_kept_without_scripts(visitor):
    answer = visitor.post("/theme/", {"theme": "dark", "next": "/sign-in/"})
    assert answer["Location"] == "/sign-in/"
    assert b'<html lang="en" data-theme="dark">' in visitor.get("/sign-in/").content
    visitor.post("/theme/", {"theme": "<script>"})
    assert b'data-theme="dark"' in visitor.get("/sign-in/").content

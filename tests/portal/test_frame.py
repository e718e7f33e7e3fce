"""What all pages share: refusals, the rail, headers, and the front of the public host."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from tenants import navigation
from tenants.checks import declaration
from tenants.context import unit_of_work
from tenants.errors import Conflict
from tenants.navigation import Entry
from tenants.portal import portal, portal_public
from tests.portal.test_products import text


class Full(Conflict):
    title = "The shelf is full"


@portal("products:read")
def refusing(request) -> HttpResponse:
    raise Full("Nothing more fits. Take something down first.")


def test_a_refusal_that_no_form_shows_is_a_page_and_undoes_the_request(acme, owner):
    request = RequestFactory().get("/", headers={"host": acme.host})
    request.user = owner
    with unit_of_work(acme):
        answer = refusing(request)
    assert answer.status_code == 409
    assert vars(request)["undo"] is True
    for words in ("The shelf is full", "Take something down first."):
        assert words in text(answer)


def test_a_view_says_which_verb_it_needs(acme):
    assert declaration(refusing) == "products:read"
    assert declaration(portal_public("a reason")(lambda request: HttpResponse())) == "public: a reason"
    assert declaration(lambda request: HttpResponse()) is None
    with pytest.raises(ValueError, match="is no verb"):
        portal("products:burn")


def test_nobody_is_shown_no_group(acme):
    assert navigation.entries(AnonymousUser()) == []


def test_the_rail_holds_seven_groups(monkeypatch):
    monkeypatch.setattr(navigation, "_entries", {})
    for number in range(7):
        navigation.register(Entry(str(number), "box", f"r{number}", "orders:read", "x", number, "/x/"))
    with pytest.raises(ValueError, match="put 'More' into one of them"):
        navigation.register(Entry("More", "box", "more", "orders:read", "m", 9, "/more/"))


def test_the_rail_marks_the_group_of_the_page(browser, shop):
    page = text(browser.get(shop.path("/orders/{paid}/")))
    marked = page.split('aria-current="page"')[0].rsplit('title="', 1)[1]
    assert marked.startswith("Orders")


@pytest.mark.parametrize("path", ["/sign-in/", "/orders/", "/nothing/"])
def test_pages_carry_a_strict_policy_and_are_kept_nowhere(browser, visitor, path):
    answer = (visitor if path == "/sign-in/" else browser).get(path)
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self' 'nonce-" in policy
    assert "style-src 'self';" in f"{policy};"
    assert answer["Cache-Control"] == "no-store"


def test_no_page_has_an_inline_style_or_handler(browser, shop):
    for path in (
        "/",
        "/orders/",
        shop.path("/orders/{paid}/"),
        "/orders/new/",
        shop.path("/products/{low}/"),
    ):
        page = text(browser.get(path))
        assert " style=" not in page, path
        assert "<style" not in page, path
        assert " onclick=" not in page, path
        assert page.count("<script") == page.count("nonce="), path


@pytest.fixture
def guest() -> Client:
    """Somebody on the public host."""
    return Client(headers={"host": "localhost"})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "Sell, stock and ship from one calm place"),
        ("/sign-up/", "Open your workspace"),
        ("/find/", "Find your workspace"),
        ("/nothing/", "There is nothing here"),
    ],
)
def test_the_public_host_has_its_pages(guest, path, words):
    assert words in text(guest.get(path))


def test_a_sign_up_that_is_refused_says_why_at_the_field(guest):
    fields = {"company": "Acme", "subdomain": "acme", "email": "a@b.example", "password": "long enough words"}
    answer = guest.post("/sign-up/", fields)
    assert answer.status_code == 422
    assert 'id="id_subdomain_error"' in text(answer)
    assert 'value="Acme"' in text(answer)


def test_who_knows_the_name_finds_the_workspace(guest):
    assert guest.post("/find/", {"subdomain": "acme"})["Location"].endswith("/sign-in/")
    assert "No workspace has this address" in text(guest.post("/find/", {"subdomain": "nobody"}))


def test_every_group_of_the_rail_opens(browser):
    for entry in navigation.entries(type("Anybody", (), {"can": lambda self, verb: True})()):
        assert browser.get(reverse(entry.route)).status_code == 200

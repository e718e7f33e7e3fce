"""Every route and method of a tenant's host answers every kind of credential as its declaration says."""

import sys
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import get_resolver, path
from rest_framework.response import Response

from tenant_apps.products.models import Category
from tenant_apps.products.viewsets import CategoryViewSet
from tenants.api.access import HasVerb
from tenants.checks import check_every_route_declares
from tenants.users.permissions import ROLE_VERBS
from tests.isolation.doors.canary import CANARY, checked_columns, content
from tests.isolation.doors.kinds import KINDS, carrying, moved, signed_in, token_of
from tests.isolation.doors.paths import Ways, content_type
from tests.isolation.doors.routes import Route, Undeclared, tenant_routes
from tests.isolation.doors.scene import Scene
from tests.isolation.doors.walking import Walk, cases
from tests.stage import Pristine

ROUTES = tenant_routes()


@pytest.fixture(scope="module")
def walk(scene: Scene, pristine: Pristine, ways: Ways) -> Walk:
    return Walk(scene, pristine, ways)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_answers_every_credential_as_declared(route: Route, walk: Walk) -> None:
    wrong = walk.through(route)
    assert not wrong, "\n".join(wrong)


def test_all_routes_there_are_were_walked(capsys: pytest.CaptureFixture[str]) -> None:
    def leaves(resolver: Any) -> int:
        return sum(leaves(each) if hasattr(each, "url_patterns") else 1 for each in resolver.url_patterns)

    assert len(ROUTES) == leaves(get_resolver(settings.ROOT_URLCONF))
    assert all(route.methods for route in ROUTES)
    walked = sum(len(list(cases(route))) for route in ROUTES)
    with capsys.disabled():
        sys.stdout.write(f" {len(ROUTES)} routes, {len(KINDS)} kinds of credentials, {walked} cases ")


def undeclared(request: HttpRequest) -> HttpResponse:
    """A view that says nothing about who may call it."""
    return HttpResponse()


urlpatterns = [path("undeclared/", undeclared)]


def test_a_route_without_a_declaration_fails_the_walk_and_stops_the_process() -> None:
    with pytest.raises(Undeclared, match="declares no permission"):
        Route("undeclared/", undeclared).verb("GET")
    with override_settings(ROOT_URLCONF=__name__):
        errors = check_every_route_declares(None)
    assert [error.id for error in errors] == ["tenants.E001"]


def test_a_right_that_the_table_does_not_know_fails_the_walk(walk: Walk, monkeypatch: Any) -> None:
    route = next(r for r in ROUTES if not r.is_api and r.verb("GET") == "orders:read")
    monkeypatch.setattr(route.callback, "verb", "orders:destroy")
    with pytest.raises(Undeclared, match="add 'destroy' to the table ROLES"):
        walk.through(route)


# The neighbour


def test_the_neighbour_s_every_text_carries_the_mark(scene: Scene) -> None:
    assert scene.unmarked <= checked_columns(scene.globex.schema), "give the scene a row for these"
    assert all(scene.theirs.values()), "give the scene a row for each table"


def test_the_neighbour_itself_is_shown_its_mark(scene: Scene) -> None:
    browser = signed_in(scene.globex, scene.stranger)
    program = carrying(scene.globex, token_of(scene.globex, scene.stranger))
    shown = {str(route) for route in ROUTES if _shows_mark(route, program if route.is_api else browser)}
    lists = {
        str(route) for route in ROUTES if route.is_api and route.action("GET") == "list" and not route.ids
    }
    assert shown >= lists
    assert shown >= {"/", "/products/", "/orders/", "/customers/", "/imports/", "/settings/tokens/"}


def _shows_mark(route: Route, client: Client) -> bool:
    return not route.parameters and "GET" in route.methods and CANARY in content(client.get(f"/{route.path}"))


# Ways in that are no credentials of their own


def test_a_session_without_its_csrf_token_changes_nothing(
    scene: Scene, pristine: Pristine, ways: Ways
) -> None:
    client = moved(scene.owner, scene.acme)
    client.handler.enforce_csrf_checks = True
    for route in ROUTES:
        if route.is_api and not route.authenticates:
            continue  # the session is not looked at
        url = ways.to(route).url
        for method in set(route.methods) - {"GET", "HEAD"}:
            pristine.restore()
            response = client.generic(method, url, content_type=content_type(route))
            assert response.status_code == 403, f"{method} {route}: {response.status_code}"
            assert "csrf" in (response.json()["code"] if route.is_api else str(response.templates[0].name))
            assert not pristine.restore(), f"{method} {route} has written something"


def test_a_part_of_a_page_is_refused_to_strangers_so_that_the_page_reloads(scene: Scene, ways: Ways) -> None:
    for route in ROUTES:
        if not route.is_api and route.verb("GET"):
            response = Client(headers={"host": scene.acme.host, "hx-request": "true"}).get(ways.to(route).url)
            assert (response.status_code, response.headers.get("HX-Refresh")) == (401, "true"), str(route)
            assert not response.content


# Red controls: what the walk says when a door is left open


def _complaints(walk: Walk, verb: str, method: str, *, is_api: bool) -> str:
    route = next(r for r in ROUTES if r.is_api is is_api and method in r.methods and r.verb(method) == verb)
    return "\n".join(walk.through(route))


def test_the_walk_notices_an_api_that_asks_for_no_right(walk: Walk, monkeypatch: Any) -> None:
    monkeypatch.setattr(HasVerb, "has_permission", lambda *args: True)
    found = _complaints(walk, "products:write", "POST", is_api=True)
    assert "viewer by access token: expected to be known, but may not" in found
    assert "nothing: expected to be unknown: sign in first" in found


def test_the_walk_notices_a_portal_that_asks_for_no_right(walk: Walk, monkeypatch: Any) -> None:
    monkeypatch.setattr("tenants.portal.can", lambda user, verb: True)
    assert "viewer by session: expected to be known" in _complaints(
        walk, "products:write", "POST", is_api=False
    )


def test_the_walk_notices_a_role_that_was_given_more(walk: Walk, monkeypatch: Any) -> None:
    monkeypatch.setitem(ROLE_VERBS, "viewer", ROLE_VERBS["member"])
    assert "viewer by session: expected to be known" in _complaints(
        walk, "orders:write", "POST", is_api=False
    )


def test_the_walk_notices_an_answer_that_holds_the_neighbour_s_rows(
    walk: Walk, scene: Scene, monkeypatch: Any
) -> None:
    key = str(scene.theirs[Category][0])
    monkeypatch.setattr(CategoryViewSet, "list", lambda *args, **path: Response([f"{CANARY}-1", key]))
    found = "\n".join(walk.through(next(r for r in ROUTES if r.view is CategoryViewSet)))
    assert f"viewer by session: the answer holds the neighbour's ['{key}', '{CANARY.lower()}']" in found

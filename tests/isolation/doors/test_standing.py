"""What payments leave open, at every route: a change that nobody allowed is refused, whoever adds its route."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from tenant_apps.products.viewsets import CategoryViewSet
from tenants.api.access import IsOpen
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, unit_of_work
from tenants.hosts import CachedDirectory
from tenants.standing import Purpose, usual_purpose
from tests.isolation.doors.kinds import ROLES, carrying, family, signed_in, token_of
from tests.isolation.doors.routes import Route, tenant_routes
from tests.isolation.doors.scene import Scene
from tests.isolation.doors.walking import request

ROUTES: Final = tenant_routes()
SAFE: Final = ("GET", "HEAD", "OPTIONS")
SECURITY: Final = "getting rid of a credential must not wait for a payment"
WAY_IN: Final = "whoever pays has to get in first"

# The changes that are open while a workspace is read-only, each with its reason. Routes of usage and billing are open
# as a family: that is where one pays.
OPEN: Final = {
    "sign-in/": WAY_IN,
    "sign-out/": SECURITY,
    "forgot/": WAY_IN,
    "reset/<str:token>/": WAY_IN,
    "theme/": "a cookie about colours",
    "settings/tokens/<uuid:pk>/rotate/": SECURITY,
    "settings/tokens/<uuid:pk>/revoke/": SECURITY,
    "settings/sessions/end/": SECURITY,
    "settings/sessions/<uuid:pk>/end/": SECURITY,
    "settings/team/<uuid:pk>/deactivate/": SECURITY,
    "api/v1/auth/token/": WAY_IN,
    "api/v1/auth/refresh/": WAY_IN,
    "api/v1/auth/sign-out/": SECURITY,
    "api/v1/api-tokens/<uuid:id>/revoke/": SECURITY,
    "api/v1/api-tokens/<uuid:id>/rotate/": SECURITY,
    "api/v1/sign-ins/<uuid:id>/end/": SECURITY,
    "api/v1/people/<uuid:id>/deactivate/": SECURITY,
    "api/v1/graphql/": "a query that changes nothing is sent by POST",
}
# What is open besides to read, to everybody, while a workspace is closed: the way in, and one's own credentials.
OPEN_WHEN_CLOSED: Final = (OPEN.keys() - {"api/v1/graphql/"}) | {
    ".well-known/jwks.json",
    "welcome/<str:ticket>/",
    "verify-email/<str:token>/",
    "settings/tokens/",
    "settings/sessions/",
    "api/v1/api-tokens/",
    "api/v1/api-tokens/<uuid:id>/",
    "api/v1/sign-ins/",
    "api/v1/sign-ins/<uuid:id>/",
}
CODES: Final = {402: "workspace_read_only", 403: "workspace_closed"}
FINE: Final = frozenset(range(200, 500))


def purpose(route: Route, method: str) -> Purpose:
    """What the route says that the method is for."""
    if route.view is not None:
        return Purpose(route.view.purpose_for(route.action(method), method))
    declared: Purpose | None = route.callback.purpose
    return declared or usual_purpose(route.verb(method), method)


def cases(role: str = "owner") -> list[tuple[Route, str]]:
    """Every route with every method that the role may use; HEAD is answered as GET is."""
    return [
        (route, method)
        for route in ROUTES
        for method in route.methods
        if method not in {"HEAD", "TRACE"} and _may(role, route.verb(method))
    ]


def _may(role: str, verb: str | None) -> bool:
    return verb is None or role in ROLES[family(verb)]


def is_billing(route: Route, method: str) -> bool:
    return str(route.verb(method)).startswith(("billing:", "usage:")) or (
        (route.path, method) in {("api/v1/workspace/", "GET"), ("api/v1/workspace/", "HEAD")}
    )


def in_read_only(route: Route, method: str) -> int | None:
    """The status that refuses a method; None where it is open."""
    is_open = method in SAFE or route.path in OPEN or is_billing(route, method)
    return None if is_open else 402


def in_closed(route: Route, method: str, *, is_manager: bool) -> int | None:
    is_own = route.path in OPEN_WHEN_CLOSED and (route.path, method) != ("api/v1/api-tokens/", "POST")
    is_managers = is_billing(route, method) or route.path.endswith("/export/")
    return None if is_own or (is_manager and is_managers) else 403


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have every door find the tenants with this access."""
    find = CachedDirectory.by_host

    def put(access: str) -> None:
        def by_host(directory: CachedDirectory, host: str) -> Tenant | None:
            found = find(directory, host)
            since = datetime(2026, 11, 1, tzinfo=UTC)
            return found and replace(
                found, access=access, access_reason="The card was refused", access_since=since
            )

        monkeypatch.setattr(CachedDirectory, "by_host", by_host)
        # Past the door there is nothing here to be judged, and pages take long to be drawn.
        monkeypatch.setattr("tenants.portal._answered", lambda *args, **kwargs: HttpResponse())

    return put


def unlike(response: Any, route: Route, refused: int | None) -> str | None:
    """What is wrong with an answer: refused where it should be open, open where it should be refused."""
    page = {template.name for template in getattr(response, "templates", ())}
    is_problem = route.is_api and response.headers["Content-Type"].startswith("application/problem+json")
    code = response.json()["code"] if is_problem and response.body else None
    is_withheld = code in CODES.values() or "errors/withheld.html" in page
    is_right = is_withheld is (refused is not None) and response.status_code in (
        {refused} if refused else FINE
    )
    return None if is_right else f"got {response.status_code} {code}, expected {refused or 'to be let in'}"


def url(route: Route) -> str:
    """A path of the route; whatever its rows are, payments are looked at before them."""
    values = {"uuid": str(UUID(int=7)), "str": "no-token", "slug": "place"}
    return route.url({name: values[converter] for name, converter in route.parameters.items()})


class Walk:
    """Goes through all routes with the credentials of one role, those that refuse first."""

    def __init__(self, scene: Scene, role: str) -> None:
        self._scene, self._role = scene, role
        self._program = self._carrying()
        self._browser = signed_in(scene.acme, scene.people[role])

    def through(
        self, expected: Callable[[Route, str], int | None], chosen: Callable[[Route], bool] = lambda _: True
    ) -> list[str]:
        """Everything that is wrong, in words."""
        asked = [(route, method) for route, method in cases(self._role) if chosen(route)]
        answers = [(route, method, expected(route, method)) for route, method in asked]
        before = self._entries()
        wrong = [self._ask(route, method, status) for route, method, status in answers if status]
        if self._entries() != before:
            wrong.append("a refused request has written something")
        for route, method in ((route, method) for route, method, status in answers if not status):
            if method not in SAFE and not route.is_api:  # it may end the session
                self._browser = signed_in(self._scene.acme, self._scene.people[self._role])
            wrong.append(self._ask(route, method, None))
        return [said for said in wrong if said]

    def _entries(self) -> int:
        with unit_of_work(self._scene.acme):
            return AuditEntry.objects.count()

    def _carrying(self) -> Client:
        return carrying(self._scene.acme, token_of(self._scene.acme, self._scene.people[self._role]))

    def _ask(self, route: Route, method: str, refused: int | None) -> str | None:
        client = self._program if route.is_api else self._browser
        response = request(client, route, method, url(route))
        said = unlike(response, route, refused)
        return f"{method} {route} by {self._role}: {said}" if said else None


def test_what_is_open_to_changes_is_what_was_agreed() -> None:
    unsafe = [(route, method) for route, method in cases() if method not in SAFE]
    opened = {route.path for route, method in unsafe if purpose(route, method) is not Purpose.CHANGE}
    family = {route.path for route, method in unsafe if purpose(route, method) is Purpose.BILLING}
    assert opened - family == OPEN.keys(), "say in OPEN why it is open, or leave it to the rule"
    assert all(is_billing(route, method) for route, method in unsafe if route.path in family)


def test_a_read_only_workspace_is_read_everywhere_and_changed_nowhere(
    scene: Scene, standing: Callable[[str], None]
) -> None:
    walk = Walk(scene, "owner")
    standing("read_only")
    wrong = walk.through(in_read_only)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ["owner", "member"])
def test_a_closed_workspace_is_open_to_its_managers_for_bills_and_exports(
    role: str, scene: Scene, standing: Callable[[str], None]
) -> None:
    walk = Walk(scene, role)
    standing("closed")
    is_manager = role == "owner"
    # Whom a member meets is told apart by the pages and by the exports.
    wrong = walk.through(
        partial(in_closed, is_manager=is_manager),
        lambda route: is_manager or not route.is_api or route.path.endswith("/export/"),
    )
    assert not wrong, "\n".join(wrong)


def test_the_walk_notices_doors_that_do_not_ask(
    scene: Scene, standing: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(scene, "owner")
    standing("read_only")
    monkeypatch.setattr("tenants.portal.refusal_of", lambda *args: None)
    monkeypatch.setattr(IsOpen, "has_permission", lambda *args: True)
    wrong = walk.through(in_read_only, lambda route: "locations/" in route.path)
    assert "POST /stock/locations/new/ by owner: got 200 None, expected 402" in wrong
    assert any(said.startswith("POST /api/v1/locations/ by owner: got 422") for said in wrong)
    monkeypatch.setattr(CategoryViewSet, "purposes", {"create": Purpose.READ})
    with pytest.raises(AssertionError, match="say in OPEN why"):
        test_what_is_open_to_changes_is_what_was_agreed()

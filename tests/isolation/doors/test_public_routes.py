"""Every route of the public host: open to all, or to operators alone; a tenant's credential is nobody's there."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client

from billing.models import StripeInvoice
from shared_apps.clients.models import Client as TenantClient
from shared_apps.domains.models import Claim
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import public_context
from tenants.models import uuid7
from tenants.users.accounts import create_operator
from tenants.users.models import User
from tests.cast import PASSWORD
from tests.isolation.doors.canary import CANARY, content
from tests.isolation.doors.kinds import operator_signed_in, token_of
from tests.isolation.doors.routes import Route, public_routes
from tests.isolation.doors.scene import Scene
from tests.stage import Pristine

ROUTES = public_routes()
METHODS: Final = ("GET", "POST", "DELETE")
# The table: what everybody may open. All the rest is the operators'.
OPEN: Final = {
    "",
    ".well-known/jwks.json",
    "sign-up/",
    "find/",
    "api/v1/signup/",
    "api/schema/",
    "api/docs/",
    "stripe/webhooks/",
    "admin/login/",
}
# Where even an operator is refused: rows there are changed by services alone.
READ_ONLY: Final = re.compile(r"admin/\w+/\w+/(add/|<path:object_id>/delete/)|admin/autocomplete/")
# Verbs that no tenant, and no operation, of the scene is in the state for.
NEEDS_ANOTHER_STATE: Final = re.compile(
    r"clients/client/.*/(open|reopen|keep)/|lifecycle/operation/.*/(download|restore|put-back)/"
    # Messages that wait for nobody, differences that are not open, and no account at Stripe.
    r"|billing/export/.*/(retry|accept)/|billing/difference/(.*/(correct|dismiss)|reconcile)/"
    r"|billing/publishedplan/compare/"
    # No override that runs, and no case that is open.
    r"|billing/override/.*/end/|billing/case/.*/settle/"
    # No event that was settled, none that was given up, and no account whose events could be fetched.
    r"|inbox/receivedevent/(.*/(replay|dismiss)|replay-all|fetch)/"
)
NAMED = re.compile(r"\(\?P<(\w+)>[^)]*\)|<\w+:(\w+)>")


def the_public_host(**headers: str) -> Client:
    return Client(headers={"host": settings.PUBLIC_HOST, **headers}, raise_request_exception=False)


def with_cookies_of(client: Client) -> Client:
    there = the_public_host()
    there.cookies = client.cookies
    return there


def former_operator(end: Callable[[User], None]) -> Client:
    """The session of an operator to whom something has happened since."""
    with public_context():
        user = create_operator(
            email=f"{uuid7()}@platform.example", password=PASSWORD, actor=Actor.system("test")
        )
        client = the_public_host()
        client.force_login(user)
        end(user)
        user.save()
    return client


def _deactivate(user: User) -> None:
    user.is_active = False


def _demote(user: User) -> None:
    user.role = "owner"


STRANGERS: Final[Mapping[str, Callable[[Scene], Client]]] = {
    "nothing": lambda scene: the_public_host(),
    "an owner's session of a tenant": lambda scene: with_cookies_of(scene.owner),
    "an owner's access token": lambda scene: the_public_host(
        authorization=f"Bearer {token_of(scene.acme, scene.people['owner'])}"
    ),
    "an API token": lambda scene: the_public_host(authorization=f"Bearer {scene.api_tokens.only(None)}"),
    "a deactivated operator's session": lambda scene: former_operator(_deactivate),
    "a session of somebody in public who is no operator": lambda scene: former_operator(_demote),
}


def address(route: Route) -> str:
    """A path of the route that exists."""
    values = {
        "object_id": _key_for(route.path),
        "content_type_id": 1,
        "app_label": "clients",
        "url": "nowhere",
    }
    plain = NAMED.sub(lambda found: str(values[found[1] or found[2]]), route.path)
    return "/" + plain.replace("^", "").replace("$", "")


def _key_for(path: str) -> Any:
    with public_context():
        if "clients/client" in path:
            status = "suspended" if "/resume/" in path else "active"
            return (
                TenantClient.objects.filter(status=status)
                .order_by("-subdomain")
                .values_list("pk", flat=True)[0]
            )
        rows = User.objects if "users/user" in path else AuditEntry.objects
        return rows.values_list("pk", flat=True)[0]


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_get_no_further_than_the_operators_sign_in(
    name: str, scene: Scene, pristine: Pristine
) -> None:
    client = STRANGERS[name](scene)
    cookies = dict(client.cookies)
    for route in ROUTES:
        if route.path in OPEN:
            continue
        for method in METHODS:
            url = address(route)
            response = client.generic(method, url)
            assert response.status_code == 302, f"{method} {url}: {response.status_code}"
            assert re.match(r"/admin/(login/\?next=.*)?$", response["Location"]), response["Location"]
            assert name.startswith("a ") or not pristine.is_changed(), f"{method} {url} has written something"
            client.cookies.update(cookies)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.path in OPEN], ids=str)
def test_open_pages_of_the_public_host_tell_nothing_about_tenants(route: Route, scene: Scene) -> None:
    for make in STRANGERS.values():
        response = make(scene).get(address(route))
        assert response.status_code in {200, 405}
        assert not scene.watch.leaks(response)
        assert scene.acme.schema not in content(response)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.path not in OPEN], ids=str)
def test_an_operator_is_let_in_and_changes_rows_by_services_alone(route: Route, scene: Scene) -> None:
    client = operator_signed_in()
    for method in ("GET", "POST"):
        response = client.generic(method, address(route), content_type="application/x-www-form-urlencoded")
        if NEEDS_ANOTHER_STATE.search(route.path):
            assert response.status_code == 403, f"{method} {route}: {response.status_code}"
        elif READ_ONLY.fullmatch(route.path) or (method == "POST" and route.path.endswith("/change/")):
            assert response.status_code in {403, 405}, f"{method} {route}: {response.status_code}"
        else:
            assert response.status_code in {200, 302, 404, 405}, f"{method} {route}: {response.status_code}"
            assert "/login/" not in response.headers.get("Location", "")
        if "/logout/" in route.path:
            break


def test_an_operator_sees_tenants_but_none_of_their_rows(scene: Scene) -> None:
    client = operator_signed_in()
    pages = {
        route.path: content(client.get(address(route))) for route in ROUTES if "logout" not in route.path
    }
    assert any(scene.globex.schema in page for page in pages.values())
    # Domains, and what tenants pay for the platform, are the platform's business as well.
    theirs = (keys for model, keys in scene.theirs.items() if model not in (Claim, StripeInvoice))
    rows = {str(key) for keys in theirs for key in keys} & scene.watch.keys - {str(scene.globex.id)}
    assert not [key for page in pages.values() for key in rows if key in page]
    theirs_to_see = "billing/stripeinvoice/"
    assert not [path for path, page in pages.items() if f"{CANARY}-" in page and theirs_to_see not in path]


def test_the_routes_of_the_admin_do_not_exist_at_a_tenant(scene: Scene) -> None:
    for route in ROUTES:
        if route.path.startswith("admin/"):
            for client in (scene.owner, scene.program):
                assert client.get(address(route)).status_code == 404

"""One request as one kind of somebody, and what is wrong with the answer."""

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any, Final

from django.test import Client

from tests.isolation.doors.canary import content
from tests.isolation.doors.kinds import KINDS, Kind, Outcome
from tests.isolation.doors.paths import Ways, content_type
from tests.isolation.doors.routes import METHODS, SAFE, Route
from tests.isolation.doors.scene import Scene
from tests.stage import Pristine

# A method that a view does not know is answered alike to all who may come in, and to all who may not.
FEW: Final = {True: ("owner by access token", "nothing"), False: ("owner by session", "nothing")}


def cases(route: Route) -> Iterator[tuple[str, Kind]]:
    """Every (method, kind of credential) of a route."""
    for method in METHODS:
        for kind in KINDS:
            if method in route.methods or kind.name in FEW[route.is_api]:
                yield method, kind


class Walk:
    """Goes through all cases of a route and collects what was not as it should be."""

    def __init__(self, scene: Scene, pristine: Pristine, ways: Ways) -> None:
        self._scene, self._pristine, self._ways = scene, pristine, ways

    def through(self, route: Route) -> list[str]:
        """Everything that is wrong, in words."""
        return [
            f"{method} {route} with {kind}: {complaint}"
            for method, kind in cases(route)
            for complaint in self._complaints(route, method, kind)
        ]

    def _complaints(self, route: Route, method: str, kind: Kind) -> Iterator[str]:
        expected = kind.expected(route, method)
        verb = route.verb(method) if method in route.methods else None
        client = self._scene.client(kind, verb)
        response = request(client, route, method, self._ways.to(route).url)
        if (reason := unlike(expected, route, method, response)) is not None:
            yield f"expected to be {expected}, but {reason}"
        if leaks := self._scene.watch.leaks(response):
            yield f"the answer holds the neighbour's {sorted(leaks)}"
        if self._pristine.restore() and expected is not Outcome.LET_IN and not kind.may_end_session:
            yield "it has written something"


def request(client: Client, route: Route, method: str, url: str) -> Any:
    """A request without a body; cookies that it sets are not kept."""
    cookies = SimpleCookie(client.cookies)
    response: Any = client.generic(method, url, content_type=content_type(route))
    response.body = content(response)
    client.cookies = cookies
    return response


def unlike(expected: Outcome, route: Route, method: str, response: Any) -> str | None:
    """Why an answer is not the expected one; None when it is."""
    if response.status_code >= 500:
        return f"it failed with {response.status_code}"
    if method not in route.methods:
        right = response.status_code == 405 or (
            expected is not Outcome.LET_IN and _is(expected, route, method, response)
        )
        return None if right else f"a method it does not know got {response.status_code}"
    return None if _is(expected, route, method, response) else f"got {_summary(response)}"


def _is(expected: Outcome, route: Route, method: str, response: Any) -> bool:
    status = response.status_code
    match expected:
        case Outcome.LET_IN:
            return _is_let_in(route, method, response)
        case Outcome.SIGN_IN if not route.is_api:
            return bool(status == 302 and response["Location"].partition("?")[0] == "/sign-in/")
        case _:
            right, code = PROBLEMS[expected]
            return bool(status == right and (not route.is_api or _says(response, code)))


# Refusals of the business, past the door.
REFUSED_INSIDE: Final = frozenset({"owners_only"})
PROBLEMS: Final = {
    Outcome.SIGN_IN: (401, "authentication_required"),
    Outcome.FORBIDDEN: (403, "forbidden"),
    Outcome.CLOSED: (403, "tenant_suspended"),
    Outcome.NOWHERE: (404, "unknown_host"),
}


def _is_let_in(route: Route, method: str, response: Any) -> bool:
    """Past the door. What the business says then is not this suite's to judge, except that reading works."""
    status = response.status_code
    if route.verb(method) is None:
        return status in {200, 302, 400, 410, 422}
    if status == 302 and response["Location"].startswith("/sign-in/"):
        return False
    # What belongs to another person of the workspace is not there.
    is_own = bool(route.ids) and str(route.verb(method)).endswith(":own")
    if method in SAFE:
        return status == 200 or (status == 302 and not route.is_api) or (status == 404 and is_own)
    if status == 403 and route.is_api:
        return bool(response.json()["code"] in REFUSED_INSIDE)
    return status not in {401, 403, 405} and (status != 404 or is_own)


def _says(response: Any, code: str) -> bool:
    """Whether the answer is a problem with this code; an answer to HEAD has no body to say so."""
    is_problem = response.headers["Content-Type"].startswith("application/problem+json")
    has_challenge = response.status_code != 401 or "WWW-Authenticate" in response.headers
    return has_challenge and is_problem and (not response.body or response.json()["code"] == code)


def _summary(response: Any) -> str:
    return f"{response.status_code} {response.headers.get('Location', '')} {response.body[:300]}"

"""Every route and method of a tenant's host answers every kind of credential as its declaration says."""

import pytest

from tests.isolation.doors.kinds import KINDS
from tests.isolation.doors.paths import Ways
from tests.isolation.doors.routes import Route, tenant_routes
from tests.isolation.doors.scene import Scene
from tests.isolation.doors.walking import Walk, cases
from tests.stage import Pristine

ROUTES = tenant_routes()


@pytest.fixture(scope="module")
def walk(scene: Scene, pristine: Pristine) -> Walk:
    return Walk(scene, pristine, Ways(scene))


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_answers_every_credential_as_declared(route: Route, walk: Walk) -> None:
    wrong = walk.through(route)
    assert not wrong, "\n".join(wrong)

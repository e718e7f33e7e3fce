"""schemathesis against every operation of both OpenAPI documents.

No server error, no undocumented answer, nothing of the neighbour's. Each operation gets FUZZ_EXAMPLES requests (100),
no two alike and the same in each run; FUZZ_SEED (0) lets the part that comes by chance begin elsewhere.
"""

import os
import re
from functools import cache
from typing import Any

import pytest
import requests
import werkzeug
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tenants.api.limits import Quota, limiter
from tenants.context import unit_of_work
from tenants.throttling import Limit
from tests.api.calls import NOWHERE
from tests.api.described import described
from tests.isolation.doors.bodies import MEANT
from tests.isolation.doors.drawing import Ids, draw, lead, load
from tests.isolation.doors.kinds import token_of
from tests.isolation.doors.scene import Scene

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
METHODS = {"get", "post", "put", "patch", "delete"}


@cache
def loaded(*, is_public: bool) -> Any:
    return load(described(is_public=is_public), application())


@cache
def application() -> Any:
    return get_wsgi_application()


def takes_input(path: str, method: str) -> bool:
    """Whether more can be said to an operation than that it is wanted."""
    operation = described(is_public=False)["paths"][path][method.lower()]
    return bool(operation.get("parameters") or operation.get("requestBody"))


def operations(*, is_public: bool = False) -> list[Any]:
    return [
        pytest.param(path, method.upper(), id=operation["operationId"])
        for path, item in described(is_public=is_public)["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


class Caller:
    """Sends what was drawn to one host and judges the answers."""

    def __init__(self, scene: Scene, host: str, credential: str = "") -> None:
        self.scene, self.host, self.seen = scene, host, set[int]()
        self.headers = {"Host": host, **({"Authorization": credential} if credential else {})}
        self.client = werkzeug.Client(application(), use_cookies=False)
        # Answers are judged by the operation, so one request stands for all of them.
        self.request = requests.Request("GET", f"http://{host}/").prepare()

    def send(self, case: Any) -> None:
        sent = case.as_transport_kwargs(base_url=f"http://{self.host}", headers=self.headers)
        answer = self.client.open(**sent)
        headers = {name.lower(): answer.headers.getlist(name) for name in answer.headers.keys()}  # noqa: SIM118
        body = answer.get_data()
        self.seen.add(answer.status_code)
        response = Response(answer.status_code, headers, body, self.request, 0.0, verify=False)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as found:
            told = "\n".join(f"{failure.title}: {failure.message}" for failure in found.exceptions)
            pytest.fail(f"{told}\n{answer.status_code} {body[:1000]!r}\n{sent}", pytrace=False)
        assert not self.scene.watch.leaks_in(f"{answer.headers}\n{body.decode(errors='replace')}"), sent


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most requests of a minute would be answered with 429, and tell nothing."""
    monkeypatch.setattr(limiter, "quota_of", lambda tenant: Quota(None, None))
    monkeypatch.setattr(Limit, "refuse_beyond", lambda limit, key: None)


@pytest.fixture
def ids(scene: Scene) -> Ids:
    """Rows by the names that bodies give them."""
    rows = {str(model._meta.model_name): list(map(str, keys)) for model, keys in scene.own.items()}
    return {**rows, **{name: rows[str(model._meta.model_name)] for name, model in MEANT.items()}}


def rows_of(scene: Scene, path: str, ids: Ids) -> list[dict[str, str]]:
    """Parameters of a path that lead to rows of acme."""
    names = re.findall(r"{(\w+)}", path)
    view: Any = resolve(re.sub(r"{\w+}", NOWHERE, path)).func
    queryset = getattr(view.cls, "queryset", None)
    if not names or queryset is None:
        return []
    rows = queryset.model._base_manager.filter(pk__in=scene.own[queryset.model])
    with unit_of_work(scene.acme):
        found = rows.values_list(*("pk" if name == "id" else name for name in names)).distinct()[:20]
        return [dict(zip(names, map(str, row), strict=True)) for row in found]


@pytest.mark.parametrize(("path", "method"), operations())
def test_no_input_breaks_the_server_and_every_answer_is_documented(
    scene: Scene, ids: Ids, path: str, method: str
) -> None:
    credential = f"Bearer {token_of(scene.acme, scene.people['owner'])}"
    caller = Caller(scene, scene.acme.host, credential)
    cases = draw(loaded(is_public=False)[path][method], EXAMPLES, start=SEED)
    for case in lead(cases, rows_of(scene, path, ids), ids):
        caller.send(case)
    assert caller.seen - {401, 429} or "/auth/" in path, "nothing got past the door"
    assert len(cases) >= EXAMPLES or not takes_input(path, method), f"only {len(cases)} are unlike each other"


@pytest.mark.parametrize(("path", "method"), operations(is_public=True))
def test_nothing_sent_to_the_public_host_breaks_it_and_every_answer_is_documented(
    scene: Scene, path: str, method: str
) -> None:
    caller = Caller(scene, settings.PUBLIC_HOST)
    cases = draw(loaded(is_public=True)[path][method], EXAMPLES, start=SEED)
    for case in cases:
        caller.send(case)
    assert len(cases) >= EXAMPLES

"""schemathesis against every operation of the OpenAPI document.

No server error, no undocumented answer, nothing of the neighbour's.

Each operation gets FUZZ_EXAMPLES requests (10), drawn alike from what the document allows and from what it forbids.
"""

import os
import re
from functools import cache
from typing import Any
from uuid import UUID

import pytest
import schemathesis
import yaml
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, HookContext
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tenants.api.schema import document
from tests.api.calls import NOWHERE
from tests.isolation.doors.scene import Scene

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPENAPI = yaml.safe_load(document("yaml"))
OPERATIONS = [
    pytest.param(path, method.upper(), id=operation["operationId"])
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
    if method in {"get", "post", "put", "patch", "delete"}
]


@cache
def schema() -> Any:
    loaded = schemathesis.openapi.from_dict(OPENAPI)
    loaded.app = get_wsgi_application()
    # Every constant of the program: reading them takes longer than the requests.
    loaded.config.analysis.constants.enabled = False
    loaded.hook(map_path_parameters)
    return loaded


# The rows that paths may lead to, by the operation that is tested.
ROWS: dict[str, list[str]] = {}


def map_path_parameters(context: HookContext, path_parameters: dict[str, Any] | None) -> dict[str, Any]:
    """Let most ids be those of rows; what was drawn says which."""
    rows = ROWS.get(context.operation.path if context.operation else "", [])
    return {name: _known(str(drawn), rows) for name, drawn in (path_parameters or {}).items()}


def _known(drawn: str, rows: list[str]) -> str:
    try:
        place = UUID(drawn).int % (len(rows) + 1)
    except ValueError:
        return drawn
    return [*rows, drawn][place]


def cases(path: str, method: str) -> st.SearchStrategy[Any]:
    """Requests of one operation: as many sound ones as unsound ones, where it can be wrong at all."""
    operation = schema()[path][method]
    return st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_input_breaks_the_server_and_every_answer_is_documented(
    scene: Scene, path: str, method: str
) -> None:
    headers = {"Host": scene.acme.host, "Authorization": scene.program.defaults["HTTP_AUTHORIZATION"]}
    view: Any = resolve(re.sub(r"\{\w+\}", NOWHERE, path)).func
    queryset = getattr(view.cls, "queryset", None)
    seen: set[int] = set()
    ROWS[path] = [str(key) for key in scene.own[queryset.model]] if queryset is not None else []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(path, method))
    def run(case: Any) -> None:
        answer = case.call_and_validate(base_url=f"http://{scene.acme.host}", headers=headers, checks=CHECKS)
        seen.add(answer.status_code)
        body = answer.content.decode(errors="replace")
        assert not scene.watch.leaks_in(f"{answer.headers}\n{body}")

    run()
    assert seen - {401, 429} or "/auth/" in path, "nothing got past the door"

"""The classes of bad input, put to every endpoint that the URLconf knows: one problem each, and nothing written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver

from tenants.checks import routes
from tests.api.calls import NOWHERE, Api
from tests.isolation.doors.routes import Route

ROUTES = [
    Route(path, pattern.callback)
    for path, pattern in routes(get_resolver("config.urls_tenant"))
    if path.startswith("api/v1/") and getattr(pattern.callback, "cls", None) is not None
]
BODIES = [
    (route, method) for route in ROUTES for method in ("POST", "PATCH", "PUT") if method in route.methods
]
LISTS = [route for route in ROUTES if route.action("GET") == "list" and not route.ids]


# The plan does not include it; nothing with this id exists.
DOORS = {402, 404}


def put(api: Api, route: Route, method: str, body: Any, content_type: str = "application/json") -> Any:
    url = route.url(dict.fromkeys(route.parameters, NOWHERE))
    return api.client.generic(method, url, body, content_type=content_type)


def refused(answer: Any, *statuses: int) -> None:
    """A whole problem with one of these statuses, or told before the input is looked at."""
    assert answer.status_code in {*statuses, *DOORS}, (answer.status_code, answer.content[:300])
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    assert len(answer.content) < 20_000, "an answer does not repeat what was sent"


def each(examples: dict[str, Any]) -> Iterator[Any]:
    """The examples, each with the endpoints it is put to: every third one, and others each time."""
    for place, (name, value) in enumerate(examples.items()):
        yield pytest.param(value, BODIES[place % 3 :: 3], id=name)


MALFORMED = {
    "cut off": "{",
    "NaN": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "twice": '{"a": 1, "a": 2}',
    "deep": '{"a":' * 200 + "1" + "}" * 200,
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "two values": '{"a": 1} {"b": 2}',
    "comment": '{"a": 1 /* one */}',
    "single quotes": "{'a': 1}",
    "trailing comma": '{"a": 1,}',
}
UNSOUND = {
    "list": "[]",
    "text": '"a"',
    "number": "1",
    "null": "null",
    "NUL": r'{"a": "\u0000"}',
    "lone surrogate": r'{"a": "\ud800"}',
    "NUL in a name": r'{"a\u0000": 1}',
    "huge integer": '{"a": ' + "9" * 5_000 + "}",
    "huge exponent": '{"a": 1e999}',
    "unknown name": '{"no_such_field": 1}',
    "name of an attribute": '{"__class__": 1}',
    "megabyte of a name": json.dumps({"x" * 900_000: 1}),
}


@pytest.mark.parametrize(("body", "endpoints"), each(MALFORMED))
def test_what_is_no_json_is_refused_everywhere(owner_api: Api, body: Any, endpoints: Any) -> None:
    for route, method in endpoints:
        refused(put(owner_api, route, method, body), 400)


@pytest.mark.parametrize(("body", "endpoints"), each(UNSOUND))
def test_what_no_shape_takes_is_refused_everywhere(owner_api: Api, body: Any, endpoints: Any) -> None:
    for route, method in endpoints:
        refused(put(owner_api, route, method, body), 422)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "x",
    ],
)
def test_other_forms_are_415_everywhere(owner_api: Api, content_type: str) -> None:
    for route, method in BODIES:
        refused(put(owner_api, route, method, "a=1", content_type), 415)


def test_fifty_megabytes_are_413_everywhere(owner_api: Api) -> None:
    body = b'{"a": "' + b"x" * 50_000_000 + b'"}'
    for route, method in BODIES[:: max(len(BODIES) // 8, 1)]:
        refused(put(owner_api, route, method, body), 413)


QUERIES = {
    "unknown parameter": "no_such_parameter=1",
    "name of a column": "password=1",
    "lookup": "id__in=1",
    "page": "page=-1",
    "limit of 0": "limit=0",
    "negative limit": "limit=-1",
    "giant limit": "limit=" + "9" * 4_000,
    "fraction": "limit=1.5",
    "digits of another script": "limit=%D9%A3",
    "empty cursor": "cursor=",
    "made-up cursor": "cursor=WyJhIl0:1:x",
    "NUL in a cursor": "cursor=%00",
    "two limits": "limit=1&limit=2",
    "private column": "ordering=password",
    "column of a relation": "ordering=created_by__password",
    "direction twice": "ordering=--id",
    "random": "ordering=?",
    "no time": "updated_since=yesterday",
    "time without an offset": "updated_since=2026-01-31T09:30:00",
    "time that never was": "updated_since=2026-02-30T09:30:00Z",
    "unknown field": "fields=password",
    "lone surrogate": "fields=%ED%A0%80",
    "direction override": "fields=%E2%80%AEid",
    "long": "fields=" + "x" * 6_000,
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_lists_refuse_what_they_would_ignore_or_guess(owner_api: Api, query: str) -> None:
    for route in LISTS:
        refused(owner_api.client.get(route.url({}) + "?" + query), 422, 400)


@pytest.mark.parametrize(
    "text",
    ["%00", "%E2%80%AE", "%07", "x" * 201, "%E2%81%A6a"],
    ids=["NUL", "override", "bell", "long", "isolate"],
)
def test_searches_refuse_what_is_no_text(owner_api: Api, text: str) -> None:
    for route in LISTS:
        if route.view.search_fields:
            refused(owner_api.client.get(f"{route.url({})}?search={text}"), 422)


def test_an_edited_cursor_is_refused_wherever_a_character_was_changed(owner_api: Api) -> None:
    for number in range(3):
        owner_api.post("categories/", {"name": f"Category {number}"})
    following = owner_api.get("categories/", limit=1).json()["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]
    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"
        edited = cursor[:place] + other + cursor[place + 1 :]
        refused(owner_api.client.get(following.replace(cursor, edited)), 422)
    assert owner_api.client.get(following).status_code == 200
    refused(owner_api.client.get(following.replace("categories", "products")), 422)


@pytest.mark.parametrize(
    "identifier", ["42", "x", NOWHERE.replace("-", ""), NOWHERE + "0", "%00", "..%2f", "٣"]
)
def test_a_path_s_id_is_a_uuid_or_leads_nowhere(owner_api: Api, identifier: str) -> None:
    for route in ROUTES:
        if route.ids:
            url = route.url(dict.fromkeys(route.parameters, "IDENTIFIER")).replace("IDENTIFIER", identifier)
            refused(
                owner_api.client.generic(route.methods[0], url, content_type="application/json"),
                404,
                405,
                400,
            )

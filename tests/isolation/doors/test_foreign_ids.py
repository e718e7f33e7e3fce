"""An id of the neighbour gets the very answer of an id that nobody has: in paths, bodies, filters and forms."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db.models import CharField, Model
from django.test import Client

from tenants.api.filters import IdFilter, TextFilter
from tenants.context import unit_of_work
from tenants.models import uuid7
from tests.isolation.doors.bodies import Body, Place, id_places, shape_of, sound_bodies, with_value
from tests.isolation.doors.canary import CANARY, content
from tests.isolation.doors.kinds import carrying, token_of
from tests.isolation.doors.pages import Form, Page
from tests.isolation.doors.paths import Way, Ways
from tests.isolation.doors.routes import Route, tenant_routes
from tests.isolation.doors.rows import tenant_models
from tests.isolation.doors.scene import Scene
from tests.stage import Pristine

ROUTES = tenant_routes()
WITH_IDS = [route for route in ROUTES if route.ids]
WITH_BODIES = [
    (route, method)
    for route in ROUTES
    for method in route.methods
    if route.is_api and (shape := shape_of(route, method)) and any(id_places(shape))
]
LISTS = [route for route in ROUTES if route.is_api and route.action("GET") == "list"]
PAGES = [route for route in ROUTES if not route.is_api and "GET" in route.methods and route.verb("GET")]
# What differs between any two answers.
PASSING = re.compile(
    r'"request_id":"[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"|X-CSRFToken[^}]*'
)


@dataclass
class Asker:
    """Sends requests as the owner of acme and reads the answers without what passes."""

    scene: Scene
    pristine: Pristine

    def __call__(self, route_is_api: bool, method: str, url: str, data: Any = None, said: str = "") -> Any:
        """Status, target and body, with the caller's own words left out."""
        client = self.scene.program if route_is_api else self.scene.owner
        cookies = SimpleCookie(client.cookies)
        response = self._send(client, method, url, data, route_is_api)
        client.cookies = cookies  # a message for the next page is none for the next request here
        text = PASSING.sub("", content(response))
        assert not self.scene.watch.leaks(response, said=said), f"{method} {url}: {text[:500]}"
        assert response.status_code < 500, f"{method} {url}: {text[:500]}"
        self.changed = self.pristine.restore()
        return response.status_code, _without(response.get("Location", ""), said), _without(text, said)

    def _send(self, client: Client, method: str, url: str, data: Any, is_api: bool) -> Any:
        if method == "GET":
            return client.get(url, data)
        if is_api:
            return client.generic(method, url) if data is None else _json(client, method, url, data)
        return client.post(url, data) if method == "POST" else client.generic(method, url)


def _json(client: Client, method: str, url: str, data: Any) -> Any:
    send = getattr(client, method.lower())
    state = {"if-match": "*"} if method == "PUT" else {}
    return send(url, data, content_type="application/json", headers=state)


def _without(text: str, said: str) -> str:
    for word in {said, html.escape(said), said.upper(), said.lower()} - {""}:
        text = text.replace(word, "…")
    return text


@pytest.fixture
def ask(scene: Scene, pristine: Pristine) -> Asker:
    return Asker(scene, pristine)


@pytest.mark.parametrize("route", WITH_IDS, ids=str)
def test_a_path_does_not_tell_a_foreign_id_from_a_missing_one(route: Route, ways: Ways, ask: Asker) -> None:
    way = ways.to(route)
    for method in route.methods:
        for name in route.ids:
            missing = _answer_to(ask, way, method, name, uuid7())
            assert missing[0] == 404, f"{method} {route} answers {missing[0]} to an id that nobody has"
            for theirs in ask.scene.theirs[way.models[name]]:
                assert _answer_to(ask, way, method, name, theirs) == missing, (
                    f"{method} {route}: {name}={theirs}"
                )
                assert not ask.changed


def _answer_to(ask: Asker, way: Way, method: str, name: str, value: Any) -> Any:
    return ask(way.route.is_api, method, way.with_id(name, value), said=str(value))


@pytest.mark.parametrize(("route", "method"), WITH_BODIES, ids=str)
def test_a_body_does_not_tell_a_foreign_id_from_a_missing_one(
    route: Route, method: str, ways: Ways, ask: Asker
) -> None:
    shape = shape_of(route, method)
    url, body = _accepting(route, method, ways, ask)
    for place, model in id_places(shape):
        missing = _answer_with(ask, method, url, body, place, uuid7())
        assert missing[0] in {404, 409, 422}, f"{method} {url} takes an id that nobody has at {place}"
        for theirs in ask.scene.theirs[model]:
            assert _answer_with(ask, method, url, body, place, theirs) == missing, f"{method} {url}: {place}"
            assert not ask.changed


def _answer_with(ask: Asker, method: str, url: str, body: Any, place: Place, value: Any) -> Any:
    return ask(True, method, url, with_value(body, place, str(value)), said=str(value))


def _accepting(route: Route, method: str, ways: Ways, ask: Asker) -> tuple[str, Body]:
    """A path and a body that it accepts, so that a refusal later is the id's alone."""
    way, refusals = ways.to(route), []
    urls = [way.with_id(name, key) for name, model in way.models.items() for key in ask.scene.own[model]]
    for body in sound_bodies(shape_of(route, method), ask.scene.own, way.models.values()):
        for url in urls or [way.url]:
            answer = ask(True, method, url, body)
            if 200 <= answer[0] < 300:
                return url, body
            refusals.append((url, answer))
    pytest.fail(f"{method} {route} refuses acme's own ids as well: {refusals}")


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_filter_does_not_tell_a_foreign_id_from_a_missing_one(route: Route, ways: Ways, ask: Asker) -> None:
    filters = getattr(route.view.filterset_class, "base_filters", {})
    url = ways.to(route).url
    for name, each in filters.items():
        if isinstance(each, IdFilter):
            _compare(ask, url, name, str(uuid7()), [str(key) for key in _related_ids(ask.scene, route, name)])
        elif isinstance(each, TextFilter):
            _compare(ask, url, name, "NOBODY-1", [f"{CANARY}-1", f"{CANARY}-2"])


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_search_finds_nothing_of_the_neighbour(route: Route, ways: Ways, ask: Asker) -> None:
    _compare(ask, ways.to(route).url, "search", "NOBODY", [CANARY])


def _compare(ask: Asker, url: str, name: str, missing: str, theirs: list[str]) -> None:
    expected = ask(True, "GET", url, {name: missing}, said=missing)
    assert expected[0] == 200, f"{url}?{name}={missing}: {expected}"
    for value in theirs:
        assert ask(True, "GET", url, {name: value}, said=value) == expected, f"{url}?{name}={value}"


def _related_ids(scene: Scene, route: Route, name: str) -> list[Any]:
    named = {field.name: field.related_model for field in route.view.queryset.model._meta.fields}
    model = named.get(name) or next(model for model in tenant_models() if model._meta.model_name == name)
    return scene.theirs[model]


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_cursor_of_the_neighbour_is_as_bad_as_a_made_up_one(
    route: Route, ways: Ways, ask: Asker, neighbour: Client
) -> None:
    way = ways.to(route)
    there = route.url({name: ask.scene.theirs[model][0] for name, model in way.models.items()})
    following = urlsplit(neighbour.get(there, {"limit": 1}).json()["next"] or "")
    assert following.query, f"{there} has one row or none at the neighbour's: give the scene two"
    made_up = ask(True, "GET", way.url, {"cursor": "made-up"})
    assert made_up[0] == 422
    assert ask(True, "GET", way.url, {"cursor": parse_qs(following.query)["cursor"][0]}) == made_up


@pytest.fixture
def neighbour(scene: Scene) -> Client:
    """The owner of globex at the API of globex."""
    return carrying(scene.globex, token_of(scene.globex, scene.stranger))


@pytest.mark.parametrize("route", PAGES, ids=str)
def test_forms_and_links_of_a_page_do_not_tell_a_foreign_row_from_a_missing_one(
    route: Route, ways: Ways, ask: Asker
) -> None:
    for reference in _references(ask.scene, ways.to(route)):
        answers = []
        for missing, theirs in reference.wrong(ask.scene):
            answers.append(reference.sent(ask, missing))
            for value in theirs:
                assert reference.sent(ask, value) == answers[-1], f"{reference} = {value}"
        assert any(reference.sent(ask, value) not in answers for value in reference.right(ask.scene)), (
            f"{reference} answers to acme's own rows as to missing ones, so nothing is proved by it"
        )


def test_the_references_on_pages_are_found(ways: Ways, scene: Scene) -> None:
    found = {
        reference.model._meta.model_name
        for route in PAGES
        for reference in _references(scene, ways.to(route))
    }
    assert found >= {"category", "customer", "product"}


@dataclass
class Reference:
    """A field of a form, or a parameter of a link, that names a row."""

    form: Form
    name: str
    model: type[Model]

    def __str__(self) -> str:
        return f"{self.form.method} {self.form.action}: {self.name}"

    def sent(self, ask: Asker, value: str) -> Any:
        data = {**self.form.fields, self.name: value}
        return ask(False, self.form.method, self.form.action, data, said=value)

    def wrong(self, scene: Scene) -> Iterator[tuple[str, list[str]]]:
        """Something that nobody has, and what the neighbour has of that kind: by id and by text."""
        yield str(uuid7()), [str(key) for key in scene.theirs[self.model]]
        yield "NOBODY-1", [f"{CANARY}-1", f"{CANARY.lower()}-2"]

    def right(self, scene: Scene) -> list[str]:
        """What acme has: ids and texts."""
        texts = [field.name for field in self.model._meta.concrete_fields if isinstance(field, CharField)]
        with unit_of_work(scene.acme):
            rows = self.model._default_manager.values_list("pk", *texts)
            return [str(value) for row in rows for value in row if value]


def _references(scene: Scene, way: Way) -> Iterator[Reference]:
    """Fields that name rows: by their name, or by the ids they hold."""
    # A key such as a currency's code is a word that everybody may say.
    own = {str(key): model for model, keys in scene.own.items() for key in keys if isinstance(key, UUID)}
    named = {model._meta.model_name or "": model for model in tenant_models()}
    for form in Page(way.url, content(scene.owner.get(way.url))).forms:
        for name in form.fields:
            held = [own[value] for value in form.values_of(name) if value in own]
            last = re.split(r"[-_.]", name)[-1]
            # A choice between words, such as the columns of a file, names no row.
            if held or (last in named and name not in form.options):
                yield Reference(form, name, held[0] if held else named[last])

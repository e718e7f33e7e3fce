"""The short way for reads: one message to the database, and its bytes are the answer.

A GET of a list or a record with a bearer credential is answered here when its view leaves reading to the bases. All
that is declared holds: host, status, credential, verb, filters, page, selection, tag. What is out of the ordinary,
errors first of all, is left to the ordinary way, which does it all again and says what is wrong; so is the first
answer of each kind, whose headers are then kept. Both ways answer with the same bytes; tests compare all routes.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, get_resolver

from tenants.api.columns import NotCompiled
from tenants.api.etags import EPOCH, MICROSECOND, digest, is_known, list_tag, state_tag
from tenants.api.known import tags
from tenants.api.limits import admit, limiter
from tenants.api.notices import noted
from tenants.api.plans import Plan, Plans, is_plain
from tenants.api.renderers import dump_json
from tenants.checks import routes
from tenants.context import TENANT_ALIAS, Tenant, current
from tenants.hosts import canonical, directory, is_public
from tenants.replicas import replica
from tenants.standing import Purpose, refusal_of
from tenants.status import Door, answer
from tenants.users.permissions import can
from tenants.users.recognition import Recognised, recognition

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

GetResponse = Callable[[HttpRequest], HttpResponseBase]
Ask = Callable[[str], "list[PGresult]"]
PREFIX: Final = "/api/v1/"
BEARER: Final = "Bearer "
PLAIN_ACCEPT: Final = frozenset({None, "*/*", "application/json"})
# What may make an answer another one than the usual.
UNUSUAL: Final = ("HTTP_COOKIE", "HTTP_ORIGIN", "HTTP_UPGRADE", "HTTP_RANGE", "HTTP_IF_MATCH")
ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLACE: Final = "<uuid:id>"
# Each answer has its own, or they are added further out.
OWN_HEADERS: Final = frozenset({"content-length", "etag", "x-request-id"})
MOST_KINDS: Final = 10_000
log = structlog.get_logger("rowhouse.lane")

Kind = tuple[str, str, str, int]


class NotHere(Exception):
    """Leave it to the ordinary way."""


@dataclass
class Route:
    """A route whose GET is a plain read."""

    plans: Plans
    match: ResolverMatch
    is_compiled: bool = True


class Lane:
    """Middleware. It stands outside of those that only add headers, because it adds the same ones by itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._headers: OrderedDict[Kind, dict[str, tuple[str, str]]] = OrderedDict()

    @cached_property
    def routes(self) -> dict[str, Route]:
        """The plain reads by their path, ids replaced."""
        return dict(_plain_routes())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        told = noted.set({})
        try:
            response = self._respond(request)
            if notices := noted.get():
                response["Limit-Notice"] = ", ".join(notices)
        finally:
            noted.reset(told)
        return response

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        route = self._route(request)
        response: HttpResponseBase | None = None
        if route is not None:
            try:
                response = self._answer(request, route)
            except NotCompiled:
                route.is_compiled = False
            except Exception as error:  # noqa: BLE001  (the ordinary way says what is wrong)
                log.debug("left_to_the_ordinary_way", error=repr(error))
        if response is None:
            response = self.get_response(request)
            if route is not None:
                self._learn(request, route, response)
        if (rate := getattr(request, "rate", None)) is not None:
            response["RateLimit-Policy"], response["RateLimit"] = rate.policy, rate.state
        return response

    # Which requests

    def _route(self, request: HttpRequest) -> Route | None:
        path, meta = request.path_info, request.META
        if request.method != "GET" or not path.startswith(PREFIX):
            return None
        if not meta.get("HTTP_AUTHORIZATION", "").startswith(BEARER) or any(
            meta.get(name) for name in UNUSUAL
        ):
            return None
        if meta.get("HTTP_ACCEPT") not in PLAIN_ACCEPT or (
            settings.SECURE_SSL_REDIRECT and not request.is_secure()
        ):
            return None
        route = self.routes.get(path) or self.routes.get(ID.sub(PLACE, path, count=1))
        return route if route is not None and route.is_compiled else None

    # Answering

    def _answer(self, request: HttpRequest, route: Route) -> HttpResponse | None:
        if not (self._kept(request, route, 200) and _is_free()):
            return None
        tenant = _open_tenant(request)
        credential = request.META["HTTP_AUTHORIZATION"].removeprefix(BEARER).strip()
        caller = recognition.of(tenant, credential)
        if caller is None:
            return None
        token = current.set(tenant)
        try:
            return self._read(request, route, tenant, caller, credential)
        finally:
            current.reset(token)

    def _read(
        self, request: HttpRequest, route: Route, tenant: Tenant, caller: Recognised, credential: str
    ) -> HttpResponse | None:
        plan = route.plans.plan(request, caller.principal)
        is_allowed = all(can(caller.principal, verb) for verb in plan.verbs)
        if not is_allowed or limiter.refusal_of(tenant) is not None:
            return None
        if not admit(request, tenant, caller.principal):
            return None
        key = _key(request, route)
        plan = plan.of(key) if key else plan
        request.tenant = tenant  # type: ignore[attr-defined]
        request.resolver_match = route.match
        ask = partial(_ask, tenant, caller, credential)
        header = request.META.get("HTTP_IF_NONE_MATCH")
        if header is None or not plan.versions:
            return self._written(request, route, plan, key, ask(plan.statement)[0])[1]
        return self._unless_known(request, route, plan, key, ask)

    def _unless_known(
        self, request: HttpRequest, route: Route, plan: Plan, key: UUID | None, ask: Ask
    ) -> HttpResponse | None:
        """304 where the tag is known and its rows are the same; else the answer, and what it was made of."""
        address = (request.tenant.id, request.scheme, request.get_host(), request.get_full_path())  # type: ignore[attr-defined]
        given = tags.of(address)
        if given is not None and is_known(given.tag, request.META.get("HTTP_IF_NONE_MATCH")):
            (found,) = ask(plan.versions)
            if _versions(found) == given.versions:
                return self._response(request, route, given.tag, b"")
        found, rows = ask(f"{plan.versions};{plan.statement}")
        tag, response = self._written(request, route, plan, key, rows)
        tags.remember(address, tag, _versions(found))
        return response

    def _written(
        self, request: HttpRequest, route: Route, plan: Plan, key: UUID | None, rows: Any
    ) -> tuple[str, HttpResponse | None]:
        tag, body = _record(plan, key, rows) if key else _list(request, plan, rows)
        return tag, self._response(request, route, tag, body)

    def _response(self, request: HttpRequest, route: Route, tag: str, body: bytes) -> HttpResponse | None:
        known = is_known(tag, request.META.get("HTTP_IF_NONE_MATCH"))
        headers = self._kept(request, route, 304 if known else 200)
        if headers is None:
            return None
        response = HttpResponse(b"" if known else body, status=304 if known else 200)
        own = {"etag": ("ETag", tag), "content-length": ("Content-Length", str(len(response.content)))}
        response.headers._store = {**headers, **own}
        return response

    # The headers of the other middlewares

    def _kept(self, request: HttpRequest, route: Route, status: int) -> dict[str, tuple[str, str]] | None:
        return self._headers.get(_kind(request, route, status))

    def _learn(self, request: HttpRequest, route: Route, response: HttpResponseBase) -> None:
        if response.status_code in (200, 304) and not response.cookies:
            store: dict[str, tuple[str, str]] = response.headers._store
            kept = {name: pair for name, pair in store.items() if name not in OWN_HEADERS}
            self._headers[_kind(request, route, response.status_code)] = kept
            if len(self._headers) > MOST_KINDS:
                self._headers.popitem(last=False)


def _kind(request: HttpRequest, route: Route, status: int) -> Kind:
    return route.match.route, request.get_host(), str(request.scheme), status


def _is_free() -> bool:
    """Whether this thread's connection may be used at once, and is the one that is read from."""
    connection: Any = connections[TENANT_ALIAS]
    at_once = getattr(connection, "read_at_once", None)
    return at_once is not None and not (
        connection.in_atomic_block or connection.is_weary or replica.is_configured
    )


def _open_tenant(request: HttpRequest) -> Tenant:
    host = canonical(request.get_host())
    tenant = None if is_public(host) else directory.by_host(host)
    if tenant is None or answer(tenant.status, Door.API) or refusal_of(tenant, Purpose.READ):
        raise NotHere
    return tenant


def _ask(tenant: Tenant, caller: Recognised, credential: str, statements: str) -> "list[PGresult]":
    """What the statements find, on one snapshot with the caller's rows; raises NotHere when these have changed."""
    connection: Any = connections[TENANT_ALIAS]
    versions, *found = connection.read_at_once(tenant, f"{caller.question};{statements}")
    if (versions.get_value(0, 0) or b"").decode() != caller.versions:
        recognition.forget(tenant, credential)
        raise NotHere
    return list(found)


def _key(request: HttpRequest, route: Route) -> UUID | None:
    found = ID.search(request.path_info) if route.plans.action == "retrieve" else None
    return UUID(found[0]) if found else None


def _list(request: HttpRequest, plan: Plan, rows: Any) -> tuple[str, bytes]:
    """The tag and the body of a page."""
    assert plan.window is not None
    shown, more = plan.window.cut([plan.written(rows, number) for number in range(rows.ntuples)])
    last = len(shown) - 1
    ends = (last, 0) if plan.window.is_backwards else (0, last)
    edges = (plan.beside(rows, ends[0]), plan.beside(rows, ends[1])) if shown else None
    links = dump_json(plan.window.links(request.build_absolute_uri(), edges, more=more))
    data = b"[" + b",".join(shown) + b"]"
    following, _, before = links[1:-1].partition(b",")
    body = b'{"data":' + data + b',"next":' + following + b',"previous":' + before + b"}"
    return list_tag(data, links), body


def _record(plan: Plan, key: UUID, rows: Any) -> tuple[str, bytes]:
    """The tag and the body of a record; raises NotHere when there is none."""
    if rows.ntuples != 1:
        raise NotHere
    body, changed = plan.written(rows, 0), plan.beside(rows, 0)
    moment = (datetime.fromisoformat(changed[0]) - EPOCH) // MICROSECOND if changed else 0
    return state_tag(key, moment, variant=digest(body)[:16]), body


def _versions(rows: "PGresult") -> bytes:
    """The versions of the rows in few bytes."""
    found = b"".join([rows.get_value(number, 0) or b"" for number in range(rows.ntuples)])
    return hashlib.md5(found, usedforsecurity=False).digest()


def _plain_routes() -> Iterator[tuple[str, Route]]:
    for path, view, action, match in _plain_views(settings.ROOT_URLCONF):
        yield f"/{path}", Route(Plans(view, action, path), match)


@cache
def _plain_views(urlconf: str) -> list[tuple[str, type[Any], str, ResolverMatch]]:
    """Looked for once in a process, however many handlers it makes."""
    found = []
    for path, pattern in routes(get_resolver(urlconf)):
        view, actions = getattr(pattern.callback, "cls", None), getattr(pattern.callback, "actions", None)
        action = (actions or {}).get("get", "")
        if view is not None and is_plain(view, action) and path.replace(PLACE, "").count("<") == 0:
            match = ResolverMatch(pattern.callback, (), {}, pattern.name, route=path)
            found.append((path, view, action, match))
    return found

"""The limit: the same page of products by psycopg, PyJWT and orjson alone, in one message of a tenant's transaction."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

import jwt
from django.db import connections

from bench.peers import ours, shelf
from bench.peers.call import Application, Scenarios
from tenants.api.renderers import dump_json
from tenants.backend.base import opening_message
from tenants.context import Tenant
from tenants.hosts import directory
from tenants.users.keys import signing_key

COLUMNS = (
    "p.id, p.sku, p.name, p.description, p.kind, p.status, p.price, p.compare_at_price, p.cost_price, p.currency, "
    "p.tax_class, NULL AS category, p.tags, p.metadata, p.parent_id AS parent, p.options, p.option_values, "
    "p.inherits, p.on_hand, p.reserved, p.on_hand - p.reserved AS available, p.low_stock_at, p.created_at, p.updated_at"
)
CATEGORY = ("id", "name", "slug", "parent", "ancestors", "created_at", "updated_at")
JOINED = "c.id, c.name, c.slug, c.parent_id, c.ancestors, c.created_at, c.updated_at"
PAGE = (
    f"SELECT {COLUMNS}, {JOINED} FROM products_product AS p LEFT JOIN products_category AS c ON c.id = p.category_id "
    f"WHERE p.parent_id IS NULL ORDER BY p.created_at DESC, p.id DESC LIMIT {shelf.PAGE}"
)
PERSON, ROWS = 4, 5


def prepare(tenants: int) -> Scenarios:
    """Tenants of its own, made as ours are."""
    return {"list_jwt": ours.prepare(tenants, prefix="raw")["list_jwt"]}


def application(scenarios: Scenarios) -> Application:
    """A WSGI application without a framework."""
    known = {call.host: directory.by_host(call.host) for call in scenarios["list_jwt"]}
    return partial(_answer, known)


def _answer(
    known: dict[str, Tenant], environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    tenant = known[environ["HTTP_HOST"]]
    token = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    claims = jwt.decode(token, signing_key().public, ["EdDSA"], audience=str(tenant.id))
    body = dump_json({"data": _rows(tenant, UUID(claims["sub"])), "next": None, "previous": None})
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _rows(tenant: Tenant, user: UUID) -> list[dict[str, Any]]:
    person = f"SELECT 1 FROM users_user WHERE id = '{user}' AND is_active"
    with connections["default"].connection.cursor() as cursor:
        cursor.execute(f"{opening_message(tenant)};{person};{PAGE};COMMIT")
        cursor.set_result(PERSON)
        if cursor.fetchone() is None:
            raise PermissionError("nobody")
        cursor.set_result(ROWS)
        names = [column.name for column in cursor.description][: -len(CATEGORY)]
        return [_product(names, row) for row in cursor.fetchall()]


def _product(names: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    product = dict(zip(names, row, strict=False))
    category = row[len(names) :]
    product["category"] = dict(zip(CATEGORY, category, strict=True)) if category[0] else None
    return product

"""The short way for reads: the same bytes as the ordinary way, the same refusals, and fewer messages."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jwt
import psycopg
import pytest
from django.db import connections
from django.db.models import F
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenant_apps.orders.models import Order
from tenant_apps.products.models import Category, Product
from tenants.api import lane
from tenants.api.limits import Quota, limiter
from tenants.backend.base import WallBreached
from tenants.context import unit_of_work
from tenants.users import recognition, tokens
from tenants.users.models import User
from tenants.users.services import create_api_token, revoke_api_token
from tests.api.calls import Api, problem, signed_in
from tests.api.test_query_counts import ORDINARY, fill
from tests.stage import administrator

# Plain reads that need Python for one of their fields, and which.
NEED_PYTHON = {
    "/api/v1/api-tokens/": "kind",
    "/api/v1/api-tokens/<uuid:id>/": "kind",
    "/api/v1/billing/invoices/": "all: the table is the platform's",
    "/api/v1/billing/invoices/<uuid:id>/": "all: the table is the platform's",
    "/api/v1/domains/": "state",
    "/api/v1/domains/<uuid:id>/": "state",
    "/api/v1/invoices/": "file",
    "/api/v1/invoices/<uuid:id>/": "file",
    "/api/v1/orders/<uuid:id>/": "subtotal",
    "/api/v1/sign-ins/": "address",
    "/api/v1/sign-ins/<uuid:id>/": "address",
    "/api/v1/stock/": "is_low",
    "/api/v1/stock/<uuid:id>/": "is_low",
    "/api/v1/stock/counts/<uuid:id>/": "product.sku",
    "/api/v1/stock/transfers/<uuid:id>/": "product.sku",
    "/api/v1/tax-rules/": "valid_from",
    "/api/v1/tax-rules/<uuid:id>/": "valid_from",
    "/api/v1/webhook-deliveries/": "response_status",
    "/api/v1/webhook-deliveries/<uuid:id>/": "response_status",
}
FEWER = "fields=id,updated_at"
QUERIES = (
    "",
    "limit=2&ordering=created_at",
    "limit=1&ordering=-created_at&fields=id",
    "updated_since=2020-01-01T00:00:00Z&limit=2",
    FEWER,
    "fields=nothing",
    "strange=1",
)


@pytest.fixture
def shop(acme, owner, actor):
    """A row in every list."""
    return fill(acme, owner, actor, 1)


@pytest.fixture
def full_shop(acme, owner, actor, monkeypatch):
    """Rows in every list; some with what is awkward to write as JSON."""
    monkeypatch.setattr(limiter, "quota_of", lambda tenant: Quota(1_000_000, 1_000_000))
    found = fill(acme, owner, actor, 4)
    with unit_of_work(acme):
        awkward = 'Tab\t"quoted" \\ back \x7f é 😀 \u2028 </script> 2026-01-31T09:30:00+00:00'
        Product.objects.filter(pk=found["product"]).update(
            description=awkward, created_at=timezone.now().replace(microsecond=0)
        )
        Product.objects.exclude(pk=found["product"]).update(
            updated_at=timezone.now().replace(microsecond=120_000)
        )
        Category.objects.update(updated_at="0999-01-01T00:00:00Z")
        address = {"name": 'Ada "Countess" Lovelace, and: others', "lines": ["Via Po 1, 2", "é"], "zone": 4}
        Order.objects.update(billing_address=address)
    return found


def routes() -> dict[str, lane.Route]:
    return dict(lane._plain_routes())


@contextmanager
def messages() -> Iterator[list[str]]:
    """What is sent to the tenants' database meanwhile."""
    told: list[str] = []
    with CaptureQueriesContext(connections["default"]) as sent:
        yield told
    told += [query["sql"] for query in sent]


def both(api: Api, path: str, **headers: str):
    """The answers of both ways, and what the short one sent; the first answer of a kind teaches the headers."""
    ordinary = api.client.get(path, headers={**ORDINARY, **headers})
    api.client.get(path.partition("?")[0], headers={})
    api.client.get(path, headers=headers)
    with messages() as sent:
        short = api.client.get(path, headers=headers)
    return ordinary, short, sent


def shown(answer) -> tuple[int, bytes, dict[str, str]]:
    own = {"X-Request-Id", "RateLimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    body = answer.content if answer.status_code < 400 else str(sorted(answer.json().keys())).encode()
    return answer.status_code, body, headers


def targets(api: Api, path: str) -> list[str]:
    """Addresses of a route: with what may be asked of it, and what may not, and of a second page or record."""
    listed = path.partition("<")[0]
    if "<" not in path:
        following = api.client.get(f"{listed}?limit=2").json()["next"]
        return [*(f"{path}?{query}" for query in QUERIES), *filter(None, [following])]
    ids = [row["id"] for row in api.client.get(listed).json()["data"]]
    last, *others = [path.replace("<uuid:id>", key) for key in reversed(ids[-2:])]
    return [*(f"{last}?{query}" for query in QUERIES), *others, *(f"{one}?{FEWER}" for one in others)]


def is_short(api: Api, target: str) -> bool:
    """Compare both ways of a route whose headers are learned; whether the short one was gone."""
    ordinary = api.client.get(target, headers=ORDINARY)
    with messages() as sent:
        short = api.client.get(target)
    if ordinary.status_code >= 400:
        assert shown(short)[:2] == shown(ordinary)[:2], target
        return False
    assert shown(short) == shown(ordinary), target
    known = {"if-none-match": f'"x", {ordinary["ETag"]}'}
    ordinary, first, second = (
        api.client.get(target, headers=headers) for headers in ({**ORDINARY, **known}, known, known)
    )
    assert shown(first) == shown(second) == shown(ordinary), target
    assert ordinary.status_code == 304
    return len(sent) == 1


@pytest.mark.usefixtures("full_shop")
def test_both_ways_answer_with_the_same_bytes_on_every_route(owner_api):
    for path in routes():
        asked = targets(owner_api, path)
        for target in asked[:1]:
            owner_api.client.get(target.partition("?")[0])  # its headers are learned
        gone = [is_short(owner_api, target) for target in asked]
        assert not gone or any(gone) == (path not in NEED_PYTHON), (
            f"{path}: say in NEED_PYTHON which field needs it"
        )


def test_expanded_records_are_the_same_on_both_ways(owner_api, full_shop):
    for path in ("products/", f"products/{full_shop['product']}/", "orders/"):
        field = "customer" if path == "orders/" else "category"
        ordinary, short, sent = both(owner_api, f"/api/v1/{path}?expand={field}")
        assert shown(short) == shown(ordinary)
        assert len(sent) == 1


def made_together() -> None:
    """Rows of one transaction, which have one version among them."""
    Category.objects.bulk_create(
        Category(name=f"0 {number}", slug=f"0-{number}", parent=None) for number in range(4)
    )


CHANGES = {
    "a row": lambda: Product.objects.order_by("sku").update(on_hand=F("on_hand") + 1),
    "a related row": lambda: Category.objects.filter(name="0 3").update(name="Renamed"),
    "a row that comes": lambda: Category.objects.create(name="-", slug="first"),
    "a row that goes, its like comes": lambda: Category.objects.filter(name="0 0").delete(),
}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("a row", "products/?limit=2&expand=category"),
        ("a row", "products/{product}/"),
        ("a related row", "products/{product}/?expand=category"),
        ("a row that comes", "categories/?limit=2"),
        ("a row that goes, its like comes", "categories/?limit=2"),
    ],
)
def test_what_a_caller_has_is_not_written_again_until_it_changes(owner_api, acme, shop, change, path):
    path = "/api/v1/" + path.format(**shop)
    with unit_of_work(acme):
        made_together()
        Product.objects.update(category=Category.objects.get(name="0 3"))
    ordinary, *_ = both(owner_api, path)
    known = {"if-none-match": ordinary["ETag"]}
    answers = [both(owner_api, path, **known) for _ in range(2)]
    assert {each.status_code for *both_ways, _ in answers for each in both_ways} == {304}
    ((sent,),) = [sent for *_, sent in answers[1:]]
    assert "row_to_json" not in sent
    with unit_of_work(acme):
        CHANGES[change]()
    ordinary, short, _ = both(owner_api, path, **known)
    assert shown(short) == shown(ordinary)
    assert short.status_code == 200
    assert short["ETag"] != known["if-none-match"]


def test_what_is_kept_is_kept_by_the_host_that_was_asked_for():
    route = routes()["/api/v1/products/"]
    kinds = []
    with override_settings(USE_X_FORWARDED_HOST=True):
        for name in ("shop.localhost", "www.shop.example"):
            asked = RequestFactory().get("/", headers={"host": "internal", "x-forwarded-host": name})
            kinds.append(lane._kind(asked, route, 200))
    assert kinds[0] != kinds[1]


def test_an_api_token_reads_in_one_message_as_well(acme, owner, actor, shop):
    with unit_of_work(acme):
        token, secret = create_api_token(actor=actor, owner=owner, name="Shop", scopes=["products:read"])
    program = Api(acme, secret)
    ordinary, short, sent = both(program, "/api/v1/products/")
    assert (shown(short), len(sent)) == (shown(ordinary), 1)
    problem(program.get("orders/"), 403, "forbidden")
    with unit_of_work(acme):
        revoke_api_token(actor=actor, token=token)
    problem(program.get("products/"), 401, "authentication_required")


def test_an_expiry_counts_on_time_and_a_retired_key_at_once(acme, owner, shop, monkeypatch):
    monkeypatch.setattr(recognition.recognition, "_known", OrderedDict())
    api = signed_in(owner, acme)
    for _ in range(3):
        assert api.get("products/").status_code == 200
    (known,) = recognition.recognition._known.values()
    expiry = jwt.decode(next(iter(recognition.recognition._known))[1], options={"verify_signature": False})[
        "exp"
    ]
    assert known.until.timestamp() <= expiry
    assert known.is_good
    assert not replace(known, until=timezone.now()).is_good
    monkeypatch.setattr(recognition, "verifying_key", lambda kid: None)
    monkeypatch.setattr(tokens, "verifying_key", lambda kid: None)
    problem(api.get("products/"), 401, "authentication_required")


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}, {"role": "operator"}])
def test_what_changes_about_a_person_counts_at_the_next_request(acme, person, change):
    admin = person("admin").user
    api = signed_in(admin, acme)
    for _ in range(3):
        assert api.get("products/").status_code == 200
    with unit_of_work(acme):
        User.objects.filter(pk=admin.pk).update(**change)
    status = 403 if "role" in change else 401
    assert api.get("products/").status_code == status


def test_a_credential_opens_no_other_tenant(owner_api, acme, globex, shop):
    for _ in range(3):
        assert owner_api.get("products/").status_code == 200
    for _ in range(3):
        answer = owner_api.client.get("/api/v1/products/", headers={"host": globex.host})
        problem(answer, 401, "authentication_required")


def test_a_schema_with_another_tenants_sentinel_is_noticed(owner_api, acme, shop):
    owner_api.get("products/")
    with administrator() as connection:
        connection.execute(f'UPDATE "{acme.schema}".tenants_sentinel SET tenant_id = gen_random_uuid()')
    wrapper: Any = connections["default"]
    with pytest.raises(WallBreached):
        wrapper.read_at_once(acme, "SELECT 1")
    assert wrapper.bound is None


def test_reading_at_once_cannot_write_and_leaves_nothing_open(acme):
    connection: Any = connections["default"]
    with pytest.raises(Exception, match="read-only transaction"):
        connection.read_at_once(acme, "DELETE FROM products_category")
    (one,) = connection.read_at_once(acme, "SELECT current_user")
    assert one.get_value(0, 0).decode() == acme.role
    assert connection.connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with unit_of_work(acme), pytest.raises(Exception, match="open already"):
        connection.read_at_once(acme, "SELECT 1")

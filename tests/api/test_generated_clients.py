"""Clients that were generated from the OpenAPI document work against the running server, as their types say."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from infra.local.node import SOURCE, find_packages, program
from tenants.api.schema import document
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tenants.users.services import create_api_token
from tests.portal.live import serving

PACKAGES = find_packages()
SCOPES = ["products:read", "products:write", "stock:write", "orders:read", "orders:write"]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(document("json"))
    return folder


@pytest.fixture
def address(acme: Tenant) -> Iterator[str]:
    """Where acme is served."""
    with serving(acme.host) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def token(acme: Tenant, owner: User, actor: Any) -> str:
    with unit_of_work(acme):
        return create_api_token(actor=actor, owner=owner, name="Client", scopes=SCOPES)[1]


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


# Python


@pytest.fixture(scope="module")
def generated(described: Path) -> Iterator[Path]:
    """The Python client, of which nothing could be left out; importable as `rowhouse_client`."""
    (described / "config.yaml").write_text(yaml.safe_dump({"post_hooks": []}))
    options = ["--path", "openapi.json", "--config", "config.yaml", "--meta", "none", "--fail-on-warning"]
    run(
        program("openapi-python-client"),
        "generate",
        *options,
        "--output-path",
        "rowhouse_client",
        cwd=described,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(described))
        yield described / "rowhouse_client"
    for name in [name for name in sys.modules if name.partition(".")[0] == "rowhouse_client"]:
        del sys.modules[name]


@pytest.fixture
def client(generated: Path, address: str, token: str) -> Any:
    kind = importlib.import_module("rowhouse_client").AuthenticatedClient
    return kind(base_url=address, token=token, raise_on_unexpected_status=True)


def call(name: str, client: Any, *path: Any, **arguments: Any) -> Any:
    """An operation by its id; what it answers, as the client understands it."""
    tag = next(tag for tag in ("products", "orders", "stock", "me") if name.startswith(tag))
    return importlib.import_module(f"rowhouse_client.api.{tag}.{name}").sync(
        *path, client=client, **arguments
    )


@pytest.fixture
def models(generated: Path) -> Any:
    return importlib.import_module("rowhouse_client.models")


def test_python_creates_lists_and_orders(client: Any, models: Any) -> None:
    made = [
        call(
            "products_create",
            client,
            body=models.NewProductRequest(sku=f"PY-{n}", name=f"Mug {n}", price="9.50", opening_stock=5),
            idempotency_key=f"py-{n}",
        )
        for n in range(5)
    ]
    assert {product.currency for product in made} == {"GBP"}
    assert skus_of(client) == [product.sku for product in made]
    line = models.LineInputRequest(product=made[0].id, quantity=2)
    order = call("orders_create", client, body=models.NewOrderRequest(lines=[line], place=True))
    assert (order.status.value, order.lines[0].quantity) == ("placed", 2)
    assert call("orders_retrieve", client, order.id).id == order.id


def skus_of(client: Any) -> list[str]:
    """All SKUs, page by page."""
    skus: list[str] = []
    more: dict[str, str] | None = {}
    while more is not None:
        page = call("products_list", client, limit=2, ordering="sku", **more)
        skus += [product.sku for product in page.data]
        more = {"cursor": parse_qs(urlsplit(page.next_).query)["cursor"][0]} if page.next_ else None
    return skus


def test_python_understands_refusals(client: Any, models: Any) -> None:
    body = models.NewProductRequest(sku="MUG", name="Mug", price="9.50")
    product = call("products_create", client, body=body)
    taken = call("products_create", client, body=body)
    assert isinstance(taken, models.Problem)
    assert (taken.status, taken.code) == (409, "sku_taken")
    wrong = call("products_create", client, body=models.NewProductRequest(sku="X", name="X", price="1e3"))
    assert [(error.pointer, error.in_.value) for error in wrong.errors] == [("/price", "body")]
    stale = call(
        "products_partial_update",
        client,
        product.id,
        body=models.PatchedProductChangesRequest(name="Cup"),
        if_match='"another"',
    )
    assert stale.code == "precondition_failed"
    assert call("products_list", client, cursor="edited").code == "validation_failed"


def test_python_sends_many_at_once(client: Any, models: Any) -> None:
    items = [models.BulkProductRequest(sku=f"B-{n}", name="Mug", price="1.00") for n in range(3)]
    done = call(
        "products_bulk", client, body=models.ProductsBulkRequest(mode=models.BulkMode.EACH, items=items)
    )
    assert (done.succeeded, done.failed, done.items[0].status) == (3, 0, 201)


# TypeScript


@pytest.mark.skipif(
    PACKAGES is None and os.environ.get("CI") != "true",
    reason="the packages are not installed: run bin/test once",
)
def test_typescript_compiles_against_the_types_and_runs(described: Path, address: str, token: str) -> None:
    assert PACKAGES, "run bin/test once: it installs the packages"
    for name in ("package.json", "tsconfig.json", "node.d.ts", "journey.ts"):
        shutil.copy(SOURCE / name, described)
    (described / "node_modules").symlink_to(PACKAGES)
    node, tools = (
        program("node"),
        SimpleNamespace(types="openapi-typescript/bin/cli.js", tsc="typescript/bin/tsc"),
    )
    run(node, f"node_modules/{tools.types}", "openapi.json", "--output", "api.d.ts", cwd=described)
    run(node, f"node_modules/{tools.tsc}", "--project", ".", cwd=described)
    assert run(node, "out/journey.js", address, token, cwd=described) == "all as the types say\n"

"""The database or the broker goes away: callers are told the truth of what was saved, and nothing of it is lost."""

from typing import Any

import pytest
from django.db import OperationalError, connections
from django.test import Client

from tenant_apps.products import viewsets
from tenant_apps.products.models import Product
from tenant_apps.products.services import create_product
from tenants import middleware
from tenants.api import bulk
from tenants.api.jobs import requeue_stale_jobs
from tenants.api.models import Job
from tenants.context import TENANT_ALIAS, Tenant, Unit, tenant_context, unit_of_work
from tenants.hosts import directory
from tenants.users.models import User
from tests.api.calls import BASE, Api, problem, signed_in
from tests.stage import administrator

MUG = {"sku": "MUG", "name": "Mug", "price": "9.50"}


def end_the_connection() -> None:
    """What a restart of the server does to us."""
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    with administrator() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


def post(api: Api) -> Any:
    headers = {"idempotency-key": "one"}
    return api.client.post(BASE + "products/", MUG, content_type="application/json", headers=headers)


def products(tenant: Tenant) -> int:
    with unit_of_work(tenant):
        return Product.objects.count()


@pytest.mark.parametrize("host", ["acme.localhost", "localhost"])
def test_a_directory_that_cannot_be_asked_is_no_error_of_ours(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> Any:
        raise OperationalError("connection failed: the database system is starting up")

    monkeypatch.setattr(directory, "by_host", away)
    monkeypatch.setattr(middleware.RealmMiddleware, "_public", away)
    browser = Client(headers={"host": host})
    api, page = browser.get("/api/v1/products/"), browser.get("/sign-in/")
    assert problem(api, 503, "unavailable")["detail"].startswith("The platform is busy or being restarted")
    assert (api["Retry-After"], page.status_code, page["Retry-After"]) == ("5", 503, "5")
    assert b"try again in a few seconds" in page.content


def test_a_connection_that_is_lost_in_the_middle_loses_the_request_and_nothing_else(
    acme: Tenant, owner: User, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(**fields: Any) -> Product:
        product = create_product(**fields)
        end_the_connection()
        product.refresh_from_db()
        return product

    api, browser = signed_in(owner, acme), client_of(acme, owner)
    api.client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(viewsets, "create_product", lost)
        assert problem(post(api), 503, "unavailable")["detail"].count("Nothing was changed") == 1
        patched.setattr("tenant_apps.products.portal.services.create_product", lost)
        page = browser.post(
            "/products/new/", {**MUG, "kind": "goods", "status": "draft", "tax_class": "standard"}
        )
        assert (page.status_code, b"We will be right back" in page.content) == (503, True)
    assert products(acme) == 0
    assert post(api).status_code == 201


def test_a_connection_that_is_lost_at_the_commit_leaves_it_open_whether_it_was_saved(
    acme: Tenant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(unit: Unit, error: BaseException | None = None) -> None:
        end_the_connection()
        real(unit, error)

    real, api = Unit.leave, signed_in(owner, acme)
    with monkeypatch.context() as patched:
        patched.setattr(Unit, "leave", leave)
        assert "same Idempotency-Key" in problem(post(api), 503, "outcome_unknown")["detail"]
        read = api.client.get(BASE + "jobs/", headers={"cookie": "not=the-short-way"})
        assert (read.status_code, read.json()["code"]) == (503, "unavailable")
    assert post(api).status_code == 201
    assert products(acme) == 1


def test_a_job_is_accepted_while_the_broker_is_away_and_taken_up_later(
    acme: Tenant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(key: str) -> None:
        raise ConnectionError("the broker is not there")

    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 0)
    monkeypatch.setattr("tenants.api.tasks.run_job_task.delay", away)
    answer = signed_in(owner, acme).post("products/bulk/", {"mode": "each", "items": [MUG]})
    assert answer.status_code == 202
    sent: list[str] = []
    monkeypatch.setattr("tenants.api.tasks.run_job_task.delay", sent.append)
    with unit_of_work(acme):
        Job.objects.update(heartbeat_at="2020-01-01T00:00:00Z")
    with tenant_context(acme):
        assert requeue_stale_jobs() == 1
    assert sent == [answer.json()["id"]]

"""What every door answers in every state of a tenant, and where old names lead."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shared_apps.clients.renaming import rename_subdomain
from shared_apps.clients.services import SubdomainTaken, sign_up
from shared_apps.clients.statuses import Status
from tenants import status
from tenants.audit.actors import Actor
from tenants.context import Tenant, tenant_context
from tenants.hosts import directory
from tenants.status import TABLE
from tenants.users.models import User
from tenants.users.tickets import ticket_url
from tests.stage import administrator

CLERK = Actor.system("a test")
CLOSED = [(name, row.refusal) for name, row in TABLE.items() if name and row.refusal]
UPGRADE = {"upgrade": "websocket", "connection": "Upgrade"}


def put(tenant: Tenant, state: str, notice: str = "") -> None:
    """Write the state itself: how one gets there is tested with the verbs."""
    ends = "now() + interval '30 days'" if state == "deleting" else "NULL"
    with administrator() as admin:
        admin.execute(
            f"UPDATE clients_client SET status = %s, notice = %s, delete_after = {ends} WHERE id = %s",
            [state, notice, tenant.id],
        )
    directory.forget()


def renamed(tenant: Tenant, name: str = "acme-two") -> None:
    rename_subdomain(client_id=tenant.id, subdomain=name, actor=CLERK)


def test_the_table_knows_every_state() -> None:
    assert {name for name in TABLE if name} == set(Status.values)


@pytest.mark.parametrize(
    ("state", "refusal"), CLOSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_closed_tenant_says_so_at_each_door(
    state: str, refusal: status.Refusal, acme: Tenant, bearer: Callable[..., Client]
) -> None:
    program = bearer(acme, "owner@acme.example")
    put(acme, state)
    answers: list[Any] = [
        Client(headers={"host": acme.host}).get("/products/"),
        program.get("/api/v1/products/"),
        program.get("/live/", headers=UPGRADE),
    ]
    for answer in answers:
        assert answer.status_code == refusal.status
        assert answer.headers.get("Retry-After") == (
            str(refusal.retry_after) if refusal.retry_after else None
        )
        assert answer["Cache-Control"] == "no-store"
    assert refusal.title in answers[0].content.decode()
    for answer in answers[1:]:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == refusal.code


def test_an_operator_s_notice_is_read_as_text(acme: Tenant) -> None:
    put(acme, "maintenance", "<script>back</script> at noon")
    page = Client(headers={"host": acme.host}).get("/")
    assert "&lt;script&gt;back&lt;/script&gt; at noon" in page.content.decode()
    assert page["Refresh"] == "60"


def test_a_tenant_that_is_deleted_tells_when(acme: Tenant) -> None:
    put(acme, "deleting")
    assert "Its data goes for good on " in Client(headers={"host": acme.host}).get("/").content.decode()


# Names that are not the primary one


def test_an_old_name_leads_to_the_new_one_with_path_and_query(acme: Tenant) -> None:
    renamed(acme)
    old = Client(headers={"host": acme.host})
    for method in (old.get, old.post):
        answer = method("/orders/?page=2&q=%C3%A9")
        assert answer.status_code == 308
        assert answer["Location"] == "http://acme-two.localhost:8000/orders/?page=2&q=%C3%A9"
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/@evil.example", "/%0d%0aX: y"])
def test_no_path_leads_to_a_stranger_s_host(path: str, acme: Tenant) -> None:
    renamed(acme)
    location = Client(headers={"host": acme.host}).generic("GET", path)["Location"]
    assert location.startswith("http://acme-two.localhost:8000/")


def test_the_api_goes_on_under_the_old_name_with_the_same_token(
    acme: Tenant, bearer: Callable[..., Client]
) -> None:
    program = bearer(acme, "owner@acme.example")
    renamed(acme)
    assert program.get("/api/v1/products/").status_code == 200
    assert program.get("/api/v1/products/", headers={"host": "acme-two.localhost"}).status_code == 200


def test_a_script_of_an_open_page_reloads_it(acme: Tenant) -> None:
    renamed(acme)
    answer = Client(headers={"host": acme.host, "hx-request": "true"}).get("/orders/")
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_a_ticket_for_the_old_name_lets_in_at_the_new_one(acme: Tenant, owner: User) -> None:
    with tenant_context(acme):
        path = ticket_url(owner.email).partition("localhost:8000")[2]
    renamed(acme)
    browser = Client(headers={"host": acme.host})
    assert browser.get(path)["Location"] == f"http://acme-two.localhost:8000{path}"
    browser.get(path, headers={"host": "acme-two.localhost"})
    answer = browser.get("/products/", headers={"host": "acme-two.localhost"})
    assert answer.status_code == 200


def test_a_name_that_is_taken_back_leads_nowhere_in_circles(acme: Tenant) -> None:
    renamed(acme)
    renamed(acme, "acme")
    assert Client(headers={"host": "acme.localhost"}).get("/sign-in/").status_code == 200
    away = Client(headers={"host": "acme-two.localhost"}).get("/sign-in/")
    assert away["Location"] == "http://acme.localhost:8000/sign-in/"


def test_nobody_else_gets_a_name_that_a_tenant_had(acme: Tenant, globex: Tenant) -> None:
    renamed(acme)
    with pytest.raises(SubdomainTaken):
        rename_subdomain(client_id=globex.id, subdomain="acme", actor=CLERK)
    with pytest.raises(SubdomainTaken):
        sign_up(company="Evil", subdomain="acme", email="evil@evil.example", password="a stapler of my own")
    assert Client(headers={"host": globex.host}).get("/sign-in/").status_code == 200

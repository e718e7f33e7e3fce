"""The operators' admin in a browser: signing in, finding tenants, suspending and resuming them, reading the log."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shared_apps.clients.models import Client as TenantClient
from shared_apps.clients.services import sign_up
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tests.cast import OPERATOR, PASSWORD

ClientRow = Callable[[str], TenantClient]


def page_of(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
    return answer.content.decode()


def entries() -> list[tuple[str, str, dict[str, Any]]]:
    with public_context():
        return [(entry.verb, entry.actor_label, entry.data) for entry in AuditEntry.objects.all()]


def test_strangers_are_asked_to_sign_in(public: Client) -> None:
    assert public.get("/admin/")["Location"].startswith("/admin/login/")
    assert "password" in page_of(public, "/admin/login/")


@pytest.mark.parametrize(
    ("username", "password"),
    [(OPERATOR, "wrong"), ("owner@acme.example", PASSWORD), ("nobody@platform.example", PASSWORD), ("", "")],
)
def test_the_wrong_people_do_not_get_in(public: Client, username: str, password: str) -> None:
    answer = public.post("/admin/login/", {"username": username, "password": password})
    assert answer.status_code == 200
    assert public.get("/admin/clients/client/").status_code == 302


def test_guessing_an_operator_s_password_does_not_get_far(public: Client) -> None:
    for _ in range(10):
        public.post("/admin/login/", {"username": OPERATOR.upper(), "password": "wrong"})
    answer = public.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    assert answer.status_code == 200
    assert "Too many attempts" in answer.content.decode()
    assert public.get("/admin/clients/client/").status_code == 302


def test_an_operator_signs_in_and_out(operator: Client) -> None:
    assert "Acme" in page_of(operator, "/admin/clients/client/")
    operator.post("/admin/logout/")
    assert operator.get("/admin/clients/client/").status_code == 302
    assert [entry for entry in entries() if entry[0].startswith("operator.")] == [
        ("operator.signed_out", OPERATOR, {}),
        ("operator.signed_in", OPERATOR, {}),
    ]


def test_signing_in_needs_the_csrf_token() -> None:
    careful = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    assert careful.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD}).status_code == 403


def test_tenants_are_listed_searched_and_filtered(operator: Client, order: dict[str, str]) -> None:
    sign_up(**order)
    everything = page_of(operator, "/admin/clients/client/")
    assert all(name in everything for name in ("Acme", "Globex", "Initech"))
    found = page_of(operator, "/admin/clients/client/", q="initech.localhost")
    assert "Initech" in found
    assert "Globex" not in found
    assert "Acme" not in page_of(operator, "/admin/clients/client/", status__exact="suspended")


def test_a_tenant_s_page_shows_its_state_and_domains_and_no_rows_of_it(
    operator: Client, acme: Tenant
) -> None:
    page = page_of(operator, f"/admin/clients/client/{acme.id}/change/")
    assert all(text in page for text in ("Acme", "acme.localhost", acme.schema, "GBP"))
    assert "owner@acme.example" not in page
    assert "/suspend/" in page
    assert "/resume/" not in page


def test_a_tenant_is_suspended_with_a_reason_after_being_asked(
    operator: Client, acme: Tenant, client_row: ClientRow, client_of: Callable[..., Client]
) -> None:
    path = f"/admin/clients/client/{acme.id}/suspend/"
    assert "Suspend Acme" in page_of(operator, path)
    assert client_row("acme").status == "active"
    assert operator.post(path, {"reason": ""}).status_code == 200
    assert client_row("acme").status == "active"
    answer = operator.post(path, {"reason": "unpaid bills"}, follow=True)
    page = answer.content.decode()
    assert "Acme is suspended." in page
    assert "unpaid bills" in page
    assert client_row("acme").status == "suspended"
    assert entries()[0] == ("client.suspended", OPERATOR, {"reason": "unpaid bills"})
    assert client_of(acme).get("/sign-in/").status_code == 403


def test_a_tenant_is_resumed_by_a_button_and_not_by_a_link(
    operator: Client, acme: Tenant, client_row: ClientRow, client_of: Callable[..., Client]
) -> None:
    operator.post(f"/admin/clients/client/{acme.id}/suspend/", {"reason": "unpaid bills"})
    path = f"/admin/clients/client/{acme.id}/resume/"
    assert "Resume Acme" in page_of(operator, path)
    assert client_row("acme").status == "suspended"
    assert "Acme is open again." in operator.post(path, follow=True).content.decode()
    assert client_row("acme").status == "active"
    assert client_of(acme).get("/sign-in/").status_code == 200


def test_what_does_not_fit_the_state_is_not_offered_and_not_done(operator: Client, acme: Tenant) -> None:
    path = f"/admin/clients/client/{acme.id}"
    assert operator.post(f"{path}/resume/").status_code == 403
    operator.post(f"{path}/suspend/", {"reason": "unpaid bills"})
    before = entries()
    assert operator.post(f"{path}/suspend/", {"reason": "again"}).status_code == 403
    assert entries() == before
    assert "/suspend/" not in page_of(operator, f"{path}/change/")


def test_several_tenants_are_resumed_at_once_and_the_open_ones_said_so(
    operator: Client, acme: Tenant, globex: Tenant, client_row: ClientRow
) -> None:
    operator.post(f"/admin/clients/client/{acme.id}/suspend/", {"reason": "unpaid bills"})
    data = {"action": "resume_selected", "_selected_action": [str(acme.id), str(globex.id)]}
    page = operator.post("/admin/clients/client/", data, follow=True).content.decode()
    assert "Acme is open again." in page
    assert "Globex is active" in page
    assert client_row("acme").status == "active"


def test_rows_are_neither_added_nor_changed_nor_deleted_by_hand(operator: Client, acme: Tenant) -> None:
    path = f"/admin/clients/client/{acme.id}"
    for answer in (
        operator.get("/admin/clients/client/add/"),
        operator.post(f"{path}/change/", {"name": "Evil"}),
        operator.post(f"{path}/delete/", {"post": "yes"}),
        operator.post(
            "/admin/clients/client/", {"action": "delete_selected", "_selected_action": [str(acme.id)]}
        ),
    ):
        assert answer.status_code in {302, 403}
    with public_context():
        assert sorted(TenantClient.objects.values_list("name", flat=True)) == ["Acme", "Globex"]


def test_the_log_lists_what_operators_did(operator: Client, acme: Tenant) -> None:
    operator.post(f"/admin/clients/client/{acme.id}/suspend/", {"reason": "unpaid bills"})
    page = page_of(operator, "/admin/audit/auditentry/", q="client.suspended")
    assert all(text in page for text in ("client.suspended", OPERATOR, str(acme.id)))
    (entry,) = set(re.findall(r"/admin/audit/auditentry/([0-9a-f-]{36})/change/", page))
    assert "unpaid bills" in page_of(operator, f"/admin/audit/auditentry/{entry}/change/")


def test_operators_are_listed(operator: Client) -> None:
    page = page_of(operator, "/admin/users/user/")
    assert OPERATOR in page
    assert "owner@acme.example" not in page


def test_a_tenant_that_does_not_exist_is_not_found(operator: Client) -> None:
    path = "/admin/clients/client/01890000-0000-7000-8000-000000000000"
    assert operator.get(f"{path}/change/").status_code == 302
    assert operator.get(f"{path}/suspend/").status_code in {403, 404}
    assert operator.post(f"{path}/resume/").status_code in {403, 404}
    assert operator.get("/admin/clients/client/nonsense/suspend/").status_code in {403, 404}


def test_a_tenant_goes_through_maintenance_archive_and_back(
    operator: Client, acme: Tenant, client_row: ClientRow
) -> None:
    path = f"/admin/clients/client/{acme.id}"
    steps: list[tuple[str, dict[str, str], str]] = [
        ("maintenance", {"notice": "back at noon"}, "maintenance"),
        ("open", {}, "active"),
        ("archive", {}, "archived"),
        ("reopen", {}, "active"),
    ]
    for step, data, status in steps:
        assert "Acme" in page_of(operator, f"{path}/{step}/")
        assert client_row("acme").status != status, "asking changes nothing"
        assert operator.post(f"{path}/{step}/", data).status_code == 302
        assert client_row("acme").status == status
    assert [verb for verb, *_ in entries()][:4] == [
        "client.reopened",
        "client.archived",
        "client.maintenance_ended",
        "client.maintenance_begun",
    ]


def test_a_tenant_is_renamed_and_a_name_that_is_taken_is_told_at_the_field(
    operator: Client, acme: Tenant, client_row: ClientRow
) -> None:
    path = f"/admin/clients/client/{acme.id}/rename/"
    assert "belongs to somebody already" in operator.post(path, {"subdomain": "globex"}).content.decode()
    page = operator.post(path, {"subdomain": "acme-two"}, follow=True).content.decode()
    assert "Acme is at acme-two.localhost now." in page
    assert client_row("acme-two").pk == acme.id

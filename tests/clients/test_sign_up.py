"""Somebody signs a company up: by the verb, by the API, and by the page. A tenant comes of it, whole, or nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from shared_apps.clients.services import as_tenant, sign_up
from tenant_apps.orders.models import OrderCounter
from tenants.audit.models import AuditEntry
from tenants.context import public_context, unit_of_work
from tenants.errors import DomainError
from tenants.hosts import directory
from tenants.models import Sentinel
from tenants.throttling import Limit
from tenants.users.models import User
from tenants.users.tasks import mail_verification
from tests.isolation.walls import run_task
from tests.stage import administrator

Order = dict[str, str]
Traces = Callable[[], dict[str, set[str]]]
Post = Callable[[dict[str, Any]], Any]


# The verb


def test_a_tenant_comes_with_everything_it_needs(order: Order, traces: Traces) -> None:
    before = traces()
    client = sign_up(**order, time_zone="Europe/Vienna", currency="USD")
    added = {name: found - before[name] for name, found in traces().items()}
    assert added == {
        "clients": {client.schema_name},
        "domains": {"initech.localhost"},
        "schemas": {client.schema_name},
        "roles": {client.schema_name},
    }
    assert (client.status, client.time_zone, client.currency) == ("active", "Europe/Vienna", "USD")
    with unit_of_work(as_tenant(client)):
        owner = User.objects.get()
        assert (owner.email, owner.role, owner.email_verified_at) == (order["email"], "owner", None)
        assert owner.check_password(order["password"])
        assert Sentinel.objects.get().tenant_id == client.id
        assert OrderCounter.objects.get().last == 0


def test_a_schema_s_name_says_nothing_about_its_tenant(order: Order) -> None:
    client = sign_up(**order)
    assert re.fullmatch(r"t_[a-z2-7]{16}", client.schema_name)
    with administrator() as admin:
        assert admin.execute("SELECT 1 FROM pg_roles WHERE rolname ILIKE '%initech%'").fetchone() is None


def test_a_sign_up_is_told_to_the_platform_s_log_and_to_the_tenant_s(order: Order) -> None:
    client = sign_up(**order, address="192.0.2.7")
    with public_context():
        entry = AuditEntry.objects.filter(verb="client.signed_up")[0]
        assert (entry.target_id, entry.actor_label, entry.address) == (client.id, order["email"], "192.0.2.7")
    with unit_of_work(as_tenant(client)):
        assert [entry.verb for entry in AuditEntry.objects.all()] == ["user.created"]


def test_every_process_learns_of_a_new_tenant(order: Order) -> None:
    def version() -> Any:
        with administrator() as admin:
            return admin.execute("SELECT version FROM clients_directoryversion").fetchone()

    before = version()
    sign_up(**order)
    assert version() != before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company", " "),
        ("company", "x" * 121),
        ("company", "Initech\r\nBcc: everybody@initech.example"),
        ("company", "Initech\u202e"),
        ("subdomain", "admin"),
        ("subdomain", "a" * 64),
        ("email", "nobody"),
        ("email", "a@b\n.example"),
        ("password", "short"),
        ("password", "password123"),
        ("password", "peter@initech.example"),
    ],
)
def test_wrong_input_is_refused_at_its_field_and_leaves_nothing(
    order: Order, field: str, value: str, traces: Traces
) -> None:
    before = traces()
    with pytest.raises(DomainError) as refusal:
        sign_up(**{**order, field: value})
    assert (refusal.value.field, refusal.value.status) == (field, 422)
    assert traces() == before


def test_several_mistakes_are_told_together(order: Order, traces: Traces) -> None:
    before = traces()
    with pytest.raises(DomainError) as refusal:
        sign_up(**{**order, "company": "", "subdomain": "admin", "password": "short"})
    assert [each.field for each in refusal.value.mistakes] == ["company", "subdomain", "password"]
    assert (refusal.value.status, refusal.value.code) == (422, "validation_failed")
    assert traces() == before


def test_a_name_in_quarantine_is_refused_at_its_field_until_its_time_is_over(order: Order) -> None:
    with administrator() as admin:
        admin.execute(
            "INSERT INTO clients_releasedname (id, created_at, updated_at, name, last_tenant_id, until)"
            " VALUES (uuidv7(), now(), now(), 'initech.localhost', uuidv7(), now() + interval '1 day')"
        )
    with pytest.raises(DomainError) as refusal:
        sign_up(**order)
    assert (refusal.value.code, refusal.value.field) == ("name_in_quarantine", "subdomain")
    with administrator() as admin:
        admin.execute("UPDATE clients_releasedname SET until = now()")
    assert sign_up(**order).host == "initech.localhost"


@pytest.mark.parametrize("name", ["acme", "ACME", "acrne", "ac-me", "acme-"])
def test_a_name_that_is_taken_or_looks_taken_is_refused(order: Order, name: str, traces: Traces) -> None:
    before = traces()
    with pytest.raises(DomainError) as refusal:
        sign_up(**{**order, "subdomain": name})
    assert refusal.value.code == ("bad_subdomain" if name == "acme-" else "subdomain_taken")
    assert traces() == before


def test_a_queue_that_is_down_does_not_undo_a_sign_up(order: Order, monkeypatch: Any) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("the queue is down")

    monkeypatch.setattr(mail_verification, "delay", down)
    client = sign_up(**order)
    assert directory.by_host(client.host) is not None


# E-mail


def test_the_owner_proves_the_address_by_the_mailed_link(order: Order, client_of: Any) -> None:
    tenant = as_tenant(sign_up(**order))
    with unit_of_work(tenant):
        owner = User.objects.get()
    run_task(mail_verification, str(owner.id), tenant=tenant.schema)
    (letter,) = mail.outbox
    assert letter.to == [order["email"]]
    assert "Initech" in letter.subject
    (path,) = re.findall(r"http://initech\.localhost:\d+(/verify-email/\S+)", str(letter.body))
    for _ in range(2):  # a mail scanner opens it first
        assert client_of(tenant).get(path).status_code == 200
    with unit_of_work(tenant):
        assert User.objects.get().email_verified_at is not None


def test_a_link_in_a_letter_is_no_good_at_another_tenant(order: Order, client_of: Any, acme: Any) -> None:
    tenant = as_tenant(sign_up(**order))
    with unit_of_work(tenant):
        owner = User.objects.get()
    run_task(mail_verification, str(owner.id), tenant=tenant.schema)
    (path,) = re.findall(r"(/verify-email/\S+)", str(mail.outbox[0].body))
    assert client_of(acme).get(path).status_code == 410


# The API


def test_the_api_answers_with_the_new_workspace(order: Order, post: Post, client_of: Any) -> None:
    answer = post(order)
    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == body["url"] == f"http://initech.localhost:{_port(body['url'])}/"
    assert {name: body[name] for name in ("company", "subdomain", "host", "email", "status")} == {
        "company": "Initech",
        "subdomain": "initech",
        "host": "initech.localhost",
        "email": order["email"],
        "status": "active",
    }
    assert body["api_url"] == f"{body['url']}api/v1/"
    assert order["password"] not in answer.content.decode()


def _port(url: str) -> str:
    return url.rpartition(":")[2].strip("/")


def test_the_owner_can_use_the_new_workspace_at_once(order: Order, post: Post) -> None:
    host = post(order).json()["host"]
    credentials = {"email": order["email"], "password": order["password"]}
    client = Client(headers={"host": host})
    answer = client.post("/api/v1/auth/token/", credentials, content_type="application/json")
    assert answer.status_code == 200
    headers = {"authorization": f"Bearer {answer.json()['access']}"}
    assert client.get("/api/v1/orders/", headers=headers).json()["data"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"subdomain": "admin"}, "/subdomain"),
        ({"subdomain": "xn--initech"}, "/subdomain"),
        ({"subdomain": "a" * 64}, "/subdomain"),
        ({"company": ""}, "/company"),
        ({"company": "Initech\nLtd"}, "/company"),
        ({"email": "nobody"}, "/email"),
        ({"email": None}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": 12345678901}, "/password"),
        ({"plan": "business"}, "/plan"),
        ({"status": "active"}, "/status"),
    ],
)
def test_the_api_names_the_field_that_is_wrong(
    order: Order, post: Post, change: dict[str, Any], pointer: str, traces: Traces
) -> None:
    before = traces()
    answer = post({**order, **change})
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert traces() == before


@pytest.mark.parametrize(
    "change",
    [
        {"subdomain": "admin", "password": "short"},
        {"subdomain": "admin", "email": "nobody", "password": "short"},
        {"subdomain": None, "company": "", "email": "nobody", "password": "short"},
        {"subdomain": "acme", "password": "short"},
        {"subdomain": "acme", "company": 7},
        {"company": "\u202e", "surprise": 1},
    ],
)
def test_the_api_names_every_field_that_is_wrong(order: Order, post: Post, change: dict[str, Any]) -> None:
    answer = post({**order, **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert {error["pointer"] for error in answer.json()["errors"]} == {f"/{name}" for name in change}


@pytest.mark.parametrize("missing", ["company", "subdomain", "email", "password"])
def test_the_api_asks_for_every_field(order: Order, post: Post, missing: str) -> None:
    answer = post({name: value for name, value in order.items() if name != missing})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{missing}"]


def test_the_api_answers_409_to_a_name_that_is_taken(order: Order, post: Post) -> None:
    answer = post({**order, "subdomain": "acme"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "subdomain_taken"
    assert answer.json()["errors"][0]["pointer"] == "/subdomain"


def test_the_api_takes_posts_of_json_alone(order: Order, public: Client) -> None:
    assert public.get("/api/v1/signup/").status_code == 405
    assert public.post("/api/v1/signup/", order).status_code == 415
    answer = public.post("/api/v1/signup/", "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


def test_a_tenant_s_host_signs_nobody_up(order: Order, client_of: Any, acme: Any) -> None:
    for path in ("/api/v1/signup/", "/sign-up/"):
        answer = client_of(acme).post(path, order, content_type="application/json")
        assert answer.status_code == 404


def test_one_address_signs_up_so_many_companies_and_no_more(
    order: Order, post: Post, monkeypatch: Any
) -> None:
    monkeypatch.setattr(
        "shared_apps.clients.api.SIGN_UP_BY_ADDRESS", Limit("sign-up-address", most=1, seconds=60)
    )
    assert post({**order, "subdomain": "acme"}).status_code == 409
    assert post(order).status_code == 201
    refused = post({**order, "subdomain": "hooli"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused["Retry-After"] == "60"


# The page


def test_the_page_lets_the_owner_in_without_typing_the_password_again(order: Order, public: Client) -> None:
    answer = public.post("/sign-up/", order)
    assert answer.status_code == 302
    host, path = re.fullmatch(r"http://([^:/]+):\d+(/welcome/.+)", answer["Location"]).groups()  # type: ignore[union-attr]
    there = Client(headers={"host": host})
    assert there.get(path)["Location"] == "/"
    assert order["email"] in there.get("/").content.decode()
    again = Client(headers={"host": host})
    assert again.get(path).status_code == 410


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subdomain": "acme"}, "belongs to somebody already"),
        ({"subdomain": "admin"}, "is reserved"),
        ({"password": "short"}, "too short"),
        ({"email": "nobody"}, "valid email"),
        ({"company": ""}, "required"),
    ],
)
def test_the_page_shows_what_is_wrong_and_keeps_what_was_typed(
    order: Order, public: Client, change: Order, said: str, traces: Traces
) -> None:
    before = traces()
    answer = public.post("/sign-up/", {**order, **change})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert order["password"] not in page
    assert (change.get("email") or order["email"]) in page
    assert traces() == before


def test_the_page_shows_all_that_is_wrong(order: Order, public: Client) -> None:
    mistakes = {"company": "", "subdomain": "admin", "email": "nobody", "password": "short"}
    page = public.post("/sign-up/", {**order, **mistakes}).content.decode()
    for said in ("required", "is reserved", "valid email", "too short"):
        assert said in page


def test_the_page_needs_its_csrf_token(order: Order, traces: Traces) -> None:
    before = traces()
    careful = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    assert careful.post("/sign-up/", order).status_code == 403
    assert traces() == before


def test_a_workspace_is_found_by_its_name(public: Client) -> None:
    for typed in ("acme", " ACME ", "acme.localhost"):
        assert re.fullmatch(
            r"http://acme\.localhost:\d+/sign-in/", public.post("/find/", {"subdomain": typed})["Location"]
        )
    answer = public.post("/find/", {"subdomain": "nobody"})
    assert (answer.status_code, "No workspace has this address" in answer.content.decode()) == (422, True)


def test_the_front_page_leads_to_the_sign_up(public: Client) -> None:
    page = public.get("/").content.decode()
    assert 'href="/sign-up/"' in page
    assert public.get("/sign-up/").status_code == 200
    assert public.get("/find/").status_code == 200


def test_the_find_form_may_lead_to_a_domain_of_ones_own_and_the_sign_up_form_to_workspaces_only(
    public: Client,
) -> None:
    assert "form-action 'self' http:;" in public.get("/find/")["Content-Security-Policy"] + ";"
    assert (
        "form-action 'self' http://*.localhost:*;" in public.get("/sign-up/")["Content-Security-Policy"] + ";"
    )

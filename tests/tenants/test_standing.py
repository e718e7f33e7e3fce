"""What each door answers by a tenant's payments; every route is walked in tests/isolation/doors/test_standing.py."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import Reject
from django.test import Client
from django.utils import timezone

from config import env
from shared_apps.clients.directory import DatabaseDirectory
from shared_apps.clients.standing import set_standing
from shared_apps.clients.statuses import suspend_client
from tenant_apps.products.models import Category
from tenant_apps.webhooks.tasks import deliver
from tenants.api.tasks import run_job_task, tend_tenant
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.hosts import FRESH_FOR, CachedDirectory, address_at, directory
from tenants.models import uuid7
from tenants.standing import TABLE, For, Purpose, Row, work_for
from tenants.status import Work
from tenants.users.models import User
from tenants.users.tasks import mail_password_reset
from tests.cast import Person
from tests.isolation.walls import run_task

BILLING = Actor.system("billing")
REASON = "The card ending in 4242 was refused"
JSON = "application/json"


def put(tenant: Tenant, access: str, **more: Any) -> None:
    set_standing(client_id=tenant.id, actor=BILLING, reason=REASON, access=access, **more)


def names(tenant: Tenant) -> set[str]:
    with unit_of_work(tenant):
        return set(Category.objects.values_list("name", flat=True))


def told(access: str, row: Row) -> str:
    cells = [row.open_for(purpose) for purpose in Purpose]
    refusal = f"{row.refusal.status} `{row.refusal.code}`" if row.refusal else "none"
    return f"| {access} | {' | '.join(cells)} | {refusal} |"


def test_the_documented_table_is_the_one_in_the_code() -> None:
    lines = (env.ROOT / "docs/tenants.md").read_text().splitlines()
    begin = lines.index(f"| access | {' | '.join(Purpose)} | refused by |")
    assert lines[begin + 2 : begin + 2 + len(TABLE)] == [told(name, row) for name, row in TABLE.items()]


def test_a_program_is_told_why_since_when_and_the_way_on(acme: Tenant, bearer: Callable[..., Client]) -> None:
    program = bearer(acme, "member@acme.example")
    put(acme, "read_only")
    answer = program.post("/api/v1/categories/", {"name": "Tea"}, content_type=JSON)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (402, "workspace_read_only", REASON)
    assert body["billing"] == address_at(acme.host, "/billing/")
    assert datetime.fromisoformat(body["since"]) <= timezone.now()
    assert REASON in body["detail"]
    assert not names(acme) & {"Tea"}
    workspace = program.get("/api/v1/workspace/").json()
    assert (workspace["access"], workspace["access_reason"]) == ("read_only", REASON)


def test_what_was_answered_before_is_answered_again_and_a_refused_key_stays_good(
    acme: Tenant, bearer: Callable[..., Client]
) -> None:
    program = bearer(acme, "member@acme.example")

    def post(name: str) -> Any:
        headers = {"idempotency-key": f"key-{name}"}
        return program.post("/api/v1/categories/", {"name": name}, content_type=JSON, headers=headers)

    first = post("Tea").json()
    put(acme, "read_only")
    again, refused = post("Tea"), post("Coffee")
    assert (again.json(), again["Idempotent-Replayed"]) == (first, "true")
    assert refused.status_code == 402
    put(acme, "full")
    assert post("Coffee").status_code == 201
    assert {"Tea", "Coffee"} <= names(acme)


def test_a_page_keeps_what_was_typed_and_a_part_of_a_page_is_told_in_a_toast(
    acme: Tenant, person: Callable[[str], Person], client_of: Callable[..., Client]
) -> None:
    owner, member = (client_of(acme, person(role).user) for role in ("owner", "member"))
    put(acme, "read_only")
    typed = {"name": "Tea & <coffee>", "password": "not to be shown"}
    page = owner.post("/products/categories/new/", typed)
    text = page.content.decode()
    assert page.status_code == 402
    assert 'name="name" value="Tea &amp; &lt;coffee&gt;"' in text
    assert "not to be shown" not in text
    assert REASON in text
    assert 'href="/billing/"' in text
    part = member.post("/products/categories/new/", typed, headers={"hx-request": "true"})
    assert (part.status_code, part["Content-Type"]) == (402, "text/plain; charset=utf-8")
    assert REASON in part.content.decode()
    assert not names(acme) & {"Tea & <coffee>"}
    assert owner.get("/products/").status_code == 200


def test_a_closed_workspace_lets_its_managers_settle_and_take_their_data_along(
    acme: Tenant, person: Callable[[str], Person], client_of: Callable[..., Client], bearer: Any
) -> None:
    program = bearer(acme, "owner@acme.example")
    assert [program.get("/api/v1/products/").status_code for _ in range(2)] == [200, 200]
    put(acme, "closed")
    answer = program.get("/api/v1/products/")
    assert (answer.status_code, answer.json()["code"]) == (403, "workspace_closed")
    owner, member = (client_of(acme, person(role).user) for role in ("owner", "member"))
    page, other = owner.get("/"), member.get("/")
    assert (page.status_code, other.status_code) == (403, 403)
    assert 'href="/api/v1/products/export/"' in page.content.decode()
    assert "Ask an owner or admin" in other.content.decode()
    assert "/export/" not in other.content.decode()
    export = "/api/v1/products/export/"
    assert (owner.get(export).status_code, member.get(export).status_code) == (200, 403)
    assert member.post("/sign-out/").status_code == 302


def test_the_operators_status_comes_first(acme: Tenant, client_of: Callable[..., Client]) -> None:
    suspend_client(client_id=acme.id, actor=BILLING, reason="abuse")
    put(acme, "full")
    answer = client_of(acme).get("/api/v1/products/")
    assert answer.json()["code"] == "tenant_suspended"


@pytest.mark.parametrize(
    ("access", "more", "words"),
    [
        ("full", {}, None),
        ("full", {"trial_ends_at": timedelta(days=9)}, None),
        ("full", {"trial_ends_at": timedelta(days=2)}, "The trial of Team ends on"),
        ("grace", {"access_until": timedelta(days=3)}, "Everything works until"),
        ("read_only", {}, "This workspace is read-only."),
    ],
)
def test_a_banner_says_what_somebody_has_to_do(
    access: str, more: dict[str, timedelta], words: str | None, acme: Tenant, owner: User, client_of: Any
) -> None:
    times = {name: timezone.now() + span for name, span in more.items()}
    put(acme, access, plan="team", **times)
    text = client_of(acme, owner).get("/products/").content.decode()
    assert ('aria-label="Plan and payments"' in text) is (words is not None)
    assert words is None or (words in text and 'href="/billing/"' in text)


# Background work


def test_the_work_of_a_closed_or_read_only_tenant_is_dropped_unless_it_was_promised(acme: Tenant) -> None:
    for access, row in TABLE.items():
        put(acme, access)
        tenant = directory.by_schema(acme.schema)
        assert tenant is not None
        for purpose in Purpose:
            expected = Work.RUN if row.open_for(purpose) is For.ALL else Work.DROP
            assert work_for(tenant, purpose) is expected
    assert {deliver.purpose, mail_password_reset.purpose} == {Purpose.UPKEEP, Purpose.SELF}
    assert {run_job_task.purpose, tend_tenant.purpose} == {Purpose.CHANGE}


def test_a_task_that_changes_something_is_not_run(acme: Tenant) -> None:
    put(acme, "read_only")
    with pytest.raises(Reject, match="active, with read_only access"):
        run_task(run_job_task, str(uuid7()), tenant=acme.schema)
    put(acme, "full")
    run_task(run_job_task, str(uuid7()), tenant=acme.schema)


def test_another_process_learns_of_it_as_soon_as_it_looks_again(acme: Tenant) -> None:
    elsewhere = CachedDirectory(DatabaseDirectory())
    assert elsewhere.by_host(acme.host) == acme
    put(acme, "read_only", access_until=datetime(2027, 1, 1, tzinfo=UTC))
    elsewhere._checked -= FRESH_FOR  # that time has passed
    found = elsewhere.by_host(acme.host)
    assert found is not None
    assert (found.access, found.access_reason) == ("read_only", REASON)
    assert found.access_until == datetime(2027, 1, 1, tzinfo=UTC)

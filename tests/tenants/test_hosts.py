"""From a host name to a tenant: one canonical form, exact match, and a memory that forgets when it must."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from tenants import hosts
from tenants.context import Tenant
from tenants.hosts import FRESH_FOR, CachedDirectory, canonical, directory, is_public
from tenants.models import uuid7
from tenants.users.models import User
from tests.stage import administrator


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("acme.localhost", "acme.localhost"),
        ("ACME.LocalHost", "acme.localhost"),
        ("acme.localhost:8000", "acme.localhost"),
        ("acme.localhost.", "acme.localhost"),
        ("Acme.LOCALHOST.:443", "acme.localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8000", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_has_one_form(given: str, name: str) -> None:
    assert canonical(given) == name
    assert canonical(canonical(given)) == name


@pytest.mark.parametrize(
    "host", ["acme.localhost", "ACME.LOCALHOST", "acme.localhost:8000", "acme.localhost."]
)
def test_every_way_to_write_a_tenant_s_host_leads_to_it(host: str) -> None:
    page = Client(headers={"host": host}).get("/sign-in/")
    assert page.status_code == 200
    assert "Acme" in page.content.decode()


@pytest.mark.parametrize(
    "host",
    [
        "acme", "acme.localhost.evil.example", "evil.acme.localhost", "xacme.localhost", "acme.localhost..", "*",
        "acme.localhost@globex.localhost", "acme localhost", "acme.localhost/", "[::1]", "127.0.0.1",
        "%61cme.localhost", "xn--acme.localhost",
    ],
)  # fmt: skip
def test_any_other_name_is_nobody_s(host: str) -> None:
    answer = Client(headers={"host": host}).get("/sign-in/")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/plain")
    problem = Client(headers={"host": host}).get("/api/v1/me/")
    assert (problem.status_code, problem.json()["code"]) == (404, "unknown_host")


@pytest.mark.parametrize(
    "header", ["x-forwarded-host", "forwarded", "x-host", "x-original-host", "x-rewrite-url"]
)
def test_headers_that_name_another_host_are_ignored(
    header: str, acme: Tenant, owner: User, client_of: Callable[..., Client]
) -> None:
    browser = client_of(acme, owner)
    for forged in ("globex.localhost", "localhost"):
        page = browser.get("/", headers={header: forged})
        assert page.status_code == 200
        assert "owner@acme.example" in page.content.decode()


def test_a_forwarded_host_counts_where_the_proxy_is_trusted() -> None:
    headers = {"host": "internal", "x-forwarded-host": "acme.localhost"}
    assert Client(headers=headers).get("/sign-in/").status_code == 404
    with override_settings(USE_X_FORWARDED_HOST=True):
        assert "Acme" in Client(headers=headers).get("/sign-in/").content.decode()


def test_a_domain_that_was_not_verified_is_never_answered(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(
            "INSERT INTO clients_domain (id, created_at, updated_at, domain, tenant_id, is_primary, verified_at)"
            " VALUES (%s, now(), now(), 'shop.acme.example', %s, false, NULL)",
            [uuid7(), acme.id],
        )
    shop = Client(headers={"host": "shop.acme.example"})
    assert shop.get("/sign-in/").status_code == 404
    with administrator() as admin:
        admin.execute("UPDATE clients_domain SET verified_at = now() WHERE domain = 'shop.acme.example'")
    assert shop.get("/sign-in/")["Location"] == "http://acme.localhost:8000/sign-in/"


def test_a_primary_name_that_is_not_verified_leads_nobody_away(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(
            "UPDATE clients_domain SET domain = 'shop.acme.example', verified_at = NULL WHERE tenant_id = %s",
            [acme.id],
        )
        admin.execute(
            "INSERT INTO clients_domain (id, created_at, updated_at, domain, tenant_id, is_primary, verified_at)"
            " VALUES (%s, now(), now(), 'acme.localhost', %s, false, now())",
            [uuid7(), acme.id],
        )
    directory.forget()
    assert Client(headers={"host": "acme.localhost"}).get("/sign-in/").status_code == 200
    found = directory.by_schema(acme.schema)
    assert found is not None
    assert found.host == "acme.localhost"


def test_the_public_host_is_the_platform_s() -> None:
    assert is_public(settings.PUBLIC_HOST)
    assert not is_public("acme.localhost")
    assert Client(headers={"host": "LOCALHOST:8000"}).get("/sign-up/").status_code == 200


# The memory of a process


class Counted:
    """A directory of one tenant that counts what it is asked."""

    def __init__(self, tenant: Tenant | None) -> None:
        self.tenant, self.number = tenant, 1
        self.asked: list[str] = []

    def version(self) -> int:
        self.asked.append("version")
        return self.number

    def find_by_host(self, host: str) -> Tenant | None:
        self.asked.append(host)
        return self.tenant if self.tenant and self.tenant.host == host else None

    def find_by_schema(self, schema: str) -> Tenant | None:
        self.asked.append(schema)
        return self.tenant if self.tenant and self.tenant.schema == schema else None


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(hosts, "time", clock)
    return clock


def changed(tenant: Tenant, **values: Any) -> Tenant:
    fields = {name: getattr(tenant, name) for name in Tenant.__dataclass_fields__}
    return Tenant(**{**fields, **values})


def test_a_host_is_asked_for_once(acme: Tenant, clock: Clock) -> None:
    source = Counted(acme)
    known = CachedDirectory(source)
    assert {known.by_host(acme.host) for _ in range(100)} == {acme}
    assert source.asked == ["version", acme.host]
    assert known.by_schema(acme.schema) == acme
    assert source.asked == ["version", acme.host, acme.schema]


def test_a_change_is_seen_when_the_version_is_asked_for_next(acme: Tenant, clock: Clock) -> None:
    source = Counted(acme)
    known = CachedDirectory(source)
    known.by_host(acme.host)
    source.tenant, source.number = changed(acme, status="suspended"), 2
    assert known.by_host(acme.host) is acme
    clock.now += FRESH_FOR
    found = known.by_host(acme.host)
    assert found is not None
    assert found.status == "suspended"


def test_an_unchanged_version_keeps_what_is_known(acme: Tenant, clock: Clock) -> None:
    source = Counted(acme)
    known = CachedDirectory(source)
    for _ in range(5):
        known.by_host(acme.host)
        clock.now += FRESH_FOR
    assert source.asked.count(acme.host) == 1
    assert source.asked.count("version") == 5


def test_unknown_hosts_are_not_kept(acme: Tenant, clock: Clock) -> None:
    source = Counted(None)
    known = CachedDirectory(source)
    assert known.by_host(acme.host) is None
    source.tenant = acme
    assert known.by_host(acme.host) == acme


def test_the_memory_is_bounded(acme: Tenant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MOST_ENTRIES", 3)
    source = Counted(acme)
    known = CachedDirectory(source)
    for number in range(10):
        source.tenant = changed(acme, host=f"shop-{number}.localhost")
        assert known.by_host(f"shop-{number}.localhost") is not None
    assert len(known._known) <= 3


def test_forgetting_is_at_once(acme: Tenant, clock: Clock) -> None:
    source = Counted(acme)
    known = CachedDirectory(source)
    known.by_host(acme.host)
    source.tenant = None
    known.forget()
    assert known.by_host(acme.host) is None


def test_an_answer_that_was_on_its_way_during_a_change_does_not_outlive_it(
    acme: Tenant, clock: Clock
) -> None:
    """The row is read, then the tenant is suspended, then the row arrives in the memory."""
    source = Counted(acme)
    known = CachedDirectory(source)
    read, go_on = threading.Event(), threading.Event()

    def slow(host: str) -> Tenant | None:
        read.set()
        assert go_on.wait(60)
        return acme

    source.find_by_host = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(known.by_host, acme.host)
        assert read.wait(60)
        source.number = 2
        clock.now += FRESH_FOR
        known.by_schema("t_nobody")  # sees the new version
        go_on.set()
        assert late.result() == acme
    source.find_by_host = Counted(changed(acme, status="suspended")).find_by_host  # type: ignore[method-assign]
    found = known.by_host(acme.host)
    assert found is not None
    assert found.status == "suspended"


def test_a_warm_request_asks_the_control_login_nothing(
    acme: Tenant, bearer: Callable[..., Client], remembering: None
) -> None:
    program = bearer(acme, "owner@acme.example")
    directory.forget()
    with CaptureQueriesContext(connections["control"]) as cold:
        program.get("/api/v1/products/")
    with CaptureQueriesContext(connections["control"]) as warm:
        for _ in range(5):
            assert program.get("/api/v1/products/").status_code == 200
    assert len(cold) >= 2, "the directory and its version are asked for"
    assert warm.captured_queries == []

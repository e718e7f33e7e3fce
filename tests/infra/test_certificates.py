"""What the proxy asks before it fetches a certificate, and whose address it tells."""

import pytest
from django.db import connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from config import health
from config.proxies import behind_proxy
from shared_apps.clients.models import Client as Customer
from shared_apps.clients.models import Domain
from shared_apps.clients.quarantine import release_name
from shared_apps.domains.certificates import BURST, MAY_HAVE, RATE, Bucket
from tests.cast import tenant_named


@pytest.fixture(autouse=True)
def a_quiet_time_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "asked", Bucket(RATE, BURST))


def asked(domain: str) -> int:
    return Client(headers={"host": "web:8000"}).get("/internal/certificate", {"domain": domain}).status_code


@pytest.mark.parametrize("domain", ["acme.localhost", "ACME.localhost.", "globex.localhost:443"])
def test_a_tenants_name_may_have_a_certificate(domain: str) -> None:
    assert asked(domain) == 200


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "localhost",
        "nobody.localhost",
        "acme.localhost.evil.example",
        "acme.localhost\x00",
        "*.localhost",
        "a" * 300,
        "acme.localhost' OR 'a'='a",
        "schaltfläche.example",
    ],
)
def test_any_other_name_may_not(domain: str) -> None:
    assert asked(domain) == 404


def test_a_domain_of_ones_own_counts_from_its_verification_on() -> None:
    customer = Customer.objects.get(pk=tenant_named("acme").id)
    shop = Domain.objects.create(
        domain="shop.acme.example", tenant=customer, is_primary=False, verified_at=None
    )
    assert asked("shop.acme.example") == 404
    shop.verified_at = shop.created_at
    shop.save()
    assert asked("shop.acme.example") == 200


@pytest.mark.parametrize(
    ("status", "answer"), [("suspended", 200), ("archived", 200), ("maintenance", 200), ("deleting", 404)]
)
def test_a_tenant_that_is_being_deleted_gets_none(status: str, answer: int) -> None:
    acme = Customer.objects.filter(pk=tenant_named("acme").id)
    acme.update(status=status, delete_after="2030-01-01T00:00Z" if status == "deleting" else None)
    assert asked("acme.localhost") == answer


def test_every_name_is_looked_up_the_same_way() -> None:
    customer = Customer.objects.get(pk=tenant_named("acme").id)
    Domain.objects.create(domain="new.example", tenant=customer, is_primary=False, verified_at=None)
    release_name(name="old.example", tenant_id=customer.pk, using="control")
    seen = set()
    for name in (
        "acme.localhost",
        "acme.localhost",
        "new.example",
        "old.example",
        "nobody.example",
        "\x00",
        "",
    ):
        with CaptureQueriesContext(connections["control"]) as queries:
            asked(name)
        seen.add(tuple(query["sql"].partition("WHERE")[0] for query in queries))
    assert len(seen) == 1
    assert len(seen.pop()) == 1


def test_names_are_found_by_their_index() -> None:
    with connections["control"].cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN " + MAY_HAVE, ["acme.localhost"])
        plan = " ".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "clients_domain_domain" in plan
    assert "Seq Scan" not in plan


# How often


def test_more_than_a_few_at_once_are_sent_away_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "asked", Bucket(RATE, 3, clock=lambda: 0.0))
    assert [asked("acme.localhost") for _ in range(3)] == [200, 200, 200]
    with CaptureQueriesContext(connections["control"]) as queries:
        answer = Client(headers={"host": "web:8000"}).get(
            "/internal/certificate", {"domain": "acme.localhost"}
        )
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert len(queries) == 0


def test_the_bucket_fills_again_and_never_runs_over() -> None:
    now = [0.0]
    bucket = Bucket(rate=20, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.05
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("", "127.0.0.1"),
        ("203.0.113.9, unknown", "127.0.0.1"),
    ],
)
def test_the_callers_address_is_the_one_that_the_proxy_has_seen(told: str, address: str) -> None:
    environ = RequestFactory(headers={"x-forwarded-for": told}).get("/").environ
    behind_proxy(lambda environ, start_response: [])(environ, None)
    assert environ["REMOTE_ADDR"] == address

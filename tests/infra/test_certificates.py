"""What the proxy asks before it fetches a certificate, and whose address it tells."""

import pytest
from django.test import Client, RequestFactory

from config.wsgi import behind_proxy
from shared_apps.clients.models import Client as Customer
from shared_apps.clients.models import Domain
from tests.cast import tenant_named


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

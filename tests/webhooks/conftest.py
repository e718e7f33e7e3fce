"""What tests of webhooks share: a name server, a receiver, and a worker's turn without a queue."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from tenant_apps.webhooks import due, sending
from tenant_apps.webhooks.delivering import deliver_to
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenant_apps.webhooks.services import create_endpoint
from tenants.audit.actors import Actor
from tenants.context import Tenant, tenant_context, unit_of_work
from tests.domains.nameserver import NameServer, serving
from tests.webhooks.receivers import NAME, Authority, Receiver, make_authority, receiving

CLERK = Actor.system("the tests of webhooks")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def _server() -> Iterator[NameServer]:
    with serving() as server:
        yield server


@pytest.fixture
def dns(_server: NameServer, monkeypatch: pytest.MonkeyPatch) -> NameServer:
    """The name server that the platform asks; it knows the receiver alone."""
    for record in (_server.records, _server.failing, _server.silent, _server.asked):
        record.clear()
    _server.put(NAME, "A", "127.0.0.1")
    monkeypatch.setattr(settings, "DNS_RESOLVER", _server.setting)
    return _server


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Iterator[None]:
    """The tests' authority and this machine's address are as good as any."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trusted))
    monkeypatch.setattr(settings, "WEBHOOK_TEST_ADDRESSES", ["127.0.0.1"])
    sending._trust.cache_clear()
    yield
    sending._trust.cache_clear()


@pytest.fixture
def receiver(dns: NameServer, trusting: None, authority: Authority) -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with receiving(authority.server) as running:
        yield running


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages to workers are noted, and not sent."""
    messages: list[str] = []
    monkeypatch.setattr("tenant_apps.webhooks.tasks.deliver.delay", messages.append)
    return messages


@pytest.fixture
def endpoint(receiver: Receiver, acme: Tenant, sent: list[str]) -> Endpoint:
    """acme's endpoint at the receiver; it wants everything."""
    return endpoint_at(receiver.url, acme)[0]


def endpoint_at(url: str, tenant: Tenant, *event_types: str) -> tuple[Endpoint, str]:
    """An endpoint of a tenant with its secret."""
    with unit_of_work(tenant):
        return create_endpoint(actor=CLERK, url=url, event_types=event_types or ["*"])


@pytest.fixture
def turn(acme: Tenant) -> Callable[[Endpoint], None]:
    """A worker's turn at an endpoint of acme."""

    def work(endpoint: Endpoint) -> None:
        with tenant_context(acme):
            deliver_to(endpoint.pk)

    return work


def fresh(endpoint: Endpoint, tenant: Tenant) -> Endpoint:
    """The endpoint as it stands in the database."""
    with unit_of_work(tenant):
        return Endpoint.objects.get(pk=endpoint.pk)


def log_of(endpoint: Endpoint, tenant: Tenant) -> list[Delivery]:
    """Its deliveries, the oldest first."""
    with unit_of_work(tenant):
        rows = Delivery.objects.filter(endpoint=endpoint).select_related("event", "endpoint")
        return list(rows.order_by("created_at", "id"))


def hints() -> dict[str, float]:
    """What Valkey knows is due, by schema and endpoint."""
    found: Any = due._valkey().zrange(due.HINTS, 0, -1, withscores=True)
    return {member.decode(): score for member, score in found}

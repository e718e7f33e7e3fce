"""Signatures as the reference library of Standard Webhooks wants them, and secrets that nobody else can read."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.conf import settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tenant_apps.webhooks.models import Endpoint
from tenant_apps.webhooks.services import rotate_secret
from tenant_apps.webhooks.signatures import PREFIX, sealed, signed_headers
from tenants.context import Tenant, unit_of_work
from tenants.sealing import CannotUnseal
from tests.webhooks.conftest import CLERK, endpoint_at
from tests.webhooks.receivers import Receiver

BODY = '{"type":"order.paid","name":"Zoë"}'.encode()


def test_the_reference_library_verifies_and_notices_a_changed_byte(receiver: Receiver, acme: Tenant) -> None:
    endpoint, secret = endpoint_at(receiver.url, acme)
    elsewhere = datetime.now(timezone(timedelta(hours=5)))
    with unit_of_work(acme):
        headers = signed_headers(endpoint, "evt_1", BODY, elsewhere)
    assert Webhook(secret).verify(BODY, headers) == {"type": "order.paid", "name": "Zoë"}
    assert headers["webhook-signature"] == Webhook(secret).sign(
        "evt_1", elsewhere.astimezone(UTC), BODY.decode()
    )
    for changed in (BODY + b" ", BODY.replace(b"paid", b"payd")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, headers)


def test_both_secrets_sign_until_the_overlap_ends(receiver: Receiver, acme: Tenant) -> None:
    endpoint, old = endpoint_at(receiver.url, acme)
    with unit_of_work(acme):
        endpoint, new = rotate_secret(actor=CLERK, endpoint=endpoint)
        now, later = datetime.now(UTC), datetime.now(UTC) + timedelta(hours=25)
        during = signed_headers(endpoint, "evt_1", BODY, now)
        after = signed_headers(endpoint, "evt_1", BODY, later)
    assert new != old
    for secret in (new, old):
        Webhook(secret).verify(BODY, during)
    assert len(during["webhook-signature"].split()) == 2
    assert len(after["webhook-signature"].split()) == 1


def test_a_secret_is_long_random_and_sealed_for_its_tenant(
    receiver: Receiver, acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, secret = endpoint_at(receiver.url, acme)
    assert secret.startswith(PREFIX)
    assert 24 <= len(base64.b64decode(secret.removeprefix(PREFIX))) <= 64
    assert secret not in endpoint.secret
    with unit_of_work(globex):
        stolen = Endpoint(secret=endpoint.secret)
        with pytest.raises(CannotUnseal):
            signed_headers(stolen, "evt_1", BODY, datetime.now(UTC))
        assert sealed(secret) != endpoint.secret
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [settings.SECRET_KEY])
    monkeypatch.setattr(settings, "SECRET_KEY", "another-" * 8)
    with unit_of_work(acme):
        Webhook(secret).verify(BODY, signed_headers(endpoint, "evt_1", BODY, datetime.now(UTC)))

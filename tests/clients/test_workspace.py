"""A workspace's own settings: name, language, time zone and currency, by its people, by programs and by operators."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shared_apps.clients.workspace import change_workspace
from tenant_apps.products.languages import KNOWN_EVERYWHERE, follow_language
from tenant_apps.products.tasks import follow_tenant_language
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tenants.users.models import User
from tests.api.calls import problem, signed_in
from tests.cast import tenant_named
from tests.products.builders import CLERK, a_product


def settings_of(tenant: Tenant) -> tuple[str, ...]:
    """As every process knows them now."""
    known = tenant_named(tenant.host.partition(".")[0])
    return known.name, known.locale, known.time_zone, known.currency


def test_people_change_their_workspace_and_its_products_are_searched_in_the_new_language(
    client_of: Callable[..., Client], acme: Tenant, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, int]] = []
    monkeypatch.setattr(follow_tenant_language, "apply_async", lambda **how: sent.append(how))
    with unit_of_work(acme):
        a_product()
    browser = client_of(acme, owner)
    page = browser.get("/settings/workspace/").content.decode()
    assert all(word in page for word in ("Europe/London", "German", "Workspace"))
    given = {"name": "Acme & Co", "locale": "de", "time_zone": "Europe/Berlin", "currency": "GBP"}
    page = browser.post("/settings/workspace/", given, follow=True).content.decode()
    assert "The settings are saved." in page
    assert settings_of(acme) == ("Acme & Co", "de", "Europe/Berlin", "GBP")
    with public_context():
        entry = AuditEntry.objects.get(verb="client.workspace_changed")
        assert entry.data["locale"] == {"from": "en", "to": "de"}
        assert "currency" not in entry.data
    assert sent == [{"countdown": KNOWN_EVERYWHERE}]
    with tenant_context(tenant_named("acme")):
        assert follow_language(actor=CLERK) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"locale": "German"},
        {"time_zone": "Mars/Base"},
        {"currency": "XXX"},
        {"name": " "},
        {"name": "A\u202eB"},
    ],
)
def test_what_is_no_such_thing_is_refused_at_its_field(
    acme: Tenant, owner: User, wrong: dict[str, str]
) -> None:
    before = settings_of(acme)
    answer = signed_in(owner, acme).patch("workspace/", wrong)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}" for name in wrong]
    assert settings_of(acme) == before


def test_the_currency_is_changed_as_long_as_nothing_is_priced_in_another(acme: Tenant, owner: User) -> None:
    api = signed_in(owner, acme)
    assert api.patch("workspace/", {"currency": "CHF"}).json()["currency"] == "CHF"
    assert api.get("workspace/").json()["currency"] == "CHF"
    with unit_of_work(tenant_named("acme")):
        a_product()
    problem(api.patch("workspace/", {"currency": "EUR"}), 409, "priced_otherwise")
    assert settings_of(acme)[3] == "CHF"


def test_operators_change_it_too(operator: Client, acme: Tenant) -> None:
    path = f"/admin/clients/client/{acme.id}/settings/"
    assert f'value="{acme.time_zone}"' in operator.get(path).content.decode()
    given: dict[str, Any] = {
        "name": "Acme",
        "locale": "pt-BR",
        "time_zone": "America/Bahia",
        "currency": "BRL",
    }
    assert operator.post(path, {**given, "currency": "???"}).status_code == 200
    assert "has these settings now." in operator.post(path, given, follow=True).content.decode()
    assert settings_of(acme) == tuple(given.values())


def test_nothing_is_written_where_nothing_changes(acme: Tenant, actor: Actor) -> None:
    change_workspace(client_id=acme.id, actor=actor, locale=acme.locale)
    with public_context():
        assert not AuditEntry.objects.filter(verb="client.workspace_changed").exists()

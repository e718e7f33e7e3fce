"""The platform's commands: make a new baseline, let an operator in."""

import io
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from shared_apps.clients.services import sign_up
from shared_apps.fleet.provisioning import refresh_baseline
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.messages import send_together
from tenants.users.models import User
from tests.cast import OPERATOR


def test_a_new_baseline_waits_for_sign_ups_that_use_the_old_one(
    order: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = threading.Event()

    def refresh() -> None:
        refresh_baseline()
        refreshed.set()
        connections.close_all()

    def while_a_sign_up_is_open(*parts: Any) -> Any:
        thread.start()
        assert not refreshed.wait(0.3)
        return send_together(*parts)

    thread = threading.Thread(target=refresh)
    monkeypatch.setattr("shared_apps.clients.services.send_together", while_a_sign_up_is_open)
    sign_up(**order)
    assert refreshed.wait(60)


# Operators


def create_operator(email: str, password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    out = io.StringIO()
    monkeypatch.setattr("builtins.input", lambda: password)
    call_command("create_operator", email, "--stdin", stdout=out)
    return out.getvalue()


def test_an_operator_who_was_let_in_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    said = create_operator("new@platform.example", "a long enough one", monkeypatch)
    assert "new@platform.example may now sign in at /admin/" in said
    browser = Client(headers={"host": "localhost"})
    credentials = {"username": "NEW@platform.example", "password": "a long enough one"}
    assert browser.post("/admin/login/?next=/admin/", credentials)["Location"] == "/admin/"
    assert browser.get("/admin/clients/client/").status_code == 200
    with public_context():
        assert AuditEntry.objects.filter(verb="user.created", actor_label="create_operator").exists()


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        (OPERATOR, "a long enough one", "has an account here already"),
        ("nobody", "a long enough one", "e-mail address such as"),
        ("new@platform.example", "short", "too short"),
    ],
)
def test_what_is_wrong_with_an_operator_is_said_in_a_sentence(
    email: str, password: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=said):
        create_operator(email, password, monkeypatch)
    with public_context():
        assert User.objects.count() == 1


def test_an_operator_is_nobody_inside_a_tenant(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    create_operator("new@platform.example", "a long enough one", monkeypatch)
    with unit_of_work(acme):
        assert not User.objects.filter(role="operator").exists()
    credentials = {"email": "new@platform.example", "password": "a long enough one"}
    answer = Client(headers={"host": acme.host}).post(
        "/api/v1/auth/token/", credentials, content_type="application/json"
    )
    assert answer.status_code == 401

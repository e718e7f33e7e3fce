"""A sandbox has the rows and files of its original, and no secret of it and nobody's address."""

from typing import Any

import pytest
from django.apps import apps
from django.core import mail

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from shared_apps.lifecycle import sandbox
from shared_apps.lifecycle.exporting import shape_of
from shared_apps.lifecycle.services import copy_client
from tenants.context import Tenant, tenant_context
from tenants.errors import Invalid
from tenants.users.tasks import mail_password_reset
from tests.cast import PASSWORD
from tests.lifecycle.conftest import OPERATING, copied, failed, files_of, leftovers, rows, sums


def test_a_sandbox_has_the_rows_and_files_and_leaves_everybody_else_as_they_were(
    shop: Client, acme: Tenant, folders: Any
) -> None:
    before, others = sums(shop), sums(acme)
    made = copied(shop)
    assert sums(shop) == before
    assert sums(acme) == others
    ruled = sandbox.rules().keys()
    assert {name: value for name, value in sums(made).items() if name not in ruled} == {
        name: value for name, value in before.items() if name not in ruled
    }
    assert files_of(made) == files_of(shop)
    assert leftovers(folders) == []
    assert (made.subdomain, made.name) == ("initech-sandbox", "Initech (sandbox)")
    assert (made.status, made.currency, made.sandbox_of_id) == ("active", "USD", shop.pk)


def test_no_secret_and_no_address_is_in_the_sandbox(shop: Client) -> None:
    made = copied(shop)
    assert rows(made, "SELECT * FROM HERE.users_apitoken") == []
    assert rows(made, "SELECT * FROM HERE.django_session") == []
    people = rows(
        made, "SELECT id, email, password FROM HERE.users_user WHERE email <> 'milton@initech.example'"
    )
    kept = rows(shop, "SELECT id FROM HERE.users_user")
    assert [(person[0],) for person in people] == kept
    assert [email for _, email, _ in people if not email.endswith("@sandbox.invalid")] == []
    assert [password for _, _, password in people if not password.startswith("!")] == []
    assert rows(made, "SELECT name, phone FROM HERE.orders_customer WHERE reference = 'B-1'") == [
        ("Bill", "")
    ]
    everything = " ".join(
        str(row)
        for table in shape_of(made.schema_name)[1]
        for row in rows(made, f"SELECT * FROM HERE.{table.name}")
    )
    for address in ("peter@initech.example", "bill@customers.example", "clerk@acme.example", "+44 1"):
        assert address not in everything
        assert address in " ".join(
            str(row)
            for table in shape_of(shop.schema_name)[1]
            for row in rows(shop, f"SELECT * FROM HERE.{table.name}")
        )


def test_only_the_one_who_was_named_gets_in_and_by_a_letter(shop: Client, client_of: Any) -> None:
    made = copied(shop)
    owner = rows(made, "SELECT id, role FROM HERE.users_user WHERE email = 'milton@initech.example'")
    assert [role for _, role in owner] == ["owner"]
    for email in ("peter@initech.example", "milton@initech.example"):
        answer = client_of(as_tenant(made)).post(
            "/api/v1/auth/token/", {"email": email, "password": PASSWORD}, content_type="application/json"
        )
        assert answer.status_code == 401
    tenant = as_tenant(made)
    with tenant_context(tenant):
        mail_password_reset.apply(args=(str(owner[0][0]),), headers={"tenant": tenant.schema})
    (letter,) = mail.outbox
    assert letter.to == ["milton@initech.example"]
    assert "//initech-sandbox.localhost" in letter.body


def test_the_address_must_be_one(shop: Client) -> None:
    with pytest.raises(Invalid, match="e-mail address of whoever shall sign in"):
        copy_client(client_id=shop.pk, owner_email="milton", actor=OPERATING, send=False)


def test_a_tenant_that_is_behind_is_not_copied_and_nothing_is_left(shop: Client) -> None:
    from tests.lifecycle.test_restoring import without_imports

    without_imports(shop)
    operation = copy_client(client_id=shop.pk, owner_email="m@initech.example", actor=OPERATING, send=False)
    assert "Run `manage.py migrate`" in failed(operation)
    assert list(Client.objects.filter(sandbox_of=shop)) == []


# What the apps have to say


def tenant_columns() -> list[tuple[str, str]]:
    """Every column of every table that travels."""
    return [(table.name, column) for table in shape_of("t_template")[1] for column in table.columns]


def undecided(columns: list[tuple[str, str]]) -> list[str]:
    """Columns that sound like a secret or an address, of which no app says what a sandbox does with them."""
    rules = sandbox.rules()
    return [
        f"{table}.{column}"
        for table, column in columns
        if sandbox.is_suspect(column)
        and rules.get(table) != sandbox.DELETE
        and column not in dict(rules.get(table, {}))  # type: ignore[arg-type]  # a text was sorted out above
    ]


def test_every_column_that_sounds_like_a_secret_has_a_rule() -> None:
    assert undecided(tenant_columns()) == [], (
        "say in `sandbox` of the app's config what becomes of it in a copy"
    )


def test_a_column_that_nobody_has_ruled_on_is_noticed() -> None:
    new = [("payments_account", column) for column in ("id", "url", "signing_secret", "name", "created_at")]
    assert undecided(new) == ["payments_account.url", "payments_account.signing_secret"]


def test_rules_name_tables_columns_and_rules_that_exist() -> None:
    columns = set(tenant_columns())
    tables = {table for table, _ in columns}
    for table, rule in sandbox.rules().items():
        assert table in tables
        if rule != sandbox.DELETE:
            assert isinstance(rule, dict)
            assert {(table, column) for column in rule} <= columns
            assert set(rule.values()) <= set(sandbox.RULES)


def test_tables_that_stay_after_a_deletion_exist() -> None:
    tables = {model._meta.db_table for model in apps.get_models()}
    for config in apps.get_app_configs():
        assert set(getattr(config, "kept_after_deletion", {})) <= tables

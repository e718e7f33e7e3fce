"""Which alias a model is read from, which migrations go where, and what stays cached when a tenant is entered."""

import io
import json

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connections, router
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from billing.models import UsageRecord
from shared_apps.clients.models import Client, Domain
from tenant_apps.orders.models import Order
from tenant_apps.products.models import Product
from tenants.audit.models import AuditEntry
from tenants.context import NoTenant, Tenant, public_context, tenant_context, unit_of_work
from tenants.models import Sentinel
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import User

EVERYWHERE = [User, AuditEntry, Session, Sentinel]
TENANTS_OWN = [Product, Order]
PUBLICS_OWN = [Client, Domain, UsageRecord, ContentType]


def aliases(model: type[Model]) -> set[str]:
    return {router.db_for_read(model), router.db_for_write(model)}


@pytest.mark.parametrize("model", EVERYWHERE)
def test_a_model_of_both_follows_the_realm(model: type[Model], acme: Tenant) -> None:
    assert aliases(model) == {"default"}, "outside any realm it is refused there"
    with tenant_context(acme):
        assert aliases(model) == {"default"}
    with public_context():
        assert aliases(model) == {"control"}


@pytest.mark.parametrize("model", TENANTS_OWN)
def test_a_tenant_s_model_is_never_looked_for_in_public(model: type[Model]) -> None:
    with public_context():
        assert aliases(model) == {"default"}
        with pytest.raises(NoTenant):
            model._default_manager.count()


@pytest.mark.parametrize("model", PUBLICS_OWN)
def test_a_public_model_is_read_over_control_from_everywhere(model: type[Model], acme: Tenant) -> None:
    assert aliases(model) == {"control"}
    with unit_of_work(acme):
        assert aliases(model) == {"control"}
        assert model._default_manager.db == "control"


def test_what_the_migrator_made_stays_on_the_migrator(acme: Tenant) -> None:
    client = Client.objects.using(MIGRATOR_ALIAS).get(pk=acme.id)
    assert router.db_for_write(Domain, instance=client) == MIGRATOR_ALIAS
    assert client.domains.all().db == MIGRATOR_ALIAS


@pytest.mark.parametrize(
    ("one", "other", "allowed"),
    [
        (Product, Order, True),
        (Client, Domain, True),
        (User, Session, True),
        (Client, Product, False),
        (Order, UsageRecord, False),
    ],
)
def test_rows_of_different_schemas_are_not_related(
    one: type[Model], other: type[Model], allowed: bool
) -> None:
    assert router.allow_relation(one(), other()) is allowed


def test_no_relation_of_any_model_leads_from_a_tenant_to_public_or_back() -> None:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            related = field.related_model
            if field.is_relation and isinstance(related, type):
                assert router.allow_relation(model(), related()), f"{model.__name__}.{field.name}"


@pytest.mark.parametrize("alias", ["default", "control"])
def test_tables_are_changed_over_the_migrator_alone(alias: str) -> None:
    for label in ("clients", "users", "products", "billing"):
        assert router.allow_migrate(alias, label) is False
    with pytest.raises(CommandError, match="over the migrator"):
        call_command("migrate", database=alias, verbosity=0, interactive=False)


def test_each_schema_gets_its_own_apps() -> None:
    connection = connections[MIGRATOR_ALIAS]
    assert [router.allow_migrate(MIGRATOR_ALIAS, label) for label in ("clients", "users", "products")] == [
        True,
        True,
        False,
    ]
    connection.set_schema("t_template", include_public=False)  # type: ignore[attr-defined]  # django-tenants' backend
    try:
        assert [
            router.allow_migrate(MIGRATOR_ALIAS, label) for label in ("clients", "users", "products")
        ] == [
            False,
            True,
            True,
        ]
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]  # as above


def test_dumping_a_tenant_s_rows_is_not_silently_empty(acme: Tenant) -> None:
    out = io.StringIO()
    with unit_of_work(acme):
        call_command("dumpdata", "users.user", stdout=out)
    assert len(json.loads(out.getvalue())) == 4


def test_content_types_stay_cached_when_tenants_are_entered(acme: Tenant, globex: Tenant) -> None:
    with public_context():
        known = ContentType.objects.get_for_model(User)
    with CaptureQueriesContext(connections["control"]) as asked:
        for tenant in (acme, globex, acme):
            with unit_of_work(tenant):
                User.objects.count()
                assert ContentType.objects.get_for_model(User) is known
        with public_context():
            assert ContentType.objects.get_for_model(User) is known
    assert asked.captured_queries == []

"""What ends by itself: the trial after sign-up, the grace after a failed payment, and what a deleted tenant owes."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from billing.accounts.trials import BATCH, beginning, end_graces, end_trials, tell_of_trials
from billing.models import Customer, Export, Lane, Subscription
from billing.subscriptions.ending import keeps_from_deletion
from shared_apps.clients.models import Client
from shared_apps.clients.services import sign_up
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS
from tests.billing.builders import use
from tests.billing.handlers.telling import mailed
from tests.billing.platform import Platform
from tests.billing.subscriptions.test_services import standing, subscribed

OWNER = Actor.system("the owner")
NOW = timezone.now()


def on_trial(tenant: Tenant, ends_in: timedelta) -> None:
    set_standing(
        client_id=tenant.id, actor=OWNER, reason="t", plan="team", plan_version=2, trial_ends_at=NOW + ends_in
    )


def test_a_new_tenant_tries_the_team_plan_for_two_weeks() -> None:
    before = timezone.now()
    client = sign_up(
        company="Initech",
        subdomain="initech",
        email="owner@initech.example",
        password="correct horse battery",
    )
    assert (client.plan, client.plan_version, client.access) == ("team", 2, "full")
    assert client.trial_ends_at is not None
    assert timedelta(0) <= client.trial_ends_at - before - timedelta(days=14) < timedelta(minutes=1)


def test_without_an_end_of_trial_there_is_a_plan_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.accounts.trials.TRIED", "sold no more")
    assert (beginning().plan, beginning().trial_ends_at) == ("free", None)


def test_a_trial_that_is_over_leaves_the_free_plan(acme: Tenant, globex: Tenant) -> None:
    on_trial(acme, -timedelta(minutes=1))
    on_trial(globex, timedelta(minutes=1))
    tell_of_trials(NOW)
    tell_of_trials(NOW)
    assert end_trials(NOW) == 1
    assert mailed() == ["The trial of Globex ends soon", "The trial of Acme is over"]
    assert "http://globex." in mail.outbox[0].body
    assert (standing(acme), standing(globex)) == (("free", 1, "full"), ("team", 2, "full"))
    assert (end_trials(NOW), BATCH > 1) == (0, True)


def test_a_trial_does_not_end_under_somebody_who_is_just_subscribing(
    platform: Platform, acme: Tenant, globex: Tenant
) -> None:
    on_trial(acme, -timedelta(minutes=1))
    customer = platform.customer(acme)
    other = connections.create_connection(CONTROL_ALIAS)
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM billing_customer WHERE id = %s FOR UPDATE", [customer.pk])
            assert end_trials(NOW) == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert end_trials(NOW) == 1


def test_grace_that_is_over_leaves_reading(platform: Platform, acme: Tenant) -> None:
    found = subscribed(platform, acme)
    Subscription.objects.filter(pk=found.pk).update(status="past_due", past_due_since=NOW)
    until = NOW + timedelta(days=7)
    set_standing(client_id=acme.id, actor=OWNER, reason="t", access="grace", access_until=until)
    assert end_graces(until - timedelta(seconds=1)) == 0
    assert end_graces(until) == 1
    assert standing(acme) == ("team", 2, "read_only")


@pytest.mark.parametrize("has_begun_to_buy", [False, True])
def test_grace_that_operators_gave_to_a_tenant_that_pays_nothing_ends_as_well(
    has_begun_to_buy: bool, platform: Platform, acme: Tenant
) -> None:
    if has_begun_to_buy:
        Subscription.objects.filter(pk=subscribed(platform, acme).pk).update(status="incomplete")
    until = NOW + timedelta(days=7)
    set_standing(client_id=acme.id, actor=OWNER, reason="t", plan="free", access="grace", access_until=until)
    assert (end_graces(until - timedelta(seconds=1)), end_graces(until), end_graces(until)) == (0, 1, 0)
    client = Client.objects.get(pk=acme.id)
    assert (client.access, client.access_until) == ("read_only", None)
    assert "grace is over" in client.access_reason


def test_a_tenant_goes_when_all_it_used_is_charged_and_its_subscription_has_ended(
    platform: Platform, acme: Tenant
) -> None:
    subscribed(platform, acme)
    use(acme, "orders_placed", 1500, hours_ago=0)
    assert "have not reached Stripe yet" in keeps_from_deletion(acme.schema)
    Lane.objects.update(retry_at=None)
    Export.objects.filter(status="waiting").update(status="sent", settled_at=NOW)
    platform.fail("error_before", "/v1/subscriptions/sub_.*", method="DELETE")
    assert "goes on by itself" in keeps_from_deletion(acme.schema)
    assert keeps_from_deletion(acme.schema) == ""
    assert (Subscription.objects.get().status, platform.count("subscription", status="canceled")) == (
        "canceled",
        1,
    )
    assert keeps_from_deletion(acme.schema) == ""


def test_a_deletion_without_a_subscription_asks_nobody(acme: Tenant) -> None:
    assert keeps_from_deletion(acme.schema) == ""
    Customer.objects.create(tenant=acme.schema, stripe_id="cus_x")
    assert keeps_from_deletion(acme.schema) == "", "there is no account, and nothing runs"

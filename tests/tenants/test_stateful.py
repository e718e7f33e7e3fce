"""Three tenants, one random life after another: what is read is always what a simple model says was written.

STATEFUL_RUNS says how many lives: 100 by default, 2,000 at night.
"""

import os
from typing import Any

import pytest
from celery.exceptions import Reject
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from config.celery import app
from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.clients.statuses import WrongStatus, resume_client, suspend_client
from tenant_apps.products.models import Category
from tenant_apps.products.services import CategoryTaken, create_category, delete_category, update_category
from tenants.audit.actors import Actor
from tenants.context import NoTenant, Tenant, public_context, tenant_context, unit_of_work
from tenants.hosts import directory
from tenants.tasks import TenantTask
from tenants.users.models import User
from tenants.users.tokens import AccessToken
from tests.cast import PASSWORD, tenant_named
from tests.isolation.walls import run_task

RUNS = int(os.environ.get("STATEFUL_RUNS", "100"))
CLERK = Actor.system("a life")
THREE = st.integers(0, 2)
NAMES = st.sampled_from(["Mugs", "Cups", "Plates", "mugs"])


@app.task(base=TenantTask, name="tests.add_category")
def add_category(name: str) -> None:
    with transaction.atomic():
        create_category(actor=CLERK, name=name)


class Life(RuleBasedStateMachine):
    """What may happen to three tenants; `model` is what should have come of it."""

    tenants: list[Tenant]
    tokens: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.model: list[set[str]] = [set(), set(), set()]
        self.suspended = [False] * 3
        for tenant in self.tenants:
            with unit_of_work(tenant):
                Category.objects.all().delete()
            _set_active(tenant)

    # Writing

    @rule(number=THREE, name=NAMES)
    def create(self, number: int, name: str) -> None:
        with unit_of_work(self.tenants[number]):
            if self._is_taken(number, name):
                with pytest.raises(CategoryTaken):
                    create_category(actor=CLERK, name=name)
                return
            create_category(actor=CLERK, name=name)
        self.model[number].add(name)

    @rule(number=THREE, old=NAMES, new=st.sampled_from(["Bowls", "Jugs"]))
    def rename(self, number: int, old: str, new: str) -> None:
        if old not in self.model[number] or self._is_taken(number, new):
            return
        with unit_of_work(self.tenants[number]):
            update_category(actor=CLERK, category=Category.objects.get(name=old), name=new)
        self.model[number] = self.model[number] - {old} | {new}

    @rule(number=THREE, name=NAMES)
    def delete(self, number: int, name: str) -> None:
        with unit_of_work(self.tenants[number]):
            for category in Category.objects.filter(name=name):
                delete_category(actor=CLERK, category=category)
        self.model[number].discard(name)

    @rule(number=THREE, name=NAMES)
    def fail_half_way(self, number: int, name: str) -> None:
        with pytest.raises(ZeroDivisionError), unit_of_work(self.tenants[number]):
            Category.objects.all().delete()
            create_category(actor=CLERK, name=name)
            raise ZeroDivisionError

    @rule(number=THREE)
    def fail_in_a_savepoint(self, number: int) -> None:
        with unit_of_work(self.tenants[number]):
            with pytest.raises(IntegrityError), transaction.atomic():
                Category.objects.all().delete()
                User(email="OWNER@" + self._domain(number), role="owner").save()
            assert self._read() == self.model[number]

    # Switching

    @rule(one=THREE, other=THREE)
    def switch_inside(self, one: int, other: int) -> None:
        with unit_of_work(self.tenants[one]):
            assert self._read() == self.model[one]
            if one != other:
                with tenant_context(self.tenants[other]), pytest.raises(NoTenant):
                    Category.objects.count()
            assert self._read() == self.model[one]

    @rule(one=THREE, other=THREE)
    def switch_one_after_the_other(self, one: int, other: int) -> None:
        for number in (one, other, one):
            with tenant_context(self.tenants[number]), transaction.atomic():
                assert self._read() == self.model[number]

    # Doors

    @rule(number=THREE)
    def suspend_or_resume(self, number: int) -> None:
        client_id, is_suspended = self.tenants[number].id, self.suspended[number]
        with public_context():
            if is_suspended:
                resume_client(client_id=client_id, actor=CLERK)
            else:
                suspend_client(client_id=client_id, actor=CLERK, reason="a life")
        self.suspended[number] = not is_suspended

    @rule(number=THREE, name=NAMES)
    def send_a_task(self, number: int, name: str) -> None:
        schema = self.tenants[number].schema
        if self.suspended[number]:
            with pytest.raises(Reject):
                run_task(add_category, name, tenant=schema)
        elif self._is_taken(number, name):
            with pytest.raises(CategoryTaken):
                run_task(add_category, name, tenant=schema)
        else:
            run_task(add_category, name, tenant=schema)
            self.model[number].add(name)

    @rule(number=THREE)
    def list_by_the_api(self, number: int) -> None:
        answer = self._ask(self.tenants[number], self.tokens[number])
        if self.suspended[number]:
            assert answer.json()["code"] == "tenant_suspended"
        else:
            assert {row["name"] for row in answer.json()["data"]} == self.model[number]

    @precondition(lambda self: not all(self.suspended))
    @rule(number=THREE, other=THREE)
    def use_the_token_of_another(self, number: int, other: int) -> None:
        answer = self._ask(self.tenants[number], self.tokens[other])
        expected = 403 if self.suspended[number] else 200 if number == other else 401
        assert answer.status_code == expected

    # Reading

    @invariant()
    def everybody_reads_their_own_rows(self) -> None:
        for number, tenant in enumerate(self.tenants):
            with unit_of_work(tenant):
                assert self._read() == self.model[number]

    @staticmethod
    def _read() -> set[str]:
        return set(Category.objects.values_list("name", flat=True))

    def _is_taken(self, number: int, name: str) -> bool:
        return name.lower() in {taken.lower() for taken in self.model[number]}

    def _domain(self, number: int) -> str:
        return f"{self.tenants[number].name.lower()}.example"

    @staticmethod
    def _ask(tenant: Tenant, token: str) -> Any:
        client = Client(headers={"host": tenant.host, "authorization": f"Bearer {token}"})
        return client.get("/api/v1/categories/")


def _set_active(tenant: Tenant) -> None:
    found = directory.by_schema(tenant.schema)
    if found is not None and found.status != "active":
        with public_context():
            resume_client(client_id=tenant.id, actor=CLERK)


def _token(tenant: Tenant) -> str:
    with unit_of_work(tenant):
        return str(AccessToken.issue(User.objects.get(role="owner")))


@pytest.fixture
def three() -> list[Tenant]:
    third = sign_up(company="Initech", subdomain="initech", email="owner@initech.example", password=PASSWORD)
    return [tenant_named("acme"), tenant_named("globex"), as_tenant(third)]


def live(tenants: list[Tenant], **options: Any) -> None:
    Life.tenants, Life.tokens = tenants, [_token(tenant) for tenant in tenants]
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


def test_no_life_of_three_tenants_strays_from_the_model(three: list[Tenant]) -> None:
    live(three)


def test_tenants_that_share_a_schema_stray_from_the_model(three: list[Tenant]) -> None:
    """The red control: the second tenant is the first under another number."""
    acme, _, third = three
    with pytest.raises((AssertionError, CategoryTaken, IntegrityError, WrongStatus, pytest.fail.Exception)):
        live([acme, acme, third], phases=[Phase.generate])

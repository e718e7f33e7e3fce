"""A caller, and a plan that has GraphQL."""

import pytest

from shared_apps.clients.models import Client
from tenants.context import Tenant
from tenants.users.models import User
from tests.api.calls import Api, signed_in


@pytest.fixture
def owner_api(owner: User, acme: Tenant) -> Api:
    return signed_in(owner, acme)


@pytest.fixture
def on_business(acme: Tenant) -> None:
    """Only this plan has it."""
    Client.objects.filter(pk=acme.id).update(plan="business")

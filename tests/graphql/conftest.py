"""A caller, and a plan that has GraphQL."""

import pytest

from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tenants.users.models import User
from tests.api.calls import Api, signed_in


@pytest.fixture
def owner_api(owner: User, acme: Tenant) -> Api:
    return signed_in(owner, acme)


@pytest.fixture
def on_business(acme: Tenant) -> None:
    """Only this plan has it."""
    set_standing(client_id=acme.id, actor=Actor.system("tests"), reason="They bought it.", plan="business")

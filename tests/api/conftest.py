"""Callers of the API."""

from collections.abc import Callable

import pytest

from tenants.context import Tenant
from tenants.users.models import User
from tests.api.calls import Api, signed_in
from tests.cast import Person


@pytest.fixture
def api(person: Callable[[str], Person], acme: Tenant) -> Callable[[str], Api]:
    """Somebody of acme who calls the API: `api("viewer")`."""
    return lambda role: signed_in(person(role).user, acme)


@pytest.fixture
def owner_api(api: Callable[[str], Api]) -> Api:
    return api("owner")


@pytest.fixture
def nobody(acme: Tenant) -> Api:
    """Somebody without a credential on acme's host."""
    return Api(acme)


@pytest.fixture
def stranger_api(stranger: User, globex: Tenant) -> Api:
    """The neighbour's owner, on the neighbour's host."""
    return signed_in(stranger, globex)

"""People in front of the portal: a signed-in browser, and a shop to look at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tenants.context import Tenant
from tenants.users.models import User
from tests.cast import Person
from tests.portal.browsing import chromium, port, tab
from tests.portal.shop import Shop, open_shop

__all__ = ["chromium", "port", "tab"]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploaded files vanish with the test."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)


@pytest.fixture
def visitor(client_of: Callable[..., Client], acme: Tenant) -> Client:
    """Somebody on acme's host who has not signed in."""
    return client_of(acme)


@pytest.fixture
def browser_of(
    client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]
) -> Callable[[str], Client]:
    """Somebody of acme, signed in: `browser_of("viewer")`."""
    return lambda role: client_of(acme, person(role).user)


@pytest.fixture
def browser(browser_of: Callable[[str], Client]) -> Client:
    """The owner of acme, signed in."""
    return browser_of("owner")


@pytest.fixture
def shop(acme: Tenant, owner: User) -> Shop:
    """A shop with something of everything, in acme."""
    return open_shop(acme, owner)

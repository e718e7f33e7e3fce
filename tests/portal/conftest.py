"""People in front of the portal: a signed-in browser, and a shop to look at."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings
from django.test import Client

from tenants.context import Tenant
from tenants.users.models import User
from tests import stage
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


class Opening:
    """Opens a shop once by the verbs that people use; later, with the rows and files that this has left."""

    def __init__(self, pristine: stage.Pristine, files: Path) -> None:
        self._pristine, self._files = pristine, files
        self._rows, self._shop = "", cast(Shop | None, None)

    def open(self, tenant: Tenant, owner: User) -> Shop:
        """The shop, as if it were just opened."""
        if self._shop is None:
            since = self._pristine.mark()
            self._shop = open_shop(tenant, owner)
            self._rows = self._pristine.keep("shop", since=since)
            shutil.copytree(settings.MEDIA_ROOT, self._files)
        else:
            self._pristine.lay(self._rows)
            shutil.copytree(self._files, settings.MEDIA_ROOT, dirs_exist_ok=True)
        return copy.deepcopy(self._shop)


@pytest.fixture(scope="session")
def opening(pristine: stage.Pristine, tmp_path_factory: pytest.TempPathFactory) -> Opening:
    return Opening(pristine, tmp_path_factory.mktemp("shop") / "files")


@pytest.fixture
def shop(acme: Tenant, owner: User, opening: Opening) -> Shop:
    """A shop with something of everything, in acme."""
    return opening.open(acme, owner)

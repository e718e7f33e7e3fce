"""A real browser as fixtures: for every folder of tests whose conftest takes them over."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright

from infra.local.chromium import find_chromium
from tenants.context import Tenant
from tests.portal.live import FLAGS, Visit, open_tab, serving

CHROMIUM = find_chromium()
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="there is no chromium on this machine"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module. Its driver keeps an event loop in this thread, which Django would take for ours."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    with sync_playwright() as playwright:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        # The machine is shared with the other workers of the tests.
        expect.set_options(timeout=30_000)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as found:
        yield found


@pytest.fixture
def tab(chromium: Browser, port: int, acme: Tenant) -> Iterator[Callable[..., Visit]]:
    """A tab on acme's host: `tab(browser)` signed in as the test client is, `tab()` as nobody.

    At the end of the test nothing may have gone wrong in any of them.
    """
    visits: list[Visit] = []

    def make(client: Client | None = None, host: str = acme.host, **options: Any) -> Visit:
        name = settings.SESSION_COOKIE_NAME
        cookie = (name, client.cookies[name].value) if client else None
        visits.append(open_tab(chromium, port, host, cookie, **options))
        return visits[-1]

    yield make
    wrongs = [wrong for visit in visits for wrong in visit.wrongs]
    for visit in visits:
        visit.page.context.close()
    assert not wrongs, wrongs

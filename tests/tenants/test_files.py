"""Signed addresses of files: good for one file of one tenant, for a while, and never as a page of ours."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client

from tenants.context import NoTenant, Tenant, tenant_context
from tenants.files import signed_url
from tenants.signing import sign
from tenants.storage import tenant_storage

ClientOf = Callable[..., Client]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    return tmp_path


def link(tenant: Tenant, name: str = "letters/one.txt", **how: Any) -> str:
    """An address of a file that lies there."""
    with tenant_context(tenant):
        if not tenant_storage().exists("letters/one.txt"):
            tenant_storage().save("letters/one.txt", ContentFile(tenant.name.encode()))
        return signed_url(name, **{"filename": "Größe.txt", "content_type": "text/plain", **how})


def test_whoever_has_the_address_gets_the_file_as_what_it_is(acme: Tenant, client_of: ClientOf) -> None:
    answer = client_of(acme).get(link(acme))
    assert answer.getvalue() == b"Acme"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt"
    assert answer.headers["Content-Security-Policy"].endswith("; sandbox")
    assert answer.headers["Cache-Control"].startswith("private, max-age=")


def test_a_browser_asks_again_without_getting_it_again(acme: Tenant, client_of: ClientOf) -> None:
    url = link(acme, content_type="image/webp", inline=True)
    first = client_of(acme).get(url)
    again = client_of(acme).get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert first.headers["Content-Disposition"].startswith("inline")
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"].startswith("private")


def test_the_address_stays_the_same_for_a_while_and_then_ends(
    acme: Tenant, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time() // 3600 * 3600 + 1
    _freeze(monkeypatch, now)
    url = link(acme, good_for=timedelta(hours=1))
    for minutes, status in ((10, 200), (61, 200), (76, 410)):
        _freeze(monkeypatch, now + minutes * 60)
        assert (link(acme, good_for=timedelta(hours=1)) == url) is (minutes == 10)
        assert client_of(acme).get(url).status_code == status


def _freeze(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromtimestamp(seconds, UTC))


def test_another_tenant_s_address_opens_nothing(acme: Tenant, globex: Tenant, client_of: ClientOf) -> None:
    """Even where a file of that name lies in both."""
    link(acme)
    theirs = link(globex)
    assert client_of(globex).get(theirs).getvalue() == b"Globex"
    assert client_of(acme).get(theirs).status_code == 410


@pytest.mark.parametrize(
    "name", ["../{theirs}/letters/one.txt", "/etc/passwd", "letters", "letters/none.txt"]
)
def test_no_signed_name_leads_out_of_the_folder(
    name: str, acme: Tenant, globex: Tenant, client_of: ClientOf
) -> None:
    link(globex)
    assert client_of(acme).get(link(acme, name.format(theirs=globex.schema))).status_code == 404


def test_what_was_not_signed_as_a_file_is_refused(acme: Tenant, client_of: ClientOf) -> None:
    good = link(acme)
    with tenant_context(acme):
        other = sign("file", ["letters/one.txt", "one.txt", "text/plain", False])
    for url in (good[:-2] + "/", good.replace("/files/", "/files/x"), f"/files/{other}/", "/files/::/"):
        assert client_of(acme).get(url).status_code == 410
    assert client_of(acme).post(good).status_code == 405


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/xml", "text/plain"])
def test_what_could_run_is_never_shown_by_the_browser(content_type: str, acme: Tenant) -> None:
    with pytest.raises(ValueError, match="downloaded"):
        link(acme, content_type=content_type, inline=True)


def test_no_address_is_signed_outside_a_tenant() -> None:
    with pytest.raises(NoTenant):
        signed_url("one.txt", filename="one.txt", content_type="text/plain")

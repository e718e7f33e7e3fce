"""Signed values: good in one realm, for one purpose, for a while, and as they were made."""

import time
from datetime import timedelta

import pytest
from django.test import override_settings

from tenants.context import NoTenant, Tenant, public_context, tenant_context
from tenants.signing import BadLink, sign, unsign

MINUTE = timedelta(minutes=1)


def test_a_value_comes_back_as_it_was(acme: Tenant) -> None:
    with tenant_context(acme):
        for value in ("text", 7, ["a", 1, None], {"key": "value"}):
            assert unsign("greeting", sign("greeting", value), max_age=MINUTE) == value


def test_it_is_good_for_its_purpose_only(acme: Tenant) -> None:
    with tenant_context(acme):
        text = sign("greeting", "hello")
        with pytest.raises(BadLink, match="no longer valid"):
            unsign("farewell", text, max_age=MINUTE)


def test_a_changed_value_is_refused(acme: Tenant) -> None:
    with tenant_context(acme):
        good = sign("greeting", "hello")
        for changed in (good[:-1], f"x{good}", good.replace(":", ";"), good.swapcase(), "", "::"):
            with pytest.raises(BadLink):
                unsign("greeting", changed, max_age=MINUTE)


def test_an_old_value_is_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_context(acme):
        text = sign("greeting", "hello")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 59)
        assert unsign("greeting", text, max_age=MINUTE) == "hello"
        monkeypatch.setattr(time, "time", lambda: now + 62)
        with pytest.raises(BadLink):
            unsign("greeting", text, max_age=MINUTE)


def test_public_and_a_tenant_do_not_take_each_other_s_values(acme: Tenant) -> None:
    with public_context():
        public = sign("greeting", "hello")
    with tenant_context(acme):
        own = sign("greeting", "hello")
        with pytest.raises(BadLink):
            unsign("greeting", public, max_age=MINUTE)
    with public_context(), pytest.raises(BadLink):
        unsign("greeting", own, max_age=MINUTE)


def test_nothing_is_signed_outside_a_realm() -> None:
    with pytest.raises(NoTenant):
        sign("greeting", "hello")
    with pytest.raises(NoTenant):
        unsign("greeting", "x", max_age=MINUTE)


def test_a_former_secret_still_opens_and_a_foreign_one_does_not(acme: Tenant) -> None:
    with tenant_context(acme):
        with override_settings(SECRET_KEY="former" * 10):
            text = sign("greeting", "hello")
        with pytest.raises(BadLink):
            unsign("greeting", text, max_age=MINUTE)
        with override_settings(SECRET_KEY_FALLBACKS=["former" * 10]):
            assert unsign("greeting", text, max_age=MINUTE) == "hello"

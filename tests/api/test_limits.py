"""Limits of requests by plan, told in headers; and the metering of calls."""

import ast
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from redis.exceptions import ConnectionError as NoConnection

from billing.models import UsageRecord
from billing.usage.ledger import record_calls
from tenants.api.limits import Quota, limiter
from tenants.api.metering import ApiCall, Calls, calls
from tenants.models import uuid7
from tests.api.calls import Api, problem, signed_in

# Django is set up once, before the two processes part: neither has a connection or a thread yet.
TAKERS = """
import multiprocessing, uuid
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from tenants.api.limits import Limiter, Quota
from tenants.context import Tenant

def take(number):
    limiter, tenant = Limiter(), Tenant(uuid.UUID(int=7), "t_limits", "x", "x")
    limiter.quota_of = lambda tenant: Quota(300, 200)
    with ThreadPoolExecutor(8) as pool:
        rates = pool.map(lambda number: limiter.take(tenant, f"user:{number % 4}"), range(400))
        return sum(rate.is_allowed for rate in rates), limiter._minute.number

with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(take, range(2), chunksize=1))
"""


@pytest.fixture
def small(monkeypatch):
    """Three requests for a credential, five for a tenant; at the beginning of a minute that does not end."""
    monkeypatch.setattr(limiter, "quota_of", lambda tenant: Quota(5, 3))
    monkeypatch.setattr("tenants.api.limits.time.time", lambda: 1_800_000_015.0)


def test_headers_tell_how_a_caller_stands(owner_api, small):
    seen = [owner_api.get("products/") for _ in range(3)]
    assert {answer["RateLimit-Policy"] for answer in seen} == {'"tenant";q=5;w=60, "credential";q=3;w=60'}
    assert [answer["RateLimit"] for answer in seen] == [
        f'"tenant";r={5 - taken};t=45, "credential";r={3 - taken};t=45' for taken in (1, 2, 3)
    ]
    refused = owner_api.get("products/")
    problem(refused, 429, "rate_limited")
    assert refused["Retry-After"] == "45"
    assert '"credential";r=0' in refused["RateLimit"]


def test_a_credential_at_its_limit_leaves_the_rest_and_a_tenant_its_neighbour(
    owner_api, api, stranger_api, small
):
    assert [owner_api.get("me/").status_code for _ in range(4)] == [200, 200, 200, 429]
    admin = api("admin")
    assert [admin.post("categories/", {}).status_code for _ in range(3)] == [422, 422, 429]
    assert [stranger_api.get("products/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_without_the_cache_nothing_is_limited(owner_api, small, monkeypatch):
    class Gone:
        def eval(self, *arguments):
            raise NoConnection

    monkeypatch.setattr(limiter, "_store", Gone())
    answers = [owner_api.get("products/") for _ in range(6)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[-1]


def test_two_processes_together_never_exceed_a_limit(acme):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", TAKERS], env=environment, capture_output=True, check=True)
    told = ast.literal_eval(done.stdout.decode())
    by_minute: Counter[int] = Counter()
    for allowed, minute in told:
        by_minute[minute] += allowed
    most = 300 * (1 + (len(by_minute) > 1))
    assert 300 * 13 // 16 <= sum(by_minute.values()) <= most


def test_no_thread_writes_behind_the_tests_back():
    # It would take calls from tests that count them, and write rows into those that look for none.
    assert "api-calls" not in {thread.name for thread in threading.enumerate()}


def test_calls_are_metered_once_each_whatever_their_request_id(owner_api, acme, owner, small):
    owner_api.client.get("/api/v1/me/", headers={"x-request-id": "always-the-same"})
    owner_api.client.get("/api/v1/products/", headers={"x-request-id": "always-the-same"})
    owner_api.get("products/")
    assert owner_api.get("products/").status_code == 429
    noted = list(calls._noted)
    assert calls.flush() == 3
    record_calls(noted)  # a batch that is written again adds nothing
    assert (
        list(UsageRecord.objects.values_list("tenant", "meter", "quantity", "source"))
        == [(acme.schema, "api_calls", 1, owner.pk)] * 3
    )


def test_calls_that_cannot_be_written_are_kept():
    own, broken = Calls(), True
    written: list[ApiCall] = []

    def sink(batch: Sequence[ApiCall]) -> None:
        if broken:
            raise OSError
        written.extend(batch)

    own.sink = sink
    for number in range(3):
        own.note(f"t_{number}", uuid7())
    assert (own.flush(), len(written)) == (0, 0)
    broken = False
    assert own.flush() == 3
    assert [call.schema for call in written] == ["t_0", "t_1", "t_2"]


def test_nobody_unknown_is_counted(nobody, acme, person):
    problem(nobody.get("products/"), 401, "authentication_required")
    assert not calls._noted
    assert "RateLimit" in signed_in(person("viewer").user, acme).get("me/")
    assert isinstance(nobody, Api)

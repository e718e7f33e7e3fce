"""Fixtures for everybody. The environment is set before Django reads it, hence the order of the imports."""

# ruff: noqa: E402
import gc
import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import redis

from tests import stage

stage.set_environment()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from django.conf import settings

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Static files are looked up when they are asked for: each client of a test would list them all first.
settings.WHITENOISE_AUTOREFRESH = True
django.setup()
# A worker that inherited this would load the settings before its own database is named above.
os.environ.pop("DJANGO_SETTINGS_MODULE")

# A test leaves little behind in circles. To look as often as Python does for that takes a tenth of the time.
gc.set_threshold(10_000, 20, 20)

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

# How long it takes to make examples is the machine's matter. They are the same in each run, unless a seed is given.
hypothesis.register_profile(
    "ours",
    deadline=None,
    derandomize="FUZZ_SEED" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis.load_profile("ours")

from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.test import Client

from billing.limits.leases import purse
from tenants.api.limits import limiter
from tenants.api.metering import calls
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.hosts import directory
from tenants.users.keys import ring
from tenants.users.models import User
from tests.baselines import light, light_baseline
from tests.cast import PASSWORD, Person, make_cast, tenant_named
from tests.clock import Clock

__all__ = ["light", "light_baseline"]


def prepare_stage() -> None:
    """Prepare the database once, in the controller; each worker copies it."""
    if stage.WORKER and not stage.has_own_server():
        stage.copy_database()
        call_command("prepare", verbosity=0)
    elif not stage.WORKER and not stage.is_kept():
        stage.make_fresh_database()
        call_command("prepare", verbosity=0)
        make_cast()
        stage.drop_reserved()
        stage.keep_files()
    close_connections()


def close_connections() -> None:
    """A database with open connections cannot be copied."""
    for connection in connections.all(initialized_only=True):
        connection.close()


def pytest_collection_finish() -> None:
    """What is loaded by now stays, and need not be looked through for garbage."""
    gc.freeze()


def pytest_xdist_setupnodes() -> None:
    """Before the workers start."""
    stage.lend_files()


# While this file is loaded: later pytest-django bars the database until a fixture opens it.
prepare_stage()


@pytest.fixture(scope="session", autouse=True)
def _database_is_open(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's blocker
        yield


@pytest.fixture(scope="session")
def pristine(_database_is_open: None) -> stage.Pristine:
    """The way back to the rows that the cast began with."""
    return stage.Pristine()


@pytest.fixture(autouse=True)
def _reset(pristine: stage.Pristine) -> Iterator[None]:
    mail.outbox = []
    yield
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
    if pristine.restore():
        directory.forget()
        ring.forget()
    limiter.forget()
    purse.forget()
    calls.forget()
    _flush_cache()


def _flush_cache() -> None:
    queue().flushdb()


@cache
def queue() -> redis.Redis:
    """One connection for all resets: to open one takes longer than to empty what it leads to."""
    return redis.Redis.from_url(os.environ["REDIS_URL"])


@pytest.fixture
def acme() -> Tenant:
    """The tenant that most tests are about."""
    return tenant_named("acme")


@pytest.fixture
def globex() -> Tenant:
    """The neighbour."""
    return tenant_named("globex")


@pytest.fixture
def person(acme: Tenant) -> Callable[[str], Person]:
    """Somebody of acme by role: `person("viewer")`."""
    return lambda role: Person(f"{role}@acme.example", role, acme)


@pytest.fixture
def owner(person: Callable[[str], Person]) -> User:
    return person("owner").user


@pytest.fixture
def stranger(globex: Tenant) -> User:
    """The owner of the neighbour."""
    return Person("owner@globex.example", "owner", globex).user


@pytest.fixture
def actor(owner: User) -> Actor:
    """The owner of acme as an actor."""
    return Actor(kind="user", id=owner.id, label=owner.email)


@pytest.fixture
def inside(acme: Tenant) -> Iterator[Tenant]:
    """Run the whole test in one unit of work of acme; for what needs no request and no second transaction."""
    with unit_of_work(acme):
        yield acme


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """A browser on a tenant's host, signed in as a person: `client_of(acme, owner)`; as nobody without one."""

    def make(tenant: Tenant, user: User | None = None) -> Client:
        browser = Client(headers={"host": tenant.host})
        if user is not None:
            with unit_of_work(tenant):
                browser.force_login(user)
        return browser

    return make


@pytest.fixture
def bearer(client_of: Callable[..., Client]) -> Callable[..., Client]:
    """An API client with an access token got by e-mail and password: `bearer(acme, "owner@acme.example")`."""

    def make(tenant: Tenant, email: str) -> Client:
        answer = client_of(tenant).post(
            "/api/v1/auth/token/", {"email": email, "password": PASSWORD}, content_type="application/json"
        )
        assert answer.status_code == 200, answer.content
        return Client(headers={"host": tenant.host, "authorization": f"Bearer {answer.json()['access']}"})

    return make


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes when the test says so."""
    return Clock(monkeypatch)


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process looks up every few seconds stays known, so that queries can be counted."""
    for name in ("tenants.hosts.FRESH_FOR", "tenants.users.keys.FRESH_FOR"):
        monkeypatch.setattr(name, 3600.0)

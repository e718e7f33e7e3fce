"""One proof for each wall between tenants: a function that fails as soon as its wall is gone."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from config.celery import app
from tenants.audit.actors import Actor
from tenants.backend.base import WallBreached
from tenants.context import NoTenant, Tenant, current, tenant_context, unit_of_work
from tenants.signing import BadLink, sign, unsign
from tenants.storage import tenant_storage
from tenants.tasks import TenantTask
from tenants.users.models import SignIn, User
from tenants.users.permissions import SCOPES
from tenants.users.services import create_api_token
from tenants.users.sign_ins import Turn, begin_sign_in
from tenants.users.tickets import ticket_url
from tenants.users.tokens import AccessToken, RefreshToken
from tests.stage import administrator

CLERK = Actor.system("a proof")


@dataclass(frozen=True)
class Neighbours:
    """Two tenants, as the proofs need them."""

    acme: Tenant
    globex: Tenant


def must_raise(kind: type[Exception], attempt: Callable[[], object], why: str) -> None:
    """Fail with an AssertionError, so that a red proof looks like any other."""
    with suppress(kind):
        attempt()
        raise AssertionError(why)


def owner_of(tenant: Tenant) -> User:
    with unit_of_work(tenant):
        return User.objects.get(role="owner")


def browser(tenant: Tenant, **headers: str) -> Client:
    return Client(headers={"host": tenant.host, **headers})


def move_in_with(neighbours: Neighbours, table: str) -> None:
    """Copy rows of globex into acme, as a clone or a restored backup might: ids coincide from then on."""
    acme, globex = neighbours.acme.schema, neighbours.globex.schema
    with administrator() as admin:
        admin.execute(f'INSERT INTO "{acme}".{table} SELECT * FROM "{globex}".{table} ON CONFLICT DO NOTHING')


# W0: the host


def the_host_decides_whose_rows_are_shown(neighbours: Neighbours) -> None:
    for tenant in (neighbours.acme, neighbours.globex):
        assert tenant.name in browser(tenant).get("/sign-in/").content.decode()
        with unit_of_work(tenant):
            token = AccessToken.issue(User.objects.get(role="owner"))
        answer = browser(tenant, authorization=f"Bearer {token}").get("/api/v1/me/")
        assert answer.status_code == 200
        assert answer.json()["workspace"]["name"] == tenant.name


# W1 and W2: path and role, in the transaction and nowhere else


def a_statement_sees_its_tenant_s_schema_only(neighbours: Neighbours) -> None:
    for tenant in (neighbours.acme, neighbours.globex):
        with unit_of_work(tenant), connection.cursor() as cursor:
            cursor.execute("SELECT current_schemas(false), to_regclass('clients_client')")
            assert cursor.fetchone() == ([tenant.schema, "ext"], None)


def a_statement_runs_as_its_tenant_s_role(neighbours: Neighbours) -> None:
    for tenant, other in ((neighbours.acme, neighbours.globex), (neighbours.globex, neighbours.acme)):
        with unit_of_work(tenant), connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (tenant.role,)
            statement = f'SELECT 1 FROM "{other.schema}".users_user'
            must_raise(ProgrammingError, lambda s=statement: _execute(s), "a neighbour's table was read")  # type: ignore[misc]


def _execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def nothing_of_the_tenant_stays_on_the_connection(neighbours: Neighbours) -> None:
    with unit_of_work(neighbours.acme):
        User.objects.count()
    raw = connection.connection
    assert raw is not None
    left = raw.execute("SELECT current_user, current_setting('search_path')").fetchone()
    assert left == (settings.DATABASES["default"]["USER"], '""')


def a_statement_outside_a_unit_is_refused(neighbours: Neighbours) -> None:
    must_raise(NoTenant, User.objects.count, "a statement ran without a tenant")
    with tenant_context(neighbours.acme):
        must_raise(NoTenant, User.objects.count, "a statement ran outside a transaction")


# W3, credentials


def a_token_opens_its_own_tenant_only(neighbours: Neighbours) -> None:
    """Even where the same person, with the same password, exists in both."""
    move_in_with(neighbours, "users_user")
    owner = owner_of(neighbours.globex)
    with unit_of_work(neighbours.globex):
        sign_in = begin_sign_in(user=owner, kind=SignIn.Kind.API)
        access = str(AccessToken.issue(owner, sign_in.pk))
        refresh = str(RefreshToken.at(Turn(sign_in.pk, sign_in.number, sign_in.used_at), owner))
    move_in_with(neighbours, "users_signin")
    assert browser(neighbours.globex, authorization=f"Bearer {access}").get("/api/v1/me/").status_code == 200
    assert browser(neighbours.acme, authorization=f"Bearer {access}").get("/api/v1/me/").status_code == 401
    body = {"refresh": refresh}
    there = browser(neighbours.acme).post("/api/v1/auth/refresh/", body, content_type="application/json")
    assert there.status_code == 401
    own = browser(neighbours.globex).post("/api/v1/auth/refresh/", body, content_type="application/json")
    assert own.status_code == 200


def an_api_token_opens_its_own_tenant_only(neighbours: Neighbours) -> None:
    """Even where its row was copied."""
    with unit_of_work(neighbours.globex):
        owner = User.objects.get(role="owner")
        _, secret = create_api_token(actor=CLERK, owner=owner, name="a proof", scopes=SCOPES)
    move_in_with(neighbours, "users_user")
    move_in_with(neighbours, "users_apitoken")
    bearer = {"authorization": f"Bearer {secret}"}
    assert browser(neighbours.globex, **bearer).get("/api/v1/me/").status_code == 200
    assert browser(neighbours.acme, **bearer).get("/api/v1/me/").status_code == 401


def a_session_opens_its_own_tenant_only(neighbours: Neighbours) -> None:
    """Even where its row was copied."""
    there = browser(neighbours.globex)
    owner = owner_of(neighbours.globex)
    with unit_of_work(neighbours.globex):
        there.force_login(owner)
    move_in_with(neighbours, "users_user")
    move_in_with(neighbours, "django_session")
    here = browser(neighbours.acme)
    here.cookies = there.cookies
    assert there.get("/products/").status_code == 200
    assert here.get("/products/").status_code == 302


# W4: the sentinel


def a_schema_that_is_not_the_tenant_s_own_is_noticed(neighbours: Neighbours) -> None:
    """Path, role and context agree, and yet the schema is another's: a wrong restore, a wrong rename."""
    with administrator() as admin:
        admin.execute(
            f'UPDATE "{neighbours.acme.schema}".tenants_sentinel SET tenant_id = %s', [neighbours.globex.id]
        )
    must_raise(WallBreached, lambda: owner_of(neighbours.acme), "rows of the wrong schema were read")


# W5: what lies beside the database


def the_cache_keeps_tenants_apart(neighbours: Neighbours) -> None:
    with tenant_context(neighbours.globex):
        cache.set("figure", "theirs")
    with tenant_context(neighbours.acme):
        assert cache.get("figure") is None
        assert cache.add("figure", "ours")
        cache.delete("figure")
    with tenant_context(neighbours.globex):
        assert cache.get("figure") == "theirs"
    must_raise(NoTenant, lambda: cache.get("figure"), "the cache was read without a realm")


def files_of_tenants_lie_apart(neighbours: Neighbours) -> None:
    with tenant_context(neighbours.globex):
        name = tenant_storage().save("letters/one.txt", ContentFile(b"theirs"))
        assert Path(tenant_storage().path(name)).is_relative_to(
            Path(settings.MEDIA_ROOT) / neighbours.globex.schema
        )
    with tenant_context(neighbours.acme):
        assert not tenant_storage().exists(name)
        must_raise(FileNotFoundError, lambda: tenant_storage().open(name), "a neighbour's file was opened")
    must_raise(NoTenant, lambda: tenant_storage().exists(name), "a file was looked for without a tenant")


def signed_values_are_good_in_their_own_tenant(neighbours: Neighbours) -> None:
    with tenant_context(neighbours.globex):
        value = sign("a proof", "theirs")
        assert unsign("a proof", value, max_age=timedelta(minutes=1)) == "theirs"
    with tenant_context(neighbours.acme):
        must_raise(
            BadLink,
            lambda: unsign("a proof", value, max_age=timedelta(minutes=1)),
            "a neighbour's value was taken",
        )


def mailed_links_and_tickets_open_their_own_tenant_only(neighbours: Neighbours) -> None:
    """Even where the person they were made for exists in both."""
    move_in_with(neighbours, "users_user")
    owner = owner_of(neighbours.globex)
    with tenant_context(neighbours.globex):
        ticket = ticket_url(owner.email).rpartition(neighbours.globex.host)[2].partition("/")[2]
        proof = sign("verify-email", [str(owner.id), owner.email])
        reset = sign("reset-password", [str(owner.id), owner.get_session_auth_hash()[:16]])
    for path in (f"/{ticket}", f"/verify-email/{proof}/", f"/reset/{reset}/"):
        assert browser(neighbours.acme).get(path).status_code == 410, path
        assert browser(neighbours.globex).get(path).status_code in {200, 302}, path


class Probe(TenantTask):
    """Says in which realm it ran."""

    name = "tests.isolation.probe"

    def run(self) -> Any:
        return current.get()


PROBE = app.register_task(Probe())


def a_task_runs_in_the_tenant_of_its_message_or_not_at_all(neighbours: Neighbours) -> None:
    assert run_task(PROBE, tenant=neighbours.globex.schema) == neighbours.globex
    must_raise(NoTenant, lambda: run_task(PROBE), "a task ran without a tenant")
    must_raise(NoTenant, lambda: run_task(PROBE, tenant="t_nobody"), "a task ran for nobody")
    with tenant_context(neighbours.acme):
        must_raise(
            NoTenant,
            lambda: run_task(PROBE, tenant=neighbours.globex.schema),
            "a task ran inside another tenant",
        )


def run_task(task: Any, *args: Any, **headers: str) -> Any:
    """Run a task as the worker does, with these headers in its message."""
    task.push_request(headers=headers, **headers)
    try:
        return task(*args)
    finally:
        task.pop_request()

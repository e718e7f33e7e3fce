"""The administrator's part: logins, database and rights are made once, can be made again, and only where they hold."""

import io
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from infra.local.services import postgres
from shared_apps.fleet.bootstrap import ESCAPES, TooOld, bootstrap
from shared_apps.fleet.grants import TENANT_GROUP
from tenants.checks import check_postgresql_version
from tests.stage import administrator, database_name, url_of

STATE = """
    SELECT (SELECT jsonb_agg(to_jsonb(r) - 'rolconfig' ORDER BY rolname) FROM pg_roles r
             WHERE rolname LIKE 'rowhouse\\_%'),
           (SELECT datacl::text FROM pg_database WHERE datname = current_database()),
           (SELECT jsonb_agg(ARRAY[nspname::text, nspacl::text] ORDER BY nspname) FROM pg_namespace
             WHERE nspname IN ('public', 'ext')),
           (SELECT jsonb_agg(proacl::text ORDER BY oid) FROM pg_proc WHERE proacl IS NOT NULL),
           (SELECT jsonb_agg(setconfig ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = 0)"""


@pytest.fixture
def admin_url() -> str:
    return url_of(database_name())


def state() -> Any:
    with administrator() as admin:
        return admin.execute(STATE).fetchone()


def login_url(alias: str) -> str:
    entry = settings.DATABASES[alias]
    return f"postgresql://{entry['USER']}:{entry['PASSWORD']}@{entry['HOST']}:{entry['PORT']}/{entry['NAME']}"


class Pretended:
    """A connection that says it talks to an older server."""

    def __init__(self, version: int) -> None:
        self.version = version

    def __call__(self, *args: Any, **kwargs: Any) -> "Pretended":
        return self

    def __enter__(self) -> "Pretended":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @property
    def info(self) -> Any:
        return type("Info", (), {"server_version": self.version})


def test_preparing_again_changes_nothing(admin_url: str) -> None:
    before = state()
    bootstrap(admin_url)
    assert state() == before


def test_a_database_that_is_a_copy_gets_its_rights_anew(admin_url: str) -> None:
    """CREATE DATABASE … TEMPLATE copies everything but the rights on the database itself."""
    with administrator() as admin:
        name = database_name()
        before = admin.execute("SELECT datacl::text FROM pg_database WHERE datname = %s", [name]).fetchone()
        admin.execute(f"UPDATE pg_database SET datacl = NULL WHERE datname = '{name}'")
        bootstrap(admin_url)
        after = admin.execute("SELECT datacl::text FROM pg_database WHERE datname = %s", [name]).fetchone()
    assert after == before


@pytest.mark.parametrize("version", [90600, 150004, 160009])
def test_a_server_before_17_is_refused_with_the_way_on(
    admin_url: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_apps.fleet.bootstrap.psycopg.connect", Pretended(version))
    with pytest.raises(TooOld, match=rf"PostgreSQL {version // 10000} is too old: 17 or later is required"):
        bootstrap(admin_url)


def test_the_command_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared_apps.fleet.bootstrap.psycopg.connect", Pretended(150004))
    with pytest.raises(CommandError, match="cannot be prepared: PostgreSQL 15 is too old"):
        call_command("prepare")


def test_a_start_on_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_postgresql_version(None, ["control"]) == []
    monkeypatch.setattr("tenants.checks.LEAST_POSTGRESQL", 990000)
    (error,) = check_postgresql_version(None, ["control"])
    assert (error.id, "17 or later is required" in error.msg) == ("tenants.E002", True)
    assert check_postgresql_version(None, None) == []


@pytest.mark.parametrize("alias", ["control", "migrator", "default"])
def test_an_administrator_with_too_few_rights_is_told_which_are_missing(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state()
    monkeypatch.setattr(settings, "ADMIN_DATABASE_URL", login_url(alias))
    _forget_what_is_prepared(monkeypatch)
    with pytest.raises(CommandError, match="permission denied") as refusal:
        call_command("prepare")
    assert "must be a superuser, or have CREATEROLE" in str(refusal.value)
    assert state() == before


def _forget_what_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared_apps.fleet.bootstrap._login_works", lambda *args: False)
    monkeypatch.setattr("shared_apps.fleet.bootstrap._is_prepared", lambda *args: False)


def test_a_server_that_does_not_answer_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ADMIN_DATABASE_URL", "postgresql://postgres:x@127.0.0.1:1/rowhouse")
    with pytest.raises(CommandError, match=r"cannot be prepared: .*127\.0\.0\.1"):
        call_command("prepare")


def test_preparing_needs_the_administrator_s_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ADMIN_DATABASE_URL", "")
    with pytest.raises(CommandError, match="DATABASE_URL is not set"):
        call_command("prepare")


def test_preparing_a_whole_database_again_is_quick_and_quiet() -> None:
    out = io.StringIO()
    call_command("prepare", verbosity=0, stdout=out)
    assert out.getvalue() == ""


def test_a_new_database_is_made_with_all_its_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{database_name()}_new"
    monkeypatch.setitem(settings.DATABASES["migrator"], "NAME", name)
    try:
        bootstrap(url_of("postgres"))
        with administrator(name) as admin:
            assert admin.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'ext'").fetchone() == (
                "ext",
            )
            left = admin.execute(
                "SELECT f::text FROM unnest(%s::text[]) AS named (f) WHERE to_regprocedure(f) IS NOT NULL"
                " AND has_function_privilege(%s, f, 'EXECUTE')",
                [list(ESCAPES), TENANT_GROUP],
            ).fetchall()
            assert left == []
            rights = (
                "SELECT has_database_privilege(%s, current_database(), right_) FROM unnest(%s::text[]) right_"
            )
            assert set(admin.execute(rights, [TENANT_GROUP, ["CONNECT", "CREATE", "TEMP"]])) == {(False,)}
    finally:
        with administrator("postgres") as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_the_administrator_of_a_managed_server_needs_to_be_no_superuser_and_may_change_passwords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(settings.DATABASES["migrator"], "NAME", "managed")
    with postgres() as url:
        with psycopg.connect(url, autocommit=True) as superuser:
            superuser.execute("CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 'boss'")
        boss = f"postgresql://boss:boss@{url.rpartition('@')[2].rpartition('/')[0]}/postgres"
        bootstrap(boss)
        monkeypatch.setitem(settings.DATABASES["control"], "PASSWORD", "another")
        bootstrap(boss)
        control = settings.DATABASES["control"]["USER"]
        psycopg.connect(url, dbname="managed", user=control, password="another").close()
        with psycopg.connect(url, dbname="managed") as superuser:
            owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname IN ('public', 'ext')"
            assert set(superuser.execute(owner)) == {("rowhouse_migrator",)}
            roles = (
                "SELECT rolname FROM pg_roles WHERE rolname LIKE 'rowhouse%' AND (rolsuper OR rolcreatedb)"
            )
            assert superuser.execute(roles).fetchall() == []


def test_every_escape_that_is_named_exists_on_this_server() -> None:
    with administrator() as admin:
        query = (
            "SELECT name FROM unnest(%s::text[]) name WHERE to_regprocedure('pg_catalog.' || name) IS NULL"
        )
        assert admin.execute(query, [list(ESCAPES)]).fetchall() == []

"""Logins, database and schemas, made once by the administrator's login; nothing that runs later is a superuser."""

from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg import sql

from shared_apps.fleet.grants import TENANT_GROUP
from tenants.searching import LANGUAGES, PLAIN, configuration

LEAST_VERSION: Final = 170000
# With one SELECT these leave the role or the path; what the platform needs of them it runs as its logins.
ESCAPES: Final = (
    "set_config(text, text, boolean)",
    "query_to_xml(text, boolean, boolean, text)",
    "query_to_xmlschema(text, boolean, boolean, text)",
    "query_to_xml_and_xmlschema(text, boolean, boolean, text)",
    "cursor_to_xml(refcursor, integer, boolean, boolean, text)",
    "table_to_xml(regclass, boolean, boolean, text)",
    "schema_to_xml(name, boolean, boolean, text)",
    "database_to_xml(boolean, boolean, text)",
    "ts_stat(text)",
    "ts_stat(text, text)",
    "ts_rewrite(tsquery, text)",
    "lo_create(oid)",
    "lo_creat(integer)",
    "lo_from_bytea(oid, bytea)",
    "lo_open(oid, integer)",
    "lo_unlink(oid)",
    "lo_put(oid, bigint, bytea)",
)


LOGINS: Final = {"migrator": "CREATEROLE", "control": "NOCREATEROLE", "default": "NOCREATEROLE NOINHERIT"}
# Set on the logins, so that no connection has to ask for it; SET ROLE does not apply a role's own settings.
CLUSTER: Final = (
    "DO $$ BEGIN CREATE ROLE rowhouse_tenant NOLOGIN NOINHERIT; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "GRANT {tenants} TO {migrator} WITH ADMIN OPTION",
    "ALTER ROLE {migrator} SET timezone = 'UTC'",
    "ALTER ROLE {migrator} SET lock_timeout = '5s'",
    "ALTER ROLE {control} SET timezone = 'UTC'",
    "ALTER ROLE {control} SET search_path = public",
    "ALTER ROLE {control} SET statement_timeout = '30s'",
    "ALTER ROLE {app} SET timezone = 'UTC'",
    "ALTER ROLE {app} SET search_path = ''",
    "ALTER ROLE {app} SET statement_timeout = '60s'",
    "ALTER ROLE {app} SET lock_timeout = '10s'",
    "ALTER ROLE {app} SET idle_in_transaction_session_timeout = '120s'",
)
DATABASE: Final = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {migrator}, {control}, {app}",
    "GRANT CREATE ON DATABASE {database} TO {migrator}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "ALTER SCHEMA public OWNER TO {migrator}",
    "GRANT USAGE ON SCHEMA public TO {control}, {tenants}",
    "CREATE SCHEMA IF NOT EXISTS ext AUTHORIZATION {migrator}",
    "GRANT USAGE ON SCHEMA ext TO {migrator}, {tenants}",
)
EXTENSIONS: Final = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ext",
    "CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA ext",
)
WORDS: Final = "asciihword, asciiword, hword, hword_asciipart, hword_part, word"


class TooOld(RuntimeError):
    """The server is older than the walls need."""


def bootstrap(admin_url: str) -> None:
    """Make the database, the logins and their rights; safe to repeat. Raises TooOld below PostgreSQL 17."""
    name = settings.DATABASES["migrator"]["NAME"]
    _make_database(admin_url, name)
    with psycopg.connect(admin_url, dbname=name, autocommit=True) as connection, connection.transaction():
        # Two processes that prepare at once take turns.
        connection.execute("SELECT pg_advisory_xact_lock(727001)")
        if not all(_login_works(connection, alias) for alias in LOGINS):
            for alias in LOGINS:
                _make_login(connection, alias)
            _run(connection, CLUSTER)
        if not _is_prepared(connection):
            _run(connection, _handover(connection) + DATABASE + _revocations(connection))
        _run(connection, search_statements(connection))


def _make_database(admin_url: str, name: str) -> None:
    try:
        with psycopg.connect(admin_url, dbname=name) as connection:
            _require_version(connection)
            return
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise
    with psycopg.connect(admin_url, dbname="postgres", autocommit=True) as connection:
        _require_version(connection)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _require_version(connection: psycopg.Connection[Any]) -> None:
    version = connection.info.server_version
    if version < LEAST_VERSION:
        raise TooOld(
            f"PostgreSQL {version // 10000} is too old: 17 or later is required, because entering one of many roles "
            "is slow before it. Point DATABASE_URL at a newer server."
        )


def _login_works(connection: psycopg.Connection[Any], alias: str) -> bool:
    user, password = _login(alias)
    info = connection.info
    try:
        psycopg.connect(
            host=info.host, port=info.port, dbname=info.dbname, user=user, password=password
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_prepared(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database has the platform's rights; a copy made from a template has lost them."""
    row = connection.execute(
        "SELECT datacl IS NOT NULL AND to_regnamespace('ext') IS NOT NULL FROM pg_database"
        " WHERE datname = current_database()"
    ).fetchone()
    return bool(row and row[0])


def search_statements(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """What the tenants' searches need and this database has not: accents taken off before words are stemmed."""
    statements = [*EXTENSIONS]
    for code, stemmer in {**LANGUAGES, PLAIN: "simple"}.items():
        name = configuration(code)
        found = connection.execute(
            "SELECT 1 FROM pg_ts_config WHERE cfgnamespace = 'ext'::regnamespace AND cfgname = %s",
            [name.partition(".")[2]],
        ).fetchone()
        if not found:
            statements += [
                f"CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{stemmer})",
                f"ALTER TEXT SEARCH CONFIGURATION {name} ALTER MAPPING FOR {WORDS} WITH ext.unaccent, {_stem(stemmer)}",
            ]
    return tuple(statements)


def _stem(stemmer: str) -> str:
    return stemmer if stemmer == "simple" else f"{stemmer}_stem"


def _login(alias: str) -> tuple[str, str]:
    entry = settings.DATABASES[alias]
    return entry["USER"], entry["PASSWORD"]


def _make_login(connection: psycopg.Connection[Any], alias: str) -> None:
    user, password = _login(alias)
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone()
    # Only a superuser may say of a login that is there already that it shall be none.
    plain = "" if exists and not _is_superuser(connection) else "NOSUPERUSER NOCREATEDB"
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN {} {} PASSWORD {}").format(
            sql.SQL("ALTER" if exists else "CREATE"),
            sql.Identifier(user),
            sql.SQL(plain),
            sql.SQL(LOGINS[alias]),
            sql.Literal(password),
        )
    )


def _is_superuser(connection: psycopg.Connection[Any]) -> bool:
    """Whether the administrator is one; that of a managed server is not."""
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def _run(connection: psycopg.Connection[Any], statements: tuple[str, ...]) -> None:
    names = {
        "database": sql.Identifier(connection.info.dbname),
        "migrator": sql.Identifier(_login("migrator")[0]),
        "control": sql.Identifier(_login("control")[0]),
        "app": sql.Identifier(_login("default")[0]),
        "tenants": sql.Identifier(TENANT_GROUP),
    }
    for statement in statements:
        connection.execute(sql.SQL(statement).format(**names))


def _handover(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Who is no superuser can make the migrator an owner only after taking its role."""
    return () if _is_superuser(connection) else ("GRANT {migrator} TO CURRENT_USER WITH SET TRUE",)


def _revocations(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    if not _is_superuser(connection):
        return ()  # a managed server's administrator may not touch the catalog
    found = connection.execute(
        "SELECT to_regprocedure('pg_catalog.' || name)::text FROM unnest(%s::text[]) name"
        " WHERE to_regprocedure('pg_catalog.' || name) IS NOT NULL",
        [list(ESCAPES)],
    ).fetchall()
    return (
        *(f"REVOKE EXECUTE ON FUNCTION pg_catalog.{signature} FROM PUBLIC" for (signature,) in found),
        "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO {migrator}, {control}",
    )

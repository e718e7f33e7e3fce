"""The one table of environment variables. `.env.example` lists the same names; a test compares them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One variable: which reader of config.env reads it, and what it may hold. No default means required."""

    name: str
    kind: str
    help: str
    example: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    pattern: str = ""
    legal: str = ""


HOST_NAME = r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
STRIPE_KEY = r"(sk|rk)_(test|live)_[A-Za-z0-9]{8,}"
POSTGRESQL = ("postgresql", "postgres")


def _database(name: str, what: str, example: str) -> Variable:
    return Variable(name, "url", what, example, default="", choices=POSTGRESQL)


def _number(name: str, what: str, default: int, least: int, most: int) -> Variable:
    return Variable(name, "integer", what, str(default), default=str(default), least=least, most=most)


def _switch(name: str, what: str, default: str) -> Variable:
    return Variable(name, "boolean", what, "true", default=default)


def _time(name: str, what: str, default: str) -> Variable:
    return Variable(name, "duration", what, default, default=default)


_TABLE = (
    Variable(
        "SECRET_KEY",
        "secret",
        "Signs sessions and tokens, and derives the database passwords. bin/dev makes one by itself; "
        "elsewhere take the output of: python -c 'import secrets; print(secrets.token_urlsafe(48))'.",
        "64-random-characters",
        pattern=r".{50,}",
        legal="at least 50 random characters",
    ),
    Variable(
        "SECRET_KEY_FALLBACKS",
        "csv",
        "Earlier secret keys that may still verify, newest first.",
        "old-key",
        default="",
    ),
    _switch("DEBUG", "Django's debug pages. Never in production.", "false"),
    Variable(
        "DATA_DIR",
        "directory",
        "Where bin/dev keeps its data and its env file.",
        ".rowhouse",
        default=".rowhouse",
    ),
    _switch(
        "ENV_FILES",
        "Whether .env and the env file in DATA_DIR are read at all. Process environment only.",
        "true",
    ),
    _database(
        "DATABASE_URL",
        "The administrator's login, read by `manage.py prepare` alone, which makes the run-time logins.",
        "postgresql://postgres:password@localhost:5432/rowhouse",
    ),
    _database(
        "MIGRATOR_DATABASE_URL",
        "The login that owns the schemas. Left out, login and password are filled in: rowhouse_migrator.",
        "postgresql://localhost:5432/rowhouse",
    ),
    _database(
        "CONTROL_DATABASE_URL",
        "The login for the public tables: rowhouse_control.",
        "postgresql://localhost:6432/rowhouse",
    ),
    _database(
        "APP_DATABASE_URL",
        "The login for the tenants' tables: rowhouse_app. A pooler may stand before it.",
        "postgresql://localhost:6432/rowhouse",
    ),
    _database(
        "REPLICA_DATABASE_URL",
        "A streaming replica for reading requests, with the login rowhouse_app. Not set: all read the primary.",
        "postgresql://replica.example:5432/rowhouse",
    ),
    _number(
        "DATABASE_POOL_SIZE",
        "Connections for the tenants' tables that the threads of a process share; 0 gives each thread its own.",
        0,
        0,
        500,
    ),
    _number(
        "TENANTS_PER_CONNECTION",
        "After so many tenants a database connection is replaced, as its backend remembers each one's tables.",
        50,
        1,
        1_000_000,
    ),
    Variable(
        "REDIS_URL",
        "url",
        "Valkey or Redis: task queue, cache, rate limits.",
        "redis://:password@localhost:6379/0",
        default="redis://localhost:6379/0",
        choices=("redis", "rediss", "unix"),
    ),
    Variable(
        "STRIPE_API_KEY",
        "secret",
        "Stripe's secret or restricted key. Not set: bin/dev starts a simulator, elsewhere nothing is sent.",
        "sk_test_51Example",
        default="",
        pattern=STRIPE_KEY,
        legal="a key that starts with sk_test_, sk_live_, rk_test_ or rk_live_",
    ),
    Variable(
        "STRIPE_ADDRESS",
        "url",
        "Where Stripe's API answers, where that is not Stripe itself: the simulator's address.",
        "http://127.0.0.1:12111",
        default="",
        choices=("http", "https"),
    ),
    Variable(
        "STRIPE_WEBHOOK_SECRETS",
        "csv",
        "What Stripe signs its webhooks with; several while one replaces another.",
        "whsec_example",
        default="",
    ),
    _number(
        "BILLING_GRACE_DAYS",
        "For so many days after a payment has failed a tenant goes on as before; then it can only read.",
        7,
        0,
        90,
    ),
    _number("SIMULATOR_PORT", "The port of the simulated Stripe that bin/dev starts.", 12111, 1, 65535),
    Variable(
        "PUBLIC_HOST",
        "text",
        "The public host; tenants live on its subdomains.",
        "rowhouse.example",
        default="localhost",
        pattern=HOST_NAME,
        legal="a host name in lower case, without scheme and port",
    ),
    _number(
        "PUBLIC_PORT",
        "The port in links. 443 with https and 80 with http are left out of them.",
        8000,
        1,
        65535,
    ),
    Variable(
        "PUBLIC_SCHEME",
        "choice",
        "The scheme in links. https also marks cookies secure and redirects plain requests.",
        "https",
        default="http",
        choices=("http", "https"),
    ),
    Variable(
        "CUSTOM_DOMAIN_TARGET",
        "text",
        "Where tenants point their own domains (CNAME). Not set: PUBLIC_HOST.",
        "domains.rowhouse.example",
        default="",
        pattern=HOST_NAME,
        legal="a host name in lower case, without scheme and port",
    ),
    Variable(
        "DNS_RESOLVER",
        "text",
        "The name server, address:port, for names that tenants choose. Not set: those of the system.",
        "192.0.2.53:53",
        default="",
        pattern=r"([0-9.]{7,15}|\[[0-9a-f:.]{2,45}\]):[0-9]{1,5}",
        legal="an address and a port, such as 192.0.2.53:53 or [2001:db8::53]:53",
    ),
    _switch(
        "TRUSTED_PROXY",
        "Believe X-Forwarded-For, -Host and -Proto, which a proxy in front must overwrite.",
        "false",
    ),
    Variable(
        "EMAIL_URL",
        "url",
        "Where mail goes: console: prints it, file:///folder keeps it, smtp:// or smtps:// sends it.",
        "smtp://user:password@mail.example:587",
        default="console:",
        choices=("console", "file", "smtp", "smtps"),
    ),
    Variable(
        "EMAIL_FROM",
        "text",
        "The sender of all mail.",
        "Rowhouse <hello@rowhouse.example>",
        default="Rowhouse <hello@localhost>",
        pattern=r"[^@]*[^@\s]+@[^@\s]+",
        legal="an address, with or without a name before it",
    ),
    Variable(
        "MEDIA_ROOT", "directory", "Where uploaded files live.", "/srv/media", default=".rowhouse/media"
    ),
    Variable(
        "ARCHIVE_ROOT",
        "directory",
        "Where archives of whole tenants are kept. Not below MEDIA_ROOT, and to be backed up like the database.",
        "/srv/archives",
        default=".rowhouse/archives",
    ),
    Variable(
        "STATIC_ROOT",
        "directory",
        "Where collectstatic puts its files.",
        "/srv/static",
        default="staticfiles",
    ),
    Variable(
        "LOG_FORMAT", "choice", "How log lines look.", "json", default="json", choices=("json", "console")
    ),
    Variable(
        "LOG_LEVEL",
        "choice",
        "The least severe line that is logged.",
        "INFO",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
    Variable(
        "WEB_HOST", "text", "The address that the web process listens on.", "192.0.2.1", default="127.0.0.1"
    ),
    _number("WEB_PORT", "The port that the web process listens on.", 8000, 1, 65535),
    _number("WEB_WORKERS", "Web processes.", 2, 1, 64),
    _number("WEB_THREADS", "Threads in each web process; each may hold two database connections.", 4, 1, 64),
    _number("WORKER_CONCURRENCY", "Background tasks that run at once.", 2, 1, 64),
    _time("ACCESS_TOKEN_LIFETIME", "How long an access token is good for.", "10m"),
    _time("REFRESH_TOKEN_LIFETIME", "How long a refresh token is good for.", "14d"),
    _time("SESSION_LIFETIME", "How long a portal session lasts.", "14d"),
    _time("NAME_QUARANTINE", "How long a host name that was let go is kept from other tenants.", "30d"),
    _time(
        "DOMAIN_GRACE", "How long a tenant's own domain may fail its daily check until it is dropped.", "14d"
    ),
    _number(
        "POOL_SIZE", "Schemas kept ready for sign-ups; 0 makes each when it is asked for.", 20, 0, 10_000
    ),
    _number("POOL_RATE", "The most schemas made for the pool in a minute.", 60, 1, 100_000),
    _time("DELETION_GRACE", "How long the deletion of a tenant can be called off.", "30d"),
    _number("WEBHOOK_CONCURRENCY", "Webhooks that are sent at once.", 16, 2, 256),
    Variable(
        "WEBHOOK_TEST_ADDRESSES",
        "csv",
        "Addresses that webhooks may go to although they are not public, with http as well. For development.",
        "127.0.0.1",
        default="",
    ),
    _number("IMPORT_MAX_MB", "The largest file that may be imported, in megabytes.", 100, 1, 2048),
)

VARIABLES = {variable.name: variable for variable in _TABLE}

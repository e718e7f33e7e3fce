"""Settings from the environment: one table of variables, typed readers, errors that name the legal values.

A value comes from the process environment, else from `.env`, else from the `env` file that bin/dev keeps
in DATA_DIR. An empty value counts as not set.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from config.variables import VARIABLES, Variable

ROOT = Path(__file__).resolve().parent.parent
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LOGINS = {"migrator": "rowhouse_migrator", "control": "rowhouse_control", "app": "rowhouse_app"}
CONNECTION_OPTIONS = (
    "application_name",
    "channel_binding",
    "connect_timeout",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
)


class InvalidSetting(Exception):
    """A variable of the environment is missing or holds something it may not hold."""


class DatabaseParts(TypedDict):
    """The connection part of an entry in Django's DATABASES."""

    HOST: str
    PORT: str
    USER: str
    PASSWORD: str
    NAME: str
    OPTIONS: dict[str, Any]


# Readers: one for each kind of variable


def text(name: str) -> str:
    """Read a line of text."""
    variable, value = _lookup(name, "text")
    if variable.pattern and value and not re.fullmatch(variable.pattern, value):
        raise _wrong(variable, value, variable.legal)
    return value


def secret(name: str) -> str:
    """Read a secret; its value never appears in an error."""
    variable, value = _lookup(name, "secret")
    if value and variable.pattern and not re.fullmatch(variable.pattern, value):
        raise _wrong(variable, f"{value[:3]}… ({len(value)} characters)", variable.legal)
    return value


def boolean(name: str) -> bool:
    """Read true or false."""
    variable, value = _lookup(name, "boolean")
    if value.lower() not in TRUE + FALSE:
        raise _wrong(variable, value, f"one of {', '.join(TRUE + FALSE)}")
    return value.lower() in TRUE


def integer(name: str) -> int:
    """Read a whole number within the variable's range."""
    variable, value = _lookup(name, "integer")
    legal = f"a whole number from {variable.least} to {variable.most}"
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise _wrong(variable, value, legal)
    if not variable.least <= int(value) <= variable.most:
        raise _wrong(variable, value, legal)
    return int(value)


def choice(name: str) -> str:
    """Read one of the variable's words."""
    variable, value = _lookup(name, "choice")
    if value not in variable.choices:
        raise _wrong(variable, value, f"one of {', '.join(variable.choices)}")
    return value


def csv(name: str) -> list[str]:
    """Read words separated by commas."""
    return [word.strip() for word in _lookup(name, "csv")[1].split(",") if word.strip()]


def duration(name: str) -> timedelta:
    """Read a length of time such as 30s, 10m, 12h or 14d."""
    variable, value = _lookup(name, "duration")
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
    if not found:
        raise _wrong(variable, value, "a number followed by s, m, h or d (seconds, minutes, hours, days)")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


def directory(name: str) -> Path:
    """Read a folder's path; a relative one starts at the root of the project."""
    return ROOT / Path(_lookup(name, "directory")[1]).expanduser()


def url(name: str) -> str:
    """Read a URL of one of the variable's schemes; "" when it is optional and not set."""
    variable, value = _lookup(name, "url")
    if value and _split(variable, value).scheme not in variable.choices:
        schemes = ", ".join(f"{scheme}:" for scheme in variable.choices)
        raise _wrong(variable, _without_password(value), f"a URL that starts with one of {schemes}")
    return value


# Databases


def database_urls() -> dict[str, str]:
    """The run-time logins' URLs by alias ("migrator", "control", "app"); what they leave out is filled in."""
    return {alias: _database_url(alias, login) for alias, login in LOGINS.items()}


def replica_url() -> str:
    """The URL of the read replica, whose login is the tenants' as well."""
    return _database_url("replica", LOGINS["app"])


def derived_password(login: str) -> str:
    """The password of a run-time login, made from SECRET_KEY so that nobody has to invent or store it."""
    digest = hmac.new(secret("SECRET_KEY").encode(), f"database:{login}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def parse_database_url(value: str) -> DatabaseParts:
    """Split a postgresql:// URL into the parts that Django's DATABASES wants."""
    parts = _postgresql(value)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    unknown = sorted(set(options) - set(CONNECTION_OPTIONS))
    if unknown:
        known = ", ".join(("host", *CONNECTION_OPTIONS))
        raise InvalidSetting(f"A database URL cannot carry the option {unknown[0]!r}. It may carry: {known}.")
    return DatabaseParts(
        HOST=host,
        PORT=str(parts.port or 5432),
        USER=unquote(parts.username or ""),
        PASSWORD=unquote(parts.password or ""),
        NAME=unquote(parts.path[1:]),
        OPTIONS=options,
    )


def _database_url(alias: str, login: str) -> str:
    given = url(f"{alias.upper()}_DATABASE_URL")
    base = given or url("DATABASE_URL")
    if not base:
        raise InvalidSetting(
            f"Neither {alias.upper()}_DATABASE_URL nor DATABASE_URL is set. bin/dev sets them by itself; "
            "elsewhere set DATABASE_URL=postgresql://postgres:password@localhost:5432/rowhouse for "
            "`manage.py prepare`, and the three run-time URLs of .env.example for everything else."
        )
    parts = _postgresql(base)
    if given and parts.username and parts.password:
        return given
    user = unquote(parts.username or login) if given else login
    return _with_login(parts, user, derived_password(user))


def _postgresql(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        named = parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1 and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise InvalidSetting(
            f"{_without_password(value)!r} is not a database URL. "
            "It must read postgresql://user:password@host:port/name, e.g. postgresql://postgres:pw@db:5432/rowhouse."
        )
    return parts


def _with_login(parts: SplitResult, user: str, password: str) -> str:
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{address}"))


# Finding values


def _lookup(name: str, kind: str) -> tuple[Variable, str]:
    variable = VARIABLES[name]
    if variable.kind != kind:
        raise TypeError(
            f"{name} is declared as {variable.kind}: read it with env.{variable.kind}(), not env.{kind}()."
        )
    value = os.environ.get(name, "").strip() or _from_files().get(name, "") or variable.default
    if value is None:
        raise InvalidSetting(f"{name} is not set. {variable.help} Example: {name}={variable.example}")
    return variable, value


@cache
def _from_files() -> dict[str, str]:
    if os.environ.get("ENV_FILES", "").lower() in FALSE:
        return {}
    own = read_env_file(ROOT / ".env")
    data = os.environ.get("DATA_DIR") or own.get("DATA_DIR") or VARIABLES["DATA_DIR"].default or ""
    return read_env_file(ROOT / data / "env") | own


def forget_files() -> None:
    """Look anew where values come from: ENV_FILES has changed, or a file has."""
    _from_files.cache_clear()


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; blank lines, comments and one pair of quotes around a value are dropped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    pairs = (line.partition("=") for line in map(str.strip, lines) if line and not line.startswith("#"))
    return {
        name.removeprefix("export ").strip(): _unquote(value.strip())
        for name, _, value in pairs
        if value.strip()
    }


def _unquote(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


# Wording


def _wrong(variable: Variable, value: str, legal: str) -> InvalidSetting:
    return InvalidSetting(
        f"{variable.name}={value!r} cannot be used: it must be {legal}. "
        f"Example: {variable.name}={variable.example}"
    )


def _split(variable: Variable, value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        raise _wrong(variable, _without_password(value), "a URL") from None


def _without_password(value: str) -> str:
    return re.sub(r"(//[^:/@]*:)[^@]*@", r"\1…@", value)

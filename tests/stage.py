"""The stage that tests play on: real services, one prepared database, a copy for each worker, reset after each test.

Each worker has a PostgreSQL server of its own, made from the files of the one that was prepared: on a shared one no
worker could tell by the count of transactions that nothing was written in its own database. Where `DATABASE_URL` names
a server, all share that one.

Nothing is wrapped in a test's transaction: requests, tasks and threads commit as they do in production. After a test
that wrote anything, the rows the cast began with are put back and everything else goes.
"""

import atexit
import contextlib
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from infra.local.postgres import Postgres, end_leftover
from infra.local.services import memory, temporary_folder, valkey

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
TEMPLATE = "rowhouse_test"
KEPT = "pristine"
KEPT_MARK = "kept"
ROOT = Path(__file__).parent.parent
# Names the folder of the prepared server in the environment of workers.
PREPARED = "ROWHOUSE_TEST_PREPARED"
# Names a folder, if one is set, in which the prepared database is kept from run to run: for whoever runs a few tests
# again and again. It is made anew when something has changed that tables, rights or the cast are made from.
SHELF = "ROWHOUSE_TEST_KEPT"
PACKAGES = ("config", "tenants", "shared_apps", "billing", "tenant_apps")
MADE_FROM = re.compile(r"/migrations/|/apps\.py$|/fleet/|/users/|^config/settings\.py$")

_stack = contextlib.ExitStack()
atexit.register(_stack.close)
_servers: list[Postgres] = []


def set_environment() -> None:
    """Point the settings at this worker's database and queue, starting the services if nobody has."""
    os.environ.setdefault("SECRET_KEY", "tests-only-" + "0123456789abcdef" * 4)
    os.environ.update(ENV_FILES="false", LOG_LEVEL="ERROR", PUBLIC_HOST="localhost", PUBLIC_SCHEME="http")
    os.environ["EMAIL_URL"] = "console:"
    if WORKER and PREPARED in os.environ:
        _start_own_server(Path(os.environ[PREPARED]))
    elif "ROWHOUSE_TEST_DATABASE" not in os.environ:
        _start_services()
    os.environ["DATABASE_URL"] = url_of(database_name())
    os.environ["REDIS_URL"] = f"{os.environ['ROWHOUSE_TEST_QUEUE']}/{worker_number()}"
    for login in ("MIGRATOR", "CONTROL", "APP"):
        os.environ.pop(f"{login}_DATABASE_URL", None)


def _start_services() -> None:
    url = os.environ.get("DATABASE_URL") or _start_fresh_server()
    os.environ["ROWHOUSE_TEST_DATABASE"] = url
    queue = os.environ.get("REDIS_URL") or _stack.enter_context(valkey())
    os.environ["ROWHOUSE_TEST_QUEUE"] = queue.removesuffix("/0").rstrip("/")


def _start_fresh_server() -> str:
    folder = _stack.enter_context(temporary_folder(memory(8)))
    if (kept := kept_files()) is not None and kept.exists():
        _copy(kept, folder)
    return _start_server(folder)


def kept_files() -> Path | None:
    """Where the prepared database is kept, or is to be, if that is asked for."""
    if SHELF not in os.environ:
        return None
    made_of = hashlib.sha256(os.environ["SECRET_KEY"].encode() + (ROOT / "tests/cast.py").read_bytes())
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if MADE_FROM.search(path.relative_to(ROOT).as_posix()):
            made_of.update(path.read_bytes())
    return Path(os.environ[SHELF]) / made_of.hexdigest()[:16]


def is_kept() -> bool:
    """Whether the server that runs was begun with what an earlier run has kept."""
    return bool(_servers) and (_servers[0].data_dir / KEPT_MARK).exists()


def keep_files() -> None:
    """Keep the prepared database for later runs, where that is asked for."""
    if (kept := kept_files()) is None or not _servers or _servers[0].home() != _servers[0].data_dir:
        return
    with administrator("postgres") as connection:
        connection.execute("CHECKPOINT")  # and nothing writes any more, so the files are whole
    with tempfile.TemporaryDirectory(dir=_folder(kept.parent), ignore_cleanup_errors=True) as half:
        Path(half).chmod(0o711)
        _copy(_servers[0].data_dir, Path(half) / "made")
        (Path(half) / "made/postgres/postmaster.pid").unlink()
        (Path(half) / "made" / KEPT_MARK).touch()
        with contextlib.suppress(OSError):  # another run was faster
            (Path(half) / "made").rename(kept)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711)
    return path


def _copy(source: Path, target: Path) -> None:
    """Copy a server's files and its password."""
    _folder(target)
    names = [name for name in ("postgres", "postgres-password", KEPT_MARK) if (source / name).exists()]
    subprocess.run(["cp", "-a", *(str(source / name) for name in names), str(target)], check=True)


def _start_server(folder: Path) -> str:
    server = Postgres(folder, durable=False)
    _stack.callback(server.stop)
    server.start()
    _servers.append(server)
    return server.url


def _start_own_server(prepared: Path) -> None:
    """A server on a copy of the prepared one's files."""
    folder = prepared / WORKER
    _copy(prepared, folder)
    os.environ["ROWHOUSE_TEST_DATABASE"] = _start_server(folder)


def lend_files() -> None:
    """Stop the prepared server, so that workers can copy its files; end theirs when everything is over."""
    for server in _servers:
        if server.home() != server.data_dir:
            return  # PostgreSQL's user cannot get there, so its files are elsewhere
        with administrator("postgres") as connection:
            connection.execute("CHECKPOINT")  # what is in the files then needs no recovery
        server.stop()
        _stack.callback(_end_workers_servers, server.data_dir)
        os.environ[PREPARED] = str(server.data_dir)


def _end_workers_servers(folder: Path) -> None:
    for cluster in folder.glob("gw*/postgres"):
        end_leftover(cluster)


@contextlib.contextmanager
def second_server() -> Iterator[str | None]:
    """A server that begins with what was prepared, and nobody else's; the administrator's URL of its database.

    None where the files are out of reach, because `DATABASE_URL` names a server that runs somewhere.
    """
    if (source := _prepared_files()) is None:
        yield None
        return
    with temporary_folder(memory(2)) as folder:
        _copy(source, folder)
        (folder / "postgres/postmaster.pid").unlink(missing_ok=True)
        server = Postgres(folder, durable=False)
        try:
            server.start()
            _rename_database(server.url)
            yield server.url
        finally:
            server.stop()


def _prepared_files() -> Path | None:
    if has_own_server():
        return Path(os.environ[PREPARED])
    if not _servers or _servers[0].home() != _servers[0].data_dir:
        return None
    with administrator("postgres") as connection:
        connection.execute("CHECKPOINT")  # no test runs beside this one, so the files are whole
    return _servers[0].data_dir


def _rename_database(url: str) -> None:
    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")  # an empty one, made at the start
        connection.execute(f"ALTER DATABASE {TEMPLATE} RENAME TO {name}")


def worker_number() -> int:
    """0 without xdist or in its controller, else 1, 2, …"""
    return int(WORKER.removeprefix("gw")) + 1 if WORKER else 0


def database_name() -> str:
    """The database of this process."""
    return f"{TEMPLATE}_{WORKER}" if WORKER and not has_own_server() else TEMPLATE


def has_own_server() -> bool:
    """Whether this worker's server is nobody else's."""
    return PREPARED in os.environ


def url_of(name: str) -> str:
    """The administrator's URL of a database."""
    return urlunsplit(urlsplit(os.environ["ROWHOUSE_TEST_DATABASE"])._replace(path=f"/{name}"))


def administrator(name: str | None = None) -> psycopg.Connection[Any]:
    """A connection of the administrator, which the platform itself never has at run time."""
    return psycopg.connect(url_of(name or database_name()), autocommit=True)


def make_fresh_database() -> None:
    """Drop what an earlier run left."""
    with administrator("postgres") as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")


def copy_database() -> None:
    """Make this worker's own database from the prepared one."""
    with administrator("postgres") as connection:
        # Two workers that copy at once would each be the other's open connection.
        connection.execute("SELECT pg_advisory_lock(42)")
        connection.execute(f"DROP DATABASE IF EXISTS {database_name()} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {database_name()} TEMPLATE {TEMPLATE}")


def drop_reserved() -> None:
    """Drop the roles that the cast left over: they are the whole server's, and each worker's copy would name them."""
    with administrator() as connection:
        for name in _reserved(connection):
            connection.execute(f'DROP ROLE "{name}"')
        connection.execute("DELETE FROM fleet_schema WHERE state = 'reserved'")


def _reserved(connection: psycopg.Connection[Any]) -> set[str]:
    """Schemas of which there is nothing yet but a role."""
    rows = connection.execute("SELECT name FROM public.fleet_schema WHERE state = 'reserved'")
    return {name for (name,) in rows}


class Pristine:
    """The rows that were there before the first test, and the way back to them."""

    _mark: int
    _known: dict[int, list[Any]]
    _counts: dict[int, int]

    def __init__(self, kept: str = KEPT) -> None:
        self._kept = kept
        self._connection = administrator()
        self._connection.execute("SET session_replication_role = replica")
        # Else PostgreSQL starts helpers to count a hundred tables of three rows, which takes far longer than counting.
        self._connection.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")
        self._schemas = self._tenant_schemas()
        tables = self._tables()
        self._connection.execute(f"DROP SCHEMA IF EXISTS {kept} CASCADE; CREATE SCHEMA {kept}")
        self._resets = [self._keep(schema, table) for schema, table in tables]
        self._count = " UNION ALL ".join(
            f'SELECT {place}, count(*), max(xmin::text::bigint) FROM "{schema}"."{table}"'
            for place, (schema, table) in enumerate(tables)
        )
        self._remember()

    def restore(self) -> bool:
        """Undo what a test has committed; False when it committed nothing."""
        found = self._changes()
        if found:
            self._put_back(*found)
        return bool(found)

    def is_changed(self) -> bool:
        """Whether anything was committed in this database since the rows were put back."""
        return bool(self._changes())

    def _changes(self) -> tuple[list[int], set[str]] | None:
        """The tables whose rows are others than the first ones, and the schemas that there were not."""
        mark = self._next_transaction()
        if mark == self._mark:
            return None
        changed = [place for place, *rows in self._rows() if self._known[place] != rows]
        schemas = self._tenant_schemas()
        if changed or schemas != self._schemas:
            return changed, schemas - self._schemas
        # Another worker's database shares the server, and with it the counting of transactions.
        self._mark = mark
        return None

    def _put_back(self, changed: list[int], extra: set[str]) -> None:
        """In one transaction, whose number the rows then bear; so they need not be read again."""
        drops = [f'DROP SCHEMA "{name}" CASCADE; DROP ROLE IF EXISTS "{name}"' for name in sorted(extra)]
        roles = _reserved(self._connection)
        drops += [f'DROP ROLE IF EXISTS "{name}"' for name in sorted(roles)]
        resets = [self._resets[place] for place in changed]
        own = "SELECT pg_current_xact_id()::text::bigint"
        cursor = self._connection.execute("; ".join([*drops, *resets, own]))
        while cursor.nextset():
            pass
        ((number,),) = cursor.fetchall()
        for place in changed:
            count = self._counts[place]
            self._known[place] = [count, number % 2**32 if count else None]
        self._mark = number + 1

    def mark(self) -> int:
        """A moment, to say later what was written since."""
        return self._next_transaction()

    def keep(self, name: str, *, since: int) -> str:
        """Copy aside the rows that were written since and are committed; the statements that lay them down again."""
        written = " UNION ALL ".join(
            f"SELECT '{schema}', '{table}' WHERE EXISTS"
            f' (SELECT FROM ONLY "{schema}"."{table}" WHERE xmin::text::bigint >= {since})'
            for schema, table in self._tables()
        )
        found = self._connection.execute(written).fetchall()
        return ";".join(self._keep_written(name, schema, table, since) for schema, table in found)

    def _keep_written(self, name: str, schema: str, table: str, since: int) -> str:
        kept, columns = f'{self._kept}."{name}.{schema}.{table}"', self._columns(schema, table)
        self._connection.execute(
            f'CREATE TABLE {kept} AS SELECT {columns} FROM ONLY "{schema}"."{table}"'
            f" WHERE xmin::text::bigint >= {since}"
        )
        key = self._key(schema, table)
        # What has no key is only ever added to.
        older = (
            f'DELETE FROM "{schema}"."{table}" WHERE ({key}) IN (SELECT {key} FROM {kept});' if key else ""
        )
        return f'{older} INSERT INTO "{schema}"."{table}" ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM {kept}'

    def lay(self, kept: str) -> None:
        """Put rows there again that were kept, in one transaction."""
        with self._connection.transaction():
            self._connection.execute(kept)

    def _remember(self) -> None:
        self._mark = self._next_transaction()
        self._known = {place: rows for place, *rows in self._rows()}
        self._counts = {place: count for place, (count, _) in self._known.items()}

    def _rows(self) -> list[tuple[Any, ...]]:
        """For each table how many rows it has, and the last transaction that wrote one of them."""
        return self._connection.execute(self._count).fetchall()

    def _keep(self, schema: str, table: str) -> str:
        """Copy a table's rows aside; what puts them back."""
        empty = f'DELETE FROM "{schema}"."{table}"'
        if not self._connection.execute(f'SELECT 1 FROM "{schema}"."{table}" LIMIT 1').fetchone():
            return empty
        kept = f'{self._kept}."{schema}.{table}"'
        columns = self._columns(schema, table)
        self._connection.execute(f'CREATE TABLE {kept} AS SELECT {columns} FROM "{schema}"."{table}"')
        return f'{empty}; INSERT INTO "{schema}"."{table}" ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM {kept}'

    def _columns(self, schema: str, table: str) -> str:
        """The columns that rows are written with; what the database works out by itself is not among them."""
        row = self._connection.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
            " FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'",
            [schema, table],
        ).fetchone()
        assert row is not None
        return str(row[0])

    def _key(self, schema: str, table: str) -> str | None:
        row: tuple[str | None] | None = self._connection.execute(
            "SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_index i JOIN pg_attribute a"
            " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indisprimary AND i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass",
            [schema, table],
        ).fetchone()
        assert row is not None
        return row[0]

    def _tables(self) -> list[tuple[Any, ...]]:
        return self._connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' OR schemaname LIKE 't\\_%'"
            " AND schemaname <> 't_template' ORDER BY 1, 2"
        ).fetchall()

    def _tenant_schemas(self) -> set[str]:
        rows = self._connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'"
        ).fetchall()
        return {name for (name,) in rows}

    def _next_transaction(self) -> int:
        # It moves only when a transaction has written something, in any database of the server.
        row = self._connection.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        ).fetchone()
        assert row is not None
        return int(row[0])

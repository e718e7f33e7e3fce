"""Export: a tenant as one file, as it was at one moment, while its people go on working."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.fleet.ledger import Migrations, digest_of
from shared_apps.lifecycle.archive import ArchiveWriter, new_file
from shared_apps.lifecycle.files import BLOCK, archive_folder, folder_of, paths_in
from shared_apps.lifecycle.manifest import VERSION, Manifest, TenantEntry, safe_path
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.running import Hold
from shared_apps.lifecycle.tables import (
    Table,
    applied_in,
    begin_snapshot,
    hold_tables,
    read_rows,
    row_estimate,
    tables_of,
)
from tenants.errors import Conflict, NotFound
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

SETTINGS: Final = ("name", "subdomain", "plan", "plan_version", "locale", "time_zone", "currency")


class MigratedMeanwhile(Conflict):
    """The schema got another shape between two looks at it."""

    code = "migrated_meanwhile"
    title = "The tenant is being migrated"


class StrangeFile(Conflict):
    """A file whose name no archive can carry safely."""

    code = "strange_file"
    title = "A file has a name that cannot be archived"


def export_tenant(hold: Hold) -> None:
    """Do an operation of kind export."""
    client = client_of(hold.operation)
    size, sha256 = write_archive(hold, client, archive_path(hold.operation, client))
    name = archive_path(hold.operation, client).name
    hold.finish("client.exported", client, file_name=name, file_size=size, file_sha256=sha256)


def keep_nothing(hold: Hold) -> None:
    """What undoes a failed export: the file had no name yet."""


def client_of(operation: Operation) -> Client:
    """The tenant that an operation is about."""
    client = find_client(operation.tenant_id, CONTROL_ALIAS)
    if client is None:
        raise NotFound(f"The tenant {operation.tenant_label} is not there any more.")
    return client


def find_client(client_id: UUID | None, using: str) -> Client | None:
    """A client by an operation's note of it."""
    return Client.objects.using(using).filter(pk=client_id).first() if client_id else None


def archive_path(operation: Operation, client: Client) -> Path:
    """Where an operation's archive goes; the same at each attempt."""
    stamp = operation.created_at.strftime("%Y%m%dT%H%M%SZ")
    return archive_folder() / f"{client.subdomain}-{stamp}-{str(operation.pk)[-8:]}.zip"


def write_archive(hold: Hold, client: Client, path: Path) -> tuple[int, str]:
    """Write a tenant's archive under its final name, whole or not at all; its size and SHA-256."""
    migrations, tables = shape_of(client.schema_name)
    with new_file(path) as file, snapshot(client.schema_name, migrations, tables):
        hold.begin(row_estimate(client.schema_name, tables))
        writer = ArchiveWriter(file)
        for table in tables:
            hold.note(table.name)
            _add_table(writer, client.schema_name, table, hold.advance)
        # After the snapshot began: whatever a row of it names was stored before.
        _add_files(writer, client.schema_name, hold)
        return writer.finish(_manifest(client, migrations, writer))


def shape_of(schema: str) -> tuple[Migrations, list[Table]]:
    """A schema's migrations and the tables that come of them."""
    with transaction.atomic(using=MIGRATOR_ALIAS):
        migrations = applied_in(schema)
    return migrations, tables_of(migrations)


@contextmanager
def snapshot(schema: str, migrations: Migrations, tables: list[Table]) -> Iterator[None]:
    """A read-only transaction of the migrator that sees one moment of a schema, in the shape that is given."""
    with transaction.atomic(using=MIGRATOR_ALIAS, durable=True):
        begin_snapshot()
        hold_tables(schema, tables)
        if applied_in(schema) != migrations:
            raise MigratedMeanwhile("A migration came in between. Try again.")
        yield


def _add_table(writer: ArchiveWriter, schema: str, table: Table, advance: Callable[[int], None]) -> None:
    counted: list[int] = []

    def count(rows: int) -> None:
        counted.append(rows)
        advance(rows)

    writer.add_table(table.name, table.columns, read_rows(schema, table, count), counted)


def _add_files(writer: ArchiveWriter, schema: str, hold: Hold) -> None:
    folder = folder_of(schema)
    for path in paths_in(folder):
        hold.note(path)
        try:
            file = (folder / safe_path(path)).open("rb")
        except FileNotFoundError:
            continue  # removed since it was listed
        except ValueError as error:
            raise StrangeFile(
                f"The archive cannot be written: {error}. Rename the file, and try again."
            ) from error
        with file:
            writer.add_file(path, iter(partial(file.read, BLOCK), b""))


def _manifest(client: Client, migrations: Migrations, writer: ArchiveWriter) -> Manifest:
    return Manifest(
        made_at=timezone.now().isoformat(),
        version=VERSION,
        tenant=TenantEntry(id=str(client.pk), **{name: getattr(client, name) for name in SETTINGS}),
        digest=digest_of(migrations),
        migrations=tuple(migrations),
        tables=tuple(writer.tables),
        files=tuple(writer.files),
    )

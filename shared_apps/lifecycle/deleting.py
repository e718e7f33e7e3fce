"""Deletion: what would go, the purge itself, and the certificate of what went."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import redis
from django.apps import apps
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from psycopg import sql

from shared_apps.clients.models import Client, Domain
from shared_apps.clients.quarantine import release_name
from shared_apps.lifecycle.exporting import archive_path, client_of, shape_of, write_archive
from shared_apps.lifecycle.files import Footprint, folder_of, footprint, paths_in, remove_folder
from shared_apps.lifecycle.making import forget_client, held_schema, is_committed
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from shared_apps.lifecycle.running import Hold
from shared_apps.lifecycle.tables import LEFT_BEHIND, Table, checksum, hold_tables, raw_connection
from tenants.errors import Conflict
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

SALT: Final = "shared_apps.lifecycle.certificate"
COUNTED: Final = {"people": "users_user", "api_tokens": "users_apitoken"}
KEY_OF_REALM: Final = "{prefix}:{realm}:*"


class CalledOff(Conflict):
    """The tenant is not being deleted any more."""

    code = "deletion_called_off"
    title = "The deletion was called off"


class StillNeeded(Conflict):
    """Something has to be done with the tenant before it may go."""

    code = "deletion_waits"
    title = "The deletion has to wait"


@dataclass(frozen=True)
class Preview:
    """What a deletion would take."""

    tables: dict[str, int]
    people: int
    api_tokens: int
    files: int
    file_bytes: int
    domains: list[str]
    sandboxes: list[str]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


def preview_deletion(client: Client) -> Preview:
    """Count what a deletion of the tenant would take."""
    _, tables = shape_of(client.schema_name)
    with transaction.atomic(using=MIGRATOR_ALIAS):
        counts = {table.name: _count(client.schema_name, table) for table in tables}
    folder = folder_of(client.schema_name)
    sizes = [(folder / path).stat().st_size for path in paths_in(folder)]
    return Preview(
        tables=counts,
        **{what: counts.get(table, 0) for what, table in COUNTED.items()},
        files=len(sizes),
        file_bytes=sum(sizes),
        domains=_domains(client, CONTROL_ALIAS),
        sandboxes=list(client.sandboxes.order_by("subdomain").values_list("subdomain", flat=True)),
    )


def delete_tenant(hold: Hold) -> None:
    """Do an operation of kind delete. Rows, role, names and ledger go in one transaction; then files and cache."""
    operation = hold.operation
    if not is_committed(operation):
        client = client_of(operation)
        _refuse_needed(client)
        if operation.options.get("with_export") and not operation.file_name:
            path = archive_path(operation, client)
            size, sha256 = write_archive(hold, client, path)
            hold.keep(file_name=path.name, file_size=size, file_sha256=sha256)
        with transaction.atomic(using=MIGRATOR_ALIAS, durable=True):
            _drop(hold, client)
        directory.forget()
    remove_folder(operation.result["schema"])
    forget_cache(UUID(operation.result["tenant"]["id"]))
    _certify(hold)


def keep_the_rest(hold: Hold) -> None:
    """What undoes a failed deletion: nothing, for rows go all at once and last."""


def forget_cache(tenant_id: UUID) -> int:
    """Remove every cache key that carries the tenant; how many there were."""
    entry = settings.CACHES["default"]
    pattern = KEY_OF_REALM.format(prefix=entry["KEY_PREFIX"], realm=tenant_id)
    with redis.Redis.from_url(entry["LOCATION"]) as client:
        keys = list(client.scan_iter(match=pattern, count=1000))
        return int(client.unlink(*keys)) if keys else 0


def is_genuine(certificate: DeletionCertificate) -> bool:
    """Whether a certificate says what it said when it was issued."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(certificate.seal, _seal(certificate.content, key)) for key in keys)


def _refuse_needed(client: Client) -> None:
    """Ask the apps whose config has `keeps_from_deletion`; a sweep tries again later."""
    for config in apps.get_app_configs():
        if hasattr(config, "keeps_from_deletion") and (why := config.keeps_from_deletion(client.schema_name)):
            raise StillNeeded(why)


def _drop(hold: Hold, client: Client) -> None:
    """Everything in the database, inside the migrator's transaction, and the account of it."""
    locked = Client.objects.using(MIGRATOR_ALIAS).select_for_update().get(pk=client.pk)
    if locked.status != Client.Status.DELETING:
        raise CalledOff(f"{locked.name} is {locked.status}: its deletion was called off.")
    held_schema(locked)
    _, tables = shape_of(locked.schema_name)
    hold_tables(
        locked.schema_name, [*tables, *(Table(name, (), ()) for name in LEFT_BEHIND)], "ACCESS EXCLUSIVE"
    )
    hold.begin(0)
    content = _account(hold, locked, tables)
    for name in content["domains"]:
        release_name(name=name, tenant_id=locked.pk, using=MIGRATOR_ALIAS)
    hold.keep(using=MIGRATOR_ALIAS, phase=Operation.Phase.FILES, result=content)
    forget_client(locked)


def _account(hold: Hold, client: Client, tables: list[Table]) -> dict[str, Any]:
    hold.note("checksums")
    sums = checksum(client.schema_name, tables)
    hold.advance(sum(rows for rows, _ in sums.values()))
    operation = hold.operation
    return {
        "tenant": {"id": str(client.pk), "name": client.name, "subdomain": client.subdomain},
        "schema": client.schema_name,
        "role": client.schema_name,
        "tables": {name: {"rows": rows, "sha256": digest} for name, (rows, digest) in sums.items()},
        **{what: sums[table][0] for what, table in COUNTED.items()},
        "files": _files(footprint(folder_of(client.schema_name))),
        "domains": _domains(client, MIGRATOR_ALIAS),
        "export": {"file": operation.file_name, "sha256": operation.file_sha256}
        if operation.file_name
        else None,
        "begun_at": client.status_since.isoformat(),
        "rows_deleted_at": timezone.now().isoformat(),
        "requested_by": operation.options.get("asked_by", operation.requested_by),
        "confirmed_by": operation.options.get("confirmed_by", ""),
    }


def _certify(hold: Hold) -> None:
    """Issue the certificate and end the operation in one transaction, when nothing is left."""
    operation = hold.operation
    kept = _kept(operation.result["tenant"]["id"], operation.result["schema"])
    content = {**operation.result, "kept": kept, "completed_at": timezone.now().isoformat()}
    gone = Client(id=operation.tenant_id, name=operation.tenant_label)
    with transaction.atomic(using=CONTROL_ALIAS):
        DeletionCertificate(
            tenant_id=UUID(content["tenant"]["id"]),
            tenant_label=operation.tenant_label,
            content=content,
            seal=_seal(content),
            issued_at=datetime.fromisoformat(content["completed_at"]),
        ).save(using=CONTROL_ALIAS, force_insert=True)
        hold.finish("client.deleted", gone, result=content)


def _seal(content: dict[str, Any], key: str | None = None) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return salted_hmac(SALT, text, secret=key, algorithm="sha256").hexdigest()


def _files(found: Footprint) -> dict[str, Any]:
    return asdict(found)


def _domains(client: Client, using: str) -> list[str]:
    domains = Domain.objects.using(using).filter(tenant_id=client.pk)
    return list(domains.order_by("domain").values_list("domain", flat=True))


def _count(schema: str, table: Table) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table.name))
    row = raw_connection().execute(query).fetchone()
    return int(row[0]) if row else 0


def _kept(tenant_id: str, schema: str) -> dict[str, int]:
    """Rows in public that stay: apps name the table and the column that holds the tenant's id or schema."""
    found: dict[str, int] = {}
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        for table, column in _kept_tables().items():
            cursor.execute(
                f'SELECT count(*) FROM public."{table}" WHERE "{column}"::text IN (%s, %s)',
                [tenant_id, schema],
            )
            found[table] = cursor.fetchone()[0]
    return found


def _kept_tables() -> dict[str, str]:
    found: dict[str, str] = {}
    for config in apps.get_app_configs():
        found |= getattr(config, "kept_after_deletion", {})
    return found

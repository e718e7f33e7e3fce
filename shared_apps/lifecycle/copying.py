"""Copy as a sandbox: a tenant's rows and files into a new tenant, without its secrets and addresses.

Rows go from schema to schema inside the server, as they were at one moment. What is neutralised never reaches the
sandbox: each column is written as its rule says.
"""

import shutil
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from psycopg import sql

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from shared_apps.fleet.ledger import Migrations
from shared_apps.fleet.provisioning import schema_entered
from shared_apps.lifecycle import sandbox
from shared_apps.lifecycle.exporting import MigratedMeanwhile, client_of, shape_of
from shared_apps.lifecycle.files import Staging, folder_of, paths_in
from shared_apps.lifecycle.loading import empty, settle
from shared_apps.lifecycle.making import Plan, is_committed, made_by, made_client, open_client
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.running import WORKER, Hold, log
from shared_apps.lifecycle.tables import (
    Table,
    applied_in,
    column_list,
    hold_tables,
    raw_connection,
    row_estimate,
)
from tenants.audit.services import record
from tenants.context import tenant_context
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import Role, User
from tenants.users.tasks import mail_password_reset


def copy_tenant(hold: Hold) -> None:
    """Do an operation of kind copy."""
    operation = hold.operation
    if not is_committed(operation):
        source = client_of(operation)
        _copy(hold, source, made_client(hold, _plan(operation, source)))
        hold.keep(phase=Operation.Phase.FILES)
    client = made_by(operation)
    open_client(hold, client)
    hold.finish("client.copied", client, result={"owner": operation.options["email"]})
    _invite(client, UUID(operation.options["owner_id"]))


def _plan(operation: Operation, source: Client) -> Plan:
    return Plan(
        name=operation.options.get("name") or f"{source.name} (sandbox)"[:120],
        subdomain=operation.options["subdomain"],
        plan=source.plan,
        plan_version=source.plan_version,
        locale=source.locale,
        time_zone=source.time_zone,
        currency=source.currency,
        sandbox_of=source.pk,
    )


def _copy(hold: Hold, source: Client, made: Client) -> None:
    migrations, tables = shape_of(source.schema_name)
    with transaction.atomic(using=MIGRATOR_ALIAS, durable=True):
        raw_connection().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # Before the first question: locks take no snapshot, so what a slow worker has just committed is seen.
        hold_tables(made.schema_name, tables, "SHARE ROW EXCLUSIVE")
        hold_tables(source.schema_name, tables)
        _require_equal(migrations, source, made)
        if _has_owner(hold.operation, made):
            return
        hold.begin(row_estimate(source.schema_name, tables))
        empty(made.schema_name, tables, is_fresh=True)
        for table in tables:
            hold.note(table.name)
            hold.advance(_copy_table(source.schema_name, made.schema_name, table))
        hold.note("foreign keys")
        settle(made.schema_name)
        _insert_owner(hold.operation, made)
        _stage_files(hold, source)


def _require_equal(migrations: Migrations, source: Client, made: Client) -> None:
    if not migrations == applied_in(source.schema_name) == applied_in(made.schema_name):
        raise MigratedMeanwhile(
            f"{source.name} and the new schema have not the same migrations: a migration of the fleet is going on, or "
            "has left one of them behind. Run `manage.py migrate`, then try again."
        )


def _copy_table(source: str, made: str, table: Table) -> int:
    rule = sandbox.rules().get(table.name)
    if not sandbox.is_copied(rule):
        return 0
    assert not isinstance(rule, str)
    nullable = sandbox.nullable_columns(table.name)
    values = [
        sandbox.expression(
            column, (rule or {}).get(column, "keep"), key=table.key[0], nullable=column in nullable
        )
        for column in table.columns
    ]
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
        sql.Identifier(made, table.name),
        column_list(table.columns),
        sql.SQL(", ").join(map(sql.SQL, values)),  # made of the models' own names
        sql.Identifier(source, table.name),
    )
    return raw_connection().execute(statement).rowcount


def _has_owner(operation: Operation, made: Client) -> bool:
    """Whether the rows were committed before: the owner is the last of them."""
    query = sql.SQL("SELECT 1 FROM {} WHERE id = %s").format(sql.Identifier(made.schema_name, "users_user"))
    return raw_connection().execute(query, [operation.options["owner_id"]]).fetchone() is not None


def _insert_owner(operation: Operation, made: Client) -> None:
    """The one person who can enter: everybody else's address and password are gone."""
    owner = User(
        id=UUID(operation.options["owner_id"]),
        email=operation.options["email"],
        role=Role.OWNER,
        password=make_password(None),
    )
    with schema_entered(made.schema_name):
        owner.save(using=MIGRATOR_ALIAS, force_insert=True)
        record(
            actor=WORKER, verb="user.created", target=owner, data={"role": owner.role}, using=MIGRATOR_ALIAS
        )


def _stage_files(hold: Hold, source: Client) -> None:
    staging, folder = Staging(hold.operation.pk), folder_of(source.schema_name)
    staging.begin()
    for path in paths_in(folder):
        hold.note(path)
        target = staging.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(folder / path, target)
        except FileNotFoundError:
            continue  # removed since it was listed


def _invite(client: Client, owner_id: UUID) -> None:
    """Mail the owner the link that lets them choose a password; without a queue they ask for one themselves."""
    try:
        with tenant_context(as_tenant(client)):
            mail_password_reset.delay(str(owner_id))
    except OSError:
        log.warning("sandbox.not_invited", client_id=str(client.pk), exc_info=True)

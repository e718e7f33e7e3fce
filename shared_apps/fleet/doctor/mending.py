"""Mending what is safe to mend, one finding in one transaction, with a line in the audit log."""

from collections.abc import Callable
from typing import Final

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections, transaction
from django_tenants.utils import get_tenant_model

from shared_apps.fleet.doctor.findings import Finding, Kind
from shared_apps.fleet.ledger import enter_in_ledger
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.provisioning import drop_schema, refresh_baseline
from shared_apps.fleet.running import AlreadyRunning, the_only_run
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import public_context
from tenants.routers import MIGRATOR_ALIAS

DOCTOR: Final = Actor.system("fleet doctor")
# What is wrong with a member of the pool goes with it: nobody has put anything into it yet.
DROPPED: Final = frozenset({
    Kind.GONE, Kind.LAGGING, Kind.DRIFT, Kind.MISSING_TABLE, Kind.LEFT_OVER_TABLE, Kind.WRONG_SENTINEL,
    Kind.NO_MIGRATIONS, Kind.LEADS_OUT, Kind.HALFWAY,
})  # fmt: skip
log = structlog.get_logger("rowhouse.fleet")


class CannotMend(RuntimeError):
    """Why a finding is left as it is."""


def mend(finding: Finding) -> bool:
    """Mend one finding; False when it cannot be mended or is somebody else's at this moment. Safe to repeat."""
    if not finding.mendable:
        return False
    try:
        # While a run migrates the fleet nothing is mended, and the other way round.
        with the_only_run():
            if finding.kind == Kind.INVALID_INDEX:
                _rebuild_indexes(finding)
            with transaction.atomic(using=MIGRATOR_ALIAS):
                _treat(finding)
                _write_down(finding)
    except (AlreadyRunning, CannotMend, DatabaseError, ObjectDoesNotExist) as error:
        log.warning("not mended", kind=finding.kind, schema=finding.schema, error=str(error).strip())
        return False
    return True


def _treat(finding: Finding) -> None:
    if finding.kind in DROPPED:
        _drop_member(finding.schema)
    elif finding.statements and finding.kind != Kind.INVALID_INDEX:
        _send(";\n".join(finding.statements))
    elif treatment := TREATMENTS.get(finding.kind):
        treatment(finding.schema)


def _drop_member(name: str) -> None:
    schema = (
        Schema.objects.using(MIGRATOR_ALIAS)
        .filter(name=name)
        .select_for_update(skip_locked=True)
        .first()
    )  # fmt: skip
    if schema is None and not Schema.objects.using(MIGRATOR_ALIAS).filter(name=name).exists():
        return  # it went with an earlier finding
    if schema is None or schema.state != Schema.State.READY or _owner_of(name):
        raise CannotMend("It is no free member of the pool any more.")
    drop_schema(name)


def _owner_of(name: str) -> object:
    clients = get_tenant_model().objects.using(MIGRATOR_ALIAS)
    return clients.filter(schema_name=name).values_list("pk", flat=True).first()


def _correct_ledger(name: str) -> None:
    schema = Schema.objects.using(MIGRATOR_ALIAS).filter(name=name).select_for_update().first()
    if schema is not None:  # else it was a member of the pool, and went with an earlier finding
        enter_in_ledger(name, schema.tenant_id, schema.state)


def _list_in_ledger(name: str) -> None:
    owner = get_tenant_model().objects.using(MIGRATOR_ALIAS).get(schema_name=name)
    enter_in_ledger(name, owner.pk, Schema.State.OWNED)


def _say_owned(name: str) -> None:
    _send(
        f"UPDATE public.fleet_schema SET state = 'owned', owned_at = now() WHERE name = '{name}' AND state = 'ready'"
    )


def _refresh_baseline(name: str) -> None:
    assert name == TEMPLATE_SCHEMA
    refresh_baseline()
    template = Schema.objects.using(MIGRATOR_ALIAS).get(name=name)
    enter_in_ledger(name, template.tenant_id, template.state)


TREATMENTS: Final[dict[Kind, Callable[[str], None]]] = {
    Kind.LEDGER: _correct_ledger,
    Kind.UNLISTED: _list_in_ledger,
    Kind.TAKEN: _say_owned,
    Kind.BASELINE: _refresh_baseline,
}


def _rebuild_indexes(finding: Finding) -> None:
    """Outside a transaction, so that the tenant goes on writing meanwhile."""
    for statement in finding.statements:
        _send(statement)


def _send(statements: str) -> None:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(statements)


def _write_down(finding: Finding) -> None:
    data = {"kind": finding.kind, "schema": finding.schema, "what": finding.what}
    with public_context():
        record(actor=DOCTOR, verb="fleet.mended", data=data, using=MIGRATOR_ALIAS)

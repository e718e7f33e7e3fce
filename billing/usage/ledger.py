"""The door to the usage ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connections

from billing.limits.budgets import LOCKS
from billing.limits.leases import Lease
from billing.limits.reserving import Reservation
from billing.meters import meter_named
from tenants.api.metering import ApiCall
from tenants.context import TENANT_ALIAS
from tenants.errors import Conflict
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

# The tenant is not among the columns: it defaults to the role that inserts, and the role may not name it.
# Without a conflict target the statement needs no right to read the ledger, and each partition's key counts.
RECORD_USAGE: Final = """
    INSERT INTO public.billing_usagerecord (id, meter, quantity, idempotency_key, occurred_at)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
# The lock before the look at the clock: whoever takes leases back looks at the clock first.
RECORD_LEASED: Final = f"""
    WITH behind AS MATERIALIZED (
        SELECT pg_advisory_xact_lock_shared({LOCKS}, %(key)s)),
    open AS MATERIALIZED (
        SELECT clock_timestamp() < %(expires_at)s AS is_open FROM behind),
    written AS (
        INSERT INTO public.billing_usagerecord (id, meter, quantity, idempotency_key, occurred_at, lease)
        SELECT %(id)s::uuid, %(meter)s, %(quantity)s, %(idempotency_key)s, %(at)s::timestamptz, %(lease)s::uuid
          FROM open WHERE is_open
        ON CONFLICT DO NOTHING
        RETURNING 1)
    SELECT is_open, EXISTS (SELECT 1 FROM written) FROM open
"""
TRIES: Final = 3


# Over the platform's own login, for calls of many tenants at once.
RECORD_CALLS: Final = """
    INSERT INTO public.billing_usagerecord (id, tenant, meter, quantity, idempotency_key, occurred_at, source)
    SELECT id, tenant, 'api_calls', 1, 'api_call:' || id, at, source
      FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[]) AS noted (id, tenant, at, source)
    ON CONFLICT DO NOTHING
"""


class NotRecorded(Conflict):
    """A use was never written in time: the process was stopped again and again."""

    code = "try_again"
    title = "This took too long"


def record_calls(noted: Sequence[ApiCall]) -> None:
    """Write API calls of any tenants; the same call twice is one, as its key and its time were made with it."""
    connection = connections[CONTROL_ALIAS]
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute(RECORD_CALLS, arrays(noted))


def arrays(noted: Sequence[ApiCall]) -> list[str]:
    """Keys, tenants, times and sources of calls as PostgreSQL's arrays.

    As text: none of these values has to be quoted, and the driver would take twice as long over them.
    """
    rows = ((call.key, call.schema, call.at, call.source or "NULL") for call in noted)
    return [f"{{{','.join(map(str, column))}}}" for column in zip(*rows, strict=True)]


def record_usage(
    *, meter: str, quantity: int, idempotency_key: str, at: datetime, against: Reservation | None = None
) -> bool:
    """Write one use in the tenant's own transaction; False when this key was recorded before.

    The business event and its usage commit or vanish together. `at` is the event's own time, from the row that tells
    of it and never from the clock: a key counts once in a month, so who says it again has to name the same month.
    What was reserved for it is spent with it: `against` is the reservation.
    """
    use: dict[str, Any] = {"id": uuid7(), "meter": meter_named(meter).key, "quantity": quantity}
    use |= {"idempotency_key": idempotency_key, "at": at}
    for _ in range(TRIES):
        lease = against.lease_at(at) if against is not None else None
        if lease is None:
            return _record(use)
        is_open, is_written = _record_leased(use, lease)
        if is_open:
            return is_written
        lease.end()
    raise NotRecorded("The server was too slow for what it was asked. Nothing was changed; try again.")


def _record(use: dict[str, Any]) -> bool:
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute(RECORD_USAGE, list(use.values()))
        return bool(cursor.rowcount)


def _record_leased(use: dict[str, Any], lease: Lease) -> tuple[bool, bool]:
    """Whether the lease could still be spent from, and whether the use was not recorded before."""
    terms: dict[str, Any] = {"key": lease.key, "expires_at": lease.expires_at, "lease": lease.id}
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute(RECORD_LEASED, {**use, **terms})
        is_open, is_written = cursor.fetchone()
    return is_open, is_written

"""The door to the usage ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connections

from billing.meters import meter_named
from tenants.api.metering import ApiCall
from tenants.context import TENANT_ALIAS
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

# The tenant is not among the columns: it defaults to the role that inserts, and the role may not name it.
# Without a conflict target the statement needs no right to read the ledger, and each partition's key counts.
RECORD_USAGE: Final = """
    INSERT INTO public.billing_usagerecord (id, meter, quantity, idempotency_key, occurred_at)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""


# Over the platform's own login, for calls of many tenants at once.
RECORD_CALLS: Final = """
    INSERT INTO public.billing_usagerecord (id, tenant, meter, quantity, idempotency_key, occurred_at, source)
    SELECT id, tenant, 'api_calls', 1, 'api_call:' || id, at, source
      FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[]) AS noted (id, tenant, at, source)
    ON CONFLICT DO NOTHING
"""


def record_calls(noted: Sequence[ApiCall]) -> None:
    """Write API calls of any tenants; the same call twice is one, as its key and its time were made with it."""
    columns = zip(*((call.key, call.schema, call.at, call.source) for call in noted), strict=True)
    connection = connections[CONTROL_ALIAS]
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute(RECORD_CALLS, [list(column) for column in columns])


def record_usage(*, meter: str, quantity: int, idempotency_key: str, at: datetime) -> bool:
    """Write one use in the tenant's own transaction; False when this key was recorded before.

    The business event and its usage commit or vanish together. `at` is the event's own time, from the row that tells
    of it and never from the clock: a key counts once in a month, so who says it again has to name the same month.
    """
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute(RECORD_USAGE, (uuid7(), meter_named(meter).key, quantity, idempotency_key, at))
        return bool(cursor.rowcount)

"""The door to the usage ledger."""

from typing import Final

from django.db import connections
from django.utils import timezone

from tenants.context import TENANT_ALIAS
from tenants.models import uuid7

# The tenant is not among the columns: it defaults to the role that inserts, and the role may not name it.
# Without a conflict target the statement needs no right to read the ledger.
RECORD_USAGE: Final = """
    INSERT INTO public.billing_usagerecord (id, meter, quantity, idempotency_key, occurred_at)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""


def record_usage(*, meter: str, quantity: int, idempotency_key: str) -> bool:
    """Write one use in the tenant's own transaction; False when this key was recorded before.

    The business event and its usage commit or vanish together.
    """
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute(RECORD_USAGE, [uuid7(), meter, quantity, idempotency_key, timezone.now()])
        return bool(cursor.rowcount)

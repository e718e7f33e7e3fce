"""What every table shares, and the sentinel that says whose schema this is."""

from uuid import UUID

import uuid_utils.compat
from django.db import models


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562, version 7)."""
    value: UUID = uuid_utils.compat.uuid7()
    return value


class Record(models.Model):
    """A row with a UUIDv7 key and the times of its creation and last change (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Sentinel(models.Model):
    """The one row that names the tenant a schema belongs to; read at the start of every transaction.

    It is the only wall whose answer does not come from the same variable as the search path and the role.
    """

    tenant_id = models.UUIDField(primary_key=True)

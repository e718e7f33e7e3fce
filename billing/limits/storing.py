"""Storage: what a tenant's files take, and room for more of them."""

from typing import Final

from django.utils import timezone

from billing.entitlements import Limit, require
from billing.meters import METERS
from billing.pricing.periods import month_of
from billing.pricing.preview import used_between
from shared_apps.lifecycle.files import folder_of, paths_in
from tenants.context import current_tenant

MEGABYTE: Final = 1_000_000


def stored() -> int:
    """Megabytes of files that were uploaded or made, begun ones counted whole."""
    folder = folder_of(current_tenant().schema)
    return megabytes(sum((folder / path).stat().st_size for path in paths_in(folder)))


def last_measured() -> int:
    """What was stored when it was last measured: looking at every file takes too long for a page."""
    month = month_of(timezone.now())
    return used_between(current_tenant().schema, month.begin, month.end).get(METERS["storage"].key, 0)


def require_storage(size: int, *, way_on: str) -> None:
    """Refuse a file for which there is no room. The claim lasts until the transaction ends: write it before that."""
    require(Limit.STORAGE, adding=megabytes(size), way_on=way_on)


def megabytes(size: int) -> int:
    """Bytes in megabytes, begun ones counted whole."""
    return -(-size // MEGABYTE)

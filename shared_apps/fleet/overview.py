"""The fleet on one page for operators: pool, generations, failures, last run. Its number of queries is fixed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q

from shared_apps.fleet.models import Baseline, Run, Schema
from shared_apps.fleet.pool import PoolLevel, pool_level

FAILURES_SHOWN: Final = 20


@dataclass(frozen=True)
class Share:
    """The part of the fleet that has the same migrations."""

    applied: str
    schemas: int
    owned: int
    ready: int
    percent: int
    is_newest: bool


@dataclass(frozen=True)
class Overview:
    """What operators ask first."""

    level: PoolLevel
    shares: tuple[Share, ...]
    failures: tuple[dict[str, Any], ...]
    failed: int
    halfway: int
    last_run: Run | None
    compiled_at: datetime | None

    @property
    def pool_percent(self) -> int:
        """How full the pool is; a pool that shall be empty is full."""
        return 100 if not self.level.wanted else min(100, self.level.ready * 100 // self.level.wanted)

    @property
    def pool_label(self) -> str:
        """The pool's level in words."""
        return f"{self.level.ready} of {self.level.wanted}"

    @property
    def behind(self) -> int:
        """Schemas with other migrations than the baseline has."""
        return sum(share.schemas for share in self.shares if not share.is_newest)


def overview() -> Overview:
    """Ask the ledger; no schema is looked at."""
    schemas = Schema.objects.standing()
    failing = schemas.exclude(failure="")
    baseline = Baseline.objects.only("applied", "compiled_at").first()
    counts = schemas.aggregate(failed=Count("pk", ~Q(failure="")), halfway=Count("pk", ~Q(halfway="")))
    fields = ("name", "tenant_id", "state", "failure", "failed_at")
    return Overview(
        level=pool_level(),
        shares=_shares(baseline.applied if baseline else ""),
        failures=tuple(
            failing.order_by(F("failed_at").desc(nulls_last=True)).values(*fields)[:FAILURES_SHOWN]
        ),
        failed=counts["failed"],
        halfway=counts["halfway"],
        last_run=Run.objects.first(),
        compiled_at=baseline.compiled_at if baseline else None,
    )


def _shares(newest: str) -> tuple[Share, ...]:
    rows = list(
        Schema.objects.standing()
        .order_by()
        .values("applied")
        .annotate(
            schemas=Count("pk"),
            owned=Count("pk", Q(state=Schema.State.OWNED)),
            ready=Count("pk", Q(state=Schema.State.READY)),
        )
    )
    everything = sum(row["schemas"] for row in rows) or 1
    found = [
        Share(**row, percent=round(row["schemas"] * 100 / everything), is_newest=row["applied"] == newest)
        for row in rows
    ]
    return tuple(sorted(found, key=lambda share: (not share.is_newest, -share.schemas)))

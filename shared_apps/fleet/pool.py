"""The pool of ready schemas: kept at its size by small steps, each a transaction of its own.

Every step asks anew what is to be done, under a lock that one process has at a time. So two that fill at once do not
overfill, and one that is killed leaves nothing for anybody to clean up: the next step goes on from what is committed.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.models import F
from django.utils import timezone

from shared_apps.fleet.models import Pool, Schema
from shared_apps.fleet.provisioning import (
    ROLES_AT_ONCE,
    NotPrepared,
    build_schema,
    drop_schema,
    first_reserved,
    reserve_schemas,
)
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

FILL_SECONDS: Final = 5.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
FILLING: Final = 727003
LEVEL: Final = """
    SELECT (SELECT count(*) FROM fleet_schema WHERE state = 'ready'),
           (SELECT count(*) FROM fleet_schema WHERE state = 'reserved' AND failure = ''),
           (SELECT count(*) FROM fleet_schema WHERE state = 'reserved' AND failure <> ''),
           (SELECT count(*) FROM fleet_schema s, fleet_baseline b WHERE state = 'ready' AND s.applied <> b.applied),
           (SELECT count(*) FROM fleet_schema
             WHERE state IN ('ready', 'owned') AND ready_at > now() - interval '1 minute'),
           (SELECT min(ready_at) FROM fleet_schema WHERE state = 'ready'),
           filled_at, failed_at, failure, failures, missed, missed_at
      FROM fleet_pool"""
log = structlog.get_logger("rowhouse.fleet")


@dataclass(frozen=True)
class PoolLevel:
    """How full the pool is, and how its filling goes."""

    wanted: int
    rate: int
    ready: int
    reserved: int
    bad: int
    behind: int
    made_lately: int
    oldest_ready_at: datetime | None
    filled_at: datetime | None
    failed_at: datetime | None
    failure: str
    failures: int
    missed: int
    missed_at: datetime | None

    @property
    def missing(self) -> int:
        """How many members are to be made."""
        return max(0, self.wanted - self.ready)

    @property
    def surplus(self) -> int:
        """How many members are too many."""
        return max(0, self.ready - self.wanted)

    @property
    def may_make(self) -> bool:
        """Whether another schema would be within the bound and the rate."""
        return self.missing > 0 and self.made_lately < self.rate

    @property
    def pauses_until(self) -> datetime | None:
        """After failures in a row the pool is left alone for longer and longer."""
        if not self.failures or self.failed_at is None:
            return None
        pause: timedelta = FIRST_PAUSE * 2 ** min(self.failures - 1, 10)
        return self.failed_at + min(pause, LONGEST_PAUSE)

    @property
    def needs_work(self) -> bool:
        """Whether the pool is due for anything at all."""
        paused = self.pauses_until is not None and self.pauses_until > timezone.now()
        return not paused and bool(self.bad or self.surplus or self.may_make)


class MemberFailed(RuntimeError):
    """One member of the pool could not be made."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The schema {name} could not be made for the pool.")
        self.name = name


def pool_level(using: str = CONTROL_ALIAS) -> PoolLevel:
    """The state of the pool, in one query."""
    with connections[using].cursor() as cursor:
        cursor.execute(LEVEL)
        return PoolLevel(settings.POOL_SIZE, settings.POOL_RATE, *cursor.fetchone())


def fill_pool(*, seconds: float = FILL_SECONDS) -> int:
    """Bring the pool towards its size for so many seconds at the most; how many steps it took.

    A failure is written down for operators and ends the work; it is taken up again after a pause.
    """
    if not pool_level().needs_work:
        return 0
    deadline, steps = time.monotonic() + seconds, 0
    try:
        while time.monotonic() < deadline and _step():
            steps += 1
    except (MemberFailed, NotPrepared, DatabaseError) as error:
        _write_failure(error)
    else:
        if steps:
            Pool.objects.using(CONTROL_ALIAS).update(filled_at=timezone.now(), failures=0, failure="")
    return steps


def _step() -> bool:
    """Do what is most urgent in one transaction; False when nothing is, or when somebody else is at it."""
    with transaction.atomic(using=MIGRATOR_ALIAS):
        if not _is_alone():
            return False
        level = pool_level(MIGRATOR_ALIAS)
        if level.bad:
            return _drop_first(Schema.State.RESERVED, failed=True)
        if level.surplus:
            return _drop_first(Schema.State.READY, failed=False)
        return level.may_make and _make_member()


def _is_alone() -> bool:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FILLING])
        return bool(cursor.fetchone()[0])


def _make_member() -> bool:
    schema = first_reserved()
    if schema is None:
        reserve_schemas(ROLES_AT_ONCE)
        schema = first_reserved()
    if schema is None:
        return False  # sign-ups took them all; they come first
    try:
        build_schema(schema)
    except DatabaseError as error:
        raise MemberFailed(schema.name) from error
    return True


def _drop_first(state: str, *, failed: bool) -> bool:
    """Remove the oldest member that nobody else is at: one that is too many, or that could not be made."""
    members = Schema.objects.using(MIGRATOR_ALIAS).filter(state=state)
    members = members.exclude(failure="") if failed else members
    oldest = members.order_by("ready_at", "reserved_at").select_for_update(skip_locked=True).first()
    if oldest is None:
        return False
    drop_schema(oldest.name)
    log.info("pool_member_dropped", schema=oldest.name, failure=oldest.failure)
    return True


def _write_failure(error: Exception) -> None:
    log.error("pool_not_filled", exc_info=error)
    text, now = f"{error} {error.__cause__ or ''}".strip(), timezone.now()
    if isinstance(error, MemberFailed):
        row = Schema.objects.using(CONTROL_ALIAS).filter(name=error.name, state=Schema.State.RESERVED)
        row.update(failure=text, failed_at=now)
    pool = Pool.objects.using(CONTROL_ALIAS)
    pool.update(failure=text, failed_at=now, failures=F("failures") + 1)

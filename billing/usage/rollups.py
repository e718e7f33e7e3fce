"""Hours of use, recomputed from the ledger and sealed: never counted up, so folding twice changes nothing.

A fold looks for records that the last one could not see, by transaction and not by the clock, and computes the hours
of these anew from all their records. An hour is sealed once every transaction that ran when it was over has ended. What
comes later raises the hour's revision; each revision leaves one row in the outbox, in the same transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Self

from django.db import connections, transaction
from django.utils import timezone

from billing.meters import Kind, keys_of
from billing.models import SourceHour
from billing.pricing.periods import HOUR, hour_of
from billing.usage.partitions import first_kept
from tenants.routers import CONTROL_ALIAS

# Use of so long after the end of a period is taken for its own: an hour cannot be divided.
SHORTLY: Final = timedelta(minutes=10)
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
Span = tuple[datetime, datetime]

# After HOLD, which has given the fold a number of its own: who began to write before has a lower one.
SNAPSHOT: Final = """
    SELECT s::text, txid_snapshot_xmin(s), txid_current() FROM txid_current_snapshot() AS s"""
HOLD: Final = """
    INSERT INTO billing_fold AS f (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = f.id
    RETURNING seen, closing, closing_xid, sealed_until"""
KEEP: Final = """
    UPDATE billing_fold SET seen = %s, closing = %s, closing_xid = %s, sealed_until = %s, folded_at = now()"""
NEWS: Final = """
    SELECT date_bin('1 hour', occurred_at, 'epoch'), bool_or(meter = ANY(%(levels)s))
      FROM billing_usagerecord WHERE occurred_at >= %(first)s"""
UNSEEN: Final = """
       AND txid >= txid_snapshot_xmin(%(seen)s::txid_snapshot)
       AND NOT txid_visible_in_snapshot(txid, %(seen)s::txid_snapshot)"""
KEPT: Final = """
    ON CONFLICT (tenant, meter, hour) DO UPDATE
       SET quantity = excluded.quantity, last_at = excluded.last_at, computed_at = now()
     WHERE (r.quantity, r.last_at) IS DISTINCT FROM (excluded.quantity, excluded.last_at)"""
# What has changed is looked at by the alerts, however late they come; both wait for each other on these rows.
TOLD: Final = """
    INSERT INTO billing_usagewatch AS w (tenant) SELECT DISTINCT tenant FROM kept
    ON CONFLICT (tenant) DO UPDATE SET noted_at = now()"""
# In one pass: by credential, where one is known, and of these the hour.
FOLD: Final = f"""
    WITH fine AS MATERIALIZED (
        SELECT tenant, meter, date_bin('1 hour', occurred_at, 'epoch') AS hour, source,
               sum(quantity)::bigint AS total, max(quantity) AS peak, max(occurred_at) AS last_at
          FROM billing_usagerecord
         WHERE occurred_at >= %(begin)s AND occurred_at < %(end)s AND meter = ANY(%(counted)s)
         GROUP BY 1, 2, 3, 4),
    sources AS (
        INSERT INTO billing_sourcehour AS s (tenant, meter, hour, source, quantity)
        SELECT tenant, meter, hour, source, total FROM fine WHERE source IS NOT NULL
        ON CONFLICT (tenant, meter, hour, source) DO UPDATE SET quantity = excluded.quantity
         WHERE s.quantity <> excluded.quantity),
    kept AS (
        INSERT INTO billing_rollup AS r (tenant, meter, hour, quantity, last_at)
        SELECT tenant, meter, hour,
               CASE WHEN meter = ANY(%(peaks)s) THEN max(peak) ELSE greatest(sum(total), 0)::bigint END,
               max(last_at)
          FROM fine GROUP BY 1, 2, 3 {KEPT} RETURNING tenant)
    {TOLD}"""
FOLD_LEVELS: Final = f"""
    WITH kept AS (
        INSERT INTO billing_rollup AS r (tenant, meter, hour, quantity, last_at)
        SELECT DISTINCT ON (1, 2, 3) tenant, meter, date_bin('1 hour', occurred_at, 'epoch'), quantity, occurred_at
          FROM billing_usagerecord
         WHERE occurred_at >= %(begin)s AND occurred_at < %(end)s AND meter = ANY(%(levels)s)
         ORDER BY 1, 2, 3, occurred_at DESC, recorded_at DESC {KEPT} RETURNING tenant)
    {TOLD}"""
# Of a gauge Stripe takes what is dated last, so each message
# about an hour is dated after those before it.
SEAL: Final = """
    WITH due AS (
        SELECT id, tenant, meter, hour, last_at, quantity, revision + 1 AS revision,
               quantity - CASE WHEN meter = ANY(%(gauges)s) THEN 0 ELSE coalesce(sealed_quantity, 0) END AS value,
               CASE WHEN revision > 0 AND meter = ANY(%(gauges)s) THEN (
                   SELECT max(at) + interval '1 second' FROM billing_export e
                    WHERE e.tenant = r.tenant AND e.meter = r.meter AND e.hour = r.hour) END AS after
          FROM billing_rollup r
         WHERE sealed_quantity IS DISTINCT FROM quantity AND {which}),
    raised AS (
        UPDATE billing_rollup r SET revision = due.revision, sealed_quantity = due.quantity
          FROM due WHERE r.id = due.id),
    lanes AS (
        INSERT INTO billing_lane (tenant, meter) SELECT DISTINCT tenant, meter FROM due ON CONFLICT DO NOTHING)
    INSERT INTO billing_export (tenant, meter, hour, revision, value, at, identifier)
    SELECT tenant, meter, hour, revision, value,
           least(greatest(date_trunc('second', last_at), after), hour + interval '59 minutes 59 seconds', %(latest)s),
           format('%%s:%%s:%%s:%%s', tenant, meter, to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24'), revision)
      FROM due WHERE value <> 0 OR meter = ANY(%(gauges)s)"""
# Hours that have just been over, and those before in which something has changed.
ENDED: Final = SEAL.format(which="hour < %(until)s AND (hour >= %(sealed)s OR hour = ANY(%(changed)s))")
OF_TENANT: Final = SEAL.format(which="tenant = %(tenant)s AND last_at <= %(until)s")


@dataclass(slots=True)
class Progress:
    """How far folding has come: what was seen, which hours are about to be sealed, and which are."""

    seen: str | None
    closing: datetime | None
    closing_xid: int | None
    sealed_until: datetime | None

    def close(self, now: datetime, oldest: int, own: int) -> Self:
        """Seal what all transactions of its time have left, and begin with the hours that have ended since.

        `oldest` is the first number that still runs, `own` that of this fold, taken after `now`.
        """
        if self.closing_xid is not None and oldest >= self.closing_xid:
            self.sealed_until, self.closing, self.closing_xid = self.closing, None, None
        ended = hour_of(now)
        if self.closing is None and (self.sealed_until is None or ended > self.sealed_until):
            if oldest >= own:
                self.sealed_until = ended
            else:
                self.closing, self.closing_xid = ended, own
        return self


def fold(now: datetime | None = None) -> datetime | None:
    """Bring rollups up to the ledger and seal the hours that are complete; until when they are sealed."""
    now = now or timezone.now()
    with transaction.atomic(using=CONTROL_ALIAS), connections[CONTROL_ALIAS].cursor() as cursor:
        progress = Progress(*_row(cursor, HOLD))
        snapshot, oldest, own = _row(cursor, SNAPSHOT)
        changed = _recompute(cursor, None if _is_foreign(progress.seen, own) else progress.seen, now)
        sealed: dict[str, Any] = {"sealed": progress.sealed_until or BEGINNING, "changed": changed}
        progress.close(now, oldest, own)
        cursor.execute(ENDED, {**_sealing(), **sealed, "until": progress.sealed_until})
        cursor.execute(KEEP, [snapshot, progress.closing, progress.closing_xid, progress.sealed_until])
    return progress.sealed_until


def seal_tenant(tenant: str, *, before: datetime | None = None) -> None:
    """Seal what a tenant has used up to now, the hour that runs included: an invoice or its end will not wait.

    With `before`, the end of a billing period, the use is dated inside of it, as far as it was made until shortly
    after. What follows is the next period's, also where somebody comes late to seal.
    """
    fold()
    given = {**_sealing(), "tenant": tenant, "until": datetime.max.replace(tzinfo=UTC)}
    if before is not None:
        given |= {"latest": before - timedelta(seconds=1), "until": before + SHORTLY}
    with transaction.atomic(using=CONTROL_ALIAS), connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(HOLD)
        cursor.execute(OF_TENANT, given)


def forget_sources(before: datetime) -> None:
    """Who used what is kept for as long as the records are; rollups stay."""
    SourceHour.objects.filter(hour__lt=before).delete()


def _recompute(cursor: Any, seen: str | None, now: datetime) -> list[datetime]:
    """Compute the hours anew of which there are new records; which they are."""
    first = datetime.combine(first_kept(now.date()), time(), UTC)
    meters = {
        "counted": keys_of(Kind.SUM, Kind.MAX),
        "peaks": keys_of(Kind.MAX),
        "levels": keys_of(Kind.LAST),
    }
    news = NEWS + (UNSEEN if seen else "") + " GROUP BY 1"
    cursor.execute(news, {**meters, "first": first, "seen": seen})
    hours = dict(cursor.fetchall())
    for statement, those in (FOLD, list(hours)), (FOLD_LEVELS, [hour for hour in hours if hours[hour]]):
        for begin, end in _spans(sorted(those)):
            cursor.execute(statement, {**meters, "begin": begin, "end": end})
    return list(hours)


def _spans(hours: list[datetime]) -> Iterator[Span]:
    """Hours that follow each other are computed together."""
    begin = end = None
    for hour in hours:
        if begin is None or end != hour:
            if begin is not None and end is not None:
                yield begin, end
            begin = hour
        end = hour + HOUR
    if begin is not None and end is not None:
        yield begin, end


def _is_foreign(seen: str | None, own: int) -> bool:
    """Whether the snapshot was taken in another cluster, from which a dump was loaded: there they counted further."""
    return seen is not None and int(seen.split(":")[1]) > own


def _sealing() -> dict[str, Any]:
    return {"gauges": keys_of(Kind.MAX, Kind.LAST), "latest": datetime.max.replace(tzinfo=UTC)}


def _row(cursor: Any, statement: str) -> Any:
    cursor.execute(statement)
    return cursor.fetchone()

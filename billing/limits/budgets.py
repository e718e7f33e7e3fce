"""Budgets of a period in the database: what is granted of a limit, in leases that processes spend from by themselves.

At every moment `granted` is what the ledger has of the period and what open leases may add to it, and no lease is given
that would bring it beyond the limit. So the ledger never gets beyond it, whoever is killed. What was spent from a
lease only the ledger says: each of its records names its lease.

A lease ends by the database's clock. A record is written behind the lease's lock, and only before the end; a lease is
taken back after the end, when nobody has its lock. So nothing can be spent from a lease that was taken back, however
long a process was stopped in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from billing.pricing.periods import Period
from tenants.routers import CONTROL_ALIAS

LEASED_FOR: Final = 5.0
# Between the end of a lease and the moment when it can be taken back: clocks may be put right.
GRACE: Final = 1.0
LARGEST: Final = 64
# No lease is larger than this part of what is left, so that the last units are given one by one.
SHARE: Final = 32
# Corrections of the ledger, and what was recorded without a lease, are found out after this time at the latest.
COUNTED_EVERY: Final = "1 hour"
# The first half of the keys of leases' locks, so that they are no other lock's.
LOCKS: Final = 727_002
BATCH: Final = 500

# Of a lost commit nothing was spent that was durable: a spender's commit, which is later, makes this one durable too.
GRANT: Final = """
    WITH grown AS (
        UPDATE billing_budget
           SET granted = granted + greatest(%(units)s, least(%(wanted)s, (%(hard)s - granted) / %(share)s)),
               given = greatest(%(units)s, least(%(wanted)s, (%(hard)s - granted) / %(share)s))
         WHERE tenant = %(tenant)s AND "limit" = %(limit)s AND begin_at = %(begin)s
           AND granted + %(units)s <= %(hard)s AND counted_at > clock_timestamp() - %(counted_every)s::interval
        RETURNING id, granted, given)
    INSERT INTO billing_lease (budget_id, holder, key, units, begun_xid, expires_at)
    SELECT id, %(holder)s, %(key)s, given, txid_snapshot_xmin(txid_current_snapshot()),
           clock_timestamp() + make_interval(secs => %(leased_for)s)
      FROM grown
    RETURNING id, units, expires_at, (SELECT granted FROM grown), set_config('synchronous_commit', 'off', true)"""
HOLD: Final = """
    INSERT INTO billing_budget AS b (tenant, "limit", begin_at, end_at)
    VALUES (%(tenant)s, %(limit)s, %(begin)s, %(end)s)
    ON CONFLICT (tenant, "limit", begin_at) DO UPDATE SET id = b.id
    RETURNING id, coalesce(counted_at > clock_timestamp() - %(counted_every)s::interval, false)"""
ENDED: Final = """
    SELECT id FROM billing_lease
     WHERE budget_id = ANY(%(budgets)s) AND expires_at < clock_timestamp() - make_interval(secs => %(grace)s)
       AND pg_try_advisory_xact_lock(%(locks)s, key)"""
# After ENDED, as a statement of its own: it sees what those have written who had the locks before.
TAKE_BACK: Final = """
    WITH ended AS (
        DELETE FROM billing_lease WHERE id = ANY(%(leases)s) RETURNING id, budget_id, units),
    spent AS (
        SELECT lease, sum(quantity) AS units FROM billing_usagerecord
         WHERE txid >= (SELECT min(begun_xid) FROM billing_lease WHERE id = ANY(%(leases)s))
           AND occurred_at >= (SELECT min(begin_at) FROM billing_budget WHERE id = ANY(%(budgets)s))
           AND lease = ANY(%(leases)s)
         GROUP BY lease),
    unspent AS (
        SELECT ended.budget_id, sum(ended.units - coalesce(spent.units, 0)) AS units
          FROM ended LEFT JOIN spent ON spent.lease = ended.id GROUP BY 1)
    UPDATE billing_budget b SET granted = b.granted - unspent.units
      FROM unspent WHERE b.id = unspent.budget_id AND unspent.units <> 0"""
COUNT: Final = """
    WITH held AS (
        SELECT id, units FROM billing_lease WHERE budget_id = %(budget)s),
    recorded AS (
        SELECT coalesce(sum(quantity), 0) AS units,
               coalesce(sum(quantity) FILTER (WHERE lease IN (SELECT id FROM held)), 0) AS leased
          FROM billing_usagerecord
         WHERE tenant = %(tenant)s AND meter = %(meter)s AND occurred_at >= %(begin)s AND occurred_at < %(end)s)
    UPDATE billing_budget
       SET counted_at = clock_timestamp(),
           granted = greatest(recorded.units, 0) + (SELECT coalesce(sum(units), 0) FROM held) - recorded.leased
      FROM recorded WHERE id = %(budget)s"""
USED: Final = """
    SELECT b.granted - (SELECT coalesce(sum(units), 0) FROM billing_lease l WHERE l.budget_id = b.id)
           + (SELECT coalesce(sum(quantity), 0) FROM billing_usagerecord
               WHERE txid >= (SELECT min(begun_xid) FROM billing_lease l WHERE l.budget_id = b.id)
                 AND tenant = b.tenant AND occurred_at >= b.begin_at
                 AND lease IN (SELECT id FROM billing_lease l WHERE l.budget_id = b.id))
      FROM billing_budget b
     WHERE tenant = %(tenant)s AND "limit" = %(limit)s AND begin_at = %(begin)s AND counted_at IS NOT NULL"""
# Budgets are locked before their leases, as everywhere.
GIVE_BACK: Final = """
    WITH held AS MATERIALIZED (
        SELECT l.id FROM billing_budget b JOIN billing_lease l ON l.budget_id = b.id
         WHERE l.id = ANY(%(leases)s::uuid[]) ORDER BY b.id FOR UPDATE OF b),
    cut AS (
        UPDATE billing_lease l SET units = told.taken
          FROM unnest(%(leases)s::uuid[], %(taken)s::bigint[], %(rests)s::bigint[]) AS told (id, taken, rest)
          JOIN held USING (id)
         WHERE l.id = told.id
        RETURNING l.budget_id, told.rest),
    rests AS (SELECT budget_id, sum(rest) AS units FROM cut GROUP BY 1)
    UPDATE billing_budget b SET granted = b.granted - rests.units FROM rests WHERE b.id = rests.budget_id"""
WITH_ENDED: Final = """
    SELECT b.id FROM billing_budget b
     WHERE EXISTS (SELECT 1 FROM billing_lease l WHERE l.budget_id = b.id
                      AND l.expires_at < clock_timestamp() - make_interval(secs => %(grace)s))
     ORDER BY b.id LIMIT %(most)s FOR UPDATE SKIP LOCKED"""
FORGET: Final = """
    DELETE FROM billing_budget b WHERE end_at < %s
       AND NOT EXISTS (SELECT 1 FROM billing_lease l WHERE l.budget_id = b.id)"""


@dataclass(frozen=True, slots=True)
class Account:
    """Which budget is meant: of a tenant, a limit and a period; the meter says what uses it up."""

    tenant: str
    limit: str
    meter: str
    period: Period

    @property
    def _terms(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "limit": self.limit,
            "meter": self.meter,
            "begin": self.period.begin,
            "end": self.period.end,
            "counted_every": COUNTED_EVERY,
        }


@dataclass(frozen=True, slots=True)
class Wish:
    """A process wants some units now, and rather more, of a limit of so many."""

    holder: UUID
    key: int
    units: int
    wanted: int
    hard: int


@dataclass(frozen=True, slots=True)
class Given:
    """A lease as it was given, and how much of the limit was granted with it."""

    id: UUID
    units: int
    expires_at: datetime
    granted: int


def grant(account: Account, wish: Wish) -> Given | None:
    """Give a lease: of what is free, else of what can be taken back; None when the limit is reached."""
    connections[CONTROL_ALIAS].close_if_unusable_or_obsolete()
    given = _grant(account, wish)
    return given if given is not None else _settle_and_grant(account, wish)


def give_back(rests: Sequence[tuple[UUID, int, int]]) -> None:
    """Make leases smaller by what nobody has begun to spend: (lease, units taken of it, units left)."""
    leases, taken, left = ([rest[place] for rest in rests] for place in range(3))
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(GIVE_BACK, {"leases": leases, "taken": taken, "rests": left})


def used_of(account: Account) -> int | None:
    """How many units of a budget the ledger has; None when nothing has been granted of it yet."""
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(USED, account._terms)
        row = cursor.fetchone()
    return max(0, int(row[0])) if row else None


def take_back_ended() -> int:
    """Take back leases whose time is over, of all tenants; of how many budgets."""
    with transaction.atomic(using=CONTROL_ALIAS, durable=True), connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(WITH_ENDED, {"grace": GRACE, "most": BATCH})
        budgets = [budget for (budget,) in cursor.fetchall()]
        _take_back(cursor, budgets)
    return len(budgets)


def forget_before(moment: datetime) -> None:
    """Drop the budgets of periods that ended before a moment."""
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(FORGET, [moment])


def _grant(account: Account, wish: Wish) -> Given | None:
    terms: dict[str, Any] = {
        "holder": wish.holder,
        "key": wish.key,
        "units": wish.units,
        "wanted": wish.wanted,
        "hard": wish.hard,
        "share": SHARE,
        "leased_for": LEASED_FOR,
    }
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(GRANT, {**account._terms, **terms})
        row = cursor.fetchone()
    return Given(*row[:4]) if row else None


def _settle_and_grant(account: Account, wish: Wish) -> Given | None:
    """Bring the budget up to date, alone with it, and try once more."""
    with transaction.atomic(using=CONTROL_ALIAS, durable=True), connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(HOLD, account._terms)
        budget, is_counted = cursor.fetchone()
        _take_back(cursor, [budget])
        if not is_counted:
            cursor.execute(COUNT, {**account._terms, "budget": budget})
        return _grant(account, wish)


def _take_back(cursor: Any, budgets: list[UUID]) -> None:
    """Take back leases of budgets that this transaction has locked."""
    cursor.execute(ENDED, {"budgets": budgets, "grace": GRACE, "locks": LOCKS})
    if leases := [lease for (lease,) in cursor.fetchall()]:
        cursor.execute(TAKE_BACK, {"leases": leases, "budgets": budgets})

"""What this process may spend of budgets without asking anybody: leases, each of them for a few seconds.

A lease is twice as large as what was spent of the one before, so a busy process asks seldom, and a quiet one holds
nothing back. What it took and did not spend, because a transaction failed or it was killed, comes back when the lease
is over; `billing.limits.budgets` says how.
"""

import atexit
import os
import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog

from billing.limits import budgets
from billing.limits.budgets import Account, Wish

MOST_POCKETS: Final = 20_000
# A lease is left alone a little before its end, as the database's refusal costs a statement.
MARGIN: Final = 0.5
log = structlog.get_logger("rowhouse.billing")


class BudgetSpent(Exception):
    """Nothing is left of a budget."""


@dataclass(slots=True)
class Lease:
    """Units of one budget that this process may spend until a moment."""

    account: Account
    id: UUID
    key: int
    units: int
    left: int
    # How much of the limit was granted when it was given, and what the limit was.
    granted: int
    hard: int
    expires_at: datetime
    until: float

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.until

    def covers(self, at: datetime) -> bool:
        """Whether a use of that moment can be spent from it now."""
        return self.is_open and self.account.period.has(at)

    def end(self) -> None:
        """Spend no more from it: the database says that its time is over."""
        self.until = 0.0

    @property
    def taken(self) -> int:
        return self.units - self.left


class Pocket:
    """This process's lease of one budget. Who finds it empty asks for all that wait."""

    def __init__(self, account: Account, holder: UUID) -> None:
        self.account, self._holder = account, holder
        self._lock = threading.Lock()
        self._lease: Lease | None = None

    def take(self, units: int, hard: int) -> Lease:
        """Units to spend now, of a limit that is so high; raises BudgetSpent."""
        with self._lock:
            lease = self._lease
            if lease is None or lease.left < units or lease.hard > hard or not lease.is_open:
                lease = self._lease = self._another(units, hard)
            lease.left -= units
            return lease

    def empty(self) -> Lease | None:
        """Forget the lease; it, where something can be given back."""
        with self._lock:
            lease, self._lease = self._lease, None
        return lease if lease is not None and lease.left and lease.is_open else None

    @property
    def is_over(self) -> bool:
        return self._lease is None or not self._lease.is_open

    def _another(self, units: int, hard: int) -> Lease:
        before, self._lease = self._lease, None
        if before is not None and before.left and before.is_open:
            budgets.give_back([(before.id, before.taken, before.left)])
        asked, key = time.monotonic(), random.getrandbits(31)
        given = budgets.grant(self.account, Wish(self._holder, key, units, _wanted(before), hard))
        if given is None:
            raise BudgetSpent
        until = asked + budgets.LEASED_FOR - MARGIN
        return Lease(
            self.account,
            given.id,
            key,
            given.units,
            given.units,
            given.granted,
            hard,
            given.expires_at,
            until,
        )


class Purse:
    """All leases of this process."""

    def __init__(self) -> None:
        self.forget()

    def take(self, account: Account, units: int, hard: int) -> Lease:
        """Units to spend now; raises BudgetSpent."""
        pocket = self._pockets.get(account)
        if pocket is None:
            pocket = self._pockets.setdefault(account, Pocket(account, self._holder))
            if len(self._pockets) > MOST_POCKETS:
                self._clear()
        return pocket.take(units, hard)

    def give_back(self) -> None:
        """Give back what nobody has begun to spend: the process ends."""
        rests = [lease for pocket in list(self._pockets.values()) if (lease := pocket.empty())]
        if not rests:
            return
        try:
            budgets.give_back([(lease.id, lease.taken, lease.left) for lease in rests])
        except Exception as error:  # noqa: BLE001  (they come back by themselves in a few seconds)
            log.warning("leases_not_given_back", leases=len(rests), error=str(error))

    def forget(self) -> None:
        """Begin anew, in this process only: what was leased before is not this one's to spend."""
        self._holder = uuid4()
        self._pockets: dict[Account, Pocket] = {}

    def _clear(self) -> None:
        for account, pocket in list(self._pockets.items()):
            if pocket.is_over:
                self._pockets.pop(account, None)


def _wanted(before: Lease | None) -> int:
    """Twice what was spent of the lease before, if that was lately."""
    lately = before is not None and time.monotonic() < before.until + budgets.LEASED_FOR
    return min(budgets.LARGEST, 2 * before.taken) if before is not None and lately else 1


purse = Purse()
atexit.register(purse.give_back)
# A child would spend the same leases once more.
os.register_at_fork(after_in_child=purse.forget)

"""Reserving of budgets: units that are taken before something is done, and spent by the record of its use."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billing.limits import budgets
from billing.limits.allowing import Allowances, allowances_of
from billing.limits.budgets import Account
from billing.limits.leases import BudgetSpent, Lease, purse
from billing.limits.notices import note_soft
from billing.limits.refusals import limit_reached
from billing.plans.versions import Limit
from billing.pricing.periods import month_of
from tenants.context import Tenant

# Limits of what is counted by the month, with the meter that counts it.
BUDGETS: Final[dict[Limit, str]] = {Limit.ORDERS_PER_MONTH: "orders_placed"}
# Where only a notice is wanted, there is no end to the budget.
NO_END: Final = 2**60


@dataclass(slots=True)
class Reservation:
    """Units of a budget for something that is about to happen. Without a record of it they come back by themselves."""

    tenant: Tenant
    limit: Limit
    units: int
    lease: Lease | None

    def lease_at(self, at: datetime) -> Lease | None:
        """What a use of that moment is spent from; another lease where the first is over. None without a limit."""
        if self.lease is None or not self.lease.covers(at):
            self.lease = take(self.tenant, self.limit, self.units, at)
        return self.lease


def account_of(tenant: Tenant, limit: Limit, at: datetime) -> Account:
    """The budget of a limit that a moment falls into."""
    return Account(tenant.schema, limit.value, BUDGETS[limit], month_of(at))


def take(tenant: Tenant, limit: Limit, units: int, at: datetime) -> Lease | None:
    """Take units of what a tenant may use in the month of that moment; raises LimitReached. None without a limit."""
    allowances = allowances_of(tenant)
    allowed = allowances.allowed(limit)
    if allowed.hard is None and allowed.soft is None:
        return None
    account = account_of(tenant, limit, at)
    try:
        lease = purse.take(account, units, NO_END if allowed.hard is None else allowed.hard)
    except BudgetSpent:
        raise _refusal(tenant, allowances, limit, account) from None
    note_soft(limit, allowed, used=lease.granted - lease.left)
    return lease


def _refusal(tenant: Tenant, allowances: Allowances, limit: Limit, account: Account) -> Exception:
    used = budgets.used_of(account) or 0
    return limit_reached(tenant, allowances, limit, used=used, resets_at=account.period.end)

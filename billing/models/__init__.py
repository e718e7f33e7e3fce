"""Billing's tables. Private to billing: others write through `billing.usage.ledger` and ask `billing.entitlements`."""

from billing.models.accounts import (
    ENDED,
    OPEN,
    Case,
    Customer,
    Deed,
    StripeInvoice,
    Subscription,
)
from billing.models.alerts import SourceHour, SpendCap, UsageAlert, UsageWatch
from billing.models.allowances import Budget, Lease, Override
from billing.models.apart import LateItem
from billing.models.letters import Letter
from billing.models.money_back import MoneyBack
from billing.models.plans import PublishedPlan
from billing.models.usage import (
    CurrentTransaction,
    CurrentUser,
    Difference,
    Export,
    Fold,
    Lane,
    Rollup,
    UsageRecord,
)

__all__ = [
    "ENDED",
    "OPEN",
    "Budget",
    "Case",
    "CurrentTransaction",
    "CurrentUser",
    "Customer",
    "Deed",
    "Difference",
    "Export",
    "Fold",
    "Lane",
    "LateItem",
    "Lease",
    "Letter",
    "MoneyBack",
    "Override",
    "PublishedPlan",
    "Rollup",
    "SourceHour",
    "SpendCap",
    "StripeInvoice",
    "Subscription",
    "UsageAlert",
    "UsageRecord",
    "UsageWatch",
]

"""Billing's tables. Private to billing: others write through `billing.usage` and ask `billing.entitlements`."""

from billing.models.alerts import SourceHour, SpendCap, UsageAlert, UsageWatch
from billing.models.plans import PublishedPlan
from billing.models.usage import (
    CurrentTransaction,
    CurrentUser,
    Customer,
    Difference,
    Export,
    Fold,
    Lane,
    Rollup,
    UsageRecord,
)

__all__ = [
    "CurrentTransaction",
    "CurrentUser",
    "Customer",
    "Difference",
    "Export",
    "Fold",
    "Lane",
    "PublishedPlan",
    "Rollup",
    "SourceHour",
    "SpendCap",
    "UsageAlert",
    "UsageRecord",
    "UsageWatch",
]

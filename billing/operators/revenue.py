"""What subscriptions bring in a month and how that has moved, and what each tenant brings and costs: for operators.

A subscription counts with the base price of its version, a year's by its twelfth, without use and discounts; while
it is tried or unpaid it counts with nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from billing.meters import METERS
from billing.models import StripeInvoice, Subscription
from billing.operators.costs import costs
from billing.plans.catalogue import plan_version
from billing.pricing.periods import Period, month_of
from billing.pricing.rating import ZERO, rate, to_cents
from shared_apps.clients.models import Client
from shared_apps.clients.standing import EVENT
from tenants.audit.models import AuditEntry
from tenants.routers import CONTROL_ALIAS

Status = Subscription.Status
PAYING: Final = (Status.ACTIVE, Status.PAST_DUE)
MONTHS_A_YEAR: Final = 12
Version = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Recurring:
    """What a month brings by base prices in one currency: at its begin, what moved since, and now."""

    currency: str
    tenants: int
    before: Decimal
    new: Decimal
    expansion: Decimal
    contraction: Decimal
    churned: Decimal
    now: Decimal


def base_of(plan: str, number: int) -> tuple[str, Decimal]:
    """The currency and the base price of a version, for a month; nothing of a version that nobody knows."""
    try:
        version = plan_version(plan, number)
    except LookupError:
        return "EUR", ZERO
    months = MONTHS_A_YEAR if version.interval == "year" else 1
    return version.currency, to_cents(version.terms.base / months)


def recurring(now: datetime) -> list[Recurring]:
    """What subscriptions bring a month, by currency, and how it has moved since the month began."""
    begin = month_of(now).begin
    rows = list(
        Subscription.objects.filter(~Q(status=Status.INCOMPLETE) & (_open() | Q(ended_at__gte=begin)))
    )
    paid = [row for row in rows if _paid_at(row, begin)]
    earlier = {tenant: base_of(*version) for tenant, version in _versions_at(begin, paid).items()}
    today = {row.tenant: base_of(row.plan, row.plan_version) for row in rows if row.status in PAYING}
    currencies = sorted({currency for currency, _ in (*earlier.values(), *today.values())})
    return [_moved(currency, _in(currency, earlier), _in(currency, today)) for currency in currencies]


def _open() -> Q:
    return Q(
        status__in=[status for status in Status if status not in (Status.CANCELED, Status.INCOMPLETE_EXPIRED)]
    )


def _paid_at(row: Subscription, at: datetime) -> bool:
    """Whether somebody paid for it at a moment, as far as one can tell afterwards."""
    has_begun = row.started_at < at and (row.trial_end is None or row.trial_end <= at)
    return has_begun and (row.ended_at is None or row.ended_at >= at)


def _in(currency: str, amounts: Mapping[str, tuple[str, Decimal]]) -> dict[str, Decimal]:
    """The tenants that bring anything in this currency."""
    return {tenant: amount for tenant, (each, amount) in amounts.items() if each == currency and amount}


def _moved(currency: str, earlier: dict[str, Decimal], today: dict[str, Decimal]) -> Recurring:
    """A tenant is one thing in a month: new, gone, or with another price, however often it went to and fro."""
    stayed = {tenant: today[tenant] - earlier[tenant] for tenant in today.keys() & earlier.keys()}
    return Recurring(
        currency=currency,
        tenants=len(today),
        before=_sum(earlier.values()),
        new=_sum(today[tenant] for tenant in today.keys() - earlier.keys()),
        expansion=_sum(change for change in stayed.values() if change > 0),
        contraction=_sum(change for change in stayed.values() if change < 0),
        churned=-_sum(earlier[tenant] for tenant in earlier.keys() - today.keys()),
        now=_sum(today.values()),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _versions_at(begin: datetime, rows: Sequence[Subscription]) -> dict[str, Version]:
    """The plans of some subscriptions at a moment: from what they are now, by what the audit log tells, backwards."""
    found = {row.tenant: (row.plan, row.plan_version) for row in rows}
    names: dict[UUID | None, str] = {}
    ended = {row.tenant for row in rows if not row.is_open}
    clients = Client.objects.filter(schema_name__in=list(found))
    for pk, schema, plan, number in clients.values_list("pk", "schema_name", "plan", "plan_version"):
        names[pk] = schema
        # What has ended is not what the tenant has; the log leads back from that to what it had.
        found[schema] = (plan, number) if schema in ended else found[schema]
    entries = AuditEntry.objects.using(CONTROL_ALIAS).filter(
        verb=EVENT, at__gte=begin, target_id__in=list(names)
    )
    for target, data in entries.order_by("-id").values_list("target_id", "data"):
        plan, number = found[names[target]]
        found[names[target]] = (_from(data, "plan", plan), _from(data, "plan_version", number))
    return found


def _from(data: dict[str, Any], name: str, otherwise: Any) -> Any:
    return data[name]["from"] if name in data else otherwise


# By tenant


@dataclass(frozen=True, slots=True)
class Account:
    """What one tenant brings and costs in the month so far, in the currency of its plan."""

    client: Client
    subscription: Subscription | None
    currency: str
    base: Decimal
    revenue: Decimal
    invoiced: Decimal
    cost: Decimal
    used: Mapping[str, int]

    @property
    def margin(self) -> Decimal | None:
        """What is left; unknown where it costs in another currency."""
        return self.revenue - self.cost if self.currency == costs().currency else None

    @property
    def by_meter(self) -> list[int]:
        """The use in the meters' order."""
        return [self.used.get(meter, 0) for meter in METERS]

    @property
    def percent(self) -> int | None:
        """The margin as a part of the revenue."""
        return round(self.margin * 100 / self.revenue) if self.margin is not None and self.revenue else None


def tenants(search: str = "") -> QuerySet[Client]:
    """The tenants that can pay, those that do first; sandboxes are never billed."""
    paying = Subscription.objects.filter(tenant=OuterRef("schema_name"), status__in=PAYING)
    rows = Client.objects.filter(sandbox_of=None).annotate(is_paying=Exists(paying))
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(subdomain__icontains=search))
    return rows.order_by("-is_paying", "name", "pk")


def accounts(clients: Sequence[Client], now: datetime) -> list[Account]:
    """What some tenants bring and cost in the month so far, by three queries."""
    month, schemas = month_of(now), [client.schema_name for client in clients]
    used = _used(schemas, month)
    paid = {row.tenant: row for row in Subscription.objects.filter(tenant__in=schemas).filter(_open())}
    invoiced = dict(
        StripeInvoice.objects.filter(
            tenant__in=schemas, issued_at__gte=month.begin, status__in=("open", "paid")
        )
        .order_by()
        .values_list("tenant")
        .annotate(amount=Sum(F("total") - F("tax")))
    )
    return [
        _account(
            client,
            paid.get(client.schema_name),
            used[client.schema_name],
            invoiced.get(client.schema_name, ZERO),
        )
        for client in clients
    ]


def every_account(now: datetime, search: str = "", *, at_once: int = 500) -> Iterator[Account]:
    """All of them, some hundreds at a time."""
    rows, begin = tenants(search), 0
    while page := list(rows[begin : begin + at_once]):
        yield from accounts(page, now)
        begin += at_once


def _account(
    client: Client, subscription: Subscription | None, used: Mapping[str, int], invoiced: Decimal
) -> Account:
    cost = costs().of(used)
    if subscription is None or subscription.status not in PAYING:
        currency, _ = base_of(client.plan, client.plan_version)
        return Account(client, subscription, currency, ZERO, ZERO, invoiced, cost, used)
    version = subscription.plan, subscription.plan_version
    return Account(client, subscription, *base_of(*version), _running(version, used), invoiced, cost, used)


def _running(version: Version, used: Mapping[str, int]) -> Decimal:
    """The base price and what the use of the month comes to so far."""
    try:
        return rate(plan_version(*version).terms, used).total
    except LookupError:
        return ZERO


USED: Final = """
    SELECT tenant, meter, sum(quantity)::bigint, (array_agg(quantity ORDER BY hour DESC))[1]
      FROM billing_rollup
     WHERE tenant = ANY(%s) AND meter = ANY(%s) AND hour >= %s AND hour < %s
     GROUP BY tenant, meter"""


def _used(schemas: Sequence[str], month: Period) -> dict[str, dict[str, int]]:
    """What each tenant has used of each meter; of a gauge what it stood at last."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(USED, [list(schemas), list(METERS), month.begin, month.end])
        for tenant, meter, total, last in cursor.fetchall():
            found[tenant][meter] = METERS[meter].figure(total, last)
    return found

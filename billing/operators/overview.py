"""The operators' page about money: what comes in, what each tenant brings and costs, and what waits for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, Q, Sum
from django.urls import reverse

from billing.meters import METERS
from billing.models import Case, Difference, Export, StripeInvoice
from billing.operators.costs import costs
from billing.operators.revenue import Account, Recurring, accounts, every_account, recurring, tenants
from billing.outbox.services import RETRIED
from billing.pricing.periods import month_of
from shared_apps.clients.models import Client
from shared_apps.inbox.models import ReceivedEvent
from tenants.users.operators import operators

PAGE: Final = 50
SOON: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that somebody should look at: how much of it there is, and where."""

    label: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What customers owe by invoices that are open, in one currency."""

    currency: str
    amount: Decimal
    invoices: int


@dataclass(frozen=True)
class Overview:
    """The page."""

    month: datetime
    recurring: list[Recurring]
    owed: list[Owed]
    waiting: list[Waiting]
    page: Page[Client]
    accounts: list[Account]
    cost_currency: str


def overview(now: datetime, *, search: str = "", page: str | int = 1) -> Overview:
    """Everything on the page, by a number of queries that does not depend on how many tenants there are."""
    shown = Paginator(tenants(search), PAGE).get_page(page)
    return Overview(
        month=month_of(now).begin,
        recurring=recurring(now),
        owed=_owed(),
        waiting=_waiting(now),
        page=shown,
        accounts=accounts(list(shown), now),
        cost_currency=costs().currency,
    )


def _owed() -> list[Owed]:
    rows = StripeInvoice.objects.filter(status="open", amount_remaining__gt=0).order_by("currency")
    sums = rows.values_list("currency").annotate(amount=Sum("amount_remaining"), invoices=Count("pk"))
    return [Owed(*row) for row in sums]


def _waiting(now: datetime) -> list[Waiting]:
    """What waits: first what a machine could not do, then what customers are about to notice."""
    counted = Client.objects.filter(status=Client.Status.ACTIVE).aggregate(
        trials=Count("pk", Q(trial_ends_at__gte=now, trial_ends_at__lt=now + SOON)),
        **{access: Count("pk", Q(access=access)) for access in ("grace", "read_only", "closed")},
    )
    exports = Export.objects.filter(status__in=RETRIED).count()
    differences = Difference.objects.filter(status=Difference.Status.OPEN).count()
    dead = ReceivedEvent.objects.dead().count()
    cases = Case.objects.filter(status=Case.Status.OPEN).count()
    return [
        Waiting("Messages to Stripe that failed", exports, _list(Export, "status__in=refused,unclear")),
        Waiting("Open differences", differences, _list(Difference, "status__exact=open")),
        Waiting(
            "Events that were given up",
            dead,
            _list(ReceivedEvent, "status__exact=dead"),
        ),
        Waiting("Open cases", cases, _list(Case, "status__exact=open")),
        Waiting("Tenants in grace", counted["grace"], _list(Client, "access__exact=grace")),
        Waiting("Read-only tenants", counted["read_only"], _list(Client, "access__exact=read_only")),
        Waiting("Closed tenants", counted["closed"], _list(Client, "access__exact=closed")),
        Waiting("Trials that end within seven days", counted["trials"], _list(Client, "o=6")),
    ]


def _list(model: type[Model], query: str) -> str:
    """A list of the admin, where there is one."""
    if not operators.is_registered(model):
        return ""
    meta = model._meta
    address = reverse(
        f"operators:{meta.app_label}_{meta.model_name}_changelist", urlconf=settings.PUBLIC_URLCONF
    )
    return f"{address}?{query}"


# As a file

HEADER: Final = (
    "tenant", "subdomain", "plan", "version", "access", "subscription", "currency", "base", "revenue", "invoiced",
    "cost", "margin", *METERS,
)  # fmt: skip


def lines(now: datetime, search: str = "") -> Iterator[list[Any]]:
    """A line for each tenant, in the order of the page."""
    for each in every_account(now, search):
        client, held = each.client, each.subscription
        yield [
            client.name, client.subdomain, client.plan, client.plan_version, client.access, held.status if held else "",
            each.currency, each.base, each.revenue, each.invoiced, each.cost,
            "" if each.margin is None else each.margin, *each.by_meter,
        ]  # fmt: skip

"""What a tenant has with us at this moment: its plan, how it stands, its dates, its card. Nothing is written here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from django.utils import timezone

from billing.models import Customer, StripeInvoice, Subscription
from billing.plans.catalogue import PlanVersion, plan_of, plan_version
from billing.pricing.money import amount_of
from billing.pricing.periods import Period, month_of
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.context import Tenant

SOON: Final = timedelta(days=30)
Status = Subscription.Status


class State(StrEnum):
    """How a tenant stands with its plan, in one word."""

    FREE = "free"  # a plan that costs nothing
    GRANTED = "granted"  # a plan that costs something, without a subscription: operators gave it
    TRIAL = "trial"  # ours: nothing was bought yet, and nothing is charged
    INCOMPLETE = "incomplete"  # bought, and waiting for the first payment
    TRIALING = "trialing"  # bought, and charged from the end of the trial on
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    ENDED = "ended"


CHANGEABLE: Final = {State.TRIALING, State.ACTIVE}
BOUGHT: Final = {State.TRIALING, State.ACTIVE, State.PAST_DUE, State.UNPAID, State.PAUSED}


@dataclass(frozen=True)
class Contract:
    """A tenant's plan with everything that says how it stands."""

    tenant: Tenant
    version: PlanVersion
    # The one that runs, or else the one that ended last.
    subscription: Subscription | None
    customer: Customer | None
    # The oldest invoice that is open.
    owed: StripeInvoice | None
    now: datetime

    @property
    def running(self) -> Subscription | None:
        """The subscription, unless it has ended."""
        return self.subscription if self.subscription and self.subscription.is_open else None

    @property
    def state(self) -> State:
        """Where it stands: by the subscription that runs, and else by the tenant itself."""
        if (running := self.running) is not None:
            return State(running.status)
        if self.tenant.access == "closed":
            return State.ENDED
        if self.version.is_free:
            return State.FREE
        return State.TRIAL if self.tenant.trial_ends_at else State.GRANTED

    @property
    def is_bought(self) -> bool:
        """Whether there is a subscription that can be changed."""
        return self.state in BOUGHT

    @property
    def is_ending(self) -> bool:
        return self.running is not None and self.running.is_ending

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself, unless it is resumed."""
        return self.running.cancel_at if self.running else None

    @property
    def trial_ends_at(self) -> datetime | None:
        """The end of a trial that runs, whoever keeps it."""
        if self.state is State.TRIALING and self.running:
            return self.running.trial_end
        return self.tenant.trial_ends_at if self.state is State.TRIAL else None

    @property
    def trial_days_left(self) -> int | None:
        """How many days of the trial are left, a begun one counted whole."""
        if (end := self.trial_ends_at) is None:
            return None
        return max(-(-(end - self.now) // timedelta(days=1)), 0)

    @property
    def read_only_at(self) -> datetime | None:
        """When a tenant whose payment failed can only read, unless it pays."""
        return self.tenant.access_until if self.tenant.access == "grace" else None

    @property
    def pending(self) -> PlanVersion | None:
        """The plan that follows at the end of the period."""
        running = self.running
        if running is None or not running.pending_plan or running.pending_version is None:
            return None
        return plan_version(running.pending_plan, running.pending_version)

    @property
    def pending_at(self) -> datetime | None:
        return self.running.pending_at if self.running else None

    @property
    def comes_first(self) -> str:
        """What has to be done before the plan can be changed; nothing where it can."""
        if self.is_ending:
            return "Keep the subscription first"
        return "" if self.state in CHANGEABLE else "Pay what is open first"

    def has_to_stay(self, plan: str) -> bool:
        """Whether choosing a plan means to keep the present one, where another was to follow."""
        return self.pending is not None and plan == self.version.key

    @property
    def pending_payment(self) -> bool:
        """Whether the plan that follows waits for an invoice to be paid."""
        running = self.running
        return running is not None and bool(running.pending_plan) and not running.schedule

    @property
    def tax_id(self) -> dict[str, str]:
        """The tax number that stands on invoices, as the form takes it."""
        known = self.customer.tax_ids if self.customer else []
        return {"kind": known[0]["type"], "value": known[0]["value"]} if known else {}

    @property
    def amount_due(self) -> Decimal | None:
        """What is open of the oldest unpaid invoice."""
        return self.owed.amount_remaining if self.owed else None

    @property
    def pay_url(self) -> str | None:
        """Where that is paid."""
        return self.owed.hosted_url if self.owed else None

    @cached_property
    def period(self) -> Period:
        """What is counted together for the next invoice."""
        if (running := self.running) is not None:
            return Period(running.period_start, running.period_end)
        return month_of(self.now)

    @property
    def card(self) -> "Card | None":
        """The card that pays, if one is known."""
        customer = self.customer
        return Card(customer, self.now) if customer and customer.has_card else None

    @property
    def balance(self) -> Decimal | None:
        """What Stripe takes off the next invoice (or adds, where negative); None where nothing waits."""
        if self.customer is None or not self.customer.balance:
            return None
        return -amount_of(self.customer.balance, self.version.currency)


@dataclass(frozen=True, slots=True)
class Card:
    """A card as people know it."""

    customer: Customer
    now: datetime

    @property
    def brand(self) -> str:
        return self.customer.card_brand

    @property
    def last4(self) -> str:
        return self.customer.card_last4

    @property
    def expires_on(self) -> str | None:
        """The last month, as cards say it."""
        return f"{self.customer.card_expires:%m/%y}" if self.customer.card_expires else None

    @property
    def is_expired(self) -> bool:
        return self._before(timedelta())

    @property
    def is_expiring(self) -> bool:
        """Whether it ends soon: its owner should give another one before that."""
        return self._before(SOON) and not self.is_expired

    def _before(self, ahead: timedelta) -> bool:
        expires = self.customer.card_expires
        return expires is not None and expires < (self.now + ahead).date()


def contract_of(tenant: Tenant, now: datetime | None = None) -> Contract:
    """What a tenant has, as it stands in the database: a process knows of changes elsewhere a little later."""
    tenant = as_tenant(Client.objects.get(pk=tenant.id))
    mine = Subscription.objects.filter(tenant=tenant.schema)
    found = sorted(mine.order_by("-started_at")[:5], key=lambda each: not each.is_open)
    owed = StripeInvoice.objects.filter(
        tenant=tenant.schema, status=StripeInvoice.Status.OPEN, amount_remaining__gt=0
    )
    return Contract(
        tenant=tenant,
        version=plan_of(tenant),
        subscription=found[0] if found else None,
        customer=Customer.objects.filter(tenant=tenant.schema, deleted_at=None).first(),
        owed=owed.order_by("issued_at").first(),
        now=now or timezone.now(),
    )

"""Thresholds that a tenant's use passes: each is told once, in the portal and by one letter to owners and admins.

The fold notes whose rollups have changed, in its own transaction. Whoever looks takes the note away and writes what
was passed in one transaction too, so a note is never lost and no threshold is told twice. What was told is not taken
back: a correction that brings use below a threshold again does not make it be told once more in that period.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from billing.limits.caps import hold_to_cap
from billing.meters import METERS
from billing.models import UsageAlert, UsageWatch
from billing.pricing.periods import Period
from billing.usage.summaries import UsageSummary, summary_of
from tenants.context import Tenant, current_tenant
from tenants.formats import money, whole
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS
from tenants.users.models import Role, User
from tenants.users.verification import tenant_url

PERCENTS: Final = (80, 100)
Kind = UsageAlert.Kind
# Longer ago than this nobody needs a letter about it any more.
MAILED_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is used of something that is allowed."""

    subject: str
    kind: str
    used: Decimal
    allowed: Decimal

    @property
    def passed(self) -> list[int]:
        """Which per cents of it are reached."""
        return [percent for percent in PERCENTS if self.used * 100 >= self.allowed * percent]


def look_at_all(now: datetime | None = None) -> int:
    """Look at each tenant that was noted up to now; how many thresholds were newly passed."""
    noted = UsageWatch.objects.filter(noted_at__lte=timezone.now()).order_by("noted_at")
    return sum(look_at(schema, now) for schema in noted.values_list("tenant", flat=True))


def look_at(schema: str, now: datetime | None = None) -> int:
    """Write what a tenant has newly passed, if it was noted and nobody else looks; how many thresholds that are."""
    tenant = directory.by_schema(schema)
    with transaction.atomic(using=CONTROL_ALIAS):
        noted = UsageWatch.objects.select_for_update(skip_locked=True).filter(pk=schema).first()
        if noted is None:
            return 0
        UsageWatch.objects.filter(pk=schema).delete()
        return _look(tenant, now or timezone.now()) if tenant is not None else 0


def _look(tenant: Tenant, now: datetime) -> int:
    summary = summary_of(tenant, now)
    hold_to_cap(tenant=tenant, spent=summary.spent, period=summary.period)
    passed = [(each, percent) for each in thresholds(summary) for percent in each.passed]
    told = UsageAlert.objects.filter(tenant=tenant.schema, period_begin=summary.period.begin)
    before = set(told.values_list("subject", "kind", "percent", "allowed")) if passed else set()
    news = [
        _alert(summary, each, percent)
        for each, percent in passed
        if (each.subject, each.kind, percent, each.allowed) not in before
    ]
    UsageAlert.objects.bulk_create(news, ignore_conflicts=True)
    return len(news)


def thresholds(summary: UsageSummary) -> Iterator[Threshold]:
    """Everything that is allowed so much of in this period, and how much was used."""
    for use in summary.meters:
        if use.included:
            yield Threshold(use.meter.key, Kind.INCLUDED, Decimal(use.used), Decimal(use.included))
        for kind, limit in ((Kind.SOFT, use.allowed.soft), (Kind.HARD, use.allowed.hard)):
            if limit:
                yield Threshold(use.meter.key, kind, Decimal(use.limited), Decimal(limit))
    if summary.cap.amount is not None:
        yield Threshold(UsageAlert.SPEND, Kind.CAP, summary.spent, summary.cap.amount)


def alerts_of(schema: str, period: Period) -> list[UsageAlert]:
    """What was told about a period, the highest of each kind, the newest first."""
    found: dict[tuple[str, str], UsageAlert] = {}
    for alert in UsageAlert.objects.filter(tenant=schema, period_begin=period.begin).order_by(
        "percent", "id"
    ):
        found[alert.subject, alert.kind] = alert
    return sorted(found.values(), key=lambda alert: alert.id, reverse=True)


def told_of(schema: str, period: Period) -> list[tuple[UsageAlert, str]]:
    """The same with their texts, for pages."""
    return [(alert, text_of(alert)) for alert in alerts_of(schema, period)]


def text_of(alert: UsageAlert) -> str:
    """An alert as people read it."""
    if alert.kind == Kind.CAP:
        spent, cap = money(alert.used, alert.currency), money(alert.allowed, alert.currency)
        done = "is reached" if alert.percent == 100 else f"is used up to {alert.percent} %"
        return f"Your spend cap of {cap} {done}: {spent} so far"
    meter = METERS[alert.subject]
    used, allowed = whole(int(alert.used)), whole(int(alert.allowed))
    if alert.kind == Kind.INCLUDED:
        done = "All" if alert.percent == 100 else f"{alert.percent} %"
        return f"{meter.title}: {done} of the {allowed} {meter.unit} that your plan includes are used: {used} so far"
    named = "limit" if alert.kind == Kind.HARD else "soft limit"
    month = "" if meter.is_gauge else " a month"
    done = "is reached" if alert.percent == 100 else f"is used up to {alert.percent} %"
    return f"{meter.title}: the {named} of {allowed} {meter.unit}{month} {done}: {used} so far"


def unmailed(now: datetime) -> list[str]:
    """The tenants with alerts that nobody has been written to about."""
    waiting = UsageAlert.objects.filter(mailed_at=None, created_at__gt=now - MAILED_WITHIN)
    return sorted(set(waiting.values_list("tenant", flat=True)))


def send_letters(now: datetime) -> int:
    """Write to the owners and admins of the current tenant about what was passed; how many letters that are.

    It is claimed first: a worker that dies now leaves a letter out, and the portal tells it all the same.
    """
    tenant = current_tenant()
    told = _claim(tenant.schema, now)
    if not told:
        return 0
    with transaction.atomic():
        people = User.objects.filter(role__in=[Role.OWNER, Role.ADMIN], is_active=True)
        addresses = list(people.values_list("email", flat=True))
    lines = [text_of(alert) for alert in told]
    context = {"tenant": tenant, "lines": lines, "link": tenant_url("/usage/")}
    body = render_to_string("billing/mail/alerts.txt", context)
    for address in addresses:
        send_mail(f"{tenant.name}: {_subject(lines)}", body, None, [address])
    return len(addresses)


def _claim(schema: str, now: datetime) -> list[UsageAlert]:
    """Take what nobody was written to about, of each kind the highest."""
    with transaction.atomic(using=CONTROL_ALIAS):
        waiting = UsageAlert.objects.select_for_update().filter(tenant=schema, mailed_at=None)
        found = {(alert.subject, alert.kind): alert for alert in waiting.order_by("percent", "id")}
        UsageAlert.objects.filter(tenant=schema, mailed_at=None).update(mailed_at=now)
    return [alert for alert in found.values() if alert.created_at > now - MAILED_WITHIN]


def _subject(lines: list[str]) -> str:
    return lines[0] if len(lines) == 1 else f"{len(lines)} things about your usage"


def _alert(summary: UsageSummary, threshold: Threshold, percent: int) -> UsageAlert:
    return UsageAlert(
        tenant=summary.tenant.schema,
        subject=threshold.subject,
        kind=threshold.kind,
        percent=percent,
        period_begin=summary.period.begin,
        period_end=summary.period.end,
        used=threshold.used,
        allowed=threshold.allowed,
        currency=summary.currency if threshold.kind == Kind.CAP else "",
    )

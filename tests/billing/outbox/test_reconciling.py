"""Reconciliation: what differs at Stripe is named, mended if it is small, and shown to operators if it is not."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import tasks
from billing.models import Difference, Export, Lane
from billing.outbox import reconciling, services
from billing.outbox.exporting import Exporter
from billing.stripe.sending import MeterEvent, Pace
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tests.billing import builders
from tests.billing.builders import Counting, customer_of, folded, use
from tests.cast import OPERATOR, PASSWORD

CLERK = Actor.system("a test")
LATER = timedelta(hours=5)


@pytest.fixture
def stripe() -> Counting:
    return Counting()


def export(stripe: Counting, after: timedelta = timedelta()) -> None:
    Exporter(stripe, pace=Pace(1e6), now=lambda: builders.NOW + after, threads=1).run()


def sent(tenant: Tenant, stripe: Counting, quantity: int, meter: str = "orders_placed") -> str:
    """Use of the last hour that has reached Stripe; the customer."""
    customer = customer_of(tenant)
    use(tenant, meter, quantity)
    folded()
    export(stripe)
    return customer


def compare(stripe: Counting, after: timedelta = LATER) -> dict[str, int]:
    begin = builders.HOUR - timedelta(hours=6)
    return dict(reconciling.reconcile(stripe, begin=begin, end=builders.HOUR, now=builders.NOW + after))


def rows() -> list[tuple[str, int, int, str]]:
    return list(
        Difference.objects.order_by("found_at", "id").values_list("kind", "expected", "found", "status")
    )


def test_what_agrees_is_nothing_to_tell(acme: Tenant, globex: Tenant, stripe: Counting) -> None:
    sent(acme, stripe, 7)
    sent(globex, stripe, 3, "seats")
    assert compare(stripe) == {"agreed": 2}
    assert rows() == []


@pytest.mark.parametrize("meter", ["orders_placed", "seats"])
@pytest.mark.parametrize(
    ("at_stripe", "kind"), [(0, "missing"), (95, "missing"), (105, "double")], ids=["none", "less", "more"]
)
def test_a_difference_is_named_and_a_small_one_is_mended(
    meter: str, at_stripe: int, kind: str, acme: Tenant, stripe: Counting
) -> None:
    customer = sent(acme, stripe, 100, meter)
    stripe.events = [MeterEvent(customer, f"rowhouse_{meter}", at_stripe, builders.LAST_HOUR, "x")] * bool(
        at_stripe
    )
    small = bool(at_stripe)
    assert compare(stripe) == {f"{kind}, mended" if small else kind: 1}
    assert rows() == [(kind, 100, at_stripe, "corrected" if small else "open")]
    if not small:
        Export.objects.update(settled_at=builders.NOW - timedelta(hours=2))
        with public_context():
            services.correct_difference(difference_id=Difference.objects.get().pk, actor=CLERK)
    export(stripe, LATER)
    assert compare(stripe, LATER * 2) == {"agreed": 1}
    assert not Difference.objects.filter(status="open").exists()


def test_what_is_on_its_way_is_late_and_not_mended(acme: Tenant, stripe: Counting) -> None:
    sent(acme, stripe, 5)
    stripe.events = []
    assert compare(stripe, timedelta(minutes=5)) == {"late": 1}
    with public_context(), pytest.raises(services.NotNow, match="on its way"):
        services.correct_difference(difference_id=Difference.objects.get().pk, actor=CLERK)
    sent(acme, stripe, 0)
    stripe.events = [MeterEvent(customer_of(acme), "rowhouse_orders_placed", 5, builders.LAST_HOUR, "x")]
    assert compare(stripe) == {"agreed": 1}
    assert rows() == [("late", 5, 0, "gone")]


def test_a_figure_that_does_not_stay_mended_is_shown_in_the_end(acme: Tenant, stripe: Counting) -> None:
    sent(acme, stripe, 100)
    for turn in range(1, 5):
        stripe.events = stripe.events[:1] * 0 + [
            MeterEvent(customer_of(acme), "rowhouse_orders_placed", 99, builders.LAST_HOUR, "x")
        ]
        compare(stripe, LATER * turn)
        export(stripe, LATER * turn)
    assert [status for *_, status in rows()] == ["corrected"] * 3 + ["open"]


def test_corrected_use_raises_a_revision_downwards_and_is_audited(acme: Tenant, stripe: Counting) -> None:
    sent(acme, stripe, 9)

    def correct() -> bool:
        return services.correct_usage(
            tenant=acme.schema,
            meter="orders_placed",
            quantity=-4,
            at=builders.LAST_HOUR,
            reason="a test",
            key="1",
            actor=CLERK,
        )

    with public_context():
        assert [correct(), correct()] == [True, False]
    folded()
    export(stripe)
    assert [event.value for event in stripe.events] == [9, -4]
    with public_context():
        entry = AuditEntry.objects.get(verb="usage.corrected")
    assert (entry.data["quantity"], entry.data["reason"]) == (-4, "a test")


@pytest.fixture
def operator() -> Client:
    browser = Client(headers={"host": "localhost"})
    browser.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    return browser


def an_export(tenant: Tenant, status: str, **more: object) -> UUID:
    settled = None if status == "waiting" else builders.NOW
    given = {
        "tenant": tenant.schema,
        "meter": "orders_placed",
        "hour": builders.LAST_HOUR,
        "revision": 1,
        "value": 3,
    }
    Lane.objects.get_or_create(tenant=tenant.schema, meter="orders_placed")
    row = Export.objects.create(
        **{
            **given,
            "at": builders.LAST_HOUR,
            "identifier": str(more),
            "status": status,
            "settled_at": settled,
            **more,
        }
    )
    return row.pk


def test_operators_see_usage_and_settle_what_is_unclear(
    operator: Client, acme: Tenant, stripe: Counting
) -> None:
    sent(acme, stripe, 7)
    refused, unclear = (
        an_export(acme, status, revision=turn + 5) for turn, status in enumerate(["refused", "unclear"])
    )
    for page in ("rollup", "export", "difference", "customer", f"export/{refused}/change"):
        answer = operator.get(f"/admin/billing/{page}/")
        assert answer.status_code == 200, page
        assert page == "difference" or acme.schema in answer.content.decode(), page
    retry, accept = f"/admin/billing/export/{refused}/retry/", f"/admin/billing/export/{unclear}/accept/"
    assert b"Send this message again" in operator.get(retry).content
    assert Export.objects.get(pk=refused).status == "refused", "a link changes nothing"
    operator.post(retry)
    operator.post(accept)
    assert [Export.objects.get(pk=pk).status for pk in (refused, unclear)] == ["waiting", "sent"]
    assert operator.post(retry).status_code == 403, "it waits already"
    assert operator.get("/admin/billing/export/nonsense/retry/").status_code == 403
    with public_context():
        verbs = set(AuditEntry.objects.values_list("verb", "actor_label"))
    assert {("usage_export.retried", OPERATOR), ("usage_export.accepted", OPERATOR)} <= verbs


def test_operators_correct_or_dismiss_differences(
    operator: Client, acme: Tenant, stripe: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(acme, stripe, 500)
    stripe.events = []
    monkeypatch.setattr("billing.operators.usage.gateway", lambda: stripe)
    monkeypatch.setattr(reconciling, "LAG", timedelta(days=-1))
    monkeypatch.setattr(services, "last_days", lambda now: (builders.HOUR - timedelta(days=1), builders.HOUR))
    page = reverse("operators:billing_difference_reconcile", urlconf=settings.PUBLIC_URLCONF)
    assert b"Reconcile the last two days" in operator.get(page).content
    operator.post(page)
    found = Difference.objects.get()
    assert (found.kind, found.status) == ("missing", "open")
    operator.post(f"/admin/billing/difference/{found.pk}/dismiss/")
    assert Difference.objects.get().status == "dismissed"


def test_operators_are_written_to_about_what_has_waited_for_a_week(acme: Tenant) -> None:
    tasks.reconcile_last_days.apply()
    assert mail.outbox == []
    an_export(acme, "waiting", hour=timezone.now() - timedelta(days=8))
    tasks.reconcile_last_days.apply()
    (letter,) = mail.outbox
    assert letter.to == [OPERATOR]
    assert "1 messages about usage" in letter.body

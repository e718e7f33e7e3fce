"""What operators see of money, and how they take something off their queue."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing.accounts import letters
from billing.accounts.cases import open_case
from billing.models import Case, LateItem, Letter, MoneyBack, StripeInvoice, Subscription
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tests.cast import OPERATOR, PASSWORD


@pytest.fixture
def operator() -> Client:
    browser = Client(headers={"host": "localhost"})
    browser.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    return browser


@pytest.fixture
def rows(acme: Tenant) -> dict[str, UUID]:
    """One row of each kind."""
    now, ten = timezone.now(), Decimal(10)
    amounts = dict.fromkeys(
        ("subtotal", "tax", "total", "amount_due", "amount_paid", "amount_remaining"), ten
    )
    of = {"tenant": acme.schema, "currency": "EUR"}
    period = {"period_start": now, "period_end": now}
    made = [
        Subscription.objects.create(
            **of, **period, stripe_id="sub_1", plan="team", plan_version=2, status="active", started_at=now
        ),
        StripeInvoice.objects.create(
            **of, **period, **amounts, stripe_id="in_1", status="open", issued_at=now
        ),
        MoneyBack.objects.create(
            **of, stripe_id="re_1", kind="refund", amount=ten, status="succeeded", happened_at=now
        ),
        LateItem.objects.create(
            **of,
            period_start=now,
            period_end=now + timedelta(days=1),
            plan="team",
            plan_version=2,
            amount=ten,
        ),
    ]
    with public_context():
        open_case(kind="dispute", tenant=acme.schema, object_id="dp_1", text="€10.00 is disputed.")
    made += [Case.objects.get(), Letter.objects.get()]
    return {row._meta.model_name or "": row.pk for row in made}


def test_each_page_shows_its_rows_with_the_tenant_by_name(operator: Client, rows: dict[str, UUID]) -> None:
    for page, name in rows.items():
        for path in (f"/admin/billing/{page}/", f"/admin/billing/{page}/{name}/change/"):
            answer = operator.get(path)
            assert answer.status_code == 200, path
            assert page == "letter" or "/admin/clients/client/" in answer.content.decode(), path


def test_a_case_is_settled_once_with_a_note_and_news_about_it_is_another(
    operator: Client, rows: dict[str, UUID], acme: Tenant
) -> None:
    page = f"/admin/billing/case/{rows['case']}/settle/"
    assert "€10.00 is disputed." in operator.get(page).content.decode()
    operator.post(page, {"note": " "})
    assert Case.objects.get().status == "open", "without a note nothing is settled"
    operator.post(page, {"note": "Evidence was sent."})
    case = Case.objects.get()
    assert (case.status, case.note, case.settled_by) == ("settled", "Evidence was sent.", OPERATOR)
    assert operator.post(page, {"note": "Again."}).status_code == 403
    assert operator.get("/admin/billing/case/nonsense/settle/").status_code == 403
    with public_context():
        entry = AuditEntry.objects.get(verb="billing_case.settled")
        for text in ("€10.00 is disputed.", "It was lost.", "It was lost."):
            open_case(kind="dispute", tenant=acme.schema, object_id="dp_1", text=text)
        letters.post_due()
    assert entry.data["note"] == "Evidence was sent."
    assert [(case.status, case.text) for case in Case.objects.order_by("created_at")] == [
        ("settled", "€10.00 is disputed."),
        ("open", "It was lost."),
    ]
    assert [(message.subject, message.to) for message in mail.outbox] == [
        ("A payment is disputed", [OPERATOR])
    ] * 2


def test_a_letter_that_the_mail_server_refuses_is_tried_again_and_holds_no_other_up(
    monkeypatch: pytest.MonkeyPatch, acme: Tenant
) -> None:
    with public_context():
        for turn in range(2):
            letters.write(kind="change_dropped", key=f"k{turn}", tenant=acme.schema, facts={"plan": "Team"})
        sent: list[object] = []

        def send(*given: object, **more: object) -> int:
            sent.append(given)
            if len(sent) == 1:
                raise OSError("try later")
            return mail.send_mail(*given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr("billing.accounts.letters.send_mail", send)
        assert [letters.post_due(), letters.post_due()] == [1, 0]
        late = Letter.objects.get(sent_at=None)
        assert (late.tries, late.error) == (1, "OSError: try later")
        Letter.objects.update(due_at=timezone.now())
        assert [letters.post_due(), len(mail.outbox)] == [1, 2]

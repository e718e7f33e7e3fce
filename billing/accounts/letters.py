"""Letters about money: written down with what they tell of, mailed after the commit, and once whatever happens.

Two workers never hold one letter: its next try is put off before it is mailed. Who is killed in between has it
mailed again; only a kill between the mail server's yes and our note of it makes two of one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.core.mail import send_mail
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from billing.models import Customer, Letter
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.context import tenant_context
from tenants.routers import CONTROL_ALIAS
from tenants.users.models import Role, User
from tenants.users.verification import tenant_url

SUBJECTS: Final = {
    "trial_ending": "The trial of {tenant} ends soon",
    "own_trial_ending": "The trial of {tenant} ends soon",
    "own_trial_over": "The trial of {tenant} is over",
    "payment_failed": "A payment for {tenant} has failed",
    "payment_action": "A payment for {tenant} needs your confirmation",
    "payment_recovered": "Thank you: the payment for {tenant} has arrived",
    "invoice_overdue": "An invoice of {tenant} is overdue",
    "change_dropped": "The change of plan of {tenant} was not made",
    "subscription_ended": "The subscription of {tenant} has ended",
    "operators": "{subject}",
}
HELD: Final = timedelta(minutes=5)
MOST_TRIES: Final = 50
log = structlog.get_logger("rowhouse.billing")


@dataclass(frozen=True, slots=True)
class Post:
    """What goes into the mail."""

    subject: str
    body: str
    to: list[str]


def write(*, kind: str, key: str, tenant: str = "", facts: Mapping[str, Any]) -> None:
    """Have a letter mailed after this transaction, unless one with this key was written before."""
    assert kind in SUBJECTS, f"{kind} has no subject"
    given = json.loads(json.dumps(dict(facts), cls=DjangoJSONEncoder))
    Letter.objects.bulk_create(
        [Letter(kind=kind, key=key, tenant=tenant, facts=given)], ignore_conflicts=True
    )
    # Robust: the minutely sweep mails what the queue did not hear of.
    transaction.on_commit(_post_soon, using=CONTROL_ALIAS, robust=True)


def on(at: datetime | None) -> str:
    """A day as letters say it, the same for every reader."""
    return f"{at.day} {at:%B %Y}" if at else ""


def card_of(customer: Customer) -> str:
    """The card that is charged, as its owner knows it."""
    return f"{customer.card_brand} ending in {customer.card_last4}" if customer.card_last4 else ""


def was_written(*keys_begin: str) -> bool:
    """Whether there is a letter whose key begins like one of these."""
    return any(Letter.objects.filter(key__startswith=each).exists() for each in keys_begin)


def tell_operators(*, key: str, subject: str, text: str) -> None:
    """Have all operators written to."""
    write(kind="operators", key=key, facts={"subject": subject, "text": text})


def post_due() -> int:
    """Mail every letter that is due; how many arrived."""
    due = Letter.objects.filter(sent_at=None, due_at__lte=timezone.now(), tries__lt=MOST_TRIES)
    return sum(_post(letter) for letter in due.order_by("due_at")[:500])


def _post(letter: Letter) -> bool:
    now = timezone.now()
    mine = Letter.objects.filter(pk=letter.pk, sent_at=None, tries=letter.tries)
    if not mine.update(tries=F("tries") + 1, due_at=now + HELD * (1 + letter.tries)):
        return False
    try:
        _mail(_posted(letter))
    except Exception as error:  # one mailbox that refuses must not hold the others up
        log.exception("billing.letter_failed", key=letter.key)
        Letter.objects.filter(pk=letter.pk).update(error=f"{type(error).__name__}: {error}")
        return False
    Letter.objects.filter(pk=letter.pk).update(sent_at=timezone.now(), error="")
    return True


def _mail(post: Post) -> None:
    for address in post.to:
        send_mail(post.subject, post.body, None, [address])


def _posted(letter: Letter) -> Post:
    if not letter.tenant:
        people = User.objects.filter(is_active=True).values_list("email", flat=True)
        return Post(SUBJECTS[letter.kind].format(**letter.facts), _body(letter, {}), list(people))
    client = Client.objects.filter(schema_name=letter.tenant).first()
    if client is None:  # the tenant has gone since, and its people with it
        return Post("", "", [])
    with tenant_context(as_tenant(client)):
        owners = _owners()
        body = _body(letter, {"tenant": client, "billing": tenant_url("/billing/")})
    return Post(SUBJECTS[letter.kind].format(tenant=client.name), body, owners)


def _owners() -> list[str]:
    with transaction.atomic():
        owners = User.objects.filter(role=Role.OWNER, is_active=True)
        return list(owners.values_list("email", flat=True))


def _body(letter: Letter, more: Mapping[str, Any]) -> str:
    return render_to_string(f"billing/mail/{letter.kind}.txt", {**letter.facts, **more})


def _post_soon() -> None:
    from billing.accounts.tasks import post_letters

    post_letters.delay()

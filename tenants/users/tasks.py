"""Mail to people, sent after the commit that it tells of."""

from uuid import UUID

from celery import shared_task
from django.db import transaction

from tenants.standing import Purpose
from tenants.tasks import TenantTask
from tenants.users.models import User
from tenants.users.passwords import send_reset
from tenants.users.team import send_invitation
from tenants.users.verification import send_verification


@shared_task(
    base=TenantTask, purpose=Purpose.SELF, autoretry_for=(OSError,), retry_backoff=True, max_retries=8
)
def mail_verification(user_id: str) -> None:
    """Mail the link that proves a person's address; an unreachable mail server is tried again."""
    with transaction.atomic():
        user = User.objects.get(pk=UUID(user_id))
    if user.email_verified_at is None:
        send_verification(user)


@shared_task(
    base=TenantTask, purpose=Purpose.SELF, autoretry_for=(OSError,), retry_backoff=True, max_retries=5
)
def mail_password_reset(user_id: str) -> None:
    """Mail the link that lets a person choose a new password."""
    with transaction.atomic():
        user = User.objects.get(pk=UUID(user_id))
    send_reset(user)


@shared_task(
    base=TenantTask, purpose=Purpose.UPKEEP, autoretry_for=(OSError,), retry_backoff=True, max_retries=8
)
def mail_invitation(user_id: str) -> None:
    """Mail an invitation, unless it was taken back or accepted since."""
    with transaction.atomic():
        person = User.objects.filter(pk=UUID(user_id), invited_at__isnull=False).first()
    if person is not None:
        send_invitation(person)

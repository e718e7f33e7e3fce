"""Setting a new password by a mailed link, for people who forgot theirs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Invalid
from tenants.signing import BadLink, sign, unsign
from tenants.throttling import Limit
from tenants.users.models import SignIn, User
from tenants.users.sign_ins import end_sign_ins
from tenants.users.verification import tenant_url

PURPOSE: Final = "reset-password"
GOOD_FOR: Final = timedelta(hours=1)
RESET_BY_ACCOUNT: Final = Limit("reset-account", most=5, seconds=3600)


def request_reset(*, email: str, address: str | None) -> None:
    """Mail a link to the person with this address, if there is one. The caller never learns whether."""
    account = email.strip().casefold()
    RESET_BY_ACCOUNT.refuse_beyond(account)
    RESET_BY_ACCOUNT.count(account)
    user = User.objects.filter(email__iexact=account, is_active=True, invited_at=None).first()
    if user is None:
        return
    actor = Actor(kind="user", id=user.id, label=user.email, address=address)
    record(actor=actor, verb="user.reset_requested", target=user)
    transaction.on_commit(lambda: _enqueue(user.id), robust=True)


def _enqueue(user_id: UUID) -> None:
    from tenants.users.tasks import mail_password_reset

    mail_password_reset.delay(str(user_id))


def send_reset(user: User) -> None:
    """Mail the link that lets the person choose a new password."""
    tenant = current_tenant()
    link = tenant_url(f"/reset/{sign(PURPOSE, [str(user.id), _state(user)])}/")
    context = {"user": user, "tenant": tenant, "link": link, "minutes": int(GOOD_FOR.total_seconds() // 60)}
    body = render_to_string("mail/reset_password.txt", context)
    send_mail(f"Choose a new password for {tenant.name}", body, None, [user.email])


def find_by_reset_link(token: str) -> User:
    """The person a mailed link belongs to; raises BadLink when it is old, changed or used already."""
    user_id, state = unsign(PURPOSE, token, max_age=GOOD_FOR)
    user = User.objects.filter(pk=UUID(user_id), is_active=True).first()
    if user is None or state != _state(user):
        raise BadLink("This link was used already, or the password has changed since. Ask for another one.")
    return user


@transaction.atomic
def reset_password(*, token: str, password: str, address: str | None) -> User:
    """Give the person behind the link a new password; every session and link made before ends with it."""
    user = User.objects.select_for_update().get(pk=find_by_reset_link(token).pk)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    actor = Actor(kind="user", id=user.id, label=user.email, address=address)
    record(actor=actor, verb="user.password_reset", target=user)
    end_sign_ins(actor=actor, user=user, because=SignIn.Ending.PASSWORD)
    return user


def _state(user: User) -> str:
    # Part of the link, so that a link is good once: it changes with the password.
    return user.get_session_auth_hash()[:16]

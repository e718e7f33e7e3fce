"""The people of a workspace: who is invited, what they may do, and when they leave. An owner always stays."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.signing import BadLink, sign, unsign
from tenants.users.accounts import TENANT_ROLES, EmailTaken
from tenants.users.models import Role, SignIn, User
from tenants.users.seats import seats
from tenants.users.sign_ins import end_sign_ins
from tenants.users.verification import tenant_url

PURPOSE: Final = "invitation"
GOOD_FOR: Final = timedelta(days=7)


class OwnersOnly(Forbidden):
    """Owners are the owners' business."""

    code = "owners_only"
    title = "Only an owner may do this"


class LastOwner(Conflict):
    """A workspace without an owner could not be managed any more."""

    code = "last_owner"
    title = "The last owner stays"


@transaction.atomic
def invite_person(*, actor: Actor, by: User, email: str, role: str, name: str = "") -> User:
    """Make room for somebody and mail them a link; nobody can sign in as them before they choose a password."""
    _check_role(by, role)
    seats.require(is_promised=False)
    person = User(email=email.strip(), name=name.strip(), role=role, invited_at=timezone.now())
    try:
        validate_email(person.email)
    except ValidationError as error:
        raise Invalid("Give an e-mail address such as ada@company.example.", field="email") from error
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise EmailTaken(f"{person.email} is of this workspace already.", field="email") from error
    record(actor=actor, verb="user.invited", target=person, data={"email": person.email, "role": role})
    _mail_after_commit(person.pk)
    return person


@transaction.atomic
def resend_invitation(*, actor: Actor, person: User) -> User:
    """Mail a new link; the one before it stops working."""
    now = timezone.now()
    if not _invited(person).update(invited_at=now, updated_at=now):
        raise Conflict(f"{person.email} has accepted already. There is nothing to send again.")
    record(actor=actor, verb="user.invitation_resent", target=person)
    _mail_after_commit(person.pk)
    person.refresh_from_db()
    return person


@transaction.atomic
def revoke_invitation(*, actor: Actor, by: User, person: User) -> None:
    """Take an invitation back: its link stops working, and nothing of it is left but the audit log."""
    _check_role(by, person.role)
    # Locked first: whoever accepts at this moment has come before or comes too late.
    if _invited(person).select_for_update().first() is None:
        raise Conflict(f"{person.email} has accepted already. Close the account instead.")
    record(actor=actor, verb="user.invitation_revoked", target=person, data={"email": person.email})
    # Without Django's collecting: it would look into tables that only public has. The database checks the rest.
    rows = _invited(person)
    rows._raw_delete(rows.db)


def send_invitation(person: User) -> None:
    """Mail the link that lets the person choose a password."""
    tenant = current_tenant()
    link = tenant_url(f"/invitation/{sign(PURPOSE, [str(person.pk), _state(person)])}/")
    context = {"user": person, "tenant": tenant, "link": link, "days": GOOD_FOR.days}
    body = render_to_string("mail/invitation.txt", context)
    send_mail(f"Your account at {tenant.name}", body, None, [person.email])


def find_by_invitation(token: str) -> User:
    """The person a mailed invitation is for; raises BadLink when it is old, taken back or accepted."""
    user_id, state = unsign(PURPOSE, token, max_age=GOOD_FOR)
    person = User.objects.filter(pk=UUID(user_id), is_active=True, invited_at__isnull=False).first()
    if person is None or state != _state(person):
        raise BadLink(
            "This invitation was used, replaced by a newer one, or taken back. Ask for another one."
        )
    return person


@transaction.atomic
def accept_invitation(*, token: str, name: str, password: str, address: str | None) -> User:
    """Choose a name and a password; the mailed link has proved the address."""
    person = User.objects.select_for_update(no_key=True).get(pk=find_by_invitation(token).pk)
    seats.require(is_promised=True)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    person.set_password(password)
    person.name, person.invited_at, person.email_verified_at = name.strip(), None, timezone.now()
    person.save(update_fields=["name", "password", "invited_at", "email_verified_at", "updated_at"])
    actor = Actor(kind="user", id=person.pk, label=person.email, address=address)
    record(actor=actor, verb="user.invitation_accepted", target=person)
    return person


@transaction.atomic
def change_role(*, actor: Actor, by: User, person: User, role: str) -> User:
    """Give somebody another role; it counts from their next request."""
    person = _locked(person)
    _check_role(by, role)
    _check_role(by, person.role)
    if person.role == role:
        return person
    _keep_an_owner(person)
    before, person.role = person.role, role
    person.save(update_fields=["role", "updated_at"])
    record(actor=actor, verb="user.role_changed", target=person, data={"from": before, "to": role})
    return person


@transaction.atomic
def transfer_ownership(*, actor: Actor, by: User, to: User) -> User:
    """Make somebody else an owner and step down to admin, both or neither."""
    if by.pk == to.pk or not to.is_active or to.is_invited:
        raise Conflict("Choose somebody else, who has accepted their invitation and whose account is open.")
    heir = change_role(actor=actor, by=by, person=to, role=Role.OWNER)
    change_role(actor=actor, by=by, person=by, role=Role.ADMIN)
    return heir


@transaction.atomic
def deactivate_person(*, actor: Actor, by: User, person: User) -> User:
    """Close an account: sessions, tokens of their own and sign-in end at once; what they did stays."""
    person = _locked(person)
    _check_role(by, person.role)
    if person.is_active:
        _keep_an_owner(person)
        person.is_active = False
        person.save(update_fields=["is_active", "updated_at"])
        record(actor=actor, verb="user.deactivated", target=person)
        end_sign_ins(actor=actor, user=person, because=SignIn.Ending.STATUS)
        person.refresh_from_db()
    return person


@transaction.atomic
def reactivate_person(*, actor: Actor, by: User, person: User) -> User:
    """Open a closed account again; sessions from before stay ended."""
    person = _locked(person)
    _check_role(by, person.role)
    if not person.is_active:
        seats.require(is_promised=False)
        person.is_active = True
        person.save(update_fields=["is_active", "updated_at"])
        record(actor=actor, verb="user.reactivated", target=person)
    return person


def _locked(person: User) -> User:
    """The person as they are now. All owners are locked first, in one order: who is the last one is decided here."""
    owners = User.objects.filter(role=Role.OWNER, is_active=True, invited_at=None).order_by("pk")
    list(owners.select_for_update(no_key=True))
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _keep_an_owner(person: User) -> None:
    others = User.objects.filter(role=Role.OWNER, is_active=True, invited_at=None).exclude(pk=person.pk)
    if person.role == Role.OWNER and not others.exists():
        raise LastOwner(f"{person.email} is the only owner. Make somebody else an owner first.")


def _check_role(by: User, role: str) -> None:
    if role not in TENANT_ROLES:
        raise Invalid(f"{role!r} is no role. Use one of {', '.join(TENANT_ROLES)}.", field="role")
    if role == Role.OWNER and by.role != Role.OWNER:
        raise OwnersOnly("Only an owner may make or change owners.")


def _invited(person: User) -> QuerySet[User]:
    return User.objects.filter(pk=person.pk, invited_at__isnull=False)


def _mail_after_commit(user_id: UUID) -> None:
    from tenants.users.tasks import mail_invitation

    transaction.on_commit(lambda: mail_invitation.delay(str(user_id)), robust=True)


def _state(person: User) -> str:
    return person.invited_at.isoformat() if person.invited_at else ""

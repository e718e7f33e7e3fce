"""People: created with a role, in a tenant's schema or, as operators, in public."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, router, transaction

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Invalid
from tenants.users.hashing import hashed
from tenants.users.models import Role, User

TENANT_ROLES = (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER)


class EmailTaken(Conflict):
    """Somebody in this realm has the address."""

    code = "email_taken"
    title = "This e-mail address is taken"


def create_user(*, email: str, password: str, role: str, actor: Actor, name: str = "") -> User:
    """Create a person of the current tenant; raises Invalid or EmailTaken."""
    current_tenant()
    if role not in TENANT_ROLES:
        raise Invalid(f"{role!r} is no role of a tenant. Use one of {', '.join(TENANT_ROLES)}.", field="role")
    return _create(User(email=email.strip(), name=name.strip(), role=role), password, actor)


def create_operator(*, email: str, password: str, actor: Actor) -> User:
    """Create an operator of the platform; call it in the public realm."""
    return _create(User(email=email.strip(), role=Role.OPERATOR), password, actor)


def _create(user: User, password: str, actor: Actor) -> User:
    try:
        validate_email(user.email)
    except ValidationError as error:
        raise Invalid("Give an e-mail address such as owner@company.example.", field="email") from error
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    user.password = hashed(password)
    try:
        with transaction.atomic(using=router.db_for_write(User)):
            user.save(force_insert=True)
            record(actor=actor, verb="user.created", target=user, data={"role": user.role})
    except IntegrityError as error:
        raise EmailTaken(f"{user.email} has an account here already.", field="email") from error
    return user

"""Signing a tenant up; what happens to it afterwards stands in `statuses` and `renaming`."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client, Domain
from shared_apps.clients.names import check_subdomain, lookalike
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import claim_schema, schema_entered
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant, tenant_context
from tenants.errors import Conflict, Invalid
from tenants.fields import strange_character
from tenants.hosts import directory
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import Role, User
from tenants.users.tasks import mail_verification


class SubdomainTaken(Conflict):
    """Another tenant has this name, or one that the eye confuses with it."""

    code = "subdomain_taken"
    title = "This subdomain is taken"


@dataclass(frozen=True)
class SignUp:
    """What a new customer tells: checked, with the password hashed already."""

    company: str
    subdomain: str
    email: str
    password_hash: str
    locale: str = "en"
    time_zone: str = "UTC"
    currency: str = "EUR"


def sign_up(
    *, company: str, subdomain: str, email: str, password: str, address: str | None = None, **preferences: str
) -> Client:
    """Make a client with its domain, schema and owner in one transaction; raises Invalid or SubdomainTaken.

    Two at once for one name: the second waits at the unique index and gets SubdomainTaken when the first commits.
    """
    order = _checked(company, subdomain, email, password, preferences)
    with transaction.atomic(using=MIGRATOR_ALIAS):
        client, owner = _create(order, address)
        # Robust: a queue that is down must not turn a finished sign-up into an error.
        # (A lambda: Django tells of a robust hook's failure by a name that a partial has not.)
        transaction.on_commit(lambda: _greet(client, owner), using=MIGRATOR_ALIAS, robust=True)
    directory.forget()
    return client


def as_tenant(client: Client) -> Tenant:
    """The client as the walls see it."""
    return Tenant(
        client.id, client.schema_name, client.name, client.host, client.status, client.locale, client.time_zone,
        client.currency,
    )  # fmt: skip


def _checked(company: str, subdomain: str, email: str, password: str, preferences: dict[str, Any]) -> SignUp:
    company, email = company.strip(), email.strip()
    if not company or len(company) > 120:
        raise Invalid("Give the company's name in 1 to 120 characters.", field="company")
    if (character := strange_character(company, multiline=False)) is not None:
        # It goes into the subject of letters and into the title of every page.
        raise Invalid(f"The company's name must not contain {character}: remove it.", field="company")
    name = check_subdomain(subdomain)
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid("Give an e-mail address such as owner@company.example.", field="email") from error
    try:
        validate_password(password, User(email=email, name=company))
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    return SignUp(company, name, email, make_password(password), **preferences)


def _create(order: SignUp, address: str | None) -> tuple[Client, User]:
    actor = Actor(kind="user", id=None, label=order.email, address=address)
    client = _insert_client(order, claim_schema())
    record(actor=actor, verb="client.signed_up", target=client, using=MIGRATOR_ALIAS)
    with schema_entered(client.schema_name):
        owner = _insert_owner(order, actor)
    # Last: it locks the row that all sign-ups share until the commit.
    raise_version(MIGRATOR_ALIAS)
    return client, owner


def _insert_client(order: SignUp, schema: Schema) -> Client:
    client = Client(
        id=schema.tenant_id,
        schema_name=schema.name,
        name=order.company,
        subdomain=order.subdomain,
        lookalike=lookalike(order.subdomain),
        locale=order.locale,
        time_zone=order.time_zone,
        currency=order.currency,
    )
    try:
        client.save(using=MIGRATOR_ALIAS, force_insert=True)
        Domain(tenant_id=client.id, domain=client.host).save(using=MIGRATOR_ALIAS, force_insert=True)
    except IntegrityError as error:
        raise _taken(order.subdomain) from error
    return client


def _insert_owner(order: SignUp, actor: Actor) -> User:
    owner = User(email=order.email, role=Role.OWNER, password=order.password_hash)
    owner.save(using=MIGRATOR_ALIAS, force_insert=True)
    record(actor=actor, verb="user.created", target=owner, data={"role": owner.role}, using=MIGRATOR_ALIAS)
    return owner


def _greet(client: Client, owner: User) -> None:
    with tenant_context(as_tenant(client)):
        mail_verification.delay(str(owner.id))


def _taken(subdomain: str) -> SubdomainTaken:
    return SubdomainTaken(
        f"The subdomain {subdomain!r}, or one that looks like it, belongs to somebody already. Choose another.",
        field="subdomain",
    )

"""Signing a tenant up; what happens to it afterwards stands in `statuses` and `renaming`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from shared_apps.clients.directory import RAISE_VERSION
from shared_apps.clients.models import Client, Domain
from shared_apps.clients.names import check_subdomain, lookalike
from shared_apps.clients.quarantine import NameInQuarantine, refuse_quarantined
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import claim_schema
from tenants.api.fields import strange_character
from tenants.audit.actors import Actor
from tenants.audit.services import audit_entry
from tenants.context import Tenant, tenant_context
from tenants.errors import Conflict, DomainError, Invalid, refuse_together
from tenants.hosts import directory
from tenants.messages import send_together
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS
from tenants.users.hashing import hashed
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


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new tenant starts with: its plan, and until when it may try that for nothing."""

    plan: str = Client.Plan.FREE
    plan_version: int = 1
    trial_ends_at: datetime | None = None


# Billing puts itself here, the last one counts; without any a tenant starts on the free plan.
beginnings: Final[list[Callable[[], Beginning]]] = []


def beginning() -> Beginning:
    """What a tenant starts with that signs up now."""
    return beginnings[-1]() if beginnings else Beginning()


def sign_up(
    *, company: str, subdomain: str, email: str, password: str, address: str | None = None, **preferences: str
) -> Client:
    """Make a client with its domain, schema and owner in one transaction.

    Raises Invalid, which tells of every mistake, SubdomainTaken or NameInQuarantine. Two at once for one name: the
    second waits at the unique index and gets SubdomainTaken when the first commits.
    """
    refuse_together(mistakes_in(company=company, subdomain=subdomain, email=email, password=password))
    name = check_subdomain(subdomain)
    order = SignUp(company.strip(), name, email.strip(), hashed(password), **preferences)
    with transaction.atomic(using=MIGRATOR_ALIAS):
        client, owner = _create(order, address)
        # Robust: a queue that is down must not turn a finished sign-up into an error.
        # (A lambda: Django tells of a robust hook's failure by a name that a partial has not.)
        transaction.on_commit(lambda: _greet(client, owner), using=MIGRATOR_ALIAS, robust=True)
    directory.forget()
    return client


def mistakes_in(**given: str) -> list[DomainError]:
    """What is wrong with the input of a sign-up, as far as it is given; each mistake names its field."""
    mistakes: list[DomainError] = []
    for field, check in CHECKS.items():
        try:
            if field in given:
                check(given)
        except DomainError as mistake:
            mistakes.append(mistake)
    return mistakes


def as_tenant(client: Client) -> Tenant:
    """The client as the walls see it, at the name that the platform gave it; `tenants.hosts` knows a primary one."""
    return Tenant(
        client.id, client.schema_name, client.name, client.host, client.status, client.locale, client.time_zone,
        client.currency, client.notice, client.delete_after, client.plan, client.plan_version, client.trial_ends_at,
        client.access, client.access_reason, client.access_since, client.access_until,
    )  # fmt: skip


def check_company(name: str, *, field: str = "name") -> None:
    """Refuse what is no name of a company."""
    company = name.strip()
    if not company or len(company) > 120:
        raise Invalid("Give the company's name in 1 to 120 characters.", field=field)
    if (character := strange_character(company, multiline=False)) is not None:
        # It goes into the subject of letters and into the title of every page.
        raise Invalid(f"The company's name must not contain {character}: remove it.", field=field)


def _check_email(given: dict[str, str]) -> None:
    try:
        validate_email(given["email"].strip())
    except ValidationError as error:
        raise Invalid("Give an e-mail address such as owner@company.example.", field="email") from error


def _check_password(given: dict[str, str]) -> None:
    owner = User(email=given.get("email", "").strip(), name=given.get("company", "").strip())
    try:
        validate_password(given["password"], owner)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error


CHECKS: Final[dict[str, Callable[[dict[str, str]], object]]] = {
    "company": lambda given: check_company(given["company"], field="company"),
    "subdomain": lambda given: _refuse_unless_free(check_subdomain(given["subdomain"])),
    "email": _check_email,
    "password": _check_password,
}


def _refuse_unless_free(name: str) -> None:
    """Refuse a name that is clearly not to be had, before a password is hashed and a schema claimed for it."""
    _refuse_quarantined(name, CONTROL_ALIAS)
    if Client.objects.using(CONTROL_ALIAS).filter(lookalike=lookalike(name)).exists():
        raise _taken(name)


def _refuse_quarantined(name: str, using: str) -> None:
    try:
        refuse_quarantined(f"{name}.{settings.PUBLIC_HOST}", None, using)
    except NameInQuarantine as refusal:
        refusal.field = "subdomain"
        raise


def _create(order: SignUp, address: str | None) -> tuple[Client, User]:
    actor = Actor(kind="user", id=None, label=order.email, address=address)
    client = _client(order, claim_schema())
    owner = User(email=order.email, role=Role.OWNER, password=order.password_hash)
    try:
        released = send_together(
            MIGRATOR_ALIAS,
            client,
            Domain(tenant_id=client.id, domain=client.host),
            audit_entry(actor=actor, verb="client.signed_up", target=client),
            # Once more, as the insertion may have waited for somebody's release of the very name.
            f"SELECT name FROM clients_releasedname WHERE name = '{client.host}'",
            f'SET LOCAL search_path = "{client.schema_name}", ext',
            owner,
            audit_entry(actor=actor, verb="user.created", target=owner, data={"role": owner.role}),
            "SET LOCAL search_path = public, ext",
            # Last: it locks the row that all sign-ups share until the commit.
            RAISE_VERSION,
        )
    except IntegrityError as error:
        raise _taken(order.subdomain) from error
    if released:
        _refuse_quarantined(order.subdomain, MIGRATOR_ALIAS)
    return client, owner


def _client(order: SignUp, schema: Schema) -> Client:
    begun = beginning()
    return Client(
        plan=begun.plan,
        plan_version=begun.plan_version,
        trial_ends_at=begun.trial_ends_at,
        id=schema.tenant_id,
        schema_name=schema.name,
        name=order.company,
        subdomain=order.subdomain,
        lookalike=lookalike(order.subdomain),
        locale=order.locale,
        time_zone=order.time_zone,
        currency=order.currency,
    )


def _greet(client: Client, owner: User) -> None:
    with tenant_context(as_tenant(client)):
        mail_verification.delay(str(owner.id))


def _taken(subdomain: str) -> SubdomainTaken:
    return SubdomainTaken(
        f"The subdomain {subdomain!r}, or one that looks like it, belongs to somebody already. Choose another.",
        field="subdomain",
    )

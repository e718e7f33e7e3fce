"""The people and tenants of all tests: two tenants, the first with a person for each role, and an operator."""

from dataclasses import dataclass

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, sign_up
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.accounts import create_operator, create_user
from tenants.users.models import User

PASSWORD = "correct horse battery"
ROLES = ("owner", "admin", "member", "viewer")
OPERATOR = "operator@platform.example"


@dataclass(frozen=True)
class Person:
    """Somebody of the cast."""

    email: str
    role: str
    tenant: Tenant

    @property
    def user(self) -> User:
        """Their row, read in a transaction of its own."""
        with unit_of_work(self.tenant):
            return User.objects.get(email=self.email)


def make_cast() -> None:
    """Sign both tenants up and people the first; run once, before the database is copied for the workers."""
    for name, currency in (("acme", "GBP"), ("globex", "EUR")):
        client = sign_up(
            company=name.title(),
            subdomain=name,
            email=f"owner@{name}.example",
            password=PASSWORD,
            currency=currency,
        )
        # A trial would end in the middle of somebody's test; said to nobody, as if it had always been so.
        Client.objects.filter(pk=client.pk).update(plan="free", plan_version=1, trial_ends_at=None)
        with unit_of_work(as_tenant(client)):
            for role in ROLES[1:]:
                create_user(
                    email=f"{role}@{name}.example",
                    password=PASSWORD,
                    role=role,
                    actor=Actor.system("the cast"),
                )
    with public_context():
        create_operator(email=OPERATOR, password=PASSWORD, actor=Actor.system("the cast"))


def tenant_named(subdomain: str) -> Tenant:
    """A tenant of the cast."""
    return as_tenant(Client.objects.get(subdomain=subdomain))

"""The one company of the untenanted side."""

from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate

from bench.peers.call import Call
from bench.peers.ours import fill, product_list
from tenants.context import Tenant, current
from tenants.models import uuid7
from tenants.users.models import Role, User


def prepare(tenants: int) -> list[Call]:
    """Migrate one schema and fill it; without tenancy there is one company, however many are asked for.

    Tokens and cursors name a tenant. Here it is a constant, set once for the life of the process.
    """
    call_command(DjangoMigrate(), interactive=False, verbosity=0)
    current.set(Tenant(uuid7(), "t_plain", "Plain", "plain.localhost"))
    fill()
    user = User(email="owner@plain.example", role=Role.OWNER, password="!")
    user.save(force_insert=True)
    return [product_list("plain.localhost", user)]

"""The one company of the untenanted side."""

from dataclasses import replace

from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection

from bench.peers.call import Scenarios
from bench.peers.ours import fill, product_list
from shared_apps.fleet.bootstrap import search_statements
from tenants.context import Tenant, current
from tenants.models import uuid7
from tenants.users.models import Role, User


def prepare(tenants: int) -> Scenarios:
    """Migrate one schema and fill it; without tenancy there is one company, however many are asked for.

    Tokens and cursors name a tenant. Here it is a constant, set once for the life of the process.
    """
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA ext")
        cursor.execute("SET search_path = public, ext")
        cursor.execute(";".join(search_statements(connection.connection)))
    call_command(DjangoMigrate(), interactive=False, verbosity=0)
    current.set(Tenant(uuid7(), "t_plain", "Plain", "plain.localhost"))
    fill()
    user = User(email="owner@plain.example", role=Role.OWNER, password="!")
    user.save(force_insert=True)
    listed = product_list("plain.localhost", user)
    return {"list_ordinary": [replace(listed, headers=(("HTTP_COOKIE", "plain=yes"),))]}

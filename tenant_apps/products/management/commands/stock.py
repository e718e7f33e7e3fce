"""`stock`: whether the stock of tenants is what their ledgers add up to."""

from argparse import ArgumentParser
from collections.abc import Sequence
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.products.books import check_books, mend_books
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, unit_of_work


class Command(BaseCommand):
    help = "Compare levels and totals of stock with the sums of the ledger: manage.py stock [SUBDOMAIN …] [--mend]."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "tenants", nargs="*", metavar="SUBDOMAIN", help="the tenants; all active ones without"
        )
        parser.add_argument(
            "--mend", action="store_true", help="write levels and totals anew from the ledger"
        )

    def handle(self, *args: Any, tenants: Sequence[str], mend: bool, **options: Any) -> None:
        """Each tenant in a transaction of its own; fails when something is wrong and was not mended."""
        wrong = sum(self._check(tenant, mend) for tenant in _named(tenants))
        if wrong and not mend:
            raise CommandError(f"{wrong} figures differ from the ledger. Run it again with --mend.")
        self.stdout.write(f"{wrong} figures mended." if wrong else "All stock is the sum of its movements.")

    def _check(self, tenant: Tenant, mend: bool) -> int:
        actor = Actor.system(f"manage.py stock, by {getuser()}")
        with unit_of_work(tenant):
            found = mend_books(actor=actor) if mend else check_books()
        for each in found:
            self.stdout.write(f"{tenant.host}: {each}")
        return len(found)


def _named(subdomains: Sequence[str]) -> list[Tenant]:
    with public_context():
        clients = Client.objects.active()
        if subdomains:
            clients = clients.filter(subdomain__in=subdomains)
        found = [as_tenant(client) for client in clients]
    if subdomains and len(found) != len(set(subdomains)):
        raise CommandError(f"Not all of these are active tenants: {', '.join(subdomains)}.")
    return found

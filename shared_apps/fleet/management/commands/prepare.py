"""`prepare`: make a fresh or older database ready to serve."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.fleet.bootstrap import TooOld, bootstrap


class Command(BaseCommand):
    help = "Create logins and database, migrate every schema and, with --demo, seed the demo tenants. Can be repeated."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also seed the demo tenants")
        parser.add_argument(
            "--json", action="store_true", help="print the demo's hosts, logins and tokens as JSON"
        )

    def handle(self, *args: Any, demo: bool, json: bool, verbosity: int, **options: Any) -> None:
        """Every step leaves alone what is there already."""
        if not settings.ADMIN_DATABASE_URL:
            raise CommandError(
                "DATABASE_URL is not set: prepare needs the administrator's login to make the others."
            )
        try:
            bootstrap(settings.ADMIN_DATABASE_URL)
        except (psycopg.OperationalError, TooOld) as error:
            raise CommandError(f"The database cannot be prepared: {error}") from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise CommandError(
                f"The database cannot be prepared: {error}\nThe login of DATABASE_URL must be a superuser, or have "
                "CREATEROLE and own the database (CREATEDB makes it one of its own)."
            ) from error
        call_command("migrate", verbosity=0 if json else verbosity, interactive=False)
        if demo:
            call_command("seed_demo", json=json, stdout=self.stdout)

"""`create_operator`: let somebody into the operators' admin."""

from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.audit.actors import Actor
from tenants.context import public_context
from tenants.errors import DomainError
from tenants.users.accounts import create_operator


class Command(BaseCommand):
    help = "Create an operator of the platform; the password is asked for, or read from standard input with --stdin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, email: str, stdin: bool, **options: Any) -> None:
        """Create the operator in the public realm."""
        password = input() if stdin else getpass("Password: ")
        with public_context():
            try:
                create_operator(email=email, password=password, actor=Actor.system("create_operator"))
            except DomainError as error:
                raise CommandError(error.detail) from error
        self.stdout.write(f"{email} may now sign in at /admin/ of the public host.")

"""`tenant`: what operators do to one tenant, from the shell."""

import json
from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.clients import shell as clients
from shared_apps.clients.shell import Call, Verb
from shared_apps.lifecycle import shell as lifecycle
from tenants.audit.actors import Actor
from tenants.context import public_context
from tenants.errors import DomainError

VERBS: dict[str, Verb] = {**clients.VERBS, **lifecycle.VERBS}


class Command(BaseCommand):
    help = "Do something to one tenant: manage.py tenant VERB NAME, where NAME is its subdomain, host name or schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, verb in VERBS.items():
            of_verb = verbs.add_parser(name, help=verb.help, description=verb.help)
            of_verb.add_argument("name", help="its subdomain, host name or schema")
            verb.arguments(of_verb)
            of_verb.add_argument("--json", action="store_true", help="tell the outcome as JSON")

    def handle(self, *args: Any, verb: str, name: str, json: bool, **options: Any) -> None:
        """Do the verb in the public realm, as the person whose shell this is."""
        call = Call(
            actor=Actor.system(f"manage.py tenant, by {getuser()}"),
            name=name.strip().lower(),
            options=options,
            # With --json the output holds nothing but the document.
            out=self.stderr if json else self.stdout,  # type: ignore[arg-type]  # Django's wrappers are files
        )
        with public_context():
            try:
                outcome = VERBS[verb].run(call)
            except DomainError as error:
                raise CommandError(error.detail) from error
        self.stdout.write(_document(outcome) if json else _lines(outcome))


def _document(outcome: dict[str, Any]) -> str:
    return json.dumps(outcome, default=str, indent=2)


def _lines(outcome: dict[str, Any]) -> str:
    """One line for each value there is, the names lined up."""
    told = {name: value for name, value in outcome.items() if value not in (None, "", [])}
    width = max(map(len, told), default=0)
    return "\n".join(f"  {name:<{width}}  {_plain(value)}" for name, value in told.items())


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

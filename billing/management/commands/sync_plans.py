"""`sync_plans`: show what Stripe lacks of the plan files, and bring it there."""

import json
from argparse import ArgumentParser
from collections import Counter
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.plans.publishing import compare_plans, differing, synchronise_plans
from billing.plans.steps import Sign, Step
from tenants.audit.actors import Actor
from tenants.context import public_context
from tenants.errors import DomainError

WORDS = {Sign.NEW: "to make", Sign.CHANGED: "to change", Sign.DRIFT: "drifted", Sign.SAME: "in order"}


class Command(BaseCommand):
    help = (
        "Compare the plan files with Stripe: + is made, ~ is changed, = is in order, ! is not what it was. "
        "Nothing is done without --apply."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do what is shown")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, apply: bool, **options: Any) -> None:
        """Compare; do it if asked; refuse when people have to decide first."""
        with public_context():
            try:
                steps = compare_plans()
                self._tell(steps, apply, options)
                if apply:
                    synchronise_plans(actor=Actor.system(f"manage.py sync_plans, by {getuser()}"))
            except DomainError as error:
                raise CommandError(error.detail) from error

    def _tell(self, steps: list[Step], applied: bool, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(_document(steps, applied))
            return
        for step in steps if options["verbosity"] else differing(steps):
            self.stdout.write(f"  {step}")
        counted = Counter(step.sign for step in steps)
        told = ", ".join(f"{counted[sign]} {word}" for sign, word in WORDS.items() if counted[sign])
        way_on = "" if applied else " Do it with --apply."
        self.stdout.write(f"Plans: {told}." + (way_on if differing(steps) else " Nothing to do."))


def _document(steps: list[Step], applied: bool) -> str:
    rows = [{"sign": step.sign, "what": step.what, "text": step.text, "stops": step.stops} for step in steps]
    return json.dumps({"apply": applied, "differing": len(differing(steps)), "steps": rows}, indent=2)

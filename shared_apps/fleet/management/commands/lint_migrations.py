"""`lint_migrations`: refuse what is not safe to roll over a running fleet. Part of bin/test; asks no database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.fleet.rules import RULES
from shared_apps.fleet.safety import lint


class Command(BaseCommand):
    help = "Find operations in migrations that break the code which runs while the fleet is migrated."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("app_labels", nargs="*", metavar="app_label", help="only these apps")
        parser.add_argument("--rules", action="store_true", help="print every rule and leave")

    def handle(self, *args: Any, app_labels: list[str], rules: bool, **options: Any) -> None:
        """Print each finding with what to do instead; fail if there is one."""
        if rules:
            for name, rule in RULES.items():
                self.stdout.write(f"{name}\n  {rule.unsafe}\n  {rule.instead}")
            return
        found = lint(app_labels)
        for finding in found:
            self.stdout.write(f"{finding}\n")
        if found:
            raise CommandError(f"{len(found)} unsafe, see docs/migrations.md for how to write it safely.")

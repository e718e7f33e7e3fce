"""`fleet`: how the schemas stand, what a migration would do, the migration itself, and the doctor."""

import json
from dataclasses import asdict
from typing import IO, Any, cast

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from shared_apps.fleet.doctor import Finding, examine, mend
from shared_apps.fleet.management.commands.migrate import add_run_arguments
from shared_apps.fleet.models import Run, Schema
from shared_apps.fleet.pool import pool_level
from shared_apps.fleet.running import is_at_work
from shared_apps.fleet.standing import Kind, Standing, planned, standing
from tenants.routers import MIGRATOR_ALIAS


class Command(BaseCommand):
    help = "status: where the schemas are; plan: what migrate would do; migrate: do it; doctor: find and mend damage."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="status | plan | migrate | doctor")
        status = verbs.add_parser("status", help="generations, failures, the pool and the last run")
        status.add_argument("--json", action="store_true", help="one JSON object")
        verbs.add_parser("plan", help="what `migrate` would do")
        add_run_arguments(verbs.add_parser("migrate", help="the same as `manage.py migrate`"))
        doctor = verbs.add_parser(
            "doctor", help="compare every schema with what the ledger and the code say of it"
        )
        doctor.add_argument("schema", nargs="*", help="only these schemas")
        doctor.add_argument("--mend", action="store_true", help="mend what can be mended safely")
        doctor.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """One method a verb."""
        getattr(self, f"_{verb}")(options)

    def _plan(self, options: dict[str, Any]) -> None:
        self.stdout.write("\n".join(planned()))

    def _migrate(self, options: dict[str, Any]) -> None:
        known = ("workers", "wave", "canary", "only", "budget", "lock_timeout", "json", "verbosity")
        call_command(
            "migrate", stdout=self.stdout, stderr=self.stderr, **{name: options[name] for name in known}
        )

    def _status(self, options: dict[str, Any]) -> None:
        now = standing()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(now), default=str))
            return
        console = Console(file=cast("IO[str]", self.stdout._out), highlight=False)
        console.print(_kinds(now))
        for line in _sentences(now):
            console.print(line, markup=False)

    def _doctor(self, options: dict[str, Any]) -> None:
        left = 0
        for finding in examine(options["schema"] or None):
            mended = options["mend"] and finding.mendable and mend(finding)
            left += not mended
            self._tell(finding, mended, options["json"])
        if left:
            raise SystemExit(1)
        if not options["json"]:
            self.stdout.write("Nothing is left to mend.")

    def _tell(self, finding: Finding, mended: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**asdict(finding), "mended": mended}, default=str))
            return
        end = "Mended." if mended else f"{finding.advice}{' (--mend does it)' if finding.mendable else ''}"
        self.stdout.write(f"{finding.schema or 'database'}: {finding.what} {end}")


def _kinds(now: Standing) -> Table:
    table = Table(title="Schemas by generation", title_justify="left")
    for heading in ("generation", "catalog", "schemas", "owned", "ready", "failed", "needs"):
        table.add_column(
            heading, justify="left" if heading in ("generation", "catalog", "needs") else "right"
        )
    for kind in now.kinds:
        needs = "nothing" if not kind.steps else f"{len(kind.steps)} migrations, {kind.steps[0]} first"
        counts = (kind.schemas, kind.owned, kind.ready, kind.failed)
        table.add_row(kind.applied[:8], kind.fingerprint[:8], *map(str, counts), needs)
    return table


def _sentences(now: Standing) -> list[str]:
    level, run = pool_level(), now.last_run
    failed = Schema.objects.using(MIGRATOR_ALIAS).exclude(failure="").values_list("name", "failure")
    return [
        f"Public needs {len(now.public)} migrations." if now.public else "Public needs nothing.",
        f"Pool: {level.ready} of {level.wanted} ready, {level.reserved} reserved.",
        _last_run(run) if run else "No run yet.",
        *(f"Failed: {name}: {failure}" for name, failure in failed),
    ]


def _last_run(run: Run) -> str:
    began = f"{run.started_at:%Y-%m-%d %H:%M} UTC"
    if run.outcome != Run.Outcome.RUNNING:
        counts = f"{run.migrated} migrated, {run.failed} failed"
        return f"Last run: {began}, {run.get_outcome_display().lower()}, {counts}. {run.note}".rstrip()
    if is_at_work():
        return f"Last run: at work since {began}."
    return f"Last run: {began}, its process died. Run `manage.py migrate` again: it goes on where that one ended."


def _as_json(now: Standing) -> dict[str, Any]:
    run = now.last_run
    last = (
        {"id": run.id, "outcome": run.outcome, "started_at": run.started_at, "note": run.note}
        if run
        else None
    )
    return {
        "behind": now.behind,
        "public": [str(step) for step in now.public],
        "kinds": [_kind_as_json(kind) for kind in now.kinds],
        "pool": asdict(pool_level()),
        "last_run": last,
    }


def _kind_as_json(kind: Kind) -> dict[str, Any]:
    counts = {name: getattr(kind, name) for name in ("schemas", "owned", "ready", "failed")}
    steps = [str(step) for step in kind.steps]
    return {"applied": kind.applied, "fingerprint": kind.fingerprint, **counts, "steps": steps}

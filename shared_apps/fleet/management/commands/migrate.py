"""`migrate` of this project means the fleet: public, the template and its baseline, then every schema."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import DatabaseError
from django.db.migrations.exceptions import AmbiguityError, InconsistentMigrationHistory, NodeNotFoundError

from shared_apps.fleet.planning import KnowingLoader, Target
from shared_apps.fleet.progress import reporter
from shared_apps.fleet.running import AlreadyRunning, Options, Stopped, migrate_fleet
from shared_apps.fleet.standing import is_behind, planned
from tenants.routers import MIGRATOR_ALIAS

# What Django's command has beyond this one, and why it is not for a fleet.
REFUSED = {
    "fake_initial": "looks for tables schema by schema; use --fake with the names of the migrations",
    "run_syncdb": "makes tables without migrations, so that no two schemas could be told apart",
    "prune": "forgets migrations schema by schema; squash, deploy, and remove the parts afterwards",
}


class Command(DjangoMigrate):
    help = "Migrate the public schema, the template, and every schema of the fleet; what is done already costs nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=MIGRATOR_ALIAS)
        add_run_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse what cannot be right for a fleet, then run; a failure says which schema and how to go on."""
        if options["database"] != MIGRATOR_ALIAS:
            raise CommandError("Every schema is migrated over the migrator's login: leave --database out.")
        for name, reason in REFUSED.items():
            if options.get(name):
                raise CommandError(f"--{name.replace('_', '-')} is not for a fleet: it {reason}.")
        if options["app_label"] is None and options["fake"]:
            raise CommandError(
                "Name the app and the migration that --fake shall write down without running it."
            )
        targets = targets_of(options["app_label"], options["migration_name"])
        if options["plan"]:
            self.stdout.write("\n".join(planned(targets)))
        elif options["check_unapplied"]:
            if is_behind(targets):
                raise SystemExit(1)
        else:
            self._migrate(targets, options)

    def _migrate(self, targets: tuple[Target, ...], options: dict[str, Any]) -> None:
        report = reporter(self.stdout, lines=options["json"], quiet=not options["verbosity"])
        try:
            migrate_fleet(run_options(targets, options), report)
        except (AlreadyRunning, Stopped) as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, InconsistentMigrationHistory) as error:
            raise CommandError(f"The migration failed and was undone: {error}") from error


def add_run_arguments(parser: CommandParser) -> None:
    """How a run goes about it."""
    usual = Options()
    parser.add_argument("--workers", type=int, default=usual.workers, help="schemas migrated at once")
    parser.add_argument("--wave", type=int, default=usual.wave, help="schemas in a wave")
    parser.add_argument(
        "--canary",
        action="append",
        default=[],
        metavar="SCHEMA",
        help="goes before the first wave; can be repeated",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="SCHEMA",
        help="besides public and the template; can be repeated",
    )
    parser.add_argument("--budget", type=int, default=usual.budget, help="failed schemas that the run bears")
    parser.add_argument(
        "--lock-timeout",
        type=float,
        default=usual.lock_timeout,
        help="seconds to wait for a lock before the next try",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a bar")


def run_options(targets: tuple[Target, ...], options: dict[str, Any]) -> Options:
    """The options of a run from those of a command line."""
    return Options(
        targets=targets,
        fake=bool(options.get("fake")),
        workers=max(1, options["workers"]),
        wave=max(1, options["wave"]),
        canaries=tuple(options["canary"]),
        only=tuple(options["only"]),
        budget=max(0, options["budget"]),
        lock_timeout=options["lock_timeout"],
    )


def targets_of(app: str | None, name: str | None) -> tuple[Target, ...]:
    """What Django's command takes: an app, and a migration of it by its name's beginning, or zero."""
    if app is None:
        return ()
    loader = KnowingLoader([])
    if app not in loader.migrated_apps:
        known = ", ".join(sorted(loader.migrated_apps))
        raise CommandError(f"There is no app {app!r} with migrations; they are: {known}.")
    if name is None:
        return tuple(key for key in loader.graph.leaf_nodes() if key[0] == app)
    if name == "zero":
        return ((app, None),)
    try:
        return ((app, loader.get_migration_by_prefix(app, name).name),)
    except (AmbiguityError, KeyError, NodeNotFoundError) as error:
        raise CommandError(f"No single migration of {app} begins with {name!r}: {error}") from error

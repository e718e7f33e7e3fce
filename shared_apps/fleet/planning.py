"""Which migrations a kind of schema still needs, computed from the ledger without asking any schema."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.migrations import Migration
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunPython, SeparateDatabaseAndState
from django.db.migrations.state import ProjectState

from shared_apps.fleet.ledger import Migrations, digest_of
from tenants.routers import schemas_of

Target = tuple[str, str | None]
# What Django's loader keeps of the disk.
FROM_DISK = ("disk_migrations", "unmigrated_apps", "migrated_apps")
# What these modules hold does to equal schemas the same thing, whatever rows are in them.
KNOWN_OPERATIONS = ("django.db.migrations.operations.", "django.contrib.postgres.operations")


@dataclass(frozen=True)
class Step:
    """One migration of one kind of schema, and the rows of django_migrations it adds or takes away.

    Without a migration only the rows change: a squashed migration whose parts are all applied.
    """

    app: str
    name: str
    migration: Migration | None
    rows: tuple[tuple[str, str], ...]
    applied: tuple[tuple[str, str], ...]  # what a schema has after it
    backwards: bool = False

    def __str__(self) -> str:
        return f"{self.app}.{self.name}{' (backwards)' if self.backwards else ''}"

    @property
    def is_atomic(self) -> bool:
        return self.migration is None or self.migration.atomic

    @property
    def touches_tenants(self) -> bool:
        """Whether it does anything in a tenant's schema besides being written down there."""
        return self.migration is not None and schemas_of(self.app)[0]

    @property
    def touches_public(self) -> bool:
        """Whether it does anything in public besides being written down there."""
        return schemas_of(self.app)[1]

    @property
    def applied_digest(self) -> str:
        """The digest of the migrations after this step."""
        return digest_of(self.applied)


class Plan:
    """The way of one kind of schema from its applied migrations to the targets (all that exist, if none is named)."""

    def __init__(self, applied: Migrations, targets: Iterable[Target] = ()) -> None:
        self.applied = applied
        self.digest = digest_of(applied)
        self._loader = KnowingLoader(applied)
        self._planner = Planner(self._loader)
        self._targets = list(targets)

    @cached_property
    def steps(self) -> list[Step]:
        """What is to be done, in order; raises InconsistentMigrationHistory where no order can be right."""
        self._check_history()
        targets = self._targets or self._loader.graph.leaf_nodes()
        found = self._planner.migration_plan(targets)
        return list(self._chained([*self._squashed(), *found]))

    def state_before(self, step: Step) -> ProjectState:
        """Django's picture of the models as the step finds them."""
        state = ProjectState(real_apps=self._loader.unmigrated_apps)
        everything = self._planner.migration_plan(self._loader.graph.leaf_nodes(), clean_start=True)
        for migration, _ in everything:
            if step.backwards and migration == step.migration:
                break
            if (migration.app_label, migration.name) in self._loader.applied_migrations:
                migration.mutate_state(state, preserve=False)
        return state

    def depends_on(self, step: Step, others: Iterable[Step]) -> bool:
        """Whether a step stands on one of the others."""
        needed = set(self._loader.graph.forwards_plan((step.app, step.name)))
        return any((other.app, other.name) in needed for other in others)

    def _squashed(self) -> Iterator[tuple[Migration, None]]:
        known = set(self.applied)
        for key, migration in self._loader.replacements.items():
            if key not in known and known.issuperset(migration.replaces):
                yield migration, None

    def _chained(self, found: Iterable[tuple[Migration, bool | None]]) -> Iterator[Step]:
        """The steps, each knowing what is applied after it."""
        applied = set(self.applied)
        for migration, backwards in found:
            key = (migration.app_label, migration.name)
            rows = (key,) if backwards is None else (*migration.replaces, key)
            applied = applied - set(rows) if backwards else applied | set(rows)
            kept = None if backwards is None else migration
            yield Step(*key, kept, rows, tuple(sorted(applied)), bool(backwards))

    def _check_history(self) -> None:
        graph, applied = self._loader.graph, self._loader.applied_migrations
        for key in set(applied) & set(graph.node_map):
            for parent in graph.node_map[key].parents:
                if parent.key not in applied:
                    raise InconsistentMigrationHistory(
                        f"{key[0]}.{key[1]} is applied, but {parent.key[0]}.{parent.key[1]}, on which it stands, is"
                        " not. Compare django_migrations of the schema with the code that is being deployed."
                    )


class KnowingLoader(MigrationLoader):
    """Django's loader, told what is applied instead of asking a schema."""

    # What lies on the disk is the same for every kind.
    _disk: ClassVar[dict[str, Any]] = {}

    def __init__(self, applied: Migrations) -> None:
        self._applied: dict[tuple[str, str], Any] = dict.fromkeys(applied)
        super().__init__(None)

    def load_disk(self) -> None:
        """Read the migrations once a process."""
        if not self._disk:
            super().load_disk()
            self._disk.update({name: getattr(self, name) for name in FROM_DISK})
        vars(self).update({name: copy(value) for name, value in self._disk.items()})

    @property
    def applied_migrations(self) -> dict[tuple[str, str], Any]:
        return self._applied

    @applied_migrations.setter
    def applied_migrations(self, value: Any) -> None:
        """Django empties it when there is no connection to ask; it is known here already."""


class Planner(MigrationExecutor):
    """The planning half of Django's executor, which needs no connection."""

    def __init__(self, loader: MigrationLoader) -> None:
        self.loader = loader


def after(state: ProjectState, migration: Migration) -> ProjectState:
    """The models after a migration; the state that is given stays as it is."""
    return migration.mutate_state(state, preserve=True)


def narrowed(state: ProjectState, step: Step) -> ProjectState:
    """Of Django's models those that the step may look at; to build them all takes longer than most migrations.

    These are the app's own and whatever stands in a relation with them, directly or through others, before the step or
    after it. What is run by code of its own may look at every model and gets them all.
    """
    if step.migration is None or why_not_replayed(step):
        return state
    related = _neighbours(state, after(state, step.migration))
    found = {key for key in related if key[0] == step.app}
    reached = list(found)
    while reached:
        fresh = related[reached.pop()] - found
        found |= fresh
        reached += fresh
    return ProjectState({key: state.models[key] for key in found & state.models.keys()}, state.real_apps)


def _neighbours(*states: ProjectState) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The models that each model is related to, in either direction, or made from."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for state in states:
        for key, model in state.models.items():
            bases = {tuple(base.lower().split(".")) for base in model.bases if isinstance(base, str)}
            for other in {*state.relations[key], *bases}:
                found.setdefault(key, set()).add(other)
                found.setdefault(other, set()).add(key)
            found.setdefault(key, set())
    return found


def why_not_replayed(step: Step) -> str:
    """Why a migration must be run by Django's executor on each schema; empty when its statements can be replayed."""
    if step.migration is None or not step.touches_tenants:
        return ""  # the tables of such an app are in public only: a tenant's schema is not touched
    for operation in operations_of(step.migration.operations):
        if isinstance(operation, RunPython):
            if operation.code is not RunPython.noop:
                return "RunPython: what it does depends on the rows it finds"
        elif not type(operation).__module__.startswith(KNOWN_OPERATIONS) and not getattr(
            operation, "replayable", False
        ):
            return (
                f"{type(operation).__name__} is not Django's own; say `replayable = True` if it reads no rows"
            )
    return ""


def operations_of(operations: Iterable[Operation]) -> Iterator[Operation]:
    """What touches the database, looked up inside SeparateDatabaseAndState as well."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from operations_of(operation.database_operations)
        else:
            yield operation

"""The migration linter: what must not roll over a running fleet, where the code before it still serves requests.

Nothing here asks a database: each operation is held against the state that the migrations before it lead to.
"""

import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.postgres import operations as postgres
from django.db import connections, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.fields.related import RelatedField

from shared_apps.fleet.rules import OVERRIDE, RULES, SHORTEST_REASON
from tenants.routers import MIGRATOR_ALIAS, schemas_of

Column = Any  # a field of a model; which attributes it has follows from its class


@dataclass(frozen=True)
class Finding:
    """One operation that breaks one rule."""

    migration: str
    file: str
    operation: str
    target: str
    rule: str

    def __str__(self) -> str:
        rule = RULES[self.rule]
        lines = [
            f"{self.migration}: {' '.join(filter(None, (self.operation, self.target)))} [{self.rule}]",
            f"  why:      {rule.unsafe}",
            f"  instead:  {rule.instead}",
        ]
        if not self.rule.startswith("override-"):
            lines.append(
                f'  or write: {OVERRIDE} = {{"{self.operation}": "why it hurts nobody"}} in {self.file}'
            )
        return "\n".join(lines)


@dataclass
class Scene:
    """A migration in work: the state so far, and the tables that it has made itself."""

    app: str
    state: ProjectState
    made: set[tuple[str, str]] = field(default_factory=set)

    def model(self, name: str) -> ModelState:
        found: ModelState = self.state.models[self.app, name.lower()]
        return found

    def field_of(self, model: str, name: str) -> Column:
        """A field with its column's name and type, bound to its model."""
        return self.state.apps.get_model(self.app, model)._meta.get_field(name)

    def is_new(self, name: str) -> bool:
        """Whether no running code can know the table, or there is none."""
        options = self.model(name).options
        absent = options.get("proxy") or options.get("managed") is False
        return bool(absent) or (self.app, name.lower()) in self.made


Breach = tuple[str, str]  # a rule and what it is broken at
Check = Callable[[Scene, Any], Iterable[Breach]]
CHECKS: Final[dict[type[Operation], Check]] = {}


def _checks(*kinds: type[Operation]) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(kinds, check))
        return check

    return keep


def lint(labels: Iterable[str] = ()) -> list[Finding]:
    """What is unsafe in the migrations of our own apps, or of those named."""
    loader = MigrationLoader(None)
    chosen = set(labels) or {config.label for config in own_apps()}
    state, found = ProjectState(real_apps=loader.unmigrated_apps), list[Finding]()
    for key in _in_order(loader):
        migration = loader.graph.nodes[key]
        if migration.app_label in chosen:
            found += lint_migration(migration, state)
        state = migration.mutate_state(state, preserve=False)
    return found


def own_apps() -> list[AppConfig]:
    """Apps of this repository that have tables."""
    installed = Path(sysconfig.get_path("purelib"))
    listed = {*settings.TENANT_APPS, *settings.SHARED_APPS}
    found = (config for config in apps.get_app_configs() if config.name in listed)
    return [config for config in found if installed not in Path(config.path).parents]


def lint_migration(migration: migrations.Migration, state: ProjectState) -> list[Finding]:
    """What is unsafe in one migration, where `state` is that before it; reasons given in its file are held to it."""
    module = sys.modules.get(type(migration).__module__)
    reasons: Mapping[str, Any] = getattr(module, OVERRIDE, {})
    scene = Scene(migration.app_label, state.clone())
    found = [
        _finding(migration, type(operation).__name__, *breach)
        for operation, breach in _breaches(migration, scene)
    ]
    kept = [finding for finding in found if not _is_covered(finding, reasons)]
    return [*kept, *_bad_reasons(migration, found, reasons)]


def _in_order(loader: MigrationLoader) -> list[tuple[str, str]]:
    plan: dict[tuple[str, str], None] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        plan.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return list(plan)


def _finding(migration: migrations.Migration, operation: str, rule: str, target: str) -> Finding:
    name = type(migration).__module__
    file = name.replace(".", "/") + ".py"
    return Finding(f"{migration.app_label}.{migration.name}", file, operation, target, rule)


def _is_covered(finding: Finding, reasons: Mapping[str, Any]) -> bool:
    return finding.operation in reasons


def _bad_reasons(
    migration: migrations.Migration, found: list[Finding], reasons: Mapping[str, Any]
) -> Iterator[Finding]:
    used = {finding.operation for finding in found}
    for operation, reason in reasons.items():
        if operation not in used:
            yield _finding(migration, operation, "override-covers-nothing", "")
        elif not (isinstance(reason, str) and len(reason.strip()) >= SHORTEST_REASON):
            yield _finding(migration, operation, "override-without-reason", "")


def _breaches(migration: migrations.Migration, scene: Scene) -> Iterator[tuple[Operation, Breach]]:
    for operation in migration.operations:
        breaches = list(_of_operation(scene, operation))
        for breach in dict.fromkeys(breaches):
            yield operation, breach
        operation.state_forwards(scene.app, scene.state)
    yield from _of_whole(migration, scene)


def _of_operation(scene: Scene, operation: Operation) -> Iterator[Breach]:
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        yield from _of_parts(scene, operation)
        return
    check = next((CHECKS[kind] for kind in type(operation).__mro__ if kind in CHECKS), None)
    yield from check(scene, operation) if check else [("unknown-operation", "")]


def _of_parts(scene: Scene, operation: migrations.SeparateDatabaseAndState) -> Iterator[Breach]:
    """What touches the database is held to the rules; what only the state forgets must let new code write."""
    inner = Scene(scene.app, scene.state.clone(), scene.made)
    for part in operation.database_operations:
        yield from _of_operation(inner, part)
        part.state_forwards(inner.app, inner.state)
    for part in operation.state_operations:
        if isinstance(part, migrations.RemoveField) and _takes_no_silence(inner, part.model_name, part.name):
            yield "column-forgotten", f"{part.model_name}.{part.name}"


def _takes_no_silence(scene: Scene, model: str, name: str) -> bool:
    """Whether a column that is still there must be named by every INSERT."""
    known = scene.model(model).fields.get(name)
    return known is not None and not known.many_to_many and not known.null and not known.has_db_default()


# The whole migration


def _of_whole(migration: migrations.Migration, scene: Scene) -> Iterator[tuple[Operation, Breach]]:
    parts = [(outer, part) for outer in migration.operations for part in _flat(outer)]
    data = [outer for outer, part in parts if isinstance(part, migrations.RunPython)]
    if data and not all(_goes_with_data(scene, part) for _, part in parts):
        yield data[0], ("data-with-schema", "")
    yield from _of_validation(parts)
    yield from _of_transaction(migration, parts)


Parts = list[tuple[Operation, Operation]]


def _of_validation(parts: Parts) -> Iterator[tuple[Operation, Breach]]:
    added = {part.constraint.name for _, part in parts if isinstance(part, postgres.AddConstraintNotValid)}
    for outer, part in parts:
        if isinstance(part, postgres.ValidateConstraint) and part.name in added:
            yield outer, ("constraint-validated-at-once", part.name)


def _of_transaction(migration: migrations.Migration, parts: Parts) -> Iterator[tuple[Operation, Breach]]:
    if migration.atomic:
        for outer, part in parts:
            if _is_concurrent(part):
                yield outer, ("concurrently-in-transaction", "")
        return
    alone = len(parts) == 1 and isinstance(parts[0][1], migrations.RunPython)
    if not alone:
        for outer, part in parts:
            if not _is_concurrent(part):
                yield outer, ("half-done", "")


def _flat(operation: Operation) -> list[Operation]:
    """What an operation does to the database."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return [inner for part in operation.database_operations for inner in _flat(part)]
    return [operation]


def _goes_with_data(scene: Scene, part: Operation) -> bool:
    """Whether it may share a migration with RunPython: other data, a new table, or nothing in the database."""
    if isinstance(part, (migrations.RunPython, migrations.CreateModel, *NOTHING)):
        return True
    model = getattr(part, "model_name", None) or getattr(part, "name", "")
    return (scene.app, str(model).lower()) in scene.made


def _is_concurrent(part: Operation) -> bool:
    if isinstance(part, migrations.RunSQL):
        return "concurrently" in str(part.sql).lower()
    return isinstance(part, (postgres.AddIndexConcurrently, postgres.RemoveIndexConcurrently))


# Operations on tables


NOTHING: Final = (
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.AlterConstraint,
)


@_checks(
    *NOTHING,
    migrations.AlterModelTableComment,
    migrations.RemoveConstraint,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    postgres.RemoveIndexConcurrently,
    postgres.ValidateConstraint,
    postgres.CollationOperation,
)
def _harmless(scene: Scene, operation: Operation) -> Iterator[Breach]:
    """They hold a lock for an instant or take none, and running code sees no difference."""
    yield from ()


@_checks(migrations.CreateModel)
def _create_model(scene: Scene, operation: migrations.CreateModel) -> Iterator[Breach]:
    scene.made.add((scene.app, operation.name_lower))
    for name, column in operation.fields:
        yield from _of_any_column(scene, operation.name, name, column)
    if operation.options.get("unique_together") or operation.options.get("index_together"):
        yield "unnamed", operation.name
    for index in operation.options.get("indexes", ()):
        yield from _of_name(index.name)


@_checks(migrations.DeleteModel)
def _delete_model(scene: Scene, operation: migrations.DeleteModel) -> Iterator[Breach]:
    if not scene.is_new(operation.name):
        yield "table-removed", operation.name


@_checks(migrations.RenameModel)
def _rename_model(scene: Scene, operation: migrations.RenameModel) -> Iterator[Breach]:
    model = scene.model(operation.old_name)
    # With a table of its own name nothing happens, unless tables between two models carry the old one.
    stays = "db_table" in model.options and not any(known.many_to_many for known in model.fields.values())
    if not stays and not scene.is_new(operation.old_name):
        yield "table-renamed", operation.old_name
    if (scene.app, operation.old_name_lower) in scene.made:
        scene.made.add((scene.app, operation.new_name_lower))


@_checks(migrations.AlterModelTable)
def _alter_table(scene: Scene, operation: migrations.AlterModelTable) -> Iterator[Breach]:
    usual = f"{scene.app}_{operation.name_lower}"
    before = scene.model(operation.name).options.get("db_table") or usual
    if before != (operation.table or usual) and not scene.is_new(operation.name):
        yield "table-renamed", operation.name


@_checks(migrations.AlterUniqueTogether, migrations.AlterIndexTogether)
def _together(scene: Scene, operation: Any) -> Iterator[Breach]:
    before = {tuple(each) for each in scene.model(operation.name).options.get(operation.option_name) or ()}
    for columns in {tuple(each) for each in operation.option_value or ()} - before:
        yield "unnamed", ", ".join(columns)
        if not scene.is_new(operation.name):
            unique = isinstance(operation, migrations.AlterUniqueTogether)
            yield "constraint-blocks" if unique else "index-blocks", ", ".join(columns)


@_checks(migrations.AlterOrderWithRespectTo)
def _order(scene: Scene, operation: migrations.AlterOrderWithRespectTo) -> Iterator[Breach]:
    before = scene.model(operation.name).options.get("order_with_respect_to")
    if not scene.is_new(operation.name) and bool(before) != bool(operation.order_with_respect_to):
        yield "column-removed" if before else "column-required", f"{operation.name}._order"


@_checks(migrations.AddIndex)
def _add_index(scene: Scene, operation: migrations.AddIndex) -> Iterator[Breach]:
    yield from _of_name(operation.index.name)
    if not scene.is_new(operation.model_name):
        yield "index-blocks", operation.index.name


@_checks(postgres.AddIndexConcurrently)
def _add_index_concurrently(scene: Scene, operation: postgres.AddIndexConcurrently) -> Iterator[Breach]:
    yield from _of_name(operation.index.name)


@_checks(migrations.AddConstraint)
def _add_constraint(scene: Scene, operation: migrations.AddConstraint) -> Iterator[Breach]:
    if not scene.is_new(operation.model_name):
        yield "constraint-blocks", operation.constraint.name


@_checks(postgres.AddConstraintNotValid)
def _add_not_valid(scene: Scene, operation: postgres.AddConstraintNotValid) -> Iterator[Breach]:
    yield from ()


def _of_name(name: str) -> Iterator[Breach]:
    if re.search(r"_[0-9a-f]{6}_idx$", name):
        yield "unnamed", name


# Operations on columns


@_checks(migrations.AddField)
def _add_field(scene: Scene, operation: migrations.AddField) -> Iterator[Breach]:
    column: Column = operation.field
    target = f"{operation.model_name}.{operation.name}"
    yield from _of_any_column(scene, operation.model_name, operation.name, column)
    if scene.is_new(operation.model_name) or column.many_to_many:
        return
    if getattr(column, "generated", False) or _is_volatile(column):
        yield "column-rewrites", target
    elif not column.null and not column.has_db_default():
        yield "column-required", target
    # A column full of NULLs may be unique or refer to another table: nothing has to be looked at.
    if column.has_db_default() and (column.unique or column.remote_field):
        yield "constraint-blocks", target
    elif column.has_db_default() and column.db_index:
        yield "index-blocks", target


@_checks(migrations.RemoveField)
def _remove_field(scene: Scene, operation: migrations.RemoveField) -> Iterator[Breach]:
    if not scene.is_new(operation.model_name):
        yield "column-removed", f"{operation.model_name}.{operation.name}"


@_checks(migrations.RenameField)
def _rename_field(scene: Scene, operation: migrations.RenameField) -> Iterator[Breach]:
    column = scene.model(operation.model_name).fields[operation.old_name]
    if not column.db_column and not scene.is_new(operation.model_name):
        yield "column-renamed", f"{operation.model_name}.{operation.old_name}"


@_checks(migrations.AlterField)
def _alter_field(scene: Scene, operation: migrations.AlterField) -> Iterator[Breach]:
    target = f"{operation.model_name}.{operation.name}"
    yield from _of_any_column(scene, operation.model_name, operation.name, operation.field)
    if scene.is_new(operation.model_name):
        return
    after = Scene(scene.app, scene.state.clone())
    before_field = scene.field_of(operation.model_name, operation.name)
    operation.state_forwards(scene.app, after.state)
    after_field = after.field_of(operation.model_name, operation.name)
    for rule in _of_change(before_field, after_field):
        yield rule, target


def _of_change(before: Column, after: Column) -> Iterator[str]:
    if before.many_to_many or after.many_to_many:
        if _through(before) != _through(after):
            yield "table-removed"
        return
    if before.column != after.column:
        yield "column-renamed"
    yield from _of_type(before, after)
    if _is_narrower(before, after):
        yield "column-narrowed"
    if _gains_rule(before, after):
        yield "constraint-blocks"
    elif after.db_index and not before.db_index and not after.unique:
        yield "index-blocks"


def _of_type(before: Column, after: Column) -> Iterator[str]:
    old, new = _type_of(before), _type_of(after)
    lengths = _length(old), _length(new)
    if _collation(before) != _collation(after):
        yield "column-retyped"
    elif old == new or (lengths[0] and new == "text"):
        return
    elif lengths[0] and lengths[1]:
        if lengths[1] < lengths[0]:
            yield "column-narrowed"
    else:
        yield "column-retyped"


def _is_narrower(before: Column, after: Column) -> bool:
    loses_default = before.has_db_default() and not after.has_db_default() and not after.null
    return (before.null and not after.null) or loses_default


def _gains_rule(before: Column, after: Column) -> bool:
    return (
        (after.unique and not before.unique)
        or (after.primary_key != before.primary_key)
        or (_target(after) is not None and _target(after) != _target(before))
        or (_check_of(after) is not None and _check_of(after) != _check_of(before))
    )


def _target(column: Column) -> str | None:
    """The table that a foreign key is held to, if it is."""
    if not column.remote_field or not getattr(column, "db_constraint", False):
        return None
    return str(column.remote_field.model._meta.db_table)


def _through(column: Any) -> str | None:
    return column.remote_field.through._meta.db_table if column.many_to_many else None


def _type_of(column: Column) -> str:
    return str(column.db_parameters(connections[MIGRATOR_ALIAS])["type"])


def _check_of(column: Column) -> Any:
    return column.db_parameters(connections[MIGRATOR_ALIAS])["check"]


def _collation(column: Column) -> Any:
    return column.db_parameters(connections[MIGRATOR_ALIAS]).get("collation")


def _length(kind: str) -> int:
    """The n of varchar(n), else 0."""
    found = re.fullmatch(r"varchar\((\d+)\)", kind)
    return int(found[1]) if found else 0


VOLATILE: Final = re.compile(r"random|uuid|nextval|clock_timestamp", re.IGNORECASE)


def _is_volatile(column: Column) -> bool:
    """Whether the database works the default out anew for each row."""
    default = column.db_default
    parts = default.flatten() if hasattr(default, "flatten") else ()
    return any(VOLATILE.search(f"{type(p).__name__} {getattr(p, 'function', '')}") for p in parts)


def _of_any_column(scene: Scene, model: str, name: str, column: Any) -> Iterator[Breach]:
    """What holds for every column, of new tables as well."""
    target, (in_tenants, _) = f"{model}.{name}", schemas_of(scene.app)
    if in_tenants and isinstance(column, models.AutoField | models.BigAutoField | models.SmallAutoField):
        yield "sequence", target
    if isinstance(column, RelatedField):
        other = _other_app(scene.app, column)
        if other == "contenttypes" and in_tenants:
            yield "content-types", target
        elif _leads_out(scene.app, other):
            yield "leads-out", target


def _other_app(app: str, column: Column) -> str:
    model: Any = column.remote_field.model
    if isinstance(model, str):
        return model.split(".")[0] if "." in model else app
    return str(model._meta.app_label)


def _leads_out(app: str, other: str) -> bool:
    """Whether one app has tables in a kind of schema where the other has none."""
    return any(here and not there for here, there in zip(schemas_of(app), schemas_of(other), strict=True))


# Operations that say nothing of themselves


@_checks(migrations.RunSQL)
def _run_sql(scene: Scene, operation: migrations.RunSQL) -> Iterator[Breach]:
    if operation.sql == migrations.RunSQL.noop:
        return
    yield "opaque-sql", ""
    if operation.reverse_sql is None:
        yield "irreversible", ""


@_checks(migrations.RunPython)
def _run_python(scene: Scene, operation: migrations.RunPython) -> Iterator[Breach]:
    name = getattr(operation.code, "__name__", "")
    if not operation.code.__doc__ and operation.code is not migrations.RunPython.noop:
        yield "unexplained-code", name
    if operation.reverse_code is None:
        yield "irreversible", name


@_checks(postgres.CreateExtension)
def _extension(scene: Scene, operation: postgres.CreateExtension) -> Iterator[Breach]:
    yield "extension", operation.name

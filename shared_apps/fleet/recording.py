"""Running one migration by Django's own executor on one schema, and keeping what it sent, to be sent to others.

What reaches the schema editor is kept as final text. Anything else that touches the connection, except questions to
the catalog, means that the migration looks at rows and has to be run by the executor everywhere. Answers of the
catalog are the same on every schema with the same fingerprint, so statements built from them may be replayed there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, transaction
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

from shared_apps.fleet.baseline import OWN
from shared_apps.fleet.grants import ROLE, for_role, grants_on
from shared_apps.fleet.ledger import catalog_of, fingerprint_of
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Recording
from shared_apps.fleet.planning import Step, why_not_replayed
from shared_apps.fleet.provisioning import schema_entered
from shared_apps.fleet.statements import begin_apart, move, rows_of, run_apart
from tenants.routers import MIGRATOR_ALIAS

Kind = tuple[str, str]  # the digests of a schema's migrations and of its catalog
HARMLESS: Final = re.compile(
    r"\s*((SELECT|WITH)\b(?=.*\b(pg_[a-z_]+|information_schema)\b)|SHOW\b|SET (LOCAL )?search_path\b"
    r"|SAVEPOINT\b|RELEASE SAVEPOINT\b|ROLLBACK TO\b)",
    re.IGNORECASE | re.DOTALL,
)
# Called without arguments they give the same value wherever they are called.
CONSTANT_DEFAULTS: Final = (NOT_PROVIDED, bool, bytes, dict, float, int, list, set, str, tuple)
TABLES: Final = f"SELECT oid, relname FROM pg_class WHERE oid IN ({OWN}) AND relkind IN ('r', 'p')"


@dataclass
class Tape:
    """What a migration sends, and why it could not be sent elsewhere as it is."""

    schema: str
    reasons: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    done: int = 0  # statements that an interrupted run of the same migration has behind it
    _editing: bool = False

    def keep(self, text: str) -> None:
        """Keep one statement of the schema editor."""
        self.statements.append(text)
        if self.schema in text:
            self.reasons.append(f"a statement names its schema: {text[:200]}")

    @contextmanager
    def editing(self) -> Iterator[None]:
        """While the schema editor itself sends."""
        self._editing = True
        try:
            yield
        finally:
            self._editing = False

    def watch(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Note what is sent past the schema editor."""
        if not self._editing and not HARMLESS.match(str(sql)):
            self.reasons.append(f"it asks or changes rows: {str(sql)[:200]}")
        return execute(sql, params, many, context)


class RecordingEditor(DatabaseSchemaEditor):
    """Django's schema editor, with a tape that runs along."""

    def __init__(self, connection: Any, tape: Tape, **options: Any) -> None:
        super().__init__(connection, **options)
        self.tape = tape

    def execute(self, sql: Any, params: Any = ()) -> None:
        text = str(sql) if params is None else self.connection.ops.compose_sql(str(sql), params)
        self.tape.keep(text)
        number = len(self.tape.statements)
        if self.atomic_migration:
            with self.tape.editing():
                super().execute(text, None)
        elif number > self.tape.done:
            self.connection.ensure_connection()
            run_apart(self.connection.connection, self.tape.schema, number, text)

    def effective_default(self, field: "Field[Any, Any]") -> Any:
        default = field.default
        varies = callable(default) and default not in CONSTANT_DEFAULTS
        if varies or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            self.tape.reasons.append(f"the default of {field.name} is computed anew for each schema")
        return super().effective_default(field)


def run_step(
    schema: str,
    step: Step,
    kind: Kind,
    state: ProjectState,
    *,
    known: Recording | None = None,
    trailing: tuple[str, ...] = (),
) -> Recording:
    """Run a migration on a schema by Django's executor; answers with what it sent, unsaved.

    With a known recording of the same kind, the catalog is not looked at again. Raises statements.Moved when the
    schema is of another kind than the one given, and whatever the migration raises; an atomic one then leaves nothing.
    """
    connection = connections[MIGRATOR_ALIAS]
    why = why_not_replayed(step)
    tape = Tape(schema, [why] if why else [])
    with schema_entered(schema), _whole(step):
        if step.is_atomic:
            _hold(schema, kind)
        else:
            connection.ensure_connection()
            tape.done = begin_apart(connection.connection, schema, step, kind)
        before = {} if known else _tables(schema)
        _apply(step, state, tape)
        with transaction.atomic(using=MIGRATOR_ALIAS):
            recording = known or _recording(step, kind, tape, before)
            _execute(
                *(() if schema == TEMPLATE_SCHEMA else for_role(recording.grants, schema)),
                *rows_of(recording.rows, recording.backwards),
                *trailing,
                move(recording, schema),
            )
    return recording


def _whole(step: Step) -> Any:
    # An INSERT of the ledger's or of django_migrations that fails must undo the migration as well.
    return transaction.atomic(using=MIGRATOR_ALIAS) if step.is_atomic else nullcontext()


def _hold(schema: str, kind: Kind) -> None:
    applied, fingerprint = kind
    _execute(
        "SELECT 1 / count(*) FROM (SELECT 1 FROM public.fleet_schema"
        f" WHERE name = '{schema}' AND applied = '{applied}' AND fingerprint = '{fingerprint}' FOR UPDATE) held"
    )


def _apply(step: Step, state: ProjectState, tape: Tape) -> None:
    if step.migration is None or not step.touches_tenants:
        return
    connection: Any = connections[MIGRATOR_ALIAS]
    connection.SchemaEditorClass = lambda target, **options: RecordingEditor(target, tape, **options)
    try:
        with (
            connection.execute_wrapper(tape.watch),
            connection.schema_editor(atomic=step.is_atomic) as editor,
        ):
            run = step.migration.unapply if step.backwards else step.migration.apply
            run(state, editor)
    finally:
        del connection.SchemaEditorClass


def _recording(step: Step, kind: Kind, tape: Tape, before: dict[int, str]) -> Recording:
    applied, fingerprint = kind
    lane = Recording.Lane.REPLAY if step.is_atomic else Recording.Lane.STEPS
    return Recording(
        app=step.app,
        name=step.name,
        backwards=step.backwards,
        rows=[list(row) for row in step.rows],
        from_applied=applied,
        from_fingerprint=fingerprint,
        to_applied=step.applied_digest,
        to_fingerprint=fingerprint_of(catalog_of(tape.schema)),
        lane=Recording.Lane.EXECUTOR if tape.reasons else lane,
        reason="\n".join(dict.fromkeys(tape.reasons)),
        statements=tape.statements,
        grants=_grants(before, _tables(tape.schema)),
    )


def _grants(before: dict[int, str], after: dict[int, str]) -> list[str]:
    """Rights on tables that are new or have a new name."""
    fresh = [name for oid, name in sorted(after.items()) if before.get(oid) != name]
    return [*(f'REVOKE ALL ON "{table}" FROM {ROLE}' for table in fresh), *grants_on(fresh)]


def _tables(schema: str) -> dict[int, str]:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(TABLES, {"schema": schema})
        return dict(cursor.fetchall())


def _execute(*statements: str) -> None:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

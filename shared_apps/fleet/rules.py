"""What a migration must not do while the code before it still runs, and how it is done instead."""

from dataclasses import dataclass
from typing import Final

OVERRIDE: Final = "unsafe_because"
SHORTEST_REASON: Final = 20


@dataclass(frozen=True)
class Rule:
    """Why a change is unsafe while old code runs, and how it is done instead."""

    unsafe: str
    instead: str


RULES: Final[dict[str, Rule]] = {
    "column-removed": Rule(
        "The code that still runs names this column in each of its queries, and all of them fail once it is gone.",
        "Remove it from the models first (SeparateDatabaseAndState with RemoveField among state_operations; a "
        "column that is NOT NULL becomes nullable or gets a db_default before that), and drop it one release later.",
    ),
    "column-forgotten": Rule(
        "The new code leaves this column out of its INSERTs, and the column takes no NULL and has no default.",
        "Let AlterField make it null=True, or give it a db_default, before the state forgets it.",
    ),
    "column-renamed": Rule(
        "The code that still runs asks for the old name, the new code for the new one; no moment suits both.",
        "Rename the field in Python only and keep the column with db_column; or add a new column, write both, move "
        "the rows, read the new one, and drop the old one a release later.",
    ),
    "table-removed": Rule(
        "The code that still runs reads and writes this table.",
        "Take the model out of the code in one release (SeparateDatabaseAndState with DeleteModel among "
        "state_operations), and drop its table in the next.",
    ),
    "table-renamed": Rule(
        "The code that still runs asks for the old table.",
        "Keep the table's name with Meta.db_table, and rename the class only.",
    ),
    "column-required": Rule(
        "Django drops the default from the database once the column is there; an INSERT of the code that still runs "
        "does not name the column, and fails.",
        "Give the field a db_default, or null=True.",
    ),
    "column-rewrites": Rule(
        "The value of this column differs from row to row, so the whole table is written anew while it is locked.",
        "Add the column with null=True, fill it in batches, and set the db_default for new rows.",
    ),
    "column-narrowed": Rule(
        "The column refuses what the code that still runs may write: NULL, a longer text, a value out of range, or a "
        "row that leaves it to the database's default.",
        "Let the code of one release obey the narrower rule; then AddConstraintNotValid, ValidateConstraint in a "
        "migration of its own, and narrow the column after that with a reason.",
    ),
    "column-retyped": Rule(
        "The table is written anew under a lock that stops even readers, and the code that still runs sends and "
        "expects the old type.",
        "Add a column of the new type, write both, move the rows, read the new one, drop the old one a release "
        "later. Making a text longer is free.",
    ),
    "index-blocks": Rule(
        "Writers wait until the index of a table with rows is built.",
        "Use AddIndexConcurrently of django.contrib.postgres.operations, alone in a migration with atomic = False; "
        "for db_index an Index in Meta instead.",
    ),
    "constraint-blocks": Rule(
        "Every row is checked under a lock that stops writers, and a row that breaks the rule fails the migration of "
        "its tenant.",
        "A CHECK: AddConstraintNotValid, then ValidateConstraint in a migration of its own, once the code that runs "
        "obeys the rule. Uniqueness: CREATE UNIQUE INDEX CONCURRENTLY by RunSQL, and AddConstraint among the "
        "state_operations. A foreign key: add a new column that is null.",
    ),
    "constraint-validated-at-once": Rule(
        "The lock that added the constraint is held while every row is read, which is what NOT VALID was to spare.",
        "Put ValidateConstraint into a migration of its own.",
    ),
    "unnamed": Rule(
        "Its name is made up by Django from the names of columns, and nothing else can refer to it safely.",
        "Use Meta.constraints or Meta.indexes with a name of your own.",
    ),
    "opaque-sql": Rule(
        "Nobody can see from the operation whether the code that still runs can live with it.",
        f"Say in {OVERRIDE} what it does, which lock it takes, and why the code that runs before it goes on.",
    ),
    "unexplained-code": Rule(
        "Nobody can see from the operation whether the code that still runs can live with it.",
        "Give the function a docstring that says what it changes and why the code that runs before it goes on.",
    ),
    "irreversible": Rule(
        "A release that turns out bad cannot be taken back over the fleet.",
        "Give reverse_code or reverse_sql; RunPython.noop or RunSQL.noop where nothing needs undoing.",
    ),
    "data-with-schema": Rule(
        "The locks of the schema's change are held while rows are moved, and PostgreSQL refuses ALTER TABLE after "
        "rows with deferred foreign keys were written.",
        "Put RunPython into a migration of its own. Beside new tables it may stay.",
    ),
    "concurrently-in-transaction": Rule(
        "PostgreSQL runs CONCURRENTLY in no transaction: the migration fails.",
        "Set atomic = False on the migration, and keep it to such operations.",
    ),
    "half-done": Rule(
        "Outside a transaction a process that dies in the middle leaves a tenant half migrated.",
        "With atomic = False let a migration hold operations that run CONCURRENTLY and nothing else, or one "
        "RunPython alone that can be repeated.",
    ),
    "extension": Rule(
        "An extension belongs to the database: made in a tenant's schema it goes with that tenant, for everybody.",
        "Let the administrator make it in the schema ext, which is on every tenant's path.",
    ),
    "leads-out": Rule(
        "A foreign key out of a schema ties a tenant to others: it cannot be exported, restored or moved alone.",
        "Keep the other row's id in a plain UUIDField.",
    ),
    "content-types": Rule(
        "The ids of content types are public's, and mean nothing in an export of a tenant.",
        "Keep the kind as text and the id as a UUIDField.",
    ),
    "sequence": Rule(
        "A counter as key collides when a tenant is restored, copied or moved.",
        "Use a UUIDv7 key: derive from tenants.models.Record.",
    ),
    "unknown-operation": Rule(
        "The linter does not know this operation, so it cannot tell what it does to running code.",
        f"Say in {OVERRIDE} why it is safe, or teach shared_apps/fleet/safety.py about it.",
    ),
    "override-covers-nothing": Rule(
        "The reason stands beside nothing that is unsafe, and would hide what somebody adds later.",
        "Remove the entry, or name the operation's class as it is in the migration.",
    ),
    "override-without-reason": Rule(
        "Whoever reads it during an incident learns nothing from it.",
        f"Write a sentence of at least {SHORTEST_REASON} characters that says why running code is not hurt.",
    ),
}

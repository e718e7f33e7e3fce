"""The linter of migrations: what running code cannot live with is refused, with the way to do it instead."""

import importlib
import io
import re
import sys
import types
from typing import Any, Final

import pytest
from django.contrib.postgres import operations as postgres
from django.core.management import CommandError, call_command
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import F, Q
from django.db.models.functions import Now
from django.db.models.functions.comparison import Cast

from config import env
from shared_apps.fleet import safety
from shared_apps.fleet.rules import OVERRIDE, RULES
from tenants.models import uuid7

APP: Final = "products"  # tables in tenants' schemas
KEY: Final = ("id", models.UUIDField(primary_key=True, default=uuid7))


class RandomUUID(models.Func):
    function = "gen_random_uuid"
    template = "%(function)s()"
    output_field = models.UUIDField()


class Own(Operation):
    def state_forwards(self, app_label: str, state: ProjectState) -> None: ...


def text(length: int = 20, **options: Any) -> Any:
    return models.CharField(max_length=length, **options)


def state_before() -> ProjectState:
    """Two tables that running code reads and writes."""
    state = ProjectState()
    state.add_model(ModelState(APP, "Shelf", [KEY, ("name", text())]))
    columns = [
        KEY,
        ("name", text()),
        ("note", text(null=True)),
        ("kind", text(db_default="")),
        ("label", text(db_column="tag")),
        ("size", models.IntegerField()),
        ("shelf", models.ForeignKey("products.Shelf", models.CASCADE)),
        ("loose", models.ForeignKey("products.Shelf", models.CASCADE, related_name="+", db_constraint=False)),
        ("shelves", models.ManyToManyField("products.Shelf", related_name="+")),
    ]
    options = {
        "unique_together": {("name", "size")},
        "indexes": [models.Index(fields=["name"], name="thing_name")],
    }
    state.add_model(ModelState(APP, "Thing", columns, options))
    state.add_model(ModelState(APP, "Kept", [KEY], {"db_table": "kept"}))
    state.add_model(ModelState(APP, "Shadow", [KEY], {"managed": False}))
    return state


def migration(
    *operations: Any, app: str = APP, atomic: bool = True, because: Any = None
) -> migrations.Migration:
    module = types.ModuleType("products_migrations_0002_change")
    if because is not None:
        setattr(module, OVERRIDE, because)
    sys.modules[module.__name__] = module
    body = {"operations": list(operations), "atomic": atomic, "__module__": module.__name__}
    made: migrations.Migration = type("Migration", (migrations.Migration,), body)("0002_change", app)
    return made


def rules(*operations: Any, **options: Any) -> set[str]:
    return {found.rule for found in safety.lint_migration(migration(*operations, **options), state_before())}


def add(field: Any, model: str = "thing", name: str = "more") -> migrations.AddField:
    return migrations.AddField(model, name, field)


def alter(name: str, field: Any) -> migrations.AlterField:
    return migrations.AlterField("thing", name, field)


def create(*columns: Any, **options: Any) -> migrations.CreateModel:
    return migrations.CreateModel("New", [KEY, *columns], options=options)


def split(*database: Any, state: Any = ()) -> migrations.SeparateDatabaseAndState:
    return migrations.SeparateDatabaseAndState(list(database), list(state))


def explained(apps: Any, editor: Any) -> None:
    """It writes nothing."""


def unexplained(apps: Any, editor: Any) -> None:
    pass


ABOVE = models.CheckConstraint(condition=Q(size__gt=0), name="thing_size_above_zero")
ONCE = models.UniqueConstraint(fields=["name"], name="thing_name_once")
BY_SIZE = models.Index(fields=["size"], name="thing_size")
SHELF = "products.Shelf"

UNSAFE: Final[dict[str, tuple[str, Any]]] = {
    "a column removed": ("column-removed", migrations.RemoveField("thing", "note")),
    "a table between two removed": ("column-removed", migrations.RemoveField("thing", "shelves")),
    "a column renamed": ("column-renamed", migrations.RenameField("thing", "name", "title")),
    "a column renamed by db_column": ("column-renamed", alter("name", text(db_column="title"))),
    "a table removed": ("table-removed", migrations.DeleteModel("Thing")),
    "a table renamed": ("table-renamed", migrations.RenameModel("Shelf", "Rack")),
    "a table renamed by db_table": ("table-renamed", migrations.AlterModelTable("Thing", "stuff")),
    "NOT NULL with a default of Python": ("column-required", add(text(default=""))),
    "NOT NULL with no default": ("column-required", add(models.IntegerField())),
    "an order": ("column-required", migrations.AlterOrderWithRespectTo("Thing", "shelf")),
    "a default worked out for each row": ("column-rewrites", add(models.UUIDField(db_default=RandomUUID()))),
    "a generated column": (
        "column-rewrites",
        add(
            models.GeneratedField(
                expression=F("size") * 2, output_field=models.IntegerField(), db_persist=True
            )
        ),
    ),
    "NULL forbidden": ("column-narrowed", alter("note", text(default=""))),
    "a shorter text": ("column-narrowed", alter("name", text(19))),
    "the database's default lost": ("column-narrowed", alter("kind", text(default=""))),
    "a number made a text": ("column-retyped", alter("size", text())),
    "a wider number": ("column-retyped", alter("size", models.BigIntegerField())),
    "another collation": ("column-retyped", alter("name", text(db_collation="C"))),
    "a number made positive": ("constraint-blocks", alter("size", models.PositiveIntegerField())),
    "a column made unique": ("constraint-blocks", alter("name", text(unique=True))),
    "a column made the key": ("constraint-blocks", alter("name", text(primary_key=True))),
    "a foreign key held": (
        "constraint-blocks",
        alter("loose", models.ForeignKey(SHELF, models.CASCADE, related_name="+")),
    ),
    "a foreign key to another table": (
        "constraint-blocks",
        alter("shelf", models.ForeignKey("products.Thing", models.CASCADE, related_name="+")),
    ),
    "a constraint": ("constraint-blocks", migrations.AddConstraint("thing", ABOVE)),
    "a unique constraint": ("constraint-blocks", migrations.AddConstraint("thing", ONCE)),
    "unique together": (
        "constraint-blocks",
        migrations.AlterUniqueTogether("thing", {("name", "size"), ("kind", "size")}),
    ),
    "unique with a default": ("constraint-blocks", add(text(unique=True, db_default=""))),
    "an index": ("index-blocks", migrations.AddIndex("thing", BY_SIZE)),
    "db_index": ("index-blocks", alter("size", models.IntegerField(db_index=True))),
    "db_index over values": ("index-blocks", add(text(db_index=True, db_default=""))),
    "index together": ("index-blocks", migrations.AlterIndexTogether("thing", {("name", "kind")})),
    "unique together on a new table": (
        "unnamed",
        create(("one", text()), ("two", text()), unique_together={("one", "two")}),
    ),
    "a name that Django made up": (
        "unnamed",
        create(("one", text()), indexes=[models.Index(fields=["one"], name="products_ne_one_0a1b2c_idx")]),
    ),
    "SQL": ("opaque-sql", migrations.RunSQL("SELECT 1", "SELECT 1")),
    "SQL with no way back": ("irreversible", migrations.RunSQL("SELECT 1")),
    "code with no docstring": ("unexplained-code", migrations.RunPython(unexplained, unexplained)),
    "code with no way back": ("irreversible", migrations.RunPython(explained)),
    "an extension": ("extension", postgres.BtreeGistExtension()),
    "another extension": ("extension", postgres.CreateExtension("vector")),
    "a key into public": (
        "leads-out",
        add(models.ForeignKey("clients.Client", models.CASCADE, null=True, related_name="+")),
    ),
    "a key into public on a new table": (
        "leads-out",
        create(("client", models.ForeignKey("clients.Client", models.CASCADE, related_name="+"))),
    ),
    "a content type": (
        "content-types",
        create(("kind", models.ForeignKey("contenttypes.ContentType", models.CASCADE, related_name="+"))),
    ),
    "a counter as key": (
        "sequence",
        migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))]),
    ),
    "a column removed inside": ("column-removed", split(migrations.RemoveField("thing", "note"))),
    "a required column forgotten": (
        "column-forgotten",
        split(state=[migrations.RemoveField("thing", "name")]),
    ),
    "concurrently in a transaction": (
        "concurrently-in-transaction",
        postgres.AddIndexConcurrently("thing", BY_SIZE),
    ),
    "an operation of somebody's own": ("unknown-operation", Own()),
}  # fmt: skip

SAFE: Final[dict[str, Any]] = {
    "a nullable column": add(text(null=True)),
    "a column with the database's default": add(text(db_default="")),
    "a time from the database": add(models.DateTimeField(db_default=Now())),
    "a cast default": add(models.IntegerField(db_default=Cast(models.Value(1), models.IntegerField()))),
    "a nullable key": add(models.ForeignKey(SHELF, models.CASCADE, null=True, related_name="+")),
    "a nullable unique column": add(text(null=True, unique=True)),
    "a table between two": add(models.ManyToManyField(SHELF, related_name="+")),
    "a longer text": alter("name", text(40)),
    "a text without length": alter("name", models.TextField()),
    "NULL allowed": alter("size", models.IntegerField(null=True)),
    "a default of Python": alter("name", text(default="new")),
    "a default of the database": alter("name", text(db_default="new")),
    "choices, help and comment": alter(
        "name", text(choices=[("a", "A")], help_text="!", db_comment="a note")
    ),
    "a key let loose": alter("shelf", models.ForeignKey(SHELF, models.CASCADE, db_constraint=False)),
    "a field renamed over its column": migrations.RenameField("thing", "label", "name_tag"),
    "a class renamed over its table": migrations.RenameModel("Kept", "Held"),
    "a table named as it is": migrations.AlterModelTable("Thing", "products_thing"),
    "a table nobody manages": migrations.DeleteModel("Shadow"),
    "options": migrations.AlterModelOptions("thing", {"ordering": ["name"]}),
    "managers": migrations.AlterModelManagers("thing", [("objects", models.Manager())]),
    "a comment": migrations.AlterModelTableComment("thing", "what it is"),
    "uniqueness lifted": migrations.AlterUniqueTogether("thing", set()),
    "an index removed": migrations.RemoveIndex("thing", "thing_name"),
    "an index renamed": migrations.RenameIndex("thing", new_name="named", old_name="thing_name"),
    "a constraint not validated yet": postgres.AddConstraintNotValid("thing", ABOVE),
    "a constraint validated": postgres.ValidateConstraint("thing", "thing_size_above_zero"),
    "a collation": postgres.CreateCollation("plain", "C"),
    "a column that only the state forgets": split(state=[migrations.RemoveField("thing", "note")]),
    "a table that only the state forgets": split(state=[migrations.DeleteModel("Thing")]),
    "nothing in SQL": migrations.RunSQL(migrations.RunSQL.noop, migrations.RunSQL.noop),
    "code that is explained": migrations.RunPython(explained, migrations.RunPython.noop),
    "a new table": create(("shelf", models.ForeignKey(SHELF, models.CASCADE, related_name="+"))),
}


@pytest.mark.parametrize("change", UNSAFE)
def test_what_running_code_cannot_live_with_is_refused(change: str) -> None:
    rule, operation = UNSAFE[change]
    assert rule in rules(operation)


@pytest.mark.parametrize("change", SAFE)
def test_what_running_code_does_not_notice_is_let_through(change: str) -> None:
    assert rules(SAFE[change]) == set()


def test_each_rule_is_broken_by_some_test() -> None:
    elsewhere = {
        "constraint-validated-at-once", "data-with-schema", "half-done", "override-covers-nothing",
        "override-without-reason",
    }  # fmt: skip
    assert {rule for rule, _ in UNSAFE.values()} | elsewhere == set(RULES)


def test_each_operation_of_django_is_known() -> None:
    known = tuple(safety.CHECKS)
    for operation in (*vars(migrations.operations).values(), *vars(postgres).values()):
        if isinstance(operation, type) and issubclass(operation, Operation) and operation is not Operation:
            assert issubclass(operation, (*known, migrations.SeparateDatabaseAndState)), operation


def test_a_table_that_the_migration_makes_itself_may_be_shaped_freely() -> None:
    assert (
        rules(
            create(("name", text())),
            migrations.AddField("new", "size", models.IntegerField(default=0)),
            migrations.AddIndex("new", models.Index(fields=["size"], name="new_size")),
            migrations.AddConstraint("new", models.UniqueConstraint(fields=["name"], name="new_once")),
            migrations.AlterField("new", "name", text(5)),
            migrations.RenameField("new", "name", "title"),
            migrations.RenameModel("New", "Newer"),
            migrations.RemoveField("newer", "size"),
            migrations.RunPython(explained, migrations.RunPython.noop),
        )
        == set()
    )


def test_rows_are_not_moved_under_the_locks_of_a_change_of_the_schema() -> None:
    move = migrations.RunPython(explained, migrations.RunPython.noop)
    assert rules(add(text(null=True)), move) == {"data-with-schema"}
    assert rules(migrations.AlterModelOptions("thing", {}), move) == set()


def test_a_constraint_is_not_validated_under_the_lock_that_added_it() -> None:
    added = postgres.AddConstraintNotValid("thing", ABOVE)
    assert rules(added, postgres.ValidateConstraint("thing", ABOVE.name)) == {"constraint-validated-at-once"}


def test_outside_a_transaction_only_what_has_to_be_there_is_let_through() -> None:
    slow = postgres.AddIndexConcurrently("thing", BY_SIZE)
    assert rules(slow, atomic=False) == set()
    assert rules(slow, add(text(null=True)), atomic=False) == {"half-done"}
    move = migrations.RunPython(explained, migrations.RunPython.noop)
    assert rules(move, atomic=False) == set()
    assert rules(move, slow, atomic=False) == {"half-done", "data-with-schema"}


def test_a_public_app_may_count_its_keys_and_refer_to_content_types() -> None:
    kind = models.ForeignKey("contenttypes.ContentType", models.CASCADE, null=True, related_name="+")
    made = migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True)), ("kind", kind)])
    assert rules(made, app="clients") == set()


# Overrides


def test_a_reason_lets_an_operation_through_and_no_other() -> None:
    because = {"RemoveField": "The column is not read or written since 0.4."}
    operations = (migrations.RemoveField("thing", "note"), migrations.RenameModel("Shelf", "Rack"))
    assert rules(*operations, because=because) == {"table-renamed"}


@pytest.mark.parametrize("reason", ["", "   ", "because", None, 42])
def test_a_reason_that_says_nothing_is_refused(reason: Any) -> None:
    assert rules(migrations.RemoveField("thing", "note"), because={"RemoveField": reason}) == {
        "override-without-reason"
    }


def test_a_reason_beside_nothing_unsafe_is_refused() -> None:
    because = {"RemoveField": "The column is not read or written since 0.4."}
    assert rules(add(text(null=True)), because=because) == {"override-covers-nothing"}


def test_an_error_says_why_what_to_do_instead_and_how_to_insist() -> None:
    (found,) = safety.lint_migration(migration(migrations.RemoveField("thing", "note")), state_before())
    said = str(found)
    assert said.startswith("products.0002_change: RemoveField thing.note [column-removed]")
    assert "all of them fail" in said
    assert "SeparateDatabaseAndState" in said
    assert 'unsafe_because = {"RemoveField": ' in said


# The command, and our own migrations


def test_our_migrations_are_safe() -> None:
    assert [str(found) for found in safety.lint()] == []


def test_all_our_apps_with_tables_are_looked_at() -> None:
    labels = {config.label for config in safety.own_apps()}
    assert labels >= {
        "tenants",
        "users",
        "audit",
        "fleet",
        "clients",
        "billing",
        "products",
        "orders",
        "imports",
    }
    assert labels.isdisjoint({"admin", "auth", "sessions", "contenttypes"})


def test_the_command_fails_and_points_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(
        importlib.import_module("tenant_apps.orders.migrations.0001_initial"), "unsafe_because"
    )
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"1 unsafe, see docs/migrations\.md"):
        call_command("lint_migrations", "orders", stdout=out)
    assert "orders.0001_initial: RunSQL [opaque-sql]" in out.getvalue()
    assert "in tenant_apps/orders/migrations/0001_initial.py" in out.getvalue()


def test_the_command_is_silent_where_all_is_well() -> None:
    out = io.StringIO()
    call_command("lint_migrations", stdout=out)
    assert out.getvalue() == ""


def test_the_command_tells_its_rules() -> None:
    out = io.StringIO()
    call_command("lint_migrations", "--rules", stdout=out)
    assert all(rule.unsafe in out.getvalue() for rule in RULES.values())


def test_the_page_lists_every_rule_and_no_other() -> None:
    page = (env.ROOT / "docs/migrations.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(RULES)

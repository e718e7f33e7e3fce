"""What a migration of the fleet makes is what Django's own executor makes, object for object."""

import inspect
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.postgres import operations as postgres
from django.db.migrations import operations as django_operations
from django.db.migrations.operations.base import Operation

from tests import stage
from tests.fleet.zoo.prove import TENANTS

ROOT: Final = Path(__file__).resolve().parents[2]
ZOO: Final = Path(__file__).parent / "zoo/migrations"
MIGRATIONS: Final = sorted(path.stem for path in ZOO.glob("0*.py"))
REPLACED: Final = {"0061_first", "0062_second"}
# What cannot be sent to another schema as it was sent to the first one, and why.
EXECUTOR: Final = {
    "0007_uuid_default": "default of key is computed anew",
    "0008_now_default": "default of cleaned_at is computed anew",
    "0009_auto_now": "default of created_at is computed anew",
    "0057_data": "RunPython",
    "0058_data_apart": "RunPython",
}
STEPS: Final = {"0052_concurrently", "0053_concurrently_removed", "0054_apart"}
# The server that the tests bring along has no pgcrypto; this class differs from its siblings by that name alone.
ABSENT: Final = {postgres.CryptoExtension}


def run_zoo(database: str, *arguments: str, settings: str = "tests.fleet.zoo.settings") -> str:
    """A process with the zoo among the tenants' apps, in a database of its own."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": stage.url_of(database), "DJANGO_SETTINGS_MODULE": settings},
        text=True,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def make_zoo(database: str, tenants: int) -> None:
    """The database, with a few tenants that have no zoo yet."""
    drop_zoo(database)
    run_zoo(database, "tests.fleet.zoo.prove", "make", str(tenants), settings="tests.fleet.zoo.empty")


def drop_zoo(database: str) -> None:
    """Away with the database and the roles of its tenants."""
    with stage.administrator("postgres") as admin:
        exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    if not exists:
        return
    with stage.administrator(database) as admin:
        names = admin.execute(
            "SELECT nspname FROM pg_namespace JOIN pg_roles ON rolname = nspname WHERE nspname LIKE 't\\_%'"
            " UNION SELECT name FROM fleet_schema JOIN pg_roles ON rolname = name"
        ).fetchall()
    with stage.administrator("postgres") as admin:
        admin.execute(f"DROP DATABASE {database} WITH (FORCE)")
        for (name,) in names:
            admin.execute(f'DROP ROLE "{name}"')


@pytest.fixture(scope="module")
def proof() -> Any:
    """Every migration of the zoo, over the fleet and over the control."""
    database = f"{stage.database_name()}_zoo"
    make_zoo(database, TENANTS)
    try:
        yield json.loads(run_zoo(database, "tests.fleet.zoo.prove", "prove"))
    finally:
        drop_zoo(database)


# The zoo is complete


def operations_in(migration: str) -> set[type[Operation]]:
    found = import_module(f"tests.fleet.zoo.migrations.{migration}").Migration.operations
    inner = [part for each in found for part in getattr(each, "database_operations", ())]
    return {type(operation) for operation in (*found, *inner)}


def test_the_zoo_has_every_operation_of_django() -> None:
    known = {
        kind
        for module in (django_operations, postgres)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Operation)
    }
    abstract = {Operation, postgres.CollationOperation}
    shown = set[type[Operation]]().union(*map(operations_in, MIGRATIONS))
    assert known - abstract - shown == ABSENT
    assert len(MIGRATIONS) >= 45


# Equality: one test, because the proof is made once, and several workers would make it several times


def test_the_fleet_s_way_makes_what_django_s_executor_makes(proof: Any) -> None:
    assert proof["models"] == ""
    steps = {step["name"]: step for step in proof["steps"]}
    assert {name: step["differences"] for name, step in steps.items() if step["differences"]} == {}
    assert set(steps) == set(MIGRATIONS) - REPLACED
    new_schemas_are_what_migrated_ones_are(proof)
    values_of_python_are_each_schema_s_own(proof)
    each_migration_went_by_the_lane_that_fits(steps)
    what_is_spoilt_is_noticed(proof)


def new_schemas_are_what_migrated_ones_are(proof: Any) -> None:
    assert proof["fresh"]["differences"] == []
    assert proof["fresh"]["objects"] > 300


def values_of_python_are_each_schema_s_own(proof: Any) -> None:
    keys = [frozenset(values) for values in proof["own"].values()]
    assert len(keys) == TENANTS + 1
    assert len(frozenset().union(*keys)) == len(keys)


def each_migration_went_by_the_lane_that_fits(steps: Any) -> None:
    lanes = {name: step["lane"] for name, step in steps.items()}
    expected = {
        name: ["executor"] if name in EXECUTOR else ["steps"] if name in STEPS else ["replay"]
        for name in lanes
    }
    assert lanes == expected
    assert sum(lane == ["replay"] for lane in lanes.values()) >= 40
    assert [name for name, reason in EXECUTOR.items() if reason not in steps[name]["reason"]] == []


def what_is_spoilt_is_noticed(proof: Any) -> None:
    """Red controls: a proof that cannot fail proves nothing."""
    assert proof["other_kind"] == {"refused": True, "differences": []}
    assert "is not what its migrations make elsewhere" in proof["altered"]["said"]
    assert proof["altered"]["reached"] == 3  # the one that went first, and two canaries
    assert any("column zoo_keeper" in line for line in proof["altered"]["seen"])
    assert [what for what, lines in proof["by_hand"].items() if not lines] == []
    assert len(proof["by_hand"]) >= 12

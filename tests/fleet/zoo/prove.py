"""The proof, in a process of its own because its settings are: every migration over the fleet and over a control.

`make` prepares a database with tenants under the usual settings; `prove` takes them through the zoo, migration by
migration, beside a schema that only Django's own executor touches, and prints what differs as JSON.
"""

import json
import os
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

import django
import psycopg

TENANTS: Final = 4
EXTENSIONS: Final = (
    "bloom", "btree_gin", "btree_gist", "citext", "fuzzystrmatch", "hstore", "pg_trgm", "unaccent",
)  # fmt: skip
CONTROL: Final = "beside"


SQUASHED: Final = "0061_squashed_0062"
BY_HAND: Final = {
    "a comment on a column": "COMMENT ON COLUMN zoo_beast.name IS 'what it is called'",
    "a comment on a table": "COMMENT ON TABLE zoo_beast IS NULL",
    "a comment on an index": "COMMENT ON INDEX zoo_animal_legs IS 'old'",
    "a comment on a constraint": "COMMENT ON CONSTRAINT zoo_cage_place ON zoo_enclosure IS 'old'",
    "a storage": "ALTER TABLE zoo_report ALTER word SET STORAGE MAIN",
    "a compression": "ALTER TABLE zoo_report ALTER word SET COMPRESSION default",
    "statistics of a column": "ALTER TABLE zoo_report ALTER word SET STATISTICS 100",
    "statistics of a table": "DROP STATISTICS zoo_report_both",
    "a setting of a table": "ALTER TABLE zoo_report SET (fillfactor = 81)",
    "the owner of a sequence": "ALTER SEQUENCE zoo_report_seq OWNED BY NONE",
    "a sequence's step": "ALTER SEQUENCE zoo_report_seq INCREMENT 6",
    "when a constraint is looked at": "DO $$ DECLARE key text; BEGIN SELECT conname INTO key FROM pg_constraint"
    " WHERE conrelid = 'zoo_beast'::regclass AND contype = 'f' LIMIT 1;"
    " EXECUTE format('ALTER TABLE zoo_beast ALTER CONSTRAINT %I INITIALLY IMMEDIATE', key); END $$",
    "a constraint that became valid": "ALTER TABLE zoo_ticket VALIDATE CONSTRAINT zoo_ticket_price",
    "a collation of a column": 'ALTER TABLE zoo_keeper ALTER badge TYPE varchar(9) COLLATE "C"',
    "a collation": "CREATE COLLATION more (LOCALE = 'C')",
    "a view": "CREATE OR REPLACE VIEW zoo_words AS SELECT word || '' AS word FROM zoo_report",
    "a value of a type": "ALTER TYPE zoo_size ADD VALUE 'huge'",
    "a rule of a domain": "ALTER DOMAIN zoo_weight DROP CONSTRAINT zoo_weight_check",
    "a default": "ALTER TABLE zoo_beast ALTER mood SET DEFAULT 'x'",
    "NULL allowed": "ALTER TABLE zoo_beast ALTER mood DROP NOT NULL",
    "a policy": "CREATE POLICY more ON zoo_beast USING (true)",
    "a trigger": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    " CREATE TRIGGER more BEFORE INSERT ON zoo_beast FOR EACH ROW EXECUTE FUNCTION f()",
}


def make(count: int) -> None:
    """A database with a few tenants; the last one made leaves the ledger and becomes the control."""
    from django.conf import settings
    from django.core.management import call_command

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("prepare", verbosity=0)
    with administrator() as admin:
        for extension in EXTENSIONS:
            admin.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA ext")
    for number in range(count):
        sign_up_as(f"zoo{number}")
    control = sign_up_as(CONTROL)
    with administrator() as admin:
        admin.execute(
            "DELETE FROM clients_domain d USING clients_client c WHERE c.id = d.tenant_id AND schema_name = %s",
            [control],
        )
        admin.execute("DELETE FROM clients_client WHERE schema_name = %s", [control])
        admin.execute("DELETE FROM fleet_schema WHERE name = %s", [control])


def sign_up_as(name: str) -> str:
    """A tenant by the ordinary way; its schema."""
    from shared_apps.clients.services import sign_up

    made = sign_up(
        company=name.title(), subdomain=name, email=f"owner@{name}.example", password="correct horse battery",
        currency="EUR",
    )  # fmt: skip
    return str(made.schema_name)


def administrator() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


class Proof:
    """The schemas that are compared, and what was found so far."""

    def __init__(self, admin: psycopg.Connection[Any]) -> None:
        from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema

        self.admin = admin
        self.template = TEMPLATE_SCHEMA
        standing = (
            Schema.objects.using("migrator").standing().exclude(name=self.template).order_by("owned_at")
        )
        self.tenants = list(standing.values_list("name", flat=True))
        self.control = unlisted(admin)
        self.executor: Any = None
        self.state: Any = None

    def step(self, name: str) -> dict[str, Any]:
        """One migration everywhere; what differs after it."""
        from django.core.management import call_command

        from tests.fleet.zoo.rows import insert

        call_command("migrate", "zoo", name, verbosity=0, interactive=False)
        self.by_executor(name)
        for schema in (*self.tenants, self.control):
            insert(self.admin, schema, name)
        lanes, reasons = self.lanes(name)
        return {"name": name, "lane": lanes, "reason": reasons, "differences": list(self.differences())}

    def by_executor(self, name: str) -> None:
        """Django's own way, and nothing of the fleet's, on the control; models are rendered once for all steps."""
        from django.db import connections
        from django.db.migrations.executor import MigrationExecutor

        from shared_apps.fleet.provisioning import schema_entered

        with schema_entered(self.control):
            if self.executor is None:
                self.executor = MigrationExecutor(connections["migrator"])
                self.state = self.executor._create_project_state(with_applied_migrations=True)
            step = self.executor.loader.get_migration("zoo", name)
            self.state = self.executor.migrate([("zoo", name)], plan=[(step, False)], state=self.state)

    def differences(self) -> Iterator[str]:
        from tests.fleet.zoo import rows

        catalogs = self.catalogs([self.template, self.control, *self.tenants])
        history, data = rows.applied(self.admin, self.control), rows.rows(self.admin, self.control)
        rights = rows.rights(self.admin, self.tenants[0])
        for schema in (self.template, *self.tenants):
            yield from unequal(f"{schema}: catalog", catalogs[schema], catalogs[self.control])
            yield from unequal(f"{schema}: migrations", rows.applied(self.admin, schema), history)
            yield from self.of_ledger(schema, catalogs[schema])
        yield from unequal("baseline", self.from_baseline(), catalogs[self.control])
        for schema in self.tenants:
            yield from unequal(f"{schema}: rows", rows.rows(self.admin, schema), data)
            yield from unequal(f"{schema}: rights", rows.rights(self.admin, schema), rights)

    def of_ledger(self, schema: str, objects: list[str]) -> Iterator[str]:
        from shared_apps.fleet.ledger import digest_of, fingerprint_of
        from shared_apps.fleet.models import Schema
        from tests.fleet.zoo import rows

        row = Schema.objects.using("migrator").get(name=schema)
        if (row.applied, row.fingerprint) != (
            digest_of(rows.applied(self.admin, schema)),
            fingerprint_of(objects),
        ):
            yield f"{schema}: the ledger says something else than the schema"
        if row.failure or row.halfway:
            yield f"{schema}: {row.failure} {row.halfway}"

    def catalogs(self, schemas: list[str]) -> dict[str, list[str]]:
        from shared_apps.fleet.baseline import catalogs

        with self.admin.transaction(), self.admin.cursor() as cursor:
            return catalogs(cursor, schemas)

    def from_baseline(self) -> list[str]:
        """The catalog of a schema as a sign-up would make it now."""
        from shared_apps.fleet.baseline import catalog, compile_baseline

        with self.admin.transaction(force_rollback=True), self.admin.cursor() as cursor:
            statements = compile_baseline(cursor, self.template)
            cursor.execute("CREATE SCHEMA t_scratch; SET LOCAL search_path = t_scratch, ext")
            cursor.execute(statements)
            return catalog(cursor, "t_scratch")

    def lanes(self, name: str) -> tuple[list[str], str]:
        """The lanes that a migration went by, and why it was not replayed."""
        from shared_apps.fleet.models import Recording

        found = Recording.objects.using("migrator").filter(app="zoo", name=name, backwards=False)
        return sorted(set(found.values_list("lane", flat=True))), " ".join(
            found.values_list("reason", flat=True)
        )

    def fresh(self) -> dict[str, Any]:
        """A schema that is made from the baseline after all of it."""
        from tests.fleet.zoo import rows

        made = sign_up_as("latecomer")
        catalogs = self.catalogs([made, self.control])
        return {
            "differences": [
                *unequal("catalog", catalogs[made], catalogs[self.control]),
                *unequal(
                    "migrations", rows.applied(self.admin, made), rows.applied(self.admin, self.control)
                ),
                *unequal("rights", rows.rights(self.admin, made), rows.rights(self.admin, self.tenants[0])),
            ],
            "objects": len(catalogs[made]),
        }

    def own(self) -> dict[str, Any]:
        """What was computed for each schema anew, schema by schema."""
        from tests.fleet.zoo import rows

        return {
            schema: rows.own_values(self.admin, schema, "zoo_enclosure", "key")
            for schema in (*self.tenants, self.control)
        }

    # Red controls

    def by_hand(self) -> dict[str, list[str]]:
        """Changes that a catalog has to see, each undone again, with the lines that say so."""
        schema, found = self.tenants[0], {}
        before = self.catalogs([schema])[schema]
        for what, change in BY_HAND.items():
            from shared_apps.fleet.baseline import catalog

            with self.admin.transaction(force_rollback=True), self.admin.cursor() as cursor:
                cursor.execute(f'SET LOCAL search_path = "{schema}", ext; {change}')
                found[what] = list(unequal(what, catalog(cursor, schema), before))
        return found

    def other_kind(self) -> dict[str, Any]:
        """What a recording does to a schema that is not of its kind."""
        from shared_apps.fleet.models import Recording
        from shared_apps.fleet.replaying import act_for, has_moved
        from shared_apps.fleet.workers import connect

        recording = Recording.objects.using("migrator").get(app="zoo", name="0018_longer")
        act = act_for(recording, None, None, ())  # type: ignore[arg-type]  # a replay needs neither
        refused = False
        with connect() as connection:
            try:
                act(connection, self.tenants[0])
            except psycopg.Error as error:
                refused = has_moved(error)
        return {"refused": refused, "differences": list(self.differences())}

    def altered(self) -> dict[str, Any]:
        """What happens when a recording has lost a statement: the column that it was to add is in no tenant."""
        from django.core.management import CommandError, call_command

        call_command("migrate", "zoo", "0060", verbosity=0, interactive=False)
        call_command("migrate", "zoo", SQUASHED, only=self.tenants[:1], verbosity=0, interactive=False)
        self.admin.execute(
            "UPDATE fleet_recording SET statements = '[]' WHERE app = 'zoo' AND NOT backwards AND name = %s",
            [SQUASHED],
        )
        said = ""
        try:
            call_command("migrate", "zoo", SQUASHED, verbosity=0, interactive=False)
        except CommandError as error:
            said = str(error)
        query = "SELECT count(*) FROM fleet_schema s JOIN fleet_schema t ON s.applied = t.applied"
        row = self.admin.execute(
            f"{query} WHERE t.name = %s AND s.name <> t.name", [self.template]
        ).fetchone()
        catalogs = self.catalogs([self.template, *self.tenants])
        seen = [
            line for name in self.tenants for line in unequal(name, catalogs[name], catalogs[self.template])
        ]
        return {"said": said, "reached": row and row[0], "seen": seen}


def unlisted(admin: psycopg.Connection[Any]) -> str:
    """The schema that the ledger does not know."""
    row = admin.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%' AND nspname NOT IN (SELECT name FROM fleet_schema)"
    ).fetchone()
    assert row is not None
    return str(row[0])


def unequal(what: str, found: list[Any], expected: list[Any]) -> Iterator[str]:
    """How two lists differ, in words."""
    more, less = (
        set(map(str, found)) - set(map(str, expected)),
        set(map(str, expected)) - set(map(str, found)),
    )
    yield from (f"{what}: too much: {each}" for each in sorted(more))
    yield from (f"{what}: missing: {each}" for each in sorted(less))


def migrations_in_order() -> list[str]:
    """The zoo's migrations as they are run."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    plan = dict.fromkeys(
        key for leaf in loader.graph.leaf_nodes("zoo") for key in loader.graph.forwards_plan(leaf)
    )
    return [name for app, name in plan if app == "zoo"]


def what_models_lack() -> str:
    """What Django would write into one more migration of the zoo; empty if the models are what these lead to."""
    from django.core.management import call_command

    said = StringIO()
    try:
        call_command("makemigrations", "zoo", check_changes=True, dry_run=True, stdout=said)
    except SystemExit:
        return said.getvalue() or "something"
    return ""


def prove() -> None:
    """Everything; the outcome as JSON on the last line."""
    models_said = what_models_lack()
    with administrator() as admin:
        proof = Proof(admin)
        steps = []
        for name in migrations_in_order():
            steps.append(proof.step(name))
            if steps[-1]["differences"]:
                break  # what follows would only repeat it
        outcome: dict[str, Any] = {"steps": steps, "models": models_said}
        if not steps[-1]["differences"]:
            outcome |= {
                "fresh": proof.fresh(),
                "own": proof.own(),
                "by_hand": proof.by_hand(),
                "other_kind": proof.other_kind(),
                "altered": proof.altered(),
            }
        sys.stdout.write(json.dumps(outcome, default=str))


if __name__ == "__main__":
    django.setup()
    make(int(sys.argv[2])) if sys.argv[1] == "make" else prove()

"""What the platform knows of its schemas: which there are, which migrations each has, and what it was made from."""

import secrets
from typing import Any, ClassVar, Final, Self

from django.db import models

from tenants.models import uuid7

TEMPLATE_SCHEMA: Final = "t_template"
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def new_schema_name() -> str:
    """An opaque name: every role can read the catalog, so a schema must not tell whose it is."""
    return "t_" + "".join(secrets.choice(ALPHABET) for _ in range(16))


class Singleton(models.Model):
    """A table of one row, whose key is 1."""

    id = models.SmallIntegerField(primary_key=True, default=1)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="%(app_label)s_%(class)s_single")
        ]


class Baseline(Singleton):
    """The statements that make a tenant's schema in one message, compiled from the template schema."""

    statements = models.TextField()
    seeds = models.TextField(default="")
    grants = models.TextField(default="")
    applied = models.CharField(max_length=64, default="")
    fingerprint = models.CharField(max_length=64, default="")
    rights = models.CharField(
        max_length=64, default="", help_text="digest of the rights that tenants' roles have"
    )
    measure = models.CharField(
        max_length=64, default="", help_text="digest of the way fingerprints are taken"
    )
    compiled_at = models.DateTimeField(auto_now=True)


class Generation(models.Model):
    """A set of applied migrations, known by the digest of its sorted names."""

    digest = models.CharField(max_length=64, primary_key=True)
    migrations = models.JSONField(help_text="sorted pairs of app and name")
    created_at = models.DateTimeField(auto_now_add=True)


class SchemaQuerySet(models.QuerySet["Schema"]):
    def ready(self) -> Self:
        """Members of the pool that a sign-up may take."""
        return self.filter(state=Schema.State.READY)

    def standing(self) -> Self:
        """Schemas that exist in the database, and so are part of the fleet."""
        return self.exclude(state=Schema.State.RESERVED)

    def behind(self, applied: str) -> Self:
        """Standing schemas with another set of migrations than the one named."""
        return self.standing().exclude(applied=applied)


class Schema(models.Model):
    """The ledger: one row for each schema of a tenant, of the pool, and the template.

    Written in the transaction that changes the schema itself, so that the two never disagree.
    """

    class State(models.TextChoices):
        RESERVED = "reserved", "Reserved: only its role is there"
        READY = "ready", "Ready: waits in the pool"
        OWNED = "owned", "Owned by a tenant"
        TEMPLATE = "template", "The template"

    name = models.CharField(max_length=63, primary_key=True, default=new_schema_name)
    # The owner's id to be: the schema's sentinel carries it from the beginning.
    tenant_id = models.UUIDField(unique=True, default=uuid7)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RESERVED)
    applied = models.CharField(
        max_length=64, blank=True, help_text="digest of its migrations, see Generation"
    )
    fingerprint = models.CharField(max_length=64, blank=True, help_text="digest of its catalog")
    # How far an interrupted migration outside a transaction has come: "app.name" and the statements done.
    halfway = models.CharField(max_length=255, blank=True)
    steps = models.PositiveIntegerField(default=0)
    reserved_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    owned_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    objects = SchemaQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["state", "ready_at"], name="fleet_schema_state_ready"),
            # None on applied and fingerprint: a migration changes them in every row, and a row whose indexes need
            # no change costs PostgreSQL a third. A few thousand rows are counted without one.
            models.Index(fields=["failed_at"], name="fleet_schema_failed", condition=~models.Q(failure="")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="reserved") | ~models.Q(applied=""),
                name="fleet_schema_standing_applied",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Recording(models.Model):
    """What one migration sent to one kind of schema, by Django's own executor, and how it can be sent elsewhere."""

    class Lane(models.TextChoices):
        REPLAY = "replay", "Replayed in one transaction a schema"
        STEPS = "steps", "Replayed step by step outside a transaction"
        EXECUTOR = "executor", "Run by Django's executor, schema by schema"

    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    backwards = models.BooleanField(default=False)
    # The kind of schema it was recorded on; it is never replayed onto another kind.
    from_applied = models.CharField(max_length=64)
    from_fingerprint = models.CharField(max_length=64)
    to_applied = models.CharField(max_length=64)
    to_fingerprint = models.CharField(max_length=64)
    rows = models.JSONField(default=list, help_text="pairs of app and name in django_migrations")
    lane = models.CharField(max_length=16, choices=Lane.choices)
    reason = models.TextField(blank=True, help_text="why it cannot be replayed")
    statements = models.JSONField(default=list)
    grants = models.JSONField(default=list, help_text="rights on its new tables")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "name", "backwards", "from_applied", "from_fingerprint"],
                name="fleet_recording_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"


class Run(models.Model):
    """One migration of the fleet; a run whose process died is closed by the next one."""

    class Outcome(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped by failures"
        BROKEN = "broken", "Its process died"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    target = models.CharField(max_length=64, blank=True)
    options = models.JSONField(default=dict)
    schemas = models.PositiveIntegerField(default=0, help_text="how many were behind")
    migrated = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]


class Pool(Singleton):
    """How the filling of the pool goes, for operators."""

    filled_at = models.DateTimeField(null=True, blank=True, help_text="when the task last did its work")
    failed_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    # Sign-ups that found the pool empty and waited for their schema.
    missed = models.PositiveIntegerField(default=0)
    missed_at = models.DateTimeField(null=True, blank=True)

"""How the fleet stands: which schemas are where, what they still need, and how the last run went."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import ProgrammingError
from django.db.models import Count, Q

from shared_apps.fleet.models import TEMPLATE_SCHEMA, Generation, Run, Schema
from shared_apps.fleet.planning import Plan, Step, Target, why_not_replayed
from shared_apps.fleet.public import PublicMigration
from tenants.routers import MIGRATOR_ALIAS


@dataclass(frozen=True)
class Kind:
    """Schemas with the same migrations and the same catalog, and what they still need."""

    applied: str
    fingerprint: str
    schemas: int
    owned: int
    ready: int
    failed: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Standing:
    """The fleet at one moment."""

    public: tuple[Step, ...]
    kinds: tuple[Kind, ...]
    reserved: int
    template: str
    last_run: Run | None

    @property
    def behind(self) -> int:
        """Schemas that need a step."""
        return sum(kind.schemas for kind in self.kinds if kind.steps)


def standing(targets: tuple[Target, ...] = ()) -> Standing:
    """Ask the ledger; no schema is looked at."""
    public = PublicMigration(targets)
    steps = (*public.first, *public.last)
    schemas = Schema.objects.using(MIGRATOR_ALIAS)
    try:
        return Standing(
            steps,
            tuple(_kinds(targets)),
            schemas.filter(state=Schema.State.RESERVED).count(),
            schemas.filter(name=TEMPLATE_SCHEMA).values_list("applied", flat=True).first() or "",
            Run.objects.using(MIGRATOR_ALIAS).first(),
        )
    except ProgrammingError:  # the ledger itself is not there yet
        return Standing(steps, (), 0, "", None)


def is_behind(targets: tuple[Target, ...] = ()) -> bool:
    """Whether `migrate` would have anything to do."""
    now = standing(targets)
    return bool(now.public or now.behind)


def planned(targets: tuple[Target, ...] = ()) -> Iterator[str]:
    """What `migrate` would do, in sentences."""
    now = standing(targets)
    yield from (f"public: {step}" for step in now.public)
    for kind in now.kinds:
        if kind.steps:
            yield f"{kind.schemas} schemas at {kind.applied[:8]}/{kind.fingerprint[:8]}:"
            yield from (f"  {step}: {_way(step)}" for step in kind.steps)
    if not now.public and not now.behind:
        yield "Nothing to do: every schema has every migration."


def _kinds(targets: tuple[Target, ...]) -> Iterator[Kind]:
    plans: dict[str, tuple[Step, ...]] = {}
    for row in _counted():
        applied = row["applied"]
        if applied not in plans:
            known = Generation.objects.using(MIGRATOR_ALIAS).get(digest=applied).migrations
            plans[applied] = tuple(Plan([(app, name) for app, name in known], targets).steps)
        yield Kind(**row, steps=plans[applied])


def _counted() -> Any:
    return (
        Schema.objects.using(MIGRATOR_ALIAS)
        .standing()
        .order_by()
        .values("applied", "fingerprint")
        .annotate(
            schemas=Count("name"),
            owned=Count("name", filter=Q(state=Schema.State.OWNED)),
            ready=Count("name", filter=Q(state=Schema.State.READY)),
            failed=Count("name", filter=~Q(failure="")),
        )
        .order_by("-schemas")
    )


def _way(step: Step) -> str:
    why = why_not_replayed(step)
    if why:
        return f"by Django's executor on each schema ({why})"
    return "replayed in one transaction a schema" if step.is_atomic else "replayed statement by statement"

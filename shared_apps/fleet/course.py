"""The way of each kind of schema: its steps, Django's picture of the models on the way, and what was recorded."""

from collections.abc import Iterable
from dataclasses import replace

from django.db.migrations.state import ProjectState

from shared_apps.fleet.ledger import remember_generation
from shared_apps.fleet.models import Generation, Recording
from shared_apps.fleet.planning import Plan, Step, Target, after, narrowed
from shared_apps.fleet.recording import Kind
from tenants.routers import MIGRATOR_ALIAS


class Course:
    """What one run knows of the ways; each is computed once for all schemas of a kind."""

    def __init__(self, targets: Iterable[Target], *, fake: bool) -> None:
        self._targets, self._fake = tuple(targets), fake
        self._plans: dict[str, Plan] = {}
        self._pictures: dict[str, ProjectState] = {}
        self._states: dict[tuple[str, str], ProjectState] = {}
        self._recordings: dict[tuple[str, Kind], Recording] = {}

    def steps(self, applied: str) -> list[Step]:
        """What schemas with these migrations still need."""
        return self._plan(applied).steps

    def next_step(self, kind: Kind) -> Step | None:
        """The first of them, whose outcome is remembered as a generation before anybody has it."""
        steps = self.steps(kind[0])
        if not steps:
            return None
        remember_generation(steps[0].applied)
        return replace(steps[0], migration=None) if self._fake else steps[0]

    def is_last(self, step: Step, kind: Kind) -> bool:
        """Whether a schema of this kind needs nothing more after the step."""
        return step.applied == self.steps(kind[0])[-1].applied

    def state(self, step: Step, kind: Kind) -> ProjectState:
        """Django's models as the step finds them: a copy, as running a migration changes it."""
        key = (kind[0], str(step))
        if key not in self._states:
            self._states = {key: self._rendered(step, kind)}
        return self._states[key].clone()

    def _rendered(self, step: Step, kind: Kind) -> ProjectState:
        if not step.touches_tenants:
            return ProjectState()  # nothing is run that would look at it
        state = narrowed(self._picture(step, kind), step)
        _ = state.apps  # rendered here once: each copy would do it again
        return state

    def _picture(self, step: Step, kind: Kind) -> ProjectState:
        """All models as the step finds them."""
        if step.backwards:
            return self._plan(kind[0]).state_before(step)
        if kind[0] not in self._pictures:
            self._pictures[kind[0]] = self._plan(kind[0]).state_before(step)
        return self._pictures[kind[0]]

    def recording(self, step: Step, kind: Kind) -> Recording | None:
        """What was recorded of the step on this kind, in this run or an earlier one."""
        key = (str(step), kind)
        if key not in self._recordings and not self._fake:
            found = _found(step, kind)
            if found is not None:
                self._recordings[key] = found
        return self._recordings.get(key)

    def keep(self, step: Step, kind: Kind, recording: Recording) -> None:
        """Keep what a step has sent and where it led. What was faked is never kept as if it were the migration."""
        self._recordings[str(step), kind] = recording
        if not step.backwards and step.migration is not None:
            self._pictures[recording.to_applied] = after(self._picture(step, kind), step.migration)
        if not self._fake:
            _save(recording)

    def _plan(self, applied: str) -> Plan:
        if applied not in self._plans:
            known = Generation.objects.using(MIGRATOR_ALIAS).get(digest=applied).migrations
            self._plans[applied] = Plan([(app, name) for app, name in known], self._targets)
        return self._plans[applied]


def _found(step: Step, kind: Kind) -> Recording | None:
    # The migrations after it are compared too: a squashed one keeps its name and has other rows.
    return (
        Recording.objects.using(MIGRATOR_ALIAS)
        .filter(app=step.app, name=step.name, backwards=step.backwards, to_applied=step.applied_digest)
        .filter(from_applied=kind[0], from_fingerprint=kind[1])
        .first()
    )


def _save(recording: Recording) -> None:
    key = ("app", "name", "backwards", "from_applied", "from_fingerprint")
    Recording.objects.using(MIGRATOR_ALIAS).filter(
        **{name: getattr(recording, name) for name in key}
    ).delete()
    recording.save(using=MIGRATOR_ALIAS)

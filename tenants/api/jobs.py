"""Jobs: work that a request starts and a worker does, in steps that can be taken up again after a kill."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from tenants.api.failures import Failure, failure_of, problem_of
from tenants.api.models import Job
from tenants.audit.actors import Actor
from tenants.audit.services import record

KEPT_FOR: Final = timedelta(days=30)
MOST_ATTEMPTS: Final = 5
# A worker's turn at one job; then others come first, so that long jobs do not keep short ones waiting.
TURN_SECONDS: Final = 20.0
WORKER: Final = Actor.system("job worker")
log = structlog.get_logger("rowhouse.jobs")

Links = Mapping[str, str]


@dataclass(frozen=True)
class JobKind:
    """One kind of work, done step by step.

    `step` does what fits one transaction, counts it in `job.done`, and says whether more is left. `verb` is the right
    that it takes to start it, and to see what came of it; `links` leads to that, where it is more than `result`.
    """

    name: str
    verb: str
    step: Callable[[Job], bool]
    links: Callable[[Job], Links] = lambda job: {}


KINDS: Final[dict[str, JobKind]] = {}


def job_kind(kind: JobKind) -> JobKind:
    """Make a kind known to the workers. Declare it in a module that the app's config loads."""
    KINDS[kind.name] = kind
    return kind


@transaction.atomic
def start_job(*, actor: Actor, kind: JobKind, parameters: dict[str, Any], total: int) -> Job:
    """Write the work down and, once that is committed, hand it to a worker."""
    job = Job(
        kind=kind.name,
        verb=kind.verb,
        parameters=parameters,
        total=total,
        actor_kind=actor.kind,
        actor_id=actor.id,
        created_by=actor.label,
    )
    job.save(force_insert=True)
    record(actor=actor, verb="job.started", target=job, data={"kind": kind.name, "total": total})
    _enqueue(job.pk)
    return job


def requeue_stale_jobs() -> int:
    """Send jobs to the workers again that dead workers and lost messages left behind; returns how many."""
    with transaction.atomic():
        stale = list(Job.objects.stale(timezone.now()).values_list("pk", flat=True))
        for key in stale:
            _enqueue(key)
    return len(stale)


def sweep_jobs(*, now: datetime | None = None) -> int:
    """Forget jobs that ended long ago; returns how many."""
    with transaction.atomic():
        return Job.objects.filter(finished_at__lt=(now or timezone.now()) - KEPT_FOR).delete()[0]


def run_job(job_id: UUID) -> None:
    """Do what is left of a job; returns at once if it is in other hands or has ended."""
    lease = _claim(job_id)
    if lease is None:
        return
    with structlog.contextvars.bound_contextvars(job_id=str(job_id)):
        try:
            end = time.monotonic() + TURN_SECONDS
            while _step(job_id, lease):
                if time.monotonic() > end:
                    _hand_on(job_id, lease)
                    return
        except (OperationalError, InterfaceError):
            # The database went away. The job is taken up again when its lease is stale.
            raise
        except Exception as error:  # noqa: BLE001  (whatever stops a job is told to who asked for it)
            _fail(job_id, lease, error)


def _enqueue(job_id: UUID) -> None:
    from tenants.api.tasks import run_job_task

    # Robust: where the broker is away, the job is there all the same, and the sweep takes it up.
    transaction.on_commit(lambda: run_job_task.delay(str(job_id)), robust=True)


def _claim(job_id: UUID) -> UUID | None:
    now, lease = timezone.now(), uuid4()
    with transaction.atomic():
        # A row that is locked is being worked on this moment, however old its heartbeat looks.
        job = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None or not job.is_claimable(now):
            return None
        job.status, job.lease, job.heartbeat_at = Job.Status.RUNNING, lease, now
        job.attempts, job.started_at = job.attempts + 1, job.started_at or now
        job.save(update_fields=["status", "lease", "heartbeat_at", "attempts", "started_at", "updated_at"])
    return lease


def _held(job_id: UUID, lease: UUID) -> Job | None:
    return Job.objects.select_for_update().filter(pk=job_id, lease=lease).first()


def _step(job_id: UUID, lease: UUID) -> bool:
    """One transaction of work; False when there is no more, or the job is in other hands."""
    with transaction.atomic():
        job = _held(job_id, lease)
        if job is None:
            return False
        if job.attempts > MOST_ATTEMPTS:
            raise StuckJob
        done = job.done
        has_more = KINDS[job.kind].step(job)
        job.attempts = 0 if job.done > done else job.attempts
        job.heartbeat_at = timezone.now()
        if not has_more:
            _end(job, Job.Status.SUCCEEDED, "job.succeeded")
        job.save()
    return has_more


def _hand_on(job_id: UUID, lease: UUID) -> None:
    """Put the job behind what waits in the queue; whoever takes it up goes on where it stands."""
    with transaction.atomic():
        if Job.objects.filter(pk=job_id, lease=lease).update(lease=None):
            _enqueue(job_id)


def _end(job: Job, status: str, verb: str) -> None:
    job.status, job.lease, job.finished_at = status, None, timezone.now()
    job.parameters = {}
    record(actor=WORKER, verb=verb, target=job, data={"kind": job.kind, "done": job.done, "total": job.total})


def _fail(job_id: UUID, lease: UUID, error: Exception) -> None:
    failure = STUCK if isinstance(error, StuckJob) else failure_of(error)
    if failure.status >= 500:
        log.error("job.failed", exc_info=error)
    with transaction.atomic():
        job = _held(job_id, lease)
        if job is not None:
            job.problem = problem_of(failure)
            _end(job, Job.Status.FAILED, "job.failed")
            job.save()


class StuckJob(Exception):
    """Workers died of it again and again."""


STUCK: Final = Failure(
    500,
    "job_stuck",
    f"The worker stopped {MOST_ATTEMPTS} times at the same place. Tell the platform's operators.",
)

"""Jobs: done step by step, taken up after a kill, never done twice."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone

from tenants.api import jobs
from tenants.api.jobs import JobKind, requeue_stale_jobs, run_job, start_job, sweep_jobs
from tenants.api.models import Job
from tenants.audit.models import AuditEntry
from tenants.context import tenant_context, unit_of_work
from tenants.errors import Conflict


@pytest.fixture
def started(acme, actor, monkeypatch):
    """Start a job of three steps that does what is given on each; what was enqueued."""
    sent: list[UUID] = []
    monkeypatch.setattr(jobs, "_enqueue", sent.append)

    def start(each=lambda job: None) -> UUID:
        def step(job: Job) -> bool:
            each(job)
            job.done += 1
            job.result = {"steps": job.done}
            return job.done < job.total

        kind = JobKind("test", "products:write", step)
        monkeypatch.setitem(jobs.KINDS, "test", kind)
        with unit_of_work(acme):
            return start_job(actor=actor, kind=kind, parameters={"a": 1}, total=3).pk

    start.sent = sent  # type: ignore[attr-defined]
    return start


def row(acme, key):
    with unit_of_work(acme):
        return Job.objects.get(pk=key)


def test_a_job_is_done_step_by_step_and_told_of(acme, started):
    key = started()
    assert started.sent == [key]
    with tenant_context(acme):
        run_job(key)
        run_job(key)
    job = row(acme, key)
    assert (job.status, job.done, job.result, job.parameters, job.lease) == (
        "succeeded",
        3,
        {"steps": 3},
        {},
        None,
    )
    with unit_of_work(acme):
        assert [entry.verb for entry in AuditEntry.objects.about(job)] == ["job.succeeded", "job.started"]


def test_a_refusal_ends_it_and_keeps_the_steps_before(acme, started):
    def refuse(job):
        if job.done == 2:
            raise Conflict("Not now.", sku="MUG")

    key = started(refuse)
    with tenant_context(acme):
        run_job(key)
    job = row(acme, key)
    assert (job.status, job.done, job.problem["code"], job.problem["sku"]) == ("failed", 2, "conflict", "MUG")


def test_the_unforeseen_ends_it_without_telling_secrets(acme, started):
    key = started(lambda job: 1 / 0)
    with tenant_context(acme):
        run_job(key)
    assert row(acme, key).problem["code"] == "internal_error"


def test_a_job_whose_worker_died_goes_on_where_it_stood(acme, started):
    died: list[UUID] = []

    def die(job):
        if job.done == 1 and not died:
            died.append(job.pk)
            raise OperationalError

    key = started(die)
    with tenant_context(acme):
        with pytest.raises(OperationalError):
            run_job(key)
        assert (row(acme, key).done, row(acme, key).status) == (1, "running")
        assert requeue_stale_jobs() == 0
        run_job(key)
        assert row(acme, key).done == 1
    with unit_of_work(acme):
        Job.objects.update(heartbeat_at=timezone.now() - jobs.KEPT_FOR)
    with tenant_context(acme):
        assert requeue_stale_jobs() == 1
        assert started.sent == [key, key]
        run_job(key)
    assert (row(acme, key).status, row(acme, key).done) == ("succeeded", 3)


def test_a_long_job_lets_others_come_first(acme, started, monkeypatch):
    key = started()
    monkeypatch.setattr(jobs, "TURN_SECONDS", -1.0)
    with tenant_context(acme):
        run_job(key)
        assert (row(acme, key).status, row(acme, key).done, row(acme, key).lease) == ("running", 1, None)
        run_job(key)
        run_job(key)
    assert (row(acme, key).status, row(acme, key).done, started.sent) == ("succeeded", 3, [key] * 3)


def test_a_job_that_kills_its_workers_is_given_up(acme, started):
    key = started()
    with unit_of_work(acme):
        Job.objects.update(attempts=jobs.MOST_ATTEMPTS)
    with tenant_context(acme):
        run_job(key)
    assert row(acme, key).problem["code"] == "job_stuck"


def test_jobs_are_forgotten_after_a_month(acme, started):
    key = started()
    with tenant_context(acme):
        later = timezone.now() + jobs.KEPT_FOR + timedelta(days=1)
        forget = partial(sweep_jobs, now=later)
        assert forget() == 0
        run_job(key)
        assert sweep_jobs() == 0
        assert forget() == 1

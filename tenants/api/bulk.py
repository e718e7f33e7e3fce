"""Bulk requests: many items at once, all or none, or each by itself; the longest are done by a job."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import Model
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action as routed
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tenants.api import fields
from tenants.api.failures import failure_of, problem_of
from tenants.api.jobs import JobKind, job_kind, start_job
from tenants.api.models import Job
from tenants.api.parsers import MAX_BYTES
from tenants.api.serializers import TenantSerializer
from tenants.api.shapes import BulkResultSerializer, ItemsField, JobDetailSerializer
from tenants.audit.actors import Actor
from tenants.errors import DomainError, Invalid

ATOMIC, EACH = "atomic", "each"
MOST_AT_ONCE: Final = 500
MOST_BY_JOB: Final = 10_000
STEP: Final = 100
MOST_BYTES: Final = 10 * 1024 * 1024
REFUSALS: Final = (DomainError, APIException, IntegrityError, DataError)

Applied = tuple[Model, bool]


class BulkRefused(Invalid):
    code = "bulk_refused"
    title = "Nothing was saved"


@dataclass(frozen=True)
class Outcome:
    """What became of one item."""

    index: int
    status: int
    id: UUID | None = None
    problem: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcomes:
    """What became of all of them."""

    items: Sequence[Outcome]

    @cached_property
    def failed(self) -> int:
        return sum(outcome.problem is not None for outcome in self.items)

    @cached_property
    def succeeded(self) -> int:
        return len(self.items) - self.failed


@dataclass(frozen=True)
class Bulk:
    """One verb for many items: the shape of an item, and what is done with one that is in shape.

    `apply` returns the record and whether it is a new one. `verb` is the right that it takes. `hold` locks what the
    items name, as they were sent, in the one order that everybody keeps: locked item by item, two requests whose items
    stand in another order could each wait for the other.
    """

    name: str
    verb: str
    item: type[TenantSerializer]
    apply: Callable[[Actor, dict[str, Any]], Applied]
    hold: Callable[[Sequence[dict[str, Any]]], None] = lambda items: None

    def __post_init__(self) -> None:
        job_kind(self.job)

    @cached_property
    def job(self) -> JobKind:
        """The kind of job that does what is too long for a request."""
        return JobKind(self.name, self.verb, self._step)

    @cached_property
    def shape(self) -> type[TenantSerializer]:
        """The shape of the request."""
        return type(
            f"{self.name.title().replace('.', '')}Serializer",
            (TenantSerializer,),
            {
                "__module__": self.item.__module__,
                "__doc__": f"Up to {MOST_BY_JOB:,} items; more than {MOST_AT_ONCE} of them are done by a job.",
                "mode": fields.ChoiceField(
                    enum="BulkMode",
                    choices=[ATOMIC, EACH],
                    help_text="atomic: all items or none. each: every item that is right, whatever the others are.",
                ),
                "items": ItemsField(child=self.item(), min_length=1, max_length=MOST_BY_JOB),
            },
        )

    def run(self, *, actor: Actor, mode: str, items: Sequence[dict[str, Any]]) -> Outcomes:
        """Do all items in the present transaction; raises BulkRefused where one of all has to be refused."""
        outcomes = Outcomes(self._each(actor, items))
        if mode == ATOMIC and outcomes.failed:
            raise _refused(outcomes)
        return outcomes

    def _each(self, actor: Actor, items: Sequence[dict[str, Any]], *, begin: int = 0) -> list[Outcome]:
        self.hold(items)
        return [self._one(actor, begin + place, item) for place, item in enumerate(items)]

    def _one(self, actor: Actor, index: int, item: dict[str, Any]) -> Outcome:
        try:
            with transaction.atomic():
                return _done(index, self.apply(actor, self._shaped(item)))
        except REFUSALS as error:
            return _refusal(index, error)

    def _shaped(self, item: dict[str, Any]) -> dict[str, Any]:
        shape = self.item(data=item)
        shape.is_valid(raise_exception=True)
        values: dict[str, Any] = shape.validated_data
        return values

    def _step(self, job: Job) -> bool:
        items, mode = job.parameters["items"], job.parameters["mode"]
        end = len(items) if mode == ATOMIC else min(job.done + STEP, len(items))
        outcomes = Outcomes(self._each(job.actor, items[job.done : end], begin=job.done))
        if mode == ATOMIC and outcomes.failed:
            raise _refused(outcomes)
        _add(job, outcomes)
        job.done = end
        return end < len(items)


@dataclass(frozen=True)
class BulkAtOnce(Bulk):
    """A bulk whose verb takes all items that are in shape together, and judges each of them."""

    apply: Callable[[Actor, Sequence[dict[str, Any]]], Sequence[Applied | DomainError]]  # type: ignore[assignment]

    def _each(self, actor: Actor, items: Sequence[dict[str, Any]], *, begin: int = 0) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        sound: dict[int, dict[str, Any]] = {}
        for index, item in enumerate(items, begin):
            try:
                sound[index] = self._shaped(item)
            except APIException as error:
                outcomes[index] = _refusal(index, error)
        for index, came in zip(sound, self.apply(actor, list(sound.values())) if sound else (), strict=True):
            outcomes[index] = _refusal(index, came) if isinstance(came, DomainError) else _done(index, came)
        return [outcomes[index] for index in sorted(outcomes)]


class TakesBulk:
    """POST …/bulk/ on a list, by the viewset's `bulk_of`."""

    bulk_of: ClassVar[Bulk]
    inputs: ClassVar[dict[str, Any]]
    outputs: ClassVar[dict[str, Any]]
    action: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.inputs = {**cls.inputs, "bulk": cls.bulk_of.shape}
        cls.outputs = {**cls.outputs, "bulk": BulkResultSerializer}
        super().__init_subclass__(**kwargs)

    @property
    def max_body_bytes(self) -> int:
        """How large a body may be."""
        return MOST_BYTES if self.action == "bulk" else MAX_BYTES

    @extend_schema(responses={200: BulkResultSerializer, 202: JobDetailSerializer})
    @routed(detail=False, methods=["post"])
    def bulk(self: Any, request: Request, **path: UUID) -> Response:
        """Do many items at once.

        `mode` says whether one wrong item stops all of them. More than 500 items are answered with 202 and a job.
        """
        given = self.input()
        if len(given["items"]) > MOST_AT_ONCE:
            return _started(self.bulk_of, self.actor, given, request)
        outcomes = self.bulk_of.run(actor=self.actor, **given)
        answer: Response = self.answer(outcomes)
        return answer


def _started(bulk: Bulk, actor: Actor, given: dict[str, Any], request: Request) -> Response:
    job = start_job(actor=actor, kind=bulk.job, parameters=given, total=len(given["items"]))
    job.is_open = True
    where = reverse("job-detail", kwargs={"id": job.pk}, request=request)
    return Response(JobDetailSerializer(job).data, status=202, headers={"Location": where})


def _done(index: int, applied: Applied) -> Outcome:
    record, is_new = applied
    return Outcome(index, 201 if is_new else 200, record.pk)


def _refusal(index: int, error: Exception) -> Outcome:
    failure = failure_of(error)
    if failure.status >= 500:
        raise error
    for each in failure.errors:
        each["pointer"] = f"/items/{index}{each['pointer']}"
    return Outcome(index, failure.status, problem=problem_of(failure))


def _refused(outcomes: Outcomes) -> BulkRefused:
    errors = [error for outcome in outcomes.items for error in _errors(outcome)]
    return BulkRefused(
        f"{outcomes.failed} of {len(outcomes.items)} items are wrong, so none was saved; `errors` names each of them. "
        f'Mend them, or send "mode": "{EACH}" to save the others.',
        errors=errors,
    )


def _errors(outcome: Outcome) -> list[dict[str, Any]]:
    problem = outcome.problem
    if problem is None:
        return []
    whole = {"pointer": f"/items/{outcome.index}", "in": "body", **_only(problem, "code", "detail")}
    return problem.get("errors") or [whole]


def _only(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names}


def _add(job: Job, outcomes: Outcomes) -> None:
    so_far = job.result or {"succeeded": 0, "failed": 0, "items": []}
    items = [{**asdict(outcome), "id": outcome.id and str(outcome.id)} for outcome in outcomes.items]
    job.result = {
        "succeeded": so_far["succeeded"] + outcomes.succeeded,
        "failed": so_far["failed"] + outcomes.failed,
        "items": so_far["items"] + items,
    }

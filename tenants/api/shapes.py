"""Shapes of jobs and of what bulk requests take and tell."""

from typing import Any

from rest_framework import serializers

from tenants.api import fields
from tenants.api.jobs import KINDS
from tenants.api.models import Job
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class ProgressSerializer(TenantSerializer):
    """How far a job is."""

    done = fields.IntegerField(read_only=True)
    total = fields.IntegerField(read_only=True)
    percent = fields.IntegerField(read_only=True)


class JobSerializer(TenantModelSerializer):
    """Work that goes on after its request. Ask for it again until its status is succeeded or failed."""

    progress = ProgressSerializer(read_only=True)

    class Meta:
        model = Job
        fields: Any = (
            "id",
            "kind",
            "status",
            "progress",
            "created_by",
            "created_at",
            "updated_at",
            "started_at",
            "finished_at",
        )
        read_only_fields: Any = fields


class JobDetailSerializer(JobSerializer):
    """A job with what came of it, which needs the right that starting it needs."""

    result = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField()

    class Meta(JobSerializer.Meta):
        fields = (*JobSerializer.Meta.fields, "result", "links", "problem")
        read_only_fields = fields

    def get_result(self, job: Job) -> dict[str, Any] | None:
        """What came of it, as far as it has got."""
        return job.result if job.is_open else None

    def get_links(self, job: Job) -> dict[str, str]:
        """Where to fetch what came of it, by name."""
        kind = KINDS.get(job.kind)
        return dict(kind.links(job)) if kind and job.is_open else {}

    def get_problem(self, job: Job) -> dict[str, Any] | None:
        """Why it failed: a problem as the API answers it."""
        return job.problem if job.is_open else None


class BulkOutcomeSerializer(TenantSerializer):
    """What became of one item."""

    index = fields.IntegerField(read_only=True)
    status = fields.IntegerField(read_only=True, help_text="As if the item had been sent by itself.")
    id = fields.IdField(read_only=True, allow_null=True)
    problem = serializers.SerializerMethodField()

    def get_problem(self, outcome: Any) -> dict[str, Any] | None:
        """Why it was refused; pointers begin at the body of the whole request."""
        return outcome.problem  # type: ignore[no-any-return]


class BulkResultSerializer(TenantSerializer):
    """What became of each item, in the order of the request."""

    succeeded = fields.IntegerField(read_only=True)
    failed = fields.IntegerField(read_only=True)
    items = BulkOutcomeSerializer(many=True, read_only=True)


class ItemsField(serializers.ListField):
    """The items of a bulk request. They are looked at one by one, so that one that is wrong does not hide others."""

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        detail = serializers.ErrorDetail("Each item must be an object in braces {…}.", "not_an_object")
        wrong = {str(index): [detail] for index, item in enumerate(data) if not isinstance(item, dict)}
        if wrong:
            raise serializers.ValidationError(wrong)
        return data

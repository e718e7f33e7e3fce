"""The audit log: one row for each write, never changed (the database grants INSERT and SELECT only)."""

from typing import Self

from django.db import models
from django.utils import timezone

from tenants.models import uuid7


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def about(self, target: models.Model) -> Self:
        """Entries about one record, newest first."""
        return self.filter(target_type=target._meta.label_lower, target_id=target.pk)


class AuditEntry(models.Model):
    """Who did what to which record, when and from where."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=254)
    verb = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64, blank=True)
    target_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["target_id", "-id"], name="audit_target")]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.verb}"

"""What the API itself keeps for its callers."""

from django.db import models

from tenants.models import uuid7


class IdempotencyKey(models.Model):
    """A POST that was done once under a caller's key, with the answer that was given."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credential = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    # Headers and body, sealed: an answer may hold a secret that is shown once.
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["credential", "key"], name="api_idempotencykey_once"),
            models.CheckConstraint(
                condition=models.Q(status=None, answer=None)
                | models.Q(status__isnull=False, answer__isnull=False),
                name="api_idempotencykey_answered",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="api_idempotencykey_created")]

    def __str__(self) -> str:
        return self.key

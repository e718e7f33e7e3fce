"""The keys that sign tokens. The table is in `public`, where no tenant's role may look."""

from django.db import models

from tenants.models import Record


class StoredKey(Record):
    """One key pair, sealed under SECRET_KEY, with the times between which it signs and verifies."""

    kid = models.CharField(max_length=16)
    sealed = models.CharField(max_length=120)
    signs_from = models.DateTimeField()
    verifies_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-signs_from", "-id"]
        indexes = [models.Index(fields=["-signs_from", "-id"], name="keys_storedkey_newest")]
        constraints = [models.UniqueConstraint(fields=["kid"], name="keys_storedkey_kid_unique")]

    def __str__(self) -> str:
        return self.kid

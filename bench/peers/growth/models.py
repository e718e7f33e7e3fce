"""Plants, and how they were cared for."""

from uuid import uuid4

from django.db import models


class Plant(models.Model):
    """What grows."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=100)
    height = models.IntegerField(default=0)
    note = models.CharField(max_length=200, default="")

    def __str__(self) -> str:
        return self.name


class Care(models.Model):
    """One thing that was done to a plant."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    plant = models.ForeignKey(Plant, on_delete=models.CASCADE, related_name="cares")
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "at"], name="growth_care_kind_at")]

    def __str__(self) -> str:
        return self.kind

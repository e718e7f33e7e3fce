"""The models that the zoo's migrations lead to. They make no sense together: each field stands for an operation."""

import datetime
import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres import constraints, indexes
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now, Upper
from django.utils import timezone

from tests.fleet.zoo.managers import KeeperManager


class Keeper(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)
    note = models.CharField(max_length=500, null=True)
    phone = models.CharField(max_length=20, default="it's 100% missing")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    badge = models.CharField(max_length=9, null=True, db_collation="posix", db_comment="the badge")
    shift = models.IntegerField(null=True)
    shoes = models.CharField(max_length=5, null=True)

    everyone = KeeperManager()

    class Meta:
        ordering = ["name"]
        verbose_name = "attendant"

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    word = models.CharField(max_length=30, unique=True)
    sorted = models.CharField(max_length=20, db_collation="C", null=True)
    weight = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(Upper("word"), name="zoo_label_upper"),
            models.Index(fields=["weight"], name="zoo_label_weight"),
            indexes.GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="zoo_label_similar"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["sorted", "word"], nulls_distinct=False, name="zoo_label_sorted")
        ]

    def __str__(self) -> str:
        return self.word


class Animal(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    legs = models.BigIntegerField(db_comment='it\'s "counted"')
    born = models.DateField(null=True)
    keeper = models.ForeignKey(Keeper, models.CASCADE, related_name="animals", db_index=False)
    favourite = models.ForeignKey(Label, models.SET_NULL, null=True, related_name="+")
    mother = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    friends = models.ManyToManyField("self", through="Friendship")
    sound = models.CharField(max_length=20, default="", choices=[("", "none")], help_text="%s")
    age = models.PositiveIntegerField(default=7, db_default=3)
    facts = models.JSONField(default=dict)
    names = ArrayField(models.CharField(max_length=10), default=list)
    tame = models.BooleanField(default=True)
    picture = models.BinaryField(default=b"\x00\x01%s")
    mood = models.CharField(max_length=10, default="calm")

    class Meta:
        db_table = "zoo_beast"
        db_table_comment = "it's who lives here"
        order_with_respect_to = "keeper"
        indexes = [
            models.Index(fields=["-legs", "name"], name="zoo_animal_legs"),
            models.Index(fields=["born"], include=["name"], name="zoo_animal_born"),
            models.Index(
                fields=["age"], condition=Q(tame=True) & ~Q(name="it's 100%"), name="zoo_animal_age"
            ),
            models.Index(Upper("name"), F("legs").desc(nulls_last=True), name="zoo_animal_upper"),
            indexes.GinIndex(fields=["facts"], fastupdate=False, name="zoo_animal_facts"),
            indexes.HashIndex(fields=["mood"], fillfactor=70, name="zoo_animal_mood"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(legs__gte=0) & Q(legs__lte=1000), name="zoo_animal_legs_count"
            ),
            models.UniqueConstraint(fields=["name", "keeper"], name="zoo_animal_once"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(tame=True), include=["age"], name="zoo_animal_tame_once"
            ),
            models.CheckConstraint(condition=Q(age__lt=500), name="zoo_animal_age_below"),
        ]

    def __str__(self) -> str:
        return self.name


class Friendship(models.Model):
    id = models.BigAutoField(primary_key=True)
    from_animal = models.ForeignKey(Animal, models.CASCADE, related_name="+")
    to_animal = models.ForeignKey(Animal, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.from_animal} and {self.to_animal}"


class Bird(Animal):
    wings = models.FloatField(default=2.5)


class Ticket(models.Model):
    id = models.BigAutoField(primary_key=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    code = models.IntegerField()
    valid_for = models.DurationField(default=datetime.timedelta(days=1))
    sold_at = models.DateTimeField(db_default=Now())
    serial = models.UUIDField(db_default=Func(function="gen_random_uuid", output_field=models.UUIDField()))
    gross = models.GeneratedField(
        expression=F("price") * 3,
        output_field=models.DecimalField(max_digits=12, decimal_places=2),
        db_persist=True,
    )

    class Meta:
        indexes = [indexes.BrinIndex(fields=["sold_at"], pages_per_range=4, name="zoo_ticket_sold")]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="zoo_ticket_price")]

    def __str__(self) -> str:
        return str(self.code)


class Entry(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    ticket = models.ForeignKey(Ticket, models.CASCADE)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.at)


class Cage(models.Model):
    id = models.SmallAutoField(primary_key=True)
    name = models.TextField()
    row = models.SmallIntegerField()
    length = models.FloatField()
    guard = models.ForeignKey(Keeper, models.DO_NOTHING, null=True, db_constraint=False)
    key = models.UUIDField(default=uuid.uuid4)
    cleaned_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "zoo_enclosure"
        unique_together = [("row", "key")]
        indexes = [models.Index(fields=["name", "row"], name="zoo_cage_name_row")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name=""), name="zoo_cage_named", violation_error_message="Give it a name."
            ),
            models.UniqueConstraint(
                fields=["row", "length"], deferrable=models.Deferrable.DEFERRED, name="zoo_cage_place"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Visit(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    animal = models.ForeignKey(Animal, models.CASCADE)
    visitor = models.ForeignKey(Keeper, models.CASCADE)
    during = DateTimeRangeField(null=True)

    class Meta:
        indexes = [indexes.GistIndex(fields=["during"], name="zoo_visit_during")]
        constraints = [
            constraints.ExclusionConstraint(
                name="zoo_visit_alone",
                expressions=[("during", RangeOperators.OVERLAPS), ("animal", RangeOperators.EQUAL)],
                condition=Q(during__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.during)

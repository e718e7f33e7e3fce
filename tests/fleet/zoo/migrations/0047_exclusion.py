from django.contrib.postgres import constraints
from django.contrib.postgres.fields import ranges
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("zoo", "0046_unique")]

    operations = [
        migrations.AddConstraint("visit", constraints.ExclusionConstraint(name="zoo_visit_alone", expressions=[("during", ranges.RangeOperators.OVERLAPS), ("animal", ranges.RangeOperators.EQUAL)], condition=Q(during__isnull=False))),
        migrations.AddConstraint("visit", constraints.ExclusionConstraint(name="zoo_visit_keeper", expressions=[("during", "&&"), ("visitor", "=")], deferrable=models.Deferrable.IMMEDIATE)),
    ]

import uuid

from django.contrib.postgres.fields import ranges
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0003_relations")]

    operations = [
        migrations.CreateModel("Visit", [
            ("id", models.UUIDField(primary_key=True, serialize=False, default=uuid.uuid4)),
            ("animal", models.ForeignKey("zoo.Animal", models.CASCADE)),
            ("keeper", models.ForeignKey("zoo.Keeper", models.CASCADE)),
            ("during", ranges.DateTimeRangeField(null=True)),
        ]),
        migrations.AddField("animal", "visitors", models.ManyToManyField("zoo.Keeper", through="zoo.Visit", related_name="+")),
    ]

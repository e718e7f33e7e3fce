from django.contrib.postgres import operations as pg
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("zoo", "0053_concurrently_removed")]

    operations = [
        migrations.AddField("label", "weight", models.IntegerField(default=1)),
        pg.AddIndexConcurrently("label", models.Index(fields=["weight"], name="zoo_label_weight")),
        migrations.RunSQL("UPDATE zoo_label SET weight = 2", migrations.RunSQL.noop),
    ]

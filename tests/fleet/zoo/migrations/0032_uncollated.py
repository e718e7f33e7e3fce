from django.contrib.postgres import operations as pg
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0031_collated")]

    operations = [
        migrations.AlterField("cage", "name", models.TextField()),
        pg.RemoveCollation("plain", "C"),
        pg.CreateCollation("posix", "POSIX"),
        migrations.AlterField("keeper", "badge", models.CharField(max_length=9, null=True, db_collation="posix", db_comment="the badge")),
    ]

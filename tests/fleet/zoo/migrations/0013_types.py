from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0012_unique_null")]

    operations = [
        migrations.AlterField("animal", "legs", models.BigIntegerField()),
        migrations.AlterField("keeper", "note", models.CharField(max_length=500, null=True)),
        migrations.AlterField("cage", "name", models.TextField()),
        migrations.AlterField("ticket", "code", models.IntegerField()),
    ]

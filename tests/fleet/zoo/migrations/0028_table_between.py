from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0027_key_type")]

    operations = [
        migrations.AlterField("animal", "tags", models.ManyToManyField("zoo.Tag", db_table="zoo_labels")),
    ]
